//! Explains any setting of a transposed convolution, in any framework's dialect: the window that is
//! kept, the sizes step by step, small numbers put through, the matrix, the overlap, and the same
//! setting as code in other frameworks. In English and Chinese.
//!
//! * [`Explained`]: a setting that its dialect accepts; [`Explained::data`] gives it as data,
//!   [`Explained::page`] as a page.
//! * [`Words`]: a setting as people write it, `3x3`, `same`, `1:0`.
//! * [`Trace`]: the same with numbers of the reader's own, seen from every side, for a page to draw.
//! * [`AllDialects`]: what every dialect makes of the same words.
//! * [`plan()`]: the settings that give a wanted size, best first.
//! * [`Chain`]: a whole encoder and decoder: every size, whether it comes back, and what repairs it.
//! * [`Loss`]: what a picture loses that is brought down and up again.
//! * [`Balance`]: whether the weights of a layer leave a chessboard, and what can be done.
//! * [`Page`]: blocks (headings, prose, figures, code) and their plain text.
//! * [`Drawing`]: the same in pictures: SVG, animated GIF, a page to step through; [`View`] says from which side.
//! * [`ErrorObject`], [`message()`]: why a setting is refused.
//!
//! Data in, data, text and pictures out: nothing here prints, reads files or knows the command line. Sizes come
//! from `upconv-geometry` alone. Lists and pictures are bounded ([`MAX_CELLS_LISTED`],
//! [`MAX_LEGAL_LISTED`], [`MAX_CELLS_DRAWN`], [`MAX_MATRIX_DRAWN`]), so that an axis of any legal
//! length is explained at once.
//!
//! ```
//! use upconv_explain::{Explained, Lang};
//! use upconv_geometry::{Dialect, Setting};
//! let setting = Setting {
//!     input: vec![2, 2], kernel: vec![3, 3], ..Setting::new(Dialect::Definition)
//! };
//! let data = Explained::new(setting, Lang::En)?.data();
//! assert_eq!((data.matrix.rows, data.matrix.columns), (4, 16));
//! # Ok::<(), upconv_geometry::GeometryError>(())
//! ```
#![forbid(unsafe_code)]

mod all_dialects;
mod axes;
mod balance;
mod chain;
mod code;
mod confusion;
mod derivation;
mod document;
mod drawing;
mod explanation;
mod lang;
mod loss;
mod message;
mod overlap;
mod page;
mod planner;
mod rank;
#[cfg(test)]
mod sample;
mod trace;
mod views;
pub mod words;

pub use all_dialects::{AllDialects, DialectRow};
pub use balance::{
    Balance, BalanceData, BalanceError, BalanceOf, Balanced, Cure, MAX_PHASES, PhaseRow,
    TransposedWeight, WorstChannel, weight_axes,
};
pub use chain::{
    Chain, ChainError, Change, Checked, CheckedLayer, Lost, MAX_CHAIN_LAYERS, Nearest, Repair,
    Skip, Value,
};
pub use code::Code;
pub use confusion::{MAX_CLASSES_DRAWN, confusion_picture};
pub use document::{Block, Layout, Page};
pub use drawing::{
    Drawing, DrawingOptions, MAX_CELLS_PICTURED, MAX_SIDE_PICTURED, MAX_STEPS, Theme, View,
};
pub use explanation::{AxisNumbers, Explained, Explanation};
pub use lang::Lang;
pub use loss::{
    LOSS_FACTORS, Loss, LossData, LossError, LossRow, MAX_LOSS_SIDE, Method, Panel, Photo,
};
pub use message::{ErrorObject, MAX_LEGAL_LISTED, message};
pub use overlap::{MAX_CELLS_LISTED, Overlap};
pub use planner::{MAX_PLANNED, Planned, plan, plan_page};
pub use rank::SmallMatrix;
pub use trace::{
    Crop, Fill, Landing, MAX_GROUPS_TRACED, MAX_PRODUCTS_TRACED, Phases, Plane, Stretched, Trace,
    TraceError,
};
pub use views::matrix::{MAX_MATRIX_DRAWN, MatrixForm};
pub use views::{MAX_CELLS_DRAWN, MAX_SMALL_DRAWN, Worked};
pub use words::Words;
