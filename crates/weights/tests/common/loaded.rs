//! What another library loads from a sample, and whether the same is read here.
#![allow(dead_code)] // Every test file uses its share of it.

use std::collections::BTreeMap;

use serde::Deserialize;
use upconv_weights::{Weights, hash};

/// The tensors of a file, by their names.
pub(crate) type Tensors = BTreeMap<String, Loaded>;

/// A tensor, with its cells in hexadecimal digits, or SHA-256 of them where there are many.
#[derive(Deserialize)]
pub(crate) struct Loaded {
    dtype: String,
    shape: Vec<usize>,
    bytes: Option<String>,
    sha256: Option<String>,
}

/// Names, types, shapes and cells of all tensors; messages call the sample `file`.
pub(crate) fn assert_same(weights: &Weights, tensors: &Tensors, file: &str) {
    assert_eq!(names(weights), tensors.keys().collect::<Vec<_>>(), "{file}");
    for (tensor, (name, loaded)) in weights.tensors().iter().zip(tensors) {
        let got = (tensor.dtype().name(), tensor.shape());
        assert_eq!(got, (&loaded.dtype[..], &loaded.shape[..]), "{file}: {name}");
        match (&loaded.sha256, &loaded.bytes) {
            (Some(sum), _) => assert_eq!(hash::sha256(tensor.bytes()), *sum, "{file}: {name}"),
            (None, bytes) => {
                let hex: String = tensor.bytes().iter().map(|b| format!("{b:02x}")).collect();
                assert_eq!(Some(&hex), bytes.as_ref(), "{file}: {name}");
            }
        }
    }
}

/// The names of all tensors.
pub(crate) fn names(weights: &Weights) -> Vec<&str> {
    weights.tensors().iter().map(|tensor| tensor.name()).collect()
}
