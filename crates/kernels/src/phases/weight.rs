//! The weight of one group of channels as it comes, `[coarse][fine][tap]`.

use super::Parts;
use super::jobs::Direction;

#[derive(Clone, Copy)]
pub(super) struct Weight<'a> {
    pub(super) values: &'a [f32],
    /// Values from output channel to output channel.
    pub(super) out_step: usize,
    /// Values from input channel to input channel.
    pub(super) in_step: usize,
    pub(super) taps: usize,
}

impl<'a> Weight<'a> {
    pub(super) fn new(parts: &Parts, values: &'a [f32]) -> Self {
        let taps = parts.taps;
        let (out_step, in_step) = match parts.direction {
            Direction::CoarseToFine => (taps, parts.out_channels * taps),
            Direction::FineToCoarse => (parts.in_channels * taps, taps),
        };
        Self { values, out_step, in_step, taps }
    }

    /// The taps of a pair of channels.
    pub(super) fn taps(&self, out: usize, input: usize) -> &'a [f32] {
        let first = out * self.out_step + input * self.in_step;
        &self.values[first..first + self.taps]
    }
}
