//! Segmentation data as a loader takes it: changed anew in each epoch, stacked to batches.

use super::segmentation::Segmentation;
use super::{Labelled, Pair};
use crate::Size;
use crate::augment::{Augment, Augmented, Flip};
use crate::error::{DataError, Result};
use crate::loader::{Cache, Source};
use crate::random::Random;

/// Items of a data set, changed as [`Augment`] says.
///
/// With [`Flip::Both`] there are two items for each image: `2 * i` is the image, `2 * i + 1` its mirror
/// image.
#[derive(Debug)]
pub struct LabelledSource {
    data: Segmentation,
    augment: Augment,
    cache: Cache<Labelled>,
}

impl LabelledSource {
    /// `cache` is how many bytes of decoded images are kept in memory, so that they are not decoded
    /// again in each epoch; 0 for none.
    ///
    /// # Errors
    /// If a setting has no meaning.
    pub fn new(data: Segmentation, augment: Augment, cache: u64) -> Result<Self> {
        augment.check()?;
        let cache = Cache::new(data.pairs.len(), cache);
        Ok(Self { data, augment, cache })
    }

    /// The data.
    pub fn data(&self) -> &Segmentation {
        &self.data
    }

    /// The image that an item is made of, and whether it is mirrored.
    fn image(&self, index: usize) -> (usize, bool) {
        match self.augment.flip {
            Flip::Both => (index / 2, index % 2 == 1),
            Flip::Off | Flip::Random => (index, false),
        }
    }

    /// The files of an item.
    pub fn pair(&self, index: usize) -> Option<&Pair> {
        self.data.pairs.get(self.image(index).0)
    }
}

/// An item as a network takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledItem {
    /// Rows and columns.
    pub size: Size,
    /// `[3, height, width]`: red, green, blue, in 0..255.
    pub image: Vec<f32>,
    /// `[height, width]`
    pub labels: Vec<u8>,
}

/// Several images of one size and their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledBatch {
    /// Images.
    pub count: usize,
    /// Rows and columns of each.
    pub size: Size,
    /// `[count, 3, height, width]`: red, green, blue, in 0..255, as in files; networks shift and scale
    /// them as they were trained.
    pub images: Vec<f32>,
    /// `[count, height, width]`: classes from 0, and [`VOID`](super::VOID).
    pub labels: Vec<u8>,
}

impl Source for LabelledSource {
    type Item = LabelledItem;
    type Batch = LabelledBatch;

    fn len(&self) -> usize {
        let images = self.data.pairs.len();
        if self.augment.flip == Flip::Both { images.saturating_mul(2) } else { images }
    }

    fn name(&self, index: usize) -> String {
        let (_, mirrored) = self.image(index);
        let name = self
            .pair(index)
            .map_or_else(|| index.to_string(), |pair| pair.image.display().to_string());
        if mirrored { format!("{name} (mirrored)") } else { name }
    }

    fn load(&self, index: usize, random: &mut Random) -> Result<LabelledItem> {
        let (image, mirrored) = self.image(index);
        let photo = self.cache.get(image, Labelled::bytes, || self.data.load(image))?;
        let changed = self.augment.apply(&photo, mirrored, random);
        let Augmented { size, rgb, labels } = changed.map_err(|error| match self.pair(index) {
            Some(pair) => error.in_file(&pair.image),
            None => error,
        })?;
        Ok(LabelledItem { size, image: planes(&rgb)?, labels })
    }

    fn stack(&self, items: Vec<LabelledItem>, indices: &[usize]) -> Result<LabelledBatch> {
        let count = items.len();
        let size = items.first().map_or(Size { height: 0, width: 0 }, |item| item.size);
        if let Some(other) = items.iter().position(|item| item.size != size) {
            let name =
                |at: usize| indices.get(at).map_or_else(String::new, |&index| self.name(index));
            return Err(DataError::BatchSizes {
                first: name(0),
                first_size: size,
                other: name(other),
                other_size: items[other].size,
            });
        }
        let mut items = items.into_iter();
        let Some(LabelledItem { mut image, mut labels, .. }) = items.next() else {
            return Ok(LabelledBatch { count, size, images: Vec::new(), labels: Vec::new() });
        };
        let more = (count - 1).saturating_mul(image.len());
        let bytes = 4 * more as u64;
        image.try_reserve_exact(more).map_err(|_| DataError::Memory { bytes })?;
        for item in items {
            image.extend(item.image);
            labels.extend(item.labels);
        }
        Ok(LabelledBatch { count, size, images: image, labels })
    }
}

/// `[height, width, 3] -> [3, height, width]`
fn planes(rgb: &[f32]) -> Result<Vec<f32>> {
    let mut planes = super::labelled::zeros(rgb.len())?;
    // At least one pixel, so that chunks are not empty.
    for (channel, plane) in planes.chunks_exact_mut(rgb.len() / 3).enumerate() {
        for (value, pixel) in plane.iter_mut().zip(rgb.chunks_exact(3)) {
            *value = pixel[channel];
        }
    }
    Ok(planes)
}
