use burn::tensor::Device;
use upconv_weights::{Expected, RenameTable, Rule, Tensor as Weight};

use super::*;
use crate::description::{LayerKind, describe};
use crate::stored;

/// The list of tensorflow-vgg16, which is the paper's.
#[test]
fn counts_are_those_of_the_paper() {
    let layers = |config: &VggConfig| {
        describe(&Vgg::new(config, &Device::flex()).unwrap(), [1, 3, 224, 224]).unwrap()
    };
    let count =
        |config: &VggConfig| -> usize { layers(config).iter().map(|layer| layer.parameters).sum() };
    assert_eq!(count(&VggConfig::vgg16()), 138_357_544);
    assert_eq!(count(&VggConfig { classes: 17, ..VggConfig::vgg16() }), 134_260_544 + 4097 * 17);
    assert_eq!(count(&VggConfig::vgg19()), 143_667_240);
    // A factor and a shift for the picture, and none elsewhere.
    assert_eq!(count(&VggConfig::vgg19_cvgj()), 143_667_246);
    let statistics = |config: &VggConfig| -> usize {
        let all = stored::expected(&Vgg::new(config, &Device::flex()).unwrap());
        let statistic = all.iter().filter(|e| e.name.contains("running"));
        statistic.map(|e| e.shape.iter().product::<usize>()).sum()
    };
    // 27,417 in the file, with a number that divides for each of the 19 norms.
    assert_eq!(statistics(&VggConfig::vgg19_cvgj()), 27_417 - 19);

    let vgg16 = layers(&VggConfig::vgg16());
    let found = vgg16.iter().map(|layer| (layer.kind, layer.shape_out, layer.parameters));
    let found: Vec<_> =
        found.filter(|(kind, ..)| matches!(kind, LayerKind::Conv | LayerKind::MaxPool)).collect();
    let conv = |shape, parameters| (LayerKind::Conv, shape, parameters);
    let pool = |channels, side| (LayerKind::MaxPool, [channels, side, side], 0);
    let expected = [
        conv([64, 224, 224], 1_792),
        conv([64, 224, 224], 36_928),
        pool(64, 112),
        conv([128, 112, 112], 73_856),
        conv([128, 112, 112], 147_584),
        pool(128, 56),
        conv([256, 56, 56], 295_168),
        conv([256, 56, 56], 590_080),
        conv([256, 56, 56], 590_080),
        pool(256, 28),
        conv([512, 28, 28], 1_180_160),
        conv([512, 28, 28], 2_359_808),
        conv([512, 28, 28], 2_359_808),
        pool(512, 14),
        conv([512, 14, 14], 2_359_808),
        conv([512, 14, 14], 2_359_808),
        conv([512, 14, 14], 2_359_808),
        pool(512, 7),
        conv([4096, 1, 1], 102_764_544),
        conv([4096, 1, 1], 16_781_312),
        conv([1000, 1, 1], 4_097_000),
    ];
    assert_eq!(found, expected);
    let names = vgg16.iter().filter(|layer| layer.parameters > 0).map(|layer| &layer.name[..]);
    let names: Vec<&str> = names.collect();
    assert_eq!(names[..3], ["block1.0", "block1.1", "block2.0"]);
    assert_eq!(names[12..], ["block5.2", "fc6", "fc7", "fc8"]);
    // About 15.5 milliards of multiply-adds.
    let macs = vgg16.iter().map(|layer| layer.flops).sum::<u64>() as f64 / 2e9;
    assert!((macs - 15.47).abs() < 0.01, "{macs}");
}

fn narrow() -> VggConfig {
    VggConfig { channels: [2, 3, 4, 5, 6], head: 7, classes: 8, ..VggConfig::vgg16() }
}

/// A map of the names and source shapes of a table.
fn sources(expected: &[Expected], kind: &str) -> Vec<Weight> {
    let one = |e: &Expected| {
        let (layer, field) = e.name.rsplit_once('.').unwrap();
        let layer = match layer.split_once('.') {
            Some((block, n)) => {
                let n: usize = n.parse().unwrap();
                format!("conv{}_{}", &block[5..], n + 1)
            }
            None => layer.to_owned(),
        };
        let matrix = layer.starts_with("fc");
        let [out, inputs, kh, kw] = e.shape.clone().try_into().unwrap_or([e.shape[0], 1, 1, 1]);
        let (name, shape) = match (kind, field) {
            ("caffe", "weight") if matrix => ("0", vec![out, inputs * kh * kw]),
            ("old caffe", "weight") if matrix => ("0", vec![1, 1, out, inputs * kh * kw]),
            ("caffe" | "old caffe", "weight") => ("0", e.shape.clone()),
            ("old caffe", _) => ("1", vec![1, 1, 1, out]),
            ("caffe", _) => ("1", vec![out]),
            ("npy", "weight") if matrix => ("0", vec![kh * kw * inputs, out]),
            ("npy", "weight") => ("0", vec![kh, kw, inputs, out]),
            ("npy", _) => ("1", vec![out]),
            ("keras", "weight") if matrix => ("kernel", vec![kh * kw * inputs, out]),
            ("keras", "weight") => ("kernel", vec![kh, kw, inputs, out]),
            ("keras", _) => ("bias", vec![out]),
            (_, "weight") if matrix => ("W", vec![kh * kw * inputs, out]),
            (_, "weight") => ("W", vec![kh, kw, inputs, out]),
            _ => ("b", vec![out]),
        };
        let layer = match (kind, &layer[..]) {
            ("keras", "fc6") => "fc1".into(),
            ("keras", "fc7") => "fc2".into(),
            ("keras", "fc8") => "predictions".into(),
            ("keras", conv) => conv.replacen("conv", "block", 1).replacen('_', "_conv", 1),
            _ => layer,
        };
        let values: Vec<f32> = (0..shape.iter().product()).map(|at: usize| at as f32).collect();
        Weight::from_f32(format!("{layer}/{name}"), &shape, &values).unwrap()
    };
    expected.iter().map(one).collect()
}

