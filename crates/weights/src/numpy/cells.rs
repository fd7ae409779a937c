//! Cells as NumPy lays them out, in either order of bytes and of axes, become cells of ours.

use crate::bytes::Bytes;
use crate::error::TensorFault;
use crate::strided::Strided;
use crate::tensor::{self, Dtype};

/// What an array holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Numbers; with `big`, the first byte of each is its highest.
    Numbers { dtype: Dtype, big: bool },
    /// Python's objects, as a pickle.
    Objects,
}

/// The kind of a type as NumPy writes it: order of bytes, letter, bytes of a cell.
pub(super) fn kind(descr: &str) -> Result<Kind, TensorFault> {
    let (order, name) = match descr.split_at_checked(1) {
        Some((order @ ("<" | ">" | "|"), name)) => (order, name),
        _ => ("", descr),
    };
    let dtype = match name {
        "O" | "O4" | "O8" => return Ok(Kind::Objects),
        "f8" => Dtype::F64,
        "f4" => Dtype::F32,
        "f2" => Dtype::F16,
        "i8" => Dtype::I64,
        "i4" => Dtype::I32,
        "i2" => Dtype::I16,
        "i1" => Dtype::I8,
        "u8" => Dtype::U64,
        "u4" => Dtype::U32,
        "u2" => Dtype::U16,
        "u1" => Dtype::U8,
        "b1" => Dtype::Bool,
        _ => return Err(unknown(descr)),
    };
    match order {
        "<" | ">" => Ok(Kind::Numbers { dtype, big: order == ">" }),
        _ if dtype.bytes() == 1 => Ok(Kind::Numbers { dtype, big: false }),
        _ => Err(unknown(descr)),
    }
}

/// What is said of a type that is not read.
pub(super) fn unknown(got: &str) -> TensorFault {
    let legal = "b1, i1, u1, and with < or > i2, i4, i8, u2, u4, u8, f2, f4, f8";
    TensorFault::Dtype { got: format!("{got:?}"), legal: legal.into() }
}

/// The cells row-major and little-endian; bytes that lie so already are not copied. With `fortran`, the first
/// axis is the one that runs fastest in `bytes`.
pub(super) fn arranged(
    bytes: Bytes,
    (dtype, big): (Dtype, bool),
    fortran: bool,
    shape: &[usize],
) -> Result<Bytes, TensorFault> {
    let needed = tensor::byte_count(dtype, shape)?;
    if bytes.len() != needed {
        let (needed, got) = (needed as u64, bytes.len() as u64);
        let (dtype, shape) = (dtype.name(), shape.to_vec());
        return Err(TensorFault::ByteCount { dtype, shape, needed, got });
    }
    let bytes = match fortran && shape.len() > 1 {
        // The same bytes are row-major cells of the shape read backwards.
        true => {
            let backwards: Vec<usize> = shape.iter().rev().copied().collect();
            let axes: Vec<usize> = (0..shape.len()).rev().collect();
            bytes.strided(Strided::permuted(dtype.bytes(), &backwards, &axes))?
        }
        false => bytes,
    };
    if big { bytes.turned(dtype.bytes()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_by_their_names() {
        let numbers = |dtype, big| Ok(Kind::Numbers { dtype, big });
        assert_eq!(kind("<f4"), numbers(Dtype::F32, false));
        assert_eq!(kind(">i2"), numbers(Dtype::I16, true));
        assert_eq!(kind("|b1"), numbers(Dtype::Bool, false));
        assert_eq!(kind("u1"), numbers(Dtype::U8, false));
        assert_eq!(kind("|O"), Ok(Kind::Objects));
        for odd in ["", "f4", "|f4", "=f4", "<c8", "<U5", "|S3", "|V2", "<M8[ns]", "<f16", "é4"] {
            let error = kind(odd).unwrap_err().to_string();
            assert!(error.starts_with(&format!("type {odd:?}; legal: b1, i1")), "{error}");
        }
    }

    #[test]
    fn both_orders_at_once() {
        // Cells 10, 20, 30 of row 0 and 11, 21, 31 of row 1, column by column, the high byte first.
        let bytes = Bytes::Own(vec![0, 10, 0, 11, 0, 20, 0, 21, 0, 30, 0, 31]);
        let moved = arranged(bytes.clone(), (Dtype::U16, true), true, &[2, 3]).unwrap();
        assert_eq!(*moved, [10, 0, 20, 0, 30, 0, 11, 0, 21, 0, 31, 0]);
        assert!(arranged(bytes.clone(), (Dtype::U16, true), true, &[2, 2]).is_err());
        let empty = arranged(Bytes::Own(vec![]), (Dtype::U16, true), true, &[0, 4]).unwrap();
        assert!(empty.is_empty());
        let same = arranged(bytes.clone(), (Dtype::U16, false), false, &[6]).unwrap();
        assert_eq!(same, bytes);
    }
}
