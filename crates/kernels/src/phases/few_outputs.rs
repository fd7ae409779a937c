//! Phase decomposition for few output channels: positions in the lanes, read where they lie.
//!
//! With a handful of output channels a packed position would be used a few times only, less than packing it
//! costs. So rows of the input are copied once, with zeros around them, and every shift reads them at
//! another offset. The zeros cost the products of the border, and spare the cases.
//!
//! A weight is packed as for [`super::phase_gemm`], with a tile that holds all output channels.
//!
//! Wins for the last layer of a decoder: 1 to 6 channels.

use std::ops::Range;

use super::Parts;
use super::jobs::{Job, Shift};
use super::output::Output;
use super::phase_gemm::Tiles;
use super::share::Share;
use super::source::Run;
use super::steps::{self, Runs, StepBlock, cut};
use super::store::{Interleaved, Phases, Places};
use crate::aligned::Aligned;
use crate::options::Layout;
use crate::simd::Detected;
use crate::simd::copy::{CHUNK, Piece, Rows};
use crate::simd::tile::{Start, Tile, Within};

/// Most output channels.
const MOST: usize = 6;
/// Values of the rows that are copied together: 896 KiB, most of an L2 cache.
const BLOCK: usize = 224 * 1024;

/// Channels that are copied together.
const TOGETHER: usize = 8;

/// How rows are copied.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// Values of a copied row: zeros, then cells. Both begin a register, so that rows are copied and, for one
    /// of the shifts, read whole lines at a time. Zeros behind the cells are those of the next row.
    width: usize,
    /// Where its cells begin, and which of the input they are.
    start: usize,
    cells: Range<usize>,
    /// Rows that all shifts of a position span.
    span: usize,
    /// Rows of positions that are computed together.
    rows: usize,
    /// Least shift along y and x.
    least: [i64; 2],
}

impl Window {
    /// `None` where something else is better, or where it does not apply: it knows planes in NCHW whose
    /// positions read adjacent cells.
    pub(super) fn new(parts: &Parts) -> Option<Self> {
        let [z, y, x] = &parts.products.axes;
        let flat = z.in_cells == 1 && z.out_cells == 1 && z.groups.len() == 1;
        let adjacent = y.in_step == 1 && x.in_step == 1;
        let lanes = parts.isa.lanes();
        let wide = x.in_cells >= lanes && parts.in_channels >= 4;
        let few = (1..=MOST).contains(&parts.out_channels);
        if parts.layout != Layout::Nchw || !flat || !adjacent || !wide || !few {
            return None;
        }
        let bounds = |axis: usize| -> Option<(i64, i64)> {
            let jobs = parts.products.jobs.iter().flat_map(|job| &job.shifts);
            let all = jobs.map(|shift| shift.input[axis]);
            Some((all.clone().min()?, all.max()?))
        };
        let ((first_y, last_y), (first_x, last_x)) = (bounds(1)?, bounds(2)?);
        let positions = x.positions();
        let read = positions.start + first_x..positions.end + last_x;
        // Neither is negative: the clamp puts them inside, and in order.
        let inside = |cell: i64| cell.clamp(0, x.in_cells as i64) as usize;
        let cells = inside(read.start)..inside(read.end).max(inside(read.start));
        let (left, right) = (cells.start as i64 - read.start, read.end - cells.end as i64);
        let start = (left.max(right) as usize).next_multiple_of(lanes);
        let width = start + cells.len().next_multiple_of(lanes);
        let span = (last_y - first_y) as usize + 1;
        let all = y.positions();
        let rows = (BLOCK / (width * parts.in_channels)).saturating_sub(span - 1);
        let rows = rows.clamp(1, ((all.end - all.start) as usize).max(1));
        Some(Self { width, start, cells, span, rows, least: [first_y, first_x] })
    }

    /// Values of the copied rows of a channel: an odd number of registers, so that those of different channels
    /// do not contend for the same places of a cache.
    fn plane(&self, isa: Detected) -> usize {
        let registers = (self.rows + self.span - 1) * self.width / isa.lanes();
        (registers | 1) * isa.lanes()
    }

