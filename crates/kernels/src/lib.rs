//! Transposed convolution and its neighbours on plain slices.
//!
//! * [`ConvTransposePlan`] and [`ConvPlan`]: the fast f32 paths, forward and gradients. A plan names its
//!   algorithm and instruction set, and states its workspace before it runs.
//! * [`pointwise`], [`pool`], [`batch_norm`], [`softmax`], [`resize`]: what stands beside convolutions in networks.
//! * [`inference`]: whole networks, with batch norm folded, weights packed once and values in one arena.
//! * [`mod@reference`]: the same operations and their neighbours (pooling, unpooling, resize, pixel
//!   shuffle, bilinear filler) as plain loops with sums in f64; what everything is tested against.
//!
//! Tensors are row-major slices, `[n, c, spatial...]` or, for plans, `[n, spatial..., c]` (see [`Layout`]),
//! with 1 to 3 spatial axes; sizes come from `upconv-geometry`. Work runs on the caller's rayon pool, is split by problem size and never by
//! thread count, and so gives the same bits for any number of threads.
//!
//! ```
//! use upconv_geometry::dialect::pytorch::ConvTranspose;
//! use upconv_kernels::{ConvTransposePlan, PlanOptions};
//!
//! let op = ConvTranspose { stride: vec![2], ..Default::default() };
//! let shape = op.shape(&[1, 1, 2], &[1, 1, 3], None)?;
//! let plan = ConvTransposePlan::new(&shape, &PlanOptions::default())?;
//! let mut y = vec![0.0; 5];
//! plan.forward(&[1.0, 10.0], &[1.0, 2.0, 3.0], None, &mut y)?;
//! assert_eq!(y, [1.0, 2.0, 13.0, 20.0, 30.0]);
//! # Ok::<(), upconv_kernels::KernelError>(())
//! ```

mod aligned;
mod at_once;
pub mod batch_norm;
mod conv_transpose;
mod depthwise;
pub mod elementary;
mod engine;
mod error;
mod extent;
mod gemm;
mod idle;
pub mod inference;
mod layout;
mod local_response;
mod options;
mod parts;
pub mod peak;
mod phases;
mod plan;
pub mod pointwise;
pub mod pool;
pub mod reference;
pub mod resize;
mod simd;
pub mod softmax;
mod sums;
#[cfg(test)]
mod testing;
mod weight_gradient;
mod winograd;

pub use aligned::Aligned;
pub use error::{KernelError, Result};
pub use extent::Extent;
pub use local_response::LocalResponse;
pub use options::{
    Activation, Algorithm, Epilogue, FastMath, Gradients, Kept, Layout, PackedWeight, PlanOptions,
};
pub use plan::{ConvPlan, ConvTransposePlan, Plan};
pub use simd::Isa;

/// The Rust in the project's front pages compiles and computes what it says.
#[cfg(doctest)]
mod front_pages {
    #[doc = include_str!("../../../README.md")]
    struct English;
    #[doc = include_str!("../../../README.zh-CN.md")]
    struct Chinese;
}
