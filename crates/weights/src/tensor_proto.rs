//! Tensors in the messages of TensorFlow: types, shapes, and cells in one of many forms.
//!
//! Cells lie in `tensor_content` as they are, or in the field of their type. There a form is short where there are fewer
//! than the shape has: the last one stands for all that are missing, and none at all for zeros.
//!
//! # Source
//! TensorFlow 2.21: `core/framework/types.proto`, `tensor_shape.proto`, `tensor.proto`, and `Tensor::FromProto` in
//! `tensor.cc`.

use crate::bytes::Bytes;
use crate::error::{Result, TensorFault, WeightsError};
use crate::limits;
use crate::protobuf::{Field, Message};
use crate::tensor::Dtype;

/// What is added to the number of a type for a reference to it.
const REFERENCE: i64 = 100;

/// Names of the types, by their numbers from 0 on.
const NAMES: [&str; 34] = [
    "DT_INVALID",
    "DT_FLOAT",
    "DT_DOUBLE",
    "DT_INT32",
    "DT_UINT8",
    "DT_INT16",
    "DT_INT8",
    "DT_STRING",
    "DT_COMPLEX64",
    "DT_INT64",
    "DT_BOOL",
    "DT_QINT8",
    "DT_QUINT8",
    "DT_QINT32",
    "DT_BFLOAT16",
    "DT_QINT16",
    "DT_QUINT16",
    "DT_UINT16",
    "DT_COMPLEX128",
    "DT_HALF",
    "DT_RESOURCE",
    "DT_VARIANT",
    "DT_UINT32",
    "DT_UINT64",
    "DT_FLOAT8_E5M2",
    "DT_FLOAT8_E4M3FN",
    "DT_FLOAT8_E4M3FNUZ",
    "DT_FLOAT8_E4M3B11FNUZ",
    "DT_FLOAT8_E5M2FNUZ",
    "DT_INT4",
    "DT_UINT4",
    "DT_INT2",
    "DT_UINT2",
    "DT_FLOAT4_E2M1FN",
];

/// The name of a type, without the mark of references.
pub(crate) fn type_name(number: i64) -> String {
    let base = if number > REFERENCE { number - REFERENCE } else { number };
    let name = usize::try_from(base).ok().and_then(|base| NAMES.get(base));
    name.map_or_else(|| format!("type {number}"), |name| (*name).into())
}

/// The type of cells that a number of TensorFlow stands for; nothing where it is none of ours.
pub(crate) fn dtype(number: i64) -> Option<Dtype> {
    Some(match type_name(number).as_str() {
        "DT_DOUBLE" => Dtype::F64,
        "DT_FLOAT" => Dtype::F32,
        "DT_HALF" => Dtype::F16,
        "DT_BFLOAT16" => Dtype::Bf16,
        "DT_INT64" => Dtype::I64,
        "DT_INT32" => Dtype::I32,
        "DT_INT16" => Dtype::I16,
        "DT_INT8" => Dtype::I8,
        "DT_UINT64" => Dtype::U64,
        "DT_UINT32" => Dtype::U32,
        "DT_UINT16" => Dtype::U16,
        "DT_UINT8" => Dtype::U8,
        "DT_BOOL" => Dtype::Bool,
        _ => return None,
    })
}

/// The shape that a field of type `TensorShapeProto` holds, which messages call `what`.
pub(crate) fn shape(field: &Field<'_>, what: &str) -> Result<Vec<usize>> {
    let mut shape = Vec::new();
    for part in field.message(what)? {
        let part = part?;
        match part.number {
            2 => {
                let mut size = 0;
                for number in part.message(what)? {
                    let number = number?;
                    if number.number == 1 {
                        size = number.int(what)?;
                    }
                }
                let size = usize::try_from(size).map_err(|_| {
                    part.error(what, format!("{size} cells along an axis; legal: 0 and more"))
                })?;
                if shape.len() == limits::MAX_AXES {
                    let limit = limits::MAX_AXES;
                    return Err(part.error(what, format!("more than {limit} axes")));
                }
                shape.push(size);
            }
            3 if part.bool(what)? => {
                return Err(part.error(what, "the number of axes is not known".into()));
            }
            _ => {}
        }
    }
    Ok(shape)
}

/// The cells that a message of type `TensorProto` holds, little-endian: all of them, or those of a short form.
///
/// `whole` are the bytes that the outermost message was made of; what lies in them as it is needed is not copied. `own`
/// are the bytes that other cells took so far.
pub(crate) fn stated(
    message: &Message<'_>,
    whole: &Bytes,
    dtype: Dtype,
    own: &mut u64,
) -> Result<Bytes> {
    let mut content = None;
    for field in message.clone() {
        let field = field?;
        if field.number == 4 {
            content = Some(field.range("tensor_content")?);
        }
    }
    if let Some(range) = content.filter(|range| !range.is_empty()) {
        return Ok(whole.part(range));
    }
    match dtype {
        Dtype::F32 => Ok(message.cells::<4>(5, "float_val")?.kept(whole)),
        Dtype::F64 => Ok(message.cells::<8>(6, "double_val")?.kept(whole)),
        Dtype::I64 => Integers::new(10, "int64_val", own)
            .read(message, |number| Some(number.cast_signed().to_le_bytes())),
        Dtype::U64 => {
            Integers::new(17, "uint64_val", own).read(message, |number| Some(number.to_le_bytes()))
        }
        Dtype::U32 => Integers::new(16, "uint32_val", own)
            .read(message, |number| narrow(number).map(u32::to_le_bytes)),
        Dtype::Bool => {
            Integers::new(11, "bool_val", own).read(message, |number| Some([u8::from(number != 0)]))
        }
        // As the 16 bits of each.
        Dtype::F16 | Dtype::Bf16 => Integers::new(13, "half_val", own)
            .read(message, |number| narrow(number).map(u16::to_le_bytes)),
        Dtype::I32 => small(message, own, i32::to_le_bytes),
        Dtype::I16 => small(message, own, i16::to_le_bytes),
        Dtype::U16 => small(message, own, u16::to_le_bytes),
        Dtype::I8 => small(message, own, i8::to_le_bytes),
        Dtype::U8 => small(message, own, u8::to_le_bytes),
    }
}

