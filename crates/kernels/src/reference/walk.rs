//! Every product of a transposed convolution, one after the other.

use super::index::unravel;
use crate::error::{KernelError, Result};
use upconv_geometry::limits::cells;
use upconv_geometry::{Axis, ConvTransposeShape};

/// One product of a transposed convolution: flat (row-major) spatial cells and tap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    pub(super) input: usize,
    pub(super) tap: usize,
    pub(super) output: usize,
}

/// Calls `visit` for every (input cell, tap) whose landing place `i * stride + j * dilation` lies
/// inside the window, by ascending input cell, then tap.
///
/// Without batch or channels there is no product: nothing is visited then, since axes of tensors
/// without values may be long.
pub(super) fn products(shape: &ConvTransposeShape, mut visit: impl FnMut(Product)) -> Result<()> {
    let axes = shape.axes();
    if axes.is_empty() || axes.len() > 3 {
        return Err(KernelError::UnsupportedRank { got: axes.len() });
    }
    if [shape.batch(), shape.in_channels(), shape.out_channels()].contains(&0) {
        return Ok(());
    }
    let input_sizes: Vec<usize> = axes.iter().map(Axis::input).collect();
    let tap_sizes: Vec<usize> = axes.iter().map(Axis::kernel).collect();
    let taps = cells("kernel", &tap_sizes)?;
    for input in 0..cells("input", &input_sizes)? {
        let i = unravel(input, &input_sizes);
        for tap in 0..taps {
            if let Some(output) = landing(axes, &i, &unravel(tap, &tap_sizes)) {
                visit(Product { input, tap, output });
            }
        }
    }
    Ok(())
}

/// Flat output cell, or `None` where the window has cropped it away.
fn landing(axes: &[Axis], input: &[usize], tap: &[usize]) -> Option<usize> {
    let mut cell = 0;
    for (n, axis) in axes.iter().enumerate() {
        let place =
            (input[n] * axis.stride() + tap[n] * axis.dilation()) as i64 - axis.window_begin();
        if place < 0 || place >= axis.output() as i64 {
            return None;
        }
        cell = cell * axis.output() + place as usize;
    }
    Some(cell)
}
