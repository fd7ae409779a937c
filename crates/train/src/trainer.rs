//! The loop: steps, evaluations, samples, checkpoints, from wherever the run stands to its end.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use upconv_data::{atomic, encode};
use upconv_weights::{Tensor, Weights, format};

use crate::error::{Result, TrainError};
use crate::part::Restored;
use crate::report::{Outcome, Report};
use crate::run::checkpoint::{self, Checkpoint, Content};
use crate::run::events::Events;
use crate::run::metrics::{Kind, Line, Metrics};
use crate::run::{CHECKPOINTS, EVENTS, METRICS, Run, SAMPLES, samples};
use crate::scalars::Scalars;
use crate::settings::{self, RUN, RunSettings};
use crate::state::State;
use crate::stop::Stop;
use crate::trainee::{Moment, Trainee};
use crate::watch::{Happening, Watch};

/// What the names of a model's own state begin with.
const MODEL: &str = "model/";

/// How a training goes on, beside the settings of its run.
pub struct Options<'a> {
    /// The step to stop at; without it the run's length. It may be beyond the length.
    pub until: Option<u64>,
    /// Whether to stop before.
    pub stop: Stop,
    /// Who shows what happens.
    pub watch: &'a mut dyn Watch,
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("until", &self.until).field("stop", &self.stop).finish()
    }
}

/// How a training stands, beside its weights.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The best evaluation so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<BestSoFar>,
    /// Evaluations since then.
    pub since_best: u64,
    /// Whether it ended, since evaluations became no better.
    pub ended: bool,
    /// The numbers of the last step.
    pub last: Scalars,
    /// The numbers of the last evaluation.
    pub evaluation: Scalars,
}

/// The best evaluation so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestSoFar {
    /// Steps that were done; the checkpoint of this step is kept.
    pub step: u64,
    /// Which number counts.
    pub metric: String,
    /// Its value.
    pub value: f64,
}

/// Trains from the newest sound checkpoint of a run, or from the beginning.
///
/// # Errors
/// What cannot be read or written, is damaged or does not fit; a number that is none; those of the model. Checkpoints
/// that are there stay as they are.
pub fn train(run: &Run, trainee: &mut dyn Trainee, options: Options<'_>) -> Result<Report> {
    upconv_nn::memory::keep_freed();
    let Options { until, stop, watch } = options;
    let per_epoch = trainee.steps_per_epoch();
    let spans = Spans::of(run.run_settings(), per_epoch)?;
    let checkpoints = run.subfolder(CHECKPOINTS)?;
    let samples = run.subfolder(SAMPLES)?;
    let began = begin(run, &checkpoints, trainee, watch)?;
    let step = began.as_ref().map_or(0, |(step, ..)| *step);
    cut_samples(&samples, step)?;
    let mut session = Session {
        metrics: Metrics::open(&run.path(METRICS), step)?,
        events: Events::open(&run.path(EVENTS), step)?,
        standing: began.as_ref().map(|(_, standing, _)| standing.clone()).unwrap_or_default(),
        saved: began.map(|(step, _, hash)| (step, hash)),
        run,
        trainee,
        watch,
        spans,
        per_epoch,
        checkpoints,
        samples,
        step,
    };
    session.train(until.unwrap_or(spans.length), until.is_some(), &stop)
}

/// Intervals in steps.
#[derive(Clone, Copy)]
struct Spans {
    length: u64,
    save: u64,
    evaluate: u64,
    sample: u64,
}

impl Spans {
    fn of(settings: &RunSettings, per_epoch: Option<u64>) -> Result<Self> {
        let steps =
            |key: &str, span: settings::Span| span.steps(&format!("{RUN}.{key}"), per_epoch);
        Ok(Self {
            length: steps("length", settings.length)?,
            save: steps("save_every", settings.save_every)?,
            evaluate: steps("evaluate_every", settings.evaluate_every)?,
            sample: steps("sample_every", settings.sample_every)?,
        })
    }
}

