//! Resampling of the spatial axes to another size: nearest or linear, under a named convention.
//!
//! The map is a product of maps of single axes. They go from the last axis to the first, so that what comes early
//! works on rows that are still short, and on no more of them than the output rows of its part need.

use std::ops::Range;

use upconv_geometry::{GeometryError, limits};

use crate::error::{Result, check_len};
use crate::options::{Layout, PlanOptions};
use crate::parts::each_part;
use crate::reference::resize_coordinates::{AxisSizes, Coordinates, Rounding, Scale};
use crate::simd::Detected;
use crate::simd::loops::Loops;

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

/// `first * (1 - weight) + second * weight`, which is just `first` for weight 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tap {
    /// Input cell.
    pub first: usize,
    /// The one behind it, or the same.
    pub second: usize,
    /// Share of the second, from 0 to 1.
    pub weight: f32,
}

/// What each output cell of one axis is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisTaps {
    input: usize,
    taps: Vec<Tap>,
}

impl AxisTaps {
    /// From `input` to `output` cells; `axis` is for the error.
    ///
    /// # Errors
    /// A size of 0 or above the limits.
    ///
    /// ```
    /// use upconv_kernels::resize::{AxisTaps, Resample, Tap};
    /// let axis = AxisTaps::new(0, 2, 4, Resample::LinearAsymmetric)?;
    /// assert_eq!(axis.taps()[1], Tap { first: 0, second: 1, weight: 0.5 });
    /// # Ok::<(), upconv_kernels::KernelError>(())
    /// ```
    pub fn new(axis: usize, input: usize, output: usize, how: Resample) -> Result<Self> {
        let ratio = Scale::Ratio { numerator: output, denominator: input };
        let sizes = AxisSizes::new(axis, input, output, ratio)?;
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

    /// One for each output cell.
    pub fn taps(&self) -> &[Tap] {
        &self.taps
    }

    /// Every convention leaves an axis of unchanged size alone.
    pub fn is_identity(&self) -> bool {
        self.input == self.taps.len()
    }

    /// The input cells that a range of output cells is made of.
    fn reach(&self, output: &Range<usize>) -> Range<usize> {
        if self.is_identity() {
            return output.clone();
        }
        // Positions ascend with the output cells.
        match (self.taps.get(output.start), self.taps.get(output.end.wrapping_sub(1))) {
            (Some(first), Some(last)) => first.first..last.second + 1,
            _ => 0..0,
        }
    }
}

/// A resampling of one shape, ready to run.
///
/// # Shapes
/// `x, dx: [n, c, input...]`, `y, dy: [n, c, output...]`, or channels last, as the options say; any number of
/// spatial axes from 1 on.
///
/// ```
/// use upconv_kernels::PlanOptions;
/// use upconv_kernels::resize::{Resample, ResizePlan};
/// let twice = |how| {
///     let plan = ResizePlan::new(&[1, 1, 2], &[4], how, &PlanOptions::default())?;
///     let mut y = [0.0; 4];
///     plan.forward(&[0.0, 4.0], &mut y).map(|()| y)
/// };
/// assert_eq!(twice(Resample::LinearHalfPixel)?, [0.0, 1.0, 3.0, 4.0]);
/// assert_eq!(twice(Resample::LinearAsymmetric)?, [0.0, 2.0, 4.0, 4.0]);
/// assert_eq!(twice(Resample::Nearest)?, [0.0, 0.0, 4.0, 4.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ResizePlan {
    axes: Vec<AxisTaps>,
    /// Values side by side that are treated alike: the channels, if they come last.
    inner: usize,
    x: Vec<usize>,
    y: Vec<usize>,
    isa: Detected,
}

