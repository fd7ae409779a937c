//! One axis of a convolution or transposed convolution as dense products without a zero in them.
//!
//! Output cell `position * out_step + phase.output` is a sum over *shifts*: input cell
//! `position * in_step + shift`, times one tap.
//!
//! * Coarse to fine (a transposed convolution): input cell q and tap t reach fine cell `q * s + t * d - b`
//!   (b: where the window begins). Write the fine cell as `m * s + r - b` with the *phase* r below s: the
//!   taps that reach it are those with `t * d = r (mod s)`, from input cell `m + (r - t * d) / s`. So each
//!   phase is a convolution of stride 1 with its share of the taps: no product with an inserted zero.
//!   Phases with the same shifts form one *group*, and share what is read from the input; or, joined, also
//!   those with fewer shifts. Without dilation there are at most two sorts, one if joined: the first
//!   `k mod s` phases have one tap more than the others.
//! * Fine to coarse (a convolution): one phase; tap t reads `q * s + t * d - b`.
//!
//! Near the border some shifts fall outside of the input, and some phases outside of the output. A group
//! is cut into *segments* of positions in which this does not change, so that the products there leave
//! them out.

use std::ops::Range;

use crate::conv_transpose::coupling::AxisMap;

/// What a transposed convolution or a convolution does along one axis.
#[derive(Clone, Debug)]
pub(crate) struct AxisPhases {
    pub(crate) in_cells: usize,
    pub(crate) in_step: usize,
    pub(crate) out_cells: usize,
    pub(crate) out_step: usize,
    /// Output cell at which position 0 begins.
    pub(crate) out_begin: i64,
    pub(crate) groups: Vec<PhaseGroup>,
}

/// Phases that read the same input cells.
#[derive(Clone, Debug)]
pub(crate) struct PhaseGroup {
    /// Input cell less `position * in_step`.
    pub(crate) shifts: Vec<i64>,
    /// In ascending order of `output`.
    pub(crate) phases: Vec<Phase>,
    /// How many of the phases, the last ones, read one input cell further: see [`AxisPhases::in_blocks`].
    pub(crate) ahead: usize,
}

/// A phase: the output cell less `position * out_step`, and the tap for each shift of its group, if it has
/// one.
#[derive(Clone, Debug)]
pub(crate) struct Phase {
    pub(crate) output: i64,
    pub(crate) taps: Vec<Option<usize>>,
}

/// Positions for which the same shifts and phases lie inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) positions: Range<i64>,
    /// Indices into the group's shifts.
    pub(crate) shifts: Vec<usize>,
    /// Indices into the group's phases.
    pub(crate) phases: Range<usize>,
    /// Whether every shift lies inside the input for every position.
    pub(crate) inside: bool,
}

impl AxisPhases {
    pub(crate) fn coarse_to_fine(map: &AxisMap, join: bool) -> Self {
        // A single cell: with the kernel's extent as stride every tap has a phase of its own, and
        // nothing overlaps. The result is the same, as no second cell tells strides apart.
        let extent = (map.kernel.max(1) - 1) * map.dilation + 1;
        let stride = if map.coarse == 1 { extent } else { map.stride };
        let (s, d) = (stride as i64, map.dilation as i64);
        let mut groups: Vec<PhaseGroup> = Vec::new();
        for r in 0..s {
            let reached = (0..map.kernel as i64).filter(|t| (r - t * d).rem_euclid(s) == 0);
            let reached: Vec<i64> = reached.collect();
            let shifts: Vec<i64> = reached.iter().map(|t| (r - t * d) / s).collect();
            let taps = reached.iter().map(|&t| Some(t as usize)).collect();
            let phase = Phase { output: r - map.window_begin, taps };
            match groups.iter_mut().find(|group| group.shifts == shifts) {
                Some(group) => group.phases.push(phase),
                None => groups.push(PhaseGroup { shifts, phases: vec![phase], ahead: 0 }),
            }
        }
        if join {
            groups = joined(groups);
        }
        Self {
            in_cells: map.coarse,
            in_step: 1,
            out_cells: map.fine,
            out_step: stride,
            out_begin: -map.window_begin,
            groups,
        }
    }

