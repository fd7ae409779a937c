//! What a plan can be asked for, and what it decides on.

use crate::simd::Isa;

/// How a convolution or transposed convolution is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Row by row and tap by tap, without workspace: for few channels.
    Direct,
    /// Matrix products with bounded blocks of columns (im2col, col2im).
    ColumnGemm,
}

impl Algorithm {
    /// All algorithms.
    pub const ALL: [Self; 2] = [Self::Direct, Self::ColumnGemm];

    /// The name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::ColumnGemm => "column_gemm",
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

/// What a plan is asked for; the default leaves everything to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanOptions {
    /// Instruction set; else that of the environment variable `UPCONV_ISA`, else the best of this CPU.
    pub isa: Option<Isa>,
    /// Algorithm; else the one that suits the shape.
    pub algorithm: Option<Algorithm>,
    /// Most bytes of workspace.
    pub max_workspace: Option<usize>,
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
