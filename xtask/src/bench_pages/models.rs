//! Whole networks beside others: what `peak_memory.py --json` and `compare_models.py --json` wrote.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Lang, cell};

/// A file of `peak_memory.py --json`.
#[derive(Deserialize)]
pub(super) struct Memory {
    memory: Vec<Peaks>,
}

#[derive(Deserialize)]
struct Peaks {
    id: String,
    model: String,
    /// By library; none where it does not have the network.
    peak_bytes: BTreeMap<String, Option<f64>>,
}

/// A file of `compare_models.py --json`.
#[derive(Deserialize)]
pub(super) struct Differences {
    models: Vec<Difference>,
}

#[derive(Deserialize)]
struct Difference {
    id: String,
    model: String,
    cells: usize,
    largest: f64,
    torch: f64,
    onnxruntime: f64,
    torch_onnxruntime: f64,
}

/// One line for each network.
pub(super) fn memory(file: &Memory, lang: Lang) -> String {
    let mut out = lang
        .pick(
            "\n| id | network | MiB | PyTorch | ONNX Runtime | TensorFlow Lite |\n",
            "\n| 编号 | 网络 | MiB | PyTorch | ONNX Runtime | TensorFlow Lite |\n",
        )
        .to_owned();
    out += "| --- | --- | ---: | ---: | ---: | ---: |\n";
    for Peaks { id, model, peak_bytes } in &file.memory {
        let mib = |name: &str| {
            let bytes = peak_bytes.get(name).copied().flatten();
            cell(bytes.map(|bytes| format!("{:.0}", bytes / f64::from(1 << 20))))
        };
        let [ours, torch, onnx, lite] = ["upconv", "torch", "onnxruntime", "tflite"].map(mib);
        out += &format!("| {id} | {model} | {ours} | {torch} | {onnx} | {lite} |\n");
    }
    out + "\n"
}

/// The same.
pub(super) fn differences(file: &Differences, lang: Lang) -> String {
    let mut out = lang
        .pick(
            "\n| id | network | elements | largest | from PyTorch | from ONNX Runtime | between these two |\n",
            "\n| 编号 | 网络 | 元素 | 最大值 | 与 PyTorch 相差 | 与 ONNX Runtime 相差 | 这两者相差 |\n",
        )
        .to_owned();
    out += "| --- | --- | ---: | ---: | ---: | ---: | ---: |\n";
    for row in &file.models {
        let Difference { id, model, cells, largest, torch, onnxruntime, torch_onnxruntime } = row;
        out += &format!(
            "| {id} | {model} | {cells} | {largest:.3} | {torch:.1e} | {onnxruntime:.1e} | {torch_onnxruntime:.1e} |\n"
        );
    }
    out + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_each_network() {
        let text = r#"{"memory": [{"id": "M1", "model": "a",
            "peak_bytes": {"upconv": 1048576, "torch": 3145728, "onnxruntime": null}}]}"#;
        let table = memory(&serde_json::from_str(text).unwrap(), Lang::En);
        assert!(table.ends_with("| M1 | a | 1 | 3 | n/a | n/a |\n\n"), "{table}");
        let text = r#"{"models": [{"id": "M1", "model": "a", "cells": 7, "largest": 2.5,
            "torch": 1.5e-6, "onnxruntime": 2e-6, "torch_onnxruntime": 3e-7}]}"#;
        let table = differences(&serde_json::from_str(text).unwrap(), Lang::En);
        assert!(
            table.ends_with("| M1 | a | 7 | 2.500 | 1.5e-6 | 2.0e-6 | 3.0e-7 |\n\n"),
            "{table}"
        );
    }
}
