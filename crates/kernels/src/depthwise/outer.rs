//! The axes across rows: which rows of the input an output row is a sum over.
//!
//! Output row `position * out_step + phase.output` is a sum over *shifts*: input row
//! `position * in_step + shift`, times one row of the kernel.

use std::ops::Range;

use crate::conv_transpose::coupling::AxisMap;
use crate::phases::Direction;

/// One axis, as positions and the groups of phases that read the same input rows.
#[derive(Clone, Debug)]
pub(super) struct Outer {
    pub(super) in_cells: usize,
    pub(super) out_cells: usize,
    pub(super) in_step: i64,
    pub(super) out_step: i64,
    /// All positions that write an output row.
    pub(super) positions: Range<i64>,
    pub(super) groups: Vec<Group>,
}

/// Phases that read the same input rows.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// Input row less `position * in_step`, ascending.
    pub(super) shifts: Vec<i64>,
    pub(super) phases: Vec<Phase>,
}

/// Output row less `position * out_step`, and the tap for each shift of the group.
#[derive(Clone, Debug)]
pub(super) struct Phase {
    pub(super) output: i64,
    pub(super) taps: Vec<usize>,
}

/// The stride in effect: a single coarse cell gets that of its kernel's extent, where every tap has a phase
/// of its own; no second cell tells strides apart.
pub(super) fn stride(map: &AxisMap) -> usize {
    match map.coarse {
        1 => (map.kernel.max(1) - 1) * map.dilation + 1,
        _ => map.stride,
    }
}

/// Pairs of phase and tap that making an axis goes through.
pub(super) fn pairs(map: &AxisMap, direction: Direction) -> usize {
    match direction {
        Direction::CoarseToFine => stride(map).saturating_mul(map.kernel),
        Direction::FineToCoarse => map.kernel,
    }
}

/// The taps that reach phase `r` of the fine cells, with the coarse cell that each reads less the position.
pub(super) fn taps_of(map: &AxisMap, r: usize) -> impl Iterator<Item = (i64, usize)> + '_ {
    let (r, s, d) = (r as i64, stride(map) as i64, map.dilation as i64);
    (0..map.kernel).rev().filter_map(move |tap| {
        let distance = r - tap as i64 * d;
        (distance.rem_euclid(s) == 0).then_some((distance.div_euclid(s), tap))
    })
}

impl Outer {
    pub(super) fn new(map: &AxisMap, direction: Direction) -> Self {
        match direction {
            Direction::CoarseToFine => Self::coarse_to_fine(map),
            Direction::FineToCoarse => Self::fine_to_coarse(map),
        }
    }

    fn coarse_to_fine(map: &AxisMap) -> Self {
        let s = stride(map) as i64;
        let mut groups: Vec<Group> = Vec::new();
        for r in 0..stride(map) {
            let (shifts, taps): (Vec<i64>, Vec<usize>) = taps_of(map, r).unzip();
            let phase = Phase { output: r as i64 - map.window_begin, taps };
            match groups.last_mut() {
                Some(group) if group.shifts == shifts => group.phases.push(phase),
                _ => groups.push(Group { shifts, phases: vec![phase] }),
            }
        }
        // Output row 0 and the last one are cells `b` and `fine - 1 + b` of the uncropped result.
        let first = map.window_begin.div_euclid(s);
        let last = (map.fine as i64 - 1 + map.window_begin).div_euclid(s);
        Self {
            in_cells: map.coarse,
            out_cells: map.fine,
            in_step: 1,
            out_step: s,
            positions: first..last + 1,
            groups,
        }
    }

    fn fine_to_coarse(map: &AxisMap) -> Self {
        let offset = |tap: usize| (tap * map.dilation) as i64 - map.window_begin;
        let shifts = (0..map.kernel).map(offset).collect();
        let phase = Phase { output: 0, taps: (0..map.kernel).collect() };
        Self {
            in_cells: map.fine,
            out_cells: map.coarse,
            in_step: map.stride as i64,
            out_step: 1,
            positions: 0..map.coarse as i64,
            groups: vec![Group { shifts, phases: vec![phase] }],
        }
    }

    /// Least and greatest shift; equal if there is none.
    pub(super) fn reach(&self) -> (i64, i64) {
        let shifts = || self.groups.iter().flat_map(|group| group.shifts.iter().copied());
        (shifts().min().unwrap_or(0), shifts().max().unwrap_or(0))
    }

    /// The output row at which a position begins, at least 0 and at most their number.
    pub(super) fn first_output(&self, position: i64) -> usize {
        let begin = self.groups.iter().flat_map(|group| &group.phases).map(|phase| phase.output);
        let begin = position * self.out_step + begin.min().unwrap_or(0);
        begin.clamp(0, self.out_cells as i64) as usize
    }

    /// For each output cell the input cells that reach it, with their taps; for an axis of planes.
    pub(super) fn sources(&self) -> Vec<Vec<(usize, usize)>> {
        let mut sources = vec![Vec::new(); self.out_cells];
        for position in self.positions.clone() {
            for group in &self.groups {
                for phase in &group.phases {
                    let output = position * self.out_step + phase.output;
                    let Some(list) = usize::try_from(output).ok().and_then(|n| sources.get_mut(n))
                    else {
                        continue;
                    };
                    for (&shift, &tap) in group.shifts.iter().zip(&phase.taps) {
                        let input = position * self.in_step + shift;
                        if (0..self.in_cells as i64).contains(&input) {
                            list.push((input as usize, tap));
                        }
                    }
                }
            }
        }
        sources
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(coarse: usize, fine: usize, stride: usize, kernel: usize, begin: i64) -> AxisMap {
        AxisMap { coarse, fine, stride, kernel, dilation: 1, window_begin: begin }
    }

    #[test]
    fn four_rows_to_eight() {
        // Kernel 4, stride 2, padding 1: output row 2 is cell 3 of the uncropped result, which input row 1
        // reaches through tap 1 and input row 0 through tap 3.
        let axis = Outer::new(&map(4, 8, 2, 4, 1), Direction::CoarseToFine);
        assert_eq!(axis.positions, 0..5);
        assert_eq!(axis.groups.len(), 1);
        assert_eq!(axis.groups[0].shifts, [-1, 0]);
        assert_eq!(axis.groups[0].phases[1].taps, [3, 1]);
        assert_eq!(axis.sources()[2], [(0, 3), (1, 1)]);
        assert_eq!((axis.first_output(0), axis.first_output(1), axis.first_output(5)), (0, 1, 8));
    }

    #[test]
    fn a_convolution_is_one_phase() {
        let axis = Outer::new(&map(3, 5, 2, 3, 1), Direction::FineToCoarse);
        assert_eq!((axis.positions.clone(), axis.reach()), (0..3, (-1, 1)));
        assert_eq!(axis.sources()[0], [(0, 1), (1, 2)]);
    }
}
