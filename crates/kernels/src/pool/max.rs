//! Max pooling, with the places of the maxima where they are wanted.

use std::ops::Range;

use rayon::prelude::*;
use upconv_geometry::GeometryError;

use super::{PoolWindow, Windows, beside};
use crate::error::{KernelError, Result, check_len};
use crate::options::PlanOptions;
use crate::parts::{each_part, units_of_part};
use crate::simd::loops::Loops;
use crate::simd::vector::{Kernel, Vector};

/// Max pooling of one shape, ready to run.
///
/// Among equal values the first in row-major order wins. A NaN beats every number, and a later NaN an earlier one,
/// as in PyTorch. Padding never wins. A window that meets no input cell (Caffe's rounding keeps such ones) gives
/// minus infinity and position -1.
///
/// # Shapes
/// `x, dx: [n, c, input...]`, `y, dy, positions: [n, c, output...]`, or channels last, as the options say.
///
/// ```
/// use upconv_geometry::{ConvPadding, PoolRounding};
/// use upconv_kernels::PlanOptions;
/// use upconv_kernels::pool::{MaxPoolPlan, PoolWindow};
/// let window = PoolWindow {
///     kernel: vec![2, 2], stride: vec![2, 2], dilation: vec![1, 1],
///     padding: vec![ConvPadding::Valid; 2], rounding: PoolRounding::Floor,
/// };
/// let plan = MaxPoolPlan::new(&window, &[1, 1, 2, 4], &PlanOptions::default())?;
/// let x = [
///     1.0, 2.0, 5.0, 6.0,
///     4.0, 3.0, 7.0, 8.0,
/// ];
/// let (mut y, mut positions) = ([0.0; 2], [0; 2]);
/// plan.forward_with_positions(&x, &mut y, &mut positions)?;
/// assert_eq!((y, positions), ([4.0, 8.0], [4, 7])); // row 1, columns 0 and 3
/// let mut dx = [0.0; 8];
/// plan.backward(&positions, &[10.0, 20.0], &mut dx)?;
/// assert_eq!(dx, [0.0, 0.0, 0.0, 0.0, 10.0, 0.0, 0.0, 20.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
#[derive(Clone, Debug)]
pub struct MaxPoolPlan {
    windows: Windows,
}

impl MaxPoolPlan {
    /// For an input of the shape `x`, in the order `[n, c, spatial...]` whatever the layout is. Of the options
    /// instruction set and layout count.
    ///
    /// # Errors
    /// As [`PoolWindow::output`]; planes of more than 2^31 - 1 cells; an instruction set that this CPU lacks.
    pub fn new(window: &PoolWindow, x: &[usize], options: &PlanOptions) -> Result<Self> {
        let windows = Windows::new(window, x, options)?;
        if i32::try_from(windows.planes().0).is_err() {
            let reason = "positions count to 2^31 - 1, and a plane of x has more cells";
            return Err(KernelError::Unsupported { option: "max pooling", reason });
        }
        Ok(Self { windows })
    }

    /// Shape of the output as it lies in memory.
    pub fn output(&self) -> &[usize] {
        &self.windows.y
    }

    /// Writes every element of `y`.
    ///
    /// # Errors
    /// A buffer of the wrong length.
    pub fn forward(&self, x: &[f32], y: &mut [f32]) -> Result<()> {
        let windows = &self.windows;
        windows.check(x, y)?;
        let (row, cost) = windows.row();
        each_part(y, row, cost, |first, y| {
            // SAFETY: the kernel needs nothing but the instruction set.
            unsafe { windows.isa.run_kernel(Maxima { windows, first, x, y }) }
        });
        Ok(())
    }

