//! The operations on a WebGPU device against the same on the CPU. Needs a device, or Mesa's software
//! Vulkan: `cargo xtask test --with-gpu`.
#![allow(clippy::unwrap_used)]

mod support;

use burn::tensor::{Device, DeviceKind, Tensor};
use support::{Case, assert_close, by_rank, cases, read, tensor, values};
use upconv_geometry::{ConvPadding, PoolRounding};
use upconv_nn::ops::{self, PoolWindow, Resample};

/// Runs `op` on both devices on the same numbers, and compares output and gradients.
fn same<const D: usize>(
    what: &str,
    shapes: &[Vec<usize>],
    op: impl Fn(&[Tensor<D>], Tensor<1>) -> Tensor<D>,
    channels: usize,
) {
    let run = |device: Device| {
        let device = device.autodiff();
        let given: Vec<Tensor<D>> = shapes
            .iter()
            .zip(1..)
            .map(|(shape, seed)| {
                tensor(&values(seed, shape.iter().product()), shape, &device).require_grad()
            })
            .collect();
        let bias = tensor::<1>(&values(9, channels), &[channels], &device);
        let y = op(&given, bias);
        let dy = values(7, y.dims().iter().product());
        let grads = (y.clone() * tensor(&dy, &y.dims(), &device)).sum().backward();
        let mut all = vec![read(y.inner())];
        all.extend(given.iter().map(|t| read(t.grad(&grads).unwrap())));
        all
    };
    let gpu = run(Device::wgpu(DeviceKind::DefaultDevice));
    for (number, (gpu, cpu)) in gpu.iter().zip(run(Device::flex())).enumerate() {
        let cpu: Vec<f64> = cpu.into_iter().map(f64::from).collect();
        assert_close(&format!("{what}, tensor {number}"), gpu, &cpu, 1e-4);
    }
}

fn conv_case<const D: usize>(case: &Case) {
    let shape = case.conv();
    let run = |t: &[Tensor<D>], bias| {
        ops::conv(t[0].clone(), t[1].clone(), Some(bias), &case.axes(), case.groups).unwrap()
    };
    let [_, out] = case.channels;
    same(&format!("conv {case:?}"), &[shape.x(), shape.weight()], run, out);
    let shape = case.conv_transpose();
    let axes = case.transposed_axes();
    let run = |t: &[Tensor<D>], bias| {
        ops::conv_transpose(t[0].clone(), t[1].clone(), Some(bias), &axes, case.groups).unwrap()
    };
    same(&format!("conv_transpose {case:?}"), &[shape.x(), shape.weight()], run, out);
}

#[test]
#[ignore = "needs a Vulkan device"]
fn convolutions_agree() {
    for case in cases() {
        by_rank!(conv_case, case);
    }
}

#[test]
#[ignore = "needs a Vulkan device"]
fn resampling_and_pooling_agree() {
    let shape = [vec![2, 3, 5, 6]];
    for how in [Resample::Nearest, Resample::LinearHalfPixel, Resample::LinearAlignCorners] {
        let run = |t: &[Tensor<4>], _| ops::resample(t[0].clone(), &[10, 9], how).unwrap();
        same(&format!("{how:?}"), &shape, run, 1);
    }
    let window = PoolWindow {
        kernel: vec![3, 2],
        stride: vec![3, 2],
        dilation: vec![1, 1],
        padding: vec![ConvPadding::SameUpper; 2],
        rounding: PoolRounding::Floor,
    };
    let there_and_back = |t: &[Tensor<4>], _| {
        let (y, places) = ops::max_pool(t[0].clone(), &window).unwrap();
        ops::max_unpool(y, places, &[5, 6]).unwrap()
    };
    same("pool and unpool", &shape, there_and_back, 1);
}
