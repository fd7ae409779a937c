//! A few rows and columns cut away at one corner.

use serde::{Deserialize, Serialize};

use crate::Size;
use crate::datasets::Labelled;
use crate::error::Result;
use crate::random::Random;

/// How often and how much is cut.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SoftCrop {
    /// How often, in 0..1.
    pub chance: f64,
    /// Most rows, and most columns.
    pub max: usize,
}

impl Default for SoftCrop {
    /// KittiSeg's: 0.8, 32.
    fn default() -> Self {
        Self { chance: 0.8, max: 32 }
    }
}

/// What is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Whether they are the first ones, or else the last.
    pub first: bool,
}

impl SoftCrop {
    /// Draws what is cut, if anything: 1 to `max` rows and as many columns, the first or the last of
    /// both.
    ///
    /// # Source
    /// `random_crop` of inputs/kitti_seg_input.py, MarvinTeichmann/KittiSeg.
    pub fn draw(self, random: &mut Random) -> Option<Cut> {
        random.chance(self.chance).then(|| Cut {
            rows: random.range(1, self.max),
            columns: random.range(1, self.max),
            first: random.chance(0.5),
        })
    }
}

/// The photo without these rows and columns; one row and one column are left at least.
///
/// # Errors
/// If the memory cannot be had.
///
/// ```
/// use upconv_data::{Size, augment::soft_crop, datasets::Labelled};
/// let size = Size { height: 2, width: 3 };
/// let photo = Labelled::new(size, (0..18).collect(), (0..6).collect())?;
/// let cut = |first| soft_crop::Cut { rows: 1, columns: 1, first };
/// assert_eq!(soft_crop::cut(&photo, cut(true))?.labels(), [4, 5]);
/// assert_eq!(soft_crop::cut(&photo, cut(false))?.labels(), [0, 1]);
/// # Ok::<(), upconv_data::DataError>(())
/// ```
pub fn cut(photo: &Labelled, cut: Cut) -> Result<Labelled> {
    let Size { height, width } = photo.size();
    let (rows, columns) = (cut.rows.min(height - 1), cut.columns.min(width - 1));
    let size = Size { height: height - rows, width: width - columns };
    let (top, left) = if cut.first { (rows, columns) } else { (0, 0) };
    photo.taken(size, |row, column| Some((top + row, left + column)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::tests::{assert_aligned, placed, random};

    #[test]
    fn labels_stay_with_their_pixels() {
        let photo = placed(Size { height: 9, width: 13 });
        for first in [true, false] {
            let small = cut(&photo, Cut { rows: 4, columns: 2, first }).unwrap();
            assert_eq!(small.size(), Size { height: 5, width: 11 });
            assert_aligned(&small);
        }
        // More than there is leaves one pixel: the last or the first.
        let all = |first| cut(&photo, Cut { rows: 32, columns: 32, first }).unwrap();
        assert_eq!(all(true).rgb()[..2], [8, 12]);
        assert_eq!(all(false).rgb()[..2], [0, 0]);
    }

    #[test]
    fn what_is_drawn() {
        let mut random = random(1);
        let drawn: Vec<Option<Cut>> =
            (0..10_000).map(|_| SoftCrop::default().draw(&mut random)).collect();
        let cuts: Vec<Cut> = drawn.iter().flatten().copied().collect();
        // 0.8, within five deviations of 40.
        assert!((cuts.len() as f64 - 8000.0).abs() < 200.0, "{}", cuts.len());
        let first = cuts.iter().filter(|cut| cut.first).count() as f64;
        assert!((first - cuts.len() as f64 / 2.0).abs() < 225.0, "{first}");
        let rows: std::collections::BTreeSet<usize> = cuts.iter().map(|cut| cut.rows).collect();
        let columns: std::collections::BTreeSet<usize> =
            cuts.iter().map(|cut| cut.columns).collect();
        assert!(rows.into_iter().eq(1..=32) && columns.into_iter().eq(1..=32));
        assert_eq!(SoftCrop { chance: 0.0, max: 32 }.draw(&mut random), None);
    }
}
