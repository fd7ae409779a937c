//! What the forward pass of a network is written against, once for all that is done with it.
//!
//! A model says which layer follows which; a [`Pass`] says what that means. [`Eager`] computes with Burn's tensors, for
//! training and its gradients; [`crate::inference::Recorder`] records the operations for the inference form; others
//! follow shapes only.

use burn::tensor::Tensor;
pub use upconv_kernels::Activation;

use crate::error::{NnError, Result};
use crate::layers::{BatchNorm, Conv2d, ConvTranspose2d, Linear, MaxPool2d, Upsample};
use crate::ops;
use crate::ops::seam::check;

/// Operations on values `[n, c, h, w]`.
pub trait Pass {
    /// A tensor, or what stands for one.
    type Value: Clone;

    /// The shape of a value.
    fn shape(&self, x: &Self::Value) -> [usize; 4];

    /// A convolution.
    ///
    /// # Errors
    /// As [`Conv2d::try_forward`].
    fn conv(&mut self, layer: &Conv2d, x: &Self::Value) -> Result<Self::Value>;

    /// A transposed convolution.
    ///
    /// # Errors
    /// As [`ConvTranspose2d::try_forward`].
    fn conv_transpose(&mut self, layer: &ConvTranspose2d, x: &Self::Value) -> Result<Self::Value>;

    /// Batch normalisation.
    ///
    /// # Errors
    /// As [`BatchNorm::try_forward`].
    fn batch_norm(&mut self, layer: &BatchNorm, x: &Self::Value) -> Result<Self::Value>;

    /// A matrix times every image: `[n, c, h, w] -> [n, out, 1, 1]`, whose values stand in the order of the axes.
    ///
    /// # Errors
    /// As [`Linear::try_forward`].
    fn linear(&mut self, layer: &Linear, x: &Self::Value) -> Result<Self::Value>;

    /// An activation of every element.
    ///
    /// # Errors
    /// None for tensors of F32.
    fn activation(&mut self, activation: Activation, x: &Self::Value) -> Result<Self::Value>;

    /// The sum of two values of the same shape.
    ///
    /// # Errors
    /// Shapes that differ.
    fn add(&mut self, a: &Self::Value, b: &Self::Value) -> Result<Self::Value>;

    /// The channels of all values one behind the other.
    ///
    /// # Errors
    /// No value; batches or sizes that differ.
    fn concat(&mut self, values: &[Self::Value]) -> Result<Self::Value>;

    /// The maximum of every window.
    ///
    /// # Errors
    /// As [`MaxPool2d::try_forward`].
    fn max_pool(&mut self, layer: &MaxPool2d, x: &Self::Value) -> Result<Self::Value>;

    /// The mean of every channel: `[n, c, h, w] -> [n, c, 1, 1]`.
    ///
    /// # Errors
    /// None for tensors of F32.
    fn global_mean(&mut self, x: &Self::Value) -> Result<Self::Value>;

    /// Resampling.
    ///
    /// # Errors
    /// As [`Upsample::try_forward`].
    fn upsample(&mut self, layer: &Upsample, x: &Self::Value) -> Result<Self::Value>;

    /// Every channel times its factor: `x: [n, c, h, w]`, `gate: [n, c, 1, 1]`.
    ///
    /// # Errors
    /// Shapes that differ otherwise.
    fn gate(&mut self, x: &Self::Value, gate: &Self::Value) -> Result<Self::Value>;
}

/// Computes with Burn's tensors as it goes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Eager;

impl Pass for Eager {
    type Value = Tensor<4>;

    fn shape(&self, x: &Tensor<4>) -> [usize; 4] {
        x.dims()
    }

    fn conv(&mut self, layer: &Conv2d, x: &Tensor<4>) -> Result<Tensor<4>> {
        layer.try_forward(x.clone())
    }

    fn conv_transpose(&mut self, layer: &ConvTranspose2d, x: &Tensor<4>) -> Result<Tensor<4>> {
        layer.try_forward(x.clone())
    }

    fn batch_norm(&mut self, layer: &BatchNorm, x: &Tensor<4>) -> Result<Tensor<4>> {
        layer.try_forward(x.clone())
    }

    fn linear(&mut self, layer: &Linear, x: &Tensor<4>) -> Result<Tensor<4>> {
        let y = layer.try_forward(x.clone().flatten::<2>(1, 3))?;
        Ok(y.unsqueeze_dims(&[2, 3]))
    }

    fn activation(&mut self, activation: Activation, x: &Tensor<4>) -> Result<Tensor<4>> {
        ops::activation(x.clone(), activation)
    }

    fn add(&mut self, a: &Tensor<4>, b: &Tensor<4>) -> Result<Tensor<4>> {
        check("the second summand", b, &a.dims(), &a.device())?;
        Ok(a.clone() + b.clone())
    }

    fn concat(&mut self, values: &[Tensor<4>]) -> Result<Tensor<4>> {
        let Some(first) = values.first() else {
            let reason = "needs at least one value".into();
            return Err(NnError::Setting { setting: "concat", reason });
        };
        for value in values {
            let mut expected = first.dims();
            expected[1] = value.dims()[1];
            check("a value of concat", value, &expected, &first.device())?;
        }
        Ok(Tensor::cat(values.to_vec(), 1))
    }

    fn max_pool(&mut self, layer: &MaxPool2d, x: &Tensor<4>) -> Result<Tensor<4>> {
        layer.try_forward(x.clone())
    }

    fn global_mean(&mut self, x: &Tensor<4>) -> Result<Tensor<4>> {
        Ok(ops::global_mean(x.clone())?.unsqueeze_dims(&[2, 3]))
    }

    fn upsample(&mut self, layer: &Upsample, x: &Tensor<4>) -> Result<Tensor<4>> {
        layer.try_forward(x.clone())
    }

    fn gate(&mut self, x: &Tensor<4>, gate: &Tensor<4>) -> Result<Tensor<4>> {
        let [n, c, ..] = x.dims();
        check("gate", gate, &[n, c, 1, 1], &x.device())?;
        Ok(x.clone() * gate.clone())
    }
}
