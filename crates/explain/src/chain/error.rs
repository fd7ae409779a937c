//! Why a chain cannot be read or worked out, in both languages.

use std::fmt;

use upconv_geometry::{GeometryError, Legal};

use super::{INPUT, MAX_CHAIN_LAYERS};
use crate::lang::{Lang, say};
use crate::message::{ErrorObject, listed, message};

/// Most names that an error lists.
const MAX_NAMES: usize = 12;

/// What is wrong with a chain, and where.
///
/// ```
/// use upconv_explain::{Chain, Lang};
/// let text = "input = 3\n[[layer]]\nop = \"conv\"\nkernel = 5\n";
/// let error = Chain::read(text, "net.toml")?.check(None, Lang::En).unwrap_err();
/// let object = error.object(Lang::En);
/// assert_eq!(object.rule.as_deref(), Some("OUTPUT_SIZE_NOT_POSITIVE"));
/// assert_eq!(object.file.as_deref(), Some("net.toml"));
/// # Ok::<(), upconv_explain::ChainError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainError(Box<Located>);

/// A problem, and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Located {
    pub(super) file: String,
    pub(super) line: Option<usize>,
    pub(super) layer: Option<String>,
    pub(super) field: Option<String>,
    pub(super) problem: Problem,
}

/// What a key must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Truth,
    /// A number, or one per axis.
    Numbers,
    Padding,
    Layers,
    /// One of `output`, `like`, `factor`.
    Size,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    NotToml(String),
    NoLayers,
    TooManyLayers {
        got: usize,
    },
    UnknownKey {
        key: String,
        legal: Vec<&'static str>,
    },
    /// A key of other operations.
    NotOfOp {
        op: &'static str,
        legal: Vec<&'static str>,
    },
    Unknown {
        got: String,
        legal: Vec<&'static str>,
    },
    Missing(Form),
    Wrong {
        got: &'static str,
        form: Form,
    },
    TooManyAxes {
        got: usize,
    },
    OutOfRange {
        got: String,
        legal: Legal,
    },
    Name {
        got: String,
    },
    NameTaken {
        got: String,
    },
    NoSuchLayer {
        got: String,
        earlier: Vec<String>,
    },
    LaterLayer {
        got: String,
    },
    Together {
        other: &'static str,
    },
    NoCeilMode {
        dialect: &'static str,
    },
    NoInput,
    Axes {
        got: usize,
        expected: usize,
    },
    NotMultiple {
        axis: usize,
        got: usize,
        factor: usize,
    },
    /// The kernel is larger than what it slides over.
    TooSmall {
        input: usize,
        kernel: i64,
        error: GeometryError,
    },
    /// The padding of a layer that puts zeros around its input.
    Zeros(GeometryError),
    Geometry(GeometryError),
}

impl Form {
    fn text(self, lang: Lang) -> &'static str {
        match self {
            Self::Text => lang.pick("text in quotes", "引号中的文字"),
            Self::Truth => lang.pick("true or false", "true 或 false"),
            Self::Numbers => lang.pick("a number, or one per axis", "一个数，或每个轴一个数"),
            Self::Padding => lang.pick(
                "a number, one per axis, pairs [[before, after], ...], \"same\", \"valid\", \
                 \"same_upper\", \"same_lower\"",
                "一个数、每个轴一个数、成对的 [[前, 后], ...]、\"same\"、\"valid\"、\"same_upper\"、\
                 \"same_lower\"",
            ),
            Self::Layers => lang.pick("tables that begin with [[layer]]", "以 [[layer]] 开头的表"),
            Self::Size => lang.pick("one of output, like, factor", "output、like、factor 之一"),
        }
    }
}

