//! Every instruction set and every algorithm against the reference, on small integers (exactly) and
//! from buffers full of NaN (every element must be written).
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use proptest::prelude::*;
use support::*;
use upconv_geometry::{
    Axis, AxisParams, Channels, ConvAxis, ConvAxisParams, ConvPadding, ConvShape,
    ConvTransposeShape,
};
use upconv_kernels::reference::{conv, conv_transpose};
use upconv_kernels::{
    Activation, Algorithm, ConvPlan, ConvTransposePlan, Epilogue, Gradients, Isa, Layout,
    PlanOptions,
};

fn every_option() -> Vec<PlanOptions> {
    let mut options = Vec::new();
    for isa in Isa::available() {
        for layout in Layout::ALL {
            let all = Algorithm::EXACT.map(Some);
            for algorithm in all.into_iter().chain([None]) {
                options.push(PlanOptions {
                    isa: Some(isa),
                    algorithm,
                    layout,
                    ..Default::default()
                });
            }
        }
    }
    options
}

/// A tensor of NCHW in another layout.
fn lie<T: Copy>(layout: Layout, tensor: &[T], shape: &[usize]) -> Vec<T> {
    match layout {
        Layout::Nchw => tensor.to_vec(),
        Layout::Nhwc => to_nhwc(tensor, shape),
    }
}

/// What plans choose by themselves.
fn usual_options() -> Vec<PlanOptions> {
    every_option().into_iter().filter(|options| options.algorithm.is_none()).collect()
}

fn check_conv_transpose(shape: &ConvTransposeShape, seed: u64) {
    check_conv_transpose_on(shape, seed, every_option());
}

fn check_conv_transpose_on(shape: &ConvTransposeShape, seed: u64, all: Vec<PlanOptions>) {
    let x = integers(cells(&shape.x()), seed);
    let w = integers(cells(&shape.weight()), seed + 1);
    let b = integers(shape.out_channels(), seed + 2);
    let dy = integers(cells(&shape.y()), seed + 3);
    let y = conv_transpose::conv_transpose(shape, &x, &w, Some(&b)).unwrap();
    let dx = conv_transpose::conv_transpose_x_backward(shape, &w, &dy).unwrap();
    let dw = conv_transpose::conv_transpose_weight_backward(shape, &x, &dy).unwrap();
    let db = conv_transpose::conv_transpose_bias_backward(shape, &dy).unwrap();
    for options in all {
        let plan = ConvTransposePlan::new(shape, &options).unwrap();
        let layout = options.layout;
        let (x, dy) = (lie(layout, &x, &shape.x()), lie(layout, &dy, &shape.y()));
        let mut got = poison(y.len());
        plan.forward(&x, &w, Some(&b), &mut got).unwrap();
        assert_exact(&format!("y, {options:?}"), &got, &lie(layout, &y, &shape.y()));
        let (mut gx, mut gw, mut gb) = (poison(dx.len()), poison(dw.len()), poison(db.len()));
        let into = Gradients { x: Some(&mut gx), weight: Some(&mut gw), bias: Some(&mut gb) };
        plan.backward(&x, &w, &dy, into).unwrap();
        assert_exact(&format!("dx, {options:?}"), &gx, &lie(layout, &dx, &shape.x()));
        assert_exact(&format!("dw, {options:?}"), &gw, &dw);
        assert_exact(&format!("db, {options:?}"), &gb, &db);
    }
}

fn check_conv(shape: &ConvShape, seed: u64) {
    check_conv_on(shape, seed, every_option());
}

