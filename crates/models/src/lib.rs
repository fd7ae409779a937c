//! Well-known image models, each one file or folder: config, network, name map, description.
//!
//! | model | what |
//! | --- | --- |
//! | [`selfie`] | cuts the person near the camera out of a photo |
//! | [`fcn`] | gives every pixel its class |
//! | [`resnet`] | classifies; the trunk of other networks |
//! | [`resnet_cifar`] | classifies small pictures |
//! | [`dcgan`] | draws pictures of chance |
//! | [`unet`] | gives every pixel its class, with fine borders |
//! | [`segnet`] | gives every pixel its class, with little memory |
//!
//! [`segmentation`] runs those that give every pixel its class on pictures of any size, and with the feature `train`,
//! `training` trains them.
//!
//! [`registry`] lists them with their sizes, their strong and weak points, and what to take instead.
#![forbid(unsafe_code)]

pub mod dcgan;
mod description;
mod error;
pub mod fcn;
pub mod inference;
pub mod initial;
pub mod picture;
pub mod registry;
mod residual;
pub mod resnet;
pub mod resnet_cifar;
pub mod segmentation;
pub mod segnet;
pub mod selfie;
mod selftest;
pub mod stored;
#[cfg(feature = "train")]
pub mod training;
pub mod unet;
pub mod upsampling;

pub use description::{Layer, LayerKind, describe, output_shape};
pub use error::{ModelError, Result};
