//! Softmax along channels, and its logarithm.

use std::sync::Arc;

use burn::tensor::{Tensor, activation};
use upconv_kernels::{Extent, Layout, softmax};

use super::seam::{Done, Gradients, Inputs, Keeps, Operation, check, is_ours, operate};
use crate::error::Result;

/// `exp(x)` divided by its sum over the channels.
///
/// # Shapes
/// `x: [n, c, ...] -> [n, c, ...]`
///
/// # Errors
/// Fewer than 2 axes; another element type than F32.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// let x = Tensor::<2>::from_floats([[1000.0, 1000.0]], &Device::flex());
/// let y = upconv_nn::ops::softmax(x)?;
/// assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [0.5, 0.5]);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn softmax<const D: usize>(x: Tensor<D>) -> Result<Tensor<D>> {
    along_channels(x, false)
}

/// `x - ln(sum of exp(x) over the channels)`.
///
/// # Shapes
/// `x: [n, c, ...] -> [n, c, ...]`
///
/// # Errors
/// As [`softmax()`].
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// let x = Tensor::<2>::from_floats([[-500.0, -500.0]], &Device::flex());
/// let y = upconv_nn::ops::log_softmax(x)?;
/// assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [-std::f32::consts::LN_2; 2]);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn log_softmax<const D: usize>(x: Tensor<D>) -> Result<Tensor<D>> {
    along_channels(x, true)
}

fn along_channels<const D: usize>(x: Tensor<D>, log: bool) -> Result<Tensor<D>> {
    let dims = x.dims();
    let extent = Extent::of(&dims, Layout::Nchw)?;
    check("x", &x, &dims, &x.device())?;
    if !is_ours([x.device()]) {
        return Ok(if log { activation::log_softmax(x, 1) } else { activation::softmax(x, 1) });
    }
    Ok(operate(
        Inputs::One(x.into_dispatch()),
        Arc::new(Softmax { extent, log, shape: dims.to_vec() }),
    ))
}

#[derive(Debug)]
struct Softmax {
    extent: Extent,
    log: bool,
    shape: Vec<usize>,
}

impl Operation for Softmax {
    fn inputs(&self) -> Vec<Vec<usize>> {
        vec![self.shape.clone()]
    }

    fn output(&self) -> Vec<usize> {
        self.shape.clone()
    }

    fn keeps(&self) -> Keeps {
        Keeps::Output
    }

    fn forward(&self, inputs: &[&[f32]], y: &mut [f32], _: bool) -> Done {
        let run = if self.log { softmax::log_softmax } else { softmax::softmax };
        run(&self.extent, inputs[0], y)
    }

    fn backward(&self, kept: &[&[f32]], dy: &[f32], into: Gradients<'_>) -> Done {
        let run = if self.log { softmax::log_softmax_backward } else { softmax::softmax_backward };
        into.into_iter().flatten().try_for_each(|dx| run(&self.extent, kept[0], dy, dx))
    }
}
