//! What the fuzzer runs on the reader of our own files: nothing may panic, and what is read is written and read again as
//! it was. Also run by `tests/safetensors.rs`, on the corpus and on damaged samples.

use upconv_weights::Weights;

pub(crate) fn run(data: &[u8]) {
    let Ok(weights) = Weights::from_bytes("f", data) else { return };
    let bytes: usize = weights.tensors().iter().map(|tensor| tensor.bytes().len()).sum();
    assert!(bytes <= data.len(), "{bytes} bytes of tensors in {} bytes", data.len());
    let mut written = Vec::new();
    let hash = weights.weights_hash();
    // Names that are kept for metadata are read, and not written.
    if weights.write_to(&mut written).is_ok() {
        let again = Weights::from_bytes("f", &written).map(|weights| weights.weights_hash());
        assert!(
            again.is_ok_and(|again| again == hash),
            "written and read again it is another file"
        );
    }
}
