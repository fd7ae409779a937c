//! Fully connected layers.

use burn::tensor::Tensor;
use upconv_geometry::{Channels, ConvAxis, ConvAxisParams, ConvPadding, ConvShape};
use upconv_kernels::{ConvPlan, Layout, PlanOptions};

use super::plain;
use super::planned::Planned;
use super::seam::{check, is_ours};
use crate::error::Result;

/// `y = weight x + bias` along the last axis.
///
/// # Shapes
/// `x: [..., in]`, `weight: [out, in]`, `bias: [out]` `-> [..., out]`. The weight lies as in PyTorch; Burn's own
/// is `[in, out]`.
///
/// # Errors
/// Sizes that do not fit; tensors on different devices or of another element type than F32.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// let device = Device::flex();
/// let x = Tensor::<2>::from_floats([[1.0, 2.0]], &device);
/// let weight = Tensor::<2>::from_floats([[1.0, 10.0], [3.0, 0.0], [0.0, 0.0]], &device);
/// let bias = Tensor::<1>::from_floats([0.0, 0.0, 0.5], &device);
/// let y = upconv_nn::ops::linear(x, weight, Some(bias))?;
/// assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [21.0, 3.0, 0.5]);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn linear<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
) -> Result<Tensor<D>> {
    let [out_channels, in_channels] = weight.dims();
    let device = x.device();
    let mut expected = x.dims();
    expected[D - 1] = in_channels;
    check("x", &x, &expected, &device)?;
    check("weight", &weight, &[out_channels, in_channels], &device)?;
    if let Some(bias) = &bias {
        check("bias", bias, &[out_channels], &device)?;
    }
    let mut y = x.dims();
    y[D - 1] = out_channels;
    let rows = upconv_geometry::limits::cells("x", &y[..D - 1])?;
    if rows == 0 || in_channels * out_channels == 0 {
        return Ok(plain::linear(x, weight, bias));
    }
    let devices = [device, weight.device()].into_iter().chain(bias.as_ref().map(Tensor::device));
    if !is_ours(devices) {
        return Ok(plain::linear(x, weight, bias));
    }
    // A convolution with one tap over the rows as cells of one image, channels last: a product of matrices.
    let padding = ConvPadding::Valid;
    let params = ConvAxisParams { input: rows, kernel: 1, stride: 1, dilation: 1, padding };
    let channels = Channels { batch: 1, in_channels, out_channels, groups: 1 };
    let shape = ConvShape::new(channels, vec![ConvAxis::new(0, params)?])?;
    let options = PlanOptions { layout: Layout::Nhwc, ..Default::default() };
    let planned = Planned {
        plan: ConvPlan::new(&shape, &options)?,
        x: x.dims().to_vec(),
        weight: vec![out_channels, in_channels],
        y: y.to_vec(),
        bias: bias.as_ref().map(|_| out_channels),
    };
    Ok(planned.run(x, weight, bias))
}
