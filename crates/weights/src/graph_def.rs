//! Graphs of TensorFlow: frozen ones (`GraphDef`, `.pb`), and models with their variables (`SavedModel`).
//!
//! | what is opened | what is read |
//! | --- | --- |
//! | `frozen.pb` | its nodes; what its nodes `Const` hold are the tensors |
//! | `saved_model.pb`, or the folder with it | the same of its graph, and the checkpoint in `variables` beside it |
//!
//! Tensors have the names of their nodes, or those of the checkpoint. Nodes of functions come behind those of the graph,
//! as `function/node`. Of several graphs in a model the one with the tag `serve` is read, or the first. Constants are not
//! only weights: sizes, axes and factors are too; whoever wants a model's variables alone opens the checkpoint by
//! [`crate::tf_checkpoint`].
//!
//! # Source
//! TensorFlow 2.21: `core/framework/graph.proto`, `node_def.proto`, `attr_value.proto`, `function.proto`, and
//! `core/protobuf/saved_model.proto`, `meta_graph.proto`.

mod attr;
mod nodes;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bytes::{Bytes, Whole};
use crate::error::{Result, WeightsError};
use crate::format::{PassedOver, SourceFile};
use crate::graph::Graph;
use crate::input;
use crate::limits;
use crate::protobuf::{Message, Prefix};
use crate::safetensors::Weights;
use crate::tf_checkpoint::{self, Checkpoint};
use nodes::Collector;

/// The file of a model in its folder.
const SAVED_MODEL: &str = "saved_model.pb";

/// The index of the checkpoint in that folder.
const VARIABLES: &str = "variables/variables.index";

/// The tag of the graph that is there to be run.
const SERVE: &[u8] = b"serve";

/// What a graph holds.
#[derive(Clone, Debug)]
pub struct Model {
    /// The tensors: constants, and variables where there are some.
    pub weights: Weights,
    /// The nodes that compute with them.
    pub graph: Graph,
    /// Constants and variables of other types, in the order of names.
    pub passed_over: Vec<PassedOver>,
    /// The files read: that with the graph, and those of the checkpoint.
    pub files: Vec<SourceFile>,
}

/// Which of the two forms bytes are.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Graph,
    SavedModel,
}

/// Whether a file that begins so holds a graph: its first node, with a name and an operation.
pub(crate) fn begins_graph(begin: &[u8]) -> bool {
    let Some(node) = Prefix::new(begin).next() else { return false };
    let Some(bytes) = node.bytes.filter(|_| node.number == 1) else { return false };
    let mut fields = Prefix::new(bytes);
    let mut text = |number| {
        fields
            .next()
            .is_some_and(|field| field.number == number && field.size > 0 && field.is_printable())
    };
    text(1) && (text(2) || node.size > bytes.len() as u64)
}

/// Whether a file that begins so is a model: the version of its schema, and a graph with what is known about it.
pub(crate) fn begins_saved_model(begin: &[u8]) -> bool {
    let Some(rest) = begin.strip_prefix(&[0x08, 1]) else { return false };
    let graph = Prefix::new(rest).next().filter(|field| field.number == 2);
    let first = graph.and_then(|graph| Prefix::new(graph.bytes?).next());
    first.is_some_and(|first| matches!(first.number, 1 | 2) && first.bytes.is_some())
}

/// Whether a path is a folder with a model in it.
pub(crate) fn is_at(path: &Path) -> bool {
    path.is_dir() && path.join(SAVED_MODEL).is_file()
}

/// Reads a frozen graph.
///
/// # Errors
/// If the file cannot be read, or is not of the form.
pub fn read_graph(path: &Path) -> Result<Model> {
    read(path, path.into(), Form::Graph)
}

/// Reads a model by its folder or by the `saved_model.pb` in it. Without a folder `variables` the constants are its only
/// tensors.
///
/// # Errors
/// If a file cannot be read or is not of the form, or a constant has the name of a variable.
pub fn read_saved_model(path: &Path) -> Result<Model> {
    let file = if path.is_dir() { path.join(SAVED_MODEL) } else { path.into() };
    read(path, file, Form::SavedModel)
}

