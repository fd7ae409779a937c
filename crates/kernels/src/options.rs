//! What a plan can be asked for, and what it decides on.

use crate::aligned::Aligned;
use crate::elementary;
use crate::simd::Isa;

/// How a convolution or transposed convolution is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Row by row and tap by tap, without workspace: for few channels.
    Direct,
    /// Matrix products with bounded blocks of columns (im2col, col2im).
    ColumnGemm,
    /// Phase decomposition: each phase a dense product, without a column buffer and without a zero;
    /// positions in the lanes of registers. For short sums.
    PhaseGemm,
    /// The same with outputs in the lanes: for large strides, single cells, NHWC, and long sums.
    BlockGemm,
    /// The same for a handful of output channels: positions are read where they lie.
    FewOutputs,
    /// Convolutions with long kernels: taps in the lanes, of input and weight as they come. For large
    /// strides, as the input gradient of a large up-sampling has.
    DotProducts,
    /// One input channel for each output channel, registers of one plane. Also for dense weights that are
    /// zero beside the diagonal.
    Depthwise,
    /// Minimal filtering: fewer products, and larger errors. For forward passes of many channels whose phases
    /// have at most 3x3 taps and stride 1, under [`FastMath::Allow`].
    Winograd,
}

impl Algorithm {
    /// All algorithms.
    pub const ALL: [Self; 8] = [
        Self::Direct,
        Self::ColumnGemm,
        Self::PhaseGemm,
        Self::BlockGemm,
        Self::FewOutputs,
        Self::DotProducts,
        Self::Depthwise,
        Self::Winograd,
    ];

    /// Those that need no [`FastMath`]: errors stay below 1e-6 of 1 plus the sum of |terms|.
    pub const EXACT: [Self; 7] = [
        Self::Direct,
        Self::ColumnGemm,
        Self::PhaseGemm,
        Self::BlockGemm,
        Self::FewOutputs,
        Self::DotProducts,
        Self::Depthwise,
    ];

    /// The name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::ColumnGemm => "column_gemm",
            Self::PhaseGemm => "phase_gemm",
            Self::BlockGemm => "block_gemm",
            Self::FewOutputs => "few_outputs",
            Self::DotProducts => "dot_products",
            Self::Depthwise => "depthwise",
            Self::Winograd => "winograd",
        }
    }

    /// The algorithm of a name.
    ///
    /// ```
    /// use upconv_kernels::Algorithm;
    /// assert_eq!(Algorithm::from_name("direct"), Some(Algorithm::Direct));
    /// assert_eq!(Algorithm::from_name("magic"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.name() == name)
    }
}

/// The order of the axes of x, y and their gradients in memory. Weights do not depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `[n, channels, spatial...]`: PyTorch, ONNX, Caffe.
    #[default]
    Nchw,
    /// `[n, spatial..., channels]`: TensorFlow, Keras, PyTorch's channels_last.
    Nhwc,
}

impl Layout {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Nchw, Self::Nhwc];

    /// The name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nchw => "nchw",
            Self::Nhwc => "nhwc",
        }
    }

    /// The layout of a name.
    ///
    /// ```
    /// use upconv_kernels::Layout;
    /// assert_eq!(Layout::from_name("nhwc"), Some(Layout::Nhwc));
    /// assert_eq!(Layout::from_name("NHWC"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layout| layout.name() == name)
    }
}

/// Whether errors may depend on more than the terms of a sum.
///
/// By default an output's error stays below 1e-6 of 1 plus the sum of its |terms|. Minimal filtering
/// ([`Algorithm::Winograd`]) computes 4x4 outputs together, from sums and differences of the 6x6 cells that they
/// read. Where these are of like size, as behind a normalisation, errors are about twice those of the plain sum:
/// for 64 input channels of uniform values 8e-7 of the output against 4e-7, as roots of mean squares. But the error
/// of each output grows with the largest of the 36 cells, also where its own terms are small: it is at most
/// `2 (c + 28) u 205 max|x| sum|w|`, with c input channels, u = 2^-24, and the |weights| of its output channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FastMath {
    /// Only algorithms of [`Algorithm::EXACT`].
    #[default]
    Deny,
    /// Any, where it is expected to be faster.
    Allow,
}

