//! The words of `upconv train` and `upconv eval`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use upconv_models::upsampling::Upsampling;

const USAGE: &str = "\
upconv train <MODEL> --data <DIR> --out <RUN> [OPTIONS]
       upconv train --resume <RUN> [--until <N>]";

const EXAMPLES: &str = "\
Examples:
  upconv data make roads roads --count 300
  upconv train fcn8s --data roads --out runs/road
  upconv train fcn8s --data roads --out runs/bilinear --upsample bilinear --set run.seed=2
  upconv train --resume runs/road
  upconv data make pictures shapes
  upconv train resnet20 --data shapes --out runs/shapes

For every pixel its class: kittiseg, fcn8s, unet, segnet. Presets: small (the usual one, trains on
a CPU); for kittiseg and fcn8s also resnet18, kittiseg (the original's settings) and kittiseg-fixed
(its faults mended). DIR holds images and masks: KITTI's layout, or folders named images and masks.
For a picture one class: cifar-softmax, cifar-two-layer, cifar-cnn, cifar-tutorial, resnet20.
Presets: usual; for the first two also original, for resnet20 paper. DIR holds CIFAR-10's files in
either form, MNIST's or Fashion-MNIST's, or a folder of pictures for each class.
RUN gets config.toml (every setting, for --set), metrics.jsonl, an event file for
TensorBoard, samples/ and checkpoints/. Ctrl-C ends after the step that runs, and saves;
a second one ends at once. A run that was killed goes on to the same bits with --resume.

With --json each line of standard output is one of metrics.jsonl; the last one is the report.
Exit status: 0 done or stopped, 1 failed or refused, 2 wrong use of the command line.";

/// Train a model on a folder of pictures, or go on with a run
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, override_usage = USAGE, arg_required_else_help = true)]
pub(crate) struct Train {
    /// The model
    #[arg(required_unless_present = "resume", conflicts_with = "resume")]
    pub(crate) model: Option<String>,
    /// Folder of images and masks, or of pictures with classes
    #[arg(long, value_name = "DIR", required_unless_present = "resume", conflicts_with = "resume")]
    pub(crate) data: Option<PathBuf>,
    /// Folder for the run, new or empty
    #[arg(long, value_name = "RUN", required_unless_present = "resume", conflicts_with = "resume")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with this run; everything else is known
    #[arg(long, value_name = "RUN")]
    pub(crate) resume: Option<PathBuf>,
    /// Begin with the weights of a file: of the same model, or of VGG-16 for FCNs
    #[arg(long, value_name = "WEIGHTS", conflicts_with = "resume")]
    pub(crate) from: Option<PathBuf>,
    /// Settings with a name [default: small, for classifiers usual]
    #[arg(long, value_name = "NAME", conflicts_with = "resume")]
    pub(crate) preset: Option<String>,
    /// One setting of config.toml, such as net.rate=1e-4; can be given again
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// So many times the published channels
    #[arg(long, value_name = "F", conflicts_with = "resume")]
    pub(crate) width: Option<f64>,
    /// How maps become larger
    #[arg(long, value_enum, value_name = "HOW", conflicts_with = "resume")]
    pub(crate) upsample: Option<UpsampleName>,
    /// Where all that is random comes from; the same as run.seed
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    pub(crate) seed: Option<u64>,
    /// Stop at this step, which may be beyond the length of the run
    #[arg(long, value_name = "N")]
    pub(crate) until: Option<u64>,
    /// Show on copies of the run that it survives kill -9: the next steps are trained unbroken and killed, and
    /// compared
    #[arg(long)]
    pub(crate) prove: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum UpsampleName {
    Transposed,
    Bilinear,
    Unpool,
    Shuffle,
}

impl From<UpsampleName> for Upsampling {
    fn from(name: UpsampleName) -> Self {
        match name {
            UpsampleName::Transposed => Self::Transposed,
            UpsampleName::Bilinear => Self::Bilinear,
            UpsampleName::Unpool => Self::Unpool,
            UpsampleName::Shuffle => Self::Shuffle,
        }
    }
}

/// Measure weights on pictures with masks or classes, beside what needs no network
///
/// The test part of the folder is measured where it is known, else the validation part. For classifiers there are accuracy,
/// the share of pictures whose class is among the best five, which class was taken for which, and the accuracy of always
/// saying the most frequent class. For two classes there are
/// KITTI's figures of roads, in the plane of the image, and two baselines that are fitted to the training part: the
/// mean of all masks, and the share of road of each colour.
#[derive(Args, Debug)]
pub(crate) struct Eval {
    /// The model
    pub(crate) model: String,
    /// Its weights: a file, or the folder of a run for the best of it
    #[arg(long, value_name = "FILE|RUN")]
    pub(crate) weights: PathBuf,
    /// Folder of images and masks, or of pictures with classes
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
}

/// The file of weights that a user names, which may be the folder of a run.
///
/// # Errors
/// A folder that holds no run, or one without a checkpoint.
pub(crate) fn weights(named: &Path) -> upconv_train::Result<PathBuf> {
    if named.is_dir() { upconv_train::run::best_weights(named) } else { Ok(named.into()) }
}
