//! SegNet and U-Net against PyTorch, by golden/decoders.json.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use burn::tensor::{Device, Tensor, TensorData};
use serde::Deserialize;
use upconv_models::inference::Model;
use upconv_models::segnet::{SegNet, SegNetConfig};
use upconv_models::unet::{UNet, UNetConfig};
use upconv_models::upsampling::Upsampling;
use upconv_nn::parameters;
use upconv_nn::pass::Eager;

#[derive(Deserialize)]
struct Golden {
    every: usize,
    segnet: Vec<f32>,
    unet: Vec<f32>,
}

/// The waves of golden/decoders.py, which goes by the order of parameters.
fn scores(net: impl Model, every: usize) -> Vec<f32> {
    let mut number = 0;
    let net = parameters::set(net, |name, shape| {
        let (scale, more) = match shape {
            [_, rest @ ..] if shape.len() == 4 => {
                ((4.0 / rest.iter().product::<usize>() as f64).sqrt(), 0.0)
            }
            _ if name.ends_with("gamma") || name.ends_with("running_var") => (0.5, 1.0),
            _ => (0.1, 0.0),
        };
        let wave = |at: usize| (scale * (0.37 * at as f64 + f64::from(number)).sin() + more) as f32;
        let values = (0..shape.iter().product()).map(wave).collect();
        number += 1;
        Ok(values)
    })
    .unwrap();
    let wave = |at: usize| (0.013 * (at as f64).powf(1.1)).sin() as f32;
    let picture: Vec<f32> = (0..3 * 64 * 32).map(wave).collect();
    let picture = TensorData::new(picture, [1, 3, 64, 32]);
    let picture = Tensor::<4>::from_data(picture, &Device::flex());
    let y = net.forward(&mut Eager::default(), &picture).unwrap();
    y.into_data().try_into_vec::<f32>().unwrap().into_iter().step_by(every).collect()
}

fn close(got: &[f32], expected: &[f32]) {
    assert_eq!(got.len(), expected.len());
    let scale = expected.iter().fold(0.0f32, |most, v| most.max(v.abs()));
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() < 2e-5 * scale, "{got}, not {expected} of {scale}");
    }
}

#[test]
fn scores_are_those_of_pytorch() {
    let golden: Golden = serde_json::from_str(include_str!("golden/decoders.json")).unwrap();
    let config = SegNetConfig { classes: 2, channels: [3, 4, 5, 6, 4], ..Default::default() };
    let net = SegNet::new(&config, &Device::flex()).unwrap();
    close(&scores(net, golden.every), &golden.segnet);
    let config = UNetConfig { base: 3, upsample: Upsampling::Shuffle, ..Default::default() };
    let net = UNet::new(&config, &Device::flex()).unwrap();
    close(&scores(net, golden.every), &golden.unet);
}
