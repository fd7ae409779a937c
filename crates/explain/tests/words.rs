//! Both languages have every text, and every error has its own words in each.

use upconv_explain::{AllDialects, Block, Explained, Lang, Page, message};
use upconv_geometry::{Dialect, GeometryError, Legal, Padding, Setting};

fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

/// One error of every kind.
fn every_error() -> Vec<GeometryError> {
    use GeometryError as E;
    let legal = Legal { first: 5, last: 6 };
    let mut errors = vec![
        E::OutputShapeNotLegal { axis: 0, got: 7, legal, input: 3 },
        E::OutputPaddingTooLarge { axis: 1, got: 2, below: 2, dialect: "PyTorch" },
        E::OutputPaddingTooLarge { axis: 1, got: 2, below: 2, dialect: "the definition" },
        E::OutputSizeOutOfRange { axis: 0, got: 9, legal },
        E::OutputSizeNotPositive { axis: 0, got: 0 },
        E::ChannelMismatch { weight: 3, got: 4 },
        E::GroupsNotDividingChannels { channels: 3, groups: 2 },
        E::ZeroGroups { got: 0 },
        E::StrideNotPositive { axis: 0, got: 0 },
        E::DilationNotPositive { axis: 0, got: 0 },
        E::NegativePadding { axis: 0, got: -1 },
        E::NegativeOutputPadding { axis: 0, got: -1 },
        E::BiasSize { expected: 3, got: 2 },
        E::KernelEmpty { axis: 0, got: 0 },
        E::KernelShapeMismatch { axis: 0, got: 3, weight: 4 },
        E::AutoPadUnknown { got: "FULL".into() },
        E::PaddingModeNotZeros { got: "reflect".into() },
        E::PadsWithAutoPad { auto_pad: "VALID" },
        E::OutputShapeBatch { expected: 1, got: 2 },
        E::OutputShapeChannels { multiple_of: 2, got: 3 },
        E::OutputShapeRank { expected: 4, got: 3 },
        E::KerasSizeNotReachable {
            axis: 0,
            got: 6,
            legal,
            output_padding: Legal { first: 1, last: 1 },
        },
        E::KerasStrideAndDilation { stride: 2, dilation: 2 },
        E::IndexOutOfRange { position: 0, got: 9, cells: 4 },
        E::IndexShapeMismatch { expected: vec![1, 2], got: vec![1, 3] },
        E::InputEmpty { axis: 0, got: 0 },
        E::SizeLimit { what: "output", axis: None, got: 1 << 50, limit: 1 << 40 },
        E::PaddingNotSymmetric { dialect: "caffe", axis: 0, before: 0, after: 1 },
    ];
    for tensor in ["x", "weight", "input", "kernel"] {
        errors.push(E::RankMismatch { tensor, expected: 4, got: 3 });
    }
    for attribute in ["stride", "strides", "dilation_rate", "output_padding", "padding", "output"] {
        errors.push(E::AttributeLength { attribute, expected: 2, got: 3 });
    }
    for dialect in ["tensorflow", "keras", "pytorch", "onnx", "caffe", "tflite", "definition"] {
        errors.push(E::PaddingUnknown { dialect, got: "full".into(), allowed: "same or valid" });
        for argument in ["output_padding", "groups", "dilation"] {
            errors.push(E::ArgumentNotInDialect { dialect, argument, hint: "leave it out" });
        }
    }
    for what in ["input", "effective kernel", "uncropped result", "window begin", "matrix rows"] {
        errors.push(E::SizeLimit { what, axis: Some(0), got: 1 << 31, limit: (1 << 31) - 1 });
    }
    errors
}

#[test]
fn every_error_has_chinese_words_with_the_same_numbers() {
    for error in every_error() {
        let (english, chinese) = (message(&error, Lang::En), message(&error, Lang::Zh));
        assert!(!is_chinese(&english), "{english}");
        assert!(is_chinese(&chinese), "{error:?} has no Chinese words");
        assert!(!chinese.contains('\n') && !chinese.contains("  "), "{chinese}");
        let numbers = |text: &str| {
            let mut numbers: Vec<i64> =
                text.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        };
        let (english, found) = (numbers(&english), numbers(&chinese));
        assert!(english.iter().all(|n| found.contains(n)), "{english:?} {chinese}");
    }
}

