//! Bilinear upsampling as a transposed convolution: the weights, and the setting they belong to.
//!
//! Inside the border, a transposed convolution with these weights equals a half-pixel bilinear resize
//! exactly; at the border it fades towards 0, as zeros lie outside.

use upconv_geometry::{GeometryError, limits};

use crate::error::{KernelError, Result};

/// Caffe's bilinear filler along one axis, for any kernel length:
/// `h[i] = 1 - |i / f - c|` with `f = ceil(kernel / 2)` and `c = (kernel - 1) / (2 * f)`.
///
/// # Errors
/// `KERNEL_EMPTY`; the limits.
///
/// # Source
/// Caffe `filler.hpp`, master of 2020; the same numbers as the surgery script of FCN (Long, Shelhamer,
/// Darrell 2015).
///
/// ```
/// use upconv_kernels::reference::bilinear::bilinear_taps;
/// assert_eq!(bilinear_taps(4)?, [0.25, 0.75, 0.75, 0.25]);
/// assert_eq!(bilinear_taps(3)?, [0.5, 1.0, 0.5]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn bilinear_taps(kernel: usize) -> Result<Vec<f64>> {
    taps(0, kernel, |f| (kernel as f64 - 1.0) / (2.0 * f))
}

/// Caffe's bilinear filler with the centre of its older versions, `c = (2 * f - 1 - (f mod 2)) / (2 *
/// f)`, which lives on in copies (CenterNet, DLA, Paddle).
///
/// It agrees with [`bilinear_taps`] only for `kernel = 2 * f - (f mod 2)`. For other lengths, such as
/// 2, 3, 6, 7 or 10, it is off the centre: use it to read old weights, not to make new ones.
///
/// # Errors
/// As [`bilinear_taps`].
///
/// # Source
/// Caffe `filler.hpp`, 1.0.
///
/// ```
/// use upconv_kernels::reference::bilinear::{bilinear_taps, bilinear_taps_of_legacy_caffe};
/// assert_eq!(bilinear_taps_of_legacy_caffe(4)?, bilinear_taps(4)?);
/// assert_eq!(bilinear_taps_of_legacy_caffe(3)?, [0.25, 0.75, 0.75]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn bilinear_taps_of_legacy_caffe(kernel: usize) -> Result<Vec<f64>> {
    taps(0, kernel, |f| (2.0 * f - 1.0 - f % 2.0) / (2.0 * f))
}

fn taps(axis: usize, kernel: usize, centre: impl Fn(f64) -> f64) -> Result<Vec<f64>> {
    if kernel == 0 {
        return Err(GeometryError::KernelEmpty { axis, got: 0 }.into());
    }
    limits::cells("kernel", &[kernel])?;
    let f = kernel.div_ceil(2) as f64;
    let c = centre(f);
    Ok((0..kernel).map(|i| 1.0 - (i as f64 / f - c).abs()).collect())
}

/// The bilinear kernel: the product of [`bilinear_taps`] over all axes.
///
/// # Shapes
/// `-> [kernel...]`, row-major, any number of axes.
///
/// # Errors
/// As [`bilinear_taps`].
///
/// ```
/// use upconv_kernels::reference::bilinear::bilinear_kernel;
/// assert_eq!(bilinear_kernel(&[3, 2])?, [0.25, 0.25, 0.5, 0.5, 0.25, 0.25]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn bilinear_kernel(kernel: &[usize]) -> Result<Vec<f64>> {
    limits::cells("kernel", kernel)?;
    let mut product = vec![1.0];
    for &length in kernel {
        let along = bilinear_taps(length)?;
        product = product.iter().flat_map(|p| along.iter().map(move |h| p * h)).collect();
    }
    Ok(product)
}

/// Kernel, stride and padding of the transposed convolution that upsamples by a whole factor.
///
/// With no output padding, `input` cells become exactly `factor * input`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FactorSetting {
    /// `2 * factor - factor mod 2` taps.
    pub kernel: usize,
    /// `factor`.
    pub stride: usize,
    /// `ceil((factor - 1) / 2)`, at both ends.
    pub padding: usize,
}

impl FactorSetting {
    /// The setting for a factor.
    ///
    /// # Errors
    /// A factor of 0; the limits.
    ///
    /// # Source
    /// Caffe `filler.hpp`, which gives this rule in its comment.
    ///
    /// ```
    /// use upconv_kernels::reference::bilinear::FactorSetting;
    /// let setting = FactorSetting::new(2)?;
    /// assert_eq!((setting.kernel, setting.stride, setting.padding), (4, 2, 1));
    /// # Ok::<(), upconv_kernels::KernelError>(())
    /// ```
    pub fn new(factor: usize) -> Result<Self> {
        if factor == 0 {
            let reason = "must be at least 1";
            return Err(KernelError::Unsupported { option: "factor", reason });
        }
        let kernel = limits::cells("kernel", &[2, factor])? - factor % 2;
        Ok(Self { kernel, stride: factor, padding: factor / 2 })
    }
}

/// Bilinear upsampling of `channels` channels, each from itself alone.
///
/// The two forms of the weights are made here and nowhere else, so that no kernel can get onto a pair
/// of different channels, which would mix the channels.
#[derive(Clone, Debug, PartialEq)]
pub struct Bilinear {
    channels: usize,
    /// One per axis.
    settings: Vec<FactorSetting>,
}

