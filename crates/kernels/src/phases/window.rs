//! Rows of the input, copied once with zeros around them: a shift is then no more than another offset from which
//! registers of positions are read. Nothing is packed for every shift; the zeros cost the products of the
//! border, and spare the cases.
//!
//! Where positions read every second cell of an axis, or every third, cells are sorted by the remainder of their
//! place: in a *plane* of one remainder adjacent positions read adjacent cells, as with a step of one.

use std::ops::Range;

use super::Parts;
use super::axis::AxisPhases;
use super::jobs::{Job, Shift};
use super::share::Share;
use super::source::Run;
use super::steps::{self, cut};
use crate::simd::Detected;
use crate::simd::copy::{CHUNK, Piece, Rows};

/// Channels that are copied together.
const TOGETHER: usize = 8;

/// How rows are copied: `[channel][plane][row][pitch]`.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// Remainders along y and x of the cells of each plane that a shift reads.
    planes: Vec<[usize; 2]>,
    /// Values of a copied row: zeros, then cells. Zeros behind the cells are those of the next row.
    pitch: usize,
    /// Where its cells begin, and which of the input they are, in cells of one remainder.
    start: usize,
    cells: Range<usize>,
    /// Rows that all shifts of a position span.
    span: usize,
    /// Rows of positions that are computed together.
    rows: usize,
    /// Least shift along y and x, in cells of one remainder.
    least: [i64; 2],
}

/// Steps from position to position along y and x.
fn in_steps(parts: &Parts) -> [i64; 2] {
    [1, 2].map(|axis| parts.products.axes[axis].in_step as i64)
}

/// The plane that a shift reads, and how many cells of it further.
fn read(parts: &Parts, shift: &Shift) -> ([usize; 2], [i64; 2]) {
    let [y, x] = in_steps(parts);
    let [_, dy, dx] = shift.input;
    // A remainder is below a step, and not negative.
    let plane = [dy.rem_euclid(y) as usize, dx.rem_euclid(x) as usize];
    (plane, [dy.div_euclid(y), dx.div_euclid(x)])
}

/// Cells of an axis that have a remainder.
fn cells_of(axis: &AxisPhases, remainder: usize) -> usize {
    axis.in_cells.saturating_sub(remainder).div_ceil(axis.in_step)
}

impl Window {
    /// With copied rows of `block` values where possible. `None` where it does not apply: it knows flat images.
    pub(super) fn new(parts: &Parts, block: usize) -> Option<Self> {
        let [z, y, x] = &parts.products.axes;
        let flat = z.in_cells == 1 && z.out_cells == 1 && z.groups.len() == 1;
        if !flat || parts.in_channels == 0 {
            return None;
        }
        let shifts = parts.products.jobs.iter().flat_map(|job| &job.shifts);
        let reads: Vec<_> = shifts.map(|shift| read(parts, shift)).collect();
        let mut planes: Vec<[usize; 2]> = reads.iter().map(|(plane, _)| *plane).collect();
        planes.sort_unstable();
        planes.dedup();
        let bounds = |axis: usize| -> Option<(i64, i64)> {
            let all = reads.iter().map(|(_, offset)| offset[axis]);
            Some((all.clone().min()?, all.max()?))
        };
        let ((first_y, last_y), (first_x, last_x)) = (bounds(0)?, bounds(1)?);
        let positions = x.positions();
        let read = positions.start + first_x..positions.end + last_x;
        // Neither is negative: the clamp puts them inside, and in order.
        let inside = |cell: i64| cell.clamp(0, cells_of(x, 0) as i64) as usize;
        let cells = inside(read.start)..inside(read.end).max(inside(read.start));
        let (left, right) = (cells.start as i64 - read.start, read.end - cells.end as i64);
        let zeros = left.max(right) as usize;
        // Zeros and cells that both begin a register are copied and, for one of the shifts, read whole lines at a
        // time. Without gaps between the rows their positions share registers.
        let lanes = parts.isa.lanes();
        let width = (positions.end - positions.start).max(0) as usize;
        let (start, pitch) = match zeros + cells.len() < width.next_multiple_of(lanes) {
            true => (zeros, zeros + cells.len()),
            false => {
                let start = zeros.next_multiple_of(lanes);
                (start, start + cells.len().next_multiple_of(lanes))
            }
        };
        let span = (last_y - first_y) as usize + 1;
        let all = y.positions();
        let row = pitch * planes.len() * parts.in_channels;
        let rows = (block.min(parts.room) / row.max(1)).saturating_sub(span - 1);
        let rows = rows.clamp(1, ((all.end - all.start) as usize).max(1));
        Some(Self { planes, pitch, start, cells, span, rows, least: [first_y, first_x] })
    }

