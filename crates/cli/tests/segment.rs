//! `upconv segment`: what it prints, writes and refuses.

#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use common::{error_line, json, run, upconv};
use serde_json::{Value, json};
use upconv_data::decode::decode;
use upconv_data::{Picture, sample};

const ASTRONAUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/astronaut.png");

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn picture(path: &Path) -> Picture {
    decode(&fs::read(path).unwrap()).unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A folder with a good picture, a broken one, a second one of the same name, and a text.
fn mixed() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    fs::create_dir_all(photos.join("below")).unwrap();
    fs::write(photos.join("a.bmp"), sample::bmp()).unwrap();
    fs::write(photos.join("a.png"), sample::bmp()).unwrap();
    fs::write(photos.join("below/b.jpg"), &sample::bmp()[..60]).unwrap();
    fs::write(photos.join("below/c.bmp"), sample::bmp()).unwrap();
    fs::write(photos.join("notes.txt"), "no picture").unwrap();
    (folder, photos)
}

#[test]
fn the_astronaut_is_cut_out() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display();
    let line = json(&format!("segment {ASTRONAUT} -o {place} --json"), 0);
    let keys: Vec<&String> = line.as_object().unwrap().keys().collect();
    let mut expected =
        ["image", "width", "height", "model", "share", "mask", "overlay", "cutout", "ms"];
    expected.sort_unstable();
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert_eq!(line["image"], json!(ASTRONAUT));
    assert_eq!((&line["width"], &line["height"]), (&json!(512), &json!(512)));
    assert_eq!(line["model"], json!("selfie"));
    // Of the 256 x 256 pixels of the network's output, as three other runtimes count them.
    assert_eq!(line["share"], json!(35_717.0 / 65_536.0));
    for step in ["decode", "resize", "network", "write"] {
        assert!(line["ms"][step].as_f64().unwrap() > 0.0, "{line}");
    }
    for kind in ["mask", "overlay", "cutout"] {
        let path = folder.path().join(format!("astronaut.{kind}.png"));
        assert_eq!(line[kind], json!(path.to_str().unwrap()));
        assert_eq!((picture(&path).width, picture(&path).height), (512, 512));
    }
    assert_eq!(names(folder.path()).len(), 3);
    // The face is there, the flag is not; soft edges lie between.
    let cutout = picture(&folder.path().join("astronaut.cutout.png"));
    let alpha = cutout.alpha.unwrap();
    let at = |row: usize, column: usize| alpha[row * 512 + column];
    assert!(at(90, 230) > 250 && at(200, 20) < 5, "{} {}", at(90, 230), at(200, 20));
    assert!(alpha.iter().filter(|alpha| (1..255).contains(*alpha)).count() > 1000);
    let mask = picture(&folder.path().join("astronaut.mask.png"));
    assert!(mask.rgb.iter().step_by(3).eq(&alpha));
}

const ROAD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/road.png");

/// Places of a rendered scene that anybody can name: row and column, and whether there is road.
const PLACES: [(usize, usize, bool); 6] = [
    (300, 500, true),
    (350, 600, true),
    (230, 650, true),
    (50, 300, false),
    (330, 1100, false),
    (300, 120, false),
];

