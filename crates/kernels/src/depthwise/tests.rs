//! Against the reference: exact, as all values are small integers.

use super::*;
use crate::options::Activation;
use crate::reference::conv::conv;
use crate::reference::conv_transpose::{conv_transpose, conv_transpose_x_backward};
use crate::simd::Isa;
use crate::testing::{from_nchw, to_nchw};
use upconv_geometry::{
    Axis, AxisParams, Channels, ConvAxis, ConvAxisParams, ConvPadding, ConvShape,
    ConvTransposeShape,
};

/// Values from -4 to 4, and seldom 0.
fn values(length: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as i64 % 9 - 4
    };
    std::iter::repeat_with(next).take(length).map(|v| v as f32).collect()
}

/// An axis by input, kernel, stride, dilation, where the window begins, and output.
type Numbers = (usize, usize, usize, usize, i64, usize);

fn transposed(batch: usize, channels: usize, axes: &[Numbers]) -> ConvTransposeShape {
    let axis = |(n, &numbers): (usize, &Numbers)| {
        let (input, kernel, stride, dilation, window_begin, output) = numbers;
        let params = AxisParams { input, kernel, stride, dilation, window_begin, output };
        Axis::new(n, params).unwrap()
    };
    let axes = axes.iter().enumerate().map(axis).collect();
    ConvTransposeShape::new(depthwise(batch, channels), axes).unwrap()
}

fn depthwise(batch: usize, channels: usize) -> Channels {
    Channels { batch, in_channels: channels, out_channels: channels, groups: channels }
}

/// An output of `input * stride` cells, or as many as there are.
fn usual(input: usize, kernel: usize, stride: usize) -> Numbers {
    let begin = (kernel.saturating_sub(stride) / 2) as i64;
    (input, kernel, stride, 1, begin, input * stride)
}

fn convolution(batch: usize, channels: usize, axes: &[[usize; 5]]) -> ConvShape {
    let axis = |(n, &[input, kernel, stride, dilation, pad]): (usize, &[usize; 5])| {
        let padding = ConvPadding::Pads { before: pad as i64, after: pad as i64 };
        let params = ConvAxisParams { input, kernel, stride, dilation, padding };
        ConvAxis::new(n, params).unwrap()
    };
    let axes = axes.iter().enumerate().map(axis).collect();
    ConvShape::new(depthwise(batch, channels), axes).unwrap()
}

/// Runs a plan for every instruction set and layout into an output full of NaN.
fn check(
    coupling: &Coupling,
    direction: Direction,
    [x_shape, y_shape]: [&[usize]; 2],
    [x, weight]: [&[f32]; 2],
    epilogue: Epilogue<'_>,
    wanted: &[f64],
) {
    let wanted: Vec<f32> = wanted.iter().map(|&v| epilogue.activation.apply(v as f32)).collect();
    let last = |shape: &[usize]| [&shape[..1], &shape[2..], &shape[1..2]].concat();
    for isa in Isa::available() {
        let isa = Detected::choose(Some(isa)).unwrap();
        for layout in Layout::ALL {
            let plan = DepthwisePlan::new(coupling, direction, isa, layout).unwrap();
            assert!(plan.workspace(1) < 1 << 24);
            // At any distance from a cache line.
            for lead in [0, 4, 7] {
                let mut memory = vec![f32::NAN; lead + wanted.len() + 1];
                let y = &mut memory[lead..lead + wanted.len()];
                let got = match layout {
                    Layout::Nchw => {
                        plan.run(x, weight, epilogue, y);
                        y.to_vec()
                    }
                    Layout::Nhwc => {
                        let mut x_nhwc = vec![0.0; x.len()];
                        from_nchw(x, &last(x_shape), &mut x_nhwc);
                        plan.run(&x_nhwc, weight, epilogue, y);
                        to_nchw(y, &last(y_shape))
                    }
                };
                assert!(memory[..lead].iter().all(|v| v.is_nan()));
                assert!(memory[lead + wanted.len()].is_nan());
                let wrong = got.iter().zip(&wanted).position(|(a, b)| a != b);
                if let Some(n) = wrong {
                    panic!(
                        "{:?} {layout:?} lead {lead}: {} for {} at {n} of {y_shape:?} in {coupling:?}",
                        isa.isa(),
                        got[n],
                        wanted[n],
                    );
                }
            }
        }
    }
}

