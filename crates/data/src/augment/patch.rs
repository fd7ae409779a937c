//! A patch of a fixed size, anywhere in the photo.

use crate::Size;
use crate::datasets::Labelled;
use crate::decode::MAX_PIXELS;
use crate::error::{DataError, Result};
use crate::random::Random;

/// Where a patch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Rows of the photo above the patch; negative where the patch begins above the photo.
    pub top: isize,
    /// Columns of the photo left of the patch; negative where the patch begins left of the photo.
    pub left: isize,
}

/// Draws where a patch begins: along an axis on which the photo is larger anywhere within it, along one
/// on which it is smaller so that the photo lies anywhere within the patch. Each place is as likely as
/// any other.
pub fn draw(photo: Size, patch: Size, random: &mut Random) -> Place {
    let mut along = |photo: usize, patch: usize| {
        let drawn = random.range(0, photo.abs_diff(patch)) as isize;
        if photo >= patch { drawn } else { -drawn }
    };
    let top = along(photo.height, patch.height);
    Place { top, left: along(photo.width, patch.width) }
}

/// The patch; black and void beyond the photo.
///
/// # Errors
/// If it has no pixels or more than [`MAX_PIXELS`].
///
/// ```
/// use upconv_data::{Size, augment::patch, datasets::{Labelled, VOID}};
/// let photo = Labelled::new(Size { height: 1, width: 3 }, vec![9; 9], vec![1, 2, 3])?;
/// let place = patch::Place { top: -1, left: 1 };
/// let patch = patch::patch(&photo, Size { height: 2, width: 2 }, place)?;
/// assert_eq!(patch.labels(), [VOID, VOID, 2, 3]);
/// assert_eq!(patch.rgb(), [0, 0, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9]);
/// # Ok::<(), upconv_data::DataError>(())
/// ```
pub fn patch(photo: &Labelled, size: Size, place: Place) -> Result<Labelled> {
    if size.pixels() > MAX_PIXELS {
        return Err(DataError::TooManyPixels { size, limit: MAX_PIXELS });
    }
    let within = |start: isize, offset: usize, length: usize| {
        start
            .checked_add_unsigned(offset)
            .and_then(|at| usize::try_from(at).ok())
            .filter(|&at| at < length)
    };
    photo.taken(size, |row, column| {
        let row = within(place.top, row, photo.size().height)?;
        Some((row, within(place.left, column, photo.size().width)?))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::augment::tests::{assert_aligned, placed, random};

    #[test]
    fn labels_stay_with_their_pixels() {
        let photo = placed(Size { height: 9, width: 13 });
        let mut random = random(3);
        for patch_size in [(4, 5), (9, 13), (20, 5), (4, 30), (16, 16)] {
            let size = Size { height: patch_size.0, width: patch_size.1 };
            let patch = patch(&photo, size, draw(photo.size(), size, &mut random)).unwrap();
            assert_eq!(patch.size(), size);
            assert_aligned(&patch);
            let inside =
                patch.labels().iter().filter(|&&label| label != crate::datasets::VOID).count();
            assert_eq!(inside, size.height.min(9) * size.width.min(13));
        }
    }

    #[test]
    fn every_place_comes_up_and_none_beyond() {
        let size = |height, width| Size { height, width };
        let mut random = random(4);
        let drawn = (0..2000).map(|_| draw(size(6, 3), size(4, 5), &mut random));
        let places: BTreeSet<(isize, isize)> = drawn.map(|place| (place.top, place.left)).collect();
        let expected = (0..=2).flat_map(|top| (-2..=0).map(move |left| (top, left)));
        assert!(places.into_iter().eq(expected));
    }
}
