//! Local response normalisation: every value by the squares of its neighbours among the channels.

use rayon::prelude::*;

use crate::error::{KernelError, Result, check_len};
use crate::extent::Extent;
use crate::options::Layout;

/// `x / (k + alpha / size * sum of x^2)^beta`, the sum over `size` channels around each.
///
/// Of these `(size - 1) / 2`, rounded down, come before the channel and the others after it; there is nothing beyond the
/// first and the last channel.
///
/// # Source
/// Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural Networks" (2012), section
/// 3.3, in the form of Caffe's `LRN` and ONNX's, which divide alpha by the size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalResponse {
    /// Channels of a sum, at least 1; 5.
    pub size: usize,
    /// 1e-4.
    pub alpha: f64,
    /// 0.75.
    pub beta: f64,
    /// More than 0; 1.
    pub k: f64,
}

impl Default for LocalResponse {
    fn default() -> Self {
        Self { size: 5, alpha: 1e-4, beta: 0.75, k: 1.0 }
    }
}

/// Values that a thread normalises at once.
const PIECE: usize = 1 << 14;

impl LocalResponse {
    /// Refuses what divides by 0 or by the root of a negative number.
    ///
    /// # Errors
    /// A size of 0; an alpha below 0; a `k` that is not positive; numbers that are not finite.
    pub fn check(&self) -> Result<()> {
        let Self { size, alpha, beta, k } = *self;
        let reason = match () {
            () if size == 0 => "size must be at least 1",
            () if !(alpha.is_finite() && alpha >= 0.0) => "alpha must be at least 0",
            () if !beta.is_finite() => "beta must be finite",
            () if !(k.is_finite() && k > 0.0) => "k must be positive",
            () => return Ok(()),
        };
        Err(KernelError::Unsupported { option: "local response normalisation", reason })
    }

    /// The channels that count for one of `channels`.
    fn window(&self, channel: usize, channels: usize) -> std::ops::Range<usize> {
        let before = (self.size - 1) / 2;
        let end = channel.saturating_add(self.size - before).min(channels);
        channel.saturating_sub(before)..end
    }

    /// Normalises `x` into `y`, both of the extent.
    ///
    /// # Errors
    /// Those of [`LocalResponse::check`]; buffers that do not fit.
    ///
    /// ```
    /// use upconv_kernels::{Extent, Layout, LocalResponse};
    /// let norm = LocalResponse { size: 3, alpha: 3.0, beta: 1.0, k: 1.0 };
    /// let mut y = [0.0; 3];
    /// norm.forward(&Extent::of(&[1, 3, 1], Layout::Nchw)?, &[1.0, 2.0, 3.0], &mut y)?;
    /// // 1 / (1 + 1 + 4), 2 / (1 + 1 + 4 + 9), 3 / (1 + 4 + 9).
    /// assert_eq!(y, [1.0 / 6.0, 2.0 / 15.0, 3.0 / 14.0]);
    /// # Ok::<(), upconv_kernels::KernelError>(())
    /// ```
    pub fn forward(&self, extent: &Extent, x: &[f32], y: &mut [f32]) -> Result<()> {
        self.check()?;
        let Extent { channels, cells, layout, .. } = *extent;
        let shape = [extent.batch, channels, cells];
        check_len("x", x, &shape)?;
        check_len("y", y, &shape)?;
        if y.is_empty() {
            return Ok(());
        }
        match layout {
            Layout::Nchw => self.planes(channels, cells, x, y),
            Layout::Nhwc => self.pixels(channels, x, y),
        }
        Ok(())
    }

    fn planes(&self, channels: usize, cells: usize, x: &[f32], y: &mut [f32]) {
        y.par_chunks_mut(cells).enumerate().for_each(|(plane, y)| {
            let (image, channel) = (plane / channels, plane % channels);
            let of = |channel: usize| &x[(image * channels + channel) * cells..][..cells];
            y.fill(0.0);
            for other in self.window(channel, channels) {
                y.iter_mut().zip(of(other)).for_each(|(sum, &v)| *sum += v * v);
            }
            y.iter_mut().zip(of(channel)).for_each(|(y, &v)| *y = self.normalised(v, *y));
        });
    }

    fn pixels(&self, channels: usize, x: &[f32], y: &mut [f32]) {
        let piece = (PIECE / channels).max(1) * channels;
        y.par_chunks_mut(piece).zip(x.par_chunks(piece)).for_each(|(y, x)| {
            for (y, x) in y.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
                for (channel, y) in y.iter_mut().enumerate() {
                    let sum = x[self.window(channel, channels)].iter().map(|v| v * v).sum();
                    *y = self.normalised(x[channel], sum);
                }
            }
        });
    }

    fn normalised(&self, v: f32, sum: f32) -> f32 {
        let base = self.k + self.alpha / self.size as f64 * f64::from(sum);
        (f64::from(v) * base.powf(-self.beta)) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ONNX's own example of the operator, written out: `square_sum[n, c] = sum of x[n, i]^2` for `i` from
    /// `c - floor((size - 1) / 2)` to `c + ceil((size - 1) / 2)`.
    #[test]
    fn every_layout_is_the_definition() {
        let (batch, channels, cells) = (2, 7, 3);
        let x: Vec<f32> =
            (0..batch * channels * cells).map(|at| (at as f32 * 0.7).sin() * 3.0).collect();
        for size in [1, 2, 3, 4, 5, 20] {
            let norm = LocalResponse { size, alpha: 0.3, beta: 0.75, k: 2.0 };
            let value = |image: usize, channel: usize, cell: usize| {
                let at = |channel: usize| f64::from(x[(image * channels + channel) * cells + cell]);
                let (before, after) = ((size - 1) / 2, size / 2);
                let range = channel.saturating_sub(before)..=(channel + after).min(channels - 1);
                let sum: f64 = range.map(|c| at(c) * at(c)).sum();
                at(channel) / (2.0 + 0.3 / size as f64 * sum).powf(0.75)
            };
            let mut y = vec![f32::NAN; x.len()];
            let extent = Extent::of(&[batch, channels, cells], Layout::Nchw).unwrap();
            norm.forward(&extent, &x, &mut y).unwrap();
            let turned: Vec<f32> = (0..x.len())
                .map(|at| {
                    let (channel, cell) = (at % channels, at / channels % cells);
                    x[(at / channels / cells * channels + channel) * cells + cell]
                })
                .collect();
            let mut z = vec![f32::NAN; x.len()];
            norm.forward(&Extent { layout: Layout::Nhwc, ..extent }, &turned, &mut z).unwrap();
            for image in 0..batch {
                for channel in 0..channels {
                    for cell in 0..cells {
                        let expected = value(image, channel, cell);
                        let y = y[(image * channels + channel) * cells + cell];
                        let z = z[(image * cells + cell) * channels + channel];
                        for got in [y, z] {
                            assert!((f64::from(got) - expected).abs() < 1e-6, "{got} {expected}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn settings_that_divide_by_nothing_are_refused() {
        let usual = LocalResponse::default();
        let extent = Extent::of(&[1, 1, 1], Layout::Nchw).unwrap();
        for norm in [
            LocalResponse { size: 0, ..usual },
            LocalResponse { k: 0.0, ..usual },
            LocalResponse { alpha: -1.0, ..usual },
            LocalResponse { beta: f64::NAN, ..usual },
        ] {
            assert!(norm.forward(&extent, &[1.0], &mut [0.0]).is_err(), "{norm:?}");
        }
        assert!(usual.forward(&extent, &[1.0, 2.0], &mut [0.0]).is_err());
    }
}
