//! The share of road for each colour.

use super::super::{MetricsError, same_length};
use super::each_pixel;

/// Bits that are kept of each channel.
const BITS: usize = 5;

/// For each of 32 x 32 x 32 colours the share of road among the training pixels.
///
/// ```
/// use upconv_train::metrics::baselines::ColourTable;
/// let mut table = ColourTable::new();
/// let (grey, green) = ([90, 90, 90], [40, 120, 30]);
/// // Three pixels of grey, of which two are road, and one of green.
/// table.add(&[grey, grey, grey, green].concat(), &[1, 1, 0, 0])?;
/// let found = table.probabilities(&[grey, green].concat())?;
/// // A pixel at the share of all pixels, 1/2, is thrown in: 2.5 of 4, and 0.5 of 2.
/// assert_eq!(found, [0.625, 0.25]);
/// # Ok::<(), upconv_train::metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColourTable {
    /// Pixels of road, and all pixels.
    counts: Vec<[u64; 2]>,
    all: [u64; 2],
}

impl Default for ColourTable {
    fn default() -> Self {
        Self::new()
    }
}

impl ColourTable {
    /// No pixels yet.
    pub fn new() -> Self {
        Self { counts: vec![[0; 2]; 1 << (3 * BITS)], all: [0; 2] }
    }

    /// Adds a training picture: `rgb: [height, width, 3]`, and its labels.
    ///
    /// # Errors
    /// If the lengths do not fit or there are other labels than road, other and void.
    pub fn add(&mut self, rgb: &[u8], labels: &[u8]) -> Result<(), MetricsError> {
        each_pixel(rgb, labels, |pixel, is_road| {
            for counts in [&mut self.counts[bin(pixel)], &mut self.all] {
                counts[0] += u64::from(is_road);
                counts[1] += 1;
            }
        })
    }

    /// The share of road for the colour of each pixel. One pixel at the mean share is added to each
    /// colour, so that rare ones do not go to extremes.
    ///
    /// # Errors
    /// If the length is no multiple of 3.
    pub fn probabilities(&self, rgb: &[u8]) -> Result<Vec<f32>, MetricsError> {
        let (pixels, rest) = rgb.as_chunks();
        same_length("rgb", rgb.len(), rgb.len() - rest.len())?;
        let [road, all] = self.all.map(|count| count as f64);
        let mean = road / all.max(1.0);
        let share = |&pixel: &[u8; 3]| {
            let [road, all] = self.counts[bin(pixel)].map(|count| count as f64);
            ((road + mean) / (all + 1.0)) as f32
        };
        Ok(pixels.iter().map(share).collect())
    }
}

/// Below 2^15.
fn bin(pixel: [u8; 3]) -> usize {
    pixel.iter().fold(0, |bin, &value| bin << BITS | usize::from(value >> (8 - BITS)))
}