fn check_conv_on(shape: &ConvShape, seed: u64, all: Vec<PlanOptions>) {
    let x = integers(cells(&shape.x()), seed);
    let w = integers(cells(&shape.weight()), seed + 1);
    let b = integers(shape.out_channels(), seed + 2);
    let dy = integers(cells(&shape.y()), seed + 3);
    let y = conv::conv(shape, &x, &w, Some(&b)).unwrap();
    let dx = conv::conv_x_backward(shape, &w, &dy).unwrap();
    let dw = conv::conv_weight_backward(shape, &x, &dy).unwrap();
    let db = conv::conv_bias_backward(shape, &dy).unwrap();
    for options in all {
        let plan = ConvPlan::new(shape, &options).unwrap();
        let layout = options.layout;
        let (x, dy) = (lie(layout, &x, &shape.x()), lie(layout, &dy, &shape.y()));
        let mut got = poison(y.len());
        plan.forward(&x, &w, Some(&b), &mut got).unwrap();
        assert_exact(&format!("y, {options:?}"), &got, &lie(layout, &y, &shape.y()));
        let (mut gx, mut gw, mut gb) = (poison(dx.len()), poison(dw.len()), poison(db.len()));
        let into = Gradients { x: Some(&mut gx), weight: Some(&mut gw), bias: Some(&mut gb) };
        plan.backward(&x, &w, &dy, into).unwrap();
        assert_exact(&format!("dx, {options:?}"), &gx, &lie(layout, &dx, &shape.x()));
        assert_exact(&format!("dw, {options:?}"), &gw, &dw);
        assert_exact(&format!("db, {options:?}"), &gb, &db);
    }
}

