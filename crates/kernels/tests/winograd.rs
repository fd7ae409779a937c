//! Minimal filtering on every instruction set and in both layouts: its errors, that every element is written, that
//! no number of threads changes a bit, and that it is never taken without being allowed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use proptest::prelude::*;
use rayon::ThreadPoolBuilder;
use support::{absolute, cells, integers, poison, to_nhwc, uniform};
use upconv_geometry::dialect::pytorch::ConvTranspose;
use upconv_geometry::{
    Axis, AxisParams, Channels, ConvAxis, ConvAxisParams, ConvPadding, ConvShape,
    ConvTransposeShape,
};
use upconv_kernels::reference::{conv, conv_transpose};
use upconv_kernels::{
    Activation, Algorithm, ConvPlan, ConvTransposePlan, Epilogue, FastMath, Gradients, Isa,
    KernelError, Layout, PlanOptions,
};

const ALLOWED: PlanOptions = PlanOptions {
    isa: None,
    algorithm: None,
    max_workspace: None,
    layout: Layout::Nchw,
    fast_math: FastMath::Allow,
};
const ASKED: PlanOptions = PlanOptions { algorithm: Some(Algorithm::Winograd), ..ALLOWED };

fn lie<T: Copy>(layout: Layout, tensor: &[T], shape: &[usize]) -> Vec<T> {
    match layout {
        Layout::Nchw => tensor.to_vec(),
        Layout::Nhwc => to_nhwc(tensor, shape),
    }
}

/// The largest sum of |weights| that an output channel has, of `[outer, inner, taps]`.
fn most_weights(weight: &[f32], [outer, inner]: [usize; 2], transposed: bool) -> f64 {
    let taps = weight.len() / (outer * inner);
    let mut sums = vec![0.0f64; if transposed { inner } else { outer }];
    for (n, taps) in weight.chunks(taps).enumerate() {
        let channel = if transposed { n % inner } else { n / inner };
        sums[channel] += taps.iter().map(|&w| f64::from(w.abs())).sum::<f64>();
    }
    sums.into_iter().fold(0.0, f64::max)
}

/// A tile errs with the largest of its inputs, here 1, times all |weights| of an output channel, those too that
/// meet no input. 2e-6 of them is several times what roundings of either sign come to for one channel, and far more
/// for many.
fn assert_near(what: &str, got: &[f32], expected: &[f64], weights: f64) {
    let mut worst = 0.0f64;
    for (n, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        let error = (f64::from(got) - expected).abs() / (1.0 + weights);
        assert!(error < 2e-6, "{what} y[{n}]: got {got}, expected {expected}: {error:.1e}");
        worst = worst.max(error);
    }
    eprintln!("{what}: worst error / (1 + sum of |w|): {worst:.1e}");
}

macro_rules! check {
    ($plan:ident, $reference:path, $transposed:literal, $shape:expr, $seed:expr) => {{
        let shape = $shape;
        let (x, w) =
            (uniform(cells(&shape.x()), $seed), uniform(cells(&shape.weight()), $seed + 1));
        let bias = uniform(shape.out_channels(), $seed + 2);
        let exact = $reference(shape, &x, &w, Some(&bias)).unwrap();
        let [outer, inner] = [shape.weight()[0], shape.weight()[1]];
        let weights = most_weights(&w, [outer, inner], $transposed);
        for isa in Isa::available() {
            for layout in Layout::ALL {
                let plan =
                    $plan::new(shape, &PlanOptions { isa: Some(isa), layout, ..ASKED }).unwrap();
                assert_eq!(plan.algorithm(), Algorithm::Winograd);
                let packed = plan.pack(&w).unwrap();
                assert_eq!(packed.algorithm(), Algorithm::Winograd);
                let (x, exact) = (lie(layout, &x, &shape.x()), lie(layout, &exact, &shape.y()));
                let what = format!("{isa:?} {layout:?} {:?} {:?}", shape.x(), shape.weight());
                let mut y = poison(exact.len());
                plan.forward(&x, &w, Some(&bias), &mut y).unwrap();
                assert_near(&what, &y, &exact, weights);
                for activation in [Activation::LeakyRelu { slope: 0.25 }, Activation::Tanh] {
                    let expected: Vec<f32> = y.iter().map(|&y| activation.apply(y)).collect();
                    let mut y = poison(exact.len());
                    let epilogue = Epilogue { bias: Some(&bias), activation };
                    plan.forward_packed(&x, &packed, epilogue, &mut y).unwrap();
                    assert!(y == expected, "{what}: {activation:?}");
                }
            }
        }
    }};
}

