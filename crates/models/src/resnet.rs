//! ResNet-50: residual blocks of three convolutions, for classification and as the trunk of other networks.
//!
//! He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition" (2015), in the form known as v1.5: the stride
//! of a block sits in its 3x3 convolution, where the paper has it in the first 1x1. Fields are called as in torchvision.
//!
//! | part | shape at `[n, 3, 224, 224]` |
//! | --- | --- |
//! | `conv1` 7x7 stride 2, `bn1`, ReLU, pooling 3x3 stride 2 | `[n, 64, 56, 56]` |
//! | `layer1`: 3 blocks | `[n, 256, 56, 56]` |
//! | `layer2`: 4 blocks, the first of stride 2 | `[n, 512, 28, 28]` |
//! | `layer3`: 6 blocks, the first of stride 2 | `[n, 1024, 14, 14]` |
//! | `layer4`: 3 blocks, the first of stride 2 | `[n, 2048, 7, 7]` |
//! | mean of each channel, `fc` | `[n, 1000]` |

use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use upconv_geometry::Padding;
use upconv_nn::layers::{
    BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, Linear, LinearConfig, MaxPool2d,
    MaxPool2dConfig,
};
use upconv_nn::pass::{Activation, Pass};

use crate::error::Result;
use crate::inference::Model;

/// The name on the command line and in weight files.
pub const NAME: &str = "resnet50";

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResNetConfig {
    /// Blocks of the four stages; 3, 4, 6, 3.
    pub blocks: [usize; 4],
    /// Channels after the first convolution; 64. Blocks end with 4, 8, 16 and 32 times as many.
    pub width: usize,
    /// Classes; 1000, as ImageNet has.
    pub classes: usize,
}

impl Default for ResNetConfig {
    fn default() -> Self {
        Self { blocks: [3, 4, 6, 3], width: 64, classes: 1000 }
    }
}

/// Channels at the end of a block for each in the middle of it.
const EXPANSION: usize = 4;

/// The network.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_models::resnet::{ResNet, ResNetConfig};
/// use upconv_models::inference::Model;
/// use upconv_nn::pass::Eager;
/// let config = ResNetConfig { blocks: [1; 4], width: 4, classes: 10 };
/// let net = ResNet::new(&config, &Device::flex())?;
/// let y = net.forward(&mut Eager::default(), &Tensor::zeros([2, 3, 64, 64], &Device::flex()))?;
/// assert_eq!(y.dims(), [2, 10, 1, 1]);
/// # Ok::<(), upconv_models::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct ResNet {
    conv1: Conv2d,
    bn1: BatchNorm,
    pool: MaxPool2d,
    layer1: Vec<Bottleneck>,
    layer2: Vec<Bottleneck>,
    layer3: Vec<Bottleneck>,
    layer4: Vec<Bottleneck>,
    fc: Linear,
}

impl ResNet {
    /// A network with random weights.
    ///
    /// # Errors
    /// Numbers of channels that make a weight too large.
    pub fn new(config: &ResNetConfig, device: &Device) -> Result<Self> {
        let ResNetConfig { blocks, width, classes } = *config;
        let stage = |number: usize| -> Result<Vec<Bottleneck>> {
            let middle = width << number;
            let (before, stride) = match number {
                0 => (width, 1),
                _ => (EXPANSION * middle / 2, 2),
            };
            let block = |n| match n {
                0 => Bottleneck::new(before, middle, stride, device),
                _ => Bottleneck::new(EXPANSION * middle, middle, 1, device),
            };
            (0..blocks[number]).map(block).collect()
        };
        Ok(Self {
            conv1: conv([3, width], 7, 2, device)?,
            bn1: BatchNormConfig::new(width).init(device)?,
            pool: MaxPool2dConfig::new([3, 3])
                .with_stride([2, 2])
                .with_padding(Padding::Pads(vec![(1, 1)]))
                .init(),
            layer1: stage(0)?,
            layer2: stage(1)?,
            layer3: stage(2)?,
            layer4: stage(3)?,
            fc: LinearConfig::new(EXPANSION * width * 8, classes).init(device)?,
        })
    }
}

