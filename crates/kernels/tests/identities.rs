//! Laws that hold whatever the numbers: adjoints, thread counts, batches, sizes by trying.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use proptest::prelude::*;
use support::*;
use upconv_geometry::dialect::{pytorch, tensorflow};
use upconv_geometry::{
    Axis, AxisParams, Channels, ConvShape, ConvTransposeShape, Dialect, Padding, Setting,
};
use upconv_kernels::reference::{conv, conv_transpose, sizes};
use upconv_kernels::{Algorithm, ConvTransposePlan, Epilogue, Gradients, KernelError, PlanOptions};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// `<y(x), u> = <x, dx(u)> = <w, dw(u)>`: the operation is linear in x and in w.
    #[test]
    fn gradients_are_adjoint(shape in conv_transpose_shape(), seed in 0u64..1 << 40) {
        let (x, w) = (uniform(cells(&shape.x()), seed), uniform(cells(&shape.weight()), seed + 1));
        let u = uniform(cells(&shape.y()), seed + 2);
        let y = conv_transpose::conv_transpose(&shape, &x, &w, None).unwrap();
        let dx = conv_transpose::conv_transpose_x_backward(&shape, &w, &u).unwrap();
        let dw = conv_transpose::conv_transpose_weight_backward(&shape, &x, &u).unwrap();
        let left = dot(&y, &u);
        prop_assert!((left - dot(&dx, &x)).abs() < 1e-9, "{left} {}", dot(&dx, &x));
        prop_assert!((left - dot(&dw, &w)).abs() < 1e-9, "{left} {}", dot(&dw, &w));
    }

    /// Gradients against central differences of `<y, u>`, which is linear in each argument, so that the
    /// difference is exact but for rounding.
    #[test]
    fn gradients_equal_central_differences(shape in conv_transpose_shape(), seed in 0u64..1 << 40) {
        prop_assume!(shape.batch() > 0);
        let widen = |v: Vec<f32>| v.into_iter().map(f64::from).collect::<Vec<f64>>();
        let x = widen(uniform(cells(&shape.x()), seed));
        let w = widen(uniform(cells(&shape.weight()), seed + 1));
        let b = widen(uniform(shape.out_channels(), seed + 2));
        let u = widen(uniform(cells(&shape.y()), seed + 3));
        let loss = |x: &[f64], w: &[f64], b: &[f64]| -> f64 {
            let y = conv_transpose::conv_transpose(&shape, x, w, Some(b)).unwrap();
            y.iter().zip(&u).map(|(y, u)| y * u).sum()
        };
        let difference = |values: &[f64], at: usize, loss: &dyn Fn(&[f64]) -> f64| {
            let (mut up, mut down) = (values.to_vec(), values.to_vec());
            up[at] += 0.5;
            down[at] -= 0.5;
            loss(&up) - loss(&down)
        };
        let dx = conv_transpose::conv_transpose_x_backward(&shape, &w, &u).unwrap();
        let dw = conv_transpose::conv_transpose_weight_backward(&shape, &x, &u).unwrap();
        let db = conv_transpose::conv_transpose_bias_backward(&shape, &u).unwrap();
        let pick = |n: usize| (seed as usize) % n;
        let (at_x, at_w, at_b) = (pick(x.len()), pick(w.len()), pick(b.len()));
        prop_assert!((difference(&x, at_x, &|x| loss(x, &w, &b)) - dx[at_x]).abs() < 1e-9);
        prop_assert!((difference(&w, at_w, &|w| loss(&x, w, &b)) - dw[at_w]).abs() < 1e-9);
        prop_assert!((difference(&b, at_b, &|b| loss(&x, &w, b)) - db[at_b]).abs() < 1e-9);
    }

    /// The gradient of a convolution for x is the transposed convolution with the same weight, and the
    /// other way round. The two references do not share their loops.
    #[test]
    fn convolution_and_transpose_are_each_others_gradient(shape in conv_shape(), seed in 0u64..1 << 40) {
        let channels = Channels {
            batch: shape.batch(),
            in_channels: shape.out_channels(),
            out_channels: shape.in_channels(),
            groups: shape.groups(),
        };
        let axes = shape.axes().iter().map(|a| *a.transposed()).collect();
        let transposed = ConvTransposeShape::new(channels, axes).unwrap();
        prop_assert_eq!(shape.weight(), transposed.weight());
        let (x, w) = (integers(cells(&shape.x()), seed), integers(cells(&shape.weight()), seed + 1));
        let dy = integers(cells(&shape.y()), seed + 2);
        prop_assert_eq!(
            conv::conv_x_backward(&shape, &w, &dy).unwrap(),
            conv_transpose::conv_transpose(&transposed, &dy, &w, None).unwrap()
        );
        prop_assert_eq!(
            conv::conv(&shape, &x, &w, None).unwrap(),
            conv_transpose::conv_transpose_x_backward(&transposed, &w, &x).unwrap()
        );
        prop_assert_eq!(
            conv::conv_weight_backward(&shape, &x, &dy).unwrap(),
            conv_transpose::conv_transpose_weight_backward(&transposed, &dy, &x).unwrap()
        );
    }

    /// Every size that TensorFlow is said to accept comes back to the input in a forward convolution
    /// that counts its windows one by one, and no other size does.
    #[test]
    fn legal_sizes_are_those_that_come_back(
        input in 1usize..7, kernel in 1usize..7, stride in 1usize..6, dilation in 1usize..4,
        before in 0usize..4, after in 0usize..4, rule in 0usize..3,
    ) {
        let effective = (kernel - 1) * dilation + 1;
        let same = |size: usize| {
            // TensorFlow's text: as many zeros as ceil(size / stride) windows need, half in front.
            let mut total = 0;
            while sizes::conv_output(size, kernel, stride, dilation, (0, total)) < size.div_ceil(stride) {
                total += 1;
            }
            (total / 2, total - total / 2)
        };
        let padding = [
            tensorflow::Padding::Same,
            tensorflow::Padding::Valid,
            tensorflow::Padding::Explicit(vec![(before as i64, after as i64)]),
        ][rule].clone();
        let pads = |size: usize| [same(size), (0, 0), (before, after)][rule];
        let op = tensorflow::ConvTranspose {
            strides: vec![stride as i64], dilations: vec![dilation as i64], padding, ..Default::default()
        };
        let most = input * stride + effective + stride;
        let by_trying = sizes::sizes_that_share(input, kernel, stride, dilation, most, pads);
        for size in 1..=most {
            let answer = op.axes(&[input], &[kernel], &[size as i64]);
            prop_assert_eq!(answer.is_ok(), by_trying.contains(&size), "size {} {:?}", size, by_trying);
            let Ok(axes) = answer else { continue };
            // The window begins where the forward convolution pads: it reads output `o` at
            // `o * stride - before`. With SAME and a kernel that leaves the tail unread, both are 0.
            prop_assert_eq!(axes[0].window_begin(), pads(size).0 as i64);
            prop_assert_eq!(axes[0].full(), sizes::conv_transpose_full(input, kernel, stride, dilation));
        }
    }

    /// In PyTorch, output_padding only appends: what was there stays.
    #[test]
    fn output_padding_only_appends(
        input in 1usize..6, kernel in 1usize..6, stride in 2i64..5, padding in 0i64..3, seed in 0u64..1 << 40,
    ) {
        let at = |output_padding: i64| {
            let op = pytorch::ConvTranspose {
                stride: vec![stride], padding: vec![padding], output_padding: vec![output_padding],
                ..Default::default()
            };
            let shape = op.shape(&[1, 2, input], &[2, 3, kernel], None).ok()?;
            let (x, w) = (uniform(2 * input, seed), uniform(6 * kernel, seed + 1));
            let y = conv_transpose::conv_transpose(&shape, &x, &w, None).unwrap();
            Some((shape.axes()[0].output(), y))
        };
        for output_padding in 1..stride {
            let (Some((small, y)), Some((large, z))) = (at(0), at(output_padding)) else { continue };
            prop_assert_eq!(large, small + output_padding as usize);
            for (y, z) in y.chunks(small).zip(z.chunks(large)) {
                prop_assert_eq!(y, &z[..small]);
            }
        }
    }

    /// The phases of an axis, laid side by side, are the whole operation.
    #[test]
    fn phases_together_are_the_whole(shape in conv_transpose_shape(), seed in 0u64..1 << 40) {
        let axis = shape.axes()[0];
        let channels = Channels { batch: 1, in_channels: 1, out_channels: 1, groups: 1 };
        let one = ConvTransposeShape::new(channels, vec![axis]).unwrap();
        let (x, w) = (integers(axis.input(), seed), integers(axis.kernel(), seed + 1));
        let whole = conv_transpose::conv_transpose(&one, &x, &w, None).unwrap();
        let mut parts = vec![0.0; axis.output()];
        for phase in axis.phases() {
            let Some(first) = phase.first_output else { continue };
            for n in 0..phase.outputs {
                let output = first + n * axis.stride();
                for &tap in &phase.taps {
                    if let Some(input) = axis.source(output, tap) {
                        parts[output] += f64::from(x[input]) * f64::from(w[tap]);
                    }
                }
            }
        }
        prop_assert_eq!(whole, parts);
    }

    /// A setting in any dialect never panics, whatever the numbers.
    #[test]
    fn hostile_settings_give_an_error_or_an_answer(
        dialect in 0usize..7,
        numbers in proptest::collection::vec(prop_oneof![
            -3i64..40, Just(0), Just(i64::MAX), Just(i64::MIN), (1i64 << 31) - 2..(1i64 << 31) + 2, Just(1i64 << 62)
        ], 9),
        word in 0usize..6, with_output: bool, with_output_padding: bool,
    ) {
        let [input, kernel, stride, dilation, before, after, output, output_padding, groups] =
            numbers[..] else { unreachable!() };
        let setting = Setting {
            input: vec![input], kernel: vec![kernel], stride: vec![stride], dilation: vec![dilation],
            groups,
            padding: [
                None, Some(Padding::Same), Some(Padding::Valid), Some(Padding::SameLower),
                Some(Padding::SameUpper), Some(Padding::Pads(vec![(before, after)])),
            ][word].clone(),
            output: with_output.then(|| vec![output]),
            output_padding: with_output_padding.then(|| vec![output_padding]),
            dialect: Dialect::ALL[dialect],
        };
        match setting.resolve() {
            Ok(resolved) => {
                let axis = resolved.axes[0];
                let reach = axis.pad_before() + axis.output() as i64 + axis.pad_after();
                prop_assert_eq!(reach, axis.full() as i64);
                prop_assert!(resolved.legal[0].first >= 1 && resolved.legal[0].first <= resolved.legal[0].last);
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}

/// A transposed convolution, its gradients and its inputs' bits, in a pool of its own.
fn all_bits(shape: &ConvTransposeShape, options: &PlanOptions, threads: usize) -> Vec<u32> {
    let (x, w) = (uniform(cells(&shape.x()), 1), uniform(cells(&shape.weight()), 2));
    let (b, dy) = (uniform(shape.out_channels(), 3), uniform(cells(&shape.y()), 4));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let plan = ConvTransposePlan::new(shape, options).unwrap();
        let (mut y, mut dx) = (poison(dy.len()), poison(x.len()));
        let (mut dw, mut db) = (poison(w.len()), poison(b.len()));
        plan.forward(&x, &w, Some(&b), &mut y).unwrap();
        let into = Gradients { x: Some(&mut dx), weight: Some(&mut dw), bias: Some(&mut db) };
        plan.backward(&x, &w, &dy, into).unwrap();
        [y, dx, dw, db].concat().iter().map(|v| v.to_bits()).collect()
    })
}

