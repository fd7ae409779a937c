//! The key under which a table keeps a part of a tensor: 0, the name, the number of axes, and where the part begins and
//! how long it is along each, in a form whose bytes sort as the values do.
//!
//! # Source
//! TensorFlow 2.21: `EncodeTensorNameSlice` in `core/util/saved_tensor_slice_util.cc`, and
//! `core/lib/strings/ordered_code.cc`.

use super::parts::Extent;

/// How every key of a part begins: the number 0.
pub(super) const BEGIN: u8 = 0;

/// The key of the part of tensor `name` with these extents.
pub(super) fn of(name: &str, extents: &[Extent]) -> Vec<u8> {
    let mut key = vec![BEGIN];
    for byte in name.bytes() {
        match byte {
            0 => key.extend([0, 0xff]),
            0xff => key.extend([0xff, 0]),
            _ => key.push(byte),
        }
    }
    key.extend([0, 1]);
    unsigned(&mut key, extents.len() as u64);
    for extent in extents {
        // A part that is as long as the tensor has a length of -1.
        let (begin, length) = extent.map_or((0, -1), |(begin, length)| (begin, length));
        signed(&mut key, begin);
        signed(&mut key, length);
    }
    key
}

/// The number of bytes, and the bytes, the highest first.
fn unsigned(key: &mut Vec<u8>, number: u64) {
    let bytes = number.to_be_bytes();
    let zeros = number.leading_zeros() as usize / 8;
    key.push((bytes.len() - zeros) as u8);
    key.extend(&bytes[zeros..]);
}

/// Two's complement, the highest byte first, in as few bytes as hold the bits and as many marks as there are bytes: ones
/// before the first 0 of a number that is not negative, and the other way about.
fn signed(key: &mut Vec<u8>, number: i64) {
    let magnitude = if number < 0 { !number } else { number };
    let bits = (u64::BITS - magnitude.leading_zeros()) as usize;
    // The sign and as many marks as there are bytes leave 7 bits of each byte.
    let count = bits / 7 + 1;
    let wide = i128::from(number).to_be_bytes();
    let begin = key.len();
    key.extend(&wide[wide.len() - count..]);
    // `count` ones from the highest bit on.
    let marks = !(u16::MAX >> count);
    key[begin] ^= (marks >> 8) as u8;
    if count > 1 {
        key[begin + 1] ^= marks as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length() {
        let code = |number| {
            let mut key = Vec::new();
            signed(&mut key, number);
            key
        };
        // By hand of the rule: the bits of the number, with as many leading ones (zeros below 0) as there are bytes.
        assert_eq!(code(0), [0x80]);
        assert_eq!(code(-1), [0x7f]);
        assert_eq!(code(63), [0xbf]);
        assert_eq!(code(64), [0xc0, 0x40]);
        assert_eq!(code(-64), [0x40]);
        assert_eq!(code(-65), [0x3f, 0xbf]);
        assert_eq!(code(8191), [0xdf, 0xff]);
        assert_eq!(code(8192), [0xe0, 0x20, 0]);
        assert_eq!(code(10000), [0xe0, 0x27, 0x10]);
        assert_eq!(
            code(i64::MAX),
            [0xff, 0xc0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..]
        );
        assert_eq!(code(i64::MIN), [0, 0x3f, 0x80, 0, 0, 0, 0, 0, 0, 0]);
        // Sorted as bytes they are sorted as numbers.
        let mut numbers: Vec<i64> = (0..63).flat_map(|bit| [1 << bit, (1 << bit) - 1]).collect();
        numbers.extend(numbers.clone().iter().map(|number| !number));
        numbers.sort_unstable();
        assert!(numbers.iter().map(|&number| code(number)).is_sorted());
    }

    #[test]
    fn as_tensorflow_writes_it() {
        // Keys of tests/tf/v2_parts.ckpt.index: `xxd` shows them.
        assert_eq!(
            of("parts/columns", &[Some((0, 2)), Some((0, 3)), Some((0, 3))]),
            b"\0parts/columns\0\x01\x01\x03\x80\x82\x80\x83\x80\x83"
        );
        assert_eq!(of("w", &[None]), b"\0w\0\x01\x01\x01\x80\x7f");
        assert_eq!(of("a\0\u{e9}", &[]), b"\0a\0\xff\xc3\xa9\0\x01\0");
    }
}
