//! Why a picture cannot be read, computed or written.

use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;

use crate::Size;

/// Why a picture cannot be read, computed or written.
///
/// The input has no name here: whoever passed it in names it. Files that were to be written are named.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[source] Arc<io::Error>),
    /// The file is larger than any that is read.
    #[error("has {bytes} bytes or more; at most {limit} are read")]
    FileTooLarge {
        /// Its size, or what was read of it before giving up.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The file has no bytes.
    #[error("is empty")]
    Empty,
    /// The content is of no known format.
    #[error(
        "is no picture that is read here: JPEG, PNG, WebP or BMP, told by the content, not by the name"
    )]
    NotAPicture,
    /// The content is of a format that is known, but not read.
    #[error("is {format}, which is not read; convert it to JPEG, PNG, WebP or BMP")]
    FormatNotRead {
        /// The format, with its article.
        format: &'static str,
    },
    /// The header promises more pixels than are accepted.
    #[error("has {size} pixels, {} in all; at most {limit} are read", size.pixels())]
    TooManyPixels {
        /// What the header says.
        size: Size,
        /// The limit.
        limit: usize,
    },
    /// The header promises no pixels.
    #[error("has {size} pixels: there is nothing in it")]
    NoPixels {
        /// What the header says.
        size: Size,
    },
    /// The file ends before the picture does.
    #[error("breaks off after {bytes} bytes, before the end of the picture")]
    CutOff {
        /// Bytes that are there.
        bytes: usize,
    },
    /// The decoder refuses the content.
    #[error("is a damaged {format}: {reason}")]
    Damaged {
        /// The format.
        format: &'static str,
        /// What the decoder says.
        reason: String,
    },
    /// There is not enough memory.
    #[error("needs {bytes} bytes of memory, which cannot be had")]
    Memory {
        /// What was asked for.
        bytes: u64,
    },
    /// A buffer does not fit its size.
    #[error("{what}: {got} values, but {size} with {channels} channels needs {expected}", expected = size.pixels().saturating_mul(*channels))]
    BufferLength {
        /// Which buffer.
        what: &'static str,
        /// The size that was stated.
        size: Size,
        /// Values per pixel.
        channels: usize,
        /// Values that are there.
        got: usize,
    },
    /// The network fails.
    #[error("the network fails: {0}")]
    Network(String),
    /// The network gives a number that is no probability.
    #[error(
        "the network gives {got} at row {row}, column {column}, where a probability from 0 to 1 is expected; are the weights damaged?"
    )]
    NoProbability {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// What it gives.
        got: f32,
    },
    /// The folder has no picture.
    #[error("has no pictures in it (JPEG, PNG, WebP or BMP)")]
    NoPictures,
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: Arc<io::Error>,
    },
}

impl DataError {
    /// Whether no other picture can be written either: the disk is full, or nothing may be written.
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use upconv_data::DataError;
    /// let write = |kind: ErrorKind| {
    ///     let source = std::io::Error::from(kind).into();
    ///     DataError::Write { path: "a.mask.png".into(), source }
    /// };
    /// assert!(write(ErrorKind::StorageFull).is_final());
    /// assert!(!write(ErrorKind::IsADirectory).is_final());
    /// assert!(!DataError::Empty.is_final());
    /// ```
    pub fn is_final(&self) -> bool {
        let Self::Write { source, .. } = self else { return false };
        matches!(
            source.kind(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem
        )
    }

    pub(crate) fn read(error: io::Error) -> Self {
        Self::Read(Arc::new(error))
    }

    pub(crate) fn write(path: impl Into<PathBuf>, error: io::Error) -> Self {
        Self::Write { path: path.into(), source: Arc::new(error) }
    }
}

pub(crate) type Result<T> = std::result::Result<T, DataError>;
