//! Real weights on real photos, against ONNX Runtime, PyTorch and Keras by golden/pretrained.json. Weights and photos are
//! fetched, not committed: `cargo xtask fetch all`, then `cargo xtask test --with-data`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod seeded;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use seeded::even;
use serde::Deserialize;
use upconv_data::{decode, fetch};
use upconv_models::classify::{Crop, inputs};
use upconv_models::dcgan::{FACES, Sampler};
use upconv_models::inference::{Model, StoredParameters};
use upconv_models::registry::{self, Conversion};
use upconv_models::resnet::{ResNet, ResNetConfig};
use upconv_models::stored;
use upconv_nn::inference::NetworkOptions;
use upconv_nn::pass::Eager;
use upconv_weights::metadata::{Fit, Input};
use upconv_weights::{Weights, caffe, convert, format};

#[derive(Deserialize)]
struct Golden {
    nsfw: BTreeMap<String, Vec<f32>>,
    efficientnet: BTreeMap<String, Vec<f32>>,
    cifar: BTreeMap<String, Vec<f32>>,
    faces: Faces,
}

#[derive(Deserialize)]
struct Faces {
    every: usize,
    colours: Vec<f32>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/pretrained.json")).unwrap()
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data")
}

/// The weights of a set that is fetched, as `upconv convert` makes them, if this run is to use fetched data.
fn converted(model: &str) -> Option<Weights> {
    if std::env::var_os("UPCONV_WITH_DATA").is_none() {
        eprintln!("SKIPPED: real weights of {model} (cargo xtask test --with-data)");
        return None;
    }
    let set = fetch::find(model).unwrap();
    let path = data().join(set.name).join(set.weights().unwrap().file);
    let mut source = format::open(&path).expect("run: cargo xtask fetch all");
    if let Some(net) = &source.net {
        let weights = std::mem::replace(&mut source.weights, Weights::new(None, vec![]).unwrap());
        source.weights = caffe::batch_norm(net, weights).unwrap().weights;
    }
    // One model fits, and nothing is missing or left over.
    let mut found = registry::candidates(&source);
    assert_eq!(found.iter().map(|(entry, _)| entry.name).collect::<Vec<_>>(), [model]);
    let (entry, Conversion { table, expected, metadata }) = found.pop().unwrap();
    let converted =
        convert::convert(source, &table, &expected, metadata, &Default::default()).unwrap();
    let weights = entry.with_selftest(converted.weights.unwrap()).unwrap();
    let metadata = weights.metadata().unwrap();
    let of = set.weights().unwrap();
    assert_eq!(metadata.licence.as_deref(), Some(of.licence));
    assert_eq!(metadata.attribution.as_deref(), Some(of.attribution));
    assert_eq!(metadata.source.as_ref().unwrap().sha256, of.sha256);
    assert!(entry.verify("converted", &weights).unwrap().unwrap() < 1e-3);
    Some(weights)
}

/// A photo as the weights say, or by another rule.
fn pixels(input: &Input, photo: &str) -> Vec<f32> {
    let path = data().join("photos").join(photo);
    let bytes = std::fs::read(path).expect("run: cargo xtask fetch photos");
    let picture = decode::decode(&bytes).unwrap();
    inputs(input, Crop::Center, &picture.rgb, picture.size()).unwrap()
}

fn shape(input: &Input) -> [usize; 4] {
    [1, 3, input.size[0], input.size[1]]
}

/// The scores of converted weights, batch norm folded.
fn scores(weights: &Weights, input: &Input, x: &[f32]) -> Vec<f32> {
    let entry = registry::find(&weights.metadata().unwrap().model).unwrap();
    let stored = StoredParameters { file: "converted", weights, prefix: "" };
    let network = entry.network(stored, shape(input), &NetworkOptions::default()).unwrap();
    let mut scores = vec![f32::NAN; network.output_shapes()[0].iter().product()];
    network.run(&[x], &mut [&mut scores]).unwrap();
    scores
}

