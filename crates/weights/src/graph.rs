//! The nodes of a graph, as far as a table of names can be checked with them: operations of TensorFlow, or layers of
//! Keras.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The nodes, in the order of their file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// The nodes.
    pub nodes: Vec<Node>,
}

/// One operation, or one layer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// What it computes, such as `Conv2D`.
    pub op: String,
    /// Names of what it takes, in order. `^name` only waits; `name:1` takes the second output.
    #[serde(default)]
    pub input: Vec<String>,
    /// Its settings.
    #[serde(default)]
    pub attr: BTreeMap<String, Attr>,
}

/// A setting of a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Attr {
    /// `s`
    Text(String),
    /// `i`
    Int(i64),
    /// `f`
    Float(f64),
    /// `b`
    Bool(bool),
    /// `type`
    Type(String),
    /// `list` of `i`
    Ints(Vec<i64>),
    /// `list` of `f`
    Floats(Vec<f64>),
    /// `list` of `s`
    Texts(Vec<String>),
    /// Anything else: shapes, tensors, functions, lists of other things.
    Other,
}

impl Graph {
    /// The node of a name.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// The nodes that take the output of node `name`.
    pub fn users<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> {
        self.nodes.iter().filter(move |node| node.takes(name))
    }

    /// The nodes that take the output of node `name`, those included that take it by way of nodes that hand on what they
    /// take: TensorFlow reads variables so.
    ///
    /// ```
    /// use upconv_weights::graph::{Graph, Node};
    /// let node = |name: &str, op: &str, input: &[&str]| Node {
    ///     name: name.into(),
    ///     op: op.into(),
    ///     input: input.iter().map(|&name| name.into()).collect(),
    ///     attr: Default::default(),
    /// };
    /// let graph = Graph {
    ///     nodes: vec![
    ///         node("w", "VariableV2", &[]),
    ///         node("w/read", "Identity", &["w"]),
    ///         node("conv", "Conv2D", &["x", "w/read"]),
    ///     ],
    /// };
    /// let readers = graph.readers("w");
    /// assert_eq!(readers.iter().map(|node| &node.name[..]).collect::<Vec<_>>(), ["w/read", "conv"]);
    /// ```
    pub fn readers(&self, name: &str) -> Vec<&Node> {
        let mut readers: Vec<&Node> = self.nodes.iter().filter(|node| node.takes(name)).collect();
        let mut next = 0;
        while let Some(&node) = readers.get(next) {
            next += 1;
            if matches!(node.op.as_str(), "Identity" | "ReadVariableOp") {
                let new = self.nodes.iter().filter(|new| new.takes(&node.name));
                // Graphs may hold rings.
                let is_new = |new: &&Node| !readers.iter().any(|&there| std::ptr::eq(there, *new));
                let new: Vec<&Node> = new.filter(is_new).collect();
                readers.extend(new);
            }
        }
        readers
    }

    /// How many nodes there are of each operation.
    pub fn operations(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for node in &self.nodes {
            *counts.entry(node.op.as_str()).or_insert(0) += 1;
        }
        counts
    }
}

impl Node {
    fn takes(&self, name: &str) -> bool {
        self.inputs().any(|input| input == name)
    }

    /// Names of the nodes that it takes data from, in order.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        self.input
            .iter()
            .filter(|input| !input.starts_with('^'))
            .map(|input| input.split_once(':').map_or(input.as_str(), |(name, _)| name))
    }
}
