//! Sizes, padding and dialects as they are written on the command line.

use upconv_explain::Lang;
use upconv_geometry::{Dialect, Padding};

use crate::failure::Failure;

/// Most axes that a size may have.
const MAX_AXES: usize = 3;

/// `3`, `3x4` or `3x4x5`, possibly negative: whether that is legal is for the dialect to say.
pub(crate) fn sizes(argument: &str, text: &str, lang: Lang) -> Result<Vec<i64>, Failure> {
    let forms = "N, HxW, DxHxW";
    let list: Vec<i64> = text
        .split(['x', 'X'])
        .map(|part| number(part).map_err(|reason| wrong(argument, text, reason, forms, lang)))
        .collect::<Result<_, _>>()?;
    match list.len() {
        1..=MAX_AXES => Ok(list),
        _ => Err(wrong(argument, text, Reason::Axes, forms, lang)),
    }
}

/// A single number.
pub(crate) fn count(argument: &str, text: &str, lang: Lang) -> Result<i64, Failure> {
    number(text).map_err(|reason| wrong(argument, text, reason, "N", lang))
}

/// The dialect of a name; `torch` is `pytorch`.
pub(crate) fn dialect(name: &str, lang: Lang) -> Result<Dialect, Failure> {
    Dialect::from_name(&name.to_lowercase()).ok_or_else(|| {
        let legal = Dialect::ALL.map(Dialect::name).join(", ");
        Failure::usage(
            Some("dialect"),
            match lang {
                Lang::En => {
                    format!("--dialect '{name}' is unknown; legal: {legal} (torch is pytorch)")
                }
                Lang::Zh => {
                    format!("--dialect '{name}' 未知；合法的有：{legal}（torch 即 pytorch）")
                }
            },
        )
    })
}

/// `same`, `valid`, `same_upper`, `same_lower`, `1`, `1x2`, `1:0` or `1:0,0:1`.
pub(crate) fn padding(text: &str, lang: Lang) -> Result<Padding, Failure> {
    let forms = "same, valid, same_upper, same_lower, N, HxW, B:E, B:E,B:E";
    if let Some(word) = Padding::from_word(text) {
        return Ok(word);
    }
    let fail = |reason| wrong("padding", text, reason, forms, lang);
    let pairs: Vec<(i64, i64)> = if text.contains(':') {
        text.split(',')
            .map(|pair| {
                let (before, after) = pair.split_once(':').ok_or(Reason::Form)?;
                Ok((number(before)?, number(after)?))
            })
            .collect::<Result<_, _>>()
            .map_err(fail)?
    } else {
        let both = |part| number(part).map(|n| (n, n));
        text.split(['x', 'X']).map(both).collect::<Result<_, _>>().map_err(fail)?
    };
    match pairs.len() {
        1..=MAX_AXES => Ok(Padding::Pads(pairs)),
        _ => Err(fail(Reason::Axes)),
    }
}

/// What is wrong with a size.
#[derive(Clone, Copy)]
enum Reason {
    Form,
    TooBig,
    Axes,
}

fn number(text: &str) -> Result<i64, Reason> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Reason::Form);
    }
    text.parse().map_err(|_| Reason::TooBig)
}

fn wrong(argument: &str, text: &str, reason: Reason, forms: &str, lang: Lang) -> Failure {
    // Shown as it was written, but for line breaks and the like.
    let shown: String =
        text.chars().take(60).map(|c| if c.is_control() { '?' } else { c }).collect();
    let message = match (lang, reason) {
        (Lang::En, Reason::Form) => {
            format!("--{argument} '{shown}' is not of a legal form: {forms}")
        }
        (Lang::En, Reason::TooBig) => {
            format!(
                "--{argument} '{shown}' holds a number that is far too large; legal forms: {forms}"
            )
        }
        (Lang::En, Reason::Axes) => {
            format!("--{argument} '{shown}' has more than {MAX_AXES} axes; legal forms: {forms}")
        }
        (Lang::Zh, Reason::Form) => {
            format!("--{argument} '{shown}' 的写法不对，合法的写法有：{forms}")
        }
        (Lang::Zh, Reason::TooBig) => {
            format!("--{argument} '{shown}' 中的数字过大；合法的写法有：{forms}")
        }
        (Lang::Zh, Reason::Axes) => {
            format!("--{argument} '{shown}' 超过 {MAX_AXES} 个轴；合法的写法有：{forms}")
        }
    };
    Failure::usage(Some(argument), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form() {
        let parse = |text| sizes("input", text, Lang::En).ok();
        assert_eq!(parse("3"), Some(vec![3]));
        assert_eq!(parse("3x4"), Some(vec![3, 4]));
        assert_eq!(parse("3X4x5"), Some(vec![3, 4, 5]));
        assert_eq!(parse("-1x0"), Some(vec![-1, 0]));
        for bad in [
            "",
            "x",
            "3xx3",
            "3,3",
            "3x",
            "+3",
            "3.0",
            "1x1x1x1",
            "99999999999999999999",
            "--",
            "٣",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_padding() {
        let parse = |text| padding(text, Lang::En).ok();
        assert_eq!(parse("SAME"), Some(Padding::Same));
        assert_eq!(parse("same_lower"), Some(Padding::SameLower));
        assert_eq!(parse("1"), Some(Padding::Pads(vec![(1, 1)])));
        assert_eq!(parse("1x2"), Some(Padding::Pads(vec![(1, 1), (2, 2)])));
        assert_eq!(parse("1:0"), Some(Padding::Pads(vec![(1, 0)])));
        assert_eq!(parse("1:-2,0:1"), Some(Padding::Pads(vec![(1, -2), (0, 1)])));
        for bad in ["", "1:", ":", "1:2,3", "1,2", "full", "1:2:3", "1:1,1:1,1:1,1:1"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
