//! Several arrays: a zip archive with a file for each.

use super::npy;
use crate::bytes::Bytes;
use crate::error::Result;
use crate::limits;
use crate::tensor::Tensor;
use crate::zip::{self, Archive};

/// What the name of every entry ends with.
const EXTENSION: &str = ".npy";

/// Whether a file that begins so is an archive of arrays.
pub(crate) fn begins(begin: &[u8]) -> bool {
    zip::first_name(begin).is_some_and(|name| name.ends_with(EXTENSION.as_bytes()))
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