    /// As [`MaxPoolPlan::forward`], and writes where each maximum was: its flat position in its plane of the
    /// input (`y * width + x` in 2-D), as PyTorch counts.
    ///
    /// # Errors
    /// A buffer of the wrong length.
    pub fn forward_with_positions(
        &self,
        x: &[f32],
        y: &mut [f32],
        positions: &mut [i32],
    ) -> Result<()> {
        let windows = &self.windows;
        windows.check(x, y)?;
        check_len("positions", positions, &windows.y)?;
        let (row, cost) = windows.row();
        let rows = units_of_part(y.len() / row.max(1), cost);
        let part = (rows * row).max(1);
        let parts = y.par_chunks_mut(part).zip(positions.par_chunks_mut(part)).enumerate();
        parts.for_each(|(number, (y, positions))| {
            windows.isa.run(Placed { windows, first: number * rows, x, y, positions });
        });
        Ok(())
    }

    /// Writes every element of `dx`: each cell gets the gradients of the windows that it won.
    ///
    /// # Errors
    /// A buffer of the wrong length; a position outside of its plane, other than -1.
    pub fn backward(&self, positions: &[i32], dy: &[f32], dx: &mut [f32]) -> Result<()> {
        let windows = &self.windows;
        windows.check(dx, dy)?;
        check_len("positions", positions, &windows.y)?;
        let (cells, outputs) = windows.planes();
        let outside = |&got: &i32| got < -1 || i64::from(got) >= cells as i64;
        if let Some(position) = positions.iter().position(outside) {
            let got = i64::from(positions[position]);
            return Err(GeometryError::IndexOutOfRange { position, got, cells }.into());
        }
        let (inner, plane) = (windows.inner.max(1), cells * windows.inner);
        each_part(dx, plane, plane, |first, dx| {
            let from = first * outputs * inner;
            let planes =
                dy[from..].chunks(outputs * inner).zip(positions[from..].chunks(outputs * inner));
            for (dx, (dy, positions)) in dx.chunks_mut(plane.max(1)).zip(planes) {
                dx.fill(0.0);
                for (dy, positions) in dy.chunks(inner).zip(positions.chunks(inner)) {
                    for (channel, (dy, &position)) in dy.iter().zip(positions).enumerate() {
                        if position >= 0 {
                            dx[position as usize * inner + channel] += dy;
                        }
                    }
                }
            }
        });
        Ok(())
    }
}

/// Whether `value` takes the place of `most`.
#[inline(always)]
fn wins(value: f32, most: f32) -> bool {
    (value > most) | value.is_nan()
}

/// Output rows from `first` on.
struct Maxima<'a> {
    windows: &'a Windows,
    first: usize,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Maxima<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Self { windows, first, x, y } = self;
        let (inner, wide) = (windows.inner, windows.axes[2]);
        let plane = windows.planes().0 * inner;
        let inside = match windows.inside.len() {
            cells if cells >= V::LANES && inner == 1 && wide.stride <= 2 => windows.inside.clone(),
            _ => 0..0,
        };
        let mut rows = Vec::new();
        for (row, y) in y.chunks_exact_mut(windows.row().0.max(1)).enumerate() {
            let [outer, depth, height] = windows.place(first + row);
            let x = &x[outer * plane..][..plane];
            rows.clear();
            rows.extend(windows.rows(depth, height));
            // SAFETY: the CPU has the instruction set, as the caller promises.
            unsafe { whole_windows::<V>(windows, &inside, &rows, x, y) };
            // What is left: the windows at both ends, or all of them, in stretches.
            for part in [0..inside.start, inside.end..wide.output] {
                for begin in part.clone().step_by(windows.stretch()) {
                    let stretch = begin..part.end.min(begin + windows.stretch());
                    let y = &mut y[begin * inner..stretch.end * inner];
                    y.fill(f32::NEG_INFINITY);
                    for &row in &rows {
                        for (cells, cell) in windows.taps(&stretch) {
                            let y = &mut y[cells.start * inner..cells.end * inner];
                            let x = &x[(row + cell) * inner..];
                            beside(y, x, (wide.stride, inner), |_, y, x| {
                                *y = if wins(x, *y) { x } else { *y };
                            });
                        }
                    }
                }
            }
        }
    }
}

