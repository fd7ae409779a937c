//! Resampling to another size: nearest or linear, under a named convention.

use std::sync::Arc;

use burn::tensor::Tensor;
use upconv_kernels::PlanOptions;
use upconv_kernels::resize::{AxisTaps, ResizePlan};

pub use upconv_kernels::resize::Resample;

use super::plain;
use super::seam::{Done, Gradients, Inputs, Keeps, Operation, check, is_ours, operate};
use crate::error::Result;

/// Resamples the spatial axes to `output` cells; an axis of the same size stays as it is.
///
/// # Shapes
/// `x: [n, c, input...] -> [n, c, output...]`
///
/// # Errors
/// Another number of axes than `x` has spatial ones; a size of 0 or above the limits; another element
/// type than F32.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_nn::ops::{Resample, resample};
/// let twice = |how| {
///     let x = Tensor::<3>::from_floats([[[0.0, 4.0]]], &Device::flex());
///     resample(x, &[4], how).map(|y| y.into_data().try_to_vec::<f32>().unwrap())
/// };
/// assert_eq!(twice(Resample::LinearHalfPixel)?, [0.0, 1.0, 3.0, 4.0]);
/// assert_eq!(twice(Resample::LinearAsymmetric)?, [0.0, 2.0, 4.0, 4.0]);
/// assert_eq!(twice(Resample::Nearest)?, [0.0, 0.0, 4.0, 4.0]);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn resample<const D: usize>(
    x: Tensor<D>,
    output: &[usize],
    how: Resample,
) -> Result<Tensor<D>> {
    let dims = x.dims();
    check("x", &x, &dims, &x.device())?;
    let plan = ResizePlan::new(&dims, output, how, &PlanOptions::default())?;
    if plan.axes().iter().all(AxisTaps::is_identity) {
        return Ok(x);
    }
    if !is_ours([x.device()]) {
        return Ok(plain::resample(x, plan.axes()));
    }
    Ok(operate(Inputs::One(x.into_dispatch()), Arc::new(plan)))
}

impl Operation for ResizePlan {
    fn inputs(&self) -> Vec<Vec<usize>> {
        vec![self.input().to_vec()]
    }

    fn output(&self) -> Vec<usize> {
        self.output().to_vec()
    }

    fn keeps(&self) -> Keeps {
        Keeps::Nothing
    }

    fn forward(&self, inputs: &[&[f32]], y: &mut [f32], _: bool) -> Done {
        self.forward(inputs[0], y)
    }

    fn backward(&self, _: &[&[f32]], dy: &[f32], into: Gradients<'_>) -> Done {
        into.into_iter().flatten().try_for_each(|dx| self.backward(dy, dx))
    }
}
