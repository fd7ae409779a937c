//! Random problems, and comparison with the reference.

#![allow(dead_code)] // Each test binary uses a part.

use proptest::prelude::*;
use upconv_geometry::{
    Axis, AxisParams, Channels, ConvAxis, ConvAxisParams, ConvPadding, ConvShape,
    ConvTransposeShape,
};

/// A window that may be cropped, go beyond the result at either end, or miss it.
fn axis(size: usize, kernel: usize, index: usize) -> impl Strategy<Value = Axis> {
    (1..=size, 1..=kernel, 1..=4usize, 1..=3usize).prop_flat_map(
        move |(input, kernel, stride, dilation)| {
            let full = (input - 1) * stride + (kernel - 1) * dilation + 1;
            (-2..=3i64, 1..=full + 3).prop_map(move |(window_begin, output)| {
                let params = AxisParams { input, kernel, stride, dilation, window_begin, output };
                Axis::new(index, params).unwrap()
            })
        },
    )
}

/// Channels per group around tile sizes and beyond, few enough for the slow reference.
fn channels() -> impl Strategy<Value = Channels> {
    let groups = prop_oneof![4 => Just(1usize), 1 => 2..=3usize];
    let few = 1..=9usize;
    let batch = prop_oneof![1 => Just(0usize), 4 => 1..=3usize];
    (batch, groups, few.clone(), few).prop_map(|(batch, groups, i, o)| Channels {
        batch,
        in_channels: i * groups,
        out_channels: o * groups,
        groups,
    })
}

/// 1 to 3 axes of a transposed convolution.
pub(crate) fn conv_transpose_axes() -> impl Strategy<Value = Vec<Axis>> {
    prop_oneof![
        axis(40, 9, 0).prop_map(|a| vec![a]),
        (axis(7, 4, 0), axis(9, 5, 1)).prop_map(|(a, b)| vec![a, b]),
        (axis(3, 3, 0), axis(4, 3, 1), axis(4, 2, 2)).prop_map(|(a, b, c)| vec![a, b, c]),
    ]
}

pub(crate) fn conv_transpose_shape() -> impl Strategy<Value = ConvTransposeShape> {
    (channels(), conv_transpose_axes())
        .prop_map(|(channels, axes)| ConvTransposeShape::new(channels, axes).unwrap())
}

fn conv_axis(size: usize, kernel: usize, index: usize) -> impl Strategy<Value = ConvAxis> {
    (1..=size, 1..=kernel, 1..=3usize, 1..=3usize, 0..=4i64, 0..=4i64).prop_filter_map(
        "the padded input must hold the kernel",
        move |(input, kernel, stride, dilation, before, after)| {
            let padding = ConvPadding::Pads { before, after };
            ConvAxis::new(index, ConvAxisParams { input, kernel, stride, dilation, padding }).ok()
        },
    )
}

/// 1 to 3 axes of a convolution.
pub(crate) fn conv_axes() -> impl Strategy<Value = Vec<ConvAxis>> {
    prop_oneof![
        conv_axis(40, 9, 0).prop_map(|a| vec![a]),
        (conv_axis(9, 4, 0), conv_axis(11, 5, 1)).prop_map(|(a, b)| vec![a, b]),
        (conv_axis(4, 3, 0), conv_axis(5, 3, 1), conv_axis(5, 2, 2))
            .prop_map(|(a, b, c)| vec![a, b, c]),
    ]
}

pub(crate) fn conv_shape() -> impl Strategy<Value = ConvShape> {
    (channels(), conv_axes()).prop_map(|(channels, axes)| ConvShape::new(channels, axes).unwrap())
}

pub(crate) fn cells(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Integers of -4 to 4: sums of a few thousand products are exact in f32, so that any difference is a
/// fault and not rounding.
pub(crate) fn integers(n: usize, seed: u64) -> Vec<f32> {
    uniform(n, seed).iter().map(|v| (v * 4.5).round()).collect()
}

/// Uniform values in [-1, 1) from splitmix64 (Steele, Lea, Flood 2014).
pub(crate) fn uniform(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    (0..n).map(|_| (next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0).collect()
}

/// Not a number, where a value must be written over.
pub(crate) fn poison(n: usize) -> Vec<f32> {
    vec![f32::NAN; n]
}

/// Fails unless both are the same numbers.
pub(crate) fn assert_exact(what: &str, got: &[f32], expected: &[f64]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (at, (&g, &e)) in got.iter().zip(expected).enumerate() {
        assert!(f64::from(g) == e, "{what}[{at}]: got {g}, expected {e}");
    }
}

/// Fails where `|got - expected| > 1e-6 * (1 + terms)`, `terms` being the sum of |terms|.
pub(crate) fn assert_close(what: &str, got: &[f32], expected: &[f64], terms: &[f64]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (at, ((&g, &e), &t)) in got.iter().zip(expected).zip(terms).enumerate() {
        let error = (f64::from(g) - e).abs();
        assert!(error <= 1e-6 * (1.0 + t), "{what}[{at}]: got {g}, expected {e}, terms {t}");
    }
}

pub(crate) fn absolute(values: &[f32]) -> Vec<f32> {
    values.iter().map(|v| v.abs()).collect()
}

pub(crate) fn dot(a: &[f64], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| a * f64::from(b)).sum()
}

/// `[n, channels, cells...]` as `[n, cells..., channels]`.
pub(crate) fn to_nhwc<T: Copy>(tensor: &[T], shape: &[usize]) -> Vec<T> {
    let (channels, cells) = (shape[1], shape[2..].iter().product::<usize>());
    let at = |n: usize| {
        let (image, cell, channel) = (n / (cells * channels), n / channels % cells, n % channels);
        tensor[(image * channels + channel) * cells + cell]
    };
    (0..tensor.len()).map(at).collect()
}
