//! Transposed convolution and its three gradients, product by product.
//!
//! # Shapes
//! `x: [n, in, input...]`, `w: [in, out / groups, kernel...]`, `bias: [out]`,
//! `y, dy: [n, out, output...]`, all row-major. Group `q` maps input channels `q * in / groups ..` to
//! output channels `q * out / groups ..`. 1 to 3 spatial axes; batch 0 is allowed.

use super::walk::products;
use crate::error::{Result, check_len};
use upconv_geometry::limits::cells;
use upconv_geometry::{Axis, ConvTransposeShape};

/// The sizes that index arithmetic needs.
pub(super) struct Sizes {
    pub(super) batch: usize,
    pub(super) groups: usize,
    /// Input channels of a group.
    pub(super) in_group: usize,
    /// Output channels of a group.
    pub(super) out_group: usize,
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) taps: usize,
}

impl Sizes {
    pub(super) fn of(shape: &ConvTransposeShape) -> Result<Self> {
        let of = |f: fn(&Axis) -> usize| shape.axes().iter().map(f).collect::<Vec<_>>();
        Ok(Self {
            batch: shape.batch(),
            groups: shape.groups(),
            in_group: shape.in_channels() / shape.groups(),
            out_group: shape.out_channels() / shape.groups(),
            input: cells("input", &of(Axis::input))?,
            output: cells("output", &of(Axis::output))?,
            taps: cells("kernel", &of(Axis::kernel))?,
        })
    }

    /// Calls `visit` with (image, input channel, output channel within its group, output channel).
    fn channels(&self, mut visit: impl FnMut(usize, usize, usize, usize)) {
        for n in 0..self.batch {
            for group in 0..self.groups {
                for ci in 0..self.in_group {
                    for co in 0..self.out_group {
                        visit(n, group * self.in_group + ci, co, group * self.out_group + co);
                    }
                }
            }
        }
    }

    fn x(&self, n: usize, ci: usize, cell: usize) -> usize {
        (n * self.groups * self.in_group + ci) * self.input + cell
    }

    fn y(&self, n: usize, co: usize, cell: usize) -> usize {
        (n * self.groups * self.out_group + co) * self.output + cell
    }

    fn w(&self, ci: usize, co_in_group: usize, tap: usize) -> usize {
        (ci * self.out_group + co_in_group) * self.taps + tap
    }
}

/// `y[n, co, i * stride + j * dilation - window_begin] += x[n, ci, i] * w[ci, co, j]`, then the bias
/// everywhere, also where no tap reaches.
///
/// # Errors
/// Buffers of the wrong length; more than 3 spatial axes.
///
/// ```
/// use upconv_geometry::dialect::pytorch::ConvTranspose;
/// use upconv_kernels::reference::conv_transpose::conv_transpose;
/// let op = ConvTranspose { stride: vec![2], ..Default::default() };
/// let shape = op.shape(&[1, 1, 2], &[1, 1, 3], Some(1))?;
/// // 1 lays down 1 2 3, then 10 lays down 10 20 30 two cells later; 0.5 everywhere.
/// let y = conv_transpose(&shape, &[1.0, 10.0], &[1.0, 2.0, 3.0], Some(&[0.5]))?;
/// assert_eq!(y, [1.5, 2.5, 13.5, 20.5, 30.5]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn conv_transpose<T: Copy + Into<f64>>(
    shape: &ConvTransposeShape,
    x: &[T],
    w: &[T],
    bias: Option<&[T]>,
) -> Result<Vec<f64>> {
    check_len("x", x, &shape.x())?;
    check_len("weight", w, &shape.weight())?;
    let s = Sizes::of(shape)?;
    let mut y = vec![0.0; cells("output", &shape.y())?];
    products(shape, |p| {
        s.channels(|n, ci, co, co_all| {
            let term = x[s.x(n, ci, p.input)].into() * w[s.w(ci, co, p.tap)].into();
            y[s.y(n, co_all, p.output)] += term;
        });
    })?;
    if let Some(bias) = bias {
        check_len("bias", bias, &[shape.out_channels()])?;
        for (plane, cells) in y.chunks_mut(s.output).enumerate() {
            let add: f64 = bias[plane % bias.len()].into();
            cells.iter_mut().for_each(|cell| *cell += add);
        }
    }
    Ok(y)
}

