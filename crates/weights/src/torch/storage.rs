//! Storages: cells of one type, in which tensors lie.

use std::collections::HashMap;

use super::form;
use crate::bytes::Bytes;
use crate::error::Result;
use crate::limits;
use crate::pickle::{Pickle, Ref, Value};
use crate::tensor::Dtype;
use crate::zip::Archive;

/// What a storage holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Cells(Dtype),
    /// Bytes of which only the tensors say the type.
    Untyped,
    /// A type that is not read: its name, and the bytes of a cell.
    Other(&'static str, usize),
}

impl Kind {
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Cells(dtype) => dtype.bytes(),
            Self::Untyped => 1,
            Self::Other(_, bytes) => bytes,
        }
    }
}

/// What a pickle says about a storage that is kept elsewhere.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) key: String,
    pub(super) kind: Kind,
    /// Cells of the whole storage.
    pub(super) cells: u64,
    /// Where a part of it begins, and its cells, if only that is meant.
    pub(super) view: Option<(u64, u64)>,
}

/// Reads `("storage", class, key, device, cells)`, to which files before version 0.4 add `None` or
/// `(key, begin, cells)` of a part; nothing if it is something else.
pub(super) fn stored(pickle: &Pickle, name: Ref) -> Option<Stored> {
    let (&[tag, class, key, _, cells], rest) = pickle.items(name)?.split_first_chunk::<5>()?;
    if pickle.text(tag, 16).as_deref() != Some("storage") {
        return None;
    }
    let number = |value: Ref| match pickle.get(value) {
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    };
    let view = match rest {
        [] => None,
        &[view] => match (pickle.get(view), pickle.items(view)) {
            (Value::None, _) => None,
            (_, Some(&[_, begin, cells])) => Some((number(begin)?, number(cells)?)),
            _ => return None,
        },
        _ => return None,
    };
    let key = pickle.text(key, limits::MAX_NAME_BYTES)?.into_owned();
    Some(Stored { key, kind: kind(pickle.global(class)?.1)?, cells: number(cells)?, view })
}

fn kind(class: &str) -> Option<Kind> {
    Some(match class {
        "DoubleStorage" => Kind::Cells(Dtype::F64),
        "FloatStorage" => Kind::Cells(Dtype::F32),
        "HalfStorage" => Kind::Cells(Dtype::F16),
        "BFloat16Storage" => Kind::Cells(Dtype::Bf16),
        "LongStorage" => Kind::Cells(Dtype::I64),
        "IntStorage" => Kind::Cells(Dtype::I32),
        "ShortStorage" => Kind::Cells(Dtype::I16),
        "CharStorage" => Kind::Cells(Dtype::I8),
        "ByteStorage" => Kind::Cells(Dtype::U8),
        "BoolStorage" => Kind::Cells(Dtype::Bool),
        "UntypedStorage" => Kind::Untyped,
        "ComplexFloatStorage" => Kind::Other("complex64", 8),
        "ComplexDoubleStorage" => Kind::Other("complex128", 16),
        "QInt8Storage" => Kind::Other("qint8", 1),
        "QUInt8Storage" => Kind::Other("quint8", 1),
        "QInt32Storage" => Kind::Other("qint32", 4),
        "QUInt4x2Storage" => Kind::Other("quint4x2", 1),
        "QUInt2x4Storage" => Kind::Other("quint2x4", 1),
        _ => return None,
    })
}

/// The type that a pickle names where its storage is untyped.
pub(super) fn dtype(name: &str) -> Option<Dtype> {
    Some(match name {
        "float64" => Dtype::F64,
        "float32" => Dtype::F32,
        "float16" => Dtype::F16,
        "bfloat16" => Dtype::Bf16,
        "int64" => Dtype::I64,
        "int32" => Dtype::I32,
        "int16" => Dtype::I16,
        "int8" => Dtype::I8,
        "uint64" => Dtype::U64,
        "uint32" => Dtype::U32,
        "uint16" => Dtype::U16,
        "uint8" => Dtype::U8,
        "bool" => Dtype::Bool,
        _ => return None,
    })
}

/// Where the bytes of a storage are.
pub(super) enum Place {
    /// The number of an entry of the archive.
    Entry(usize),
    Range(Bytes),
}

/// All storages of a file.
pub(super) struct Storages<'a> {
    file: &'a str,
    places: HashMap<String, Place>,
    /// Whether the first byte of a cell is its highest.
    pub(super) big: bool,
    archive: Option<Archive>,
}

impl<'a> Storages<'a> {
    pub(super) fn new(
        file: &'a str,
        places: HashMap<String, Place>,
        big: bool,
        archive: Option<Archive>,
    ) -> Self {
        Self { file, places, big, archive }
    }

    /// The bytes of a storage, or of the part that is meant; nothing if the file has none of this key.
    pub(super) fn bytes(&mut self, stored: &Stored) -> Result<Option<Bytes>> {
        let Some(place) = self.places.get_mut(&stored.key) else { return Ok(None) };
        let bytes = match (&*place, &self.archive) {
            (Place::Range(bytes), _) => bytes.clone(),
            (Place::Entry(number), Some(archive)) => {
                // Its checksum is computed once.
                let bytes = archive.read(*number)?;
                *place = Place::Range(bytes.clone());
                bytes
            }
            (Place::Entry(_), None) => return Ok(None),
        };
        let field = || format!("storage {:?}", stored.key);
        let needed = stored.cells.saturating_mul(stored.kind.bytes() as u64);
        if needed != bytes.len() as u64 {
            let got = bytes.len();
            let reason = format!("{} cells take {needed} bytes, but it has {got}", stored.cells);
            return Err(form(self.file, &field(), 0, reason));
        }
        let Some((begin, cells)) = stored.view else { return Ok(Some(bytes)) };
        match begin.checked_add(cells) {
            // Both ends times the bytes of a cell are within the storage, which is in memory.
            Some(end) if end <= stored.cells => {
                let size = stored.kind.bytes();
                Ok(Some(bytes.part(begin as usize * size..end as usize * size)))
            }
            _ => {
                let reason = format!(
                    "a part of {cells} cells from cell {begin} on is beyond its {} cells",
                    stored.cells
                );
                Err(form(self.file, &field(), 0, reason))
            }
        }
    }
}
