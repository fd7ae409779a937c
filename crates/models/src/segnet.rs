//! SegNet: VGG-16 down, its mirror image up, and every value goes back to the cell that it came from.
//!
//! Badrinarayanan, Kendall and Cipolla, "SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image Segmentation"
//! (2015). Between the two halves nothing is handed over but the places of the maxima.
//!
//! | part | shape at `[n, 3, h, w]` |
//! | --- | --- |
//! | `down.0` .. `down.4`: 2, 2, 3, 3, 3 convolutions with batch norm and ReLU, then pooling by 2 | `[n, 64, h/2, w/2]` .. `[n, 512, h/32, w/32]` |
//! | `up.0` and `merge.0`: unpooling, then 3 convolutions | `[n, 512, h/16, w/16]` |
//! | `up.1` .. `up.4` and `merge.1` .. `merge.4` | `[n, 256, h/8, w/8]` .. `[n, 64, h, w]` |
//! | `head` 3x3 | `[n, classes, h, w]` |

use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use upconv_geometry::Padding;
use upconv_nn::layers::{
    BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, MaxPool2d, MaxPool2dConfig,
};
use upconv_nn::pass::{Activation, Pass};

use crate::error::{Result, check_multiple};
use crate::inference::Model;
use crate::upsampling::{Doubling, Upsampling, halve};

/// The name on the command line and in weight files.
pub const NAME: &str = "segnet";

/// Height and width of the input are multiples of this: five times halved.
pub const MULTIPLE: usize = 32;

/// Convolutions of each block, down and up.
const DEPTHS: [usize; 5] = [2, 2, 3, 3, 3];

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SegNetConfig {
    /// Classes; 11, as CamVid has.
    pub classes: usize,
    /// Channels of the picture; 3.
    pub colours: usize,
    /// Channels of the five blocks; 64, 128, 256, 512, 512.
    pub channels: [usize; 5],
    /// How maps become larger; by unpooling.
    pub upsample: Upsampling,
}

impl Default for SegNetConfig {
    fn default() -> Self {
        let upsample = Upsampling::Unpool;
        Self { classes: 11, colours: 3, channels: [64, 128, 256, 512, 512], upsample }
    }
}

impl SegNetConfig {
    /// With so many times the channels, at least 1 each.
    #[must_use]
    pub fn with_width(self, factor: f64) -> Self {
        let of = |channels: usize| ((channels as f64 * factor).round() as usize).max(1);
        Self { channels: self.channels.map(of), ..self }
    }
}

/// The network.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_models::inference::Model;
/// use upconv_models::segnet::{SegNet, SegNetConfig};
/// use upconv_nn::pass::Eager;
/// let net = SegNet::new(&SegNetConfig::default().with_width(0.05), &Device::flex())?;
/// let y = net.forward(&mut Eager::default(), &Tensor::zeros([1, 3, 32, 64], &Device::flex()))?;
/// assert_eq!(y.dims(), [1, 11, 32, 64]);
/// # Ok::<(), upconv_models::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct SegNet {
    down: Vec<Vec<Normed>>,
    up: Vec<Doubling>,
    merge: Vec<Vec<Normed>>,
    head: Conv2d,
    pool: MaxPool2d,
}

impl SegNet {
    /// A network with random weights.
    ///
    /// # Errors
    /// Numbers of channels that make a weight too large.
    pub fn new(config: &SegNetConfig, device: &Device) -> Result<Self> {
        let SegNetConfig { classes, colours, channels, upsample } = *config;
        let before = |level: usize| if level == 0 { colours } else { channels[level - 1] };
        let down = (0..5).map(|level| -> Result<Vec<Normed>> {
            let from = |n| if n == 0 { before(level) } else { channels[level] };
            (0..DEPTHS[level]).map(|n| Normed::new([from(n), channels[level]], device)).collect()
        });
        let up = channels.iter().rev().map(|&own| Doubling::new(upsample, [own, own], device));
        // The last convolution of a block goes to the channels of the next one; that of the last block is the head.
        let merge = (0..5).rev().map(|level| -> Result<Vec<Normed>> {
            let own = channels[level];
            let last = DEPTHS[level] - 1;
            let count = if level == 0 { last } else { last + 1 };
            let to = |n| if n == last { before(level) } else { own };
            (0..count).map(|n| Normed::new([own, to(n)], device)).collect()
        });
        Ok(Self {
            down: down.collect::<Result<_>>()?,
            up: up.collect::<Result<_>>()?,
            merge: merge.collect::<Result<_>>()?,
            head: around([channels[0], classes]).init(device)?,
            pool: MaxPool2dConfig::new([2, 2]).init(),
        })
    }
}