#[test]
fn tables_are_complete_and_rows_of_fc6_are_as_said() {
    let config = narrow();
    let expected = stored::expected(&Vgg::new(&config, &Device::flex()).unwrap());
    let fc6 = |table: &RenameTable, kind: &str| {
        let (tensors, balance) = table.apply(sources(&expected, kind), &expected).unwrap();
        assert!(balance.is_even(), "{kind}: {:?} {:?}", balance.missing(), balance.unused());
        let fc6 = tensors.iter().find(|t| t.name() == "fc6.weight").unwrap();
        // Output 2, row 3, column 5, channel 4.
        fc6.to_f32().unwrap()[((2 * 6 + 4) * 7 + 3) * 7 + 5]
    };
    for kind in ["caffe", "old caffe"] {
        assert_eq!(fc6(&caffe_names(&config), kind), (2 * 294 + 4 * 49 + 3 * 7 + 5) as f32);
    }
    let row = (3 * 7 + 5) * 6 + 4;
    assert_eq!(fc6(&tflearn_names(&config), "tflearn"), (row * 7 + 2) as f32);
    assert_eq!(fc6(&tensorflow_names(&config), "npy"), (row * 7 + 2) as f32);
    assert_eq!(fc6(&keras_names(&config), "keras"), (row * 7 + 2) as f32);
    // The axes of convolutions tell the files of TensorFlow from those of Caffe.
    assert!(caffe_names(&config).balance(&sources(&expected, "npy"), &expected).is_err());
}

#[test]
fn torchvision_counts_relu_and_poolings() {
    let table = torch_names(&VggConfig::vgg16());
    let goes = |name: &str| {
        table.rules.iter().find_map(|rule| match rule {
            Rule::Take { from, to, .. } if from == name => Some(to.to_string()),
            _ => None,
        })
    };
    // torchvision 0.23, vgg16: convolutions at 0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28.
    for (theirs, ours) in [
        ("features.0.weight", "block1.0.weight"),
        ("features.7.bias", "block2.1.bias"),
        ("features.17.weight", "block4.0.weight"),
        ("features.28.weight", "block5.2.weight"),
        ("classifier.3.weight", "fc7.weight"),
    ] {
        assert_eq!(goes(theirs).as_deref(), Some(ours));
    }
}

#[test]
fn keras_numbers_layers_by_their_classes() {
    let table = keras_names(&VggConfig::vgg16());
    let goes = |name: &str| {
        table.rules.iter().find_map(|rule| match rule {
            Rule::Take { from, to, .. } if from == name => Some(to.to_string()),
            _ => None,
        })
    };
    // Of a model that Keras 3.15 made and saved: 13 convolutions and 3 matrices.
    for (theirs, ours) in [
        ("layers/conv2d/vars/0", "block1.0.weight"),
        ("layers/conv2d_2/vars/1", "block2.0.bias"),
        ("layers/conv2d_12/vars/0", "block5.2.weight"),
        ("layers/dense/vars/0", "fc6.weight"),
        ("layers/dense_2/vars/1", "fc8.bias"),
        ("block3_conv2/block3_conv2_W_1", "block3.1.weight"),
    ] {
        assert_eq!(goes(theirs).as_deref(), Some(ours));
    }
}

#[test]
fn a_larger_picture_gives_the_mean_of_the_scores_of_its_places() {
    use burn::tensor::Tensor;
    use upconv_nn::pass::Eager;
    let device = Device::flex();
    let net = Vgg::new(&narrow(), &device).unwrap();
    let net = crate::initial::draw(net, 3, crate::initial::usual).unwrap();
    let y = net.forward(&mut Eager::default(), &Tensor::ones([1, 3, 256, 224], &device)).unwrap();
    assert_eq!(y.dims(), [1, 8, 1, 1]);
    assert!(net.forward(&mut Eager::default(), &Tensor::ones([1, 3, 160, 224], &device)).is_err());
}

#[test]
fn what_makes_no_network_is_named() {
    let refused =
        |config: VggConfig| Vgg::new(&config, &Device::flex()).map(|_| ()).unwrap_err().to_string();
    assert_eq!(refused(VggConfig { head: 0, ..narrow() }), "vgg16: head: 0 must be at least 1");
    assert!(refused(VggConfig { dropout: 1.0, ..narrow() }).contains("dropout: 1 must"));
    assert!(refused(VggConfig { head: usize::MAX, ..narrow() }).contains("limit"));
}
