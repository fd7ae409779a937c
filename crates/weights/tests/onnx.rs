//! ONNX models: what they hold is read as onnx and ONNX Runtime read it, and broken or hostile ones are named.
//!
//! `tests/onnx/make.py` writes the samples, and what these two find in each.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

#[path = "fuzz/onnx.rs"]
mod fuzz;
#[path = "common/loaded.rs"]
mod loaded;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use loaded::{Tensors, assert_same};
use proptest::prelude::*;
use upconv_weights::onnx::{self, Attribute};
use upconv_weights::{Dtype, Format, Tensor, Weights, format};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx")
}

fn sample(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

fn expected() -> BTreeMap<String, Tensors> {
    serde_json::from_slice(&sample("expected.json")).unwrap()
}

fn error(bytes: &[u8]) -> String {
    onnx::from_bytes("f", bytes.to_vec()).unwrap_err().to_string()
}

#[test]
fn every_sample_is_what_onnx_loads() {
    let expected = expected();
    assert_eq!(expected.len(), 3);
    for (file, tensors) in expected {
        let source = format::open(&folder().join(&file)).unwrap();
        assert_eq!(source.format, Format::Onnx, "{file}");
        assert_same(&source.weights, &tensors, &file);
    }
    let outside = format::open(&folder().join("outside.onnx")).unwrap();
    let files: Vec<_> = outside.files.iter().map(|file| (&file.name[..], file.bytes)).collect();
    assert_eq!(files, [("outside.onnx", 151), ("outside.data", 400)]);
    let kinds = format::open(&folder().join("kinds.onnx")).unwrap();
    assert_eq!((&kinds.passed_over[0].name[..], &kinds.passed_over[0].what[..]), ("note", "text"));
}

#[test]
fn the_graph_says_what_the_weights_are_for() {
    let graph = onnx::read(&folder().join("network.onnx")).unwrap().graph;
    assert_eq!((&graph.inputs[..], &graph.outputs[..]), (&["x".into()][..], &["out".into()][..]));
    let up = graph.users("up.weight").next().unwrap();
    assert_eq!((&up.name[..], &up.op[..]), ("up", "ConvTranspose"));
    assert_eq!(up.inputs, ["x", "up.weight", "bias"]);
    assert_eq!(up.attributes["strides"], Attribute::Ints(vec![2, 1]));
    assert_eq!(up.attributes["auto_pad"], Attribute::Text("SAME_UPPER".into()));
    assert_eq!(graph.maker("z").unwrap().attributes["alpha"], Attribute::Float(0.1));
    assert_eq!(graph.maker("bias").unwrap().attributes["value"], Attribute::Tensor);
    assert!(graph.maker("up.weight").is_none());
}

#[test]
fn what_is_not_read_is_named() {
    for (file, expected) in [
        ("complex", "tensor \"w\": type number 14 of ONNX; legal: F64, I64"),
        ("sparse", "graph.sparse_initializer at byte"),
        ("up", "\"../onnx/outside.data\" must be a path inside the folder of the document"),
        ("absolute", "\"/etc/hostname\" must be a path inside the folder of the document"),
        ("beyond", "tensor \"w\" needs 4 bytes from byte 1099511627776 on, but 0 are there"),
        ("missing", "none.data: No such file"),
    ] {
        let path = folder().join(format!("refused_{file}.onnx"));
        let error = format::open(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\n{expected}");
    }
    let away = error(&sample("outside.onnx"));
    assert!(away.contains("lies in another file, and there is no folder to look in"), "{away}");
    assert_eq!(error(b""), "f: graph at byte 0: there is none: this is no ONNX model");
}

#[cfg(unix)]
#[test]
fn a_link_does_not_lead_out_of_the_folder() {
    let away = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(away.path().join("outside.data"), [0; 400]).unwrap();
    let path = folder.path().join("outside.onnx");
    fs::write(&path, sample("outside.onnx")).unwrap();
    let link = folder.path().join("outside.data");
    std::os::unix::fs::symlink(away.path().join("outside.data"), link).unwrap();
    let error = onnx::read(&path).unwrap_err().to_string();
    assert!(error.contains("leads outside of the folder of the document"), "{error}");
}

/// A model of one initializer with these bytes of its message.
fn with_tensor(tensor: &[u8]) -> Vec<u8> {
    let sized = |key: u8, bytes: &[u8]| [&[key, bytes.len() as u8][..], bytes].concat();
    [&[8, 8][..], &sized(0x3a, &sized(0x2a, tensor))].concat()
}

#[test]
fn tensors_that_lie() {
    // Shape [2], type F32, name "w", 8 raw bytes.
    let honest = b"\x08\x02\x10\x01\x42\x01w\x4a\x08\0\0\x80\x3f\0\0\0\x40";
    let weights = onnx::from_bytes("f", with_tensor(honest)).unwrap().weights;
    assert_eq!(weights.get("w").unwrap().to_f32().unwrap(), [1.0, 2.0]);
    for (tensor, expected) in [
        (&b"\x08\x03\x10\x01\x42\x01w\x4a\x04\0\0\0\0"[..], "takes 12 bytes, but 4 are given"),
        (b"\x08\x02\x10\x01\x42\x01w", "takes 8 bytes, but 0 are given"),
        (
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\x01\x42\x01w",
            "shape [-1]; legal: who",
        ),
        (b"\x08\xff\xff\xff\xff\x07\x08\xff\xff\xff\xff\x07\x10\x01\x42\x01w", "has more than"),
        (
            b"\x08\x01\x08\x01\x08\x01\x08\x01\x08\x01\x08\x01\x08\x01\x08\x01\x08\x01",
            "more than 8",
        ),
        (b"\x08\x02\x10\x01", "its name has 0 bytes"),
        (b"\x08\x01\x10\x07\x42\x01w\x3a\x02\x01\x02", "more than 1 numbers"),
        (b"\x08\x01\x10\x01\x42\x01w\x22\x03abc", "3 bytes are no numbers of 4 bytes each"),
        (b"\x08\x02\x10\x01\x42\x01w\x4a\x7f", "cut short"),
    ] {
        let error = error(&with_tensor(tensor));
        assert!(error.contains(expected), "{error}\n{expected}");
    }
}

#[test]
fn written_weights_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.onnx");
    let tensors = Dtype::ALL.map(|dtype| {
        let bytes = (0..6 * dtype.bytes()).map(|byte| (byte % 2) as u8).collect();
        Tensor::new(dtype.name(), dtype, vec![2, 3], bytes).unwrap()
    });
    let scalar = Tensor::from_f32("scalar", &[], &[0.5]).unwrap();
    let empty = Tensor::from_f32("empty", &[3, 0], &[]).unwrap();
    let large = Tensor::from_f32("large", &[1000], &vec![0.25; 1000]).unwrap();
    let tensors = tensors.into_iter().chain([scalar, empty, large]).collect();
    let weights = Weights::new(None, tensors).unwrap();
    onnx::write_weights(&weights, &path).unwrap();
    let source = format::open(&path).unwrap();
    assert_eq!((source.format, &source.weights), (Format::Onnx, &weights));
    // As protobuf writes it: IR version 8, then producer "upconv".
    assert!(fs::read(&path).unwrap().starts_with(b"\x08\x08\x12\x06upconv\x1a"));
}

#[test]
fn cut_at_every_byte() {
    for file in ["kinds.onnx", "network.onnx"] {
        let bytes = sample(file);
        let whole = onnx::from_bytes("f", bytes.clone()).unwrap();
        for end in 0..bytes.len() {
            // What stands after the graph says nothing about weights.
            if let Ok(model) = onnx::from_bytes("f", bytes[..end].to_vec()) {
                assert_eq!(model.weights, whole.weights, "{file} cut at {end}");
                assert_eq!(model.graph, whole.graph, "{file} cut at {end}");
            }
        }
    }
}

#[test]
fn the_corpus_of_the_fuzzer() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/onnx");
    let mut count = 0;
    for entry in fs::read_dir(&corpus).expect("the corpus stands in fuzz/corpus/onnx") {
        fuzz::run(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 5, "{count} files in {}", corpus.display());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn damaged_files_never_panic(
        network in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = sample(if network { "network.onnx" } else { "kinds.onnx" });
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        fuzz::run(&bytes);
    }
}
