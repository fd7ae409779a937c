//! From sums with positions in the lanes to output cells: bias, activation, and x phases side by side.

use std::ops::Range;

use super::axis::AxisPhases;
use super::output::Output;
use super::share::Finish;
use super::source::Run;
use crate::options::Layout;
use crate::simd::Detected;
use crate::simd::interleave::{Lines, Stretch};

/// Where the positions of a panel go, for phases at cell 0.
pub(super) struct Places(Vec<Stretch>);

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

/// Tiles with positions in the lanes, `[x phase][channel][width]`, and where they go.
pub(super) struct Interleaved<'a> {
    pub(super) axes: &'a [AxisPhases; 3],
    /// Output cell of the first two axes, less position times step.
    pub(super) outer: [i64; 2],
    /// The same of the last axis, for the first x phase.
    pub(super) x_output: i64,
    /// Cells from there to every x phase.
    pub(super) x_gaps: &'a [usize],
    pub(super) places: &'a Places,
    /// Of the group.
    pub(super) channels: Range<usize>,
    pub(super) width: usize,
    /// Values from x phase to x phase.
    pub(super) phase_step: usize,
    pub(super) finish: &'a Finish<'a>,
}

impl Interleaved<'_> {
    pub(super) fn store(&self, isa: Detected, sums: &[f32], output: &mut Output<'_>) {
        self.with_lines(sums, output, |lines, slices| {
            isa.store_lines(lines, &self.places.0, slices);
        });
    }

    /// Asks for the cache lines that [`Self::store`] will write. Worth it where the output does not lie in
    /// a near cache anyway.
    pub(super) fn announce(&self, output: &mut Output<'_>) {
        if output.layout == Layout::Nchw && output.is_large {
            self.with_lines(&[], output, |lines, slices| lines.announce(&self.places.0, slices));
        }
    }

    fn with_lines(
        &self,
        sums: &[f32],
        output: &mut Output<'_>,
        then: impl FnOnce(&Lines<'_>, &mut [&mut [f32]]),
    ) {
        let row = self.outer[0] * self.axes[1].out_cells as i64 + self.outer[1];
        let cell = row * self.axes[2].out_cells as i64 + self.x_output;
        let (cell, step) = (cell - output.first_cell as i64, output.cell_step());
        let (slice, within) = output.channel(self.finish.first_channel + self.channels.start);
        let planar = output.layout == Layout::Nchw;
        let lines = Lines {
            sums,
            line_step: self.phase_step,
            width: self.width,
            rows: self.channels.len(),
            gaps: self.x_gaps,
            out_step: self.axes[2].out_step,
            cell_step: step as usize,
            slice,
            slice_step: usize::from(planar),
            offset: cell * step + within,
            row_step: usize::from(!planar),
            bias: self.finish.bias.map(|bias| &bias[self.channels.clone()]),
            activation: self.finish.activation,
        };
        then(&lines, &mut output.slices);
    }
}
