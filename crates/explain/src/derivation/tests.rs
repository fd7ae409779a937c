use upconv_geometry::{Dialect, Padding, Setting};

use super::derivation;
use crate::Lang;
use crate::sample::{check_equations, settings};

fn lines(setting: &Setting, lang: Lang) -> Vec<String> {
    derivation(setting, &setting.resolve().unwrap(), lang)
}

fn tensorflow(output: Option<Vec<i64>>) -> Setting {
    Setting {
        input: vec![3, 3],
        kernel: vec![3, 3],
        stride: vec![2],
        padding: Some(Padding::Same),
        output,
        ..Setting::new(Dialect::Tensorflow)
    }
}

#[test]
fn every_printed_equation_holds() {
    let mut checked = 0;
    for (setting, resolved) in settings(1500) {
        for lang in [Lang::En, Lang::Zh] {
            for line in derivation(&setting, &resolved, lang) {
                checked += check_equations(&line);
            }
        }
    }
    assert!(checked > 10_000, "{checked}");
}

#[test]
fn tensorflow_same_5_by_hand() {
    assert_eq!(
        lines(&tensorflow(Some(vec![5, 5])), Lang::En),
        [
            "axis 0: full = (3 - 1) * 2 + 3 = 7",
            "axis 0: legal sizes: 5, 6, as many as the stride: the forward convolution rounds them all to \
             the same 3; ceil(5 / 2) = 3; ceil(6 / 2) = 3",
            "axis 0: TensorFlow SAME: P = 7 - 5 = 2; window begins at floor(2 / 2) = 1",
            "axis 0: window (1,1): crop 1 in front and 7 - 1 - 5 = 1 behind",
            "axis 1: as axis 0",
        ]
    );
}

#[test]
fn the_odd_cell_is_pointed_out() {
    let found = lines(&tensorflow(Some(vec![6, 6])), Lang::En).join("\n");
    assert!(found.contains("P = 7 - 6 = 1; window begins at floor(1 / 2) = 0"), "{found}");
    assert!(found.contains("P = 1 is odd: here the odd cell is cropped behind"), "{found}");
    assert!(found.contains("window (0,1): crop 0 in front and 7 - 0 - 6 = 1 behind"), "{found}");
    let onnx = Setting { dialect: Dialect::Onnx, padding: None, ..tensorflow(Some(vec![6, 6])) };
    let found = lines(&onnx, Lang::En).join("\n");
    assert!(found.contains("window begins at ceil(1 / 2) = 1"), "{found}");
    assert!(found.contains("P = 1 is odd: here the odd cell is cropped in front"), "{found}");
    assert!(lines(&tensorflow(Some(vec![6, 6])), Lang::Zh).join("\n").contains("P = 1 是奇数"));
}

#[test]
fn tensorflow_says_that_it_has_no_default() {
    let found = lines(&tensorflow(None), Lang::En).join("\n");
    assert!(found.contains("TensorFlow has no default size"), "{found}");
    assert!(found.contains("6, which Keras takes by default, is shown here"), "{found}");
    assert!(lines(&tensorflow(None), Lang::Zh).join("\n").contains("TensorFlow 没有默认尺寸"));
}

#[test]
fn output_padding_beyond_the_uncropped_row_is_zeros() {
    let setting = Setting {
        input: vec![2],
        kernel: vec![2],
        stride: vec![3],
        output_padding: Some(vec![2]),
        ..Setting::new(Dialect::Pytorch)
    };
    let found = lines(&setting, Lang::En).join("\n");
    // full = 3 + 2 = 5, and nothing is cropped that could be kept instead.
    assert!(found.contains("output_padding reaches 2 cells past the uncropped row"), "{found}");
    assert!(found.contains("add 7 + 0 - 5 = 2 zeros behind"), "{found}");
}

#[test]
fn long_lists_are_left_out_and_named() {
    let setting = Setting {
        input: vec![1],
        kernel: vec![1],
        stride: vec![i64::from(i32::MAX)],
        ..Setting::new(Dialect::Pytorch)
    };
    let found = lines(&setting, Lang::En).join("\n");
    assert!(found.contains("too many to list"), "{found}");
    assert!(found.contains("1 to 2147483647"), "{found}");
}
