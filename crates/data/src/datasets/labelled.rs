//! A photo whose pixels have labels.

use crate::Size;
use crate::error::{DataError, Result};

/// A photo and the class of each of its pixels.
#[derive(Clone, PartialEq, Eq)]
pub struct Labelled {
    size: Size,
    rgb: Vec<u8>,
    labels: Vec<u8>,
}

impl Labelled {
    /// # Shapes
    /// `rgb: [height, width, 3]`, red, green, blue; `labels: [height, width]`, classes from 0, and
    /// [`VOID`](super::VOID).
    ///
    /// # Errors
    /// If a buffer does not fit the size, or there are no pixels.
    ///
    /// ```
    /// use upconv_data::{Size, datasets::Labelled};
    /// let size = Size { height: 1, width: 2 };
    /// let photo = Labelled::new(size, vec![255, 0, 0, 0, 255, 0], vec![0, 1])?;
    /// assert_eq!(photo.labels(), [0, 1]);
    /// # Ok::<(), upconv_data::DataError>(())
    /// ```
    pub fn new(size: Size, rgb: Vec<u8>, labels: Vec<u8>) -> Result<Self> {
        if size.pixels() == 0 {
            return Err(DataError::NoPixels { size });
        }
        for (what, got, channels) in [("photo", rgb.len(), 3), ("labels", labels.len(), 1)] {
            if size.pixels().checked_mul(channels) != Some(got) {
                return Err(DataError::BufferLength { what, size, channels, got });
            }
        }
        Ok(Self { size, rgb, labels })
    }

    /// Rows and columns.
    pub fn size(&self) -> Size {
        self.size
    }

    /// `[height, width, 3]`: red, green, blue.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// `[height, width]`: classes from 0, and [`VOID`](super::VOID).
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }
}

impl std::fmt::Debug for Labelled {
    /// Without the pixels.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Labelled {}", self.size)
    }
}

/// Zeros, or an error where the memory cannot be had.
pub(crate) fn zeros<T: Clone + Default>(length: usize) -> Result<Vec<T>> {
    let bytes = (length as u64).saturating_mul(size_of::<T>() as u64);
    let mut values = Vec::new();
    values.try_reserve_exact(length).map_err(|_| DataError::Memory { bytes })?;
    values.resize(length, T::default());
    Ok(values)
}
