//! What the fuzzer runs on the reader of Keras's files: nothing may panic, and tensors take no more memory than the limits say.
//! Also run by `tests/keras.rs`, on the corpus and on damaged samples.

use upconv_weights::{keras, limits};

pub(crate) fn run(data: &[u8]) {
    // The same bytes as a document.
    let _ = keras::Config::from_json("f", data);
    let Ok(model) = keras::from_bytes("f", data.to_vec()) else { return };
    let bytes: usize = model.weights.tensors().iter().map(|tensor| tensor.bytes().len()).sum();
    // An archive may be packed, and so may the datasets in it.
    let most = limits::MAX_INFLATION * limits::MAX_INFLATION * data.len() as u64;
    assert!(bytes as u64 <= most, "{bytes} bytes of tensors in {} bytes", data.len());
}
