//! How planes are shared out: by sizes alone, never by the number of threads.

use std::ops::Range;

use super::outer::Outer;

/// What one task writes.
pub(super) struct Share<'a> {
    pub(super) planes: Range<usize>,
    /// Output planes of a plane of three axes; all of them if there are several planes.
    pub(super) depth: Range<usize>,
    /// Positions of the rows; all of them if there are several planes or depths.
    pub(super) positions: Range<i64>,
    pub(super) out: &'a mut [f32],
}

impl Share<'_> {
    /// The output rows of each plane, counted over all depths.
    pub(super) fn rows(&self, axis: &Outer) -> Range<usize> {
        let first = self.depth.start * axis.out_cells;
        let last = self.depth.end.saturating_sub(1) * axis.out_cells;
        let (begin, end) = (self.positions.start, self.positions.end);
        first + axis.first_output(begin)..last + axis.first_output(end)
    }
}

/// How many tasks there are, and of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Split {
    planes: usize,
    depth: usize,
    positions: i64,
}

/// What is shared out.
pub(super) struct Whole {
    pub(super) planes: usize,
    pub(super) depth: usize,
    pub(super) positions: Range<i64>,
    /// Positions that a task should have a multiple of.
    pub(super) together: usize,
    /// Registers of output and products with them, of one plane.
    pub(super) cost: u128,
}

/// Below this cost (about 20 microseconds) other threads are not woken.
const SMALL: u128 = 70_000;
/// Cost of a task at least.
const TASK: u128 = 10_000;
/// Most tasks that are looked for.
const TASKS: u128 = 32;

impl Split {
    pub(super) fn new(whole: &Whole) -> Self {
        let positions = (whole.positions.end - whole.positions.start).max(1);
        let mut split = Self { planes: whole.planes.max(1), depth: whole.depth.max(1), positions };
        let cost = whole.cost.saturating_mul(whole.planes as u128);
        if cost < SMALL {
            return split;
        }
        let mut wanted = (cost / TASK).clamp(1, TASKS) as usize;
        split.planes = (whole.planes / wanted).max(1);
        if split.planes > 1 {
            return split;
        }
        wanted = wanted.div_ceil(whole.planes.max(1));
        if whole.depth > 1 {
            split.depth = whole.depth.div_ceil(wanted);
        } else {
            let each = (positions as usize).div_ceil(wanted);
            // A band spreads the rows at its border once more.
            split.positions = each.next_multiple_of(whole.together).max(8) as i64;
        }
        split
    }

    pub(super) fn tasks(&self, whole: &Whole) -> usize {
        let positions = (whole.positions.end - whole.positions.start).max(1) as usize;
        whole.planes.div_ceil(self.planes)
            * whole.depth.div_ceil(self.depth)
            * positions.div_ceil(self.positions as usize)
    }

    /// All tasks, with their parts of `y`; `end_of(depths, positions)` says how many values of a plane lie in
    /// front of the end of a range of depths and of positions in the last of them.
    pub(super) fn cut<'a>(
        &self,
        whole: &Whole,
        y: &'a mut [f32],
        end_of: impl Fn(usize, i64) -> usize,
    ) -> Vec<Share<'a>> {
        let mut shares = Vec::with_capacity(self.tasks(whole));
        let plane_values = y.len() / whole.planes.max(1);
        let mut rest = y;
        for first in (0..whole.planes).step_by(self.planes) {
            let planes = first..(first + self.planes).min(whole.planes);
            let mut own;
            (own, rest) = rest.split_at_mut(plane_values * planes.len());
            if planes.len() > 1 {
                let (depth, positions) = (0..whole.depth, whole.positions.clone());
                shares.push(Share { planes, depth, positions, out: own });
                continue;
            }
            let mut done = 0;
            for first in (0..whole.depth).step_by(self.depth) {
                let depth = first..(first + self.depth).min(whole.depth);
                let mut begin = whole.positions.start;
                while begin < whole.positions.end {
                    let end = (begin + self.positions).min(whole.positions.end);
                    let until = end_of(depth.end, end);
                    let out;
                    (out, own) = own.split_at_mut(until - done);
                    done = until;
                    let (planes, depth) = (planes.clone(), depth.clone());
                    shares.push(Share { planes, depth, positions: begin..end, out });
                    begin = end;
                }
            }
        }
        shares
    }
}
