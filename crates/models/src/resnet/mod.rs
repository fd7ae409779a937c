//! ResNets for pictures of some hundred pixels: residual blocks in four stages, for classification and as the trunk of
//! other networks.
//!
//! He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition" (2015), with 18 to 152 layers and in the forms
//! that are around: [`Form`]. Fields are called as in torchvision.
//!
//! | part | shape at `[n, 3, 224, 224]`, for ResNet-50 |
//! | --- | --- |
//! | `conv1` 7x7 stride 2, `bn1`, ReLU, pooling 3x3 stride 2 | `[n, 64, 56, 56]` |
//! | `layer1`: 3 blocks | `[n, 256, 56, 56]` |
//! | `layer2`: 4 blocks, the first of stride 2 | `[n, 512, 28, 28]` |
//! | `layer3`: 6 blocks, the first of stride 2 | `[n, 1024, 14, 14]` |
//! | `layer4`: 3 blocks, the first of stride 2 | `[n, 2048, 7, 7]` |
//! | mean of each channel, `fc` | `[n, 1000]` |
//!
//! The pre-activated form has `data_bn` before and `last_bn`, ReLU after the blocks.

mod config;
mod names;
#[cfg(test)]
mod tests;

use burn::module::Module;
use burn::tensor::Device;
use upconv_geometry::{Padding, PoolRounding};
use upconv_nn::layers::{BatchNorm, Conv2d, Linear, LinearConfig, MaxPool2d, MaxPool2dConfig};
use upconv_nn::pass::{Activation, Pass};

use crate::error::Result;
use crate::inference::Model;
use crate::residual::{BasicBlock, Bottleneck, Preactivated, PreactivatedSpec, Style};
pub use config::{Bias, Form, Kind, ResNetConfig};
pub use names::{
    caffe_names, cvgj_names, keras_names, open_nsfw_names, tensorflow_names, torch_names,
};

/// The name on the command line and in weight files of the usual one.
pub const NAME: &str = "resnet50";

/// The network.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_models::resnet::{ResNet, ResNetConfig};
/// use upconv_models::inference::Model;
/// use upconv_nn::pass::Eager;
/// let config = ResNetConfig { blocks: [1; 4], stem: 4, width: 4, classes: 10, ..Default::default() };
/// let net = ResNet::new(&config, &Device::flex())?;
/// let y = net.forward(&mut Eager::default(), &Tensor::zeros([2, 3, 64, 64], &Device::flex()))?;
/// assert_eq!(y.dims(), [2, 10, 1, 1]);
/// # Ok::<(), upconv_models::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct ResNet {
    data_bn: Option<BatchNorm>,
    conv1: Conv2d,
    bn1: BatchNorm,
    pool: MaxPool2d,
    layer1: Vec<Block>,
    layer2: Vec<Block>,
    layer3: Vec<Block>,
    layer4: Vec<Block>,
    last_bn: Option<BatchNorm>,
    fc: Linear,
}

/// A block of any form.
#[allow(clippy::large_enum_variant, reason = "a network has some tens of them")]
#[derive(Module, Debug)]
enum Block {
    Basic(BasicBlock),
    Bottleneck(Bottleneck),
    Preactivated(Preactivated),
}

impl Block {
    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        match self {
            Self::Basic(block) => block.forward(pass, x),
            Self::Bottleneck(block) => block.forward(pass, x),
            Self::Preactivated(block) => block.forward(pass, x),
        }
    }
}

