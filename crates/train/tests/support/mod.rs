//! Two small models that are trained in a moment, and the runs of them in processes of their own.
#![allow(dead_code)] // Every test takes its part.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use upconv_data::Size;
use upconv_nn::layers::{
    BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig,
    Linear, LinearConfig,
};
use upconv_nn::ops::{self, Activation};
use upconv_nn::parameters;
use upconv_train::part::{Clip, Component, Group, Optimiser, Part, PartSettings, Schedule, Sgd};
use upconv_train::settings::{Best, Goal, RunSettings, Span};
use upconv_train::{
    Moment, Options, Report, Result, Run, Sample, Scalars, Silent, State, Stop, TrainError,
    Trainee, Watch, chance, train,
};
use upconv_weights::{Dtype, Metadata, Tensor as Stored};

/// Pictures of a class are dark or bright on one side, with noise.
const SIDE: usize = 8;
const BATCH: usize = 6;
const PER_EPOCH: u64 = 8;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    pub run: RunSettings,
    /// Milliseconds of sleep in every step.
    pub slow: u64,
    /// Channels of the first layer.
    pub width: usize,
    pub net: PartSettings,
    /// Whether a step depends on the clock: what must not be.
    pub clock: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let run = RunSettings {
            length: Span::Steps(45),
            save_every: Span::Steps(4),
            evaluate_every: Span::Epochs(1),
            sample_every: Span::Steps(15),
            seed: 11,
            best: Some(Best {
                metric: "accuracy".into(),
                goal: Goal::Max,
                margin: 0.0,
                patience: None,
            }),
            ..RunSettings::default()
        };
        let net = PartSettings {
            rate: 0.05,
            warm_up: 5,
            average: Some(0.9),
            clip: Some(Clip::Norm(0.5)),
            optimiser: Optimiser::Sgd(Sgd {
                momentum: 0.9,
                nesterov: true,
                weight_decay: 1e-3,
                ..Sgd::default()
            }),
            schedule: Schedule::Cosine { last: 0.1 },
            groups: vec![Group::without_decay()],
        };
        Self { run, slow: 0, width: 8, net, clock: false }
    }
}

/// The device of training.
pub(crate) fn device() -> Device {
    Device::flex().autodiff()
}

/// Parameters that depend on a seed alone, since Burn's generator belongs to the whole process.
pub(crate) fn drawn<M: Module>(module: M, seed: u64) -> M {
    let list = parameters::list(&module);
    let fan = |shape: &[usize]| shape.iter().skip(1).product::<usize>().max(1);
    parameters::set(module, |name, shape| {
        let cells: usize = shape.iter().product();
        let place = list.iter().position(|(known, _)| known == name).unwrap() as u64;
        Ok(match name.rsplit('.').next().unwrap() {
            "gamma" | "running_var" => vec![1.0; cells],
            "beta" | "bias" | "running_mean" => vec![0.0; cells],
            _ => (0..cells as u64)
                .map(|cell| {
                    (uniform(seed, place << 32 | cell) * 2.0 - 1.0) / (fan(shape) as f32).sqrt()
                })
                .collect(),
        })
    })
    .unwrap()
}

/// A number from 0 to 1.
pub(crate) fn uniform(seed: u64, place: u64) -> f32 {
    (chance(seed, "uniform", place) >> 40) as f32 / (1 << 24) as f32
}

/// The batch of a step: which pictures depends on the epoch's order.
pub(crate) fn batch(moment: &Moment, of: u64) -> (Tensor<4>, Vec<i32>) {
    let total = PER_EPOCH * BATCH as u64;
    let mut order: Vec<u64> = (0..total).collect();
    order.sort_by_key(|&index| chance(moment.seed ^ of, "order", moment.epoch() * total + index));
    let begin = moment.within_epoch() as usize * BATCH;
    let chosen = &order[begin..begin + BATCH];
    pictures(chosen, of)
}

pub(crate) fn pictures(chosen: &[u64], of: u64) -> (Tensor<4>, Vec<i32>) {
    let labels: Vec<i32> = chosen.iter().map(|index| (index % 3) as i32).collect();
    let mut values = Vec::new();
    for (&index, &label) in chosen.iter().zip(&labels) {
        for row in 0..SIDE {
            for column in 0..SIDE {
                let bright = match label {
                    0 => row < 4,
                    1 => column < 4,
                    _ => row + column < 8,
                };
                let noise = uniform(of, index * 64 + (row * SIDE + column) as u64) - 0.5;
                values.push(if bright { 0.5 } else { -0.5 } + 2.0 * noise);
            }
        }
    }
    let data = TensorData::new(values, [chosen.len(), 1, SIDE, SIDE]);
    (Tensor::from_data(data, &device()), labels)
}

