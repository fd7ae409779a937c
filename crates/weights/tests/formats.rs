//! Formats are told apart by content: every sample in the folders of the tests is what it is, under any name.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use upconv_weights::{Format, format};

mod common;

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Samples that are read no further than to what is wrong with them, and have other names than `refused_`.
const REFUSED: [&str; 1] = ["negative_zip.pt"];

/// All samples, and the format of each by its path.
fn samples() -> Vec<(PathBuf, &'static str)> {
    let mut samples = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["caffe", "keras", "numpy", "onnx", "tf", "torch"].map(|name| tests().join(name)).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Some(name) = by_name(&path) {
                samples.push((path, name));
            }
        }
    }
    samples.sort();
    samples
}

/// What a sample is; nothing for what is no sample, or a part of one that only the rest gives a meaning to.
fn by_name(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?;
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension {
        "caffemodel" => "caffemodel",
        "binaryproto" => "binaryproto",
        "h5" | "keras" => "keras",
        "npy" => "npy",
        "npz" => "npz",
        "onnx" => "onnx",
        "pt" => "torch",
        "pb" if name == "saved_model.pb" => "saved_model",
        "pb" if name != "fingerprint.pb" => "graph_def",
        "ckpt" | "index" => "tf_checkpoint",
        "json" if name == "model.json" => "tfjs_layers",
        _ if extension.starts_with("ckpt-") => "tf_checkpoint",
        _ => return None,
    })
}

#[test]
fn every_sample_is_told_by_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let unnamed = folder.path().join("sample");
    let samples = samples();
    for (path, name) in &samples {
        assert_eq!(format::detect(path).unwrap().name(), *name, "{}", path.display());
        fs::copy(path, &unnamed).unwrap();
        let got = format::detect(&unnamed).map(Format::name);
        assert_eq!(got.unwrap(), *name, "{} under another name", path.display());
    }
    let found: BTreeSet<&str> = samples.iter().map(|(_, name)| *name).collect();
    // Of the other two, tests make the files.
    let made = ["safetensors", "tfjs_graph"];
    let all: BTreeSet<&str> = Format::ALL.iter().map(|format| format.name()).collect();
    assert_eq!(found.into_iter().chain(made).collect::<BTreeSet<_>>(), all);
    assert!(samples.len() >= 90, "{}", samples.len());
}

#[test]
fn what_is_not_refused_opens_as_what_it_is() {
    let mut opened = 0;
    for (path, name) in samples() {
        let file = path.file_name().unwrap().to_str().unwrap();
        match format::open(&path) {
            Ok(source) => {
                assert_eq!(source.format.name(), name, "{}", path.display());
                assert!(source.sha256().len() == 64 && !source.files.is_empty());
                opened += 1;
            }
            Err(error) => {
                assert!(file.starts_with("refused_") || REFUSED.contains(&file), "{error}");
                assert!(!error.to_string().contains("no known weight format"), "{error}");
            }
        }
    }
    assert!(opened >= 60, "{opened}");
    let model = common::Model::small();
    assert_eq!(format::open(&model.write()).unwrap().format, Format::TfjsGraph);
    let path = model.folder.path().join("weights");
    fs::write(&path, common::bytes_of(&common::weights())).unwrap();
    assert_eq!(format::open(&path).unwrap().format, Format::Safetensors);
}

#[test]
fn folders_and_prefixes_are_told_too() {
    for (place, name) in [
        ("tf/saved_model", "saved_model"),
        ("tf/saved_model_v1", "saved_model"),
        ("tf/run", "tf_checkpoint"),
        ("tf/v2.ckpt", "tf_checkpoint"),
        ("tf/v1_sharded.ckpt", "tf_checkpoint"),
        ("tf/v2_sharded.ckpt.data-00001-of-00002", "tf_checkpoint"),
    ] {
        assert_eq!(format::open(&tests().join(place)).unwrap().format.name(), name, "{place}");
    }
    for place in ["tf", "torch", "caffe/plain.prototxt", "onnx/outside.data", "onnx/make.py"] {
        assert!(format::detect(&tests().join(place)).is_err(), "{place}");
    }
}

#[test]
fn beginnings_that_are_alike_are_told_apart() {
    for (begin, name) in [
        // Sizes of headers whose bytes are also keys of ONNX, of graphs, of nets and of blobs: 0x120308 and so on.
        (&b"\x08\x03\x12\0\0\0\0\0{\"a\":"[..], "safetensors"),
        (b"\x0a\x10\x0a\x01\0\0\0\0{\"a\":", "safetensors"),
        (b"\x2a\x08\0\0\0\0\0\0{\"a\":", "safetensors"),
        (b"\x80\x02\0\0\0\0\0\0{\"a\":", "safetensors"),
        // The version of the format and the producer; four sizes of a blob; the version of a model and its graph.
        (b"\x08\x07\x12\x07pytorch\x3a\x30\x0a\x10", "onnx"),
        (b"\x08\x03\x10\x03\x18\x02\x20\x02\x2a\x30\0\0\xd0\x42", "binaryproto"),
        (b"\x08\x01\x12\x30\x0a\x02\x2a\0\x12\x10\x0a\x0e", "saved_model"),
        // A node with a name and an operation; the name of a net and its first layer.
        (b"\x0a\x10\x0a\x01x\x12\x0bPlaceholder", "graph_def"),
        (b"\x0a\x05VGG16\xa2\x06\x20\x0a\x05conv1", "caffemodel"),
        // A graph and operators' version where a blob has its cells.
        (b"\x08\x07\x3a\x02\x12\x00\x42\x08\x0a\x04abcd\x10\x0d", "onnx"),
        (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "torch"),
        (b"\x89HDF\r\n\x1a\n", "keras"),
    ] {
        let found = Format::of(begin).map(Format::name);
        assert_eq!(found, Some(name), "{}", begin.escape_ascii());
    }
}
