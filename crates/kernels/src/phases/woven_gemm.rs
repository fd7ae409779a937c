//! Phase decomposition with positions in the lanes, and the x phases of some channels in the rows of a tile: a
//! tile has all that lies side by side in the output, and weaves it in registers.
//!
//! A weight is packed as `[group of phases][outer phase][tile][shift][channel][height]`, rows as `[output
//! channel][x phase]`, or that for each half of the x phases. Positions are packed as for
//! [`super::phase_gemm`], or read where they lie, see [`super::window`], where packing them for many shifts costs
//! more than the products with zeros; rows of the output are not cut at their ends, where what falls outside is
//! computed and left out. Where a row of outputs fills registers, half of the phases belong to the next position, so
//! that nothing does.
//!
//! Wins in NCHW for kernels that the stride divides, and for convolutions, where sums are short: there
//! a second pass over the sums costs much beside the products; and wherever rows fill registers.

use std::ops::Range;

use rayon::prelude::*;

use super::jobs::{Group, Job, OuterPhase, Shift};
use super::output::Output;
use super::share::Share;
use super::source::{Run, Steps};
use super::steps::{self, Runs, StepBlock, cut};
use super::store::Phases;
use super::weight::Weight;
use super::window::{Registers, Window};
use super::{Parts, SMALL_WEIGHT};
use crate::aligned::Aligned;
use crate::options::Layout;
use crate::simd::tile::{Start, Starts, Tile, Within};
use crate::simd::woven::{Piece, Pieces, Woven};

/// Most products of a sum over rows in place.
const LONG: usize = 640;
/// What part of its products a sum may lose to zeros and gaps, and yet not be turned.
const TURNED: f64 = 0.05;
/// What part of the products packing has to cost for rows to be read in place.
const PACKED: f64 = 0.02;
/// Values of a block of packed positions: 256 KiB, which stay in an L2 cache beside the output.
const BLOCK: usize = 64 * 1024;

/// The tiles that the channels and x phases are cut into.
#[derive(Clone, Debug)]
pub(super) struct Weaves {
    phases: usize,
    /// Whether half of the phases read one input cell further: see [`super::axis::AxisPhases::in_blocks`].
    ahead: bool,
    height: usize,
    /// Registers of a row.
    pub(super) vectors: usize,
    number: usize,
    /// Where positions are read in rows that are copied as they are.
    pub(super) window: Option<Window>,
}

impl Weaves {
    /// `None` where rows of the output cannot be woven, or where sums take several blocks of steps.
    pub(super) fn new(parts: &Parts) -> Option<Self> {
        let x = &parts.products.axes[2];
        let [group] = &x.groups[..] else { return None };
        let phases = group.phases.len();
        let woven = phases == x.out_step && parts.products.x_phases_adjoin();
        let short = |group: &Group| {
            steps::blocks(
                group.shifts,
                steps::chunk(group.shifts, parts.in_channels),
                parts.in_channels,
            )
        };
        let short = parts.products.groups.iter().all(|group| short(group).len() == 1);
        let ahead = parts.rows_fill_registers();
        let window = Window::new(parts, BLOCK).filter(|window| !ahead && pays(parts, window));
        let short = short || window.is_some();
        if parts.layout != Layout::Nchw || !woven || !short || !matches!(phases, 1 | 2 | 4 | 8) {
            return None;
        }
        let rows = parts.out_channels * phases;
        let height = parts.isa.woven_height(rows, phases, ahead);
        let vectors = parts.isa.woven_vectors(height, ahead);
        Some(Self { phases, ahead, height, vectors, number: rows.div_ceil(height), window })
    }

    /// The rows to be copied, or the width of packed panels, once the products are known.
    pub(super) fn place(&mut self, parts: &Parts) -> Option<()> {
        match &mut self.window {
            Some(window) => *window = Window::new(parts, BLOCK)?,
            None => self.vectors = parts.registers(self.vectors, 0),
        }
        Some(())
    }

    /// Whether positions are read in rows as they are.
    pub(super) fn in_rows(&self) -> bool {
        self.window.is_some()
    }

    /// Output channels of a tile.
    pub(super) fn channels(&self) -> usize {
        self.height / self.phases
    }

    /// The row of a tile that an x phase of a channel has: those that read further are the second half.
    fn row(&self, channel: usize, phase: usize) -> usize {
        let halves = if self.ahead { 2 } else { 1 };
        let phases = self.phases / halves;
        phase / phases * (self.height / halves) + channel * phases + phase % phases
    }

    /// The share of rows that are not empty.
    pub(super) fn filled(&self, parts: &Parts) -> f64 {
        parts.out_channels as f64 / (self.number * self.channels()).max(1) as f64
    }

