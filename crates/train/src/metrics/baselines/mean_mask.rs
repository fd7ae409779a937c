//! The mean of the training masks.

use super::super::{MetricsError, VOID, same_length};
use super::check;
use crate::metrics::road::ROAD;

/// Most pixels along a picture's side.
const MAX_SIDE: usize = 1 << 15;

/// For each pixel the share of training pictures that have road there.
///
/// ```
/// use upconv_train::metrics::baselines::MeanMask;
/// let mut mean = MeanMask::new(1, 3)?;
/// mean.add(&[1, 1, 0], 1, 3)?;
/// mean.add(&[1, 0, 255], 1, 3)?;
/// assert_eq!(mean.probabilities(1, 3)?, [1.0, 0.5, 0.0]);
/// // Other sizes take the nearest pixel.
/// assert_eq!(mean.probabilities(1, 6)?, [1.0, 1.0, 0.5, 0.5, 0.0, 0.0]);
/// # Ok::<(), upconv_train::metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeanMask {
    height: usize,
    width: usize,
    /// Pictures with road, and pictures that are not void there.
    counts: Vec<[u32; 2]>,
}

impl MeanMask {
    /// No pictures yet; the mean is kept for this size.
    ///
    /// # Errors
    /// If a side is 0 or above 32,768 pixels.
    pub fn new(height: usize, width: usize) -> Result<Self, MetricsError> {
        check_size(height, width)?;
        Ok(Self { height, width, counts: vec![[0; 2]; height * width] })
    }

    /// Adds a training mask, which may have another size.
    ///
    /// # Errors
    /// If it does not fit its size or has other labels than road, other and void.
    pub fn add(&mut self, labels: &[u8], height: usize, width: usize) -> Result<(), MetricsError> {
        check_size(height, width)?;
        same_length("labels", labels.len(), height * width)?;
        check(labels)?;
        for row in 0..self.height {
            for column in 0..self.width {
                let from =
                    nearest(row, self.height, height) * width + nearest(column, self.width, width);
                let label = labels[from];
                let [road, all] = &mut self.counts[row * self.width + column];
                *road += u32::from(label == ROAD);
                *all += u32::from(label != VOID);
            }
        }
        Ok(())
    }

    /// The mean for pictures of a size: `[height, width]`; 0 where no picture said anything.
    ///
    /// # Errors
    /// As [`MeanMask::new`].
    pub fn probabilities(&self, height: usize, width: usize) -> Result<Vec<f32>, MetricsError> {
        check_size(height, width)?;
        let mut probabilities = Vec::with_capacity(height * width);
        for row in 0..height {
            for column in 0..width {
                let from = nearest(row, height, self.height) * self.width
                    + nearest(column, width, self.width);
                let [road, all] = self.counts[from];
                probabilities.push(road as f32 / all.max(1) as f32);
            }
        }
        Ok(probabilities)
    }
}

fn check_size(height: usize, width: usize) -> Result<(), MetricsError> {
    let limit = MAX_SIDE;
    match (1..=limit).contains(&height) && (1..=limit).contains(&width) {
        true => Ok(()),
        false => Err(MetricsError::Size { width, height, limit }),
    }
}

/// The cell of an axis of `to` cells that has the centre of cell `index` of `from`. Below `to`, as
/// `2 index + 1 < 2 from`.
fn nearest(index: usize, from: usize, to: usize) -> usize {
    (2 * index + 1) * to / (2 * from)
}
