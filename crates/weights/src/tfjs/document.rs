//! The JSON document of a model, as far as weights need it.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Kind, layers};

use crate::error::{Result, WeightsError};
use crate::graph::{Graph, Node};
use crate::{json, limits};

/// `format` of a graph model.
const GRAPH_MODEL: &str = "graph-model";

/// `format` of a model of layers.
const LAYERS_MODEL: &str = "layers-model";

/// What is kept of the document.
pub(super) struct Document {
    pub(super) kind: Kind,
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
        #[derive(Default, Deserialize)]
        struct Topology {
            #[serde(default)]
            node: Vec<Node>,
            /// What converters put around the two that follow.
            #[serde(default)]
            model_config: Option<Map<String, Value>>,
            #[serde(default)]
            class_name: Option<Value>,
            #[serde(default)]
            config: Option<Value>,
        }
        let raw: Raw = json::parse(file, "", json)?;
        let Topology { node: mut nodes, model_config, class_name, config } =
            raw.model_topology.unwrap_or_default();
        let kind = match raw.format.as_deref() {
            Some(GRAPH_MODEL) => Kind::Graph,
            Some(LAYERS_MODEL) => Kind::Layers,
            // Old ones say nothing.
            None if model_config.is_some() || config.is_some() => Kind::Layers,
            None => Kind::Graph,
            Some(format) => {
                let reason =
                    format!("{format:?} is not read; legal: {GRAPH_MODEL:?}, {LAYERS_MODEL:?}");
                return Err(json::error(file, "", "format", reason));
            }
        };
        if kind == Kind::Layers {
            let (path, model) = match model_config {
                Some(model) => ("model_config.config", model),
                None => {
                    let members = [("class_name", class_name), ("config", config)];
                    let there =
                        members.into_iter().filter_map(|(key, value)| Some((key.into(), value?)));
                    ("config", there.collect())
                }
            };
            nodes = layers::nodes(file, path, &model)?;
        }
        if nodes.len() > limits::MAX_TENSORS {
            let (got, limit) = (nodes.len(), limits::MAX_TENSORS);
            return Err(WeightsError::TooMany { file: file.into(), what: "nodes", got, limit });
        }
        let groups = raw.weights_manifest.ok_or_else(|| {
            let reason = "there is none: this is JSON, but no TensorFlow.js model".into();
            json::error(file, "", "weightsManifest", reason)
        })?;
        Ok(Self { kind, graph: Graph { nodes }, groups })
    }
}
