//! Why a layer or an operation refuses to run.

use burn::tensor::DType;
use upconv_geometry::GeometryError;
use upconv_kernels::KernelError;

/// Result with [`NnError`].
pub type Result<T> = std::result::Result<T, NnError>;

/// Why a layer or an operation refuses to run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NnError {
    /// The sizes do not fit together.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    /// A kernel refuses the setting.
    #[error(transparent)]
    Kernel(KernelError),
    /// A tensor has another shape than the operation needs.
    #[error("{tensor} has shape {got:?}, but {expected:?} is needed")]
    Shape {
        /// Which tensor.
        tensor: &'static str,
        /// The shape that the operation needs.
        expected: Vec<usize>,
        /// The shape it has.
        got: Vec<usize>,
    },
    /// The operations compute in single precision only.
    #[error("{tensor} holds {got:?}, but only F32 is supported; cast it first")]
    Dtype {
        /// Which tensor.
        tensor: &'static str,
        /// Its element type.
        got: DType,
    },
    /// The tensors of one operation are not in one place.
    #[error("{tensor} is on {got}, but x is on {expected}; move one of them")]
    Device {
        /// Which tensor.
        tensor: &'static str,
        /// The device of `x`.
        expected: String,
        /// The device it is on.
        got: String,
    },
    /// A setting that the layer does not have.
    #[error("{setting}: {reason}")]
    Setting {
        /// Which setting.
        setting: &'static str,
        /// What is wrong, and what to do instead.
        reason: String,
    },
}

impl From<KernelError> for NnError {
    fn from(error: KernelError) -> Self {
        match error {
            KernelError::Geometry(error) => Self::Geometry(error),
            other => Self::Kernel(other),
        }
    }
}

/// The value, or a panic with the message of the error: for the `forward` of a layer, which has the
/// signature of Burn's layers and a `try_forward` beside it.
#[track_caller]
pub(crate) fn or_panic<T>(result: Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}
