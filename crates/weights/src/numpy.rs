//! Files of NumPy: one array (`.npy`), several (`.npz`), and dictionaries of arrays that are pickled in either.
//!
//! | in the file | name of the tensor |
//! | --- | --- |
//! | the one array of a `.npy` | `arr_0`, as `numpy.savez` calls an array without a name |
//! | entry `conv/w.npy` of a `.npz` | `conv/w` |
//! | in `numpy.save(file, {"conv1": [w, b]})` | `conv1/0`, `conv1/1` |
//! | in `numpy.save(file, {"conv1": {"weights": w}})` | `conv1/weights` |
//! | the same under `net` in a `.npz` | `net/conv1/weights` |
//!
//! So keys and places, from 0 on, are put together with `/`, through dictionaries, lists, tuples and arrays of objects.
//! Keys are text, bytes (taken for Latin-1, as Python 2 has them) or whole numbers. Numbers of Python become tensors
//! without axes: I64 (U64 where only that holds it), F64 or BOOL. `None` holds nothing and is passed by; anything else
//! is an error. Two tensors of one name are an error too.
//!
//! Cells become row-major and little-endian. Axes stay in the order in which the array has them: a file does not say
//! whose order that is, so tables of names have to.
//!
//! Pickles are read by a machine of ours that calls nothing. It knows what a dozen functions of NumPy and Python mean for
//! the bytes in the file; another one is an error that names it. Messages name an entry of `a.npz` as if `a.npz` were a
//! folder.

mod cells;
mod dictionary;
mod literal;
mod npy;
mod npz;
mod objects;
mod pickled;
mod write;

use std::path::Path;
use std::sync::Arc;

use crate::bytes::{Bytes, Whole};
use crate::error::Result;
use crate::format::SourceFile;
use crate::safetensors::Weights;
use crate::{input, zip};

pub use dictionary::{Entry, dictionary_from_bytes, read_dictionary};
pub(crate) use npy::MAGIC;
pub(crate) use npz::is_entry;
pub use write::write_npz;

/// The name of an array that has none.
const UNNAMED: &str = "arr_0";

/// Reads a `.npy` or `.npz` file, whichever its content says; at most [`crate::limits::MAX_BYTES`].
///
/// From [`crate::limits::MAPPED_BYTES`] on the file is mapped: arrays that lie in it as they are needed take no memory of their
/// own. If it is cut short while they are in use, the system ends the program.
///
/// # Errors
/// If it cannot be read, is broken, or holds something else than numbers.
pub fn read(path: &Path) -> Result<Weights> {
    read_described(path).map(|(weights, _)| weights)
}

/// Reads bytes that are in memory; messages call them `file`.
///
/// # Errors
/// If they are neither a `.npy` nor a `.npz` file, or broken.
///
/// ```
/// use upconv_weights::{Dtype, numpy};
/// // numpy.save of numpy.array([1, -1], dtype=">i2").
/// let header = "{'descr': '>i2', 'fortran_order': False, 'shape': (2,), }\n";
/// let mut file = b"\x93NUMPY\x01\x00".to_vec();
/// file.extend((header.len() as u16).to_le_bytes());
/// file.extend(header.as_bytes());
/// file.extend([0, 1, 0xff, 0xff]);
///
/// let weights = numpy::from_bytes("a.npy", file)?;
/// let tensor = weights.get("arr_0").unwrap();
/// assert_eq!((tensor.dtype(), tensor.shape()), (Dtype::I16, &[2][..]));
/// assert_eq!(tensor.bytes(), [1, 0, 0xff, 0xff]);
/// # Ok::<(), upconv_weights::WeightsError>(())
/// ```
pub fn from_bytes(file: &str, bytes: Vec<u8>) -> Result<Weights> {
    parse(file, Whole::Read(Arc::new(bytes)))
}

/// Reads a file, and gives its size and SHA-256 too.
pub(crate) fn read_described(path: &Path) -> Result<(Weights, SourceFile)> {
    let (whole, read) = input::whole(path)?;
    Ok((parse(&path.display().to_string(), whole)?, read))
}

fn parse(file: &str, whole: Whole) -> Result<Weights> {
    let bytes = Bytes::shared(whole);
    let tensors = match bytes.starts_with(zip::MAGIC) {
        true => npz::read(file, bytes)?,
        false => npy::read(file, &bytes, UNNAMED, "")?,
    };
    Weights::new(None, tensors).map_err(|error| error.in_file(file))
}
