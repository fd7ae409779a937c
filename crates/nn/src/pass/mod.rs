//! What the forward pass of a network is written against, once for all that is done with it.
//!
//! A model says which layer follows which; a [`Pass`] says what that means. [`Eager`] computes with Burn's tensors, for
//! training and its gradients; [`crate::inference::Recorder`] records the operations for the inference form; others
//! follow shapes only.

mod eager;

pub use eager::Eager;
pub use upconv_kernels::{Activation, LocalResponse};

use crate::error::Result;
use crate::layers::{
    BatchNorm, Conv2d, ConvTranspose2d, Linear, MaxPool2d, PixelShuffle, Upsample,
};

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

    /// A transposed convolution to a wanted height and width, among those that share the input.
    ///
    /// # Errors
    /// As [`ConvTranspose2d::try_forward_to`].
    fn conv_transpose_to(
        &mut self,
        layer: &ConvTranspose2d,
        x: &Self::Value,
        output: [usize; 2],
    ) -> Result<Self::Value>;

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

    /// An activation of every element; in place, where nobody else holds the value.
    ///
    /// # Errors
    /// None for tensors of F32.
    fn activation(&mut self, activation: Activation, x: Self::Value) -> Result<Self::Value>;

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

    /// The cells from `begin` on, `size` of them down and across.
    ///
    /// # Errors
    /// A size of 0; cells outside of `x`.
    fn crop(&mut self, x: &Self::Value, begin: [usize; 2], size: [usize; 2])
    -> Result<Self::Value>;

    /// Channels become space.
    ///
    /// # Errors
    /// As [`PixelShuffle::try_forward`].
    fn pixel_shuffle(&mut self, layer: &PixelShuffle, x: &Self::Value) -> Result<Self::Value>;

    /// The maximum of every window, and where it was: the number of its cell in its plane of `x`, row by row. The
    /// positions are a value like any other, without a gradient.
    ///
    /// # Errors
    /// As [`MaxPool2d::try_forward_with_indices`]; planes of more than 2^24 cells, beyond which floats skip numbers.
    fn max_pool_with_positions(
        &mut self,
        layer: &MaxPool2d,
        x: &Self::Value,
    ) -> Result<(Self::Value, Self::Value)>;

    /// Puts the values of `x` where `positions` say, in planes of `output` cells that are zero elsewhere. `layer` is the
    /// pooling that found the positions, in planes of that size.
    ///
    /// # Errors
    /// Positions of another shape than `x`; planes that the pooling does not bring to the size of `x`.
    fn max_unpool(
        &mut self,
        layer: &MaxPool2d,
        x: &Self::Value,
        positions: &Self::Value,
        output: [usize; 2],
    ) -> Result<Self::Value>;

    /// Local response normalisation.
    ///
    /// # Errors
    /// As [`LocalResponse::check`].
    fn local_response(&mut self, norm: LocalResponse, x: &Self::Value) -> Result<Self::Value>;

    /// `zeros` channels of zeros behind those of `x`.
    ///
    /// # Errors
    /// More cells than the limits allow.
    fn pad_channels(&mut self, x: &Self::Value, zeros: usize) -> Result<Self::Value>;

    /// In training, sets each element to 0 with probability `rate` and divides the others by `1 - rate`; else nothing.
    ///
    /// # Errors
    /// A rate that is not at least 0 and below 1.
    fn dropout(&mut self, rate: f64, x: &Self::Value) -> Result<Self::Value>;
}
