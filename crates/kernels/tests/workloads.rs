//! Forward and all gradients at the layers that the benchmark times, on uniform random floats, in both
//! layouts. Elements drawn at random are compared with sums in f64 that are written out here.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{cells, poison, to_nhwc, uniform};
use upconv_geometry::dialect::pytorch::ConvTranspose;
use upconv_geometry::{Channels, ConvShape, ConvTransposeShape, Dialect, Padding};
use upconv_kernels::{Aligned, ConvPlan, ConvTransposePlan, Gradients, Isa, Layout, PlanOptions};

/// A layer with the same numbers along every axis.
struct Layer {
    name: &'static str,
    batch: usize,
    channels: [usize; 2],
    input: &'static [usize],
    kernel: usize,
    stride: usize,
    padding: usize,
    output_padding: usize,
    groups: usize,
}

#[rustfmt::skip]
const TRANSPOSED: [Layer; 14] = [
    layer("W1", 1, [21, 21], &[70, 70], [16, 8, 4, 0], 1),
    layer("W2", 1, [21, 21], &[34, 34], [4, 2, 1, 0], 1),
    layer("W3", 16, [100, 1024], &[1, 1], [4, 1, 0, 0], 1),
    layer("W4", 2, [512, 256], &[8, 8], [5, 2, 2, 1], 1),
    layer("W4b", 2, [1024, 512], &[4, 4], [4, 2, 1, 0], 1),
    layer("W5", 2, [256, 128], &[16, 16], [5, 2, 2, 1], 1),
    layer("W6", 2, [128, 3], &[32, 32], [5, 2, 2, 1], 1),
    layer("W7", 1, [256, 128], &[56, 56], [2, 2, 0, 0], 1),
    layer("W8", 1, [128, 64], &[112, 112], [2, 2, 0, 0], 1),
    layer("W9", 1, [21, 21], &[16, 16], [64, 32, 16, 0], 1),
    layer("W10", 1, [256, 128], &[32, 32], [3, 2, 1, 1], 1),
    layer("W11", 1, [21, 21], &[64, 64], [4, 2, 1, 0], 21),
    layer("W12", 1, [32, 16], &[16, 16, 16], [4, 2, 1, 0], 1),
    layer("W13", 1, [512, 256], &[128], [16, 8, 4, 0], 1),
];

#[rustfmt::skip]
const CONVOLUTIONS: [Layer; 7] = [
    layer("C1", 1, [64, 64], &[56, 56], [3, 1, 1, 0], 1),
    layer("C2", 1, [128, 128], &[28, 28], [3, 1, 1, 0], 1),
    layer("C3", 1, [256, 256], &[14, 14], [3, 1, 1, 0], 1),
    layer("C4", 1, [3, 64], &[224, 224], [7, 2, 3, 0], 1),
    layer("C5", 1, [256, 64], &[56, 56], [1, 1, 0, 0], 1),
    layer("C6", 1, [144, 144], &[56, 56], [3, 1, 1, 0], 144),
    layer("C7", 1, [512, 512], &[7, 7], [3, 1, 1, 0], 1),
];

const fn layer(
    name: &'static str,
    batch: usize,
    channels: [usize; 2],
    input: &'static [usize],
    [kernel, stride, padding, output_padding]: [usize; 4],
    groups: usize,
) -> Layer {
    Layer { name, batch, channels, input, kernel, stride, padding, output_padding, groups }
}

/// The coarse side (few cells), the fine side, and the weight `[coarse, fine / groups, taps]`.
struct Sides<'a> {
    layer: &'a Layer,
    coarse: [usize; 2],
    fine: [usize; 2],
    coarse_cells: Vec<usize>,
    fine_cells: Vec<usize>,
}

/// A sum and the sum of its terms' magnitudes.
#[derive(Default)]
struct Sum {
    value: f64,
    terms: f64,
}

impl Sum {
    fn add(&mut self, a: f32, b: f32) {
        let term = f64::from(a) * f64::from(b);
        self.value += term;
        self.terms += term.abs();
    }

    fn check(&self, what: &str, got: f32) {
        let error = (f64::from(got) - self.value).abs();
        assert!(error <= 1e-6 * (1.0 + self.terms), "{what}: {got}, expected {}", self.value);
    }
}

fn unravel(mut flat: usize, sizes: &[usize]) -> Vec<usize> {
    let mut at = vec![0; sizes.len()];
    for (at, size) in at.iter_mut().zip(sizes).rev() {
        (*at, flat) = (flat % size, flat / size);
    }
    at
}

