//! Padding as people write it, before a dialect has read it.

use std::fmt;

/// Padding in words or numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Padding {
    /// `same`: TensorFlow's, Keras's and TFLite's word; for ONNX it is read as `same_upper`.
    Same,
    /// `same_upper`: ONNX's word, an odd cell cropped at the end.
    SameUpper,
    /// `same_lower`: ONNX's word, an odd cell cropped at the begin.
    SameLower,
    /// `valid`: nothing is cropped.
    Valid,
    /// `(before, after)` per axis, or one pair for all axes.
    Pads(Vec<(i64, i64)>),
}

impl Padding {
    /// The names of what is said in a word.
    pub const WORDS: [&'static str; 4] = ["same", "valid", "same_upper", "same_lower"];

    /// What one of [`Padding::WORDS`] says, in small or large letters.
    ///
    /// ```
    /// use upconv_geometry::Padding;
    /// assert_eq!(Padding::from_word("SAME"), Some(Padding::Same));
    /// assert_eq!(Padding::from_word("full"), None);
    /// ```
    pub fn from_word(word: &str) -> Option<Self> {
        match word.to_lowercase().as_str() {
            "same" => Some(Self::Same),
            "valid" => Some(Self::Valid),
            "same_upper" => Some(Self::SameUpper),
            "same_lower" => Some(Self::SameLower),
            _ => None,
        }
    }
}

impl fmt::Display for Padding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => f.write_str("same"),
            Self::SameUpper => f.write_str("same_upper"),
            Self::SameLower => f.write_str("same_lower"),
            Self::Valid => f.write_str("valid"),
            Self::Pads(pads) => {
                let pairs: Vec<_> = pads.iter().map(|(b, e)| format!("{b}:{e}")).collect();
                f.write_str(&pairs.join(","))
            }
        }
    }
}
