//! EfficientNet-lite0: inverted residual blocks without gates, for ImageNet's classes.
//!
//! Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (2019), in the form for small
//! devices: ReLU6 for swish, and no squeeze-and-excitation. Zeros are TensorFlow's SAME, epsilon is 1e-3.
//!
//! | part | shape at `[n, 3, 224, 224]` |
//! | --- | --- |
//! | `stem`: 3x3 stride 2 | `[n, 32, 112, 112]` |
//! | `blocks`: 16 of them, 7 stages of 16, 24, 40, 80, 112, 192 and 320 channels | `[n, 320, 7, 7]` |
//! | `head`: 1x1 | `[n, 1280, 7, 7]` |
//! | mean of each channel, `fc` | `[n, 1000, 1, 1]` |

mod names;
#[cfg(test)]
mod tests;

use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use upconv_geometry::Padding;
use upconv_nn::layers::{BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, Linear, LinearConfig};
use upconv_nn::pass::{Activation, Pass};

use crate::error::{ModelError, Result};
use crate::inference::Model;
pub use names::torch_names;

/// The name on the command line and in weight files.
pub const NAME: &str = "efficientnet-lite0";

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EfficientNetConfig {
    /// Classes; 1000, as ImageNet has.
    pub classes: usize,
    /// Share of the elements that training drops before `fc`; 0.2.
    pub dropout: f64,
}

impl Default for EfficientNetConfig {
    fn default() -> Self {
        Self { classes: 1000, dropout: 0.2 }
    }
}

/// Blocks of the same kind; only the first one strides.
struct Stage {
    blocks: usize,
    kernel: usize,
    stride: usize,
    /// Channels in the middle of a block for each before it.
    expansion: usize,
    channels: usize,
}

const fn stage(
    blocks: usize,
    kernel: usize,
    stride: usize,
    expansion: usize,
    channels: usize,
) -> Stage {
    Stage { blocks, kernel, stride, expansion, channels }
}

const STEM: usize = 32;
const STAGES: [Stage; 7] = [
    stage(1, 3, 1, 1, 16),
    stage(2, 3, 2, 6, 24),
    stage(2, 5, 2, 6, 40),
    stage(3, 3, 2, 6, 80),
    stage(3, 5, 1, 6, 112),
    stage(4, 5, 2, 6, 192),
    stage(1, 3, 1, 6, 320),
];
const HEAD: usize = 1280;

/// The network.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_models::efficientnet::{EfficientNet, EfficientNetConfig};
/// use upconv_models::inference::Model;
/// use upconv_nn::pass::Eager;
/// let net = EfficientNet::new(&EfficientNetConfig::default(), &Device::flex())?;
/// let y = net.forward(&mut Eager::default(), &Tensor::zeros([1, 3, 64, 50], &Device::flex()))?;
/// assert_eq!(y.dims(), [1, 1000, 1, 1]);
/// # Ok::<(), upconv_models::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct EfficientNet {
    stem: Normalised,
    blocks: Vec<Block>,
    head: Normalised,
    fc: Linear,
    dropout: f64,
}

/// A convolution with batch norm.
#[derive(Module, Debug)]
struct Normalised {
    conv: Conv2d,
    bn: BatchNorm,
}

impl Normalised {
    fn new(conv: Conv2dConfig, out: usize, device: &Device) -> Result<Self> {
        let conv = conv.with_padding(Padding::Same).with_bias(false).init(device)?;
        // TensorFlow's decay of 0.99.
        let bn = BatchNormConfig::new(out).with_epsilon(1e-3).with_momentum(0.01);
        Ok(Self { conv, bn: bn.init(device)? })
    }

    fn forward<P: Pass>(
        &self,
        pass: &mut P,
        activation: Activation,
        x: &P::Value,
    ) -> Result<P::Value> {
        let x = pass.conv(&self.conv, x)?;
        let x = pass.batch_norm(&self.bn, &x)?;
        Ok(pass.activation(activation, x)?)
    }
}

/// Wider, a convolution of every channel by itself, and narrower; added to the input where size and channels stay.
#[derive(Module, Debug)]
struct Block {
    expand: Option<Normalised>,
    depthwise: Normalised,
    project: Normalised,
    residual: bool,
}

impl Block {
    fn new(from: usize, stride: usize, stage: &Stage, device: &Device) -> Result<Self> {
        let Stage { kernel, expansion, channels: to, .. } = *stage;
        let middle = from * expansion;
        let pointwise = |from, to| Conv2dConfig::new([from, to], [1, 1]);
        let expand =
            (expansion != 1).then(|| Normalised::new(pointwise(from, middle), middle, device));
        let depthwise = Conv2dConfig::depthwise(middle, [kernel; 2]).with_stride([stride; 2]);
        Ok(Self {
            expand: expand.transpose()?,
            depthwise: Normalised::new(depthwise, middle, device)?,
            project: Normalised::new(pointwise(middle, to), to, device)?,
            residual: stride == 1 && from == to,
        })
    }

    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let mut h = x.clone();
        if let Some(expand) = &self.expand {
            h = expand.forward(pass, Activation::Relu6, &h)?;
        }
        h = self.depthwise.forward(pass, Activation::Relu6, &h)?;
        h = self.project.forward(pass, Activation::None, &h)?;
        if self.residual { Ok(pass.add(&h, x)?) } else { Ok(h) }
    }
}

impl EfficientNet {
    /// A network with random weights.
    ///
    /// # Errors
    /// No classes; a dropout that is not at least 0 and below 1.
    pub fn new(config: &EfficientNetConfig, device: &Device) -> Result<Self> {
        let EfficientNetConfig { classes, dropout } = *config;
        let refuse =
            |setting, reason: String| Err(ModelError::Setting { model: NAME, setting, reason });
        if classes == 0 {
            return refuse("classes", "0 must be at least 1".into());
        }
        if !(0.0..1.0).contains(&dropout) {
            return refuse("dropout", format!("{dropout} must be at least 0 and below 1"));
        }
        let mut blocks = Vec::new();
        let mut from = STEM;
        for stage in &STAGES {
            for n in 0..stage.blocks {
                let stride = if n == 0 { stage.stride } else { 1 };
                blocks.push(Block::new(from, stride, stage, device)?);
                from = stage.channels;
            }
        }
        let stem = Conv2dConfig::new([3, STEM], [3, 3]).with_stride([2, 2]);
        Ok(Self {
            stem: Normalised::new(stem, STEM, device)?,
            blocks,
            head: Normalised::new(Conv2dConfig::new([from, HEAD], [1, 1]), HEAD, device)?,
            fc: LinearConfig::new(HEAD, classes).init(device)?,
            dropout,
        })
    }
}

impl Model for EfficientNet {
    /// A score for every class, before any softmax: `[n, 3, h, w] -> [n, classes, 1, 1]`.
    ///
    /// # Errors
    /// Another number of channels.
    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let x = self.stem.forward(pass, Activation::Relu6, x)?;
        let x = self.blocks.iter().try_fold(x, |x, block| block.forward(pass, &x))?;
        let x = self.head.forward(pass, Activation::Relu6, &x)?;
        let x = pass.global_mean(&x)?;
        let x = pass.dropout(self.dropout, &x)?;
        Ok(pass.linear(&self.fc, &x)?)
    }
}
