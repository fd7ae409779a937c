//! Graphs of TensorFlow, and models of TensorFlow.js that hold layers: what those wrote is read as they read it themselves.
//!
//! `tests/tf/make.py` and `tests/tf/make_layers.mjs` write the samples, and what TensorFlow and TensorFlow.js have in them.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use loaded::{Tensors, assert_same, names};
use messages::{bytes_field, number_field};
use proptest::prelude::*;
use serde::Deserialize;
use upconv_weights::graph::{Attr, Graph};
use upconv_weights::{Format, Source, WeightsError, format, graph_def, limits};

#[path = "fuzz/graph_def.rs"]
mod fuzz;
#[path = "common/loaded.rs"]
mod loaded;
#[path = "common/messages.rs"]
mod messages;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tf")
}

fn sample(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

#[derive(Deserialize)]
struct Expected {
    tensors: Tensors,
    passed_over: Vec<String>,
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
    assert_same(&source.weights, &tensors, "frozen.pb");
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

// What follows writes messages by hand.

fn tensor(dtype: i64, shape: &[i64], cells: &[u8]) -> Vec<u8> {
    let shape: Vec<u8> =
        shape.iter().flat_map(|&size| bytes_field(2, &number_field(1, size))).collect();
    [number_field(1, dtype), bytes_field(2, &shape), cells.to_vec()].concat()
}

/// A setting of a node, by its key and a field of its value.
fn attr(key: &str, value: &[u8]) -> Vec<u8> {
    bytes_field(5, &[bytes_field(1, key.as_bytes()), bytes_field(2, value)].concat())
}

fn node(name: &str, op: &str, rest: &[u8]) -> Vec<u8> {
    let named = [bytes_field(1, name.as_bytes()), bytes_field(2, op.as_bytes())].concat();
    bytes_field(1, &[&named, rest].concat())
}

fn constant(name: &str, tensor: &[u8]) -> Vec<u8> {
    node(name, "Const", &attr("value", &bytes_field(8, tensor)))
}

fn read(graph: &[u8]) -> Result<graph_def::Model, String> {
    graph_def::graph_from_bytes("f", graph.to_vec()).map_err(|error| error.to_string())
}

const FLOAT: i64 = 1;
const UINT8: i64 = 4;

#[test]
fn settings_of_every_kind() {
    let list = |fields: &[u8]| bytes_field(1, fields);
    let floats: Vec<u8> = [0.5f32, -2.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let attrs = [
        attr("s", &bytes_field(2, b"SAME")),
        attr("i", &number_field(3, -7)),
        attr("f", &[&[4 << 3 | 5][..], &0.25f32.to_le_bytes()].concat()),
        attr("b", &number_field(5, 1)),
        attr("type", &number_field(6, 14)),
        attr("packed", &list(&bytes_field(3, &[1, 2, 2, 1]))),
        attr("single", &list(&[number_field(3, 1), number_field(3, -1)].concat())),
        attr("floats", &list(&bytes_field(4, &floats))),
        attr("texts", &list(&[bytes_field(2, b"a"), bytes_field(2, b"b")].concat())),
        attr("shape", &bytes_field(7, &[])),
        attr("nothing", &list(&[])),
        attr("long", &bytes_field(2, &[b'x'; 5000])),
        bytes_field(3, b"^wait"),
        bytes_field(3, b"a:1"),
    ];
    let graph = read(&node("n", "Op", &attrs.concat())).unwrap().graph;
    let node = graph.get("n").unwrap();
    assert_eq!((node.op.as_str(), &node.input[..]), ("Op", &["^wait".into(), "a:1".into()][..]));
    for (key, expected) in [
        ("s", Attr::Text("SAME".into())),
        ("i", Attr::Int(-7)),
        ("f", Attr::Float(0.25)),
        ("b", Attr::Bool(true)),
        ("type", Attr::Type("DT_BFLOAT16".into())),
        ("packed", Attr::Ints(vec![1, 2, 2, 1])),
        ("single", Attr::Ints(vec![1, -1])),
        ("floats", Attr::Floats(vec![0.5, -2.0])),
        ("texts", Attr::Texts(vec!["a".into(), "b".into()])),
        ("shape", Attr::Other),
        ("nothing", Attr::Other),
        ("long", Attr::Other),
    ] {
        assert_eq!(node.attr[key], expected, "{key}");
    }
}

#[test]
fn functions_and_several_graphs() {
    let function = |nodes: &[u8]| {
        let signature = bytes_field(1, &bytes_field(1, b"fn"));
        bytes_field(2, &bytes_field(1, &[&signature, nodes].concat()))
    };
    // The nodes of a function are field 3 there.
    let mut inner =
        node("w", "Identity", &[bytes_field(3, b"x:0"), bytes_field(3, b"^c")].concat());
    inner[0] = 3 << 3 | 2;
    let mut held = constant("c", &tensor(UINT8, &[2], &bytes_field(4, &[8, 9])));
    held[0] = 3 << 3 | 2;
    // Functions may stand before the nodes.
    let graph = [function(&[inner, held].concat()), node("w", "Placeholder", &[])].concat();
    let model = read(&graph).unwrap();
    let names: Vec<_> = model.graph.nodes.iter().map(|node| &node.name[..]).collect();
    assert_eq!(names, ["w", "fn/w", "fn/c"]);
    assert_eq!(model.graph.nodes[1].input, ["fn/x:0", "^fn/c"]);
    assert_eq!(model.weights.get("fn/c").unwrap().bytes(), [8, 9]);

    let meta = |tag: &str, name: &str| {
        let tags = bytes_field(1, &bytes_field(4, tag.as_bytes()));
        bytes_field(2, &[tags, bytes_field(2, &node(name, "Op", &[]))].concat())
    };
    let first = |graphs: &[Vec<u8>]| {
        let model = [&number_field(1, 1)[..], &graphs.concat()].concat();
        let model = graph_def::saved_model_from_bytes("f", model).map_err(|e| e.to_string());
        model.map(|model| model.graph.nodes[0].name.clone())
    };
    assert_eq!(first(&[meta("train", "a"), meta("serve", "b")]), Ok("b".into()));
    assert_eq!(first(&[meta("train", "a"), meta("gpu", "b")]), Ok("a".into()));
    assert_eq!(first(&[]).unwrap_err(), "f: meta_graphs at byte 0: no graph is in it");
}

#[test]
fn constants_that_lie_are_told_so() {
    let of = |tensor: &[u8]| read(&constant("c", tensor));
    let content = |cells: &[u8]| bytes_field(4, cells);
    let floats = |count: usize| bytes_field(5, &vec![0; count * 4]);
    assert_eq!(
        of(&tensor(UINT8, &[2], &content(&[1, 2]))).unwrap().weights.tensors()[0].bytes(),
        [1, 2]
    );
    let big = 1 << 26;
    // As many cells as may be filled in, once.
    assert!(of(&tensor(UINT8, &[big], &number_field(7, 3))).is_ok());
    let twice =
        [constant("a", &tensor(UINT8, &[big], &[])), constant("b", &tensor(UINT8, &[1], &[]))];
    let twice = read(&twice.concat()).map(drop);
    assert!(limits::MAX_FILLED_BYTES == big as u64);
    let error = twice.unwrap_err();
    assert!(error.contains(
        "tensor \"b\": cells of a short form, with which such tensors take 67108865 bytes"
    ));
    for (tensor, expected) in [
        (
            tensor(UINT8, &[1], &content(&[1, 2])),
            "tensor \"c\": U8 of shape [1] takes 1 bytes, but 2 are given",
        ),
        (tensor(FLOAT, &[1], &content(&[1, 2])), "F32 of shape [1] takes 4 bytes, but 2 are given"),
        (tensor(FLOAT, &[1], &floats(2)), "F32 of shape [1] takes 4 bytes, but 8 are given"),
        (tensor(FLOAT, &[1], &bytes_field(5, &[0; 5])), "float_val at byte "),
        (
            tensor(UINT8, &[1], &number_field(7, 256)),
            "the number 256 does not fit into its 1 bytes",
        ),
        (tensor(UINT8, &[-1], &[]), "tensor_shape at byte "),
        (tensor(UINT8, &[1 << 40], &[]), "tensor \"c\": axis 0 has 1099511627776 cells"),
        (tensor(UINT8, &[1; 9], &[]), "more than 8 axes"),
        (
            tensor(UINT8, &[1 << 20, 1 << 20], &[]),
            "take 1099511627776 bytes; legal: at most 67108864",
        ),
    ] {
        let error = of(&tensor).map(drop).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    for (graph, expected) in [
        (node("c", "Const", &[]), "node at byte 0: constant \"c\" has no value"),
        (node("c", "Const", &attr("value", &number_field(3, 1))), "constant \"c\" has no value"),
        (constant("c", &tensor(UINT8, &[1], &[])).repeat(2), "tensor \"c\": this name comes twice"),
        (node(&"n".repeat(5000), "Op", &[]), "node.name at byte "),
        (node("n", "Op", &bytes_field(3, b"\xff")), "node.input at byte "),
        (
            node("n", "Op", &attr("a", &bytes_field(1, &bytes_field(3, &[0; 5000])))),
            "more than 4096 numbers",
        ),
        (
            node("n", "Op", &[]).repeat(limits::MAX_TENSORS + 1),
            "65537 nodes, but at most 65536 are read",
        ),
        // A few bytes each, which take much more as settings.
        (
            node("n", "Op", &bytes_field(3, b"").repeat(1 << 22)),
            "with it nodes take more than 268435456 bytes",
        ),
    ] {
        let error = read(&graph).map(drop).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    // Of other types nothing is looked at.
    let model = of(&tensor(7, &[-1], &[])).map(drop);
    assert!(model.unwrap_err().contains("tensor_shape"));
    let model = of(&tensor(20, &[3], &content(&[1]))).unwrap();
    assert_eq!(model.passed_over[0].what, "DT_RESOURCE");
}

#[test]
fn cut_at_every_byte_there_is_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("saved")).unwrap();
    for (name, path) in
        [("frozen.pb", "frozen.pb"), ("saved_model/saved_model.pb", "saved/saved_model.pb")]
    {
        let (bytes, path) = (sample(name), folder.path().join(path));
        fs::write(&path, &bytes).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        let whole = format::open(&path).unwrap();
        for end in (0..bytes.len()).rev() {
            file.set_len(end as u64).unwrap();
            match format::open(&path) {
                // Between two nodes a graph may end.
                Ok(cut) if name == "frozen.pb" => {
                    assert!(
                        cut.graph.unwrap().nodes.len() <= whole.graph.as_ref().unwrap().nodes.len()
                    );
                }
                Ok(_) => panic!("{name} {end}"),
                Err(WeightsError::Truncated { .. }) => {}
                Err(error) => {
                    let error = error.to_string();
                    assert!(
                        error.ends_with("no graph is in it") && end < 100,
                        "{name} {end}: {error}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_corpus_of_the_fuzzer() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/graph_def");
    let mut count = 0;
    for entry in fs::read_dir(&corpus).expect("the corpus stands in fuzz/corpus/graph_def") {
        fuzz::run(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 3, "{count} files in {}", corpus.display());
}

proptest! {
    /// Whatever stands in a file: an answer, no panic, and no more memory than its bytes can ask for.
    #[test]
    fn damage_is_an_error_or_another_graph(
        is_model in any::<bool>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = sample(if is_model { "saved_model_v1/saved_model.pb" } else { "frozen.pb" });
        for (place, byte) in edits {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        fuzz::run(&bytes);
    }

    /// The same for short messages of random fields.
    #[test]
    fn any_message_ends(data in prop::collection::vec(
        prop::sample::select(&b"\x0a\x12\x1a\x22\x2a\x3a\x42\x08\x10\x18\x20\x01\x02\x03\x04\x05\x80\xffCa"[..]),
        0..200,
    )) {
        fuzz::run(&data);
    }
}
