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
    BatchNorm, BatchNormConfig, Conv2d, Linear, LinearConfig, MaxPool2d, MaxPool2dConfig,
};
use upconv_nn::pass::{Activation, Pass};

use crate::error::Result;
use crate::inference::Model;
use crate::residual::{Bottleneck, EXPANSION, Style};

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
                0 => Bottleneck::new([before, middle], stride, Style::TORCH, device),
                _ => Bottleneck::new([EXPANSION * middle, middle], 1, Style::TORCH, device),
            };
            (0..blocks[number]).map(block).collect()
        };
        Ok(Self {
            conv1: Style::TORCH.conv([3, width], 7, 2, device)?,
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