    /// Values that a task of so many images, and positions of the axis along which planes are cut, copies.
    pub(super) fn copied(&self, parts: &Parts, images: usize, band: usize) -> usize {
        let y = parts.products.axes[1].positions();
        let rows =
            ((y.end - y.start) as usize).min(if parts.band_axis == 1 { band } else { usize::MAX });
        let blocks = rows.div_ceil(self.rows.max(1));
        images * (rows + blocks * (self.span - 1)) * self.width * parts.in_channels
    }

    /// Values of copied rows, and of sums.
    pub(super) fn values(&self, parts: &Parts, tiles: &Tiles) -> [usize; 2] {
        let rows = parts.in_channels * self.plane(parts.isa);
        let x_phases = parts.products.jobs.iter().map(|job| job.x_phases.len()).max();
        let slot = tiles.height * tiles.vectors * parts.isa.lanes();
        // The last row has zeros behind it too, and its last register may go on behind these.
        [rows + self.start + parts.isa.lanes(), slot * x_phases.unwrap_or(1) + parts.isa.lanes()]
    }
}

/// What a task works in.
pub(super) struct Buffers {
    rows: Aligned,
    sums: Aligned,
}

impl Buffers {
    pub(super) fn new([rows, sums]: [usize; 2]) -> Self {
        Self { rows: Aligned::zeros(rows), sums: Aligned::zeros(sums) }
    }
}

pub(super) fn run(
    parts: &Parts,
    (window, tiles): (&Window, &Tiles),
    share: &Share<'_>,
    buffers: &mut Buffers,
    output: &mut Output<'_>,
) {
    let y = &parts.products.axes[1];
    // One axis alone has its band along x, and a single row.
    let all = y.positions();
    let rows = match parts.band_axis {
        1 => all.start.max(share.band.start)..all.end.min(share.band.end),
        _ => all,
    };
    let number = (rows.end - rows.start).max(0) as usize;
    for image in share.images.clone() {
        for own in steps::even(0..number, window.rows) {
            let rows = rows.start + own.start as i64..rows.start + own.end as i64;
            let block = Block { parts, window, tiles, share, image, rows };
            block.copy(&mut buffers.rows);
            let per_tap = parts.in_channels * tiles.number * tiles.height;
            for job in &parts.products.jobs {
                let before = parts.products.groups[..job.group].iter();
                let at: usize = before.map(|group| group.taps() * per_tap).sum();
                block.run(job, &share.weight[at..], buffers, output);
            }
        }
    }
}

/// Some rows of positions of one image.
struct Block<'a> {
    parts: &'a Parts,
    window: &'a Window,
    tiles: &'a Tiles,
    share: &'a Share<'a>,
    image: usize,
    rows: Range<i64>,
}

/// A register of positions.
struct Register {
    run: Run,
    /// Where it begins in the copied rows of a channel, for the least shifts.
    at: usize,
}

