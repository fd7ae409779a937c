//! The names of classes.

use serde::Serialize;

/// Synset and words of each class of ImageNet's challenge of 2012, in the order of their numbers.
///
/// # Source
/// Synsets of PyPI's tensorflow-datasets 4.9.10; words, from WordNet 3.0, of timm 1.0.20.
pub(crate) const IMAGENET: &str = include_str!("../../labels/imagenet.txt");

/// The name of a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Label {
    /// Its synset in WordNet, such as `n02123045`.
    pub id: Option<String>,
    /// Words for people.
    pub label: String,
}

impl Label {
    /// `n02123045 tabby, tabby cat` has a synset, and `cat` none.
    ///
    /// ```
    /// use upconv_models::classify::Label;
    /// let label = Label::of("n02123045 tabby, tabby cat");
    /// assert_eq!((label.id.as_deref(), &*label.label), (Some("n02123045"), "tabby, tabby cat"));
    /// assert_eq!(Label::of("no cat").id, None);
    /// ```
    pub fn of(line: &str) -> Self {
        let synset = |id: &str| {
            id.len() == 9 && id.starts_with('n') && id[1..].bytes().all(|b| b.is_ascii_digit())
        };
        match line.split_once(' ') {
            Some((id, words)) if synset(id) => Self { id: Some(id.into()), label: words.into() },
            _ => Self { id: None, label: line.into() },
        }
    }
}

/// The 1000 classes of ImageNet.
///
/// ```
/// let labels = upconv_models::classify::imagenet();
/// assert_eq!(labels.len(), 1000);
/// assert_eq!((labels[0].label.as_str(), labels[281].label.as_str()), ("tench, Tinca tinca", "tabby, tabby cat"));
/// ```
pub fn imagenet() -> Vec<Label> {
    IMAGENET.lines().map(Label::of).collect()
}

/// Names for so many classes: those that the weights have, ImageNet's for 1000, and numbers else.
pub(super) fn labels(own: Option<&[String]>, classes: usize) -> Vec<Label> {
    match own {
        Some(own) if own.len() == classes => own.iter().map(|line| Label::of(line)).collect(),
        _ if classes == 1000 => imagenet(),
        _ => (0..classes).map(|class| Label::of(&class.to_string())).collect(),
    }
}
