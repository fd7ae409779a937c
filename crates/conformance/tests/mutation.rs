//! The runner itself: one thing made wrong in a copy of the golden cases fails exactly that case.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;
use upconv_conformance::{CASES_FILE, Options, Report, run};
use upconv_kernels::{Algorithm, Isa};

/// A copy of the golden folder.
struct Copy {
    dir: TempDir,
    document: Value,
}

impl Copy {
    fn new() -> Self {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden");
        let dir = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(golden).unwrap() {
            let from = entry.unwrap().path();
            let wanted = from.extension().is_some_and(|e| e == "safetensors" || e == "json");
            if wanted {
                fs::copy(&from, dir.path().join(from.file_name().unwrap())).unwrap();
            }
        }
        let document = serde_json::from_slice(&fs::read(dir.path().join(CASES_FILE)).unwrap());
        Self { dir, document: document.unwrap() }
    }

    fn case(&mut self, id: &str) -> &mut Value {
        let cases = self.document["cases"].as_array_mut().unwrap();
        cases.iter_mut().find(|case| case["id"] == id).unwrap_or_else(|| panic!("no case {id}"))
    }

    /// The first case with this operation, dialect and expectation.
    fn first(&self, op: &str, dialect: &str, expect: &str) -> String {
        let cases = self.document["cases"].as_array().unwrap();
        let wanted = |case: &&Value| {
            case["op"] == op && case["dialect"] == dialect && case["expect"] == expect
        };
        cases.iter().find(wanted).unwrap()["id"].as_str().unwrap().into()
    }

    fn run(&self) -> Report {
        let text = serde_json::to_vec(&self.document).unwrap();
        fs::write(self.dir.path().join(CASES_FILE), text).unwrap();
        let (isa, algorithm) = (Some(Isa::Portable), Some(Algorithm::Direct));
        run(self.dir.path(), &Options { isa, algorithm }, |_| ()).unwrap()
    }

    /// Runs, and checks that just these cases fail.
    fn assert_fail(&self, ids: &[String]) {
        let report = self.run();
        let failed: Vec<_> = report.failures().map(|case| case.id.clone()).collect();
        let mut ids = ids.to_vec();
        let order = |id: &String| report.cases.iter().position(|case| case.id == *id);
        ids.sort_by_key(order);
        assert_eq!(failed, ids);
        assert_eq!(report.failed, ids.len());
        assert_eq!(report.passed + report.failed, report.cases.len());
    }

    /// Changes the last element of a tensor.
    fn corrupt(&mut self, id: &str, side: &str, name: &str, change: impl Fn(f64) -> f64) {
        let case = self.case(id).clone();
        let path = self.dir.path().join(case["file"].as_str().unwrap());
        let key = case[side][name].as_str().unwrap_or_else(|| panic!("{id} has no {name}"));
        let mut bytes = fs::read(&path).unwrap();
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let info: Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
        let end = 8 + header + info[key]["data_offsets"][1].as_u64().unwrap() as usize;
        match info[key]["dtype"].as_str().unwrap() {
            "F32" => {
                let at = &mut bytes[end - 4..end];
                let old = f32::from_le_bytes((&*at).try_into().unwrap());
                at.copy_from_slice(&(change(old.into()) as f32).to_le_bytes());
            }
            "F64" => {
                let at = &mut bytes[end - 8..end];
                let old = f64::from_le_bytes((&*at).try_into().unwrap());
                at.copy_from_slice(&change(old).to_le_bytes());
            }
            _ => {
                let at = &mut bytes[end - 8..end];
                let old = i64::from_le_bytes((&*at).try_into().unwrap());
                at.copy_from_slice(&(change(old as f64) as i64).to_le_bytes());
            }
        }
        fs::write(&path, bytes).unwrap();
    }
}

#[test]
fn an_untouched_copy_passes() {
    Copy::new().assert_fail(&[]);
}

