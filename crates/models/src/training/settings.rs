//! What a training of a segmentation is told: the content of its run's `config.toml`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use upconv_data::augment::Augment;
use upconv_train::part::PartSettings;
use upconv_train::settings::RunSettings;
use upconv_train::{Result, TrainError};
use upconv_weights::metadata::Input;

use super::loss::Loss;
use crate::picture;

/// All settings of a training; `C` are those of the network, such as [`crate::fcn::FcnConfig`].
///
/// ```
/// use upconv_models::training::settings::Settings;
/// use upconv_models::unet::UNetConfig;
/// let settings: Settings<UNetConfig> = serde_json::from_str(r#"{"data": {"batch": 3}}"#)?;
/// assert_eq!((settings.data.batch, settings.data.scale), (3, 1.0));
/// assert!(serde_json::from_str::<Settings<UNetConfig>>(r#"{"data": {"batsh": 3}}"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings<C> {
    /// How long, how often, what is kept.
    pub run: RunSettings,
    /// Optimiser, rates, clipping, weight decay.
    pub net: PartSettings,
    /// What is learned from.
    pub data: DataSettings,
    /// The network.
    pub config: C,
    /// What is made small.
    pub loss: Loss,
    /// What the network reads of a picture.
    pub input: Reading,
}

/// What is learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataSettings {
    /// A folder of images and masks.
    pub folder: PathBuf,
    /// Pictures are made so many times as large before anything else; 1. Evaluation brings the scores back to the
    /// picture's own size.
    pub scale: f64,
    /// Pictures of one step, all of one size; 1.
    pub batch: usize,
    /// Changes to the pictures; none.
    pub augment: Augment,
    /// Decoded pictures are kept in so many megabytes of memory; 1024.
    pub cache: u64,
    /// Evaluations look at so many pictures of the validation part, the first ones; without it at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluate: Option<usize>,
}

/// What a network reads of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// [`picture::caffe`], which weights of VGG-16 need.
    Caffe,
    /// [`picture::unit`].
    Unit,
    /// [`picture::normalised`].
    #[default]
    Normalised,
}

impl Reading {
    /// How a picture of that size becomes the input.
    pub fn input(self, size: [usize; 2]) -> Input {
        match self {
            Self::Caffe => picture::caffe(size),
            Self::Unit => picture::unit(size),
            Self::Normalised => picture::normalised(size),
        }
    }
}

impl Default for DataSettings {
    fn default() -> Self {
        Self {
            folder: PathBuf::new(),
            scale: 1.0,
            batch: 1,
            augment: Augment::none(),
            cache: 1024,
            evaluate: None,
        }
    }
}

impl DataSettings {
    /// Checks what serde cannot.
    ///
    /// # Errors
    /// Names the key, the value and what is legal.
    pub fn check(&self) -> Result<()> {
        let refuse = |key: &str, reason: String| {
            Err(TrainError::Setting { place: format!("data.{key}"), reason })
        };
        if !(0.01..=100.0).contains(&self.scale) {
            return refuse("scale", format!("{}; legal: 0.01 to 100", self.scale));
        }
        if self.scale != 1.0 && self.augment.random_resize.is_some() {
            let reason = format!("{}; legal: 1, as data.augment.random_resize is set", self.scale);
            return refuse("scale", reason);
        }
        if self.batch == 0 {
            return refuse("batch", "0 pictures; legal: 1 or more".into());
        }
        if self.evaluate == Some(0) {
            return refuse("evaluate", "0 pictures; legal: 1 or more".into());
        }
        self.augment.check().map_err(TrainError::model)
    }
}

/// An error of a part's settings, with the key under which they stand.
pub(in crate::training) fn of_net(error: TrainError) -> TrainError {
    match error {
        TrainError::Setting { place, reason } => {
            TrainError::Setting { place: format!("net.{place}"), reason }
        }
        other => other,
    }
}