    pub(crate) fn fine_to_coarse(map: &AxisMap) -> Self {
        let offset = |t: usize| (t * map.dilation) as i64 - map.window_begin;
        let shifts = (0..map.kernel).map(offset).collect();
        let phase = Phase { output: 0, taps: (0..map.kernel).map(Some).collect() };
        Self {
            in_cells: map.fine,
            in_step: map.stride,
            out_cells: map.coarse,
            out_step: 1,
            out_begin: 0,
            groups: vec![PhaseGroup { shifts, phases: vec![phase], ahead: 0 }],
        }
    }

    /// The same with positions whose phases are a block of output cells, the first from cell 0 on, where that
    /// fills registers: a group has all phases, the window begins in the middle of a block, and there are as
    /// many blocks as fill registers of so many lanes.
    ///
    /// Counted so, half of the phases are those of the position before, and read one input cell further;
    /// none falls outside at the ends of a row, which is one position shorter.
    pub(crate) fn in_blocks(mut self, lanes: usize) -> Self {
        let step = self.out_step as i64;
        let [group] = &mut self.groups[..] else { return self };
        let all = group.phases.len() == self.out_step;
        let half = 2 * (-self.out_begin).rem_euclid(step) == step;
        if !all || !half || !self.out_cells.is_multiple_of(lanes * self.out_step) {
            return self;
        }
        let block = |phase: &Phase| phase.output.div_euclid(step);
        let last = group.phases.last().map_or(0, block);
        group.shifts.iter_mut().for_each(|shift| *shift -= last);
        group.ahead = group.phases.iter().filter(|phase| block(phase) < last).count();
        group.phases.iter_mut().for_each(|phase| phase.output = phase.output.rem_euclid(step));
        group.phases.sort_by_key(|phase| phase.output);
        self.out_begin = 0;
        self
    }

    /// Phases times taps that [`Self::coarse_to_fine`] goes through: what making it costs.
    pub(crate) fn cost(map: &AxisMap) -> usize {
        let stride = if map.coarse == 1 { map.kernel * map.dilation } else { map.stride };
        stride.saturating_mul(map.kernel)
    }

    /// The positions whose input cell at `shift` exists: `0 <= p * in_step + shift < in_cells`.
    pub(crate) fn read_by(&self, shift: i64) -> Range<i64> {
        range(self.in_cells, self.in_step, shift)
    }

    /// The positions whose output cell at `output` exists.
    fn written_by(&self, output: i64) -> Range<i64> {
        range(self.out_cells, self.out_step, output)
    }

    /// All positions that write an output cell.
    pub(crate) fn positions(&self) -> Range<i64> {
        let (step, last) = (self.out_step as i64, self.out_cells as i64 - 1);
        let first = (-self.out_begin).div_euclid(step);
        first..((last - self.out_begin).div_euclid(step) + 1).max(first)
    }

    /// The output cell at which a position begins; cells outside count as the nearest border.
    pub(crate) fn first_output(&self, position: i64) -> usize {
        // Within 0..=out_cells after the clamp.
        (position * self.out_step as i64 + self.out_begin).clamp(0, self.out_cells as i64) as usize
    }

