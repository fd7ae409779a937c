//! One axis of a transposed convolution: five numbers, and which cells they connect.
//!
//! With input `I`, kernel `k`, stride `s`, dilation `d` the uncropped result has
//! `full = (I - 1) * s + (k - 1) * d + 1` cells, and input `i` reaches cell `i * s + j * d` of it
//! through tap `j`. The output is the window of `output` cells that begins at `window_begin`; what
//! lies outside the uncropped result is zero. Every dialect is a rule for these two numbers.
//!
//! The forward convolution from `output` cells back to `input` cells, padded by `window_begin` in
//! front, connects exactly the same cells; [`crate::ConvAxis`] is this axis read the other way.

use crate::error::{GeometryError, Result};
use crate::limits::{MAX_AXIS, axis_size};

/// The numbers of one axis, by name; [`Axis::new`] checks them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AxisParams {
    /// Input cells, at least 1.
    pub input: usize,
    /// Kernel taps, at least 1.
    pub kernel: usize,
    /// Cells between the landing places of two neighbouring inputs, at least 1.
    pub stride: usize,
    /// Cells between two neighbouring taps, at least 1 (1 is a dense kernel).
    pub dilation: usize,
    /// Where the kept window begins in the uncropped result; negative puts zeros in front.
    pub window_begin: i64,
    /// Cells kept, at least 1.
    pub output: usize,
}

/// One checked axis of a transposed convolution.
///
/// ```
/// use upconv_geometry::{Axis, AxisParams};
/// // TensorFlow SAME, 3 -> 5, kernel 3, stride 2: the window drops one cell at each end.
/// let axis = Axis::new(0, AxisParams {
///     input: 3, kernel: 3, stride: 2, dilation: 1, window_begin: 1, output: 5,
/// })?;
/// assert_eq!(axis.full(), 7);
/// assert_eq!((axis.pad_before(), axis.pad_after()), (1, 1));
/// // Output 1 is cell 2 of the uncropped result: input 0 through tap 2, input 1 through tap 0.
/// let hits: Vec<_> = axis.contributors(1).map(|c| (c.input, c.tap)).collect();
/// assert_eq!(hits, [(1, 0), (0, 2)]);
/// # Ok::<(), upconv_geometry::GeometryError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Axis {
    input: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    window_begin: i64,
    output: usize,
}

/// One product that enters an output cell: which input, through which tap, to which output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contributor {
    /// Input cell.
    pub input: usize,
    /// Kernel tap.
    pub tap: usize,
    /// Output cell.
    pub output: usize,
}

impl Axis {
    /// Checks the numbers of axis number `axis` (which only errors mention).
    ///
    /// # Errors
    /// A number below 1, or a length above [`MAX_AXIS`] (input, kernel, effective kernel, stride,
    /// dilation, uncropped result, output, distance of the window from the result).
    pub fn new(axis: usize, params: AxisParams) -> Result<Self> {
        let AxisParams { input, kernel, stride, dilation, window_begin, output } = params;
        if input == 0 {
            return Err(GeometryError::InputEmpty { axis, got: 0 });
        }
        if output == 0 {
            return Err(GeometryError::OutputSizeNotPositive { axis, got: 0 });
        }
        uncropped(axis, input, kernel, stride, dilation)?;
        axis_size("output", axis, output as i128)?;
        // Bounds the sums `output + window_begin` of the index maps.
        axis_size("window begin", axis, i128::from(window_begin.unsigned_abs()))?;
        Ok(Self { input, kernel, stride, dilation, window_begin, output })
    }

    /// Input cells.
    pub fn input(&self) -> usize {
        self.input
    }

    /// Kernel taps.
    pub fn kernel(&self) -> usize {
        self.kernel
    }

    /// Stride.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Dilation; 1 is a dense kernel.
    pub fn dilation(&self) -> usize {
        self.dilation
    }

    /// Where the kept window begins in the uncropped result. Negative: zeros in front.
    pub fn window_begin(&self) -> i64 {
        self.window_begin
    }

    /// Output cells.
    pub fn output(&self) -> usize {
        self.output
    }

    /// Cells that the kernel spans: `(kernel - 1) * dilation + 1`.
    pub fn effective_kernel(&self) -> usize {
        (self.kernel - 1) * self.dilation + 1
    }

