//! From pictures of a data set to a classifier's inputs.

use upconv_data::datasets::Classified;
use upconv_data::datasets::classified::Prepare;
use upconv_data::{DataError, Picture, Size};
use upconv_weights::metadata::Input;

use crate::classify::{Crop, inputs};

/// The input that `upconv predict` would make of a picture: `[channels, height, width]`.
///
/// # Errors
/// The picture's own; one that cannot be brought to the size.
pub(super) fn prepared(
    input: &Input,
    picture: &Result<Picture, DataError>,
) -> Result<Vec<f32>, DataError> {
    let picture = picture.as_ref().map_err(Clone::clone)?;
    let refuse = |reason: String| DataError::Network(reason);
    inputs(input, Crop::Center, &picture.on_white(), picture.size()).map_err(refuse)
}

/// The same, for a source.
pub(super) fn prepare(input: Input) -> Prepare {
    Box::new(move |picture| {
        let refuse = |reason: String| DataError::Network(reason);
        inputs(&input, Crop::Center, &picture.on_white(), picture.size()).map_err(refuse)
    })
}

/// The size of the inputs: that which the network needs, else that of the pictures, else `usual`.
pub(super) fn size(needed: Option<Size>, data: &Classified, usual: Size) -> Size {
    needed.or_else(|| data.size()).unwrap_or(usual)
}
