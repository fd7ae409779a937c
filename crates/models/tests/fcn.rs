//! FCNs against TensorFlow and against Caffe's rules, by golden/fcn.json; and their gradients.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use burn::tensor::{Device, Tensor, TensorData};
use serde::Deserialize;
use upconv_models::fcn::{Crop, Fcn, FcnConfig, Form, Trunk};
use upconv_models::inference::Model;
use upconv_nn::parameters;
use upconv_nn::pass::Eager;

#[derive(Deserialize)]
struct Golden {
    every: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    form: String,
    finest: usize,
    size: [usize; 2],
    values: Vec<f32>,
}

/// The waves of golden/fcn.py.
fn waves(config: &FcnConfig) -> Fcn {
    let net = Fcn::new(config, &Device::flex()).unwrap();
    let mut number = 0;
    let values = |_: &str, shape: &[usize]| {
        let scale = match shape {
            [_, rest @ ..] if shape.len() == 4 => {
                (4.0 / rest.iter().product::<usize>() as f64).sqrt()
            }
            _ => 0.1,
        };
        let wave = |at: usize| (scale * (0.37 * at as f64 + f64::from(number)).sin()) as f32;
        let values = (0..shape.iter().product()).map(wave).collect();
        number += 1;
        Ok(values)
    };
    parameters::set(net, values).unwrap()
}

fn picture([h, w]: [usize; 2]) -> Tensor<4> {
    let wave = |at: usize| (0.013 * (at as f64).powf(1.1)).sin() as f32;
    let values: Vec<f32> = (0..3 * h * w).map(wave).collect();
    Tensor::from_data(TensorData::new(values, [1, 3, h, w]), &Device::flex())
}

fn config(finest: usize, form: Form) -> FcnConfig {
    let trunk = Trunk::Vgg { channels: [3, 4, 5, 6, 4], head: Some(7) };
    FcnConfig { trunk, finest, form, ..FcnConfig::kittiseg() }
}

#[test]
fn scores_are_those_of_tensorflow_and_caffe() {
    let golden: Golden = serde_json::from_str(include_str!("golden/fcn.json")).unwrap();
    assert_eq!(golden.cases.len(), 8);
    for Case { form, finest, size, values } in golden.cases {
        let caffe = form == "caffe";
        let form = if caffe { Form::Caffe } else { Form::Same { crop: Crop::Centred } };
        let net = waves(&config(finest, form));
        let y = net.forward(&mut Eager::default(), &picture(size)).unwrap();
        let y = y.into_data().try_into_vec::<f32>().unwrap();
        let got: Vec<f32> = y.into_iter().step_by(golden.every).collect();
        assert_eq!(got.len(), values.len());
        let scale = values.iter().fold(0.0f32, |most, v| most.max(v.abs()));
        for (got, expected) in got.iter().zip(&values) {
            assert!(
                (got - expected).abs() < 1e-5 * scale,
                "{form:?} {finest} {size:?}: {got}, not {expected} of {scale}"
            );
        }
    }
}
