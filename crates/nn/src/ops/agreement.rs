//! Our kernels against the same operations put together from Burn's own: values and gradients.
#![allow(clippy::unwrap_used)]

use burn::tensor::{Device, Tensor, TensorData};
use upconv_geometry::dialect::definition;
use upconv_geometry::{
    Axis, Channels, ConvPadding, ConvShape, ConvTransposeShape, Dialect, Padding, PoolRounding,
};

use super::*;
use upconv_kernels::resize::AxisTaps;

fn numbers<const D: usize>(seed: u32, shape: [usize; D], device: &Device) -> Tensor<D> {
    let length: usize = shape.iter().product();
    let value = |at: u32| ((at * 37 + seed * 11) % 29) as f32 / 14.0 - 1.0;
    let values: Vec<f32> = (0..length as u32).map(value).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn close<const D: usize>(what: &str, ours: Tensor<D>, burns: Tensor<D>) {
    assert_eq!(ours.dims(), burns.dims(), "{what}");
    let values = |t: Tensor<D>| t.into_data().try_to_vec::<f32>().unwrap();
    for (at, (ours, burns)) in values(ours).into_iter().zip(values(burns)).enumerate() {
        let off = (ours - burns).abs();
        assert!(off <= 2e-5 * (1.0 + burns.abs()), "{what}: value {at}: {ours}, Burn {burns}");
    }
}

/// Runs both ways on tensors of the same numbers, and compares the output and all gradients.
fn agree<const D: usize>(
    what: &str,
    [x, w]: [[usize; D]; 2],
    channels: usize,
    ours: impl Fn(Tensor<D>, Tensor<D>, Tensor<1>) -> Tensor<D>,
    burns: impl Fn(Tensor<D>, Tensor<D>, Tensor<1>) -> Tensor<D>,
) {
    let device = Device::flex().autodiff();
    let run = |op: &dyn Fn(Tensor<D>, Tensor<D>, Tensor<1>) -> Tensor<D>| {
        let x = numbers(1, x, &device).require_grad();
        let w = numbers(2, w, &device).require_grad();
        let b = numbers(3, [channels], &device).require_grad();
        let y = op(x.clone(), w.clone(), b.clone());
        let grads = (y.clone() * numbers(4, y.dims(), &device)).sum().backward();
        let y = y.inner();
        // A tensor that was not used has no gradient; a window beside the result uses none.
        let of = |t: &Tensor<D>| t.grad(&grads).unwrap_or_else(|| t.clone().inner().zeros_like());
        (y, of(&x), of(&w), b.grad(&grads).unwrap())
    };
    let (ours, burns) = (run(&ours), run(&burns));
    close(&format!("{what}: y"), ours.0, burns.0);
    close(&format!("{what}: dx"), ours.1, burns.1);
    close(&format!("{what}: dw"), ours.2, burns.2);
    close(&format!("{what}: db"), ours.3, burns.3);
}

fn conv_agrees<const D: usize>(input: &[usize], kernel: &[usize], padding: Padding, groups: usize) {
    let dims = input.len();
    let (stride, dilation) = ([2i64, 1, 2], [1i64, 2, 1]);
    let axes = Dialect::Definition
        .conv_axes(input, kernel, &stride[..dims], &dilation[..dims], &padding)
        .unwrap();
    let channels = Channels { batch: 2, in_channels: 4, out_channels: 6, groups };
    let shape = ConvShape::new(channels, axes.clone()).unwrap();
    let shapes = [shape.x().try_into().unwrap(), shape.weight().try_into().unwrap()];
    agree::<D>(
        &format!("conv {input:?} {kernel:?} {padding:?}"),
        shapes,
        6,
        |x, w, b| conv(x, w, Some(b), &axes, groups).unwrap(),
        |x, w, b| plain::conv(x, w, Some(b), &shape).unwrap(),
    );
}

fn transpose_agrees<const D: usize>(
    input: &[usize],
    kernel: &[usize],
    padding: Padding,
    groups: usize,
) {
    let dims = input.len();
    let op = definition::ConvTranspose {
        stride: [2i64, 1, 2][..dims].to_vec(),
        dilation: [1i64, 2, 1][..dims].to_vec(),
        padding: padding.clone(),
        ..Default::default()
    };
    let what = format!("conv_transpose {input:?} {kernel:?} {padding:?}");
    transpose_axes_agree::<D>(&what, op.axes(input, kernel).unwrap(), groups);
}

fn transpose_axes_agree<const D: usize>(what: &str, axes: Vec<Axis>, groups: usize) {
    let channels = Channels { batch: 2, in_channels: 4, out_channels: 6, groups };
    let shape = ConvTransposeShape::new(channels, axes.clone()).unwrap();
    let shapes = [shape.x().try_into().unwrap(), shape.weight().try_into().unwrap()];
    agree::<D>(
        what,
        shapes,
        6,
        |x, w, b| conv_transpose(x, w, Some(b), &axes, groups).unwrap(),
        |x, w, b| plain::conv_transpose(x, w, Some(b), &shape).unwrap(),
    );
}

/// Otherwise both sides of every comparison would be Burn's.
#[test]
fn our_kernels_run_with_autodiff_and_without() {
    let recorded = Device::flex().autodiff();
    assert!(seam::is_ours([Device::flex(), recorded.clone(), recorded.gradient_checkpointing()]));
}

#[test]
fn conv_agrees_with_burn() {
    for groups in [1, 2] {
        conv_agrees::<3>(&[7], &[3], Padding::Valid, groups);
        conv_agrees::<3>(&[8], &[3], Padding::Same, groups);
        conv_agrees::<4>(&[6, 7], &[3, 2], Padding::Pads(vec![(1, 1), (1, 1)]), groups);
        conv_agrees::<4>(&[6, 7], &[4, 3], Padding::SameLower, groups);
        conv_agrees::<4>(&[6, 7], &[2, 2], Padding::Pads(vec![(-1, 2), (3, -2)]), groups);
        conv_agrees::<5>(&[4, 5, 3], &[2, 2, 3], Padding::Same, groups);
    }
}

#[test]
fn conv_transpose_agrees_with_burn() {
    for groups in [1, 2] {
        transpose_agrees::<3>(&[4], &[3], Padding::Valid, groups);
        transpose_agrees::<3>(&[4], &[3], Padding::Same, groups);
        transpose_agrees::<4>(&[3, 4], &[3, 2], Padding::Pads(vec![(1, 1), (1, 1)]), groups);
        transpose_agrees::<4>(&[3, 4], &[1, 3], Padding::SameLower, groups);
        transpose_agrees::<4>(&[3, 4], &[3, 3], Padding::Pads(vec![(-2, 1), (0, -1)]), groups);
        transpose_agrees::<5>(&[2, 3, 2], &[3, 2, 2], Padding::Same, groups);
    }
}

/// Windows that begin before, end behind, or lie wholly beside the uncropped result.
#[test]
fn any_window_agrees_with_burn() {
    use upconv_geometry::AxisParams;
    for (window_begin, output) in [(-3, 4), (-3, 12), (4, 6), (9, 3), (-5, 2)] {
        let params =
            AxisParams { input: 3, kernel: 3, stride: 2, dilation: 1, window_begin, output };
        let axis = Axis::new(0, params).unwrap();
        transpose_axes_agree::<3>(&format!("{params:?}"), vec![axis], 1);
    }
}

#[test]
fn resampling_and_pooling_agree_with_burn() {
    let device = Device::flex().autodiff();
    let sizes = [Resample::Nearest, Resample::LinearHalfPixel, Resample::LinearAlignCorners];
    for how in sizes {
        let axes: Vec<_> = [(5, 10), (4, 7)]
            .into_iter()
            .enumerate()
            .map(|(axis, (from, to))| AxisTaps::new(axis, from, to, how).unwrap())
            .collect();
        both(
            &format!("{how:?}"),
            numbers(1, [2, 3, 5, 4], &device),
            |x| resample(x, &[10, 7], how).unwrap(),
            |x| plain::resample(x, &axes),
        );
    }
    for padding in [ConvPadding::Valid, ConvPadding::SameUpper, ConvPadding::SameLower] {
        let window = PoolWindow {
            kernel: vec![3, 2],
            stride: vec![2, 2],
            dilation: vec![1, 2],
            padding: vec![padding; 2],
            rounding: PoolRounding::Floor,
        };
        let input = [2, 3, 6, 7];
        let axes = window.axes(&input).unwrap();
        let x = numbers(5, input, &device);
        let (_, ours) = max_pool(x.clone(), &window).unwrap();
        let (_, burns) = plain::max_pool(x.clone(), &axes).unwrap();
        let list =
            |t: Tensor<4, burn::tensor::Int>| t.into_data().iter::<i64>().collect::<Vec<_>>();
        assert_eq!(list(ours.clone()), list(burns), "{padding:?}");
        both(
            &format!("pool {padding:?}"),
            x.clone(),
            |x| max_pool(x, &window).unwrap().0,
            |x| plain::max_pool(x, &axes).unwrap().0,
        );
        // Neighbouring windows do not overlap where stride and reach are equal.
        let window = PoolWindow { kernel: vec![2, 2], dilation: vec![1, 1], ..window };
        let (y, places) = max_pool(x, &window).unwrap();
        both(
            &format!("unpool {padding:?}"),
            y.detach(),
            |y| max_unpool(y, places.clone(), &[6, 7]).unwrap(),
            |y| plain::max_unpool(y, places.clone(), input),
        );
    }
}

#[test]
fn means_agree_with_burn() {
    let device = Device::flex().autodiff();
    let caffe = PoolRounding::CeilCaffe;
    let one = ConvPadding::Pads { before: 1, after: 1 };
    for (padding, rounding) in
        [(ConvPadding::SameUpper, PoolRounding::Floor), (one, caffe), (ConvPadding::Valid, caffe)]
    {
        let window = PoolWindow {
            kernel: vec![3, 2],
            stride: vec![2, 3],
            dilation: vec![1, 2],
            padding: vec![padding; 2],
            rounding,
        };
        for count_padding in [false, true] {
            let x = numbers(5, [2, 3, 6, 8], &device);
            let axes = window.axes(&x.dims()).unwrap();
            both(
                &format!("{window:?} {count_padding}"),
                x,
                |x| average_pool(x, &window, count_padding).unwrap(),
                |x| plain::average_pool(x, &axes, count_padding).unwrap(),
            );
        }
    }
    both(
        "global mean",
        numbers(5, [2, 3, 6, 8], &device),
        |x| global_mean(x).unwrap().unsqueeze(),
        |x| x.mean_dim(3).mean_dim(2).squeeze_dims::<2>(&[2, 3]).unsqueeze(),
    );
}

#[test]
fn activations_agree_with_burn() {
    let device = Device::flex().autodiff();
    let all = [
        Activation::None,
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.2 },
        Activation::LeakyRelu { slope: -0.5 },
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Relu6,
        Activation::HardSwish { scale: 0.125 },
    ];
    for applied in all {
        // Away from the corners, at which there is a choice; over all pieces.
        let x = numbers(5, [2, 3, 6, 8], &device) * 8.0 + 0.01;
        both(
            &format!("{applied:?}"),
            x,
            |x| activation(x, applied).unwrap(),
            |x| plain::activation(x, applied),
        );
        // The sum is nobody else's: the activation works in place.
        both(
            &format!("{applied:?} of a sum"),
            numbers(5, [2, 3, 6, 8], &device) + 0.01,
            |x| activation(x.clone() + x, applied).unwrap(),
            |x| plain::activation(x.clone() + x, applied),
        );
    }
}

