//! The products that a whole convolution or transposed convolution comes to: segments of three axes.

use std::ops::Range;

use super::axis::{AxisPhases, PhaseGroup, Segment};
use crate::conv_transpose::coupling::{AxisMap, Coupling};

/// Which way a coupling is gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    CoarseToFine,
    FineToCoarse,
}

/// Who takes the products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taker {
    /// Packs positions into lanes: phases are joined, and axes cut exactly where that costs least.
    Positions,
    /// Reads positions where they lie, with zeros around them: phases are joined, and axes cut only where
    /// phases fall outside of the output.
    Rows,
    /// Holds outputs in lanes: the phases of a group have the same shifts.
    Outputs,
    /// The same, and reads the channels of a cell where they lie: axes are cut exactly.
    Cells,
    /// The same tap by tap: axes are cut only where phases fall outside of the output.
    EachTap,
    /// Packs positions into lanes, and weaves all phases along x: that axis is not cut, and its positions
    /// write whole blocks where they can.
    Woven,
}

/// All products, and the groups whose weights they take.
#[derive(Clone, Debug)]
pub(crate) struct Products {
    pub(crate) axes: [AxisPhases; 3],
    pub(crate) groups: Vec<Group>,
    pub(crate) jobs: Vec<Job>,
}

/// Phases of three axes that read the same input cells. Flat indices are row-major.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// For `[outer phase][x phase][shift]` what the phase makes of it; outer phases are those of the first
    /// two axes.
    taps: Vec<Option<Tap>>,
    /// Taps of all phases before each, and of all at the end.
    pub(crate) before: Vec<usize>,
    pub(crate) outer_phases: usize,
    pub(crate) x_phases: usize,
    pub(crate) shifts: usize,
}

/// A tap of the kernel, and how many taps its phase has before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tap {
    pub(crate) tap: usize,
    pub(crate) rank: usize,
}

/// A dense product: positions times (phases and output channels), summed over shifts and input channels.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) group: usize,
    pub(crate) positions: [Range<i64>; 3],
    pub(crate) shifts: Vec<Shift>,
    pub(crate) outer_phases: Vec<OuterPhase>,
    /// Of the group's x phases those that lie inside.
    pub(crate) x_phases: Range<usize>,
    /// Output cell less `position * out_step`, of the first of `x_phases`.
    pub(crate) x_output: i64,
    /// Cells from that one to each of `x_phases`; ascending from 0.
    pub(crate) x_gaps: Vec<usize>,
    /// Whether every shift lies inside the input for every position.
    pub(crate) inside: bool,
    /// Pairs of phase and shift that have a tap.
    pub(crate) pairs: usize,
}

/// A shift of three axes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shift {
    /// Its index in the group.
    pub(crate) index: usize,
    pub(crate) input: [i64; 3],
}

/// A phase of the first two axes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OuterPhase {
    /// Its index in the group.
    pub(crate) index: usize,
    pub(crate) output: [i64; 2],
}

/// Above this many pairs of phase and tap the products are not worth listing.
const MOST_TAPS: usize = 1 << 22;
/// Above this many products their overhead rules.
const MOST_JOBS: usize = 4096;

