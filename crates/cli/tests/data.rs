//! `upconv data make`: sets out of random numbers.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

mod common;

use std::fs;

use common::{error_line, json, run, stdout};

#[test]
fn streets_are_the_same_for_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str, more: &str| {
        let dir = folder.path().join(name);
        format!("data make roads {} --count 3 --size 128x40 {more}", dir.display())
    };
    let first = json(&make("a", "--seed 1 --json --quiet --threads 1"), 0);
    assert_eq!(first["name"], "roads");
    assert_eq!(first["licence"], "CC0-1.0");
    // Three for training and one for testing, of three files each.
    assert_eq!(first["files"], 12);
    assert!(folder.path().join("a/testing/gt_image_2/um_road_000000.png").is_file());
    let sizes: u64 = ["a/training", "a/testing"]
        .iter()
        .flat_map(|part| ["image_2", "gt_image_2", "calib"].map(|kind| format!("{part}/{kind}")))
        .flat_map(|kind| fs::read_dir(folder.path().join(kind)).unwrap())
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert_eq!(first["bytes"], sizes);
    assert_eq!(first, json(&make("b", "--json --quiet --threads 3"), 0));
    // Again over itself.
    assert_eq!(first, json(&make("b", "--json --quiet"), 0));
    assert_ne!(first["sha256"], json(&make("c", "--seed 2 --json --quiet"), 0)["sha256"]);
    let text = stdout(&make("d", "--test 0 --quiet"));
    assert!(text.starts_with("roads: 9 files, ") && text.contains("\nsha256 "), "{text}");
    let text = stdout(&make("d", "--test 0 --quiet --lang zh"));
    assert!(text.starts_with("roads：9 个文件，"), "{text}");
}

#[test]
fn in_a_pipe_progress_is_lines() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().display();
    let output = run(&format!("data make roads {dir} --count 3 --size 64x32 --threads 1"), 0);
    let lines = String::from_utf8(output.stderr).unwrap();
    let expected = "1 of 4 pictures\n2 of 4 pictures\n3 of 4 pictures\n4 of 4 pictures\n";
    assert_eq!(lines, expected);
}

#[test]
fn what_cannot_be_made_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.txt"), "").unwrap();
    let make = format!("data make roads {} --count 1", folder.path().display());
    let error = error_line(&make, 1);
    assert!(error.contains("has mine.txt in it, which is not of this set"), "{error}");
    let error = json(&format!("{make} --json"), 1);
    assert!(error["error"]["file"].as_str().unwrap().ends_with("mine.txt"), "{error}");
    assert!(error_line(&format!("{make} --lang zh"), 1).contains("不属于这个数据集"));
    let error = error_line(&format!("{make} --size 12"), 2);
    assert!(error.contains("--size '12' must be WxH"), "{error}");
    let error = error_line(&format!("{make} --size 9000x375"), 2);
    assert!(error.contains("9000 columns; 32 to 8192 are possible"), "{error}");
    let error = json(&format!("{make} --count 0 --json").replace("--count 1 ", ""), 2);
    assert_eq!(
        error["error"]["message"],
        "--count: 0 training pictures; 1 to 3000000 are possible"
    );
    assert_eq!(error["error"]["field"], "count");
    run("data make moons x", 2);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
