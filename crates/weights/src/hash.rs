//! SHA-256: of files, and of weights whatever file they are in.

use std::convert::Infallible;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::tensor::Tensor;

/// One line by which two machines compare weights.
///
/// SHA-256, in lower-case hexadecimal digits, of each tensor in the order of its name's bytes; of a tensor:
///
/// 1. the number of bytes of its name, then the name in UTF-8
/// 2. the number of bytes of its type's name, then that name (`F32`, as in safetensors)
/// 3. the number of its axes, then the cells along each
/// 4. the number of bytes of its cells, then the cells, row-major and little-endian
///
/// Every number is 8 bytes, little-endian. Neither the order in a file nor its metadata play a part.
///
/// ```
/// use upconv_weights::{Tensor, hash::weights_hash};
/// let a = Tensor::from_f32("a", &[1], &[1.0])?;
/// let b = Tensor::from_f32("b", &[], &[2.0])?;
/// assert_eq!(weights_hash([&a, &b]), weights_hash([&b, &a]));
/// assert_ne!(weights_hash([&a]), weights_hash([&a.clone().reshaped(&[1, 1])?]));
/// # Ok::<(), upconv_weights::WeightsError>(())
/// ```
pub fn weights_hash<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> String {
    let mut tensors: Vec<&Tensor> = tensors.into_iter().collect();
    tensors.sort_by_key(|tensor| tensor.name());
    let mut digest = Sha256::new();
    let number = |digest: &mut Sha256, n: usize| digest.update((n as u64).to_le_bytes());
    for tensor in tensors {
        for part in [tensor.name().as_bytes(), tensor.dtype().name().as_bytes()] {
            number(&mut digest, part.len());
            digest.update(part);
        }
        number(&mut digest, tensor.shape().len());
        for &size in tensor.shape() {
            number(&mut digest, size);
        }
        number(&mut digest, tensor.byte_len());
        let Ok(()) = tensor.pieces(&mut |piece| {
            digest.update(piece);
            Ok::<(), Infallible>(())
        });
    }
    hex(&digest.finalize())
}

/// SHA-256 of bytes, in lower-case hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_byte_by_byte() {
        let tensor = Tensor::from_f32("ab", &[1, 2], &[1.0, -2.0]).unwrap();
        let mut bytes = Vec::new();
        bytes.extend([2, 0, 0, 0, 0, 0, 0, 0, b'a', b'b']);
        bytes.extend([3, 0, 0, 0, 0, 0, 0, 0, b'F', b'3', b'2']);
        bytes.extend([2, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend([1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend([8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
        assert_eq!(weights_hash([&tensor]), sha256(&bytes));
    }

    #[test]
    fn known_digest() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            sha256(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn names_and_cells_do_not_run_together() {
        let tensor = |name: &str, cells: &[u8]| {
            Tensor::new(name, crate::Dtype::U8, vec![cells.len()], cells.to_vec()).unwrap()
        };
        assert_ne!(
            weights_hash([&tensor("ab", b"c"), &tensor("d", b"")]),
            weights_hash([&tensor("a", b"bc"), &tensor("d", b"")])
        );
    }
}