fn softmax(scores: &[f32]) -> Vec<f64> {
    let largest = scores.iter().copied().fold(f32::MIN, f32::max);
    let powers: Vec<f64> = scores.iter().map(|&s| f64::from(s - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

fn worst(got: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(got.len(), expected.len());
    assert!(got.iter().all(|v| v.is_finite()));
    got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Decoders of JPEG differ by a step of 255 here and there; those of PNG do not.
fn is_exact(photo: &str) -> bool {
    photo.ends_with(".png")
}

fn likeliest(scores: &[f32]) -> usize {
    (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap()
}

/// The Caffe file, converted here, gives what ONNX Runtime makes of its twin.
#[test]
fn open_nsfw_of_caffe_is_its_onnx_twin() {
    let Some(weights) = converted("resnet50-half") else { return };
    let metadata = weights.metadata().unwrap();
    assert_eq!(metadata.labels.as_ref().unwrap().len(), 2);
    let own = metadata.input.clone().unwrap();
    // The twin's figures are of pictures that are stretched to the input as a whole.
    let input = Input { fit: Fit::Stretch, short_side: None, ..own };
    for (photo, expected) in golden().nsfw {
        let got = scores(&weights, &input, &pixels(&input, &photo));
        let [got_p, expected_p] = [&got, &expected].map(|scores| softmax(scores)[1]);
        let (off, off_p) = (worst(&got, &expected), (got_p - expected_p).abs());
        eprintln!("{photo}: {got:?}, {off:e} off, probability {got_p}, {off_p:e} off");
        let (limit, limit_p) = if is_exact(&photo) { (2e-5, 1e-5) } else { (2e-2, 1e-3) };
        assert!(off < limit && off_p < limit_p, "{photo}: {got:?}, not {expected:?}");
        if photo == "coffee.png" {
            assert!((got[0] - 3.01201).abs() < 2e-5 && (got[1] + 2.40424).abs() < 2e-5);
            assert!((got_p - 0.0044241).abs() < 1e-6, "{got_p}");
        }
    }
}

/// 53 norms are folded into the convolutions before them, and the scores stay what they are.
#[test]
fn folded_norms_change_nothing() {
    let Some(weights) = converted("resnet50-half") else { return };
    let input = weights.metadata().unwrap().input.clone().unwrap();
    let config: ResNetConfig = stored::settings("resnet50-half", "converted", &weights).unwrap();
    let net = ResNet::new(&config, &Device::flex()).unwrap();
    let net = stored::filled(net, "converted", &weights).unwrap();
    for photo in ["coffee.png", "chelsea.png"] {
        let x = pixels(&input, photo);
        let folded = scores(&weights, &input, &x);
        let x = Tensor::<4>::from_data(TensorData::new(x, shape(&input)), &Device::flex());
        let unfolded = net.forward(&mut Eager::default(), &x).unwrap();
        let unfolded = unfolded.into_data().try_into_vec::<f32>().unwrap();
        let off = worst(&folded, &unfolded);
        eprintln!("{photo}: folded {folded:?}, unfolded {unfolded:?}, {off:e} apart");
        assert!(off < 1e-4, "{photo}: {folded:?}, not {unfolded:?}");
    }
}

/// PyTorch's older form, with tensors that do not lie row by row.
#[test]
fn efficientnet_gives_the_scores_of_pytorch() {
    let Some(weights) = converted("efficientnet-lite0") else { return };
    let metadata = weights.metadata().unwrap();
    assert_eq!(metadata.labels.as_ref().unwrap()[285], "n02124075 Egyptian cat");
    let input = metadata.input.clone().unwrap();
    for (photo, expected) in golden().efficientnet {
        let got = scores(&weights, &input, &pixels(&input, &photo));
        let off = worst(&got, &expected);
        let best = likeliest(&got);
        eprintln!("{photo}: class {best} with {}, scores {off:e} off", softmax(&got)[best]);
        assert!(off < if is_exact(&photo) { 1e-4 } else { 0.2 }, "{photo}: {off}");
        // Of cats 282 is tiger cat and 285 Egyptian cat; 967 espresso, 665 moped, 657 missile.
        let wanted = match &*photo {
            "chelsea.png" => 282,
            "coffee.png" => 967,
            "motorcycle_left.png" => 665,
            _ => 657,
        };
        assert_eq!((best, likeliest(&expected)), (wanted, wanted), "{photo}");
    }
    // The whole photo squeezed into the square, as another program was asked to do it: Egyptian cat.
    let input = Input { fit: Fit::Stretch, short_side: None, ..input };
    let got = softmax(&scores(&weights, &input, &pixels(&input, "chelsea.png")));
    assert!((got[285] - 0.791).abs() < 1e-3, "{}", got[285]);
}

#[test]
fn the_classifier_of_keras_gives_its_scores() {
    let Some(weights) = converted("cifar-cnn") else { return };
    let metadata = weights.metadata().unwrap();
    let labels = metadata.labels.clone().unwrap();
    let input = metadata.input.clone().unwrap();
    for (photo, expected) in golden().cifar {
        let got = scores(&weights, &input, &pixels(&input, &photo));
        let off = worst(&got, &expected);
        eprintln!(
            "{photo}: {} with {}, {off:e} off",
            labels[likeliest(&got)],
            got[likeliest(&got)]
        );
        assert!(off < if is_exact(&photo) { 1e-4 } else { 0.2 }, "{photo}: {got:?}");
        match &*photo {
            "chelsea.png" => assert_eq!(labels[likeliest(&got)], "cat"),
            "motorcycle_left.png" => assert_eq!(labels[likeliest(&got)], "truck"),
            _ => {}
        }
    }
}

/// All 32 bits of the weights: what comes with the program has 16.
#[test]
fn faces_of_the_whole_file_are_those_of_pytorch() {
    let Some(weights) = converted("dcgan-faces") else { return };
    let golden = golden().faces;
    let sampler = Sampler::new(FACES, "converted", &weights).unwrap();
    let built_in = registry::find(FACES).unwrap().built_in().unwrap().unwrap();
    let short = Sampler::new(FACES, "built-in", &built_in).unwrap();
    let latents: Vec<f32> = even("latent", 800).map(|v| (1.7 * v) as f32).collect();
    let draw = |sampler: &Sampler| -> Vec<f32> {
        latents.chunks(100).flat_map(|latent| sampler.planes(latent).unwrap()).collect()
    };
    let (whole, short) = (draw(&sampler), draw(&short));
    let some: Vec<f32> = whole.iter().copied().step_by(golden.every).collect();
    let off = worst(&some, &golden.colours);
    let of_bytes = worst(&whole, &short) * 127.5;
    eprintln!("{off:e} off; 16-bit weights differ by at most {of_bytes} of 255");
    assert!(off < 1e-4 && of_bytes < 2.0, "{off}, {of_bytes}");
}
