//! U-Net: down to small maps with many channels and up again, each size joined with what was seen there on the way down.
//!
//! Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation" (2015), with
//! convolutions that keep the size, batch norm, and half of the channels.
//!
//! | part | shape at `[n, 3, h, w]` and base 32 |
//! | --- | --- |
//! | `down.0`: two 3x3 convolutions with batch norm and ReLU | `[n, 32, h, w]` |
//! | `down.1` .. `down.4`: pooling by 2, then the same | `[n, 64, h/2, w/2]` .. `[n, 512, h/16, w/16]` |
//! | `up.0`: transposed convolution k2 s2, behind `down.3`; `merge.0`: two convolutions | `[n, 256, h/8, w/8]` |
//! | `up.1` .. `up.3` and `merge.1` .. `merge.3` | `[n, 128, h/4, w/4]` .. `[n, 32, h, w]` |
//! | `head` 1x1 | `[n, classes, h, w]` |
//!
//! Instead of the transposed convolution `up` can be a resize or an unpooling, with a 1x1 convolution to half of the
//! channels, or a pixel shuffle.

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

/// The name of the network with 32 channels at full size.
pub const NAME: &str = "unet32";

/// The name of the networks with any choice, on the command line and in weight files.
pub const FAMILY: &str = "unet";

/// Height and width of the input are multiples of this: four times halved.
pub const MULTIPLE: usize = 16;

/// Sizes at which there are maps.
const LEVELS: usize = 5;

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UNetConfig {
    /// Channels at full size; 32. Each half of the size has twice as many.
    pub base: usize,
    /// Channels of the picture; 3.
    pub colours: usize,
    /// Classes; 2.
    pub classes: usize,
    /// How maps become larger; by transposed convolutions.
    pub upsample: Upsampling,
}

impl Default for UNetConfig {
    fn default() -> Self {
        Self { base: 32, colours: 3, classes: 2, upsample: Upsampling::Transposed }
    }
}

/// The network.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_models::unet::{UNet, UNetConfig};
/// use upconv_models::inference::Model;
/// use upconv_nn::pass::Eager;
/// let net = UNet::new(&UNetConfig { base: 2, ..Default::default() }, &Device::flex())?;
/// let y = net.forward(&mut Eager::default(), &Tensor::zeros([1, 3, 32, 48], &Device::flex()))?;
/// assert_eq!(y.dims(), [1, 2, 32, 48]);
/// # Ok::<(), upconv_models::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct UNet {
    down: Vec<Double>,
    up: Vec<Doubling>,
    merge: Vec<Double>,
    head: Conv2d,
    pool: MaxPool2d,
}

impl UNet {
    /// A network with random weights.
    ///
    /// # Errors
    /// Numbers of channels that make a weight too large.
    pub fn new(config: &UNetConfig, device: &Device) -> Result<Self> {
        let UNetConfig { base, colours, classes, upsample } = *config;
        let channels = |level: usize| base << level;
        let down = (0..LEVELS).map(|level| {
            let from = if level == 0 { colours } else { channels(level - 1) };
            Double::new([from, channels(level)], device)
        });
        let up = (0..LEVELS - 1)
            .rev()
            .map(|level| Doubling::new(upsample, [channels(level + 1), channels(level)], device));
        let merge = (0..LEVELS - 1)
            .rev()
            .map(|level| Double::new([channels(level + 1), channels(level)], device));
        Ok(Self {
            down: down.collect::<Result<_>>()?,
            up: up.collect::<Result<_>>()?,
            merge: merge.collect::<Result<_>>()?,
            head: Conv2dConfig::new([base, classes], [1, 1]).init(device)?,
            pool: MaxPool2dConfig::new([2, 2]).init(),
        })
    }
}

impl Model for UNet {
    /// A score for every class and pixel, before any softmax: `[n, colours, h, w] -> [n, classes, h, w]`.
    ///
    /// # Errors
    /// A height or width that is no multiple of [`MULTIPLE`]; see [`crate::picture::padded`].
    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let [_, _, h, w] = pass.shape(x);
        check_multiple(NAME, [h, w], MULTIPLE)?;
        let mut x = x.clone();
        let keep = self.up.iter().any(Doubling::unpools);
        let mut seen = Vec::new();
        for (level, double) in self.down.iter().enumerate() {
            x = double.forward(pass, &x)?;
            if level < LEVELS - 1 {
                let (half, pooled) = halve(pass, &self.pool, &x, keep)?;
                seen.push((std::mem::replace(&mut x, half), pooled));
            }
        }
        let ways = seen.into_iter().rev();
        for ((up, merge), (skip, pooled)) in self.up.iter().zip(&self.merge).zip(ways) {
            x = up.forward(pass, &x, &self.pool, &pooled)?;
            x = pass.concat(&[skip, x])?;
            x = merge.forward(pass, &x)?;
        }
        Ok(pass.conv(&self.head, &x)?)
    }
}

/// Twice: 3x3 convolution, batch norm, ReLU.
#[derive(Module, Debug)]
struct Double {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
}

impl Double {
    fn new([from, to]: [usize; 2], device: &Device) -> Result<Self> {
        let conv = |from| {
            let config = Conv2dConfig::new([from, to], [3, 3]).with_bias(false);
            config.with_padding(Padding::Pads(vec![(1, 1)])).init(device)
        };
        let norm = || BatchNormConfig::new(to).init(device);
        Ok(Self { conv1: conv(from)?, bn1: norm()?, conv2: conv(to)?, bn2: norm()? })
    }

    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let mut x = x.clone();
        for (conv, norm) in [(&self.conv1, &self.bn1), (&self.conv2, &self.bn2)] {
            x = pass.conv(conv, &x)?;
            x = pass.batch_norm(norm, &x)?;
            x = pass.activation(Activation::Relu, x)?;
        }
        Ok(x)
    }
}