/// Shapes large enough for threads: the same bits with 1, 2, 3 and 8 of them.
#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let op = |stride: i64, groups: i64| pytorch::ConvTranspose {
        stride: vec![stride; 2],
        padding: vec![1; 2],
        groups,
        ..Default::default()
    };
    for (op, x, w) in [
        (op(2, 1), [3, 40, 13, 17], [40, 24, 4, 4]),
        (op(1, 1), [20, 33, 5, 5], [33, 70, 3, 3]),
        (op(3, 6), [2, 36, 14, 9], [36, 7, 5, 4]),
        (op(2, 48), [2, 48, 24, 24], [48, 1, 4, 4]),
    ] {
        let shape = op.shape(&x, &w, None).unwrap();
        for algorithm in Algorithm::EXACT {
            let options = PlanOptions { algorithm: Some(algorithm), ..Default::default() };
            let first = all_bits(&shape, &options, 1);
            for threads in [2, 3, 8] {
                let same = all_bits(&shape, &options, threads) == first;
                assert!(same, "{algorithm:?} {x:?} with {threads} threads");
            }
        }
    }
}

/// A batch gives what its images give one by one.
#[test]
fn a_batch_is_its_images() {
    let op =
        pytorch::ConvTranspose { stride: vec![2, 2], padding: vec![1, 1], ..Default::default() };
    let shape = op.shape(&[5, 40, 7, 6], &[40, 24, 4, 4], None).unwrap();
    let one = op.shape(&[1, 40, 7, 6], &[40, 24, 4, 4], None).unwrap();
    let (x, w) = (integers(cells(&shape.x()), 1), integers(cells(&shape.weight()), 2));
    for algorithm in Algorithm::EXACT {
        let options = PlanOptions { algorithm: Some(algorithm), ..Default::default() };
        let (mut whole, mut image) = (poison(cells(&shape.y())), poison(cells(&one.y())));
        let plan = ConvTransposePlan::new(&shape, &options).unwrap();
        plan.forward(&x, &w, None, &mut whole).unwrap();
        let plan = ConvTransposePlan::new(&one, &options).unwrap();
        for (x, y) in x.chunks(cells(&one.x())).zip(whole.chunks(image.len())) {
            plan.forward(x, &w, None, &mut image).unwrap();
            assert_eq!(image, y, "{algorithm:?}");
        }
    }
}

