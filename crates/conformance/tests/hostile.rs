//! Broken, truncated and senseless folders: one clear error, or a failed case that says why, and never
//! a panic.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use upconv_conformance::{CASES_FILE, ConformanceError, Options, Report, run};
use upconv_kernels::{Algorithm, Isa};

const TENSORS: &str = "t.safetensors";

/// One fast path is enough here.
fn options() -> Options {
    Options { isa: Some(Isa::Portable), algorithm: Some(Algorithm::Direct) }
}

fn try_run(dir: &Path) -> Result<Report, ConformanceError> {
    run(dir, &options(), |_| ())
}

/// The bytes of a safetensors file.
fn tensors(entries: &[(&str, &str, &[usize], Vec<u8>)]) -> Vec<u8> {
    let mut header = BTreeMap::new();
    let mut data: Vec<u8> = Vec::new();
    for (key, dtype, shape, bytes) in entries {
        let begin = data.len();
        data.extend(bytes);
        let offsets = [begin, data.len()];
        let entry = json!({"dtype": dtype, "shape": shape, "data_offsets": offsets});
        header.insert(*key, entry);
    }
    let header = serde_json::to_vec(&header).unwrap();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend(data);
    file
}

fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn f64s(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn i64s(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Tensors that the cases below pick from.
fn small_tensors() -> Vec<u8> {
    tensors(&[
        ("x", "F32", &[1, 1, 2], f32s(&[1.0, 10.0])),
        ("w", "F32", &[1, 1, 3], f32s(&[1.0, 2.0, 3.0])),
        ("y", "F64", &[1, 1, 5], f64s(&[1.0, 2.0, 13.0, 20.0, 30.0])),
        ("i", "I64", &[1, 1, 2], i64s(&[0, 3])),
    ])
}

/// A case that passes with [`small_tensors`].
fn good_case() -> Value {
    json!({
        "id": "good", "op": "conv_transpose", "dialect": "torch", "expect": "ok",
        "attrs": {"dims": 1, "stride": [2]}, "file": TENSORS,
        "inputs": {"x": "x", "w": "w"}, "outputs": {"y": "y"},
    })
}

fn folder(cases: &[Value], tensors: &[u8]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let document = json!({"meta": {"format": 1}, "cases": cases});
    fs::write(dir.path().join(CASES_FILE), serde_json::to_vec(&document).unwrap()).unwrap();
    fs::write(dir.path().join(TENSORS), tensors).unwrap();
    dir
}

/// The message of the one case, which must fail.
fn failure(case: Value) -> String {
    let dir = folder(&[case], &small_tensors());
    let report = try_run(dir.path()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((report.passed, report.failed, report.skipped), (0, 1, 0));
    report.cases[0].message.clone().unwrap()
}

/// The good case with changes: `(path of keys, new value)`.
fn changed(changes: &[(&str, Value)]) -> Value {
    let mut case = good_case();
    for (path, value) in changes {
        *case.pointer_mut(path).unwrap_or_else(|| panic!("no {path}")) = value.clone();
    }
    case
}

#[test]
fn the_good_case_is_good() {
    let report = try_run(folder(&[good_case()], &small_tensors()).path()).unwrap();
    assert_eq!((report.passed, report.failed), (1, 0), "{:?}", report.cases[0].message);
    assert_eq!(report.cases[0].paths, ["reference", "direct/portable"]);
}

#[test]
fn cases_truncated_at_every_byte() {
    let dir = folder(&[good_case()], &small_tensors());
    let path = dir.path().join(CASES_FILE);
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let error = try_run(dir.path()).expect_err("truncated").to_string();
        assert!(error.contains(CASES_FILE) && !error.contains('\n'), "{error}");
    }
}

#[test]
fn tensors_truncated_at_every_byte() {
    let dir = folder(&[good_case()], &small_tensors());
    let path = dir.path().join(TENSORS);
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let error = try_run(dir.path()).expect_err("truncated").to_string();
        assert!(error.contains(TENSORS) && error.contains("good"), "{error}");
    }
}

#[test]
fn every_byte_of_both_files_flipped() {
    // Many a flipped bit leaves a valid file with other values; none may panic.
    for name in [CASES_FILE, TENSORS] {
        let dir = folder(&[good_case()], &small_tensors());
        let path = dir.path().join(name);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut broken = whole.clone();
                broken[at] ^= 1 << bit;
                fs::write(&path, &broken).unwrap();
                let _ = try_run(dir.path());
            }
        }
    }
}

#[test]
fn no_folder_no_cases() {
    let dir = folder(&[], &small_tensors());
    assert!(matches!(try_run(dir.path()), Err(ConformanceError::NoCases { .. })));
    let file = dir.path().join(TENSORS);
    assert!(matches!(try_run(&file), Err(ConformanceError::NotAFolder { .. })));
    let nowhere = dir.path().join("nowhere");
    assert!(matches!(try_run(&nowhere), Err(ConformanceError::NotAFolder { .. })));
    fs::remove_file(dir.path().join(CASES_FILE)).unwrap();
    assert!(matches!(try_run(dir.path()), Err(ConformanceError::Read { .. })));
    fs::create_dir(dir.path().join(CASES_FILE)).unwrap();
    assert!(matches!(try_run(dir.path()), Err(ConformanceError::Read { .. })));
}

