//! Graphs of TensorFlow, and models of TensorFlow.js that hold layers: what those wrote is read as they read it themselves.
//!
//! `tests/tf/make.py` and `tests/tf/make_layers.mjs` write the samples, and what TensorFlow and TensorFlow.js have in them.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use upconv_weights::graph::{Attr, Graph};
use upconv_weights::{Format, Source, Weights, format, graph_def};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tf")
}

fn sample(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

fn names(weights: &Weights) -> Vec<&str> {
    weights.tensors().iter().map(|tensor| tensor.name()).collect()
}

#[derive(Deserialize)]
struct Expected {
    tensors: BTreeMap<String, Loaded>,
    passed_over: Vec<String>,
}

#[derive(Deserialize)]
struct Loaded {
    dtype: String,
    shape: Vec<usize>,
    bytes: String,
}

fn files(source: &Source) -> Vec<&str> {
    source.files.iter().map(|file| &file.name[..]).collect()
}

#[test]
fn every_form_of_a_constant_is_what_tensorflow_computes() {
    #[derive(Deserialize)]
    struct All {
        #[serde(rename = "frozen.pb")]
        frozen: Expected,
    }
    let All { frozen: Expected { tensors, passed_over } } =
        serde_json::from_slice(&sample("expected.json")).unwrap();
    let source = format::open(&folder().join("frozen.pb")).unwrap();
    assert_eq!((source.format, files(&source)), (Format::GraphDef, vec!["frozen.pb"]));
    assert_eq!(names(&source.weights), tensors.keys().collect::<Vec<_>>());
    for (name, Loaded { dtype, shape, bytes }) in tensors {
        let tensor = source.weights.get(&name).unwrap();
        assert_eq!((tensor.dtype().name(), tensor.shape()), (&dtype[..], &shape[..]), "{name}");
        let hex: String = tensor.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, bytes, "{name}");
    }
    let passed: Vec<_> = source.passed_over.iter().map(|passed| &passed.name[..]).collect();
    assert_eq!(passed, passed_over);
    assert_eq!(source.passed_over[0].what, "DT_STRING");
}

fn is_the_convolution(graph: &Graph, name: &str) {
    let conv = graph.get(name).unwrap();
    assert_eq!(conv.op, "Conv2D", "{name}");
    assert_eq!(conv.attr["strides"], Attr::Ints(vec![1, 2, 2, 1]));
    assert_eq!(conv.attr["padding"], Attr::Text("SAME".into()));
    assert_eq!(conv.attr["T"], Attr::Type("DT_FLOAT".into()));
}

#[test]
fn nodes_with_their_settings() {
    let graph = format::open(&folder().join("frozen.pb")).unwrap().graph.unwrap();
    is_the_convolution(&graph, "conv/Conv2D");
    let conv = graph.get("conv/Conv2D").unwrap();
    // Models are saved without the settings that are the usual ones; graphs with them.
    assert_eq!(conv.attr["data_format"], Attr::Text("NHWC".into()));
    assert_eq!(conv.attr["use_cudnn_on_gpu"], Attr::Bool(true));
    assert_eq!(conv.inputs().collect::<Vec<_>>(), ["x", "conv/weights"]);
    let user = graph.users("conv/weights").next().unwrap();
    assert_eq!(user.name, "conv/Conv2D");
    assert_eq!(graph.get("x").unwrap().op, "Placeholder");
}