#[test]
fn a_plan_keeps_to_the_workspace_or_says_why_not() {
    let op = pytorch::ConvTranspose { stride: vec![2, 2], ..Default::default() };
    let shape = op.shape(&[1, 64, 16, 16], &[64, 32, 4, 4], None).unwrap();
    let free = ConvTransposePlan::new(&shape, &PlanOptions::default()).unwrap();
    assert_eq!(free.algorithm(), Algorithm::BlockGemm);
    let tight =
        PlanOptions { max_workspace: Some(free.workspace_bytes() - 1), ..Default::default() };
    let plan = ConvTransposePlan::new(&shape, &tight).unwrap();
    assert!(plan.workspace_bytes() < free.workspace_bytes());
    let (x, w) = (uniform(cells(&shape.x()), 1), uniform(cells(&shape.weight()), 2));
    let (mut expected, mut y) = (poison(cells(&shape.y())), poison(cells(&shape.y())));
    free.forward(&x, &w, None, &mut expected).unwrap();
    plan.forward(&x, &w, None, &mut y).unwrap();
    // The same algorithm, with fewer tasks at once: the same bits.
    assert_eq!((plan.algorithm(), &y), (free.algorithm(), &expected));
    let none = PlanOptions { max_workspace: Some(0), ..Default::default() };
    let plan = ConvTransposePlan::new(&shape, &none).unwrap();
    assert_eq!((plan.algorithm(), plan.workspace_bytes()), (Algorithm::Direct, 0));
    let forced = PlanOptions { algorithm: Some(Algorithm::PhaseGemm), ..none };
    let error = ConvTransposePlan::new(&shape, &forced).unwrap_err();
    assert!(matches!(error, KernelError::WorkspaceTooSmall { .. }), "{error}");
}

