//! The document that says what a model is made of.

use hdf5_reader::group::Group;
use serde_json::{Map, Value};

use super::datasets::File;
use crate::error::Result;
use crate::format::PassedOver;
use crate::{json, limits};

/// The attribute that holds it in HDF5.
const ATTRIBUTE: &str = "model_config";

/// The class whose settings are byte code of Python.
const LAMBDA: &str = "Lambda";

/// What a model is made of, as Keras describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The class of the model, such as `Sequential` or `Functional`.
    pub class_name: String,
    /// Its layers in the order of the document; those of models in it come in the place of the model.
    pub layers: Vec<Layer>,
}

/// A layer of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Its name; behind the name of the model in the model that it is part of, and a slash.
    pub name: String,
    /// What it computes, such as `Conv2D`.
    pub class_name: String,
    /// Its settings, such as `strides`. Of a `Lambda` no more than its `arguments`.
    pub config: Map<String, Value>,
    /// The layers that it takes data from, as the document has it: another form for each version of Keras.
    pub inbound_nodes: Value,
}

impl Layer {
    /// A setting that is a number.
    ///
    /// ```
    /// use upconv_weights::keras::Config;
    /// let json = r#"{"class_name": "Sequential", "config": {"layers": [
    ///     {"class_name": "Conv2D", "config": {"name": "c", "filters": 64, "strides": [2, 1]}}]}}"#;
    /// let config = Config::from_json("model.json", json.as_bytes())?;
    /// let layer = &config.layers[0];
    /// assert_eq!((layer.name.as_str(), layer.number("filters")), ("c", Some(64.0)));
    /// assert_eq!(layer.numbers("strides"), Some(vec![2.0, 1.0]));
    /// # Ok::<(), upconv_weights::WeightsError>(())
    /// ```
    pub fn number(&self, setting: &str) -> Option<f64> {
        self.config.get(setting)?.as_f64()
    }

    /// A setting that is a list of numbers, or one number.
    pub fn numbers(&self, setting: &str) -> Option<Vec<f64>> {
        match self.config.get(setting)? {
            Value::Array(items) => items.iter().map(Value::as_f64).collect(),
            one => Some(vec![one.as_f64()?]),
        }
    }
}

impl Config {
    /// Reads a document, as `model.to_json()` gives it. Messages call it `file`.
    ///
    /// # Errors
    /// If it is no JSON, or describes no model.
    pub fn from_json(file: &str, json: &[u8]) -> Result<Self> {
        let document: Value = json::parse(file, "", json)?;
        let wrong = |reason: &str| json::error(file, "", "", reason.into());
        let class_name =
            text(&document, "class_name").ok_or_else(|| wrong("it has no class_name"))?;
        let mut layers = Vec::new();
        if !gather("", &document, &mut layers) {
            return Err(wrong(&format!("it describes more than {} layers", limits::MAX_TENSORS)));
        }
        Ok(Self { class_name, layers })
    }

    /// The layer of a name.
    pub fn layer(&self, name: &str) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.name == name)
    }
}

/// The document in an attribute of the file, if there is one.
pub(super) fn of_group(
    file: &File,
    root: &Group,
    passed_over: &mut Vec<PassedOver>,
) -> Result<Option<Config>> {
    let Some(texts) = file.texts(root, ATTRIBUTE)? else { return Ok(None) };
    let text = texts.concat();
    Ok(parse(&file.name, ATTRIBUTE, text.as_bytes(), passed_over))
}

/// A document that may be broken: weights do not depend on it.
pub(super) fn parse(
    file: &str,
    name: &str,
    json: &[u8],
    passed_over: &mut Vec<PassedOver>,
) -> Option<Config> {
    if json.len() as u64 > limits::MAX_JSON_BYTES {
        let what = format!("a document of {} bytes, which is not read", json.len());
        passed_over.push(PassedOver { name: name.into(), what });
        return None;
    }
    match Config::from_json(file, json) {
        Ok(config) => Some(config),
        Err(error) => {
            let what = format!("a document that cannot be read ({error})");
            passed_over.push(PassedOver { name: name.into(), what });
            None
        }
    }
}

/// The layers of a model; false if there are too many. The parser of JSON limits the depth.
fn gather(prefix: &str, model: &Value, layers: &mut Vec<Layer>) -> bool {
    let Some(config) = model.get("config") else { return true };
    // The first versions had the layers of a Sequential in place of its settings.
    let Some(items) = config.get("layers").unwrap_or(config).as_array() else { return true };
    items.iter().all(|item| {
        let class_name = text(item, "class_name").unwrap_or_default();
        let config = item.get("config").and_then(Value::as_object).cloned().unwrap_or_default();
        let own = text(item, "name").or_else(|| Some(config.get("name")?.as_str()?.to_owned()));
        let name = format!("{prefix}{}", own.unwrap_or_default());
        if config.contains_key("layers") {
            return gather(&format!("{name}/"), item, layers);
        }
        let config = match class_name == LAMBDA {
            true => config.into_iter().filter(|(key, _)| key == "arguments").collect(),
            false => config,
        };
        let inbound_nodes = item.get("inbound_nodes").cloned().unwrap_or_default();
        layers.push(Layer { name, class_name, config, inbound_nodes });
        layers.len() <= limits::MAX_TENSORS
    })
}

fn text(value: &Value, key: &str) -> Option<String> {
    Some(value.get(key)?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_of_models_in_models() {
        let json = r#"{"class_name": "Functional", "config": {"name": "m", "layers": [
            {"class_name": "InputLayer", "name": "in", "config": {"batch_input_shape": [null, 8]}},
            {"class_name": "Sequential", "name": "inner", "config": {"layers": [
                {"class_name": "Dense", "config": {"name": "d", "units": 3, "use_bias": false}}]}},
            {"class_name": "Lambda", "name": "scale", "inbound_nodes": [[["in", 0, 0, {}]]],
             "config": {"function": ["4wEAAAA=", null, null], "arguments": {"scale": 0.17}}}]}}"#;
        let config = Config::from_json("f", json.as_bytes()).unwrap();
        let names: Vec<_> = config.layers.iter().map(|layer| layer.name.as_str()).collect();
        assert_eq!(
            (config.class_name.as_str(), names),
            ("Functional", vec!["in", "inner/d", "scale"])
        );
        assert_eq!(config.layer("inner/d").unwrap().number("units"), Some(3.0));
        let lambda = config.layer("scale").unwrap();
        assert_eq!(lambda.config["arguments"]["scale"], 0.17);
        assert_eq!(lambda.config.len(), 1);
        assert_eq!(lambda.inbound_nodes[0][0][0], "in");
    }

    #[test]
    fn what_is_no_model_is_named() {
        for (json, expected) in [
            ("[1", "f: .: EOF"),
            ("[1]", "f: .: it has no class_name"),
            (r#"{"class_name": 3}"#, "f: .: it has no class_name"),
        ] {
            let error = Config::from_json("f", json.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        let empty = Config::from_json("f", br#"{"class_name": "A", "config": 3}"#).unwrap();
        assert!(empty.layers.is_empty());
    }
}
