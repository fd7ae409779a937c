//! What the fuzzer runs on the reader of TensorFlow.js models: nothing may panic, and tensors take no more memory than their
//! shards say. Also run by `tests/tfjs.rs`, on the corpus.

use std::fs;
use std::sync::LazyLock;

use upconv_weights::tfjs;

/// Bytes of each of the shards; the documents of the corpus fit them.
const SHARDS: [(&str, usize); 3] = [("m-1of2.bin", 11), ("m-2of2.bin", 14), ("more.bin", 4)];

/// A folder with the shards.
static FOLDER: LazyLock<Option<tempfile::TempDir>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().ok()?;
    for (name, bytes) in SHARDS {
        fs::write(folder.path().join(name), vec![1; bytes]).ok()?;
    }
    Some(folder)
});

/// Reads bytes as the document of a model.
pub(crate) fn run(data: &[u8]) {
    let folder = FOLDER.as_ref().map(tempfile::TempDir::path);
    let Some(document) = folder.map(|folder| folder.join("model.json")) else {
        panic!("there is no place for the files of the model");
    };
    assert!(fs::write(&document, data).is_ok(), "the document cannot be written");
    let Ok(model) = tfjs::read(&document) else { return };
    let bytes: usize = model.weights.tensors().iter().map(|tensor| tensor.bytes().len()).sum();
    // Numbers of one byte are widened to four.
    let shards: u64 = model.files[1..].iter().map(|file| file.bytes).sum();
    assert!(bytes as u64 <= 4 * shards, "{bytes} bytes of tensors in {shards} bytes");
}