#[test]
fn an_activation_in_place_changes_nobody_elses_tensor() {
    let device = Device::flex();
    let x = numbers(1, [2, 3], &device);
    let before = x.clone().into_data();
    let view = x.clone().slice([0..1, 1..3]);
    let _ = activation(x.clone(), Activation::Relu).unwrap();
    let _ = activation(view, Activation::Relu).unwrap();
    assert_eq!(x.into_data(), before);
}

/// Gradients of one tensor come together from two activations: the one that is worked out in place must not be
/// seen by the other.
#[test]
fn gradients_in_place_are_nobody_elses() {
    let device = Device::flex().autodiff();
    both(
        "two of one",
        numbers(5, [2, 3, 6, 8], &device) + 0.01,
        |x| {
            let one = activation(x.clone(), Activation::Relu).unwrap();
            one + activation(x, Activation::Tanh).unwrap()
        },
        |x| burn::tensor::activation::relu(x.clone()) + burn::tensor::activation::tanh(x),
    );
    let norm = |within| Normalisation {
        gamma: Tensor::from_floats([0.5, 1.5, -1.0], &device),
        beta: Tensor::from_floats([0.25, 0.0, 1.0], &device),
        epsilon: 1e-5,
        activation: within,
    };
    both(
        "a norm and an activation of one",
        numbers(5, [2, 3, 6, 8], &device) + 0.01,
        |x| {
            let one = batch_norm_train(x.clone(), &norm(Activation::Relu)).unwrap().output;
            one + activation(x, Activation::Tanh).unwrap()
        },
        |x| {
            let Normalisation { gamma, beta, epsilon, .. } = norm(Activation::None);
            let one = burn::tensor::module::batch_norm_train(x.clone(), gamma, beta, epsilon);
            burn::tensor::activation::relu(one.output) + burn::tensor::activation::tanh(x)
        },
    );
}

