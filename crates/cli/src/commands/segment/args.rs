//! The words of `upconv segment`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  upconv segment examples/astronaut.png
  upconv segment holiday/ -o cut --only cutout
  upconv segment - --json < photo.jpg

Reads JPEG, PNG, WebP and BMP, told by the content. In folders, and below, it takes files
that are pictures or whose names promise one. For photo.jpg it writes
  photo.mask.png      the probability as grey: white is the person
  photo.overlay.png   the background darkened, with an outline at the threshold
  photo.cutout.png    the person on transparent ground, with soft edges
An input that fails is reported and noted in failed.jsonl in the output folder, and the
rest goes on.

Exit status: 0 all done, 1 some failed, 2 wrong use of the command line.";

/// Cut people out of photos: mask, overlay and cut-out
///
/// Made for people near the camera, within about 2 metres, as in portraits and video calls. The
/// network looks for the main thing in the picture: it is no detector, gives no score for whether a
/// person is there, and takes a cat that fills the picture for one.
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
    /// Weights from a file [default: those in the program]
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,
    /// Write only these, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KIND")]
    pub(crate) only: Vec<Only>,
    /// From which probability on a pixel counts as person, 0 to 1 [default: 0.5]
    #[arg(long, value_name = "P", allow_hyphen_values = true)]
    pub(crate) threshold: Option<String>,
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
