//! Pictures in and out: decoding with limits, resizing for a network and back, masks, overlays and
//! cut-outs as PNG, folders walked in a stable order, many pictures at a time in bounded memory.
//!
//! And what training reads: [`datasets`], changed by [`augment`], in batches of a [`loader`], with
//! [`random`] numbers that depend on nothing but their names. [`fetch`] brings real data and weights.
//!
//! [`pipeline::run`] does all of it for a list of inputs from [`walk::Inputs`]; the network is
//! whatever implements [`Segment`]. The parts are there for their own use:
//!
//! ```
//! use upconv_data::{decode, resize, Size};
//!
//! // A picture of 2 x 2 pixels, encoded as BMP.
//! let picture = decode::decode(&upconv_data::sample::bmp())?;
//! assert_eq!((picture.width, picture.height), (2, 2));
//! assert_eq!(picture.rgb, [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]);
//!
//! // An exact halving is the mean of each block of 2 x 2 pixels.
//! let size = Size { height: 1, width: 1 };
//! assert_eq!(resize::to_network(&picture.rgb, picture.size(), size)?, [0.5, 0.5, 0.5]);
//! # Ok::<(), upconv_data::DataError>(())
//! ```
#![forbid(unsafe_code)]

pub mod atomic;
pub mod augment;
mod budget;
pub mod datasets;
pub mod decode;
pub mod digest;
pub mod encode;
mod error;
pub mod fetch;
mod format;
pub mod loader;
mod names;
pub mod pipeline;
pub mod random;
pub mod resize;
#[doc(hidden)]
pub mod sample;
mod segment;
pub mod synthetic;
pub mod walk;

pub use decode::Picture;
pub use encode::{Kind, Kinds};
pub use error::DataError;
pub use segment::{Found, Segment};

use serde::{Deserialize, Serialize};

/// Rows and columns, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Size {
    /// Pixels; saturates, so that a comparison with a limit is right for any numbers.
    pub fn pixels(self) -> usize {
        self.height.saturating_mul(self.width)
    }
}

impl std::fmt::Display for Size {
    /// Width first, as sizes of pictures are written.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}
