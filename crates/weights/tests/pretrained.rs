//! Weights as people carry them. They are fetched, not committed: `cargo xtask fetch all`, `cargo xtask fetch facenet`, then
//! `cargo xtask test --with-data`.
//!
//! Every number here was read from the same files by PyTorch 2.8.0 and h5py 3.14.0.

use std::path::Path;

use upconv_weights::{Dtype, Format, Source, Tensor, format, keras};

fn path(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data").join(name)
}

/// A file, if this run is to use fetched data.
fn open(name: &str) -> Option<Source> {
    if std::env::var_os("UPCONV_WITH_DATA").is_none() {
        eprintln!("SKIPPED: {name} (cargo xtask test --with-data)");
        return None;
    }
    Some(format::open(&path(name)).expect("run: cargo xtask fetch all"))
}

/// The first cells of a row, and the sum of all.
fn values(source: &Source, name: &str, row: usize) -> (Vec<f32>, f64) {
    let tensor = source.weights.get(name).unwrap_or_else(|| panic!("no {name}"));
    let values = tensor.to_f32().unwrap_or_default();
    let width = tensor.shape().last().copied().unwrap_or(1);
    let sum = values.iter().map(|&value| f64::from(value)).sum();
    (values[row * width..][..3].to_vec(), sum)
}

fn assert_sum(got: f64, expected: f64) {
    assert!((got - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{got}, not {expected}");
}

fn floats(source: &Source) -> usize {
    let tensors = source.weights.tensors().iter();
    tensors.filter(|tensor| tensor.dtype().is_float()).map(Tensor::cells).sum()
}

#[test]
fn efficientnet_in_the_older_form_of_pytorch() {
    let name = "efficientnet-lite0/models/efficientnet-lite0-57934424.pth";
    let Some(source) = open(name) else { return };
    assert_eq!(source.format, Format::Torch);
    assert_eq!(source.weights.tensors().len(), 296);
    assert_eq!(floats(&source), 4_694_024);
    assert!(source.sha256().starts_with("579344248a93e230"));
    assert!(source.passed_over.is_empty());
    // Strides 1, 32, 288, 96 and 1, 1000: neither lies row by row.
    let (stem, sum) = values(&source, "_conv_stem.weight", 0);
    assert_eq!(stem, [-1.110_336_1, -1.308_770_4, -0.010_156_915]);
    assert_sum(sum, -26.811_376_610_887_237);
    let (class, sum) = values(&source, "_fc.weight", 285);
    assert_eq!(class, [-0.007_376_237, -0.038_598_78, -0.024_861_22]);
    assert_sum(sum, -470.632_567_301_287_05);
}

#[test]
fn a_generator_in_an_archive_of_pytorch() {
    let Some(source) = open("gan-face/weights.tar") else { return };
    assert_eq!(source.format, Format::Torch);
    assert_eq!(source.weights.tensors().len(), 25);
    assert_eq!(source.weights.tensors().iter().map(Tensor::cells).sum::<usize>(), 3_578_628);
    let first = source.weights.get("netG_state_dict.main.0.weight").map(Tensor::shape);
    assert_eq!(first, Some(&[100, 512, 4, 4][..]));
    let (first, sum) = values(&source, "netG_state_dict.main.0.weight", 0);
    assert_eq!(first, [0.035_323_817, 0.047_661_815, -0.017_518_088]);
    assert_sum(sum, 479.052_833_073_601_05);
    // The last row of the last weight but its corner: [63, 2, 3].
    let (last, _) = values(&source, "netG_state_dict.main.12.weight", 63 * 12 + 2 * 4 + 3);
    assert_eq!(last, [0.010_102_801, 0.020_258_74, 0.015_345_147]);
    let count = source.weights.get("netG_state_dict.main.1.num_batches_tracked");
    let count = count.map(|tensor| (tensor.dtype(), tensor.bytes().to_vec()));
    assert_eq!(count, Some((Dtype::I64, 30_070i64.to_le_bytes().to_vec())));
}

#[test]
fn a_classifier_of_keras() {
    let name = "cifar-10-model/trained_models/cnn_model.h5";
    let Some(source) = open(name) else { return };
    assert_eq!(source.format, Format::Keras);
    assert_eq!((source.weights.tensors().len(), floats(&source)), (42, 969_418));
    assert!(source.sha256().starts_with("0eddc60b9fcbcab4"));
    let (kernel, sum) = values(&source, "conv2d/kernel", 0);
    assert_eq!(kernel, [0.001_880_334_1, -0.032_841_537, -0.061_399_65]);
    assert_sum(sum, -16.306_098_628_268_956);
    let (last, _) = values(&source, "dense_2/kernel", 511);
    assert_eq!(last, [-0.114_906_64, 0.077_757_37, 0.047_439_773]);
    let config = keras::read(&path(name)).ok().and_then(|model| model.config);
    let config = config.expect("its document");
    assert_eq!((config.class_name.as_str(), config.layers.len()), ("Sequential", 22));
    let norm = config.layer("batch_normalization").expect("the layer");
    assert_eq!(norm.number("momentum"), Some(0.15));
}

#[test]
fn facenet_of_keras() {
    let name = "facenet/facenet_keras.h5";
    if !path(name).exists() {
        eprintln!("SKIPPED: {name} is not there (cargo xtask fetch facenet)");
        return;
    }
    let Some(source) = open(name) else { return };
    assert_eq!((source.weights.tensors().len(), floats(&source)), (490, 22_808_144));
    assert!(source.sha256().starts_with("6acdd8fb3a3fb2b5"));
    let (kernel, sum) = values(&source, "Conv2d_1a_3x3/kernel", 0);
    assert_eq!(kernel, [-0.541_034_7, -0.130_770_27, -0.063_325_99]);
    assert_sum(sum, 8.190_031_198_260_84);
    let bottleneck = source.weights.get("Bottleneck/kernel").map(|tensor| tensor.to_f32());
    let last = bottleneck.and_then(Result::ok).and_then(|values| values.last().copied());
    assert_eq!(last, Some(-0.068_596_77));
    let config = keras::read(&path(name)).ok().and_then(|model| model.config);
    let config = config.expect("its document");
    assert_eq!(config.layers.len(), 426);
    for (layer, scale) in [("Block35_1", 0.17), ("Block8_5", 0.2), ("Block8_6", 1.0)] {
        let layer = config.layer(&format!("{layer}_ScaleSum")).expect("the layer");
        assert_eq!(layer.config["arguments"]["scale"], scale);
        assert_eq!(layer.config.len(), 1, "byte code was kept");
    }
}