impl Sides<'_> {
    fn taps(&self) -> usize {
        self.layer.kernel.pow(self.layer.input.len() as u32)
    }

    /// The fine cell that a coarse cell meets through a tap: `q * stride + tap - padding`.
    fn meets(&self, coarse: usize, tap: usize) -> Option<usize> {
        let rank = self.layer.input.len();
        let (q, t) =
            (unravel(coarse, &self.coarse_cells), unravel(tap, &vec![self.layer.kernel; rank]));
        let mut fine = 0;
        for axis in 0..rank {
            let at = (q[axis] * self.layer.stride + t[axis]).checked_sub(self.layer.padding)?;
            if at >= self.fine_cells[axis] {
                return None;
            }
            fine = fine * self.fine_cells[axis] + at;
        }
        Some(fine)
    }

    /// The coarse cell that meets a fine cell through a tap: `(p + padding - tap) / stride`, if it is whole.
    fn met_by(&self, fine: usize, tap: usize) -> Option<usize> {
        let rank = self.layer.input.len();
        let (p, t) =
            (unravel(fine, &self.fine_cells), unravel(tap, &vec![self.layer.kernel; rank]));
        let mut coarse = 0;
        for axis in 0..rank {
            let at = (p[axis] + self.layer.padding).checked_sub(t[axis])?;
            let (at, rest) = (at / self.layer.stride, at % self.layer.stride);
            if rest != 0 || at >= self.coarse_cells[axis] {
                return None;
            }
            coarse = coarse * self.coarse_cells[axis] + at;
        }
        Some(coarse)
    }

    fn weight_at(&self, coarse: usize, fine: usize, tap: usize) -> usize {
        let per_group = self.fine[1] / self.layer.groups;
        (coarse * per_group + fine % per_group) * self.taps() + tap
    }

    /// The channels of one side that share a group with a channel of the other.
    fn partners(&self, channel: usize, own: usize, other: usize) -> std::ops::Range<usize> {
        let group = channel / (own / self.layer.groups);
        let per_group = other / self.layer.groups;
        group * per_group..(group + 1) * per_group
    }

    /// What reaches a fine element.
    fn fine_sum(&self, x: &[f32], w: &[f32], flat: usize) -> Sum {
        let (coarse, fine) = (cells(&self.coarse_cells), cells(&self.fine_cells));
        let (plane, cell) = (flat / fine, flat % fine);
        let (image, channel) = (plane / self.fine[1], plane % self.fine[1]);
        let mut sum = Sum::default();
        for tap in 0..self.taps() {
            let Some(q) = self.met_by(cell, tap) else { continue };
            for c in self.partners(channel, self.fine[1], self.coarse[1]) {
                let x = x[(image * self.coarse[1] + c) * coarse + q];
                sum.add(x, w[self.weight_at(c, channel, tap)]);
            }
        }
        sum
    }

    /// What a coarse element gathers.
    fn coarse_sum(&self, y: &[f32], w: &[f32], flat: usize) -> Sum {
        let (coarse, fine) = (cells(&self.coarse_cells), cells(&self.fine_cells));
        let (plane, q) = (flat / coarse, flat % coarse);
        let (image, channel) = (plane / self.coarse[1], plane % self.coarse[1]);
        let mut sum = Sum::default();
        for tap in 0..self.taps() {
            let Some(p) = self.meets(q, tap) else { continue };
            for f in self.partners(channel, self.coarse[1], self.fine[1]) {
                let y = y[(image * self.fine[1] + f) * fine + p];
                sum.add(y, w[self.weight_at(channel, f, tap)]);
            }
        }
        sum
    }

    /// The gradient for a weight.
    fn weight_sum(&self, x: &[f32], y: &[f32], flat: usize) -> Sum {
        let (coarse, fine) = (cells(&self.coarse_cells), cells(&self.fine_cells));
        let (pair, tap) = (flat / self.taps(), flat % self.taps());
        let per_group = self.fine[1] / self.layer.groups;
        let channel = pair / per_group;
        let f = self.partners(channel, self.coarse[1], self.fine[1]).start + pair % per_group;
        let mut sum = Sum::default();
        for q in 0..coarse {
            let Some(p) = self.meets(q, tap) else { continue };
            for image in 0..self.layer.batch {
                let x = x[(image * self.coarse[1] + channel) * coarse + q];
                sum.add(x, y[(image * self.fine[1] + f) * fine + p]);
            }
        }
        sum
    }
}

