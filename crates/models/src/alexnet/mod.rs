//! AlexNet, in the forms of Caffe.
//!
//! Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural Networks" (2012): Caffe's
//! `bvlc_alexnet`, which normalises before it pools, as the paper does; its `bvlc_reference_caffenet`, which pools first;
//! and CVGJ's, with batch norm of the picture and of every layer but the last instead.
//!
//! | part | shape at `[n, 3, 227, 227]` |
//! | --- | --- |
//! | `conv1` 11x11 stride 4, ReLU, normalisation, pooling 3x3 stride 2 | `[n, 96, 27, 27]` |
//! | `conv2` 5x5 in two groups, the same behind it | `[n, 256, 13, 13]` |
//! | `conv3`, `conv4`, `conv5` 3x3, the last two in two groups, pooling | `[n, 256, 6, 6]` |
//! | `fc6`, `fc7`, both with ReLU and dropout | `[n, 4096, 1, 1]` |
//! | `fc8` | `[n, 1000, 1, 1]` |
//!
//! Fully connected layers are convolutions; see [`crate::vgg`].

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
use upconv_nn::pass::{LocalResponse, Pass};

use crate::error::{ModelError, Result};
use crate::inference::Model;
use crate::unit::{Unit, mean_score};
pub use names::caffe_names;

/// The name on the command line and in weight files.
pub const NAME: &str = "alexnet";

/// Side of the map that `fc6` looks at.
const SIDE: usize = 6;

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlexNetConfig {
    /// What is normalised, and where.
    pub norm: Norm,
    /// Channels of the five convolutions; 96, 256, 384, 384, 256. All but the third are even.
    pub channels: [usize; 5],
    /// Channels of `fc6` and `fc7`; 4096.
    pub head: usize,
    /// Classes; 1000, as ImageNet has.
    pub classes: usize,
    /// Whether layers before a batch norm have a bias all the same; yes. The usual form of Caffe's norms takes it into
    /// their means.
    pub bias: bool,
    /// Share of the elements that training drops after `fc6` and `fc7`; 0.5.
    pub dropout: f64,
}

/// What is normalised, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Norm {
    /// By the neighbours among the channels, before the first two poolings: the paper and `bvlc_alexnet`.
    #[default]
    BeforePool,
    /// The same behind them: `bvlc_reference_caffenet`.
    AfterPool,
    /// The picture, and every layer but the last by batch norm without factor and shift: CVGJ.
    Batch,
}

impl Default for AlexNetConfig {
    fn default() -> Self {
        Self {
            norm: Norm::BeforePool,
            channels: [96, 256, 384, 384, 256],
            head: 4096,
            classes: 1000,
            bias: true,
            dropout: 0.5,
        }
    }
}

impl AlexNetConfig {
    /// The AlexNet of CVGJ.
    pub fn cvgj() -> Self {
        Self { norm: Norm::Batch, dropout: 0.0, ..Self::default() }
    }

    fn check(&self) -> Result<()> {
        let refuse =
            |setting, reason: String| Err(ModelError::Setting { model: NAME, setting, reason });
        let channels = self.channels.iter().map(|n| ("channels", n));
        let mut all = channels.chain([("head", &self.head), ("classes", &self.classes)]);
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
/// use upconv_models::alexnet::{AlexNet, AlexNetConfig};
/// use upconv_models::inference::Model;
/// use upconv_nn::pass::Eager;
/// let config = AlexNetConfig { channels: [2; 5], head: 4, classes: 10, ..Default::default() };
/// let net = AlexNet::new(&config, &Device::flex())?;
/// let y = net.forward(&mut Eager::default(), &Tensor::zeros([2, 3, 227, 227], &Device::flex()))?;
/// assert_eq!(y.dims(), [2, 10, 1, 1]);
/// # Ok::<(), upconv_models::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct AlexNet {
    data_bn: Option<BatchNorm>,
    conv1: Unit,
    conv2: Unit,
    conv3: Unit,
    conv4: Unit,
    conv5: Unit,
    pool: MaxPool2d,
    fc6: Unit,
    fc7: Unit,
    fc8: Conv2d,
    dropout: f64,
    #[module(skip)]
    norm: Norm,
}

impl AlexNet {
    /// A network with random weights.
    ///
    /// # Errors
    /// A number of 0; channels that two groups do not divide; numbers of channels that make a weight too large; a dropout
    /// that is not at least 0 and below 1.
    pub fn new(config: &AlexNetConfig, device: &Device) -> Result<Self> {
        config.check()?;
        let AlexNetConfig { norm, channels: [c1, c2, c3, c4, c5], head, classes, bias, dropout } =
            *config;
        let batch = norm == Norm::Batch;
        let unit = |channels: [usize; 2], kernel: usize, pad: i64, groups: usize, stride: usize| {
            let conv = Conv2dConfig::new(channels, [kernel; 2])
                .with_padding(Padding::Pads(vec![(pad, pad)]))
                .with_groups(groups)
                .with_bias(bias || !batch)
                .with_stride([stride; 2]);
            let norm = batch.then(|| BatchNormConfig::new(channels[1]).with_affine(false));
            Unit::new(conv, norm, device)
        };
        Ok(Self {
            data_bn: batch.then(|| BatchNormConfig::new(3).init(device)).transpose()?,
            conv1: unit([3, c1], 11, 0, 1, 4)?,
            conv2: unit([c1, c2], 5, 2, 2, 1)?,
            conv3: unit([c2, c3], 3, 1, 1, 1)?,
            conv4: unit([c3, c4], 3, 1, 2, 1)?,
            conv5: unit([c4, c5], 3, 1, 2, 1)?,
            pool: MaxPool2dConfig::new([3, 3])
                .with_stride([2, 2])
                .with_rounding(PoolRounding::CeilCaffe)
                .init(),
            fc6: unit([c5, head], SIDE, 0, 1, 1)?,
            fc7: unit([head, head], 1, 0, 1, 1)?,
            fc8: Conv2dConfig::new([head, classes], [1, 1]).init(device)?,
            dropout,
            norm,
        })
    }

    /// Pooling and local response normalisation, as they follow the first two convolutions.
    fn pooled<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        // Caffe's settings of both nets.
        let norm = LocalResponse { size: 5, alpha: 1e-4, beta: 0.75, k: 1.0 };
        Ok(match self.norm {
            Norm::BeforePool => {
                let x = pass.local_response(norm, x)?;
                pass.max_pool(&self.pool, &x)?
            }
            Norm::AfterPool => {
                let x = pass.max_pool(&self.pool, x)?;
                pass.local_response(norm, &x)?
            }
            Norm::Batch => pass.max_pool(&self.pool, x)?,
        })
    }
}

impl Model for AlexNet {
    /// A score for every class, before any softmax: `[n, 3, h, w] -> [n, classes, 1, 1]`, with h and w above 192.
    ///
    /// # Errors
    /// A picture that is too small for `fc6`.
    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let mut x = match &self.data_bn {
            Some(norm) => pass.batch_norm(norm, x)?,
            None => x.clone(),
        };
        for conv in [&self.conv1, &self.conv2] {
            x = conv.forward(pass, &x)?;
            x = self.pooled(pass, &x)?;
        }
        for conv in [&self.conv3, &self.conv4, &self.conv5] {
            x = conv.forward(pass, &x)?;
        }
        x = pass.max_pool(&self.pool, &x)?;
        for fc in [&self.fc6, &self.fc7] {
            x = fc.forward(pass, &x)?;
            x = pass.dropout(self.dropout, &x)?;
        }
        let scores = pass.conv(&self.fc8, &x)?;
        mean_score(pass, scores)
    }
}
