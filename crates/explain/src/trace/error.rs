//! Why a setting cannot be shown cell by cell.

use upconv_geometry::GeometryError;
use upconv_kernels::KernelError;

use super::{MAX_GROUPS_TRACED, MAX_PRODUCTS_TRACED};
use crate::drawing::{MAX_CELLS_PICTURED, MAX_SIDE_PICTURED};
use crate::lang::{Lang, say};
use crate::message::ErrorObject;

/// Why a setting cannot be shown cell by cell.
#[derive(Clone, Debug, PartialEq)]
pub enum TraceError {
    /// More than two axes.
    Rank {
        /// Axes.
        got: usize,
    },
    /// More cells than [`MAX_CELLS_PICTURED`], or more along a side than [`MAX_SIDE_PICTURED`].
    TooLarge,
    /// More than [`MAX_GROUPS_TRACED`] groups.
    Groups {
        /// Groups.
        got: usize,
    },
    /// More than [`MAX_PRODUCTS_TRACED`] products.
    Products {
        /// Products.
        got: usize,
    },
    /// A text that says no numbers.
    Fill {
        /// `x` or `w`.
        field: &'static str,
        /// The text, or the part of it that is no number.
        text: String,
    },
    /// Too few or too many numbers.
    Count {
        /// `x` or `w`.
        field: &'static str,
        /// Numbers.
        got: usize,
        /// Cells of one group.
        cells: usize,
        /// Groups.
        groups: usize,
    },
    /// What the kernels refuse.
    Kernel(KernelError),
}

impl TraceError {
    /// In words.
    pub fn message(&self, lang: Lang) -> String {
        match self {
            Self::Rank { got } => say!(
                lang,
                "a setting of {got} axes is not shown cell by cell; legal: 1 or 2 axes",
                "{got} 个轴的设置不能逐格显示；合法的是 1 或 2 个轴"
            ),
            Self::TooLarge => say!(
                lang,
                "too large to be shown cell by cell: axes of up to {MAX_SIDE_PICTURED} cells, {MAX_CELLS_PICTURED} \
                 in all, are",
                "太大，不能逐格显示：只显示每轴不超过 {MAX_SIDE_PICTURED} 格、总共不超过 {MAX_CELLS_PICTURED} 格的设置"
            ),
            Self::Groups { got } => say!(
                lang,
                "{got} groups are not shown cell by cell; legal: 1 to {MAX_GROUPS_TRACED}",
                "{got} 个分组不能逐格显示；合法的是 1 到 {MAX_GROUPS_TRACED} 个"
            ),
            Self::Products { got } => say!(
                lang,
                "{got} products are too many to be shown one by one; legal: up to {MAX_PRODUCTS_TRACED}",
                "{got} 个乘积太多，不能逐个显示；合法的是最多 {MAX_PRODUCTS_TRACED} 个"
            ),
            Self::Fill { field, text } => say!(
                lang,
                "{field}: '{text}' says no numbers; legal: count, ones, impulse, random:SEED, bilinear, or numbers \
                 of at most a million with commas between",
                "{field}：'{text}' 不是数字的写法；合法的有：count、ones、impulse、random:种子、bilinear，或用逗号隔开的\
                 数字（绝对值不超过一百万）"
            ),
            Self::Count { field, got, cells, groups } if *groups == 1 => say!(
                lang,
                "{field} has {got} numbers; legal: {cells}, one for each cell",
                "{field} 有 {got} 个数；合法的是 {cells} 个，每格一个",
                cells = cells
            ),
            Self::Count { field, got, cells, groups } => {
                let all = cells * groups;
                say!(
                    lang,
                    "{field} has {got} numbers; legal: {cells}, the same for each group, or {all}, group by group",
                    "{field} 有 {got} 个数；合法的是 {cells} 个（各组相同）或 {all} 个（逐组排列）"
                )
            }
            Self::Kernel(error) => error.to_string(),
        }
    }

    /// The object that programs read.
    pub fn object(&self, lang: Lang) -> ErrorObject {
        let (field, got) = match self {
            Self::Rank { got } => (Some("input"), Some(*got)),
            Self::Groups { got } => (Some("groups"), Some(*got)),
            Self::Products { got } => (None, Some(*got)),
            Self::Fill { field, .. } => (Some(*field), None),
            Self::Count { field, got, .. } => (Some(*field), Some(*got)),
            Self::TooLarge | Self::Kernel(_) => (None, None),
        };
        ErrorObject {
            message: self.message(lang),
            field: field.map(Into::into),
            // Counts of a setting within the limits.
            got: got.map(|got| got as i64),
            ..ErrorObject::default()
        }
    }
}

impl From<KernelError> for TraceError {
    fn from(error: KernelError) -> Self {
        Self::Kernel(error)
    }
}

impl From<GeometryError> for TraceError {
    fn from(error: GeometryError) -> Self {
        Self::Kernel(error.into())
    }
}
