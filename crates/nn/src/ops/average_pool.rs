//! Average pooling, and the mean over all cells.

use std::sync::Arc;

use burn::tensor::Tensor;
use upconv_kernels::pool::{AveragePoolPlan, global_mean_backward};
use upconv_kernels::{Extent, Layout, PlanOptions};

use super::max_pool::PoolWindow;
use super::plain;
use super::seam::{Done, Gradients, Inputs, Keeps, Operation, check, is_ours, operate};
use crate::error::Result;

/// The mean of every window.
///
/// With `count_padding` a sum is divided by the window's cells in the input and its padding (Caffe, PyTorch's
/// default); without it by those in the input (TensorFlow, ONNX's default, PyTorch's
/// `count_include_pad=False`). A window without any input cell, which Caffe's rounding can make, gives 0.
///
/// # Shapes
/// `x: [n, c, input...] -> [n, c, output...]`, 1 to 3 spatial axes
///
/// # Errors
/// Sizes that leave no output; lists of the wrong length; another element type than F32.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_geometry::{ConvPadding, PoolRounding};
/// use upconv_nn::ops::{PoolWindow, average_pool};
/// let window = PoolWindow {
///     kernel: vec![2], stride: vec![2], dilation: vec![1],
///     padding: vec![ConvPadding::SameUpper], rounding: PoolRounding::Floor,
/// };
/// let x = Tensor::<3>::from_floats([[[1.0, 3.0, 5.0]]], &Device::flex());
/// let y = average_pool(x, &window, false)?;
/// assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [2.0, 5.0]);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn average_pool<const D: usize>(
    x: Tensor<D>,
    window: &PoolWindow,
    count_padding: bool,
) -> Result<Tensor<D>> {
    let dims = x.dims();
    let axes = window.axes(&dims)?;
    check("x", &x, &dims, &x.device())?;
    if !is_ours([x.device()]) {
        return plain::average_pool(x, &axes, count_padding);
    }
    let plan = AveragePoolPlan::new(window, count_padding, &dims, &PlanOptions::default())?;
    Ok(operate(Inputs::One(x.into_dispatch()), Arc::new(Averaging { plan, input: dims.to_vec() })))
}

#[derive(Debug)]
struct Averaging {
    plan: AveragePoolPlan,
    input: Vec<usize>,
}

impl Operation for Averaging {
    fn inputs(&self) -> Vec<Vec<usize>> {
        vec![self.input.clone()]
    }

    fn output(&self) -> Vec<usize> {
        self.plan.output().to_vec()
    }

    fn keeps(&self) -> Keeps {
        Keeps::Nothing
    }

    fn forward(&self, inputs: &[&[f32]], y: &mut [f32], _: bool) -> Done {
        self.plan.forward(inputs[0], y)
    }

    fn backward(&self, _: &[&[f32]], dy: &[f32], into: Gradients<'_>) -> Done {
        into.into_iter().flatten().try_for_each(|dx| self.plan.backward(dy, dx))
    }
}

/// The mean over all cells of each channel (global average pooling).
///
/// # Shapes
/// `x: [n, c, ...] -> [n, c]`
///
/// # Errors
/// Fewer than 2 axes; another element type than F32.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// let x = Tensor::<3>::from_floats([[[1.0, 3.0], [5.0, 6.0]]], &Device::flex());
/// let y = upconv_nn::ops::global_mean(x)?;
/// assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [2.0, 5.5]);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn global_mean<const D: usize>(x: Tensor<D>) -> Result<Tensor<2>> {
    let dims = x.dims();
    let extent = Extent::of(&dims, Layout::Nchw)?;
    check("x", &x, &dims, &x.device())?;
    if !is_ours([x.device()]) {
        let Extent { batch, channels, cells, .. } = extent;
        return Ok(x.reshape([batch, channels, cells]).mean_dim(2).reshape([batch, channels]));
    }
    Ok(operate(
        Inputs::One(x.into_dispatch()),
        Arc::new(GlobalMean { extent, input: dims.to_vec() }),
    ))
}

#[derive(Debug)]
struct GlobalMean {
    extent: Extent,
    input: Vec<usize>,
}

impl Operation for GlobalMean {
    fn inputs(&self) -> Vec<Vec<usize>> {
        vec![self.input.clone()]
    }

    fn output(&self) -> Vec<usize> {
        vec![self.extent.batch, self.extent.channels]
    }

    fn keeps(&self) -> Keeps {
        Keeps::Nothing
    }

    fn forward(&self, inputs: &[&[f32]], y: &mut [f32], _: bool) -> Done {
        upconv_kernels::pool::global_mean(&self.extent, inputs[0], y)
    }

    fn backward(&self, _: &[&[f32]], dy: &[f32], into: Gradients<'_>) -> Done {
        into.into_iter().flatten().try_for_each(|dx| global_mean_backward(&self.extent, dy, dx))
    }
}