    /// Values of the copied rows of a plane.
    fn plane(&self) -> usize {
        (self.rows + self.span - 1) * self.pitch
    }

    /// Values of the copied rows of a channel: an odd number of registers, so that those of different channels
    /// do not contend for the same places of a cache.
    pub(super) fn channel(&self, isa: Detected) -> usize {
        let registers = (self.planes.len() * self.plane()).div_ceil(isa.lanes());
        (registers | 1) * isa.lanes()
    }

    /// Values of copied rows of all channels. The last row has zeros behind it too, and its last register may
    /// go on behind these.
    pub(super) fn values(&self, parts: &Parts) -> usize {
        parts.in_channels * self.channel(parts.isa) + self.start + parts.isa.lanes()
    }

    /// Values that a task of so many images, and positions of the axis along which planes are cut, copies.
    pub(super) fn copied(&self, parts: &Parts, images: usize, band: usize) -> usize {
        let y = parts.products.axes[1].positions();
        let rows =
            ((y.end - y.start) as usize).min(if parts.band_axis == 1 { band } else { usize::MAX });
        let blocks = rows.div_ceil(self.rows.max(1));
        let rows = rows + blocks * (self.span - 1);
        images * rows * self.pitch * self.planes.len() * parts.in_channels
    }

    /// Registers that the positions of an image take.
    pub(super) fn registers(&self, parts: &Parts) -> usize {
        let [_, y, x] = parts.products.axes.each_ref().map(|axis| {
            let positions = axis.positions();
            (positions.end - positions.start).max(0) as usize
        });
        let lanes = parts.isa.lanes();
        (y * x.div_ceil(lanes)).min((y * self.pitch).div_ceil(lanes))
    }

    /// How far behind the least shift another one reads.
    pub(super) fn offset(&self, parts: &Parts, shift: &Shift) -> usize {
        let (plane, [y, x]) = read(parts, shift);
        let plane = self.planes.partition_point(|own| *own < plane);
        let (row, column) = ((y - self.least[0]) as usize, (x - self.least[1]) as usize);
        plane * self.plane() + row * self.pitch + column
    }

    /// The blocks of a share.
    pub(super) fn blocks<'a>(&'a self, parts: &'a Parts, share: &'a Share<'a>) -> Vec<Block<'a>> {
        // One axis alone has its band along x, and a single row.
        let all = parts.products.axes[1].positions();
        let rows = match parts.band_axis {
            1 => all.start.max(share.band.start)..all.end.min(share.band.end),
            _ => all,
        };
        let number = (rows.end - rows.start).max(0) as usize;
        let mut blocks = Vec::new();
        for image in share.images.clone() {
            for own in steps::even(0..number, self.rows) {
                let rows = rows.start + own.start as i64..rows.start + own.end as i64;
                blocks.push(Block { parts, window: self, share, image, rows });
            }
        }
        blocks
    }
}

/// Some rows of positions of one image.
pub(super) struct Block<'a> {
    parts: &'a Parts,
    window: &'a Window,
    share: &'a Share<'a>,
    image: usize,
    rows: Range<i64>,
}

/// Positions in registers, in the copied rows of a channel.
#[derive(Default)]
pub(super) struct Registers {
    /// Where each begins, for the least shifts.
    pub(super) places: Vec<usize>,
    /// The positions of each, lanes counted from the first register on. Lanes that belong to none read what lies
    /// between rows.
    runs: Vec<Run>,
}

impl Registers {
    /// The positions of some registers, lanes counted from the first of these on.
    pub(super) fn runs(&self, registers: Range<usize>, lanes: usize) -> Vec<Run> {
        let before = |lane: usize| self.runs.partition_point(|run| run.lane < lane);
        let first = registers.start * lanes;
        let runs = &self.runs[before(first)..before(registers.end * lanes)];
        runs.iter().map(|run| Run { lane: run.lane - first, ..run.clone() }).collect()
    }
}

