//! Files of Keras and HDF5: what they hold is read as h5py reads it, and broken or hostile ones are named.
//!
//! `tests/keras/make.py` writes the samples, with Keras 2 and 3 and h5py, and what these load from each.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

#[path = "fuzz/keras.rs"]
mod fuzz;
#[path = "common/loaded.rs"]
mod loaded;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use loaded::{Tensors, assert_same, names};
use proptest::prelude::*;
use upconv_weights::{Format, WeightsError, format, hash, keras};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keras")
}

fn sample(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

fn expected() -> BTreeMap<String, Tensors> {
    serde_json::from_slice(&sample("expected.json")).unwrap()
}

fn read(name: &str) -> keras::Model {
    keras::read(&folder().join(name)).unwrap()
}

#[test]
fn every_sample_is_what_h5py_loads() {
    let expected = expected();
    assert_eq!(expected.len(), 9);
    for (file, tensors) in expected {
        let source = format::open(&folder().join(&file)).unwrap();
        assert_eq!(source.format, Format::Keras, "{file}");
        assert_eq!(source.sha256(), hash::sha256(&sample(&file)));
        assert_same(&source.weights, &tensors, &file);
        let again = keras::from_bytes("f", sample(&file)).unwrap();
        assert_eq!(again.weights, source.weights, "{file}");
    }
}

#[test]
fn names_are_put_together() {
    let two = [
        "conv/bias",
        "conv/kernel",
        "inner/dense/bias",
        "inner/dense/kernel",
        "norm/beta",
        "norm/gamma",
        "norm/moving_mean",
        "norm/moving_variance",
        "up/kernel",
    ];
    assert_eq!(names(&read("keras2_model.h5").weights), two);
    assert_eq!(names(&read("keras2_weights.h5").weights), two);
    assert_eq!(names(&read("cut_names.h5").weights), ["caf\u{e9}/kernel", "conv/kernel"]);
    let three = names(&read("keras3_archive.keras").weights).join(" ");
    assert!(three.starts_with("layers/batch_normalization/vars/0 "), "{three}");
    assert!(three.ends_with(" layers/sequential/layers/dense/vars/1"), "{three}");
}

#[test]
fn the_document_tells_the_layers() {
    for file in
        ["keras2_model.h5", "keras3_model.h5", "keras2_archive.keras", "keras3_archive.keras"]
    {
        let model = read(file);
        let config = model.config.unwrap_or_else(|| panic!("{file}: {:?}", model.passed_over));
        assert_eq!(config.class_name, "Functional", "{file}");
        let conv = config.layer("conv").unwrap();
        assert_eq!(conv.class_name, "Conv2D");
        assert_eq!(conv.numbers("kernel_size"), Some(vec![3.0, 2.0]));
        assert_eq!(conv.numbers("strides"), Some(vec![2.0, 1.0]));
        assert_eq!(conv.config["padding"], "same");
        assert_eq!(config.layer("norm").unwrap().number("epsilon"), Some(0.01));
        assert_eq!(config.layer("up").unwrap().class_name, "Conv2DTranspose");
        assert_eq!(config.layer("inner/dense").unwrap().number("units"), Some(3.0));
        // Of the byte code nothing is kept.
        let lambda = config.layer("scale").unwrap();
        assert_eq!(lambda.config.keys().collect::<Vec<_>>(), ["arguments"]);
        assert_eq!(lambda.config["arguments"]["scale"], 0.17);
    }
    assert!(read("keras2_weights.h5").config.is_none());
    let told = |file: &str| {
        read(file)
            .passed_over
            .into_iter()
            .map(|one| format!("{}: {}", one.name, one.what))
            .collect::<Vec<_>>()
    };
    assert_eq!(told("keras2_model.h5"), ["optimizer_weights: the weights of an optimiser"]);
    assert_eq!(told("keras3.weights.h5"), ["optimizer: the weights of an optimiser"]);
    let archive = ["metrics: the state of metrics", "optimizer: the weights of an optimiser"];
    assert_eq!(told("keras2_archive.keras"), archive);
    assert!(told("kinds_latest.h5")[0].starts_with("note: type text; legal: F64"));
}

#[test]
fn what_is_not_read_is_named() {
    for (file, expected) in [
        ("refused_text.h5", "tensor \"a/w\": type text; legal: F64, I64"),
        ("refused_missing.h5", "a: group not found: a"),
        ("refused_nothing.h5", "/: no weights were found in it"),
        ("refused_external.h5", "/: no weights were found in it"),
    ] {
        let error = format::open(&folder().join(file)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\n{expected}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    for bytes in [&b""[..], b"\x89HDF", b"\x89HDF\r\n\x1a\n"] {
        fs::write(&path, bytes).unwrap();
        let error = format::open(&path).unwrap_err();
        assert!(matches!(error, WeightsError::Hdf5 { .. }), "{error}");
    }
}

#[test]
fn cut_at_every_byte() {
    for file in ["cut_names.h5", "kinds_latest.h5", "keras2_weights.h5"] {
        let bytes = sample(file);
        for end in 0..bytes.len() {
            // What is cut off may be room that nothing lies in.
            if let Ok(model) = keras::from_bytes("f", bytes[..end].to_vec()) {
                assert_eq!(model.weights, read(file).weights, "{file} cut at {end}");
            }
        }
    }
}

#[test]
fn sizes_that_lie_are_refused_before_memory_is_asked_for() {
    // The shape of the dataset "unwritten" lies in the file as two numbers of eight bytes, and its largest shape too.
    let mut bytes = sample("kinds_earliest.h5");
    let shape = [2u64, 2, 2, 2].map(u64::to_le_bytes).concat();
    let places: Vec<usize> =
        (0..bytes.len() - 32).filter(|&at| bytes[at..at + 32] == shape).collect();
    assert!(!places.is_empty());
    for place in places {
        for at in [place, place + 16] {
            bytes[at..at + 8].copy_from_slice(&(1u64 << 30).to_le_bytes());
        }
    }
    let error = keras::from_bytes("f", bytes).unwrap_err().to_string();
    assert!(error.contains("the tensors take more than the file can hold"), "{error}");
}

#[test]
fn the_corpus_of_the_fuzzer() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/keras");
    let mut count = 0;
    for entry in fs::read_dir(&corpus).expect("the corpus stands in fuzz/corpus/keras") {
        fuzz::run(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 5, "{count} files in {}", corpus.display());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn damaged_files_never_panic(
        place in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let samples: Vec<String> = expected().into_keys().collect();
        let mut bytes = sample(&samples[place.index(samples.len())]);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        fuzz::run(&bytes);
    }
}