impl ResNet {
    /// A network with random weights.
    ///
    /// # Errors
    /// A number of 0; numbers of channels that make a weight too large.
    pub fn new(config: &ResNetConfig, device: &Device) -> Result<Self> {
        config.check()?;
        let style = match config.form {
            Form::Torch => Style::TORCH,
            Form::Caffe => Style::CAFFE,
            Form::Tf => Style::TF,
            Form::Keras => Style::KERAS,
            Form::Preactivated => Style::CVGJ,
        };
        let first = style.with_bias(config.bias != Bias::None);
        let style = style.with_bias(config.bias == Bias::All);
        let stage = |number| stage(config, number, style, device);
        let norm = |channels| style.norm(channels, device);
        let preactivated = config.form == Form::Preactivated;
        Ok(Self {
            data_bn: preactivated.then(|| norm(3)).transpose()?,
            conv1: first.conv([3, config.stem], 7, 2, device)?,
            bn1: norm(config.stem)?,
            pool: pool(config.form),
            layer1: stage(0)?,
            layer2: stage(1)?,
            layer3: stage(2)?,
            layer4: stage(3)?,
            last_bn: preactivated.then(|| norm(config.end(3))).transpose()?,
            fc: LinearConfig::new(config.end(3), config.classes).init(device)?,
        })
    }

    /// Scores and the maps that the four stages make, at a quarter, an eighth, a 16th and a 32nd of the size.
    ///
    /// # Errors
    /// As [`Model::forward`].
    pub fn maps<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<(P::Value, [P::Value; 4])> {
        let x = match &self.data_bn {
            Some(norm) => pass.batch_norm(norm, x)?,
            None => x.clone(),
        };
        let x = pass.conv(&self.conv1, &x)?;
        let x = pass.batch_norm(&self.bn1, &x)?;
        let x = pass.activation(Activation::Relu, x)?;
        let x = pass.max_pool(&self.pool, &x)?;
        let run = |pass: &mut P, stage: &[Block], x: &P::Value| {
            stage.iter().try_fold(x.clone(), |x, block| block.forward(pass, &x))
        };
        let map1 = run(pass, &self.layer1, &x)?;
        let map2 = run(pass, &self.layer2, &map1)?;
        let map3 = run(pass, &self.layer3, &map2)?;
        let map4 = run(pass, &self.layer4, &map3)?;
        let mut x = map4.clone();
        if let Some(norm) = &self.last_bn {
            x = pass.batch_norm(norm, &x)?;
            x = pass.activation(Activation::Relu, x)?;
        }
        let x = pass.global_mean(&x)?;
        Ok((pass.linear(&self.fc, &x)?, [map1, map2, map3, map4]))
    }
}

/// The blocks of a stage, counted from 0.
fn stage(
    config: &ResNetConfig,
    number: usize,
    style: Style,
    device: &Device,
) -> Result<Vec<Block>> {
    let middle = config.middle(number);
    let block = |n: usize| {
        let (from, stride) = match (n, number) {
            (0, 0) => (config.stem, 1),
            (0, _) => (config.end(number - 1), 2),
            _ => (config.end(number), 1),
        };
        let channels = [from, middle];
        Ok(match (config.form, config.kind) {
            (Form::Preactivated, kind) => {
                let (bottleneck, first) = (kind == Kind::Bottleneck, (n, number) == (0, 0));
                let spec = PreactivatedSpec { channels, stride, bottleneck, first };
                Block::Preactivated(Preactivated::new(spec, style, device)?)
            }
            (_, Kind::Basic) => Block::Basic(BasicBlock::new(channels, stride, style, device)?),
            (_, Kind::Bottleneck) => {
                Block::Bottleneck(Bottleneck::new(channels, stride, style, device)?)
            }
        })
    };
    (0..config.blocks[number]).map(block).collect()
}

/// The first pooling, 3x3 with stride 2.
fn pool(form: Form) -> MaxPool2d {
    let config = MaxPool2dConfig::new([3, 3]).with_stride([2, 2]);
    match form {
        Form::Torch | Form::Keras => config.with_padding(Padding::Pads(vec![(1, 1)])),
        Form::Tf => config.with_padding(Padding::Same),
        Form::Caffe | Form::Preactivated => config.with_rounding(PoolRounding::CeilCaffe),
    }
    .init()
}

impl Model for ResNet {
    /// A score for every class, before any softmax: `[n, 3, h, w] -> [n, classes, 1, 1]`.
    ///
    /// # Errors
    /// An image that is too small for the windows.
    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        Ok(self.maps(pass, x)?.0)
    }
}
