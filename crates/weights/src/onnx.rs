//! ONNX models: their weights, and the nodes that compute with them.
//!
//! A tensor is called as the value that it gives: an initializer by its name, and what a node `Constant` holds by the
//! name of its output. Text and what is in graphs inside of nodes (`If`, `Loop`) is passed over; a sparse tensor, and a
//! type that [`Dtype`](crate::Dtype) does not have, is an error that names it.
//!
//! Large models keep cells in files beside the document. Those are looked for in its folder and nowhere else.
//!
//! # Source
//! ONNX 1.19: `onnx/onnx.proto`, IR versions 3 to 11; `docs/ExternalData.md`.

mod external;
mod graph;
mod tensor;
mod write;

use std::path::Path;
use std::sync::Arc;

use crate::bytes::{Bytes, Whole};
use crate::error::{Result, WeightsError};
use crate::format::{PassedOver, SourceFile};
use crate::input;
use crate::protobuf::Message;
use crate::safetensors::Weights;
use external::Folder;
pub use graph::{Attribute, Graph, Node};
pub use write::write_weights;

/// What an ONNX model holds.
#[derive(Clone, Debug)]
pub struct Model {
    /// The tensors.
    pub weights: Weights,
    /// The nodes that compute with them.
    pub graph: Graph,
    /// What else is in it.
    pub passed_over: Vec<PassedOver>,
    /// The files read: the document, then those that it names. None for bytes in memory.
    pub files: Vec<SourceFile>,
}

/// Reads a model, with the files beside it that it names; at most [`crate::limits::MAX_BYTES`] together.
///
/// Files from [`crate::limits::MAPPED_BYTES`] on are mapped: if one is cut short while its tensors are in use, the system
/// ends the program.
///
/// # Errors
/// If a file cannot be read, lies outside of the folder, or the document is broken.
pub fn read(path: &Path) -> Result<Model> {
    let (whole, read) = input::whole(path)?;
    let file = path.display().to_string();
    let mut folder = Folder::of(&file, path, read.bytes);
    let mut model = parse(&file, Bytes::shared(whole), &mut folder)?;
    model.files = std::iter::once(read).chain(folder.files()).collect();
    Ok(model)
}

/// Reads bytes that are in memory; messages call them `file`. Files beside them are not read.
///
/// # Errors
/// As [`read`].
pub fn from_bytes(file: &str, bytes: Vec<u8>) -> Result<Model> {
    let bytes = Bytes::shared(Whole::Read(Arc::new(bytes)));
    parse(file, bytes, &mut Folder::none(file))
}

/// Whether a file that begins so is an ONNX model: the version of the format, and a field that may come next. Versions
/// below 3 are older than ONNX 1.0; other documents begin with them.
pub(crate) fn begins(begin: &[u8]) -> bool {
    const NEXT: [u8; 8] = [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72];
    matches!(begin, [0x08, 3..=32, next, ..] if NEXT.contains(next))
}

fn parse(file: &str, bytes: Bytes, folder: &mut Folder<'_>) -> Result<Model> {
    let mut found = None;
    for field in Message::new(file, &bytes) {
        let field = field?;
        if field.number == 7 {
            if found.is_some() {
                return Err(field.error("graph", "it comes twice".into()));
            }
            found = Some(field.message("graph")?);
        }
    }
    let Some(graph) = found else {
        let reason = "there is none: this is no ONNX model".into();
        let (file, field) = (file.into(), "graph".into());
        return Err(WeightsError::Form { file, field, offset: 0, reason });
    };
    let mut parts =
        graph::Parts { file, bytes: &bytes, folder, tensors: vec![], passed_over: vec![] };
    let graph = parts.graph(graph)?;
    let (tensors, passed_over) = (parts.tensors, parts.passed_over);
    let weights = Weights::new(None, tensors).map_err(|error| error.in_file(file))?;
    Ok(Model { weights, graph, passed_over, files: Vec::new() })
}
