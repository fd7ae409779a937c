//! Several arrays: a zip archive with a file for each.

use super::npy;
use crate::bytes::Bytes;
use crate::error::Result;
use crate::limits;
use crate::tensor::Tensor;
use crate::zip::Archive;

/// What the name of every entry ends with.
pub(super) const EXTENSION: &str = ".npy";

/// Whether the entry of an archive is an array by its name.
pub(crate) fn is_entry(name: &str) -> bool {
    name.ends_with(EXTENSION)
}

/// All tensors of an archive.
pub(super) fn read(file: &str, bytes: Bytes) -> Result<Vec<Tensor>> {
    let archive = Archive::open(file, bytes)?;
    let mut tensors = Vec::new();
    for (number, entry) in archive.names().enumerate() {
        let within = format!("{file}/{entry}");
        let Some(name) = entry.strip_suffix(EXTENSION) else {
            let reason = format!("{entry:?} is not read; names end with {EXTENSION:?}");
            return Err(npy::form(file, "entry", 0, reason));
        };
        tensors.extend(npy::read(&within, &archive.read(number)?, name, name)?);
        if tensors.len() > limits::MAX_TENSORS {
            break;
        }
    }
    Ok(tensors)
}
