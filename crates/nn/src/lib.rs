//! Layers for image models on Burn.
//!
//! Burn (`=0.22.1`) brings tensors, devices, autodiff, optimisers and records; `upconv-kernels` brings
//! the arithmetic. They meet here and nowhere else.
//!
//! * [`ops`]: convolution, transposed convolution and their neighbours as functions on tensors, for
//!   every window that `upconv-geometry` knows, with gradients.
//! * [`layers`]: modules with Burn's field names (`weight`, `bias`, `gamma`, ...), so that Burn's
//!   optimisers and records work on them. Padding is given in the words of
//!   [`upconv_geometry::Padding`].
//! * [`init`]: how weights begin.
//! * [`parameters`]: the parameters of a module by name.
//! * [`pass`]: what a network's forward pass is written against, once for training and inference.
//! * [`inference`]: the inference form of a network, which runs without Burn.
//!
//! # Features
//! * `train` (default): gradients through our kernels. Without it, tensors that record gradients (which
//!   needs Burn's feature `autodiff`) go through Burn's own operations.
//! * `wgpu`: Burn's WebGPU devices.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use upconv_geometry::Padding;
//! use upconv_nn::layers::ConvTranspose2dConfig;
//! let device = Device::flex();
//! let up = ConvTranspose2dConfig::new([8, 3], [4, 4])
//!     .with_stride([2, 2])
//!     .with_padding(Padding::Same)
//!     .init(&device)?;
//! let y = up.forward(Tensor::<4>::zeros([1, 8, 16, 16], &device));
//! assert_eq!(y.dims(), [1, 3, 32, 32]);
//! # Ok::<(), upconv_nn::NnError>(())
//! ```
#![forbid(unsafe_code)]

mod error;
pub mod inference;
pub mod init;
pub mod layers;
pub mod memory;
pub mod ops;
pub mod parameters;
pub mod pass;

pub use error::{NnError, Result};
