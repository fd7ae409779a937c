//! `upconv models`: what one is told of a network.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

mod common;

use common::{error_line, json};
use serde_json::Value;

/// The table of the paper's configuration D.
#[test]
fn vgg16_is_the_one_of_the_paper() {
    let found = json("models vgg16 --json", 0);
    assert_eq!(found["parameters"], 138_357_544);
    assert_eq!(found["input"], serde_json::json!([1, 3, 224, 224]));
    let row = |layer: &Value| {
        let number = |value: &Value| value.as_u64().unwrap();
        let [channels, high, wide] = [0, 1, 2].map(|axis| number(&layer["shape_out"][axis]));
        let name = layer["name"].as_str().unwrap().to_owned();
        (name, [high, wide, channels], number(&layer["parameters"]))
    };
    let rows = found["layers"].as_array().unwrap().iter().map(row);
    let found: Vec<_> = rows.filter(|(.., parameters)| *parameters > 0).collect();
    let expected = [
        ("block1.0", [224, 224, 64], 1_792),
        ("block1.1", [224, 224, 64], 36_928),
        ("block2.0", [112, 112, 128], 73_856),
        ("block2.1", [112, 112, 128], 147_584),
        ("block3.0", [56, 56, 256], 295_168),
        ("block3.1", [56, 56, 256], 590_080),
        ("block3.2", [56, 56, 256], 590_080),
        ("block4.0", [28, 28, 512], 1_180_160),
        ("block4.1", [28, 28, 512], 2_359_808),
        ("block4.2", [28, 28, 512], 2_359_808),
        ("block5.0", [14, 14, 512], 2_359_808),
        ("block5.1", [14, 14, 512], 2_359_808),
        ("block5.2", [14, 14, 512], 2_359_808),
        ("fc6", [1, 1, 4096], 102_764_544),
        ("fc7", [1, 1, 4096], 16_781_312),
        ("fc8", [1, 1, 1000], 4_097_000),
    ];
    assert_eq!(found, expected.map(|(name, shape, count)| (name.to_owned(), shape, count)));
}

#[test]
fn a_model_that_there_is_not_is_told_so() {
    let error = error_line("models vgg17", 1);
    assert!(error.contains("vgg17") && error.contains("vgg16"), "{error}");
}
