//! A setting as people write it: `3x3`, `same`, `1:0,0:1`.

use upconv_geometry::{Dialect, Padding, Setting};

use crate::lang::Lang;

/// Most axes that a size may have.
const MAX_AXES: usize = 3;
/// Most characters of a wrong text that its error shows.
const MAX_SHOWN: usize = 60;

/// A setting in words, not yet put to a dialect.
///
/// ```
/// use upconv_explain::Words;
/// let words = Words { input: Some("3x4".into()), kernel: Some("3".into()), ..Words::default() };
/// let setting = words.setting().unwrap();
/// assert_eq!((setting.input, setting.kernel), (vec![3, 4], vec![3]));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct Words {
    /// Whose rules hold: `tensorflow`, `keras`, `pytorch` (or `torch`), `onnx`, `caffe`, `tflite`, `definition`; the last
    /// one.
    #[cfg_attr(feature = "openapi", schema(nullable = false), param(nullable = false))]
    pub dialect: Option<String>,
    /// Input cells, `N`, `HxW` or `DxHxW`, which says how many axes there are. Needed.
    #[cfg_attr(
        feature = "openapi",
        schema(nullable = false, required = true, pattern = "^-?[0-9]+([xX]-?[0-9]+){0,2}$"),
        param(nullable = false, required = true, pattern = "^-?[0-9]+([xX]-?[0-9]+){0,2}$")
    )]
    pub input: Option<String>,
    /// Taps; one number stands for all axes, here and below. Needed.
    #[cfg_attr(
        feature = "openapi",
        schema(nullable = false, required = true, pattern = "^-?[0-9]+([xX]-?[0-9]+){0,2}$"),
        param(nullable = false, required = true, pattern = "^-?[0-9]+([xX]-?[0-9]+){0,2}$")
    )]
    pub kernel: Option<String>,
    /// Stride; 1.
    #[cfg_attr(
        feature = "openapi",
        schema(nullable = false, pattern = "^-?[0-9]+([xX]-?[0-9]+){0,2}$"),
        param(nullable = false, pattern = "^-?[0-9]+([xX]-?[0-9]+){0,2}$")
    )]
    pub stride: Option<String>,
    /// Dilation; 1.
    #[cfg_attr(
        feature = "openapi",
        schema(nullable = false, pattern = "^-?[0-9]+([xX]-?[0-9]+){0,2}$"),
        param(nullable = false, pattern = "^-?[0-9]+([xX]-?[0-9]+){0,2}$")
    )]
    pub dilation: Option<String>,
    /// Groups; 1.
    #[cfg_attr(
        feature = "openapi",
        schema(nullable = false, pattern = "^-?[0-9]+$"),
        param(nullable = false, pattern = "^-?[0-9]+$")
    )]
    pub groups: Option<String>,
    /// `same`, `valid`, `same_upper`, `same_lower`, `N`, `HxW`, `B:E` or `B:E,B:E`; the dialect's.
    #[cfg_attr(feature = "openapi", schema(nullable = false), param(nullable = false))]
    pub padding: Option<String>,
    /// Wanted output cells; the dialect's.
    #[cfg_attr(
        feature = "openapi",
        schema(nullable = false, pattern = "^-?[0-9]+([xX]-?[0-9]+){0,2}$"),
        param(nullable = false, pattern = "^-?[0-9]+([xX]-?[0-9]+){0,2}$")
    )]
    pub output: Option<String>,
    /// Cells added at the end, in dialects that have it.
    #[cfg_attr(
        feature = "openapi",
        schema(nullable = false, pattern = "^-?[0-9]+([xX]-?[0-9]+){0,2}$"),
        param(nullable = false, pattern = "^-?[0-9]+([xX]-?[0-9]+){0,2}$")
    )]
    pub output_padding: Option<String>,
}

impl Words {
    /// The setting that they say.
    ///
    /// # Errors
    /// The first field that is not of a legal form.
    pub fn setting(&self) -> Result<Setting, WordError> {
        let optional = |field, text: &Option<String>| match text {
            Some(text) => sizes(field, text).map(Some),
            None => Ok(None),
        };
        let needed = |field, text: &Option<String>| match text {
            Some(text) => sizes(field, text),
            None => Err(WordError { field, text: String::new(), reason: Reason::Missing }),
        };
        let named = self.dialect.as_ref().map(|name| dialect(name)).transpose()?;
        let plain = Setting::new(named.unwrap_or(Dialect::Definition));
        Ok(Setting {
            input: needed("input", &self.input)?,
            kernel: needed("kernel", &self.kernel)?,
            stride: optional("stride", &self.stride)?.unwrap_or(plain.stride),
            dilation: optional("dilation", &self.dilation)?.unwrap_or(plain.dilation),
            groups: match &self.groups {
                Some(text) => count("groups", text)?,
                None => plain.groups,
            },
            padding: self.padding.as_ref().map(|text| padding(text)).transpose()?,
            output: optional("output", &self.output)?,
            output_padding: optional("output_padding", &self.output_padding)?,
            ..plain
        })
    }
}

/// `3`, `3x4` or `3x4x5`, possibly negative: whether that is legal is for the dialect to say.
///
/// # Errors
/// Another form, a number beyond 64 bits, more than three axes.
pub fn sizes(field: &'static str, text: &str) -> Result<Vec<i64>, WordError> {
    let fail = |reason| WordError { field, text: text.into(), reason };
    let list: Vec<i64> = text
        .split(['x', 'X'])
        .map(|part| number(part, SIZES))
        .collect::<Result<_, _>>()
        .map_err(fail)?;
    match list.len() {
        1..=MAX_AXES => Ok(list),
        _ => Err(fail(Reason::Axes(SIZES))),
    }
}

