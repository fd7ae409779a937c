//! Compiled networks against the same operations one by one, on the reference.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use proptest::prelude::*;
use support::*;
use upconv_geometry::dialect::pytorch::ConvTranspose;
use upconv_geometry::{Channels, ConvPadding, ConvShape, Dialect, Padding, PoolRounding};
use upconv_kernels::inference::{BatchNorm, Graph, NetworkOptions, Parameter, Value};
use upconv_kernels::pool::PoolWindow;
use upconv_kernels::reference::max_pool::{self, IndexMeaning};
use upconv_kernels::reference::{conv, conv_transpose};
use upconv_kernels::{Activation, Isa, KernelError, Layout};

/// Values with their shapes, beside the graph that computes the same.
struct Twin<'w> {
    graph: Graph<'w>,
    values: Vec<(Vec<f64>, Vec<usize>)>,
    seed: u64,
}

impl<'w> Twin<'w> {
    fn new() -> Self {
        Self { graph: Graph::new(), values: Vec::new(), seed: 1 }
    }

    fn parameters(&mut self, shape: &[usize]) -> Vec<f32> {
        self.seed += 1;
        integers(cells(shape), self.seed).into_iter().map(|v| v / 8.0).collect()
    }

    fn keep(&mut self, value: Value, values: Vec<f64>) -> Value {
        let shape = self.graph.shape(value).to_vec();
        assert_eq!(values.len(), cells(&shape));
        self.values.push((values, shape));
        value
    }

    fn of(&self, at: usize) -> (Vec<f32>, Vec<usize>) {
        let (values, shape) = &self.values[at];
        (values.iter().map(|&v| v as f32).collect(), shape.clone())
    }

    fn input(&mut self, shape: &[usize]) -> Value {
        let value = self.graph.input(shape).unwrap();
        let values = self.parameters(shape).into_iter().map(f64::from).collect();
        self.keep(value, values)
    }

    /// `at` is the number of the value, as they were made.
    fn conv(&mut self, at: usize, x: Value, out: usize, kernel: usize, stride: i64) -> Value {
        let (values, shape) = self.of(at);
        let pad = kernel as i64 / 2;
        let axes = Dialect::Pytorch
            .conv_axes(
                &shape[2..],
                &[kernel; 2],
                &[stride; 2],
                &[1, 1],
                &Padding::Pads(vec![(pad, pad); 2]),
            )
            .unwrap();
        let channels =
            Channels { batch: shape[0], in_channels: shape[1], out_channels: out, groups: 1 };
        let own = ConvShape::new(channels, axes.clone()).unwrap();
        let (w, b) = (self.parameters(&own.weight()), self.parameters(&[out]));
        let y = conv::conv(&own, &values, &w, Some(&b)).unwrap();
        let value = self.graph.conv(x, axes, 1, w.into(), Some(b.into())).unwrap();
        self.keep(value, y)
    }

    fn double(&mut self, at: usize, x: Value, out: usize) -> Value {
        let (values, shape) = self.of(at);
        let op = ConvTranspose { stride: vec![2, 2], ..Default::default() };
        let weight = [shape[1], out / 2, 2, 2];
        let axes = op.axes(&shape[2..], &[2, 2]).unwrap();
        let channels =
            Channels { batch: shape[0], in_channels: shape[1], out_channels: out, groups: 2 };
        let own = upconv_geometry::ConvTransposeShape::new(channels, axes.clone()).unwrap();
        let w = self.parameters(&weight);
        let y = conv_transpose::conv_transpose(&own, &values, &w, None).unwrap();
        let value = self.graph.conv_transpose(x, axes, 2, w.into(), None).unwrap();
        self.keep(value, y)
    }

