//! `upconv segment` when it is killed, and when the disk is full: whole files or none.

#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::run;
use upconv_data::decode::decode;

const ASTRONAUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/astronaut.png");
const PICTURES: usize = 40;

fn photos(folder: &Path) -> String {
    let photos = folder.join("photos");
    fs::create_dir(&photos).unwrap();
    for number in 0..PICTURES {
        fs::copy(ASTRONAUT, photos.join(format!("{number}.png"))).unwrap();
    }
    photos.to_str().unwrap().to_owned()
}

/// The names that end in `.png`, each of which must be a whole picture, and all others.
fn check(folder: &Path) -> (usize, Vec<String>) {
    let (mut whole, mut others) = (0, Vec::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".png") {
            decode(&fs::read(&path).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
            whole += 1;
        } else {
            others.push(name);
        }
    }
    (whole, others)
}

#[test]
fn killed_at_any_moment_it_leaves_whole_files_and_can_be_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let photos = photos(folder.path());
    let out = folder.path().join("out");
    // Different moments of a picture's way.
    for round in 0..3u64 {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin!("upconv"))
            .args(["segment", &photos, "-o", out.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        let before = if out.is_dir() { check(&out).0 } else { 0 };
        let enough =
            || fs::read_dir(&out).is_ok_and(|entries| entries.count() > before.min(60) + 4);
        while !enough() && child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < Duration::from_secs(60), "no output");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(7 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let (_, others) = check(&out);
        // What was being written has a temporary name.
        for name in others {
            assert!(name.starts_with(".upconv-") && name.ends_with(".part"), "{name}");
        }
    }
    run(&format!("segment {photos} -o {}", out.display()), 0);
    assert_eq!(check(&out), (3 * PICTURES, Vec::new()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_run_with_whole_files() {
    let folder = tempfile::tempdir().unwrap();
    let photos = photos(folder.path());
    let (out, kept) = (folder.path().join("out"), folder.path().join("kept"));
    fs::create_dir(&out).unwrap();
    // A small disk in a mount namespace of its own, which is gone when the shell is.
    let script = "mount -t tmpfs -o size=3m none \"$OUT\" || exit 77
        \"$UPCONV\" segment \"$PHOTOS\" -o \"$OUT\" --json
        code=$?
        cp -r \"$OUT\" \"$KEPT\"
        exit $code";
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .env("UPCONV", assert_cmd::cargo::cargo_bin!("upconv"))
        .env("PHOTOS", &photos)
        .env("OUT", &out)
        .env("KEPT", &kept)
        .env("LC_ALL", "C")
        .output();
    let output = match output {
        Ok(output) if kept.is_dir() => output,
        other => {
            eprintln!("SKIPPED: no small disk can be mounted here: {other:?}");
            return;
        }
    };
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let (errors, done): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.contains("\"error\""));
    // One line about it, and no further picture is tried.
    assert_eq!(errors.len(), 1, "{text}");
    assert!(errors[0].contains("No space left on device"), "{text}");
    let (whole, others) = check(&kept);
    assert_eq!(whole, 3 * done.len(), "{text}");
    assert!(others.is_empty(), "{others:?}");
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(notes.contains("given up, since nothing more can be written"), "{notes}");
}
