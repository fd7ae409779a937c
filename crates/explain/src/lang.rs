//! The two languages, and the small words that both need.

use upconv_geometry::{Dialect, Legal};

/// A language of explanations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

/// One text in both languages; arguments are checked against both.
macro_rules! say {
    ($lang:expr, $en:literal, $zh:literal $(, $arg:tt = $value:expr)* $(,)?) => {
        match $lang {
            $crate::Lang::En => format!($en $(, $arg = $value)*),
            $crate::Lang::Zh => format!($zh $(, $arg = $value)*),
        }
    };
}
pub(crate) use say;

impl Lang {
    /// The language of a locale's name: Chinese for every `zh`, else English.
    ///
    /// ```
    /// use upconv_explain::Lang;
    /// assert_eq!(Lang::from_locale("zh_CN.UTF-8"), Lang::Zh);
    /// assert_eq!(Lang::from_locale("zh-Hans-CN"), Lang::Zh);
    /// assert_eq!(Lang::from_locale("de_CH"), Lang::En);
    /// ```
    pub fn from_locale(name: &str) -> Self {
        let language = name.split(['_', '-', '.', '@']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("zh") { Self::Zh } else { Self::En }
    }

    /// `5`, `5 or 6`, `5 to 9`.
    pub(crate) fn range(self, legal: Legal) -> String {
        let Legal { first, last } = legal;
        match last - first {
            0 => first.to_string(),
            1 => say!(self, "{first} or {last}", "{first} 或 {last}"),
            _ => say!(self, "{first} to {last}", "{first} 到 {last}"),
        }
    }

    /// `0`, `0 and 1`, `0, 1 and 2`.
    pub(crate) fn and<T: ToString>(self, items: &[T]) -> String {
        let items: Vec<String> = items.iter().map(T::to_string).collect();
        match items.as_slice() {
            [] => String::new(),
            [one] => one.clone(),
            [front @ .., last] => {
                let front = front.join(self.pick(", ", "、"));
                say!(self, "{front} and {last}", "{front} 和 {last}")
            }
        }
    }

    /// The text of this language.
    ///
    /// ```
    /// use upconv_explain::Lang;
    /// assert_eq!(Lang::Zh.pick("kernel", "卷积核"), "卷积核");
    /// ```
    pub fn pick(self, en: &'static str, zh: &'static str) -> &'static str {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }

    /// The dialect as its users write it.
    pub(crate) fn dialect(self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Tensorflow => "TensorFlow",
            Dialect::Keras => "Keras",
            Dialect::Pytorch => "PyTorch",
            Dialect::Onnx => "ONNX",
            Dialect::Caffe => "Caffe",
            Dialect::Tflite => "TFLite",
            Dialect::Definition => self.pick("plain definition", "基本定义"),
        }
    }

    /// `1 product`, `2 products`.
    pub(crate) fn products(self, count: usize) -> String {
        match self {
            Self::En if count == 1 => "1 product".into(),
            Self::En => format!("{count} products"),
            Self::Zh => format!("{count} 个乘积"),
        }
    }

    /// `1 zero`, `2 zeros`.
    pub(crate) fn zeros(self, count: i64) -> String {
        match self {
            Self::En if count == 1 => "1 zero".into(),
            Self::En => format!("{count} zeros"),
            Self::Zh => format!("{count} 个零"),
        }
    }

    /// `1 cell`, `2 cells`.
    pub(crate) fn cells(self, count: i64) -> String {
        match self {
            Self::En if count == 1 => "1 cell".into(),
            Self::En => format!("{count} cells"),
            Self::Zh => format!("{count} 格"),
        }
    }
}

/// `3x4` for `[3, 4]`.
pub(crate) fn sizes<T: ToString>(list: &[T]) -> String {
    list.iter().map(T::to_string).collect::<Vec<_>>().join("x")
}

/// `2` if all axes have the same number, else `2x3`.
pub(crate) fn short<T: ToString + PartialEq>(list: &[T]) -> String {
    match list {
        [first, rest @ ..] if rest.iter().all(|v| v == first) => first.to_string(),
        _ => sizes(list),
    }
}
