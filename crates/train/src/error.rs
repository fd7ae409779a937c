//! Why a training cannot begin, go on or be kept.

use std::io;
use std::path::{Path, PathBuf};

use upconv_nn::NnError;
use upconv_weights::WeightsError;

/// Result with [`TrainError`].
pub type Result<T> = std::result::Result<T, TrainError>;

/// Why a training cannot begin, go on or be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A file or folder of the run cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file or folder of the run cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The folder of a new run has something in it.
    #[error("{} is not empty: name a new folder, or go on with --resume if it is a run", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// The folder is no run.
    #[error("{} is no run: it has no {file}", path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
        /// The file that every run has.
        file: &'static str,
    },
    /// Another process trains this run.
    #[error("{} is being trained by another process{}", path.display(), process.map(|id| format!(" ({id})")).unwrap_or_default())]
    Locked {
        /// The folder.
        path: PathBuf,
        /// The process, if it left its number.
        process: Option<u32>,
    },
    /// A setting that there is not, or that cannot be.
    #[error("{place}: {reason}")]
    Setting {
        /// The file and the dotted key.
        place: String,
        /// What is wrong, and what is legal.
        reason: String,
    },
    /// A run goes on with the settings it began with.
    #[error(
        "{key} is {run} in this run and cannot become {asked}; begin a new run, with --from for its weights"
    )]
    Contradiction {
        /// The dotted key.
        key: String,
        /// The value of the run, as TOML.
        run: String,
        /// The value that was asked for, as TOML.
        asked: String,
    },
    /// A file of the run is damaged.
    #[error("{}: {reason}", path.display())]
    Damaged {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A checkpoint that belongs to something else.
    #[error("{} is no checkpoint of this run: {reason}", path.display())]
    Foreign {
        /// The checkpoint.
        path: PathBuf,
        /// What differs.
        reason: String,
    },
    /// Every checkpoint is damaged.
    #[error("{}: none of {count} checkpoints can be used; the newest: {newest}", path.display())]
    NoCheckpoint {
        /// The folder of the checkpoints.
        path: PathBuf,
        /// How many there are.
        count: usize,
        /// What is wrong with the newest.
        newest: Box<TrainError>,
    },
    /// A number that is none: training has diverged.
    #[error(
        "step {step}: {name} is {value}; training has diverged (a lower rate or clipped gradients may help); earlier checkpoints are untouched"
    )]
    NotFinite {
        /// The step, from 1.
        step: u64,
        /// Which number.
        name: String,
        /// Its value.
        value: f64,
    },
    /// Weights that do not fit the network.
    #[error("{file}: {reason}")]
    Mismatch {
        /// The file.
        file: String,
        /// Which tensors, and how they differ.
        reason: String,
    },
    /// A weight file cannot be read or written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A layer refuses to run.
    #[error(transparent)]
    Nn(#[from] NnError),
    /// The model's own side fails.
    #[error("{0}")]
    Model(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A child process of a proof fails.
    #[error("{command}: {reason}")]
    Child {
        /// What was run.
        command: String,
        /// How it ended.
        reason: String,
    },
}

impl TrainError {
    /// An error of the model's own side: its data, its shapes.
    ///
    /// ```
    /// let error = upconv_train::TrainError::model("no picture left");
    /// assert_eq!(error.to_string(), "no picture left");
    /// ```
    pub fn model(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Model(error.into())
    }

    pub(crate) fn read(path: &Path, source: io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }

    pub(crate) fn write(path: &Path, source: io::Error) -> Self {
        Self::Write { path: path.to_owned(), source }
    }

    pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }

    pub(crate) fn setting(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Setting { place: place.into(), reason: reason.into() }
    }
}