    fn tile_values(&self, parts: &Parts, group: &Group) -> usize {
        group.shifts * parts.in_channels * self.height
    }

    /// Values of the packed weight of one group of channels.
    pub(super) fn weight_values(&self, parts: &Parts) -> usize {
        let of = |group| group_values(parts, self, group);
        parts.products.groups.iter().map(of).sum()
    }

    /// Packs the weight of one group of channels. Rows beside the last channel are left as they are.
    pub(super) fn pack(&self, parts: &Parts, weight: Weight<'_>, packed: &mut [f32]) {
        let (mut rest, mut all) = (packed, Vec::new());
        for group in &parts.products.groups {
            for outer in 0..group.outer_phases {
                for tile in 0..self.number {
                    let (part, after) = rest.split_at_mut(self.tile_values(parts, group));
                    rest = after;
                    all.push((group, outer, tile, part));
                }
            }
        }
        let pack = |(group, outer, tile, part): (&Group, usize, usize, &mut [f32])| {
            let first = tile * self.channels();
            let channels = first..(first + self.channels()).min(parts.out_channels);
            for (out, x) in channels.flat_map(|out| (0..self.phases).map(move |x| (out, x))) {
                let row = self.row(out - first, x);
                let taps = group.of_phase(outer * group.x_phases + x);
                for input in 0..parts.in_channels {
                    let own = weight.taps(out, input);
                    for (shift, tap) in taps.iter().enumerate() {
                        if let Some(tap) = tap {
                            let step = shift * parts.in_channels + input;
                            part[step * self.height + row] = own[tap.tap];
                        }
                    }
                }
            }
        };
        match weight.values.len() < SMALL_WEIGHT {
            true => all.into_iter().for_each(pack),
            false => all.into_par_iter().for_each(pack),
        }
    }
}

fn group_values(parts: &Parts, weaves: &Weaves, group: &Group) -> usize {
    group.outer_phases * weaves.number * weaves.tile_values(parts, group)
}

/// Whether reading rows in place costs less than packing positions for every shift; where sums are so long that
/// they would be turned, less than that.
fn pays(parts: &Parts, window: &Window) -> bool {
    let shifts = parts.products.groups.iter().map(|group| group.shifts).max().unwrap_or(0);
    if shifts < 2 || shifts * parts.in_channels > LONG {
        return false;
    }
    let [_, y, x] = &parts.products.axes;
    let length = |range: Range<i64>| (range.end - range.start).max(0) as f64;
    let (rows, width) = (length(y.positions()), length(x.positions()));
    let packed = rows * width / parts.isa.lanes() as f64;
    let gaps = window.registers(parts) as f64 / packed - 1.0;
    if parts.turns() {
        // Turned sums have no products with the zeros at the ends of rows.
        let shifts = || x.groups.iter().flat_map(|group| &group.shifts);
        let inside = |shift: &i64| {
            let (read, all) = (x.read_by(*shift), x.positions());
            length(read.start.max(all.start)..read.end.min(all.end))
        };
        let zeros = 1.0 - shifts().map(inside).sum::<f64>() / (shifts().count() as f64 * width);
        return gaps + zeros < TURNED;
    }
    // In products of registers for each input channel.
    let products = packed * (parts.taps * parts.out_channels) as f64;
    let pack = shifts as f64 * (6.0 * rows + 4.0 * packed) / products;
    pack > gaps + PACKED
}

/// What a task works in.
pub(super) struct Buffers {
    panels: Aligned,
}

impl Buffers {
    /// Values of panels that the largest task needs: so many images, and `band` positions of the axis along
    /// which planes are cut.
    pub(super) fn values(parts: &Parts, weaves: &Weaves, images: usize, band: usize) -> usize {
        if let Some(window) = &weaves.window {
            return window.values(parts);
        }
        let jobs = parts.products.jobs.iter().map(|job| {
            let positions = parts.most_positions(job, images, band);
            most_positions(parts, weaves, job).min(positions.next_multiple_of(width(parts, weaves)))
                * reads(weaves, job).len()
                * parts.in_channels
        });
        jobs.max().unwrap_or(0)
    }

    pub(super) fn new(panels: usize) -> Self {
        Self { panels: Aligned::zeros(panels) }
    }
}

fn width(parts: &Parts, weaves: &Weaves) -> usize {
    weaves.vectors * parts.isa.lanes()
}

/// Positions of a job that are packed together at most: a multiple of a panel's width.
fn most_positions(parts: &Parts, weaves: &Weaves, job: &Job) -> usize {
    let steps = reads(weaves, job).len() * parts.in_channels;
    parts.positions_together((BLOCK / steps.max(64), steps), 0, width(parts, weaves))
}

