//! Training of image models.
#![forbid(unsafe_code)]

pub mod metrics;
