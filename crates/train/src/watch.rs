//! What happens in a training, for whoever shows it.

use std::path::Path;

use crate::scalars::Scalars;

/// What happens in a training.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Happening<'a> {
    /// It begins, at `step` of `length`.
    Begins {
        /// Steps that are done.
        step: u64,
        /// Steps in all.
        length: u64,
        /// Steps of one pass over the data.
        per_epoch: Option<u64>,
    },
    /// It goes on from a checkpoint.
    GoesOn {
        /// Steps that are done.
        step: u64,
        /// The checkpoint.
        checkpoint: &'a Path,
    },
    /// A checkpoint cannot be used; an older one may be.
    Unusable {
        /// The checkpoint.
        checkpoint: &'a Path,
        /// What is wrong.
        reason: &'a str,
    },
    /// A setting was changed in `config.toml`, so that the run is no longer one of these settings alone.
    SettingChanged {
        /// The dotted key.
        key: &'a str,
        /// What the checkpoint was trained with, as TOML.
        before: &'a str,
        /// What is set now, as TOML.
        now: &'a str,
    },
    /// The model has something to say.
    Note {
        /// One line.
        text: &'a str,
    },
    /// A step is done.
    Step {
        /// Steps that are done.
        step: u64,
        /// Its numbers.
        scalars: &'a Scalars,
        /// Pictures it took.
        pictures: u64,
        /// Its line of `metrics.jsonl`, if it has one.
        line: Option<&'a str>,
    },
    /// The network was evaluated.
    Evaluated {
        /// Steps that are done.
        step: u64,
        /// The numbers.
        scalars: &'a Scalars,
        /// Whether it is the best so far.
        best: bool,
        /// Its line of `metrics.jsonl`.
        line: &'a str,
    },
    /// A picture was written.
    Sampled {
        /// Steps that are done.
        step: u64,
        /// The file.
        file: &'a Path,
    },
    /// A checkpoint was written.
    Saved {
        /// Steps that are done.
        step: u64,
        /// The checkpoint.
        checkpoint: &'a Path,
    },
    /// It ends; a report follows.
    Ends,
}

/// Somebody who shows what happens.
pub trait Watch {
    /// Is called for everything in order.
    fn see(&mut self, happening: &Happening<'_>);
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Watch for Silent {
    fn see(&mut self, _: &Happening<'_>) {}
}
