//! In which format weights are written: the ending of the file says it.

use std::path::Path;

use crate::error::Result;
use crate::safetensors::Weights;
use crate::{numpy, onnx};

/// The formats that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Ours, with metadata.
    Safetensors,
    /// NumPy's archive, without metadata.
    Npz,
    /// An ONNX model of initializers without nodes or metadata.
    Onnx,
}

/// Endings of formats that are read and not written, which a file of ours must not have.
const FOREIGN: [&str; 12] = [
    "npy",
    "pt",
    "pth",
    "h5",
    "hdf5",
    "keras",
    "pb",
    "ckpt",
    "json",
    "caffemodel",
    "binaryproto",
    "tflearn",
];

impl Output {
    /// The format for a file of this name: `.npz` and `.onnx` by their endings, ours for any other; none for an ending that
    /// belongs to a format which is not written.
    ///
    /// ```
    /// use std::path::Path;
    /// use upconv_weights::output::Output;
    /// assert_eq!(Output::of(Path::new("w.npz")), Some(Output::Npz));
    /// assert_eq!(Output::of(Path::new("w.safetensors")), Some(Output::Safetensors));
    /// assert_eq!(Output::of(Path::new("w.h5")), None);
    /// ```
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        match ending.as_deref() {
            Some("npz") => Some(Self::Npz),
            Some("onnx") => Some(Self::Onnx),
            Some(foreign) if FOREIGN.contains(&foreign) => None,
            _ => Some(Self::Safetensors),
        }
    }

    /// Writes weights to a temporary name in the same folder, synced, renamed.
    ///
    /// # Errors
    /// More than the format can hold; what cannot be written. Then nothing of the file is left behind.
    pub fn write(self, weights: &Weights, path: &Path) -> Result<()> {
        match self {
            Self::Safetensors => weights.write(path),
            Self::Npz => numpy::write_npz(weights, path),
            Self::Onnx => onnx::write_weights(weights, path),
        }
    }
}