#[test]
fn a_saved_model_by_its_folder_or_its_file() {
    for path in ["saved_model", "saved_model/saved_model.pb"] {
        let source = format::open(&folder().join(path)).unwrap();
        assert_eq!(source.format, Format::SavedModel);
        let within = if path.ends_with(".pb") { "" } else { "saved_model/" };
        assert_eq!(
            files(&source),
            [
                "saved_model.pb",
                "variables/variables.index",
                "variables/variables.data-00000-of-00001"
            ]
            .map(|name| format!("{within}{name}"))
        );
        let kernel = source.weights.get("kernel/.ATTRIBUTES/VARIABLE_VALUE").unwrap();
        assert_eq!(kernel.shape(), [2, 2, 1, 3]);
        let values = kernel.to_f32().unwrap();
        assert_eq!(values[..2], [-3.1, -1.73]);
        let passed: Vec<_> = source.passed_over.iter().map(|passed| &passed.name[..]).collect();
        assert!(passed.contains(&"_CHECKPOINTABLE_OBJECT_GRAPH"), "{passed:?}");
        assert!(passed.is_sorted());
        // The convolution is in a function.
        let graph = source.graph.as_ref().unwrap();
        let conv = graph.nodes.iter().find(|node| node.op == "Conv2D").unwrap();
        is_the_convolution(graph, &conv.name);
        assert!(
            conv.name.ends_with("/conv") && conv.name.starts_with("__inference_"),
            "{}",
            conv.name
        );
        let taken: Vec<_> = conv.inputs().collect();
        let reader = graph.get(taken[1]).unwrap();
        assert!(reader.op.starts_with("ReadVariableOp"), "{reader:?}");
        assert!(source.holds(&folder().join("saved_model/variables/variables.index")));
    }
    let source = format::open(&folder().join("saved_model_v1")).unwrap();
    assert_eq!(source.weights.get("conv/w").unwrap().to_f32().unwrap()[..2], [-3.1, -1.73]);
    is_the_convolution(source.graph.as_ref().unwrap(), "conv/Conv2D");
    let alone =
        graph_def::saved_model_from_bytes("f", sample("saved_model/saved_model.pb")).unwrap();
    assert!(alone.weights.get("kernel/.ATTRIBUTES/VARIABLE_VALUE").is_none());
}

#[test]
fn layers_of_tensorflow_js() {
    #[derive(Deserialize)]
    struct Weight {
        shape: Vec<usize>,
        values: Vec<f32>,
    }
    let expected: BTreeMap<String, BTreeMap<String, Weight>> =
        serde_json::from_slice(&sample("expected_layers.json")).unwrap();
    for (name, weights) in &expected {
        let source = format::open(&folder().join(name).join("model.json")).unwrap();
        assert_eq!(source.format, Format::TfjsLayers);
        assert_eq!(names(&source.weights), weights.keys().collect::<Vec<_>>());
        for (name, Weight { shape, values }) in weights {
            let tensor = source.weights.get(name).unwrap();
            assert_eq!((tensor.shape(), &tensor.to_f32().unwrap()), (&shape[..], values), "{name}");
        }
    }
    let layers =
        |name: &str| format::open(&folder().join(name).join("model.json")).unwrap().graph.unwrap();
    let lines = |graph: &Graph| -> Vec<String> {
        let line = |node: &upconv_weights::graph::Node| {
            format!("{} {}({})", node.name, node.op, node.input.join(", "))
        };
        graph.nodes.iter().map(line).collect()
    };
    let plain = layers("layers_sequential");
    assert_eq!(
        lines(&plain),
        [
            "conv Conv2D()",
            "norm BatchNormalization(conv)",
            "flat Flatten(norm)",
            "logits Dense(flat)"
        ]
    );
    let conv = plain.get("conv").unwrap();
    assert_eq!(conv.attr["strides"], Attr::Ints(vec![2, 2]));
    assert_eq!(conv.attr["padding"], Attr::Text("same".into()));
    assert_eq!(conv.attr["activation"], Attr::Text("relu".into()));
    assert_eq!(plain.get("norm").unwrap().attr["epsilon"], Attr::Float(0.001));
    let network = layers("layers_functional");
    assert_eq!(
        lines(&network),
        [
            "x InputLayer()",
            "down AveragePooling2D(x)",
            "up Conv2DTranspose(down)",
            "sum Add(up, x)"
        ]
    );
}
