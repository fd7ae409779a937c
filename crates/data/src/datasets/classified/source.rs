//! Classification data as a loader takes it: shifted and mirrored anew in each epoch, stacked to batches.

use serde::{Deserialize, Serialize};

use super::Classified;
use crate::error::{DataError, Result};
use crate::loader::{Cache, Source};
use crate::random::Random;
use crate::{Picture, Size};

/// What is done to a picture of a training batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Jitter {
    /// Most cells that it moves by, along each axis and either way; zeros of the network's input come in.
    ///
    /// He and others (2015), section 4.2: 4 cells on each side, and a crop of the old size.
    pub shift: usize,
    /// Whether every other picture is mirrored.
    pub flip: bool,
}

/// Makes a picture into a network's input, `[channels, height, width]` of one size for all.
pub type Prepare = Box<dyn Fn(&Picture) -> Result<Vec<f32>> + Send + Sync>;

/// Pictures of a part, ready for a network.
pub struct ClassifiedSource {
    data: Classified,
    /// Of what `prepare` gives.
    size: Size,
    prepare: Prepare,
    jitter: Jitter,
    cache: Cache<Vec<f32>>,
}

impl std::fmt::Debug for ClassifiedSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClassifiedSource").field("size", &self.size).finish_non_exhaustive()
    }
}

impl ClassifiedSource {
    /// `prepare` gives inputs of `size`. Of photos, `cache` bytes of inputs are kept in memory; pictures that are in memory
    /// already need none.
    pub fn new(data: Classified, size: Size, prepare: Prepare, jitter: Jitter, cache: u64) -> Self {
        let cache = if data.size().is_some() { 0 } else { cache };
        let cache = Cache::new(data.len(), cache);
        Self { data, size, prepare, jitter, cache }
    }

    /// The data.
    pub fn data(&self) -> &Classified {
        &self.data
    }
}

/// Several pictures and their classes.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassifiedBatch {
    /// `[n, channels, height, width]`
    pub images: Vec<f32>,
    /// `[n]`
    pub labels: Vec<u8>,
}

impl Source for ClassifiedSource {
    type Item = (Vec<f32>, u8);
    type Batch = ClassifiedBatch;

    fn len(&self) -> usize {
        self.data.len()
    }

    fn name(&self, index: usize) -> String {
        self.data.name(index)
    }

    fn load(&self, index: usize, random: &mut Random) -> Result<Self::Item> {
        let bytes = |input: &Vec<f32>| 4 * input.len() as u64;
        let load = || (self.prepare)(&self.data.load(index)?);
        let input = self.cache.get(index, bytes, load)?;
        let label = self.data.label(index).unwrap_or_default();
        let Jitter { shift, flip } = self.jitter;
        if shift == 0 && !flip {
            return Ok((input.to_vec(), label));
        }
        let place = [random.range(0, 2 * shift), random.range(0, 2 * shift)];
        let mirrored = flip && random.chance(0.5);
        Ok((moved(&input, self.size, shift, place, mirrored)?, label))
    }

    fn stack(&self, items: Vec<Self::Item>, _: &[usize]) -> Result<ClassifiedBatch> {
        let cells = items.first().map_or(0, |(image, _)| image.len());
        let mut images = Vec::new();
        let all = cells.saturating_mul(items.len());
        let bytes = 4 * all as u64;
        images.try_reserve_exact(all).map_err(|_| DataError::Memory { bytes })?;
        let mut labels = Vec::with_capacity(items.len());
        for (image, label) in items {
            images.extend_from_slice(&image);
            labels.push(label);
        }
        Ok(ClassifiedBatch { images, labels })
    }
}

/// Planes cut out of themselves with `shift` zeros around them, from `place` on; then mirrored, if so.
fn moved(
    planes: &[f32],
    Size { height, width }: Size,
    shift: usize,
    [top, left]: [usize; 2],
    mirrored: bool,
) -> Result<Vec<f32>> {
    let mut out = crate::datasets::labelled::zeros(planes.len())?;
    let cells = (height * width).max(1);
    for (from, to) in planes.chunks_exact(cells).zip(out.chunks_exact_mut(cells)) {
        for (row, to) in to.chunks_exact_mut(width).enumerate() {
            let Some(row) = (row + top).checked_sub(shift).filter(|&row| row < height) else {
                continue;
            };
            let from = &from[row * width..][..width];
            for (column, value) in to.iter_mut().enumerate() {
                let column = if mirrored { width - 1 - column } else { column };
                if let Some(&there) = (column + left).checked_sub(shift).and_then(|at| from.get(at))
                {
                    *value = there;
                }
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// numpy.pad of [[1, 2], [3, 4]] by 1, cut from (0, 1) on, and mirrored.
    #[test]
    fn zeros_come_in() {
        let size = Size { height: 2, width: 2 };
        let planes = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        let still = moved(&planes, size, 1, [1, 1], false).unwrap();
        assert_eq!(still, planes);
        let up = moved(&planes, size, 1, [0, 1], false).unwrap();
        assert_eq!(up, [0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 5.0, 6.0]);
        let left = moved(&planes, size, 1, [1, 2], false).unwrap();
        assert_eq!(left, [2.0, 0.0, 4.0, 0.0, 6.0, 0.0, 8.0, 0.0]);
        let mirrored = moved(&planes, size, 1, [1, 2], true).unwrap();
        assert_eq!(mirrored, [0.0, 2.0, 0.0, 4.0, 0.0, 6.0, 0.0, 8.0]);
    }
}
