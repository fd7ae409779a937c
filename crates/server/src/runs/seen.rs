//! What the folder of a run says at a moment.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use toml::Table;
use upconv_train::run::metrics::{Tail, tail};
use upconv_train::run::{self, CHECKPOINTS, METRICS, checkpoint, samples};
use upconv_train::settings::Goal;
use upconv_train::{BestSoFar, TrainError};

use super::problem::{Problem, why};

/// What a list says of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    pub(crate) model: Option<String>,
    /// Whether a process trains it.
    pub(crate) training: bool,
    /// Steps that are done.
    pub(crate) step: Option<u64>,
    pub(crate) epoch: Option<u64>,
    /// How long it is to be trained.
    pub(crate) length: Option<String>,
    pub(crate) best: Option<BestSoFar>,
    /// What makes an evaluation the best.
    pub(crate) goal: Option<Goal>,
    pub(crate) picture_count: usize,
    /// When its numbers became more.
    pub(crate) changed: Option<SystemTime>,
    /// What cannot be read.
    pub(crate) problems: Vec<Problem>,
}

/// What its own page says besides.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) summary: Summary,
    pub(crate) settings: Table,
    /// Steps, rising.
    pub(crate) pictures: Vec<u64>,
    /// Steps, rising.
    pub(crate) checkpoints: Vec<u64>,
}

impl Seen {
    /// Looks at a run. What cannot be read is a problem of it, and the rest is there.
    pub(crate) fn new(folder: &Path) -> Self {
        let mut problems = Vec::new();
        let mut note = |problem: fn(String) -> Problem, error: &TrainError| {
            problems.push(problem(why(error)));
        };
        let config = run::config(folder).inspect_err(|error| note(Problem::Settings, error)).ok();
        let settings = config.as_ref().and_then(|config| {
            config.run_settings().inspect_err(|error| note(Problem::Settings, error)).ok()
        });
        let metrics = folder.join(METRICS);
        let Tail { step, epoch, damaged } =
            tail(&metrics).inspect_err(|error| note(Problem::Metrics, error)).unwrap_or_default();
        let checkpoints = folder.join(CHECKPOINTS);
        let all = checkpoint::list(&checkpoints)
            .inspect_err(|error| note(Problem::Checkpoints, error))
            .unwrap_or_default();
        let newest = checkpoint::newest(&checkpoints, &all)
            .inspect_err(|error| note(Problem::Checkpoints, error))
            .ok()
            .flatten()
            .map(|(_, manifest)| manifest);
        let pictures = samples::list(folder)
            .inspect_err(|error| note(Problem::Pictures, error))
            .unwrap_or_default();
        problems.extend(damaged.map(Problem::Lines));
        let changed = fs::symlink_metadata(&metrics).and_then(|found| found.modified()).ok();
        let (model, table) = config.map(|config| (config.model, config.settings)).unzip();
        let summary = Summary {
            model,
            training: run::is_held(folder),
            // Before the first line there may be a checkpoint.
            step: step.or(newest.as_ref().map(|manifest| manifest.step)),
            epoch,
            length: settings.as_ref().map(|settings| settings.length.to_string()),
            best: newest.and_then(|manifest| manifest.standing.best),
            goal: settings.and_then(|settings| settings.best).map(|best| best.goal),
            picture_count: pictures.len(),
            changed,
            problems,
        };
        let checkpoints = all.into_iter().rev().map(|(step, _)| step).collect();
        Self { summary, settings: table.unwrap_or_default(), pictures, checkpoints }
    }
}
