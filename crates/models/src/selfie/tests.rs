//! The network against maps computed in double precision by an interpreter of the TF.js graph, and each
//! known mistake against its signature: a test that a mistake passes would prove nothing.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use upconv_geometry::Padding;
use upconv_kernels::Layout;
use upconv_nn::inference::NetworkOptions;
use upconv_nn::ops::Resample;
use upconv_nn::pass::Eager;
use upconv_weights::Weights;

use super::*;
use crate::describe;

fn golden() -> Weights {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/selfie_astronaut.safetensors");
    Weights::read(path.as_ref()).unwrap()
}

fn net() -> Selfie {
    load("built-in", &built_in().unwrap(), &Device::flex()).unwrap().net
}

/// A map of the golden file, NHWC.
fn map(name: &str) -> Vec<f32> {
    golden().get(name).unwrap().to_f32().unwrap()
}

/// The golden input, NCHW.
fn photo() -> Tensor<4> {
    let data = TensorData::new(map("input"), [1, 256, 256, 3]);
    Tensor::<4>::from_data(data, &Device::flex()).permute([0, 3, 1, 2])
}

fn nhwc(x: Tensor<4>) -> Vec<f32> {
    x.permute([0, 2, 3, 1]).into_data().try_into_vec().unwrap()
}

/// How a result differs from the golden one.
#[derive(Debug)]
struct Difference {
    max: f32,
    mean: f32,
    over_1e4: usize,
    over_1e3: usize,
}

fn difference(got: &[f32], expected: &[f32]) -> Difference {
    assert_eq!(got.len(), expected.len());
    let off: Vec<f32> = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).collect();
    assert!(off.iter().all(|d| d.is_finite()));
    Difference {
        max: off.iter().copied().fold(0.0, f32::max),
        mean: off.iter().sum::<f32>() / off.len() as f32,
        over_1e4: off.iter().filter(|&&d| d > 1e-4).count(),
        over_1e3: off.iter().filter(|&&d| d > 1e-3).count(),
    }
}

fn foreground(mask: &[f32]) -> usize {
    mask.iter().filter(|&&p| p >= 0.5).count()
}

/// Pixels that are on another side of one half than in the golden mask.
fn changed(mask: &[f32]) -> usize {
    mask.iter().zip(map("output")).filter(|&(&a, b)| (a >= 0.5) != (b >= 0.5)).count()
}

#[test]
fn all_maps_are_those_of_the_graph() {
    let net = net();
    let maps = net.maps(&mut Eager::default(), &photo()).unwrap();
    // A value of a map is a sum of terms up to some hundreds: relative noise of f32 is about 1e-6 of it.
    for (name, got) in [("skip8", maps.skip8), ("bottleneck", maps.bottleneck), ("dec8", maps.dec8)]
    {
        let d = difference(&nhwc(got), &map(name));
        assert!(d.mean < 1e-5 && d.max < 2e-4, "{name}: {d:?}");
    }
    // Logits span -796 to 362, with relative noise of f32 of about 5e-6.
    let d = difference(&nhwc(maps.logits), &map("logits"));
    assert!(d.mean < 2e-4 && d.max < 4e-3, "logits: {d:?}");
    let mask = nhwc(net.forward(&mut Eager::default(), &photo()).unwrap());
    let d = difference(&mask, &map("output"));
    assert!(d.mean < 1e-6 && d.over_1e4 <= 10 && d.over_1e3 == 0, "{d:?}");
    assert_eq!(foreground(&mask), 35_717);
    let at = |row: usize, column: usize| mask[row * 256 + column];
    for (row, column, p) in [
        (128, 128, 1.0),
        (154, 14, 0.282340),
        (177, 224, 0.239255),
        (178, 150, 0.734292),
        (255, 243, 0.492052),
    ] {
        assert!(
            (at(row, column) - p).abs() < 1e-4,
            "({row},{column}): {} not {p}",
            at(row, column)
        );
    }
}

