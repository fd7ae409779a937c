//! Generators against PyTorch: narrow ones by golden/generators.json, and the faces that come with the program by
//! golden/pretrained.json.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod seeded;

use burn::tensor::Device;
use seeded::{difference, even, scores};
use serde::Deserialize;
use upconv_models::dcgan::{FACES, Generator, GeneratorConfig, Sampler, latent};
use upconv_models::registry;
use upconv_models::sample::{Draw, sheet};

#[derive(Deserialize)]
struct Case {
    kernel: usize,
    every: usize,
    values: Vec<f32>,
}

#[test]
fn narrow_generators_draw_what_pytorch_draws() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("golden/generators.json")).unwrap();
    assert_eq!(cases.iter().map(|case| case.kernel).collect::<Vec<_>>(), [4, 5]);
    for Case { kernel, every, values } in cases {
        let config = GeneratorConfig { latent: 6, channels: [10, 8, 6, 4], colours: 3, kernel };
        let net = Generator::new(&config, &Device::flex()).unwrap();
        for got in scores(net, [2, 6, 1, 1], 1.7) {
            let got: Vec<f32> = got.into_iter().step_by(every).collect();
            let difference = difference(&got, &values);
            assert!(difference < 1e-5, "kernel {kernel}: {difference}");
        }
    }
}

#[test]
fn settings_that_no_generator_has_are_refused() {
    for kernel in [0, 1, 65] {
        let config = GeneratorConfig { kernel, ..GeneratorConfig::tutorial() };
        let error = Generator::new(&config, &Device::flex()).unwrap_err().to_string();
        assert!(error.contains(&format!("kernel: {kernel}; legal: 2 to 64")), "{error}");
    }
}

#[derive(Deserialize)]
struct Pretrained {
    faces: Faces,
}

#[derive(Deserialize)]
struct Faces {
    every: usize,
    colours: Vec<f32>,
}

fn built_in() -> Sampler {
    let weights = registry::find(FACES).unwrap().built_in().unwrap().unwrap();
    Sampler::new(FACES, "built-in", &weights).unwrap()
}

/// The weights that come with the program have 16 bits: a colour is less than two steps of 255 off.
#[test]
fn the_faces_are_those_of_pytorch() {
    let golden: Pretrained = serde_json::from_str(include_str!("golden/pretrained.json")).unwrap();
    let sampler = built_in();
    let latents: Vec<f32> = even("latent", 800).map(|v| (1.7 * v) as f32).collect();
    let pictures = latents.chunks(100).flat_map(|latent| sampler.planes(latent).unwrap());
    let got: Vec<f32> = pictures.step_by(golden.faces.every).collect();
    assert_eq!(got.len(), golden.faces.colours.len());
    let off = got.iter().zip(&golden.faces.colours).map(|(a, b)| (a - b).abs() * 127.5);
    let worst = off.fold(0.0f32, f32::max);
    eprintln!("16-bit weights: at most {worst} of 255 off");
    assert!(worst < 2.0, "{worst}");
}

/// The count of PyTorch's tutorial: 3,574,784 weights, and 2 for each of 960 normalised channels.
#[test]
fn the_registry_counts_and_verifies() {
    let entry = registry::find(FACES).unwrap();
    assert_eq!(entry.totals().unwrap().parameters, 3_576_704);
    assert!(entry.draws() && !entry.classifies());
    let layers = entry.layers().unwrap();
    assert_eq!(
        (layers.len(), layers[0].shape_out, layers[8].shape_out),
        (9, [512, 4, 4], [3, 64, 64])
    );
    let weights = entry.built_in().unwrap().unwrap();
    let off = entry.verify("built-in", &weights).unwrap().unwrap();
    assert!(off < 1e-3, "{off}");
    let metadata = weights.metadata().unwrap();
    assert_eq!(metadata.licence.as_deref(), Some("MIT"));
    assert!(metadata.attribution.as_deref().unwrap().contains("chien liu"));
    let source = metadata.source.as_ref().unwrap();
    assert!(source.sha256.starts_with("0c3b90b138cfc4e8"), "{}", source.sha256);
    assert_eq!(source.package.as_deref(), Some("PyPI gan-face-generate 1.1.1"));
}

#[test]
fn pictures_depend_on_seed_and_number_alone() {
    let sampler = built_in();
    let six = sheet(&sampler, 3, 6).unwrap();
    // Three columns and two rows, with 2 pixels between and around.
    assert_eq!((six.size.width, six.size.height), (3 * 66 + 2, 2 * 66 + 2));
    assert_eq!(six, sheet(&sampler, 3, 6).unwrap());
    assert_ne!(six, sheet(&sampler, 4, 6).unwrap());
    // The second in the second row is number 4.
    let four = sampler.picture(3, 4).unwrap();
    let row = &six.rgb[3 * ((68 + 5) * 200 + 68)..][..3 * 64];
    assert_eq!(row, &four[3 * 64 * 5..][..3 * 64]);
    // The latent numbers are normal: mean 0 and deviation 1, within four standard errors of 10,000.
    let numbers: Vec<f64> = latent(3, 0, 10_000).into_iter().map(f64::from).collect();
    let mean = numbers.iter().sum::<f64>() / 1e4;
    let square = numbers.iter().map(|v| v * v).sum::<f64>() / 1e4;
    assert!(
        mean.abs() < 0.04 && (square - 1.0).abs() < 4.0 * (2.0f64 / 1e4).sqrt(),
        "{mean}, {square}"
    );
    assert!(sampler.planes(&[0.0; 99]).is_err());
}
