//! Resampling to another size: nearest or linear, under a named convention.

use std::sync::Arc;

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use rayon::prelude::*;
use upconv_geometry::limits;
use upconv_kernels::reference::resize_coordinates::{AxisSizes, Coordinates, Rounding, Scale};

use super::plain;
use super::seam::{KernelBackend, Map, check, is_ours};
use crate::error::{NnError, Result};

/// Which input cells make an output cell. There is no default: the conventions differ by up to half a
/// cell. `o` is the output cell, `scale` is `input / output`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resample {
    /// Cell `floor(o * scale)`: PyTorch `nearest`, TensorFlow 1, and for whole factors everybody.
    Nearest,
    /// Cell `floor((o + 0.5) * scale)`: PyTorch `nearest-exact`, TensorFlow 2.
    NearestExact,
    /// Between the cells around `(o + 0.5) * scale - 0.5`: PyTorch with `align_corners=False`,
    /// TensorFlow 2, ONNX `half_pixel`.
    LinearHalfPixel,
    /// Between the cells around `o * (input - 1) / (output - 1)`: `align_corners=True`.
    LinearAlignCorners,
    /// Between the cells around `o * scale`: TensorFlow 1.
    LinearAsymmetric,
}

/// Resamples the spatial axes to `output` cells; an axis of the same size stays as it is.
///
/// # Shapes
/// `x: [n, c, input...] -> [n, c, output...]`
///
/// # Errors
/// Another number of axes than `x` has spatial ones; a size of 0 or above the limits; another element
/// type than F32.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_nn::ops::{Resample, resample};
/// let twice = |how| {
///     let x = Tensor::<3>::from_floats([[[0.0, 4.0]]], &Device::flex());
///     resample(x, &[4], how).map(|y| y.into_data().try_to_vec::<f32>().unwrap())
/// };
/// assert_eq!(twice(Resample::LinearHalfPixel)?, [0.0, 1.0, 3.0, 4.0]);
/// assert_eq!(twice(Resample::LinearAsymmetric)?, [0.0, 2.0, 4.0, 4.0]);
/// assert_eq!(twice(Resample::Nearest)?, [0.0, 0.0, 4.0, 4.0]);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn resample<const D: usize>(
    x: Tensor<D>,
    output: &[usize],
    how: Resample,
) -> Result<Tensor<D>> {
    let dims = x.dims();
    check("x", &x, &dims, &x.device())?;
    if D != output.len() + 2 {
        let (attribute, expected, got) = ("output", D.saturating_sub(2), output.len());
        return Err(
            upconv_geometry::GeometryError::AttributeLength { attribute, expected, got }.into()
        );
    }
    let mut shape = dims;
    shape[2..].copy_from_slice(output);
    limits::cells("output", &shape)?;
    let axes = dims[2..]
        .iter()
        .zip(output)
        .enumerate()
        .map(|(axis, (&input, &output))| AxisTaps::new(axis, input, output, how))
        .collect::<Result<Vec<_>>>()?;
    if axes.iter().all(AxisTaps::is_identity) {
        return Ok(x);
    }
    if !is_ours([x.device()]) {
        return Ok(plain::resample(x, &axes));
    }
    let map = Arc::new(Separable { leading: [dims[0], dims[1]], axes });
    Ok(Tensor::from_dispatch(Dispatch::mapped(x.into_dispatch(), map)))
}

/// `first * (1 - weight) + second * weight`, which is just `first` for weight 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tap {
    pub(super) first: usize,
    pub(super) second: usize,
    pub(super) weight: f32,
}

/// One axis: what each output cell is made of.
#[derive(Clone, Debug)]
pub(super) struct AxisTaps {
    input: usize,
    pub(super) taps: Vec<Tap>,
}

impl AxisTaps {
    pub(super) fn new(axis: usize, input: usize, output: usize, how: Resample) -> Result<Self> {
        let ratio = Scale::Ratio { numerator: output, denominator: input };
        let sizes = AxisSizes::new(axis, input, output, ratio).map_err(NnError::from)?;
        let last = input as i64 - 1;
        let cell = |cell: i64| cell.clamp(0, last) as usize;
        let nearest = |coordinates: Coordinates, rounding: Rounding, o| {
            let first = cell(rounding.apply(coordinates.position(axis, &sizes, o)));
            Tap { first, second: first, weight: 0.0 }
        };
        let linear = |coordinates: Coordinates, o| {
            let (floor, rest) = coordinates.position(axis, &sizes, o).split();
            let (first, second) = (cell(floor), cell(floor.saturating_add(1)));
            // At the border both are the border cell.
            let weight = if first == second { 0.0 } else { rest as f32 };
            Tap { first, second, weight }
        };
        let tap = |o| match how {
            Resample::Nearest => nearest(Coordinates::Asymmetric, Rounding::Floor, o),
            // The cell that holds the point: half a cell beyond its coordinate, rounded down.
            Resample::NearestExact => nearest(Coordinates::HalfPixel, Rounding::RoundPreferCeil, o),
            Resample::LinearHalfPixel => linear(Coordinates::HalfPixel, o),
            Resample::LinearAlignCorners => linear(Coordinates::AlignCorners, o),
            Resample::LinearAsymmetric => linear(Coordinates::Asymmetric, o),
        };
        Ok(Self { input, taps: (0..output).map(tap).collect() })
    }

