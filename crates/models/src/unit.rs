//! A convolution with ReLU, and with batch norm between them where the network has it.

use burn::module::Module;
use burn::tensor::Device;
use upconv_nn::layers::{BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig};
use upconv_nn::pass::{Activation, Pass};

use crate::error::Result;

/// A convolution and ReLU. Names are those of the convolution, or have `conv` and `bn` behind them.
#[allow(clippy::large_enum_variant, reason = "a network has some tens of them")]
#[derive(Module, Debug)]
pub(crate) enum Unit {
    /// Without batch norm.
    Plain(Conv2d),
    /// With batch norm.
    Normalised(Normalised),
}

/// A convolution with batch norm.
#[derive(Module, Debug)]
pub(crate) struct Normalised {
    conv: Conv2d,
    bn: BatchNorm,
}

impl Unit {
    /// `norm` is that of the convolution's output.
    pub(crate) fn new(
        conv: Conv2dConfig,
        norm: Option<BatchNormConfig>,
        device: &Device,
    ) -> Result<Self> {
        let conv = conv.init(device)?;
        Ok(match norm {
            None => Self::Plain(conv),
            Some(norm) => Self::Normalised(Normalised { conv, bn: norm.init(device)? }),
        })
    }

    pub(crate) fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let x = match self {
            Self::Plain(conv) => pass.conv(conv, x)?,
            Self::Normalised(Normalised { conv, bn }) => {
                let x = pass.conv(conv, x)?;
                pass.batch_norm(bn, &x)?
            }
        };
        Ok(pass.activation(Activation::Relu, x)?)
    }
}

/// The mean of the scores of every place, where a picture is larger than the network's.
pub(crate) fn mean_score<P: Pass>(pass: &mut P, scores: P::Value) -> Result<P::Value> {
    match pass.shape(&scores) {
        [_, _, 1, 1] => Ok(scores),
        _ => Ok(pass.global_mean(&scores)?),
    }
}