    /// The segments of a group. If `exact`, no shift of a segment falls outside for any position;
    /// otherwise a segment has all shifts that lie inside for one of its positions.
    pub(crate) fn segments(&self, group: &PhaseGroup, exact: bool) -> Vec<Segment> {
        let written: Vec<_> = group.phases.iter().map(|p| self.written_by(p.output)).collect();
        let read: Vec<_> = group.shifts.iter().map(|&shift| self.read_by(shift)).collect();
        let (Some(first), Some(end)) =
            (written.iter().map(|w| w.start).min(), written.iter().map(|w| w.end).max())
        else {
            return Vec::new();
        };
        let mut cuts: Vec<i64> = written.iter().flat_map(|w| [w.start, w.end]).collect();
        if exact {
            cuts.extend(
                read.iter().flat_map(|r| [r.start.clamp(first, end), r.end.clamp(first, end)]),
            );
        }
        cuts.sort_unstable();
        cuts.dedup();
        let mut segments = Vec::new();
        for cut in cuts.windows(2) {
            let positions = cut[0]..cut[1];
            let holds =
                |range: &Range<i64>| range.start <= positions.start && positions.end <= range.end;
            let meets =
                |range: &Range<i64>| range.start < positions.end && positions.start < range.end;
            let inside: Vec<usize> = (0..written.len()).filter(|&n| holds(&written[n])).collect();
            // Outputs ascend, so what lies inside is one range.
            let (Some(&a), Some(&b)) = (inside.first(), inside.last()) else { continue };
            let shifts: Vec<usize> = (0..read.len()).filter(|&n| meets(&read[n])).collect();
            let inside = shifts.iter().all(|&n| holds(&read[n]));
            segments.push(Segment { positions, shifts, phases: a..b + 1, inside });
        }
        segments
    }

    /// All positions of a group in one segment, with all of its phases, of which some fall outside of the
    /// output, and with every shift that lies inside for one of the positions.
    pub(crate) fn whole(&self, group: &PhaseGroup) -> Segment {
        let positions = self.positions();
        let ahead = if group.ahead > 0 { 1 } else { 0 };
        let read = |n: &usize| {
            let shift = group.shifts[*n];
            [self.read_by(shift), self.read_by(shift + ahead)]
        };
        let meets =
            |n: &usize| read(n).iter().any(|r| r.start < positions.end && positions.start < r.end);
        let holds = |n: &usize| {
            read(n).iter().all(|r| r.start <= positions.start && positions.end <= r.end)
        };
        let shifts: Vec<usize> = (0..group.shifts.len()).filter(meets).collect();
        let inside = shifts.iter().all(holds);
        Segment { positions, shifts, phases: 0..group.phases.len(), inside }
    }
}

/// Puts every group into one that has all of its shifts, if there is one.
fn joined(mut groups: Vec<PhaseGroup>) -> Vec<PhaseGroup> {
    groups.sort_by_key(|group| std::cmp::Reverse(group.shifts.len()));
    let mut kept: Vec<PhaseGroup> = Vec::new();
    for group in groups {
        let holds =
            |larger: &&mut PhaseGroup| group.shifts.iter().all(|s| larger.shifts.contains(s));
        let Some(larger) = kept.iter_mut().find(holds) else {
            kept.push(group);
            continue;
        };
        for phase in group.phases {
            let tap = |shift: &i64| {
                let at = group.shifts.iter().position(|own| own == shift);
                at.and_then(|at| phase.taps[at])
            };
            let taps = larger.shifts.iter().map(tap).collect();
            larger.phases.push(Phase { output: phase.output, taps });
        }
        larger.phases.sort_by_key(|phase| phase.output);
    }
    kept
}

