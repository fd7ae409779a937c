//! ResNet-20 and its deeper kin for small pictures: residual blocks of two convolutions in three stages.
//!
//! He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition" (2015), section 4.2; where a stage halves the
//! size, the skip is a 1x1 convolution with batch norm, the paper's option B, or every other pixel with channels of zeros
//! behind, its option A.
//!
//! | part | shape at `[n, 3, 32, 32]` |
//! | --- | --- |
//! | `conv1` 3x3, `bn1`, ReLU | `[n, 16, 32, 32]` |
//! | `layer1`: 3 blocks | `[n, 16, 32, 32]` |
//! | `layer2`: 3 blocks, the first of stride 2 | `[n, 32, 16, 16]` |
//! | `layer3`: 3 blocks, the first of stride 2 | `[n, 64, 8, 8]` |
//! | mean of each channel, `fc` | `[n, 10]` |

use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use upconv_nn::layers::{BatchNorm, BatchNormConfig, Conv2d, Linear, LinearConfig};
use upconv_nn::pass::{Activation, Pass};

use crate::error::Result;
use crate::inference::Model;
pub use crate::residual::Shortcut;
use crate::residual::{BasicBlock, Style};

/// The name on the command line and in weight files.
pub const NAME: &str = "resnet20";

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResNetCifarConfig {
    /// Blocks of each stage; 3 make ResNet-20, 18 make ResNet-110.
    pub blocks: usize,
    /// Channels of the first stage; 16.
    pub width: usize,
    /// Classes; 10.
    pub classes: usize,
    /// What is added where a stage halves the size; the paper's CIFAR networks have zeros.
    pub shortcut: Shortcut,
}

impl Default for ResNetCifarConfig {
    fn default() -> Self {
        Self { blocks: 3, width: 16, classes: 10, shortcut: Shortcut::Projection }
    }
}

/// The network.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_models::inference::Model;
/// use upconv_models::resnet_cifar::{ResNetCifar, ResNetCifarConfig};
/// use upconv_nn::pass::Eager;
/// let net = ResNetCifar::new(&ResNetCifarConfig::default(), &Device::flex())?;
/// let y = net.forward(&mut Eager::default(), &Tensor::zeros([2, 3, 32, 32], &Device::flex()))?;
/// assert_eq!(y.dims(), [2, 10, 1, 1]);
/// # Ok::<(), upconv_models::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct ResNetCifar {
    conv1: Conv2d,
    bn1: BatchNorm,
    layer1: Vec<BasicBlock>,
    layer2: Vec<BasicBlock>,
    layer3: Vec<BasicBlock>,
    fc: Linear,
}

impl ResNetCifar {
    /// A network with random weights.
    ///
    /// # Errors
    /// Numbers of channels that make a weight too large.
    pub fn new(config: &ResNetCifarConfig, device: &Device) -> Result<Self> {
        let ResNetCifarConfig { blocks, width, classes, shortcut } = *config;
        let stage = |number: usize| -> Result<Vec<BasicBlock>> {
            let to = width.saturating_mul(1 << number);
            let block = |n| match (n, number) {
                (0, 1..) => {
                    BasicBlock::with_shortcut([to / 2, to], 2, shortcut, Style::TORCH, device)
                }
                _ => BasicBlock::new([to, to], 1, Style::TORCH, device),
            };
            (0..blocks).map(block).collect()
        };
        Ok(Self {
            conv1: Style::TORCH.conv([3, width], 3, 1, device)?,
            bn1: BatchNormConfig::new(width).init(device)?,
            layer1: stage(0)?,
            layer2: stage(1)?,
            layer3: stage(2)?,
            fc: LinearConfig::new(4 * width, classes).init(device)?,
        })
    }
}

impl Model for ResNetCifar {
    /// A score for every class, before any softmax: `[n, 3, h, w] -> [n, classes, 1, 1]`.
    ///
    /// # Errors
    /// An image that is too small for the windows.
    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let x = pass.conv(&self.conv1, x)?;
        let x = pass.batch_norm(&self.bn1, &x)?;
        let mut x = pass.activation(Activation::Relu, x)?;
        for block in [&self.layer1, &self.layer2, &self.layer3].into_iter().flatten() {
            x = block.forward(pass, &x)?;
        }
        let x = pass.global_mean(&x)?;
        Ok(pass.linear(&self.fc, &x)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::describe;

    /// Counted by hand from section 4.2, for 20, 32, 56 and 110 layers. The shortcuts with zeros have no parameters; the
    /// others have two convolutions of 1x1 and their norms, (512 + 64) + (2048 + 128).
    #[test]
    fn counts_are_those_of_the_paper() {
        for (blocks, expected) in [(3, 269_722), (5, 464_154), (9, 853_018), (18, 1_727_962)] {
            let count = |shortcut| {
                let config = ResNetCifarConfig { blocks, shortcut, ..Default::default() };
                let net = ResNetCifar::new(&config, &Device::flex()).unwrap();
                let layers = describe(&net, [1, 3, 32, 32]).unwrap();
                layers.iter().map(|layer| layer.parameters).sum::<usize>()
            };
            assert_eq!(count(Shortcut::Zeros), expected);
            assert_eq!(count(Shortcut::Projection), expected + 2_752);
        }
    }
}
