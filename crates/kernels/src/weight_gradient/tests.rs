//! Every way against the reference in f64.

use super::*;
use crate::reference::conv_transpose::conv_transpose_weight_backward;
use crate::simd::Isa;
use upconv_geometry::{Axis, AxisParams, Channels, ConvTransposeShape};

/// Splitmix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `range`, ends included.
    fn pick(&mut self, [first, last]: [i64; 2]) -> i64 {
        first + (self.next() % (last - first + 1) as u64) as i64
    }

    fn size(&mut self, first: usize, last: usize) -> usize {
        self.pick([first as i64, last as i64]) as usize
    }

    /// Small integers: sums of a few thousand products of them are exact in f32.
    fn integers(&mut self, number: usize) -> Vec<f32> {
        (0..number).map(|_| self.pick([-4, 4]) as f32).collect()
    }

    fn uniform(&mut self, number: usize) -> Vec<f32> {
        (0..number).map(|_| (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0).collect()
    }
}

/// Input, kernel, stride, dilation, where the window begins, and how far it ends behind the last cell.
type AxisSizes = (usize, usize, usize, usize, i64, i64);

fn axis(index: usize, (input, kernel, stride, dilation, begin, end): AxisSizes) -> Axis {
    let full = ((input - 1) * stride + (kernel - 1) * dilation + 1) as i64;
    let output = (full - begin + end).max(1) as usize;
    let params = AxisParams { input, kernel, stride, dilation, window_begin: begin, output };
    Axis::new(index, params).expect("sizes are legal")
}

/// Batch, groups, coarse and fine channels of a group.
type ChannelSizes = (usize, usize, usize, usize);

fn shape((batch, groups, coarse, fine): ChannelSizes, axes: &[AxisSizes]) -> ConvTransposeShape {
    let axes = axes.iter().enumerate().map(|(n, &sizes)| axis(n, sizes)).collect();
    let (in_channels, out_channels) = (coarse * groups, fine * groups);
    ConvTransposeShape::new(Channels { batch, in_channels, out_channels, groups }, axes)
        .expect("sizes are legal")
}

fn to_nhwc(tensor: &[f32], shape: &[usize]) -> Vec<f32> {
    let (channels, cells) = (shape[1], shape[2..].iter().product::<usize>());
    let at = |n: usize| {
        let (image, cell, channel) = (n / (cells * channels), n / channels % cells, n % channels);
        tensor[(image * channels + channel) * cells + cell]
    };
    (0..tensor.len()).map(at).collect()
}

