//! Stride phases: which taps serve which output cells, and whether they share the work evenly.

use crate::axis::{Axis, gcd};

/// The output cells with one remainder of `(output + window_begin) mod stride`, and their taps.
///
/// All cells of a phase use the same taps, so each phase is a dense convolution with stride 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// `(output + window_begin) mod stride`.
    pub remainder: usize,
    /// Taps `j` with `j * dilation mod stride = remainder`, ascending. May be empty.
    pub taps: Vec<usize>,
    /// First output cell of the phase; `None` if the window holds none.
    pub first_output: Option<usize>,
    /// Output cells of the phase inside the window; they lie `stride` apart.
    pub outputs: usize,
}

impl Axis {
    /// The phase of one remainder, `remainder < stride`.
    ///
    /// ```
    /// use upconv_geometry::{Axis, AxisParams};
    /// let axis = Axis::new(0, AxisParams {
    ///     input: 3, kernel: 3, stride: 2, dilation: 1, window_begin: 1, output: 5,
    /// })?;
    /// assert_eq!(axis.phase(0).taps, [0, 2]);
    /// assert_eq!(axis.phase(1).taps, [1]);
    /// assert_eq!(axis.phase(0).first_output, Some(1));
    /// assert_eq!((axis.phase(0).outputs, axis.phase(1).outputs), (2, 3));
    /// # Ok::<(), upconv_geometry::GeometryError>(())
    /// ```
    pub fn phase(&self, remainder: usize) -> Phase {
        let (stride, dilation) = (self.stride(), self.dilation());
        let taps = (0..self.kernel()).filter(|j| (j * dilation) % stride == remainder).collect();
        // o + begin = remainder (mod stride); rem_euclid keeps negative begins right.
        let first = (remainder as i64 - self.window_begin()).rem_euclid(stride as i64) as usize;
        let outputs = self.output().saturating_sub(first).div_ceil(stride);
        Phase { remainder, taps, first_output: (outputs > 0).then_some(first), outputs }
    }

    /// All phases, by ascending remainder. Allocates `stride` entries.
    pub fn phases(&self) -> Vec<Phase> {
        (0..self.stride()).map(|remainder| self.phase(remainder)).collect()
    }

    /// Whether every cell away from the border receives equally many products.
    ///
    /// Without dilation this is "the stride divides the kernel". With it, tap `j` serves phase
    /// `j * dilation mod stride`, which repeats with period `stride / gcd(stride, dilation)`: all
    /// phases are served only if that gcd is 1, and equally only if `stride` divides `kernel`.
    ///
    /// ```
    /// # use upconv_geometry::{Axis, AxisParams};
    /// # let axis = |kernel, dilation| Axis::new(0, AxisParams {
    /// #     input: 5, kernel, stride: 2, dilation, window_begin: 0, output: 8 }).unwrap();
    /// assert!(axis(4, 1).overlap_is_uniform());
    /// assert!(!axis(3, 1).overlap_is_uniform());
    /// assert!(!axis(4, 2).overlap_is_uniform()); // odd cells are never reached
    /// ```
    pub fn overlap_is_uniform(&self) -> bool {
        self.reached_every() == 1 && self.kernel().is_multiple_of(self.stride())
    }

    /// Only cells of the uncropped result at multiples of this are reached by any tap: the greatest
    /// common divisor of stride and dilation.
    pub fn reached_every(&self) -> usize {
        gcd(self.stride(), self.dilation())
    }

    /// Whether some cells inside the uncropped result receive nothing at all, as when the kernel is
    /// shorter than the stride.
    pub fn has_holes(&self) -> bool {
        self.reached_every() > 1 || self.kernel() < self.stride()
    }

    /// Fewest and most products that a cell away from the border receives.
    ///
    /// ```
    /// # use upconv_geometry::{Axis, AxisParams};
    /// # let axis = |kernel| Axis::new(0, AxisParams {
    /// #     input: 5, kernel, stride: 2, dilation: 1, window_begin: 0, output: 8 }).unwrap();
    /// assert_eq!(axis(3).overlap_range(), (1, 2));
    /// assert_eq!(axis(1).overlap_range(), (0, 1));
    /// assert_eq!(axis(4).overlap_range(), (2, 2));
    /// ```
    pub fn overlap_range(&self) -> (usize, usize) {
        let common = self.reached_every();
        let period = self.stride() / common;
        let most = self.kernel().div_ceil(period);
        let least = if common > 1 { 0 } else { self.kernel() / period };
        (least, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::AxisParams;

    #[test]
    fn phases_split_taps_and_outputs_without_rest() {
        for (kernel, stride, dilation, begin) in
            [(3, 2, 1, 0), (5, 3, 1, 2), (4, 4, 1, 1), (3, 4, 2, 1), (5, 6, 4, -3), (1, 1, 1, 0)]
        {
            let axis = Axis::new(
                0,
                AxisParams { input: 4, kernel, stride, dilation, window_begin: begin, output: 11 },
            )
            .unwrap();
            let phases = axis.phases();
            assert_eq!(phases.iter().map(|p| p.taps.len()).sum::<usize>(), kernel);
            assert_eq!(phases.iter().map(|p| p.outputs).sum::<usize>(), 11);
            for p in &phases {
                let Some(first) = p.first_output else { continue };
                for o in (first..11).step_by(stride) {
                    assert!(axis.contributors(o).all(|c| p.taps.contains(&c.tap)));
                }
            }
        }
    }
}
