//! What the fuzzer runs on the reader of PyTorch's files: nothing may panic, and tensors take no more memory than the limits say.
//! Also run by `tests/torch.rs`, on the corpus and on damaged samples.

use upconv_weights::{limits, torch};

pub(crate) fn run(data: &[u8]) {
    let Ok(model) = torch::from_bytes("f", data.to_vec()) else { return };
    let bytes: usize = model.weights.tensors().iter().map(|tensor| tensor.bytes().len()).sum();
    let most = limits::MAX_SHARING * limits::MAPPED_BYTES.max(data.len() as u64);
    assert!(bytes as u64 <= most, "{bytes} bytes of tensors in {} bytes", data.len());
}