#[test]
fn a_road_is_found_whole_and_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display();
    let whole = json(&format!("segment --model road {ROAD} -o {place}/whole --json --verify"), 0);
    assert_eq!((&whole["model"], &whole["width"]), (&json!("road"), &json!(1242)));
    let mask = picture(&folder.path().join("whole/road.mask.png"));
    for (row, column, is_road) in PLACES {
        let p = mask.rgb[3 * (row * 1242 + column)];
        assert!(if is_road { p > 200 } else { p < 55 }, "row {row}, column {column}: {p}");
    }
    let words =
        format!("segment --model road {ROAD} -o {place}/parts --tile 512 --overlap 256 --json");
    let parts = json(&words, 0);
    let (whole, parts) = (whole["share"].as_f64().unwrap(), parts["share"].as_f64().unwrap());
    assert!((whole - parts).abs() < 0.02, "{whole} {parts}");
    let rest = json(&format!("segment --model road {ROAD} -o {place}/rest --class 0 --json"), 0);
    assert!((whole + rest["share"].as_f64().unwrap() - 1.0).abs() < 1e-3, "{rest}");

    let error = error_line(&format!("segment --model road {ROAD} --tile 300"), 2);
    assert!(error.contains("multiple of 32 from 64 on, such as 288 or 320"), "{error}");
    let error = error_line(&format!("segment --model road {ROAD} --class street"), 1);
    assert!(error.contains("no class \"street\": 0 to 1 (other, road)"), "{error}");
    let error = error_line(&format!("segment {ASTRONAUT} --tile 320"), 1);
    assert!(error.contains("selfie") && error.contains("no tiles"), "{error}");
}

/// KittiSeg's demo cut names at the first dot and took three channels for granted.
#[test]
fn three_pictures_of_a_name_with_dots_in_grey_and_with_alpha() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("x.y");
    fs::create_dir(&below).unwrap();
    let (wide, high) = (70, 41);
    let grey: image::DynamicImage =
        image::GrayImage::from_pixel(wide, high, image::Luma([90])).into();
    let clear = image::RgbaImage::from_pixel(wide, high, image::Rgba([90, 120, 60, 128]));
    for (name, content) in [("a.png", grey), ("b.png", clear.into())] {
        content.save(below.join(name)).unwrap();
        let mut command = upconv(&format!("segment --model road ./x.y/{name} -o ./x.y --json"));
        let output = command.current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        for kind in ["mask", "overlay", "cutout"] {
            let made = below.join(name.replace(".png", &format!(".{kind}.png")));
            assert_eq!((picture(&made).width, picture(&made).height), (70, 41), "{kind}");
        }
    }
    assert_eq!(names(&below).len(), 2 + 6);
}

#[test]
fn text_for_people_and_only_some_kinds() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = upconv("segment --only mask,cutout");
    let output = command.arg(ASTRONAUT).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let files = "astronaut.mask.png, astronaut.cutout.png";
    assert_eq!(text, format!("{ASTRONAUT}: 54.5% foreground -> {files}\n"));
    assert_eq!(names(folder.path()), ["astronaut.cutout.png", "astronaut.mask.png"]);
}

#[test]
fn standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let from = |words: &str, bytes: Vec<u8>| {
        upconv(words).current_dir(folder.path()).write_stdin(bytes).output().unwrap()
    };
    let output = from("segment - --json --only overlay", sample::bmp());
    let line = &lines(&output)[0];
    assert_eq!((&line["image"], &line["mask"]), (&json!("-"), &Value::Null), "{output:?}");
    assert_eq!(names(folder.path()), ["stdin.overlay.png"]);
    let output = from("segment - --json", b"text".to_vec());
    assert_eq!(output.status.code(), Some(1));
    assert!(lines(&output)[0]["error"].as_str().unwrap().starts_with("is no picture"));
    let line = error_line(&format!("segment - {ASTRONAUT}"), 2);
    assert!(line.contains("must be the only picture"), "{line}");
}

