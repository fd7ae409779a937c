//! Classifiers in Caffe's files: from the bytes of a file to the scores, by names that are written here once more.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod seeded;
#[path = "../../weights/tests/caffe/writer.rs"]
mod writer;

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use seeded::{difference, drawn};
use upconv_models::inference::Model;
use upconv_models::resnet::{self, Form, ResNet, ResNetConfig};
use upconv_models::stored;
use upconv_models::vgg::{self, Vgg, VggConfig};
use upconv_nn::layers::Conv2dConfig;
use upconv_nn::parameters;
use upconv_weights::{Allowed, Balance, Expected, RenameTable, Tensor as Weight, caffe};
use writer::{Blob, Layer, Message, Style};

/// Names of layers live as long as the program.
fn kept(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// A layer from one blob to one blob.
fn layer(name: &str, kind: &'static str, [bottom, top]: [&str; 2], blobs: Vec<Blob>) -> Layer {
    let [bottoms, top] = [bottom, top].map(|blob| &*Box::leak(Box::new([kept(blob)])));
    Layer { name: kept(name), kind, bottoms, tops: top, settings: Message::default(), blobs }
}

fn blob(shape: &[usize], values: Vec<f32>) -> Blob {
    Blob { shape: shape.iter().map(|&size| size as i64).collect(), values }
}

/// Weight and bias of one of our layers.
fn weight_and_bias(ours: &str, shape: &[usize]) -> Vec<Blob> {
    let [weight, bias] = ["weight", "bias"].map(|field| format!("{ours}.{field}"));
    vec![blob(shape, drawn(&weight, shape)), blob(&shape[..1], drawn(&bias, &shape[..1]))]
}

/// The network of the parameters that a table makes of tensors.
fn filled<M: Module>(net: M, tensors: &[Weight]) -> M {
    let value = |name: &str| tensors.iter().find(|tensor| tensor.name() == name).unwrap();
    parameters::set(net, |name, _| Ok(value(name).to_f32().unwrap())).unwrap()
}

fn has_scores_of(case: &str, net: &impl Model, what: &str) {
    let case = seeded::case(case);
    for (scores, form) in
        seeded::scores_of(net, case.shape, case.scale).iter().zip(["training", "inference"])
    {
        let difference = difference(scores, &case.scores);
        assert!(difference < 1e-4, "{what}, {form} form: {difference}");
    }
}

/// The network `vgg/plain` of golden/classifiers.py.
fn vgg_config() -> VggConfig {
    VggConfig {
        depths: [1, 2, 1, 1, 2],
        channels: [3, 4, 5, 6, 5],
        head: 9,
        classes: 7,
        ..VggConfig::vgg16()
    }
}

fn vgg_layers() -> Vec<Layer> {
    let VggConfig { depths, channels, head, classes, .. } = vgg_config();
    let (mut layers, mut before, mut inputs) = (Vec::new(), "data".to_owned(), 3);
    for (block, (depth, out)) in depths.into_iter().zip(channels).enumerate() {
        for n in 0..depth {
            let name = format!("conv{}_{}", block + 1, n + 1);
            let blobs = weight_and_bias(&format!("block{}.{n}", block + 1), &[out, inputs, 3, 3]);
            layers.push(layer(&name, "Convolution", [&before, &name], blobs));
            layers.push(layer(&format!("relu{name}"), "ReLU", [&name, &name], vec![]));
            (before, inputs) = (name, out);
        }
        let name = format!("pool{}", block + 1);
        layers.push(layer(&name, "Pooling", [&before, &name], vec![]));
        before = name;
    }
    for (name, shape) in
        [("fc6", [head, inputs * 49]), ("fc7", [head, head]), ("fc8", [classes, head])]
    {
        let blobs = weight_and_bias(name, &shape);
        layers.push(layer(name, "InnerProduct", [&before, name], blobs));
        before = name.to_owned();
    }
    layers.push(layer("prob", "Softmax", [&before, "prob"], vec![]));
    layers
}

#[test]
fn both_forms_of_a_vgg_give_the_scores_of_pytorch() {
    let net = || Vgg::new(&vgg_config(), &Device::flex()).unwrap();
    let expected = stored::expected(&net());
    for style in [Style::V1, Style::NEW] {
        let bytes = writer::net("VGG", &vgg_layers(), style);
        let weights = caffe::from_bytes("vgg.caffemodel", bytes).unwrap().weights;
        let table = vgg::caffe_names(&vgg_config());
        let (tensors, balance) = table.apply(weights.tensors().to_vec(), &expected).unwrap();
        assert!(balance.is_even(), "{style:?}: {:?} {:?}", balance.missing(), balance.unused());
        has_scores_of("vgg/plain", &filled(net(), &tensors), &format!("{style:?}"));
    }
}

/// One matrix, once with Caffe's columns and once with TFLearn's rows, is one convolution; and either matrix times the map,
/// flattened in its own order, gives what the convolution gives.
#[test]
fn fc6_is_the_same_in_either_order() {
    const C: usize = 6;
    const H: usize = 7;
    const W: usize = 7;
    const OUT: usize = 7;
    const CELLS: usize = C * H * W;
    let config =
        VggConfig { channels: [2, 3, 4, 5, C], head: OUT, classes: 8, ..VggConfig::vgg16() };
    let columns = drawn("fc6.weight", &[OUT, CELLS]);
    let map = drawn("input", &[1, C, H, W]);
    let (mut rows, mut flat) = (vec![0.0; CELLS * OUT], vec![0.0; CELLS]);
    for (c, h, w) in cells(C, H, W) {
        let (column, row) = (c * H * W + h * W + w, (h * W + w) * C + c);
        flat[row] = map[column];
        for o in 0..OUT {
            rows[row * OUT + o] = columns[o * CELLS + column];
        }
    }
    let expected = [Expected::new("fc6.weight", [OUT, C, H, W])];
    let of = |table: RenameTable, name: &str, shape: [usize; 2], values: &[f32]| {
        let source = Weight::from_f32(name, &shape, values).unwrap();
        let (tensors, balance) = table.apply(vec![source], &expected).unwrap();
        assert!(balance.is_even(), "{name}");
        tensors[0].to_f32().unwrap()
    };
    let weight = of(vgg::caffe_names(&config), "fc6/0", [OUT, CELLS], &columns);
    let other = of(vgg::tflearn_names(&config), "fc6/W", [CELLS, OUT], &rows);
    let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&weight), bits(&other));

    let device = Device::flex();
    let conv = Conv2dConfig::new([C, OUT], [H, W]).with_bias(false).init(&device).unwrap();
    let conv = parameters::set(conv, |_, _| Ok(weight.clone())).unwrap();
    let convolved = |map: &[f32]| -> Vec<f32> {
        let map = Tensor::<4>::from_data(TensorData::new(map.to_vec(), [1, C, H, W]), &device);
        conv.forward(map).into_data().try_into_vec().unwrap()
    };
    let sums = |term: &dyn Fn(usize, usize) -> f64| -> Vec<f32> {
        (0..OUT).map(|o| (0..CELLS).map(|at| term(o, at)).sum::<f64>() as f32).collect()
    };
    let by_columns = sums(&|o, at| f64::from(columns[o * CELLS + at]) * f64::from(map[at]));
    let by_rows = sums(&|o, at| f64::from(rows[at * OUT + o]) * f64::from(flat[at]));
    for product in [by_columns, by_rows] {
        let difference = difference(&convolved(&map), &product);
        assert!(difference < 1e-5, "{difference}");
    }
    // A single 1 in the map gives a row of TFLearn's matrix.
    for (c, h, w) in [(0, 0, 0), (5, 0, 0), (1, 0, 6), (4, 3, 5), (2, 6, 0), (5, 6, 6)] {
        let mut hot = vec![0.0; CELLS];
        hot[c * H * W + h * W + w] = 1.0;
        assert_eq!(convolved(&hot), rows[((h * W + w) * C + c) * OUT..][..OUT], "{c} {h} {w}");
    }
}

