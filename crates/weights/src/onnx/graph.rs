//! The nodes of a model, and where in it tensors are.

use std::collections::BTreeMap;

use super::external::Folder;
use super::tensor::{self, Found};
use crate::bytes::Bytes;
use crate::error::{Result, WeightsError};
use crate::format::PassedOver;
use crate::limits;
use crate::protobuf::{Field, Message};
use crate::tensor::{Dtype, Tensor};

/// The operation that gives what one of its attributes holds.
const CONSTANT: &str = "Constant";

/// The nodes of a model in the order of the document, each after those whose values it takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// Names of the values that the model is given. Older documents name weights here too.
    pub inputs: Vec<String>,
    /// Names of the values that it gives.
    pub outputs: Vec<String>,
    /// The nodes.
    pub nodes: Vec<Node>,
}

/// One operation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// Its name, which may be empty.
    pub name: String,
    /// What it computes, such as `ConvTranspose`.
    pub op: String,
    /// Whose operation it is; empty for those of ONNX.
    pub domain: String,
    /// Names of the values that it takes; an empty one is left out.
    pub inputs: Vec<String>,
    /// Names of the values that it gives.
    pub outputs: Vec<String>,
    /// Its settings.
    pub attributes: BTreeMap<String, Attribute>,
}

/// A setting of a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f32),
    /// Text.
    Text(String),
    /// Whole numbers.
    Ints(Vec<i64>),
    /// Numbers.
    Floats(Vec<f32>),
    /// Several texts.
    Texts(Vec<String>),
    /// A tensor, which is among the weights under the name of the node's output if the node is a `Constant`.
    Tensor,
    /// Anything else: graphs, types, lists of tensors.
    Other,
}

impl Graph {
    /// The node that gives a value.
    pub fn maker(&self, value: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.outputs.iter().any(|output| output == value))
    }

    /// The nodes that take a value.
    pub fn users<'a>(&'a self, value: &'a str) -> impl Iterator<Item = &'a Node> {
        self.nodes.iter().filter(move |node| node.inputs.iter().any(|input| input == value))
    }
}

/// What is gathered from a document.
pub(super) struct Parts<'a, 'f, 'p> {
    pub(super) file: &'a str,
    pub(super) bytes: &'a Bytes,
    pub(super) folder: &'f mut Folder<'p>,
    pub(super) tensors: Vec<Tensor>,
    pub(super) passed_over: Vec<PassedOver>,
}

impl<'a> Parts<'a, '_, '_> {
    pub(super) fn graph(&mut self, message: Message<'a>) -> Result<Graph> {
        let mut graph = Graph::default();
        for field in message {
            let field = field?;
            match field.number {
                1 => {
                    let node = self.node(field.message("graph.node")?)?;
                    self.within("nodes", graph.nodes.len())?;
                    graph.nodes.push(node);
                }
                5 => {
                    let found = self.tensor(field.message("graph.initializer")?, None)?;
                    self.keep(found)?;
                }
                11 => graph.inputs.push(self.value(&field, "graph.input", graph.inputs.len())?),
                12 => {
                    graph.outputs.push(self.value(&field, "graph.output", graph.outputs.len())?)
                }
                15 => {
                    let reason = "a sparse tensor, which is not read".into();
                    return Err(field.error("graph.sparse_initializer", reason));
                }
                _ => {}
            }
        }
        Ok(graph)
    }

    fn node(&mut self, message: Message<'a>) -> Result<Node> {
        let mut node = Node::default();
        let mut attributes = Vec::new();
        for field in message {
            let field = field?;
            let text = |what| field.text(what).map(str::to_owned);
            match field.number {
                1 => {
                    self.within("inputs of a node", node.inputs.len())?;
                    node.inputs.push(text("graph.node.input")?);
                }
                2 => {
                    self.within("outputs of a node", node.outputs.len())?;
                    node.outputs.push(text("graph.node.output")?);
                }
                3 => node.name = text("graph.node.name")?,
                4 => node.op = text("graph.node.op_type")?,
                5 => attributes.push(field.message("graph.node.attribute")?),
                7 => node.domain = text("graph.node.domain")?,
                _ => {}
            }
        }
        let constant = (node.op == CONSTANT).then(|| node.outputs.first().cloned()).flatten();
        for attribute in attributes {
            let (name, value) = self.attribute(attribute, &node, constant.as_deref())?;
            node.attributes.insert(name, value);
        }
        Ok(node)
    }

