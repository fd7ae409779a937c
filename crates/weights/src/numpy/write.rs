//! Archives of arrays as `numpy.savez` writes them: entries that are stored, each a `.npy` of version 1.
//!
//! # Source
//! NumPy 2.4: `numpy/lib/_format_impl.py`; PKWARE APPNOTE 6.3.10, section 4.3.

use std::convert::Infallible;
use std::io::{self, Write};
use std::path::Path;

use flate2::Crc;

use super::npy::MAGIC;
use super::npz::EXTENSION;
use crate::atomic;
use crate::error::{Result, WeightsError};
use crate::safetensors::Weights;
use crate::tensor::{Dtype, Tensor};

/// A `.npy` has its cells at a multiple of this, so that they can be mapped.
const ALIGNMENT: usize = 64;

/// 1980-01-01, the first day that an archive can state: the same weights always give the same bytes.
const DAY: u16 = 1 << 5 | 1;

/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;

/// Most bytes of an archive without wide numbers, and most entries.
const MAX_BYTES: u64 = u32::MAX as u64 - 1;
const MAX_ENTRIES: usize = u16::MAX as usize - 1;

/// Writes weights as a `.npz`, which `numpy.load` reads: tensor `conv/w` becomes array `conv/w`. To a temporary name in the
/// same folder, synced, renamed.
///
/// BF16, which NumPy does not have, is widened to F32, which is exact. Metadata and the tensors of a self-test are left
/// out.
///
/// # Errors
/// If there are more than 65,534 tensors or 4 GiB, or the file cannot be written; then nothing of it is left behind.
pub fn write_npz(weights: &Weights, path: &Path) -> Result<()> {
    let file = path.display().to_string();
    let mut entries = Vec::new();
    let (mut begin, mut directory) = (0u64, Vec::new());
    for tensor in weights.parameters() {
        if entries.len() == MAX_ENTRIES {
            let (got, limit) = (entries.len() + 1, MAX_ENTRIES);
            return Err(WeightsError::TooMany { file, what: "tensors", got, limit });
        }
        let widened = match tensor.dtype() {
            Dtype::Bf16 => Some(tensor.widened()?),
            _ => None,
        };
        let cells = widened.as_ref().unwrap_or(tensor);
        let header = header(cells);
        let size = (header.len() + cells.byte_len()) as u64;
        let name = format!("{}{EXTENSION}", tensor.name());
        let Ok(name_bytes) = u16::try_from(name.len()) else {
            let (got, limit) = (name.len(), usize::from(u16::MAX));
            return Err(WeightsError::TooMany { file, what: "bytes of a name", got, limit });
        };
        let mut checksum = Crc::new();
        checksum.update(&header);
        let Ok(()) = cells.pieces(&mut |piece| {
            checksum.update(piece);
            Ok::<(), Infallible>(())
        });
        let mut head = described(checksum.sum(), size as u32, name_bytes);
        let mut member = b"PK\x01\x02\x14\0".to_vec();
        member.extend(&head);
        // No comment, the first disk, no attributes.
        member.extend([0; 10]);
        member.extend((begin as u32).to_le_bytes());
        member.extend(name.as_bytes());
        directory.extend(member);
        head.extend(name.as_bytes());
        begin += 4 + head.len() as u64 + size;
        entries.push((head, header, tensor));
        if begin + directory.len() as u64 > MAX_BYTES {
            let bytes = begin + directory.len() as u64;
            return Err(WeightsError::TooLarge { file, bytes, limit: MAX_BYTES });
        }
    }
    let content = |out: &mut dyn Write| -> io::Result<()> {
        for (head, header, tensor) in &entries {
            out.write_all(b"PK\x03\x04")?;
            out.write_all(head)?;
            out.write_all(header)?;
            match tensor.dtype() {
                // A value of BF16 is the upper half of the same value of F32.
                Dtype::Bf16 => {
                    for half in tensor.bytes().as_chunks::<2>().0 {
                        out.write_all(&[0, 0, half[0], half[1]])?;
                    }
                }
                _ => tensor.pieces(&mut |piece| out.write_all(piece))?,
            }
        }
        out.write_all(&directory)?;
        out.write_all(b"PK\x05\x06\0\0\0\0")?;
        let count = (entries.len() as u16).to_le_bytes();
        out.write_all(&[count, count].concat())?;
        out.write_all(&(directory.len() as u32).to_le_bytes())?;
        out.write_all(&(begin as u32).to_le_bytes())?;
        out.write_all(&[0; 2])
    };
    atomic::write(path, content).map_err(|source| WeightsError::Write { file, source })
}

/// What stands both before an entry and in the directory, from the version that is needed to the size of extra fields.
fn described(checksum: u32, size: u32, name_bytes: u16) -> Vec<u8> {
    let mut head = b"\x14\0".to_vec();
    // Stored, at midnight.
    for short in [FLAGS, 0, 0, DAY] {
        head.extend(short.to_le_bytes());
    }
    for number in [checksum, size, size] {
        head.extend(number.to_le_bytes());
    }
    head.extend(name_bytes.to_le_bytes());
    head.extend([0; 2]);
    head
}

/// A `.npy` up to its cells.
fn header(tensor: &Tensor) -> Vec<u8> {
    let descr = match tensor.dtype() {
        Dtype::F64 => "<f8",
        Dtype::F32 | Dtype::Bf16 => "<f4",
        Dtype::F16 => "<f2",
        Dtype::I64 => "<i8",
        Dtype::I32 => "<i4",
        Dtype::I16 => "<i2",
        Dtype::I8 => "|i1",
        Dtype::U64 => "<u8",
        Dtype::U32 => "<u4",
        Dtype::U16 => "<u2",
        Dtype::U8 => "|u1",
        Dtype::Bool => "|b1",
    };
    let mut shape: String = tensor.shape().iter().map(|size| format!("{size}, ")).collect();
    // A tuple of one needs its comma.
    if tensor.shape().len() != 1 {
        shape.truncate(shape.trim_end_matches(", ").len());
    }
    let shape = shape.trim_end();
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    let before = MAGIC.len() + 2 + 2;
    let padded = (before + text.len() + 1).next_multiple_of(ALIGNMENT) - before;
    text.extend(std::iter::repeat_n(' ', padded - 1 - text.len()));
    text.push('\n');
    // At most 8 axes of 10 digits: far below what two bytes can state.
    let size = (text.len() as u16).to_le_bytes();
    [MAGIC, b"\x01\0", &size, text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_as_numpy_writes_them() {
        for (shape, text) in
            [(&[][..], "()"), (&[3], "(3,)"), (&[2, 3], "(2, 3)"), (&[0, 1], "(0, 1)")]
        {
            let cells = shape.iter().product();
            let tensor = Tensor::from_f32("t", shape, &vec![0.0; cells]).unwrap();
            let header = header(&tensor);
            assert_eq!(header.len() % 64, 0);
            let start = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {text}, }} ");
            assert_eq!(&header[10..10 + start.len()], start.as_bytes());
            assert_eq!(header.last(), Some(&b'\n'));
            assert_eq!(usize::from(header[8]) + 10, header.len());
        }
    }
}
