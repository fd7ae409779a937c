//! FCNs against TensorFlow and against Caffe's rules, by golden/fcn.json; and their gradients.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use serde::Deserialize;
use upconv_models::fcn::{self, Crop, Fcn, FcnConfig, Form, Trunk};
use upconv_models::inference::Model;
use upconv_models::initial::draw;
use upconv_nn::ops::log_softmax;
use upconv_nn::parameters;
use upconv_nn::pass::Eager;

#[derive(Deserialize)]
struct Golden {
    every: usize,
    cases: Vec<Case>,
    gradients: Vec<Gradient>,
}

#[derive(Deserialize)]
struct Gradient {
    name: String,
    norm: f64,
    along: f64,
}

#[derive(Deserialize)]
struct Case {
    form: String,
    finest: usize,
    size: [usize; 2],
    values: Vec<f32>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/fcn.json")).unwrap()
}

/// The waves of golden/fcn.py.
fn waves(config: &FcnConfig, device: &Device) -> Fcn {
    let net = Fcn::new(config, device).unwrap();
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

fn picture([h, w]: [usize; 2], device: &Device) -> Tensor<4> {
    let wave = |at: usize| (0.013 * (at as f64).powf(1.1)).sin() as f32;
    let values: Vec<f32> = (0..3 * h * w).map(wave).collect();
    Tensor::from_data(TensorData::new(values, [1, 3, h, w]), device)
}

fn config(finest: usize, form: Form) -> FcnConfig {
    let trunk = Trunk::Vgg { channels: [3, 4, 5, 6, 4], head: Some(7) };
    FcnConfig { trunk, finest, form, ..FcnConfig::kittiseg() }
}

#[test]
fn scores_are_those_of_tensorflow_and_caffe() {
    let golden = golden();
    assert_eq!(golden.cases.len(), 8);
    for Case { form, finest, size, values } in golden.cases {
        let caffe = form == "caffe";
        let form = if caffe { Form::Caffe } else { Form::Same { crop: Crop::Centred } };
        let net = waves(&config(finest, form), &Device::flex());
        let y = net.forward(&mut Eager::default(), &picture(size, &Device::flex())).unwrap();
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

struct Collect<'g> {
    gradients: &'g Gradients,
    found: HashMap<ParamId, Vec<f32>>,
}

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad(self.gradients).unwrap();
        self.found.insert(param.id, gradient.into_data().try_into_vec::<f32>().unwrap());
    }
}

#[test]
fn gradients_are_those_of_pytorch() {
    let device = Device::flex().autodiff();
    // PyTorch dropped nothing.
    let config = config(8, Form::Same { crop: Crop::Centred });
    let net = waves(&FcnConfig { dropout: 0.0, ..config }, &device);
    let y = net.forward(&mut Eager::training(1), &picture([96, 64], &device)).unwrap();
    let y = y.flatten::<1>(0, 3);
    let factors: Vec<f32> = (0..y.dims()[0]).map(|at| (1.1 * at as f64).sin() as f32).collect();
    let loss = (y * Tensor::from_floats(&factors[..], &device)).sum();
    let gradients = loss.backward();
    let mut collect = Collect { gradients: &gradients, found: HashMap::new() };
    net.visit(&mut collect);
    let names = parameters::identities(&net);
    let golden = golden().gradients;
    assert_eq!(golden.len(), names.len());
    for (Gradient { name, norm, along }, (id, own)) in golden.into_iter().zip(names) {
        assert_eq!(name, own);
        let got = &collect.found[&id];
        let wide = || got.iter().map(|&g| f64::from(g));
        let own_norm = wide().map(|g| g * g).sum::<f64>().sqrt();
        let own_along: f64 = wide().enumerate().map(|(at, g)| g * (0.7 * at as f64).sin()).sum();
        assert!((own_norm - norm).abs() < 1e-3 * norm, "{name}: {own_norm}, not {norm}");
        assert!((own_along - along).abs() < 1e-3 * norm, "{name}: {own_along}, not {along}");
    }
}

/// Left half one class, right half the other, told by their colours: a small network of random weights learns it.
#[test]
fn a_loss_falls_on_one_picture() {
    let device = Device::flex().autodiff();
    let config = FcnConfig::small().with_width(0.25);
    let mut net = draw(Fcn::new(&config, &device).unwrap(), 1, fcn::initial).unwrap();
    let values = |at: usize| if at % 48 < 24 { 100.0 } else { -100.0 } + (at % 7) as f32;
    let x: Vec<f32> = (0..3 * 40 * 48).map(values).collect();
    let x = Tensor::<4>::from_data(TensorData::new(x, [1, 3, 40, 48]), &device);
    let labels: Vec<i32> = (0..40 * 48).map(|at| i32::from(at % 48 >= 24)).collect();
    let labels = Tensor::<1, Int>::from_ints(&labels[..], &device).reshape([1, 1, 40, 48]);
    let loss = |net: &Fcn, mut pass: Eager| {
        let scores = net.forward(&mut pass, &x).unwrap();
        log_softmax(scores).unwrap().gather(1, labels.clone()).mean().neg()
    };
    let value = |net: &Fcn| loss(net, Eager::default()).into_scalar::<f32>();
    let before = value(&net);
    let mut optimiser = AdamConfig::new().init();
    for step in 0..40 {
        let gradients = loss(&net, Eager::training(step)).backward();
        let gradients = GradientsParams::from_grads(gradients, &net);
        net = optimiser.step(1e-3, net, gradients);
    }
    let after = value(&net);
    assert!(after < 0.1 * before, "{before} {after}");
}