impl Block<'_> {
    /// Copies the rows that the positions read. The columns outside of the input have the same place in every
    /// block, and stay zero as they were made.
    pub(super) fn copy(&self, out: &mut [f32]) {
        let [_, y, x] = &self.parts.products.axes;
        let window = self.window;
        let source = &self.share.source;
        let cell = source.strides.cell;
        let rows = (self.rows.end - self.rows.start) as usize + window.span - 1;
        let (mut pieces, mut empty) = (Vec::new(), Vec::new());
        for (n, plane) in window.planes.iter().enumerate() {
            let columns = window.cells.start..window.cells.end.min(cells_of(x, plane[1]));
            for row in 0..rows {
                let to = n * window.plane() + row * window.pitch;
                let at = self.rows.start + window.least[0] + row as i64;
                if at < 0 || at >= cells_of(y, plane[0]) as i64 {
                    empty.push(to..to + window.pitch);
                    continue;
                }
                let first = (at as usize * y.in_step + plane[0]) * x.in_cells + plane[1];
                for part in cut(0..columns.len(), CHUNK) {
                    pieces.push(Piece {
                        to: to + window.start + part.start,
                        from: (first + (columns.start + part.start) * x.in_step) * cell,
                        length: part.len(),
                    });
                }
            }
        }
        let width = window.channel(self.parts.isa);
        // In NHWC the channels of a cell lie side by side.
        let together = if cell == 1 { TOGETHER } else { self.parts.in_channels };
        for channels in cut(0..self.parts.in_channels, together) {
            let channel = source.channel + channels.start;
            let out = &mut out[channels.start * width..];
            let rows = Rows {
                from: source.x,
                pieces: &pieces,
                lane_step: x.in_step * cell,
                row_step: source.strides.channel,
                rows: channels.len(),
                first: self.image * source.strides.image + channel * source.strides.channel,
                width,
            };
            self.parts.isa.copy_rows(&rows, out);
            for channel in out.chunks_mut(width).take(channels.len()) {
                empty.iter().for_each(|row| channel[row.clone()].fill(0.0));
            }
        }
    }

    /// Where a job's positions in this block lie.
    pub(super) fn registers(&self, job: &Job) -> Registers {
        let lanes = self.parts.isa.lanes();
        let own = |axis: usize, range: Range<i64>| {
            let positions = &job.positions[axis];
            let range = positions.start.max(range.start)..positions.end.min(range.end);
            match axis == self.parts.band_axis {
                true => range.start.max(self.share.band.start)..range.end.min(self.share.band.end),
                false => range,
            }
        };
        let (rows, columns) = (own(1, self.rows.clone()), own(2, job.positions[2].clone()));
        if rows.is_empty() || columns.is_empty() {
            return Registers::default();
        }
        let Window { pitch, start, cells, least, .. } = self.window;
        // Not negative: the zeros reach as far as the least shift.
        let first_x = cells.start as i64 - *start as i64 - least[1];
        let column = (columns.start - first_x) as usize;
        let (height, width) =
            ((rows.end - rows.start) as usize, (columns.end - columns.start) as usize);
        // Rows side by side, or each from a register of its own on.
        let flat = ((height - 1) * pitch + width).div_ceil(lanes) < height * width.div_ceil(lanes);
        let row_step = if flat { *pitch } else { width.next_multiple_of(lanes) };
        let mut registers = Registers::default();
        let mut last = None;
        for (n, y) in rows.enumerate() {
            let row = n * row_step..n * row_step + width;
            for register in row.start / lanes..row.end.div_ceil(lanes) {
                let first = row.start.max(register * lanes);
                let end = row.end.min((register + 1) * lanes);
                if last != Some(register) {
                    last = Some(register);
                    let row = (y - self.rows.start) as usize;
                    // Its first lane may belong to the row before, or to none.
                    let place = row * pitch + column + register * lanes - n * row_step;
                    registers.places.push(place);
                }
                let x = columns.start + (first - row.start) as i64;
                registers.runs.push(Run {
                    lane: (registers.places.len() - 1) * lanes + first - register * lanes,
                    image: self.image,
                    first: [job.positions[0].start, y, x],
                    length: end - first,
                });
            }
        }
        registers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_gaps_share_registers() {
        // Two rows of 20 positions, 21 cells apart: lanes 0..20 and 21..41 of three registers of 16.
        let run = |lane, y, x, length| Run { lane, image: 0, first: [0, y, x], length };
        let runs = vec![run(0, 0, 0, 16), run(16, 0, 16, 4), run(21, 1, 0, 11), run(32, 1, 11, 9)];
        let registers = Registers { places: vec![5, 21, 37], runs };
        assert_eq!(registers.runs(1..2, 16), [run(0, 0, 16, 4), run(5, 1, 0, 11)]);
        assert_eq!(registers.runs(2..3, 16), [run(0, 1, 11, 9)]);
    }
}