#[test]
fn json_of_another_form_names_the_place() {
    let dir = folder(&[good_case()], &small_tensors());
    let with = |text: &str| {
        fs::write(dir.path().join(CASES_FILE), text).unwrap();
        try_run(dir.path()).unwrap_err().to_string()
    };
    assert!(with("[]").contains(CASES_FILE));
    assert!(with("{}").contains("cases"));
    assert!(with(r#"{"cases": 7}"#).contains("cases"));
    let message = with(r#"{"cases": [{"id": "a", "op": 1}]}"#);
    assert!(message.contains("cases[0].op"), "{message}");
    let message = with(r#"{"cases": [{"id": "a", "op": "b", "dialect": "c", "expect": "maybe"}]}"#);
    assert!(message.contains("cases[0].expect"), "{message}");
    assert!(with(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))).contains(CASES_FILE));
    let trailing = format!("{} x", json!({"cases": [good_case()]}));
    assert!(with(&trailing).contains(CASES_FILE));
}

#[test]
fn files_stay_inside_the_folder() {
    for file in ["../t.safetensors", "/etc/passwd", "a/../../t", "..", ".", "./t.safetensors", ""] {
        let dir = folder(&[changed(&[("/file", json!(file))])], &small_tensors());
        let error = try_run(dir.path()).unwrap_err();
        assert!(matches!(error, ConformanceError::FileOutside { .. }), "{file:?} gives {error}");
        assert!(error.to_string().contains("good"));
    }
    let dir = folder(&[changed(&[("/file", json!("missing.safetensors"))])], &small_tensors());
    assert!(matches!(try_run(dir.path()), Err(ConformanceError::Read { .. })));
}

#[test]
fn headers_that_lie_are_refused() {
    let lying = [
        // A header longer than the file, and one of almost 2^64 bytes.
        1000u64.to_le_bytes().to_vec(),
        u64::MAX.to_le_bytes().to_vec(),
        // More data than the file holds; a shape whose product does not fit; offsets out of order.
        raw(r#"{"x":{"dtype":"F32","shape":[1000000],"data_offsets":[0,4000000]}}"#),
        raw(r#"{"x":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,0]}}"#),
        raw(r#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#),
        raw(r#"{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#),
        raw(r#"{"x":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}"#),
    ];
    for bytes in lying {
        let dir = folder(&[good_case()], &bytes);
        assert!(matches!(try_run(dir.path()), Err(ConformanceError::Tensors { .. })));
    }
}

fn raw(header: &str) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file
}

#[test]
fn a_failure_names_the_file_the_case_and_the_field() {
    let needles = |case: Value, needles: &[&str]| {
        let message = failure(case);
        for needle in needles {
            assert!(message.contains(needle), "{message:?} does not name {needle:?}");
        }
        assert!(!message.contains('\n'), "{message}");
    };
    let good = [CASES_FILE, "good"];
    let with = |more: &'static str| [good[0], good[1], more];
    needles(changed(&[("/op", json!("deconvolve"))]), &with("deconvolve"));
    needles(changed(&[("/dialect", json!("mxnet"))]), &with("mxnet"));
    needles(changed(&[("/dialect", json!("keras"))]), &with("keras"));
    needles(changed(&[("/attrs", json!({"strides": [2]}))]), &with("attrs.strides"));
    needles(changed(&[("/attrs/stride", json!("two"))]), &with("attrs.stride"));
    needles(changed(&[("/attrs/stride", json!([2.5]))]), &with("attrs.stride"));
    needles(changed(&[("/attrs/stride", json!([[2]]))]), &with("attrs.stride"));
    needles(changed(&[("/attrs/stride", json!([1e30]))]), &with("attrs.stride"));
    needles(changed(&[("/inputs", json!({"x": "x"}))]), &with("inputs.w"));
    needles(changed(&[("/inputs/x", json!("nothing"))]), &[TENSORS, "good", "inputs.x", "nothing"]);
    needles(changed(&[("/inputs/x", json!("i"))]), &[TENSORS, "good", "inputs.x", "I64"]);
    needles(changed(&[("/inputs/x", json!("y"))]), &[TENSORS, "good", "inputs.x", "F64"]);
    needles(changed(&[("/outputs/y", json!("i"))]), &[TENSORS, "good", "outputs.y", "I64"]);
    needles(changed(&[("/outputs/y", json!("x"))]), &with("outputs.y"));
    needles(changed(&[("/outputs", json!({}))]), &with("outputs.y"));
    let extra = json!({"y": "y", "z": "y"});
    needles(changed(&[("/outputs", extra)]), &with("outputs.z"));
    let extra = json!({"x": "x", "w": "w", "v": "w"});
    needles(changed(&[("/inputs", extra)]), &with("inputs.v"));
    let mut fileless = good_case();
    fileless.as_object_mut().unwrap().remove("file");
    needles(fileless, &with("file"));
}

#[test]
fn senseless_sizes_are_failed_cases() {
    let huge = [0, -1, 1 << 31, 1 << 40, i64::MAX, i64::MIN];
    for name in ["stride", "padding", "dilation", "output_padding", "output_size"] {
        for value in huge {
            // A stride of 2^31 - 1 and more is one of the values that must not be allocated for.
            if value == 0 && ["padding", "output_padding"].contains(&name) {
                continue;
            }
            let mut case = good_case();
            case["attrs"][name] = json!([value]);
            failure(case);
            let mut case = good_case();
            case["attrs"][name] = json!(value);
            failure(case);
        }
    }
    for value in huge {
        for name in ["dims", "groups"] {
            let mut case = good_case();
            case["attrs"][name] = json!(value);
            failure(case);
        }
    }
}

#[test]
fn empty_tensors_of_senseless_shapes_are_failed_cases() {
    for shape in [[0, 1 << 62, 1 << 62], [1 << 62, 0, 2], [0, 1, 1 << 31], [1 << 31, 0, 1]] {
        let file = tensors(&[
            ("x", "F32", &shape, vec![]),
            ("w", "F32", &[1, 1, 3], f32s(&[1.0, 2.0, 3.0])),
            ("y", "F64", &shape, vec![]),
        ]);
        let report = try_run(folder(&[good_case()], &file).path()).unwrap();
        assert_eq!(report.failed, 1);
        assert!(report.cases[0].message.as_deref().unwrap().contains("absurd"));
    }
}

/// Other operations with senseless attributes.
#[test]
fn senseless_sizes_of_the_neighbours_are_failed_cases() {
    let case = |op: &str, dialect: &str, attrs: Value, outputs: Value| {
        json!({
            "id": "good", "op": op, "dialect": dialect, "expect": "ok", "attrs": attrs,
            "file": TENSORS, "inputs": {"x": "x"}, "outputs": outputs,
        })
    };
    for value in [0, -1, (1 << 31) - 1, 1 << 31, 1 << 40, i64::MAX, i64::MIN] {
        let y = json!({"y": "y"});
        for mode in ["nearest", "linear"] {
            let attrs = json!({"mode": mode, "size": [value]});
            failure(case("resize", "torch", attrs, y.clone()));
            let attrs = json!({"mode": mode, "size": [value]});
            failure(case("resize", "onnx", attrs, y.clone()));
            let attrs = json!({"mode": mode, "size": [value], "antialias": 1});
            failure(case("resize", "onnx", attrs, y.clone()));
        }
        failure(case(
            "resize",
            "tensorflow",
            json!({"mode": "nearest", "size": [value]}),
            y.clone(),
        ));
        failure(case("pixel_shuffle", "torch", json!({"factor": value}), y.clone()));
        failure(case("pixel_unshuffle", "torch", json!({"factor": value}), y.clone()));
        failure(case("depth_to_space", "onnx", json!({"blocksize": value}), y.clone()));
        let pooled = json!({"pooled": "y", "indices": "i"});
        let attrs = json!({"kernel_size": [value]});
        failure(case("max_pool_indices", "torch", attrs.clone(), pooled));
        let unpooled = json!({"pooled": "x", "indices": "i", "unpooled": "y"});
        failure(case("max_unpool", "torch", attrs, unpooled.clone()));
        let attrs = json!({"kernel_size": [1], "output_size": [value]});
        failure(case("max_unpool", "torch", attrs, unpooled));
        let kernel = json!({"kernel": [value, value], "channels": 1});
        failure(case("bilinear_init", "caffe", kernel, json!({"w": "y"})));
        let attrs = json!({"kernel": [value], "stride": [value], "input": [value]});
        failure(case("overlap_count", "definition", attrs, json!({"count": "y"})));
        let attrs = json!({"columns": ["input", "kernel", "stride", "pad", "caffe"],
                           "rows": [[value, 2, 1, 0, 3]]});
        failure(case("pool_output_size", "definition", attrs, json!({})));
    }
}

#[test]
fn error_cases_with_senseless_shapes() {
    let case = |op: &str, shapes: Value, note: &str| {
        json!({
            "id": "good", "op": op, "dialect": "torch", "expect": "error", "rule": "NO_SUCH_RULE",
            "attrs": {"kernel_size": 2}, "shapes": shapes, "note": note,
        })
    };
    let all = "indices: all 0";
    for size in [json!(1u64 << 31), json!(u64::MAX), json!(-1), json!("two"), json!([]), json!(1.5)]
    {
        failure(case("max_unpool", json!({"x": [1, 1, size], "indices": [1, 1, size]}), all));
        failure(case("max_unpool", json!({"x": size, "indices": size}), all));
        failure(case("max_unpool", json!({"x": [size, size, 1], "indices": [1]}), all));
    }
    failure(case("max_unpool", json!({"x": [1, 1, 2]}), all));
    failure(case("max_unpool", json!({"x": [1, 1, 2], "indices": [1, 1, 2]}), "indices: some"));
    let mut empty = case("conv_transpose", json!({"w": []}), "");
    empty["attrs"] = json!({});
    failure(empty);
}