/// Errors may gain kinds, which the compiler does not tell other crates about; so the rule names are
/// read from the source next door. Outside of the workspace there is nothing to read.
#[test]
fn no_rule_was_forgotten() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../geometry/src/error.rs");
    let Ok(source) = std::fs::read_to_string(path) else { return };
    let names: Vec<&str> = source
        .split("=> \"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|name| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
        })
        .collect();
    assert!(names.len() > 25, "{names:?}");
    let covered: Vec<&str> = every_error().iter().map(GeometryError::rule).collect();
    for name in names {
        assert!(covered.contains(&name), "{name} is missing in every_error()");
    }
}

fn settings() -> Vec<Setting> {
    let mut settings = Vec::new();
    let paddings = [
        None,
        Some(Padding::Same),
        Some(Padding::SameLower),
        Some(Padding::Valid),
        Some(Padding::Pads(vec![(1, 1)])),
        Some(Padding::Pads(vec![(-1, 2)])),
    ];
    for dialect in Dialect::ALL {
        for padding in &paddings {
            for (input, kernel, stride, dilation) in [
                (vec![3, 3], 3, 2, 1),
                (vec![3], 4, 2, 1),
                (vec![2], 1, 3, 1),
                (vec![3], 3, 2, 2),
                (vec![40, 30], 5, 3, 1),
                (vec![2, 3, 4], 2, 2, 1),
                (vec![1 << 20], 3, 2, 1),
            ] {
                for output_padding in [None, Some(vec![1])] {
                    settings.push(Setting {
                        input: input.clone(),
                        kernel: vec![kernel],
                        stride: vec![stride],
                        dilation: vec![dilation],
                        padding: padding.clone(),
                        output_padding,
                        ..Setting::new(dialect)
                    });
                }
            }
        }
    }
    settings
}

/// All running text of a page.
fn prose(page: &Page) -> Vec<&str> {
    page.blocks
        .iter()
        .filter_map(|block| match block {
            Block::Title(text) | Block::Heading(text) => Some(text.as_str()),
            Block::Prose(text) | Block::Item(text) | Block::Warning(text) => Some(text.as_str()),
            Block::Figure(_) | Block::Code { .. } => None,
        })
        .collect()
}

#[test]
fn pages_are_in_one_language_and_alike_in_both() {
    let mut explained = 0;
    for setting in settings() {
        let Ok(english) = Explained::new(setting.clone(), Lang::En) else { continue };
        let Ok(chinese) = Explained::new(setting, Lang::Zh) else { unreachable!() };
        let (english, chinese) = (english.page(), chinese.page());
        assert_eq!(english.blocks.len(), chinese.blocks.len());
        let text = english.text(Default::default());
        assert!(!is_chinese(&text), "{text}");
        for line in prose(&chinese) {
            assert!(is_chinese(line), "{line}");
        }
        for page in [&english, &chinese] {
            for line in prose(page) {
                assert!(!line.contains("  ") && !line.contains('\n'), "{line:?}");
            }
        }
        explained += 1;
    }
    assert!(explained > 150, "{explained}");
}

#[test]
fn tables_are_in_one_language() {
    for setting in settings().into_iter().step_by(5) {
        let page = |lang| AllDialects::of(&setting, lang).page(lang);
        assert!(!is_chinese(&page(Lang::En).text(Default::default())));
        for line in prose(&page(Lang::Zh)) {
            assert!(is_chinese(line), "{line}");
        }
    }
}

#[test]
fn text_keeps_to_the_width() {
    for setting in settings().into_iter().step_by(3) {
        for lang in [Lang::En, Lang::Zh] {
            let Ok(explained) = Explained::new(setting.clone(), lang) else { continue };
            let text = explained.page().text(Default::default());
            for line in text.lines() {
                let columns: usize = line.chars().map(|c| if c > '\u{2e80}' { 2 } else { 1 }).sum();
                assert!(columns <= 80, "{columns}: {line}");
            }
        }
    }
}
