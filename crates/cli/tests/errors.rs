//! What goes wrong: one clear line, the right exit status, and the error object with `--json`.

mod common;

use std::time::{Duration, Instant};

use common::{error_line, json, run, upconv};
use serde_json::{Value, json};

const BASE: &str = "explain --dialect torch --kernel 3";

#[test]
fn a_refused_size_names_the_legal_ones() {
    let words = "explain --dialect tensorflow --input 3x3 --kernel 3x3 --stride 2 --padding same \
                 --output 7x7";
    let line = error_line(words, 1);
    assert!(line.starts_with("error: axis 0: output size 7 is not legal: only 5 or 6"), "{line}");
    assert!(line.ends_with("(OUTPUT_SHAPE_NOT_LEGAL, legal [5, 6])"), "{line}");
    let error = json(&format!("{words} --json"), 1);
    let expected = json!({"error": {
        "rule": "OUTPUT_SHAPE_NOT_LEGAL", "message": error["error"]["message"], "file": null,
        "field": "output", "axis": 0, "got": 7, "legal": [5, 6], "nearest": 6,
    }});
    assert_eq!(error, expected);
    let line = error_line(&format!("{words} --lang zh"), 1);
    assert!(line.starts_with("错误：轴 0：输出尺寸 7 不合法：只有 5 或 6"), "{line}");
}

#[test]
fn hostile_numbers_are_refused_by_rule() {
    for (words, rule) in [
        ("--input 2147483648", "SIZE_LIMIT"),
        ("--input 9223372036854775807", "SIZE_LIMIT"),
        ("--input 2147483647x2147483647", "SIZE_LIMIT"),
        ("--input 2147483647 --stride 2147483647", "SIZE_LIMIT"),
        ("--input 1 --dilation 9223372036854775807", "SIZE_LIMIT"),
        ("--input 0", "INPUT_EMPTY"),
        ("--input -1", "INPUT_EMPTY"),
        ("--input 3 --stride 0", "STRIDE_NOT_POSITIVE"),
        ("--input 3 --stride -2", "STRIDE_NOT_POSITIVE"),
        ("--input 3 --dilation 0", "DILATION_NOT_POSITIVE"),
        ("--input 3 --groups 0", "ZERO_GROUPS"),
        ("--input 3 --padding -1", "NEGATIVE_PADDING"),
        ("--input 3 --padding 9223372036854775807", "SIZE_LIMIT"),
        ("--input 3 --padding 1:2", "PADDING_NOT_SYMMETRIC"),
        ("--input 3 --padding 9", "OUTPUT_SIZE_NOT_POSITIVE"),
        ("--input 3 --padding same", "PADDING_UNKNOWN"),
        ("--input 3 --output-padding -1", "NEGATIVE_OUTPUT_PADDING"),
        ("--input 3 --output-padding 1", "OUTPUT_PADDING_TOO_LARGE"),
        ("--input 3 --output -5", "OUTPUT_SIZE_OUT_OF_RANGE"),
        ("--input 3x3 --stride 1x1x1", "ATTRIBUTE_LENGTH"),
        ("--input 3x3 --padding 1:1,1:1,1:1", "ATTRIBUTE_LENGTH"),
    ] {
        let words = format!("{BASE} {words}");
        let start = Instant::now();
        let error = json(&format!("{words} --json"), 1);
        assert_eq!(error["error"]["rule"], json!(rule), "{words}");
        assert!(start.elapsed() < Duration::from_secs(2), "{words}");
        assert!(error_line(&words, 1).contains(rule));
        let chinese = error_line(&format!("{words} --lang zh"), 1);
        assert!(chinese.starts_with("错误："), "{chinese}");
    }
    let kernel = json("explain --dialect torch --input 3x3 --kernel 3x3x3 --json", 1);
    assert_eq!(kernel["error"]["rule"], json!("RANK_MISMATCH"));
    let empty = json("explain --dialect torch --input 3 --kernel 0 --json", 1);
    assert_eq!(empty["error"]["rule"], json!("KERNEL_EMPTY"));
}