    /// Cells of the uncropped result: `(input - 1) * stride + effective_kernel`.
    pub fn full(&self) -> usize {
        (self.input - 1) * self.stride + self.effective_kernel()
    }

    /// Cells cropped from the front of the uncropped result; negative are zeros added.
    pub fn pad_before(&self) -> i64 {
        self.window_begin
    }

    /// Cells cropped from the end of the uncropped result; negative are zeros added.
    pub fn pad_after(&self) -> i64 {
        self.full() as i64 - self.window_begin - self.output as i64
    }

    /// Where input cell `input` lands through `tap`, if inside the window.
    pub fn target(&self, input: usize, tap: usize) -> Option<usize> {
        if input >= self.input || tap >= self.kernel {
            return None;
        }
        let cell = (input * self.stride + tap * self.dilation) as i64 - self.window_begin;
        usize::try_from(cell).ok().filter(|&o| o < self.output)
    }

    /// The input cell that reaches `output` through `tap`, if there is one.
    ///
    /// `output + window_begin = input * stride + tap * dilation`, solved for `input`.
    pub fn source(&self, output: usize, tap: usize) -> Option<usize> {
        if output >= self.output || tap >= self.kernel {
            return None;
        }
        let ahead = output as i64 + self.window_begin - (tap * self.dilation) as i64;
        let ahead = usize::try_from(ahead).ok()?;
        (ahead % self.stride == 0).then_some(ahead / self.stride).filter(|&i| i < self.input)
    }

    /// Gather view: every product that enters `output`, by ascending tap.
    ///
    /// Empty when no tap reaches it: a hole (kernel below stride), or a cell outside the uncropped
    /// result.
    pub fn contributors(&self, output: usize) -> impl Iterator<Item = Contributor> + '_ {
        self.taps_of(output).filter_map(move |tap| {
            self.source(output, tap).map(|input| Contributor { input, tap, output })
        })
    }

    /// Scatter view: every output that `input` reaches, by ascending tap.
    pub fn targets(&self, input: usize) -> impl Iterator<Item = Contributor> + '_ {
        (0..self.kernel).filter_map(move |tap| {
            self.target(input, tap).map(|output| Contributor { input, tap, output })
        })
    }

    /// The taps that could reach `output`, ascending: those whose input index is not out of range.
    ///
    /// `0 <= (t - j * d) / s <= I - 1` with `t = output + window_begin` gives
    /// `t - (I - 1) * s <= j * d <= t`.
    fn taps_of(&self, output: usize) -> std::ops::Range<usize> {
        let t = output as i64 + self.window_begin;
        if t < 0 {
            return 0..0;
        }
        let (t, d) = (t as usize, self.dilation);
        let first = t.saturating_sub((self.input - 1) * self.stride).div_ceil(d);
        let end = (t / d + 1).min(self.kernel);
        first.min(end)..end
    }

    /// How many products enter `output`; 0 outside the window.
    ///
    /// Counts without visiting the taps, so that long axes cost nothing. Cell `t = output +
    /// window_begin` receives one product for each tap `j` with `j * d = t (mod s)` whose input is in
    /// range. With `g = gcd(d, s)` there are none unless `g` divides `t`; else these `j` are one residue
    /// modulo `s / g`.
    ///
    /// ```
    /// use upconv_geometry::{Axis, AxisParams};
    /// let axis = Axis::new(0, AxisParams {
    ///     input: 3, kernel: 3, stride: 2, dilation: 1, window_begin: 1, output: 5,
    /// })?;
    /// assert_eq!((axis.overlap_at(0), axis.overlap_at(1)), (1, 2));
    /// # Ok::<(), upconv_geometry::GeometryError>(())
    /// ```
    pub fn overlap_at(&self, output: usize) -> usize {
        if output >= self.output {
            return 0;
        }
        let t = output as i64 + self.window_begin;
        let (common, inverse) = gcd_and_inverse(self.dilation as i64, self.stride as i64);
        let taps = self.taps_of(output);
        if t % common != 0 || taps.is_empty() {
            return 0;
        }
        let period = self.stride as i64 / common;
        // Each factor is below 2^32, so the product fits into an i128.
        let product = i128::from(t / common) * i128::from(inverse);
        let residue = product.rem_euclid(i128::from(period)) as i64;
        // Cells before the first such tap from `taps.start` on.
        let ahead = (residue - taps.start as i64).rem_euclid(period) as usize;
        (taps.len().saturating_sub(ahead)).div_ceil(period as usize)
    }

    /// How many products enter each output cell: the transposed convolution of ones with ones.
    /// Allocates `output` numbers.
    pub fn overlap(&self) -> Vec<usize> {
        (0..self.output).map(|output| self.overlap_at(output)).collect()
    }
}

