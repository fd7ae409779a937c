//! The workspace of small layers of many sizes: its bound, and that no number of threads changes the result.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use proptest::prelude::*;
use proptest::sample::select;
use rayon::{ThreadPool, ThreadPoolBuilder};
use support::{cells, conv_axes, conv_transpose_axes, poison, uniform};
use upconv_geometry::{Channels, ConvShape, ConvTransposeShape};
use upconv_kernels::{Algorithm, ConvPlan, ConvTransposePlan, Gradients, Layout, PlanOptions};

const CHANNELS: [usize; 10] = [1, 2, 3, 8, 16, 21, 32, 64, 128, 256];

/// From a single pair to more channels than a tile has, dense and one group for each.
fn channels() -> impl Strategy<Value = Channels> {
    let dense = (1..=4usize, select(&CHANNELS[..]), select(&CHANNELS[..])).prop_map(
        |(batch, in_channels, out_channels)| Channels {
            batch,
            in_channels,
            out_channels,
            groups: 1,
        },
    );
    let depthwise = (1..=4usize, select(&CHANNELS[..])).prop_map(|(batch, n)| Channels {
        batch,
        in_channels: n,
        out_channels: n,
        groups: n,
    });
    prop_oneof![3 => dense, 1 => depthwise]
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

/// What a plan makes of random tensors in a pool of so many threads: its algorithm, and the bits of the output
/// and of both gradients.
type Made = (Algorithm, [Vec<u32>; 3]);

macro_rules! check {
    ($plan:ident, $shape:expr, $seed:expr) => {
        let shape = $shape;
        let [x, w, y] = [shape.x(), shape.weight(), shape.y()].map(|shape| cells(&shape));
        let bound = (w + 2 * x.max(y)) * size_of::<f32>();
        for layout in Layout::ALL {
            let options = PlanOptions { layout, ..Default::default() };
            let made = |threads: usize| -> Made {
                pool(threads).install(|| {
                    let plan = $plan::new(shape, &options).unwrap();
                    let workspace = plan.workspace_bytes();
                    let what = format!("{layout:?}, {threads} threads");
                    assert!(workspace <= bound, "{what}: {workspace} bytes of {bound}");
                    let (input, weight) = (uniform(x, $seed), uniform(w, $seed + 1));
                    let (mut out, mut dx, mut dw) = (poison(y), poison(x), poison(w));
                    plan.forward(&input, &weight, None, &mut out).unwrap();
                    let into = Gradients { x: Some(&mut dx), weight: Some(&mut dw), bias: None };
                    plan.backward(&input, &weight, &uniform(y, $seed + 2), into).unwrap();
                    let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect();
                    (plan.algorithm(), [out, dx, dw].map(bits))
                })
            };
            let one = made(1);
            assert!(one == made(2) && one == made(16), "{layout:?}: depends on threads");
        }
    };
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..Default::default() })]

    #[test]
    fn transposed_convolutions_keep_to_the_bound(
        channels in channels(), axes in conv_transpose_axes(), seed in 0u64..1 << 40,
    ) {
        check!(ConvTransposePlan, &ConvTransposeShape::new(channels, axes).unwrap(), seed);
    }

    #[test]
    fn convolutions_keep_to_the_bound(
        channels in channels(), axes in conv_axes(), seed in 0u64..1 << 40,
    ) {
        check!(ConvPlan, &ConvShape::new(channels, axes).unwrap(), seed);
    }
}
