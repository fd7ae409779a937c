//! Settings that were published, and those that train on a CPU in minutes.
//!
//! | preset | for | what |
//! | --- | --- | --- |
//! | `small` | all, the usual one | narrow, from random weights, half of the size, patches |
//! | `resnet18` | FCNs | the same on ResNet-18 |
//! | `kittiseg` | FCNs | KittiSeg's own settings, for VGG-16's weights |
//! | `kittiseg-fixed` | FCNs | the same without the faults |
//!
//! `kittiseg` is Adam with rate 1e-5 and epsilon 1e-5, one picture a step and its mirror image in another, soft crops,
//! gradients clipped to norm 1, 12,000 steps. Of the original's faults it keeps those that decide what is learned:
//!
//! | fault | `kittiseg` | `kittiseg-fixed` |
//! | --- | --- | --- |
//! | void pixels count in the mean of the loss | kept | mean over labelled pixels |
//! | weight decay misses `fc6`, `fc7` and the up-samplings, though `use_fc_wd` asks for it | kept | on all weights |
//! | centred crop: scores move by up to 3 pixels | kept | right and below, nothing moves |
//! | `p + 1e-9` under the logarithm ends learning where `p` is smaller | kept | exact log-softmax |
//! | soft F1 counts void pixels as false, and is 0 / 0 without road | mended | mended |
//! | every evaluation also runs all training pictures | left out | left out |
//!
//! Where the engine differs from the original in both: weight decay is added behind the clipping, not before it, and
//! Adam's epsilon stands beside the corrected root, as in the paper's first form.
//!
//! # Source
//! hypes/KittiSeg.json, decoder/kitti_multiloss.py and encoder/fcn8_vgg.py of MarvinTeichmann/KittiSeg.

use upconv_data::Size;
use upconv_data::augment::{Augment, Flip, Range};
use upconv_train::part::{Adam, Clip, Group, Optimiser, PartSettings, Schedule};
use upconv_train::settings::{Best, Goal, RunSettings, Span};

use super::loss::{Loss, Mean};
use super::settings::{DataSettings, Reading, Settings};
use crate::fcn::{Crop, FcnConfig, Form};
use crate::segnet::SegNetConfig;
use crate::unet::UNetConfig;

/// Settings with a name.
#[derive(Clone, Debug)]
pub struct Preset<C> {
    /// The name, for `--preset`.
    pub name: &'static str,
    /// The network has so many times the published channels.
    pub width: f64,
    /// Everything; the network at its full width.
    pub settings: Settings<C>,
}

/// Weight decay of KittiSeg.
const DECAY: f64 = 5e-4;

pub(super) fn fcn() -> Vec<Preset<FcnConfig>> {
    let fixed = Form::Same { crop: Crop::RightBottom };
    let narrow = FcnConfig { form: fixed, ..FcnConfig::kittiseg() };
    let resnet = FcnConfig { form: fixed, ..FcnConfig::resnet18() };
    let original = kittiseg(Settings {
        net: part(1e-5, &["block*.weight", "score*.weight"]),
        config: FcnConfig::kittiseg(),
        loss: Loss { mean: Mean::AllPixels, epsilon: 1e-9, ..Loss::default() },
        ..Settings::default()
    });
    let mended = kittiseg(Settings {
        net: part(1e-5, &["weight"]),
        config: FcnConfig { form: fixed, ..FcnConfig::kittiseg() },
        ..Settings::default()
    });
    vec![
        Preset { name: "small", width: 0.25, settings: small(narrow) },
        Preset { name: "resnet18", width: 0.25, settings: small(resnet) },
        Preset { name: "kittiseg", width: 1.0, settings: original },
        Preset { name: "kittiseg-fixed", width: 1.0, settings: mended },
    ]
}

pub(super) fn unet() -> Vec<Preset<UNetConfig>> {
    vec![Preset { name: "small", width: 0.5, settings: small(UNetConfig::default()) }]
}

pub(super) fn segnet() -> Vec<Preset<SegNetConfig>> {
    vec![Preset { name: "small", width: 0.25, settings: small(SegNetConfig::default()) }]
}

/// KittiSeg's optimiser with weight decay on some of the parameters.
fn part(rate: f64, decayed: &[&str]) -> PartSettings {
    let parameters = decayed.iter().map(|&pattern| pattern.into()).collect();
    PartSettings {
        rate,
        clip: Some(Clip::Norm(1.0)),
        optimiser: Optimiser::Adam(Adam { epsilon: 1e-5, ..Adam::default() }),
        groups: vec![Group { parameters, weight_decay: Some(DECAY), rate_factor: None }],
        ..PartSettings::default()
    }
}

fn best(metric: &str) -> Option<Best> {
    Some(Best { metric: metric.into(), goal: Goal::Max, margin: 0.0, patience: None })
}

/// Length, data and input of KittiSeg.
fn kittiseg(settings: Settings<FcnConfig>) -> Settings<FcnConfig> {
    Settings {
        run: RunSettings {
            length: Span::Steps(12_000),
            save_every: Span::Steps(2_000),
            evaluate_every: Span::Steps(100),
            sample_every: Span::Steps(100),
            log_every: 20,
            best: best("max_f"),
            ..RunSettings::default()
        },
        data: DataSettings { augment: Augment::kittiseg(), ..DataSettings::default() },
        input: Reading::Caffe,
        ..settings
    }
}

/// From random weights on a CPU, for pictures about as large as KITTI's.
fn small<C: Default>(config: C) -> Settings<C> {
    let augment = Augment {
        flip: Flip::Random,
        patch: Some(Size { height: 160, width: 512 }),
        brightness: Some(30.0),
        contrast: Some(Range { min: 0.75, max: 1.25 }),
        ..Augment::none()
    };
    Settings {
        run: RunSettings {
            length: Span::Epochs(20),
            evaluate_every: Span::Epochs(2),
            sample_every: Span::Epochs(2),
            best: best("mean_iou"),
            ..RunSettings::default()
        },
        net: PartSettings {
            rate: 1e-3,
            clip: Some(Clip::Norm(1.0)),
            schedule: Schedule::Cosine { last: 0.01 },
            ..PartSettings::default()
        },
        data: DataSettings { scale: 0.5, batch: 4, augment, ..DataSettings::default() },
        config,
        ..Settings::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kittiseg_is_as_its_hypes_say() {
        let all = fcn();
        let find = |name: &str| all.iter().find(|preset| preset.name == name).unwrap();
        let Settings { run, net, data, loss, input, config } = &find("kittiseg").settings;
        assert_eq!(run.length, Span::Steps(12_000));
        assert_eq!((net.rate, net.clip), (1e-5, Some(Clip::Norm(1.0))));
        assert_eq!(net.optimiser.weight_decay(), 0.0);
        assert_eq!(net.groups[0].weight_decay, Some(5e-4));
        assert_eq!((data.batch, data.scale, *input), (1, 1.0, Reading::Caffe));
        assert_eq!((loss.mean, loss.epsilon), (Mean::AllPixels, 1e-9));
        assert_eq!(*config, FcnConfig::kittiseg());
        let mended = &find("kittiseg-fixed").settings;
        assert_eq!(mended.net.groups[0].parameters, ["weight"]);
        assert_eq!(mended.loss, Loss::default());
        assert_eq!(mended.config.form, Form::Same { crop: Crop::RightBottom });
        assert_eq!((&mended.run, &mended.data, mended.input), (run, data, *input));
    }
}
