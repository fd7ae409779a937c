//! From sums with positions in the lanes to output cells: bias, activation, and x phases side by side.

use std::ops::Range;

use super::axis::AxisPhases;
use super::output::Output;
use super::share::Finish;
use super::source::Run;
use crate::options::{Activation, Layout};
use crate::simd::Detected;
use crate::simd::interleave::{Lines, Stretch};
use crate::simd::place::announce_all;

/// Where the positions of a panel go, for the first x phase that lies inside.
pub(super) struct Places {
    /// For each image its stretches of adjacent positions, placed in the output for phases at cell 0.
    images: Vec<(usize, Vec<Stretch>)>,
}

impl Places {
    pub(super) fn new(axes: &[AxisPhases; 3], runs: &[Run]) -> Self {
        let mut images: Vec<(usize, Vec<Stretch>)> = Vec::new();
        for run in runs {
            let at = |n: usize| run.first[n] * axes[n].out_step as i64;
            let row = at(0) * axes[1].out_cells as i64 + at(1);
            let place = row * axes[2].out_cells as i64 + at(2);
            let stretch = Stretch { lane: run.lane, length: run.length, place };
            match images.last_mut() {
                Some((image, stretches)) if *image == run.image => stretches.push(stretch),
                _ => images.push((run.image, vec![stretch])),
            }
        }
        Self { images }
    }
}

/// Tiles with positions in the lanes, `[x phase][channel][width]`, and where they go.
pub(super) struct Interleaved<'a> {
    pub(super) axes: &'a [AxisPhases; 3],
    /// Output cell of the first two axes, less position times step.
    pub(super) outer: [i64; 2],
    /// The same of the last axis, for every x phase.
    pub(super) x_outputs: &'a [i64],
    pub(super) places: &'a Places,
    /// Of the group.
    pub(super) channels: Range<usize>,
    /// First output channel of the group in the tensor.
    pub(super) first_channel: usize,
    pub(super) width: usize,
    /// Values from x phase to x phase.
    pub(super) phase_step: usize,
}

impl Interleaved<'_> {
    pub(super) fn store(
        &self,
        isa: Detected,
        finish: &Finish<'_>,
        sums: &mut [f32],
        output: &mut Output<'_>,
    ) {
        let gaps: Vec<usize> =
            self.x_outputs.iter().map(|x| (x - self.x_outputs[0]) as usize).collect();
        let mut bias = finish.bias;
        if finish.activation != Activation::None {
            for (row, channel) in self.channels.clone().enumerate() {
                for phase in 0..self.x_outputs.len() {
                    let at = phase * self.phase_step + row * self.width;
                    finish.row(channel, &mut sums[at..at + self.width]);
                }
            }
            bias = None;
        }
        for (image, stretches) in &self.places.images {
            for (row, channel) in self.channels.clone().enumerate() {
                let (out, offset, cell_step) = self.plane(*image, channel, output);
                let lines = Lines {
                    sums: &sums[row * self.width..],
                    line_step: self.phase_step,
                    gaps: &gaps,
                    out_step: self.axes[2].out_step,
                    cell_step,
                    bias: bias.map_or(0.0, |bias| bias[channel]),
                };
                isa.store_lines(&lines, stretches, offset, out);
            }
        }
    }

    /// Asks for the cache lines that [`Self::store`] will write. Worth it where the output does not lie in
    /// a near cache anyway.
    pub(super) fn announce(&self, output: &mut Output<'_>) {
        if output.layout == Layout::Nhwc || !output.is_large() {
            return;
        }
        let step = self.axes[2].out_step;
        for (image, stretches) in &self.places.images {
            for channel in self.channels.clone() {
                let (out, offset, _) = self.plane(*image, channel, output);
                for stretch in stretches {
                    let first = ((stretch.place + offset).max(0) as usize).min(out.len());
                    let end = (first + stretch.length * step).min(out.len());
                    announce_all(&mut out[first..end]);
                }
            }
        }
    }

    /// The slice with a channel of an image, the place in it of the first x phase of position 0, and the step
    /// from cell to cell.
    fn plane<'b>(
        &self,
        image: usize,
        channel: usize,
        output: &'b mut Output<'_>,
    ) -> (&'b mut [f32], i64, usize) {
        let row = self.outer[0] * self.axes[1].out_cells as i64 + self.outer[1];
        let cell = row * self.axes[2].out_cells as i64 + self.x_outputs[0];
        let (cell, step) = (cell - output.first_cell as i64, output.cell_step());
        let (slice, within) = output.channel(self.first_channel + channel);
        let slice = slice + output.image(image);
        (&mut *output.slices[slice], cell * step + within, step as usize)
    }
}
