//! Files that are wrong, damaged or made by chance.

use super::super::*;
use super::{CODEC, check, error};

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let layer = |lines: &str| format!("input = 8\n[[layer]]\nname = \"a\"\n{lines}");
    let pool = "op = \"max_pool\"\nkernel = 2\n";
    let cases: &[(&str, &str)] = &[
        ("", "net.toml: has no layers"),
        ("input = 3", "net.toml: has no layers"),
        ("layer = []", "net.toml: has no layers"),
        ("layer = 3", "line 1, layer: is integer, where tables that begin with [[layer]]"),
        ("layer = [1]", "line 1, layer: is integer"),
        ("input = 8\ninput = 9", "line 2: is no TOML: "),
        ("\u{0}", "is no TOML: "),
        ("size = 3", "line 1: the key \"size\" is unknown; legal: dialect, input, layer"),
        ("dialect = \"mxnet\"", "line 1, dialect: \"mxnet\" is unknown; legal: tensorflow, keras"),
        ("dialect = 3", "line 1, dialect: is integer, where text in quotes"),
        ("input = 0", "line 1, input: 0 is out of range; legal: 1 to 2147483647"),
        ("input = [1, -3]", "line 1, input: -3 is out of range"),
        ("input = 99999999999999999999", "line 1, input: 99999999999999999999 is out of range"),
        ("input = 1.5", "line 1, input: is float, where a number, or one per axis"),
        ("input = [1, 2, 3, 4]", "line 1, input: has 4 numbers; 1 to 3 axes"),
        ("input = []", "input: is missing: a number"),
        (&layer(""), "line 2, layer \"a\", op: is missing"),
        (
            &layer("op = \"deconv\""),
            "line 4, layer \"a\", op: \"deconv\" is unknown; legal: conv, ",
        ),
        (&layer("op = \"conv\""), "line 2, layer \"a\", kernel: is missing"),
        (&layer("op = \"resize\""), "layer \"a\", size: is missing: one of output, like, factor"),
        (&layer("op = \"pixel_shuffle\""), "layer \"a\", factor: is missing"),
        (
            &layer(&format!("{pool}output_padding = 1")),
            "line 6, layer \"a\", output_padding: max_pool does not take this key; it takes name, op, \
             kernel, stride, padding, dilation, ceil_mode, skip",
        ),
        (&layer(&format!("{pool}kernl = 1")), "line 6, layer \"a\": the key \"kernl\" is unknown"),
        (
            &layer(&format!("{pool}skip = \"b\"")),
            "line 6, layer \"a\", skip: no layer is called \"b\"; legal here: input",
        ),
        (
            &layer(&format!("{pool}skip = \"a\"")),
            "line 6, layer \"a\", skip: \"a\" does not come before this layer",
        ),
        (
            &layer(&format!("{pool}[[layer]]\nname = \"a\"\n{pool}")),
            "line 7, layer \"op 2\", name: another layer before is called \"a\" too",
        ),
        ("[[layer]]\nname = \"input\"\n", "line 2, layer \"op 1\", name: \"input\" is no name"),
        ("[[layer]]\nname = \"\"\n", "name: \"\" is no name"),
        (
            &layer("op = \"conv\"\nkernel = [3, 3]"),
            "line 5, layer \"a\", kernel: has 2 numbers, but",
        ),
        (&layer("op = \"conv\"\nkernel = 0"), "axis 0: kernel size 0 must be at least 1"),
        (
            &layer("op = \"conv\"\nkernel = 9"),
            "axis 0: a kernel that spans 9 cells does not fit into 8 and their padding",
        ),
        (&layer("op = \"conv\"\nkernel = 3\nstride = 0"), "axis 0: stride 0 must be at least 1"),
        (
            &layer("op = \"conv\"\nkernel = 3\npadding = -1"),
            "axis 0: padding -1 must be at least 0",
        ),
        (
            &layer("op = \"conv\"\nkernel = 3\npadding = [[0, 1]]"),
            "axis 0: pytorch puts equally many zeros at both ends, not 0 and 1",
        ),
        (
            &layer("op = \"conv\"\nkernel = 3\npadding = \"full\""),
            "line 6, layer \"a\", padding: \"full\" is unknown; legal: same, valid",
        ),
        (&layer("op = \"conv\"\nkernel = 3\npadding = [[1]]"), "padding: is array, where a number"),
        (
            &layer(&format!("{pool}padding = \"same\"")),
            "a pooling of pytorch has no padding \"same\"",
        ),
        (&layer(&format!("{pool}ceil_mode = 1")), "ceil_mode: is integer, where true or false"),
        (
            &format!("dialect = \"keras\"\n{}", layer(&format!("{pool}ceil_mode = true"))),
            "line 7, layer \"a\", ceil_mode: keras always drops an incomplete window",
        ),
        (
            &layer("op = \"conv_transpose\"\nkernel = 2\noutput = 3\nlike = \"input\""),
            "line 7, layer \"a\", like: cannot stand beside output",
        ),
        (
            &layer("op = \"resize\"\nfactor = 2\noutput = 3"),
            "factor: cannot stand beside output, like",
        ),
        (&layer("op = \"resize\"\nfactor = 0"), "line 5, layer \"a\", factor: 0 is out of range"),
        (&layer("op = \"resize\"\nfactor = 2000000000"), "above the limit"),
        (
            &layer("op = \"conv_transpose\"\nkernel = 3\nstride = 2\noutput = 20"),
            "axis 0: output size 20 is out of range: 17 or 18 can be asked for",
        ),
        ("[[layer]]\nop = \"conv\"\nkernel = 1", "net.toml, input: the size is missing"),
    ];
    for (text, expected) in cases {
        let told = error(text);
        assert!(told.contains(expected), "{text}\n{told}\n{expected}");
    }
    let many = |layers: usize| {
        "input = 8\n".to_owned() + &"[[layer]]\nop = \"conv\"\nkernel = 1\n".repeat(layers)
    };
    assert!(error(&many(1001)).contains("1001 layers; at most 1000 are legal"));
    assert!(check(&many(1000), None).comes_back());
}

