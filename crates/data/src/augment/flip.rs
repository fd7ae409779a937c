//! Left and right exchanged.

use serde::{Deserialize, Serialize};

use crate::datasets::Labelled;
use crate::error::Result;

/// Whether images are mirrored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flip {
    /// Never.
    #[default]
    Off,
    /// One in two.
    Random,
    /// An epoch has each image twice, as it is and mirrored.
    Both,
}

/// The mirrored photo, its labels with it.
///
/// # Errors
/// If the memory cannot be had.
///
/// ```
/// use upconv_data::{Size, augment::flip, datasets::Labelled};
/// let size = Size { height: 1, width: 2 };
/// let photo = Labelled::new(size, vec![1, 2, 3, 4, 5, 6], vec![7, 8])?;
/// let mirrored = flip::mirrored(&photo)?;
/// assert_eq!((mirrored.rgb(), mirrored.labels()), (&[4, 5, 6, 1, 2, 3][..], &[8, 7][..]));
/// # Ok::<(), upconv_data::DataError>(())
/// ```
pub fn mirrored(photo: &Labelled) -> Result<Labelled> {
    let last = photo.size().width - 1;
    photo.taken(photo.size(), |row, column| Some((row, last - column)))
}
