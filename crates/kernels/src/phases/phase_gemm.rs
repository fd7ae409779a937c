//! Phase decomposition with positions in the lanes: a tile of output channels of one phase, broadcast,
//! times a panel of positions.
//!
//! A weight is packed as `[group of phases][phase][tile][chunk][shift][channel][height]`, see
//! [`steps::chunk`]. The tiles of all x phases are computed one after the other and stored together, side by side in memory.
//!
//! Wins for small strides and for convolutions, where adjacent positions fill the lanes.

use std::ops::Range;

use rayon::prelude::*;

use super::jobs::{Group, Job};
use super::output::Output;
use super::share::Share;
use super::source::{Positions, Run, Steps};
use super::steps::{self, Runs, StepBlock, cut};
use super::store::{Interleaved, Phases, Places};
use super::weight::Weight;
use super::{Parts, SMALL_WEIGHT};
use crate::aligned::Aligned;
use crate::simd::Detected;
use crate::simd::tile::{Start, Starts, Tile, Within};

/// Values of a block of packed positions, 384 KiB, and of the sums beside it, 256 KiB: both together stay in
/// an L2 cache of 1 MiB.
const BLOCK: usize = 96 * 1024;
const SUMS: usize = 64 * 1024;
/// Tiles whose place is announced before it is their turn to be stored.
const AHEAD: usize = 2;
/// Values behind the sums, so that the last register of a row can be read whole.
const SLACK: usize = 16;
/// Most positions of a block whose sums take several blocks of steps.
const BLOCK_POSITIONS: usize = 192;

/// The tiles that the output channels of a group of channels are cut into.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiles {
    pub(super) height: usize,
    /// Registers of a row.
    pub(super) vectors: usize,
    pub(super) number: usize,
}

impl Tiles {
    pub(super) fn new(isa: Detected, channels: usize) -> Self {
        let height = isa.height(channels);
        Self { height, vectors: isa.vectors(height), number: channels.div_ceil(height) }
    }

    /// Values of the packed weight of one group of channels.
    pub(super) fn weight_values(&self, parts: &Parts) -> usize {
        let groups = parts.products.groups.iter();
        groups.map(|group| group.taps() * parts.in_channels * self.number * self.height).sum()
    }

    /// Packs the weight of one group of channels.
    pub(super) fn pack(&self, parts: &Parts, weight: Weight<'_>, packed: &mut [f32]) {
        let (height, inputs) = (self.height, parts.in_channels);
        // Each tile takes all of its phases, so that the taps of a channel are read while they are near.
        let mut tiles: Vec<Vec<PhasePart<'_>>> = (0..self.number).map(|_| Vec::new()).collect();
        let mut rest = packed;
        for group in &parts.products.groups {
            let chunk = steps::chunk(group.shifts, inputs);
            for phase in 0..group.outer_phases * group.x_phases {
                let taps: Vec<usize> =
                    group.of_phase(phase).iter().flatten().map(|tap| tap.tap).collect();
                if taps.is_empty() {
                    continue;
                }
                for tile in &mut tiles {
                    let (part, after) = rest.split_at_mut(taps.len() * inputs * height);
                    rest = after;
                    tile.push(PhasePart { taps: taps.clone(), chunk, part });
                }
            }
        }
        let pack = |(tile, mut phases): (usize, Vec<PhasePart<'_>>)| {
            let outs = tile * height..((tile + 1) * height).min(parts.out_channels);
            for input in 0..inputs {
                for (row, out) in outs.clone().enumerate() {
                    let taps = weight.taps(out, input);
                    for phase in &mut phases {
                        let begin = input / phase.chunk * phase.chunk;
                        let length = phase.chunk.min(inputs - begin);
                        let at = begin * phase.taps.len() + input - begin;
                        let to = phase.part[at * height + row..].iter_mut();
                        let pairs = to.step_by(length * height).zip(&phase.taps);
                        pairs.for_each(|(value, &tap)| *value = taps[tap]);
                    }
                }
            }
        };
        let tiles = tiles.into_iter().enumerate();
        match weight.values.len() < SMALL_WEIGHT {
            true => tiles.for_each(pack),
            false => tiles.collect::<Vec<_>>().into_par_iter().for_each(pack),
        }
    }
}

