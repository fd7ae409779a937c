//! Phase decomposition with positions in the lanes, and the x phases of some channels in the rows of a tile: a
//! tile has all that lies side by side in the output, and weaves it in registers.
//!
//! A weight is packed as `[group of phases][outer phase][tile][shift][channel][height]`, rows as `[output
//! channel][x phase]`, or that for each half of the x phases. Positions are packed as for
//! [`super::phase_gemm`]; rows of the output are not cut at their ends, where what falls outside is computed
//! and left out. Where a row of outputs fills registers, half of the phases belong to the next position, so
//! that nothing does.
//!
//! Wins in NCHW for kernels that the stride divides, and for convolutions, where sums are short: there
//! a second pass over the sums costs much beside the products; and wherever rows fill registers.

use std::ops::Range;

use rayon::prelude::*;

use super::jobs::{Group, Job, OuterPhase, Shift};
use super::output::Output;
use super::share::Share;
use super::source::{Positions, Run, Steps};
use super::steps::{self, StepBlock, cut};
use super::store::Phases;
use super::weight::Weight;
use super::{Parts, SMALL_WEIGHT};
use crate::aligned::Aligned;
use crate::options::Layout;
use crate::simd::tile::{Start, Tile, Within};
use crate::simd::woven::{Piece, Pieces, Woven};

/// Values of a block of packed positions: 256 KiB, which stay in an L2 cache beside the output.
const BLOCK: usize = 64 * 1024;

/// The tiles that the channels and x phases are cut into.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weaves {
    phases: usize,
    /// Whether half of the phases read one input cell further: see [`super::axis::AxisPhases::in_blocks`].
    ahead: bool,
    height: usize,
    /// Registers of a row.
    pub(super) vectors: usize,
    number: usize,
}

impl Weaves {
    /// `None` where rows of the output cannot be woven, or where sums take several blocks of steps.
    pub(super) fn new(parts: &Parts) -> Option<Self> {
        let x = &parts.products.axes[2];
        let [group] = &x.groups[..] else { return None };
        let phases = group.phases.len();
        let woven = phases == x.out_step && parts.products.x_phases_adjoin();
        let short = |group: &Group| steps::blocks(group.shifts, group.shifts, parts.in_channels);
        let short = parts.products.groups.iter().all(|group| short(group).len() == 1);
        if parts.layout != Layout::Nchw || !woven || !short || !matches!(phases, 1 | 2 | 4 | 8) {
            return None;
        }
        let rows = parts.out_channels * phases;
        let ahead = parts.rows_fill_registers();
        let height = parts.isa.woven_height(rows, phases, ahead);
        let vectors = parts.isa.woven_vectors(height, ahead);
        Some(Self { phases, ahead, height, vectors, number: rows.div_ceil(height) })
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

/// What a task works in.
pub(super) struct Buffers {
    panels: Aligned,
}

impl Buffers {
    /// Values of panels that the largest task needs: so many images, and `band` positions of the axis along
    /// which planes are cut.
    pub(super) fn values(parts: &Parts, weaves: &Weaves, images: usize, band: usize) -> usize {
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
    let mut weight = share.weight;
    let mut groups = parts.products.groups.iter().enumerate();
    let mut group = groups.next();
    for job in &parts.products.jobs {
        while let Some((_, before)) = group.filter(|(n, _)| *n < job.group) {
            weight = &weight[group_values(parts, weaves, before)..];
            group = groups.next();
        }
        let positions = share.positions(parts, job);
        if positions.len() > 0 {
            Product { parts, weaves, share, job, positions, weight }.run(buffers, output);
        }
    }
}

/// Positions side by side in lanes.
struct Panel {
    vectors: usize,
    runs: Vec<Run>,
    pieces: Pieces,
}

/// One job within one share.
struct Product<'a> {
    parts: &'a Parts,
    weaves: &'a Weaves,
    share: &'a Share<'a>,
    job: &'a Job,
    positions: Positions,
    /// From the job's group of phases on.
    weight: &'a [f32],
}

impl Product<'_> {
    fn group(&self) -> &Group {
        &self.parts.products.groups[self.job.group]
    }

    fn run(&self, buffers: &mut Buffers, output: &mut Output<'_>) {
        let (parts, weaves, job) = (self.parts, self.weaves, self.job);
        let width = width(parts, weaves);
        let all = self.positions.len();
        // Equal blocks, so that none is a small rest.
        let number = all.div_ceil(most_positions(parts, weaves, job));
        let positions = all.div_ceil(number).next_multiple_of(width);
        let block = StepBlock { shifts: 0..job.shifts.len(), channels: 0..parts.in_channels };
        let reads = reads(weaves, job);
        let steps = Steps { shifts: &reads, channels: block.channels.clone() };
        let apart = steps.panel(width);
        // The same for all phases, as they have the same shifts.
        let taps = self.group().of_phase(0);
        let mut runs = block.runs(&job.shifts, taps, (width, weaves.height));
        let further = block.channels.len() * width;
        if weaves.ahead {
            let read = |shift: &Shift| reads.partition_point(|read| read.input < shift.input);
            runs.panel = job.shifts.iter().map(|shift| read(shift) * further).collect();
        }
        let (runs, together) = runs.joined(block.channels.len());
        let b_registers = match weaves.ahead {
            true => Within::Halves { apart: parts.isa.lanes(), further },
            false => Within::Apart(parts.isa.lanes()),
        };
        let channels = self.share.channels.clone();
        let tiles = channels.start / weaves.channels()..channels.end.div_ceil(weaves.channels());
        for range in cut(0..all, positions) {
            let panels = self.panels(range, output);
            let numbered = |(n, panel): (usize, &Panel)| {
                panel.runs.iter().map(move |run| (n, run.clone())).collect::<Vec<_>>()
            };
            let packed: Vec<_> = panels.iter().enumerate().flat_map(numbered).collect();
            let axes = &parts.products.axes;
            self.share.source.pack(parts.isa, axes, &packed, &steps, width, &mut buffers.panels);
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
                    for (n, panel) in panels.iter().enumerate() {
                        let tile = Tile {
                            rows: weaves.height,
                            vectors: panel.vectors,
                            a: weight,
                            a_runs: &runs.weight,
                            a_step: weaves.height,
                            a_rows: Within::Apart(1),
                            b: &buffers.panels[n * apart..],
                            b_runs: &runs.panel,
                            b_step: width,
                            b_registers,
                            steps: together,
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
    }

    /// The weight of a tile.
    fn tile(&self, outer: &OuterPhase, tile: usize) -> &[f32] {
        let each = self.weaves.tile_values(self.parts, self.group());
        &self.weight[(outer.index * self.weaves.number + tile) * each..][..each]
    }

    /// Panels of about equal width, as a narrow one cannot hide the delays of its sums.
    fn panels(&self, range: Range<usize>, output: &Output<'_>) -> Vec<Panel> {
        let panel = |(vectors, range): (usize, Range<usize>)| {
            let runs = self.positions.runs(range);
            let pieces = runs.iter().flat_map(|run| self.pieces(run, output)).collect();
            Panel { vectors, runs, pieces: Pieces::new(pieces, vectors) }
        };
        let lanes = self.parts.isa.lanes();
        steps::registers(range, lanes, self.weaves.vectors).map(panel).collect()
    }

    /// What of a run goes to the output: for each of its registers one piece.
    fn pieces(&self, run: &Run, output: &Output<'_>) -> Vec<Piece> {
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
        registers.map(piece).collect()
    }
}
