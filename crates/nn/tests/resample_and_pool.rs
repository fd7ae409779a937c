//! Resampling and pooling against the reference, their gradients, and layers around them.
#![allow(clippy::unwrap_used)]

mod support;

use burn::tensor::{Device, Int, Tensor, TensorData};
use support::{assert_close, read, tensor, values};
use upconv_geometry::{ConvPadding, Padding, PoolRounding};
use upconv_kernels::reference::max_pool::{self, IndexMeaning};
use upconv_kernels::reference::resize::{ResizeAxis, resize};
use upconv_kernels::reference::resize_coordinates::Coordinates;
use upconv_kernels::reference::resize_method::{Filter, Method, NearestF32};
use upconv_nn::layers::{MaxPool2dConfig, MaxUnpool2dConfig, PixelShuffleConfig};
use upconv_nn::ops::{PoolWindow, Resample, max_pool, max_unpool, resample};

fn method(how: Resample) -> Method {
    let linear = |coordinates| Method::Linear(Filter::plain(coordinates));
    match how {
        Resample::Nearest => Method::NearestF32(NearestF32::Scaled),
        Resample::NearestExact => Method::NearestF32(NearestF32::Centred),
        Resample::LinearHalfPixel => linear(Coordinates::HalfPixel),
        Resample::LinearAlignCorners => linear(Coordinates::AlignCorners),
        Resample::LinearAsymmetric => linear(Coordinates::Asymmetric),
    }
}

const ALL: [Resample; 5] = [
    Resample::Nearest,
    Resample::NearestExact,
    Resample::LinearHalfPixel,
    Resample::LinearAlignCorners,
    Resample::LinearAsymmetric,
];

/// Values against the reference, and the gradient by `<A x, dy> = <x, A' dy>`.
fn resample_case<const D: usize>(input: &[usize], output: &[usize], how: Resample) {
    let device = Device::flex().autodiff();
    let shape: Vec<usize> = [2, 3].iter().chain(input).copied().collect();
    let x = values(1, shape.iter().product());
    let axes: Vec<_> = [ResizeAxis::Keep; 2]
        .into_iter()
        .chain(output.iter().map(|&size| ResizeAxis::Size(size)))
        .collect();
    let wanted = resize(&method(how), &shape, &axes, &x).unwrap();
    let given = tensor::<D>(&x, &shape, &device).require_grad();
    let y = resample(given.clone(), output, how).unwrap();
    let what = format!("{how:?} {input:?} -> {output:?}");
    assert_close(&what, &read(y.clone().inner()), &wanted, 1e-6);
    let dy = values(2, wanted.len());
    let grads = (y.clone() * tensor(&dy, &y.dims(), &device)).sum().backward();
    let dx = read(given.grad(&grads).unwrap());
    let dot = |a: &[f32], b: &[f64]| a.iter().zip(b).map(|(&a, b)| f64::from(a) * b).sum::<f64>();
    let x: Vec<f64> = x.into_iter().map(f64::from).collect();
    let (left, right) = (dot(&dy, &wanted), dot(&dx, &x));
    assert!((left - right).abs() < 1e-4, "{what}: <A x, dy> = {left}, <x, A' dy> = {right}");
}

#[test]
fn every_convention_matches_the_reference() {
    for how in ALL {
        resample_case::<3>(&[5], &[10], how);
        resample_case::<3>(&[5], &[3], how);
        resample_case::<4>(&[3, 4], &[6, 8], how);
        resample_case::<4>(&[3, 4], &[7, 4], how);
        resample_case::<4>(&[1, 5], &[4, 2], how);
        resample_case::<5>(&[2, 3, 2], &[4, 5, 6], how);
    }
}

#[test]
fn an_infinite_neighbour_with_weight_zero_stays_out() {
    let device = Device::flex();
    let x = Tensor::<3>::from_floats([[[1.0, f32::INFINITY]]], &device);
    let y = read(resample(x, &[4], Resample::LinearHalfPixel).unwrap());
    assert_eq!(y, [1.0, f32::INFINITY, f32::INFINITY, f32::INFINITY]);
}

#[test]
fn wrong_sizes_are_errors() {
    let x = || Tensor::<4>::zeros([1, 1, 2, 2], &Device::flex());
    for output in [&[4][..], &[0, 4], &[1 << 40, 4], &[4, 4, 4]] {
        assert!(resample(x(), output, Resample::Nearest).is_err(), "{output:?}");
    }
}

fn window(kernel: &[usize], stride: &[usize], padding: ConvPadding) -> PoolWindow {
    PoolWindow {
        kernel: kernel.to_vec(),
        stride: stride.to_vec(),
        dilation: vec![1; kernel.len()],
        padding: vec![padding; kernel.len()],
        rounding: PoolRounding::Floor,
    }
}

fn pool_case<const D: usize>(input: &[usize], pool: &PoolWindow) {
    let device = Device::flex().autodiff();
    let shape: Vec<usize> = [2, 3].iter().chain(input).copied().collect();
    // Few different values, so that there are ties.
    let x: Vec<f32> = values(1, shape.iter().product()).iter().map(|v| (v * 4.0).round()).collect();
    let wanted = max_pool::max_pool(pool, &shape, &x, IndexMeaning::Plane).unwrap();
    let given = tensor::<D>(&x, &shape, &device).require_grad();
    let (y, places) = max_pool(given.clone(), pool).unwrap();
    let what = format!("{pool:?} on {input:?}");
    assert_eq!(y.dims(), *wanted.shape, "{what}");
    let values_got: Vec<f64> = read(y.clone().inner()).into_iter().map(f64::from).collect();
    assert_eq!(values_got, wanted.values, "{what}");
    let places: Vec<i64> = places.into_data().iter::<i64>().collect();
    assert_eq!(places, wanted.indices, "{what}");
    // Each gradient goes to the one cell that was taken.
    let dy = values(2, places.len());
    let grads = (y.clone() * tensor(&dy, &y.dims(), &device)).sum().backward();
    let (cells, pooled): (usize, usize) =
        (input.iter().product(), wanted.shape[2..].iter().product());
    let mut dx = vec![0.0f64; x.len()];
    for (at, (&place, &dy)) in places.iter().zip(&dy).enumerate() {
        if place >= 0 {
            dx[at / pooled * cells + place as usize] += f64::from(dy);
        }
    }
    assert_close(&what, &read(given.grad(&grads).unwrap()), &dx, 1e-6);
}

