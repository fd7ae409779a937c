//! Nodes, and the tensors that constants among them hold.

use super::attr;
use crate::bytes::Bytes;
use crate::error::{Result, TensorFault, WeightsError};
use crate::format::PassedOver;
use crate::graph::{Graph, Node};
use crate::protobuf::{Field, Message};
use crate::tensor::{self, Tensor};
use crate::{limits, tensor_proto};

/// The operation that holds a tensor.
const CONST: &str = "Const";

/// About what a node, one of its inputs, or one of its settings takes in memory besides its text.
const ITEM_BYTES: usize = 128;

/// What is gathered of a graph.
pub(super) struct Collector {
    /// The bytes that the outermost message was made of.
    whole: Bytes,
    pub(super) graph: Graph,
    pub(super) tensors: Vec<Tensor>,
    pub(super) passed_over: Vec<PassedOver>,
    /// Bytes of cells that do not lie in the file as they are needed.
    own: u64,
    /// Bytes of tensors of which fewer cells are stated than there are.
    filled: u64,
    /// About the bytes that the nodes take.
    bytes: usize,
}

impl Collector {
    pub(super) fn new(whole: Bytes) -> Self {
        let (graph, tensors, passed_over) = (Graph::default(), Vec::new(), Vec::new());
        Self { whole, graph, tensors, passed_over, own: 0, filled: 0, bytes: 0 }
    }

    /// Takes in a message of type `GraphDef`: its nodes, then those of its functions.
    pub(super) fn graph(&mut self, graph: Message<'_>) -> Result<()> {
        let mut libraries = Vec::new();
        for field in graph {
            let field = field?;
            match field.number {
                1 => self.node(&field, "")?,
                2 => libraries.push(field.message("library")?),
                _ => {}
            }
        }
        for library in libraries {
            for function in library {
                let function = function?;
                if function.number == 1 {
                    self.function(function.message("library.function")?)?;
                }
            }
        }
        Ok(())
    }

    fn function(&mut self, function: Message<'_>) -> Result<()> {
        let mut name = "";
        for field in function.clone() {
            let field = field?;
            if field.number != 1 {
                continue;
            }
            for part in field.message("library.function.signature")? {
                let part = part?;
                if part.number == 1 {
                    name = short(&part, "library.function.signature.name")?;
                }
            }
        }
        for field in function {
            let field = field?;
            if field.number == 3 {
                self.node(&field, name)?;
            }
        }
        Ok(())
    }

    /// A node, in a function if that has a name.
    fn node(&mut self, node: &Field<'_>, function: &str) -> Result<()> {
        let placed = |name: &str| match function {
            "" => name.to_owned(),
            function => format!("{function}/{name}"),
        };
        if self.graph.nodes.len() == limits::MAX_TENSORS {
            let limit = limits::MAX_TENSORS;
            let file = node.message("node")?.file().into();
            return Err(WeightsError::TooMany { file, what: "nodes", got: limit + 1, limit });
        }
        let mut found = Node {
            name: String::new(),
            op: String::new(),
            input: Vec::new(),
            attr: Default::default(),
        };
        let mut value = None;
        for field in node.message("node")? {
            let field = field?;
            match field.number {
                1 => found.name = placed(short(&field, "node.name")?),
                2 => found.op = short(&field, "node.op")?.into(),
                3 => {
                    let input = short(&field, "node.input")?;
                    let input = match input.strip_prefix('^') {
                        Some(waited_for) => format!("^{}", placed(waited_for)),
                        None => placed(input),
                    };
                    self.charge(&field, input.len())?;
                    found.input.push(input);
                }
                5 => {
                    let (key, attr) = attr::entry(&field)?;
                    self.charge(&field, key.len() + attr::text_bytes(&attr))?;
                    if key == "value" {
                        value = attr::tensor(&field)?;
                    }
                    found.attr.insert(key.into(), attr);
                }
                _ => {}
            }
        }
        self.charge(node, found.name.len() + found.op.len())?;
        if found.op == CONST {
            let Some(value) = value else {
                let reason = format!("constant {:?} has no value", found.name);
                return Err(node.error("node", reason));
            };
            self.constant(&found.name, value)?;
        }
        self.graph.nodes.push(found);
        Ok(())
    }

    fn constant(&mut self, name: &str, value: Message<'_>) -> Result<()> {
        let (mut number, mut shape) = (0, Vec::new());
        for field in value.clone() {
            let field = field?;
            match field.number {
                1 => number = field.int("dtype")?,
                2 => shape = tensor_proto::shape(&field, "tensor_shape")?,
                _ => {}
            }
        }
        let Some(dtype) = tensor_proto::dtype(number) else {
            let what = tensor_proto::type_name(number);
            self.passed_over.push(PassedOver { name: name.into(), what });
            return Ok(());
        };
        let fault = |fault: TensorFault| WeightsError::tensor(value.file(), name, fault);
        let needed = tensor::byte_count(dtype, &shape).map_err(fault)?;
        let stated = tensor_proto::stated(&value, &self.whole, dtype, &mut self.own)?;
        let cells = tensor_proto::filled(stated, dtype, needed, &mut self.filled).map_err(fault)?;
        let tensor = Tensor::of(name.into(), dtype, shape, cells);
        self.tensors.push(tensor.map_err(|error| error.in_file(value.file()))?);
        Ok(())
    }

    /// Counts what a node, an input or a setting takes, with `text` bytes of text.
    fn charge(&mut self, field: &Field<'_>, text: usize) -> Result<()> {
        self.bytes = self.bytes.saturating_add(text).saturating_add(ITEM_BYTES);
        match self.bytes > limits::MAX_GRAPH_BYTES {
            true => {
                let limit = limits::MAX_GRAPH_BYTES;
                let reason = format!("with it nodes take more than {limit} bytes");
                Err(field.error("node", reason))
            }
            false => Ok(()),
        }
    }
}

/// Text of which no name is longer.
pub(super) fn short<'a>(field: &Field<'a>, what: &str) -> Result<&'a str> {
    let text = field.text(what)?;
    match text.len() > limits::MAX_NAME_BYTES {
        true => {
            let (got, limit) = (text.len(), limits::MAX_NAME_BYTES);
            Err(field.error(what, format!("{got} bytes, but at most {limit} are read")))
        }
        false => Ok(text),
    }
}
