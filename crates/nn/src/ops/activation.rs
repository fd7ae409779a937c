//! Activations.

use std::sync::Arc;

use burn::tensor::Tensor;
pub use upconv_kernels::Activation;
use upconv_kernels::{Kept, pointwise};

use super::plain;
use super::seam::{Done, Gradients, Inputs, Keeps, Operation, check, is_ours, operate};
use crate::error::Result;

/// The activation of every element. It takes the place of `x` where nobody else holds that.
///
/// # Errors
/// Another element type than F32.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_nn::ops::{Activation, activation};
/// let x = Tensor::<1>::from_floats([-2.0, 3.0], &Device::flex());
/// let y = activation(x, Activation::LeakyRelu { slope: 0.5 })?;
/// assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [-1.0, 3.0]);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn activation<const D: usize>(x: Tensor<D>, activation: Activation) -> Result<Tensor<D>> {
    let dims = x.dims();
    check("x", &x, &dims, &x.device())?;
    if activation == Activation::None {
        return Ok(x);
    }
    if !is_ours([x.device()]) {
        return Ok(plain::activation(x, activation));
    }
    Ok(operate(
        Inputs::One(x.into_dispatch()),
        Arc::new(Activated { activation, shape: dims.to_vec() }),
    ))
}

#[derive(Debug)]
struct Activated {
    activation: Activation,
    shape: Vec<usize>,
}

impl Operation for Activated {
    fn inputs(&self) -> Vec<Vec<usize>> {
        vec![self.shape.clone()]
    }

    fn output(&self) -> Vec<usize> {
        self.shape.clone()
    }

    fn keeps(&self) -> Keeps {
        match self.activation.kept() {
            Kept::Input => Keeps::Inputs(1),
            Kept::Output => Keeps::Output,
        }
    }

    fn forward(&self, inputs: &[&[f32]], y: &mut [f32], _: bool) -> Done {
        pointwise::activate_into(self.activation, inputs[0], y)
    }

    fn forward_in_place(&self, x: &mut [f32]) -> Option<Done> {
        Some(pointwise::activate(self.activation, x))
    }

    fn works_backward_in_place(&self) -> bool {
        true
    }

    fn backward_in_place(&self, kept: &[&[f32]], dy: &mut [f32], _: Gradients<'_>) -> Done {
        pointwise::activation_backward_to(self.activation, kept[0], dy)
    }

    fn backward(&self, kept: &[&[f32]], dy: &[f32], into: Gradients<'_>) -> Done {
        into.into_iter()
            .flatten()
            .try_for_each(|dx| pointwise::activation_backward(self.activation, kept[0], dy, dx))
    }
}