/// `0 <= p * step + offset < cells` gives `ceil(-offset / step) <= p < floor((cells - 1 - offset) / step) + 1`.
fn range(cells: usize, step: usize, offset: i64) -> Range<i64> {
    let step = step as i64;
    let first = -offset.div_euclid(step);
    let end = (cells as i64 - 1 - offset).div_euclid(step) + 1;
    first..end.max(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Positions a segment has, phases, shifts.
    fn sizes(axis: &AxisPhases, exact: bool) -> Vec<(Range<i64>, usize, usize)> {
        let of = |group| axis.segments(group, exact).into_iter();
        let all = axis.groups.iter().flat_map(of);
        all.map(|s| (s.positions, s.phases.len(), s.shifts.len())).collect()
    }

    fn map(coarse: usize, fine: usize, stride: usize, kernel: usize, begin: i64) -> AxisMap {
        AxisMap { coarse, fine, stride, kernel, dilation: 1, window_begin: begin }
    }

    #[test]
    fn four_cells_to_eight_skip_what_lies_outside() {
        // Kernel 4, stride 2, padding 1: of 5 positions the outer ones have one phase and one tap.
        let axis = AxisPhases::coarse_to_fine(&map(4, 8, 2, 4, 1), false);
        assert_eq!(sizes(&axis, true), [(0..1, 1, 1), (1..4, 2, 2), (4..5, 1, 1)]);
        // 1 + 3 * 4 + 1 products, as counted by hand: 8 cells with 2 taps each less 2 outside.
        let products: usize = sizes(&axis, true)
            .iter()
            .map(|(p, phases, shifts)| (p.end - p.start) as usize * phases * shifts)
            .sum();
        assert_eq!(products, 14);
    }

    #[test]
    fn five_taps_make_two_groups() {
        let axis = AxisPhases::coarse_to_fine(&map(8, 16, 2, 5, 2), false);
        assert_eq!(axis.groups.len(), 2);
        assert_eq!(axis.groups[0].phases[0].taps, [Some(0), Some(2), Some(4)]);
        assert_eq!(axis.groups[0].shifts, [0, -1, -2]);
        assert_eq!(axis.groups[1].phases[0].taps, [Some(1), Some(3)]);
        // Joined: output 2m + r - 2; taps 0, 2, 4 and 1, 3 at input m, m - 1, m - 2.
        let axis = AxisPhases::coarse_to_fine(&map(8, 16, 2, 5, 2), true);
        assert_eq!(axis.groups.len(), 1);
        let of =
            |n: usize| (axis.groups[0].phases[n].output, axis.groups[0].phases[n].taps.clone());
        assert_eq!(of(0), (-2, vec![Some(0), Some(2), Some(4)]));
        assert_eq!(of(1), (-1, vec![Some(1), Some(3), None]));
    }

    #[test]
    fn blocks_of_outputs_fill_registers() {
        let axis = AxisPhases::coarse_to_fine(&map(16, 32, 2, 4, 1), false);
        assert_eq!(axis.positions(), 0..17);
        let axis = axis.in_blocks(16);
        assert_eq!(axis.positions(), 0..16);
        let group = &axis.groups[0];
        // Output 2j: taps 1 and 3 at inputs j and j - 1. Output 2j + 1: taps 0 and 2 at j + 1 and j.
        assert_eq!((&group.shifts[..], group.ahead), (&[0, -1][..], 1));
        let taps: Vec<_> = group.phases.iter().map(|p| (p.output, p.taps.clone())).collect();
        assert_eq!(taps, [(0, vec![Some(1), Some(3)]), (1, vec![Some(0), Some(2)])]);
        // The last input that is read does not exist.
        assert!(!axis.whole(group).inside);
        // Rows of 15 blocks fill no registers.
        let axis = AxisPhases::coarse_to_fine(&map(15, 30, 2, 4, 1), false).in_blocks(16);
        assert_eq!((axis.positions(), axis.groups[0].ahead), (0..16, 0));
    }

    #[test]
    fn a_single_cell_has_a_phase_for_each_tap() {
        let axis = AxisPhases::coarse_to_fine(&map(1, 4, 1, 4, 0), false);
        assert_eq!(sizes(&axis, true), [(0..1, 4, 1)]);
    }

    #[test]
    fn dilation_by_the_stride_leaves_a_phase_without_taps() {
        let dilated = AxisMap { dilation: 2, ..map(5, 11, 2, 2, 0) };
        let axis = AxisPhases::coarse_to_fine(&dilated, false);
        assert_eq!(axis.groups[1].shifts, [0i64; 0]);
        assert_eq!(axis.groups[0].shifts, [0, -1]);
    }

    #[test]
    fn a_convolution_is_one_phase() {
        // Input 5, kernel 3, stride 2, padding 1 before: output 3; tap 0 misses the first position.
        let axis = AxisPhases::fine_to_coarse(&map(3, 5, 2, 3, 1));
        assert_eq!(sizes(&axis, true), [(0..1, 1, 2), (1..2, 1, 3), (2..3, 1, 2)]);
        assert_eq!(sizes(&axis, false), [(0..3, 1, 3)]);
    }
}
