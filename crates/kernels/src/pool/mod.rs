//! Pooling: maxima and means over windows, and means over everything.
//!
//! Each output row is worked out tap by tap: for every input row that its windows see and every tap, all windows
//! of a stretch of the row take what lies under that tap. These are plain loops over rows, long ones in either
//! layout, and the taps of each window come in row-major order, on which ties and NaN depend.

mod average;
mod global;
mod max;
mod window;

pub use average::AveragePoolPlan;
pub(crate) use global::mean_with;
pub use global::{global_mean, global_mean_backward};
pub use max::MaxPoolPlan;
pub use window::{PoolAxis, PoolWindow};

use std::ops::Range;

use crate::error::{Result, check_len};
use crate::options::{Layout, PlanOptions};
use crate::simd::Detected;

/// Values of a stretch of an output row: few enough that they and the input under them stay in the first cache.
const STRETCH: usize = 1024;

/// The windows of a tensor, seen as `[outer, depth, height, width, inner]` in memory: outer are images and
/// channels and inner is 1, or outer are images and inner are channels.
#[derive(Clone, Debug)]
struct Windows {
    inner: usize,
    axes: [PoolAxis; 3],
    /// For each tap of the last axis the windows in which it lies in the input, and the cell of the first.
    taps: Vec<(Range<usize>, usize)>,
    /// The windows in which all these taps lie in the input.
    inside: Range<usize>,
    /// As they lie in memory.
    x: Vec<usize>,
    y: Vec<usize>,
    isa: Detected,
}

impl Windows {
    fn new(window: &PoolWindow, x: &[usize], options: &PlanOptions) -> Result<Self> {
        let (found, output) = (window.axes(x)?, window.output(x)?);
        let mut axes = [PoolAxis::NONE; 3];
        axes[3 - found.len()..].copy_from_slice(&found);
        let taps: Vec<_> = (0..axes[2].kernel).map(|tap| axes[2].windows(tap)).collect();
        let begin = taps.iter().map(|(windows, _)| windows.start).max().unwrap_or(0);
        let end = taps.iter().map(|(windows, _)| windows.end).min().unwrap_or(0);
        let lie = |mut shape: Vec<usize>| {
            if options.layout == Layout::Nhwc {
                shape[1..].rotate_left(1);
            }
            shape
        };
        Ok(Self {
            inner: if options.layout == Layout::Nchw { 1 } else { x[1] },
            axes,
            taps,
            inside: begin..end.max(begin),
            x: lie(x.to_vec()),
            y: lie(output),
            isa: Detected::choose(options.isa)?,
        })
    }

    fn check<T>(&self, x: &[f32], y: &[T]) -> Result<()> {
        check_len("x", x, &self.x)?;
        check_len("y", y, &self.y)
    }

    /// Cells of an input plane, and of an output plane.
    fn planes(&self) -> (usize, usize) {
        let cells = |size: fn(&PoolAxis) -> usize| self.axes.iter().map(size).product();
        (cells(|axis| axis.input), cells(|axis| axis.output))
    }

    /// Values of an output row, and what they cost.
    fn row(&self) -> (usize, usize) {
        let row = self.axes[2].output * self.inner;
        let taps: usize = self.axes.iter().map(|axis| axis.kernel).product();
        (row, row * taps)
    }

    /// Image (and channel), depth and height of an output row.
    fn place(&self, row: usize) -> [usize; 3] {
        let [deep, high, _] = &self.axes;
        [row / high.output / deep.output, row / high.output % deep.output, row % high.output]
    }

    /// The input rows that the windows of an output row see, as the first cell of each in its plane.
    #[inline(always)]
    fn rows(&self, depth: usize, height: usize) -> impl Iterator<Item = usize> {
        let [deep, high, wide] = &self.axes;
        let rows = high.cells(height);
        deep.cells(depth)
            .flat_map(move |d| rows.clone().map(move |h| (d * high.input + h) * wide.input))
    }

    /// Cells of a stretch.
    fn stretch(&self) -> usize {
        (STRETCH / self.inner.max(1)).max(1)
    }

    /// For each tap that lies in the input for windows of the stretch: these windows, counted from the
    /// stretch's first, and the cell of a row under the first of them.
    #[inline(always)]
    fn taps(&self, stretch: &Range<usize>) -> impl Iterator<Item = (Range<usize>, usize)> {
        let stride = self.axes[2].stride;
        self.taps.iter().filter_map(move |(windows, cell)| {
            let first = windows.start.max(stretch.start);
            let end = windows.end.min(stretch.end);
            let cell = cell + (first.max(windows.start) - windows.start) * stride;
            (first < end).then(|| (first - stretch.start..end - stretch.start, cell))
        })
    }
}

/// Calls `visit` with each value of `to` and that of `from` beside it, where `from` has a step of `stride` blocks
/// of `inner` values, and with the number of the block.
#[inline(always)]
fn beside<'a, T: 'a, F: Copy + 'a>(
    to: &'a mut [T],
    from: &'a [F],
    (stride, inner): (usize, usize),
    mut visit: impl FnMut(usize, &mut T, F),
) {
    match (inner, stride) {
        (1, 1) => {
            to.iter_mut().zip(from).enumerate().for_each(|(o, (to, &from))| visit(o, to, from));
        }
        (1, 2) => every::<2, T, F>(to, from, visit),
        (1, 3) => every::<3, T, F>(to, from, visit),
        (1, _) => {
            let from = from.iter().step_by(stride);
            to.iter_mut().zip(from).enumerate().for_each(|(o, (to, &from))| visit(o, to, from));
        }
        _ => {
            let blocks = to.chunks_exact_mut(inner).zip(from.chunks(stride * inner));
            for (o, (to, from)) in blocks.enumerate() {
                to.iter_mut().zip(from).for_each(|(to, &from)| visit(o, to, from));
            }
        }
    }
}

/// The other way: adds to the first value of each block of `stride` blocks of `inner` values in `to`.
#[inline(always)]
fn add_beside(to: &mut [f32], from: &[f32], (stride, inner): (usize, usize)) {
    #[inline(always)]
    fn add_every<const N: usize>(to: &mut [f32], from: &[f32]) {
        let (whole, rest) = to.as_chunks_mut::<N>();
        let firsts = whole.iter_mut().map(|to| &mut to[0]).chain(rest.first_mut());
        firsts.zip(from).for_each(|(to, from)| *to += from);
    }
    match (inner, stride) {
        (1, 1) => to.iter_mut().zip(from).for_each(|(to, from)| *to += from),
        (1, 2) => add_every::<2>(to, from),
        (1, 3) => add_every::<3>(to, from),
        _ => {
            let blocks = to.chunks_mut(stride * inner).zip(from.chunks_exact(inner));
            for (to, from) in blocks {
                to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
            }
        }
    }
}

/// Of every `N` values the first; the last of them may stand alone.
#[inline(always)]
fn every<'a, const N: usize, T: 'a, F: Copy + 'a>(
    to: &'a mut [T],
    from: &'a [F],
    mut visit: impl FnMut(usize, &mut T, F),
) {
    let (whole, rest) = from.as_chunks::<N>();
    let count = to.len().min(whole.len());
    let (to, last) = to.split_at_mut(count);
    to.iter_mut().zip(whole).enumerate().for_each(|(o, (to, from))| visit(o, to, from[0]));
    if let (Some(last), Some(&from)) = (last.first_mut(), rest.first()) {
        visit(count, last, from);
    }
}

#[cfg(test)]
mod tests;
