//! What can be chosen about a ResNet, and the choices that were published.

use serde::{Deserialize, Serialize};

use super::NAME;
use crate::error::{ModelError, Result};
use crate::residual::EXPANSION;

/// What can be chosen.
///
/// ```
/// use upconv_models::resnet::{Form, ResNetConfig};
/// let config: ResNetConfig = serde_json::from_str(r#"{"blocks": [3, 4, 23, 3], "form": "caffe"}"#)?;
/// assert_eq!(config, ResNetConfig::resnet101().with_form(Form::Caffe));
/// assert!(serde_json::from_str::<ResNetConfig>(r#"{"block": 3}"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResNetConfig {
    /// Where strides and zeros are, and what is normalised.
    pub form: Form,
    /// What blocks are made of; three convolutions.
    pub kind: Kind,
    /// Blocks of the four stages; 3, 4, 6, 3.
    pub blocks: [usize; 4],
    /// Channels after the first convolution; 64.
    pub stem: usize,
    /// Channels in the middle of the first stage's blocks, 64; every other stage has twice as many as the one before.
    /// Blocks of three convolutions end with four times as many.
    pub width: usize,
    /// Classes; 1000, as ImageNet has.
    pub classes: usize,
    /// Which convolutions have a bias, although a norm follows; none.
    pub bias: Bias,
}

/// Where strides and zeros are, and what is normalised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// The form known as v1.5, as in torchvision: a block's stride is in its 3x3 convolution, windows are centred, the
    /// first pooling has a border of one cell, epsilon is 1e-5.
    #[default]
    Torch,
    /// As the paper's authors published it: the stride is in the first 1x1 convolution, windows are centred, the first
    /// pooling has no border and rounds up, epsilon is 1e-5.
    Caffe,
    /// As tensorflow-resnet converted those: zeros by TensorFlow's SAME, and an epsilon of 1e-3. Scores differ from those
    /// of the Caffe form on the same weights.
    Tf,
    /// As `keras.applications` has them: the stride is in the first 1x1 convolution, windows are centred, the first pooling
    /// has a border of one cell, epsilon is 1.001e-5.
    Keras,
    /// The ResNets of CVGJ: norm and ReLU before convolutions, a norm of the picture itself and one before the mean; the
    /// stride is in the 3x3 convolution, the first pooling rounds up.
    Preactivated,
}

/// What blocks are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Two convolutions of 3x3, as in ResNet-18 and -34.
    Basic,
    /// Convolutions of 1x1, 3x3 and 1x1, as from ResNet-50 on.
    #[default]
    Bottleneck,
}

/// Which convolutions have a bias.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bias {
    /// None.
    #[default]
    None,
    /// The first one, as in the authors' file of ResNet-50, and in the ResNets of CVGJ.
    First,
    /// All, as in open_nsfw and in Keras.
    All,
}

impl Default for ResNetConfig {
    fn default() -> Self {
        Self {
            form: Form::Torch,
            kind: Kind::Bottleneck,
            blocks: [3, 4, 6, 3],
            stem: 64,
            width: 64,
            classes: 1000,
            bias: Bias::None,
        }
    }
}

impl ResNetConfig {
    /// ResNet-18.
    pub fn resnet18() -> Self {
        Self { kind: Kind::Basic, blocks: [2, 2, 2, 2], ..Self::default() }
    }

    /// ResNet-34.
    pub fn resnet34() -> Self {
        Self { kind: Kind::Basic, ..Self::default() }
    }

    /// ResNet-50.
    pub fn resnet50() -> Self {
        Self::default()
    }

    /// ResNet-101.
    pub fn resnet101() -> Self {
        Self { blocks: [3, 4, 23, 3], ..Self::default() }
    }

    /// ResNet-152.
    pub fn resnet152() -> Self {
        Self { blocks: [3, 8, 36, 3], ..Self::default() }
    }

    /// ResNet-50 of half the width with two classes, as open_nsfw has it: Caffe's form, a bias in every convolution, and
    /// 64 channels after the first one all the same.
    pub fn resnet50_half() -> Self {
        Self { form: Form::Caffe, width: 32, classes: 2, bias: Bias::All, ..Self::default() }
    }

    /// The pre-activated ResNet-10 of CVGJ.
    pub fn resnet10_cvgj() -> Self {
        Self { kind: Kind::Basic, blocks: [1; 4], ..Self::resnet50_cvgj() }
    }

    /// The pre-activated ResNet-50 of CVGJ.
    pub fn resnet50_cvgj() -> Self {
        Self { form: Form::Preactivated, bias: Bias::First, ..Self::default() }
    }

    /// In another form.
    #[must_use]
    pub fn with_form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    /// Channels that the blocks of a stage, counted from 0, have in their middle.
    pub(super) fn middle(&self, stage: usize) -> usize {
        // Saturated numbers are above every limit.
        self.width.saturating_mul(1 << stage)
    }

    /// Channels that a stage ends with.
    pub(super) fn end(&self, stage: usize) -> usize {
        match self.kind {
            Kind::Basic => self.middle(stage),
            Kind::Bottleneck => self.middle(stage).saturating_mul(EXPANSION),
        }
    }

    /// Refuses what no network can be made of.
    pub(super) fn check(&self) -> Result<()> {
        let numbers = [("stem", self.stem), ("width", self.width), ("classes", self.classes)];
        let blocks = self.blocks.map(|blocks| ("blocks", blocks));
        match numbers.into_iter().chain(blocks).find(|&(_, number)| number == 0) {
            None => Ok(()),
            Some((setting, _)) => {
                let reason = "0 must be at least 1".into();
                Err(ModelError::Setting { model: NAME, setting, reason })
            }
        }
    }
}