/// Gradient for `x`: the forward convolution of `dy` with the same weight.
///
/// # Errors
/// As [`conv_transpose`].
///
/// ```
/// use upconv_geometry::dialect::pytorch::ConvTranspose;
/// use upconv_kernels::reference::conv_transpose::conv_transpose_x_backward;
/// let op = ConvTranspose { stride: vec![2], ..Default::default() };
/// let shape = op.shape(&[1, 1, 2], &[1, 1, 3], None)?;
/// let dx = conv_transpose_x_backward(&shape, &[1.0, 2.0, 3.0], &[1.0, 0.0, 0.0, 0.0, 1.0])?;
/// assert_eq!(dx, [1.0, 3.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn conv_transpose_x_backward<T: Copy + Into<f64>>(
    shape: &ConvTransposeShape,
    w: &[T],
    dy: &[T],
) -> Result<Vec<f64>> {
    check_len("weight", w, &shape.weight())?;
    check_len("dy", dy, &shape.y())?;
    let s = Sizes::of(shape)?;
    let mut dx = vec![0.0; cells("x", &shape.x())?];
    products(shape, |p| {
        s.channels(|n, ci, co, co_all| {
            let term = dy[s.y(n, co_all, p.output)].into() * w[s.w(ci, co, p.tap)].into();
            dx[s.x(n, ci, p.input)] += term;
        });
    })?;
    Ok(dx)
}

/// Gradient for `w`, summed over the batch.
///
/// # Errors
/// As [`conv_transpose`].
///
/// ```
/// use upconv_geometry::dialect::pytorch::ConvTranspose;
/// use upconv_kernels::reference::conv_transpose::conv_transpose_weight_backward;
/// let op = ConvTranspose { stride: vec![2], ..Default::default() };
/// let shape = op.shape(&[1, 1, 2], &[1, 1, 3], None)?;
/// let dw = conv_transpose_weight_backward(&shape, &[1.0, 10.0], &[1.0, 2.0, 3.0, 4.0, 5.0])?;
/// assert_eq!(dw, [31.0, 42.0, 53.0]); // tap 0: 1 * 1 + 10 * 3
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn conv_transpose_weight_backward<T: Copy + Into<f64>>(
    shape: &ConvTransposeShape,
    x: &[T],
    dy: &[T],
) -> Result<Vec<f64>> {
    check_len("x", x, &shape.x())?;
    check_len("dy", dy, &shape.y())?;
    let s = Sizes::of(shape)?;
    let mut dw = vec![0.0; cells("weight", &shape.weight())?];
    products(shape, |p| {
        s.channels(|n, ci, co, co_all| {
            let term = x[s.x(n, ci, p.input)].into() * dy[s.y(n, co_all, p.output)].into();
            dw[s.w(ci, co, p.tap)] += term;
        });
    })?;
    Ok(dw)
}

/// Gradient for the bias: the sum of `dy` over batch and space.
///
/// # Errors
/// As [`conv_transpose`].
///
/// ```
/// use upconv_geometry::dialect::pytorch::ConvTranspose;
/// use upconv_kernels::reference::conv_transpose::conv_transpose_bias_backward;
/// let shape = ConvTranspose::default().shape(&[1, 1, 2], &[1, 1, 1], Some(1))?;
/// assert_eq!(conv_transpose_bias_backward(&shape, &[3.0, 4.0])?, [7.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn conv_transpose_bias_backward<T: Copy + Into<f64>>(
    shape: &ConvTransposeShape,
    dy: &[T],
) -> Result<Vec<f64>> {
    check_len("dy", dy, &shape.y())?;
    let s = Sizes::of(shape)?;
    Ok(sum_planes(dy, s.output, shape.out_channels()))
}

/// Sums every plane of `cells` values, for each of `channels` channels over the batch.
pub(super) fn sum_planes<T: Copy + Into<f64>>(dy: &[T], cells: usize, channels: usize) -> Vec<f64> {
    let mut sums = vec![0.0; channels];
    for (plane, values) in dy.chunks(cells.max(1)).enumerate() {
        sums[plane % channels] += values.iter().map(|&v| v.into()).sum::<f64>();
    }
    sums
}
