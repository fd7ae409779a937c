//! Classifiers against PyTorch, TensorFlow and ONNX Runtime, by golden/classifiers.json.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod seeded;

use burn::tensor::{Device, Tensor, TensorData};
use seeded::{Case, difference, scores};
use upconv_kernels::{Extent, Layout, softmax};
use upconv_models::alexnet::{AlexNet, AlexNetConfig, Norm};
use upconv_models::cifar::{Cnn, CnnConfig, Dense, DenseConfig};
use upconv_models::efficientnet::{EfficientNet, EfficientNetConfig};
use upconv_models::resnet::{Bias, Form, Kind, ResNet, ResNetConfig};
use upconv_models::resnet_cifar::{ResNetCifar, ResNetCifarConfig, Shortcut};
use upconv_models::stored;
use upconv_models::vgg::{self, Vgg, VggConfig};
use upconv_nn::parameters;
use upconv_nn::pass::Eager;
use upconv_weights::{Allowed, Axes, Expected, Rule, Tensor as Weight, Weights};

fn narrow_vgg() -> VggConfig {
    VggConfig {
        depths: [1, 2, 1, 1, 2],
        channels: [3, 4, 5, 6, 5],
        head: 9,
        classes: 7,
        norm: false,
        bias: true,
        dropout: 0.5,
    }
}

/// The narrow ResNets of golden/classifiers.py.
fn narrow_resnet(form: Form, kind: Kind, bias: Bias) -> ResNetConfig {
    ResNetConfig { form, kind, bias, blocks: [2, 1, 2, 1], stem: 6, width: 4, classes: 7 }
}

/// Scores of a case in both forms.
fn ours(name: &str, shape: [usize; 4], scale: f32) -> [Vec<f32>; 2] {
    let device = Device::flex();
    let parts: Vec<&str> = name.split('/').collect();
    match parts[..] {
        ["resnet", "caffe", "1000", _] => {
            let narrow = narrow_resnet(Form::Caffe, Kind::Bottleneck, Bias::None);
            let config = ResNetConfig { classes: 1000, ..narrow };
            scores(ResNet::new(&config, &device).unwrap(), shape, scale)
        }
        ["resnet", form, kind, ref bias @ ..] => {
            let form = match form {
                "torch" => Form::Torch,
                "caffe" => Form::Caffe,
                "tf" => Form::Tf,
                "keras" => Form::Keras,
                _ => Form::Preactivated,
            };
            let bias = match (form, bias.is_empty()) {
                (Form::Preactivated, _) => Bias::First,
                (_, true) => Bias::None,
                (_, false) => Bias::All,
            };
            let kind = if kind == "basic" { Kind::Basic } else { Kind::Bottleneck };
            let config = narrow_resnet(form, kind, bias);
            scores(ResNet::new(&config, &device).unwrap(), shape, scale)
        }
        ["resnet_cifar", shortcut] => {
            let shortcut = if shortcut == "zeros" { Shortcut::Zeros } else { Shortcut::Projection };
            let config = ResNetCifarConfig { blocks: 2, width: 4, classes: 10, shortcut };
            scores(ResNetCifar::new(&config, &device).unwrap(), shape, scale)
        }
        ["vgg", norm] => {
            let config = VggConfig { norm: norm == "cvgj", ..narrow_vgg() };
            scores(Vgg::new(&config, &device).unwrap(), shape, scale)
        }
        ["alexnet", norm] => {
            let norm = match norm {
                "before" => Norm::BeforePool,
                "after" => Norm::AfterPool,
                _ => Norm::Batch,
            };
            let channels = [8, 6, 4, 6, 8];
            let config =
                AlexNetConfig { norm, channels, head: 9, classes: 7, bias: true, dropout: 0.5 };
            scores(AlexNet::new(&config, &device).unwrap(), shape, scale)
        }
        ["efficientnet"] => {
            let config = EfficientNetConfig { classes: 7, ..Default::default() };
            scores(EfficientNet::new(&config, &device).unwrap(), shape, scale)
        }
        ["cifar", "keras"] => {
            scores(Cnn::new(&CnnConfig::default(), &device).unwrap(), shape, scale)
        }
        ["cifar", "tutorial"] => {
            scores(Cnn::new(&CnnConfig::tutorial(), &device).unwrap(), shape, scale)
        }
        ["cifar", "dense"] => {
            scores(Dense::new(&DenseConfig::two_layer(), &device).unwrap(), shape, scale)
        }
        ["onnx", "bvlc_alexnet"] => {
            scores(AlexNet::new(&AlexNetConfig::default(), &device).unwrap(), shape, scale)
        }
        ["onnx", "resnet50"] => {
            scores(ResNet::new(&ResNetConfig::resnet50(), &device).unwrap(), shape, scale)
        }
        ["onnx", "vgg19"] => scores(Vgg::new(&VggConfig::vgg19(), &device).unwrap(), shape, scale),
        _ => panic!("there is no case {name}"),
    }
}

