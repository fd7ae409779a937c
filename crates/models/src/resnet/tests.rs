use std::collections::HashSet;

use burn::tensor::{Device, Tensor};
use upconv_nn::layers::BatchNorm;
use upconv_nn::parameters;
use upconv_nn::pass::{Eager, Pass};
use upconv_weights::{Expected, RenameTable, Rule, Tensor as Weight};

use super::*;
use crate::description::{LayerKind, describe, output_shape};
use crate::initial::{draw, usual};
use crate::stored;

fn net(config: &ResNetConfig) -> ResNet {
    ResNet::new(config, &Device::flex()).unwrap()
}

/// Learned numbers, these with the statistics of the norms, convolutions, and tensors.
fn counts(config: &ResNetConfig) -> [usize; 4] {
    let net = net(config);
    let layers = describe(&net, [1, 3, 224, 224]).unwrap();
    let learned = layers.iter().map(|layer| layer.parameters).sum();
    let expected = stored::expected(&net);
    let all = expected.iter().map(|e| e.shape.iter().product::<usize>()).sum();
    let convs = layers.iter().filter(|layer| layer.kind == LayerKind::Conv).count();
    [learned, all, convs, expected.len()]
}

/// The tables of tensorflow-resnet's graph; torchvision documents the first column as well. That graph counts a number of
/// steps among its variables only in training.
#[test]
fn counts_are_those_of_the_paper_and_of_tensorflow() {
    for (config, expected) in [
        (ResNetConfig::resnet18(), [11_689_512, 11_699_112, 20, 102]),
        (ResNetConfig::resnet34(), [21_797_672, 21_814_696, 36, 182]),
        (ResNetConfig::resnet50(), [25_557_032, 25_610_152, 53, 267]),
        (ResNetConfig::resnet101(), [44_549_160, 44_654_504, 104, 522]),
        (ResNetConfig::resnet152(), [60_192_808, 60_344_232, 155, 777]),
    ] {
        for form in [Form::Torch, Form::Caffe, Form::Tf] {
            assert_eq!(counts(&config.clone().with_form(form)), expected, "{config:?} {form:?}");
        }
    }
    // The prototxt of open_nsfw: 5,944,567 numbers in its file, of which 53 norms have one that divides.
    let [_, all, convs, _] = counts(&ResNetConfig::resnet50_half());
    assert_eq!((all + 53, convs), (5_944_567, 53));
    // Convolutions, the last layer, and Scale; statistics without the number that divides them.
    let [learned, all, ..] = counts(&ResNetConfig::resnet10_cvgj());
    assert_eq!((learned, all), (5_417_070, 5_417_070 + 3_974));
    let [learned, all, ..] = counts(&ResNetConfig::resnet50_cvgj());
    assert_eq!((learned, all), (25_549_422, 25_549_422 + 45_446));
}

#[test]
fn maps_have_the_sizes_of_the_paper() {
    for config in [
        ResNetConfig::resnet50().with_form(Form::Caffe),
        ResNetConfig::resnet50().with_form(Form::Tf),
        ResNetConfig::resnet50_cvgj(),
        ResNetConfig::resnet50_half(),
    ] {
        let net = net(&config);
        let layers = describe(&net, [1, 3, 224, 224]).unwrap();
        let pool = layers.iter().find(|layer| layer.kind == LayerKind::MaxPool).unwrap();
        assert_eq!(pool.shape_out, [64, 56, 56], "{config:?}");
        let last = layers.iter().rfind(|layer| layer.kind == LayerKind::Conv).unwrap();
        assert_eq!(last.shape_out, [32 * config.width, 7, 7]);
        for size in [33, 65, 320] {
            let shape = output_shape(&net, [2, 3, size, size + 3]).unwrap();
            assert_eq!(shape, [2, config.classes, 1, 1]);
        }
    }
}

/// About two multiply-adds in 1000 more than the paper's 3.8, 7.6 and 11.3 milliards of multiply-adds for 50, 101 and 152.
#[test]
fn operations_are_those_of_the_paper() {
    for (config, milliards) in [
        (ResNetConfig::resnet50(), 3.8),
        (ResNetConfig::resnet101(), 7.6),
        (ResNetConfig::resnet152(), 11.3),
    ] {
        let layers = describe(&net(&config.with_form(Form::Caffe)), [1, 3, 224, 224]).unwrap();
        let macs = layers.iter().map(|layer| layer.flops).sum::<u64>() as f64 / 2e9;
        assert!((macs - milliards).abs() < 0.08, "{macs} {milliards}");
    }
}

