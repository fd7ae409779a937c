//! `upconv convert`, `inspect` and `diff`: a foreign file becomes one of ours, and every tensor is
//! accounted for.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{error_line, json, run, stdout, upconv};
use serde_json::{Value, json};
use upconv_models::registry;
use upconv_weights::{Axes, Rule, Source, Weights, format};

/// A TF.js file of the model `selfie`, with weights that are made up, in a folder that goes with it.
struct Selfie {
    folder: tempfile::TempDir,
    document: Value,
    shard: Vec<u8>,
}

impl Selfie {
    /// Made from the model's own table, read backwards.
    fn new() -> Self {
        let source = Source {
            file: String::new(),
            format: format::Format::TfjsGraph,
            files: vec![],
            weights: Weights::default(),
            graph: None,
            net: None,
            passed_over: vec![],
        };
        let conversion = registry::find("selfie").unwrap().conversion(&source).unwrap();
        let (mut weights, mut shard) = (Vec::new(), Vec::new());
        let mut add = |name: &str, shape: &[usize], bits: &mut dyn FnMut(usize) -> u16| {
            weights.push(json!({"name": name, "shape": shape, "dtype": "float32",
                "quantization": {"dtype": "float16"}}));
            let cells: usize = shape.iter().product();
            shard.extend((0..cells).flat_map(|cell| bits(cell).to_le_bytes()));
        };
        for rule in conversion.table.rules.iter() {
            let Rule::Take { from, to, axes } = rule else { continue };
            let expected = conversion.expected.iter().find(|e| e.name == **to).unwrap();
            let mut shape = expected.shape.clone();
            if let Axes::Permute(order) = axes {
                for (place, &axis) in order.iter().enumerate() {
                    shape[axis] = expected.shape[place];
                }
            }
            // F16 from -1/32 to 1/32, by the last bits of a counter.
            add(from, &shape, &mut |cell| ((cell * 7919) as u16 & 0x83ff) | 0x2000);
        }
        // 1365 / 8192.
        add("mul_1/y", &[], &mut |_| 0x3155);
        let document = json!({
            "format": "graph-model",
            "modelTopology": {"node": []},
            "weightsManifest": [{"paths": ["w.bin"], "weights": weights}],
        });
        Self { folder: tempfile::tempdir().unwrap(), document, shard }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self) -> String {
        fs::write(self.path("w.bin"), &self.shard).unwrap();
        fs::write(self.path("m.json"), self.document.to_string()).unwrap();
        self.path("m.json").display().to_string()
    }

