//! The words of `upconv bench`.

use clap::{Args, ValueEnum};

use super::problem::Mode;

const MORE: &str = "\
A SHAPE is tconv: or conv: and fields separated by commas, in any order:
  n4        images in the batch                         [default: 1]
  c64-32    channels of the input and of the output
  i56x56    input cells, 1 to 3 axes
  k4x4      kernel taps
  s2 p1 d1  stride, padding, dilation                   [default: 1, 0, 1]
  op1       output padding, with tconv only             [default: 0]
  g8        groups                                      [default: 1]
  bias      with a bias                                 [default: without]
  bilinear  bilinear weights                            [default: random]
One number stands for all axes, except in i, which sets how many there are.

Examples:
  upconv bench W1 W14
  upconv bench 'C*' --mode fwdbwd --layout nhwc
  upconv bench --shape tconv:c64-32,i56x56,k4,s2,p1,bias --all-algorithms

Exit status: 0 done, 1 failed, 2 wrong use of the command line.";

/// Time the kernels on known layers, or on a shape of your own
///
/// Each row is one layer. It runs once to warm up, then at least 5 times and 0.3 seconds (less of it
/// where that takes over 2 seconds); the table has the least and the median time. GFLOP/s count the
/// useful operations only: 2 for each product that lands inside the output, or that reads the input
/// and not its padding. They are compared with the peak, which is measured first: what the threads in
/// use reach with multiply-adds on registers alone.
///
/// The layers: W1 to W14 and W4b are transposed convolutions, most of them out of published networks,
/// istft is an inverse short-time Fourier transform, C1 to C7 are convolutions. Data look random, but
/// the weights of W11 and W14 are bilinear, and most of W14's are zero.
///
/// In `fwd` the weights are packed before, as for inference. In `fwdbwd` the forward pass and the
/// gradients for input, weight and bias are timed, with weights that are new each time, as in
/// training; that counts 3 times the operations. Tensors lie in buffers that are used again.
#[derive(Args, Debug)]
#[command(after_help = MORE)]
pub(crate) struct Bench {
    /// Which layers; * stands for any letters [default: all]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// A layer by its numbers, see below; can be given again
    #[arg(long, value_name = "SHAPE")]
    pub(crate) shape: Vec<String>,
    /// What is timed: the forward pass, or the gradients as well
    #[arg(long, value_enum, default_value_t = ModeName::Fwd)]
    pub(crate) mode: ModeName,
    /// Order of the axes of input and output in memory
    #[arg(long, value_enum, default_value_t = LayoutName::Nchw)]
    pub(crate) layout: LayoutName,
    /// Allow faster algorithms with larger errors; what they cost is measured and shown
    #[arg(long)]
    pub(crate) fast_math: bool,
    /// A row for every algorithm that applies, not only for the one that the plan chooses
    #[arg(long)]
    pub(crate) all_algorithms: bool,
    /// Answer requests on standard input, one line of JSON each, until it ends
    #[arg(long, conflicts_with_all = ["names", "shape", "mode", "all_algorithms"])]
    pub(crate) serve: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeName {
    Fwd,
    Fwdbwd,
}

impl From<ModeName> for Mode {
    fn from(name: ModeName) -> Self {
        match name {
            ModeName::Fwd => Self::Forward,
            ModeName::Fwdbwd => Self::ForwardBackward,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LayoutName {
    Nchw,
    Nhwc,
}

impl From<LayoutName> for upconv_kernels::Layout {
    fn from(name: LayoutName) -> Self {
        match name {
            LayoutName::Nchw => Self::Nchw,
            LayoutName::Nhwc => Self::Nhwc,
        }
    }
}
