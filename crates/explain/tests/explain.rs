//! Whole explanations against numbers worked out by hand.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use upconv_explain::{AllDialects, Explained, Lang, MAX_CELLS_LISTED};
use upconv_geometry::{Dialect, Padding, Setting};

fn setting(dialect: Dialect, input: &[i64], kernel: &[i64], stride: i64) -> Setting {
    Setting {
        input: input.to_vec(),
        kernel: kernel.to_vec(),
        stride: vec![stride],
        ..Setting::new(dialect)
    }
}

fn data(setting: Setting) -> Value {
    serde_json::to_value(Explained::new(setting, Lang::En).unwrap().data()).unwrap()
}

fn text(setting: Setting, lang: Lang) -> String {
    Explained::new(setting, lang).unwrap().page().text(Default::default())
}

fn tensorflow_same(output: i64) -> Setting {
    Setting {
        padding: Some(Padding::Same),
        output: Some(vec![output, output]),
        ..setting(Dialect::Tensorflow, &[3, 3], &[3, 3], 2)
    }
}

#[test]
fn tensorflow_same_to_5x5_crops_one_and_one() {
    let data = data(tensorflow_same(5));
    for axis in 0..2 {
        let expected = json!({
            "axis": axis, "input": 3, "kernel": 3, "effective_kernel": 3, "stride": 2, "dilation": 1,
            "full": 7, "window_begin": 1, "output": 5, "pad_before": 1, "pad_after": 1,
            "legal_outputs": [5, 6],
            // Output o is cell o + 1 of the uncropped row.
            "contributors": [[[0, 1]], [[1, 0], [0, 2]], [[1, 1]], [[2, 0], [1, 2]], [[2, 1]]],
        });
        assert_eq!(data["axes"][axis], expected);
    }
    assert_eq!(data["output"], json!([5, 5]));
    assert_eq!(data["overlap"]["uniform"], json!(false));
    assert_eq!(data["overlap"]["per_axis"], json!([[1, 2, 1, 2, 1], [1, 2, 1, 2, 1]]));
    assert!(text(tensorflow_same(5), Lang::En).contains("window (1,1)"));
    assert!(text(tensorflow_same(5), Lang::Zh).contains("窗口 (1,1)"));
}

#[test]
fn tensorflow_same_to_6x6_crops_none_and_one() {
    let data = data(tensorflow_same(6));
    assert_eq!(data["axes"][0]["window_begin"], json!(0));
    assert_eq!(data["axes"][0]["pad_after"], json!(1));
    assert!(text(tensorflow_same(6), Lang::En).contains("window (0,1)"));
}

#[test]
fn tensorflow_same_to_7x7_is_refused_with_the_legal_sizes() {
    let error = Explained::new(tensorflow_same(7), Lang::En).unwrap_err();
    assert_eq!(error.rule(), "OUTPUT_SHAPE_NOT_LEGAL");
    assert_eq!(error.legal().map(|l| (l.first, l.last)), Some((5, 6)));
}

#[test]
fn tensorflow_without_a_size_lists_all_and_draws_that_of_keras() {
    let setting = Setting { output: None, ..tensorflow_same(5) };
    let data = data(setting.clone());
    assert_eq!(data["output"], json!([6, 6]));
    assert_eq!(data["axes"][0]["legal_outputs"], json!([5, 6]));
    assert!(text(setting, Lang::En).contains("which Keras takes by default"));
}

#[test]
fn the_definition_shows_c_as_4_by_16() {
    let setting = Setting {
        padding: Some(Padding::Pads(vec![(0, 0)])),
        ..setting(Dialect::Definition, &[2, 2], &[3, 3], 1)
    };
    let page = text(setting.clone(), Lang::En);
    let c = "  \
  C: 4 x 16
   w0 w1 w2  . w3 w4 w5  . w6 w7 w8  .  .  .  .  .
    . w0 w1 w2  . w3 w4 w5  . w6 w7 w8  .  .  .  .
    .  .  .  . w0 w1 w2  . w3 w4 w5  . w6 w7 w8  .
    .  .  .  .  . w0 w1 w2  . w3 w4 w5  . w6 w7 w8
";
    assert!(page.contains(c), "{page}");
    assert!(page.contains("  transpose(C): 16 x 4\n   w0  .  .  .\n   w1 w0  .  .\n"), "{page}");
    let data = data(setting);
    assert_eq!(data["matrix"]["rows"], json!(4));
    assert_eq!(data["matrix"]["columns"], json!(16));
    assert_eq!(data["matrix"]["taps"][3][15], json!(8));
    // 1 2 3 4 through 1..9: the middle of the 4x4 result, by hand.
    assert_eq!(data["worked"]["y"][5], json!(5 + 2 * 4 + 3 * 2 + 4));
}

#[test]
fn members_stand_in_their_fixed_order() {
    let explained = Explained::new(tensorflow_same(5), Lang::En).unwrap();
    let line = serde_json::to_string(&explained.data()).unwrap();
    let fixed = [
        "\"dialect\"",
        "\"groups\"",
        "\"output\":[",
        "\"axes\"",
        "\"overlap\"",
        "\"derivation\"",
        "\"code\"",
    ];
    let places: Vec<_> = fixed.iter().map(|name| line.find(name).unwrap()).collect();
    assert!(places.is_sorted(), "{line}");
    let code: Value = serde_json::from_str(&line).unwrap();
    let names: Vec<_> = code["code"].as_object().unwrap().keys().cloned().collect();
    for name in ["tensorflow", "keras", "pytorch", "onnx", "upconv"] {
        assert!(names.iter().any(|n| n == name), "{name}");
    }
}

