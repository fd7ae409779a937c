//! The reference: plain loops, sums in f64, every size and index worked out from first principles.
//!
//! Slow and obvious on purpose. Fast paths, the golden cases and the pages that show numbers are all
//! compared with it. It does not use the index maps of `upconv-geometry`, so that a fault there shows.

pub mod average_pool;
pub mod bilinear;
pub mod conv;
pub mod conv_transpose;
mod index;
pub mod max_pool;
pub mod max_unpool;
pub mod pixel_shuffle;
pub mod resize;
pub mod resize_conv;
pub mod resize_coordinates;
pub mod resize_dialects;
pub mod resize_method;
pub mod sizes;
mod walk;
