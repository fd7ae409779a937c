//! `upconv train` and `upconv eval` on a tiny set of roads.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

mod common;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use common::{error_line, json, run, upconv};
use serde_json::Value;

/// Streets of 64x32 pixels: 12 for training, of which 3 are for validation, and 3 for testing.
fn roads(folder: &Path) -> String {
    let dir = folder.join("roads").display().to_string();
    json(&format!("data make roads {dir} --count 12 --test 3 --size 64x32 --json --quiet"), 0);
    dir
}

/// A narrow network on whole pictures, three steps of two.
const SMALL: &str = "--width 0.05 --set data.scale=1 --set data.batch=2 \
                     --set data.augment.patch={height=32,width=64} --set run.length=3 \
                     --set run.evaluate_every=3 --set run.sample_every=3 --set run.save_every=1";

fn lines(words: &str) -> Vec<Value> {
    let text = String::from_utf8(run(words, 0).stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_run_is_trained_stopped_gone_on_with_and_measured() {
    let folder = tempfile::tempdir().unwrap();
    let data = roads(folder.path());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let train = |name: &str| format!("train kittiseg --data {data} --out {} {SMALL}", path(name));

    let whole = lines(&format!("{} --json --quiet --threads 1", train("whole")));
    let kinds: Vec<_> = whole.iter().map(|line| line["step"].as_u64().unwrap()).collect();
    // Three steps, an evaluation, the report.
    assert_eq!(kinds, [1, 2, 3, 3, 3]);
    assert!(whole[0]["loss"].as_f64().unwrap() > 0.0, "{}", whole[0]);
    let report = &whole[4];
    assert_eq!((&report["outcome"], &report["model"]), (&"done".into(), &"kittiseg".into()));
    assert!(report["evaluation"]["max_f"].as_f64().unwrap() <= 1.0);
    assert!(Path::new(&path("whole")).join("samples/step-000000003.png").is_file());

    // In two parts, with another number of threads: the same bits.
    let first = lines(&format!("{} --until 2 --json --quiet --threads 2", train("parts")));
    assert_eq!(first.last().unwrap()["outcome"], "reached");
    let resume = format!("train --resume {}", path("parts"));
    let rest = lines(&format!("{resume} --json --quiet --set data.batch=2"));
    assert_eq!(rest.last().unwrap()["weights_hash"], report["weights_hash"]);
    assert_eq!(rest.last().unwrap()["steps_now"], 1);

    let error = error_line(&format!("{resume} --quiet --set data.batch=3"), 1);
    assert!(error.contains("data.batch is 2 in this run and cannot become 3"), "{error}");
    let output = run(&resume, 0);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(report["weights_hash"].as_str().unwrap()), "{text}");

    let weights = report["weights"].as_str().unwrap();
    let eval = format!("--weights {weights} --data {data}");
    let found = json(&format!("eval kittiseg {eval} --json"), 0);
    assert_eq!((&found["part"], &found["pictures"]), (&"test".into(), &3.into()));
    for name in ["max_f", "average_precision", "bev_max_f", "mean_iou", "boundary_f", "loss"] {
        assert!(found["metrics"][name].is_f64(), "{name}: {found}");
    }
    for name in ["mean_mask", "colour_table"] {
        assert!(found["baselines"][name]["max_f"].as_f64().unwrap() > 0.3, "{found}");
    }
    // The run's folder stands for the best weights in it, for `segment` too.
    let best = json(&format!("eval kittiseg --weights {} --data {data} --json", path("whole")), 0);
    assert_eq!(best["metrics"], found["metrics"]);
    let image = format!("{data}/testing/image_2/um_000000.png");
    let words = format!("segment --weights {} {image} -o {} --json", path("whole"), path("cut"));
    let line = json(&words, 0);
    assert_eq!((&line["model"], &line["width"]), (&"kittiseg".into(), &64.into()));
    let error = error_line(&format!("segment --weights {data} {image} -o {}", path("cut")), 1);
    assert!(error.contains("config.toml"), "{error}");
    let text = common::stdout(&format!("eval kittiseg {eval}"));
    assert!(text.lines().any(|line| line.starts_with("max_f")), "{text}");
    let error = json(&format!("eval unet {eval} --json"), 1);
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains("\"kittiseg\", not for \"unet\""), "{message}");
}

#[test]
fn what_cannot_be_trained_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = roads(folder.path());
    let out = folder.path().join("run");
    let begin = |model: &str, more: &str| {
        format!("train {model} --data {data} --out {} --quiet {more}", out.display())
    };
    let error = error_line(&begin("unet", "--set data.batsh=2"), 2);
    assert!(error.contains("unknown field `batsh`") && error.contains("did you mean `batch`?"));
    let error = error_line(&begin("fcn9s", ""), 2);
    assert!(error.contains("fcn9s") && error.contains("segnet"), "{error}");
    let error = error_line(&begin("segnet", "--preset kittiseg"), 2);
    assert!(error.contains("segnet has no \"kittiseg\"; legal: small"), "{error}");
    let error = error_line(&begin("fcn8s", "--upsample unpool"), 1);
    assert!(error.contains("segnet or unet"), "{error}");
    let error = error_line(&begin("fcn8s", "--set config.classes=5"), 1);
    assert!(error.contains("config.classes: 5;") && error.contains("2 classes"), "{error}");
    assert!(!out.exists());
    run(&format!("train --resume {} unet", out.display()), 2);
    run("train unet", 2);
    let error = json(&format!("train --resume {data} --json"), 1);
    assert!(error["error"]["message"].as_str().unwrap().contains("is no run"), "{error}");
}

#[test]
fn in_a_pipe_progress_is_lines() {
    let folder = tempfile::tempdir().unwrap();
    let data = roads(folder.path());
    let out = folder.path().join("run").display().to_string();
    let output = upconv(&format!("train unet --data {data} --out {out} {SMALL}")).output().unwrap();
    let lines = String::from_utf8(output.stderr).unwrap();
    assert!(lines.contains("step 1/3") && lines.contains("evaluation: "), "{lines}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("steps         3 of 3, done"), "{text}");
}

/// One Ctrl-C: the step is finished, everything is saved, and the last words say how to go on; and so it does.
#[cfg(unix)]
#[test]
fn an_interrupt_saves_and_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = roads(folder.path());
    let out = folder.path().join("run");
    let long = SMALL.replace("run.length=3", "run.length=100000");
    let words = format!("train unet --data {data} --out {} {long} --json", out.display());
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("upconv"))
        .args(words.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first step's line: it trains.
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert!(line.contains("\"step\":1"), "{line}");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    let mut notes = String::new();
    child.stderr.take().unwrap().read_to_string(&mut notes).unwrap();
    assert!(child.wait().unwrap().success(), "{notes}");
    let report: Value = serde_json::from_str(rest.lines().last().unwrap()).unwrap();
    assert_eq!(report["outcome"], "stopped", "{report}");
    let step = report["step"].as_u64().unwrap();
    let resume = format!("train --resume {}", out.display());
    let rest = lines(&format!("{resume} --until {} --json --quiet", step + 1));
    assert_eq!(rest.last().unwrap()["steps_now"], 1);
    // For people the words stand in the text.
    let output = run(&format!("{resume} --until {}", step + 1), 0);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("upconv {resume}")), "{text}");
}
