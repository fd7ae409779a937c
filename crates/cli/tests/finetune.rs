//! `upconv train`, `eval`, `finetune` and `predict` of a classifier, on a tiny set of shapes.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

mod common;

use std::fs;

use common::{error_line, json, run, stdout};
use upconv_data::{Size, encode};

#[test]
fn shapes_are_learned_and_other_classes_after_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (data, first) = (path("shapes"), path("first"));
    let made = json(&format!("data make pictures {data} --count 120 --json --quiet"), 0);
    assert_eq!((&made["name"], &made["files"]), (&"pictures".into(), &14.into()));
    let error = error_line(&format!("data make pictures {data} --size 64x64"), 2);
    assert!(error.contains("--size is not an option of pictures"), "{error}");
    let error = error_line(&format!("data make pictures {data} --count 5"), 2);
    assert!(error.contains("--count: 5 pictures; 6 to 600000"), "{error}");

    let tiny = "--set config.blocks=1 --set config.width=4 --set data.batch=20 --set net.warm_up=0 \
                --set run.length=5";
    let train = format!("train resnet20 --data {data} --out {first} {tiny} --json --quiet");
    run(&train, 0);
    let eval = format!("eval resnet20 --weights {first} --data {data}");
    let found = json(&format!("{eval} --json"), 0);
    assert_eq!((&found["part"], &found["pictures"]), (&"test".into(), &20.into()));
    assert_eq!(found["confusion"]["classes"][9], "blob pair");
    assert_eq!(found["baselines"]["majority"]["accuracy"], 0.1);
    let text = stdout(&eval);
    assert!(text.contains("top_5") && text.contains("   9 blob pair"), "{text}");
    let text = stdout(&format!("{eval} --lang zh"));
    assert!(text.contains("行：真实类别"), "{text}");

    // Photos of two classes, one dark and one bright.
    for (class, grey) in [("dark", 20u8), ("light", 230)] {
        let photos = folder.path().join("photos").join(class);
        fs::create_dir_all(&photos).unwrap();
        for number in 0..10u8 {
            let rgb: Vec<u8> = (0..40 * 30 * 3).map(|at| grey + (at % 20) as u8 - number).collect();
            let file = fs::File::create(photos.join(format!("{number}.png"))).unwrap();
            encode::rgb_png(file, Size { height: 30, width: 40 }, &rgb).unwrap();
        }
    }
    let (photos, mine) = (path("photos"), path("mine"));
    let words = format!(
        "finetune resnet20 --weights {first} --data {photos} --out {mine} --train-only fc \
         --set run.length=40 --set data.batch=9 --set net.rate=0.1"
    );
    let report = json(&format!("{words} --json --quiet"), 0);
    assert_eq!((&report["model"], &report["part"]), (&"resnet20".into(), &"val".into()));
    assert_eq!(report["metrics"]["accuracy"], 1.0, "{report}");
    assert_eq!(report["baselines"]["majority"]["accuracy"], 0.5);
    let weights = report["weights"].as_str().unwrap();
    let drawn = image::open(format!("{mine}/confusion.png")).unwrap();
    assert!(drawn.width() >= 300 && drawn.height() >= 100);
    let kept: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(format!("{mine}/report.json")).unwrap()).unwrap();
    assert_eq!(kept, report);

    // The weights say everything about pictures and classes.
    let image = format!("{photos}/light/3.png");
    let line = json(&format!("predict resnet20 --weights {weights} {image} --json"), 0);
    assert_eq!(line["top"][0]["label"], "light");
    assert_eq!(line["top"].as_array().unwrap().len(), 2);
    let line = json(&format!("predict resnet20 --weights {mine} {image} --json"), 0);
    assert_eq!(line["top"][0]["label"], "light");

    let error =
        error_line(&words.replace("mine", "other").replace("--train-only fc", "--train-only f"), 2);
    assert!(error.contains("there is no layer \"f\"") && error.contains("layer3, fc"), "{error}");
    let error = error_line(&format!("finetune resnet20 --data {photos} --out {}", path("none")), 2);
    assert!(error.contains("--weights: missing"), "{error}");
    let error = error_line(&format!("finetune unet --data {photos} --out {}", path("none")), 1);
    assert!(error.contains("does not classify pictures"), "{error}");
}
