//! What a training came to.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::scalars::Scalars;
use crate::trainer::BestSoFar;

/// How a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All steps are done.
    Done,
    /// The step that was asked for by `--until` is reached; the run has more.
    Reached,
    /// Evaluations became no better for as long as was set.
    NoBetter,
    /// Somebody wished it to stop.
    Stopped,
}

/// What a training came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The folder of the run.
    pub run: PathBuf,
    /// The model's name.
    pub model: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Steps that are done.
    pub step: u64,
    /// Steps of the whole run.
    pub length: u64,
    /// Steps that were done this time.
    pub steps_now: u64,
    /// Seconds that they took, with evaluations and checkpoints.
    pub seconds: f64,
    /// The numbers of the last step.
    pub last: Scalars,
    /// The numbers of the last evaluation.
    pub evaluation: Scalars,
    /// The best evaluation, if a rule for it is set.
    pub best: Option<BestSoFar>,
    /// The weights to use: of the best checkpoint, or else of the last; averaged if an average is kept.
    pub weights: PathBuf,
    /// The last checkpoint.
    pub checkpoint: PathBuf,
    /// The hash of its weights, as they are trained.
    pub weights_hash: String,
}

impl fmt::Display for Report {
    /// Some lines of text, without the last line's end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, length, .. } = self;
        let how = match self.outcome {
            Outcome::Done => "done",
            Outcome::Reached => "as far as was asked",
            Outcome::NoBetter => "ended early: evaluations became no better",
            Outcome::Stopped => "stopped",
        };
        writeln!(f, "run           {} ({})", self.run.display(), self.model)?;
        writeln!(f, "steps         {step} of {length}, {how}")?;
        if self.steps_now > 0 && self.seconds > 0.0 {
            let speed = self.steps_now as f64 / self.seconds;
            writeln!(
                f,
                "time          {:.1} s for {} steps, {speed:.3} steps/s",
                self.seconds, self.steps_now
            )?;
        }
        for (title, scalars) in [("last step", &self.last), ("evaluation", &self.evaluation)] {
            if !scalars.is_empty() {
                writeln!(f, "{title:<13} {}", shown(scalars))?;
            }
        }
        if let Some(best) = &self.best {
            writeln!(f, "best          {} {} at step {}", best.metric, best.value, best.step)?;
        }
        writeln!(f, "weights       {}", self.weights.display())?;
        write!(f, "weights hash  {} (step {step})", self.weights_hash)?;
        if self.step < self.length && self.outcome != Outcome::NoBetter {
            write!(f, "\nto go on      upconv train --resume {}", self.run.display())?;
        }
        Ok(())
    }
}

/// Names and values in one line.
pub(crate) fn shown(scalars: &Scalars) -> String {
    let one = |(name, value): (&str, f64)| match value.abs() {
        small if small != 0.0 && small < 1e-3 => format!("{name} {value:.3e}"),
        _ => format!("{name} {value:.4}"),
    };
    scalars.iter().map(one).collect::<Vec<_>>().join("  ")
}
