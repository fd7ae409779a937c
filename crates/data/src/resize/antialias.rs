//! Bilinear with antialiasing, to the byte what Pillow does, and with it torchvision on files.

use rayon::prelude::*;

use super::{CHANNELS, check};
use crate::Size;
use crate::error::{DataError, Result};

/// Bits behind the point of a tap's weight: those of an `i32` that a sum of 8-bit values leaves, less one for the sign and
/// one to spare.
const BITS: u32 = 32 - 8 - 2;

/// Which neighbours make an output cell, and by how much.
struct Taps {
    first: usize,
    weights: Vec<i32>,
}

/// Stretches a photo: every output pixel is a mean over all that it covers, weighted by a triangle that is as wide as two
/// output pixels, and at least as two input pixels. Columns are made first, and rounded to bytes.
///
/// # Shapes
/// `rgb: [from.height, from.width, 3] -> [to.height, to.width, 3]`
///
/// # Errors
/// If the buffer does not fit, a size is zero, or the memory cannot be had.
///
/// # Source
/// Pillow 12.0 `Image.resize` with `BILINEAR`, `Resample.c`.
///
/// ```
/// use upconv_data::{resize, Size};
/// // Half of 4 cells: the triangle around 1.0, 2 wide to each side, weighs the cells' centres 0.5, 1.5, 2.5 by
/// // 0.75, 0.75, 0.25 of their sum; (3 * 0 + 3 * 70 + 140) / 7 = 50.
/// let (four, two) = (Size { height: 1, width: 4 }, Size { height: 1, width: 2 });
/// let rgb = [0, 0, 0, 70, 70, 70, 140, 140, 140, 210, 210, 210];
/// assert_eq!(resize::antialiased(&rgb, four, two)?, [50, 50, 50, 160, 160, 160]);
/// # Ok::<(), upconv_data::DataError>(())
/// ```
pub fn antialiased(rgb: &[u8], from: Size, to: Size) -> Result<Vec<u8>> {
    check("photo", rgb.len(), from, CHANNELS)?;
    let narrow = Size { height: from.height, width: to.width };
    let mut along = zeros(narrow)?;
    let columns = taps(from.width, to.width);
    along
        .par_chunks_exact_mut(to.width * CHANNELS)
        .zip(rgb.par_chunks_exact(from.width * CHANNELS))
        .for_each(|(out, line)| {
            for (pixel, taps) in out.chunks_exact_mut(CHANNELS).zip(&columns) {
                for (channel, value) in pixel.iter_mut().enumerate() {
                    *value = taps.mean(|cell| line[cell * CHANNELS + channel]);
                }
            }
        });
    let mut out = zeros(to)?;
    let stride = to.width * CHANNELS;
    out.par_chunks_exact_mut(stride).zip(&taps(from.height, to.height)).for_each(|(out, taps)| {
        for (at, value) in out.iter_mut().enumerate() {
            *value = taps.mean(|row| along[row * stride + at]);
        }
    });
    Ok(out)
}

impl Taps {
    /// The weighted mean of the cells around, to the nearest byte.
    fn mean(&self, cell: impl Fn(usize) -> u8) -> u8 {
        let weighted = self.weights.iter().enumerate();
        let sum: i32 = weighted.map(|(at, w)| i32::from(cell(self.first + at)) * w).sum();
        // Weights are not negative and sum to 1 but for their rounding.
        ((sum + (1 << (BITS - 1))) >> BITS).clamp(0, 255) as u8
    }
}

fn taps(input: usize, output: usize) -> Vec<Taps> {
    let scale = input as f64 / output as f64;
    // Half of the triangle's width.
    let support = scale.max(1.0);
    let of = |cell: usize| {
        let centre = (cell as f64 + 0.5) * scale;
        let first = (centre - support + 0.5).max(0.0) as usize;
        let end = ((centre + support + 0.5) as usize).min(input);
        let height = |at: usize| (1.0 - ((at as f64 - centre + 0.5) / support).abs()).max(0.0);
        let sum: f64 = (first..end).map(height).sum();
        let fixed = |at: usize| (height(at) / sum * f64::from(1 << BITS) + 0.5) as i32;
        Taps { first, weights: (first..end).map(fixed).collect() }
    };
    (0..output).map(of).collect()
}

fn zeros(size: Size) -> Result<Vec<u8>> {
    if size.pixels() == 0 {
        return Err(DataError::NoPixels { size });
    }
    let (mut bytes, length) = (Vec::new(), size.pixels().saturating_mul(CHANNELS));
    let got = bytes.try_reserve_exact(length);
    got.map_err(|_| DataError::Memory { bytes: length as u64 })?;
    bytes.resize(length, 0);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(size: Size) -> Vec<u8> {
        let value = |at: usize| {
            let (y, x, c) = (at / 3 / size.width, at / 3 % size.width, at % 3);
            (37 * (y * size.width + x) * 3 + 91 * c + y * y * 13 + x * x * 29) % 256
        };
        (0..3 * size.pixels()).map(|at| value(at) as u8).collect()
    }

    /// The bytes are Pillow 12.0.0's.
    #[test]
    fn bytes_are_those_of_pillow() {
        let size = |height, width| Size { height, width };
        let smaller: &[u8] = &[
            104, 168, 122, 122, 188, 66, 117, 108, 154, 134, 148, 147, 140, 141, 154, 139, 158, 155,
        ];
        let larger: &[u8] = &[
            0, 91, 182, 56, 147, 136, 140, 231, 66, 105, 196, 31, 82, 173, 8, 45, 136, 99, 101,
            141, 104, 185, 148, 111, 150, 113, 76, 127, 90, 53, 90, 181, 16, 146, 135, 72, 230, 65,
            156, 195, 30, 121, 172, 7, 98,
        ];
        let lower: &[u8] = &[
            121, 51, 142, 100, 191, 77, 93, 133, 129, 93, 133, 129, 179, 14, 105, 63, 154, 164,
            180, 96, 187, 180, 96, 187, 174, 96, 169, 127, 149, 78, 94, 160, 182, 94, 160, 182, 93,
            184, 165, 123, 68, 159, 175, 156, 101, 175, 156, 101,
        ];
        for (from, to, expected) in [
            (size(5, 7), size(2, 3), smaller),
            (size(2, 3), size(3, 5), larger),
            (size(9, 4), size(4, 4), lower),
        ] {
            assert_eq!(antialiased(&picture(from), from, to).unwrap(), expected, "{from} to {to}");
        }
        let same = size(5, 7);
        assert_eq!(antialiased(&picture(same), same, same).unwrap(), picture(same));
    }

    #[test]
    fn wrong_lengths_and_empty_sizes_are_named() {
        let size = |height, width| Size { height, width };
        assert!(antialiased(&[0; 11], size(2, 2), size(1, 1)).is_err());
        assert!(antialiased(&[0; 12], size(2, 2), size(0, 1)).is_err());
        let most = size(usize::MAX, usize::MAX);
        assert!(antialiased(&[0; 12], size(2, 2), most).is_err());
    }
}