/// A tile's share of one phase of a packed weight, `[chunk][tap][channel of the chunk][height]`.
struct PhasePart<'a> {
    taps: Vec<usize>,
    /// Channels of a chunk.
    chunk: usize,
    part: &'a mut [f32],
}

/// What a task works in.
pub(super) struct Buffers {
    panels: Aligned,
    sums: Aligned,
}

impl Buffers {
    /// Values of panels and sums that the largest task needs: so many images, and `band` positions of the
    /// axis along which planes are cut.
    pub(super) fn values(parts: &Parts, tiles: &Tiles, images: usize, band: usize) -> [usize; 2] {
        let mut most = [0, 0];
        for job in &parts.products.jobs {
            let cut = Cut::new(parts, tiles, job, parts.most_positions(job, images, band));
            most = [most[0].max(cut.panels), most[1].max(cut.sums)];
        }
        most
    }

    pub(super) fn new([panels, sums]: [usize; 2]) -> Self {
        Self { panels: Aligned::zeros(panels), sums: Aligned::zeros(sums + SLACK) }
    }
}

/// How one job is cut.
struct Cut {
    blocks: Vec<StepBlock>,
    /// Positions that are packed together; a multiple of a panel's width unless there are fewer.
    positions: usize,
    /// Pairs of outer phase and tile whose sums are kept together, for all x phases.
    tiles: usize,
    /// Most values of panels, for this many positions or fewer.
    panels: usize,
    /// The same of sums.
    sums: usize,
}

impl Cut {
    fn new(parts: &Parts, tiles: &Tiles, job: &Job, positions: usize) -> Self {
        let width = tiles.vectors * parts.isa.lanes();
        let shifts = parts.products.groups[job.group].shifts;
        let blocks = steps::blocks(
            job.shifts.len(),
            steps::chunk(shifts, parts.in_channels),
            parts.in_channels,
        );
        let longest = blocks.iter().map(StepBlock::len).max().unwrap_or(0);
        let single = blocks.len() == 1;
        let slot = job.x_phases.len() * tiles.height * width;
        // Sums of one panel, or a third of the room of a small layer.
        let kept = if single { slot } else { SUMS.min(parts.room / 3) };
        let most = if single { BLOCK / longest.max(64) } else { BLOCK_POSITIONS };
        let most = parts.positions_together((most, longest), kept, width);
        // Equal blocks, so that none is a small rest.
        let number = positions.div_ceil(most).max(1);
        let block = positions.div_ceil(number).next_multiple_of(width);
        let all = job.outer_phases.len() * tiles.number;
        let pairs = |block: usize| (kept / (slot * (block / width))).clamp(1, all.max(1));
        // Fewer positions may make a larger block: 1 of 300 where 500 make 2 of 250.
        let largest = most.min(positions.next_multiple_of(width));
        let sums = match single {
            true => slot,
            false => (kept + slot * (largest / width)).min(all * slot * (largest / width)),
        };
        let panels = largest * longest;
        let tiles = if single { 1 } else { pairs(block) };
        Self { blocks, positions: block, tiles, panels, sums }
    }
}

pub(super) fn run(
    parts: &Parts,
    tiles: &Tiles,
    share: &Share<'_>,
    buffers: &mut Buffers,
    output: &mut Output<'_>,
) {
    let per_tap = parts.in_channels * tiles.number * tiles.height;
    for job in &parts.products.jobs {
        let before = parts.products.groups[..job.group].iter();
        let at: usize = before.map(|group| group.taps() * per_tap).sum();
        let positions = share.positions(parts, job);
        if positions.len() > 0 {
            Product::new(parts, tiles, share, job, positions, &share.weight[at..])
                .run(buffers, output);
        }
    }
}

