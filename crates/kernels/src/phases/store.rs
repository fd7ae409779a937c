//! From sums with positions in the lanes to output cells: bias, activation, and x phases side by side.

use std::ops::Range;

use super::axis::AxisPhases;
use super::jobs::{Job, OuterPhase};
use super::output::Output;
use super::share::Finish;
use super::source::Run;
use crate::options::Layout;
use crate::simd::Detected;
use crate::simd::interleave::{Lines, Planes, Stretch};
use crate::simd::writes::Writes;

/// Where the positions of a panel go, for phases at cell 0.
pub(super) struct Places(pub(super) Vec<Stretch>);

impl Places {
    pub(super) fn new(axes: &[AxisPhases; 3], runs: &[Run], output: &Output<'_>) -> Self {
        let stretch = |run: &Run| {
            let at = |n: usize| run.first[n] * axes[n].out_step as i64;
            let row = at(0) * axes[1].out_cells as i64 + at(1);
            let place = row * axes[2].out_cells as i64 + at(2);
            let slice = output.image(run.image);
            Stretch { slice, lane: run.lane, length: run.length, place }
        };
        Self(runs.iter().map(stretch).collect())
    }
}

/// The x phases of one outer phase and of some output channels, and where they go.
pub(super) struct Phases<'a> {
    pub(super) axes: &'a [AxisPhases; 3],
    pub(super) job: &'a Job,
    pub(super) outer: &'a OuterPhase,
    /// Of the group.
    pub(super) channels: Range<usize>,
    pub(super) finish: &'a Finish<'a>,
}

impl<'a> Phases<'a> {
    /// A line for each x phase, a row for each channel.
    pub(super) fn planes(&self, output: &Output<'_>) -> Planes<'a> {
        let [a, b] = self.outer.output;
        let row = a * self.axes[1].out_cells as i64 + b;
        let cell = row * self.axes[2].out_cells as i64 + self.job.x_output;
        let (cell, step) = (cell - output.first_cell as i64, output.cell_step());
        let (slice, within) = output.channel(self.finish.first_channel + self.channels.start);
        let planar = output.layout == Layout::Nchw;
        Planes {
            gaps: &self.job.x_gaps,
            out_step: self.axes[2].out_step,
            cell_step: step as usize,
            slice,
            slice_step: usize::from(planar),
            offset: cell * step + within,
            row_step: usize::from(!planar),
            bias: self.finish.bias.map(|bias| &bias[self.channels.clone()]),
            activation: self.finish.activation,
        }
    }
}

/// Tiles with positions in the lanes, `[x phase][channel][width]`, and where they go.
pub(super) struct Interleaved<'a> {
    pub(super) phases: Phases<'a>,
    pub(super) places: &'a Places,
    pub(super) width: usize,
    /// Values from x phase to x phase.
    pub(super) phase_step: usize,
}

impl Interleaved<'_> {
    pub(super) fn store(&self, isa: Detected, sums: &[f32], output: &mut Output<'_>) {
        let lines = Lines {
            sums,
            line_step: self.phase_step,
            width: self.width,
            rows: self.phases.channels.len(),
            to: self.phases.planes(output),
        };
        isa.store_lines(&lines, &self.places.0, &mut output.slices);
    }

    /// Asks for the cache lines that [`Self::store`] will write. Worth it where the output does not lie in
    /// a near cache anyway.
    pub(super) fn announce(&self, output: &mut Output<'_>) {
        if output.layout == Layout::Nchw && output.writes != Writes::Near {
            let planes = self.phases.planes(output);
            planes.announce(self.phases.channels.len(), &self.places.0, &mut output.slices);
        }
    }
}