#[test]
fn softmax_agrees_with_burn() {
    let device = Device::flex().autodiff();
    let x = || numbers(5, [2, 3, 6, 8], &device) * 6.0;
    let burns = burn::tensor::activation::softmax;
    both("softmax", x(), |x| softmax(x).unwrap(), |x| burns(x, 1));
    let burns = burn::tensor::activation::log_softmax;
    both("log_softmax", x(), |x| log_softmax(x).unwrap(), |x| burns(x, 1));
}

#[test]
fn linear_agrees_with_burn() {
    for (rows, from, to) in [(1, 5, 3), (7, 40, 1), (33, 100, 65)] {
        agree::<2>(
            &format!("linear {rows} {from} {to}"),
            [[rows, from], [to, from]],
            to,
            |x, w, b| linear(x, w, Some(b)).unwrap(),
            |x, w, b| plain::linear(x, w, Some(b)),
        );
    }
    let device = Device::flex();
    let x = numbers(1, [2, 3, 4], &device);
    let y = linear(x.clone(), numbers(2, [5, 4], &device), None).unwrap();
    close("three axes", y, plain::linear(x, numbers(2, [5, 4], &device), None));
    let none = linear(Tensor::<2>::zeros([0, 4], &device), numbers(2, [5, 4], &device), None);
    assert_eq!(none.unwrap().dims(), [0, 5]);
    assert!(
        linear(Tensor::<2>::zeros([2, 3], &device), numbers(2, [5, 4], &device), None).is_err()
    );
}