/// The shifts that are packed. If some phases read one cell further, that is the next.
fn reads(weaves: &Weaves, job: &Job) -> Vec<Shift> {
    if !weaves.ahead {
        return job.shifts.clone();
    }
    let both = |shift: &Shift| {
        let [z, y, x] = shift.input;
        [*shift, Shift { input: [z, y, x + 1], ..*shift }]
    };
    let mut reads: Vec<Shift> = job.shifts.iter().flat_map(both).collect();
    reads.sort_by_key(|shift| shift.input);
    reads.dedup_by_key(|shift| shift.input);
    reads
}

pub(super) fn run(
    parts: &Parts,
    weaves: &Weaves,
    share: &Share<'_>,
    buffers: &mut Buffers,
    output: &mut Output<'_>,
) {
    let values = parts.products.groups.iter().map(|group| group_values(parts, weaves, group));
    let starts: Vec<usize> = values.scan(0, |at, n| Some(std::mem::replace(at, *at + n))).collect();
    let jobs = parts.products.jobs.iter();
    let products = jobs.map(|job| {
        let weight = &share.weight[starts[job.group]..];
        Product { parts, weaves, share, job, weight }
    });
    let Some(window) = &weaves.window else {
        products.for_each(|product| product.run_packed(buffers, output));
        return;
    };
    for block in window.blocks(parts, share) {
        block.copy(&mut buffers.panels);
        for product in products.clone() {
            let registers = block.registers(product.job);
            product.run_in_rows(window, &registers, buffers, output);
        }
    }
}

/// Positions side by side in lanes.
struct Panel<'a> {
    vectors: usize,
    /// Where they begin among what is read, and the registers of a step behind that.
    at: usize,
    registers: Within<'a>,
    pieces: Pieces,
}

/// How the tiles of a product read positions.
struct Reads<'a> {
    values: &'a [f32],
    /// Where the steps of each tap begin, how far they are apart, and how many there are.
    runs: &'a Runs,
    step: usize,
    steps: usize,
}

/// One job within one share.
struct Product<'a> {
    parts: &'a Parts,
    weaves: &'a Weaves,
    share: &'a Share<'a>,
    job: &'a Job,
    /// From the job's group of phases on.
    weight: &'a [f32],
}