/// Both forms give the scores of the cases that `wanted` chooses, as many as there should be. Sums of up to some thousand
/// terms are taken in another order, and batch norm is folded in the inference form.
fn compare(count: usize, wanted: impl Fn(&str) -> bool) {
    let cases: Vec<Case> = seeded::cases().into_iter().filter(|case| wanted(&case.name)).collect();
    assert_eq!(cases.len(), count);
    for Case { name, shape, scale, scores, .. } in cases {
        for (got, form) in ours(&name, shape, scale).iter().zip(["training", "inference"]) {
            let difference = difference(got, &scores);
            assert!(difference < 1e-4, "{name}, {form} form: {difference}");
        }
    }
}

#[test]
fn scores_are_those_of_pytorch_and_tensorflow() {
    compare(23, |name| !name.starts_with("onnx/"));
}

#[test]
fn networks_of_full_size_give_the_scores_of_onnx_runtime() {
    compare(3, |name| name.starts_with("onnx/"));
}

/// One row or column of zeros elsewhere, and another epsilon: far more than rounding.
#[test]
fn forms_of_a_resnet_differ() {
    let shape = [2, 3, 64, 64];
    let [caffe, tf, torch] =
        ["caffe", "tf", "torch"].map(|form| ours(&format!("resnet/{form}/bottleneck"), shape, 1.0));
    for [one, other] in [[&caffe, &tf], [&caffe, &torch], [&tf, &torch]] {
        assert!(difference(&one[0], &other[0]) > 0.01);
    }
}

/// The maps of all stages, the probabilities, and the order of the likeliest classes.
#[test]
fn what_lies_within_a_resnet_is_as_in_pytorch() {
    let case = seeded::case("resnet/caffe/bottleneck");
    let inside = case.inside.unwrap();
    let config = narrow_resnet(Form::Caffe, Kind::Bottleneck, Bias::None);
    let net = seeded::seeded(ResNet::new(&config, &Device::flex()).unwrap());
    let x = TensorData::new(seeded::drawn("input", &case.shape), case.shape);
    let x = Tensor::<4>::from_data(x, &Device::flex());
    let (scores, maps) = net.maps(&mut Eager::default(), &x).unwrap();
    let values = |tensor: Tensor<4>| tensor.into_data().try_into_vec::<f32>().unwrap();
    for (stage, (map, expected)) in maps.into_iter().zip(&inside.maps).enumerate() {
        let got: Vec<f32> = values(map).into_iter().step_by(inside.every).collect();
        assert!(expected.len() > 20);
        let difference = difference(&got, expected);
        assert!(difference < 1e-4, "stage {}: {difference}", stage + 1);
    }
    let scores = values(scores);
    let extent = Extent::of(&[case.shape[0], 7, 1], Layout::Nchw).unwrap();
    let mut probabilities = vec![0.0; scores.len()];
    softmax::softmax(&extent, &scores, &mut probabilities).unwrap();
    for (got, expected) in probabilities.iter().zip(&inside.probabilities) {
        assert!((got - expected).abs() < 1e-5, "{got} {expected}");
    }
    assert_eq!(probabilities.len(), inside.probabilities.len());
    for (got, expected) in probabilities.chunks(7).zip(&inside.top_5) {
        let mut order: Vec<usize> = (0..7).collect();
        order.sort_by(|&a, &b| got[b].total_cmp(&got[a]));
        assert_eq!(order[..5], expected[..]);
    }
}

#[test]
fn scores_are_the_same_again_and_picture_by_picture() {
    let shape = seeded::case("vgg/plain").shape;
    let net = seeded::seeded(Vgg::new(&narrow_vgg(), &Device::flex()).unwrap());
    let x = seeded::drawn("input", &shape);
    let together = seeded::scores_for(&net, &x, shape);
    let again = seeded::scores_for(&net, &x, shape);
    let [n, c, h, w] = shape;
    assert_eq!(n, 2);
    let alone: Vec<[Vec<f32>; 2]> =
        x.chunks(c * h * w).map(|x| seeded::scores_for(&net, x, [1, c, h, w])).collect();
    for form in [0, 1] {
        let bits = |scores: &[f32]| scores.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&together[form]), bits(&again[form]), "form {form}");
        let alone: Vec<f32> = alone.iter().flat_map(|scores| scores[form].clone()).collect();
        let difference = difference(&alone, &together[form]);
        assert!(difference < 1e-5, "form {form}: {difference}");
    }
}