impl Model for SegNet {
    /// A score for every class and pixel, before any softmax: `[n, colours, h, w] -> [n, classes, h, w]`.
    ///
    /// # Errors
    /// A height or width that is no multiple of [`MULTIPLE`]; see [`crate::picture::padded`].
    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let [_, _, h, w] = pass.shape(x);
        check_multiple(NAME, [h, w], MULTIPLE)?;
        let run = |pass: &mut P, convs: &[Normed], x: P::Value| -> Result<P::Value> {
            convs.iter().try_fold(x, |x, conv| conv.forward(pass, &x))
        };
        let mut x = x.clone();
        let mut ways = Vec::new();
        for (block, up) in self.down.iter().zip(self.up.iter().rev()) {
            x = run(pass, block, x)?;
            let (half, pooled) = halve(pass, &self.pool, &x, up.unpools())?;
            x = half;
            ways.push(pooled);
        }
        for ((up, block), pooled) in self.up.iter().zip(&self.merge).zip(ways.iter().rev()) {
            x = up.forward(pass, &x, &self.pool, pooled)?;
            x = run(pass, block, x)?;
        }
        Ok(pass.conv(&self.head, &x)?)
    }
}

/// A 3x3 convolution with batch norm and ReLU.
#[derive(Module, Debug)]
struct Normed {
    conv: Conv2d,
    bn: BatchNorm,
}

impl Normed {
    fn new(channels: [usize; 2], device: &Device) -> Result<Self> {
        let bn = BatchNormConfig::new(channels[1]).init(device)?;
        Ok(Self { conv: around(channels).init(device)?, bn })
    }

    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let x = pass.conv(&self.conv, x)?;
        let x = pass.batch_norm(&self.bn, &x)?;
        Ok(pass.activation(Activation::Relu, x)?)
    }
}

/// 3x3, and the size stays.
fn around(channels: [usize; 2]) -> Conv2dConfig {
    Conv2dConfig::new(channels, [3, 3]).with_padding(Padding::Pads(vec![(1, 1)]))
}

#[cfg(test)]
mod tests {
    use upconv_nn::parameters;

    use super::*;

    #[test]
    fn parameters_are_those_of_two_vggs() {
        let net = SegNet::new(&SegNetConfig::default(), &Device::flex()).unwrap();
        let all = parameters::list(&net).into_iter();
        let trained = all.filter(|(name, _)| !name.contains("running_"));
        let count: usize = trained.map(|(_, shape)| shape.iter().product::<usize>()).sum();
        // Both halves have VGG-16's 14,714,688 but for the last layer, which goes to 11 classes and not to 3 colours, and
        // for the biases of the upper half, which follow the channels after a layer; batch norm has two numbers for each
        // of these.
        let down: usize = [2 * 64, 2 * 128, 3 * 256, 3 * 512, 3 * 512].iter().sum();
        let up: usize = [64, 64 + 128, 128 + 2 * 256, 256 + 2 * 512, 3 * 512].iter().sum();
        let weights = 14_714_688 - down;
        let head = 9 * 64 * (11 - 3) + 11;
        assert_eq!(count, 2 * weights + 3 * down + 3 * up + head);
        assert_eq!(count, 29_449_355);
    }
}
