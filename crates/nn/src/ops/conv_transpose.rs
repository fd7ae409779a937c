//! Transposed convolution over 1 to 3 spatial axes.

use burn::tensor::Tensor;
use upconv_geometry::{Axis, Channels, ConvTransposeShape, GeometryError};
use upconv_kernels::{ConvTransposePlan, PlanOptions};

use super::plain;
use super::planned::Planned;
use super::seam::{check, is_ours};
use crate::error::{NnError, Result};

/// Transposed convolution with any window.
///
/// # Shapes
/// `x: [n, in, input...]`, `weight: [in, out / groups, kernel...]`, `bias: [out]`
/// `-> [n, out, output...]`, with as many spatial axes as `axes`, 1 to 3.
///
/// # Errors
/// As [`super::conv`].
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_geometry::dialect::pytorch::ConvTranspose;
/// let device = Device::flex();
/// let x = Tensor::<3>::from_floats([[[1.0, 10.0]]], &device);
/// let w = Tensor::<3>::from_floats([[[1.0, 2.0, 3.0]]], &device);
/// let axes = ConvTranspose { stride: vec![2], ..Default::default() }.axes(&[2], &[3])?;
/// let y = upconv_nn::ops::conv_transpose(x, w, None, &axes, 1)?;
/// assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [1.0, 2.0, 13.0, 20.0, 30.0]);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn conv_transpose<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<D>,
    bias: Option<Tensor<1>>,
    axes: &[Axis],
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
        return plain::conv_transpose(x, weight, bias, &shape);
    }
    let plan = ConvTransposePlan::new(&shape, &PlanOptions::default())?;
    let channels = bias.as_ref().map(|_| shape.out_channels());
    let planned =
        Planned { plan, x: shape.x(), weight: shape.weight(), y: shape.y(), bias: channels };
    Ok(planned.run(x, weight, bias))
}

/// The shape that the tensors' leading axes and `axes` make.
fn shape<const D: usize>(
    x: [usize; D],
    weight: [usize; D],
    axes: &[Axis],
    groups: usize,
) -> Result<ConvTransposeShape> {
    if D != axes.len() + 2 {
        let (tensor, expected, got) = ("x", axes.len() + 2, D);
        return Err(GeometryError::RankMismatch { tensor, expected, got }.into());
    }
    let too_many = || GeometryError::SizeLimit {
        what: "output",
        axis: None,
        got: weight[1] as i128 * groups as i128,
        limit: upconv_geometry::limits::MAX_CELLS,
    };
    let out_channels = weight[1].checked_mul(groups).ok_or_else(too_many)?;
    let channels = Channels { batch: x[0], in_channels: x[1], out_channels, groups };
    ConvTransposeShape::new(channels, axes.to_vec()).map_err(NnError::from)
}
