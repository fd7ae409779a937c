//! Sizes, windows and index maps of convolution and transposed convolution.
//!
//! A transposed convolution scatters each input cell over the output through a kernel. Per axis, with
//! input `I`, kernel `k`, stride `s` and dilation `d`, this gives an uncropped result of
//! `(I - 1) * s + (k - 1) * d + 1` cells, of which every framework keeps one window. Frameworks differ
//! only in where that window begins and how long it is: those rules are in [`dialect`], everything
//! else here is common to all.
//!
//! * [`Axis`]: one axis; which input reaches which output through which tap; overlap; phases.
//! * [`ConvAxis`]: the forward convolution, the same axis read the other way.
//! * [`ConvTransposeShape`], [`ConvShape`]: whole operations with batch, channels and groups.
//! * [`Matrix`]: the matrix of the forward convolution, whose transpose is the operation.
//! * [`dialect`]: TensorFlow, Keras, PyTorch, ONNX, Caffe, TFLite and the plain definition.
//! * [`Setting`]: the same words (`padding same`, `output 5x5`, ...) put to any dialect.
//! * [`pool_output`], [`unpool_output`]: sizes of pooling and max-unpooling.
//!
//! Nothing here computes with pixel values, depends on another crate, or panics on data from outside:
//! arithmetic is checked against [`limits`] before anybody allocates, and errors name the axis, the
//! number and what would be legal.
//!
//! ```
//! use upconv_geometry::dialect::pytorch;
//! // nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1) on 16x16 gives exactly twice the size.
//! let op = pytorch::ConvTranspose { stride: vec![2, 2], padding: vec![1, 1], ..Default::default() };
//! let shape = op.shape(&[1, 8, 16, 16], &[8, 3, 4, 4], None)?;
//! assert_eq!(shape.y(), [1, 3, 32, 32]);
//! # Ok::<(), upconv_geometry::GeometryError>(())
//! ```
#![forbid(unsafe_code)]

mod axis;
mod conv;
pub mod dialect;
mod error;
pub mod limits;
mod matrix;
mod padding;
mod phases;
mod pool;
mod setting;
mod shape;

pub use axis::{Axis, AxisParams, Contributor};
pub use conv::{ConvAxis, ConvAxisParams, ConvPadding};
pub use dialect::Dialect;
pub use error::{GeometryError, Legal, Result};
pub use matrix::{MAX_ENTRIES, Matrix, MatrixEntry};
pub use padding::Padding;
pub use phases::Phase;
pub use pool::{PoolAxisParams, PoolRounding, UnpoolAxisParams, pool_output, unpool_output};
pub use setting::{Resolved, Setting};
pub use shape::{Channels, ConvShape, ConvTransposeShape};
