//! Files of PyTorch's `torch.save`: dictionaries of tensors, nested ones, whole modules, in either form.
//!
//! | in the file | name of the tensor |
//! | --- | --- |
//! | `torch.save(model.state_dict(), file)` | `conv.weight`, as in the dictionary |
//! | `torch.save({"netG_state_dict": net.state_dict(), "epoch": 3}, file)` | `netG_state_dict.conv.weight` |
//! | `torch.save(model, file)`, `torch.jit.save(model, file)` | `conv.weight`, as in its `state_dict()` |
//! | the moments of an optimiser | `optimizer.state.0.exp_avg` |
//! | `torch.save([a, b], file)` | `0`, `1` |
//! | `torch.save(a, file)` | `tensor` |
//!
//! So keys and places, from 0 on, are put together with dots. Numbers, text and `None` beside tensors are passed by;
//! other things that are no tensors are passed over too, and [`Model::passed_over`] lists them. A tensor that cannot be
//! read (quantised, sparse, complex, on the device `meta`) is an error that names it.
//!
//! The pickle in such a file is read by a machine of ours that calls nothing: what a pickle would have Python run has no
//! effect, and is at most listed. Strides and offsets are obeyed: a tensor that lies in its storage as it is needed
//! refers to the file; one with other strides is copied into rows. Names that share a storage are separate tensors.
//!
//! Since version 1.6 files are archives of zip (a pickle, and an entry for each storage); before they were pickles one
//! after the other, and then the storages. Still older ones, which are archives of tar, are not read.
//!
//! # Source
//! PyTorch 2.8: `torch/serialization.py`, `torch/_utils.py` (`_rebuild_*`), `torch/nn/modules/module.py` (`state_dict`),
//! `caffe2/serialize/inline_container.cc`.

mod archive;
mod legacy;
mod rebuild;
mod storage;
mod walk;

use std::path::Path;
use std::sync::Arc;

use crate::bytes::{Bytes, Whole};
use crate::error::{Result, WeightsError};
use crate::format::{PassedOver, SourceFile};
use crate::safetensors::Weights;
use crate::{input, zip};

pub(crate) use archive::is_archive;
pub(crate) use legacy::begins as begins_legacy;

/// What a file of PyTorch holds.
#[derive(Clone, Debug)]
pub struct Model {
    /// The tensors.
    pub weights: Weights,
    /// What else is in it, but for numbers, text and `None`.
    pub passed_over: Vec<PassedOver>,
}

/// Reads a file of either form; at most [`crate::limits::MAX_BYTES`].
///
/// From [`crate::limits::MAPPED_BYTES`] on the file is mapped: tensors that lie in it as they are needed take no memory
/// of their own. If it is cut short while they are in use, the system ends the program.
///
/// # Errors
/// If it cannot be read, is broken, or a tensor in it is none that is read.
pub fn read(path: &Path) -> Result<Model> {
    read_described(path).map(|(model, _)| model)
}

/// Reads bytes that are in memory; messages call them `file`.
///
/// # Errors
/// If they are of neither form, or broken.
pub fn from_bytes(file: &str, bytes: Vec<u8>) -> Result<Model> {
    parse(file, Bytes::shared(Whole::Read(Arc::new(bytes))))
}

/// Reads a file, and gives its size and SHA-256 too.
pub(crate) fn read_described(path: &Path) -> Result<(Model, SourceFile)> {
    let (whole, read) = input::whole(path)?;
    let model = parse(&path.display().to_string(), Bytes::shared(whole))?;
    Ok((model, read))
}

fn parse(file: &str, bytes: Bytes) -> Result<Model> {
    let (tensors, passed_over) = match bytes.starts_with(zip::MAGIC) {
        true => archive::read(file, bytes)?,
        false => legacy::read(file, bytes)?,
    };
    let weights = Weights::new(None, tensors).map_err(|error| error.in_file(file))?;
    Ok(Model { weights, passed_over })
}

fn form(file: &str, field: &str, at: usize, reason: String) -> WeightsError {
    WeightsError::Form { file: file.into(), field: field.into(), offset: at as u64, reason }
}
