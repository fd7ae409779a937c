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

    /// Another of the given size: each pixel with its label is taken from the row and column that
    /// `from` names, or is black and void where it names none.
    pub(crate) fn taken(
        &self,
        size: Size,
        from: impl Fn(usize, usize) -> Option<(usize, usize)>,
    ) -> Result<Self> {
        let (mut rgb, mut labels) =
            (zeros(size.pixels().saturating_mul(3))?, zeros(size.pixels())?);
        if size.pixels() == 0 {
            return Err(DataError::NoPixels { size });
        }
        let rows = rgb.chunks_exact_mut(3 * size.width).zip(labels.chunks_exact_mut(size.width));
        for (row, (rgb, labels)) in rows.enumerate() {
            for (column, (pixel, label)) in rgb.chunks_exact_mut(3).zip(labels).enumerate() {
                *label = super::VOID;
                if let Some((row, column)) = from(row, column) {
                    let place = row * self.size.width + column;
                    pixel.copy_from_slice(&self.rgb[3 * place..3 * place + 3]);
                    *label = self.labels[place];
                }
            }
        }
        Self::new(size, rgb, labels)
    }

    /// Bytes of memory that it takes.
    pub(crate) fn bytes(&self) -> u64 {
        4 * self.size.pixels() as u64
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
