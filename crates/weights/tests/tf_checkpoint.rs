//! Checkpoints of TensorFlow: what it wrote is read as it reads it itself, by every path that people give, and broken or
//! hostile ones are named.
//!
//! `tests/tf/make.py` writes the samples, and what TensorFlow reads from each.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use upconv_weights::{Format, Weights, format, hash, tf_checkpoint};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tf")
}

fn sample(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

#[derive(Deserialize)]
struct Expected {
    tensors: BTreeMap<String, Loaded>,
    passed_over: Vec<String>,
}

#[derive(Deserialize)]
struct Loaded {
    dtype: String,
    shape: Vec<usize>,
    bytes: Option<String>,
    sha256: Option<String>,
}

/// What TensorFlow reads from each checkpoint.
fn expected() -> BTreeMap<String, Expected> {
    let mut all: BTreeMap<String, Expected> =
        serde_json::from_slice(&sample("expected.json")).unwrap();
    all.retain(|name, _| !name.ends_with(".pb"));
    all
}

fn names(weights: &Weights) -> Vec<&str> {
    weights.tensors().iter().map(|tensor| tensor.name()).collect()
}

#[test]
fn every_sample_is_what_tensorflow_reads() {
    let expected = expected();
    assert_eq!(expected.len(), 10);
    for (prefix, Expected { tensors, passed_over }) in expected {
        let source = format::open(&folder().join(&prefix)).unwrap();
        assert_eq!(source.format, Format::TfCheckpoint, "{prefix}");
        assert_eq!(names(&source.weights), tensors.keys().collect::<Vec<_>>(), "{prefix}");
        for (name, Loaded { dtype, shape, bytes, sha256 }) in tensors {
            let tensor = source.weights.get(&name).unwrap();
            assert_eq!((tensor.dtype().name(), tensor.shape()), (&dtype[..], &shape[..]), "{name}");
            let hex: String = tensor.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            match sha256 {
                Some(sum) => assert_eq!(hash::sha256(tensor.bytes()), sum, "{prefix}: {name}"),
                None => assert_eq!(Some(hex), bytes, "{prefix}: {name}"),
            }
        }
        let passed: Vec<_> = source.passed_over.iter().map(|passed| &passed.name[..]).collect();
        assert_eq!(passed, passed_over, "{prefix}");
    }
    let read = tf_checkpoint::read(&folder().join("v2.ckpt")).unwrap();
    let held: Vec<_> =
        read.passed_over.iter().map(|passed| (&passed.name[..], &passed.what[..])).collect();
    assert_eq!(held, [("names", "DT_STRING"), ("waves", "DT_COMPLEX64")]);
}