    /// The entry of a tensor in the manifest.
    fn entry(&mut self, name: &str) -> &mut Value {
        let entries = self.document["weightsManifest"][0]["weights"].as_array_mut().unwrap();
        entries.iter_mut().find(|entry| entry["name"] == name).unwrap()
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn converted_inspected_compared_and_converted_again() {
    let selfie = Selfie::new();
    let file = selfie.write();
    let out = selfie.path("s.safetensors").display().to_string();
    let report = json(&format!("convert {file} {out} --json"), 0);
    assert_eq!(report["model"], "selfie");
    assert_eq!((&report["loaded"], &report["moved_axes"]), (&json!(110), &json!(55)));
    assert_eq!(report["from"]["format"], "tfjs_graph");
    assert_eq!(report["from"]["files"][1]["file"], "w.bin");
    assert_eq!(report["to"], json!(out));
    for member in ["missing", "unused", "reshaped"] {
        assert_eq!(report[member], json!([]), "{member}");
    }
    assert_eq!(names(selfie.folder.path()), ["m.json", "s.safetensors", "w.bin"]);

    let inspection = json(&format!("inspect {out} --json"), 0);
    assert_eq!(inspection["model"], "selfie");
    assert_eq!(inspection["metadata"]["schema"], 1);
    assert_eq!(inspection["metadata"]["source"]["file"], "w.bin");
    assert_eq!(inspection["bytes"], fs::metadata(&out).unwrap().len());
    assert_eq!(inspection["weights_hash"], report["weights_hash"]);
    let tensors = inspection["tensors"].as_array().unwrap();
    let bias = tensors.iter().find(|tensor| tensor["name"] == "head.bias").unwrap();
    assert_eq!(
        bias,
        &json!({"name": "head.bias", "dtype": "F16", "shape": [1], "min": 0.0078125,
            "max": 0.0078125, "mean": 0.0078125, "std": 0.0, "non_finite": 0})
    );
    let text = stdout(&format!("inspect {out}"));
    assert!(text.contains("head.weight") && text.contains("256x256 RGB, 0 to 1, resize bilinear"));

    // A file of ours goes through as it is.
    let again = selfie.path("again.safetensors").display().to_string();
    let text = stdout(&format!("convert {out} {again}"));
    assert!(text.contains("110 loaded (0 renamed, 0 with moved axes"), "{text}");
    assert_eq!(fs::read(&out).unwrap(), fs::read(&again).unwrap());
    let comparison = json(&format!("diff {out} {again} --json"), 0);
    assert_eq!(comparison["equal"], true);
    assert!(stdout(&format!("diff {out} {again}")).starts_with("equal: all 112 tensors"));
    let other = json(&format!("diff {file} {out} --json"), 0);
    assert_eq!(other["equal"], false);
    assert_eq!(other["only_a"].as_array().unwrap().len(), 111);
}

#[test]
fn numbers_alone_are_written_for_numpy_and_onnx() {
    let selfie = Selfie::new();
    let file = selfie.write();
    let ours = selfie.path("s.safetensors").display().to_string();
    run(&format!("convert {file} {ours} --dtype f32"), 0);
    for (name, format) in [("s.npz", "npz"), ("s.onnx", "onnx")] {
        let out = selfie.path(name).display().to_string();
        run(&format!("convert {ours} {out}"), 0);
        assert_eq!(json(&format!("inspect {out} --json"), 0)["format"], format);
        // The self-test stays behind.
        let comparison = json(&format!("diff {ours} {out} --json"), 0);
        assert_eq!(comparison["only_b"], json!([]));
        assert_eq!(comparison["only_a"].as_array().unwrap().len(), 2);
        let tensors = comparison["tensors"].as_array().unwrap();
        assert!(tensors.iter().all(|tensor| tensor["max_abs"] == 0.0), "{tensors:?}");
        // And what was written is a source like any other.
        let again = selfie.path("again.safetensors").display().to_string();
        let report = json(&format!("convert {out} {again} --model selfie --json"), 0);
        assert_eq!(
            report["weights_hash"],
            json(&format!("inspect {ours} --json"), 0)["weights_hash"]
        );
    }
    let error = run(&format!("convert {ours} {}", selfie.path("s.h5").display()), 2);
    let error = String::from_utf8(error.stderr).unwrap();
    assert!(
        error.contains("s.h5: files of this ending are read, and not written; legal:"),
        "{error}"
    );
}

#[test]
fn a_value_that_differs_is_found() {
    let mut selfie = Selfie::new();
    let file = selfie.write();
    let (a, b) = (selfie.path("a.safetensors"), selfie.path("b.safetensors"));
    run(&format!("convert {file} {}", a.display()), 0);
    // The stem's first value, 2^-7, becomes 1.
    selfie.shard[..2].copy_from_slice(&[0x00, 0x3c]);
    selfie.write();
    run(&format!("convert {file} {}", b.display()), 0);
    let comparison = json(&format!("diff {} {} --json", a.display(), b.display()), 0);
    assert_eq!(comparison["equal"], false);
    let stem = comparison["tensors"].as_array().unwrap();
    let stem = stem.iter().find(|tensor| tensor["name"] == "stem.weight").unwrap();
    assert_eq!((&stem["max_abs"], &stem["max_rel"]), (&json!(0.9921875), &json!(0.9921875)));
    let text = stdout(&format!("diff {} {}", a.display(), b.display()));
    assert!(text.contains("stem.weight: 1 cells, max_abs 0.9922, max_rel 0.9922"), "{text}");
}

#[test]
fn an_imbalance_writes_nothing_unless_it_is_allowed() {
    let mut selfie = Selfie::new();
    selfie.entry("segment_add/y")["name"] = json!("segment_add/z");
    let file = selfie.write();
    let out = selfie.path("s.safetensors").display().to_string();
    let line = error_line(&format!("convert {file} {out}"), 1);
    assert!(
        line.contains("its tensors fit no model (selfie, road, kittiseg, fcn8s, unet, segnet, "),
        "{line}"
    );

    let words = format!("convert {file} {out} --model selfie");
    let report = json(&format!("{words} --json"), 1);
    assert_eq!(
        (&report["missing"], &report["unused"]),
        (&json!(["head.bias"]), &json!(["segment_add/z"]))
    );
    assert_eq!(report["weights_hash"], Value::Null);
    let message = report["error"]["message"].as_str().unwrap();
    assert!(message.contains("1 missing (head.bias) and 1 unused (segment_add/z)"), "{message}");
    let output = run(&words, 1);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("MISSING  head.bias 1\n") && text.contains("UNUSED   segment_add/z 1\n"));
    assert_eq!(String::from_utf8(output.stderr).unwrap().lines().count(), 1);
    assert_eq!(names(selfie.folder.path()), ["m.json", "w.bin"]);

    run(&format!("{words} --allow-missing head.bias"), 1);
    run(&format!("{words} --allow-missing head.bias --allow-unused segment_add/z"), 0);
    assert_eq!(names(selfie.folder.path()), ["m.json", "s.safetensors", "w.bin"]);
}

#[test]
fn nan_is_shown_and_refused() {
    let mut selfie = Selfie::new();
    selfie.shard[..2].copy_from_slice(&[0x00, 0x7e]);
    let file = selfie.write();
    let out = selfie.path("s.safetensors").display().to_string();
    let line = error_line(&format!("convert {file} {out}"), 1);
    assert!(line.contains("tensor \"stem.weight\": 1 values are not finite"), "{line}");
    let error = json(&format!("convert {file} {out} --json"), 1);
    assert_eq!(error["error"]["field"], "stem.weight");
    assert_eq!(error["error"]["file"], json!(file));
    let inspection = json(&format!("inspect {file} --json"), 0);
    let tensors = inspection["tensors"].as_array().unwrap();
    assert_eq!(tensors.iter().map(|t| t["non_finite"].as_u64().unwrap()).sum::<u64>(), 1);
    assert!(stdout(&format!("inspect {file}")).contains("1 tensors hold NaN or infinities"));
    assert_eq!(names(selfie.folder.path()), ["m.json", "w.bin"]);
}

#[test]
fn what_is_passed_over_is_shown() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../weights/tests/tf/objects.ckpt");
    let file = file.display();
    let inspection = json(&format!("inspect {file} --json"), 0);
    assert_eq!(inspection["format"], "tf_checkpoint");
    assert_eq!(inspection["files"][1]["file"], "objects.ckpt.data-00000-of-00001");
    assert_eq!(
        inspection["passed_over"],
        json!([{"name": "_CHECKPOINTABLE_OBJECT_GRAPH", "what": "DT_STRING"}])
    );
    let text = stdout(&format!("inspect {file}"));
    assert!(text.contains("passed over: _CHECKPOINTABLE_OBJECT_GRAPH (DT_STRING)"), "{text}");
    let chinese = stdout(&format!("inspect {file} --lang zh"));
    assert!(chinese.contains("未读取：_CHECKPOINTABLE_OBJECT_GRAPH"), "{chinese}");
}

