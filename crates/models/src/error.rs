//! Why a model cannot be made or run.

use upconv_geometry::GeometryError;
use upconv_nn::NnError;
use upconv_weights::WeightsError;

/// Result with [`ModelError`].
pub type Result<T> = std::result::Result<T, ModelError>;

/// Why a model cannot be made or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// There is no model of this name.
    #[error("there is no model {name:?}; there is: {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names that exist, separated by commas.
        known: String,
    },
    /// Settings of which no network can be made.
    #[error("{model}: {setting}: {reason}")]
    Setting {
        /// The model.
        model: &'static str,
        /// Which setting.
        setting: &'static str,
        /// What is wrong, and what would do.
        reason: String,
    },
    /// A weight file is for another model.
    #[error("{file}: these weights are for model {found:?}, not for {wanted:?}")]
    OtherModel {
        /// The file.
        file: String,
        /// The model of its metadata.
        found: String,
        /// The model asked for.
        wanted: &'static str,
    },
    /// The input does not fit the network.
    #[error(
        "{model}: input {axis} is {got}, but it must be a multiple of {multiple}, at least {multiple}"
    )]
    InputSize {
        /// The model.
        model: &'static str,
        /// `height` or `width`.
        axis: &'static str,
        /// Cells given.
        got: usize,
        /// What they must be a multiple of.
        multiple: usize,
    },
    /// The network gave something else than it was built for.
    #[error("{model}: {what}")]
    Inner {
        /// The model.
        model: &'static str,
        /// What happened.
        what: String,
    },
    /// A weight file.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A layer.
    #[error(transparent)]
    Layer(#[from] NnError),
    /// A size.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
}

/// Checks height and width of an input.
pub(crate) fn check_multiple(
    model: &'static str,
    [h, w]: [usize; 2],
    multiple: usize,
) -> Result<()> {
    for (axis, got) in [("height", h), ("width", w)] {
        if got == 0 || !got.is_multiple_of(multiple) {
            return Err(ModelError::InputSize { model, axis, got, multiple });
        }
    }
    Ok(())
}
