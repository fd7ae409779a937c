//! The words of `upconv finetune`.

use std::path::PathBuf;

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  upconv finetune resnet18 --weights resnet18.safetensors --data photos --out runs/mine --train-only fc
  upconv finetune efficientnet-lite0 --weights lite0.safetensors --data photos --out runs/mine \\
      --freeze-until stem
  upconv predict resnet18 --weights runs/mine/finetuned.safetensors photo.jpg

DIR holds a folder of pictures for each class, or train, val and test with such folders in each;
CIFAR-10's and MNIST's files do, too. Without a folder val a tenth of each class is kept for
validation. The layer that gives the scores is a new one, as wide as there are classes. Frozen
layers keep every bit, the statistics of batch norm among them.

RUN is a run as that of `upconv train`: it goes on with `upconv train --resume RUN`. At its end it
gets finetuned.safetensors, the best weights; confusion.png, which class was taken for which; and
report.json.

Exit status: 0 done or stopped, 1 failed or refused, 2 wrong use of the command line.";

/// Train a classifier on your own classes, from weights of other classes
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FineTune {
    /// The model; `upconv models` lists them
    pub(crate) model: String,
    /// Folder of pictures with classes
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Folder for the run, new or empty
    #[arg(long, value_name = "RUN")]
    pub(crate) out: PathBuf,
    /// The weights to begin with: a file, or the folder of a run for the best of it
    #[arg(long, value_name = "FILE|RUN")]
    pub(crate) weights: Option<PathBuf>,
    /// Leave this layer and all before it as they are; `upconv models NAME` lists the layers
    #[arg(long, value_name = "LAYER", conflicts_with = "train_only")]
    pub(crate) freeze_until: Option<String>,
    /// Leave all layers but this one as they are
    #[arg(long, value_name = "LAYER")]
    pub(crate) train_only: Option<String>,
    /// One setting of config.toml, such as run.length="20 epochs"; can be given again
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Where all that is random comes from; the same as run.seed
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}