/// Windows of which every tap of the row lies in the input, a register of them at a time; the last register may
/// repeat some of the one before.
///
/// # Safety
/// The CPU has the instruction set of `V`.
#[inline(always)]
unsafe fn whole_windows<V: Vector>(
    windows: &Windows,
    inside: &Range<usize>,
    rows: &[usize],
    x: &[f32],
    y: &mut [f32],
) {
    let stride = windows.axes[2].stride;
    for begin in inside.clone().step_by(V::LANES) {
        // There are at least as many windows as lanes.
        let begin = begin.min(inside.end - V::LANES);
        let to = &mut y[begin..begin + V::LANES];
        // SAFETY: the caller promises the instruction set. Each slice that is read or written holds as many values
        // as are asked for.
        unsafe {
            let mut most = V::splat(f32::NEG_INFINITY);
            for &row in rows {
                for (tap, cell) in &windows.taps {
                    let from = &x[row + cell + (begin - tap.start) * stride..];
                    let value = match stride {
                        1 => V::load(from[..V::LANES].as_ptr()),
                        _ if from.len() >= 2 * V::LANES => {
                            V::load(from.as_ptr()).evens(V::load(from.as_ptr().add(V::LANES)))
                        }
                        // At the end of a plane the last odd value is missing.
                        _ => {
                            let mut lanes = [0.0; 16];
                            let evens = from.iter().step_by(2);
                            lanes[..V::LANES].iter_mut().zip(evens).for_each(|(to, &v)| *to = v);
                            V::load(lanes.as_ptr())
                        }
                    };
                    most = most.where_larger(value);
                }
            }
            most.store(to.as_mut_ptr());
        }
    }
}

/// The same, with positions.
struct Placed<'a> {
    windows: &'a Windows,
    first: usize,
    x: &'a [f32],
    y: &'a mut [f32],
    positions: &'a mut [i32],
}

impl Loops for Placed<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { windows, first, x, y, positions } = self;
        let (inner, wide) = (windows.inner, windows.axes[2]);
        let plane = windows.planes().0 * inner;
        let row = windows.row().0.max(1);
        let length = windows.stretch() * inner;
        let mut most = vec![(0.0, 0); length];
        let rows = y.chunks_exact_mut(row).zip(positions.chunks_exact_mut(row));
        for (row, (y, positions)) in rows.enumerate() {
            let [outer, depth, height] = windows.place(first + row);
            let x = &x[outer * plane..][..plane];
            let parts = y.chunks_mut(length).zip(positions.chunks_mut(length));
            for (part, (y, positions)) in parts.enumerate() {
                let begin = part * windows.stretch();
                let stretch = begin..begin + y.len() / inner;
                let most = &mut most[..y.len()];
                // The first cell of a window is the place of its maximum until another one wins.
                let head = windows.rows(depth, height).next();
                for (o, most) in stretch.clone().zip(most.chunks_exact_mut(inner)) {
                    let cell = head.zip(wide.cells(o).next()).map(|(row, cell)| row + cell);
                    most.fill((f32::NEG_INFINITY, cell.map_or(-1, |cell| cell as i32)));
                }
                for row in windows.rows(depth, height) {
                    for (cells, cell) in windows.taps(&stretch) {
                        let most = &mut most[cells.start * inner..cells.end * inner];
                        let (from, step) = ((row + cell) as i32, wide.stride as i32);
                        let x = &x[(row + cell) * inner..];
                        beside(most, x, (wide.stride, inner), |o, most, x| {
                            let place = from + o as i32 * step;
                            *most = if wins(x, most.0) { (x, place) } else { *most };
                        });
                    }
                }
                for ((y, position), most) in y.iter_mut().zip(positions).zip(most) {
                    (*y, *position) = *most;
                }
            }
        }
    }
}