#[test]
fn wrong_buffers_are_named() {
    let shape = pytorch::ConvTranspose::default().shape(&[1, 2, 3], &[2, 1, 2], None).unwrap();
    let plan = ConvTransposePlan::new(&shape, &PlanOptions::default()).unwrap();
    let error = plan.forward(&[0.0; 5], &[0.0; 4], None, &mut [0.0; 4]).unwrap_err();
    assert_eq!(error.to_string(), "x has 5 elements, but its shape [1, 2, 3] needs 6");
    let four =
        Dialect::Definition.conv_axes(&[2; 4], &[1; 4], &[1; 4], &[1; 4], &Padding::Valid).unwrap();
    let channels = Channels { batch: 1, in_channels: 1, out_channels: 1, groups: 1 };
    let shape = ConvShape::new(channels, four).unwrap();
    let error = conv::conv(&shape, &[0.0f32; 16], &[1.0], None).unwrap_err();
    assert_eq!(error, KernelError::UnsupportedRank { got: 4 });
}

/// A weight packed by a plan of another algorithm has another order, even where it has the same length.
#[test]
fn a_weight_of_another_plan_is_refused() {
    let shape = pytorch::ConvTranspose::default().shape(&[1, 4, 9], &[4, 4, 3], None).unwrap();
    let plan = |algorithm| {
        let options = PlanOptions { algorithm: Some(algorithm), ..Default::default() };
        ConvTransposePlan::new(&shape, &options).unwrap()
    };
    let (one, other) = (plan(Algorithm::Direct), plan(Algorithm::ColumnGemm));
    let packed = one.pack(&[1.0; 48]).unwrap();
    let mut y = [0.0; 44];
    one.forward_packed(&[1.0; 36], &packed, Epilogue::default(), &mut y).unwrap();
    // Four channels through three taps.
    assert_eq!(y[5], 12.0);
    let error = other.forward_packed(&[1.0; 36], &packed, Epilogue::default(), &mut y).unwrap_err();
    assert!(error.to_string().contains("packed for another plan"), "{error}");
}