#[test]
fn errors_of_geometry_keep_their_rule() {
    let text = "input = 8\n[[layer]]\nop = \"conv_transpose\"\nkernel = 3\nstride = 2\noutput_padding = 2\n";
    let error = Chain::read(text, "-").unwrap().check(None, Lang::En).unwrap_err();
    let object = error.object(Lang::Zh);
    assert_eq!(object.rule.as_deref(), Some("OUTPUT_PADDING_TOO_LARGE"));
    assert_eq!((object.got, object.nearest, object.axis), (Some(2), Some(1), Some(0)));
    assert!(object.message.starts_with("-，第 2 行，层 \"op 1\"：轴 0"), "{}", object.message);
    let range = Chain::read("input = 0", "-").unwrap_err().object(Lang::En);
    assert_eq!(
        (range.got, range.nearest, range.field.as_deref()),
        (Some(0), Some(1), Some("input"))
    );
}

#[test]
fn damaged_files_are_refused_and_never_panic() {
    for (at, _) in CODEC.char_indices() {
        let _ = Chain::read(&CODEC[..at], "-").map(|chain| chain.check(None, Lang::En));
        let without = CODEC[..at].to_owned() + &CODEC[at + 1..];
        let _ = Chain::read(&without, "-").map(|chain| chain.check(None, Lang::Zh));
    }
    for number in ["-1", "0", "2147483647", "-2147483647", "9223372036854775807", "0x7f"] {
        for key in ["input", "kernel", "stride", "padding"] {
            let text: Vec<String> = CODEC
                .lines()
                .map(|line| match line.split_once(" = ") {
                    Some((found, _)) if found == key => format!("{key} = {number}"),
                    _ => line.to_owned(),
                })
                .collect();
            let _ = Chain::read(&text.join("\n"), "-").map(|chain| chain.check(None, Lang::En));
        }
    }
    let deep = format!("input = {}1{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(Chain::read(&deep, "-").is_err());
}

/// Random chains: what is reported hangs together, and every repair of the input size holds.
#[test]
fn random_chains_are_consistent() {
    let mut state = 1_u64;
    let mut next = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let (mut back, mut not) = (0, 0);
    for _ in 0..400 {
        let mut text = format!("input = {}\n", 20 + next(60));
        let downs = 1 + next(3);
        let strides: Vec<u64> = (0..downs).map(|_| 1 + next(4)).collect();
        for (level, stride) in strides.iter().enumerate() {
            let (op, kernel) = match next(2) {
                0 => ("conv", stride + next(3)),
                _ => ("max_pool", *stride),
            };
            let padding = if op == "conv" { next(kernel / 2 + 1) } else { 0 };
            text += &format!(
                "[[layer]]\nname = \"d{level}\"\nop = \"{op}\"\nkernel = {kernel}\nstride = {stride}\n\
                 padding = {padding}\n"
            );
        }
        for (level, stride) in strides.iter().enumerate().rev() {
            let kernel = stride + next(3);
            let padding = next(kernel / 2 + 1);
            text += &format!(
                "[[layer]]\nop = \"conv_transpose\"\nkernel = {kernel}\nstride = {stride}\n\
                 padding = {padding}\n"
            );
            if next(2) == 0 {
                let beside = match level {
                    0 => "input".to_owned(),
                    level => format!("d{}", level - 1),
                };
                text += &format!("skip = \"{beside}\"\n");
            }
        }
        let Ok(checked) = Chain::read(&text, "-").unwrap().check(None, Lang::En) else { continue };
        if checked.comes_back() {
            back += 1
        } else {
            not += 1
        }
        assert_eq!(checked.loses.is_empty(), checked.comes_back(), "{text}");
        assert!(checked.loses.iter().all(|lost| lost.cells != 0), "{text}\n{checked:?}");
        for near in [&checked.nearest.below, &checked.nearest.above].into_iter().flatten() {
            assert!(check(&text, Some(&[near[0] as i64])).comes_back(), "{text}");
        }
        for repair in checked.repairs.iter().filter(|repair| repair.also.is_empty()) {
            let Value::Numbers(value) = &repair.change.value else { continue };
            if repair.change.field != "output_padding" {
                continue;
            }
            let number: usize = repair.change.layer.trim_start_matches("op ").parse().unwrap();
            let mut parts: Vec<String> = text.split("[[layer]]").map(Into::into).collect();
            parts[number] += &format!("output_padding = {}\n", value[0]);
            assert!(check(&parts.join("[[layer]]"), None).comes_back(), "{text}");
        }
    }
    assert!(back > 10 && not > 100, "{back} {not}");
}
