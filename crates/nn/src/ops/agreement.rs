//! Our kernels against the same operations put together from Burn's own: values and gradients.
#![allow(clippy::unwrap_used)]

use burn::tensor::{Device, Tensor, TensorData};
use upconv_geometry::dialect::definition;
use upconv_geometry::{
    Axis, Channels, ConvPadding, ConvShape, ConvTransposeShape, Dialect, Padding, PoolRounding,
};

use super::*;

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
            .map(|(axis, (from, to))| resample::AxisTaps::new(axis, from, to, how).unwrap())
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
        let output = window.output(&input).unwrap();
        let axes: Vec<_> = (0..2)
            .map(|a| max_pool::PoolAxis::new(&window, a, input[a + 2], output[a + 2]))
            .collect();
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
