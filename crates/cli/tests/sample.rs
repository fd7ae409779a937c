//! `upconv sample`: sheets of pictures that depend on the seed alone, and what it refuses.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

mod common;

use std::fs;

use common::{error_line, json, run, stdout};
use upconv_data::digest;

#[test]
fn the_same_seed_is_the_same_file_for_any_threads() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let words = |more: &str, name: &str| {
        let out = file(name);
        format!("sample dcgan-faces --count 5 {more} -o {} --json", out.display())
    };
    let one = json(&words("--seed 7 --threads 1 --verify", "one.png"), 0);
    let three = json(&words("--seed 7 --threads 3", "three.png"), 0);
    let other = json(&words("--seed 8", "other.png"), 0);
    assert_eq!(fs::read(file("one.png")).unwrap(), fs::read(file("three.png")).unwrap());
    assert_eq!(one["sha256"], three["sha256"]);
    assert_ne!(one["sha256"], other["sha256"]);
    assert_eq!(
        (&one["model"], &one["weights"]),
        (&"dcgan-faces".into(), &"built-in dcgan-faces".into())
    );
    // Three columns and two rows of 64 pixels, 2 between and around; white where no picture is.
    let sheet = image::open(file("one.png")).unwrap().to_rgb8();
    assert_eq!(sheet.dimensions(), (200, 134));
    assert_eq!((&one["width"], &one["height"]), (&200.into(), &134.into()));
    assert_eq!(one["sha256"], digest::of_bytes(&sheet).as_str());
    assert_eq!((sheet.get_pixel(0, 0).0, sheet.get_pixel(199, 133).0), ([255; 3], [255; 3]));
    // Its colours are spread: no picture is plain.
    for (left, top) in [(2, 2), (68, 2), (134, 2), (2, 68), (68, 68)] {
        let reds = (0..64 * 64).map(|at| sheet.get_pixel(left + at % 64, top + at / 64).0[0]);
        let (least, most) = reds.fold((255, 0), |(a, b), v| (a.min(v), b.max(v)));
        assert!(most - least > 60, "{left}, {top}: {least} to {most}");
    }
    let text =
        stdout(&format!("sample dcgan-faces --count 1 -o {} --lang zh", file("a.png").display()));
    assert!(text.contains("1 张图片，种子 1") && text.contains("68x68"), "{text}");
}

#[test]
fn what_cannot_be_drawn_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("x.png");
    let out = out.display();
    let error = error_line(&format!("sample vgg16 -o {out}"), 2);
    assert!(error.contains("vgg16 does not draw pictures; these do: dcgan-faces"), "{error}");
    for count in ["0", "4097"] {
        let error = error_line(&format!("sample dcgan-faces --count {count} -o {out}"), 2);
        assert!(error.contains("legal: 1 to 4096"), "{error}");
    }
    run("sample dcgan-faces", 2);
    let road = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/weights/road.safetensors");
    let error = error_line(&format!("sample dcgan-faces --weights {road} -o {out}"), 1);
    assert!(error.contains("\"fcn8s\", not for \"dcgan-faces\""), "{error}");
    let error = error_line(
        &format!("sample dcgan-faces --count 1 -o {}/no/x.png", folder.path().display()),
        1,
    );
    assert!(error.contains("cannot write"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
