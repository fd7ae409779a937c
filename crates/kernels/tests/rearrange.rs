//! Operations of compiled networks that only move values, against loops over indices.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use proptest::prelude::*;
use support::*;
use upconv_geometry::{ConvPadding, PoolRounding};
use upconv_kernels::inference::{Graph, NetworkOptions, Value};
use upconv_kernels::pool::PoolWindow;
use upconv_kernels::reference::max_pool::{self, IndexMeaning};
use upconv_kernels::reference::pixel_shuffle::{BlockShuffle, ChannelAxis, DepthOrder};
use upconv_kernels::{KernelError, Layout};

fn window(kernel: usize, stride: usize, padding: ConvPadding) -> PoolWindow {
    PoolWindow {
        kernel: vec![kernel; 2],
        stride: vec![stride; 2],
        dilation: vec![1, 1],
        padding: vec![padding; 2],
        rounding: PoolRounding::Floor,
    }
}

/// What the network of one input gives, in either layout inside.
fn run(
    shape: &[usize],
    x: &[f32],
    build: impl Fn(&mut Graph<'_>, Value) -> Vec<Value>,
) -> Vec<Vec<Vec<f32>>> {
    Layout::ALL
        .into_iter()
        .map(|inside| {
            let mut graph = Graph::new();
            let input = graph.input(shape).unwrap();
            let outputs = build(&mut graph, input);
            let options = NetworkOptions { inside, ..Default::default() };
            let network = graph.compile(&outputs, &options).unwrap();
            let sizes: Vec<usize> = network.output_shapes().iter().map(|s| cells(s)).collect();
            let mut got: Vec<Vec<f32>> = sizes.into_iter().map(poison).collect();
            // Twice, as buffers are used again.
            for _ in 0..2 {
                got.iter_mut().for_each(|y| y.fill(f32::NAN));
                let mut slices: Vec<&mut [f32]> = got.iter_mut().map(|y| &mut y[..]).collect();
                network.run(&[x], &mut slices).unwrap();
            }
            got
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn crops_are_those_of_a_loop(
        n in 1usize..3, c in 1usize..5, h in 1usize..9, w in 1usize..40,
        cut in prop::array::uniform4(0.0f64..1.0), seed in any::<u64>(),
    ) {
        let x = integers(n * c * h * w, seed);
        let part = |size: usize, from: f64, to: f64| {
            let begin = (from * size as f64) as usize;
            (begin, 1 + (to * (size - begin) as f64) as usize)
        };
        let ((top, high), (left, wide)) = (part(h, cut[0], cut[1]), part(w, cut[2], cut[3]));
        let mut expected = Vec::new();
        for plane in 0..n * c {
            for row in top..top + high {
                for column in left..left + wide {
                    expected.push(x[(plane * h + row) * w + column]);
                }
            }
        }
        for got in run(&[n, c, h, w], &x, |graph, x| {
            vec![graph.crop(x, &[top, left], &[high, wide]).unwrap()]
        }) {
            prop_assert_eq!(&got[0], &expected);
        }
    }

    #[test]
    fn pixel_shuffle_is_that_of_the_reference(
        n in 1usize..3, c in 1usize..4, h in 1usize..6, w in 1usize..6, factor in 1usize..5,
        dcr in any::<bool>(), seed in any::<u64>(),
    ) {
        let shape = [n, c * factor * factor, h, w];
        let x = integers(cells(&shape), seed);
        let order = if dcr { DepthOrder::Dcr } else { DepthOrder::Crd };
        let shuffle = BlockShuffle { factor, order, channel_axis: ChannelAxis::First };
        let expected = shuffle.depth_to_space(&shape, &x).unwrap();
        for got in run(&shape, &x, |graph, x| {
            vec![graph.pixel_shuffle(x, factor, order).unwrap()]
        }) {
            prop_assert_eq!(&got[0], &expected);
        }
    }

    /// Also with windows that overlap, where two maxima may be one cell, and ties everywhere.
    #[test]
    fn unpooling_puts_maxima_back(
        n in 1usize..3, c in 1usize..5, h in 3usize..12, w in 3usize..12,
        kernel in 2usize..4, stride in 1usize..4, same in any::<bool>(), seed in any::<u64>(),
    ) {
        let shape = [n, c, h, w];
        let x: Vec<f32> = integers(cells(&shape), seed).iter().map(|v| v % 3.0).collect();
        let padding = if same { ConvPadding::SameUpper } else { ConvPadding::Valid };
        let window = window(kernel, stride, padding);
        let pooled = max_pool::max_pool(&window, &shape, &x, IndexMeaning::Plane).unwrap();
        let outputs = pooled.values.len() / (n * c);
        let mut expected = vec![0.0; x.len()];
        for (at, (&value, &position)) in pooled.values.iter().zip(&pooled.indices).enumerate() {
            expected[at / outputs * h * w + position as usize] = value as f32;
        }
        let positions: Vec<f32> = pooled.indices.iter().map(|&at| at as f32).collect();
        for got in run(&shape, &x, |graph, x| {
            let y = graph.max_pool(x, &window).unwrap();
            let positions = graph.max_positions(x, &window).unwrap();
            let back = graph.max_unpool(y, positions, &window, &[h, w]).unwrap();
            vec![positions, back]
        }) {
            prop_assert_eq!(&got[0], &positions);
            prop_assert_eq!(&got[1], &expected);
        }
    }
}

/// Enough values that several threads work.
#[test]
fn large_maps_are_cut_into_parts() {
    let shape = [1, 12, 96, 130];
    let x = integers(cells(&shape), 5);
    let pool = window(2, 2, ConvPadding::Valid);
    let pooled = max_pool::max_pool(&pool, &shape, &x, IndexMeaning::Plane).unwrap();
    let mut back = vec![0.0; x.len()];
    for (at, (&value, &position)) in pooled.values.iter().zip(&pooled.indices).enumerate() {
        back[at / (48 * 65) * (96 * 130) + position as usize] = value as f32;
    }
    let shuffle =
        BlockShuffle { factor: 2, order: DepthOrder::Crd, channel_axis: ChannelAxis::First };
    let wide = shuffle.depth_to_space(&shape, &x).unwrap();
    let cropped = |at: usize| x[(at / 10800 * 96 + at / 120 % 90 + 5) * 130 + at % 120 + 9];
    let crop: Vec<f32> = (0..12 * 90 * 120).map(cropped).collect();
    for got in run(&shape, &x, |graph, x| {
        let y = graph.max_pool(x, &pool).unwrap();
        let positions = graph.max_positions(x, &pool).unwrap();
        vec![
            graph.max_unpool(y, positions, &pool, &[96, 130]).unwrap(),
            graph.pixel_shuffle(x, 2, DepthOrder::Crd).unwrap(),
            graph.crop(x, &[5, 9], &[90, 120]).unwrap(),
        ]
    }) {
        assert!(got[0] == back && got[1] == wide && got[2] == crop);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut graph = Graph::new();
    let x = graph.input(&[1, 2, 4, 5]).unwrap();
    let error = graph.crop(x, &[0, 3], &[4, 3]).unwrap_err();
    assert_eq!(error.to_string(), "axis 1: a crop of 3 cells from 3 on needs 6, but there are 5");
    assert!(graph.crop(x, &[usize::MAX, 0], &[2, 1]).is_err());
    assert!(graph.crop(x, &[0, 0], &[0, 1]).is_err());
    assert!(graph.crop(x, &[0], &[1, 1]).is_err());
    assert!(graph.pixel_shuffle(x, 2, DepthOrder::Crd).is_err());
    let pool = window(2, 2, ConvPadding::Valid);
    let y = graph.max_pool(x, &pool).unwrap();
    let positions = graph.max_positions(x, &pool).unwrap();
    assert!(matches!(
        graph.max_unpool(x, positions, &pool, &[4, 5]),
        Err(KernelError::Shape { tensor: "positions", .. })
    ));
    assert!(matches!(
        graph.max_unpool(y, positions, &pool, &[4, 6]),
        Err(KernelError::Shape { tensor: "x", .. })
    ));
    assert!(graph.max_unpool(y, positions, &pool, &[4]).is_err());
    let large = graph.input(&[1, 1, 4097, 4096]).unwrap();
    assert!(graph.max_positions(large, &pool).is_err());
}
