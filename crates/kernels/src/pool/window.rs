//! Pooling windows: what a pooling's output size depends on, and which cells each window sees.

use std::ops::Range;

use upconv_geometry::{
    ConvPadding, GeometryError, PoolAxisParams, PoolRounding, limits, pool_output,
};

use crate::error::{KernelError, Result};

/// A pooling with everything that its output size depends on; one entry per spatial axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolWindow {
    /// Window cells, at least 1 each. Its length is the number of spatial axes, 1 to 3.
    pub kernel: Vec<usize>,
    /// Cells from one window to the next, at least 1 each.
    pub stride: Vec<usize>,
    /// Cells from one window cell to the next, at least 1 each.
    pub dilation: Vec<usize>,
    /// Cells around the input: they never win a maximum, and add nothing to a mean.
    pub padding: Vec<ConvPadding>,
    /// Whether a last, incomplete window counts.
    pub rounding: PoolRounding,
}

impl PoolWindow {
    /// Shape of the output for an input of `shape`.
    ///
    /// # Shapes
    /// `[n, c, spatial...] -> [n, c, output...]`
    ///
    /// # Errors
    /// Ranks and attribute lengths that do not fit; those of [`pool_output`]; the limit on cells.
    ///
    /// ```
    /// use upconv_geometry::{ConvPadding, PoolRounding};
    /// use upconv_kernels::pool::PoolWindow;
    /// let window = PoolWindow {
    ///     kernel: vec![2], stride: vec![2], dilation: vec![1],
    ///     padding: vec![ConvPadding::Valid], rounding: PoolRounding::Floor,
    /// };
    /// assert_eq!(window.output(&[1, 3, 5])?, [1, 3, 2]);
    /// # Ok::<(), upconv_kernels::KernelError>(())
    /// ```
    pub fn output(&self, shape: &[usize]) -> Result<Vec<usize>> {
        let dims = self.kernel.len();
        if !(1..=3).contains(&dims) {
            return Err(KernelError::UnsupportedRank { got: dims });
        }
        if shape.len() != dims + 2 {
            let (tensor, expected, got) = ("x", dims + 2, shape.len());
            return Err(GeometryError::RankMismatch { tensor, expected, got }.into());
        }
        let lengths = [
            ("stride", self.stride.len()),
            ("dilation", self.dilation.len()),
            ("padding", self.padding.len()),
        ];
        for (attribute, got) in lengths {
            if got != dims {
                return Err(
                    GeometryError::AttributeLength { attribute, expected: dims, got }.into()
                );
            }
        }
        limits::cells("x", shape)?;
        let mut output = shape[..2].to_vec();
        for axis in 0..dims {
            let params = PoolAxisParams {
                input: shape[axis + 2],
                kernel: self.kernel[axis],
                stride: self.stride[axis],
                dilation: self.dilation[axis],
                padding: self.padding[axis],
                rounding: self.rounding,
            };
            output.push(pool_output(axis, params)?);
        }
        limits::cells("output", &output)?;
        Ok(output)
    }

    /// The windows of each spatial axis for an input of `shape`, `[n, c, spatial...]`.
    ///
    /// # Errors
    /// As [`PoolWindow::output`].
    pub fn axes(&self, shape: &[usize]) -> Result<Vec<PoolAxis>> {
        let output = self.output(shape)?;
        let axis = |axis: usize| {
            let (input, output) = (shape[axis + 2], output[axis + 2]);
            let (kernel, stride, dilation) =
                (self.kernel[axis], self.stride[axis], self.dilation[axis]);
            let span = (kernel - 1) * dilation + 1;
            let (before, after) = self.padding[axis].amounts(input, span, stride);
            PoolAxis { input, output, kernel, stride, dilation, before, after }
        };
        Ok((0..self.kernel.len()).map(axis).collect())
    }
}

/// The windows of one axis, as [`PoolWindow::axes`] works them out: window `o` sees the cells
/// `o * stride + j * dilation - before` for `j` from 0 to `kernel - 1`, as far as they lie in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolAxis {
    /// Input cells.
    pub input: usize,
    /// Windows.
    pub output: usize,
    /// Cells of a window.
    pub kernel: usize,
    /// Cells from one window to the next.
    pub stride: usize,
    /// Cells from one window cell to the next.
    pub dilation: usize,
    /// Padding in front; negative crops.
    pub before: i64,
    /// Padding behind, which only counts for means.
    pub after: i64,
}

impl PoolAxis {
    /// An axis that is not there.
    pub(super) const NONE: Self =
        Self { input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0 };

    /// Where tap 0 of window `o` lies.
    fn begin(&self, o: usize) -> i64 {
        (o * self.stride) as i64 - self.before
    }

    /// The taps of window `o` that lie from cell 0 on and before cell `end`:
    /// `0 <= begin + j * dilation < end`.
    fn taps(&self, o: usize, end: i64) -> Range<usize> {
        let begin = self.begin(o);
        let steps = |cells: i64| (cells.max(0).unsigned_abs() as usize).div_ceil(self.dilation);
        steps(-begin)..steps(end - begin).min(self.kernel)
    }

    /// The cells that window `o` sees.
    pub(crate) fn cells(&self, o: usize) -> impl Iterator<Item = usize> + Clone {
        let (begin, step) = (self.begin(o), self.dilation);
        self.taps(o, self.input as i64).map(move |tap| (begin + (tap * step) as i64) as usize)
    }

    /// How many cells of window `o` a mean is divided by: those in the input, or those in the input and its
    /// padding.
    pub fn count(&self, o: usize, padding: bool) -> usize {
        let inside = self.taps(o, self.input as i64);
        if !padding {
            return inside.len();
        }
        // Padding in front is never too short for a window.
        self.taps(o, self.input as i64 + self.after.max(0)).end
    }

    /// The windows whose tap `j` lies in the input, and the cell under it in the first of them:
    /// `0 <= o * stride + j * dilation - before < input`.
    pub(super) fn windows(&self, tap: usize) -> (Range<usize>, usize) {
        let offset = (tap * self.dilation) as i64 - self.before;
        let steps = |cells: i64| (cells.max(0).unsigned_abs() as usize).div_ceil(self.stride);
        let end = steps(self.input as i64 - offset).min(self.output);
        let first = steps(-offset).min(end);
        // An empty range names no cell.
        let cell = if first < end { (first * self.stride) as i64 + offset } else { 0 };
        (first..end, cell as usize)
    }
}