/// Elements to look at: the first, the last, and some between.
fn sample(length: usize, seed: u64, number: usize) -> Vec<usize> {
    let drawn = uniform(number, seed).into_iter();
    let drawn = drawn.map(|v| ((f64::from(v) + 1.0) / 2.0 * (length - 1) as f64) as usize);
    drawn.chain([0, length - 1]).collect()
}

/// A tensor of another layout, and back.
fn lie(layout: Layout, tensor: &[f32], shape: &[usize]) -> Vec<f32> {
    match layout {
        Layout::Nchw => tensor.to_vec(),
        Layout::Nhwc => to_nhwc(tensor, shape),
    }
}

fn back(layout: Layout, tensor: &[f32], shape: &[usize]) -> Vec<f32> {
    match layout {
        Layout::Nchw => tensor.to_vec(),
        // Cells by channels, turned over again.
        Layout::Nhwc => to_nhwc(tensor, &[shape[0], cells(&shape[2..]), shape[1]]),
    }
}

/// What a plan of either operation computes from NCHW tensors: y, dx, dw, db in NCHW.
type Run<'a> = &'a dyn Fn(PlanOptions, [&[f32]; 4]) -> [Vec<f32>; 4];

fn check(sides: &Sides<'_>, shapes: [Vec<usize>; 3], transposed: bool, run: Run<'_>) {
    let name = sides.layer.name;
    let [x_shape, w_shape, y_shape] = shapes;
    let (x, w) = (uniform(cells(&x_shape), 1), uniform(cells(&w_shape), 2));
    let (bias, dy) = (uniform(y_shape[1], 3), uniform(cells(&y_shape), 4));
    for layout in Layout::ALL {
        let options = PlanOptions { layout, ..Default::default() };
        let [y, dx, dw, db] = run(options, [&x, &w, &bias, &dy]);
        let plane = cells(&y_shape[2..]);
        for n in sample(y.len(), 5, 40) {
            let mut sum = match transposed {
                true => sides.fine_sum(&x, &w, n),
                false => sides.coarse_sum(&x, &w, n),
            };
            sum.add(bias[n / plane % y_shape[1]], 1.0);
            sum.check(&format!("{name} {layout:?} y[{n}]"), y[n]);
        }
        for n in sample(dx.len(), 6, 40) {
            let sum = match transposed {
                true => sides.coarse_sum(&dy, &w, n),
                false => sides.fine_sum(&dy, &w, n),
            };
            sum.check(&format!("{name} {layout:?} dx[{n}]"), dx[n]);
        }
        for n in sample(dw.len(), 7, 40) {
            let (coarse, fine) = if transposed { (&x, &dy) } else { (&dy, &x) };
            let sum = sides.weight_sum(coarse, fine, n);
            sum.check(&format!("{name} {layout:?} dw[{n}]"), dw[n]);
        }
        for (channel, &db) in db.iter().enumerate() {
            let mut sum = Sum::default();
            let planes = dy.chunks(plane).skip(channel).step_by(y_shape[1]);
            planes.flatten().for_each(|&v| sum.add(v, 1.0));
            sum.check(&format!("{name} {layout:?} db[{channel}]"), db);
        }
    }
}

/// Runs forward and backward of a plan, from buffers full of NaN.
macro_rules! run {
    ($plan:ident, $shape:expr) => {
        &|options: PlanOptions, [x, w, bias, dy]: [&[f32]; 4]| {
            let (layout, shape) = (options.layout, $shape);
            let plan = $plan::new(shape, &options).unwrap();
            let (x_shape, y_shape) = (shape.x(), shape.y());
            let (x, dy) = (lie(layout, x, &x_shape), lie(layout, dy, &y_shape));
            // One that begins a cache line, and one that does not: large ones are stored in different ways.
            let mut y = Aligned::zeros(dy.len());
            y.fill(f32::NAN);
            plan.forward(&x, w, Some(bias), &mut y).unwrap();
            let mut askew = Aligned::zeros(dy.len() + 1);
            askew.fill(f32::NAN);
            plan.forward(&x, w, Some(bias), &mut askew[1..]).unwrap();
            let same = y.iter().zip(&askew[1..]).all(|(a, b)| a.to_bits() == b.to_bits());
            assert!(same, "{layout:?}: bits depend on where the output lies");
            let (mut dx, mut dw, mut db) = (poison(x.len()), poison(w.len()), poison(bias.len()));
            let into = Gradients { x: Some(&mut dx), weight: Some(&mut dw), bias: Some(&mut db) };
            plan.backward(&x, w, &dy, into).unwrap();
            [back(layout, &y, &y_shape), back(layout, &dx, &x_shape), dw, db]
        }
    };
}

