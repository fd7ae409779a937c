//! The settings of a run: what the engine reads, and how defaults, a preset and `--set key=value` become a model's own
//! settings.
//!
//! A model states its settings as one serde structure with `#[serde(default, deny_unknown_fields)]` and a [`RunSettings`]
//! in its field `run`; the whole is the content of `config.toml`.

mod span;
mod table;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use span::Span;
pub(crate) use table::table_of;
pub use table::{contradiction, differences, overrides, read, resolve};

use crate::error::{Result, TrainError};

/// The name of [`RunSettings`] in a model's settings.
pub const RUN: &str = "run";

/// What the engine itself reads: how long, how often, what is kept.
///
/// ```
/// use upconv_train::settings::{RunSettings, Span};
/// let run: RunSettings = toml::from_str("length = \"2 epochs\"\nseed = 7")?;
/// assert_eq!(run.length, Span::Epochs(2));
/// assert_eq!((run.seed, run.keep), (7, 3));
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunSettings {
    /// How long is trained; 1 epoch.
    pub length: Span,
    /// How often a checkpoint is written; every epoch.
    pub save_every: Span,
    /// How often the network is evaluated; every epoch.
    pub evaluate_every: Span,
    /// How often sample pictures are written; every epoch.
    pub sample_every: Span,
    /// How often a step's numbers are written, in steps; 1.
    pub log_every: u64,
    /// Checkpoints that are kept beside the best one; 3.
    pub keep: usize,
    /// Where all that is random comes from; 0.
    pub seed: u64,
    /// Which checkpoint is the best; without it none is marked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<Best>,
    /// The weights that training began with, by `--from`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<FromWeights>,
}

/// Which checkpoint is the best, and when to give up waiting for a better one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    /// The name of a number that evaluations give.
    pub metric: String,
    /// Whether more or less of it is better.
    pub goal: Goal,
    /// By how much it must be better to count; 0.
    #[serde(default)]
    pub margin: f64,
    /// Training ends after so many evaluations in a row without a better one; without it, never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<u64>,
}

/// Whether more or less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    /// Less is better.
    Min,
    /// More is better.
    Max,
}

/// Weights to begin with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FromWeights {
    /// The file.
    pub file: PathBuf,
    /// Its weights' hash, so that a run always begins with the same.
    pub weights_hash: String,
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            length: Span::Epochs(1),
            save_every: Span::Epochs(1),
            evaluate_every: Span::Epochs(1),
            sample_every: Span::Epochs(1),
            log_every: 1,
            keep: 3,
            seed: 0,
            best: None,
            from: None,
        }
    }
}

impl RunSettings {
    /// Checks what serde cannot.
    ///
    /// # Errors
    /// Names the key, the value and what is legal.
    pub fn check(&self) -> Result<()> {
        let refuse =
            |key: &str, reason: &str| Err(TrainError::setting(format!("{RUN}.{key}"), reason));
        if self.log_every == 0 {
            return refuse("log_every", "0 steps; legal: 1 or more");
        }
        if self.keep == 0 {
            return refuse("keep", "0 checkpoints; legal: 1 or more");
        }
        // TOML's integers have a sign.
        if i64::try_from(self.seed).is_err() {
            return refuse("seed", "legal: 0 to 9223372036854775807");
        }
        if let Some(best) = &self.best {
            if !(best.margin.is_finite() && best.margin >= 0.0) {
                return refuse("best.margin", "legal: a number of 0 or more");
            }
            if best.patience == Some(0) {
                return refuse("best.patience", "0 evaluations; legal: 1 or more");
            }
        }
        Ok(())
    }
}

impl Best {
    /// Whether `value` is better than the best one so far.
    pub(crate) fn improves(&self, value: f64, so_far: Option<f64>) -> bool {
        match (so_far, self.goal) {
            (None, _) => true,
            (Some(best), Goal::Min) => value < best - self.margin,
            (Some(best), Goal::Max) => value > best + self.margin,
        }
    }
}
