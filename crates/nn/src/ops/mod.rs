//! The operations as functions on Burn tensors, each with its gradients.
//!
//! On Burn's CPU backend (`Device::flex()`, with autodiff or without) our kernels run, on slices of the
//! tensors' own memory. On any other device an operation is put together from Burn's own operations,
//! which know symmetric padding only: they run without padding, and the window rule of
//! `upconv-geometry` is a slice or an extension with zeros beside them. Both give the same values up to
//! rounding.
//!
//! All functions check shapes, element types (F32) and devices, and return an error instead of
//! panicking.

// Without gradients nothing calls the adjoints.
#![cfg_attr(not(feature = "train"), allow(dead_code))]

mod activation;
#[cfg(all(test, feature = "train"))]
mod agreement;
mod average_pool;
mod batch_norm;
mod conv;
mod conv_transpose;
mod dropout;
mod linear;
mod local_response;
mod max_pool;
mod max_unpool;
mod plain;
mod planned;
#[cfg(feature = "train")]
mod record;
mod resample;
pub(crate) mod seam;
mod softmax;

pub use activation::{Activation, activation};
pub use average_pool::{average_pool, global_mean};
pub use batch_norm::{Normalisation, Normalised, batch_norm, batch_norm_train};
pub use conv::conv;
pub use conv_transpose::conv_transpose;
pub(crate) use dropout::check_rate;
pub use dropout::dropout;
pub use linear::linear;
pub use local_response::{LocalResponse, local_response};
pub use max_pool::{PoolWindow, max_pool, max_pool_values};
pub use max_unpool::max_unpool;
pub use resample::{Resample, resample};
pub use softmax::{log_softmax, softmax};