/// The shape of a transposed layer.
fn transposed(layer: &Layer, batch: usize) -> ConvTransposeShape {
    let rank = layer.input.len();
    let all = |n: usize| vec![n as i64; rank];
    let op = ConvTranspose {
        stride: all(layer.stride),
        padding: all(layer.padding),
        output_padding: all(layer.output_padding),
        groups: layer.groups as i64,
        ..Default::default()
    };
    let x = [&[batch, layer.channels[0]], layer.input].concat();
    let w = [vec![layer.channels[0], layer.channels[1] / layer.groups], vec![layer.kernel; rank]];
    op.shape(&x, &w.concat(), None).unwrap()
}

/// The shape of a convolution.
fn convolution(layer: &Layer, batch: usize) -> ConvShape {
    let rank = layer.input.len();
    let all = |n: i64| vec![n; rank];
    let pads = Padding::Pads(vec![(layer.padding as i64, layer.padding as i64); rank]);
    let (stride, dilation) = (all(layer.stride as i64), all(1));
    let kernel = vec![layer.kernel; rank];
    let axes = Dialect::Onnx.conv_axes(layer.input, &kernel, &stride, &dilation, &pads).unwrap();
    let channels = Channels {
        batch,
        in_channels: layer.channels[0],
        out_channels: layer.channels[1],
        groups: layer.groups,
    };
    ConvShape::new(channels, axes).unwrap()
}

#[test]
fn transposed_convolutions_of_the_benchmark() {
    eprintln!("tested: {:?}", Isa::available().last().map(|isa| isa.name()));
    for layer in &TRANSPOSED {
        let shape = transposed(layer, layer.batch);
        let y = shape.y();
        let sides = Sides {
            layer,
            coarse: [layer.batch, layer.channels[0]],
            fine: [layer.batch, layer.channels[1]],
            coarse_cells: layer.input.to_vec(),
            fine_cells: y[2..].to_vec(),
        };
        let shapes = [shape.x(), shape.weight(), y];
        check(&sides, shapes, true, run!(ConvTransposePlan, &shape));
    }
}

#[test]
fn convolutions_of_the_benchmark() {
    for layer in &CONVOLUTIONS {
        let shape = convolution(layer, layer.batch);
        let sides = Sides {
            layer,
            coarse: [layer.batch, layer.channels[1]],
            fine: [layer.batch, layer.channels[0]],
            coarse_cells: shape.y()[2..].to_vec(),
            fine_cells: layer.input.to_vec(),
        };
        let shapes = [shape.x(), shape.weight(), shape.y()];
        check(&sides, shapes, false, run!(ConvPlan, &shape));
    }
}

/// The workspace is at most the weight and twice the larger of both tensors, however many threads there are.
#[test]
fn workspaces_keep_to_their_bound() {
    let bound = |shapes: [Vec<usize>; 3]| {
        let [x, w, y] = shapes.map(|shape| cells(&shape) * size_of::<f32>());
        w + 2 * x.max(y)
    };
    for threads in [1, 2, 16] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for (batch, layout) in [1, 16].into_iter().flat_map(|n| Layout::ALL.map(|l| (n, l))) {
            let options = PlanOptions { layout, ..Default::default() };
            let plans = |layer: &Layer| {
                let shape = transposed(layer, batch);
                let plan = ConvTransposePlan::new(&shape, &options).unwrap();
                (plan.workspace_bytes(), bound([shape.x(), shape.weight(), shape.y()]))
            };
            let convolutions = |layer: &Layer| {
                let shape = convolution(layer, batch);
                let plan = ConvPlan::new(&shape, &options).unwrap();
                (plan.workspace_bytes(), bound([shape.x(), shape.weight(), shape.y()]))
            };
            let transposed = TRANSPOSED.iter().map(|layer| (layer.name, plans(layer)));
            let all = transposed.chain(CONVOLUTIONS.iter().map(|l| (l.name, convolutions(l))));
            pool.install(|| {
                for (name, (workspace, bound)) in all {
                    let what = format!("{name} {layout:?} batch {batch}, {threads} threads");
                    assert!(workspace <= bound, "{what}: {workspace} bytes of {bound}");
                }
            });
        }
    }
}
