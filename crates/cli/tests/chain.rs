//! `upconv plan --chain`: whether a whole encoder and decoder comes back to its size.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{error_line, json, run, stdout, upconv};
use serde_json::json;

const UNET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/unet.toml");

/// Four times halved and doubled: 225 -> 112 -> 56 -> 28 -> 14 -> 28 -> 56 -> 112 -> 224.
#[test]
fn the_example_loses_a_pixel() {
    let found = json(&format!("plan --chain {UNET} --json"), 1);
    let members = [
        "file",
        "dialect",
        "input",
        "output",
        "round_trip",
        "layers",
        "loses",
        "repairs",
        "nearest",
    ];
    assert_eq!(found.as_object().unwrap().len(), members.len());
    members.iter().for_each(|member| assert!(found.get(member).is_some(), "{member}"));
    assert_eq!(found["input"], json!([225, 225]));
    assert_eq!((&found["output"], &found["round_trip"]), (&json!([224, 224]), &json!(false)));
    assert_eq!(
        found["layers"][11],
        json!({
            "name": "up1", "op": "conv_transpose", "input": [112, 112], "output": [224, 224],
            "unread": [0, 0], "skip": {"layer": "enc1", "size": [225, 225], "fits": false},
        })
    );
    assert_eq!(
        (&found["layers"][1]["unread"], &found["layers"][1]["skip"]),
        (&json!([1, 1]), &json!(null))
    );
    let lost = &found["loses"][1];
    assert_eq!(
        (&lost["layer"], &lost["axis"], &lost["cells"]),
        (&json!("pool1"), &json!(1), &json!(1))
    );
    let repair = &found["repairs"][0];
    assert_eq!(
        (&repair["layer"], &repair["field"], &repair["value"]),
        (&json!("up1"), &json!("like"), &json!(["enc1"]))
    );
    assert_eq!(found["nearest"], json!({"below": [224, 224], "above": [240, 240]}));
}

#[test]
fn a_multiple_of_16_comes_back() {
    let text = stdout(&format!("plan --chain {UNET} --from 224x320"));
    assert!(text.contains("The size comes back. Every skip connection fits."), "{text}");
    let found = json(&format!("plan --chain {UNET} --from 224x320 --json"), 0);
    assert_eq!((&found["loses"], &found["repairs"]), (&json!([]), &json!([])));
    // The text is printed where the size does not come back, too, and in Chinese.
    let output = run(&format!("plan --chain {UNET} --lang zh"), 1);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("4 个跳跃连接中有 1 个不吻合") && output.stderr.is_empty(), "{text}");
}

/// Kernel 10, stride 5, padding 3: floor((100 + 6 - 10) / 5) + 1 = 20, and (20 - 1) * 5 - 6 + 10 = 99.
#[test]
fn standard_input_and_one_axis() {
    let text = "[[layer]]\nop = \"conv\"\nkernel = 10\nstride = 5\npadding = 3\n\
                [[layer]]\nop = \"conv_transpose\"\nkernel = 10\nstride = 5\npadding = 3\n";
    let run = |words: &str| {
        let output = upconv(words).write_stdin(text).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (status, shown) = run("plan --chain - --from 100");
    assert_eq!(status, Some(1));
    assert!(shown.starts_with("standard input: from 100 to 99\n"), "{shown}");
    assert!(shown.contains("- output_padding = 1 in op 2\n"), "{shown}");
    assert_eq!(run("plan --chain - --from 99 --quiet").0, Some(0));
    assert_eq!(run("plan --chain -").0, Some(1));
}

#[test]
fn wrong_words_are_refused() {
    for words in [
        "plan",
        "plan --chain",
        "plan --chain net.toml --to 3",
        "plan --chain net.toml --like 3",
        "plan --chain net.toml --dialect torch",
        "plan --chain net.toml --from 0",
        "plan --chain net.toml --from 3x",
    ] {
        run(words, 2);
    }
    let missing = error_line("plan --chain no/such/file.toml", 1);
    assert!(missing.starts_with("error: cannot read no/such/file.toml: "), "{missing}");
    assert!(error_line("plan --chain /", 1).starts_with("error: cannot read /: "));
    // 7 -> 3 -> 1.
    let wrong = error_line(&format!("plan --chain {UNET} --from 7"), 1);
    assert!(wrong.contains("layer \"pool3\": axis 0: a kernel that spans 2 cells"), "{wrong}");
}

#[test]
fn errors_as_json_name_file_rule_and_key() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("net.toml");
    std::fs::write(&file, "input = 8\n[[layer]]\nop = \"conv\"\nkernel = 3\nstride = 0\n").unwrap();
    let found = json(&format!("plan --chain {} --json", file.display()), 1);
    let error = &found["error"];
    assert_eq!((&error["rule"], &error["got"]), (&json!("STRIDE_NOT_POSITIVE"), &json!(0)));
    assert_eq!(error["file"], json!(file.display().to_string()));
    std::fs::write(&file, [0xff, 0xfe]).unwrap();
    let found = json(&format!("plan --chain {} --json", file.display()), 1);
    assert!(found["error"]["message"].as_str().unwrap().starts_with("cannot read "), "{found}");
}