impl Products {
    /// `None` if there would be too many of them.
    pub(crate) fn new(
        coupling: &Coupling,
        direction: Direction,
        lanes: usize,
        taker: Taker,
    ) -> Option<Self> {
        let maps = match direction {
            Direction::CoarseToFine => merged(&coupling.axes),
            Direction::FineToCoarse => coupling.axes.clone(),
        };
        let cost = maps.iter().map(|map| match direction {
            Direction::CoarseToFine => AxisPhases::cost(map),
            Direction::FineToCoarse => map.kernel,
        });
        let taps = cost.clone().fold(1usize, |a, b| a.saturating_mul(b.max(1)));
        if cost.into_iter().any(|one| one > MOST_TAPS) || taps > MOST_TAPS * 64 {
            return None;
        }
        let join = matches!(taker, Taker::Positions | Taker::Rows);
        let axes = maps.each_ref().map(|map| match direction {
            Direction::CoarseToFine => AxisPhases::coarse_to_fine(map, join),
            Direction::FineToCoarse => AxisPhases::fine_to_coarse(map),
        });
        let axes = match (taker, axes) {
            (Taker::Woven, [z, y, x]) => [z, y, x.in_blocks(lanes)],
            (_, axes) => axes,
        };
        let kernel = maps.each_ref().map(|map| map.kernel);
        let each = |f: &mut dyn FnMut([usize; 3])| {
            for a in 0..axes[0].groups.len() {
                for b in 0..axes[1].groups.len() {
                    (0..axes[2].groups.len()).for_each(|c| f([a, b, c]));
                }
            }
        };
        let mut groups = Vec::new();
        each(&mut |at| groups.push(Group::new(groups_at(&axes, at), kernel)));
        if groups.iter().map(|group| group.taps.len()).sum::<usize>() > MOST_TAPS {
            return None;
        }

        let out_channels = match direction {
            Direction::CoarseToFine => coupling.fine_channels,
            Direction::FineToCoarse => coupling.coarse_channels,
        };
        // Cutting an axis exactly saves the products outside and costs partly filled registers: take what
        // computes least.
        let mut best: Option<(u128, Vec<Job>)> = None;
        let choices = match taker {
            Taker::Rows | Taker::EachTap => 7..8usize,
            Taker::Cells => 0..1,
            Taker::Woven => 0..4,
            Taker::Positions | Taker::Outputs => 0..8,
        };
        for choice in choices {
            let exact = [choice & 1 == 0, choice & 2 == 0, choice & 4 == 0];
            let mut jobs = Vec::new();
            let mut group = 0;
            each(&mut |at| {
                let segments = std::array::from_fn(|n| {
                    let own = &axes[n].groups[at[n]];
                    match n == 2 && taker == Taker::Woven {
                        true => vec![axes[n].whole(own)],
                        false => axes[n].segments(own, exact[n]),
                    }
                });
                push_jobs(groups_at(&axes, at), &segments, (group, &groups[group]), &mut jobs);
                group += 1;
            });
            if jobs.len() > MOST_JOBS {
                continue;
            }
            let cost = jobs.iter().map(|job| job.cost(coupling.batch, lanes, out_channels)).sum();
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, jobs));
            }
        }
        let (_, jobs) = best?;
        Some(Self { axes, groups, jobs })
    }

    /// Whether the x phases of every group lie side by side in the output.
    pub(crate) fn x_phases_adjoin(&self) -> bool {
        let mut outputs = self.axes[2].groups.iter().map(|group| &group.phases);
        outputs.all(|phases| phases.windows(2).all(|two| two[0].output + 1 == two[1].output))
    }
}

/// Joins axes of one coarse cell that are written whole: their taps and their fine cells have the same
/// order in memory. A projection of 1x1 cells so becomes one long axis.
fn merged(axes: &[AxisMap; 3]) -> [AxisMap; 3] {
    let mut axes = axes.clone();
    let unit =
        || AxisMap { coarse: 1, fine: 1, stride: 1, kernel: 1, dilation: 1, window_begin: 0 };
    let whole = |map: &AxisMap| {
        map.coarse == 1 && map.fine == map.kernel && map.dilation == 1 && map.window_begin == 0
    };
    let one = |map: &AxisMap| whole(map) && map.kernel == 1;
    for (outer, inner) in [(1, 2), (0, 2)] {
        // Taps of the first axis follow those of the last only if the one between has a single tap.
        let adjoin = outer == 1 || one(&axes[1]);
        if adjoin && whole(&axes[outer]) && whole(&axes[inner]) {
            let kernel = axes[outer].kernel * axes[inner].kernel;
            axes[inner] = AxisMap { kernel, fine: kernel, ..unit() };
            axes[outer] = unit();
        }
    }
    axes
}

fn groups_at(axes: &[AxisPhases; 3], at: [usize; 3]) -> [&PhaseGroup; 3] {
    std::array::from_fn(|axis| &axes[axis].groups[at[axis]])
}

impl Group {
    fn new(groups: [&PhaseGroup; 3], kernel: [usize; 3]) -> Self {
        let (mut taps, mut before) = (Vec::new(), vec![0]);
        for a in &groups[0].phases {
            for b in &groups[1].phases {
                for c in &groups[2].phases {
                    let mut rank = 0;
                    for ta in &a.taps {
                        for tb in &b.taps {
                            taps.extend(c.taps.iter().map(|tc| {
                                let (ta, tb, tc) = ((*ta)?, (*tb)?, (*tc)?);
                                let tap = (ta * kernel[1] + tb) * kernel[2] + tc;
                                rank += 1;
                                Some(Tap { tap, rank: rank - 1 })
                            }));
                        }
                    }
                    before.push(before[before.len() - 1] + rank);
                }
            }
        }
        Self {
            taps,
            before,
            outer_phases: groups[0].phases.len() * groups[1].phases.len(),
            x_phases: groups[2].phases.len(),
            shifts: groups.iter().map(|group| group.shifts.len()).product(),
        }
    }