/// Bias and activation in the pass that stores, on every path: on integers they act on exact sums.
fn check_epilogue(shape: &ConvTransposeShape, seed: u64) {
    let x = integers(cells(&shape.x()), seed);
    let w = integers(cells(&shape.weight()), seed + 1);
    let b = integers(shape.out_channels(), seed + 2);
    let y = conv_transpose::conv_transpose(shape, &x, &w, Some(&b)).unwrap();
    for options in every_option() {
        let plan = ConvTransposePlan::new(shape, &options).unwrap();
        let packed = plan.pack(&w).unwrap();
        let x = lie(options.layout, &x, &shape.x());
        for activation in [
            Activation::Relu,
            Activation::LeakyRelu { slope: 0.25 },
            Activation::Tanh,
            Activation::Sigmoid,
            Activation::Relu6,
            Activation::HardSwish { scale: 0.125 },
        ] {
            let expected: Vec<f64> =
                y.iter().map(|&v| f64::from(activation.apply(v as f32))).collect();
            let mut got = poison(y.len());
            let epilogue = Epilogue { bias: Some(&b), activation };
            plan.forward_packed(&x, &packed, epilogue, &mut got).unwrap();
            let expected = lie(options.layout, &expected, &shape.y());
            assert_exact(&format!("{activation:?}, {options:?}"), &got, &expected);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn conv_transpose_is_exact_on_integers(shape in conv_transpose_shape(), seed in 0u64..1 << 40) {
        check_conv_transpose(&shape, seed);
    }

    #[test]
    fn activations_act_on_exact_sums(shape in conv_transpose_shape(), seed in 0u64..1 << 40) {
        check_epilogue(&shape, seed);
    }

    #[test]
    fn conv_is_exact_on_integers(shape in conv_shape(), seed in 0u64..1 << 40) {
        check_conv(&shape, seed);
    }
}

/// Every number of x phases that registers can be woven of, with rows that begin and end within them.
#[test]
fn woven_phases_are_exact_on_integers() {
    use upconv_geometry::dialect::pytorch::ConvTranspose;
    for stride in [1, 2, 4, 8] {
        for (taps, padding) in [(1, 0), (2, stride / 2), (2, 1)] {
            let op = ConvTranspose {
                stride: vec![1, stride],
                padding: vec![0, padding],
                ..Default::default()
            };
            let kernel = (stride * taps) as usize;
            // Rows of 21 positions end within registers of 8 and of 16.
            let shape = op.shape(&[2, 5, 3, 21], &[5, 8, 2, kernel], Some(8)).unwrap();
            check_conv_transpose(&shape, 11);
            check_epilogue(&shape, 12);
        }
    }
}

/// Convolutions over rows long enough to be read in place: cells apart by remainder, rows with gaps and without,
/// more outputs than a tile has, a band for each task, and bounds of all sides.
#[test]
fn long_rows_are_exact_on_integers() {
    for (stride, kernel, dilation, before) in
        [(1, 3, 1, 1), (2, 7, 1, 3), (2, 3, 2, 0), (3, 5, 1, 2), (2, 2, 1, 5)]
    {
        for columns in [25, 32, 57] {
            let axis = |index: usize, input: usize| {
                let padding = ConvPadding::Pads { before, after: 1 };
                ConvAxis::new(index, ConvAxisParams { input, kernel, stride, dilation, padding })
                    .unwrap()
            };
            let axes = vec![axis(0, 12), axis(1, columns)];
            let channels = Channels { batch: 2, in_channels: 6, out_channels: 32, groups: 2 };
            let shape = ConvShape::new(channels, axes).unwrap();
            check_conv(&shape, (stride * 100 + columns) as u64);
        }
    }
}

/// Few cells and a weight that no cache of a core holds, which is gone through tap by tap: windows that reach far
/// outside, strides, gaps, a batch, channels that fill no tile, and phases of a transposed convolution.
#[test]
fn few_cells_under_large_weights_are_exact_on_integers() {
    for (stride, kernel, dilation, before) in
        [(1, 3, 1, 1), (1, 7, 1, 3), (2, 5, 1, 2), (1, 3, 2, 3)]
    {
        let axis = |index: usize, input: usize| {
            let padding = ConvPadding::Pads { before, after: before - index as i64 };
            ConvAxis::new(index, ConvAxisParams { input, kernel, stride, dilation, padding })
                .unwrap()
        };
        let out_channels = 1_250_000 / 4 / 150 / (kernel * kernel) + 3;
        let channels = Channels { batch: 2, in_channels: 150, out_channels, groups: 1 };
        let shape = ConvShape::new(channels, vec![axis(0, 4), axis(1, 7)]).unwrap();
        check_conv_on(&shape, (stride * 10 + kernel) as u64, usual_options());
    }
    let axis = |index: usize, input: usize| {
        let params = AxisParams {
            input,
            kernel: 5,
            stride: 2,
            dilation: 1,
            window_begin: 2,
            output: 2 * input,
        };
        Axis::new(index, params).unwrap()
    };
    // Of one image tasks have a part of the channels in NHWC, of every phase.
    for batch in [3, 1] {
        let channels = Channels { batch, in_channels: 130, out_channels: 101, groups: 1 };
        let shape = ConvTransposeShape::new(channels, vec![axis(0, 3), axis(1, 5)]).unwrap();
        check_conv_transpose_on(&shape, 9, usual_options());
    }
}

/// Rows of outputs that fill registers of 8 and of 16 lanes, where half of the phases are those of the next
/// position: windows that begin in the middle of a block, in front of it and behind, one to three axes.
#[test]
fn rows_that_fill_registers_are_exact_on_integers() {
    for (stride, kernel) in [(2, 4), (4, 8), (8, 16), (2, 2), (4, 12), (2, 6)] {
        for columns in [8, 16, 32] {
            for shift in [-1i64, 0, 1] {
                let begin = (stride / 2) as i64 + shift * stride as i64;
                let axis = |input: usize, begin: i64| {
                    let output = input * stride;
                    let params = AxisParams {
                        input,
                        kernel,
                        stride,
                        dilation: 1,
                        window_begin: begin,
                        output,
                    };
                    Axis::new(0, params).unwrap()
                };
                let channels = Channels { batch: 2, in_channels: 3, out_channels: 5, groups: 1 };
                let x = axis(columns, begin);
                let axes = match columns {
                    8 => vec![axis(2, 0), axis(3, begin), x],
                    16 => vec![axis(3, begin), x],
                    _ => vec![x],
                };
                let shape = ConvTransposeShape::new(channels, axes).unwrap();
                check_conv_transpose(&shape, (stride * 100 + columns) as u64);
            }
        }
    }
}

/// Shapes with more channels than one block and than one tile, on random floats.
#[test]
fn larger_shapes_stay_within_1e6_of_the_terms() {
    use upconv_geometry::dialect::pytorch::ConvTranspose;
    eprintln!(
        "tested: {}",
        Isa::available().iter().map(|i| i.name()).collect::<Vec<_>>().join(", ")
    );
    let op =
        |stride: i64, padding: i64, output_padding: i64, groups: i64, dims: usize| ConvTranspose {
            stride: vec![stride; dims],
            padding: vec![padding; dims],
            output_padding: vec![output_padding; dims],
            groups,
            ..Default::default()
        };
    let cases: [(ConvTranspose, Vec<usize>, Vec<usize>); 10] = [
        (op(2, 1, 1, 1, 2), vec![2, 37, 9, 11], vec![37, 29, 3, 3]),
        (op(2, 1, 0, 1, 2), vec![1, 140, 6, 7], vec![140, 33, 4, 4]),
        (op(8, 4, 0, 1, 2), vec![1, 5, 8, 9], vec![5, 5, 16, 16]),
        (op(1, 0, 0, 1, 2), vec![3, 40, 1, 1], vec![40, 65, 4, 4]),
        (op(2, 0, 0, 4, 2), vec![1, 24, 10, 33], vec![24, 5, 2, 2]),
        (op(16, 0, 0, 1, 1), vec![1, 270, 40], vec![270, 1, 64]),
        (op(2, 1, 0, 1, 3), vec![1, 9, 4, 5, 6], vec![9, 10, 4, 4, 4]),
        (op(2, 2, 1, 1, 2), vec![2, 130, 11, 37], vec![130, 3, 5, 5]),
        (op(4, 1, 0, 1, 2), vec![2, 600, 3, 17], vec![600, 17, 6, 6]),
        (op(16, 3, 0, 1, 1), vec![3, 530, 19], vec![530, 6, 33]),
    ];
    for (n, (op, x, w)) in cases.into_iter().enumerate() {
        let shape = op.shape(&x, &w, None).unwrap();
        let (x, w) = (uniform(cells(&x), n as u64), uniform(cells(&w), 77 + n as u64));
        let dy = uniform(cells(&shape.y()), 777 + n as u64);
        let (xa, wa, dya) = (absolute(&x), absolute(&w), absolute(&dy));
        let y = conv_transpose::conv_transpose(&shape, &x, &w, None).unwrap();
        let y_terms = conv_transpose::conv_transpose(&shape, &xa, &wa, None).unwrap();
        let dx = conv_transpose::conv_transpose_x_backward(&shape, &w, &dy).unwrap();
        let dx_terms = conv_transpose::conv_transpose_x_backward(&shape, &wa, &dya).unwrap();
        let dw = conv_transpose::conv_transpose_weight_backward(&shape, &x, &dy).unwrap();
        let dw_terms = conv_transpose::conv_transpose_weight_backward(&shape, &xa, &dya).unwrap();
        for options in every_option() {
            if options.layout == Layout::Nhwc {
                continue;
            }
            let plan = ConvTransposePlan::new(&shape, &options).unwrap();
            let (mut gy, mut gx, mut gw) = (poison(y.len()), poison(dx.len()), poison(dw.len()));
            plan.forward(&x, &w, None, &mut gy).unwrap();
            assert_close(&format!("case {n} y {options:?}"), &gy, &y, &y_terms);
            let into = Gradients { x: Some(&mut gx), weight: Some(&mut gw), bias: None };
            plan.backward(&x, &w, &dy, into).unwrap();
            assert_close(&format!("case {n} dx {options:?}"), &gx, &dx, &dx_terms);
            assert_close(&format!("case {n} dw {options:?}"), &gw, &dw, &dw_terms);
        }
    }
}
