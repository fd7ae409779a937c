//! `upconv explain --weights`: the chessboard in the weights of a layer.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

mod common;

use std::fs;

use common::{error_line, json, run, stdout, upconv};
use serde_json::{Value, json};
use upconv_models::selfie;
use upconv_weights::{Dtype, Tensor, Weights};

/// Weight files in a folder that goes with them.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Answers with the path.
    fn write(&self, name: &str, weights: &Weights) -> String {
        let mut bytes = Vec::new();
        weights.write_to(&mut bytes).unwrap();
        self.write_bytes(name, &bytes)
    }

    fn write_bytes(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }

    /// Name, shape and values of each tensor.
    fn plain(&self, name: &str, tensors: &[(&str, &[usize], Vec<f32>)]) -> String {
        let tensors = tensors
            .iter()
            .map(|(name, shape, values)| Tensor::from_f32(*name, shape, values).unwrap());
        self.write(name, &Weights::new(None, tensors.collect()).unwrap())
    }

    fn selfie(&self) -> String {
        self.write("selfie.safetensors", &selfie::built_in().unwrap())
    }
}

/// Rounded to so many digits behind the point.
fn rounded(value: &Value, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value.as_f64().unwrap() * scale).round() / scale
}

#[test]
fn the_head_of_selfie_has_four_unequal_phases() {
    let files = Files::new();
    let file = files.selfie();
    let report = json(&format!("explain --weights {file} --layer head --json"), 0);
    let members: Vec<&String> = report.as_object().unwrap().keys().collect();
    let text =
        String::from_utf8(run(&format!("explain --weights {file} --layer head --json"), 0).stdout)
            .unwrap();
    let order = [
        "file",
        "layer",
        "dialect",
        "shape",
        "kernel",
        "stride",
        "in_channels",
        "out_channels",
        "imbalance",
        "worst",
        "phases",
        "cures",
        "balanced",
    ];
    assert!(order.iter().all(|name| members.iter().any(|member| member == name)));
    let places: Vec<usize> =
        order.iter().map(|name| text.find(&format!("\"{name}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
    assert_eq!(report["layer"], "head.weight");
    assert_eq!((&report["dialect"], &report["shape"]), (&json!("pytorch"), &json!([16, 1, 2, 2])));
    // The stride is the model's.
    assert_eq!((&report["kernel"], &report["stride"]), (&json!([2, 2]), &json!([2, 2])));
    assert_eq!((&report["in_channels"], &report["out_channels"]), (&json!(16), &json!(1)));
    // As they were found in the TF.js file, by other means.
    let norms = report["phases"].as_array().unwrap().iter();
    let norms: Vec<f64> = norms.map(|row| rounded(&row["norm"], 1)).collect();
    assert_eq!(norms, [6.0, 21.0, 4.0, 9.9]);
    assert_eq!(report["phases"][1]["phase"], json!([0, 1]));
    assert_eq!(report["phases"][1]["taps"], 1);
    assert!(report["imbalance"].as_f64().unwrap() > 1.0, "{report}");
    assert_eq!(report["worst"]["bias"], 0.53271484375);
    assert_eq!(report["worst"]["response"].as_array().map(Vec::len), Some(4));
    assert_eq!(report["balanced"]["imbalance"], 0.0);
    let change = report["balanced"]["change"].as_f64().unwrap();
    assert!(0.0 < change && change < 0.5, "{report}");
    // 16 channels and one tap; 3 x 3 taps after a resize; a mean of 2 x 2 more.
    let cures = report["cures"].as_array().unwrap();
    let costs: Vec<_> = cures.iter().map(|cure| rounded(&cure["products"], 0)).collect();
    assert_eq!(costs, [16.0, 16.0, 144.0, 20.0, 16.0]);
    assert_eq!((&cures[2]["products_now"], &cures[2]["ratio"]), (&json!(16.0), &json!(9.0)));

    // The tensor's own name, and the stride by hand, say the same.
    let again = format!("explain --weights {file} --layer head.weight --stride 2 --json");
    assert_eq!(json(&again, 0), report);
}

#[test]
fn the_page_in_both_languages_and_on_narrow_screens() {
    let files = Files::new();
    let words = format!("explain --weights {} --layer head", files.selfie());
    let english = stdout(&words);
    assert!(english.starts_with("Chessboard of head.weight\n"), "{english}");
    assert!(english.contains("kernel 2x2, stride 2"), "{english}");
    assert!(english.contains("  (0,1)     1    -18.59  20.99\n"), "{english}");
    assert!(english.contains("16 -> 144 products (x9), trained anew"), "{english}");
    let chinese = stdout(&format!("{words} --lang zh"));
    assert!(chinese.starts_with("head.weight 的棋盘格\n"), "{chinese}");
    for lang in ["en", "zh"] {
        let mut narrow = upconv(&format!("{words} --lang {lang}"));
        let narrow = narrow.env("COLUMNS", "40").output().unwrap();
        let text = String::from_utf8(narrow.stdout).unwrap();
        let wide = |line: &&str| !line.contains("selfie.safetensors");
        for line in text.lines().filter(wide) {
            let columns: usize = line.chars().map(|c| if c > '\u{2e80}' { 2 } else { 1 }).sum();
            assert!(columns <= 40, "{columns}: {line}");
        }
    }
}

#[test]
fn axes_are_those_of_the_dialect() {
    let files = Files::new();
    // One input channel, two output channels, kernel 3: ones, and 1 2 4.
    let taps = [[1.0, 1.0, 1.0], [1.0, 2.0, 4.0]];
    let rows: Vec<f32> = taps.concat();
    let columns: Vec<f32> = (0..3).flat_map(|tap| [taps[0][tap], taps[1][tap]]).collect();
    let file = files.plain(
        "w.safetensors",
        &[
            ("torch.weight", &[1, 2, 3], rows.clone()),
            ("keras/kernel:0", &[3, 2, 1], columns),
            ("keras/bias:0", &[2], vec![0.5, 0.25]),
            ("lite", &[2, 3, 1], rows),
        ],
    );
    let of = |layer: &str, dialect: &str| {
        let words = format!("explain --weights {file} --layer {layer} --stride 2 {dialect} --json");
        let mut report = json(&words, 0);
        let parts = report.as_object_mut().unwrap();
        let parts = ["kernel", "phases", "imbalance", "cures"].map(|name| parts[name].clone());
        (report, parts)
    };
    let (report, torch) = of("torch", "");
    assert_eq!(report["dialect"], "pytorch");
    // Phases of the first channel 2 and 1, of the second 5 and 2.
    assert_eq!((&torch[1][0]["response"], &torch[1][1]["response"]), (&json!(3.5), &json!(1.5)));
    assert_eq!(report["worst"]["channel"], 1);
    assert_eq!(rounded(&report["worst"]["imbalance"], 6), rounded(&json!(3.0 / 3.5), 6));
    assert_eq!(report["worst"]["bias"], Value::Null);
    let (report, keras) = of("keras", "--dialect keras");
    assert_eq!((&report["shape"], &report["dialect"]), (&json!([3, 2, 1]), &json!("keras")));
    assert_eq!(report["worst"]["bias"], 0.25);
    assert_eq!(keras, torch);
    assert_eq!(of("keras/kernel:0", "--dialect tensorflow").1, torch);
    assert_eq!(of("lite", "--dialect tflite").1, torch);
    assert_eq!(of("torch.weight", "--dialect caffe").1, torch);
}

#[test]
fn groups_follow_from_the_bias() {
    let files = Files::new();
    let weight = vec![1.0, 2.0, 3.0, 4.0];
    let file = files.plain(
        "w.safetensors",
        &[("up.weight", &[2, 1, 2], weight), ("up.bias", &[2], vec![0.0, 0.0])],
    );
    let words = format!("explain --weights {file} --layer up --stride 2 --json");
    let report = json(&words, 0);
    assert_eq!((&report["groups"], &report["out_channels"]), (&json!(2), &json!(2)));
    let report = json(&format!("{words} --groups 1"), 0);
    assert_eq!((&report["groups"], &report["out_channels"]), (&json!(1), &json!(1)));
    assert_eq!(report["worst"]["response"], json!([4.0, 6.0]));
    let line = error_line(&format!("{} --groups 3", words.replace(" --json", "")), 2);
    assert!(line.contains("groups 3 must be at least 1 and divide the 2 input channels"), "{line}");
}

#[test]
fn holes_are_told() {
    let files = Files::new();
    let file = files.plain("w.safetensors", &[("up.weight", &[1, 1, 1, 1], vec![2.0])]);
    let words = format!("explain --weights {file} --layer up --stride 2");
    let text = stdout(&words);
    assert!(text.contains("Warning: the kernel is shorter than the stride. 3 of 4"), "{text}");
    let report = json(&format!("{words} --json"), 0);
    assert_eq!((&report["holes"], &report["balanced"]), (&json!(true), &Value::Null));
    assert_eq!(report["phases"][3]["taps"], 0);
    // One of four answers: 2 / 0.5.
    assert_eq!(report["imbalance"], 4.0);
}

/// A TF.js graph whose only weight, `up/filter` of `[2, 2, 1, 1]`, is used by an operation.
fn tfjs(files: &Files, op: &str) -> String {
    let values = [1.0f32, 2.0, 3.0, 4.0];
    let shard: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    files.write_bytes("w.bin", &shard);
    let document = json!({
        "format": "graph-model",
        "modelTopology": {"node": [
            {"name": "up/filter", "op": "Const"},
            {"name": "up", "op": op, "input": ["size", "up/filter", "x"],
             "attr": {"strides": {"list": {"i": ["1", "2", "2", "1"]}}, "data_format": {"s": "TkhXQw=="}}},
        ]},
        "weightsManifest": [{"paths": ["w.bin"], "weights":
            [{"name": "up/filter", "shape": [2, 2, 1, 1], "dtype": "float32"}]}],
    });
    files.write_bytes("model.json", document.to_string().as_bytes())
}

#[test]
fn a_graph_tells_the_stride_and_what_is_no_transposed_convolution() {
    let files = Files::new();
    let file = tfjs(&files, "Conv2DBackpropInput");
    let report = json(&format!("explain --weights {file} --layer up --json"), 0);
    assert_eq!((&report["dialect"], &report["stride"]), (&json!("tensorflow"), &json!([2, 2])));
    assert_eq!(report["worst"]["response"], json!([1.0, 2.0, 3.0, 4.0]));
    let file = tfjs(&files, "Conv2D");
    let line = error_line(&format!("explain --weights {file} --layer up"), 1);
    assert!(line.contains("tensor \"up/filter\": no transposed convolution"), "{line}");
    assert!(line.ends_with("node \"up\" takes it for Conv2D"), "{line}");
    let file = tfjs(&files, "Mul");
    let line = error_line(&format!("explain --weights {file} --layer up"), 2);
    assert!(line.contains("give --stride"), "{line}");
}

/// A `.caffemodel` of one layer `up`: its kernel is 2 by 2 of 1 to 4, its stride 2, its bias 0.5.
fn caffe(files: &Files, kind: &str) -> String {
    let field = |key: &[u8], bytes: &[u8]| [key, &[bytes.len() as u8], bytes].concat();
    let cells = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
    let blob = |dims: &[u8], values: &[f32]| {
        let shape = field(b"\x3a", &field(b"\x0a", dims));
        field(b"\x3a", &[field(b"\x2a", &cells(values)), shape].concat())
    };
    let layer = [
        field(b"\x0a", b"up"),
        field(b"\x12", kind.as_bytes()),
        blob(&[1, 1, 2, 2], &[1.0, 2.0, 3.0, 4.0]),
        blob(&[1], &[0.5]),
        // convolution_param: num_output 1, kernel_size 2, stride 2.
        field(b"\xd2\x06", b"\x08\x01\x20\x02\x30\x02"),
    ];
    files.write_bytes("up.caffemodel", &field(b"\xa2\x06", &layer.concat()))
}

#[test]
fn a_net_of_caffe_tells_the_stride_too() {
    let files = Files::new();
    let file = caffe(&files, "Deconvolution");
    let report = json(&format!("explain --weights {file} --layer up --json"), 0);
    assert_eq!((&report["dialect"], &report["stride"]), (&json!("caffe"), &json!([2, 2])));
    assert_eq!(report["worst"]["response"], json!([1.0, 2.0, 3.0, 4.0]));
    assert_eq!(report["worst"]["bias"], 0.5);
    let file = caffe(&files, "Convolution");
    let line = error_line(&format!("explain --weights {file} --layer up"), 1);
    assert!(line.ends_with("no transposed convolution: a layer of type Convolution"), "{line}");
    let line = error_line(&format!("explain --weights {file} --layer up --lang zh"), 1);
    assert!(line.ends_with("不是转置卷积：这是 Convolution 类型的层"), "{line}");
}

#[test]
fn layers_that_are_not_there_or_not_unique() {
    let files = Files::new();
    let file = files.selfie();
    let fails = |layer: &str| error_line(&format!("explain --weights {file} --layer {layer}"), 1);
    let line = fails("haed");
    assert!(line.contains("no tensor for --layer haed; nearest: head.weight 16x1x2x2"), "{line}");
    assert!(line.ends_with("and 47 more") && line.len() < 500, "{line}");
    let line = fails("mb1");
    assert!(line.contains("--layer mb1 stands for 5 tensors: mb1.depthwise.weight"), "{line}");
    let line = fails("stem");
    assert!(line.contains("a layer of kind conv; transposed are: head"), "{line}");
    let line = fails("head.bias");
    assert!(line.contains("tensor \"head.bias\": shape [1] is no weight"), "{line}");
    let line = fails("mb --lang zh");
    assert!(line.contains("最接近的有："), "{line}");
    let flat = files.plain("flat.safetensors", &[("dense", &[2, 2], vec![0.0; 4])]);
    let line = error_line(&format!("explain --weights {flat} --layer up"), 1);
    assert!(line.contains("no tensor has 3 to 5 axes"), "{line}");
}

#[test]
fn wrong_files_and_arguments_are_refused_in_one_line() {
    let files = Files::new();
    let mut bad = vec![0.0; 8];
    bad[3] = f32::NAN;
    let tensors = vec![
        Tensor::from_f32("bad.weight", &[2, 1, 2, 2], &bad).unwrap(),
        Tensor::from_f32("up.weight", &[2, 1, 2, 2], &[0.0; 8]).unwrap(),
        Tensor::from_f32("empty.weight", &[0, 1, 2, 2], &[]).unwrap(),
        Tensor::new("whole.weight", Dtype::U8, vec![1, 1, 2], vec![1, 2]).unwrap(),
    ];
    let file = files.write("w.safetensors", &Weights::new(None, tensors).unwrap());
    let broken = files.write_bytes("broken.safetensors", b"\xff\0\0\0\0\0\0\0{");
    for (words, status, part) in [
        (format!("{file} --layer bad --stride 2"), 1, "number 3 of the weight is NaN"),
        (format!("{file} --layer empty --stride 2"), 1, "without cells"),
        (format!("{file} --layer whole --stride 2"), 1, "type U8"),
        (format!("{file} --layer up"), 2, "tensor \"up.weight\": the file does not say its stride"),
        (format!("{file} --layer up --stride 0"), 1, "stride 0 must be at least 1"),
        (format!("{file} --layer up --stride -2"), 1, "stride -2 must be at least 1"),
        (format!("{file} --layer up --stride 2x2x2"), 2, "3 strides for a kernel of 2 axes"),
        (format!("{file} --layer up --stride 100000"), 1, "10000000000 phases: up to 4096"),
        (format!("{file} --layer up --stride 9999999999"), 1, "stride"),
        (format!("{file} --layer up --stride 2 --groups -1"), 2, "groups 0 must"),
        (format!("{file} --layer up --stride two"), 2, "--stride 'two'"),
        (format!("{file} --layer up --stride 2 --dialect jax"), 2, "--dialect 'jax' is unknown"),
        (format!("{broken} --layer up"), 1, "broken.safetensors"),
        ("/nowhere/w.safetensors --layer up".to_owned(), 1, "/nowhere/w.safetensors"),
    ] {
        let words = format!("explain --weights {words}");
        let line = error_line(&words, status);
        assert!(line.starts_with("error: ") && line.contains(part), "{line}");
        let error = json(&format!("{words} --json"), status);
        assert!(error["error"]["message"].is_string());
        assert!(error_line(&format!("{words} --lang zh"), status).starts_with("错误："));
    }
    // All weights 0: nothing answers, and nothing is uneven.
    let zero = json(&format!("explain --weights {file} --layer up --stride 2 --json"), 0);
    assert_eq!((&zero["imbalance"], &zero["balanced"]["change"]), (&json!(0.0), &json!(0.0)));
    // What belongs to settings and pictures does not go with weights.
    for more in ["--kernel 3", "--view phases", "--loss a.png", "--all-dialects", "-o x"] {
        let output = run(&format!("explain --weights {file} --layer up {more}"), 2);
        assert!(output.stdout.is_empty());
    }
    run(&format!("explain --weights {file}"), 2);
    run("explain --dialect torch --input 3 --kernel 3 --layer up", 2);
}

#[test]
fn a_setting_tells_the_taps_of_its_phases() {
    let words =
        |kernel| format!("explain --dialect torch --input 3x3 --kernel {kernel} --stride 2");
    let of =
        |kernel| json(&format!("{} --json", words(kernel)), 0)["overlap"]["phase_taps"].clone();
    assert_eq!(of("3x4"), json!([[2, 1], [2, 2]]));
    assert_eq!(of("1x1"), json!([[1, 0], [1, 0]]));
    assert_eq!(of("40000x2"), json!([null, [1, 1]]));
    for (kernel, english, chinese) in [
        ("3x3", "1 to 4 taps: the fullest has 4 times as many", "最满的是最空的 4 倍"),
        ("5x5", "4 to 9 taps: the fullest has 2.25 times as many", "最满的是最空的 2.25 倍"),
        ("4x4", "as many taps, 4: the ratio of the fullest to the emptiest is 1", "之比为 1"),
        ("1x1", "between 0 and 1 taps: the emptiest has none", "最空的相位一个也没有"),
    ] {
        let text = |lang| {
            let page = stdout(&format!("{} --lang {lang}", words(kernel)));
            // Lines are joined as they were before they were wrapped.
            page.replace("\n  ", if lang == "en" { " " } else { "" })
        };
        let (en, zh) = (text("en"), text("zh"));
        assert!(en.contains(english) && en.contains("--weights FILE --layer NAME"), "{en}");
        assert!(zh.contains(chinese) && zh.contains("--weights FILE --layer NAME"), "{zh}");
    }
}
