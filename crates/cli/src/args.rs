//! The command line: its words and its help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use upconv_explain::Lang;

use crate::commands::bench::args::Bench;
use crate::commands::data::args::Data;
use crate::commands::explain::args::{Explain, Format};
use crate::commands::finetune::args::FineTune;
use crate::commands::predict::Predict;
use crate::commands::sample::Sample;
use crate::commands::segment::args::Segment;
use crate::commands::serve::Serve;
use crate::commands::train::args::{Eval, Train};

const EXAMPLES: &str = "\
Examples:
  upconv explain --dialect tensorflow --input 3 --kernel 3 --stride 2 --output 5
  upconv explain --all-dialects --input 4x4 --kernel 4x4 --stride 2 --padding 1
  upconv conformance golden
Exit status: 0 done, 1 failed or refused, 2 wrong use of the command line.";

const PLAN_USAGE: &str = "\
upconv plan --from <HxW> --to <HxW> [OPTIONS]
       upconv plan --chain <FILE> [--from <HxW>]";

const PLAN_EXAMPLES: &str = "\
Examples:
  upconv plan --from 7x7 --to 14x14
  upconv plan --from 8x11 --like 15x22 --dialect torch
  upconv plan --chain examples/unet.toml
  upconv plan --chain examples/unet.toml --from 240x320

A chain is a TOML file, with one [[layer]] after the other:
  dialect = \"pytorch\"       # the default
  input = [225, 225]        # or --from; one number for one axis
  [[layer]]
  name = \"down1\"            # default: op 1, op 2, ...
  op = \"max_pool\"
  kernel = 2                # or one per axis: [2, 3]
  [[layer]]
  op = \"conv_transpose\"
  kernel = 2
  stride = 2
  like = \"input\"            # makes the size of the input, or of that layer
  skip = \"input\"            # is put beside it: both sizes must be equal
Operations and their keys, beside name and skip:
  conv               kernel stride padding dilation
  max_pool avg_pool  kernel stride padding ceil_mode; max_pool also dilation
  conv_transpose     kernel stride padding dilation output_padding output|like
  resize             output, like or factor
  pixel_shuffle pixel_unshuffle    factor
padding: 1, [1, 2], [[1, 0], [0, 1]], \"same\", \"valid\", \"same_upper\", \"same_lower\"
Exit status: 0 if the size comes back and every skip connection fits, else 1.";

/// Transposed convolution: explained, and checked in every framework's dialect.
#[derive(Debug, Parser)]
#[command(name = "upconv", version, after_help = EXAMPLES, arg_required_else_help = true)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    pub(crate) fn wants_json(&self) -> bool {
        let format = match &self.command {
            Command::Explain(explain) => explain.format,
            _ => None,
        };
        self.global.json || format == Some(Format::Json)
    }
}

const GLOBAL: &str = "Options of every command";