fn conv_axis(index: usize, input: usize, kernel: usize, (before, after): (i64, i64)) -> ConvAxis {
    let padding = ConvPadding::Pads { before, after };
    let params = ConvAxisParams { input, kernel, stride: 1, dilation: 1, padding };
    ConvAxis::new(index, params).unwrap()
}

fn dense(batch: usize, in_channels: usize, out_channels: usize) -> Channels {
    Channels { batch, in_channels, out_channels, groups: 1 }
}

/// A 3x3 convolution with padding 1.
fn same(batch: usize, in_channels: usize, out_channels: usize, [h, w]: [usize; 2]) -> ConvShape {
    let axes = vec![conv_axis(0, h, 3, (1, 1)), conv_axis(1, w, 3, (1, 1))];
    ConvShape::new(dense(batch, in_channels, out_channels), axes).unwrap()
}

/// Channels around registers of 8 and 16 and around tiles of them.
fn channels() -> impl Strategy<Value = Channels> {
    (1..=3usize, 1..=40usize, 1..=70usize).prop_map(|(batch, i, o)| dense(batch, i, o))
}

fn any_conv_axis(index: usize) -> impl Strategy<Value = ConvAxis> {
    (3..=21usize, 2..=3usize, (0..=4i64, 0..=4i64))
        .prop_map(move |(input, kernel, pads)| conv_axis(index, input, kernel, pads))
}

