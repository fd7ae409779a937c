//! Why one case fails.

use upconv_geometry::GeometryError;
use upconv_kernels::KernelError;

/// Result of a step of a case.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Why one case fails.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The record or its tensors are not as the format says.
    Fault(Fault),
    /// Our own code refuses the setting.
    Refused(KernelError),
}

/// What is wrong with a record, and where.
#[derive(Debug)]
pub(crate) struct Fault {
    /// The field, as a path within the record, such as `attrs.stride`.
    pub(crate) field: String,
    /// What is wrong with it.
    pub(crate) reason: String,
}

impl Failure {
    pub(crate) fn fault(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Fault(Fault { field: field.into(), reason: reason.into() })
    }

    /// The rule that our own code says is broken.
    pub(crate) fn rule(&self) -> Option<&'static str> {
        match self {
            Self::Refused(KernelError::Geometry(error)) => Some(error.rule()),
            _ => None,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fault(Fault { field, reason }) => write!(f, "{field}: {reason}"),
            Self::Refused(error) => write!(f, "refused: {error}"),
        }
    }
}

impl From<KernelError> for Failure {
    fn from(error: KernelError) -> Self {
        Self::Refused(error)
    }
}

impl From<GeometryError> for Failure {
    fn from(error: GeometryError) -> Self {
        Self::Refused(error.into())
    }
}