#[test]
fn one_wrong_value_in_any_operation_fails_its_case() {
    let outputs = [
        ("conv_transpose", "torch", "y"),
        ("tf_conv_transpose", "tensorflow", "y"),
        ("keras_conv_transpose", "keras", "y"),
        ("onnx_conv_transpose", "onnx", "y"),
        ("conv_transpose_grad", "torch", "dx"),
        ("tf_conv_transpose_grad", "tensorflow", "dw"),
        ("bilinear_init", "caffe", "w"),
        ("bilinear_upsample", "caffe", "y"),
        ("max_unpool", "torch", "unpooled"),
        ("max_pool_indices", "torch", "pooled"),
        ("max_pool_indices", "tensorflow", "indices"),
        ("onnx_max_unpool", "onnx", "y"),
        ("resize", "torch", "y"),
        ("resize", "tensorflow", "y"),
        ("resize", "onnx", "y"),
        ("pixel_shuffle", "torch", "y"),
        ("pixel_unshuffle", "torch", "y"),
        ("depth_to_space", "tensorflow", "y"),
        ("depth_to_space", "onnx", "y"),
        ("resize_conv", "torch", "y"),
        ("overlap_count", "definition", "count"),
        ("matrix_form", "definition", "c"),
    ];
    let mut copy = Copy::new();
    let mut ids = Vec::new();
    for (op, dialect, output) in outputs {
        let id = copy.first(op, dialect, "ok");
        copy.corrupt(&id, "outputs", output, |value| value + 1.0);
        ids.push(id);
    }
    copy.assert_fail(&ids);
}

#[test]
fn an_error_far_below_f32_is_still_seen_by_the_f64_reference() {
    let mut copy = Copy::new();
    let id = copy.first("conv_transpose", "torch", "ok");
    copy.corrupt(&id, "outputs", "y", |value| value + 1e-10);
    copy.assert_fail(&[id]);
}

#[test]
fn one_wrong_word_in_a_record_fails_its_case() {
    let mut copy = Copy::new();
    let mut ids = Vec::new();
    let mut change = |copy: &mut Copy, id: String, path: &str, value: Value| {
        let case = copy.case(&id);
        *case.pointer_mut(path).unwrap_or_else(|| panic!("{id} has no {path}")) = value;
        ids.push(id);
    };
    let id = copy.first("conv_transpose", "torch", "error");
    change(&mut copy, id, "/rule", "STRIDE_NOT_POSITIVE".into());
    let id = copy.first("tf_conv_transpose", "tensorflow", "error");
    change(&mut copy, id, "/rule", "OUTPUT_SHAPE_BATCH".into());
    let id = copy.first("max_unpool", "torch", "error");
    change(&mut copy, id, "/note", "indices: all 0".into());
    let id = copy.first("keras_conv_transpose", "keras", "error");
    change(&mut copy, id, "/attrs/output_padding", Value::Null);
    let id = copy.first("pool_output_size", "definition", "ok");
    change(&mut copy, id, "/attrs/rows/0/4", 12345.into());
    let id = copy.first("overlap_count", "definition", "ok");
    change(&mut copy, id, "/uniform_inside", false.into());
    copy.assert_fail(&ids);
}

#[test]
fn a_disputed_case_is_reported_and_not_failed() {
    let mut copy = Copy::new();
    let id = copy.first("resize", "onnx", "ok");
    copy.case(&id)["disputed"] = true.into();
    copy.corrupt(&id, "outputs", "y", |value| value + 1.0);
    let report = copy.run();
    assert_eq!(report.failed, 0);
    let case = report.cases.iter().find(|case| case.id == id).unwrap();
    assert!(case.message.as_deref().unwrap().starts_with("disputed: "), "{:?}", case.message);
}

#[test]
fn a_record_twice_counts_twice() {
    let mut copy = Copy::new();
    let cases = copy.document["cases"].as_array_mut().unwrap();
    let count = cases.len();
    let first = cases[0].clone();
    cases.push(first);
    assert_eq!(copy.run().passed, count + 1);
}
