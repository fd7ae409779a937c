//! The code is read back: its parameters, put into the framework's own rules, must give the window.

use upconv_geometry::dialect::{keras, onnx, pytorch, tensorflow};
use upconv_geometry::{Axis, AxisParams};

use super::{Code, Finish, of, uncropped};
use crate::Lang;
use crate::sample::settings;

/// All numbers of the bracket that follows `key`.
fn numbers(text: &str, key: &str) -> Option<Vec<i64>> {
    let after = &text[text.find(key)? + key.len()..];
    let mut depth = 0;
    let mut end = after.len();
    for (at, c) in after.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
        if depth <= 0 && (c == ')' || c == ']' || c == ',' || c == '\n') {
            end = at;
            break;
        }
    }
    let split = |c: char| !(c.is_ascii_digit() || c == '-');
    Some(after[..end].split(split).filter_map(|n| n.parse().ok()).collect())
}

/// What is left of an operation's window after keeping `slices` and adding `zeros` (pairs per axis).
fn cut(given: &[Axis], slices: Option<&[i64]>, zeros: Option<&[i64]>) -> Vec<(i64, i64)> {
    let pair = |list: Option<&[i64]>, n: usize| list.map(|list| (list[2 * n], list[2 * n + 1]));
    let one = |(n, a): (usize, &Axis)| {
        let (begin, end) = pair(slices, n).unwrap_or((0, a.output() as i64));
        let (before, behind) = pair(zeros, n).unwrap_or((0, 0));
        assert!(
            0 <= begin && begin <= end && end <= a.output() as i64 && before >= 0 && behind >= 0
        );
        // Zeros stand only where the definition has zeros: outside the uncropped row.
        let front = a.window_begin() + begin;
        assert!(before == 0 || front <= 0 || begin == end, "{a:?}");
        assert!(behind == 0 || front + end - begin >= a.full() as i64 || begin == end, "{a:?}");
        (front - before, before + end - begin + behind)
    };
    given.iter().enumerate().map(one).collect()
}

fn windows(axes: &[Axis]) -> Vec<(i64, i64)> {
    axes.iter().map(|a| (a.window_begin(), a.output() as i64)).collect()
}

/// Compares windows; where nothing of the row is kept, any place outside it is as good.
fn assert_same(found: &[(i64, i64)], wanted: &[Axis], text: &str) {
    for (&(begin, size), a) in found.iter().zip(wanted) {
        assert_eq!(size, a.output() as i64, "{a:?}\n{text}");
        let touches = a.window_begin() < a.full() as i64 && a.window_begin() + size > 0;
        assert!(!touches || begin == a.window_begin(), "{begin} for {a:?}\n{text}");
    }
}

fn flat(pairs: &[i64], dims: usize) -> Vec<i64> {
    (0..dims).flat_map(|n| [pairs[n], pairs[dims + n]]).collect()
}

/// Every window that the frameworks' rules give, and some that none of them gives.
fn cases() -> Vec<(Vec<Axis>, usize)> {
    let mut cases = Vec::new();
    for (n, (_, resolved)) in settings(600).into_iter().enumerate() {
        let shift = n as i64 % 7 - 3;
        let moved = resolved.axes.iter().enumerate().map(|(number, a)| {
            let params = AxisParams {
                input: a.input(),
                kernel: a.kernel(),
                stride: a.stride(),
                dilation: a.dilation(),
                window_begin: a.window_begin() + shift,
                output: a.output() + n % 3,
            };
            Axis::new(number, params).unwrap()
        });
        cases.push((moved.collect(), resolved.groups));
        cases.push((resolved.axes, resolved.groups));
    }
    cases
}