/// Brings the trainee to where the run stands: step, standing and hash of a checkpoint, or none at the beginning.
fn begin(
    run: &Run,
    checkpoints: &Path,
    trainee: &mut dyn Trainee,
    watch: &mut dyn Watch,
) -> Result<Option<(u64, Standing, String)>> {
    let found = checkpoint::list(checkpoints)?;
    let count = found.len();
    let mut newest = None;
    for (step, path) in found {
        let checkpoint = match checkpoint::read(&path) {
            Ok(checkpoint) => checkpoint,
            Err(error) => {
                watch.see(&Happening::Unusable { checkpoint: &path, reason: &error.to_string() });
                newest.get_or_insert(error);
                continue;
            }
        };
        fits(run, step, &path, &checkpoint, watch)?;
        restore(trainee, &path, &checkpoint)?;
        watch.see(&Happening::GoesOn { step, checkpoint: &path });
        let manifest = checkpoint.manifest;
        return Ok(Some((step, manifest.standing, manifest.weights_hash)));
    }
    if let Some(newest) = newest {
        let (path, newest) = (checkpoints.into(), Box::new(newest));
        return Err(TrainError::NoCheckpoint { path, count, newest });
    }
    if let Some(from) = &run.run_settings().from {
        let weights = format::open(&from.file)?.weights;
        let file = from.file.display().to_string();
        let found = weights.weights_hash();
        if found != from.weights_hash {
            let expected = &from.weights_hash;
            let reason =
                format!("its weights have hash {found}, but the run began with {expected}");
            return Err(TrainError::Mismatch { file, reason });
        }
        trainee.begin_from(&file, &weights)?;
    }
    Ok(None)
}

/// Whether a checkpoint is of this run.
fn fits(
    run: &Run,
    step: u64,
    path: &Path,
    checkpoint: &Checkpoint,
    watch: &mut dyn Watch,
) -> Result<()> {
    let manifest = &checkpoint.manifest;
    let foreign = |reason: String| Err(TrainError::Foreign { path: path.into(), reason });
    if manifest.model != run.model() {
        return foreign(format!("it is of model {:?}, not of {:?}", manifest.model, run.model()));
    }
    if manifest.step != step {
        return foreign(format!("it is of step {}, not of {step}", manifest.step));
    }
    for (key, before, now) in settings::differences(&manifest.settings, run.table()) {
        watch.see(&Happening::SettingChanged { key: &key, before: &before, now: &now });
    }
    Ok(())
}

fn restore(trainee: &mut dyn Trainee, path: &Path, checkpoint: &Checkpoint) -> Result<()> {
    let Checkpoint { weights, averaged, state, .. } = checkpoint;
    let place = path.display().to_string();
    let stored = Restored { weights, averaged: averaged.as_ref(), state };
    for part in trainee.parts() {
        part.restore(&place, &stored)?;
    }
    trainee.load(&state.below(MODEL))
}

/// Removes the pictures of steps after `step`, which are drawn again, and what is not whole.
fn cut_samples(folder: &Path, step: u64) -> Result<()> {
    atomic::sweep(folder);
    let entries = std::fs::read_dir(folder).map_err(|error| TrainError::read(folder, error))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if samples::step_of(name).is_some_and(|of| of > step) {
            std::fs::remove_file(&path).map_err(|error| TrainError::write(&path, error))?;
        }
    }
    Ok(())
}

struct Session<'a> {
    run: &'a Run,
    trainee: &'a mut dyn Trainee,
    watch: &'a mut dyn Watch,
    spans: Spans,
    per_epoch: Option<u64>,
    checkpoints: PathBuf,
    samples: PathBuf,
    metrics: Metrics,
    events: Events,
    standing: Standing,
    /// Step and weights' hash of the last checkpoint.
    saved: Option<(u64, String)>,
    step: u64,
}

