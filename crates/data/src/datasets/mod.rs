//! Data sets: folders of images and masks, or of images and classes, whatever their layout, become items in a stable
//! order.
//!
//! [`segmentation::SegmentationFolder::open`] finds out how a folder is laid out, and for pictures that have one class each
//! [`classified::ClassifiedFolder::open`] does; what is wrong with single files is reported beside the result, and the
//! rest is used. docs/data-formats.md tells users
//! how to lay out their own.

pub mod cifar;
pub mod classes;
pub mod classified;
mod folder;
pub mod idx;
pub mod kitti;
pub mod labelled;
mod lists;
pub mod mask;
pub mod pairs;
pub mod segmentation;
pub mod split;
mod table;
pub mod training;

use std::fmt;

pub use classes::{Class, Classes, VOID};
pub use classified::{Classified, ClassifiedFolder};
pub use labelled::Labelled;
pub use pairs::Pair;
pub use segmentation::{Segmentation, SegmentationFolder};
pub use training::{LabelledBatch, LabelledSource};

/// A part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// What is learned from.
    Train,
    /// What is looked at while learning.
    Val,
    /// What is looked at in the end; masks may be missing.
    Test,
}

impl Part {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

    /// What folders and lists of this part are called; the first is the usual one.
    pub fn names(self) -> [&'static str; 3] {
        match self {
            Self::Train => ["train", "training", "trainset"],
            Self::Val => ["val", "valid", "validation"],
            Self::Test => ["test", "testing", "testset"],
        }
    }

    /// The part that a folder or a list of this name stands for.
    ///
    /// ```
    /// use upconv_data::datasets::Part;
    /// assert_eq!(Part::named("Validation"), Some(Part::Val));
    /// assert_eq!(Part::named("images"), None);
    /// ```
    pub fn named(name: &str) -> Option<Self> {
        let is = |part: &Self| part.names().iter().any(|known| known.eq_ignore_ascii_case(name));
        Self::ALL.into_iter().find(is)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.names()[0])
    }
}

/// Something for each part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts<T> {
    /// Of [`Part::Train`].
    pub train: T,
    /// Of [`Part::Val`].
    pub val: T,
    /// Of [`Part::Test`].
    pub test: T,
}

impl<T> Parts<T> {
    /// That of one part.
    pub fn of(&self, part: Part) -> &T {
        match part {
            Part::Train => &self.train,
            Part::Val => &self.val,
            Part::Test => &self.test,
        }
    }

    /// That of one part, to be changed.
    pub fn of_mut(&mut self, part: Part) -> &mut T {
        match part {
            Part::Train => &mut self.train,
            Part::Val => &mut self.val,
            Part::Test => &mut self.test,
        }
    }
}
