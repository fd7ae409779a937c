//! Files of Caffe: what `caffe/writer.rs` wrote is read back, gives the numbers that OpenCV computes with it, and broken
//! or hostile files are named.
//!
//! `tests/caffe/make.py` has OpenCV read the samples, and writes `expected.json`.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

#[path = "fuzz/caffe.rs"]
mod fuzz;
#[path = "caffe/hostile.rs"]
mod hostile;
#[path = "caffe/reference.rs"]
mod reference;
#[path = "caffe/writer.rs"]
mod writer;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use upconv_weights::caffe::{self, Convolution, Model, Net, PoolMethod, Pooling};
use upconv_weights::{
    Allowed, Axes, Dtype, Expected, Format, Metadata, RenameTable, Rule, Tensor, WeightsError,
    convert, format, hash,
};
use writer::{Blob, Layer, Message, Style};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/caffe")
}

fn sample(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

/// The samples in bytes: what the writer makes of them.
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let unpacked = Style { packed: false, ..Style::V1 };
    vec![
        ("plain.caffemodel", writer::net("plain", &writer::plain(), Style::NEW)),
        ("plain_v1.caffemodel", writer::net("plain", &writer::plain(), unpacked)),
        ("norm.caffemodel", writer::net("norm", &writer::norm(), Style::NEW)),
        ("mean.binaryproto", writer::mean(Style::V1)),
    ]
}

fn read(bytes: &[u8]) -> Model {
    caffe::from_bytes("f", bytes.to_vec()).unwrap()
}

fn error(bytes: &[u8]) -> String {
    caffe::from_bytes("f", bytes.to_vec()).unwrap_err().to_string()
}

fn net(text: &str) -> Net {
    caffe::net_from_text("f", text).unwrap()
}

#[test]
fn the_samples_are_what_the_writer_makes() {
    for (name, bytes) in samples() {
        if std::env::var_os("UPCONV_WRITE_SAMPLES").is_some() {
            fs::write(folder().join(name), &bytes).unwrap();
        }
        assert!(sample(name) == bytes, "{name}: write it anew with UPCONV_WRITE_SAMPLES=1");
    }
}

/// What OpenCV gives.
#[derive(Deserialize)]
struct Output {
    input_shape: Vec<usize>,
    outputs: Vec<Blobs>,
}

#[derive(Deserialize)]
struct Blobs {
    layer: String,
    shape: Vec<usize>,
    values: Vec<f64>,
}

#[test]
fn the_numbers_are_those_of_opencv() {
    let expected: std::collections::BTreeMap<String, Output> =
        serde_json::from_slice(&sample("expected.json")).unwrap();
    assert_eq!(expected.len(), 3);
    for (name, Output { input_shape, outputs }) in expected {
        let model = caffe::read(&folder().join(format!("{name}.caffemodel"))).unwrap();
        let described = caffe::read_net(&folder().join(format!("{name}.prototxt"))).unwrap();
        assert_eq!(described.inputs[0].shape, input_shape);
        let cells = input_shape.iter().product();
        let values = writer::values(cells, 13).into_iter().map(f64::from).collect();
        let input = reference::Value { shape: input_shape, values };
        // The net is the prototxt's; the weights are found by the names of layers.
        let computed = reference::run(&described, &model.weights, input);
        assert_eq!(outputs.last().unwrap().layer, described.layers.last().unwrap().name);
        for Blobs { layer, shape, values } in outputs {
            let got = &computed[&layer];
            assert_eq!(got.shape, shape, "{name}: {layer}");
            for (place, (got, expected)) in got.values.iter().zip(&values).enumerate() {
                let bound = 2e-6 * (1.0 + expected.abs());
                assert!(
                    (got - expected).abs() < bound,
                    "{name}: {layer} {place}: {got} {expected}"
                );
            }
        }
    }
}

