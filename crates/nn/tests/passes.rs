//! What a pass may do, on Burn's tensors and recorded for the inference form: both give the same.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use burn::tensor::{Device, Tensor, TensorData};
use upconv_geometry::Padding;
use upconv_nn::NnError;
use upconv_nn::inference::{NetworkOptions, Recorder};
use upconv_nn::layers::{
    ConvTranspose2d, ConvTranspose2dConfig, MaxPool2d, MaxPool2dConfig, PixelShuffle,
    PixelShuffleConfig,
};
use upconv_nn::parameters;
use upconv_nn::pass::{Eager, Pass};

struct Net {
    up: ConvTranspose2d,
    pool: MaxPool2d,
    shuffle: PixelShuffle,
}

impl Net {
    fn new() -> Self {
        let up = ConvTranspose2dConfig::new([4, 4], [4, 4])
            .with_stride([2, 2])
            .with_padding(Padding::Same)
            .init(&Device::flex())
            .unwrap();
        let wave = |at: usize| (at as f32 * 0.7).sin();
        let up =
            parameters::set(up, |_, shape| Ok((0..shape.iter().product()).map(wave).collect()));
        Self {
            up: up.unwrap(),
            pool: MaxPool2dConfig::new([2, 2]).with_padding(Padding::Same).init(),
            shuffle: PixelShuffleConfig::new(2).init(),
        }
    }

    /// `[n, 4, 5, 7] -> [n, 1, 8, 11]`
    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value, NnError> {
        let (y, positions) = pass.max_pool_with_positions(&self.pool, x)?;
        let back = pass.max_unpool(&self.pool, &y, &positions, [5, 7])?;
        let y = pass.conv_transpose_to(&self.up, &y, [5, 7])?;
        let y = pass.add(&y, &back)?;
        let y = pass.dropout(0.5, &y)?;
        let y = pass.pixel_shuffle(&self.shuffle, &y)?;
        pass.crop(&y, [1, 2], [8, 11])
    }
}

fn picture(device: &Device) -> Tensor<4> {
    let values: Vec<f32> = (0..2 * 4 * 5 * 7).map(|at| (at as f32 * 1.3).cos()).collect();
    Tensor::from_data(TensorData::new(values, [2, 4, 5, 7]), device)
}

#[test]
fn the_recorder_does_what_burn_does() {
    let (net, x) = (Net::new(), picture(&Device::flex()));
    let expected = net.forward(&mut Eager::default(), &x).unwrap();
    assert_eq!(expected.dims(), [2, 1, 8, 11]);
    let expected = expected.into_data().try_into_vec::<f32>().unwrap();
    let mut recorder = Recorder::new();
    let input = recorder.input(&[2, 4, 5, 7]).unwrap();
    let y = net.forward(&mut recorder, &input).unwrap();
    let network = recorder.compile(&[y], &NetworkOptions::default()).unwrap();
    let mut got = vec![f32::NAN; expected.len()];
    let x = x.into_data().try_into_vec::<f32>().unwrap();
    network.run(&[&x], &mut [&mut got]).unwrap();
    for (got, expected) in got.iter().zip(&expected) {
        assert!((got - expected).abs() < 1e-5, "{got} {expected}");
    }
}

/// `<f(x + t v) - f(x - t v)> / 2t` along a direction, where everything is linear near `x`, and the gradient's product
/// with it.
#[test]
fn gradients_go_through() {
    let net = Net::new();
    let device = Device::flex().autodiff();
    let x = picture(&device).require_grad();
    let loss = |x: Tensor<4>| {
        let y = net.forward(&mut Eager::training(3), &x).unwrap();
        let weights: Vec<f32> =
            (0..y.dims().iter().product()).map(|at: usize| (at % 5) as f32 - 1.5).collect();
        let weights = Tensor::from_data(TensorData::new(weights, y.dims()), &device);
        (y * weights).sum()
    };
    let gradient = x.grad(&loss(x.clone()).backward()).unwrap();
    let direction: Vec<f32> = (0..280).map(|at| (at as f32 * 0.37).sin()).collect();
    let direction = Tensor::<4>::from_data(TensorData::new(direction, [2, 4, 5, 7]), &device);
    let at = |t: f32| loss(x.clone() + direction.clone() * t).into_scalar::<f32>();
    let difference = (at(1e-3) - at(-1e-3)) / 2e-3;
    let product = (gradient * direction.inner()).sum().into_scalar::<f32>();
    assert!((difference - product).abs() < 1e-3 * product.abs().max(1.0), "{difference} {product}");
}

#[test]
fn what_does_not_fit_is_refused_by_all_passes() {
    fn refused<P: Pass>(pass: &mut P, x: &P::Value) -> Vec<String> {
        let net = Net::new();
        let (y, positions) = pass.max_pool_with_positions(&net.pool, x).ok().unwrap();
        [
            pass.crop(x, [0, 3], [5, 5]).err().unwrap(),
            pass.crop(x, [0, 0], [0, 5]).err().unwrap(),
            pass.dropout(1.0, x).err().unwrap(),
            pass.conv_transpose_to(&net.up, &y, [5, 9]).err().unwrap(),
            pass.max_unpool(&net.pool, &y, &positions, [5, 9]).err().unwrap(),
        ]
        .map(|error| error.to_string())
        .to_vec()
    }
    let eager = refused(&mut Eager::default(), &picture(&Device::flex()));
    assert_eq!(eager[0], "axis 1: a crop of 5 cells from 3 on needs 8, but there are 7");
    assert_eq!(eager[2], "dropout rate: 1 must be at least 0 and below 1");
    let mut recorder = Recorder::new();
    let x = recorder.input(&[2, 4, 5, 7]).unwrap();
    let recorded = refused(&mut recorder, &x);
    assert_eq!(recorded[..4], eager[..4]);
}
