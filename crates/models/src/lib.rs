//! Well-known image models, each one file or folder: config, network, name map, description.
//!
//! | model | what |
//! | --- | --- |
//! | [`selfie`] | cuts the person near the camera out of a photo |
//!
//! [`registry`] lists them with their sizes, their strong and weak points, and what to take instead.
#![forbid(unsafe_code)]

mod description;
mod error;
mod parameters;
pub mod registry;
pub mod selfie;

pub use description::{Layer, LayerKind};
pub use error::{ModelError, Result};
