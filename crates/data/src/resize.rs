//! From a photo to a network's input and from its mask back: bilinear between half-pixel centres.
//!
//! Output cell `i` of `n` lies at `(i + 0.5) * m / n - 0.5` among `m` input cells, clamped to the first
//! and the last; the two cells around it are mixed by distance. This is what TensorFlow and PyTorch
//! do without antialiasing. Where a photo shrinks by more than 2, pixels between the taps are not
//! looked at: networks trained that way expect it. Others were trained on what Pillow makes of photos:
//! [`antialiased`].
//!
//! Rows are computed side by side, each in one order, so that the number of threads changes no bit.

mod antialias;

use rayon::prelude::*;

use crate::Size;
use crate::error::{DataError, Result};
pub use antialias::antialiased;

/// Of a photo's pixel.
const CHANNELS: usize = 3;

/// Two neighbours and how much of the second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tap {
    pub(crate) first: usize,
    pub(crate) second: usize,
    pub(crate) weight: f32,
}

/// Stretches a photo to a network's input, in 0..1.
///
/// Means are taken of the bytes and divided by 255 at the end: at an exact halving all sums are exact,
/// and the result is the mean of each block of 2 x 2 pixels.
///
/// # Shapes
/// `rgb: [from.height, from.width, 3] -> [to.height, to.width, 3]`
///
/// # Errors
/// If the buffer does not fit, or a size is zero.
///
/// # Source
/// TensorFlow 2.21 `ResizeBilinear` with `half_pixel_centers`, PyTorch 2.8 `interpolate` with
/// `align_corners=False`.
///
/// ```
/// use upconv_data::{resize, Size};
/// let (two, one) = (Size { height: 1, width: 2 }, Size { height: 1, width: 1 });
/// let mean = resize::to_network(&[0, 51, 255, 255, 51, 0], two, one)?;
/// assert_eq!(mean, [0.5, 0.2, 0.5]);
/// # Ok::<(), upconv_data::DataError>(())
/// ```
pub fn to_network(rgb: &[u8], from: Size, to: Size) -> Result<Vec<f32>> {
    check("photo", rgb.len(), from, CHANNELS)?;
    let mut out = zeros(to, CHANNELS)?;
    let (rows, columns) = (taps(from.height, to.height), taps(from.width, to.width));
    let stride = from.width * CHANNELS;
    out.par_chunks_exact_mut(to.width * CHANNELS).zip(&rows).for_each(|(out, row)| {
        let above = &rgb[row.first * stride..][..stride];
        let below = &rgb[row.second * stride..][..stride];
        for (pixel, column) in out.chunks_exact_mut(CHANNELS).zip(&columns) {
            for (channel, value) in pixel.iter_mut().enumerate() {
                let [left, right] = [column.first, column.second].map(|at| at * CHANNELS + channel);
                let along =
                    |line: &[u8]| mix(f32::from(line[left]), f32::from(line[right]), column.weight);
                *value = mix(along(above), along(below), row.weight) / 255.0;
            }
        }
    });
    Ok(out)
}

/// Stretches a mask back to a photo's size.
///
/// # Shapes
/// `mask: [from.height, from.width] -> [to.height, to.width]`
///
/// # Errors
/// If the buffer does not fit, a size is zero, or the memory cannot be had.
///
/// ```
/// use upconv_data::{resize, Size};
/// let (two, four) = (Size { height: 1, width: 2 }, Size { height: 1, width: 4 });
/// assert_eq!(resize::to_photo(&[0.0, 1.0], two, four)?, [0.0, 0.25, 0.75, 1.0]);
/// # Ok::<(), upconv_data::DataError>(())
/// ```
pub fn to_photo(mask: &[f32], from: Size, to: Size) -> Result<Vec<f32>> {
    check("mask", mask.len(), from, 1)?;
    let mut out = zeros(to, 1)?;
    let (rows, columns) = (taps(from.height, to.height), taps(from.width, to.width));
    out.par_chunks_exact_mut(to.width).zip(&rows).for_each_init(
        || vec![0.0; from.width],
        |line, (out, row)| {
            let above = &mask[row.first * from.width..][..from.width];
            let below = &mask[row.second * from.width..][..from.width];
            for ((value, &above), &below) in line.iter_mut().zip(above).zip(below) {
                *value = mix(above, below, row.weight);
            }
            for (value, column) in out.iter_mut().zip(&columns) {
                *value = mix(line[column.first], line[column.second], column.weight);
            }
        },
    );
    Ok(out)
}

pub(crate) fn mix(first: f32, second: f32, weight: f32) -> f32 {
    first + (second - first) * weight
}

/// Positions in f64, so that a weight is right to the last bit of f32 even on long axes.
pub(crate) fn taps(input: usize, output: usize) -> Vec<Tap> {
    let last = input - 1;
    let tap = |cell: usize| {
        let centre = (cell as f64 + 0.5) * input as f64 / output as f64 - 0.5;
        let place = centre.clamp(0.0, last as f64);
        // Not negative, at most `last`.
        let first = place.floor() as usize;
        let weight = (place - first as f64) as f32;
        Tap { first, second: (first + 1).min(last), weight }
    };
    (0..output).map(tap).collect()
}

fn check(what: &'static str, got: usize, size: Size, channels: usize) -> Result<()> {
    if size.pixels() == 0 {
        return Err(DataError::NoPixels { size });
    }
    match size.pixels().checked_mul(channels) == Some(got) {
        true => Ok(()),
        false => Err(DataError::BufferLength { what, size, channels, got }),
    }
}

fn zeros(size: Size, channels: usize) -> Result<Vec<f32>> {
    if size.pixels() == 0 {
        return Err(DataError::NoPixels { size });
    }
    let length = size.pixels().saturating_mul(channels);
    let mut values = Vec::new();
    values
        .try_reserve_exact(length)
        .map_err(|_| DataError::Memory { bytes: (length as u64).saturating_mul(4) })?;
    values.resize(length, 0.0);
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_by_hand() {
        // 4 cells from 2: at -0.25 (clamped to 0), 0.25, 0.75, 1.25 (clamped to 1).
        let tap = |first, second, weight| Tap { first, second, weight };
        let expected = [tap(0, 1, 0.0), tap(0, 1, 0.25), tap(0, 1, 0.75), tap(1, 1, 0.0)];
        assert_eq!(taps(2, 4), expected);
        // 1 cell from 3 lies in the middle; 3 cells from 1 are all the same.
        assert_eq!(taps(3, 1), [tap(1, 2, 0.0)]);
        assert_eq!(taps(1, 3), [tap(0, 0, 0.0); 3]);
    }

    #[test]
    fn wrong_lengths_and_empty_sizes_are_named() {
        let size = |height, width| Size { height, width };
        let error = to_network(&[0; 11], size(2, 2), size(1, 1)).unwrap_err();
        assert_eq!(error.to_string(), "photo: 11 values, but 2x2 with 3 channels needs 12");
        assert!(matches!(to_photo(&[], size(0, 5), size(1, 1)), Err(DataError::NoPixels { .. })));
        assert!(matches!(
            to_photo(&[1.0], size(1, 1), size(0, 5)),
            Err(DataError::NoPixels { .. })
        ));
        assert!(matches!(
            to_photo(&[1.0], size(1, 1), size(usize::MAX, usize::MAX)),
            Err(DataError::Memory { .. })
        ));
    }
}