fn cells(c: usize, h: usize, w: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..c * h * w).map(move |at| (at / (h * w), at / w % h, at % w))
}

/// What the norms' sums are divided by.
const DIVISOR: f32 = 4.0;

/// The layers of a ResNet of three convolutions a block, as the authors' prototxts have them.
struct Writer {
    layers: Vec<Layer>,
    /// Whether the first convolution has a bias.
    bias: bool,
}

impl Writer {
    /// A convolution, its `BatchNorm` and its `Scale`; the last two work in place. `theirs` is what comes after `res`, `bn`
    /// and `scale`.
    fn convolution(&mut self, theirs: &str, bottom: &str, ours: [&str; 2], shape: [usize; 4]) {
        let first = ours[0] == "conv1";
        let name = if first { "conv1".into() } else { format!("res{theirs}") };
        let channels = &shape[..1];
        let [mean, var, gamma, beta] = ["running_mean", "running_var", "gamma", "beta"]
            .map(|field| drawn(&format!("{}.{field}", ours[1]), channels));
        let mut blobs = vec![blob(&shape, drawn(&format!("{}.weight", ours[0]), &shape))];
        let mut sums = mean;
        if first && self.bias {
            let bias = drawn("conv1.bias", channels);
            sums.iter_mut().zip(&bias).for_each(|(mean, bias)| *mean += bias);
            blobs.push(blob(channels, bias));
        }
        let times = |values: Vec<f32>| values.into_iter().map(|v| DIVISOR * v).collect();
        let norm = vec![
            blob(channels, times(sums)),
            blob(channels, times(var)),
            blob(&[1], vec![DIVISOR]),
        ];
        let scale = vec![blob(channels, gamma), blob(channels, beta)];
        self.layers.push(layer(&name, "Convolution", [bottom, &name], blobs));
        // use_global_stats, and bias_term.
        for (prefix, kind, setting, blobs) in
            [("bn", "BatchNorm", 1, norm), ("scale", "Scale", 4, scale)]
        {
            let mut own = layer(&format!("{prefix}{theirs}"), kind, [&name, &name], blobs);
            own.settings = Message::default().varint(setting, 1);
            self.layers.push(own);
        }
    }