/// Tensors without values take no time, however long their axes are.
#[test]
fn empty_tensors_are_done_at_once() {
    let long = 1 << 30;
    let axis = Axis::new(
        0,
        AxisParams {
            input: long,
            kernel: long,
            stride: 1,
            dilation: 1,
            window_begin: 0,
            output: long,
        },
    )
    .unwrap();
    let none: [f32; 0] = [];
    let batch = Channels { batch: 1 << 40, in_channels: 0, out_channels: 0, groups: 1 };
    let shape = ConvTransposeShape::new(batch, vec![axis]).unwrap();
    assert_eq!(
        conv_transpose::conv_transpose(&shape, &none, &none, None).unwrap(),
        none.map(f64::from)
    );
    for algorithm in Algorithm::EXACT {
        let options = PlanOptions { algorithm: Some(algorithm), ..Default::default() };
        let plan = ConvTransposePlan::new(&shape, &options).unwrap();
        assert_eq!(plan.workspace_bytes(), 0);
        plan.forward(&none, &none, None, &mut []).unwrap();
        let into = Gradients { x: Some(&mut []), weight: Some(&mut []), bias: Some(&mut []) };
        plan.backward(&none, &none, &none, into).unwrap();
    }
    let shape = ConvShape::new(batch, vec![axis.forward()]).unwrap();
    assert_eq!(conv::conv(&shape, &none, &none, None).unwrap(), none.map(f64::from));
}