    fn norm(&mut self, at: usize, x: Value) -> Value {
        let (values, shape) = self.values[at].clone();
        let c = [shape[1]];
        let [gamma, beta, mean] = std::array::from_fn(|_| self.parameters(&c));
        let variance: Vec<f32> = self.parameters(&c).iter().map(|v| v.abs() + 0.25).collect();
        let plane = cells(&shape[2..]);
        let normal = |(at, v): (usize, &f64)| {
            let c = at / plane % shape[1];
            let wide = |values: &[f32]| f64::from(values[c]);
            (v - wide(&mean)) / (wide(&variance) + 1e-3).sqrt() * wide(&gamma) + wide(&beta)
        };
        let y = values.iter().enumerate().map(normal).collect();
        let norm = BatchNorm {
            gamma: gamma.clone().into(),
            beta: beta.clone().into(),
            mean: mean.clone().into(),
            variance: variance.clone().into(),
            epsilon: 1e-3,
        };
        let value = self.graph.batch_norm(x, &norm).unwrap();
        self.keep(value, y)
    }

    fn activation(&mut self, at: usize, x: Value, activation: Activation) -> Value {
        let y = self.values[at].0.iter().map(|&v| f64::from(activation.apply(v as f32)));
        let y = y.collect();
        let value = self.graph.activation(x, activation);
        self.keep(value, y)
    }

    fn add(&mut self, [a, b]: [usize; 2], values: [Value; 2]) -> Value {
        let y = self.values[a].0.iter().zip(&self.values[b].0).map(|(a, b)| a + b).collect();
        let value = self.graph.add(values[0], values[1]).unwrap();
        self.keep(value, y)
    }

    fn concat(&mut self, at: &[usize], values: &[Value]) -> Value {
        let value = self.graph.concat(values).unwrap();
        let batch = self.graph.shape(value)[0];
        let mut y = Vec::new();
        for image in 0..batch {
            for &at in at {
                let own = self.values[at].0.len() / batch;
                y.extend_from_slice(&self.values[at].0[image * own..][..own]);
            }
        }
        self.keep(value, y)
    }

    fn pool(&mut self, at: usize, x: Value) -> Value {
        let window = PoolWindow {
            kernel: vec![2, 2],
            stride: vec![2, 2],
            dilation: vec![1, 1],
            padding: vec![ConvPadding::Valid; 2],
            rounding: PoolRounding::Floor,
        };
        let (values, shape) = self.of(at);
        let y = max_pool::max_pool(&window, &shape, &values, IndexMeaning::Plane).unwrap();
        let value = self.graph.max_pool(x, &window).unwrap();
        self.keep(value, y.values)
    }

    fn mean(&mut self, at: usize, x: Value) -> Value {
        let (values, shape) = &self.values[at];
        let plane = cells(&shape[2..]);
        let y = values.chunks(plane).map(|v| v.iter().sum::<f64>() / plane as f64).collect();
        let value = self.graph.global_mean(x);
        self.keep(value, y)
    }

    fn gate(&mut self, [x, gate]: [usize; 2], values: [Value; 2]) -> Value {
        let plane = cells(&self.values[x].1[2..]);
        let y = self.values[x].0.iter().enumerate();
        let y = y.map(|(at, v)| v * self.values[gate].0[at / plane]).collect();
        let value = self.graph.gate(values[0], values[1]).unwrap();
        self.keep(value, y)
    }
}