/// Bilinear upsampling of `channels` channels by one whole factor per spatial axis.
///
/// # Errors
/// As [`FactorSetting::new`].
///
/// ```
/// use upconv_kernels::reference::bilinear::bilinear;
/// let up = bilinear(2, &[2])?;
/// assert_eq!(up.grouped()?, [0.25, 0.75, 0.75, 0.25, 0.25, 0.75, 0.75, 0.25]);
/// assert_eq!(up.dense()?[4..12], [0.0; 8]); // nothing between different channels
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn bilinear(channels: usize, factors: &[usize]) -> Result<Bilinear> {
    let settings = factors.iter().map(|&f| FactorSetting::new(f)).collect::<Result<_>>()?;
    Ok(Bilinear { channels, settings })
}

impl Bilinear {
    /// Channels, of the input and of the output.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Kernel, stride and padding of every axis.
    pub fn settings(&self) -> &[FactorSetting] {
        &self.settings
    }

    fn kernel(&self) -> Result<Vec<f64>> {
        let sizes: Vec<usize> = self.settings.iter().map(|setting| setting.kernel).collect();
        bilinear_kernel(&sizes)
    }

    /// Weights for `groups = channels`.
    ///
    /// # Shapes
    /// `-> [channels, 1, kernel...]`
    ///
    /// # Errors
    /// The limits.
    pub fn grouped(&self) -> Result<Vec<f64>> {
        let kernel = self.kernel()?;
        limits::cells("weight", &[self.channels, kernel.len()])?;
        Ok(kernel.repeat(self.channels))
    }

    /// Weights for `groups = 1`: the kernel on the channel diagonal, zeros elsewhere.
    ///
    /// # Shapes
    /// `-> [channels, channels, kernel...]`
    ///
    /// # Errors
    /// The limits.
    pub fn dense(&self) -> Result<Vec<f64>> {
        let kernel = self.kernel()?;
        let taps = kernel.len();
        let size = limits::cells("weight", &[self.channels, self.channels, taps])?;
        let mut weight = vec![0.0; size];
        for channel in 0..self.channels {
            let at = (channel * self.channels + channel) * taps;
            weight[at..at + taps].copy_from_slice(&kernel);
        }
        Ok(weight)
    }
}

#[cfg(test)]
mod tests {
    use upconv_geometry::ConvTransposeShape;
    use upconv_geometry::dialect::pytorch::ConvTranspose;

    use super::super::conv_transpose::conv_transpose;
    use super::super::resize::{ResizeAxis, resize};
    use super::super::resize_dialects::{TorchMode, torch};
    use super::*;

    fn shape(up: &Bilinear, groups: usize, input: usize) -> ConvTransposeShape {
        let setting = up.settings()[0];
        let op = ConvTranspose {
            stride: vec![setting.stride as i64],
            padding: vec![setting.padding as i64],
            groups: groups as i64,
            ..Default::default()
        };
        let c = up.channels();
        op.shape(&[1, c, input], &[c, c / groups, setting.kernel], None).unwrap()
    }

    #[test]
    fn inside_it_is_half_pixel_bilinear_resize() {
        let x = [3.0f64, -1.0, 4.0, 1.0, -5.0, 9.0];
        for factor in 1..=9 {
            let up = bilinear(1, &[factor]).unwrap();
            let y = conv_transpose(&shape(&up, 1, 6), &x, &up.grouped().unwrap(), None).unwrap();
            assert_eq!(y.len(), 6 * factor);
            let method = torch(TorchMode::Linear { align_corners: false });
            let resized = resize(&method, &[6], &[ResizeAxis::Size(6 * factor)], &x).unwrap();
            for o in factor..5 * factor {
                assert!((y[o] - resized[o]).abs() < 1e-12, "factor {factor}, cell {o}");
            }
        }
    }

    #[test]
    fn dense_and_grouped_weights_do_the_same() {
        let x: Vec<f64> = (0..12).map(f64::from).collect();
        let up = bilinear(3, &[3]).unwrap();
        let run = |groups, weight: Vec<f64>| {
            conv_transpose(&shape(&up, groups, 4), &x, &weight, None).unwrap()
        };
        assert_eq!(run(3, up.grouped().unwrap()), run(1, up.dense().unwrap()));
    }

    #[test]
    fn the_legacy_centre_agrees_only_for_its_own_lengths() {
        for kernel in 1..=16usize {
            let f = kernel.div_ceil(2);
            let same =
                bilinear_taps(kernel).unwrap() == bilinear_taps_of_legacy_caffe(kernel).unwrap();
            assert_eq!(same, kernel == 2 * f - f % 2, "kernel {kernel}");
        }
    }

    #[test]
    fn bad_sizes_are_errors() {
        assert!(bilinear_taps(0).is_err());
        assert!(bilinear_taps(usize::MAX).is_err());
        assert!(bilinear_kernel(&[3, 0]).is_err());
        assert!(bilinear_kernel(&[1 << 30, 1 << 30]).is_err());
        assert!(bilinear(1, &[0]).is_err());
        assert!(bilinear(1, &[usize::MAX]).is_err());
        assert!(bilinear(usize::MAX, &[2]).unwrap().dense().is_err());
        assert!(bilinear(usize::MAX, &[2]).unwrap().grouped().is_err());
        assert!(bilinear(0, &[2]).unwrap().dense().unwrap().is_empty());
    }
}
