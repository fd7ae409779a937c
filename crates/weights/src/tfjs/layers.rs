//! Layers of Keras, as nodes: what a model's topology says about them.
//!
//! # Source
//! TensorFlow.js 4.22.0: `tfjs-layers/src/keras_format/topology_config.ts` and `models.ts`; for how Keras 3 writes where
//! a layer's inputs come from, Keras 3.15: `keras/src/saving/serialization_lib.py`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::{Result, WeightsError};
use crate::graph::{Attr, Node};
use crate::{json, limits};

/// Where messages begin to say where something is.
const ROOT: &str = "modelTopology";

/// The layers of a model, in their order; those of a model that is a layer come behind it. A layer of a `Sequential` model
/// takes the one before it. `path` is where the model's `config` stands.
pub(super) fn nodes(file: &str, path: &str, model: &Map<String, Value>) -> Result<Vec<Node>> {
    let mut nodes = Vec::new();
    walk(file, path, model, &mut nodes)?;
    Ok(nodes)
}

fn walk(file: &str, path: &str, model: &Map<String, Value>, nodes: &mut Vec<Node>) -> Result<()> {
    let is_sequential = model.get("class_name").and_then(Value::as_str) == Some("Sequential");
    // Old ones of Sequential have nothing but layers.
    let layers = match model.get("config") {
        Some(Value::Object(config)) => config.get("layers"),
        layers => layers,
    };
    let Some(Value::Array(layers)) = layers else {
        return Err(json::error(file, ROOT, path, "a list of layers is missing".into()));
    };
    let mut before: Option<String> = None;
    for (place, layer) in layers.iter().enumerate() {
        let path = format!("{path}.layers[{place}]");
        let wrong = |what: &str| Err(json::error(file, ROOT, &path, format!("{what} is missing")));
        let Value::Object(layer) = layer else { return wrong("a map") };
        let text = |map: &Map<String, Value>, key: &str| map.get(key)?.as_str().map(str::to_owned);
        let Some(op) = text(layer, "class_name") else { return wrong("class_name") };
        let config = layer.get("config").and_then(Value::as_object);
        let name = text(layer, "name").or_else(|| text(config?, "name"));
        let Some(name) = name else { return wrong("name") };
        if nodes.len() == limits::MAX_TENSORS {
            let (got, limit) = (nodes.len() + 1, limits::MAX_TENSORS);
            return Err(WeightsError::TooMany { file: file.into(), what: "layers", got, limit });
        }
        let mut input = Vec::new();
        match layer.get("inbound_nodes") {
            Some(from) => sources(from, &mut input),
            None if is_sequential => input.extend(before.take()),
            None => {}
        }
        let attr = match config {
            Some(config) if !config.contains_key("layers") => {
                config.iter().filter_map(|(key, value)| Some((key.clone(), attr(value)?))).collect()
            }
            _ => BTreeMap::new(),
        };
        let is_model = layer.get("config").is_some_and(|config| {
            config.is_array() || config.get("layers").is_some_and(Value::is_array)
        });
        before = Some(name.clone());
        nodes.push(Node { name, op, input, attr });
        if is_model {
            walk(file, &format!("{path}.config"), layer, nodes)?;
        }
    }
    Ok(())
}

/// Names of the layers whose outputs are taken, in order: `[name, node, output]`, or objects with such a history.
fn sources(from: &Value, names: &mut Vec<String>) {
    match from {
        Value::Array(items) => match &items[..] {
            [Value::String(name), Value::Number(_), Value::Number(_), ..] => {
                names.push(name.clone());
            }
            _ => items.iter().for_each(|item| sources(item, names)),
        },
        Value::Object(map) => map.values().for_each(|value| sources(value, names)),
        _ => {}
    }
}

/// A setting; nothing where it is null.
fn attr(value: &Value) -> Option<Attr> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => Attr::Bool(*value),
        Value::String(text) => Attr::Text(text.clone()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Attr::Int(number),
            (None, Some(number)) => Attr::Float(number),
            (None, None) => Attr::Other,
        },
        Value::Array(items) if !items.is_empty() => {
            let ints: Option<Vec<i64>> = items.iter().map(Value::as_i64).collect();
            let floats: Option<Vec<f64>> = items.iter().map(Value::as_f64).collect();
            let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            match (ints, floats, texts) {
                (Some(ints), ..) => Attr::Ints(ints),
                (_, Some(floats), _) => Attr::Floats(floats),
                (.., Some(texts)) => Attr::Texts(texts.into_iter().map(str::to_owned).collect()),
                _ => Attr::Other,
            }
        }
        Value::Array(_) | Value::Object(_) => Attr::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(json: &str) -> std::result::Result<Vec<Node>, String> {
        nodes("f", "config", &serde_json::from_str(json).unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn as_keras_3_writes_it_and_a_model_in_a_model() {
        let layers = layers(
            r#"{"class_name": "Functional", "config": {"name": "m", "layers": [
                {"class_name": "InputLayer", "config": {"batch_shape": [null, 4], "name": "x"}, "inbound_nodes": []},
                {"class_name": "Sequential", "name": "inner", "config": {"name": "inner", "layers": [
                    {"class_name": "Dense", "config": {"name": "a", "units": 2, "rate": 0.5}},
                    {"class_name": "Dense", "config": {"name": "b", "use_bias": false, "x": [1, 2.5], "y": ["c"]}}
                ]}, "inbound_nodes": [{"args": [{"class_name": "__keras_tensor__", "config":
                    {"shape": [null, 4], "keras_history": ["x", 0, 0]}}], "kwargs": {}}]}
            ]}}"#,
        )
        .unwrap();
        let lines: Vec<_> =
            layers.iter().map(|n| format!("{} {} {}", n.name, n.op, n.input.join(","))).collect();
        assert_eq!(lines, ["x InputLayer ", "inner Sequential x", "a Dense ", "b Dense a"]);
        assert_eq!(layers[2].attr["units"], Attr::Int(2));
        assert_eq!(layers[2].attr["rate"], Attr::Float(0.5));
        assert_eq!(layers[3].attr["use_bias"], Attr::Bool(false));
        assert_eq!(layers[3].attr["x"], Attr::Floats(vec![1.0, 2.5]));
        assert_eq!(layers[3].attr["y"], Attr::Texts(vec!["c".into()]));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (json, expected) in [
            ("{}", "f: modelTopology.config: a list of layers is missing"),
            (r#"{"config": [3]}"#, "f: modelTopology.config.layers[0]: a map is missing"),
            (r#"{"config": {"layers": [{}]}}"#, "config.layers[0]: class_name is missing"),
            (
                r#"{"config": [{"class_name": "Dense", "config": {}}]}"#,
                "layers[0]: name is missing",
            ),
        ] {
            let error = layers(json).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
