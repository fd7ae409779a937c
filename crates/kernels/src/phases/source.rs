//! The input side of a product: panels of positions, packed in the order in which a tile reads them.

use std::ops::Range;

use super::axis::AxisPhases;
use super::jobs::Shift;
use super::steps::cut;
use crate::options::Layout;
use crate::simd::Detected;
use crate::simd::copy::{CHUNK, Piece, Rows};

/// Channels that are packed before the next shift.
const TOGETHER: usize = 8;

/// The input of one group of channels.
pub(crate) struct Source<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) strides: Strides,
    /// First channel of the group.
    pub(crate) channel: usize,
}

/// Steps in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strides {
    pub(crate) image: usize,
    pub(crate) channel: usize,
    pub(crate) cell: usize,
}

impl Strides {
    /// Of a tensor of `channels` planes of `cells`.
    pub(crate) fn new(layout: Layout, channels: usize, cells: usize) -> Self {
        let image = channels * cells;
        match layout {
            Layout::Nchw => Self { image, channel: cells, cell: 1 },
            Layout::Nhwc => Self { image, channel: 1, cell: channels },
        }
    }
}

/// Positions side by side in a row of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Where they begin in the panel.
    pub(crate) lane: usize,
    pub(crate) image: usize,
    pub(crate) first: [i64; 3],
    pub(crate) length: usize,
}

/// The positions of a job, one after the other: images, then the three axes.
#[derive(Clone, Debug)]
pub(crate) struct Positions {
    pub(crate) images: Range<usize>,
    pub(crate) axes: [Range<i64>; 3],
}

impl Positions {
    fn extent(&self) -> [usize; 3] {
        self.axes.each_ref().map(|axis| (axis.end - axis.start).max(0) as usize)
    }

    pub(crate) fn len(&self) -> usize {
        self.images.len() * self.extent().iter().product::<usize>()
    }

    /// The runs of positions `range`, lanes counted from its start.
    pub(crate) fn runs(&self, range: Range<usize>) -> Vec<Run> {
        let [a, b, c] = self.extent();
        let (mut runs, mut at) = (Vec::new(), range.start);
        while at < range.end {
            let (row, x) = (at / c, at % c);
            let length = (c - x).min(range.end - at);
            runs.push(Run {
                lane: at - range.start,
                image: self.images.start + row / (a * b),
                first: [
                    self.axes[0].start + (row / b % a) as i64,
                    self.axes[1].start + (row % b) as i64,
                    self.axes[2].start + x as i64,
                ],
                length,
            });
            at += length;
        }
        runs
    }
}

/// Which steps of a product are packed: shifts, and a range of channels for each.
pub(crate) struct Steps<'a> {
    pub(crate) shifts: &'a [Shift],
    pub(crate) channels: Range<usize>,
}

impl Steps<'_> {
    /// Values of a panel.
    pub(crate) fn panel(&self, width: usize) -> usize {
        self.shifts.len() * self.channels.len() * width
    }
}

impl Source<'_> {
    /// Packs panels, `[shift][channel][width]` each and [`Steps::panel`] values apart. `runs` are those of
    /// all panels, with the number of the panel.
    pub(crate) fn pack(
        &self,
        isa: Detected,
        axes: &[AxisPhases; 3],
        runs: &[(usize, Run)],
        steps: &Steps<'_>,
        width: usize,
        out: &mut [f32],
    ) {
        let block = steps.channels.len() * width;
        let mut pieces = Vec::with_capacity(runs.len() * steps.shifts.len());
        let mut ends = Vec::with_capacity(steps.shifts.len());
        let mut gaps = Vec::new();
        for (n, shift) in steps.shifts.iter().enumerate() {
            for (panel, run) in runs {
                let at = n * block + panel * steps.panel(width);
                let lanes = at + run.lane..at + run.lane + run.length;
                let read = self.pieces(axes, run, shift, at, &mut pieces);
                let read = lanes.start + read.start..lanes.start + read.end;
                if read != lanes {
                    gaps.extend([lanes.start..read.start, read.end..lanes.end]);
                }
            }
            ends.push(pieces.len());
        }
        // Lanes that fall outside.
        for lane in gaps.into_iter().flatten() {
            let lanes = out[lane..].iter_mut().step_by(width);
            lanes.take(steps.channels.len()).for_each(|value| *value = 0.0);
        }
        // A few channels at a time, so that the next shift finds them in the cache.
        for channels in cut(0..steps.channels.len(), TOGETHER) {
            let mut first = 0;
            for &end in &ends {
                let rows = Rows {
                    from: self.x,
                    pieces: &pieces[first..end],
                    lane_step: axes[2].in_step * self.strides.cell,
                    row_step: self.strides.channel,
                    rows: channels.len(),
                    first: (self.channel + steps.channels.start + channels.start)
                        * self.strides.channel,
                    width,
                };
                isa.copy_rows(&rows, &mut out[channels.start * width..]);
                first = end;
            }
        }
    }

    /// Adds the parts of a run that lie inside the input for a shift; which of its positions they are.
    fn pieces(
        &self,
        axes: &[AxisPhases; 3],
        run: &Run,
        shift: &Shift,
        at: usize,
        pieces: &mut Vec<Piece>,
    ) -> Range<usize> {
        let mut cell = 0;
        for axis in 0..2 {
            let at = run.first[axis] * axes[axis].in_step as i64 + shift.input[axis];
            if at < 0 || at >= axes[axis].in_cells as i64 {
                return 0..0;
            }
            cell = cell * axes[axis].in_cells + at as usize;
        }
        let read = axes[2].read_by(shift.input[2]);
        let first = run.first[2].max(read.start);
        let end = (run.first[2] + run.length as i64).min(read.end).max(first);
        if first == end {
            return 0..0;
        }
        // Not negative, as `first` is not before the run.
        let own = (first - run.first[2]) as usize..(end - run.first[2]) as usize;
        for part in cut(own.clone(), CHUNK) {
            // Inside the input, as all of `own` lies in `read`.
            let position = run.first[2] + part.start as i64;
            let x = (position * axes[2].in_step as i64 + shift.input[2]) as usize;
            let cell = cell * axes[2].in_cells + x;
            pieces.push(Piece {
                to: at + run.lane + part.start,
                from: run.image * self.strides.image + cell * self.strides.cell,
                length: part.len(),
            });
        }
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_with_rows_images_and_panels() {
        let positions = Positions { images: 2..4, axes: [0..1, 1..3, -1..2] };
        assert_eq!(positions.len(), 12);
        let runs = positions.runs(4..9);
        let of = |run: &Run| (run.lane, run.image, run.first, run.length);
        let got: Vec<_> = runs.iter().map(of).collect();
        assert_eq!(got, [(0, 2, [0, 2, 0], 2), (2, 3, [0, 1, -1], 3)]);
    }
}
