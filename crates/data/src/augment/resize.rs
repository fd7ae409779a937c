//! Another size: the photo bilinear, the labels those of the nearest pixel.
//!
//! Both are read at the same places, the centres of the new pixels, so that labels stay with their
//! pixels. Where a photo shrinks by more than 2, pixels between the taps are not looked at.

use serde::{Deserialize, Serialize};

use crate::Size;
use crate::datasets::Labelled;
use crate::datasets::labelled::zeros;
use crate::decode::MAX_PIXELS;
use crate::error::{DataError, Result};
use crate::random::Random;
use crate::resize::{mix, taps};

/// How often and how much a photo is made larger or smaller, the same along both axes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomResize {
    /// How often, in 0..1.
    pub chance: f64,
    /// The factor's standard deviation around 1.
    pub deviation: f64,
    /// The smallest factor: smaller ones that are drawn become this.
    pub min: f64,
    /// The largest factor.
    pub max: f64,
}

impl Default for RandomResize {
    /// KittiSeg's: chance 0.4, deviation 0.15, factors from 0.4 to 1.7.
    fn default() -> Self {
        Self { chance: 0.4, deviation: 0.15, min: 0.4, max: 1.7 }
    }
}

impl RandomResize {
    /// Draws the factor, if the size changes.
    ///
    /// # Source
    /// `random_resize` of inputs/kitti_seg_input.py, MarvinTeichmann/KittiSeg.
    pub fn draw(self, random: &mut Random) -> Option<f64> {
        random
            .chance(self.chance)
            .then(|| (1.0 + self.deviation * random.normal()).max(self.min).min(self.max))
    }
}

/// A size by a factor, rounded to whole pixels; at least one.
///
/// ```
/// use upconv_data::{Size, augment::resize::scaled};
/// let size = Size { height: 375, width: 1242 };
/// assert_eq!(scaled(size, 0.5), Size { height: 188, width: 621 });
/// ```
pub fn scaled(size: Size, factor: f64) -> Size {
    // What is too large saturates, and is refused by `resized`.
    let axis = |pixels: usize| ((pixels as f64 * factor).round() as usize).max(1);
    Size { height: axis(size.height), width: axis(size.width) }
}