/// Three taps a phase at most, and windows that are cropped or reach beyond the result.
fn any_transposed_axis(index: usize) -> impl Strategy<Value = Axis> {
    (1..=9usize, 1..=3usize, 2..=6usize, -3..=3i64, 1..=30usize).prop_map(
        move |(input, stride, kernel, window_begin, output)| {
            let params = AxisParams { input, kernel, stride, dilation: 1, window_begin, output };
            Axis::new(index, params).unwrap()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn convolutions_are_near(
        channels in channels(), y in any_conv_axis(0), x in any_conv_axis(1), seed in 0u64..1 << 40,
    ) {
        let shape = ConvShape::new(channels, vec![y, x]).unwrap();
        check!(ConvPlan, conv::conv, false, &shape, seed);
    }

    /// Those that it does not apply to are left out: they take another algorithm.
    #[test]
    fn transposed_convolutions_are_near(
        channels in channels(), y in any_transposed_axis(0), x in any_transposed_axis(1),
        seed in 0u64..1 << 40,
    ) {
        let shape = ConvTransposeShape::new(channels, vec![y, x]).unwrap();
        let plan = ConvTransposePlan::new(&shape, &ASKED).unwrap();
        prop_assume!(plan.algorithm() == Algorithm::Winograd);
        check!(ConvTransposePlan, conv_transpose::conv_transpose, true, &shape, seed);
    }
}

/// Several tasks, blocks, chunks of channels and pieces of them.
#[test]
fn larger_convolutions_are_near() {
    for (n, shape) in [
        same(1, 64, 64, [56, 56]),
        same(1, 100, 300, [13, 15]),
        same(5, 40, 72, [9, 7]),
        same(1, 24, 40, [11, 150]),
        same(2, 260, 130, [6, 20]),
    ]
    .iter()
    .enumerate()
    {
        check!(ConvPlan, conv::conv, false, shape, n as u64);
    }
}

#[test]
fn phases_of_usual_decoders_are_near() {
    for (kernel, stride, padding, output_padding) in
        [(5, 2, 2, 1), (4, 2, 1, 0), (3, 1, 1, 0), (3, 2, 1, 1), (6, 2, 2, 0), (2, 1, 0, 0)]
    {
        let op = ConvTranspose {
            stride: vec![stride; 2],
            padding: vec![padding; 2],
            output_padding: vec![output_padding; 2],
            ..Default::default()
        };
        let shape = op.shape(&[2, 50, 8, 9], &[50, 36, kernel, kernel], None).unwrap();
        let seed = kernel as u64;
        check!(ConvTransposePlan, conv_transpose::conv_transpose, true, &shape, seed);
    }
}

/// A tile errs with the largest of its inputs, in outputs too that do not depend on it: by less than a bound, see
/// `winograd::lines`, and by more than exact algorithms may.
#[test]
fn one_large_input_takes_digits_from_its_whole_tile() {
    let shape = same(1, 8, 8, [8, 8]);
    let (mut x, w) = (uniform(8 * 64, 1), uniform(8 * 72, 2));
    x[0] = 1.1e6;
    let exact = conv::conv(&shape, &x, &w, None).unwrap();
    let terms = conv::conv(&shape, &absolute(&x), &absolute(&w), None).unwrap();
    let plan = ConvPlan::new(&shape, &ASKED).unwrap();
    let mut y = poison(exact.len());
    plan.forward(&x, &w, None, &mut y).unwrap();
    let mut over = 0;
    for (channel, weights) in w.chunks(72).enumerate() {
        let weights: f64 = weights.iter().map(|&w| f64::from(w.abs())).sum();
        let bound = 2.0 * 36.0 * 2f64.powi(-24) * 14.3125f64.powi(2) * 1.1e6 * weights;
        for n in channel * 64..(channel + 1) * 64 {
            let error = (f64::from(y[n]) - exact[n]).abs();
            assert!(error < bound, "y[{n}]: {error} of {bound}");
            let (row, column) = (n % 64 / 8, n % 8);
            over += usize::from(error > 1e-6 * (1.0 + terms[n]));
            if row > 3 && column > 3 {
                assert!(error < 1e-5, "another tile: y[{n}]: {error}");
            }
        }
    }
    assert!(over > 0, "it would need no leave");
}

#[test]
fn it_is_never_taken_without_leave() {
    let shape = same(1, 64, 64, [56, 56]);
    let denied = PlanOptions { fast_math: FastMath::Deny, ..ASKED };
    let error = ConvPlan::new(&shape, &denied).unwrap_err();
    assert!(matches!(error, KernelError::Unsupported { option: "algorithm", .. }), "{error}");
    let algorithm = |shape: &ConvShape, options: &PlanOptions| {
        ConvPlan::new(shape, options).unwrap().algorithm()
    };
    assert_eq!(algorithm(&shape, &ALLOWED), Algorithm::Winograd);
    assert_ne!(algorithm(&shape, &PlanOptions::default()), Algorithm::Winograd);
    let other = PlanOptions { algorithm: Some(Algorithm::ColumnGemm), ..ALLOWED };
    assert_eq!(algorithm(&shape, &other), Algorithm::ColumnGemm);
    // Too few channels to be worth it; a stride, groups and 5 taps, to which it does not apply.
    assert_ne!(algorithm(&same(1, 3, 64, [56, 56]), &ALLOWED), Algorithm::Winograd);
    let conv = |groups: usize, kernel: usize, stride: usize| {
        let axis = |index| {
            let padding = ConvPadding::Pads { before: 1, after: 1 };
            let params = ConvAxisParams { input: 28, kernel, stride, dilation: 1, padding };
            ConvAxis::new(index, params).unwrap()
        };
        ConvShape::new(Channels { groups, ..dense(1, 64, 64) }, vec![axis(0), axis(1)]).unwrap()
    };
    for shape in [conv(1, 3, 2), conv(2, 3, 1), conv(1, 5, 1)] {
        assert_ne!(algorithm(&shape, &ASKED), Algorithm::Winograd);
    }
}

/// With leave as without: gradients, and weights that have a diagonal only.
#[test]
fn gradients_stay_exact() {
    let shape = same(1, 64, 64, [20, 20]);
    let (x, w) = (uniform(64 * 400, 1), uniform(64 * 64 * 9, 2));
    let dy = uniform(64 * 400, 3);
    let gradients = |options: &PlanOptions| {
        let plan = ConvPlan::new(&shape, options).unwrap();
        let (mut dx, mut dw, mut db) = (poison(x.len()), poison(w.len()), poison(64));
        let into = Gradients { x: Some(&mut dx), weight: Some(&mut dw), bias: Some(&mut db) };
        plan.backward(&x, &w, &dy, into).unwrap();
        [dx, dw, db]
    };
    let default = gradients(&PlanOptions::default());
    assert!(gradients(&ALLOWED) == default && gradients(&ASKED) == default);

    let mut diagonal = vec![0.0; w.len()];
    for n in 0..64 {
        diagonal[n * 65 * 9..][..9].copy_from_slice(&integers(9, n as u64));
    }
    let forward = |options: &PlanOptions| {
        let mut y = poison(dy.len());
        ConvPlan::new(&shape, options).unwrap().forward(&x, &diagonal, None, &mut y).unwrap();
        y
    };
    assert!(forward(&ALLOWED) == forward(&PlanOptions::default()));
}

/// Where there is no room for a weight that is packed for one run, such runs are as without leave.
#[test]
fn workspace_keeps_to_the_bound_and_bits_to_no_number_of_threads() {
    let mut packs = [0, 0];
    for (n, shape) in [
        same(1, 64, 64, [56, 56]),
        same(1, 128, 128, [28, 28]),
        same(1, 256, 256, [14, 14]),
        same(3, 32, 96, [30, 17]),
        same(8, 96, 48, [8, 8]),
        same(1, 32, 32, [16, 16]),
    ]
    .iter()
    .enumerate()
    {
        let [x, w, y] = [shape.x(), shape.weight(), shape.y()].map(|shape| cells(&shape));
        let bound = (w + 2 * x.max(y)) * size_of::<f32>();
        for layout in Layout::ALL {
            let options = PlanOptions { layout, ..ALLOWED };
            let made = |threads: usize| -> [Vec<u32>; 3] {
                let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let plan = ConvPlan::new(shape, &options).unwrap();
                    assert_eq!(plan.algorithm(), Algorithm::Winograd);
                    let workspace = plan.workspace_bytes();
                    assert!(workspace <= bound, "{n} {layout:?}: {workspace} of {bound}");
                    let (x, weight) = (uniform(x, n as u64), uniform(w, 7));
                    let (mut packed, mut run) = (poison(y), poison(y));
                    let own = plan.pack(&weight).unwrap();
                    plan.forward_packed(&x, &own, Epilogue::default(), &mut packed).unwrap();
                    plan.forward(&x, &weight, None, &mut run).unwrap();
                    let exact = PlanOptions { layout, ..Default::default() };
                    let mut default = poison(y);
                    let plan = ConvPlan::new(shape, &exact).unwrap();
                    plan.forward(&x, &weight, None, &mut default).unwrap();
                    [packed, run, default].map(|y| y.into_iter().map(f32::to_bits).collect())
                })
            };
            let one = made(1);
            assert!(one == made(2) && one == made(5), "{n} {layout:?}: depends on threads");
            let [packed, run, default] = one;
            assert!(run == packed || run == default);
            assert!(packed != default);
            packs[usize::from(run == packed)] += 1;
        }
    }
    assert!(packs[0] > 0 && packs[1] > 0, "both ways: {packs:?}");

    let shape = same(1, 64, 64, [56, 56]);
    let small = PlanOptions { max_workspace: Some(300_000), ..ALLOWED };
    let plan = ConvPlan::new(&shape, &small).unwrap();
    assert!(plan.workspace_bytes() <= 300_000);
    let none = PlanOptions { max_workspace: Some(1000), ..ASKED };
    let error = ConvPlan::new(&shape, &none).unwrap_err();
    assert!(matches!(error, KernelError::WorkspaceTooSmall { .. }), "{error}");
}