#[derive(Module, Debug)]
pub(crate) struct Net {
    conv: Conv2d,
    norm: BatchNorm,
    skip: Conv2d,
    head: Linear,
}

impl Net {
    pub(crate) fn new(width: usize, seed: u64) -> Result<Self> {
        let device = device();
        let net = Self {
            conv: Conv2dConfig::new([1, width], [3, 3]).init(&device)?,
            norm: BatchNormConfig::new(width).init(&device)?,
            skip: Conv2dConfig::new([width, width], [1, 1]).init(&device)?,
            head: LinearConfig::new(width * 36, 3).init(&device)?,
        };
        Ok(drawn(net, seed))
    }

    /// Scores `[n, 3]`.
    fn forward(&self, x: Tensor<4>, dropout: Option<u64>) -> Result<Tensor<2>> {
        let y = self.norm.try_forward_activated(self.conv.try_forward(x)?, Activation::Relu)?;
        let mut y = y.clone() + self.skip.try_forward(y)?;
        if let Some(seed) = dropout {
            y = ops::dropout(y, 0.3, seed)?;
        }
        Ok(self.head.try_forward(y.flatten::<2>(1, 3))?)
    }
}

/// One network with one optimiser.
pub(crate) struct Classifier {
    part: Part<Net>,
    settings: Settings,
}

impl Classifier {
    pub(crate) fn new(settings: Settings) -> Result<Self> {
        let net = Net::new(settings.width, settings.run.seed)?;
        let length = settings.run.length.steps("run.length", Some(PER_EPOCH))?;
        Ok(Self { part: Part::new("", net, &settings.net, length)?, settings })
    }

    pub(crate) fn part(&self) -> &Part<Net> {
        &self.part
    }
}

impl Trainee for Classifier {
    fn parts(&mut self) -> Vec<&mut dyn Component> {
        vec![&mut self.part]
    }

    fn metadata(&self) -> Metadata {
        Metadata::new("classifier")
    }

    fn steps_per_epoch(&self) -> Option<u64> {
        Some(PER_EPOCH)
    }

    fn pictures_per_step(&self) -> u64 {
        BATCH as u64
    }

    fn step(&mut self, moment: &Moment) -> Result<Scalars> {
        std::thread::sleep(Duration::from_millis(self.settings.slow));
        let (x, labels) = batch(moment, 1);
        let scores = self.part.module().forward(x, Some(moment.chance("dropout")))?;
        let mut loss = cross_entropy(scores, &labels)?;
        if self.settings.clock {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            loss = loss * (1.0 + f64::from(now.subsec_nanos()) * 1e-10);
        }
        let descent = self.part.descend(loss)?;
        Ok(Scalars::new()
            .with("loss", descent.loss)
            .with("rate", descent.rate)
            .with("gradient_norm", descent.gradient_norm.unwrap_or_default()))
    }

    fn evaluate(&mut self, _: &Moment) -> Result<Scalars> {
        let chosen: Vec<u64> = (1000..1060).collect();
        let (x, labels) = pictures(&chosen, 2);
        let scores = self.part.for_use().forward(x.inner(), None)?;
        let best = scores.argmax(1).into_data().iter::<i32>().collect::<Vec<_>>();
        let right = best.iter().zip(&labels).filter(|(a, b)| a == b).count();
        Ok(Scalars::new().with("accuracy", right as f64 / labels.len() as f64))
    }

    fn sample(&mut self, moment: &Moment) -> Result<Option<Sample>> {
        let values = parameters::get(self.part.module())?.remove(0).values;
        let rgb = values[..12].iter().map(|value| (value * 100.0) as i8 as u8).collect();
        assert!(moment.step > 0);
        Ok(Some(Sample { size: Size { height: 2, width: 2 }, rgb }))
    }
}

fn cross_entropy(scores: Tensor<2>, labels: &[i32]) -> Result<Tensor<1>> {
    let labels = Tensor::<1, Int>::from_ints(labels, &device()).reshape([labels.len(), 1]);
    Ok(ops::log_softmax(scores)?.gather(1, labels).mean().neg())
}

#[derive(Module, Debug)]
struct Generator {
    up: ConvTranspose2d,
    norm: BatchNorm,
    last: ConvTranspose2d,
}

#[derive(Module, Debug)]
struct Discriminator {
    conv: Conv2d,
    head: Linear,
}

/// Two networks, two optimisers, and a state of its own: pictures made at earlier steps.
pub(crate) struct Gan {
    generator: Part<Generator>,
    discriminator: Part<Discriminator>,
    pool: Vec<f32>,
}