/// What every command takes.
#[derive(Args, Debug)]
pub(crate) struct Global {
    /// Print the result as JSON, alone on standard output
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) json: bool,
    /// Print no notes on standard error
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) quiet: bool,
    /// Threads [default: UPCONV_THREADS, OMP_NUM_THREADS, RAYON_NUM_THREADS, else what the process may use]
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "N", allow_hyphen_values = true)]
    pub(crate) threads: Option<String>,
    /// Where to compute
    #[arg(long, global = true, help_heading = GLOBAL, value_enum, default_value_t = Device::Cpu)]
    pub(crate) device: Device,
    /// Language of explanations [default: from the locale]
    #[arg(long, global = true, help_heading = GLOBAL, value_enum)]
    pub(crate) lang: Option<LangName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Device {
    Cpu,
    Wgpu,
    Cuda,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LangName {
    En,
    Zh,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    // The first line of each struct's documentation is the line in the list.
    Explain(Box<Explain>),
    Plan(Plan),
    Conformance(Conformance),
    Bench(Bench),
    Segment(Segment),
    Predict(Predict),
    Sample(Sample),
    Train(Train),
    Eval(Eval),
    Finetune(FineTune),
    Data(Data),
    Models(Models),
    Convert(Convert),
    Inspect(Inspect),
    Diff(Diff),
    Serve(Serve),
    /// Version, licences, and what this build finds on this machine
    About,
}

/// Plan a layer: settings that turn one size into another; or check a network's sizes
///
/// For each framework the settings that give the wanted size: no chessboard first, then no odd pixel, then the
/// fewest products. With the code of the best.
///
/// With --chain a whole encoder and decoder: the size after every layer, whether it comes back, whether skip
/// connections fit, where cells are lost, and what repairs it.
///
/// Sizes are N, HxW or DxHxW.
#[derive(Args, Debug)]
#[command(after_help = PLAN_EXAMPLES, override_usage = PLAN_USAGE)]
pub(crate) struct Plan {
    /// Input cells; with --chain they stand in for those of the file
    #[arg(long, value_name = "HxW", allow_hyphen_values = true, required_unless_present = "chain")]
    pub(crate) from: Option<String>,
    /// Wanted output cells
    #[arg(long, value_name = "HxW", allow_hyphen_values = true)]
    pub(crate) to: Option<String>,
    /// The size of the tensor that the output is put beside, as in a skip connection; the same as --to
    #[arg(long, value_name = "HxW", allow_hyphen_values = true)]
    pub(crate) like: Option<String>,
    /// Only this framework: tensorflow, keras, pytorch (or torch), onnx, caffe, tflite, definition
    #[arg(long, value_name = "NAME")]
    pub(crate) dialect: Option<String>,
    /// Check the layers of a TOML file instead; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["to", "like", "dialect"])]
    pub(crate) chain: Option<PathBuf>,
}

/// Run a folder of golden cases through every path that this CPU has
///
/// The folder holds cases.json and safetensors files. The reference and every fast path compute each case; the
/// last line counts them.
#[derive(Args, Debug)]
pub(crate) struct Conformance {
    /// Folder with cases.json
    pub(crate) dir: PathBuf,
    /// Only this instruction set: portable, avx2, avx512
    #[arg(long, value_name = "NAME")]
    pub(crate) isa: Option<String>,
    /// Only this algorithm: direct, column_gemm, phase_gemm, block_gemm, few_outputs,
    /// dot_products, depthwise; where it does not apply, the one that suits
    #[arg(long, value_name = "NAME")]
    pub(crate) algorithm: Option<String>,
}

/// Turn a weight file of another format into one of ours, and account for every tensor
///
/// Ours are safetensors with metadata; the names and shapes of a .npz or .onnx are the same. Each tensor was loaded, renamed, moved, is missing or unused. Anything
/// missing or unused is an error, and nothing is written, unless it is allowed by name. So are NaN and
/// infinities, which nothing allows.
///
/// Formats read: safetensors; TensorFlow.js models (give the JSON file; its shards are found by it);
/// TensorFlow's checkpoints (their prefix, or any of their files), frozen graphs (.pb) and SavedModel (its folder);
/// Keras's .h5 and .keras; what PyTorch saves (.pt, .pth); ONNX models; Caffe's .caffemodel and .binaryproto;
/// NumPy's .npy and .npz, dictionaries of arrays included. Nothing in a file is run.
#[derive(Args, Debug)]
pub(crate) struct Convert {
    /// The file to read
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// The file to write: .safetensors, or .npz or .onnx, which hold the numbers alone
    #[arg(value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// The model that the weights are for [default: the one that fits]
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// The net that a .caffemodel is for [default: the one in it]
    #[arg(long, value_name = "FILE")]
    pub(crate) prototxt: Option<PathBuf>,
    /// A mean picture of Caffe (.binaryproto): its mean for each channel is what is subtracted
    #[arg(long, value_name = "FILE")]
    pub(crate) mean: Option<PathBuf>,
    /// Write numbers in this type [default: the one that each tensor has in IN]
    #[arg(long, value_name = "TYPE")]
    pub(crate) dtype: Option<Float>,
    /// A tensor of the model that may be missing; can be given again
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_missing: Vec<String>,
    /// A tensor of IN that may be unused; can be given again
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_unused: Vec<String>,
}

/// A type of numbers in weight files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Float {
    /// 2 bytes
    F16,
    /// 4 bytes
    F32,
}

/// Show what a weight file holds: metadata, tensors, and what their numbers look like
///
/// The line weights_hash is the same on two machines exactly if the weights are.
#[derive(Args, Debug)]
pub(crate) struct Inspect {
    /// The file, of any format that `upconv convert` reads
    pub(crate) file: PathBuf,
}

/// Compare two weight files, value by value
///
/// Types of cells and metadata do not count. The exit status is 0 whether they are equal or not.
#[derive(Args, Debug)]
pub(crate) struct Diff {
    /// One file
    pub(crate) a: PathBuf,
    /// The other file
    pub(crate) b: PathBuf,
}

/// List the models, or show what one is made of
///
/// The list says what each is good for; with a name, also the layers with their output shapes, parameters and
/// floating-point operations.
#[derive(Args, Debug)]
pub(crate) struct Models {
    /// A model's name
    pub(crate) name: Option<String>,
}

/// What commands need to know about how to answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    pub(crate) lang: Lang,
}