#[test]
fn broken_files_give_one_line() {
    let selfie = Selfie::new();
    let file = selfie.write();
    let out = selfie.path("s.safetensors");
    run(&format!("convert {file} {}", out.display()), 0);
    let whole = fs::read(&out).unwrap();
    for end in [0, 1, 7, 8, 9, 100, 5_000, whole.len() / 2, whole.len() - 1] {
        fs::write(&out, &whole[..end]).unwrap();
        for words in
            [format!("inspect {}", out.display()), format!("diff {file} {}", out.display())]
        {
            let line = error_line(&words, 1);
            assert!(line.contains("s.safetensors: cut short: "), "{line}");
            let error = json(&format!("{words} --json"), 1);
            assert_eq!(error["error"]["file"], json!(out.display().to_string()));
        }
    }
    // The size of the header says 2^60.
    let mut lying = whole.clone();
    lying[..8].copy_from_slice(&(1u64 << 60).to_le_bytes());
    fs::write(&out, lying).unwrap();
    let line = error_line(&format!("inspect {}", out.display()), 1);
    assert!(
        line.ends_with(
            "header: 1152921504606846976 bytes are stated, but at most 16777216 are read"
        )
    );
    fs::write(selfie.path("w.bin"), &selfie.shard[1..]).unwrap();
    let line = error_line(&format!("inspect {file}"), 1);
    assert!(line.contains("weightsManifest[0]: its tensors take"), "{line}");
    let line = error_line(&format!("inspect {}", selfie.folder.path().display()), 1);
    assert!(line.ends_with("not a regular file; give a weight file"), "{line}");
    error_line("inspect no/such/file", 1);
    let line = error_line(&format!("inspect {}", selfie.path("w.bin").display()), 1);
    assert!(line.contains("no known weight format"), "{line}");
}

#[test]
fn what_is_read_is_not_written_over() {
    let selfie = Selfie::new();
    let file = selfie.write();
    for name in ["m.json", "w.bin"] {
        let line = error_line(&format!("convert {file} {}", selfie.path(name).display()), 1);
        assert!(line.contains("is read by this very command"), "{line}");
    }
    assert_eq!(fs::read(selfie.path("w.bin")).unwrap(), selfie.shard);
    let nowhere = selfie.path("w.bin").join("s.safetensors");
    let line = error_line(&format!("convert {file} {}", nowhere.display()), 1);
    assert!(line.contains("there is no folder"), "{line}");
    let line = error_line(&format!("convert {file} x.safetensors --model yolo"), 2);
    assert!(line.contains("there is no model \"yolo\""), "{line}");
    assert_eq!(names(selfie.folder.path()), ["m.json", "w.bin"]);
    let output = upconv(&format!("inspect {file}")).env("COLUMNS", "40").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\n  Conv2D/filter F16 3x3x3x16\n"), "{text}");
}
