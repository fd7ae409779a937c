//! What the fuzzer runs on the reader of NumPy's files: nothing may panic, and tensors take no more memory than the limits say.
//! Also run by `tests/numpy.rs`, on the corpus and on damaged samples.

use upconv_weights::{limits, numpy};

pub(crate) fn run(data: &[u8]) {
    let Ok(weights) = numpy::from_bytes("f", data.to_vec()) else { return };
    let bytes: usize = weights.tensors().iter().map(|tensor| tensor.bytes().len()).sum();
    // An entry may be packed, and a pickle in it may name an array more than once; a number is 8 bytes.
    let most = limits::MAX_INFLATION * limits::MAX_SHARING.max(8) * data.len() as u64;
    assert!(bytes as u64 <= most, "{bytes} bytes of tensors in {} bytes", data.len());
}