impl Product<'_> {
    fn group(&self) -> &Group {
        &self.parts.products.groups[self.job.group]
    }

    fn run_packed(&self, buffers: &mut Buffers, output: &mut Output<'_>) {
        let (parts, weaves, job) = (self.parts, self.weaves, self.job);
        let width = width(parts, weaves);
        let positions = self.share.positions(parts, job);
        let all = positions.len();
        if all == 0 {
            return;
        }
        // Equal blocks, so that none is a small rest.
        let number = all.div_ceil(most_positions(parts, weaves, job));
        let together = all.div_ceil(number).next_multiple_of(width);
        let reads = reads(weaves, job);
        let steps = Steps { shifts: &reads, channels: 0..parts.in_channels };
        let mut runs = self.runs(width);
        let further = parts.in_channels * width;
        if weaves.ahead {
            let read = |shift: &Shift| reads.partition_point(|read| read.input < shift.input);
            runs.panel = job.shifts.iter().map(|shift| read(shift) * further).collect();
        }
        let (runs, steps_of_run) = runs.joined(parts.in_channels);
        let lanes = parts.isa.lanes();
        let registers = match weaves.ahead {
            true => Within::Halves { apart: lanes, further },
            false => Within::Apart(lanes),
        };
        for range in cut(0..all, together) {
            let (mut panels, mut packed) = (Vec::new(), Vec::new());
            for (vectors, range) in steps::registers(range, lanes, weaves.vectors) {
                let runs = positions.runs(range);
                let pieces = self.pieces(&runs, output);
                let at = panels.len() * steps.panel(width);
                packed.extend(runs.into_iter().map(|run| (panels.len(), run)));
                panels.push(Panel { vectors, at, registers, pieces });
            }
            let axes = &parts.products.axes;
            self.share.source.pack(parts.isa, axes, &packed, &steps, width, &mut buffers.panels);
            let values = &buffers.panels;
            let reads = Reads { values, runs: &runs, step: width, steps: steps_of_run };
            self.multiply(&panels, &reads, output);
        }
    }

    /// Multiplies what has been copied.
    fn run_in_rows(
        &self,
        window: &Window,
        registers: &Registers,
        buffers: &Buffers,
        output: &mut Output<'_>,
    ) {
        let parts = self.parts;
        let lanes = parts.isa.lanes();
        let mut runs = self.runs(1);
        let offset = |shift| window.offset(parts, shift);
        runs.panel = self.job.shifts.iter().map(offset).collect();
        let mut panels = Vec::new();
        for own in steps::even(0..registers.places.len(), self.weaves.vectors) {
            let vectors = own.len();
            let pieces = self.pieces(&registers.runs(own.clone(), lanes), output);
            let registers = Within::At(&registers.places[own]);
            panels.push(Panel { vectors, at: 0, registers, pieces });
        }
        let (values, step) = (&buffers.panels, window.channel(parts.isa));
        let reads = Reads { values, runs: &runs, step, steps: parts.in_channels };
        self.multiply(&panels, &reads, output);
    }

    /// Where taps begin, the same for all phases, as they have the same shifts.
    fn runs(&self, panel: usize) -> Runs {
        let shifts = &self.job.shifts;
        let block = StepBlock { shifts: 0..shifts.len(), channels: 0..self.parts.in_channels };
        block.runs(shifts, self.group().of_phase(0), (panel, self.weaves.height))
    }

    fn multiply(&self, panels: &[Panel<'_>], reads: &Reads<'_>, output: &mut Output<'_>) {
        let (parts, weaves, job) = (self.parts, self.weaves, self.job);
        let channels = self.share.channels.clone();
        let tiles = channels.start / weaves.channels()..channels.end.div_ceil(weaves.channels());
        let (a_runs, b_runs) = (Starts::new(&reads.runs.weight), Starts::new(&reads.runs.panel));
        for outer in &job.outer_phases {
            for tile in tiles.clone() {
                let weight = self.tile(outer, tile);
                let first = tile * weaves.channels();
                let phases = Phases {
                    axes: &parts.products.axes,
                    job,
                    outer,
                    channels: first..(first + weaves.channels()).min(channels.end),
                    finish: &self.share.finish,
                };
                let to = phases.planes(output);
                for panel in panels {
                    let tile = Tile {
                        rows: weaves.height,
                        vectors: panel.vectors,
                        a: weight,
                        a_runs,
                        a_step: weaves.height,
                        a_rows: Within::Apart(1),
                        b: &reads.values[panel.at..],
                        b_runs,
                        b_step: reads.step,
                        b_registers: panel.registers,
                        steps: reads.steps,
                        start: Start::Zero,
                    };
                    let woven = Woven {
                        pieces: &panel.pieces,
                        phases: weaves.phases,
                        channels: phases.channels.len(),
                        to: &to,
                        writes: output.writes,
                    };
                    parts.isa.tile_woven(&tile, woven, &mut output.slices);
                }
            }
        }
    }

    /// The weight of a tile.
    fn tile(&self, outer: &OuterPhase, tile: usize) -> &[f32] {
        let each = self.weaves.tile_values(self.parts, self.group());
        &self.weight[(outer.index * self.weaves.number + tile) * each..][..each]
    }

    /// What of the runs of a panel goes to the output: for each of their registers one piece.
    fn pieces(&self, runs: &[Run], output: &Output<'_>) -> Pieces {
        let mut pieces = Vec::with_capacity(2 * runs.len());
        runs.iter().for_each(|run| self.add_pieces(run, output, &mut pieces));
        Pieces::new(pieces)
    }

    fn add_pieces(&self, run: &Run, output: &Output<'_>, pieces: &mut Vec<Piece>) {
        let (axes, lanes, phases) =
            (&self.parts.products.axes, self.parts.isa.lanes(), self.weaves.phases);
        let at = |n: usize| run.first[n] * axes[n].out_step as i64;
        let row = (at(0) * axes[1].out_cells as i64 + at(1)) * axes[2].out_cells as i64;
        let slice = output.image(run.image);
        let piece = |register: usize| {
            let first = (register * lanes).max(run.lane);
            let end = ((register + 1) * lanes).min(run.lane + run.length);
            // The x cell of the first value of the register, less where phases begin.
            let x = at(2) + (register * lanes * phases) as i64 - (run.lane * phases) as i64;
            // Values inside of the row: cells `0 <= x + x_output + n < out_cells`.
            let inside =
                |n: usize, cell: i64| (cell - x - self.job.x_output).clamp(0, n as i64) as usize;
            let all = lanes * phases;
            Piece {
                register,
                slice,
                place: row + x,
                first: ((first - register * lanes) * phases).max(inside(all, 0)),
                end: ((end - register * lanes) * phases).min(inside(all, axes[2].out_cells as i64)),
            }
        };
        let registers = run.lane / lanes..(run.lane + run.length).div_ceil(lanes);
        pieces.extend(registers.map(piece));
    }
}