impl Block<'_> {
    /// Copies the rows that the positions read, `[channel][row][width]`. The columns outside of the input
    /// have the same place in every block, and stay zero as they were made.
    fn copy(&self, out: &mut [f32]) {
        let [_, y, x] = &self.parts.products.axes;
        let [least_y, _] = self.window.least;
        let Window { width, start, cells, .. } = self.window;
        let source = &self.share.source;
        let first_y = self.rows.start + least_y;
        let rows = (self.rows.end - self.rows.start) as usize + self.window.span - 1;
        let (mut pieces, mut empty) = (Vec::new(), Vec::new());
        for row in 0..rows {
            let at = first_y + row as i64;
            if at < 0 || at >= y.in_cells as i64 {
                empty.push(row * width..(row + 1) * width);
                continue;
            }
            for part in cut(0..cells.len(), CHUNK) {
                pieces.push(Piece {
                    to: row * width + start + part.start,
                    from: at as usize * x.in_cells + cells.start + part.start,
                    length: part.len(),
                });
            }
        }
        let plane = self.window.plane(self.parts.isa);
        for channels in cut(0..self.parts.in_channels, TOGETHER) {
            let channel = source.channel + channels.start;
            let out = &mut out[channels.start * plane..];
            let rows = Rows {
                from: source.x,
                pieces: &pieces,
                lane_step: 1,
                row_step: source.strides.channel,
                rows: channels.len(),
                first: self.image * source.strides.image + channel * source.strides.channel,
                width: plane,
            };
            self.parts.isa.copy_rows(&rows, out);
            for plane in out.chunks_mut(plane).take(channels.len()) {
                empty.iter().for_each(|row| plane[row.clone()].fill(0.0));
            }
        }
    }

    fn registers(&self, job: &Job) -> Vec<Register> {
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
        // Not negative: the zeros reach as far as the least shift.
        let Window { width, start, cells, least, .. } = self.window;
        let first_x = cells.start as i64 - *start as i64 - least[1];
        let mut registers = Vec::new();
        for y in rows {
            for x in columns.clone().step_by(lanes) {
                let length = (columns.end - x).min(lanes as i64) as usize;
                // Neither is negative: rows and columns lie inside the block.
                let (row, column) = ((y - self.rows.start) as usize, (x - first_x) as usize);
                registers.push(Register {
                    run: Run {
                        lane: 0,
                        image: self.image,
                        first: [job.positions[0].start, y, x],
                        length,
                    },
                    at: row * width + column,
                });
            }
        }
        registers
    }

    fn run(&self, job: &Job, weight: &[f32], buffers: &mut Buffers, output: &mut Output<'_>) {
        let (parts, tiles) = (self.parts, self.tiles);
        let (lanes, height) = (parts.isa.lanes(), tiles.height);
        let group = &parts.products.groups[job.group];
        let registers = self.registers(job);
        let [least_y, least_x] = self.window.least;
        let shift_at = |shift: &Shift| {
            let (y, x) = (shift.input[1] - least_y, shift.input[2] - least_x);
            y as usize * self.window.width + x as usize
        };
        let plane = self.window.plane(self.parts.isa);
        let blocks = steps::blocks(job.shifts.len(), group.shifts, parts.in_channels);
        // Where the taps of a phase begin in the copied rows and in the weight.
        let runs = |phase: usize, block: &StepBlock| -> Runs {
            let taps = group.of_phase(phase);
            let mut runs = block.runs(&job.shifts, taps, (1, height));
            let own = |shift: &&Shift| taps[shift.index].is_some();
            let first = block.channels.start * plane;
            let shifts = job.shifts[block.shifts.clone()].iter().filter(own);
            runs.panel = shifts.map(|shift| first + shift_at(shift)).collect();
            runs
        };
        let phases = job
            .outer_phases
            .iter()
            .flat_map(|outer| job.x_phases.clone().map(|x| outer.index * group.x_phases + x));
        let all_runs: Vec<(usize, Vec<Runs>)> = phases
            .map(|phase| (phase, blocks.iter().map(|block| runs(phase, block)).collect()))
            .collect();
        // About equally many registers in each tile.
        for own in steps::even(0..registers.len(), tiles.vectors) {
            let registers = &registers[own];
            let offsets: Vec<usize> = registers.iter().map(|register| register.at).collect();
            let width = offsets.len() * lanes;
            let runs: Vec<Run> = registers
                .iter()
                .enumerate()
                .map(|(n, register)| Run { lane: n * lanes, ..register.run.clone() })
                .collect();
            let places = Places::new(&parts.products.axes, &runs, output);
            let x_phases = job.x_phases.len();
            for (outer, phases) in job.outer_phases.iter().zip(all_runs.chunks(x_phases)) {
                for (n, (phase, runs)) in phases.iter().enumerate() {
                    let before = &group.before[*phase..];
                    let per_tap = parts.in_channels * height;
                    for (b, (block, runs)) in blocks.iter().zip(runs).enumerate() {
                        let tile = Tile {
                            rows: height,
                            vectors: offsets.len(),
                            a: &weight[before[0] * per_tap..before[1] * per_tap],
                            a_runs: &runs.weight,
                            a_step: height,
                            a_rows: Within::Apart(1),
                            b: &buffers.rows,
                            b_runs: &runs.panel,
                            b_step: plane,
                            b_registers: Within::At(&offsets),
                            steps: block.channels.len(),
                            start: if b > 0 { Start::Kept } else { Start::Zero },
                        };
                        parts.isa.tile(&tile, &mut buffers.sums[n * height * width..]);
                    }
                }
                let phases = Phases {
                    axes: &parts.products.axes,
                    job,
                    outer,
                    channels: 0..parts.out_channels,
                    finish: &self.share.finish,
                };
                Interleaved { phases, places: &places, width, phase_step: height * width }.store(
                    parts.isa,
                    &buffers.sums,
                    output,
                );
            }
        }
    }
}
