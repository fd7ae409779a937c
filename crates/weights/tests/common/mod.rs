//! Small models as files.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.
#![allow(dead_code)] // Every test file uses its share of it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use upconv_weights::{Metadata, Tensor, Weights};

/// A safetensors file of a header that may say anything.
pub(crate) fn safetensors(header: &str, cells: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(cells);
    bytes
}

/// Good weights with metadata and more than one type.
pub(crate) fn weights() -> Weights {
    let a = Tensor::from_f32("a", &[2, 2], &[1.0, -2.0, 0.5, 3.25]).unwrap();
    let half = a.to_f16().unwrap().renamed("half");
    let count = Tensor::new("n", upconv_weights::Dtype::I64, vec![], vec![1; 8]).unwrap();
    let empty = Tensor::from_f32("empty", &[0, 3], &[]).unwrap();
    let mut metadata = Metadata::new("demo");
    metadata.licence = Some("MIT".into());
    Weights::new(Some(metadata), vec![a, half, count, empty]).unwrap()
}

pub(crate) fn bytes_of(weights: &Weights) -> Vec<u8> {
    let mut bytes = Vec::new();
    weights.write_to(&mut bytes).unwrap();
    bytes
}

/// A TF.js model in a folder, which goes when this does.
pub(crate) struct Model {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) document: Value,
    pub(crate) shards: Vec<(String, Vec<u8>)>,
}

/// Values of [`Model::small`]: `conv/filter` is `[1, 2, 1, 2]`.
pub(crate) const FILTER: [f32; 4] = [1.0, 2.0, -0.5, 0.25];

impl Model {
    /// Every way to store values, over two shards of which the border is inside of a tensor, and a second
    /// group.
    pub(crate) fn small() -> Self {
        let mut first: Vec<u8> = Vec::new();
        // F16 of 1, 2, -0.5, 0.25.
        first.extend([0x00, 0x3c, 0x00, 0x40, 0x00, 0xb8, 0x00, 0x34]);
        first.extend([7i32.to_le_bytes(), (-7i32).to_le_bytes()].concat());
        first.extend([0, 128, 255]);
        first.extend([0x00, 0x00, 0xff, 0xff]);
        first.extend([1, 0]);
        let second = 2.5f32.to_le_bytes().to_vec();
        let split = first.split_off(11);
        let document = json!({
            "format": "graph-model",
            "generatedBy": "a test",
            "modelTopology": {"node": [
                {"name": "x", "op": "Placeholder", "attr": {}},
                {"name": "conv/filter", "op": "Const", "attr": {"dtype": {"type": "DT_FLOAT"}}},
                {"name": "conv", "op": "Conv2D", "input": ["x", "conv/filter"],
                 "attr": {"padding": {"s": "U0FNRQ=="}, "strides": {"list": {"i": ["1", "2", "2", "1"]}}}},
            ], "library": {}, "versions": {"producer": 1}},
            "weightsManifest": [
                {"paths": ["m-1of2.bin", "m-2of2.bin"], "weights": [
                    {"name": "conv/filter", "shape": [1, 2, 1, 2], "dtype": "float32",
                     "quantization": {"dtype": "float16", "original_dtype": "float32"}},
                    {"name": "size", "shape": [2], "dtype": "int32"},
                    {"name": "bytes", "shape": [3], "dtype": "float32",
                     "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1.0}},
                    {"name": "words", "shape": [2], "dtype": "float32",
                     "quantization": {"dtype": "uint16", "scale": 1.0, "min": 0.0}},
                    {"name": "flags", "shape": [2], "dtype": "bool"},
                ]},
                {"paths": ["more.bin"], "weights": [
                    {"name": "bias", "shape": [1], "dtype": "float32"},
                    {"name": "nothing", "shape": [0], "dtype": "float32"},
                ]},
            ],
        });
        let shards = [("m-1of2.bin", first), ("m-2of2.bin", split), ("more.bin", second)];
        let shards = shards.map(|(name, bytes)| (name.to_owned(), bytes)).into();
        Self { folder: tempfile::tempdir().unwrap(), document, shards }
    }

    /// Writes all files, and gives the path of the document.
    pub(crate) fn write(&self) -> PathBuf {
        for (name, bytes) in &self.shards {
            fs::write(self.folder.path().join(name), bytes).unwrap();
        }
        let path = self.path();
        fs::write(&path, self.document.to_string()).unwrap();
        path
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("model.json")
    }
}

/// Names in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