/// A net with everything: folding that is possible and folding that is not, what is read twice, a skip that is
/// joined, a residual, a gate, several outputs, one of them read again.
fn net(batch: usize) -> (Twin<'static>, Vec<usize>, Vec<Value>) {
    let relu = Activation::Relu;
    let mut twin = Twin::new();
    let x = twin.input(&[batch, 3, 10, 14]); // 0
    let a = twin.conv(0, x, 20, 3, 1); // 1
    let a = twin.norm(1, a); // 2
    let a = twin.activation(2, a, relu); // 3
    let p = twin.pool(3, a); // 4
    let b = twin.conv(4, p, 8, 1, 1); // 5, read by the norm and the sum
    let n = twin.norm(5, b); // 6
    let n = twin.activation(6, n, Activation::LeakyRelu { slope: 0.25 }); // 7
    let s = twin.add([5, 7], [b, n]); // 8
    let s = twin.activation(8, s, relu); // 9
    let m = twin.mean(9, s); // 10
    let g = twin.activation(10, m, Activation::Sigmoid); // 11
    let s = twin.gate([9, 11], [s, g]); // 12
    let u = twin.double(12, s, 6); // 13
    let u = twin.norm(13, u); // 14
    let c = twin.concat(&[3, 14], &[a, u]); // 15
    let y = twin.conv(15, c, 5, 3, 2); // 16
    let y = twin.norm(16, y); // 17
    let y = twin.norm(17, y); // 18
    let twice = twin.add([18, 18], [y, y]); // 19
    let unused = twin.conv(15, c, 5, 3, 2); // 20
    let _ = twin.activation(20, unused, relu);
    // Also an input, a value that others read, and the same value again.
    (twin, vec![19, 14, 0, 19, 10], vec![twice, u, x, twice, m])
}

fn to_layout(layout: Layout, values: &[f32], shape: &[usize]) -> Vec<f32> {
    match layout {
        Layout::Nchw => values.to_vec(),
        Layout::Nhwc => to_nhwc(values, shape),
    }
}

