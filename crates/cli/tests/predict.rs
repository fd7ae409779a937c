//! `upconv predict`: classes of pictures, and what it refuses.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

mod common;

use std::fs;
use std::path::Path;

use common::{error_line, json, run, stdout};
use serde_json::Value;
use upconv_data::sample;
use upconv_models::cifar::{DenseConfig, LABELS, SOFTMAX};
use upconv_models::{picture, stored};
use upconv_weights::{Metadata, Tensor, Weights};

/// A linear classifier by hand: a red pixel counts ln(9) / 1024 for a cat, a blue one as much for a ship. A picture all in
/// red is a cat with probability 9 / (9 + 9 * 1).
fn weights(folder: &Path) -> String {
    let pixel = 9f32.ln() / 1024.0;
    let mut weight = vec![0.0; 10 * 3072];
    weight[3 * 3072..][..1024].fill(pixel);
    weight[8 * 3072..][2048..3072].fill(pixel);
    let input = Some(picture::unit([32, 32]));
    let labels = Some(LABELS.map(String::from).to_vec());
    let metadata = stored::metadata(SOFTMAX, &DenseConfig::softmax(), input);
    let tensors = vec![
        Tensor::from_f32("layer2.weight", &[10, 3072], &weight).unwrap(),
        Tensor::from_f32("layer2.bias", &[10], &[0.0; 10]).unwrap(),
    ];
    let weights = Weights::new(Some(Metadata { labels, ..metadata }), tensors).unwrap();
    let file = folder.join("softmax.safetensors");
    weights.write(&file).unwrap();
    file.display().to_string()
}

fn plain(path: &Path, colour: [u8; 3]) {
    image::RgbImage::from_pixel(40, 36, image::Rgb(colour)).save(path).unwrap();
}

#[test]
fn the_likeliest_classes_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let weights = weights(folder.path());
    let photos = folder.path().join("photos");
    fs::create_dir(&photos).unwrap();
    plain(&photos.join("red.png"), [255, 0, 0]);
    plain(&photos.join("violet.png"), [255, 0, 255]);
    fs::write(photos.join("broken.jpg"), &sample::bmp()[..60]).unwrap();
    let words = format!("predict {SOFTMAX} --weights {weights}");

    let red = photos.join("red.png").display().to_string();
    for crop in ["center", "ten"] {
        let line = json(&format!("{words} {red} --crop {crop} --top 2 --json"), 0);
        assert_eq!((&line["model"], &line["image"]), (&SOFTMAX.into(), &red.clone().into()));
        let top = line["top"].as_array().unwrap();
        assert_eq!((top.len(), &top[0]["label"]), (2, &"cat".into()));
        assert_eq!((&top[0]["index"], &top[0]["id"]), (&3.into(), &Value::Null));
        assert!((top[0]["probability"].as_f64().unwrap() - 0.5).abs() < 1e-5, "{line}");
        assert!((top[1]["probability"].as_f64().unwrap() - 1.0 / 18.0).abs() < 1e-5, "{line}");
    }
    let output = run(&format!("{words} {} --json --quiet", photos.display()), 1);
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines[0]["error"].is_string() && lines[0]["image"].as_str().unwrap().contains("broken")
    );
    // As much a cat as a ship: 9 / (9 + 9 + 8).
    for place in [0, 1] {
        let p = lines[2]["top"][place]["probability"].as_f64().unwrap();
        assert!((p - 9.0 / 26.0).abs() < 1e-5, "{}", lines[2]);
    }
    assert_eq!(lines[2]["top"].as_array().unwrap().len(), 5);
    let text = stdout(&format!("{words} {red} --top 1"));
    assert_eq!(text, format!("{red}\n   50.0%     3  cat\n"));
}

/// Converting stores a self-test; a weight that has changed since does not pass it.
#[test]
fn verify_finds_a_changed_weight() {
    let folder = tempfile::tempdir().unwrap();
    let plain_weights = weights(folder.path());
    let red = folder.path().join("red.png");
    plain(&red, [255, 0, 0]);
    let red = red.display();
    let error =
        error_line(&format!("predict {SOFTMAX} --weights {plain_weights} {red} --verify"), 1);
    assert!(error.contains("no self-test"), "{error}");

    let tested = folder.path().join("tested.safetensors");
    run(&format!("convert {plain_weights} {}", tested.display()), 0);
    let words = format!("predict {SOFTMAX} --weights {} {red} --top 1 --verify", tested.display());
    assert!(stdout(&words).contains("cat"));

    let stored = Weights::read(&tested).unwrap();
    let damaged = stored.tensors().iter().map(|tensor| match tensor.name() {
        "layer2.bias" => Tensor::from_f32("layer2.bias", &[10], &[0.1; 10]).unwrap(),
        _ => tensor.clone(),
    });
    let damaged = Weights::new(stored.metadata().cloned(), damaged.collect()).unwrap();
    damaged.write(&tested).unwrap();
    let error = error_line(&words, 1);
    assert!(error.contains("self-test failed: output cell"), "{error}");
}

#[test]
fn what_cannot_be_predicted_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let weights = weights(folder.path());
    let red = folder.path().join("red.png");
    plain(&red, [255, 0, 0]);
    let red = red.display();
    let error = error_line(&format!("predict vgg16 --weights {weights} {red}"), 1);
    assert!(error.contains("\"cifar-softmax\", not for \"vgg16\""), "{error}");
    let error = error_line(&format!("predict fcn8s --weights {weights} {red}"), 2);
    assert!(error.contains("does not classify"), "{error}");
    let error = error_line(&format!("predict vgg16 {red}"), 2);
    assert!(error.contains("--weights"), "{error}");
    let error = error_line(&format!("predict vgg {red}"), 2);
    assert!(error.contains("vgg16"), "{error}");
}
