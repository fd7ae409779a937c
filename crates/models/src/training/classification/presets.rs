//! Settings that were published, and those that train on a CPU in minutes.
//!
//! | preset | for | what |
//! | --- | --- | --- |
//! | `usual` | all, the first | sound settings: a part for validation, scaled inputs, the best checkpoint kept |
//! | `original` | `cifar-softmax`, `cifar-two-layer` | those of image-classification-CIFAR10-tf |
//! | `paper` | `resnet20` | those of He and others: 64,000 steps |
//!
//! `original` keeps what decides what is learned: inputs less the mean picture but not scaled, all training pictures, a
//! constant rate, and for the linear classifier batches that are drawn from all pictures every time. For the other one the
//! penalty is half of the sum of squares, as TensorFlow's `l2_loss`, and what makes no whole batch is left out. Checkpoints
//! are written every 1000 steps as there, and at the end, which the original leaves out; their numbers are those of steps
//! that are done, 1000 for its 999.
//!
//! # Source
//! softmax.py, two_layer_fc.py and run_fc_model.py of wolfib/image-classification-CIFAR10-tf at a2f856a; He, Zhang, Ren and
//! Sun, "Deep Residual Learning for Image Recognition" (2015), section 4.2.

use upconv_data::datasets::classified::Jitter;
use upconv_data::loader::Order;
use upconv_train::part::{Group, Optimiser, PartSettings, Schedule, Sgd};
use upconv_train::settings::{Best, Goal, RunSettings, Span};

use super::settings::{Centre, DataSettings, Penalty, Reading, Scale, Settings};
use crate::cifar::{CnnConfig, DenseConfig};
use crate::resnet_cifar::{ResNetCifarConfig, Shortcut};

/// Settings with a name.
#[derive(Clone, Debug)]
pub struct Preset<C> {
    /// The name, for `--preset`.
    pub name: &'static str,
    /// Everything.
    pub settings: Settings<C>,
}

/// Moved by up to 4 cells and mirrored, as in the paper of ResNets.
const JITTER: Jitter = Jitter { shift: 4, flip: true };

pub(super) fn softmax() -> Vec<Preset<DenseConfig>> {
    let usual = Settings {
        net: PartSettings { rate: 0.002, ..momentum(0.0) },
        data: DataSettings { batch: 100, ..DataSettings::default() },
        ..usual(10, DenseConfig::softmax())
    };
    let original = Settings {
        net: plain(0.005),
        data: DataSettings { order: Order::Drawn, ..every_picture(100) },
        ..original(1000, DenseConfig::softmax())
    };
    named(usual, "original", original)
}

pub(super) fn two_layer() -> Vec<Preset<DenseConfig>> {
    let usual = Settings {
        net: PartSettings { rate: 0.005, ..momentum(1e-3) },
        data: DataSettings { batch: 100, ..DataSettings::default() },
        ..usual(20, DenseConfig::two_layer())
    };
    let original = Settings {
        net: plain(0.001),
        data: DataSettings { drop_last: true, ..every_picture(400) },
        loss: Penalty { half_squares: 0.1 },
        ..original(2000, DenseConfig::two_layer())
    };
    named(usual, "original", original)
}

pub(super) fn cnn() -> Vec<Preset<CnnConfig>> {
    vec![Preset { name: "usual", settings: convolutional(CnnConfig::default()) }]
}

pub(super) fn tutorial() -> Vec<Preset<CnnConfig>> {
    vec![Preset { name: "usual", settings: convolutional(CnnConfig::tutorial()) }]
}

pub(super) fn resnet_cifar() -> Vec<Preset<ResNetCifarConfig>> {
    let usual = Settings {
        net: PartSettings { rate: 0.1, warm_up: 200, ..momentum(5e-4) },
        data: DataSettings { batch: 64, jitter: JITTER, ..DataSettings::default() },
        ..usual(4, ResNetCifarConfig::default())
    };
    let zeros = ResNetCifarConfig { shortcut: Shortcut::Zeros, ..ResNetCifarConfig::default() };
    let paper = Settings {
        run: RunSettings { length: Span::Steps(64_000), ..run(1) },
        net: PartSettings {
            rate: 0.1,
            optimiser: Optimiser::Sgd(Sgd { momentum: 0.9, weight_decay: 1e-4, ..Sgd::default() }),
            schedule: Schedule::Milestones { at: vec![32_000, 48_000], factor: 0.1 },
            ..PartSettings::default()
        },
        data: DataSettings { batch: 128, jitter: JITTER, ..DataSettings::default() },
        input: Reading { centre: Centre::Picture, scale: Scale::Unit, given: None },
        config: zeros,
        ..Settings::default()
    };
    named(usual, "paper", paper)
}