#[test]
fn every_way_to_write_gives_the_same_tensors() {
    let layers = writer::plain();
    let expected: Vec<(String, &Blob)> = layers
        .iter()
        .flat_map(|layer| {
            let name = move |(n, blob)| (format!("{}/{n}", layer.name), blob);
            layer.blobs.iter().enumerate().map(name)
        })
        .collect();
    assert_eq!(expected.len(), 4);
    for bits in 0..16 {
        let [v1, legacy, packed, double] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
        let style = Style { v1, legacy, packed, double };
        let model = read(&writer::net("plain", &layers, style));
        assert_eq!(model.weights.tensors().len(), expected.len());
        for (name, blob) in &expected {
            let tensor = model.weights.get(name).unwrap();
            let shape: Vec<i64> = tensor.shape().iter().map(|&size| size as i64).collect();
            assert_eq!(shape, blob.shape, "{style:?} {name}");
            assert_eq!(tensor.to_f32().unwrap(), blob.values, "{style:?} {name}");
            assert_eq!(tensor.dtype(), if double { Dtype::F64 } else { Dtype::F32 });
        }
    }
    // Both forms give the same to the last bit.
    let hash = |style| read(&writer::net("plain", &layers, style)).weights.weights_hash();
    assert_eq!(hash(Style::NEW), hash(Style { packed: false, ..Style::V1 }));
}

#[test]
fn the_net_is_the_same_in_bytes_and_in_text() {
    let new = read(&sample("plain.caffemodel")).net;
    let old = read(&sample("plain_v1.caffemodel")).net;
    let new_text = caffe::read_net(&folder().join("plain.prototxt")).unwrap();
    let old_text = caffe::read_net(&folder().join("plain_v1.prototxt")).unwrap();
    assert_eq!(new_text.inputs, old_text.inputs);
    for net in [&new, &old, &new_text, &old_text] {
        let layers = net.layers.iter().filter(|layer| layer.kind != "Input").collect::<Vec<_>>();
        let names: Vec<_> = layers.iter().map(|layer| (&layer.name[..], &layer.kind[..])).collect();
        let expected = [
            ("conv", "Convolution"),
            ("relu", "ReLU"),
            ("pool", "Pooling"),
            ("norm", "LRN"),
            ("fc", "InnerProduct"),
            ("prob", "Softmax"),
        ];
        assert_eq!((net.name.as_str(), &names[..]), ("plain", &expected[..]));
        assert_eq!(
            (&layers[2].bottoms[..], &layers[2].tops[..]),
            (&["conv".into()][..], &["pool".into()][..])
        );
        let convolution = Convolution {
            outputs: 6,
            kernel: [3, 3],
            stride: [1, 2],
            pad: [1, 1],
            dilation: [1, 1],
            groups: 2,
            bias: true,
        };
        assert_eq!(layers[0].convolution().unwrap(), convolution);
        assert_eq!(layers[1].negative_slope().unwrap(), 0.25);
        let pooling = Pooling {
            method: PoolMethod::Max,
            kernel: Some([3, 3]),
            stride: [2, 2],
            pad: [0, 0],
            round_up: true,
        };
        assert_eq!(layers[2].pooling().unwrap(), pooling);
        let lrn = layers[3].lrn().unwrap();
        assert_eq!((lrn.size, lrn.alpha, lrn.beta, lrn.k), (3, 0.5, 0.75, 1.0));
        assert!(lrn.across_channels);
        let fc = layers[4].inner_product().unwrap();
        assert_eq!((fc.outputs, fc.bias, fc.transposed), (4, true, false));
        assert_eq!(layers[5].axis(), 1);
        assert_eq!(net.layer("fc"), Some(layers[4]));
        assert_eq!(net.kinds()["ReLU"], 1);
    }
    assert_eq!(new.layers.iter().map(|layer| layer.blobs).collect::<Vec<_>>(), [2, 0, 0, 0, 2, 0]);
    assert!(new_text.layers.iter().all(|layer| layer.blobs == 0));
}