#[test]
fn pytorch_code_gives_the_window() {
    let (mut native, mut sliced) = (0, 0);
    for (axes, groups) in cases() {
        let text = Code::of(&axes, groups, Lang::En).pytorch;
        let op = pytorch::ConvTranspose {
            stride: numbers(&text, "stride=").unwrap(),
            padding: numbers(&text, " padding=").filter(|p| *p != [0]).unwrap_or_default(),
            output_padding: numbers(&text, "output_padding=").unwrap_or_default(),
            dilation: numbers(&text, "dilation=").unwrap_or_default(),
            groups: numbers(&text, "groups=").map_or(1, |g| g[0]),
            ..Default::default()
        };
        assert_eq!(op.groups, groups as i64);
        assert_eq!(numbers(&text, "kernel_size=").unwrap(), super::sizes(&axes, Axis::kernel));
        let given = op.axes(&of(&axes, Axis::input), &of(&axes, Axis::kernel)).unwrap();
        let slices = text.contains("y = y[").then(|| numbers(&text, "y = y").unwrap());
        // pad() counts from the last axis backwards.
        let zeros = numbers(&text, "functional.pad(y, ")
            .map(|pairs| pairs.chunks(2).rev().flatten().copied().collect::<Vec<_>>());
        assert_same(&cut(&given, slices.as_deref(), zeros.as_deref()), &axes, &text);
        assert_eq!(zeros.is_some(), text.contains("bias=False"));
        if slices.is_some() || zeros.is_some() { sliced += 1 } else { native += 1 }
    }
    assert!(native > 100 && sliced > 100, "{native} {sliced}");
}

#[test]
fn tensorflow_code_gives_the_window() {
    let mut seen = [0; 4];
    for (axes, groups) in cases() {
        let dims = axes.len();
        let text = Code::of(&axes, groups, Lang::En).tensorflow;
        let padding = if text.contains("padding=\"SAME\"") {
            seen[0] += 1;
            tensorflow::Padding::Same
        } else if text.contains("padding=\"VALID\"") {
            seen[1] += 1;
            tensorflow::Padding::Valid
        } else {
            seen[2] += 1;
            assert_eq!(dims, 2);
            let pairs = numbers(&text, " padding=").unwrap();
            let pairs: Vec<_> = pairs.chunks(2).map(|p| [p[0], p[1]]).collect();
            tensorflow::Padding::explicit(&pairs, Default::default()).unwrap()
        };
        let op = tensorflow::ConvTranspose {
            strides: numbers(&text, "strides=").unwrap(),
            dilations: numbers(&text, "dilations=").unwrap_or_default(),
            padding,
            ..Default::default()
        };
        let output = numbers(&text, "output_shape=").unwrap();
        let given = op.axes(&of(&axes, Axis::input), &of(&axes, Axis::kernel), &output).unwrap();
        let slices = text.contains("y = y[").then(|| numbers(&text, "y = y").unwrap());
        let zeros = numbers(&text, "tf.pad(y, ").map(|pairs| pairs[2..pairs.len() - 2].to_vec());
        seen[3] += usize::from(slices.is_some() || zeros.is_some());
        assert_same(&cut(&given, slices.as_deref(), zeros.as_deref()), &axes, &text);
    }
    assert!(seen.iter().all(|&n| n > 50), "{seen:?}");
}

#[test]
fn keras_code_gives_the_window() {
    let (mut native, mut cropped, mut cannot) = (0, 0, 0);
    for (axes, groups) in cases() {
        let text = Code::of(&axes, groups, Lang::En).keras;
        if text.starts_with("# Keras cannot") {
            let strided = axes.iter().any(|a| a.stride() > 1);
            let dilated = axes.iter().any(|a| a.dilation() > 1);
            assert!(groups > 1 || (strided && dilated), "{text}");
            cannot += 1;
            continue;
        }
        let op = keras::ConvTranspose {
            strides: numbers(&text, "strides=").unwrap(),
            padding: match text.contains("padding=\"same\"") {
                true => keras::Padding::Same,
                false => keras::Padding::Valid,
            },
            output_padding: numbers(&text, "output_padding="),
            dilation_rate: numbers(&text, "dilation_rate=").unwrap_or_default(),
            ..Default::default()
        };
        let given = op.axes(&of(&axes, Axis::input), &of(&axes, Axis::kernel)).unwrap();
        let dims = axes.len();
        // A cropping layer says how much goes away behind, a slice where it ends.
        let slices = numbers(&text, &format!("Cropping{dims}D")).map(|pairs| {
            let ends = pairs.chunks(2).zip(&given).map(|(p, a)| [p[0], a.output() as i64 - p[1]]);
            ends.flatten().collect::<Vec<_>>()
        });
        let slices =
            slices.or_else(|| text.contains("y = y[").then(|| numbers(&text, "y = y").unwrap()));
        let zeros = numbers(&text, &format!("ZeroPadding{dims}D"));
        assert_same(&cut(&given, slices.as_deref(), zeros.as_deref()), &axes, &text);
        assert_eq!(zeros.is_some(), text.contains("use_bias=False"));
        if slices.is_some() || zeros.is_some() { cropped += 1 } else { native += 1 }
    }
    assert!(native > 50 && cropped > 50 && cannot > 50, "{native} {cropped} {cannot}");
}

