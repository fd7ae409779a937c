//! Texts as people write them, and such as Caffe would refuse.

use super::*;

fn read(text: &str) -> Settings {
    parse("f", text, schema::NET).unwrap()
}

fn error(text: &str) -> String {
    parse("f", text, schema::NET).unwrap_err().to_string()
}

/// The settings of the only layer.
fn layer(text: &str) -> Settings {
    read(&format!("layer {{ {text} }}")).group("layer").unwrap().clone()
}

fn texts(settings: &Settings, name: &str) -> Vec<String> {
    settings.all(name).map(|setting| setting.text().unwrap().to_owned()).collect()
}

#[test]
fn every_way_to_write_the_same() {
    let expected =
        read("input_shape { dim: 1 dim: 3 } layer { name: \"a\" } layer { name: \"b\" }");
    for text in [
        "input_shape: { dim: 1 dim: 3 } layer: { name: \"a\" } layer: { name: \"b\" }",
        "input_shape < dim: 1; dim: 3; >; layer <name: 'a'>, layer: <name: 'b',>,",
        "input_shape { dim: [1, 3] } layer [{ name: \"a\" }, < name: \"b\" >]",
        "input_shape:{dim:0x1#x\n,dim:03}layer:[{name:'a'},{name:'b'}]",
        "\u{feff}# begin\ninput_shape\n{\ndim : 1\tdim:\r\n3}layer{name:\"\" 'a'}layer{name:\"\\142\"}# end",
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
    assert_eq!(read(""), Settings::default());
    assert_eq!(read("input_dim: []"), Settings::default());
}

#[test]
fn text_and_its_escapes() {
    for (text, expected) in [
        (r#""a" "b"  'c'"#, "abc"),
        (r#""it's" '"'"#, "it's\""),
        (r#""\n\r\t\a\b\f\v\?\'\"\\""#, "\n\r\t\u{7}\u{8}\u{c}\u{b}?'\"\\"),
        (r#""\101\60\0""#, "A0\0"),
        (r#""\x41\x4""#, "A\u{4}"),
        // The bytes of é, one by one.
        (r#""\303" "\xa9""#, "é"),
        (r#""\u4e2d\U0001F600""#, "中😀"),
        ("\"中文\"", "中文"),
        (r##""# no comment""##, "# no comment"),
    ] {
        let settings = read(&format!("name: {text} input: 'x'"));
        assert_eq!(settings.text("name"), Some(expected), "{text}");
        assert_eq!(texts(&settings, "input"), ["x"]);
    }
}

#[test]
fn numbers_and_words() {
    let own =
        layer("lrn_param { alpha: 1e-4 beta: .75 k: 2. local_size: 5 norm_region: 1 engine: MKL }");
    let own = own.group("lrn_param").unwrap();
    assert_eq!((own.float("alpha"), own.float("beta")), (Some(1e-4), Some(0.75)));
    assert_eq!((own.float("k"), own.int("local_size")), (Some(2.0), Some(5)));
    assert_eq!(own.text("norm_region"), Some("WITHIN_CHANNEL"));
    assert_eq!(own.text("engine"), Some("MKL"));
    let own = layer("power_param { power: -1.5f scale: -  3 shift: 1E+2F }");
    let own = own.group("power_param").unwrap();
    assert_eq!((own.float("power"), own.float("scale")), (Some(-1.5), Some(-3.0)));
    assert_eq!(own.float("shift"), Some(100.0));
    let own = layer("power_param { power: -inf scale: Infinity shift: nan }");
    let own = own.group("power_param").unwrap();
    assert_eq!(
        (own.float("power"), own.float("scale")),
        (Some(f64::NEG_INFINITY), Some(f64::INFINITY))
    );
    assert!(own.float("shift").unwrap().is_nan());
    for (word, value) in
        [("true", true), ("True", true), ("t", true), ("1", true), ("false", false), ("0", false)]
    {
        let own = layer(&format!("scale_param {{ bias_term: {word} }}"));
        assert_eq!(own.group("scale_param").unwrap().bool("bias_term"), Some(value), "{word}");
    }
    let own = layer("reshape_param { shape { dim: [0, -1, 0x10, 010] } }");
    let shape = own.group("reshape_param").unwrap().group("shape").unwrap();
    assert_eq!(shape.all("dim").map(|dim| dim.int().unwrap()).collect::<Vec<_>>(), [0, -1, 16, 8]);
}

#[test]
fn fields_of_forks_stay_as_they_stand() {
    let own = layer(
        "upsample_param { scale: 2 upsample_h: 45 pad_out_h: true mode: BILINEAR note: 'x' f: .5 }",
    );
    let own = own.group("upsample_param").unwrap();
    assert_eq!((own.int("scale"), own.float("f")), (Some(2), Some(0.5)));
    assert_eq!((own.text("mode"), own.text("note")), (Some("BILINEAR"), Some("x")));
    assert_eq!(own.get("pad_out_h"), Some(&Setting::Word("true".into())));
}

#[test]
fn what_is_wrong_says_where_and_what_is_legal() {
    for (text, expected) in [
        ("layer {\n  nam", "2:6: the text ends where \"nam\" needs a value"),
        ("name: ", "1:7: the text ends where \"name\" needs a value"),
        ("name", "1:5: the text ends where \"name\" needs a value"),
        ("name 'a'", "1:6: text after \"name\" where ':' or '{' is due"),
        ("layer {\n\n", "3:1: the text ends where '}' is due"),
        ("layer <", "1:8: the text ends where '>' is due"),
        ("layer { >", "1:9: '>' where the name of a field or '}' is due"),
        ("}", "1:1: '}' where the name of a field is due"),
        ("3: 4", "1:1: \"3\" where the name of a field is due"),
        ("[a.b]: 3", "1:1: extensions are not read"),
        ("nmae: 'a'", "1:1: unknown field \"nmae\"; legal: name, input, input_shape, input_dim,"),
        (
            "layer { convolution_param { kernel: 3 } }",
            "1:29: unknown field \"kernel\"; legal: num_output,",
        ),
        ("name: 'a' # é\nname: 'b'", "2:1: \"name\" comes twice, but may come once"),
        ("# é\nname: 3", "2:7: \"name\" is the number 3; legal: text in quotes"),
        ("/* é */", "1:1: '/' where the name of a field is due"),
        ("name: a", "1:7: \"name\" is the word \"a\"; legal: text in quotes"),
        ("name { }", "1:6: \"name\" is a group of settings; legal: text in quotes"),
        ("name: ['a']", "1:7: \"name\" may come once, and so takes no list"),
        ("layer: 3", "1:8: \"layer\" is the number 3; legal: a group of settings in braces"),
        (
            "input_dim: 1.5",
            "1:12: \"input_dim\" is the number 1.5; legal: a whole number of 64 bits",
        ),
        ("input_dim: 9223372036854775808", "1:12: \"input_dim\" is the number 922337203685477"),
        ("input_dim: 08", "1:12: \"08\" is no number"),
        ("input_dim: 3x3", "1:12: \"3x3\" is no number"),
        ("input_dim: 0x", "1:12: \"0x\" is no number"),
        ("input_dim: 1.2.3", "1:12: \"1.2.3\" is no number"),
        ("input_dim: -x", "1:12: \"x\" where a number is due"),
        ("input_dim: -", "1:12: the end where a number is due"),
        ("input_dim: ,", "1:12: ',' where a value is due"),
        ("input_dim: [1 2]", "1:15: \"2\" where ',' or ']' is due"),
        ("input_dim: [1", "1:14: the end where ',' or ']' is due"),
        (
            "force_backward: yes",
            "1:17: \"force_backward\" is the word \"yes\"; legal: true or false",
        ),
        ("force_backward: 2", "1:17: \"force_backward\" is the number 2; legal: true or false"),
        (
            "layer { pooling_param { pool: MIN } }",
            "1:31: \"pool\" is the word \"MIN\"; legal: MAX, AVE, STOCHASTIC",
        ),
        ("layer { pooling_param { pool: 3 } }", "1:31: \"pool\" is the number 3; legal: MAX, AVE"),
        ("layers { type: 'CONV' }", "1:16: \"type\" is text \"CONV\"; legal: a word"),
        ("name: \"a\n\"", "1:7: text without an end; it must end on its line"),
        ("name: 'a", "1:7: text without an end"),
        (r"name: 'a\'", "1:7: text without an end"),
        (r"name: 'é\q'", r"1:9: an unknown escape; legal: \a \b"),
        (r"name: '\", "1:8: an unknown escape"),
        (r"name: '\777'", "1:8: an unknown escape"),
        (r"name: '\xg'", "1:8: an unknown escape"),
        (r"name: '\u12'", "1:8: an unknown escape"),
        (r"name: '\ud800'", "1:8: an unknown escape"),
        (r"name: '\xff' ", "1:14: the text before this is not UTF-8"),
        ("name: '\u{fffd}'", "1:8: text that is not UTF-8"),
    ] {
        let error = error(text);
        assert!(error.starts_with(&format!("f:{expected}")), "{text}: {error}");
    }
}

#[test]
fn no_deeper_and_no_more_than_agreed() {
    let deep = |count: usize| format!("layer {{ {} {}", "a {".repeat(count), "}".repeat(count + 1));
    // The layer is one of them.
    read(&deep(limits::MAX_MESSAGE_DEPTH - 1));
    let error_of_deep = error(&deep(limits::MAX_MESSAGE_DEPTH));
    assert!(error_of_deep.ends_with("more than 100 groups of settings in one another"));
    error(&"layer{a{".repeat(1 << 16));
    let most = limits::MAX_SETTINGS;
    let many = format!("input_dim: [{}0]", "0,".repeat(most));
    assert!(error(&many).ends_with("more than 1048576 settings"));
}