/// Reads a frozen graph that is in memory; messages call it `file`.
///
/// # Errors
/// If the bytes are not of the form.
///
/// ```
/// use upconv_weights::graph_def;
/// // A node "c" of operation "Const", whose setting "value" is a tensor of DT_UINT8, shape [2] and content 7, 9.
/// let tensor = b"\x08\x04\x12\x04\x12\x02\x08\x02\x22\x02\x07\x09";
/// let attr = [b"\x0a\x05value\x12\x0e\x42\x0c", &tensor[..]].concat();
/// let node = [b"\x0a\x01c\x12\x05Const\x2a\x17", &attr[..]].concat();
/// let file = [b"\x0a\x23", &node[..]].concat();
///
/// let model = graph_def::graph_from_bytes("c.pb", file)?;
/// assert_eq!(model.weights.get("c").unwrap().bytes(), [7, 9]);
/// assert_eq!(model.graph.nodes[0].op, "Const");
/// # Ok::<(), upconv_weights::WeightsError>(())
/// ```
pub fn graph_from_bytes(file: &str, bytes: Vec<u8>) -> Result<Model> {
    let bytes = Bytes::shared(Whole::Read(Arc::new(bytes)));
    parse(file, &bytes, Form::Graph)?.finish(file, Vec::new(), Vec::new())
}

/// Reads the graph of a model that is in memory, without its variables; messages call it `file`.
///
/// # Errors
/// If the bytes are not of the form.
pub fn saved_model_from_bytes(file: &str, bytes: Vec<u8>) -> Result<Model> {
    let bytes = Bytes::shared(Whole::Read(Arc::new(bytes)));
    parse(file, &bytes, Form::SavedModel)?.finish(file, Vec::new(), Vec::new())
}

fn read(given: &Path, path: PathBuf, form: Form) -> Result<Model> {
    let file = path.display().to_string();
    let folder = given.parent().unwrap_or(Path::new(""));
    let below = |path: &Path| path.strip_prefix(folder).unwrap_or(path).display().to_string();
    let (whole, mut own) = input::whole(&path)?;
    own.name = below(&path);
    let mut files = vec![own];
    let collected = parse(&file, &Bytes::shared(whole), form)?;
    let index = path.with_file_name(VARIABLES);
    if form == Form::Graph || !index.is_file() {
        return collected.finish(&file, Vec::new(), files);
    }
    let Checkpoint { weights, passed_over, files: read } = tf_checkpoint::read(&index)?;
    let beside = index.parent().unwrap_or(Path::new(""));
    files.extend(
        read.into_iter().map(|read| SourceFile { name: below(&beside.join(&read.name)), ..read }),
    );
    let mut model = collected.finish(&file, weights.into_tensors(), files)?;
    model.passed_over.extend(passed_over);
    model.passed_over.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(model)
}

fn parse(file: &str, bytes: &Bytes, form: Form) -> Result<Collector> {
    let message = Message::new(file, bytes);
    let mut collector = Collector::new(bytes.clone());
    match form {
        Form::Graph => collector.graph(message)?,
        Form::SavedModel => collector.graph(served(file, message)?)?,
    }
    Ok(collector)
}

/// The graph of a model that is there to be run.
fn served<'a>(file: &'a str, model: Message<'a>) -> Result<Message<'a>> {
    let mut first = None;
    for field in model {
        let field = field?;
        if field.number != 2 {
            continue;
        }
        let (mut graph, mut is_served) = (None, false);
        for part in field.message("meta_graphs")? {
            let part = part?;
            match part.number {
                1 => {
                    for tag in part.message("meta_graphs.meta_info_def")? {
                        let tag = tag?;
                        is_served |= tag.number == 4 && tag.bytes("tags")? == SERVE;
                    }
                }
                2 => graph = Some(part.message("meta_graphs.graph_def")?),
                _ => {}
            }
        }
        match graph {
            Some(graph) if is_served => return Ok(graph),
            Some(graph) if first.is_none() => first = Some(graph),
            _ => {}
        }
    }
    first.ok_or_else(|| WeightsError::Form {
        file: file.into(),
        field: "meta_graphs".into(),
        offset: 0,
        reason: "no graph is in it".into(),
    })
}

impl Collector {
    fn finish(
        self,
        file: &str,
        variables: Vec<crate::Tensor>,
        files: Vec<SourceFile>,
    ) -> Result<Model> {
        let Self { graph, mut tensors, mut passed_over, .. } = self;
        tensors.extend(variables);
        let bytes = tensors.iter().map(|tensor| tensor.byte_len() as u64).sum::<u64>();
        if bytes > limits::MAX_BYTES {
            let limit = limits::MAX_BYTES;
            return Err(WeightsError::TooLarge {
                file: format!("{file}: its tensors"),
                bytes,
                limit,
            });
        }
        passed_over.sort_by(|a, b| a.name.cmp(&b.name));
        let weights = Weights::new(None, tensors).map_err(|error| error.in_file(file))?;
        Ok(Model { weights, graph, passed_over, files })
    }
}