#[test]
fn the_odd_cell_of_tensorflow_and_onnx_gives_different_code() {
    // 3 -> 6: TensorFlow crops behind, ONNX with output_shape in front.
    let tensorflow = data(tensorflow_same(6));
    let onnx = Setting { dialect: Dialect::Onnx, padding: None, ..tensorflow_same(6) };
    let onnx = data(onnx);
    let code = |data: &Value, name: &str| data["code"][name].as_str().unwrap().to_owned();
    assert!(code(&tensorflow, "onnx").contains("pads=[0, 0, 1, 1]"));
    assert!(code(&onnx, "onnx").contains("pads=[1, 1, 0, 0]"));
    assert!(code(&tensorflow, "tensorflow").contains("padding=\"SAME\""));
    assert!(code(&onnx, "tensorflow").contains("padding=[[0, 0], [1, 0], [1, 0], [0, 0]]"));
    assert!(code(&tensorflow, "pytorch").contains("y = y[:, :, 0:6, 0:6]"));
    assert!(code(&onnx, "keras").contains("Cropping2D(((1, 0), (1, 0)))"));
    // PyTorch can give the second one: padding 1 at both ends, one cell more behind.
    assert!(code(&onnx, "pytorch").contains("padding=(1, 1), output_padding=(1, 1)"));
}

#[test]
fn what_keras_cannot_express_is_said() {
    let setting = Setting { dilation: vec![2], ..setting(Dialect::Pytorch, &[4], &[3], 2) };
    let keras = data(setting)["code"]["keras"].as_str().unwrap().to_owned();
    assert!(keras.starts_with("# Keras cannot"), "{keras}");
    assert!(keras.contains("kernel_size=(5,)"), "{keras}");
}

#[test]
fn warnings_name_the_cause() {
    let of = |kernel, stride, dilation| {
        let setting = Setting {
            dilation: vec![dilation],
            ..setting(Dialect::Definition, &[6], &[kernel], stride)
        };
        data(setting)["warnings"]
            .as_array()
            .unwrap()
            .iter()
            .map(Value::to_string)
            .collect::<String>()
    };
    assert!(of(3, 2, 1).contains("stride 2 does not divide kernel 3"));
    assert!(of(1, 2, 1).contains("kernel 1 is shorter than stride 2"));
    assert!(of(4, 2, 2).contains("share the factor 2: only one cell in 2"));
    assert_eq!(of(4, 2, 1), "");
}

#[test]
fn the_table_marks_what_differs() {
    // Even crop: all that know `same` agree, PyTorch and Caffe do not know it.
    let table = AllDialects::of(&tensorflow_same(6), Lang::En);
    let rows = serde_json::to_value(&table).unwrap()["rows"].clone();
    let of = |n: usize, member: &str| rows[n][member].clone();
    assert_eq!(of(0, "dialect"), json!("tensorflow"));
    assert_eq!(of(0, "output"), json!([6, 6]));
    assert_eq!(of(0, "window_begin"), json!([0, 0]));
    assert_eq!(of(0, "error"), Value::Null);
    assert_eq!(of(0, "differs"), json!([]));
    assert_eq!(of(2, "differs"), json!(["error"]));
    assert_eq!(of(2, "error")["rule"], json!("PADDING_UNKNOWN"));
    // Without a word for padding everybody does something else.
    let plain = Setting { padding: None, output: None, ..tensorflow_same(6) };
    let table = AllDialects::of(&plain, Lang::En);
    let text = table.page(Lang::En).text(Default::default());
    assert!(text.contains("6x6 *"), "{text}");
    assert_eq!(table.rows[0].differs, ["output"]);
    assert_eq!(table.rows[2].differs, [] as [&str; 0]);
    assert_eq!(table.rows[2].output, Some(vec![7, 7]));
    assert!(!table.all_refused());
    assert!(AllDialects::of(&setting(Dialect::Onnx, &[0], &[1], 1), Lang::En).all_refused());
}

#[test]
fn huge_axes_answer_at_once() {
    let most = i64::from(i32::MAX);
    let start = Instant::now();
    let half = 1 << 30;
    for setting in [
        setting(Dialect::Pytorch, &[most], &[1], 1),
        setting(Dialect::Pytorch, &[1], &[most], 1),
        setting(Dialect::Pytorch, &[1], &[1], most),
        setting(Dialect::Tensorflow, &[1], &[1], most),
        setting(Dialect::Definition, &[half, 512], &[half, 1], 1),
        setting(Dialect::Tflite, &[half], &[half], 1),
        Setting { padding: Some(Padding::Same), ..setting(Dialect::Keras, &[half], &[half], 1) },
        Setting {
            padding: Some(Padding::Pads(vec![(half - 1, half - 3)])),
            ..setting(Dialect::Definition, &[half], &[half], 1)
        },
    ] {
        let explained = Explained::new(setting, Lang::En).unwrap();
        let data = explained.data();
        assert!(explained.page().text(Default::default()).len() < 20_000);
        for counts in data.overlap.per_axis.iter().flatten() {
            assert!(counts.len() <= MAX_CELLS_LISTED);
        }
        assert!(serde_json::to_string(&data).unwrap().len() < 2_000_000);
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn the_longest_list_is_given_and_one_more_is_not() {
    let cells = MAX_CELLS_LISTED as i64;
    let listed = data(setting(Dialect::Pytorch, &[cells], &[1], 1));
    assert_eq!(listed["overlap"]["per_axis"][0].as_array().map(Vec::len), Some(MAX_CELLS_LISTED));
    let left_out = data(setting(Dialect::Pytorch, &[cells + 1], &[1], 1));
    assert_eq!(left_out["overlap"]["per_axis"], json!([null]));
}
