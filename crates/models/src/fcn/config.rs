//! What can be chosen about an FCN, and the choices that were published.

use serde::{Deserialize, Serialize};

use super::NAME;
use crate::error::{ModelError, Result};
use crate::upsampling::Upsampling;

/// What can be chosen.
///
/// ```
/// use upconv_models::fcn::{FcnConfig, Trunk};
/// let config: FcnConfig = serde_json::from_str(r#"{"classes": 5, "finest": 16}"#)?;
/// assert_eq!(config, FcnConfig { classes: 5, finest: 16, ..Default::default() });
/// assert!(serde_json::from_str::<FcnConfig>(r#"{"class": 5}"#).is_err());
/// let quarter = FcnConfig::kittiseg().with_width(0.25);
/// assert_eq!(
///     quarter.trunk,
///     Trunk::Vgg { channels: [16, 32, 64, 128, 128], head: Some(1024) }
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FcnConfig {
    /// Classes; 21, as PASCAL VOC has with the background.
    pub classes: usize,
    /// What makes maps of the picture; VGG-16.
    pub trunk: Trunk,
    /// Cells of the picture in one of the finest map that is looked at: 8 (FCN-8s), 16 or 32.
    pub finest: usize,
    /// How scores are brought to the size of the next map, and of the picture.
    pub upsample: Upsampling,
    /// Where windows begin and end.
    pub form: Form,
    /// Share of the elements that training drops after `fc6` and `fc7`; 0.5.
    pub dropout: f64,
}

/// What makes maps of a picture, at strides 2, 4, 8, 16 and 32.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Trunk {
    /// VGG-16: 2, 2, 3, 3 and 3 convolutions, each block with a pooling behind it.
    Vgg {
        /// Channels of the five blocks; 64, 128, 256, 512, 512.
        channels: [usize; 5],
        /// Channels of `fc6` and `fc7`, 4096; without, scores are made of the fifth pooling.
        head: Option<usize>,
    },
    /// A ResNet whose blocks have two convolutions, as those of 18 and 34 layers.
    Basic {
        /// Blocks of the four stages; 2, 2, 2, 2.
        blocks: [usize; 4],
        /// Channels of the first stage, 64; every other one has twice as many as the one before.
        width: usize,
    },
    /// A ResNet whose blocks have three convolutions, as those of 50 and more layers.
    Bottleneck {
        /// Blocks of the four stages; 3, 4, 6, 3 or 3, 4, 23, 3.
        blocks: [usize; 4],
        /// Channels in the middle of the first stage's blocks, 64; they end with four times as many.
        width: usize,
    },
}

/// Where windows begin and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Form {
    /// TensorFlow's SAME: maps of `ceil(h / stride)`, and every up-sampling is told the size that it ends with.
    Same {
        /// What is left of an up-sampling that makes more than the wanted size.
        crop: Crop,
    },
    /// As in Caffe: 100 cells of zeros around the picture, no padding in `fc6`, and whatever is too large is cropped, at
    /// offsets that keep everything in place. For transposed convolutions on VGG only.
    Caffe,
}

/// What is left of an up-sampling of stride `s` that makes more than the wanted size: `s * ceil(h / s) - h` cells more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crop {
    /// The middle, as TensorFlow does; but poolings pad only on the right and below, so that scores move to the left and
    /// up by half of what is cut off.
    #[default]
    Centred,
    /// The left and upper part: scores stay where the picture is.
    RightBottom,
}

impl Default for FcnConfig {
    fn default() -> Self {
        Self {
            classes: 21,
            trunk: Trunk::Vgg { channels: [64, 128, 256, 512, 512], head: Some(4096) },
            finest: 8,
            upsample: Upsampling::Transposed,
            form: Form::Same { crop: Crop::Centred },
            dropout: 0.5,
        }
    }
}

impl FcnConfig {
    /// KittiSeg's own network: road and everything else.
    pub fn kittiseg() -> Self {
        Self { classes: 2, ..Self::default() }
    }

    /// `KittiSeg_VGG`: the same without `fc6` and `fc7`.
    pub fn kittiseg_pool5() -> Self {
        Self {
            trunk: Trunk::Vgg { channels: [64, 128, 256, 512, 512], head: None },
            ..Self::kittiseg()
        }
    }

    /// `KittiSeg_ResNet50`.
    pub fn kittiseg_resnet50() -> Self {
        Self { trunk: Trunk::Bottleneck { blocks: [3, 4, 6, 3], width: 64 }, ..Self::kittiseg() }
    }

    /// `KittiSeg_ResNet101`.
    pub fn kittiseg_resnet101() -> Self {
        Self { trunk: Trunk::Bottleneck { blocks: [3, 4, 23, 3], width: 64 }, ..Self::kittiseg() }
    }

    /// On ResNet-18.
    pub fn resnet18() -> Self {
        Self { trunk: Trunk::Basic { blocks: [2, 2, 2, 2], width: 64 }, ..Self::kittiseg() }
    }

    /// A quarter of KittiSeg's channels and a narrow head, for training on a CPU.
    pub fn small() -> Self {
        Self {
            trunk: Trunk::Vgg { channels: [16, 32, 64, 128, 128], head: Some(256) },
            ..Self::kittiseg()
        }
    }

    /// With so many times the channels in the trunk, at least 1 each.
    #[must_use]
    pub fn with_width(self, factor: f64) -> Self {
        let of = |channels: usize| ((channels as f64 * factor).round() as usize).max(1);
        let trunk = match self.trunk {
            Trunk::Vgg { channels, head } => {
                Trunk::Vgg { channels: channels.map(of), head: head.map(of) }
            }
            Trunk::Basic { blocks, width } => Trunk::Basic { blocks, width: of(width) },
            Trunk::Bottleneck { blocks, width } => Trunk::Bottleneck { blocks, width: of(width) },
        };
        Self { trunk, ..self }
    }

    /// Refuses what no network can be made of.
    pub(super) fn check(&self) -> Result<()> {
        let refuse =
            |setting, reason: String| Err(ModelError::Setting { model: NAME, setting, reason });
        if self.classes == 0 {
            return refuse("classes", "0 must be at least 1".into());
        }
        let head = match self.trunk {
            Trunk::Vgg { head, .. } => head,
            _ => None,
        };
        if self.trunk.channels().contains(&0) || head == Some(0) {
            return refuse("trunk", "0 channels must be at least 1".into());
        }
        if ![8, 16, 32].contains(&self.finest) {
            return refuse("finest", format!("{} must be 8, 16 or 32", self.finest));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return refuse("dropout", format!("{} must be at least 0 and below 1", self.dropout));
        }
        if self.upsample == Upsampling::Unpool {
            let reason = "unpool needs a pooling with as many channels, and score maps have none; \
                          take segnet or unet, or one of transposed, bilinear and shuffle";
            return refuse("upsample", reason.into());
        }
        if self.form == Form::Caffe {
            let how = self.upsample.name();
            if self.upsample != Upsampling::Transposed {
                return refuse("form", format!("caffe goes with transposed, not with {how}"));
            }
            if !matches!(self.trunk, Trunk::Vgg { head: Some(_), .. }) {
                return refuse("form", "caffe goes with vgg that has a head".into());
            }
        }
        Ok(())
    }
}