impl Gan {
    pub(crate) fn new(settings: Settings) -> Result<Self> {
        let device = device();
        let up = |channels: [usize; 2], kernel: usize| {
            ConvTranspose2dConfig::new(channels, [kernel; 2]).with_stride([2, 2]).init(&device)
        };
        let generator = Generator {
            up: up([5, 6], 2)?,
            norm: BatchNormConfig::new(6).init(&device)?,
            last: up([6, 1], 2)?,
        };
        let discriminator = Discriminator {
            conv: Conv2dConfig::new([1, 4], [3, 3]).with_stride([2, 2]).init(&device)?,
            head: LinearConfig::new(4 * 9, 1).init(&device)?,
        };
        let length = settings.run.length.steps("run.length", Some(PER_EPOCH))?;
        let adam = PartSettings {
            optimiser: toml::from_str("kind = 'adam'\nbeta_1 = 0.5").unwrap(),
            average: Some(0.8),
            ..PartSettings::default()
        };
        let rmsprop = PartSettings {
            optimiser: toml::from_str("kind = 'rmsprop'\nmomentum = 0.5").unwrap(),
            clip: Some(Clip::Value(0.1)),
            ..PartSettings::default()
        };
        Ok(Self {
            generator: Part::new("generator", drawn(generator, 1), &adam, length)?,
            // It goes two steps for every one of the generator.
            discriminator: Part::new(
                "discriminator",
                drawn(discriminator, 2),
                &rmsprop,
                2 * length,
            )?,
            pool: vec![0.0; BATCH * SIDE * SIDE],
        })
    }

    fn fake(&self, moment: &Moment) -> Result<Tensor<4>> {
        let seed = moment.chance("latent");
        let latent: Vec<f32> = (0..BATCH as u64 * 20).map(|i| uniform(seed, i) - 0.5).collect();
        let latent = Tensor::from_data(TensorData::new(latent, [BATCH, 5, 2, 2]), &device());
        let net = self.generator.module();
        let y = net.norm.try_forward_activated(net.up.try_forward(latent)?, Activation::Relu)?;
        Ok(net.last.try_forward(y)?.tanh())
    }

    fn score(net: &Discriminator, x: Tensor<4>, dropout: u64) -> Result<Tensor<2>> {
        let leaky = Activation::LeakyRelu { slope: 0.2 };
        let y = ops::activation(net.conv.try_forward(x)?, leaky)?;
        Ok(net.head.try_forward(ops::dropout(y, 0.2, dropout)?.flatten::<2>(1, 3))?)
    }
}

/// `mean(log(1 + e^s))`.
fn softplus(scores: Tensor<2>) -> Tensor<1> {
    let above = scores.clone().clamp_min(0.0);
    (above + (scores.abs().neg().exp() + 1.0).log()).mean()
}

impl Trainee for Gan {
    fn parts(&mut self) -> Vec<&mut dyn Component> {
        vec![&mut self.generator, &mut self.discriminator]
    }

    fn metadata(&self) -> Metadata {
        Metadata::new("gan")
    }

    fn steps_per_epoch(&self) -> Option<u64> {
        Some(PER_EPOCH)
    }

    fn step(&mut self, moment: &Moment) -> Result<Scalars> {
        let (real, _) = batch(moment, 3);
        let fake = self.fake(moment)?;
        let pool = TensorData::new(self.pool.clone(), [BATCH, 1, SIDE, SIDE]);
        let pool = Tensor::from_data(pool, &device());
        let mut losses = Vec::new();
        for (turn, shown) in [fake.clone().detach(), pool].into_iter().enumerate() {
            let net = self.discriminator.module();
            let dropout = moment.chance(&format!("discriminator {turn}"));
            let loss = softplus(Self::score(net, real.clone(), dropout)?.neg())
                + softplus(Self::score(net, shown, dropout ^ 1)?);
            losses.push(self.discriminator.descend(loss)?.loss);
        }
        let dropout = moment.chance("generator");
        let loss = softplus(Self::score(self.discriminator.module(), fake.clone(), dropout)?.neg());
        let descent = self.generator.descend(loss)?;
        self.pool = fake.into_data().try_to_vec().unwrap();
        Ok(Scalars::new()
            .with("generator", descent.loss)
            .with("discriminator", losses[0])
            .with("of_pool", losses[1]))
    }

    fn evaluate(&mut self, moment: &Moment) -> Result<Scalars> {
        Ok(Scalars::new().with("accuracy", 1.0 / (1 + moment.step % 3) as f64))
    }

    fn save(&self, state: &mut State) -> Result<()> {
        state.put(Stored::from_f32("pool", &[self.pool.len()], &self.pool)?);
        Ok(())
    }

