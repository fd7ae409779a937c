//! Why a kernel refuses to run.

use upconv_geometry::GeometryError;

/// Result with [`KernelError`].
pub type Result<T> = std::result::Result<T, KernelError>;

/// Why a kernel refuses to run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// The setting itself is wrong.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    /// A buffer does not have as many elements as its shape says.
    #[error("{tensor} has {got} elements, but its shape {shape:?} needs {expected}")]
    BufferLength {
        /// Which tensor.
        tensor: &'static str,
        /// Its shape.
        shape: Vec<usize>,
        /// Elements that the shape needs.
        expected: usize,
        /// Elements given.
        got: usize,
    },
    /// The operation exists for 1 to 3 spatial axes.
    #[error("{got} spatial axes are not supported; 1 to 3 are")]
    UnsupportedRank {
        /// Spatial axes asked for.
        got: usize,
    },
    /// This CPU lacks the instruction set that was asked for.
    #[error("this CPU does not have {isa}; available: {available}")]
    IsaNotAvailable {
        /// What was asked for.
        isa: &'static str,
        /// What there is, separated by commas.
        available: String,
    },
    /// The algorithm cannot keep to the workspace limit.
    #[error(
        "{algorithm} needs at least {needed} bytes of workspace, but at most {limit} are allowed"
    )]
    WorkspaceTooSmall {
        /// The algorithm.
        algorithm: &'static str,
        /// Bytes that it needs.
        needed: usize,
        /// Bytes that are allowed.
        limit: usize,
    },
    /// A size that must be a whole number of blocks.
    #[error("{what} {got} must be a multiple of {block}")]
    NotInBlocks {
        /// Which size.
        what: &'static str,
        /// The size.
        got: usize,
        /// Cells of a block.
        block: usize,
    },
    /// A value whose shape does not fit another one.
    #[error("{tensor} has shape {got:?} where {expected:?} belongs")]
    Shape {
        /// Which value.
        tensor: &'static str,
        /// The shape that would fit.
        expected: Vec<usize>,
        /// The shape given.
        got: Vec<usize>,
    },
    /// A crop that reaches beyond its input.
    #[error(
        "axis {axis}: a crop of {size} cells from {begin} on needs {}, but there are {input}",
        begin.saturating_add(*size)
    )]
    CropOutside {
        /// The spatial axis, from 0.
        axis: usize,
        /// First cell.
        begin: usize,
        /// Cells.
        size: usize,
        /// Cells of the input.
        input: usize,
    },
    /// Another number of inputs or outputs than a network has.
    #[error("{got} {what} are given to a network that has {expected}")]
    BufferCount {
        /// Inputs or outputs.
        what: &'static str,
        /// How many the network has.
        expected: usize,
        /// How many are given.
        got: usize,
    },
    /// A parameter that cannot be read.
    #[error("{reason}")]
    Parameter {
        /// Which one, and why not.
        reason: String,
    },
    /// An option that the operation does not have.
    #[error("{option}: {reason}")]
    Unsupported {
        /// The option.
        option: &'static str,
        /// Why not, and what to do instead.
        reason: &'static str,
    },
}

/// Checks that `data` has as many elements as `shape` says.
pub(crate) fn check_len<T>(tensor: &'static str, data: &[T], shape: &[usize]) -> Result<()> {
    let expected = upconv_geometry::limits::cells(tensor, shape)?;
    if data.len() == expected {
        return Ok(());
    }
    Err(KernelError::BufferLength { tensor, shape: shape.to_vec(), expected, got: data.len() })
}
