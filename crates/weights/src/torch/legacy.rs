//! The form before version 1.6: five pickles (a magic number, a protocol, the writer's machine, the objects, the keys of
//! the storages in their order), and then each storage: its number of cells in 8 bytes, and the cells.
//!
//! Everything after the pickles is little-endian, whatever machine wrote it.

use std::collections::HashMap;

use super::storage::{self, Place, Storages, Stored};
use super::{form, walk};
use crate::bytes::Bytes;
use crate::cursor::Cursor;
use crate::error::{Result, WeightsError};
use crate::format::PassedOver;
use crate::limits;
use crate::pickle::{self, Names, Pickle, Value};
use crate::tensor::Tensor;

/// The number of the first pickle.
const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;

/// The instruction that makes it, and the end of the pickle.
const MAGIC_BYTES: &[u8] = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

/// The number of the second pickle.
const PROTOCOL: i128 = 1001;

/// Bytes before the magic number at most: the protocol of the pickle, and a frame.
const MAX_BEFORE: usize = 11;

/// Whether a file that begins so is of this form.
pub(crate) fn begins(begin: &[u8]) -> bool {
    begin.starts_with(b"\x80")
        && (2..=MAX_BEFORE)
            .any(|at| begin.get(at..).is_some_and(|rest| rest.starts_with(MAGIC_BYTES)))
}

/// All tensors of a file, and what is passed over.
pub(super) fn read(file: &str, bytes: Bytes) -> Result<(Vec<Tensor>, Vec<PassedOver>)> {
    let mut next = 0;
    let mut part = || -> Result<Pickle> {
        let pickle = pickle::read(file, &bytes, next, Names::Any)?;
        next = pickle.end;
        Ok(pickle)
    };
    let number = |pickle: &Pickle, field: &str, wanted: i128| match pickle.get(pickle.root) {
        Value::Int(number) if *number == wanted => Ok(()),
        _ => {
            let got = pickle.describe(pickle.root);
            Err(form(file, field, 0, format!("it is {got}, but must be {wanted}")))
        }
    };
    number(&part()?, "magic number", MAGIC)?;
    number(&part()?, "protocol", PROTOCOL)?;
    // The order of bytes of the writer, which says nothing about the file.
    part()?;
    let (objects, keys) = (part()?, part()?);

    let kept = stored(file, &objects)?;
    let Some(keys) = keys.items(keys.root).map(|items| (items, &keys)) else {
        let got = keys.describe(keys.root);
        return Err(form(file, "keys", next, format!("they are {got}, but must be a list")));
    };
    let mut places = HashMap::new();
    let mut cursor = Cursor::new(file, &bytes, next);
    for &key in keys.0 {
        let at = cursor.at();
        let name = keys.1.text(key, limits::MAX_NAME_BYTES);
        let Some((name, stored)) =
            name.and_then(|name| Some((kept.get(&*name)?, name)).map(|(s, n)| (n, s)))
        else {
            let got = keys.1.describe(key);
            return Err(form(file, "keys", at, format!("{got} names no storage of the objects")));
        };
        let what = format!("storage {name:?}");
        let cells = u64::from_le_bytes(cursor.array(&what)?);
        if cells != stored.cells {
            let reason = format!("it has {cells} cells, but {} are stated before", stored.cells);
            return Err(form(file, &what, at, reason));
        }
        let range = cursor.skip(cells.saturating_mul(stored.kind.bytes() as u64), &what)?;
        places.insert(name.into_owned(), Place::Range(bytes.part(range)));
    }
    if cursor.left() > 0 {
        let (end, surplus) = (cursor.at() as u64, cursor.left() as u64);
        return Err(WeightsError::Surplus { file: file.into(), end, surplus });
    }
    let storages = Storages::new(file, places, false, None);
    walk::tensors(file, &objects, storages, bytes.len())
}

/// What the objects say about each storage.
fn stored(file: &str, objects: &Pickle) -> Result<HashMap<String, Stored>> {
    let mut kept: HashMap<String, Stored> = HashMap::new();
    for name in objects.persistent() {
        // Classes are kept so too, with their source code.
        let Some(stored) = storage::stored(objects, name) else { continue };
        match kept.get(&stored.key) {
            Some(other) if (other.kind, other.cells) != (stored.kind, stored.cells) => {
                let reason = "two tensors state another type or size for it".into();
                return Err(form(file, &format!("storage {:?}", stored.key), 0, reason));
            }
            Some(_) => {}
            None => {
                kept.insert(stored.key.clone(), stored);
            }
        }
    }
    Ok(kept)
}