/// The values of a tensor that ONNX code makes; its type and length stand before them.
fn tensor(text: &str, name: &str) -> Option<Vec<i64>> {
    let all = numbers(text, &format!("{name} = onnx.helper.make_tensor"))?;
    let [64, length, values @ ..] = all.as_slice() else { panic!("{text}") };
    assert_eq!(*length, values.len() as i64, "{text}");
    Some(values.to_vec())
}

#[test]
fn onnx_code_gives_the_window() {
    let (mut native, mut cutting) = (0, 0);
    for (axes, groups) in cases() {
        let dims = axes.len();
        let text = Code::of(&axes, groups, Lang::En).onnx;
        let op = onnx::ConvTranspose {
            strides: numbers(&text, "strides=").unwrap(),
            pads: numbers(&text, " pads="),
            dilations: numbers(&text, "dilations=").unwrap_or_default(),
            output_padding: numbers(&text, "output_padding=").unwrap_or_default(),
            kernel_shape: numbers(&text, "kernel_shape="),
            group: numbers(&text, "group=").map_or(1, |g| g[0]),
            ..Default::default()
        };
        assert_eq!(op.group, groups as i64);
        let given = op.axes(&of(&axes, Axis::input), &of(&axes, Axis::kernel)).unwrap();
        let slices = tensor(&text, "starts").map(|starts| {
            let ends = tensor(&text, "ends").unwrap();
            starts.into_iter().zip(ends).flat_map(|(b, e)| [b, e]).collect::<Vec<_>>()
        });
        let zeros = tensor(&text, "zeros").map(|pads| {
            // Batch and channels have none; begins come before ends.
            let spatial: Vec<_> = [&pads[2..2 + dims], &pads[4 + dims..]].concat();
            flat(&spatial, dims)
        });
        assert_same(&cut(&given, slices.as_deref(), zeros.as_deref()), &axes, &text);
        assert_eq!(zeros.is_some(), !text.contains("[\"x\", \"w\", \"bias\"]"));
        if slices.is_some() || zeros.is_some() { cutting += 1 } else { native += 1 }
    }
    assert!(native > 100 && cutting > 50, "{native} {cutting}");
}

#[test]
fn our_own_code_names_the_window_itself() {
    for (axes, groups) in cases().into_iter().take(50) {
        let text = Code::of(&axes, groups, Lang::En).upconv;
        for a in &axes {
            let window = format!("window_begin: {}, output: {},", a.window_begin(), a.output());
            assert!(text.contains(&window), "{text}");
        }
        assert!(text.contains(&format!("groups: {groups} }}")), "{text}");
    }
}

#[test]
fn code_is_narrow_and_the_same_in_both_languages() {
    for (axes, groups) in cases() {
        let texts = |lang| {
            let code = Code::of(&axes, groups, lang);
            [code.tensorflow, code.keras, code.pytorch, code.onnx, code.upconv]
        };
        for (english, chinese) in texts(Lang::En).iter().zip(&texts(Lang::Zh)) {
            for line in english.lines().chain(chinese.lines()) {
                assert!(crate::document::width(line) <= 76, "{line}");
            }
            let lines = |text: &str| {
                let code = text.lines().map(|l| l.split('#').next().unwrap_or_default().trim_end());
                code.filter(|l| !l.is_empty() && !l.starts_with("//"))
                    .map(String::from)
                    .collect::<Vec<_>>()
            };
            assert_eq!(lines(english), lines(chinese));
        }
    }
}

#[test]
fn a_finish_leads_to_the_window() {
    for (axes, _) in cases() {
        let given = uncropped(&axes).unwrap();
        let finish = Finish::between(&given, &axes);
        let slices: Vec<_> = finish.axes.iter().flat_map(|a| [a.begin, a.end]).collect();
        let zeros: Vec<_> =
            finish.axes.iter().flat_map(|a| [a.zeros_before, a.zeros_behind]).collect();
        assert_same(&cut(&given, Some(&slices), Some(&zeros)), &axes, "");
        assert_eq!(finish.cuts() || finish.adds(), windows(&given) != windows(&axes));
    }
}
