//! Well-known image models, each one file or folder: config, network, name map, description.
//!
//! | model | what |
//! | --- | --- |
//! | [`selfie`] | cuts the person near the camera out of a photo |
//! | [`fcn`] | gives every pixel its class |
//! | [`resnet`] | classifies; the trunk of other networks |
//! | [`vgg`], [`alexnet`], [`efficientnet`] | classify |
//! | [`resnet_cifar`], [`cifar`] | classify small pictures |
//! | [`dcgan`] | draws pictures of chance |
//! | [`unet`] | gives every pixel its class, with fine borders |
//! | [`segnet`] | gives every pixel its class, with little memory |
//!
//! [`sample`] lays pictures that are drawn on a sheet. [`segmentation`] runs those that give every pixel its class on pictures of any size, and with the feature `train`,
//! `training` trains them.
//!
//! [`registry`] lists them with their sizes, their strong and weak points, and what to take instead.
#![forbid(unsafe_code)]

pub mod alexnet;
pub mod cifar;
pub mod classify;
pub mod dcgan;
mod description;
pub mod efficientnet;
mod error;
pub mod fcn;
pub mod inference;
pub mod initial;
mod naming;
pub mod picture;
pub mod registry;
mod residual;
pub mod resnet;
pub mod resnet_cifar;
pub mod sample;
pub mod segmentation;
pub mod segnet;
pub mod selfie;
mod selftest;
pub mod stored;
#[cfg(feature = "train")]
pub mod training;
pub mod unet;
mod unit;
pub mod upsampling;
pub mod vgg;

pub use description::{Layer, LayerKind, describe, output_shape};
pub use error::{ModelError, Result};
