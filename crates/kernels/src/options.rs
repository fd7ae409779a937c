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
}

impl Algorithm {
    /// All algorithms.
    pub const ALL: [Self; 7] = [
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
}

impl Activation {
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
        }
    }

    /// The same for many. Inlined, so that it is compiled with the instructions of its caller.
    #[inline(always)]
    pub(crate) fn apply_all(self, values: &mut [f32]) {
        // One loop for each, that holds no choice.
        let values = values.iter_mut();
        match self {
            Self::None => {}
            Self::Relu => values.for_each(|v| *v = Self::Relu.apply(*v)),
            Self::LeakyRelu { slope } => {
                values.for_each(|v| *v = Self::LeakyRelu { slope }.apply(*v))
            }
            Self::Tanh => values.for_each(|v| *v = elementary::tanh(*v)),
            Self::Sigmoid => values.for_each(|v| *v = elementary::sigmoid(*v)),
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

/// A weight in the form that one plan reads, made by `pack` once and used in many runs.
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