impl Session<'_> {
    fn train(&mut self, target: u64, asked: bool, stop: &Stop) -> Result<Report> {
        let (begun, first) = (Instant::now(), self.step);
        let (length, per_epoch) = (target.max(self.step), self.per_epoch);
        self.watch.see(&Happening::Begins { step: self.step, length, per_epoch });
        if asked && target > self.step && self.standing.ended {
            // Whoever asks for more steps gets them.
            self.standing.ended = false;
            self.standing.since_best = 0;
        }
        match self.saved {
            None => drop(self.save()?),
            // The last process may have come no further.
            Some(_) => self.prune()?,
        }
        if self.step < target {
            self.trainee.begin(&self.moment())?;
        }
        let mut stopped = false;
        while self.step < target && !self.standing.ended {
            if stop.is_wished() {
                stopped = true;
                break;
            }
            self.step()?;
        }
        self.watch.see(&Happening::Ends);
        let weights_hash = match self.saved.clone() {
            Some((step, hash)) if step == self.step => hash,
            _ => self.save()?,
        };
        let outcome = match () {
            () if stopped => Outcome::Stopped,
            () if self.standing.ended => Outcome::NoBetter,
            () if self.step >= self.spans.length => Outcome::Done,
            () => Outcome::Reached,
        };
        Ok(self.report(outcome, weights_hash, first, begun))
    }

    fn moment(&self) -> Moment {
        let seed = self.run.run_settings().seed;
        Moment { step: self.step, per_epoch: self.per_epoch, seed }
    }

    /// One step, and what is due after it. What is due depends on the number of the step alone.
    fn step(&mut self) -> Result<()> {
        let scalars = self.trainee.step(&self.moment())?;
        for text in self.trainee.notes() {
            self.watch.see(&Happening::Note { text: &text });
        }
        self.step += 1;
        scalars.check(self.step)?;
        let last = self.step == self.spans.length;
        let line = if last || self.step.is_multiple_of(self.run.run_settings().log_every) {
            Some(self.log(Kind::Train, &scalars)?)
        } else {
            None
        };
        let (step, pictures) = (self.step, self.trainee.pictures_per_step());
        let line = line.as_deref();
        self.watch.see(&Happening::Step { step, scalars: &scalars, pictures, line });
        self.standing.last = scalars;

        let due = |every: u64| last || step.is_multiple_of(every);
        let better = due(self.spans.evaluate) && self.evaluate()?;
        if due(self.spans.sample) {
            self.sample()?;
        }
        if better || self.standing.ended || due(self.spans.save) {
            self.save()?;
        }
        Ok(())
    }

    fn log(&mut self, kind: Kind, scalars: &Scalars) -> Result<String> {
        let (step, epoch) = (self.step, self.moment().epoch());
        self.events.scalars(step, kind, scalars)?;
        self.metrics.append(&Line { step, epoch, kind, scalars })
    }

    /// Evaluates, and says whether it is the best so far.
    fn evaluate(&mut self) -> Result<bool> {
        let scalars = self.trainee.evaluate(&self.moment())?;
        if scalars.is_empty() {
            return Ok(false);
        }
        scalars.check(self.step)?;
        let better = self.judge(&scalars)?;
        let line = self.log(Kind::Evaluate, &scalars)?;
        let (step, best) = (self.step, better);
        self.watch.see(&Happening::Evaluated { step, scalars: &scalars, best, line: &line });
        self.standing.evaluation = scalars;
        Ok(better)
    }

    fn judge(&mut self, scalars: &Scalars) -> Result<bool> {
        let Some(rule) = &self.run.run_settings().best else { return Ok(false) };
        let Some(value) = scalars.get(&rule.metric) else {
            let known: Vec<&str> = scalars.iter().map(|(name, _)| name).collect();
            let reason =
                format!("{:?} is not evaluated; there is {}", rule.metric, known.join(", "));
            return Err(TrainError::setting(format!("{RUN}.best.metric"), reason));
        };
        if rule.improves(value, self.standing.best.as_ref().map(|best| best.value)) {
            let metric = rule.metric.clone();
            self.standing.best = Some(BestSoFar { step: self.step, metric, value });
            self.standing.since_best = 0;
            return Ok(true);
        }
        self.standing.since_best += 1;
        self.standing.ended = rule.patience.is_some_and(|most| self.standing.since_best >= most);
        Ok(false)
    }

    fn sample(&mut self) -> Result<()> {
        let Some(sample) = self.trainee.sample(&self.moment())? else { return Ok(()) };
        let path = samples::path(&self.samples, self.step);
        let mut png = Vec::new();
        encode::rgb_png(&mut png, sample.size, &sample.rgb)
            .and_then(|()| atomic::write(&path, &png))
            .map_err(|error| TrainError::write(&path, error))?;
        self.events.picture(self.step, sample.size, png)?;
        self.watch.see(&Happening::Sampled { step: self.step, file: &path });
        Ok(())
    }

    /// Writes a checkpoint, then takes away those that are no longer kept; gives the hash of the weights.
    fn save(&mut self) -> Result<String> {
        // The checkpoint says that all up to its step is there.
        self.metrics.sync()?;
        self.events.sync()?;
        let metadata = self.trainee.metadata();
        let (mut weights, mut averages, mut state) = (Vec::new(), Vec::new(), Vec::new());
        for part in self.trainee.parts() {
            let own = part.weights()?;
            averages.push((weights.len()..weights.len() + own.len(), part.averaged_weights()?));
            weights.extend(own);
            state.extend(part.state()?);
        }
        let mut own = State::default();
        self.trainee.save(&mut own)?;
        state.extend(own.into_prefixed(MODEL));
        let averaged = match averages.iter().any(|(_, average)| average.is_some()) {
            false => None,
            true => {
                // Complete for use: parts without an average as they are.
                let of = |(own, average): (Range<usize>, Option<Vec<Tensor>>)| {
                    average.unwrap_or_else(|| weights[own].to_vec())
                };
                let averaged = averages.into_iter().flat_map(of).collect();
                Some(Weights::new(Some(metadata.clone()), averaged)?)
            }
        };
        let content = Content {
            model: self.run.model(),
            step: self.step,
            standing: &self.standing,
            settings: self.run.table(),
            weights: Weights::new(Some(metadata), weights)?,
            averaged,
            state,
        };
        let (path, hash) = checkpoint::write(&self.checkpoints, content)?;
        self.saved = Some((self.step, hash.clone()));
        self.prune()?;
        self.watch.see(&Happening::Saved { step: self.step, checkpoint: &path });
        Ok(hash)
    }

    /// Keeps the newest and the best. Those of later steps were unusable; they stay until this run comes there.
    fn prune(&self) -> Result<()> {
        let best = self.standing.best.as_ref().map(|best| best.step);
        let all = checkpoint::list(&self.checkpoints)?;
        let past = all.into_iter().filter(|(step, _)| *step <= self.step);
        for (step, _) in past.skip(self.run.run_settings().keep) {
            if Some(step) != best {
                checkpoint::discard(&self.checkpoints, step)?;
            }
        }
        Ok(())
    }

    fn report(&self, outcome: Outcome, weights_hash: String, first: u64, begun: Instant) -> Report {
        let best = self.standing.best.as_ref().map_or(self.step, |best| best.step);
        let of_best = checkpoint::path(&self.checkpoints, best);
        Report {
            run: self.run.folder().into(),
            model: self.run.model().into(),
            outcome,
            step: self.step,
            length: self.spans.length,
            steps_now: self.step - first,
            seconds: begun.elapsed().as_secs_f64(),
            last: self.standing.last.clone(),
            evaluation: self.standing.evaluation.clone(),
            best: self.standing.best.clone(),
            weights: checkpoint::weights_for_use(&of_best),
            checkpoint: checkpoint::path(&self.checkpoints, self.step),
            weights_hash,
        }
    }
}
