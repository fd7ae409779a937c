//! One array: `\x93NUMPY`, a version, the size of the header, the header, the cells.
//!
//! # Source
//! NumPy 2.4: `numpy/lib/_format_impl.py`. Version 1 has 2 bytes for the size of the header, 2 and 3 have 4; 3 allows
//! UTF-8 in the names of fields, which only types have that are not read here.

use super::cells::{self, Kind};
use super::literal::{self, Literal};
use super::objects;
use crate::bytes::Bytes;
use crate::cursor::Cursor;
use crate::error::{Result, TensorFault, WeightsError};
use crate::limits;
use crate::tensor::Tensor;

/// How every array begins.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// The keys of a header.
const KEYS: &str = "descr, fortran_order, shape";

/// What a header says.
struct Header {
    kind: Kind,
    fortran: bool,
    shape: Vec<usize>,
}

/// The tensors of an array: itself, under `name`, or where it holds objects those that are found in them, whose names
/// are put together from `root` on.
pub(super) fn read(file: &str, bytes: &Bytes, name: &str, root: &str) -> Result<Vec<Tensor>> {
    let mut cursor = Cursor::new(file, bytes, 0);
    let begin = cursor.take(MAGIC.len() as u64, "the magic of NumPy")?;
    if begin != MAGIC {
        let reason = format!("it is {begin:02x?}; an array begins with {MAGIC:02x?}");
        return Err(form(file, "magic", 0, reason));
    }
    let Header { kind, fortran, shape } = header(file, &mut cursor, name)?;
    let fault = |fault: TensorFault| WeightsError::tensor(file, name, fault);
    let (dtype, big) = match kind {
        Kind::Numbers { dtype, big } => (dtype, big),
        Kind::Objects => return objects::read(file, bytes, cursor.at(), &shape, (name, root)),
    };
    let needed = crate::tensor::byte_count(dtype, &shape).map_err(fault)? as u64;
    let range = cursor.skip(needed, &format!("tensor {name:?}"))?;
    end(file, &cursor)?;
    let cells = cells::arranged(bytes.part(range), (dtype, big), fortran, &shape).map_err(fault)?;
    Ok(vec![Tensor::of(name.into(), dtype, shape, cells)?])
}

/// Nothing may be left.
pub(super) fn end(file: &str, cursor: &Cursor<'_>) -> Result<()> {
    match cursor.left() as u64 {
        0 => Ok(()),
        surplus => {
            Err(WeightsError::Surplus { file: file.into(), end: cursor.at() as u64, surplus })
        }
    }
}

fn header(file: &str, cursor: &mut Cursor<'_>, name: &str) -> Result<Header> {
    let at = cursor.at();
    let [major, minor] = cursor.array("the version")?;
    let size = match (major, minor) {
        (1, 0) => u16::from_le_bytes(cursor.array("the size of the header")?).into(),
        (2 | 3, 0) => u32::from_le_bytes(cursor.array("the size of the header")?).into(),
        _ => {
            let reason = format!("{major}.{minor} is not read; legal: 1.0, 2.0, 3.0");
            return Err(form(file, "version", at, reason));
        }
    };
    let limit = limits::MAX_NPY_HEADER;
    if size > limit {
        let reason = format!("{size} bytes are stated, but at most {limit} are read");
        return Err(form(file, "header", cursor.at(), reason));
    }
    let begin = cursor.at();
    let members = literal::dictionary(file, cursor.within(size, "the header")?)?;
    let (mut kind, mut fortran, mut shape) = (None, None, None);
    for (key, value, at) in members {
        let wrong = |reason: &str| {
            let field = format!("header.{}", key.escape_debug());
            Err(form(file, &field, at, reason.into()))
        };
        let fresh = match (key.as_str(), value) {
            ("descr", Literal::Text(descr)) => {
                let found = cells::kind(&descr);
                let found = found.map_err(|fault| WeightsError::tensor(file, name, fault))?;
                kind.replace(found).is_none()
            }
            ("descr", Literal::Sequence(_)) => {
                let fault = cells::unknown("a record of several fields");
                return Err(WeightsError::tensor(file, name, fault));
            }
            ("fortran_order", Literal::Bool(value)) => fortran.replace(value).is_none(),
            ("shape", Literal::Sequence(sizes)) => {
                let size = |size: &Literal| match size {
                    Literal::Number(size) => usize::try_from(*size).ok(),
                    _ => None,
                };
                match sizes.iter().map(size).collect::<Option<Vec<usize>>>() {
                    Some(sizes) => shape.replace(sizes).is_none(),
                    None => return wrong("must be whole numbers from 0 on"),
                }
            }
            ("descr", _) => return wrong("must be text"),
            ("fortran_order", _) => return wrong("must be True or False"),
            ("shape", _) => return wrong("must be a tuple of whole numbers"),
            _ => return wrong(&format!("unknown; legal: {KEYS}")),
        };
        if !fresh {
            return wrong("comes twice");
        }
    }
    match (kind, fortran, shape) {
        (Some(kind), Some(fortran), Some(shape)) => Ok(Header { kind, fortran, shape }),
        _ => Err(form(file, "header", begin, format!("a key is missing; needed: {KEYS}"))),
    }
}

pub(super) fn form(file: &str, field: &str, at: usize, reason: String) -> WeightsError {
    WeightsError::Form { file: file.into(), field: field.into(), offset: at as u64, reason }
}