    fn relu(&mut self, blob: &str) {
        self.layers.push(layer(&format!("{blob}_relu"), "ReLU", [blob, blob], vec![]));
    }
}

/// What a block is called: with numbers, stages 3 and 4 have `a`, `b1`, `b2`.
fn block_name(stage: usize, number: usize, numbers: bool) -> String {
    match (numbers && (stage == 3 || stage == 4), number) {
        (true, 0) => format!("{stage}a"),
        (true, _) => format!("{stage}b{number}"),
        (false, _) => format!("{stage}{}", ["a", "b", "c", "d", "e", "f"][number]),
    }
}

fn resnet_layers(config: &ResNetConfig, numbers: bool, bias: bool) -> Vec<Layer> {
    let mut writer = Writer { layers: Vec::new(), bias };
    writer.convolution("_conv1", "data", ["conv1", "bn1"], [config.stem, 3, 7, 7]);
    writer.relu("conv1");
    writer.layers.push(layer("pool1", "Pooling", ["conv1", "pool1"], vec![]));
    let (mut before, mut inputs) = ("pool1".to_owned(), config.stem);
    for (stage, blocks) in config.blocks.into_iter().enumerate() {
        let middle = config.width << stage;
        let out = 4 * middle;
        for number in 0..blocks {
            let (name, ours) =
                (block_name(stage + 2, number, numbers), format!("layer{}.{number}", stage + 1));
            let mut shortcut = before.clone();
            if number == 0 {
                let own = ["conv", "bn"].map(|part| format!("{ours}.downsample.{part}"));
                let theirs = format!("{name}_branch1");
                writer.convolution(&theirs, &before, [&own[0], &own[1]], [out, inputs, 1, 1]);
                shortcut = format!("res{theirs}");
            }
            for (at, (letter, shape)) in [
                ("a", [middle, inputs, 1, 1]),
                ("b", [middle, middle, 3, 3]),
                ("c", [out, middle, 1, 1]),
            ]
            .into_iter()
            .enumerate()
            {
                let own = ["conv", "bn"].map(|part| format!("{ours}.{part}{}", at + 1));
                let theirs = format!("{name}_branch2{letter}");
                writer.convolution(&theirs, &before, [&own[0], &own[1]], shape);
                before = format!("res{theirs}");
                if at < 2 {
                    writer.relu(&before);
                }
            }
            let sum = format!("res{name}");
            let mut eltwise = layer(&sum, "Eltwise", [&before, &sum], vec![]);
            eltwise.bottoms = Box::leak(Box::new([kept(&shortcut), kept(&before)]));
            writer.layers.push(eltwise);
            writer.relu(&sum);
            (before, inputs) = (sum, out);
        }
    }
    writer.layers.push(layer("pool5", "Pooling", [&before, "pool5"], vec![]));
    let blobs = weight_and_bias("fc", &[config.classes, inputs]);
    writer.layers.push(layer("fc1000", "InnerProduct", ["pool5", "fc1000"], blobs));
    writer.layers.push(layer("prob", "Softmax", ["fc1000", "prob"], vec![]));
    writer.layers
}

