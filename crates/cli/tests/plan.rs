//! `upconv plan`: settings that reach a size.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{error_line, json, run, stdout};
use serde_json::json;

#[test]
fn doubling_has_its_well_known_settings() {
    let found = json("plan --from 8x8 --to 16x16 --dialect torch --json", 0);
    let settings = found["settings"].as_array().unwrap();
    let members = [
        "dialect",
        "kernel",
        "stride",
        "padding",
        "output_padding",
        "dilation",
        "uniform",
        "symmetric",
        "code",
    ];
    members.iter().for_each(|member| assert!(settings[0].get(member).is_some(), "{member}"));
    let of = |n: usize| (&settings[n]["kernel"], &settings[n]["stride"], &settings[n]["padding"]);
    // U-Net's and DCGAN's; neither has a chessboard nor an odd pixel.
    assert_eq!(of(0), (&json!([2, 2]), &json!([2, 2]), &json!("0x0")));
    assert_eq!(of(1), (&json!([4, 4]), &json!([2, 2]), &json!("1x1")));
    assert_eq!((&settings[0]["uniform"], &settings[0]["symmetric"]), (&json!(true), &json!(true)));
    // 2x2 taps for each of 8x8 inputs, none of them cropped.
    assert_eq!(settings[0]["products"], json!(256));
}

/// What is planned, put to `explain`, gives the size.
#[test]
fn every_planned_setting_is_explained_with_the_wanted_size() {
    let found = json("plan --from 7x5 --like 15x10 --json", 0);
    let list = |value: &serde_json::Value| -> String {
        let all = value.as_array().unwrap().iter().map(ToString::to_string);
        all.collect::<Vec<_>>().join("x")
    };
    let mut checked = 0;
    for one in found["settings"].as_array().unwrap() {
        let (dialect, padding) =
            (one["dialect"].as_str().unwrap(), one["padding"].as_str().unwrap());
        let mut words = format!(
            "explain --json --dialect {dialect} --input 7x5 --kernel {} --stride {} --padding {padding}",
            list(&one["kernel"]),
            list(&one["stride"])
        );
        if !one["output_padding"].is_null() {
            words += &format!(" --output-padding {}", list(&one["output_padding"]));
        }
        if matches!(dialect, "tensorflow" | "tflite") {
            words += " --output 15x10";
        }
        assert_eq!(json(&words, 0)["output"], json!([15, 10]), "{words}");
        checked += 1;
    }
    assert!(checked > 20, "{checked}");
}

#[test]
fn a_size_that_no_layer_reaches_is_said() {
    let output = run("plan --from 2 --to 1000000 --dialect torch", 1);
    assert!(String::from_utf8(output.stdout).unwrap().contains("no setting"));
    assert_eq!(
        json("plan --from 2 --to 1000000 --dialect torch --json", 1),
        json!({"settings": []})
    );
}

#[test]
fn wrong_words_are_refused() {
    for words in [
        "plan --from 8",
        "plan --from 8 --to 4x4",
        "plan --from 0 --to 4",
        "plan --from 8 --to 16 --like 17",
        "plan --from 8 --to 16 --dialect mxnet",
        "plan --from 8 --to 99999999999999",
    ] {
        let line = error_line(words, 2);
        assert!(line.starts_with("error: "), "{words}: {line}");
    }
    assert!(stdout("plan --from 8 --to 16 --lang zh").contains("重叠均匀"));
}