/// The seeded parameter as TFLearn stores it: `[kh, kw, in, out]`, and matrices whose rows are the cells of the map in the
/// order height, width, channel.
fn of_tflearn(Expected { name, shape }: &Expected) -> Weight {
    let (layer, field) = name.rsplit_once('.').unwrap();
    let layer = match layer.split_once('.') {
        Some((block, n)) => format!("conv{}_{}", &block[5..], n.parse::<usize>().unwrap() + 1),
        None => layer.to_owned(),
    };
    let values = seeded::drawn(name, shape);
    let &[out, inputs, high, wide] = &shape[..] else {
        return Weight::from_f32(format!("{layer}/b"), shape, &values).unwrap();
    };
    assert_eq!(field, "weight");
    let mut cells = Vec::new();
    for (h, w) in (0..high).flat_map(|h| (0..wide).map(move |w| (h, w))) {
        for (i, o) in (0..inputs).flat_map(|i| (0..out).map(move |o| (i, o))) {
            cells.push(values[((o * inputs + i) * high + h) * wide + w]);
        }
    }
    let matrix = [high * wide * inputs, out];
    let filter = [high, wide, inputs, out];
    let shape = if layer.starts_with("fc") { &matrix[..] } else { &filter };
    Weight::from_f32(format!("{layer}/W"), shape, &cells).unwrap()
}

/// With equal sizes no shape tells a swapped axis, and the balance is even; the scores tell it.
#[test]
fn a_swapped_axis_among_equal_sizes_changes_the_scores() {
    let case = seeded::case("vgg/plain");
    let net = || Vgg::new(&narrow_vgg(), &Device::flex()).unwrap();
    let expected = stored::expected(&net());
    // How far the scores are off with other axes for one of the weights.
    let off = |weight: &str, axes: Option<Axes>| {
        let mut table = vgg::tflearn_names(&narrow_vgg());
        for rule in table.rules.to_mut() {
            match (rule, axes) {
                (Rule::Take { to, axes, .. }, Some(other)) if to == weight => *axes = other,
                _ => {}
            }
        }
        let sources = expected.iter().map(of_tflearn).collect();
        let (tensors, balance) = table.apply(sources, &expected).unwrap();
        assert!(balance.is_even(), "{weight}: {:?}", balance.missing());
        let value = |name: &str| tensors.iter().find(|tensor| tensor.name() == name).unwrap();
        let net = parameters::set(net(), |name, _| Ok(value(name).to_f32().unwrap())).unwrap();
        difference(&seeded::scores_of(&net, case.shape, case.scale)[0], &case.scores)
    };
    assert!(off("", None) < 1e-4);
    for (weight, axes) in [
        // 4 channels to 4: what comes in for what goes out; and height for width.
        ("block2.1.weight", Axes::Permute(&[2, 3, 0, 1])),
        ("block2.1.weight", Axes::Permute(&[3, 2, 1, 0])),
        // 7x7 cells.
        ("fc6.weight", Axes::ReshapePermute(&[3, 2, 1, 0])),
    ] {
        let off = off(weight, Some(axes));
        assert!(off > 1e-3, "{weight} {axes:?}: {off}");
    }
}

#[test]
fn a_file_of_tflearn_without_one_matrix_is_not_loaded_in_part() {
    let net = || Vgg::new(&narrow_vgg(), &Device::flex()).unwrap();
    let expected = stored::expected(&net());
    let sources = expected.iter().map(of_tflearn).filter(|source| source.name() != "fc7/W");
    let table = vgg::tflearn_names(&narrow_vgg());
    let (tensors, balance) = table.apply(sources.collect(), &expected).unwrap();
    assert_eq!((balance.missing(), balance.unused()), (vec!["fc7.weight".to_owned()], vec![]));
    let error = balance.check("vgg16.tflearn", &Allowed::default()).unwrap_err().to_string();
    let of_net = stored::filled(net(), "vgg16.tflearn", &Weights::new(None, tensors).unwrap());
    let of_net = of_net.map(|_| ()).unwrap_err().to_string();
    for error in [error, of_net] {
        assert!(error.contains("vgg16.tflearn") && error.contains("fc7.weight"), "{error}");
        for other in expected.iter().filter(|other| other.name != "fc7.weight") {
            assert!(!error.contains(&other.name), "{error}");
        }
    }
}