impl ResizePlan {
    /// From the shape `x`, in the order `[n, c, spatial...]` whatever the layout is, to `output` cells along each
    /// spatial axis; an axis of the same size stays as it is. Of the options instruction set and layout count.
    ///
    /// # Errors
    /// Another number of axes than `x` has spatial ones; a size of 0 or above the limits; an instruction set that
    /// this CPU lacks.
    pub fn new(
        x: &[usize],
        output: &[usize],
        how: Resample,
        options: &PlanOptions,
    ) -> Result<Self> {
        if output.is_empty() || x.len() != output.len() + 2 {
            let (attribute, expected, got) = ("output", x.len().saturating_sub(2), output.len());
            return Err(GeometryError::AttributeLength { attribute, expected, got }.into());
        }
        let y: Vec<usize> = x[..2].iter().chain(output).copied().collect();
        limits::cells("x", x)?;
        limits::cells("output", &y)?;
        let sizes = x[2..].iter().zip(output).enumerate();
        let axes = sizes.map(|(axis, (&from, &to))| AxisTaps::new(axis, from, to, how));
        let axes = axes.collect::<Result<Vec<_>>>()?;
        let inner = if options.layout == Layout::Nchw { 1 } else { x[1] };
        let lie = |mut shape: Vec<usize>| {
            if options.layout == Layout::Nhwc {
                shape[1..].rotate_left(1);
            }
            shape
        };
        let isa = Detected::choose(options.isa)?;
        Ok(Self { axes, inner, x: lie(x.to_vec()), y: lie(y), isa })
    }

    /// The spatial axes.
    pub fn axes(&self) -> &[AxisTaps] {
        &self.axes
    }

    /// Shape of the output as it lies in memory.
    pub fn output(&self) -> &[usize] {
        &self.y
    }

    /// Shape of the input as it lies in memory.
    pub fn input(&self) -> &[usize] {
        &self.x
    }

    /// Writes every element of `y`.
    ///
    /// # Errors
    /// A buffer of the wrong length.
    pub fn forward(&self, x: &[f32], y: &mut [f32]) -> Result<()> {
        check_len("x", x, &self.x)?;
        check_len("y", y, &self.y)?;
        // What one cell of the first axis holds, of the output and of the input.
        let slice = self.axes[1..].iter().map(|a| a.taps.len()).product::<usize>() * self.inner;
        let from = self.axes[1..].iter().map(|a| a.input).product::<usize>() * self.inner;
        each_part(y, slice, slice.max(from), |first, y| {
            self.isa.run(Forward { plan: self, first, slice, from, x, y });
        });
        Ok(())
    }

    /// Writes every element of `dx`: each cell gets what it gave of each gradient.
    ///
    /// # Errors
    /// A buffer of the wrong length.
    pub fn backward(&self, dy: &[f32], dx: &mut [f32]) -> Result<()> {
        check_len("dy", dy, &self.y)?;
        check_len("dx", dx, &self.x)?;
        let plane = self.axes.iter().map(|a| a.input).product::<usize>() * self.inner;
        let from = self.axes.iter().map(|a| a.taps.len()).product::<usize>() * self.inner;
        each_part(dx, plane, plane.max(from), |first, dx| {
            self.isa.run(Backward { plan: self, first, plane, from, dy, dx });
        });
        Ok(())
    }

    /// The axes at work, from the last one to the first; of the first one only some cells.
    fn steps(&self, output: Range<usize>) -> Vec<Step<'_>> {
        let mut inner = self.inner;
        let mut steps = Vec::with_capacity(self.axes.len());
        for (number, axis) in self.axes.iter().enumerate().rev() {
            if !axis.is_identity() {
                let (all, whole) = (0..axis.taps.len(), 0..axis.input);
                let some = if number == 0 { output.clone() } else { all };
                let input = if number == 0 { axis.reach(&output) } else { whole };
                steps.push(Step { taps: &axis.taps[some], input, inner });
            }
            inner *= axis.taps.len();
        }
        steps
    }
}

/// Output slices (of one cell of the first axis) from `first` on, counted over all planes.
struct Forward<'a> {
    plan: &'a ResizePlan,
    first: usize,
    slice: usize,
    from: usize,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Loops for Forward<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { plan, mut first, slice, from, x, mut y } = self;
        let axis = &plan.axes[0];
        let output = axis.taps.len();
        while !y.is_empty() {
            let (plane, begin) = (first / output, first % output);
            let end = output.min(begin + y.len() / slice);
            let own;
            (own, y) = std::mem::take(&mut y).split_at_mut((end - begin) * slice);
            first += end - begin;
            let reach = axis.reach(&(begin..end));
            let x = &x[plane * axis.input * from..][reach.start * from..reach.end * from];
            in_turn(&plan.steps(begin..end), x, own, Step::apply, Step::output_of);
        }
    }
}

