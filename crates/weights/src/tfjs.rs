//! Models of TensorFlow.js, of operations or of layers: a JSON document, and its weights in one or more binary shards beside it.
//!
//! `weightsManifest` is a list of groups. The shards of a group, one after the other, hold the tensors of
//! the group in the order of the manifest, without padding; that order has nothing to do with the order of
//! layers. Values may be quantised to F16 (kept as F16 here), or to 8 or 16 bits with `scale` and `min`
//! (widened here).
//!
//! # Source
//! TensorFlow.js 4.22.0: `tfjs-core/src/io/types.ts` (`WeightsManifestEntry`) and `io_utils.ts`
//! (`decodeWeights`).

mod attr;
mod base64;
mod document;
mod layers;
mod manifest;
mod quantized;
mod shards;

use std::path::Path;

use crate::error::Result;
use crate::format::{SourceFile, base_name};
use crate::graph::Graph;
use crate::input::{self, Input};
use crate::limits;
use crate::safetensors::Weights;
use document::Document;
use manifest::Group;

/// The two kinds of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Operations of TensorFlow.
    Graph,
    /// Layers of Keras.
    Layers,
}

/// What a TF.js model holds.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its kind.
    pub kind: Kind,
    /// The tensors, under the names of the manifest.
    pub weights: Weights,
    /// The operations that compute with them, or the layers that have them.
    pub graph: Graph,
    /// The files read: the document, then the shards in their order.
    pub files: Vec<SourceFile>,
}

/// Whether the first bytes of a document are those of a model of layers.
pub(crate) fn begins_layers(begin: &[u8]) -> bool {
    let has = |sign: &[u8]| begin.windows(sign.len()).any(|window| window == sign);
    has(b"\"layers-model\"") || has(b"\"model_config\"") || has(b"\"class_name\"")
}

/// Reads a model by its JSON document; the shards are looked for beside it and nowhere else.
///
/// # Errors
/// If a file cannot be read, the document is not of the format, or sizes do not agree.
pub fn read(path: &Path) -> Result<Model> {
    let file = path.display().to_string();
    let (opened, bytes) = input::open(path, limits::MAX_JSON_BYTES)?;
    let mut input = Input::new(opened, file.clone(), bytes);
    let json = input.take(bytes, || "the document".into())?;
    let mut files = vec![SourceFile { name: base_name(path), bytes, sha256: input.sha256() }];
    let document = Document::parse(&file, &json)?;
    drop(json);

    let groups = manifest::check(&file, document.groups)?;
    let found = shards::find(path, &file, &groups)?;
    let mut tensors = Vec::new();
    for (Group { tensors: wanted, .. }, shards) in groups.into_iter().zip(found) {
        let mut reader = shards::Reader::new(shards);
        for tensor in wanted {
            tensors.push(quantized::read(&file, &mut reader, tensor)?);
        }
        files.extend(reader.finish());
    }
    let weights = Weights::new(None, tensors).map_err(|error| error.in_file(&file))?;
    Ok(Model { kind: document.kind, weights, graph: document.graph, files })
}