/// With gamma 0 in its last norm a block adds nothing, and a ReLU of what comes in is left.
#[test]
fn a_block_whose_last_gamma_is_0_changes_nothing() {
    let config =
        ResNetConfig { blocks: [2, 1, 1, 1], stem: 8, width: 2, classes: 3, ..Default::default() };
    for kind in [Kind::Basic, Kind::Bottleneck] {
        let config = ResNetConfig { kind, stem: 8, ..config.clone() };
        let net = draw(net(&config), 5, usual).unwrap();
        let last = if kind == Kind::Basic { "layer1.1.bn2.gamma" } else { "layer1.1.bn3.gamma" };
        let zeroed = parameters::replace(net.clone(), |name, shape| {
            Ok((name == last).then(|| vec![0.0; shape[0]]))
        })
        .unwrap();
        let values = |at: usize| (at as f32 * 0.7).sin();
        let x: Vec<f32> = (0..8 * 25).map(values).collect();
        let x = Tensor::<1>::from_floats(&x[..], &Device::flex()).reshape([1, 8, 5, 5]);
        let x = if kind == Kind::Basic { x.slice([0..1, 0..2]) } else { x };
        let relu = x.clone().clamp_min(0.0);
        let y = zeroed.layer1[1].forward(&mut Eager::default(), &x).unwrap();
        assert_eq!((y - relu.clone()).abs().max().into_scalar::<f32>(), 0.0);
        let y = net.layer1[1].forward(&mut Eager::default(), &x).unwrap();
        assert!((y - relu).abs().max().into_scalar::<f32>() > 0.1);
    }
}

/// In training the statistics of the batch count and move the running ones, in evaluation the running ones do.
#[test]
fn norms_learn_in_training_only() {
    let config =
        ResNetConfig { blocks: [1; 4], stem: 2, width: 2, classes: 3, ..Default::default() };
    let net = draw(net(&config.with_form(Form::Caffe)), 5, usual).unwrap();
    let mean =
        |norm: &BatchNorm| norm.running_mean.value().into_data().try_into_vec::<f32>().unwrap();
    let device = Device::flex();
    let x = Tensor::<4>::ones([2, 3, 32, 32], &device);
    let mut pass = Eager::default();
    net.forward(&mut pass, &x).unwrap();
    assert_eq!(mean(&net.bn1), [0.0; 2]);
    let device = device.autodiff();
    let net = net.to_device(&device).train();
    let x = Tensor::<4>::ones([2, 3, 32, 32], &device);
    let conv = pass.conv(&net.conv1, &x).unwrap();
    let of_batch = conv.swap_dims(0, 1).reshape([2, 2 * 16 * 16]).mean_dim(1);
    let of_batch = of_batch.into_data().try_into_vec::<f32>().unwrap();
    net.forward(&mut pass, &x).unwrap();
    // Caffe's share of a batch is 0.001.
    for (running, of_batch) in mean(&net.bn1).iter().zip(of_batch) {
        assert!((running - 0.001 * of_batch).abs() < 1e-6 && *running != 0.0);
    }
}

#[test]
fn what_makes_no_network_is_named() {
    let refused = |config: ResNetConfig| {
        ResNet::new(&config, &Device::flex()).map(|_| ()).unwrap_err().to_string()
    };
    let error = refused(ResNetConfig { classes: 0, ..Default::default() });
    assert_eq!(error, "resnet50: classes: 0 must be at least 1");
    assert!(
        refused(ResNetConfig { blocks: [1, 0, 1, 1], ..Default::default() }).contains("blocks")
    );
    assert!(refused(ResNetConfig { width: usize::MAX, ..Default::default() }).contains("limit"));
}

/// Tensors of every source name that the network needs, each of its cells telling its place.
fn sources(table: &RenameTable, expected: &[Expected]) -> Vec<Weight> {
    let mut seen = HashSet::new();
    let needed = |to: &str| expected.iter().find(|e| e.name == to);
    let make = |rule: &Rule| {
        let Rule::Take { from, to, axes } = rule else { return None };
        let shape = match (needed(to)?.shape.as_slice(), axes) {
            (shape, upconv_weights::Axes::Permute(order)) => {
                let mut source = vec![0; shape.len()];
                order.iter().zip(shape).for_each(|(&axis, &size)| source[axis] = size);
                source
            }
            (shape, _) => shape.to_vec(),
        };
        let values: Vec<f32> = (0..shape.iter().product()).map(|at: usize| at as f32).collect();
        // Names of two schemes for one tensor: the first will do.
        seen.insert(to.to_string())
            .then(|| Weight::from_f32(from.to_string(), &shape, &values).unwrap())
    };
    table.rules.iter().filter_map(make).collect()
}