/// What a file becomes, from its bytes on.
fn resnet_tensors(layers: &[Layer], config: &ResNetConfig) -> (Vec<Weight>, Balance) {
    let bytes = writer::net("ResNet", layers, Style::NEW);
    let model = caffe::from_bytes("resnet.caffemodel", bytes).unwrap();
    let weights = caffe::batch_norm(&model.net, model.weights).unwrap().weights;
    let expected = stored::expected(&ResNet::new(config, &Device::flex()).unwrap());
    resnet::caffe_names(config).apply(weights.tensors().to_vec(), &expected).unwrap()
}

#[test]
fn resnets_are_read_by_both_schemes_of_names() {
    for (config, numbers, bias, convolutions) in [
        (ResNetConfig::resnet50(), false, true, 53),
        (ResNetConfig::resnet101(), true, false, 104),
        (ResNetConfig::resnet152(), true, false, 155),
    ] {
        let config = ResNetConfig { stem: 2, width: 1, classes: 3, ..config };
        let config = config.with_form(Form::Caffe);
        let layers = resnet_layers(&config, numbers, bias);
        let found = layers.iter().filter(|layer| layer.kind == "Convolution").count();
        assert_eq!(found, convolutions);
        let (tensors, balance) = resnet_tensors(&layers, &config);
        assert!(balance.is_even(), "{:?} {:?}", balance.missing(), balance.unused());
        // Weight, and four of the norm, for each convolution; and the last layer.
        assert_eq!(tensors.len(), 5 * convolutions + 2);
        for tensor in tensors {
            let (got, expected) = (tensor.to_f32().unwrap(), drawn(tensor.name(), tensor.shape()));
            // Division by 4 is exact; the bias was added, and is taken away.
            let bound = if tensor.name() == "bn1.running_mean" { 1e-7 } else { 0.0 };
            let worst = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst <= bound, "{}: {worst}", tensor.name());
        }
    }
}

#[test]
fn resnets_of_either_scheme_give_the_scores_of_pytorch() {
    let narrow =
        ResNetConfig { blocks: [2, 1, 2, 1], stem: 6, width: 4, classes: 7, ..Default::default() };
    let config = narrow.with_form(Form::Caffe);
    for (numbers, bias) in [(false, true), (true, false)] {
        let (tensors, _) = resnet_tensors(&resnet_layers(&config, numbers, bias), &config);
        let net = filled(ResNet::new(&config, &Device::flex()).unwrap(), &tensors);
        has_scores_of("resnet/caffe/bottleneck", &net, &format!("{numbers} {bias}"));
    }
}