#[test]
fn malformed_words_are_wrong_use() {
    for (words, argument) in [
        ("--input 99999999999999999999", "input"),
        ("--input 3xx3", "input"),
        ("--input 3,3", "input"),
        ("--input x", "input"),
        ("--input 3.5", "input"),
        ("--input 1x1x1x1", "input"),
        ("--input ३", "input"),
        ("--input 3 --stride two", "stride"),
        ("--input 3 --groups 1x1", "groups"),
        ("--input 3 --padding full", "padding"),
        ("--input 3 --padding 1:2:3", "padding"),
        ("--input 3 --output 5x", "output"),
        ("--input 3 --output-padding 1e3", "output-padding"),
    ] {
        let words = format!("{BASE} {words}");
        let line = error_line(&words, 2);
        assert!(line.starts_with(&format!("error: --{argument} '")), "{line}");
        assert!(line.contains("N") && line.contains("legal"), "{line}");
        let error = json(&format!("{words} --json"), 2);
        assert_eq!(error["error"]["rule"], json!("USAGE"));
        assert_eq!(error["error"]["field"], json!(argument.replace('-', "_")));
        let chinese = error_line(&format!("{words} --lang zh"), 2);
        assert!(chinese.contains("合法的写法"), "{chinese}");
    }
    // An empty word is a word.
    let output = upconv(BASE).args(["--input", ""]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("error: --input ''"));
}

#[test]
fn an_unknown_dialect_gets_the_list() {
    let line = error_line("explain --dialect mxnet --input 3 --kernel 3", 2);
    for dialect in ["tensorflow", "keras", "pytorch", "onnx", "caffe", "tflite", "definition"] {
        assert!(line.contains(dialect), "{line}");
    }
}

#[test]
fn missing_and_contradicting_arguments() {
    for words in [
        "",
        "explain",
        "explain --dialect torch --input 3",
        "explain --dialect torch --kernel 3",
        "explain --input 3 --kernel 3",
        "explain --dialect torch --all-dialects --input 3 --kernel 3",
        "explain --dialect torch --input 3 --kernel 3 --frobnicate",
        "explain --dialect torch --input 3 --kernel 3 --device tpu",
        "explain --dialect torch --input 3 --kernel 3 --threads 0",
        "explain --dialect torch --input 3 --kernel 3 --threads many",
        "explain --dialect torch --input 3 --kernel 3 --lang fr",
        "frobnicate",
        "conformance",
        "conformance . --isa mmx",
        "conformance . --algorithm magic",
    ] {
        let plain = run(words, 2);
        assert!(plain.stdout.is_empty() && !plain.stderr.is_empty(), "{words}");
        let error = json(&format!("{words} --json"), 2);
        let object = error["error"].as_object().unwrap();
        assert_eq!(object.len(), 8, "{words}");
        assert!(!object["message"].as_str().unwrap().contains('\n'), "{error}");
    }
    let contradiction =
        json("explain --dialect torch --input 3 --kernel 3 --json --format text", 2);
    assert_eq!(contradiction["error"]["field"], json!("format"));
    let line = error_line("explain --dialect torch --input 3 --lang zh", 2);
    assert_eq!(line, "错误：缺少必需的参数：--kernel <HxW>（用 --help 查看用法）");
}

#[test]
fn devices_that_are_not_there() {
    let line = error_line("explain --dialect torch --input 3 --kernel 3 --device cuda", 1);
    assert!(line.contains("--device cpu"), "{line}");
    run("explain --dialect torch --input 3 --kernel 3 --device cpu", 0);
}

#[test]
fn wrong_environment_variables_are_named() {
    let output = upconv("about").env("RAYON_NUM_THREADS", "-3").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("RAYON_NUM_THREADS '-3'"));
}

#[test]
fn files_that_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let words = |path: &std::path::Path| {
        format!("explain --dialect torch --input 3 --kernel 3 -o {}", path.display())
    };
    let missing = folder.path().join("missing").join("file");
    let line = error_line(&words(&missing), 1);
    assert!(line.contains("there is no folder"), "{line}");
    let line = error_line(&words(folder.path()), 1);
    assert!(line.contains("cannot write"), "{line}");
    let error = json(&format!("{} --json", words(&missing)), 1);
    assert_eq!(error["error"]["file"], Value::String(missing.display().to_string()));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let status = std::process::Command::new(assert_cmd::cargo::cargo_bin!("upconv"))
        .args(["about"])
        .stdout(full)
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
}