fn length(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Forward with a bias and an activation, and the gradient for x.
fn check_transposed(shape: &ConvTransposeShape) {
    let (x_shape, y_shape) = (shape.x(), shape.y());
    let weight = values(length(&shape.weight()), 2);
    let bias = values(shape.out_channels(), 3);
    let (x, dy) = (values(length(&x_shape), 1), values(length(&y_shape), 4));
    let coupling = Coupling::of_conv_transpose(shape).unwrap();
    let epilogue = Epilogue { bias: Some(&bias), activation: Activation::Relu };
    let wanted = conv_transpose(shape, &x, &weight, Some(&bias)).unwrap();
    let (forward, back) = (Direction::CoarseToFine, Direction::FineToCoarse);
    check(&coupling, forward, [&x_shape, &y_shape], [&x, &weight], epilogue, &wanted);
    let wanted = conv_transpose_x_backward(shape, &weight, &dy).unwrap();
    check(&coupling, back, [&y_shape, &x_shape], [&dy, &weight], Epilogue::default(), &wanted);
}

fn check_convolution(shape: &ConvShape, activation: Activation) {
    let (x_shape, y_shape) = (shape.x(), shape.y());
    let (x, weight) = (values(length(&x_shape), 1), values(length(&shape.weight()), 2));
    let bias = values(shape.out_channels(), 3);
    let epilogue = Epilogue { bias: Some(&bias), activation };
    let wanted = conv(shape, &x, &weight, Some(&bias)).unwrap();
    let coupling = Coupling::of_conv(shape).unwrap();
    let shapes = [&x_shape[..], &y_shape[..]];
    check(&coupling, Direction::FineToCoarse, shapes, [&x, &weight], epilogue, &wanted);
}

#[test]
fn says_which_instruction_sets_it_tests() {
    let names: Vec<_> = Isa::available().into_iter().map(Isa::name).collect();
    eprintln!("depthwise kernels are tested with: {}", names.join(", "));
}

#[test]
fn strides_and_kernels() {
    for stride in [1, 2, 3, 4, 5, 8, 16, 32] {
        for kernel in [1, 2, 3, 4, 5, 7, 8, 16] {
            for input in [2, 5, 17] {
                let other = usual(3, kernel.min(5), stride.min(3));
                let shape = transposed(1, 2, &[other, usual(input, kernel, stride)]);
                check_transposed(&shape);
            }
        }
    }
}

#[test]
fn kernels_of_twice_the_stride() {
    for stride in [4, 8, 16, 24, 32, 64] {
        let axes = [usual(4, 2 * stride, stride), usual(7, 2 * stride, stride)];
        check_transposed(&transposed(1, 2, &axes));
        let axes = [usual(4, 4, 2), (7, 2 * stride, stride, 1, 3, 6 * stride + 1)];
        check_transposed(&transposed(1, 2, &axes));
        check_transposed(&transposed(1, 2, &[usual(3, 3, 2), usual(7, 3 * stride, stride)]));
    }
}

#[test]
fn channels_of_every_number() {
    for channels in [1, 2, 3, 4, 8, 15, 16, 17, 21, 32, 33, 48] {
        let axes = [usual(5, 4, 2), usual(11, 4, 2)];
        check_transposed(&transposed(2, channels, &axes));
        let axes = [usual(6, 3, 2), usual(19, 3, 2)];
        check_transposed(&transposed(1, channels, &axes));
        let shape = convolution(2, channels, &[[7, 3, 1, 1, 1], [18, 3, 1, 1, 1]]);
        check_convolution(&shape, Activation::LeakyRelu { slope: 0.5 });
    }
}

#[test]
fn windows_that_crop_extend_or_miss() {
    for begin in [-40, -3, 0, 1, 5, 9, 30] {
        for output in [1, 7, 16, 40] {
            for (kernel, stride, dilation) in
                [(4, 2, 1), (3, 2, 1), (3, 1, 2), (3, 4, 1), (2, 2, 2)]
            {
                let x = (6, kernel, stride, dilation, begin, output);
                let y = (4, 3, 2, 1, begin.min(3), output.min(9));
                check_transposed(&transposed(1, 3, &[y, x]));
                check_transposed(&transposed(1, 3, &[x, y]));
            }
        }
    }
}

#[test]
fn one_to_three_axes() {
    for channels in [2, 32] {
        check_transposed(&transposed(3, channels, &[usual(50, 8, 4)]));
        check_transposed(&transposed(1, channels, &[usual(70, 3, 1)]));
        check_transposed(&transposed(1, channels, &[usual(1, 64, 32)]));
        let cube = [usual(3, 4, 2), usual(4, 4, 2), usual(5, 4, 2)];
        check_transposed(&transposed(1, channels, &cube));
        let cube = [usual(4, 3, 1), usual(5, 3, 2), usual(9, 3, 1)];
        check_transposed(&transposed(2, channels, &cube));
        let cube = convolution(1, channels, &[[5, 3, 2, 1, 1], [6, 3, 1, 2, 2], [20, 3, 1, 1, 1]]);
        check_convolution(&cube, Activation::None);
        // Cells of one: taps become outputs.
        let one = (1, 4, 1, 1, 0, 4);
        check_transposed(&transposed(2, channels, &[one, one]));
    }
}

#[test]
fn convolutions() {
    for (kernel, stride, dilation, pad) in [
        (3, 1, 1, 1),
        (3, 2, 1, 1),
        (3, 1, 2, 2),
        (3, 2, 2, 1),
        (5, 1, 1, 2),
        (5, 2, 1, 2),
        (7, 1, 1, 3),
        (7, 3, 1, 3),
        (2, 2, 1, 0),
        (1, 3, 1, 0),
        (4, 4, 1, 8),
        (11, 1, 1, 5),
    ] {
        for side in [11, 16, 33] {
            for channels in [3, 16] {
                let axes = [[side, kernel, stride, dilation, pad]; 2];
                check_convolution(&convolution(1, channels, &axes), Activation::Relu);
            }
        }
    }
}

/// Enough work to be shared out, over planes and within planes.
#[test]
fn shares_give_the_same_bits_for_any_number_of_threads() {
    let noise = |length: usize| -> Vec<f32> {
        values(length, 9).iter().enumerate().map(|(n, v)| v + (n as f32 * 0.7).sin()).collect()
    };
    for (batch, channels, axes) in [
        (1, 21, vec![usual(40, 4, 2), usual(64, 4, 2)]),
        (1, 1, vec![usual(400, 3, 1), usual(300, 3, 1)]),
        (1, 48, vec![usual(60, 3, 1), usual(60, 3, 1)]),
        (2, 1, vec![usual(20, 4, 2), usual(40, 4, 2), usual(40, 4, 2)]),
    ] {
        let shape = transposed(batch, channels, &axes);
        let coupling = Coupling::of_conv_transpose(&shape).unwrap();
        let (x, weight) = (noise(length(&shape.x())), noise(length(&shape.weight())));
        let isa = Detected::choose(None).unwrap();
        for layout in Layout::ALL {
            let plan = DepthwisePlan::new(&coupling, Direction::CoarseToFine, isa, layout).unwrap();
            assert!(plan.split.tasks(&plan.kind.whole()) > 1);
            let runs = [1, 3].map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let mut y = vec![f32::NAN; length(&shape.y())];
                pool.install(|| plan.run(&x, &weight, Epilogue::default(), &mut y));
                assert!(y.iter().all(|v| !v.is_nan()));
                y
            });
            assert!(runs[0].iter().zip(&runs[1]).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
        check_transposed(&shape);
    }
}

/// A value that is not finite reaches the outputs that its taps reach, and no other.
#[test]
fn infinity_stays_where_it_belongs() {
    for kernel in [2, 3, 4, 5] {
        let shape = transposed(1, 1, &[usual(4, kernel, 2), usual(20, kernel, 2)]);
        let coupling = Coupling::of_conv_transpose(&shape).unwrap();
        let mut x = values(length(&shape.x()), 1);
        x[29] = f32::INFINITY;
        let weight = vec![1.0; kernel * kernel];
        let wanted = conv_transpose(&shape, &x, &weight, None).unwrap();
        let shapes = [&shape.x()[..], &shape.y()[..]];
        let epilogue = Epilogue::default();
        check(&coupling, Direction::CoarseToFine, shapes, [&x, &weight], epilogue, &wanted);
    }
}

#[test]
fn activations_follow_the_bias() {
    for activation in Activation::SOME {
        check_convolution(&convolution(1, 2, &[[9, 3, 1, 1, 1]; 2]), activation);
        check_convolution(&convolution(1, 32, &[[9, 3, 1, 1, 1]; 2]), activation);
    }
}

#[test]
fn nothing_to_do() {
    let shape = transposed(0, 3, &[usual(4, 4, 2)]);
    check_transposed(&shape);
}

#[test]
fn other_couplings_are_refused() {
    let channels = Channels { batch: 1, in_channels: 4, out_channels: 2, groups: 2 };
    let (input, kernel, stride, dilation, window_begin, output) = usual(4, 4, 2);
    let params = AxisParams { input, kernel, stride, dilation, window_begin, output };
    let axes = vec![Axis::new(0, params).unwrap()];
    let coupling =
        Coupling::of_conv_transpose(&ConvTransposeShape::new(channels, axes).unwrap()).unwrap();
    let isa = Detected::choose(None).unwrap();
    let plan = DepthwisePlan::new(&coupling, Direction::CoarseToFine, isa, Layout::Nchw);
    assert!(plan.is_none());
}

#[test]
fn diagonals() {
    let mut weight = vec![0.0f32; 3 * 3 * 2];
    weight[5] = -0.0;
    for channel in 0..3 {
        for tap in 0..2 {
            weight[(channel * 3 + channel) * 2 + tap] = (channel * 2 + tap) as f32;
        }
    }
    assert_eq!(diagonal(&weight, 3, 2), Some(vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
    for (at, value) in [(2, 1e-40), (17 - 2, f32::NAN), (11, f32::INFINITY)] {
        let mut other = weight.clone();
        other[at] = value;
        assert_eq!(diagonal(&other, 3, 2), None);
    }
    assert_eq!(diagonal(&weight, 2, 2), None);
    assert_eq!(diagonal(&[], 0, 4), None);
}
