//! A layer as convolutions of stride 1 with 3x3 taps: which cells a tile reads and writes, for each phase.

use super::lines::{OUTPUTS, POINTS, TAPS};
use super::transform::OUTSIDE;
use crate::conv_transpose::coupling::{AxisMap, Coupling};
use crate::phases::Direction;

/// Longest kernel that is looked at tap by tap.
const MOST_TAPS: usize = 64;

/// One axis: output cell `position * step + phase` is the sum over three input cells, from
/// `position + first` on, times the taps of the phase.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub(super) in_cells: usize,
    pub(super) out_cells: usize,
    /// Output cells of a position, and phases.
    pub(super) step: usize,
    first: i64,
    /// For each phase the tap, if there is one, of each of the three cells.
    pub(super) phases: Vec<[Option<usize>; TAPS]>,
}

impl Axis {
    /// `None` if a phase has no tap, or if three cells are not enough for all of them.
    ///
    /// Output `i` of a convolution of stride 1 reads input `i + t * d - b` through tap t. Output
    /// `o = j * s + r` of a transposed convolution of stride s meets input i where `i * s + t * d - b = o`, so
    /// at `i = j + (r + b - t * d) / s` if that is whole.
    fn new(map: &AxisMap, direction: Direction) -> Option<Self> {
        if map.kernel > MOST_TAPS || map.stride > MOST_TAPS {
            return None;
        }
        let (in_cells, out_cells, step) = match direction {
            Direction::FineToCoarse if map.stride != 1 => return None,
            Direction::FineToCoarse => (map.fine, map.coarse, 1),
            Direction::CoarseToFine => (map.coarse, map.fine, map.stride),
        };
        let reads = |phase: usize| -> Vec<(i64, usize)> {
            let of = |tap: usize| {
                let offset = (tap * map.dilation) as i64 - map.window_begin;
                match direction {
                    Direction::FineToCoarse => Some((offset, tap)),
                    Direction::CoarseToFine => {
                        let fine = phase as i64 - offset;
                        let whole = fine.rem_euclid(step as i64) == 0;
                        whole.then(|| (fine.div_euclid(step as i64), tap))
                    }
                }
            };
            (0..map.kernel).filter_map(of).collect()
        };
        let reads: Vec<_> = (0..step).map(reads).collect();
        let first = reads.iter().flatten().map(|&(cell, _)| cell).min()?;
        let mut phases = Vec::new();
        for reads in reads {
            let mut taps = [None; TAPS];
            for &(cell, tap) in &reads {
                *taps.get_mut((cell - first) as usize)? = Some(tap);
            }
            phases.push(taps);
            if reads.is_empty() {
                return None;
            }
        }
        Some(Self { in_cells, out_cells, step, first, phases })
    }

    pub(super) fn tiles(&self) -> usize {
        self.out_cells.div_ceil(self.step).div_ceil(OUTPUTS)
    }

    /// The input cells that exist among those that tiles `first..end` read.
    pub(super) fn reads(&self, first: usize, end: usize) -> std::ops::Range<usize> {
        let inside = |cell: i64| cell.clamp(0, self.in_cells as i64) as usize;
        let at = |tile: usize| (tile * OUTPUTS) as i64 + self.first;
        inside(at(first))..inside(at(end) + TAPS as i64 - 1).max(inside(at(first)))
    }

    /// The cells that a tile reads, less `first` and `step` apart.
    pub(super) fn inputs(&self, tile: usize, first: usize, step: usize) -> [usize; POINTS] {
        std::array::from_fn(|n| {
            let cell = (tile * OUTPUTS + n) as i64 + self.first;
            match (0..self.in_cells as i64).contains(&cell) {
                // Not below `first`, as `reads` clamps to the same bounds.
                true => (cell as usize - first) * step,
                false => OUTSIDE,
            }
        })
    }

    /// The cells of a phase that a tile writes.
    pub(super) fn outputs(&self, tile: usize, phase: usize) -> [usize; OUTPUTS] {
        std::array::from_fn(|n| {
            let cell = (tile * OUTPUTS + n) * self.step + phase;
            if cell < self.out_cells { cell } else { OUTSIDE }
        })
    }

    /// Points at which the taps of a phase are not zero whatever the weight is: at 0 only the first tap counts,
    /// and at infinity only the last.
    pub(super) fn points(&self, phase: usize) -> [bool; POINTS] {
        let taps = &self.phases[phase];
        let mut points = [true; POINTS];
        points[0] = taps[0].is_some();
        points[POINTS - 1] = taps[TAPS - 1].is_some();
        points
    }
}

/// A phase of both axes.
#[derive(Clone, Debug)]
pub(super) struct Phase {
    /// The flat tap of the kernel for each of the 3x3 cells, if there is one.
    pub(super) taps: [Option<usize>; TAPS * TAPS],
    pub(super) points: [[bool; POINTS]; 2],
    /// Components that are not zero whatever the weight is.
    pub(super) components: Vec<usize>,
}

