//! Values and gradients of convolution and transposed convolution, through autodiff, against the
//! reference and against central differences of it.
#![allow(clippy::unwrap_used)]

mod support;

use burn::tensor::{Device, Tensor};
use support::{Case, assert_close, by_rank, cases, read, tensor, values};
use upconv_kernels::reference::conv as conv_reference;
use upconv_kernels::reference::conv_transpose as conv_transpose_reference;
use upconv_nn::ops;

/// Input, weight, bias, and the gradient that comes from behind.
struct Numbers {
    x: Vec<f32>,
    w: Vec<f32>,
    bias: Vec<f32>,
    dy: Vec<f32>,
}

impl Numbers {
    fn new(x: &[usize], w: &[usize], y: &[usize]) -> Self {
        let length = |shape: &[usize]| shape.iter().product();
        Self {
            x: values(1, length(x)),
            w: values(2, length(w)),
            bias: values(3, y[1]),
            dy: values(4, length(y)),
        }
    }
}

/// What the operation gives, forwards and backwards, recorded by Burn.
struct Recorded {
    y: Vec<f32>,
    dx: Vec<f32>,
    dw: Vec<f32>,
    db: Vec<f32>,
}

fn record<const D: usize>(
    numbers: &Numbers,
    [x, w, y]: [&[usize]; 3],
    op: impl Fn(Tensor<D>, Tensor<D>, Option<Tensor<1>>) -> Tensor<D>,
) -> Recorded {
    let device = Device::flex().autodiff();
    let x = tensor::<D>(&numbers.x, x, &device).require_grad();
    let w = tensor::<D>(&numbers.w, w, &device).require_grad();
    let bias = tensor::<1>(&numbers.bias, &[numbers.bias.len()], &device).require_grad();
    let out = op(x.clone(), w.clone(), Some(bias.clone()));
    assert_eq!(out.dims(), *y);
    let grads = (out.clone() * tensor(&numbers.dy, y, &device)).sum().backward();
    // The same without recording, without bias, and from tensors in another order of memory.
    let plain = Device::flex();
    let turned = |values: &[f32], shape: [usize; D]| {
        let x = tensor::<D>(values, &shape, &plain);
        let contiguous = x.swap_dims(0, 1);
        // Made contiguous in the turned order, then turned back: the same values, strided.
        (contiguous * 1.0).swap_dims(0, 1)
    };
    let (bare_x, bare_w) = (turned(&numbers.x, x.dims()), turned(&numbers.w, w.dims()));
    let bare = read(op(bare_x, bare_w, None));
    let with = read(out.inner());
    let cells: usize = y[2..].iter().product();
    for (at, (bare, with)) in bare.iter().zip(&with).enumerate() {
        let bias = numbers.bias[at / cells % numbers.bias.len()];
        assert!((bare + bias - with).abs() < 1e-5, "bias at {at}: {bare} + {bias} is not {with}");
    }
    Recorded {
        y: with,
        dx: read(x.grad(&grads).unwrap()),
        dw: read(w.grad(&grads).unwrap()),
        db: read(bias.grad(&grads).unwrap()),
    }
}

/// The derivative of `sum(dy * f)` by each entry of `at`, from values of `f` half a step apart.
fn differences(at: &[f64], dy: &[f32], f: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let step = 1e-3;
    let loss = |at: &[f64]| f(at).iter().zip(dy).map(|(y, &dy)| y * f64::from(dy)).sum::<f64>();
    let mut moved = at.to_vec();
    let mut all = Vec::new();
    for entry in 0..at.len() {
        moved[entry] = at[entry] + step;
        let above = loss(&moved);
        moved[entry] = at[entry] - step;
        all.push((above - loss(&moved)) / (2.0 * step));
        moved[entry] = at[entry];
    }
    all
}

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

fn conv_case<const D: usize>(case: &Case) {
    let shape = case.conv();
    let shapes = [&shape.x()[..], &shape.weight(), &shape.y()];
    let numbers = Numbers::new(shapes[0], shapes[1], shapes[2]);
    let axes = case.axes();
    let got = record::<D>(&numbers, shapes, |x, w, bias| {
        ops::conv(x, w, bias, &axes, case.groups).unwrap()
    });
    let Numbers { x, w, bias, dy } = &numbers;
    let y = conv_reference::conv(&shape, x, w, Some(bias)).unwrap();
    assert_close(&format!("{case:?} y"), &got.y, &y, 1e-5);
    let (x, w, bias) = (doubles(x), doubles(w), doubles(bias));
    let run = |x: &[f64], w: &[f64], bias: &[f64]| {
        conv_reference::conv(&shape, x, w, Some(bias)).unwrap()
    };
    compare(
        case,
        &got,
        [
            differences(&x, dy, |x| run(x, &w, &bias)),
            differences(&w, dy, |w| run(&x, w, &bias)),
            differences(&bias, dy, |bias| run(&x, &w, bias)),
        ],
    );
}