/// Positions side by side in lanes.
struct Panel {
    vectors: usize,
    runs: Vec<Run>,
    places: Places,
}

/// One job within one share.
struct Product<'a> {
    parts: &'a Parts,
    tiles: &'a Tiles,
    share: &'a Share<'a>,
    job: &'a Job,
    positions: Positions,
    /// From the job's group of phases on.
    weight: &'a [f32],
    width: usize,
    cut: Cut,
}

impl<'a> Product<'a> {
    fn new(
        parts: &'a Parts,
        tiles: &'a Tiles,
        share: &'a Share<'a>,
        job: &'a Job,
        positions: Positions,
        weight: &'a [f32],
    ) -> Self {
        let cut = Cut::new(parts, tiles, job, positions.len());
        let width = tiles.vectors * parts.isa.lanes();
        Self { parts, tiles, share, job, positions, weight, width, cut }
    }

    fn group(&self) -> &'a Group {
        &self.parts.products.groups[self.job.group]
    }

    fn run(&self, buffers: &mut Buffers, output: &mut Output<'_>) {
        let height = self.tiles.height;
        let all = self.share.channels.start / height..self.share.channels.end.div_ceil(height);
        let slot = self.job.x_phases.len() * height * self.width;
        for range in cut(0..self.positions.len(), self.cut.positions) {
            let panels = self.panels(range, output);
            let numbered = |(n, panel): (usize, &Panel)| {
                panel.runs.iter().map(move |r| (n, r.clone())).collect::<Vec<_>>()
            };
            let all_runs: Vec<(usize, Run)> =
                panels.iter().enumerate().flat_map(numbered).collect();
            if let [block] = &self.cut.blocks[..] {
                let apart = self.pack(&all_runs, block, &mut buffers.panels);
                let runs = self.runs(block);
                for outer in 0..self.job.outer_phases.len() {
                    for tile in all.clone() {
                        for (n, panel) in panels.iter().enumerate() {
                            let packed = &buffers.panels[n * apart..];
                            self.place((outer, tile), panel).announce(output);
                            self.sum(
                                (outer, tile),
                                panel,
                                (block, &runs),
                                false,
                                packed,
                                &mut buffers.sums,
                            );
                            self.store((outer, tile), panel, &buffers.sums, output);
                        }
                    }
                }
                continue;
            }
            let pairs: Vec<(usize, usize)> = (0..self.job.outer_phases.len())
                .flat_map(|outer| all.clone().map(move |tile| (outer, tile)))
                .collect();
            for pairs in pairs.chunks(self.cut.tiles) {
                assert!(pairs.len() * panels.len() * slot <= buffers.sums.len());
                for (b, block) in self.cut.blocks.iter().enumerate() {
                    let apart = self.pack(&all_runs, block, &mut buffers.panels);
                    let runs = self.runs(block);
                    let mut slots = buffers.sums.chunks_exact_mut(slot);
                    for &pair in pairs {
                        for (n, (panel, sums)) in panels.iter().zip(&mut slots).enumerate() {
                            let packed = &buffers.panels[n * apart..];
                            self.sum(pair, panel, (block, &runs), b > 0, packed, sums);
                        }
                    }
                }
                let mut slots = buffers.sums.chunks_exact_mut(slot);
                // What is written next is announced, in the order of the loop.
                let all = pairs.iter().flat_map(|&pair| panels.iter().map(move |p| (pair, p)));
                let mut ahead = all.clone().skip(AHEAD);
                for ((pair, panel), sums) in all.zip(&mut slots) {
                    if let Some((pair, panel)) = ahead.next() {
                        self.place(pair, panel).announce(output);
                    }
                    self.store(pair, panel, sums, output);
                }
            }
        }
    }

    /// Panels of about equal width, as a narrow one cannot hide the delays of its sums.
    fn panels(&self, range: Range<usize>, output: &Output<'_>) -> Vec<Panel> {
        let panel = |(vectors, range): (usize, Range<usize>)| {
            let runs = self.positions.runs(range);
            let places = Places::new(&self.parts.products.axes, &runs, output);
            Panel { vectors, runs, places }
        };
        let lanes = self.parts.isa.lanes();
        steps::registers(range, lanes, self.tiles.vectors).map(panel).collect()
    }

    /// For every outer phase and x phase of the job.
    fn runs(&self, block: &StepBlock) -> Vec<Runs> {
        let group = self.group();
        let steps = (self.width, self.tiles.height);
        let of = |(outer, x): (usize, usize)| {
            let taps = group.of_phase(outer * group.x_phases + x);
            block.runs(&self.job.shifts, taps, steps)
        };
        let outer = self.job.outer_phases.iter();
        let phases = outer.flat_map(|outer| self.job.x_phases.clone().map(|x| (outer.index, x)));
        phases.map(of).collect()
    }

    /// The steps of a block.
    fn steps(&self, block: &StepBlock) -> Steps<'_> {
        let shifts = &self.job.shifts[block.shifts.clone()];
        Steps { shifts, channels: block.channels.clone() }
    }

    /// Packs all panels one behind the other, and says how far they are apart.
    fn pack(&self, runs: &[(usize, Run)], block: &StepBlock, out: &mut [f32]) -> usize {
        let steps = self.steps(block);
        let axes = &self.parts.products.axes;
        self.share.source.pack(self.parts.isa, axes, runs, &steps, self.width, out);
        steps.panel(self.width)
    }

    /// The tiles of all x phases, one behind the other.
    fn sum(
        &self,
        (outer, tile): (usize, usize),
        panel: &Panel,
        (block, runs): (&StepBlock, &[Runs]),
        add: bool,
        packed: &[f32],
        sums: &mut [f32],
    ) {
        let height = self.tiles.height;
        let group = self.group();
        let first = self.job.outer_phases[outer].index * group.x_phases;
        let runs = &runs[outer * self.job.x_phases.len()..];
        let phases = self.job.x_phases.clone().zip(runs);
        for ((x, runs), sums) in phases.zip(sums.chunks_mut(height * self.width)) {
            let before = &group.before[first + x..];
            let each = (before[1] - before[0]) * self.parts.in_channels * height;
            let at = before[0] * self.parts.in_channels * height * self.tiles.number;
            let tile = Tile {
                rows: height,
                vectors: panel.vectors,
                a: &self.weight[at + tile * each..at + (tile + 1) * each],
                a_runs: Starts::new(&runs.weight),
                a_step: height,
                a_rows: Within::Apart(1),
                b: packed,
                b_runs: Starts::new(&runs.panel),
                b_step: self.width,
                b_registers: Within::Apart(self.parts.isa.lanes()),
                steps: block.channels.len(),
                start: if add { Start::Kept } else { Start::Zero },
            };
            self.parts.isa.tile(&tile, sums);
        }
    }

    fn store(&self, pair: (usize, usize), panel: &Panel, sums: &[f32], output: &mut Output<'_>) {
        self.place(pair, panel).store(self.parts.isa, sums, output);
    }

    /// Where the tiles of all x phases go.
    fn place<'b>(&'b self, (outer, tile): (usize, usize), panel: &'b Panel) -> Interleaved<'b> {
        let first = tile * self.tiles.height;
        let phases = Phases {
            axes: &self.parts.products.axes,
            job: self.job,
            outer: &self.job.outer_phases[outer],
            channels: first..(first + self.tiles.height).min(self.share.channels.end),
            finish: &self.share.finish,
        };
        Interleaved {
            phases,
            places: &panel.places,
            width: panel.vectors * self.parts.isa.lanes(),
            phase_step: self.tiles.height * self.width,
        }
    }
}
