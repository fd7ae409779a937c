use burn::tensor::{Device, Tensor};
use upconv_nn::ops::log_softmax;
use upconv_nn::pass::Eager;
use upconv_weights::{Axes, Rule, Tensor as Weight};

use super::*;
use crate::description::describe;
use crate::inference::Model;
use crate::initial::draw;
use crate::stored;

fn keras() -> Cnn {
    Cnn::new(&CnnConfig::default(), &Device::flex()).unwrap()
}

/// The list of cifar-10-model's cnn_model.h5, and hand arithmetic for the tutorial's.
#[test]
fn counts_and_sizes() {
    let layers = describe(&keras(), [1, 3, 32, 32]).unwrap();
    let of = |layers: &[crate::Layer]| layers.iter().map(|l| l.parameters).sum::<usize>();
    let convs =
        9 * 3 * 64 + 9 * 64 * 64 + 9 * 64 * 128 + 9 * 128 * 128 + 9 * 128 * 64 + 9 * 64 * 64;
    let biases_and_norms = 3 * (64 + 64 + 128 + 128 + 64 + 64);
    let dense = 64 * 1024 + 1024 + 1024 * 512 + 512 + 512 * 10 + 10;
    assert_eq!(of(&layers), convs + biases_and_norms + dense);
    let find = |name: &str| layers.iter().find(|layer| layer.name == name).unwrap().shape_out;
    assert_eq!(find("block2.0.conv"), [128, 12, 12]);
    assert_eq!(find("block3.1.conv"), [64, 1, 1]);
    let tutorial = Cnn::new(&CnnConfig::tutorial(), &Device::flex()).unwrap();
    let expected = 25 * 3 * 64 + 64 + 25 * 64 * 64 + 64 + 4096 * 384 + 384 + 384 * 192 + 192 + 1930;
    assert_eq!(of(&describe(&tutorial, [1, 3, 32, 32]).unwrap()), expected);
}

/// All scores are 0 at the first step: the loss is ln 10.
#[test]
fn a_linear_classifier_begins_with_zeros() {
    let net = Dense::new(&DenseConfig::softmax(), &Device::flex()).unwrap();
    let net = draw(net, 1, dense_initial).unwrap();
    let x = Tensor::<4>::full([2, 3, 32, 32], 100.0, &Device::flex());
    let scores = net.forward(&mut Eager::default(), &x).unwrap();
    let losses = log_softmax(scores).unwrap().into_data().try_into_vec::<f32>().unwrap();
    assert!(losses.iter().all(|loss| (loss + std::f32::consts::LN_10).abs() < 1e-6));
}

#[test]
fn tables_are_complete() {
    let device = Device::flex();
    let two_layer = Dense::new(&DenseConfig::two_layer(), &device).unwrap();
    for (table, expected) in
        [(keras_names(), stored::expected(&keras())), (dense_names(), stored::expected(&two_layer))]
    {
        // The first of two names for one tensor.
        let take = |e: &upconv_weights::Expected| {
            let rule = table.rules.iter().find_map(|rule| match rule {
                Rule::Take { from, to, axes } if **to == e.name => Some((from.to_string(), *axes)),
                _ => None,
            });
            let (from, axes) = rule.unwrap();
            let shape = match (axes, &e.shape[..]) {
                (Axes::HWIO_TO_OIHW, &[o, i, h, w]) => vec![h, w, i, o],
                (Axes::IO_TO_OIHW, &[o, i, h, w]) => vec![h * w * i, o],
                (Axes::Permute(_), &[o, i]) => vec![i, o],
                (_, shape) => shape.to_vec(),
            };
            Weight::from_f32(from, &shape, &vec![0.0; shape.iter().product()]).unwrap()
        };
        let tensors: Vec<Weight> = expected.iter().map(take).collect();
        assert!(table.balance(&tensors, &expected).unwrap().is_even());
    }
    let names = keras_names();
    let has = |name: &str| {
        names.rules.iter().any(|r| matches!(r, Rule::Take { from, .. } if from == name))
    };
    assert!(has("conv2d/kernel") && has("batch_normalization_5/moving_variance"));
    assert!(has("dense_2/dense_2/bias:0"));
}