impl Problem {
    fn message(&self, lang: Lang) -> String {
        let or = |list: &[&str]| list.join(lang.pick(", ", "、"));
        match self {
            Self::NotToml(reason) => {
                say!(lang, "is no TOML: {reason}", "不是合法的 TOML：{reason}")
            }
            Self::NoLayers => lang
                .pick(
                    "has no layers; each begins with [[layer]] and has an op",
                    "没有任何层；每层以 [[layer]] 开头并写明 op",
                )
                .into(),
            Self::TooManyLayers { got } => say!(
                lang,
                "{got} layers; at most {MAX_CHAIN_LAYERS} are legal",
                "有 {got} 层；最多 {MAX_CHAIN_LAYERS} 层"
            ),
            Self::UnknownKey { key, legal } => {
                let legal = or(legal);
                say!(
                    lang,
                    "the key {key:?} is unknown; legal: {legal}",
                    "未知的键 {key:?}；合法的有：{legal}"
                )
            }
            Self::NotOfOp { op, legal } => {
                let legal = or(legal);
                say!(
                    lang,
                    "{op} does not take this key; it takes {legal}",
                    "{op} 没有这个键；它可以有：{legal}"
                )
            }
            Self::Unknown { got, legal } => {
                let legal = or(legal);
                say!(lang, "{got:?} is unknown; legal: {legal}", "{got:?} 未知；合法的有：{legal}")
            }
            Self::Missing(form) => {
                let form = form.text(lang);
                say!(lang, "is missing: {form}", "缺少：{form}")
            }
            Self::Wrong { got, form } => {
                let form = form.text(lang);
                say!(lang, "is {got}, where {form} must stand", "是 {got}，这里应为{form}")
            }
            Self::TooManyAxes { got } => say!(
                lang,
                "has {got} numbers; 1 to 3 axes are legal",
                "有 {got} 个数；合法的是 1 到 3 个轴"
            ),
            Self::OutOfRange { got, legal } => {
                let legal = lang.range(*legal);
                say!(
                    lang,
                    "{got} is out of range; legal: {legal}",
                    "{got} 超出范围；合法的是 {legal}"
                )
            }
            Self::Name { got } => say!(
                lang,
                "{got:?} is no name: 1 to 40 characters, none of them a control character, and not \
                 {INPUT:?}",
                "{got:?} 不能作名称：1 到 40 个字符，不含控制字符，且不是 {INPUT:?}"
            ),
            Self::NameTaken { got } => say!(
                lang,
                "another layer before is called {got:?} too; names must differ",
                "前面已有名为 {got:?} 的层；名称不能重复"
            ),
            Self::NoSuchLayer { got, earlier } => {
                let shown: Vec<&str> =
                    earlier.iter().rev().take(MAX_NAMES).rev().map(String::as_str).collect();
                let more = if shown.len() < earlier.len() { "..., " } else { "" };
                let legal = more.to_owned() + &or(&shown);
                say!(
                    lang,
                    "no layer is called {got:?}; legal here: {legal}",
                    "没有名为 {got:?} 的层；这里合法的有：{legal}"
                )
            }
            Self::LaterLayer { got } => say!(
                lang,
                "{got:?} does not come before this layer; only earlier ones have a size by then",
                "{got:?} 不在此层之前；只有更早的层此时才有尺寸"
            ),
            Self::Together { other } => say!(
                lang,
                "cannot stand beside {other}; give one of them",
                "不能与 {other} 同时给出；请只留一个"
            ),
            Self::NoCeilMode { dialect } => say!(
                lang,
                "{dialect} always drops an incomplete window; false is legal",
                "{dialect} 总是丢弃不完整的窗口；合法的是 false"
            ),
            Self::NoInput => lang
                .pick(
                    "the size is missing: write input = [224, 224] into the file, or give --from",
                    "缺少尺寸：请在文件中写 input = [224, 224]，或给出 --from",
                )
                .into(),
            Self::Axes { got, expected } => say!(
                lang,
                "has {got} numbers, but the input has {expected} axes: one number, or {expected}",
                "有 {got} 个数，但输入有 {expected} 个轴：应为一个数或 {expected} 个数"
            ),
            Self::NotMultiple { axis, got, factor } => say!(
                lang,
                "axis {axis}: {got} cells are no multiple of the factor {factor}",
                "轴 {axis}：{got} 格不是因子 {factor} 的倍数"
            ),
            Self::TooSmall { input, kernel, error } => {
                let axis = error.axis().unwrap_or_default();
                say!(
                    lang,
                    "axis {axis}: a kernel that spans {kernel} cells does not fit into {input} and their \
                     padding; take a larger input, a smaller kernel or more padding",
                    "轴 {axis}：跨 {kernel} 格的卷积核放不进 {input} 格及其填充；请增大输入、减小卷积核或增加填充"
                )
            }
            Self::Zeros(GeometryError::NegativePadding { axis, got }) => say!(
                lang,
                "axis {axis}: padding {got} must be at least 0",
                "轴 {axis}：填充 {got} 必须至少为 0"
            ),
            Self::Zeros(GeometryError::PaddingNotSymmetric { dialect, axis, before, after }) => {
                say!(
                    lang,
                    "axis {axis}: {dialect} puts equally many zeros at both ends, not {before} and {after}",
                    "轴 {axis}：{dialect} 在两端补同样多的零，不能是 {before} 和 {after}"
                )
            }
            Self::Zeros(error) | Self::Geometry(error) => message(error, lang),
        }
    }
}

impl From<Located> for ChainError {
    fn from(located: Located) -> Self {
        Self(Box::new(located))
    }
}

impl ChainError {
    /// In words, with the file, the line, the layer and the key.
    pub fn message(&self, lang: Lang) -> String {
        let mut place = self.0.file.clone();
        if let Some(line) = self.0.line {
            place += &say!(lang, ", line {line}", "，第 {line} 行");
        }
        if let Some(layer) = &self.0.layer {
            place += &say!(lang, ", layer {layer:?}", "，层 {layer:?}");
        }
        if let Some(field) = &self.0.field {
            place += &say!(lang, ", {field}", "，{field}");
        }
        let problem = self.0.problem.message(lang);
        say!(lang, "{place}: {problem}", "{place}：{problem}")
    }

    /// What programs read of it; errors of geometry keep the name of their rule.
    pub fn object(&self, lang: Lang) -> ErrorObject {
        let found = match &self.0.problem {
            Problem::Geometry(error) | Problem::Zeros(error) | Problem::TooSmall { error, .. } => {
                ErrorObject::of(error, lang)
            }
            Problem::OutOfRange { got, legal } => {
                let got = got.parse().ok();
                ErrorObject {
                    got,
                    legal: listed(*legal),
                    nearest: got.map(|got| legal.nearest(got)),
                    ..Default::default()
                }
            }
            Problem::NotMultiple { axis, got, factor } => {
                let got = *got as i64;
                let below = got / *factor as i64 * *factor as i64;
                let nearest = if below > 0 { below } else { *factor as i64 };
                let (got, nearest) = (Some(got), Some(nearest));
                ErrorObject { axis: Some(*axis), got, nearest, ..Default::default() }
            }
            _ => ErrorObject::default(),
        };
        ErrorObject {
            message: self.message(lang),
            file: Some(self.0.file.clone()),
            field: self.0.field.clone().or(found.field),
            ..found
        }
    }
}

impl fmt::Display for ChainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message(Lang::En))
    }
}

impl std::error::Error for ChainError {}
