//! Zip archives, as far as weights come in them: entries that are stored, or compressed with deflate.
//!
//! Where entries lie is taken from the directory at the end, as what stands before an entry may lack its sizes. Both
//! must agree about the name and the method; entries must not lie in one another, and must have the checksum that is
//! stated. Stored entries are parts of the file, without a copy.
//!
//! # Source
//! PKWARE APPNOTE 6.3.10, sections 4.3 to 4.5.

mod directory;
mod entry;

use std::path::Path;

use crate::bytes::{Bytes, Whole};
use crate::error::{Result, WeightsError};
use crate::input;
use directory::Entry;

/// How the first entry of an archive begins.
pub(crate) const MAGIC: &[u8] = b"PK\x03\x04";

/// An archive whose directory was read.
pub(crate) struct Archive {
    file: String,
    bytes: Bytes,
    entries: Vec<Entry>,
}

impl Archive {
    /// Reads the directory. No entry is looked at, but all are known to lie within the file, apart from each other,
    /// and to take at most [`crate::limits::MAX_BYTES`] together.
    pub(crate) fn open(file: &str, bytes: Bytes) -> Result<Self> {
        let entries = directory::read(file, &bytes)?;
        Ok(Self { file: file.into(), bytes, entries })
    }

    /// The names of the entries, in the order in which they lie in the file.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// The bytes of the entry of that number.
    pub(crate) fn read(&self, number: usize) -> Result<Bytes> {
        entry::read(&self.file, &self.bytes, &self.entries[number])
    }
}

/// The name of the first entry of an archive, by the first bytes of its file; nothing if it does not lie in them.
pub(crate) fn first_name(begin: &[u8]) -> Option<&[u8]> {
    let size = entry::HEADER as usize;
    let header = begin.get(..size).filter(|header| header.starts_with(MAGIC))?;
    let length = u16::from_le_bytes([header[26], header[27]]);
    begin.get(size..size + usize::from(length))
}

/// The names of the entries of a file.
pub(crate) fn names(file: &str, path: &Path) -> Result<Vec<String>> {
    let (whole, _) = input::whole(path)?;
    names_in(file, whole)
}

/// The names of the entries of a file in memory.
pub(crate) fn names_in(file: &str, whole: Whole) -> Result<Vec<String>> {
    let archive = Archive::open(file, Bytes::shared(whole))?;
    Ok(archive.names().map(str::to_owned).collect())
}

fn error(file: &str, field: String, at: u64, reason: String) -> WeightsError {
    WeightsError::Form { file: file.into(), field, offset: at, reason }
}