/// Batch normalisation has three inputs, of which the last two have one axis: they come as sums of w's.
#[test]
fn batch_norm_agrees_with_burn() {
    let applied = [
        Activation::None,
        Activation::LeakyRelu { slope: 0.2 },
        Activation::Tanh,
        Activation::HardSwish { scale: 0.2 },
    ];
    let per_channel = |w: Tensor<4>| w.sum_dim(3).sum_dim(2).sum_dim(0).flatten::<1>(0, 3) + 0.3;
    for applied in applied {
        let what = format!("batch norm {applied:?}");
        let (epsilon, activation) = (1e-3, applied);
        agree::<4>(
            &what,
            [[3, 5, 4, 6], [1, 5, 2, 1]],
            5,
            |x, w, beta| {
                let norm = Normalisation { gamma: per_channel(w), beta, epsilon, activation };
                batch_norm_train(x, &norm).unwrap().output
            },
            |x, w, beta| {
                let mean = x.clone().mean_dim(3).mean_dim(2).mean_dim(0);
                let about = x - mean;
                let variance = (about.clone() * about.clone()).mean_dim(3).mean_dim(2).mean_dim(0);
                let gamma = plain::along_channels::<4>(per_channel(w));
                let z = about / (variance + epsilon).sqrt() * gamma + plain::along_channels(beta);
                plain::activation(z, activation)
            },
        );
    }
    let device = Device::flex();
    let x = numbers(1, [2, 3, 5], &device);
    let one = |seed| numbers(seed, [3], &device);
    let norm =
        Normalisation { gamma: one(2), beta: one(3), epsilon: 1e-3, activation: Activation::Relu };
    let (mean, variance) = (one(4), one(5) + 2.0);
    let ours = batch_norm(x.clone(), &norm, mean.clone(), variance.clone()).unwrap();
    let burns = burn::tensor::module::batch_norm(x, one(2), one(3), mean, variance, 1e-3);
    close("fixed statistics", ours, plain::activation(burns, Activation::Relu));
}

