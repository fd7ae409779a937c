//! The JSON document of a model, as far as weights need it.

use serde::Deserialize;

use super::graph::{Graph, Node};
use crate::error::{Result, WeightsError};
use crate::{json, limits};

/// `format` of a graph model.
const GRAPH_MODEL: &str = "graph-model";

/// What is kept of the document.
pub(super) struct Document {
    pub(super) graph: Graph,
    pub(super) groups: Vec<RawGroup>,
}

/// A group of tensors, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGroup {
    pub(super) paths: Vec<String>,
    pub(super) weights: Vec<RawEntry>,
}

/// A tensor, as it is written. What is unknown here could change how its bytes are to be read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEntry {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) dtype: String,
    #[serde(default)]
    pub(super) quantization: Option<RawQuantization>,
    /// `model` or `optimizer`; says nothing about bytes.
    #[serde(default, rename = "group")]
    _group: Option<String>,
}

/// How a tensor is quantised, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawQuantization {
    pub(super) dtype: String,
    #[serde(default)]
    pub(super) scale: Option<f64>,
    #[serde(default)]
    pub(super) min: Option<f64>,
    #[serde(default)]
    pub(super) original_dtype: Option<String>,
}

impl Document {
    pub(super) fn parse(file: &str, json: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Raw {
            #[serde(default)]
            format: Option<String>,
            #[serde(default)]
            model_topology: Option<Topology>,
            #[serde(default)]
            weights_manifest: Option<Vec<RawGroup>>,
        }
        #[derive(Deserialize)]
        struct Topology {
            #[serde(default)]
            node: Vec<Node>,
        }
        let raw: Raw = json::parse(file, "", json)?;
        if let Some(format) = raw.format.as_ref().filter(|format| *format != GRAPH_MODEL) {
            let reason = format!("{format:?} is not read; legal: {GRAPH_MODEL:?}");
            return Err(json::error(file, "", "format", reason));
        }
        let nodes = raw.model_topology.map_or_else(Vec::new, |topology| topology.node);
        if nodes.len() > limits::MAX_TENSORS {
            let (got, limit) = (nodes.len(), limits::MAX_TENSORS);
            return Err(WeightsError::TooMany { file: file.into(), what: "nodes", got, limit });
        }
        let groups = raw.weights_manifest.ok_or_else(|| {
            let reason = "there is none: this is JSON, but no TensorFlow.js graph model".into();
            json::error(file, "", "weightsManifest", reason)
        })?;
        Ok(Self { graph: Graph { nodes }, groups })
    }
}
