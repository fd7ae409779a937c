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
