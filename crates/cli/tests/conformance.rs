//! `upconv conformance`: counts, exit status, broken folders.

mod common;

use std::fs;
use std::path::Path;

use common::{error_line, json, stdout};
use serde_json::{Value, json};

/// The golden cases of the repository; a packaged crate lies without them.
fn golden() -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden");
    path.join("cases.json").is_file().then(|| path.display().to_string())
}

#[test]
fn the_golden_cases_pass_and_are_counted_once_each() {
    let Some(dir) = golden() else { return };
    let text = fs::read_to_string(Path::new(&dir).join("cases.json")).unwrap();
    let cases: Value = serde_json::from_str(&text).unwrap();
    let count = cases["cases"].as_array().unwrap().len();
    let text = stdout(&format!("conformance {dir}"));
    assert!(text.ends_with(&format!("\n{count} passed, 0 failed, 0 skipped\n")), "{text}");
    assert!(text.contains("paths: "), "{text}");
}

#[test]
fn one_path_alone_and_json() {
    let Some(dir) = golden() else { return };
    let report = json(&format!("conformance {dir} --isa portable --algorithm direct --json"), 0);
    assert_eq!(report["failed"], json!(0));
    let count = report["cases"].as_array().unwrap().len();
    assert_eq!(report["passed"], json!(count));
    for member in ["id", "op", "dialect", "ok", "worst", "paths"] {
        assert!(report["cases"][0].as_object().unwrap().contains_key(member), "{member}");
    }
}

#[test]
fn broken_folders_are_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().display().to_string();
    error_line(&format!("conformance {dir}/missing"), 1);
    let line = error_line(&format!("conformance {dir}"), 1);
    assert!(line.contains("cases.json"), "{line}");
    let file = folder.path().join("cases.json");
    for text in ["", "{", "[]", "{\"cases\": []}", "{\"cases\": [1]}"] {
        fs::write(&file, text).unwrap();
        let line = error_line(&format!("conformance {dir}"), 1);
        assert!(line.starts_with("error: ") && line.contains("cases.json"), "{line}");
        let error = json(&format!("conformance {dir} --json"), 1);
        assert_eq!(error["error"]["file"], json!(file.display().to_string()));
    }
    error_line(&format!("conformance {}", file.display()), 1);
}
