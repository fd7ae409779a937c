//! How the sum of a product is cut into blocks of steps.

use std::ops::Range;

use super::jobs::Shift;

/// Most steps that are summed in registers in one go.
const SINGLE: usize = 512;
/// About as many steps has a block of a longer sum.
const BLOCK: usize = 256;

/// Input channels that are packed together, for all shifts of a group: what one shift has read is still in
/// the cache for the next. A weight is packed in the same order, `[chunk][shift][channel of the chunk]`.
pub(super) fn chunk(group_shifts: usize, channels: usize) -> usize {
    if group_shifts * channels <= SINGLE {
        return channels.max(1);
    }
    let most = (BLOCK / group_shifts).clamp(16, BLOCK).min(channels);
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

    /// Where each shift begins in a panel of so many values a step.
    pub(super) fn panel_runs(&self, width: usize) -> Vec<usize> {
        (0..self.shifts.len()).map(|n| n * self.channels.len() * width).collect()
    }

    /// Where each shift begins in a weight packed as [`chunk`] says, with so many values a step, for a group
    /// of so many shifts.
    pub(super) fn weight_runs(&self, job: &[Shift], shifts: usize, width: usize) -> Vec<usize> {
        let first = self.channels.start * shifts;
        let at = |shift: &Shift| (first + shift.index * self.channels.len()) * width;
        job[self.shifts.clone()].iter().map(at).collect()
    }
}

/// The blocks of a sum over `shifts` of a group's and over `channels`; one without steps if there are none.
/// They follow from these numbers alone, as they set the order of the sum and so its last bits.
pub(super) fn blocks(shifts: usize, group_shifts: usize, channels: usize) -> Vec<StepBlock> {
    let step = chunk(group_shifts, channels);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_in_one_block() {
        for (shifts, channels) in
            [(1, 1), (4, 21), (9, 512), (4, 1026), (16, 100), (600, 1), (1, 513)]
        {
            let mut seen = vec![0; shifts * channels];
            for block in blocks(shifts, shifts, channels) {
                assert!(block.len() <= SINGLE, "{block:?}");
                for shift in block.shifts {
                    block.channels.clone().for_each(|c| seen[shift * channels + c] += 1);
                }
            }
            assert!(seen.into_iter().all(|times| times == 1), "{shifts} {channels}");
        }
        assert_eq!(blocks(0, 0, 5).len(), 1);
    }
}
