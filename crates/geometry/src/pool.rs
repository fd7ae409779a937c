//! Sizes of pooling windows, whose rounding differs between frameworks, and of max-unpooling.

use crate::conv::{ConvAxis, ConvAxisParams, ConvPadding};
use crate::error::{GeometryError, Legal, Result};
use crate::limits::axis_size;

/// How the last, incomplete pooling window is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolRounding {
    /// It is dropped: PyTorch's default, TensorFlow.
    Floor,
    /// It is kept; with padding, one that would start beyond input and front padding is dropped.
    CeilCaffe,
    /// It is kept unless it would start beyond input and front padding, with padding or without:
    /// PyTorch's `ceil_mode`, ONNX.
    CeilTorch,
}

/// The numbers of one pooling axis, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolAxisParams {
    /// Input cells, at least 1.
    pub input: usize,
    /// Window cells, at least 1.
    pub kernel: usize,
    /// Stride, at least 1.
    pub stride: usize,
    /// Dilation, at least 1.
    pub dilation: usize,
    /// Cells around the input that never win.
    pub padding: ConvPadding,
    /// What happens to the last window.
    pub rounding: PoolRounding,
}

/// Output cells of one pooling axis.
///
/// # Errors
/// A number below 1, a length above the limits, or padding that leaves no output.
///
/// # Source
/// Caffe `pooling_layer.cpp` (master of 2020); PyTorch 2.8 `max_pool` with `ceil_mode`; TensorFlow
/// 2.21 for the SAME and VALID rules.
///
/// ```
/// use upconv_geometry::{ConvPadding, PoolAxisParams, PoolRounding, pool_output};
/// let size = |rounding| pool_output(0, PoolAxisParams {
///     input: 5, kernel: 2, stride: 2, dilation: 1,
///     padding: ConvPadding::Valid, rounding,
/// });
/// assert_eq!(size(PoolRounding::Floor), Ok(2));
/// assert_eq!(size(PoolRounding::CeilCaffe), Ok(3));
/// ```
pub fn pool_output(axis: usize, params: PoolAxisParams) -> Result<usize> {
    let PoolAxisParams { input, kernel, stride, dilation, padding, rounding } = params;
    // Checks every number, and is the answer of the floor rule.
    let floor = ConvAxis::new(axis, ConvAxisParams { input, kernel, stride, dilation, padding })?;
    let span = floor.transposed().effective_kernel() as i128;
    let (before, after) = padding.amounts(input, floor.transposed().effective_kernel(), stride);
    let room = input as i128 + i128::from(before) + i128::from(after) - span;
    let stride = stride as i128;
    let ceil = (room + stride - 1) / stride + 1;
    let last_starts_outside = (ceil - 1) * stride >= input as i128 + i128::from(before);
    let padded = before > 0 || after > 0;
    let size = match rounding {
        PoolRounding::Floor => return Ok(floor.output()),
        PoolRounding::CeilCaffe if padded && last_starts_outside => ceil - 1,
        PoolRounding::CeilCaffe => ceil,
        PoolRounding::CeilTorch if last_starts_outside => ceil - 1,
        PoolRounding::CeilTorch => ceil,
    };
    axis_size("output", axis, size)
}

/// The numbers of one max-unpooling axis, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnpoolAxisParams {
    /// Input cells (the pooled size), at least 1.
    pub input: usize,
    /// Window cells of the pooling, at least 1.
    pub kernel: usize,
    /// Stride of the pooling, at least 1.
    pub stride: usize,
    /// Padding of the pooling at both ends, at least 0.
    pub padding: i64,
    /// Wanted size; `None` is `(input - 1) * stride - 2 * padding + kernel`.
    pub output: Option<i64>,
}

/// Output cells of one max-unpooling axis.
///
/// # Errors
/// A number below 1; `OUTPUT_SIZE_OUT_OF_RANGE` unless the wanted size lies strictly between default
/// minus stride and default plus stride.
///
/// # Source
/// PyTorch 2.8 `max_unpool{1,2,3}d`.
///
/// ```
/// use upconv_geometry::{UnpoolAxisParams, unpool_output};
/// let axis = UnpoolAxisParams { input: 2, kernel: 2, stride: 2, padding: 0, output: None };
/// assert_eq!(unpool_output(0, axis), Ok(4));
/// assert_eq!(unpool_output(0, UnpoolAxisParams { output: Some(5), ..axis }), Ok(5));
/// assert!(unpool_output(0, UnpoolAxisParams { output: Some(6), ..axis }).is_err());
/// ```
pub fn unpool_output(axis: usize, params: UnpoolAxisParams) -> Result<usize> {
    let UnpoolAxisParams { input, kernel, stride, padding, output } = params;
    if input == 0 {
        return Err(GeometryError::InputEmpty { axis, got: 0 });
    }
    if padding < 0 {
        return Err(GeometryError::NegativePadding { axis, got: padding });
    }
    axis_size("padding", axis, i128::from(padding))?;
    let full = crate::axis::uncropped(axis, input, kernel, stride, 1)?;
    let natural = full as i64 - 2 * padding;
    let size = match output {
        None => natural,
        Some(got) => {
            let reach = stride as i64 - 1;
            let legal = Legal { first: (natural - reach).max(1), last: (natural + reach).max(1) };
            if !legal.contains(got) || got > natural + reach {
                return Err(GeometryError::OutputSizeOutOfRange { axis, got, legal });
            }
            got
        }
    };
    if size < 1 {
        return Err(GeometryError::OutputSizeNotPositive { axis, got: size });
    }
    axis_size("output", axis, i128::from(size))
}