/// What is applied to every output element after the bias, in the same pass.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// `max(v, 0)`.
    Relu,
    /// `v` where it is positive, `slope * v` elsewhere.
    LeakyRelu {
        /// Usually 0.01 to 0.2.
        slope: f32,
    },
    /// The hyperbolic tangent.
    Tanh,
    /// `1 / (1 + exp(-v))`.
    Sigmoid,
    /// `min(max(v, 0), 6)`.
    Relu6,
    /// `v * min(max(v + 3, 0), 6) * scale`.
    HardSwish {
        /// A sixth; converted networks hold neighbours of it.
        scale: f32,
    },
}

/// Which of its two tensors an activation's derivative is worked out from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kept {
    /// What the activation was applied to.
    Input,
    /// What it gave.
    Output,
}

impl Activation {
    /// One of each kind.
    #[cfg(test)]
    pub(crate) const SOME: [Self; 7] = [
        Self::None,
        Self::Relu,
        Self::LeakyRelu { slope: 0.25 },
        Self::Tanh,
        Self::Sigmoid,
        Self::Relu6,
        Self::HardSwish { scale: 1.0 / 6.0 },
    ];

    /// The value for one element.
    ///
    /// ```
    /// use upconv_kernels::Activation;
    /// assert_eq!(Activation::LeakyRelu { slope: 0.25 }.apply(-2.0), -0.5);
    /// assert_eq!(Activation::Sigmoid.apply(0.0), 0.5);
    /// ```
    #[inline(always)]
    pub fn apply(self, v: f32) -> f32 {
        match self {
            Self::None => v,
            // NaN stays NaN, as in the frameworks.
            Self::Relu => {
                if v < 0.0 {
                    0.0
                } else {
                    v
                }
            }
            Self::LeakyRelu { slope } => {
                if v < 0.0 {
                    slope * v
                } else {
                    v
                }
            }
            Self::Tanh => elementary::tanh(v),
            Self::Sigmoid => elementary::sigmoid(v),
            Self::Relu6 => v.clamp(0.0, 6.0),
            Self::HardSwish { scale } => v * (v + 3.0).clamp(0.0, 6.0) * scale,
        }
    }

    /// The same for many. Inlined, so that it is compiled with the instructions of its caller.
    #[inline(always)]
    pub(crate) fn apply_all(self, values: &mut [f32]) {
        if self != Self::None {
            self.write_all(values.iter_mut().map(|v| {
                let before = *v;
                (v, before)
            }));
        }
    }

