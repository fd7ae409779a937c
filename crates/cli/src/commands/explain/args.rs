//! The arguments of `upconv explain`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  upconv explain --dialect tensorflow --input 3x3 --kernel 3x3 --stride 2
  upconv explain --dialect torch --input 16 --kernel 4 --stride 2 --padding 1
  upconv explain --dialect onnx --input 5x7 --kernel 3 --padding 1:0,0:1
  upconv explain --dialect definition --input 2x2 --kernel 3x3 --json
  upconv explain --dialect keras --input 3x3 --kernel 3x3 --stride 2 --view gather -o gather.gif
  upconv explain --all-dialects --input 3 --kernel 3 --stride 2 --padding same
  upconv explain --loss photo.jpg -o pictures
  upconv explain --weights selfie.safetensors --layer head";

/// What can be explained; at least one is said.
const SUBJECTS: [&str; 4] = ["dialect", "all_dialects", "loss", "weights"];
/// The words of a setting and of its pictures, which neither a photo nor weights have.
const SETTING: [&str; 11] = [
    "all_dialects",
    "input",
    "kernel",
    "dilation",
    "padding",
    "output",
    "output_padding",
    "format",
    "view",
    "theme",
    "forward",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
    Svg,
    Gif,
    Html,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ThemeName {
    Light,
    Dark,
}

/// Explain a setting: sizes, window, numbers, matrix, overlap, and code for every framework
///
/// Says which window of the uncropped result a framework keeps, how the sizes come about, the same in
/// small numbers, as a matrix, and as code in TensorFlow, Keras, PyTorch, ONNX and Rust.
///
/// With --loss: what a picture loses that is brought down and up again. With --weights: whether the weights of a
/// layer leave a chessboard.
///
/// Sizes are N, HxW or DxHxW; one number stands for all axes, except in --input, which sets how many
/// axes there are.
#[derive(Args, Debug)]
#[command(after_help = EXPLAIN_EXAMPLES)]
#[command(group = ArgGroup::new("subject").multiple(true).required(true).args(SUBJECTS))]
pub(crate) struct Explain {
    /// Whose rules hold: tensorflow, keras, pytorch (or torch), onnx, caffe, tflite, definition
    #[arg(long, value_name = "NAME")]
    pub(crate) dialect: Option<String>,
    /// What every dialect makes of the same words, in one table
    #[arg(long, conflicts_with = "dialect")]
    pub(crate) all_dialects: bool,
    /// Bring a picture down and up again in seven ways, and show what is lost
    #[arg(long, value_name = "IMAGE", conflicts_with_all = SETTING)]
    #[arg(conflicts_with_all = ["dialect", "stride", "groups", "weights"])]
    pub(crate) loss: Option<PathBuf>,
    /// How far down the picture of --loss is brought: 2 to 8 [default: 2]
    #[arg(long, value_name = "N", allow_hyphen_values = true, conflicts_with_all = SETTING)]
    #[arg(requires = "loss", conflicts_with_all = ["dialect", "stride", "groups", "weights"])]
    pub(crate) factor: Option<String>,
    /// Look for a chessboard in the weights of a file's layer, --layer
    #[arg(long, value_name = "FILE", conflicts_with_all = SETTING, requires = "layer")]
    #[arg(conflicts_with = "out")]
    pub(crate) weights: Option<PathBuf>,
    /// The layer of --weights: its name, or that of its tensor
    #[arg(long, value_name = "NAME", requires = "weights", conflicts_with_all = SETTING)]
    #[arg(conflicts_with = "loss")]
    pub(crate) layer: Option<String>,
    /// Input cells
    #[arg(long, value_name = "HxW", allow_hyphen_values = true)]
    #[arg(required_unless_present_any = ["loss", "weights"])]
    pub(crate) input: Option<String>,
    /// Kernel taps
    #[arg(long, value_name = "HxW", allow_hyphen_values = true)]
    #[arg(required_unless_present_any = ["loss", "weights"])]
    pub(crate) kernel: Option<String>,
    /// Stride [default: 1]
    #[arg(long, value_name = "N|HxW", allow_hyphen_values = true)]
    pub(crate) stride: Option<String>,
    /// Dilation [default: 1]
    #[arg(long, value_name = "N|HxW", allow_hyphen_values = true)]
    pub(crate) dilation: Option<String>,
    /// Groups [default: 1; those of --weights follow from the bias, if there is one]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) groups: Option<String>,
    /// same, valid, same_upper, same_lower, a number, HxW, or pairs begin:end (B:E,B:E), one for all axes
    /// or one per axis [default: the dialect's]
    #[arg(long, value_name = "PADDING", allow_hyphen_values = true)]
    pub(crate) padding: Option<String>,
    /// Wanted output cells [default: the dialect's; TensorFlow has none]
    #[arg(long, value_name = "HxW", allow_hyphen_values = true)]
    pub(crate) output: Option<String>,
    /// Cells added at the end, in dialects that have it
    #[arg(long, value_name = "N|HxW", allow_hyphen_values = true)]
    pub(crate) output_padding: Option<String>,
    /// Form of the result; json is the same as --json, html has all views with their steps [default: by the
    /// ending of FILE, else text]
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// What svg and gif show: scatter, gather, zero-insertion, matrix, phases, overlap [default: scatter]
    #[arg(long, value_name = "NAME")]
    pub(crate) view: Option<String>,
    /// Colours of svg and gif [default: light]; html follows the reader's screen
    #[arg(long, value_enum)]
    pub(crate) theme: Option<ThemeName>,
    /// Draw the forward convolution beside the transposed one, in the view scatter
    #[arg(long)]
    pub(crate) forward: bool,
    /// Write the result to a file [default: standard output]; with --loss the folder of the picture [default:
    /// the current one]
    #[arg(short = 'o', long = "out", value_name = "FILE|DIR")]
    pub(crate) out: Option<PathBuf>,
}
