//! How weights begin.

pub use burn::nn::Initializer;

use burn::tensor::{Device, Tensor, TensorData};
use upconv_geometry::{GeometryError, limits};
use upconv_kernels::reference::bilinear::bilinear_kernel;

use crate::error::{NnError, Result};

/// How many values a weight gathers from and scatters to, for Kaiming and Xavier.
///
/// `weight` is `[first, second, kernel...]`; fan-in is `second * taps`, fan-out `first * taps`. For a
/// convolution that is what it says; for a transposed convolution, whose weight is
/// `[in, out / groups, kernel...]`, PyTorch's and Burn's fan-in is so `out / groups * taps`, and it is
/// kept, so that a model begins as the one it is compared with.
///
/// # Source
/// PyTorch 2.8 `torch.nn.init._calculate_fan_in_and_fan_out`.
///
/// ```
/// // nn.ConvTranspose2d(8, 6, 4, groups=2)
/// assert_eq!(upconv_nn::init::fans(&[8, 3, 4, 4]), (48, 128));
/// ```
pub fn fans(weight: &[usize]) -> (usize, usize) {
    let taps: usize = weight.iter().skip(2).product();
    let of = |axis: usize| weight.get(axis).copied().unwrap_or(1).saturating_mul(taps);
    (of(1), of(0))
}

/// What PyTorch's and Burn's layers begin with: uniform in plus and minus `1 / sqrt(fan_in)`, weight and
/// bias alike.
pub fn usual() -> Initializer {
    Initializer::KaimingUniform { gain: 1.0 / 3.0f64.sqrt(), fan_out_only: false }
}

/// The weight with which a transposed convolution interpolates linearly: `[in, out / groups, kernel...]`
/// with one output channel per group, or square, where each channel goes to itself.
///
/// Stride and padding that go with a factor are in
/// [`upconv_kernels::reference::bilinear::FactorSetting`].
///
/// # Errors
/// Another number of channels; a kernel that is no size.
///
/// # Source
/// J. Long, E. Shelhamer, T. Darrell, "Fully convolutional networks for semantic segmentation", 2015;
/// Caffe's `BilinearFiller`.
///
/// ```
/// use burn::tensor::Device;
/// // Factor 2 over one axis, one channel.
/// let w = upconv_nn::init::bilinear([1, 1, 4], &Device::flex())?;
/// assert_eq!(w.into_data().try_to_vec::<f32>().unwrap(), [0.25, 0.75, 0.75, 0.25]);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn bilinear<const D: usize>(weight: [usize; D], device: &Device) -> Result<Tensor<D>> {
    let cells = limits::cells("weight", &weight)?;
    let [first, second, kernel @ ..] = weight.as_slice() else {
        let (tensor, expected, got) = ("weight", 2, D);
        return Err(GeometryError::RankMismatch { tensor, expected, got }.into());
    };
    let (&first, &second, kernel) = (first, second, bilinear_kernel(kernel)?);
    if second != 1 && second != first {
        let reason = format!(
            "weight {weight:?} must have one output channel per group, or as many as input channels"
        );
        return Err(NnError::Setting { setting: "bilinear", reason });
    }
    let mut values = vec![0.0f32; cells];
    for channel in 0..first {
        let own = if second == 1 { 0 } else { channel };
        let at = (channel * second + own) * kernel.len();
        for (value, tap) in values[at..][..kernel.len()].iter_mut().zip(&kernel) {
            *value = *tap as f32;
        }
    }
    Ok(Tensor::from_data(TensorData::new(values, weight), device))
}

/// The weight of a convolution before a pixel shuffle, so that all cells of a block begin alike: one
/// kernel is drawn for each `factor * factor` output channels, in PyTorch's order of channels.
///
/// # Errors
/// Output channels that `factor * factor` does not divide.
///
/// # Source
/// A. Aitken and others, "Checkerboard artifact free sub-pixel convolution", 2017 (ICNR).
///
/// ```
/// use burn::tensor::Device;
/// use upconv_nn::init;
/// let w = init::icnr([4, 1, 1, 1], 2, &init::usual(), &Device::flex())?;
/// let w = w.into_data().try_to_vec::<f32>().unwrap();
/// assert!(w.iter().all(|&v| v == w[0]));
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn icnr<const D: usize>(
    weight: [usize; D],
    factor: usize,
    initializer: &Initializer,
    device: &Device,
) -> Result<Tensor<D>> {
    let block = factor.saturating_mul(factor);
    let channels = weight.first().copied().unwrap_or(0);
    if block == 0 || channels == 0 || !channels.is_multiple_of(block) {
        let reason = format!("{channels} output channels are no multiple of {block}");
        return Err(NnError::Setting { setting: "icnr", reason });
    }
    let cells = limits::cells("weight", &weight)?;
    let (fan_in, fan_out) = fans(&weight);
    let kernels = channels / block;
    let mut drawn = weight;
    drawn[0] = kernels;
    let one: Tensor<D> =
        initializer.init_with(drawn, Some(fan_in), Some(fan_out), device).into_value();
    Ok(one.reshape([kernels, 1, cells / channels]).repeat_dim(1, block).reshape(weight))
}