    /// Writes to each place what becomes of the value beside it.
    #[inline(always)]
    pub(crate) fn write_all<'a>(self, values: impl Iterator<Item = (&'a mut f32, f32)>) {
        // One loop for each, that holds no choice.
        macro_rules! each {
            ($activation:expr) => {
                values.for_each(|(y, v)| *y = $activation.apply(v))
            };
        }
        match self {
            Self::None => each!(Self::None),
            Self::Relu => each!(Self::Relu),
            Self::LeakyRelu { slope } => each!(Self::LeakyRelu { slope }),
            Self::Tanh => each!(Self::Tanh),
            Self::Sigmoid => each!(Self::Sigmoid),
            Self::Relu6 => each!(Self::Relu6),
            Self::HardSwish { scale } => each!(Self::HardSwish { scale }),
        }
    }

    /// Whether kernels apply it to the values of a register as they stand; the others get a pass of their own
    /// over what has been stored.
    #[inline(always)]
    pub(crate) fn is_within_register(self) -> bool {
        matches!(self, Self::None | Self::Relu | Self::LeakyRelu { .. })
    }

    /// Which tensor [`Activation::backward`] reads: the output where that says enough, as it is kept anyway.
    ///
    /// A leaky relu with a slope below 0 gives positive values on both sides, and hard swish is not monotonic.
    ///
    /// ```
    /// use upconv_kernels::{Activation, Kept};
    /// assert_eq!(Activation::LeakyRelu { slope: 0.2 }.kept(), Kept::Output);
    /// assert_eq!(Activation::LeakyRelu { slope: -0.2 }.kept(), Kept::Input);
    /// ```
    pub fn kept(self) -> Kept {
        match self {
            Self::LeakyRelu { slope } if slope >= 0.0 => Kept::Output,
            Self::LeakyRelu { .. } | Self::HardSwish { .. } => Kept::Input,
            Self::None | Self::Relu | Self::Tanh | Self::Sigmoid | Self::Relu6 => Kept::Output,
        }
    }

    /// The gradient of one element, from that of its output and the tensor that [`Activation::kept`] names.
    ///
    /// At a corner it is that of the side below, as in PyTorch; a NaN lets the gradient pass.
    ///
    /// ```
    /// use upconv_kernels::Activation;
    /// assert_eq!(Activation::Tanh.backward(0.5, 4.0), 3.0); // 4 * (1 - 0.5^2)
    /// assert_eq!(Activation::Relu.backward(0.0, 4.0), 0.0);
    /// ```
    #[inline(always)]
    pub fn backward(self, kept: f32, dy: f32) -> f32 {
        match self {
            Self::None => dy,
            Self::Relu => {
                if kept <= 0.0 {
                    0.0
                } else {
                    dy
                }
            }
            Self::LeakyRelu { slope } => {
                if kept <= 0.0 {
                    slope * dy
                } else {
                    dy
                }
            }
            Self::Tanh => dy * (1.0 - kept * kept),
            Self::Sigmoid => dy * (kept * (1.0 - kept)),
            Self::Relu6 => {
                if (kept <= 0.0) | (kept >= 6.0) {
                    0.0
                } else {
                    dy
                }
            }
            Self::HardSwish { scale } => {
                let within = if kept <= -3.0 { 0.0 } else { (kept + kept + 3.0) * scale };
                dy * if kept >= 3.0 { 6.0 * scale } else { within }
            }
        }
    }

    /// Writes to each place the gradient from the pair `(kept, dy)` beside it.
    #[inline(always)]
    pub(crate) fn backward_all<'a>(self, values: impl Iterator<Item = (&'a mut f32, (f32, f32))>) {
        macro_rules! each {
            ($activation:expr) => {
                values.for_each(|(dx, (kept, dy))| *dx = $activation.backward(kept, dy))
            };
        }
        match self {
            Self::None => each!(Self::None),
            Self::Relu => each!(Self::Relu),
            Self::LeakyRelu { slope } => each!(Self::LeakyRelu { slope }),
            Self::Tanh => each!(Self::Tanh),
            Self::Sigmoid => each!(Self::Sigmoid),
            Self::Relu6 => each!(Self::Relu6),
            Self::HardSwish { scale } => each!(Self::HardSwish { scale }),
        }
    }
}

/// What happens to the sums before they are stored.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epilogue<'a> {
    /// Added to each output channel: `[out_channels]`.
    pub bias: Option<&'a [f32]>,
    /// Applied after the bias.
    pub activation: Activation,
}

/// A weight in the form that one plan reads, made by `pack` once and used in many runs. That of
/// [`Algorithm::Winograd`] is four times as large for 3x3 taps, and up to six times for phases of fewer.
#[derive(Clone, Debug)]
pub struct PackedWeight {
    pub(crate) values: Aligned,
    pub(crate) algorithm: Algorithm,
}

impl PackedWeight {
    /// The algorithm of the runs with it. It differs from the plan's where a dense weight turns out to have
    /// a diagonal only, as a bilinear filler has: then each channel is computed by itself.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.values)
    }
}

/// What a plan is asked for; the default leaves everything to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanOptions {
    /// Instruction set; else that of the environment variable `UPCONV_ISA`, else the best of this CPU.
    pub isa: Option<Isa>,
    /// Algorithm; else, or where it does not apply to the shape, the one that suits.
    pub algorithm: Option<Algorithm>,
    /// Most bytes of workspace. Where a run would take more, its blocks are smaller, fewer tasks run at the same
    /// time, or another algorithm is taken. Never more than as much as the weight and twice the larger of x and
    /// y take, unless `algorithm` asks for one that does.
    pub max_workspace: Option<usize>,
    /// Layout of x, y and their gradients.
    pub layout: Layout,
    /// Whether the forward pass may be less exact where that is faster; gradients never are.
    pub fast_math: FastMath,
}

/// Where gradients are written; `None` is not computed.
#[derive(Debug, Default)]
pub struct Gradients<'a> {
    /// Gradient for the input, of its shape.
    pub x: Option<&'a mut [f32]>,
    /// Gradient for the weight, of its shape, summed over the batch.
    pub weight: Option<&'a mut [f32]>,
    /// Gradient for the bias: `[out_channels]`.
    pub bias: Option<&'a mut [f32]>,
}