/// Every parameter has a name in every source, and no other tensor gets it.
#[test]
fn tables_are_complete() {
    let narrow = |config: ResNetConfig| ResNetConfig { stem: 2, width: 1, classes: 3, ..config };
    type Names = fn(&ResNetConfig) -> RenameTable;
    let keras =
        ResNetConfig { bias: Bias::All, ..ResNetConfig::resnet101() }.with_form(Form::Keras);
    let tables: [(ResNetConfig, Names); 10] = [
        (ResNetConfig::resnet50(), caffe_names),
        (ResNetConfig::resnet101(), caffe_names),
        (ResNetConfig::resnet152(), caffe_names),
        (ResNetConfig::resnet50_half(), open_nsfw_names),
        (ResNetConfig::resnet10_cvgj(), cvgj_names),
        (ResNetConfig::resnet50_cvgj(), cvgj_names),
        (ResNetConfig::resnet34(), tensorflow_names),
        (ResNetConfig::resnet101(), tensorflow_names),
        (ResNetConfig::resnet50(), torch_names),
        (keras, keras_names),
    ];
    for (config, names) in tables {
        let config = narrow(config);
        let (table, expected) = (names(&config), stored::expected(&net(&config)));
        let balance = table.balance(&sources(&table, &expected), &expected).unwrap();
        assert!(balance.is_even(), "{config:?}: {:?} {:?}", balance.missing(), balance.unused());
    }
}

/// The names of the published files, and where they go.
#[test]
fn names_are_those_of_the_files() {
    let goes = |table: &RenameTable, name: &str| {
        table.rules.iter().find_map(|rule| match rule {
            Rule::Take { from, to, .. } if from == name => Some(to.to_string()),
            Rule::Ignore { from, .. } if from == name => Some("ignored".into()),
            _ => None,
        })
    };
    let config = ResNetConfig::resnet152();
    let caffe = caffe_names(&config);
    for (theirs, ours) in [
        ("conv1/1", "conv1.bias"),
        ("bn_conv1/running_mean", "bn1.running_mean"),
        ("bn_conv1/bias", "bn1.beta"),
        ("res2a_branch1/0", "layer1.0.downsample.conv.weight"),
        ("bn2a_branch1/running_var", "layer1.0.downsample.bn.running_var"),
        ("res3b7_branch2a/0", "layer2.7.conv1.weight"),
        ("bn4b35_branch2c/weight", "layer3.35.bn3.gamma"),
        ("res5c_branch2b/0", "layer4.2.conv2.weight"),
        ("fc1000/0", "fc.weight"),
    ] {
        assert_eq!(goes(&caffe, theirs).as_deref(), Some(ours), "{theirs}");
    }
    assert_eq!(goes(&caffe, "res3b8_branch2a/0"), None);
    // Sums that nobody divided are not taken for means.
    assert_eq!(goes(&caffe, "bn_conv1/0"), None);
    let letters = caffe_names(&ResNetConfig::resnet50());
    assert_eq!(goes(&letters, "res4f_branch2a/0").as_deref(), Some("layer3.5.conv1.weight"));
    // A model that Keras 3.15 made and saved, both ways; which is which was told by the values.
    let keras = keras_names(&ResNetConfig::resnet50());
    for (two, three, ours) in [
        ("conv1_conv/bias", "layers/conv2d/vars/1", "conv1.bias"),
        ("conv2_block1_2_bn/gamma", "layers/batch_normalization_2/vars/0", "layer1.0.bn2.gamma"),
        (
            "conv3_block1_0_conv/kernel",
            "layers/conv2d_13/vars/0",
            "layer2.0.downsample.conv.weight",
        ),
        (
            "conv3_block1_3_bn/moving_mean",
            "layers/batch_normalization_14/vars/2",
            "layer2.0.bn3.running_mean",
        ),
        ("conv5_block3_3_conv/kernel", "layers/conv2d_52/vars/0", "layer4.2.conv3.weight"),
        ("predictions/bias", "layers/dense/vars/1", "fc.bias"),
    ] {
        assert_eq!(
            [goes(&keras, two), goes(&keras, three)],
            [Some(ours.into()), Some(ours.into())]
        );
    }
    let nsfw = open_nsfw_names(&ResNetConfig::resnet50_half());
    let name = "conv_stage3_block0_proj_shortcut/1";
    assert_eq!(goes(&nsfw, name).as_deref(), Some("layer4.0.downsample.conv.bias"));
    let tensorflow = tensorflow_names(&config);
    let name = "scale5/block3/c/moving_variance";
    assert_eq!(goes(&tensorflow, name).as_deref(), Some("layer4.2.bn3.running_var"));
    let cvgj = cvgj_names(&ResNetConfig::resnet50_cvgj());
    let name = "layer_256_6_bn2/weight";
    assert_eq!(goes(&cvgj, name).as_deref(), Some("layer3.5.bn2.gamma"));
    let torch = torch_names(&ResNetConfig::resnet18());
    let name = "layer2.0.downsample.1.running_mean";
    assert_eq!(goes(&torch, name).as_deref(), Some("layer2.0.downsample.bn.running_mean"));
}