    fn load(&mut self, state: &State) -> Result<()> {
        let pool = state.get("pool")?;
        if (pool.dtype(), pool.cells()) != (Dtype::F32, self.pool.len()) {
            return Err(TrainError::model("the pool is of another size"));
        }
        self.pool = pool.to_f32()?;
        Ok(())
    }
}

/// The model of a run, as its name says.
pub(crate) fn trainee(run: &Run) -> Result<Box<dyn Trainee>> {
    let settings: Settings = run.settings()?;
    Ok(match run.model() {
        "classifier" => Box::new(Classifier::new(settings)?),
        "gan" => Box::new(Gan::new(settings)?),
        other => return Err(TrainError::model(format!("no model {other}"))),
    })
}

/// Begins or goes on with a run, in this process.
pub(crate) fn go_on(folder: &Path, until: Option<u64>) -> Result<Report> {
    watched(folder, until, &mut Silent)
}

pub(crate) fn watched(folder: &Path, until: Option<u64>, watch: &mut dyn Watch) -> Result<Report> {
    let run = Run::open(folder)?;
    let mut trainee = trainee(&run)?;
    train(&run, &mut *trainee, Options { until, stop: Stop::default(), watch })
}

/// Begins a run and leaves it before its first step.
pub(crate) fn create(folder: &Path, model: &str, settings: &Settings) {
    Run::create(folder, model, settings).unwrap();
}

/// Where a child finds what it is to do.
const CHILD: &str = "UPCONV_TRAIN_CHILD";
const MODEL: &str = "UPCONV_TRAIN_MODEL";
const UNTIL: &str = "UPCONV_TRAIN_UNTIL";
const SLOW: &str = "UPCONV_TRAIN_SLOW";
const LENGTH: &str = "UPCONV_TRAIN_LENGTH";

/// Every test file with children has a test of this name, which calls [`be_child`].
pub(crate) const CHILD_TEST: &str = "as_a_child";

/// This test program as a child that begins or goes on with a run.
pub(crate) fn child(folder: &Path, model: &str, until: Option<u64>) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", CHILD_TEST, "--nocapture", "--test-threads=1"]);
    command.env(CHILD, folder).env(MODEL, model);
    if let Some(until) = until {
        command.env(UNTIL, until.to_string());
    }
    command
}

/// The same with steps that take a while.
pub(crate) fn slow_child(folder: &Path, model: &str, milliseconds: u64) -> Command {
    let mut command = child(folder, model, None);
    command.env(SLOW, milliseconds.to_string());
    command
}

/// The same of a run of so many steps.
pub(crate) fn long_child(folder: &Path, model: &str, length: u64) -> Command {
    let mut command = child(folder, model, None);
    command.env(LENGTH, length.to_string());
    command
}

/// What a child does; the process of the tests itself does nothing.
#[allow(clippy::print_stdout, reason = "the parent reads it")]
pub(crate) fn be_child() {
    let Some(folder) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let model = std::env::var(MODEL).unwrap();
    let run = match Run::open(&folder) {
        Err(TrainError::NoRun { .. }) => {
            let number =
                |name: &str| std::env::var(name).ok().map(|number| number.parse().unwrap());
            let mut settings = Settings { slow: number(SLOW).unwrap_or(0), ..Settings::default() };
            settings.run.length = number(LENGTH).map_or(settings.run.length, Span::Steps);
            Run::create(&folder, &model, &settings)
        }
        other => other,
    };
    let until = std::env::var(UNTIL).ok().map(|until| until.parse().unwrap());
    let result = run.and_then(|run| {
        let mut trainee = trainee(&run)?;
        let stop = Stop::on_signals().unwrap();
        let mut progress = upconv_train::progress::Progress::on_stderr();
        train(&run, &mut *trainee, Options { until, stop, watch: &mut progress })
    });
    match result {
        Ok(report) => println!("{report}"),
        Err(error) => {
            eprintln!("error: {error}");
            std::process::exit(1);
        }
    }
}

/// Every file of a folder by its name, without locks and what holds times.
pub(crate) fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        for entry in std::fs::read_dir(&path).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                waiting.push(path);
            } else if name != "lock" && !name.contains("tfevents") {
                found.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// Fails with the name of the first file that differs.
pub(crate) fn assert_same(a: &Path, b: &Path) {
    let (a, b) = (contents(a), contents(b));
    let names = |files: &[(String, Vec<u8>)]| {
        files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&a), names(&b));
    for ((name, a), (_, b)) in a.iter().zip(&b) {
        assert!(
            a == b,
            "{name} differs: {} and {}",
            String::from_utf8_lossy(a),
            String::from_utf8_lossy(b)
        );
    }
}
