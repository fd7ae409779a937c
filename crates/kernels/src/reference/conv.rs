//! Convolution and its three gradients, product by product.
//!
//! # Shapes
//! `x: [n, in, input...]`, `w: [out, in / groups, kernel...]`, `bias: [out]`,
//! `y, dy: [n, out, output...]`, all row-major. 1 to 3 spatial axes; batch 0 is allowed.
//!
//! The loops run over the same products as the transposed convolution of `shape.axes()[..].transposed()`
//! with input and output exchanged; they are written out here all the same, so that the identity
//! between the two operations is something tests find and not something assumed.

use super::conv_transpose::sum_planes;
use super::index::unravel;
use crate::error::{KernelError, Result, check_len};
use upconv_geometry::limits::cells;
use upconv_geometry::{ConvAxis, ConvShape};

/// `y[n, co, o] = bias[co] + sum x[n, ci, o * stride + j * dilation - pad_before] * w[co, ci, j]`, with
/// zeros outside `x`.
///
/// # Errors
/// Buffers of the wrong length; more than 3 spatial axes.
///
/// ```
/// use upconv_geometry::{Channels, ConvShape, Dialect, Padding};
/// use upconv_kernels::reference::conv::conv;
/// let axes = Dialect::Tensorflow.conv_axes(&[4], &[3], &[1], &[1], &Padding::Same)?;
/// let shape = ConvShape::new(Channels { batch: 1, in_channels: 1, out_channels: 1, groups: 1 }, axes)?;
/// let y = conv(&shape, &[1.0, 2.0, 3.0, 4.0], &[1.0, 10.0, 100.0], None)?;
/// assert_eq!(y, [210.0, 321.0, 432.0, 43.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn conv<T: Copy + Into<f64>>(
    shape: &ConvShape,
    x: &[T],
    w: &[T],
    bias: Option<&[T]>,
) -> Result<Vec<f64>> {
    check_len("x", x, &shape.x())?;
    check_len("weight", w, &shape.weight())?;
    if let Some(bias) = bias {
        check_len("bias", bias, &[shape.out_channels()])?;
    }
    let mut y = vec![0.0; cells("output", &shape.y())?];
    if let Some(bias) = bias {
        let plane = cells("output", &shape.y()[2..])?;
        for (index, values) in y.chunks_mut(plane).enumerate() {
            values.fill(bias[index % bias.len()].into());
        }
    }
    for_each_product(shape, |p| y[p.y] += x[p.x].into() * w[p.w].into())?;
    Ok(y)
}

/// Gradient for `x`.
///
/// # Errors
/// As [`conv`].
pub fn conv_x_backward<T: Copy + Into<f64>>(
    shape: &ConvShape,
    w: &[T],
    dy: &[T],
) -> Result<Vec<f64>> {
    check_len("weight", w, &shape.weight())?;
    check_len("dy", dy, &shape.y())?;
    let mut dx = vec![0.0; cells("x", &shape.x())?];
    for_each_product(shape, |p| dx[p.x] += dy[p.y].into() * w[p.w].into())?;
    Ok(dx)
}

/// Gradient for `w`, summed over the batch.
///
/// # Errors
/// As [`conv`].
pub fn conv_weight_backward<T: Copy + Into<f64>>(
    shape: &ConvShape,
    x: &[T],
    dy: &[T],
) -> Result<Vec<f64>> {
    check_len("x", x, &shape.x())?;
    check_len("dy", dy, &shape.y())?;
    let mut dw = vec![0.0; cells("weight", &shape.weight())?];
    for_each_product(shape, |p| dw[p.w] += x[p.x].into() * dy[p.y].into())?;
    Ok(dw)
}

/// Gradient for the bias: the sum of `dy` over batch and space.
///
/// # Errors
/// As [`conv`].
pub fn conv_bias_backward<T: Copy + Into<f64>>(shape: &ConvShape, dy: &[T]) -> Result<Vec<f64>> {
    check_len("dy", dy, &shape.y())?;
    Ok(sum_planes(dy, cells("output", &shape.y()[2..])?, shape.out_channels()))
}

/// Flat indices of one product `x * w` and of the output that it enters.
struct Indices {
    x: usize,
    w: usize,
    y: usize,
}

/// The input cell that output position `o` reads through tap position `j`; `None` in the padding.
fn read(axes: &[ConvAxis], o: &[usize], j: &[usize]) -> Option<usize> {
    let mut cell = 0;
    for (n, axis) in axes.iter().enumerate() {
        let steps = axis.transposed();
        let place = (o[n] * steps.stride() + j[n] * steps.dilation()) as i64 - axis.pad_before();
        if place < 0 || place >= axis.input() as i64 {
            return None;
        }
        cell = cell * axis.input() + place as usize;
    }
    Some(cell)
}

fn for_each_product(shape: &ConvShape, mut visit: impl FnMut(Indices)) -> Result<()> {
    let axes = shape.axes();
    if axes.is_empty() || axes.len() > 3 {
        return Err(KernelError::UnsupportedRank { got: axes.len() });
    }
    // Axes of tensors without values may be long.
    if [shape.batch(), shape.in_channels(), shape.out_channels()].contains(&0) {
        return Ok(());
    }
    let (input, output) = (&shape.x()[2..], &shape.y()[2..]);
    let kernel = &shape.weight()[2..];
    let inputs = cells("x", input)?;
    let outputs = cells("output", output)?;
    let taps = cells("kernel", kernel)?;
    let in_group = shape.in_channels() / shape.groups();
    let out_group = shape.out_channels() / shape.groups();
    for o in 0..outputs {
        let o_at = unravel(o, output);
        for j in 0..taps {
            let Some(cell) = read(axes, &o_at, &unravel(j, kernel)) else { continue };
            for n in 0..shape.batch() {
                for co in 0..shape.out_channels() {
                    for ci in 0..in_group {
                        let ci_all = co / out_group * in_group + ci;
                        visit(Indices {
                            x: (n * shape.in_channels() + ci_all) * inputs + cell,
                            w: (co * in_group + ci) * taps + j,
                            y: (n * shape.out_channels() + co) * outputs + o,
                        });
                    }
                }
            }
        }
    }
    Ok(())
}