/// `gcd(d, s)` and the inverse of `d / gcd` modulo `s / gcd`, by Euclid; both at least 1.
fn gcd_and_inverse(d: i64, s: i64) -> (i64, i64) {
    // Invariant: each remainder is `factor * d` modulo `s`.
    let (mut low, mut high) = ((d, 1), (s, 0));
    while low.0 != 0 {
        let quotient = high.0 / low.0;
        (low, high) = ((high.0 - quotient * low.0, high.1 - quotient * low.1), low);
    }
    let (common, factor) = high;
    (common, factor.rem_euclid(s / common))
}

/// Greatest common divisor of two lengths, both at least 1.
pub(crate) fn gcd(a: usize, b: usize) -> usize {
    gcd_and_inverse(a as i64, b as i64).0 as usize
}

/// Cells of the uncropped result, with every factor checked.
pub(crate) fn uncropped(
    axis: usize,
    input: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
) -> Result<usize> {
    if kernel == 0 {
        return Err(GeometryError::KernelEmpty { axis, got: 0 });
    }
    if stride == 0 {
        return Err(GeometryError::StrideNotPositive { axis, got: 0 });
    }
    if dilation == 0 {
        return Err(GeometryError::DilationNotPositive { axis, got: 0 });
    }
    let named = [("input", input), ("kernel", kernel), ("stride", stride), ("dilation", dilation)];
    for (what, value) in named {
        axis_size(what, axis, value as i128)?;
    }
    // Each factor is below 2^31 now, so the sums below fit easily into an i128.
    let spanned = (kernel as i128 - 1) * dilation as i128 + 1;
    axis_size("effective kernel", axis, spanned)?;
    let reach = input.saturating_sub(1) as i128 * stride as i128;
    axis_size("uncropped result", axis, reach + spanned)
}

const _: () = assert!(MAX_AXIS < i64::MAX / 4, "sums of a few lengths must fit into i64");

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(
        input: usize,
        kernel: usize,
        stride: usize,
        dilation: usize,
        begin: i64,
        output: usize,
    ) -> Axis {
        Axis::new(0, AxisParams { input, kernel, stride, dilation, window_begin: begin, output })
            .unwrap()
    }

    #[test]
    fn overlap_of_kernel_3_stride_2_alternates() {
        // Ones through ones by hand: inputs at 0, 2, 4 each cover three cells.
        assert_eq!(axis(3, 3, 2, 1, 0, 7).overlap(), [1, 1, 2, 1, 2, 1, 1]);
        assert_eq!(axis(3, 4, 2, 1, 0, 8).overlap(), [1, 1, 2, 2, 2, 2, 1, 1]);
        assert_eq!(axis(3, 1, 2, 1, 0, 6).overlap(), [1, 0, 1, 0, 1, 0]);
    }

    #[test]
    fn a_window_outside_the_result_is_empty() {
        let far = axis(2, 2, 1, 1, 3, 4);
        assert_eq!(far.overlap(), [0; 4]);
        assert_eq!(axis(2, 2, 1, 1, -2, 3).overlap(), [0, 0, 1]);
    }

    #[test]
    fn hostile_numbers_are_refused() {
        let huge = usize::MAX;
        let base =
            AxisParams { input: 1, kernel: 1, stride: 1, dilation: 1, window_begin: 0, output: 1 };
        for params in [
            AxisParams { input: huge, ..base },
            AxisParams { kernel: huge, ..base },
            AxisParams { stride: huge, ..base },
            AxisParams { dilation: huge, ..base },
            AxisParams { output: huge, ..base },
            AxisParams { window_begin: i64::MIN, ..base },
            AxisParams { input: 1 << 30, stride: 1 << 30, ..base },
            AxisParams { kernel: 1 << 30, dilation: 1 << 30, ..base },
        ] {
            assert_eq!(Axis::new(0, params).unwrap_err().rule(), "SIZE_LIMIT", "{params:?}");
        }
        assert!(Axis::new(0, AxisParams { input: MAX_AXIS as usize, ..base }).is_ok());
    }
}
