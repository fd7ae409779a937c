//! Weight files in and out: named tensors, what a file says about itself, and where every tensor went.
//!
//! | module | what |
//! | --- | --- |
//! | [`mod@format`] | finds out what a file is, and opens it |
//! | [`safetensors`] | the format that this project keeps weights in, with [`metadata`] |
//! | [`tf_checkpoint`] | TensorFlow's checkpoints: both formats, in one file or several |
//! | [`graph_def`] | TensorFlow's graphs: frozen ones, and `SavedModel` |
//! | [`tfjs`] | models of TensorFlow.js, of operations or of layers: JSON and binary shards |
//! | [`caffe`] | Caffe: `.caffemodel`, `.prototxt`, mean pictures, and batch norm in the usual form |
//! | [`mod@numpy`] | NumPy arrays: `.npy`, `.npz`, and dictionaries of arrays in them |
//! | [`torch`] | what PyTorch saves: dictionaries of tensors and whole modules, in both of its forms |
//! | [`keras`] | what Keras saves: HDF5 and `.keras` |
//! | [`onnx`] | ONNX models: weights and nodes |
//! | [`graph`] | the operations of TensorFlow, or layers, that a file has beside its tensors |
//! | [`rename`] | tables from a file's names to a model's, with the moves of axes |
//! | [`balance`] | the fate of every tensor |
//! | [`convert`] | a foreign file and a table become weights of ours |
//! | [`compare`] | two sets of weights, value by value |
//! | [`hash`] | one line by which two machines compare weights |
//! | [`selftest`] | an input and its output, stored beside the weights |
//!
//! Files are not trusted: sizes are checked before memory is asked for ([`limits`] states how much at
//! most), and a broken file gives an error that names the file, the tensor, the field and the numbers.
//!
//! ```
//! use upconv_weights::{Metadata, Tensor, Weights};
//!
//! let weight = Tensor::from_f32("head.weight", &[2, 1], &[1.0, -0.5])?;
//! let weights = Weights::new(Some(Metadata::new("demo")), vec![weight])?;
//! let mut file = Vec::new();
//! weights.write_to(&mut file)?;
//!
//! let again = Weights::from_bytes("demo.safetensors", &file)?;
//! assert_eq!(again.metadata().map(|m| m.model.as_str()), Some("demo"));
//! assert_eq!(again.get("head.weight").unwrap().to_f32()?, [1.0, -0.5]);
//! # Ok::<(), upconv_weights::WeightsError>(())
//! ```
#![deny(unsafe_code)]

mod atomic;
mod axes;
pub mod balance;
mod bytes;
pub mod caffe;
pub mod compare;
pub mod convert;
mod cursor;
mod dtype;
mod error;
pub mod format;
pub mod graph;
pub mod graph_def;
pub mod hash;
mod input;
mod inspection;
mod json;
pub mod keras;
pub mod limits;
pub mod metadata;
pub mod numpy;
pub mod onnx;
pub mod output;
mod pickle;
mod protobuf;
pub mod rename;
pub mod safetensors;
pub mod selftest;
mod statistics;
mod strided;
mod tensor;
mod tensor_proto;
pub mod tf_checkpoint;
pub mod tfjs;
pub mod torch;
mod zip;

pub use balance::{Allowed, Balance};
pub use error::{Result, TensorFault, WeightsError, shown};
pub use format::{Format, PassedOver, Source};
pub use inspection::{InspectedTensor, Inspection};
pub use metadata::Metadata;
pub use rename::{Axes, Expected, RenameTable, Rule};
pub use safetensors::Weights;
pub use statistics::Statistics;
pub use tensor::{Dtype, Tensor, shape_text};