    /// Taps of all phases.
    pub(crate) fn taps(&self) -> usize {
        self.before[self.before.len() - 1]
    }

    /// What each shift is to a phase (outer phase times x phases plus x phase).
    pub(crate) fn of_phase(&self, phase: usize) -> &[Option<Tap>] {
        &self.taps[phase * self.shifts..(phase + 1) * self.shifts]
    }
}

fn push_jobs(
    groups: [&PhaseGroup; 3],
    segments: &[Vec<Segment>; 3],
    (index, group): (usize, &Group),
    jobs: &mut Vec<Job>,
) {
    for a in &segments[0] {
        for b in &segments[1] {
            for c in &segments[2] {
                // One too many says that there are too many.
                if jobs.len() > MOST_JOBS {
                    return;
                }
                jobs.push(Job::new(groups, [a, b, c], (index, group)));
            }
        }
    }
}

impl Job {
    fn new(
        groups: [&PhaseGroup; 3],
        segments: [&Segment; 3],
        (index, group): (usize, &Group),
    ) -> Self {
        let mut shifts = Vec::new();
        for &a in &segments[0].shifts {
            for &b in &segments[1].shifts {
                for &c in &segments[2].shifts {
                    let index = (a * groups[1].shifts.len() + b) * groups[2].shifts.len() + c;
                    let input = [groups[0].shifts[a], groups[1].shifts[b], groups[2].shifts[c]];
                    shifts.push(Shift { index, input });
                }
            }
        }
        let mut outer_phases = Vec::new();
        for a in segments[0].phases.clone() {
            for b in segments[1].phases.clone() {
                outer_phases.push(OuterPhase {
                    index: a * groups[1].phases.len() + b,
                    output: [groups[0].phases[a].output, groups[1].phases[b].output],
                });
            }
        }
        let x_phases = segments[2].phases.clone();
        let mut pairs = 0;
        for outer in &outer_phases {
            for x in x_phases.clone() {
                let taps = group.of_phase(outer.index * group.x_phases + x);
                pairs += shifts.iter().filter(|shift| taps[shift.index].is_some()).count();
            }
        }
        let outputs = groups[2].phases[x_phases.clone()].iter().map(|phase| phase.output);
        let x_output = outputs.clone().next().unwrap_or(0);
        Self {
            group: index,
            pairs,
            positions: segments.map(|segment| segment.positions.clone()),
            shifts,
            outer_phases,
            x_output,
            x_gaps: outputs.map(|output| (output - x_output) as usize).collect(),
            x_phases,
            inside: segments.iter().all(|segment| segment.inside),
        }
    }

    /// About how many cycles the job takes for each input channel: a product of registers, packing a run of
    /// positions, and packing a register.
    pub(super) fn cost(&self, batch: usize, lanes: usize, out_channels: usize) -> u128 {
        let extent = self.positions.each_ref().map(|p| (p.end - p.start) as u128);
        let rows = batch as u128 * extent[0] * extent[1];
        let registers = (rows * extent[2]).div_ceil(lanes as u128);
        let products = registers * (self.pairs * out_channels) as u128;
        products + self.shifts.len() as u128 * (6 * rows + 4 * registers) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_neighbours_are_merged() {
        let single = |kernel, fine| AxisMap {
            coarse: 1,
            fine,
            stride: 1,
            kernel,
            dilation: 1,
            window_begin: 0,
        };
        let kernels = |axes: [AxisMap; 3]| merged(&axes).each_ref().map(|map| map.kernel);
        assert_eq!(kernels([single(2, 2), single(3, 3), single(4, 4)]), [1, 1, 24]);
        assert_eq!(kernels([single(2, 2), single(1, 1), single(4, 4)]), [1, 1, 8]);
        // The middle axis loses a tap: those of the first lie three apart.
        assert_eq!(kernels([single(2, 2), single(3, 2), single(4, 4)]), [2, 3, 4]);
    }
}
