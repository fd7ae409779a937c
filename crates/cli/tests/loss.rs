//! `upconv explain --loss`: forms, files and refusals.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{error_line, json, run, upconv};

const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/astronaut.png");

#[test]
fn the_panel_lies_in_the_folder_and_its_name_in_the_object() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("a").join("b");
    let words = format!("explain --loss {PICTURE} -o {} --json", to.display());
    let object = json(&words, 0);
    let rows = object["rows"].as_array().unwrap();
    let names: Vec<_> = rows.iter().map(|row| row["method"].as_str().unwrap()).collect();
    let all = [
        "conv_transpose",
        "conv_bilinear",
        "max_unpool",
        "max_unpool_no_indices",
        "pixel_shuffle",
        "pixel_shuffle_mean",
        "least_squares",
    ];
    assert_eq!(names, all);
    assert!(rows[4]["psnr"].is_null() && rows[4]["ssim"] == 1.0, "{object}");
    // Here the smooth guess of bilinear interpolation comes less near than what C has seen.
    let psnr = |n: usize| rows[n]["psnr"].as_f64().unwrap();
    assert!(psnr(6) > psnr(1) && psnr(6) > psnr(0), "{object}");
    let panel = to.join("astronaut.loss.png");
    assert_eq!(object["panel"], panel.display().to_string());
    let first = std::fs::read(&panel).unwrap();
    assert_eq!(json(&(words + " --threads 1"), 0), object);
    assert!(std::fs::read(&panel).unwrap() == first, "the panel depends on the threads");
}

#[test]
fn text_in_both_languages_fits_a_narrow_screen() {
    let folder = tempfile::tempdir().unwrap();
    for (lang, title) in
        [("en", "The size comes back, the values do not"), ("zh", "尺寸回来了，数值没有回来")]
    {
        let words = format!("explain --loss {PICTURE} --factor 8 --lang {lang}");
        let run = upconv(&words).current_dir(folder.path()).env("COLUMNS", "60").output().unwrap();
        assert!(run.status.success(), "{run:?}");
        let text = String::from_utf8(run.stdout).unwrap();
        assert!(text.starts_with(title), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
        assert!(folder.path().join("astronaut.loss.png").is_file());
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let no_picture = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let line = error_line(&format!("explain --loss {no_picture}"), 1);
    assert!(line.contains("Cargo.toml: is no picture"), "{line}");
    let line = error_line("explain --loss nowhere.png", 1);
    assert!(line.contains("nowhere.png: "), "{line}");
    let line = error_line(&format!("explain --loss {PICTURE} --factor 9"), 2);
    assert!(line.contains("factor 9: legal are 2 to 8"), "{line}");
    let object = json(&format!("explain --loss {PICTURE} --factor x --json"), 2);
    assert_eq!(object["error"]["field"], "factor");
    // A panel cannot replace a folder that is a file.
    let line = error_line(&format!("explain --loss {PICTURE} --factor 8 -o {no_picture}"), 1);
    assert!(line.contains("cannot write"), "{line}");
    for words in ["--dialect torch", "--input 3", "--stride 2", "--format svg", "--view gather"] {
        run(&format!("explain --loss {PICTURE} {words}"), 2);
    }
    run("explain --factor 2 --dialect torch --input 3 --kernel 3", 2);
    run("explain --loss", 2);
    run("explain --dialect torch --kernel 3", 2);
}
