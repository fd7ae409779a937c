//! What the fuzzer runs on the reader of ONNX models: nothing may panic, and tensors take no more memory than the limits say.
//! Also run by `tests/onnx.rs`, on the corpus and on damaged samples.

use upconv_weights::onnx;

pub(crate) fn run(data: &[u8]) {
    let Ok(model) = onnx::from_bytes("f", data.to_vec()) else { return };
    assert!(model.files.is_empty());
    let bytes: usize = model.weights.tensors().iter().map(|tensor| tensor.bytes().len()).sum();
    // A number of 64 bits may be written in one byte.
    assert!(bytes <= 8 * data.len(), "{bytes} bytes of tensors in {} bytes", data.len());
}
