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
        self.nodes.iter().filter(move |node| node.inputs().any(|input| input == name))
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
    /// Names of the nodes that it takes data from, in order.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        self.input
            .iter()
            .filter(|input| !input.starts_with('^'))
            .map(|input| input.split_once(':').map_or(input.as_str(), |(name, _)| name))
    }
}