#[test]
fn batch_norm_in_the_usual_form() {
    let Model { weights, net } = read(&sample("norm.caffemodel"));
    let blob = |name: &str| weights.get(name).unwrap().to_f32().unwrap();
    let [means, variances, biases] = ["bn/0", "bn/1", "conv/1"].map(blob);
    let done = caffe::batch_norm(&net, weights.clone()).unwrap();
    let names: Vec<_> = done.weights.tensors().iter().map(Tensor::name).collect();
    let expected = ["bn/bias", "bn/running_mean", "bn/running_var", "bn/weight", "conv/0"];
    assert_eq!(names, expected);
    let get = |name: &str| done.weights.get(name).unwrap().to_f32().unwrap();
    for channel in 0..3 {
        // The divisor is 4; all numbers are of few bits.
        assert_eq!(get("bn/running_mean")[channel], means[channel] / 4.0 - biases[channel]);
        assert_eq!(get("bn/running_var")[channel], variances[channel] / 4.0);
    }
    assert_eq!(get("bn/weight"), blob("scale/0"));
    assert_eq!(get("bn/bias"), blob("scale/1"));
    assert_eq!(done.layers[0].eps, f64::from(0.001f32));
    assert_eq!(done.layers[0].bias_of.as_deref(), Some("conv"));
}

#[test]
fn a_mean_picture_in_both_forms() {
    for style in [Style::NEW, Style::V1, Style { packed: false, double: true, ..Style::NEW }] {
        let mean = caffe::mean_from_bytes("f", writer::mean(style)).unwrap();
        assert_eq!(mean.shape(), [2, 3, 4]);
        let values = writer::values(24, 12);
        assert_eq!(mean.tensor().to_f32().unwrap(), values);
        let of = |cells: &[f32]| cells.iter().map(|&v| f64::from(v)).sum::<f64>() / 12.0;
        assert_eq!(mean.per_channel(), [of(&values[..12]), of(&values[12..])]);
    }
    assert_eq!(caffe::read_mean(&folder().join("mean.binaryproto")).unwrap().shape(), [2, 3, 4]);
    let error = |shape: &[i64], values: &[f32]| {
        let blob = Blob { shape: shape.into(), values: values.into() };
        caffe::mean_from_bytes("f", blob.write(Style::NEW).0).unwrap_err().to_string()
    };
    assert_eq!(
        error(&[2, 1, 1, 1], &[1.0, 2.0]),
        "f: tensor \"mean\": a blob of shape [2, 1, 1, 1]; legal: [1, channels, height, width], or without the 1"
    );
    assert!(error(&[3, 0, 4], &[]).contains("a blob without numbers; legal: one with some"));
    assert!(
        error(&[1, 1, 1], &[f32::NAN]).starts_with("f: tensor \"mean\": 1 values are not finite")
    );
    assert!(error(&[1, 1, 2], &[1.0]).contains("takes 8 bytes, but 4 are given"));
}

#[test]
fn formats_are_known_by_content() {
    for (name, bytes) in samples() {
        let source = format::open(&folder().join(name)).unwrap();
        let expected = match name.ends_with("proto") {
            true => Format::Binaryproto,
            false => Format::Caffemodel,
        };
        assert_eq!(source.format, expected, "{name}");
        assert_eq!(Format::of(&bytes), Some(expected));
        assert_eq!(source.sha256(), hash::sha256(&bytes));
        assert_eq!(source.net.is_some(), expected == Format::Caffemodel);
    }
    let error = format::open(&folder().join("plain.prototxt")).unwrap_err().to_string();
    assert!(error.contains("it looks like a prototxt of Caffe"), "{error}");
    assert!(error.contains("known: safetensors") && error.contains("(.caffemodel)"), "{error}");
}

#[test]
fn a_table_makes_weights_of_ours() {
    let source = format::open(&folder().join("plain_v1.caffemodel")).unwrap();
    let table = RenameTable::new(vec![
        Rule::take("conv/0", "conv.weight", Axes::Keep),
        Rule::take("conv/1", "conv.bias", Axes::Keep),
        Rule::take("fc/0", "fc.weight", Axes::Keep),
        Rule::ignore("fc/1", "a test"),
    ]);
    let expected = [
        Expected::new("conv.weight", [6, 1, 3, 3]),
        Expected::new("conv.bias", [6]),
        Expected::new("fc.weight", [4, 36]),
    ];
    let run = |source| {
        convert::convert(source, &table, &expected, Metadata::new("demo"), &Allowed::default())
    };
    let weights = run(source.clone()).unwrap().weights.unwrap();
    assert_eq!(weights.metadata().unwrap().source.as_ref().unwrap().file, "plain_v1.caffemodel");
    // A number that is none is refused where weights are made of it.
    let mut layers = writer::plain();
    layers[0].blobs[1].values[2] = f32::NAN;
    let damaged = Model { ..read(&writer::net("plain", &layers, Style::NEW)) };
    let error = run(upconv_weights::Source { weights: damaged.weights, ..source }).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("tensor \"conv.bias\": 1 values are not finite, the first is NaN at cell 2"),
        "{error}"
    );
}