#[test]
fn networks_compute_what_their_operations_do() {
    for batch in [1, 3] {
        for isa in Isa::available() {
            for outside in Layout::ALL {
                for inside in Layout::ALL {
                    let (twin, at, outputs) = net(batch);
                    let options =
                        NetworkOptions { isa: Some(isa), outside, inside, ..Default::default() };
                    let (x, shape) = twin.of(0);
                    let expected: Vec<_> = at.iter().map(|&at| twin.values[at].clone()).collect();
                    let network = twin.graph.compile(&outputs, &options).unwrap();
                    let mut got: Vec<Vec<f32>> =
                        network.output_shapes().iter().map(|shape| poison(cells(shape))).collect();
                    let x = to_layout(outside, &x, &shape);
                    for _ in 0..2 {
                        got.iter_mut().for_each(|y| y.fill(f32::NAN));
                        let mut slices: Vec<&mut [f32]> =
                            got.iter_mut().map(|y| &mut y[..]).collect();
                        network.run(&[&x], &mut slices).unwrap();
                        for (number, (got, (expected, shape))) in
                            got.iter().zip(&expected).enumerate()
                        {
                            let expected: Vec<f32> = expected.iter().map(|&v| v as f32).collect();
                            let expected = to_layout(outside, &expected, shape);
                            let scale = expected.iter().fold(1.0f32, |most, v| most.max(v.abs()));
                            for (got, expected) in got.iter().zip(&expected) {
                                assert!(
                                    (got - expected).abs() <= 1e-5 * scale,
                                    "output {number}: {got} {expected}, {options:?}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn what_can_be_folded_is() {
    let (twin, _, outputs) = net(1);
    let options = NetworkOptions { inside: Layout::Nchw, ..Default::default() };
    let network = twin.graph.compile(&outputs[..1], &options).unwrap();
    let kinds: Vec<&str> = network.steps().map(|step| step.kind).collect();
    // The first norm and its ReLU, the last two norms, and the ReLU of the sum have no step of their own, nor has the
    // concatenation: both its parts are written to their places.
    assert_eq!(
        kinds,
        [
            "conv",
            "max_pool",
            "conv",
            "scale_shift",
            "add",
            "global_mean",
            "activation",
            "gate",
            "conv_transpose",
            "conv",
            "add"
        ]
    );
}

#[test]
fn the_arena_holds_what_lives_at_the_same_time() {
    // Ten convolutions in a row need two maps, not eleven.
    let mut graph = Graph::new();
    let mut x = graph.input(&[1, 8, 16, 16]).unwrap();
    for _ in 0..10 {
        let axes = Dialect::Pytorch
            .conv_axes(&[16, 16], &[1, 1], &[1, 1], &[1, 1], &Padding::Valid)
            .unwrap();
        x = graph.conv(x, axes, 1, vec![0.125; 64].into(), None).unwrap();
    }
    let options = NetworkOptions { outside: Layout::Nhwc, ..Default::default() };
    let network = graph.compile(&[x], &options).unwrap();
    assert_eq!(network.arena_bytes(), 2 * 8 * 16 * 16 * 4);
    let mut y = poison(8 * 256);
    network.run(&[&[1.0; 8 * 256]], &mut [&mut y]).unwrap();
    assert!(y.iter().all(|&y| y == 1.0));
}

#[test]
fn a_matrix_takes_images_in_the_order_of_nchw() {
    for inside in Layout::ALL {
        let mut graph = Graph::new();
        let x = graph.input(&[2, 2, 1, 2]).unwrap();
        let w: Vec<f32> = vec![1.0, 10.0, 100.0, 1000.0];
        let y = graph.linear(x, w.into(), Some(vec![0.5].into())).unwrap();
        assert_eq!(graph.shape(y), [2, 1, 1, 1]);
        let network =
            graph.compile(&[y], &NetworkOptions { inside, ..Default::default() }).unwrap();
        let mut y = [0.0; 2];
        network.run(&[&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]], &mut [&mut y]).unwrap();
        assert_eq!(y, [4321.5, 8765.5]);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut graph = Graph::new();
    assert!(matches!(graph.input(&[1, 2]), Err(KernelError::UnsupportedRank { .. })));
    assert!(graph.input(&[1, 0, 4, 4]).is_err());
    assert!(graph.concat(&[]).is_err());
    let x = graph.input(&[1, 2, 4, 4]).unwrap();
    let y = graph.input(&[1, 2, 4, 5]).unwrap();
    assert!(graph.add(x, y).is_err());
    assert!(graph.concat(&[x, y]).is_err());
    assert!(graph.gate(x, y).is_err());
    let axes =
        || Dialect::Pytorch.conv_axes(&[4, 4], &[1, 1], &[1, 1], &[1, 1], &Padding::Valid).unwrap();
    assert!(graph.conv(y, axes(), 1, vec![1.0; 2].into(), None).is_err());
    assert!(graph.conv(x, axes(), 1, vec![1.0; 3].into(), None).is_err());
    assert!(graph.conv(x, axes(), 0, vec![1.0; 2].into(), None).is_err());
    assert!(graph.conv(x, axes(), 1, vec![1.0; 2].into(), Some(vec![1.0; 2].into())).is_err());
    let short = Parameter::later(2, || Ok(vec![1.0].into()));
    let z = graph.conv(x, axes(), 1, short, None).unwrap();
    let error = graph.compile(&[z], &NetworkOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "1 values were read where 2 belong");

    let mut graph = Graph::new();
    let x = graph.input(&[1, 2, 2, 2]).unwrap();
    let network = graph.compile(&[x], &NetworkOptions::default()).unwrap();
    let mut y = [0.0; 8];
    assert!(network.run(&[], &mut [&mut y]).is_err());
    assert!(network.run(&[&[0.0; 7]], &mut [&mut y]).is_err());
    assert!(network.run(&[&[0.0; 8]], &mut [&mut y[1..]]).is_err());
    assert!(network.run(&[&[7.0; 8]], &mut [&mut y]).is_ok());
    assert_eq!(y, [7.0; 8]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Networks are shared, and the number of threads does not show.
    #[test]
    fn bits_do_not_depend_on_threads(batch in 1usize..3, inside in 0usize..2) {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let (twin, _, outputs) = net(batch);
            let (x, _) = twin.of(0);
            let options = NetworkOptions { inside: Layout::ALL[inside], ..Default::default() };
            let network = twin.graph.compile(&outputs[..1], &options).unwrap();
            let mut y = poison(cells(&network.output_shapes()[0]));
            pool.install(|| network.run(&[&x], &mut [&mut y])).unwrap();
            y
        };
        let (one, many) = (run(1), run(5));
        prop_assert!(one.iter().zip(&many).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