/// Cells of types that share a field.
fn small<T: TryFrom<i64>, const N: usize>(
    message: &Message<'_>,
    own: &mut u64,
    bytes: impl Fn(T) -> [u8; N],
) -> Result<Bytes> {
    Integers::new(7, "int_val", own).read(message, |number| narrow(number).map(&bytes))
}

/// A number of 64 bits, of which the sign is that of the type that is wanted.
fn narrow<T: TryFrom<i64>>(number: u64) -> Option<T> {
    T::try_from(number.cast_signed()).ok()
}

/// A field of whole numbers.
struct Integers<'a> {
    number: u32,
    what: &'static str,
    own: &'a mut u64,
}

impl<'a> Integers<'a> {
    fn new(number: u32, what: &'static str, own: &'a mut u64) -> Self {
        Self { number, what, own }
    }

    /// The cells; `bytes` gives those of a number, or nothing if it does not fit.
    fn read<const N: usize>(
        self,
        message: &Message<'_>,
        bytes: impl Fn(u64) -> Option<[u8; N]>,
    ) -> Result<Bytes> {
        let Self { number, what, own } = self;
        let mut cells = Vec::new();
        for field in message.clone() {
            let field = field?;
            if field.number != number {
                continue;
            }
            for number in field.varints(what)? {
                let number = number?;
                let cell = bytes(number).ok_or_else(|| {
                    let number = number.cast_signed();
                    field
                        .error(what, format!("the number {number} does not fit into its {N} bytes"))
                })?;
                // A byte of the file may stand for eight.
                *own += N as u64;
                if *own > limits::MAX_BYTES {
                    let limit = limits::MAX_BYTES;
                    return Err(
                        field.error(what, format!("with it cells take more than {limit} bytes"))
                    );
                }
                cells.try_reserve(N).map_err(|_| {
                    WeightsError::read(message.file(), std::io::ErrorKind::OutOfMemory.into())
                })?;
                cells.extend(cell);
            }
        }
        cells.shrink_to_fit();
        Ok(cells.into())
    }
}

/// The cells of a short form, made full: `needed` bytes. `total` are the bytes that were filled in so far.
pub(crate) fn filled(
    stated: Bytes,
    dtype: Dtype,
    needed: usize,
    total: &mut u64,
) -> std::result::Result<Bytes, TensorFault> {
    if stated.len() >= needed || !stated.len().is_multiple_of(dtype.bytes()) {
        return Ok(stated);
    }
    *total += needed as u64;
    if *total > limits::MAX_FILLED_BYTES {
        let got = format!("cells of a short form, with which such tensors take {total} bytes");
        return Err(TensorFault::Value {
            got,
            legal: format!("at most {}", limits::MAX_FILLED_BYTES),
        });
    }
    let mut cells = Vec::new();
    cells.try_reserve_exact(needed).map_err(|_| TensorFault::NoMemory { bytes: needed as u64 })?;
    cells.extend_from_slice(&stated);
    match stated.len().checked_sub(dtype.bytes()) {
        None => cells.resize(needed, 0),
        // From the last cell on, as many again as there are.
        Some(last) => {
            while cells.len() < needed {
                let there = cells.len() - last;
                cells.extend_from_within(last..last + there.min(needed - cells.len()));
            }
        }
    }
    Ok(cells.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_types_agree() {
        // Numbers of types.proto.
        for (number, name, ours) in [
            (1, "DT_FLOAT", Some(Dtype::F32)),
            (7, "DT_STRING", None),
            (9, "DT_INT64", Some(Dtype::I64)),
            (14, "DT_BFLOAT16", Some(Dtype::Bf16)),
            (19, "DT_HALF", Some(Dtype::F16)),
            (23, "DT_UINT64", Some(Dtype::U64)),
            (30, "DT_UINT4", None),
            (101, "DT_FLOAT", Some(Dtype::F32)),
        ] {
            assert_eq!((type_name(number).as_str(), dtype(number)), (name, ours));
        }
        for odd in [-1, 34, 100, 134, i64::MAX, i64::MIN] {
            assert_eq!((type_name(odd), dtype(odd)), (format!("type {odd}"), None));
        }
    }

    #[test]
    fn short_forms_are_filled() {
        let fill = |stated: &[u8], needed| {
            filled(stated.to_vec().into(), Dtype::U16, needed, &mut 0).map(|cells| cells.to_vec())
        };
        assert_eq!(fill(&[1, 2, 3, 4], 8), Ok(vec![1, 2, 3, 4, 3, 4, 3, 4]));
        assert_eq!(fill(&[], 4), Ok(vec![0; 4]));
        assert_eq!(fill(&[1, 2], 2), Ok(vec![1, 2]));
        assert_eq!(fill(&[1, 2], 0), Ok(vec![1, 2]));
        // Half a cell stays what it is, and does not fit any shape.
        assert_eq!(fill(&[1], 4), Ok(vec![1]));
        let error = fill(&[1, 2], limits::MAX_FILLED_BYTES as usize + 2).unwrap_err().to_string();
        assert!(error.contains("take 67108866 bytes; legal: at most 67108864"), "{error}");
    }
}
