//! The words of `upconv segment`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  upconv segment examples/astronaut.png
  upconv segment holiday/ -o cut --only cutout
  upconv segment --model road examples/road.png
  upconv segment --weights runs/road street/ -o found --tile 1024
  upconv segment - --json < photo.jpg

Reads JPEG, PNG, WebP and BMP, told by the content. In folders, and below, it takes files
that are pictures or whose names promise one. For photo.jpg it writes
  photo.mask.png      the probability as grey: white is the person, or what else is found
  photo.overlay.png   the background darkened, with an outline at the threshold
  photo.cutout.png    what is found on transparent ground, with soft edges
An input that fails is reported and noted in failed.jsonl in the output folder, and the
rest goes on.

Exit status: 0 all done, 1 some failed, 2 wrong use of the command line.";

/// Cut people, roads or what you trained for out of photos: mask, overlay and cut-out
///
/// The usual network is made for people near the camera, within about 2 metres, as in portraits and
/// video calls. It looks for the main thing in the picture: it is no detector, gives no score for
/// whether a person is there, and takes a cat that fills the picture for one. `--model road` finds
/// roads as rendered scenes have them; `--weights` takes what `upconv train` made.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Segment {
    /// Pictures, and folders of pictures; - alone reads one picture from standard input
    #[arg(value_name = "IMAGE|DIR", required = true)]
    pub(crate) images: Vec<PathBuf>,
    /// Folder for the results; the tree below a DIR is kept [default: the current folder]
    #[arg(short = 'o', long = "out", value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// The network; `upconv models` lists them [default: selfie]
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// Weights from a file, or the best of a run's folder [default: those in the program]
    #[arg(long, value_name = "FILE|RUN")]
    pub(crate) weights: Option<PathBuf>,
    /// Write only these, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KIND")]
    pub(crate) only: Vec<Only>,
    /// From which probability on a pixel counts as found, 0 to 1 [default: 0.5]
    #[arg(long, value_name = "P", allow_hyphen_values = true)]
    pub(crate) threshold: Option<String>,
    /// The class that is looked for, by label or number [default: the second of two; of more, all
    /// but the first]
    #[arg(long, value_name = "CLASS")]
    pub(crate) class: Option<String>,
    /// Run the network on squares of so many pixels, a multiple of 32, where a picture is too large;
    /// best a good deal more than an FCN sees around a pixel, which is 404 wide
    #[arg(long, value_name = "SIDE")]
    pub(crate) tile: Option<usize>,
    /// Pixels that neighbouring squares share and mix [default: a quarter of the side]
    #[arg(long, value_name = "PIXELS", requires = "tile")]
    pub(crate) overlap: Option<usize>,
    /// Run the self-test stored with the weights first
    #[arg(long)]
    pub(crate) verify: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Only {
    Mask,
    Overlay,
    Cutout,
}