/// Input planes from `first` on.
struct Backward<'a> {
    plan: &'a ResizePlan,
    first: usize,
    plane: usize,
    from: usize,
    dy: &'a [f32],
    dx: &'a mut [f32],
}

impl Loops for Backward<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { plan, first, plane, from, dy, dx } = self;
        let mut steps = plan.steps(0..plan.axes[0].taps.len());
        // The first axis is whole then, also where no tap reaches its ends.
        if let (Some(step), false) = (steps.last_mut(), plan.axes[0].is_identity()) {
            step.input = 0..plan.axes[0].input;
        }
        steps.reverse();
        for (number, dx) in dx.chunks_exact_mut(plane.max(1)).enumerate() {
            let dy = &dy[(first + number) * from..][..from];
            in_turn(&steps, dy, dx, Step::adjoint, Step::input_of);
        }
    }
}

/// The steps one after the other; only the last one writes to `to`. `length` is that of a step's result.
#[inline(always)]
fn in_turn<'a>(
    steps: &[Step<'a>],
    from: &[f32],
    to: &mut [f32],
    run: impl Fn(&Step<'a>, &[f32], &mut [f32]),
    length: impl Fn(&Step<'a>, usize) -> usize,
) {
    let Some((last, early)) = steps.split_last() else {
        return to.copy_from_slice(from);
    };
    let mut held: Option<Vec<f32>> = None;
    for step in early {
        let from = held.as_deref().unwrap_or(from);
        let mut next = vec![0.0; length(step, from.len())];
        run(step, from, &mut next);
        held = Some(next);
    }
    run(last, held.as_deref().unwrap_or(from), to);
}

/// One axis at work: blocks of `inner` neighbouring values are treated alike.
struct Step<'a> {
    taps: &'a [Tap],
    /// The input cells that are there.
    input: Range<usize>,
    inner: usize,
}

impl Step<'_> {
    fn output_of(&self, input: usize) -> usize {
        input / self.input.len() * self.taps.len()
    }

    fn input_of(&self, output: usize) -> usize {
        output / self.taps.len() * self.input.len()
    }

    /// Writes every value of `to`.
    #[inline(always)]
    fn apply(&self, from: &[f32], to: &mut [f32]) {
        let Self { taps, inner, .. } = *self;
        let begin = self.input.start;
        let rows = from.chunks_exact(self.input.len() * inner);
        for (from, to) in rows.zip(to.chunks_exact_mut(taps.len() * inner)) {
            if inner == 1 {
                for (tap, to) in taps.iter().zip(to) {
                    let (first, second) = (from[tap.first - begin], from[tap.second - begin]);
                    let between = (1.0 - tap.weight) * first + tap.weight * second;
                    // A zero weight must not turn an infinite neighbour into NaN.
                    *to = if tap.weight == 0.0 { first } else { between };
                }
                continue;
            }
            for (tap, to) in taps.iter().zip(to.chunks_exact_mut(inner)) {
                let first = &from[(tap.first - begin) * inner..][..inner];
                if tap.weight == 0.0 {
                    to.copy_from_slice(first);
                    continue;
                }
                let second = &from[(tap.second - begin) * inner..][..inner];
                let (a, b) = (1.0 - tap.weight, tap.weight);
                for ((to, first), second) in to.iter_mut().zip(first).zip(second) {
                    *to = a * first + b * second;
                }
            }
        }
    }

    /// Writes every value of `to`: what each of its cells has given.
    #[inline(always)]
    fn adjoint(&self, from: &[f32], to: &mut [f32]) {
        let Self { taps, inner, .. } = *self;
        to.fill(0.0);
        let rows = from.chunks_exact(taps.len() * inner);
        for (from, to) in rows.zip(to.chunks_exact_mut(self.input.len() * inner)) {
            for (tap, from) in taps.iter().zip(from.chunks_exact(inner)) {
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

#[cfg(test)]
mod tests;