    /// A setting; what is in the node that gives the value `constant` becomes a tensor.
    fn attribute(
        &mut self,
        message: Message<'a>,
        node: &Node,
        constant: Option<&str>,
    ) -> Result<(String, Attribute)> {
        const WHAT: &str = "graph.node.attribute";
        let (mut name, mut value) = (String::new(), Attribute::Other);
        let (mut ints, mut floats, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        let most = limits::MAX_TENSORS;
        for field in message {
            let field = field?;
            let lossy = || field.bytes(WHAT).map(|b| String::from_utf8_lossy(b).into_owned());
            match field.number {
                1 => name = field.text(WHAT)?.into(),
                2 => value = Attribute::Float(field.float(WHAT)?),
                3 => value = Attribute::Int(field.int(WHAT)?),
                4 => value = Attribute::Text(lossy()?),
                5 => {
                    value = Attribute::Tensor;
                    if constant.is_some() {
                        let found = self.tensor(field.message(WHAT)?, constant)?;
                        self.keep(found)?;
                    }
                }
                6 | 11 => {
                    let name = format!("{}({})", node.op, node.name);
                    self.pass_over(name, "a graph inside of a node")?;
                }
                7 => field.floats(WHAT, &mut floats, most)?,
                8 => field.int64s(WHAT, &mut ints, most)?,
                9 => {
                    self.within("texts of an attribute", texts.len())?;
                    texts.push(lossy()?);
                }
                _ => {}
            }
        }
        if !ints.is_empty() {
            value = Attribute::Ints(ints);
        } else if !floats.is_empty() {
            value = Attribute::Floats(floats);
        } else if !texts.is_empty() {
            value = Attribute::Texts(texts);
        }
        if let Some(output) = constant {
            self.numbers(output, &name, &value)?;
        }
        Ok((name, value))
    }

    /// The tensor of a `Constant` that holds numbers and no tensor.
    fn numbers(&mut self, output: &str, name: &str, value: &Attribute) -> Result<()> {
        let (dtype, shape, bytes): (_, Vec<usize>, Vec<u8>) = match (name, value) {
            ("value_float", Attribute::Float(v)) => (Dtype::F32, vec![], v.to_le_bytes().into()),
            ("value_int", Attribute::Int(v)) => (Dtype::I64, vec![], v.to_le_bytes().into()),
            ("value_floats", Attribute::Floats(v)) => {
                (Dtype::F32, vec![v.len()], v.iter().flat_map(|v| v.to_le_bytes()).collect())
            }
            ("value_ints", Attribute::Ints(v)) => {
                (Dtype::I64, vec![v.len()], v.iter().flat_map(|v| v.to_le_bytes()).collect())
            }
            ("value_string" | "value_strings", _) => {
                return self.pass_over(output.into(), "text");
            }
            ("sparse_value", _) => {
                let (file, field) = (self.file.into(), format!("tensor {output:?}"));
                let reason = "a sparse tensor, which is not read".into();
                return Err(WeightsError::Form { file, field, offset: 0, reason });
            }
            _ => return Ok(()),
        };
        self.keep(Found::Tensor(Tensor::new(output, dtype, shape, bytes)?))
    }

    fn tensor(&mut self, message: Message<'a>, name: Option<&str>) -> Result<Found> {
        tensor::read(self.file, self.bytes, message, name, self.folder)
    }

    fn keep(&mut self, found: Found) -> Result<()> {
        match found {
            Found::Tensor(tensor) => {
                self.within("tensors", self.tensors.len())?;
                self.tensors.push(tensor);
                Ok(())
            }
            Found::Text(name) => self.pass_over(name, "text"),
        }
    }

    /// The name of a value that the model takes or gives.
    fn value(&self, field: &Field<'a>, what: &'static str, there: usize) -> Result<String> {
        self.within(what, there)?;
        for field in field.message(what)? {
            let field = field?;
            if field.number == 1 {
                return field.text(what).map(str::to_owned);
            }
        }
        Err(field.error(what, "it has no name".into()))
    }

    fn pass_over(&mut self, name: String, what: &str) -> Result<()> {
        self.within("things that are no tensors", self.passed_over.len())?;
        self.passed_over.push(PassedOver { name, what: what.into() });
        Ok(())
    }

    /// Whether one more is allowed.
    fn within(&self, what: &'static str, there: usize) -> Result<()> {
        let limit = limits::MAX_TENSORS;
        if there < limit {
            return Ok(());
        }
        Err(WeightsError::TooMany { file: self.file.into(), what, got: there + 1, limit })
    }
}
