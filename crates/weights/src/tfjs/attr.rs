//! Settings of nodes as JSON: protocol buffers in the form that JSON has for them.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::base64;
use crate::graph::Attr;

impl<'de> Deserialize<'de> for Attr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Protocol buffers as JSON: 64-bit integers are text, bytes are base64.
        #[derive(Deserialize)]
        struct Raw {
            s: Option<String>,
            i: Option<Int>,
            f: Option<Float>,
            b: Option<bool>,
            r#type: Option<String>,
            list: Option<RawList>,
        }
        #[derive(Deserialize)]
        struct RawList {
            #[serde(default)]
            i: Vec<Int>,
            #[serde(default)]
            f: Vec<Float>,
        }
        let raw = Raw::deserialize(deserializer)?;
        Ok(match raw {
            Raw { s: Some(text), .. } => {
                let bytes = base64::decode(&text)
                    .ok_or_else(|| D::Error::custom(format!("s: {text:?} is not base64")))?;
                Self::Text(String::from_utf8_lossy(&bytes).into_owned())
            }
            Raw { i: Some(Int(value)), .. } => Self::Int(value),
            Raw { f: Some(Float(value)), .. } => Self::Float(value),
            Raw { b: Some(value), .. } => Self::Bool(value),
            Raw { r#type: Some(name), .. } => Self::Type(name),
            Raw { list: Some(list), .. } => match (list.i.is_empty(), list.f.is_empty()) {
                (false, _) => Self::Ints(list.i.into_iter().map(|int| int.0).collect()),
                (true, false) => Self::Floats(list.f.into_iter().map(|float| float.0).collect()),
                (true, true) => Self::Other,
            },
            _ => Self::Other,
        })
    }
}

/// An integer, written as a number or as text.
struct Int(i64);

/// A number, written as one or, where JSON has none for it, as text: `NaN`, `Infinity`, `-Infinity`.
struct Float(f64);

#[derive(Deserialize)]
#[serde(untagged)]
enum Written<T> {
    Number(T),
    Text(String),
}

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Number(value) => Ok(Self(value)),
            Written::Text(text) => text
                .parse()
                .map(Self)
                .map_err(|_| D::Error::custom(format!("i: {text:?} is not a 64-bit integer"))),
        }
    }
}

impl<'de> Deserialize<'de> for Float {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Number(value) => Ok(Self(value)),
            // Rust reads "Infinity" and "NaN" too.
            Written::Text(text) => text
                .parse()
                .map(Self)
                .map_err(|_| D::Error::custom(format!("f: {text:?} is not a number"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Graph, Node};

    #[test]
    fn a_node_as_it_is_written() {
        let node: Node = serde_json::from_str(
            r#"{"name":"segment","op":"Conv2DBackpropInput","input":["sizes","filter:0","^wait"],
                "attr":{"padding":{"s":"U0FNRQ=="},"explicit_paddings":{"list":{}},"n":{"i":"-7"},
                "use_cudnn_on_gpu":{"b":true},"strides":{"list":{"i":["1",2,"2","1"]}},"e":{"f":0.5},
                "T":{"type":"DT_FLOAT"},"shape":{"shape":{"dim":[{"size":"-1"}]}},"z":{"f":"Infinity"}}}"#,
        )
        .unwrap();
        assert_eq!(node.inputs().collect::<Vec<_>>(), ["sizes", "filter"]);
        assert_eq!(node.attr["padding"], Attr::Text("SAME".into()));
        assert_eq!(node.attr["strides"], Attr::Ints(vec![1, 2, 2, 1]));
        assert_eq!(node.attr["n"], Attr::Int(-7));
        assert_eq!(node.attr["e"], Attr::Float(0.5));
        assert_eq!(node.attr["z"], Attr::Float(f64::INFINITY));
        assert_eq!(node.attr["use_cudnn_on_gpu"], Attr::Bool(true));
        assert_eq!(node.attr["T"], Attr::Type("DT_FLOAT".into()));
        assert_eq!(node.attr["shape"], Attr::Other);
        assert_eq!(node.attr["explicit_paddings"], Attr::Other);
        let graph = Graph { nodes: vec![node] };
        assert_eq!(graph.users("filter").count(), 1);
        assert_eq!(graph.users("wait").count(), 0);
        assert_eq!(graph.operations()["Conv2DBackpropInput"], 1);
        assert!(graph.get("segment").is_some() && graph.get("x").is_none());
    }

    #[test]
    fn what_is_not_of_the_form_is_refused() {
        for attr in [r#"{"s":"*"}"#, r#"{"i":"1e3"}"#, r#"{"i":"99999999999999999999"}"#, "[]", "3"]
        {
            let json = format!(r#"{{"name":"n","op":"o","attr":{{"a":{attr}}}}}"#);
            assert!(serde_json::from_str::<Node>(&json).is_err(), "{attr}");
        }
    }
}