    /// Every convention leaves an axis of unchanged size alone.
    pub(super) fn is_identity(&self) -> bool {
        self.input == self.taps.len()
    }
}

/// The map as the product of its axes, plane by plane.
#[derive(Debug)]
struct Separable {
    leading: [usize; 2],
    axes: Vec<AxisTaps>,
}

/// One axis at work: blocks of `inner` neighbouring values are treated alike.
struct Step<'a> {
    axis: &'a AxisTaps,
    outer: usize,
    inner: usize,
}

impl Separable {
    fn shape(&self, size: fn(&AxisTaps) -> usize) -> Vec<usize> {
        self.leading.into_iter().chain(self.axes.iter().map(size)).collect()
    }

    /// From the last axis to the first: what comes early works on rows that are still short.
    fn steps(&self) -> Vec<Step<'_>> {
        let mut steps = Vec::new();
        for (number, axis) in self.axes.iter().enumerate().rev() {
            if !axis.is_identity() {
                let outer = self.axes[..number].iter().map(|a| a.input).product();
                let inner = self.axes[number + 1..].iter().map(|a| a.taps.len()).product();
                steps.push(Step { axis, outer, inner });
            }
        }
        steps
    }
}

impl Map for Separable {
    fn output(&self) -> Vec<usize> {
        self.shape(|axis| axis.taps.len())
    }

    fn input(&self) -> Vec<usize> {
        self.shape(|axis| axis.input)
    }

    fn apply(&self, x: &[f32], y: &mut [f32]) {
        let steps = self.steps();
        let planes = self.leading.iter().product::<usize>();
        each_plane(x, y, planes, |x, y| run(&steps, x, y, Step::apply, Step::output));
    }

    fn adjoint(&self, dy: &[f32], dx: &mut [f32]) {
        let mut steps = self.steps();
        steps.reverse();
        let planes = self.leading.iter().product::<usize>();
        each_plane(dy, dx, planes, |dy, dx| run(&steps, dy, dx, Step::adjoint, Step::input));
    }
}

/// Planes are independent, so that the number of threads does not show in the result.
fn each_plane(
    from: &[f32],
    to: &mut [f32],
    planes: usize,
    work: impl Fn(&[f32], &mut [f32]) + Sync,
) {
    if from.is_empty() || to.is_empty() {
        return;
    }
    let (read, write) = (from.len() / planes, to.len() / planes);
    to.par_chunks_exact_mut(write)
        .zip(from.par_chunks_exact(read))
        .for_each(|(to, from)| work(from, to));
}

/// The steps one after the other; only the last one writes to `to`.
fn run<'a>(
    steps: &[Step<'a>],
    from: &[f32],
    to: &mut [f32],
    step: fn(&Step<'a>, &[f32], &mut [f32]),
    length: fn(&Step<'a>) -> usize,
) {
    match steps {
        [] => to.copy_from_slice(from),
        [last] => step(last, from, to),
        [first, rest @ ..] => {
            let mut between = vec![0.0; length(first)];
            step(first, from, &mut between);
            run(rest, &between, to, step, length);
        }
    }
}

impl Step<'_> {
    fn output(&self) -> usize {
        self.outer * self.axis.taps.len() * self.inner
    }

    fn input(&self) -> usize {
        self.outer * self.axis.input * self.inner
    }

    /// `to` is overwritten.
    fn apply(&self, from: &[f32], to: &mut [f32]) {
        let Self { axis, inner, .. } = *self;
        let rows = from.chunks_exact(axis.input * inner);
        for (from, to) in rows.zip(to.chunks_exact_mut(axis.taps.len() * inner)) {
            for (tap, to) in axis.taps.iter().zip(to.chunks_exact_mut(inner)) {
                let first = &from[tap.first * inner..][..inner];
                // A zero weight must not turn an infinite neighbour into NaN.
                if tap.weight == 0.0 {
                    to.copy_from_slice(first);
                    continue;
                }
                let second = &from[tap.second * inner..][..inner];
                let (a, b) = (1.0 - tap.weight, tap.weight);
                for ((to, first), second) in to.iter_mut().zip(first).zip(second) {
                    *to = a * first + b * second;
                }
            }
        }
    }

    /// `to`, which holds zeros, gets what each of its cells has given.
    fn adjoint(&self, from: &[f32], to: &mut [f32]) {
        let Self { axis, inner, .. } = *self;
        let rows = from.chunks_exact(axis.taps.len() * inner);
        for (from, to) in rows.zip(to.chunks_exact_mut(axis.input * inner)) {
            for (tap, from) in axis.taps.iter().zip(from.chunks_exact(inner)) {
                for (cell, weight) in [(tap.first, 1.0 - tap.weight), (tap.second, tap.weight)] {
                    if weight != 0.0 {
                        let to = &mut to[cell * inner..][..inner];
                        to.iter_mut().zip(from).for_each(|(to, from)| *to += weight * from);
                    }
                }
            }
        }
    }
}