#[test]
fn an_exact_sixth_gives_the_masks_of_tflite() {
    let mut net = net();
    net.hard_swish_scale = SelfieConfig::exact().hard_swish_scale;
    let mask = nhwc(net.forward(&mut Eager::default(), &photo()).unwrap());
    let d = difference(&mask, &map("output_exact_sixth"));
    assert!(d.mean < 1e-6 && d.over_1e4 <= 10 && d.over_1e3 == 0, "{d:?}");
    let d = difference(&mask, &map("output"));
    assert!((d.max - 0.0225).abs() < 5e-4, "{d:?}");
    assert_eq!(changed(&mask), 0);
}

#[test]
fn symmetric_padding_at_stride_2_is_noticed() {
    let mut net = net();
    net.stem.setting.padding = Padding::Pads(vec![(1, 1)]);
    for (block, pad) in [(&mut net.mb1, 1), (&mut net.mb2, 1), (&mut net.mb4, 2)] {
        block.set_depthwise_padding(Padding::Pads(vec![(pad, pad)]));
    }
    let mask = nhwc(net.forward(&mut Eager::default(), &photo()).unwrap());
    assert_eq!(changed(&mask), 6_272);
    assert!(difference(&mask, &map("output")).max > 0.99);
}

#[test]
fn another_grid_of_the_bilinear_resize_is_noticed() {
    for (how, pixels) in [(Resample::LinearAsymmetric, 1_719), (Resample::LinearAlignCorners, 859)]
    {
        let mut net = net();
        for block in [&mut net.dec8, &mut net.dec4, &mut net.dec2] {
            block.set_resample(how);
        }
        let mask = nhwc(net.forward(&mut Eager::default(), &photo()).unwrap());
        assert_eq!(changed(&mask), pixels, "{how:?}");
    }
}

#[test]
fn a_flipped_transposed_filter_keeps_the_count_and_moves_pixels() {
    let mut net = net();
    net.head.weight = Param::from_tensor(net.head.weight.val().flip([2, 3]));
    let mask = nhwc(net.forward(&mut Eager::default(), &photo()).unwrap());
    assert_eq!(foreground(&mask), 35_717, "flipping only permutes pixels within 2x2 blocks");
    assert_eq!(changed(&mask), 642);
    assert!((difference(&mask, &map("output")).max - 0.93).abs() < 0.01);
}

#[test]
fn another_range_or_order_of_the_input_is_noticed() {
    let net = net();
    let share = |x: Tensor<4>| {
        foreground(&nhwc(net.forward(&mut Eager::default(), &x).unwrap())) as f64 / 65_536.0
    };
    assert!((share(photo()) - 0.544_998_168_9).abs() < 1e-9);
    assert!((share(photo() * 2.0 - 1.0) - 0.549).abs() < 5e-4);
    assert!((share(photo().flip([1])) - 0.603).abs() < 5e-4);
    assert!((share(photo() * 255.0) - 0.387).abs() < 5e-4);
}

#[test]
fn other_sizes_work_and_impossible_ones_are_refused() {
    let net = net();
    let device = Device::flex();
    for [h, w] in [[16, 16], [128, 192], [272, 48]] {
        let y = net.forward(&mut Eager::default(), &Tensor::zeros([2, 3, h, w], &device)).unwrap();
        assert_eq!(y.dims(), [2, 1, h, w]);
    }
    let error =
        net.forward(&mut Eager::default(), &Tensor::zeros([1, 3, 256, 250], &device)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "selfie: input width is 250, but it must be a multiple of 16, at least 16"
    );
}

