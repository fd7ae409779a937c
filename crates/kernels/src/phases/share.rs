//! What one task computes of one group of channels.

use std::ops::Range;

use super::Parts;
use super::jobs::Job;
use super::source::{Positions, Source};
use crate::options::Activation;

/// One task's share of one group of channels.
pub(super) struct Share<'a> {
    pub(super) source: Source<'a>,
    pub(super) images: Range<usize>,
    /// Positions of the axis along which planes are cut.
    pub(super) band: Range<i64>,
    /// Output channels of the group.
    pub(super) channels: Range<usize>,
    /// The packed weight of the group.
    pub(super) weight: &'a [f32],
    pub(super) finish: Finish<'a>,
}

/// What happens to sums before they are stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finish<'a> {
    /// Of the channels of the group.
    pub(super) bias: Option<&'a [f32]>,
    pub(super) activation: Activation,
    /// First output channel of the group in the tensor.
    pub(super) first_channel: usize,
}

impl Share<'_> {
    /// The positions of a job that belong to the share.
    pub(super) fn positions(&self, parts: &Parts, job: &Job) -> Positions {
        let mut axes = job.positions.clone();
        let band = &mut axes[parts.band_axis];
        *band = band.start.max(self.band.start)..band.end.min(self.band.end);
        Positions { images: self.images.clone(), axes }
    }
}