#[test]
fn a_blob_that_is_missing_or_too_many_is_named() {
    let config = ResNetConfig { stem: 2, width: 1, classes: 3, ..ResNetConfig::resnet50() };
    let config = config.with_form(Form::Caffe);
    let layers = || resnet_layers(&config, false, true);
    let error = |layers: &[Layer]| {
        let (_, balance) = resnet_tensors(layers, &config);
        let error = balance.check("resnet.caffemodel", &Allowed::default()).unwrap_err();
        (balance.missing(), balance.unused(), error.to_string())
    };
    let mut without = layers();
    let place = without.iter().position(|layer| layer.name == "res4b_branch2b").unwrap();
    without[place].blobs.clear();
    let (missing, unused, text) = error(&without);
    assert_eq!((missing, unused), (vec!["layer3.1.conv2.weight".to_owned()], vec![]));
    assert!(text.contains("resnet.caffemodel") && text.contains("layer3.1.conv2.weight"), "{text}");

    let mut with = layers();
    let blobs = vec![blob(&[1, 1, 3, 3], vec![0.5; 9])];
    with.push(layer("res5d_branch2b", "Convolution", ["pool5", "res5d_branch2b"], blobs));
    let (missing, unused, text) = error(&with);
    assert_eq!((missing, unused), (vec![], vec!["res5d_branch2b/0".to_owned()]));
    assert!(text.contains("res5d_branch2b/0"), "{text}");
}

/// A layer of golden/cvgj.json: its name, its type, and the shapes of its blobs.
type Published = (String, String, Vec<Vec<usize>>);

/// Every blob of the published prototxts has its place in our networks, in its own shape, and nothing else is needed.
#[test]
fn resnets_of_cvgj_have_the_layers_of_their_prototxts() {
    let nets: BTreeMap<String, Vec<Published>> =
        serde_json::from_str(include_str!("golden/cvgj.json")).unwrap();
    // Numbers of the published files: what is learned, and what norms gather.
    for (model, config, counts) in [
        ("resnet10-cvgj", ResNetConfig::resnet10_cvgj(), [5_417_070, 3_984]),
        ("resnet50-cvgj", ResNetConfig::resnet50_cvgj(), [25_549_422, 45_496]),
    ] {
        let (mut sources, mut found, mut norm) = (Vec::new(), [0, 0], "");
        for (name, kind, blobs) in &nets[model] {
            let of_norm = kind == "BatchNorm";
            found[usize::from(of_norm)] +=
                blobs.iter().map(|blob| blob.iter().product::<usize>()).sum::<usize>();
            // Norms in the usual form, as `caffe::batch_norm` brings them to it: without their divisor, and the blobs of
            // the `Scale` behind them under their name.
            let (own, fields) = match &kind[..] {
                "BatchNorm" => (&name[..], ["running_mean", "running_var"]),
                "Scale" => (norm, ["weight", "bias"]),
                _ => (&name[..], ["0", "1"]),
            };
            for (field, shape) in fields.iter().zip(blobs) {
                let values = vec![0.0; shape.iter().product()];
                sources.push(Weight::from_f32(format!("{own}/{field}"), shape, &values).unwrap());
            }
            norm = if of_norm { name } else { norm };
        }
        assert_eq!(found, counts, "{model}");
        let expected = stored::expected(&ResNet::new(&config, &Device::flex()).unwrap());
        let balance = resnet::cvgj_names(&config).balance(&sources, &expected).unwrap();
        assert!(balance.is_even(), "{model}: {:?} {:?}", balance.missing(), balance.unused());
        assert_eq!((balance.loaded(), balance.reshaped().len()), (expected.len(), 0), "{model}");
    }
}