/// The photo in another size.
///
/// # Errors
/// If it has no pixels or more than [`MAX_PIXELS`].
///
/// ```
/// use upconv_data::{Size, augment::resize::resized, datasets::Labelled};
/// let size = |width| Size { height: 1, width };
/// let photo = Labelled::new(size(2), vec![0, 0, 0, 100, 200, 40], vec![3, 4])?;
/// let larger = resized(&photo, size(4))?;
/// assert_eq!(larger.rgb(), [0, 0, 0, 25, 50, 10, 75, 150, 30, 100, 200, 40]);
/// assert_eq!(larger.labels(), [3, 3, 4, 4]);
/// # Ok::<(), upconv_data::DataError>(())
/// ```
pub fn resized(photo: &Labelled, to: Size) -> Result<Labelled> {
    let from = photo.size();
    if to.pixels() == 0 {
        return Err(DataError::NoPixels { size: to });
    }
    if to.pixels() > MAX_PIXELS {
        return Err(DataError::TooManyPixels { size: to, limit: MAX_PIXELS });
    }
    let mut rgb = zeros::<u8>(3 * to.pixels())?;
    let (rows, columns) = (taps(from.height, to.height), taps(from.width, to.width));
    let stride = 3 * from.width;
    for (out, row) in rgb.chunks_exact_mut(3 * to.width).zip(&rows) {
        let above = &photo.rgb()[row.first * stride..][..stride];
        let below = &photo.rgb()[row.second * stride..][..stride];
        for (pixel, column) in out.chunks_exact_mut(3).zip(&columns) {
            for (channel, value) in pixel.iter_mut().enumerate() {
                let [left, right] = [column.first, column.second].map(|at| 3 * at + channel);
                let along =
                    |line: &[u8]| mix(f32::from(line[left]), f32::from(line[right]), column.weight);
                // A mean of bytes: rounded it is in 0..=255.
                *value = mix(along(above), along(below), row.weight).round() as u8;
            }
        }
    }
    let nearest = |output: usize, input: usize| -> Vec<usize> {
        // The pixel in which the centre (i + 1/2) * input / output lies: below `input`, as the centre
        // is. Both are at most 2^28, so that nothing overflows.
        (0..output)
            .map(|i| (2 * i as u64 + 1) * input as u64 / (2 * output as u64))
            .map(|i| i as usize)
            .collect()
    };
    let mut labels = zeros(to.pixels())?;
    let (rows, columns) = (nearest(to.height, from.height), nearest(to.width, from.width));
    for (out, &row) in labels.chunks_exact_mut(to.width).zip(&rows) {
        let line = &photo.labels()[row * from.width..][..from.width];
        for (label, &column) in out.iter_mut().zip(&columns) {
            *label = line[column];
        }
    }
    Labelled::new(to, rgb, labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::tests::random;

    #[test]
    fn the_same_size_is_the_same_photo() {
        let size = Size { height: 7, width: 5 };
        let photo = crate::augment::tests::placed(size);
        assert_eq!(resized(&photo, size).unwrap(), photo);
    }

    #[test]
    fn labels_stay_with_their_pixels() {
        // Along each axis a ramp of 8 values a pixel whose label says where it is: a new pixel's value
        // tells the place that it was read at, and the label must be that of the pixel there.
        let from = Size { height: 24, width: 30 };
        let places = || (0..24u8).flat_map(|row| (0..30u8).map(move |column| (row, column)));
        for by_row in [true, false] {
            let place = |(row, column)| if by_row { row } else { column };
            let rgb = places().flat_map(|at| [8 * place(at), 0, 0]).collect();
            let photo = Labelled::new(from, rgb, places().map(place).collect()).unwrap();
            for (height, width) in [(12, 15), (48, 60), (17, 41), (1, 1), (53, 19), (24, 30)] {
                let other = resized(&photo, Size { height, width }).unwrap();
                for (pixel, &label) in other.rgb().chunks_exact(3).zip(other.labels()) {
                    // Half a pixel, and half a value for rounding.
                    let distance = f32::from(pixel[0]) / 8.0 - f32::from(label);
                    assert!(distance.abs() <= 0.5 + 0.5 / 8.0, "{height} {width}: {distance}");
                }
            }
        }
    }

    #[test]
    fn labels_are_never_mixed() {
        let photo = Labelled::new(Size { height: 1, width: 2 }, vec![0; 6], vec![0, 255]).unwrap();
        let other = resized(&photo, Size { height: 3, width: 7 }).unwrap();
        assert_eq!(other.labels()[..7], [0, 0, 0, 255, 255, 255, 255]);
        assert_eq!(other.labels()[14..], other.labels()[..7]);
    }

    #[test]
    fn factors_are_normal_and_clipped() {
        let mut random = random(2);
        let wide = RandomResize { chance: 1.0, deviation: 0.5, ..RandomResize::default() };
        let drawn: Vec<f64> = (0..10_000).filter_map(|_| wide.draw(&mut random)).collect();
        assert_eq!(drawn.len(), 10_000);
        assert!(drawn.iter().all(|factor| (0.4..=1.7).contains(factor)));
        // P(x < -1.2) = 0.1151 and P(x > 1.4) = 0.0808, each within five deviations.
        let at = |bound: f64| drawn.iter().filter(|&&factor| factor == bound).count() as f64;
        assert!((at(0.4) - 1151.0).abs() < 160.0, "{}", at(0.4));
        assert!((at(1.7) - 808.0).abs() < 137.0, "{}", at(1.7));
        let often = (0..10_000).filter_map(|_| RandomResize::default().draw(&mut random)).count();
        assert!((often as f64 - 4000.0).abs() < 245.0, "{often}");
    }

    #[test]
    fn impossible_sizes() {
        let photo = Labelled::new(Size { height: 1, width: 1 }, vec![0; 3], vec![0]).unwrap();
        let error =
            |height, width| resized(&photo, Size { height, width }).unwrap_err().to_string();
        assert_eq!(error(0, 5), "has 5x0 pixels: there is nothing in it");
        assert!(error(usize::MAX, 2).contains("at most 268435456 are read"));
        assert_eq!(scaled(photo.size(), 1e-9), photo.size());
    }
}