fn conv_transpose_case<const D: usize>(case: &Case) {
    let shape = case.conv_transpose();
    let shapes = [&shape.x()[..], &shape.weight(), &shape.y()];
    let numbers = Numbers::new(shapes[0], shapes[1], shapes[2]);
    let axes = case.transposed_axes();
    let got = record::<D>(&numbers, shapes, |x, w, bias| {
        ops::conv_transpose(x, w, bias, &axes, case.groups).unwrap()
    });
    let Numbers { x, w, bias, dy } = &numbers;
    let y = conv_transpose_reference::conv_transpose(&shape, x, w, Some(bias)).unwrap();
    assert_close(&format!("{case:?} y"), &got.y, &y, 1e-5);
    let (x, w, bias) = (doubles(x), doubles(w), doubles(bias));
    let run = |x: &[f64], w: &[f64], bias: &[f64]| {
        conv_transpose_reference::conv_transpose(&shape, x, w, Some(bias)).unwrap()
    };
    compare(
        case,
        &got,
        [
            differences(&x, dy, |x| run(x, &w, &bias)),
            differences(&w, dy, |w| run(&x, w, &bias)),
            differences(&bias, dy, |bias| run(&x, &w, bias)),
        ],
    );
}

fn compare(case: &Case, got: &Recorded, [dx, dw, db]: [Vec<f64>; 3]) {
    assert_close(&format!("{case:?} dx"), &got.dx, &dx, 2e-5);
    assert_close(&format!("{case:?} dw"), &got.dw, &dw, 2e-5);
    assert_close(&format!("{case:?} db"), &got.db, &db, 2e-5);
}

#[test]
fn conv_and_its_gradients_match_the_reference() {
    for case in cases() {
        by_rank!(conv_case, case);
    }
}

#[test]
fn conv_transpose_and_its_gradients_match_the_reference() {
    for case in cases() {
        by_rank!(conv_transpose_case, case);
    }
}

#[test]
fn constants_get_no_gradient_and_do_not_disturb_others() {
    let device = Device::flex().autodiff();
    let axes = cases()[0].axes();
    // The input of a network is no parameter, and may even lie on the plain device.
    let w = tensor::<3>(&values(2, 18), &[3, 2, 3], &device).require_grad();
    for place in [device.clone(), Device::flex()] {
        let x = tensor::<3>(&values(1, 24), &[2, 2, 6], &place);
        let y = ops::conv(x.clone(), w.clone(), None, &axes, 1).unwrap();
        let grads = y.sum().backward();
        assert!(x.grad(&grads).is_none());
        let sums: f32 = read(w.grad(&grads).unwrap()).iter().sum();
        assert!(sums.abs() > 1e-3);
    }
}

#[test]
fn each_gradient_comes_without_the_others() {
    let device = Device::flex().autodiff();
    let axes = cases()[0].axes();
    let gradients = |asked: [bool; 3]| {
        let x = tensor::<3>(&values(1, 24), &[2, 2, 6], &device).set_require_grad(asked[0]);
        let w = tensor::<3>(&values(2, 18), &[3, 2, 3], &device).set_require_grad(asked[1]);
        let bias = tensor::<1>(&values(3, 3), &[3], &device).set_require_grad(asked[2]);
        let y = ops::conv(x.clone(), w.clone(), Some(bias.clone()), &axes, 1).unwrap();
        let grads = (y.clone() * y).sum().backward();
        [x.grad(&grads).map(read), w.grad(&grads).map(read), bias.grad(&grads).map(read)]
    };
    let all = gradients([true; 3]);
    for one in 0..3 {
        let mut asked = [false; 3];
        asked[one] = true;
        let mut wanted = [None, None, None];
        wanted[one] = all[one].clone();
        assert!(wanted[one].is_some());
        assert_eq!(gradients(asked), wanted);
    }
}

#[test]
fn wrong_arguments_are_errors() {
    let device = Device::flex();
    let axes = cases()[0].axes();
    let (x, w) = (Tensor::<3>::zeros([2, 2, 6], &device), Tensor::<3>::zeros([3, 2, 3], &device));
    let message = |x: &Tensor<3>, w: &Tensor<3>, groups| {
        ops::conv(x.clone(), w.clone(), None, &axes, groups).unwrap_err().to_string()
    };
    let double = x.clone().cast(burn::tensor::DType::F64);
    assert_eq!(message(&double, &w, 1), "x holds F64, but only F32 is supported; cast it first");
    assert!(message(&x, &w, 0).contains("groups 0"));
    assert!(message(&x, &w, 2).contains("does not divide 3 channels"));
    let short = Tensor::<3>::zeros([2, 2, 5], &device);
    assert_eq!(message(&short, &w, 1), "x has shape [2, 2, 5], but [2, 2, 6] is needed");
    let narrow = Tensor::<3>::zeros([3, 1, 3], &device);
    assert_eq!(message(&x, &narrow, 1), "weight has shape [3, 1, 3], but [3, 2, 3] is needed");
    let flat = Tensor::<4>::zeros([2, 2, 6, 1], &device);
    assert!(ops::conv(flat.clone(), flat, None, &axes, 1).is_err());
}

#[test]
fn an_empty_batch_is_fine() {
    let device = Device::flex();
    let x = Tensor::<3>::zeros([0, 2, 6], &device);
    let y = ops::conv(x, Tensor::zeros([3, 2, 3], &device), None, &cases()[0].axes(), 1).unwrap();
    assert_eq!(y.dims(), [0, 3, 2]);
}