#[test]
fn pooling_matches_the_reference() {
    pool_case::<3>(&[7], &window(&[3], &[2], ConvPadding::SameUpper));
    pool_case::<4>(&[4, 6], &window(&[2, 2], &[2, 2], ConvPadding::Valid));
    pool_case::<4>(&[5, 6], &window(&[3, 3], &[2, 1], ConvPadding::Pads { before: 1, after: 1 }));
    pool_case::<4>(&[5, 6], &window(&[3, 2], &[2, 2], ConvPadding::SameLower));
    pool_case::<5>(&[3, 4, 5], &window(&[2, 2, 3], &[1, 2, 2], ConvPadding::SameUpper));
    let dilated =
        PoolWindow { dilation: vec![2, 1], ..window(&[2, 2], &[1, 2], ConvPadding::Valid) };
    pool_case::<4>(&[5, 4], &dilated);
    for rounding in [PoolRounding::CeilCaffe, PoolRounding::CeilTorch] {
        let pool = PoolWindow { rounding, ..window(&[1, 2], &[3, 2], ConvPadding::Valid) };
        // Caffe's last window on the first axis meets no cell at all.
        pool_case::<4>(&[5, 5], &pool);
    }
}

#[test]
fn a_nan_wins() {
    let x = Tensor::<3>::from_floats([[[1.0, f32::NAN, 3.0]]], &Device::flex());
    let (y, places) = max_pool(x, &window(&[3], &[3], ConvPadding::Valid)).unwrap();
    assert!(read(y)[0].is_nan());
    assert_eq!(places.into_data().iter::<i64>().collect::<Vec<_>>(), [1]);
}

#[test]
fn unpooling_brings_maxima_back() {
    let device = Device::flex().autodiff();
    let shape = [2, 3, 5, 7];
    let x = tensor::<4>(&values(1, 210), &shape, &device);
    let pool = MaxPool2dConfig::new([2, 2]).init();
    assert_eq!(pool.output_size(&[5, 7]).unwrap(), [2, 3]);
    let (y, places) = pool.forward_with_indices(x.clone());
    let y = y.inner().set_require_grad(false);
    let y = tensor::<4>(&read(y), &[2, 3, 2, 3], &device).require_grad();
    let unpool = MaxUnpool2dConfig::new([2, 2]).init();
    let back = unpool.try_forward(y.clone(), places.clone(), Some(&[5, 7])).unwrap();
    // Cells are what they were, or zero; pooled again they are the same.
    for (was, is) in read(x.inner()).into_iter().zip(read(back.clone().inner())) {
        assert!(is == 0.0 || is == was);
    }
    let grads = (back.clone() * back.clone()).sum().backward();
    // d/dy of the sum of squares of single cells.
    let twice: Vec<f64> = read(y.clone().inner()).iter().map(|&v| 2.0 * f64::from(v)).collect();
    assert_close("gradient", &read(y.grad(&grads).unwrap()), &twice, 1e-6);
    assert!(unpool.output_size(&[2, 3], Some(&[7, 7])).is_err());
    let far = Tensor::<4, Int>::from_data(
        TensorData::new(vec![35i64; 36], [2, 3, 2, 3]),
        &Device::flex(),
    );
    let refused = max_unpool(y.inner(), far, &[5, 7]).unwrap_err().to_string();
    assert_eq!(refused, "index 35 at position 0 lies outside the output, which has 35 cells");
}

#[test]
fn same_padding_pools_as_tensorflow() {
    let pool = MaxPool2dConfig::new([3, 3]).with_stride([2, 2]).with_padding(Padding::Same).init();
    assert_eq!(pool.output_size(&[5, 6]).unwrap(), [3, 3]);
    // An even size is padded behind only: the first window begins at cell 0.
    let x = Tensor::<4>::from_floats([[[[3.0, 0.0, 1.0, 5.0, 0.0, 2.0]]]], &Device::flex());
    assert_eq!(read(pool.forward(x)), [3.0, 5.0, 2.0]);
}

#[test]
fn pixel_shuffle_follows_both_orders() {
    use upconv_kernels::reference::pixel_shuffle::{BlockShuffle, ChannelAxis};
    use upconv_nn::layers::DepthOrder;
    let device = Device::flex();
    let shape = [2, 12, 3, 2];
    let x: Vec<f32> = (0..144).map(|v| v as f32).collect();
    for order in [DepthOrder::Crd, DepthOrder::Dcr] {
        let layer = PixelShuffleConfig::new(2).with_order(order).init();
        let reference = BlockShuffle { factor: 2, order, channel_axis: ChannelAxis::First };
        let wanted = reference.depth_to_space(&shape, &x).unwrap();
        assert_eq!(read(layer.forward(tensor(&x, &shape, &device))), wanted, "{order:?}");
    }
    let refused = PixelShuffleConfig::new(5).init().output_shape(&shape).unwrap_err().to_string();
    assert!(refused.contains("multiple of 25"), "{refused}");
}
