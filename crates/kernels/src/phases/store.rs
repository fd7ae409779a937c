//! From sums to output cells: bias, activation, and the way back to the layout of the tensor.

use std::ops::Range;

use super::axis::AxisPhases;
use super::output::Output;
use super::share::Finish;
use super::source::Run;
use crate::simd::Detected;
use crate::simd::interleave::Lines;
use crate::simd::scatter::announce_all;

/// Tiles with positions in the lanes: `[x phase][channel][width]`.
pub(super) struct Interleaved<'a> {
    pub(super) axes: &'a [AxisPhases; 3],
    /// Output cell of the first two axes, less position times step.
    pub(super) outer: [i64; 2],
    /// The same of the last axis, for every x phase.
    pub(super) x_outputs: &'a [i64],
    pub(super) runs: &'a [Run],
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
        let x_axis = &self.axes[2];
        let adjoin = self.x_outputs.len() == x_axis.out_step;
        for (row, channel) in self.channels.clone().enumerate() {
            for phase in 0..self.x_outputs.len() {
                let at = phase * self.phase_step + row * self.width;
                finish.row(channel, &mut sums[at..at + self.width]);
            }
        }
        for run in self.runs {
            let cell = self.first_cell(run);
            for (row, channel) in self.channels.clone().enumerate() {
                let sums = &sums[row * self.width + run.lane..];
                let (out, cell_step) = output.at(run.image, self.first_channel + channel, cell);
                if adjoin && cell_step == 1 {
                    let lines = Lines {
                        sums,
                        line_step: self.phase_step,
                        lines: self.x_outputs.len(),
                        length: run.length,
                    };
                    isa.interleave(&lines, out);
                    continue;
                }
                let step = x_axis.out_step * cell_step;
                for (line, x_output) in self.x_outputs.iter().enumerate() {
                    let out = &mut out[(x_output - self.x_outputs[0]) as usize * cell_step..];
                    let sums = &sums[line * self.phase_step..][..run.length];
                    if step == 2 {
                        isa.store_every_second(sums, out);
                        continue;
                    }
                    out.iter_mut().step_by(step).zip(sums).for_each(|(y, v)| *y = *v);
                }
            }
        }
    }

    /// Asks for the cache lines that [`Self::store`] will write.
    pub(super) fn announce(&self, output: &mut Output<'_>) {
        let step = self.axes[2].out_step;
        for run in self.runs {
            let cell = self.first_cell(run);
            for channel in self.channels.clone() {
                let (out, cell_step) = output.at(run.image, self.first_channel + channel, cell);
                if cell_step == 1 {
                    let end = (run.length * step).min(out.len());
                    announce_all(&mut out[..end]);
                }
            }
        }
    }

    /// The output cell of the first x phase of a run's first position.
    fn first_cell(&self, run: &Run) -> usize {
        let mut cell = 0;
        for (n, outer) in self.outer.iter().enumerate() {
            let axis = &self.axes[n];
            // Inside the output, as the job has only such phases and positions.
            let at = run.first[n] * axis.out_step as i64 + outer;
            cell = cell * axis.out_cells + at as usize;
        }
        // Phases ascend, so that the first is the first in memory.
        let x = run.first[2] * self.axes[2].out_step as i64 + self.x_outputs[0];
        cell * self.axes[2].out_cells + x as usize
    }
}
