//! Convolution over 1 to 3 spatial axes.

use burn::tensor::Tensor;
use upconv_geometry::{Channels, ConvAxis, ConvShape};
use upconv_kernels::{ConvPlan, PlanOptions};

use super::plain;
use super::planned::Planned;
use super::seam::{check, is_ours};
use crate::error::{NnError, Result};

/// Convolution with any window.
///
/// # Shapes
/// `x: [n, in, input...]`, `weight: [out, in / groups, kernel...]`, `bias: [out]`
/// `-> [n, out, output...]`, with as many spatial axes as `axes`, 1 to 3.
///
/// # Errors
/// Another number of axes; sizes, groups or channels that do not fit; tensors on different devices or
/// of another element type than F32.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_geometry::{Dialect, Padding};
/// let device = Device::flex();
/// let x = Tensor::<3>::from_floats([[[1.0, 2.0, 3.0, 4.0]]], &device);
/// let w = Tensor::<3>::from_floats([[[1.0, 10.0, 100.0]]], &device);
/// let axes = Dialect::Tensorflow.conv_axes(&[4], &[3], &[2], &[1], &Padding::Same)?;
/// let y = upconv_nn::ops::conv(x, w, None, &axes, 1)?;
/// // Stride 2 on an even size: TensorFlow pads one cell behind and none in front.
/// assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [321.0, 43.0]);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn conv<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<D>,
    bias: Option<Tensor<1>>,
    axes: &[ConvAxis],
    groups: usize,
) -> Result<Tensor<D>> {
    let shape = shape(x.dims(), weight.dims(), axes, groups)?;
    let device = x.device();
    check("x", &x, &shape.x(), &device)?;
    check("weight", &weight, &shape.weight(), &device)?;
    if let Some(bias) = &bias {
        check("bias", bias, &[shape.out_channels()], &device)?;
    }
    let devices = [device, weight.device()].into_iter().chain(bias.as_ref().map(Tensor::device));
    if !is_ours(devices) {
        return plain::conv(x, weight, bias, &shape);
    }
    let plan = ConvPlan::new(&shape, &PlanOptions::default())?;
    let channels = bias.as_ref().map(|_| shape.out_channels());
    let planned =
        Planned { plan, x: shape.x(), weight: shape.weight(), y: shape.y(), bias: channels };
    Ok(planned.run(x, weight, bias))
}

/// The shape that the tensors' leading axes and `axes` make.
fn shape<const D: usize>(
    x: [usize; D],
    weight: [usize; D],
    axes: &[ConvAxis],
    groups: usize,
) -> Result<ConvShape> {
    if D != axes.len() + 2 {
        let (tensor, expected, got) = ("x", axes.len() + 2, D);
        return Err(upconv_geometry::GeometryError::RankMismatch { tensor, expected, got }.into());
    }
    let channels = Channels { batch: x[0], in_channels: x[1], out_channels: weight[0], groups };
    ConvShape::new(channels, axes.to_vec()).map_err(NnError::from)
}
