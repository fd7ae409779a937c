//! The ONNX project's own node tests, for the operators that we have.
//!
//! They are fetched, not committed: `cargo xtask fetch onnx`, then `cargo xtask test --with-data`.
//! Without that, the tests below say what was skipped. Names and counts: `golden/onnx_node_tests.json`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ops;
mod proto;

use ops::{Operator, Output};
use prost::Message;
use proto::{Model, Tensor};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Tests that are refused on purpose, with the reason. Each must be refused: an unexpected pass fails.
const REFUSED: [(&str, &str); 0] = [];

/// The groups that we run, and how many tests each has in onnx 1.19.0. The groups `test_upsample` and
/// `test_col2im` of the same list belong to a deprecated operator and to an operator that we do not
/// offer by itself.
const GROUPS: [(&str, usize); 4] = [
    ("test_convtranspose", 11),
    ("test_maxunpool", 2),
    ("test_resize", 39),
    ("test_depthtospace", 2),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn names(group: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join("golden/onnx_node_tests.json")).unwrap();
    let list: serde_json::Value = serde_json::from_str(&text).unwrap();
    let names = list["names"][group].as_array().unwrap();
    names.iter().map(|n| n.as_str().unwrap().to_owned()).collect()
}

fn read<M: Message + Default>(path: &Path) -> M {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    M::decode(bytes.as_slice()).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Reads one test, runs it through every path, and compares. The result says which paths ran.
fn run(folder: &Path) -> Result<Vec<String>, String> {
    let graph = read::<Model>(&folder.join("model.onnx")).graph.ok_or("no graph")?;
    let [node] = graph.node.as_slice() else { return Err("not a single node".into()) };
    let data = folder.join("test_data_set_0");
    // Graph inputs are numbered in order; the node names them, or leaves an optional one empty.
    let tensors: BTreeMap<&str, Tensor> = graph
        .input
        .iter()
        .enumerate()
        .map(|(n, input)| (input.name.as_str(), read(&data.join(format!("input_{n}.pb")))))
        .collect();
    let inputs: Vec<Option<&Tensor>> =
        node.input.iter().map(|name| tensors.get(name.as_str())).collect();
    let expected: Tensor = read(&data.join("output_0.pb"));
    let outputs = Operator::new(node, &inputs).run()?;
    let mut paths = Vec::new();
    for Output { path, shape, values } in outputs {
        if shape != expected.shape() {
            return Err(format!("{path}: shape {shape:?}, expected {:?}", expected.shape()));
        }
        for (at, (&got, want)) in values.iter().zip(expected.floats()).enumerate() {
            let want = f64::from(want);
            // The stored values are f32, some of them made in f32.
            if (got - want).abs() > 1e-5 + 1e-5 * want.abs() || got.is_nan() {
                return Err(format!("{path}: element {at} is {got}, expected {want}"));
            }
        }
        paths.push(path);
    }
    Ok(paths)
}

fn run_group(group: &str, count: usize) {
    let names = names(group);
    assert_eq!(names.len(), count);
    if std::env::var_os("UPCONV_WITH_DATA").is_none() {
        eprintln!("SKIPPED: {count} ONNX node tests of {group} (cargo xtask test --with-data)");
        return;
    }
    let folder = root().join("data/onnx/backend/test/data/node");
    let mut failures = Vec::new();
    for name in &names {
        let refused = REFUSED.iter().find(|(refused, _)| refused == name);
        match (run(&folder.join(name)), refused) {
            (Ok(paths), None) => eprintln!("{name}: {}", paths.join(", ")),
            (Err(error), None) => failures.push(format!("{name}: {error}")),
            (Err(error), Some((_, reason))) => eprintln!("{name}: refused ({reason}): {error}"),
            (Ok(_), Some(_)) => failures.push(format!("{name}: passes, though listed as refused")),
        }
    }
    assert!(failures.is_empty(), "{} of {count} failed:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn conv_transpose() {
    run_group(GROUPS[0].0, GROUPS[0].1);
}

#[test]
fn max_unpool() {
    run_group(GROUPS[1].0, GROUPS[1].1);
}

#[test]
fn resize() {
    run_group(GROUPS[2].0, GROUPS[2].1);
}

#[test]
fn depth_to_space() {
    run_group(GROUPS[3].0, GROUPS[3].1);
}