/// A single number.
///
/// # Errors
/// Another form, a number beyond 64 bits.
pub fn count(field: &'static str, text: &str) -> Result<i64, WordError> {
    number(text, "N").map_err(|reason| WordError { field, text: text.into(), reason })
}

/// The dialect of a name in small or large letters; `torch` is `pytorch`.
///
/// # Errors
/// A name that there is not.
pub fn dialect(name: &str) -> Result<Dialect, WordError> {
    let wrong =
        || WordError { field: "dialect", text: name.into(), reason: Reason::UnknownDialect };
    Dialect::from_name(&name.to_lowercase()).ok_or_else(wrong)
}

/// `same`, `valid`, `same_upper`, `same_lower`, `1`, `1x2`, `1:0` or `1:0,0:1`.
///
/// # Errors
/// Another form, a number beyond 64 bits, more than three axes.
pub fn padding(text: &str) -> Result<Padding, WordError> {
    if let Some(word) = Padding::from_word(text) {
        return Ok(word);
    }
    let fail = |reason| WordError { field: "padding", text: text.into(), reason };
    let pairs: Vec<(i64, i64)> = if text.contains(':') {
        text.split(',')
            .map(|pair| {
                let (before, after) = pair.split_once(':').ok_or(Reason::Form(PADDINGS))?;
                Ok((number(before, PADDINGS)?, number(after, PADDINGS)?))
            })
            .collect::<Result<_, _>>()
            .map_err(fail)?
    } else {
        let both = |part| number(part, PADDINGS).map(|n| (n, n));
        text.split(['x', 'X']).map(both).collect::<Result<_, _>>().map_err(fail)?
    };
    match pairs.len() {
        1..=MAX_AXES => Ok(Padding::Pads(pairs)),
        _ => Err(fail(Reason::Axes(PADDINGS))),
    }
}

const SIZES: &str = "N, HxW, DxHxW";
const PADDINGS: &str = "same, valid, same_upper, same_lower, N, HxW, B:E, B:E,B:E";

/// A text that is not of a legal form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordError {
    /// The field that it is of, as [`Words`] names it.
    pub field: &'static str,
    text: String,
    reason: Reason,
}

/// What is wrong, with the legal forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Missing,
    Form(&'static str),
    TooBig(&'static str),
    Axes(&'static str),
    UnknownDialect,
}

impl WordError {
    /// In words; `name` is what the reader knows the field by.
    ///
    /// ```
    /// use upconv_explain::{Lang, words};
    /// let error = words::sizes("input", "3by3").unwrap_err();
    /// let text = error.message("--input", Lang::En);
    /// assert_eq!(text, "--input '3by3' is not of a legal form: N, HxW, DxHxW");
    /// ```
    pub fn message(&self, name: &str, lang: Lang) -> String {
        // As it was written, but for line breaks and the like.
        let visible = |c: char| if c.is_control() { '?' } else { c };
        let shown: String = self.text.chars().take(MAX_SHOWN).map(visible).collect();
        match (lang, self.reason) {
            (Lang::En, Reason::Missing) => format!("{name} is missing"),
            (Lang::Zh, Reason::Missing) => format!("缺少 {name}"),
            (Lang::En, Reason::Form(forms)) => {
                format!("{name} '{shown}' is not of a legal form: {forms}")
            }
            (Lang::Zh, Reason::Form(forms)) => {
                format!("{name} '{shown}' 的写法不对，合法的写法有：{forms}")
            }
            (Lang::En, Reason::TooBig(forms)) => format!(
                "{name} '{shown}' holds a number that is far too large; legal forms: {forms}"
            ),
            (Lang::Zh, Reason::TooBig(forms)) => {
                format!("{name} '{shown}' 中的数字过大；合法的写法有：{forms}")
            }
            (Lang::En, Reason::Axes(forms)) => {
                format!("{name} '{shown}' has more than {MAX_AXES} axes; legal forms: {forms}")
            }
            (Lang::Zh, Reason::Axes(forms)) => {
                format!("{name} '{shown}' 超过 {MAX_AXES} 个轴；合法的写法有：{forms}")
            }
            (_, Reason::UnknownDialect) => {
                let legal = Dialect::ALL.map(Dialect::name).join(", ");
                match lang {
                    Lang::En => {
                        format!("{name} '{shown}' is unknown; legal: {legal} (torch is pytorch)")
                    }
                    Lang::Zh => {
                        format!("{name} '{shown}' 未知；合法的有：{legal}（torch 即 pytorch）")
                    }
                }
            }
        }
    }
}

fn number(text: &str, forms: &'static str) -> Result<i64, Reason> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Reason::Form(forms));
    }
    text.parse().map_err(|_| Reason::TooBig(forms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form() {
        let parse = |text| sizes("input", text).ok();
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
        let parse = |text| padding(text).ok();
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

    #[test]
    fn what_is_missing_is_named() {
        let words = Words { kernel: Some("3".into()), ..Words::default() };
        let error = words.setting().unwrap_err();
        assert_eq!(
            (error.field, error.message("input", Lang::En).as_str()),
            ("input", "input is missing")
        );
        let words = Words { dialect: Some("numpy".into()), ..words };
        assert_eq!(words.setting().unwrap_err().field, "dialect");
    }
}