#[test]
fn phases_and_inputs() {
    let text = r#"
        name: "both"
        layers { name: "data" type: DATA top: "data" include { phase: TRAIN } }
        layers { name: "data" type: DATA top: "data" include: { phase: TEST stage: "deploy" } include { phase: TEST } }
        layers { name: "drop" type: DROPOUT bottom: "data" top: "drop" exclude { phase: TEST } }
        layers { name: "late" type: RELU bottom: "data" top: "late" include { min_level: 1 } }
        layers { name: "loss" type: SOFTMAX_LOSS bottom: "data" }
    "#;
    let names = |phase| {
        let net = net(text).in_phase(phase);
        net.layers.into_iter().map(|layer| layer.name).collect::<Vec<_>>()
    };
    assert_eq!(names(caffe::Phase::Train), ["data", "drop", "loss"]);
    assert_eq!(names(caffe::Phase::Test), ["data", "loss"]);
    assert_eq!(net(text).layers[4].kind, "SoftmaxWithLoss");

    let two = net("input: 'a' input: 'b' input_shape { dim: 1 dim: 3 } input_shape { dim: 7 }");
    let shapes: Vec<_> =
        two.inputs.iter().map(|input| (&input.name[..], &input.shape[..])).collect();
    assert_eq!(shapes, [("a", &[1, 3][..]), ("b", &[7][..])]);
    let shared = net(
        "layer { name: 'in' type: 'Input' top: 'a' top: 'b' input_param { shape { dim: 2 } } }",
    );
    assert_eq!(shared.inputs.iter().map(|input| input.shape[0]).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(net("input: 'a'").inputs[0].shape, [0; 0]);
    let both = net("
        input: 'z'
        layer { type: 'Input' top: 'a' input_param { shape { dim: 8 } } include { phase: TRAIN } }
        layer { type: 'Input' top: 'a' input_param { shape { dim: 1 } } include { phase: TEST } }");
    assert_eq!(both.inputs.len(), 3);
    let test = both.in_phase(caffe::Phase::Test).inputs;
    assert_eq!((test.len(), &test[1].shape[..]), (2, &[1][..]));
}

#[test]
fn a_prototxt_in_another_encoding() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.prototxt");
    // A comment in GBK.
    fs::write(&path, b"# \xd6\xd0\xce\xc4\nname: 'a'").unwrap();
    assert_eq!(caffe::read_net(&path).unwrap().name, "a");
    fs::write(&path, b"name: '\xd6\xd0'").unwrap();
    let error = caffe::read_net(&path).unwrap_err().to_string();
    assert!(error.ends_with("a.prototxt:1:8: text that is not UTF-8"), "{error}");
}

#[test]
fn a_large_file_is_mapped_and_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.caffemodel");
    let count = upconv_weights::limits::MAPPED_BYTES as usize / 4;
    let layer = Layer {
        name: "fc",
        kind: "InnerProduct",
        bottoms: &["data"],
        tops: &["fc"],
        settings: Message::default().varint(1, 4),
        blobs: vec![Blob { shape: vec![4, count as i64 / 4], values: writer::values(count, 1) }],
    };
    fs::write(&path, writer::net("large", &[layer], Style::V1)).unwrap();
    let model = caffe::read(&path).unwrap();
    let tensor = model.weights.get("fc/0").unwrap();
    assert_eq!(tensor.to_f32().unwrap(), writer::values(count, 1));
    // Where the tensor lies is a map of the file, as the system lists them.
    if cfg!(target_os = "linux") {
        let place = tensor.bytes().as_ptr() as usize;
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps.lines().find(|line| line.ends_with("large.caffemodel")).unwrap();
        let (begin, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let range = [begin, end].map(|place| usize::from_str_radix(place, 16).unwrap());
        assert!((range[0]..range[1]).contains(&place));
    }
}
