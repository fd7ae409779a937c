//! Files of Keras: HDF5 as `model.save("m.h5")` and `save_weights` write it, and the archives `.keras`.
//!
//! | in the file | name of the tensor |
//! | --- | --- |
//! | Keras 1 and 2, layer `conv1`, weight `conv1/kernel:0` | `conv1/kernel` |
//! | layer `vgg16`, which is a model, weight `block1_conv1/kernel:0` | `vgg16/block1_conv1/kernel` |
//! | Keras 3, `.weights.h5` and `.keras`: group `layers/conv1/vars`, dataset `0` | `layers/conv1/vars/0` |
//! | any other HDF5: group `a/b`, dataset `c` | `a/b/c` |
//!
//! In files of Keras 1 and 2 the name of the layer stands before that of the weight, unless it begins so already, and `:0`
//! is left out. Axes stay in the order of the file: kernels of Keras are height, width, in, out.
//!
//! In files of Keras 3 layers are called by their classes, and not by the names that the document gives them.
//!
//! The weights of an optimiser are passed over. The model's document is kept as [`Config`]: its layers, with what they are
//! set to. A `Lambda` layer has Python's byte code there, which is neither run nor kept.
//!
//! HDF5 is read by the crate `hdf5-reader`: datasets that lie in one piece or in chunks, packed by deflate, or by nothing;
//! links to other files are not followed.
//!
//! # Source
//! Keras 2.15 and 3.15: `legacy/saving/legacy_h5_format.py`, `saving/saving_lib.py`.

mod archive;
mod config;
mod datasets;
mod layers;
mod paths;

use std::path::Path;

use crate::bytes::Bytes;
use crate::error::Result;
use crate::format::{PassedOver, SourceFile};
use crate::safetensors::Weights;
use crate::{input, zip};
use datasets::File;

pub(crate) use archive::is_archive;
pub use config::{Config, Layer};

/// How every file of HDF5 begins that Keras writes.
pub(crate) const MAGIC: &[u8] = b"\x89HDF\r\n\x1a\n";

/// What a file of Keras holds.
#[derive(Clone, Debug)]
pub struct Model {
    /// The tensors.
    pub weights: Weights,
    /// The model's document, if it is in the file and can be read.
    pub config: Option<Config>,
    /// What else is in it.
    pub passed_over: Vec<PassedOver>,
}

/// Reads a file of HDF5 or a `.keras`; at most [`crate::limits::MAX_BYTES`].
///
/// A file of [`crate::limits::MAPPED_BYTES`] or more is mapped, and tensors that lie in it in one piece are not copied.
///
/// # Errors
/// If it cannot be read, is broken, or a weight in it is none that is read.
pub fn read(path: &Path) -> Result<Model> {
    read_described(path).map(|(model, _)| model)
}

/// Reads bytes that are in memory; messages call them `file`.
///
/// # Errors
/// As [`read`].
pub fn from_bytes(file: &str, bytes: Vec<u8>) -> Result<Model> {
    of(file, bytes.into())
}

/// Reads a file, and gives its size and SHA-256 too.
pub(crate) fn read_described(path: &Path) -> Result<(Model, SourceFile)> {
    let file = path.display().to_string();
    let (whole, read) = input::whole(path)?;
    Ok((of(&file, Bytes::shared(whole))?, read))
}

fn of(file: &str, bytes: Bytes) -> Result<Model> {
    match bytes.starts_with(zip::MAGIC) {
        true => archive::read(file, bytes),
        false => model(File::of_bytes(file, bytes)?),
    }
}

/// The model in a file of HDF5.
fn model(mut file: File) -> Result<Model> {
    let root = file.root()?;
    let mut passed_over = Vec::new();
    let config = config::of_group(&file, &root, &mut passed_over)?;
    let tensors = match layers::group(&file, &root)? {
        Some(group) => {
            if root.group(layers::OPTIMIZER).is_ok() {
                let name = layers::OPTIMIZER.into();
                passed_over.push(PassedOver { name, what: paths::OPTIMIZER.1.into() });
            }
            layers::tensors(&mut file, &group)?
        }
        None => paths::tensors(&mut file, root, &mut passed_over)?,
    };
    let weights = Weights::new(None, tensors).map_err(|error| error.in_file(&file.name))?;
    Ok(Model { weights, config, passed_over })
}