fn length(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// All ways that apply, each with the shape that it is made for.
fn ways(coupling: &Coupling, isa: Detected, layout: Layout) -> Vec<WeightGradient> {
    let all = all_ways(&Shape::new(coupling, isa, layout));
    all.into_iter().filter_map(|(shape, way)| WeightGradient::with(shape, way)).collect()
}

/// Runs every way for every instruction set and layout.
fn each(
    shape: &ConvTransposeShape,
    coarse: &[f32],
    fine: &[f32],
    check: impl Fn(&WeightGradient, &[f32]),
) {
    let coupling = Coupling::of_conv_transpose(shape).expect("sizes are legal");
    for isa in Isa::available() {
        let isa = Detected::choose(Some(isa)).expect("listed as available");
        for layout in Layout::ALL {
            let (coarse, fine) = match layout {
                Layout::Nchw => (coarse.to_vec(), fine.to_vec()),
                Layout::Nhwc => (to_nhwc(coarse, &shape.x()), to_nhwc(fine, &shape.y())),
            };
            assert!(WeightGradient::new(&coupling, isa, layout).is_some());
            for way in ways(&coupling, isa, layout) {
                let mut dw = vec![f32::NAN; length(&shape.weight())];
                // Once with buffers that hold anything but numbers.
                let mut work = Work::new(way.panels);
                work.a.fill(f32::NAN);
                work.b.fill(f32::NAN);
                way.idle.put(work);
                way.run(&coarse, &fine, &mut dw);
                check(&way, &dw);
                dw.fill(f32::NAN);
                way.run(&coarse, &fine, &mut dw);
                check(&way, &dw);
            }
        }
    }
}

fn exact(shape: &ConvTransposeShape, random: &mut Random) {
    let coarse = random.integers(length(&shape.x()));
    let fine = random.integers(length(&shape.y()));
    let expected = conv_transpose_weight_backward(shape, &coarse, &fine).expect("lengths fit");
    each(shape, &coarse, &fine, |way, dw| {
        for (at, (&got, &expected)) in dw.iter().zip(&expected).enumerate() {
            assert!(f64::from(got) == expected, "[{at}] {got} for {expected}: {way:?}");
        }
    });
}

/// Within `1e-6` of the sum of absolute terms, as the module promises.
fn close(shape: &ConvTransposeShape, coarse: &[f32], fine: &[f32]) {
    let absolute = |values: &[f32]| values.iter().map(|v| v.abs()).collect::<Vec<_>>();
    let expected = conv_transpose_weight_backward(shape, coarse, fine).expect("lengths fit");
    let terms = conv_transpose_weight_backward(shape, &absolute(coarse), &absolute(fine))
        .expect("lengths fit");
    each(shape, coarse, fine, |way, dw| {
        for (at, (&got, (&expected, &terms))) in
            dw.iter().zip(expected.iter().zip(&terms)).enumerate()
        {
            let error = (f64::from(got) - expected).abs();
            assert!(error <= 1e-6 * terms, "[{at}] {got} for {expected} of {terms}: {way:?}");
        }
    });
}

#[test]
fn chosen_shapes_are_exact() {
    eprintln!("tested instruction sets: {:?}", Isa::available());
    let mut random = Random(1);
    let shapes = [
        // Tiles with a rest, several images in a block.
        shape((3, 1, 21, 37), &[(5, 4, 2, 1, 1, -1), (6, 5, 2, 1, 2, 0)]),
        // Long kernels: windows of whole registers, and of one and a half.
        shape((2, 1, 9, 3), &[(5, 16, 8, 1, 4, -4), (7, 16, 8, 1, 4, -4)]),
        shape((1, 1, 5, 2), &[(3, 40, 16, 1, 8, -8), (4, 70, 32, 1, 16, -16)]),
        shape((2, 1, 3, 1), &[(9, 100, 16, 1, 0, 0)]),
        shape((1, 1, 3, 5), &[(11, 24, 7, 1, 3, 2)]),
        shape((2, 3, 2, 1), &[(9, 40, 16, 1, 5, 3)]),
        // Single cells, with and without a border.
        shape((7, 1, 13, 24), &[(1, 4, 1, 1, 0, 0), (1, 4, 1, 1, 0, 0)]),
        shape((5, 2, 6, 7), &[(1, 3, 2, 1, 0, 0), (1, 3, 2, 1, 0, 0)]),
        shape((5, 2, 6, 7), &[(1, 3, 2, 1, 1, 0), (1, 3, 2, 1, 0, 2)]),
        // Depthwise, also with few channels in each group.
        shape((2, 21, 1, 1), &[(9, 4, 2, 1, 1, -1), (10, 4, 2, 1, 1, -1)]),
        shape((1, 5, 2, 3), &[(9, 3, 1, 2, 2, -2), (10, 7, 1, 1, 3, -3)]),
        shape((1, 33, 1, 1), &[(4, 2, 2, 1, 0, 0), (5, 3, 1, 1, 1, -1), (6, 9, 2, 1, 1, 0)]),
        // Kernels smaller than the stride, and dilation beyond the other side.
        shape((2, 1, 17, 18), &[(5, 2, 5, 1, 0, 0), (6, 1, 3, 1, 0, 2)]),
        shape((1, 1, 4, 20), &[(3, 3, 1, 9, 9, -9), (4, 2, 3, 5, -2, 3)]),
        // Windows that miss everything on one side.
        shape((1, 1, 2, 3), &[(3, 3, 2, 1, -4, 4)]),
        shape((1, 1, 2, 3), &[(4, 3, 2, 1, 7, 3)]),
        // Long rows and many of them: several blocks, and parts whose sums are added up.
        shape((1, 1, 2, 2), &[(700, 3, 2, 1, 1, -1)]),
        shape((1, 1, 16, 33), &[(40, 3, 1, 1, 1, -1), (70, 3, 1, 1, 1, -1)]),
        // Rows that no cache holds.
        shape((1, 1, 20, 33), &[(3, 30, 32, 1, 3, 0), (12, 40, 32, 1, 4, -4)]),
        shape((0, 1, 2, 3), &[(4, 3, 2, 1, 0, 0)]),
    ];
    shapes.iter().for_each(|shape| exact(shape, &mut random));
}

#[test]
fn random_shapes_are_exact() {
    let mut random = Random(2);
    for round in 0..150 {
        let axes = round % 3 + 1;
        let most = [40, 9, 5][axes - 1];
        let sizes: Vec<AxisSizes> = (0..axes)
            .map(|_| {
                let kernel = random.size(1, [20, 6, 3][axes - 1]);
                let (stride, dilation) = (random.size(1, 5), random.size(1, 3));
                let input = random.size(1, most);
                // Cropped, or extended.
                (input, kernel, stride, dilation, random.pick([-2, 3]), random.pick([-3, 3]))
            })
            .collect();
        let groups = [1, 1, 1, 2, 4][random.size(0, 4)];
        let channels = (random.size(1, 3), groups, random.size(1, 20), random.size(1, 35));
        exact(&shape(channels, &sizes), &mut random);
    }
}

#[test]
fn long_sums_stay_close() {
    let mut random = Random(3);
    let shapes = [
        shape((4, 1, 3, 2), &[(90, 3, 2, 1, 1, 0), (70, 3, 2, 1, 1, 0)]),
        shape((1, 4, 1, 1), &[(150, 3, 1, 1, 1, -1), (170, 3, 1, 1, 1, -1)]),
        shape((2, 1, 2, 1), &[(100_000, 2, 1, 1, 0, 0)]),
    ];
    for shape in &shapes {
        let (coarse, fine) = (length(&shape.x()), length(&shape.y()));
        close(shape, &random.uniform(coarse), &random.uniform(fine));
        // Sums that only ever grow have the largest errors.
        let positive = |values: Vec<f32>| values.iter().map(|v| v.abs()).collect::<Vec<_>>();
        close(shape, &positive(random.uniform(coarse)), &positive(random.uniform(fine)));
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let mut random = Random(4);
    let shapes = [
        shape((2, 1, 40, 24), &[(20, 5, 2, 1, 2, 0), (21, 5, 2, 1, 2, 0)]),
        shape((1, 20, 1, 1), &[(60, 4, 2, 1, 1, -1), (60, 4, 2, 1, 1, -1)]),
        shape((1, 1, 12, 5), &[(40, 16, 8, 1, 4, -4), (40, 16, 8, 1, 4, -4)]),
    ];
    for shape in &shapes {
        let coupling = Coupling::of_conv_transpose(shape).expect("sizes are legal");
        let (coarse, fine) = (length(&shape.x()), length(&shape.y()));
        let (coarse, fine) = (random.uniform(coarse), random.uniform(fine));
        let isa = Detected::choose(None).expect("there is one");
        let plan = WeightGradient::new(&coupling, isa, Layout::Nchw).expect("it is small");
        assert!(plan.split.tasks() > 1);
        let results = [1, 2, 3, 8].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let mut dw = vec![f32::NAN; length(&shape.weight())];
            pool.expect("threads start").install(|| plan.run(&coarse, &fine, &mut dw));
            dw.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
        });
        assert!(results.windows(2).all(|two| two[0] == two[1]));
    }
}
