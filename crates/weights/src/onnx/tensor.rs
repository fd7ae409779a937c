//! One tensor: its shape and type, and its cells in one of five fields or in another file.

use super::external::{External, Folder};
use crate::bytes::Bytes;
use crate::error::{Result, TensorFault, WeightsError};
use crate::limits;
use crate::protobuf::Message;
use crate::tensor::{self, Dtype, Tensor};

/// What a message of a tensor holds.
pub(super) enum Found {
    Tensor(Tensor),
    /// Text, with the name of it.
    Text(String),
}

/// The numbers that the document has for types of cells.
const TYPES: [(u64, Dtype); 13] = [
    (1, Dtype::F32),
    (2, Dtype::U8),
    (3, Dtype::I8),
    (4, Dtype::U16),
    (5, Dtype::I16),
    (6, Dtype::I32),
    (7, Dtype::I64),
    (9, Dtype::Bool),
    (10, Dtype::F16),
    (11, Dtype::F64),
    (12, Dtype::U32),
    (13, Dtype::U64),
    (16, Dtype::Bf16),
];

/// The number of text.
const TEXT: u64 = 8;

/// What the document calls a type of cells.
pub(super) fn type_number(dtype: Dtype) -> u64 {
    TYPES.iter().find(|(_, known)| *known == dtype).map_or(0, |(number, _)| *number)
}

/// Reads a tensor; `name` is that of the value that it gives, if it is not its own.
pub(super) fn read(
    file: &str,
    bytes: &Bytes,
    message: Message<'_>,
    name: Option<&str>,
    folder: &mut Folder<'_>,
) -> Result<Found> {
    const WHAT: &str = "tensor";
    let at = message.at();
    let (mut dims, mut number, mut own) = (Vec::new(), 0, "");
    let (mut raw, mut external, mut elsewhere) = (None, Vec::new(), false);
    let (mut ints, mut int64s, mut uint64s) = (false, false, false);
    for field in message.clone() {
        let field = field?;
        match field.number {
            1 => field.int64s("tensor.dims", &mut dims, limits::MAX_AXES)?,
            2 => number = field.uint("tensor.data_type")?,
            3 => return Err(field.error(WHAT, "a segment of a tensor is not read".into())),
            5 => ints = true,
            7 => int64s = true,
            8 => own = field.text("tensor.name")?,
            9 => raw = Some(field.range("tensor.raw_data")?),
            11 => uint64s = true,
            13 => external.push(field.message("tensor.external_data")?),
            14 => elsewhere = field.uint("tensor.data_location")? == 1,
            _ => {}
        }
    }
    let name = name.unwrap_or(own);
    let fault = |fault: TensorFault| WeightsError::tensor(file, name, fault);
    if name.is_empty() || name.len() > limits::MAX_NAME_BYTES {
        let reason =
            format!("its name has {} bytes; legal: 1 to {}", name.len(), limits::MAX_NAME_BYTES);
        let (file, field) = (file.into(), WHAT.into());
        return Err(WeightsError::Form { file, field, offset: at as u64, reason });
    }
    if number == TEXT {
        return Ok(Found::Text(name.into()));
    }
    let Some(&(_, dtype)) = TYPES.iter().find(|(known, _)| *known == number) else {
        let got = format!("number {number} of ONNX");
        return Err(fault(TensorFault::Dtype { got, legal: Dtype::legal() }));
    };
    let shape: Option<Vec<usize>> = dims.iter().map(|&size| usize::try_from(size).ok()).collect();
    let shape = shape.ok_or_else(|| {
        let got = format!("shape {dims:?}");
        fault(TensorFault::Value { got, legal: "whole numbers from 0 on".into() })
    })?;
    let needed = tensor::byte_count(dtype, &shape).map_err(fault)?;
    let cells = if elsewhere {
        folder.cells(name, External::of(file, name, external)?, needed as u64)?
    } else if let Some(range) = raw {
        bytes.part(range)
    } else {
        let most = needed / dtype.bytes();
        match dtype {
            Dtype::F32 => message.cells::<4>(4, "tensor.float_data")?.kept(bytes),
            Dtype::F64 => message.cells::<8>(10, "tensor.double_data")?.kept(bytes),
            Dtype::I64 if int64s => varints(message, 7, dtype, most)?,
            Dtype::U32 | Dtype::U64 if uint64s => varints(message, 11, dtype, most)?,
            _ if ints => varints(message, 5, dtype, most)?,
            _ => Vec::new().into(),
        }
    };
    Tensor::of(name.into(), dtype, shape, cells)
        .map(Found::Tensor)
        .map_err(|error| error.in_file(file))
}

/// Cells that are written as whole numbers, of which the lowest bytes count: also the bits of F16 and BF16.
fn varints(message: Message<'_>, number: u32, dtype: Dtype, most: usize) -> Result<Bytes> {
    let mut numbers = Vec::new();
    for field in message {
        let field = field?;
        if field.number == number {
            field.int64s("tensor.int32_data, int64_data or uint64_data", &mut numbers, most)?;
        }
    }
    let size = dtype.bytes();
    Ok(numbers
        .iter()
        .flat_map(|n| n.to_le_bytes().into_iter().take(size))
        .collect::<Vec<_>>()
        .into())
}
