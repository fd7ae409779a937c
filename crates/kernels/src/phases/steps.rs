//! How the sum of a product is cut into blocks of steps.

use std::ops::Range;

use super::jobs::{Shift, Tap};

/// Most steps that are summed in registers in one go: a tile's share of the weight, 16 KiB, then fills half of
/// an L1 cache.
const SINGLE: usize = 512;

/// Most steps of a block of a sum over so many shifts and channels.
pub(super) fn longest(shifts: usize, channels: usize) -> usize {
    (shifts * channels).min(SINGLE)
}

/// Input channels that are packed together, for all shifts of a group: what one shift has read is still in
/// the cache for the next. A weight is packed in the same order, `[chunk][shift][channel of the chunk]`.
pub(super) fn chunk(group_shifts: usize, channels: usize) -> usize {
    if group_shifts * channels <= SINGLE {
        return channels.max(1);
    }
    let most = (SINGLE / group_shifts).clamp(16, SINGLE).min(channels);
    channels.div_ceil(channels.div_ceil(most))
}

/// Steps that are packed and summed together: some shifts, and for each the same channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StepBlock {
    /// Among the shifts of the job.
    pub(super) shifts: Range<usize>,
    pub(super) channels: Range<usize>,
}

impl StepBlock {
    pub(super) fn len(&self) -> usize {
        self.shifts.len() * self.channels.len()
    }

    /// Where the taps of a phase begin, for panels and a weight of so many values a step. A weight lies as
    /// [`chunk`] says, with the phase's own taps only.
    pub(super) fn runs(
        &self,
        job: &[Shift],
        taps: &[Option<Tap>],
        (panel, weight): (usize, usize),
    ) -> Runs {
        let own = taps.iter().flatten().count();
        let (panel_step, weight_step) = (panel, weight);
        let mut runs = Runs { panel: Vec::new(), weight: Vec::new(), panel_step, weight_step };
        for (n, shift) in job[self.shifts.clone()].iter().enumerate() {
            if let Some(tap) = taps[shift.index] {
                let at = self.channels.start * own + tap.rank * self.channels.len();
                runs.panel.push(n * self.channels.len() * panel);
                runs.weight.push(at * weight);
            }
        }
        runs
    }
}

/// Where the taps of a phase begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Runs {
    pub(super) panel: Vec<usize>,
    pub(super) weight: Vec<usize>,
    /// Values from step to step.
    panel_step: usize,
    weight_step: usize,
}

impl Runs {
    /// The same with equally many runs in one, each of so many steps, where they follow one another; and the
    /// steps of a run.
    pub(super) fn joined(self, steps: usize) -> (Self, usize) {
        let follow = |at: &[usize], step: usize, n: usize| at[n] == at[n - 1] + steps * step;
        let ends = |n: &usize| {
            !(follow(&self.panel, self.panel_step, *n)
                && follow(&self.weight, self.weight_step, *n))
        };
        let number = self.panel.len();
        let together = (1..number).find(ends).unwrap_or(number);
        let equal = number > 0
            && number.is_multiple_of(together)
            && (1..number).all(|n| n % together == 0 || !ends(&n));
        if !equal {
            return (self, steps);
        }
        let first = |all: Vec<usize>| all.into_iter().step_by(together).collect();
        let (panel, weight) = (first(self.panel), first(self.weight));
        (Self { panel, weight, ..self }, together * steps)
    }
}

/// The blocks of a sum over `shifts` and over `channels` in chunks of `step`; one without steps if there are none.
/// They follow from these numbers alone, as they set the order of the sum and so its last bits.
pub(super) fn blocks(shifts: usize, step: usize, channels: usize) -> Vec<StepBlock> {
    let together = (SINGLE / step).max(1);
    let mut blocks = Vec::new();
    for channels in cut(0..channels, step) {
        for shifts in cut(0..shifts, together) {
            blocks.push(StepBlock { shifts, channels: channels.clone() });
        }
    }
    if blocks.is_empty() {
        blocks.push(StepBlock { shifts: 0..0, channels: 0..0 });
    }
    blocks
}

/// A range in pieces of `step`; the last may be shorter.
pub(super) fn cut(range: Range<usize>, step: usize) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range.step_by(step.max(1)).map(move |start| start..(start + step).min(end))
}

/// A range in as few pieces of at most `most` as can be, whose lengths differ by one at most.
pub(crate) fn even(range: Range<usize>, most: usize) -> impl Iterator<Item = Range<usize>> {
    let number = range.len().div_ceil(most.max(1));
    let at = move |n: usize| {
        let (each, more) = (range.len() / number, range.len() % number);
        range.start + n * each + n.min(more)
    };
    (0..number).map(move |n| at(n)..at(n + 1))
}

/// Positions in panels of at most `most` registers, whose numbers differ by one at most: the registers of each,
/// and its positions.
pub(super) fn registers(
    range: Range<usize>,
    lanes: usize,
    most: usize,
) -> impl Iterator<Item = (usize, Range<usize>)> {
    even(0..range.len().div_ceil(lanes), most).map(move |registers| {
        let at = |register: usize| (range.start + register * lanes).min(range.end);
        (registers.len(), at(registers.start)..at(registers.end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_differ_by_one_at_most() {
        assert_eq!(even(5..15, 4).collect::<Vec<_>>(), [5..9, 9..12, 12..15]);
        assert_eq!(even(0..8, 4).collect::<Vec<_>>(), [0..4, 4..8]);
        assert_eq!(even(3..3, 4).count(), 0);
    }

    #[test]
    fn panels_are_about_equal() {
        // 70 positions are 5 registers of 16, of which the last has 6.
        let panels: Vec<_> = registers(10..80, 16, 3).collect();
        assert_eq!(panels, [(3, 10..58), (2, 58..80)]);
    }

    #[test]
    fn every_step_is_in_one_block() {
        for (shifts, channels) in
            [(1, 1), (4, 21), (9, 512), (4, 1026), (16, 100), (600, 1), (1, 513)]
        {
            let mut seen = vec![0; shifts * channels];
            for block in blocks(shifts, chunk(shifts, channels), channels) {
                assert!(block.len() <= SINGLE, "{block:?}");
                for shift in block.shifts {
                    block.channels.clone().for_each(|c| seen[shift * channels + c] += 1);
                }
            }
            assert!(seen.into_iter().all(|times| times == 1), "{shifts} {channels}");
        }
        assert_eq!(blocks(0, chunk(0, 5), 5).len(), 1);
    }
}
