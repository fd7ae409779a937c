//! Parameters drawn by their names, as golden/classifiers.py draws them.
#![allow(dead_code, reason = "every test takes what it needs")]

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use serde::Deserialize;
use upconv_models::inference::{self, Model};
use upconv_nn::inference::NetworkOptions;
use upconv_nn::parameters;
use upconv_nn::pass::Eager;

/// What golden/classifiers.py found for one network.
#[derive(Clone, Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) shape: [usize; 4],
    pub(crate) scale: f32,
    pub(crate) scores: Vec<f32>,
    /// Of one network what lies within, too.
    pub(crate) inside: Option<Inside>,
}

/// What lies within a network, and what becomes of its scores.
#[derive(Clone, Deserialize)]
pub(crate) struct Inside {
    /// So many cells of a map lie from one that is stored to the next.
    pub(crate) every: usize,
    pub(crate) maps: [Vec<f32>; 4],
    pub(crate) probabilities: Vec<f32>,
    /// The five likeliest classes of each picture.
    pub(crate) top_5: Vec<Vec<usize>>,
}

pub(crate) fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../golden/classifiers.json")).unwrap()
}

pub(crate) fn case(name: &str) -> Case {
    cases().into_iter().find(|case| case.name == name).unwrap()
}

/// FNV-1a of 64 bits.
fn fnv(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// So many numbers from -1 to 1: SplitMix64 of the name's number and the place.
pub(crate) fn even(name: &str, count: usize) -> impl Iterator<Item = f64> {
    let start = fnv(name);
    (1..=count as u64).map(move |at| {
        let z = start.wrapping_add(at.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let z = z ^ (z >> 31);
        (z >> 40) as f64 / f64::from(1 << 23) - 1.0
    })
}

pub(crate) fn drawn(name: &str, shape: &[usize]) -> Vec<f32> {
    let values = even(name, shape.iter().product());
    let scale = (6.0 / shape[1..].iter().product::<usize>() as f64).sqrt();
    let field = name.rsplit('.').next().unwrap();
    let value = |v: f64| match field {
        "weight" => v * scale,
        "gamma" | "running_var" => 1.0 + 0.3 * v,
        "input" => v,
        _ => 0.1 * v,
    };
    values.map(|v| value(v) as f32).collect()
}

pub(crate) fn seeded<M: Module>(net: M) -> M {
    parameters::set(net, |name, shape| Ok(drawn(name, shape))).unwrap()
}

/// The scores of the training form in evaluation, and of the inference form, of an input from `-scale` to `scale`.
pub(crate) fn scores<M: Model>(net: M, shape: [usize; 4], scale: f32) -> [Vec<f32>; 2] {
    scores_of(&seeded(net), shape, scale)
}

/// As [`scores`], with the parameters that the network has.
pub(crate) fn scores_of<M: Model>(net: &M, shape: [usize; 4], scale: f32) -> [Vec<f32>; 2] {
    let x: Vec<f32> = drawn("input", &shape).into_iter().map(|v| scale * v).collect();
    scores_for(net, &x, shape)
}

/// As [`scores_of`], of an input.
pub(crate) fn scores_for<M: Model>(net: &M, x: &[f32], shape: [usize; 4]) -> [Vec<f32>; 2] {
    let tensor = Tensor::<4>::from_data(TensorData::new(x.to_vec(), shape), &Device::flex());
    let eager = net.forward(&mut Eager::default(), &tensor).unwrap().into_data();
    let eager = eager.try_into_vec::<f32>().unwrap();
    let network = inference::of(net, shape, &NetworkOptions::default()).unwrap();
    let mut fast = vec![f32::NAN; eager.len()];
    network.run(&[x], &mut [&mut fast]).unwrap();
    [eager, fast]
}

/// Largest difference, as a share of the largest value.
pub(crate) fn difference(got: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(got.len(), expected.len());
    let largest = expected.iter().fold(0.0f32, |most, v| most.max(v.abs()));
    let worst = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0f32, f32::max);
    assert!(got.iter().all(|v| v.is_finite()));
    worst / largest
}