/// The sizes of a layer.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) batch: usize,
    pub(super) in_channels: usize,
    pub(super) out_channels: usize,
    /// y and x.
    pub(super) axes: [Axis; 2],
    /// Row by row.
    pub(super) phases: Vec<Phase>,
    /// Values of the weight from output channel to output channel, from input channel to input channel, and
    /// taps of a pair.
    pub(super) weight_steps: [usize; 2],
    pub(super) taps: usize,
    pub(super) flops: u128,
}

impl Shape {
    /// `None` if the layer is not such a convolution.
    pub(super) fn new(c: &Coupling, direction: Direction) -> Option<Self> {
        let [z, y, x] = &c.axes;
        let flat = z.kernel == 1 && z.coarse == 1 && z.fine == 1 && z.window_begin == 0;
        if !flat || y.kernel < 2 || x.kernel < 2 || c.groups != 1 || c.batch == 0 {
            return None;
        }
        let axes = [Axis::new(y, direction)?, Axis::new(x, direction)?];
        let mut phases = Vec::new();
        for row in 0..axes[0].step {
            for column in 0..axes[1].step {
                let of = |n: usize| {
                    let row = axes[0].phases[row][n / TAPS]?;
                    Some(row * x.kernel + axes[1].phases[column][n % TAPS]?)
                };
                let points = [axes[0].points(row), axes[1].points(column)];
                let both = |n: &usize| points[0][n / POINTS] && points[1][n % POINTS];
                phases.push(Phase {
                    taps: std::array::from_fn(of),
                    components: (0..POINTS * POINTS).filter(both).collect(),
                    points,
                });
            }
        }
        let (coarse, fine) = (c.coarse_channels, c.fine_channels);
        let (in_channels, out_channels, weight_steps) = match direction {
            Direction::CoarseToFine => (coarse, fine, [c.taps, fine * c.taps]),
            Direction::FineToCoarse => (fine, coarse, [fine * c.taps, c.taps]),
        };
        let (batch, taps, flops) = (c.batch, c.taps, c.flops());
        Some(Self { batch, in_channels, out_channels, axes, phases, weight_steps, taps, flops })
    }

    /// Rows of tiles of all images.
    pub(super) fn lines(&self) -> usize {
        self.batch * self.axes[0].tiles()
    }

    /// Components of all phases that are not zero.
    pub(super) fn components(&self) -> usize {
        self.phases.iter().map(|phase| phase.components.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(direction: Direction, stride: usize, kernel: usize, begin: i64) -> Option<Axis> {
        let (coarse, fine) = match direction {
            Direction::FineToCoarse => (8, 8),
            Direction::CoarseToFine => (8, 8 * stride),
        };
        let map = AxisMap { coarse, fine, stride, kernel, dilation: 1, window_begin: begin };
        Axis::new(&map, direction)
    }

    #[test]
    fn a_convolution_with_padding_begins_in_front_of_the_input() {
        let axis = axis(Direction::FineToCoarse, 1, 3, 1).expect("it is one");
        assert_eq!(axis.phases, [[Some(0), Some(1), Some(2)]]);
        assert_eq!(axis.inputs(0, 0, 10), [OUTSIDE, 0, 10, 20, 30, 40]);
        assert_eq!((axis.tiles(), axis.reads(0, 1), axis.reads(1, 2)), (2, 0..5, 3..8));
    }

    #[test]
    fn five_taps_of_stride_two_are_three_and_two() {
        // Output 2j: taps 4, 2, 0 at inputs j - 1, j, j + 1; output 2j + 1: taps 3 and 1 at j and j + 1.
        let axis = axis(Direction::CoarseToFine, 2, 5, 2).expect("it is one");
        assert_eq!(axis.phases, [[Some(4), Some(2), Some(0)], [None, Some(3), Some(1)]]);
        assert_eq!(axis.points(1), [false, true, true, true, true, true]);
        assert_eq!(axis.outputs(1, 1), [9, 11, 13, 15]);
    }

    #[test]
    fn four_taps_of_stride_two_are_two_and_two() {
        let axis = axis(Direction::CoarseToFine, 2, 4, 1).expect("it is one");
        assert_eq!(axis.phases, [[Some(3), Some(1), None], [None, Some(2), Some(0)]]);
    }

    #[test]
    fn other_layers_are_none() {
        assert!(axis(Direction::FineToCoarse, 2, 3, 1).is_none());
        assert!(axis(Direction::FineToCoarse, 1, 4, 1).is_none());
        // A phase without taps.
        assert!(axis(Direction::CoarseToFine, 3, 2, 0).is_none());
    }
}
