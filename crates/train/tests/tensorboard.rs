//! The event file of a run that was broken off, read by two others than the writer: a decoder of these tests, and
//! TensorBoard's own (`cargo xtask fetch tensorboard`, then `cargo xtask test --with-data`).
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/events.rs"]
mod events;
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::{Settings, create, go_on};
use upconv_train::run::{EVENTS, METRICS};

/// A run that was stopped twice, with what was written after the last checkpoint done again.
fn run(folder: &Path) -> PathBuf {
    let run = folder.join("run");
    create(&run, "classifier", &Settings::default());
    for until in [Some(18), Some(32)] {
        go_on(&run, until).unwrap();
    }
    fs::remove_dir_all(run.join("checkpoints/step-000000032")).unwrap();
    go_on(&run, None).unwrap();
    run
}

/// Step, tag and value of every number in `metrics.jsonl`.
fn numbers(run: &Path) -> Vec<(u64, String, f32)> {
    let text = fs::read_to_string(run.join(METRICS)).unwrap();
    let mut found = Vec::new();
    for line in text.lines() {
        let line: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
        let (step, kind) = (line["step"].as_u64().unwrap(), line["kind"].as_str().unwrap());
        let numbers =
            line.iter().filter(|(name, _)| !["step", "kind", "epoch"].contains(&&name[..]));
        let value = |(name, value): (&String, &Value)| {
            (step, format!("{kind}/{name}"), value.as_f64().unwrap() as f32)
        };
        found.extend(numbers.map(value));
    }
    assert_eq!(found.len(), 45 * 3 + 6, "45 steps and 6 evaluations");
    found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    found
}

#[test]
fn every_number_and_picture_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(folder.path());
    let events = events::read(&run.join(EVENTS));
    assert_eq!(events[0].version.as_deref(), Some("brain.Event:2"));
    assert!(events[1..].iter().all(|event| event.version.is_none()));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!(events.iter().all(|event| (now.as_secs_f64() - event.wall_time).abs() < 600.0));

    let (mut found, mut pictures) = (Vec::new(), Vec::new());
    for event in &events {
        for (tag, number, picture) in &event.values {
            match (number, picture) {
                (Some(number), None) => found.push((event.step, tag.clone(), *number)),
                (None, Some(picture)) => pictures.push((event.step, tag.as_str(), picture)),
                other => panic!("{tag}: {other:?}"),
            }
        }
    }
    found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    assert_eq!(found, numbers(&run));
    assert_eq!(pictures.iter().map(|picture| picture.0).collect::<Vec<_>>(), [15, 30, 45]);
    for (step, tag, (height, width, colours, png)) in pictures {
        assert_eq!((tag, height, width, colours), ("sample", &2, &2, &3));
        assert_eq!(png, &fs::read(run.join(format!("samples/step-{step:09}.png"))).unwrap());
        assert_eq!(upconv_data::decode::decode(png).unwrap().size().pixels(), 4);
    }
}

#[test]
fn tensorboard_reads_the_same() {
    if std::env::var_os("UPCONV_WITH_DATA").is_none() {
        eprintln!(
            "SKIPPED: event files in TensorBoard's own reader (cargo xtask test --with-data)"
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let run = run(folder.path());
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("python3")
        // Neither other packages, nor compiled files that would change what was fetched.
        .args(["-S", "-B"])
        .arg(here.join("tests/read_events.py"))
        .arg(run.join(EVENTS))
        .env("PYTHONPATH", here.join("../../data/tensorboard"))
        .output()
        .expect("needs python3");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "needs Python 3.11, and cargo xtask fetch tensorboard: {errors}"
    );
    let (mut found, mut pictures) = (Vec::new(), Vec::new());
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let (step, tag) =
            (line["step"].as_u64().unwrap(), line["tag"].as_str().unwrap().to_owned());
        match line["plugin"].as_str().unwrap() {
            "images" => {
                let png =
                    fs::metadata(run.join(format!("samples/step-{step:09}.png"))).unwrap().len();
                let expected = serde_json::json!([png]);
                assert_eq!(
                    (&line["width"], &line["height"], &line["png"]),
                    (&2.into(), &2.into(), &expected)
                );
                pictures.push((step, tag));
            }
            "scalars" => found.push((step, tag, line["value"].as_f64().unwrap() as f32)),
            other => panic!("{other}"),
        }
    }
    found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    assert_eq!(found, numbers(&run));
    let expected = [15, 30, 45].map(|step| (step, String::from("sample")));
    assert_eq!(pictures, expected);
}