#[test]
fn parameters_and_operations_are_those_of_the_table() {
    let layers = describe(&net(), [1, 3, 256, 256]).unwrap();
    assert_eq!(layers.iter().map(|l| l.parameters).sum::<usize>(), 106_401);
    assert_eq!(layers.iter().map(|l| l.flops).sum::<u64>(), 2 * 59_215_744);
    let parameters = |prefix: &str| -> usize {
        layers.iter().filter(|l| l.name.starts_with(prefix)).map(|l| l.parameters).sum()
    };
    for (part, expected) in [
        ("stem", 448),
        ("mb1.", 984),
        ("mb2.", 3_696),
        ("mb3.", 5_216),
        ("mb4.", 12_728),
        ("mb5.", 20_032),
        ("mb6.", 20_032),
        ("mb7.", 13_496),
        ("mb8.", 13_496),
        ("context", 8_448),
        ("dec8.", 5_136),
        ("dec4.", 1_376),
        ("dec2.", 1_248),
        ("head", 65),
    ] {
        assert_eq!(parameters(part), expected, "{part}");
    }
    let out = |name: &str| layers.iter().find(|l| l.name == name).unwrap().shape_out;
    assert_eq!(out("stem"), [16, 128, 128]);
    assert_eq!(out("mb8.project"), [32, 16, 16]);
    assert_eq!(out("head"), [1, 256, 256]);
}

#[test]
fn the_built_in_weights_pass_their_self_test_and_damaged_ones_do_not() {
    let weights = built_in().unwrap();
    let worst = verify("built-in", &weights, &Device::flex()).unwrap();
    assert!(worst.is_some_and(|worst| worst < 1e-4), "{worst:?}");

    let metadata = weights.metadata().cloned();
    let mut tensors = weights.tensors().to_vec();
    let head = tensors.iter().position(|t| t.name() == "head.bias").unwrap();
    let bias = tensors.remove(head);
    let missing = Weights::new(metadata.clone(), tensors.clone()).unwrap();
    let error = load("cut.safetensors", &missing, &Device::flex()).unwrap_err().to_string();
    assert!(error.contains("cut.safetensors") && error.contains("head.bias"), "{error}");

    let half = upconv_weights::Tensor::from_f32("head.bias", bias.shape(), &[0.0]).unwrap();
    let changed = Weights::new(metadata.clone(), [tensors.clone(), vec![half]].concat()).unwrap();
    let error = verify("odd.safetensors", &changed, &Device::flex()).unwrap_err().to_string();
    assert!(error.contains("self-test failed"), "{error}");

    let nan = upconv_weights::Tensor::from_f32("head.bias", bias.shape(), &[f32::NAN]).unwrap();
    let broken = Weights::new(metadata, [tensors, vec![nan]].concat()).unwrap();
    let error = load("nan.safetensors", &broken, &Device::flex()).unwrap_err().to_string();
    assert!(error.contains("head.bias") && error.contains("NaN"), "{error}");
}

#[test]
fn the_self_test_shows_sure_and_unsure_pixels() {
    let weights = with_selftest(built_in().unwrap(), &Device::flex()).unwrap();
    let output = weights.selftest().unwrap().output.to_f32().unwrap();
    let unsure = output.iter().filter(|&&p| p > 0.05 && p < 0.95).count();
    assert!(unsure > 100 && foreground(&output) > 20, "{unsure} {}", foreground(&output));
}

#[test]
fn the_inference_form_gives_the_same_masks() {
    let net = net();
    let expected = nhwc(net.forward(&mut Eager::default(), &photo()).unwrap());
    for (outside, x) in [(Layout::Nhwc, map("input")), (Layout::Nchw, flat(photo()))] {
        let options = NetworkOptions { outside, ..Default::default() };
        let network = crate::inference::of(&net, [1, 3, 256, 256], &options).unwrap();
        let mut mask = vec![f32::NAN; 256 * 256];
        network.run(&[&x], &mut [&mut mask]).unwrap();
        // Logits span hundreds; 1e-7 of them is some 8e-5, and a quarter of it behind the sigmoid.
        let d = difference(&mask, &expected);
        assert!(d.mean < 1e-7 && d.max < 2e-5, "{d:?}");
        let d = difference(&mask, &map("output"));
        assert!(d.mean < 1e-6 && d.over_1e4 <= 10 && d.over_1e3 == 0, "{d:?}");
    }
}

fn flat(x: Tensor<4>) -> Vec<f32> {
    x.into_data().try_into_vec().unwrap()
}
