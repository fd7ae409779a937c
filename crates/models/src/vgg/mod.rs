//! VGG: convolutions of 3x3 in five blocks, and three fully connected layers.
//!
//! Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition" (2014): configuration D,
//! VGG-16, and E, VGG-19; and CVGJ's VGG-19, with batch norm of the picture and of every layer but the last (Simon, Rodner
//! and Denzler, "ImageNet pre-trained models with batch normalization", 2016).
//!
//! | part | shape at `[n, 3, 224, 224]` |
//! | --- | --- |
//! | `block1` .. `block5`: 3x3 convolutions and ReLU, then pooling by 2 | `[n, 512, 7, 7]` |
//! | `fc6`, `fc7`, both with ReLU and dropout | `[n, 4096, 1, 1]` |
//! | `fc8` | `[n, 1000, 1, 1]` |
//!
//! Fully connected layers are convolutions: `fc6` of 7x7, the others of 1x1. On a picture of the usual size that is the
//! same; on a larger one they look at every place, and a score is the mean of those of all places.
//!
//! Training begins with weights of others ([`fine_tune`](crate::training::classification::fine_tune)): no preset begins with
//! random ones, and TFLearn's rule for these is not built in.

mod names;
#[cfg(test)]
mod tests;

use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use upconv_geometry::{Padding, PoolRounding};
use upconv_nn::layers::{
    BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, MaxPool2d, MaxPool2dConfig,
};
use upconv_nn::pass::Pass;

use crate::error::{ModelError, Result};
use crate::inference::Model;
use crate::unit::{Unit, mean_score};
pub use names::{caffe_names, keras_names, tensorflow_names, tflearn_names, torch_names};

/// The name on the command line and in weight files of VGG-16.
pub const NAME: &str = "vgg16";

/// Side of the map that `fc6` looks at.
const SIDE: usize = 7;

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VggConfig {
    /// Convolutions of the five blocks; 2, 2, 3, 3, 3.
    pub depths: [usize; 5],
    /// Their channels; 64, 128, 256, 512, 512.
    pub channels: [usize; 5],
    /// Channels of `fc6` and `fc7`; 4096.
    pub head: usize,
    /// Classes; 1000, as ImageNet has.
    pub classes: usize,
    /// Whether the picture and every layer but the last are normalised; no.
    pub norm: bool,
    /// Whether layers before a batch norm have a bias all the same; yes. The usual form of Caffe's norms takes it into
    /// their means.
    pub bias: bool,
    /// Share of the elements that training drops after `fc6` and `fc7`; 0.5.
    pub dropout: f64,
}

impl Default for VggConfig {
    fn default() -> Self {
        Self {
            depths: [2, 2, 3, 3, 3],
            channels: [64, 128, 256, 512, 512],
            head: 4096,
            classes: 1000,
            norm: false,
            bias: true,
            dropout: 0.5,
        }
    }
}

impl VggConfig {
    /// VGG-16.
    pub fn vgg16() -> Self {
        Self::default()
    }

    /// VGG-19.
    pub fn vgg19() -> Self {
        Self { depths: [2, 2, 4, 4, 4], ..Self::default() }
    }

    /// The VGG-19 of CVGJ.
    pub fn vgg19_cvgj() -> Self {
        Self { norm: true, dropout: 0.0, ..Self::vgg19() }
    }

    fn check(&self) -> Result<()> {
        let refuse =
            |setting, reason: String| Err(ModelError::Setting { model: NAME, setting, reason });
        let lists = self.depths.iter().map(|n| ("depths", n));
        let lists = lists.chain(self.channels.iter().map(|n| ("channels", n)));
        let mut all = lists.chain([("head", &self.head), ("classes", &self.classes)]);
        if let Some((setting, _)) = all.find(|(_, number)| **number == 0) {
            return refuse(setting, "0 must be at least 1".into());
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return refuse("dropout", format!("{} must be at least 0 and below 1", self.dropout));
        }
        Ok(())
    }
}

/// The network.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_models::inference::Model;
/// use upconv_models::vgg::{Vgg, VggConfig};
/// use upconv_nn::pass::Eager;
/// let config = VggConfig { channels: [2; 5], head: 4, classes: 10, ..VggConfig::vgg16() };
/// let net = Vgg::new(&config, &Device::flex())?;
/// let y = net.forward(&mut Eager::default(), &Tensor::zeros([2, 3, 224, 240], &Device::flex()))?;
/// assert_eq!(y.dims(), [2, 10, 1, 1]);
/// # Ok::<(), upconv_models::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct Vgg {
    data_bn: Option<BatchNorm>,
    block1: Vec<Unit>,
    block2: Vec<Unit>,
    block3: Vec<Unit>,
    block4: Vec<Unit>,
    block5: Vec<Unit>,
    pool: MaxPool2d,
    fc6: Unit,
    fc7: Unit,
    fc8: Conv2d,
    dropout: f64,
}

impl Vgg {
    /// A network with random weights.
    ///
    /// # Errors
    /// A number of 0; numbers of channels that make a weight too large; a dropout that is not at least 0 and below 1.
    pub fn new(config: &VggConfig, device: &Device) -> Result<Self> {
        config.check()?;
        let VggConfig { channels, head, classes, norm, bias, dropout, .. } = *config;
        let unit = |conv: Conv2dConfig, out: usize| {
            let conv = conv.with_bias(bias || !norm);
            // Caffe's BatchNorm alone, of which a tenth of a batch becomes part.
            let norm = norm.then(|| BatchNormConfig::new(out).with_affine(false));
            Unit::new(conv, norm, device)
        };
        let block = |number: usize| -> Result<Vec<Unit>> {
            let to = channels[number];
            let before = if number == 0 { 3 } else { channels[number - 1] };
            let conv = |n| {
                let conv = Conv2dConfig::new([if n == 0 { before } else { to }, to], [3, 3]);
                unit(conv.with_padding(Padding::Pads(vec![(1, 1)])), to)
            };
            (0..config.depths[number]).map(conv).collect()
        };
        Ok(Self {
            data_bn: norm.then(|| BatchNormConfig::new(3).init(device)).transpose()?,
            block1: block(0)?,
            block2: block(1)?,
            block3: block(2)?,
            block4: block(3)?,
            block5: block(4)?,
            pool: MaxPool2dConfig::new([2, 2]).with_rounding(PoolRounding::CeilCaffe).init(),
            fc6: unit(Conv2dConfig::new([channels[4], head], [SIDE, SIDE]), head)?,
            fc7: unit(Conv2dConfig::new([head, head], [1, 1]), head)?,
            fc8: Conv2dConfig::new([head, classes], [1, 1]).init(device)?,
            dropout,
        })
    }
}

impl Model for Vgg {
    /// A score for every class, before any softmax: `[n, 3, h, w] -> [n, classes, 1, 1]`, with h and w above 192.
    ///
    /// # Errors
    /// A picture that is too small for `fc6`.
    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let mut x = match &self.data_bn {
            Some(norm) => pass.batch_norm(norm, x)?,
            None => x.clone(),
        };
        for block in [&self.block1, &self.block2, &self.block3, &self.block4, &self.block5] {
            x = block.iter().try_fold(x, |x, unit| unit.forward(pass, &x))?;
            x = pass.max_pool(&self.pool, &x)?;
        }
        for fc in [&self.fc6, &self.fc7] {
            x = fc.forward(pass, &x)?;
            x = pass.dropout(self.dropout, &x)?;
        }
        let scores = pass.conv(&self.fc8, &x)?;
        mean_score(pass, scores)
    }
}