/// What `upconv finetune` begins with: a few passes at a low rate.
pub(super) fn fine_tuning<C: Default>(config: C) -> Settings<C> {
    Settings {
        net: PartSettings { rate: 0.01, ..momentum(1e-4) },
        data: DataSettings {
            batch: 16,
            jitter: Jitter { shift: 4, flip: true },
            ..Default::default()
        },
        fresh_head: true,
        ..usual(10, config)
    }
}

fn named<C>(usual: Settings<C>, name: &'static str, other: Settings<C>) -> Vec<Preset<C>> {
    vec![Preset { name: "usual", settings: usual }, Preset { name, settings: other }]
}

/// So many epochs, of which the one with the best accuracy counts.
fn run(epochs: u64) -> RunSettings {
    let best = Best { metric: "accuracy".into(), goal: Goal::Max, margin: 0.0, patience: None };
    RunSettings {
        length: Span::Epochs(epochs),
        log_every: 10,
        best: Some(best),
        ..RunSettings::default()
    }
}

fn usual<C: Default>(epochs: u64, config: C) -> Settings<C> {
    Settings { run: run(epochs), config, ..Settings::default() }
}

/// SGD with momentum and weight decay of weights alone, along a cosine to a hundredth.
fn momentum(weight_decay: f64) -> PartSettings {
    PartSettings {
        optimiser: Optimiser::Sgd(Sgd {
            momentum: 0.9,
            nesterov: true,
            weight_decay,
            ..Sgd::default()
        }),
        schedule: Schedule::Cosine { last: 0.01 },
        groups: if weight_decay > 0.0 {
            vec![Group { parameters: vec!["bias".into()], ..Group::without_decay() }]
        } else {
            Vec::new()
        },
        ..PartSettings::default()
    }
}

fn convolutional(config: CnnConfig) -> Settings<CnnConfig> {
    Settings {
        net: PartSettings { rate: 0.02, warm_up: 200, ..momentum(5e-4) },
        data: DataSettings { batch: 64, jitter: JITTER, ..DataSettings::default() },
        ..usual(4, config)
    }
}

/// Plain SGD at one rate.
fn plain(rate: f64) -> PartSettings {
    PartSettings { rate, optimiser: Optimiser::Sgd(Sgd::default()), ..PartSettings::default() }
}

fn every_picture(batch: usize) -> DataSettings {
    DataSettings { batch, validation: Some(0), ..DataSettings::default() }
}

fn original(steps: u64, config: DenseConfig) -> Settings<DenseConfig> {
    Settings {
        run: RunSettings {
            length: Span::Steps(steps),
            save_every: Span::Steps(1000),
            log_every: 100,
            keep: 2,
            ..RunSettings::default()
        },
        input: Reading { centre: Centre::Picture, scale: Scale::Bytes, given: None },
        config,
        ..Settings::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn originals_are_as_their_scripts_say() {
        let Settings { run, net, data, loss, input, .. } = softmax().remove(1).settings;
        assert_eq!((run.length, net.rate, data.batch), (Span::Steps(1000), 0.005, 100));
        assert_eq!((data.order, data.validation), (Order::Drawn, Some(0)));
        assert_eq!((loss.half_squares, input.scale), (0.0, Scale::Bytes));
        assert_eq!(run.save_every, Span::Steps(1000));
        let Settings { run, net, data, loss, config, .. } = two_layer().remove(1).settings;
        assert_eq!((run.length, net.rate, data.batch), (Span::Steps(2000), 0.001, 400));
        assert_eq!((run.save_every, run.keep), (Span::Steps(1000), 2));
        assert_eq!((loss.half_squares, config.hidden), (0.1, Some(120)));
        let Settings { net, data, config, .. } = resnet_cifar().remove(1).settings;
        assert_eq!((net.rate, net.optimiser.weight_decay(), data.batch), (0.1, 1e-4, 128));
        assert_eq!(config.shortcut, Shortcut::Zeros);
    }
}