#[test]
fn what_fails_is_listed_and_the_rest_goes_on() {
    let (folder, photos) = mixed();
    let out = folder.path().join("out");
    let words =
        format!("segment {} {ASTRONAUT} missing.png -o {}", photos.display(), out.display());
    let output = run(&format!("{words} --json"), 1);
    let found = lines(&output);
    let images: Vec<&str> = found.iter().map(|line| line["image"].as_str().unwrap()).collect();
    let photo = |name: &str| photos.join(name).to_str().unwrap().to_owned();
    let [a, a2, b, c] = ["a.bmp", "a.png", "below/b.jpg", "below/c.bmp"].map(photo);
    assert_eq!(images, [&a, &a2, &b, &c, ASTRONAUT, "missing.png"]);
    let failed: Vec<&Value> = found.iter().filter(|line| !line["error"].is_null()).collect();
    assert_eq!(failed.len(), 2);
    assert_eq!(failed[0].as_object().unwrap().len(), 2);
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(notes.contains("being no pictures: 1\n4 done, 2 failed (listed in "), "{notes}");

    let list = fs::read_to_string(out.join("failed.jsonl")).unwrap();
    let listed: Vec<Value> = list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(listed.iter().collect::<Vec<_>>(), failed);
    // Equal names get a number, the tree is kept.
    assert_eq!(names(&out).len(), 3 + 3 + 1 + 1 + 3);
    assert!(out.join("a-2.mask.png").is_file() && out.join("below/c.mask.png").is_file());

    // In words the failures go to standard error, and an old list is not left behind.
    let output = run(&words, 1);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.starts_with(&format!("error: {b}: breaks off")), "{errors}");
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 4);
    let output = run(&format!("segment {a} -o {} --quiet", out.display()), 0);
    assert!(output.stderr.is_empty() && !out.join("failed.jsonl").exists());
}

#[test]
fn a_second_run_does_not_take_results_for_photos() {
    let (folder, photos) = mixed();
    fs::remove_file(photos.join("below/b.jpg")).unwrap();
    let words = format!("segment {} -o {}", photos.display(), photos.display());
    run(&words, 0);
    let before = names(&photos);
    let output = run(&words, 0);
    assert_eq!(names(&photos), before);
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(notes.contains("being results of other pictures: "), "{notes}");
    drop(folder);
}

#[test]
fn nothing_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display();
    fs::write(folder.path().join("notes.txt"), "no picture").unwrap();
    let line = error_line(&format!("segment {place} -o {place}/out"), 1);
    assert_eq!(line, format!("error: {place}: has no pictures in it (JPEG, PNG, WebP or BMP)"));
    let error = json(&format!("segment {place} -o {place}/out --json"), 1);
    assert_eq!(error["error"]["file"], json!(place.to_string()));
    assert_eq!(names(folder.path()), ["notes.txt"]);
}

#[test]
fn wrong_words() {
    for (words, text) in [
        ("segment", "IMAGE|DIR"),
        ("segment x --only face", "face"),
        ("segment x --threshold 1.01", "--threshold '1.01' must be a number from 0 to 1"),
        ("segment x --threshold NaN", "must be a number from 0 to 1"),
        ("segment x --threshold -1", "--threshold '-1' must be"),
    ] {
        let output = run(words, 2);
        assert!(String::from_utf8(output.stderr).unwrap().contains(text), "{words}");
    }
    let line = error_line("segment x --threshold 2 --lang zh", 2);
    assert!(line.contains("必须是 0 到 1 之间的数"), "{line}");
}

#[test]
fn the_help_says_what_it_is_for() {
    let help = String::from_utf8(run("segment --help", 0).stdout).unwrap();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["within about 2 metres", "it is no detector", "no score for whether a person is"]
    {
        assert!(help.contains(words), "{help}");
    }
}

#[test]
fn output_folders_that_cannot_be_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for out in [file.clone(), file.join("below")] {
        let line = error_line(&format!("segment {ASTRONAUT} -o {}", out.display()), 1);
        assert!(line.starts_with(&format!("error: cannot write {}: ", out.display())), "{line}");
        assert!(!line.contains(".part"), "{line}");
    }
    assert_eq!(names(folder.path()), ["file"]);
}

#[cfg(unix)]
#[test]
fn a_read_only_output_folder() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::set_permissions(&out, PermissionsExt::from_mode(0o555)).unwrap();
    if fs::write(out.join("probe"), "").is_ok() {
        eprintln!("SKIPPED: this user may write into read-only folders");
        return;
    }
    let line = error_line(&format!("segment {ASTRONAUT} -o {}", out.display()), 1);
    let message = "Permission denied (os error 13)";
    assert_eq!(line, format!("error: cannot write {}: {message}", out.display()));
}
