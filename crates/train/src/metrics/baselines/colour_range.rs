//! The best rule of one line: a channel of colour between two thresholds.

use super::super::{MetricsError, same_length};
use super::each_pixel;
use crate::metrics::road::Counts;

/// A number from 0 to 255 that is computed from a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Red.
    Red,
    /// Green.
    Green,
    /// Blue.
    Blue,
    /// The largest of the three.
    Value,
    /// 255 times the largest less the smallest, by the largest; 0 for black.
    Saturation,
    /// The angle on the colour circle, 0 red, 85 green, 170 blue; 0 for greys.
    Hue,
    /// Green less red, halved, above 128.
    GreenLessRed,
    /// Blue less red, halved, above 128.
    BlueLessRed,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Red,
        Self::Green,
        Self::Blue,
        Self::Value,
        Self::Saturation,
        Self::Hue,
        Self::GreenLessRed,
        Self::BlueLessRed,
    ];

    /// The number of a colour.
    ///
    /// ```
    /// use upconv_train::metrics::baselines::Channel;
    /// let olive = [100, 80, 20];
    /// assert_eq!(Channel::Value.of(olive), 100);
    /// // 255 * (100 - 20) / 100.
    /// assert_eq!(Channel::Saturation.of(olive), 204);
    /// // A sixth of the circle starts at red; green is 60 of 80 along it: 255 / 6 * 3 / 4 = 31.9.
    /// assert_eq!(Channel::Hue.of(olive), 31);
    /// assert_eq!(Channel::GreenLessRed.of(olive), 118);
    /// ```
    pub fn of(self, rgb: [u8; 3]) -> u8 {
        let [red, green, blue] = rgb.map(i32::from);
        let (largest, smallest) = (red.max(green).max(blue), red.min(green).min(blue));
        let range = largest - smallest;
        let value = match self {
            Self::Red => red,
            Self::Green => green,
            Self::Blue => blue,
            Self::Value => largest,
            Self::Saturation => 255 * range / largest.max(1),
            Self::Hue if range == 0 => 0,
            Self::Hue => {
                // Sixths of the circle, times the range.
                let sixths = match largest {
                    _ if largest == red => (green - blue).rem_euclid(6 * range),
                    _ if largest == green => 2 * range + blue - red,
                    _ => 4 * range + red - green,
                };
                255 * sixths / (6 * range)
            }
            Self::GreenLessRed => 128 + (green - red) / 2,
            Self::BlueLessRed => 128 + (blue - red) / 2,
        };
        // Each of these is from 0 to 255.
        value.clamp(0, 255) as u8
    }
}

/// Road is what has a channel in a range, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColourRange {
    /// The channel.
    pub channel: Channel,
    /// The least number.
    pub low: u8,
    /// The greatest number.
    pub high: u8,
}

impl ColourRange {
    /// 1 for pixels in the range, 0 for others.
    ///
    /// # Errors
    /// If the length is no multiple of 3.
    pub fn probabilities(&self, rgb: &[u8]) -> Result<Vec<f32>, MetricsError> {
        let (pixels, rest) = rgb.as_chunks();
        same_length("rgb", rgb.len(), rgb.len() - rest.len())?;
        let range = self.low..=self.high;
        let inside =
            |&pixel: &[u8; 3]| f32::from(u8::from(range.contains(&self.channel.of(pixel))));
        Ok(pixels.iter().map(inside).collect())
    }
}

/// Counts the training pixels by each channel.
///
/// ```
/// use upconv_train::metrics::baselines::{Channel, ColourRange, ColourRangeFit};
/// let mut fit = ColourRangeFit::new();
/// // Road is of a middling red; the other channels are the same everywhere.
/// let row = [[49, 9, 9], [50, 9, 9], [60, 9, 9], [61, 9, 9]].concat();
/// fit.add(&row, &[0, 1, 1, 0])?;
/// let best = fit.best();
/// assert_eq!(best, ColourRange { channel: Channel::Red, low: 50, high: 60 });
/// assert_eq!(best.probabilities(&row)?, [0.0, 1.0, 1.0, 0.0]);
/// # Ok::<(), upconv_train::metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColourRangeFit {
    /// For each channel and number the pixels of road, and of others.
    counts: Vec<[[u64; 2]; 256]>,
}

impl Default for ColourRangeFit {
    fn default() -> Self {
        Self::new()
    }
}

impl ColourRangeFit {
    /// No pixels yet.
    pub fn new() -> Self {
        Self { counts: vec![[[0; 2]; 256]; Channel::ALL.len()] }
    }

    /// Adds a training picture: `rgb: [height, width, 3]`, and its labels.
    ///
    /// # Errors
    /// If the lengths do not fit or there are other labels than road, other and void.
    pub fn add(&mut self, rgb: &[u8], labels: &[u8]) -> Result<(), MetricsError> {
        each_pixel(rgb, labels, |pixel, is_road| {
            for (channel, counts) in Channel::ALL.iter().zip(&mut self.counts) {
                counts[usize::from(channel.of(pixel))][usize::from(!is_road)] += 1;
            }
        })
    }

    /// The range with the largest F1 on the training pixels, over all channels and pairs of ends; the
    /// first of equal ones, and the shortest that begins there.
    pub fn best(&self) -> ColourRange {
        let mut best = ColourRange { channel: Channel::Red, low: 0, high: 255 };
        let mut largest = -1.0;
        for (&channel, counts) in Channel::ALL.iter().zip(&self.counts) {
            let all = counts.iter().fold(0, |sum, [road, _]| sum + road);
            for low in 0..=255u8 {
                let mut found = Counts::default();
                for high in low..=255 {
                    let [road, other] = counts[usize::from(high)];
                    found.true_positives += road;
                    found.false_positives += other;
                    found.false_negatives = all - found.true_positives;
                    if found.f1() > largest {
                        largest = found.f1();
                        best = ColourRange { channel, low, high };
                    }
                }
            }
        }
        best
    }
}
