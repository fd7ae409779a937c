//! FCN-8s: the classifier VGG-16 turned into a network that gives every pixel its class.
//!
//! Long, Shelhamer and Darrell, "Fully Convolutional Networks for Semantic Segmentation" (2015); VGG-16 after Simonyan
//! and Zisserman (2014). This is the usual modern form: the published network pads its first convolution by 100 cells
//! and crops later, here every layer keeps its size, so that a map of `h` by `w` is `h / 2` by `w / 2` after each pool.
//!
//! | part | shape at `[n, 3, h, w]` |
//! | --- | --- |
//! | `block1` .. `block5`: 3x3 convolutions and ReLU, then pooling by 2 | `[n, 512, h/32, w/32]` |
//! | `fc6` 7x7, `fc7` 1x1, both with ReLU, `score` 1x1 | `[n, classes, h/32, w/32]` |
//! | `up2`, k4 s2 p1, and what `score4` makes of block 4 | `[n, classes, h/16, w/16]` |
//! | `up4`, k4 s2 p1, and what `score3` makes of block 3 | `[n, classes, h/8, w/8]` |
//! | `up8`, k16 s8 p4 | `[n, classes, h, w]` |

use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use upconv_geometry::Padding;
use upconv_nn::layers::{
    Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig, MaxPool2d, MaxPool2dConfig,
};
use upconv_nn::pass::{Activation, Pass};

use crate::error::{Result, check_multiple};
use crate::inference::Model;

/// The name on the command line and in weight files.
pub const NAME: &str = "fcn8s";

/// Height and width of the input are multiples of this: five times halved.
pub const MULTIPLE: usize = 32;

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fcn8sConfig {
    /// Classes; 21, as PASCAL VOC has with the background.
    pub classes: usize,
    /// Channels of the five blocks; 64, 128, 256, 512, 512.
    pub channels: [usize; 5],
    /// Channels of `fc6` and `fc7`; 4096.
    pub hidden: usize,
}

impl Default for Fcn8sConfig {
    fn default() -> Self {
        Self { classes: 21, channels: [64, 128, 256, 512, 512], hidden: 4096 }
    }
}

/// Convolutions of each block.
const DEPTHS: [usize; 5] = [2, 2, 3, 3, 3];

/// The network.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_models::fcn8s::{Fcn8s, Fcn8sConfig};
/// use upconv_models::inference::Model;
/// use upconv_nn::pass::Eager;
/// let config = Fcn8sConfig { classes: 4, channels: [4; 5], hidden: 8 };
/// let net = Fcn8s::new(&config, &Device::flex())?;
/// let y = net.forward(&mut Eager::default(), &Tensor::zeros([1, 3, 64, 32], &Device::flex()))?;
/// assert_eq!(y.dims(), [1, 4, 64, 32]);
/// # Ok::<(), upconv_models::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct Fcn8s {
    block1: Vec<Conv2d>,
    block2: Vec<Conv2d>,
    block3: Vec<Conv2d>,
    block4: Vec<Conv2d>,
    block5: Vec<Conv2d>,
    fc6: Conv2d,
    fc7: Conv2d,
    score: Conv2d,
    score4: Conv2d,
    score3: Conv2d,
    up2: ConvTranspose2d,
    up4: ConvTranspose2d,
    up8: ConvTranspose2d,
    pool: MaxPool2d,
}

impl Fcn8s {
    /// A network with random weights.
    ///
    /// # Errors
    /// Numbers of channels that make a weight too large.
    pub fn new(config: &Fcn8sConfig, device: &Device) -> Result<Self> {
        let Fcn8sConfig { classes, channels, hidden } = *config;
        let block = |number: usize| -> Result<Vec<Conv2d>> {
            let from = if number == 0 { 3 } else { channels[number - 1] };
            let to = channels[number];
            (0..DEPTHS[number])
                .map(|n| conv([if n == 0 { from } else { to }, to], 3, device))
                .collect()
        };
        let up = |kernel: usize| -> Result<ConvTranspose2d> {
            let (stride, pad) = (kernel / 2, kernel as i64 / 4);
            Ok(ConvTranspose2dConfig::new([classes, classes], [kernel; 2])
                .with_stride([stride; 2])
                .with_padding(Padding::Pads(vec![(pad, pad)]))
                .with_bias(false)
                .init(device)?)
        };
        Ok(Self {
            block1: block(0)?,
            block2: block(1)?,
            block3: block(2)?,
            block4: block(3)?,
            block5: block(4)?,
            fc6: conv([channels[4], hidden], 7, device)?,
            fc7: conv([hidden, hidden], 1, device)?,
            score: conv([hidden, classes], 1, device)?,
            score4: conv([channels[3], classes], 1, device)?,
            score3: conv([channels[2], classes], 1, device)?,
            up2: up(4)?,
            up4: up(4)?,
            up8: up(16)?,
            pool: MaxPool2dConfig::new([2, 2]).init(),
        })
    }
}

impl Model for Fcn8s {
    /// A score for every class and pixel, before any softmax: `[n, 3, h, w] -> [n, classes, h, w]`.
    ///
    /// # Errors
    /// A height or width that is no multiple of [`MULTIPLE`].
    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let [_, _, h, w] = pass.shape(x);
        check_multiple(NAME, [h, w], MULTIPLE)?;
        let relu = Activation::Relu;
        let block = |pass: &mut P, convs: &[Conv2d], x: &P::Value| -> Result<P::Value> {
            let mut x = x.clone();
            for conv in convs {
                x = pass.conv(conv, &x)?;
                x = pass.activation(relu, &x)?;
            }
            Ok(pass.max_pool(&self.pool, &x)?)
        };
        let x = block(pass, &self.block1, x)?;
        let x = block(pass, &self.block2, &x)?;
        let pool3 = block(pass, &self.block3, &x)?;
        let pool4 = block(pass, &self.block4, &pool3)?;
        let mut x = block(pass, &self.block5, &pool4)?;
        for fc in [&self.fc6, &self.fc7] {
            x = pass.conv(fc, &x)?;
            x = pass.activation(relu, &x)?;
        }
        let x = pass.conv(&self.score, &x)?;
        let (up, skip) = (pass.conv_transpose(&self.up2, &x)?, pass.conv(&self.score4, &pool4)?);
        let x = pass.add(&up, &skip)?;
        let (up, skip) = (pass.conv_transpose(&self.up4, &x)?, pass.conv(&self.score3, &pool3)?);
        let x = pass.add(&up, &skip)?;
        Ok(pass.conv_transpose(&self.up8, &x)?)
    }
}

/// A convolution that keeps the size.
fn conv(channels: [usize; 2], kernel: usize, device: &Device) -> Result<Conv2d> {
    let pad = kernel as i64 / 2;
    let config = Conv2dConfig::new(channels, [kernel; 2]);
    Ok(config.with_padding(Padding::Pads(vec![(pad, pad)])).init(device)?)
}