/// The recorded gradient of every tenth value against `(f(x + h) - f(x - h)) / 2h`, for `f` the sum of the output
/// times fixed numbers.
#[test]
fn gradients_equal_central_differences() {
    let device = Device::flex().autodiff();
    let window = PoolWindow {
        kernel: vec![3, 2],
        stride: vec![2, 2],
        dilation: vec![1, 1],
        padding: vec![ConvPadding::SameUpper; 2],
        rounding: PoolRounding::Floor,
    };
    let one = |seed| numbers(seed, [3], &device);
    let norm =
        Normalisation { gamma: one(2), beta: one(3), epsilon: 0.1, activation: Activation::Tanh };
    let operations: [(&str, &dyn Fn(Tensor<4>) -> Tensor<4>); 6] = [
        ("batch norm", &|x| batch_norm_train(x, &norm).unwrap().output),
        ("average pool", &|x| average_pool(x, &window, false).unwrap()),
        ("softmax", &|x| softmax(x).unwrap()),
        ("log softmax", &|x| log_softmax(x).unwrap()),
        ("sigmoid", &|x| activation(x, Activation::Sigmoid).unwrap()),
        ("linear", &|x| linear(x, numbers(6, [4, 6], &device), None).unwrap()),
    ];
    for (what, op) in operations {
        let shape = [2, 3, 4, 6];
        let start = numbers(1, shape, &device).into_data().try_to_vec::<f32>().unwrap();
        let made = |values: &[f32]| {
            Tensor::<4>::from_data(TensorData::new(values.to_vec(), shape), &device)
        };
        let value = |y: Tensor<4>| {
            let factors = numbers(4, y.dims(), &device);
            (y * factors).sum()
        };
        let x = made(&start).require_grad();
        let gradient = x.grad(&value(op(x.clone())).backward()).unwrap();
        let gradient = gradient.into_data().try_to_vec::<f32>().unwrap();
        let step = 1.0 / 64.0;
        for at in (0..start.len()).step_by(10) {
            let moved = |by: f32| {
                let mut values = start.clone();
                values[at] += by;
                f64::from(value(op(made(&values))).into_scalar::<f32>())
            };
            let slope = (moved(step) - moved(-step)) / f64::from(2.0 * step);
            // The third derivatives are below 8; the sums have errors of 1e-5, divided by the step.
            let off = (f64::from(gradient[at]) - slope).abs();
            assert!(off < 3e-3, "{what}: value {at}: {}, not {slope}", gradient[at]);
        }
    }
}

fn both(
    what: &str,
    x: Tensor<4>,
    ours: impl Fn(Tensor<4>) -> Tensor<4>,
    burns: impl Fn(Tensor<4>) -> Tensor<4>,
) {
    let device = x.device();
    let values = x.into_data();
    let run = |op: &dyn Fn(Tensor<4>) -> Tensor<4>| {
        let x = Tensor::<4>::from_data(values.clone(), &device).require_grad();
        let y = op(x.clone());
        let grads = (y.clone() * numbers(4, y.dims(), &device)).sum().backward();
        (y.inner(), x.grad(&grads).unwrap())
    };
    let (ours, burns) = (run(&ours), run(&burns));
    close(&format!("{what}: y"), ours.0, burns.0);
    close(&format!("{what}: dx"), ours.1, burns.1);
}
