//! Training of image models: a run folder, a loop for one or several optimisers, and exact resumption.
//!
//! The engine knows when, a model knows what. A model implements [`Trainee`]: its step, its evaluation, its sample
//! picture; each of its networks is a [`part::Part`], which brings optimiser, rates, clipping and averaging, and whose
//! state the engine keeps. [`train`] goes from wherever the run stands to its end; killed at any moment, and started
//! again in another process, it comes to the same weights, bit for bit, and [`prove::prove`] shows it on a user's own
//! run.
//!
//! | module | what |
//! | --- | --- |
//! | [`run`] | the folder of a run: settings, numbers, checkpoints |
//! | [`settings`] | defaults, presets and `--set key=value` |
//! | [`part`] | one network with what trains it |
//! | [`progress`] | what people and programs see |
//! | [`prove`] | kills and resumes a run, and compares |
//! | [`metrics`] | what a trained network is worth |
#![forbid(unsafe_code)]

mod error;
pub mod metrics;
pub mod part;
pub mod progress;
pub mod prove;
mod report;
pub mod run;
mod scalars;
pub mod settings;
mod state;
mod stop;
mod trainee;
mod trainer;
mod watch;

pub use error::{Result, TrainError};
pub use report::{Outcome, Report};
pub use run::Run;
pub use scalars::Scalars;
pub use state::State;
pub use stop::Stop;
pub use trainee::{Moment, Sample, Trainee, chance};
pub use trainer::{BestSoFar, Options, Standing, train};
pub use watch::{Happening, Silent, Watch};