impl Model for ResNet {
    /// A score for every class, before any softmax: `[n, 3, h, w] -> [n, classes, 1, 1]`.
    ///
    /// # Errors
    /// An image that is too small for the windows.
    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let x = pass.conv(&self.conv1, x)?;
        let x = pass.batch_norm(&self.bn1, &x)?;
        let x = pass.activation(Activation::Relu, &x)?;
        let mut x = pass.max_pool(&self.pool, &x)?;
        for stage in [&self.layer1, &self.layer2, &self.layer3, &self.layer4] {
            for block in stage {
                x = block.forward(pass, &x)?;
            }
        }
        let x = pass.global_mean(&x)?;
        Ok(pass.linear(&self.fc, &x)?)
    }
}

/// 1x1 down to few channels, 3x3, and 1x1 up again, added to the input.
#[derive(Module, Debug)]
struct Bottleneck {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    conv3: Conv2d,
    bn3: BatchNorm,
    downsample: Option<Downsample>,
}

/// What brings the input to the size of a block's result.
#[derive(Module, Debug)]
pub(crate) struct Downsample {
    conv: Conv2d,
    bn: BatchNorm,
}

impl Downsample {
    /// `None` where a block changes neither channels nor size.
    pub(crate) fn new(
        channels: [usize; 2],
        stride: usize,
        device: &Device,
    ) -> Result<Option<Self>> {
        if channels[0] == channels[1] && stride == 1 {
            return Ok(None);
        }
        let bn = BatchNormConfig::new(channels[1]).init(device)?;
        Ok(Some(Self { conv: conv(channels, 1, stride, device)?, bn }))
    }

    /// What is added to a block's result: the input, or what `skip` makes of it.
    pub(crate) fn skip<P: Pass>(
        skip: Option<&Self>,
        pass: &mut P,
        x: &P::Value,
    ) -> Result<P::Value> {
        let Some(Self { conv, bn }) = skip else { return Ok(x.clone()) };
        let x = pass.conv(conv, x)?;
        Ok(pass.batch_norm(bn, &x)?)
    }
}

impl Bottleneck {
    fn new(from: usize, middle: usize, stride: usize, device: &Device) -> Result<Self> {
        let to = EXPANSION * middle;
        let norm = |channels| BatchNormConfig::new(channels).init(device);
        Ok(Self {
            conv1: conv([from, middle], 1, 1, device)?,
            bn1: norm(middle)?,
            conv2: conv([middle, middle], 3, stride, device)?,
            bn2: norm(middle)?,
            conv3: conv([middle, to], 1, 1, device)?,
            bn3: norm(to)?,
            downsample: Downsample::new([from, to], stride, device)?,
        })
    }

    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let h = pass.conv(&self.conv1, x)?;
        let h = pass.batch_norm(&self.bn1, &h)?;
        let h = pass.activation(Activation::Relu, &h)?;
        let h = pass.conv(&self.conv2, &h)?;
        let h = pass.batch_norm(&self.bn2, &h)?;
        let h = pass.activation(Activation::Relu, &h)?;
        let h = pass.conv(&self.conv3, &h)?;
        let h = pass.batch_norm(&self.bn3, &h)?;
        let skip = Downsample::skip(self.downsample.as_ref(), pass, x)?;
        let y = pass.add(&h, &skip)?;
        Ok(pass.activation(Activation::Relu, &y)?)
    }
}

/// A convolution without bias whose window is centred.
pub(crate) fn conv(
    channels: [usize; 2],
    kernel: usize,
    stride: usize,
    device: &Device,
) -> Result<Conv2d> {
    let pad = kernel as i64 / 2;
    Ok(Conv2dConfig::new(channels, [kernel; 2])
        .with_stride([stride; 2])
        .with_padding(Padding::Pads(vec![(pad, pad)]))
        .with_bias(false)
        .init(device)?)
}
