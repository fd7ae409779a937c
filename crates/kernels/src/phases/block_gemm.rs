//! Phase decomposition with outputs in the lanes: a tile of positions, broadcast, times registers of
//! outputs.
//!
//! The x phases of a position lie side by side in the output, in NHWC together with their channels, so
//! that whole registers of sums go straight to their place. A register, a [`Unit`], holds up to as many of
//! them as it has lanes; in NCHW several channels share one where the x phases are few.
//!
//! A weight is packed as `[group of phases][unit][chunk][shift][channel][lane]`, see [`steps::chunk`].
//!
//! Wins for large strides, for projections of single cells (one position, all taps in the lanes), and in
//! NHWC.

use std::ops::Range;

use rayon::prelude::*;

use super::jobs::{Group, Job};
use super::output::Output;
use super::share::Share;
use super::source::{Positions, Run, Steps};
use super::steps::{self, Runs, StepBlock, cut};
use super::{Parts, SMALL_WEIGHT};
use crate::aligned::Aligned;
use crate::options::Layout;
use crate::simd::Detected;
use crate::simd::scatter::{Places, Scatter, announce};
use crate::simd::tile::{Registers, Tile};

/// Values of packed positions that are kept together: 256 KiB.
const BLOCK: usize = 64 * 1024;
/// Values of sums that are kept together: 512 KiB.
const SUMS: usize = 128 * 1024;
/// Most positions that are packed together.
const POSITIONS: usize = 480;

/// A register of outputs.
#[derive(Clone, Debug)]
struct Unit {
    outer_phase: usize,
    spans: Vec<Span>,
}

/// Lanes that lie side by side in the output.
#[derive(Clone, Copy, Debug)]
struct Span {
    lane: usize,
    length: usize,
    channel: usize,
    /// Where it begins among the outputs of its channel (NCHW: x phase) or of all channels (NHWC: x phase
    /// times channels, plus channel).
    first: usize,
}

/// The units of every group of phases.
#[derive(Clone, Debug)]
pub(super) struct Units {
    height: usize,
    /// Most units of a tile.
    vectors: usize,
    groups: Vec<Vec<Unit>>,
    /// Outputs that lie side by side for each x phase: 1, or the channels in NHWC.
    per_phase: usize,
}

impl Units {
    pub(super) fn new(parts: &Parts) -> Self {
        let height = match parts.isa.lanes() {
            16 => 8,
            _ => 4,
        };
        let per_phase = match parts.layout {
            Layout::Nchw => 1,
            Layout::Nhwc => parts.out_channels,
        };
        let groups = parts.products.groups.iter().map(|group| units(parts, group)).collect();
        Self { height, vectors: parts.isa.vectors(height), groups, per_phase }
    }

    /// The share of lanes that are not empty.
    pub(super) fn filled(&self, isa: Detected) -> f64 {
        let units = self.groups.iter().flatten();
        let used: usize = units.clone().flat_map(|u| &u.spans).map(|span| span.length).sum();
        used as f64 / (units.count() * isa.lanes()).max(1) as f64
    }

    /// Output channels that fill a tile: a task takes a multiple of them.
    pub(super) fn channels_together(&self, parts: &Parts) -> usize {
        let most = parts.products.groups.iter().map(|group| group.x_phases).min().unwrap_or(1);
        (parts.isa.lanes() / most.max(1)).max(1) * self.vectors
    }

    fn group_values(&self, parts: &Parts, group: usize) -> usize {
        let steps = parts.products.groups[group].shifts * parts.in_channels;
        self.groups[group].len() * steps * parts.isa.lanes()
    }

    /// Values of the packed weight of one group of channels.
    pub(super) fn weight_values(&self, parts: &Parts) -> usize {
        (0..self.groups.len()).map(|group| self.group_values(parts, group)).sum()
    }

    /// Packs the weight of one group of channels; `index(out, in, tap)` is where a value of it lies, next to
    /// that of the next tap.
    pub(super) fn pack(
        &self,
        parts: &Parts,
        weight: &[f32],
        index: impl Fn(usize, usize, usize) -> usize + Sync,
        packed: &mut [f32],
    ) {
        let (lanes, inputs) = (parts.isa.lanes(), parts.in_channels);
        let (mut rest, mut all) = (packed, Vec::new());
        for (group, units) in parts.products.groups.iter().zip(&self.groups) {
            for unit in units {
                let (part, after) = rest.split_at_mut(group.shifts * inputs * lanes);
                rest = after;
                all.push((group, unit, part));
            }
        }
        let pack = |(group, unit, part): (&Group, &Unit, &mut [f32])| {
            let outputs: Vec<_> = unit.lanes(self.per_phase).collect();
            let mut steps = part.chunks_exact_mut(lanes);
            for inputs in cut(0..inputs, steps::chunk(group.shifts, inputs)) {
                for shift in 0..group.shifts {
                    let runs = tap_runs(group, unit, &outputs, shift);
                    for (input, row) in inputs.clone().zip(&mut steps) {
                        for run in &runs {
                            let from = index(run.channel, input, run.tap);
                            let to = &mut row[run.lane..run.lane + run.length];
                            copy(&weight[from..from + run.length], to);
                        }
                    }
                }
            }
        };
        match weight.len() < SMALL_WEIGHT {
            true => all.into_iter().for_each(pack),
            false => all.into_par_iter().for_each(pack),
        }
    }
}

/// Copies a few values; the usual numbers without a call.
fn copy(from: &[f32], to: &mut [f32]) {
    if let (Ok(from), Ok(to)) = (<&[f32; 16]>::try_from(from), <&mut [f32; 16]>::try_from(&mut *to))
    {
        *to = *from;
    } else if let (Ok(from), Ok(to)) =
        (<&[f32; 8]>::try_from(from), <&mut [f32; 8]>::try_from(&mut *to))
    {
        *to = *from;
    } else {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    }
}

/// Lanes that take the weights of adjacent taps of one output channel.
struct TapRun {
    lane: usize,
    length: usize,
    channel: usize,
    tap: usize,
}

fn tap_runs(
    group: &Group,
    unit: &Unit,
    outputs: &[(usize, usize, usize)],
    shift: usize,
) -> Vec<TapRun> {
    let mut runs: Vec<TapRun> = Vec::new();
    for &(lane, channel, x) in outputs {
        let phase = unit.outer_phase * group.x_phases + x;
        let Some(tap) = group.of_phase(phase)[shift] else { continue };
        match runs.last_mut() {
            Some(run)
                if run.channel == channel
                    && run.tap + run.length == tap.tap
                    && run.lane + run.length == lane =>
            {
                run.length += 1;
            }
            _ => runs.push(TapRun { lane, length: 1, channel, tap: tap.tap }),
        }
    }
    runs
}

impl Unit {
    /// Lane, output channel and x phase of every output.
    fn lanes(&self, per_phase: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        self.spans.iter().flat_map(move |span| {
            (0..span.length).map(move |n| {
                let at = span.first + n;
                let channel = if per_phase == 1 { span.channel } else { at % per_phase };
                (span.lane + n, channel, at / per_phase)
            })
        })
    }
}

fn units(parts: &Parts, group: &Group) -> Vec<Unit> {
    let lanes = parts.isa.lanes();
    let (x_phases, channels) = (group.x_phases, parts.out_channels);
    let mut units = Vec::new();
    for outer_phase in 0..group.outer_phases {
        let mut push = |spans| units.push(Unit { outer_phase, spans });
        match parts.layout {
            Layout::Nhwc => {
                // With several groups of channels the next x phase does not begin where one ends.
                let whole = if parts.groups == 1 { x_phases * channels } else { channels };
                for first in cut(0..x_phases * channels, lanes) {
                    let mut spans: Vec<Span> = Vec::new();
                    for at in first.clone() {
                        match spans.last_mut() {
                            Some(span) if at % whole != 0 => span.length += 1,
                            _ => spans.push(Span {
                                lane: at - first.start,
                                length: 1,
                                channel: at % channels,
                                first: at,
                            }),
                        }
                    }
                    push(spans);
                }
            }
            Layout::Nchw if x_phases >= lanes => {
                for first in cut(0..x_phases, lanes) {
                    for channel in 0..channels {
                        let (length, first) = (first.len(), first.start);
                        push(vec![Span { lane: 0, length, channel, first }]);
                    }
                }
            }
            Layout::Nchw => {
                for several in cut(0..channels, lanes / x_phases.max(1)) {
                    let span = |channel| Span {
                        lane: (channel - several.start) * x_phases,
                        length: x_phases,
                        channel,
                        first: 0,
                    };
                    push(several.clone().map(span).collect());
                }
            }
        }
    }
    units
}

/// What a task works in.
pub(super) struct Buffers {
    panels: Aligned,
    sums: Aligned,
    bias: Aligned,
}

impl Buffers {
    /// Values of panels and sums that the largest task needs: so many images, and `band` positions of the
    /// axis along which planes are cut.
    pub(super) fn values(parts: &Parts, units: &Units, images: usize, band: usize) -> [usize; 2] {
        let mut most = [0, 0];
        for job in &parts.products.jobs {
            let cut = Cut::new(parts, units, job, parts.most_positions(job, images, band));
            most = [most[0].max(cut.panels), most[1].max(cut.sums)];
        }
        most
    }

    pub(super) fn new(parts: &Parts, units: &Units, [panels, sums]: [usize; 2]) -> Self {
        let bias = Aligned::zeros(units.vectors * parts.isa.lanes());
        Self { panels: Aligned::zeros(panels), sums: Aligned::zeros(sums), bias }
    }
}

/// How one job is cut.
struct Cut {
    blocks: Vec<StepBlock>,
    /// Positions that are packed together; a multiple of a tile's height.
    positions: usize,
    /// Tiles of units whose sums are kept together.
    tiles: usize,
    /// Most values of panels, for this many positions or fewer.
    panels: usize,
    /// The same of sums.
    sums: usize,
}

impl Cut {
    fn new(parts: &Parts, units: &Units, job: &Job, positions: usize) -> Self {
        let shifts = parts.products.groups[job.group].shifts;
        let blocks = steps::blocks(job.shifts.len(), shifts, parts.in_channels);
        let longest = blocks.iter().map(StepBlock::len).max().unwrap_or(0);
        let height = units.height;
        let most = (BLOCK / longest.max(1)).clamp(height, POSITIONS) / height * height;
        let number = positions.div_ceil(most).max(1);
        let block = positions.div_ceil(number).next_multiple_of(height);
        let largest = most.min(positions.next_multiple_of(height));
        let slot = height * units.vectors * parts.isa.lanes();
        let all = units.groups[job.group].len().max(1);
        let single = blocks.len() == 1;
        let tiles = if single { 1 } else { (SUMS / (slot * (block / height))).clamp(1, all) };
        let sums = match single {
            true => slot,
            false => (SUMS + slot * (largest / height)).min(all * slot * (largest / height)),
        };
        Self { blocks, positions: block, tiles, panels: largest * longest, sums }
    }
}

pub(super) fn run(
    parts: &Parts,
    units: &Units,
    share: &Share<'_>,
    buffers: &mut Buffers,
    output: &mut Output<'_>,
) {
    for job in &parts.products.jobs {
        let at: usize = (0..job.group).map(|group| units.group_values(parts, group)).sum();
        let positions = share.positions(parts, job);
        if positions.len() > 0 {
            let weight = &share.weight[at..];
            let cut = Cut::new(parts, units, job, positions.len());
            let axes = &parts.products.axes;
            let mut rows = vec![None; parts.products.groups[job.group].outer_phases];
            for phase in &job.outer_phases {
                let row = phase.output[0] * axes[1].out_cells as i64 + phase.output[1];
                rows[phase.index] = Some(row * axes[2].out_cells as i64);
            }
            Product { parts, units, share, job, positions, weight, cut, rows }.run(buffers, output);
        }
    }
}

/// Positions side by side in the rows of a tile.
struct Panel {
    /// Rows of the tile; at least as many as positions.
    height: usize,
    runs: Vec<Run>,
    positions: usize,
    /// For each image, the first of its positions, and for each the place of position times step in the
    /// output.
    images: Vec<(usize, usize, Places)>,
}

/// Units next to each other that one tile computes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct UnitTile {
    units: Range<usize>,
}

/// One job within one share.
struct Product<'a> {
    parts: &'a Parts,
    units: &'a Units,
    share: &'a Share<'a>,
    job: &'a Job,
    positions: Positions,
    /// From the job's group of phases on.
    weight: &'a [f32],
    cut: Cut,
    /// For each outer phase of the group where its row begins, if it lies inside.
    rows: Vec<Option<i64>>,
}

impl Product<'_> {
    fn group(&self) -> &Group {
        &self.parts.products.groups[self.job.group]
    }

    fn run(&self, buffers: &mut Buffers, output: &mut Output<'_>) {
        let tiles = self.tiles();
        let slot = self.units.height * self.units.vectors * self.parts.isa.lanes();
        for range in cut(0..self.positions.len(), self.cut.positions) {
            let panels: Vec<Panel> =
                cut(range, self.units.height).map(|range| self.panel(range)).collect();
            let number = |(n, panel): (usize, &Panel)| -> Vec<(usize, Run)> {
                panel.runs.iter().map(|run| (n, run.clone())).collect()
            };
            let runs: Vec<(usize, Run)> = panels.iter().enumerate().flat_map(number).collect();
            if let [block] = &self.cut.blocks[..] {
                let steps = self.pack(&runs, block, &mut buffers.panels);
                for tile in &tiles {
                    self.lanes_of_bias(tile, &mut buffers.bias);
                    for (n, panel) in panels.iter().enumerate() {
                        let packed = &buffers.panels[n * steps.apart..];
                        self.each_place(tile, panel, output, announce);
                        self.sum(tile, panel, &steps, false, packed, &mut buffers.sums);
                        self.store(tile, panel, &buffers.bias, &mut buffers.sums, output);
                    }
                }
                continue;
            }
            for tiles in tiles.chunks(self.cut.tiles) {
                assert!(tiles.len() * panels.len() * slot <= buffers.sums.len());
                for (b, block) in self.cut.blocks.iter().enumerate() {
                    let steps = self.pack(&runs, block, &mut buffers.panels);
                    let mut slots = buffers.sums.chunks_exact_mut(slot);
                    for tile in tiles {
                        for (n, (panel, sums)) in panels.iter().zip(&mut slots).enumerate() {
                            let packed = &buffers.panels[n * steps.apart..];
                            self.sum(tile, panel, &steps, b > 0, packed, sums);
                        }
                    }
                }
                let mut slots = buffers.sums.chunks_exact_mut(slot);
                for tile in tiles {
                    self.lanes_of_bias(tile, &mut buffers.bias);
                    for (panel, sums) in panels.iter().zip(&mut slots) {
                        self.store(tile, panel, &buffers.bias, sums, output);
                    }
                }
            }
        }
    }

    /// The units that the job and the share need, in tiles of units next to each other.
    fn tiles(&self) -> Vec<UnitTile> {
        let per = self.units.per_phase;
        let lies = |span: &Span| {
            let x = span.first < self.job.x_phases.end * per
                && self.job.x_phases.start * per < span.first + span.length;
            let channel = per > 1 || self.share.channels.contains(&span.channel);
            x && channel
        };
        let needed =
            |unit: &Unit| self.rows[unit.outer_phase].is_some() && unit.spans.iter().any(lies);
        let mut tiles: Vec<UnitTile> = Vec::new();
        for (n, unit) in self.units.groups[self.job.group].iter().enumerate() {
            if !needed(unit) {
                continue;
            }
            match tiles.last_mut() {
                Some(tile) if tile.units.end == n && tile.units.len() < self.units.vectors => {
                    tile.units.end = n + 1;
                }
                _ => tiles.push(UnitTile { units: n..n + 1 }),
            }
        }
        tiles
    }

    fn panel(&self, range: Range<usize>) -> Panel {
        let axes = &self.parts.products.axes;
        let height = Detected::height_of_rest(range.len());
        let positions = range.len();
        let runs = self.positions.runs(range);
        let step = match self.parts.layout {
            Layout::Nchw => 1,
            Layout::Nhwc => (self.parts.groups * self.parts.out_channels) as i64,
        };
        let x_step = axes[2].out_step as i64 * step;
        let mut images: Vec<(usize, usize, Vec<i64>)> = Vec::new();
        for run in &runs {
            let at = |n: usize| run.first[n] * axes[n].out_step as i64;
            let row = at(0) * axes[1].out_cells as i64 + at(1);
            let first = (row * axes[2].out_cells as i64 + at(2)) * step;
            if images.last().is_none_or(|(image, ..)| *image != run.image) {
                images.push((run.image, run.lane, Vec::new()));
            }
            if let Some((_, _, places)) = images.last_mut() {
                places.extend((0..run.length as i64).map(|n| first + n * x_step));
            }
        }
        let bounded = |(image, row, places)| (image, row, Places::new(places));
        Panel { height, runs, positions, images: images.into_iter().map(bounded).collect() }
    }

    /// Packs all panels one behind the other.
    fn pack(&self, runs: &[(usize, Run)], block: &StepBlock, out: &mut [f32]) -> Packed {
        let shifts = &self.job.shifts[block.shifts.clone()];
        let steps = Steps { shifts, channels: block.channels.clone() };
        let (isa, height) = (self.parts.isa, self.units.height);
        let job = (self.job, &self.parts.products.axes);
        self.share.source.pack(isa, job, runs, &steps, height, out);
        Packed {
            apart: steps.panel(height),
            steps: block.channels.len(),
            runs: block.runs(&self.job.shifts, self.group().of_phase(0), (height, isa.lanes())),
        }
    }

    fn sum(
        &self,
        tile: &UnitTile,
        panel: &Panel,
        steps: &Packed,
        add: bool,
        packed: &[f32],
        sums: &mut [f32],
    ) {
        let lanes = self.parts.isa.lanes();
        let group = self.group();
        let unit = group.shifts * self.parts.in_channels * lanes;
        let tile = Tile {
            rows: panel.height,
            vectors: tile.units.len(),
            a: packed,
            a_runs: &steps.runs.panel,
            a_step: self.units.height,
            b: &self.weight[tile.units.start * unit..tile.units.end * unit],
            b_runs: &steps.runs.weight,
            b_step: lanes,
            b_registers: Registers::Apart(unit),
            steps: steps.steps,
            add,
        };
        self.parts.isa.tile(&tile, sums);
    }

    /// The bias of every lane of a tile.
    fn lanes_of_bias(&self, tile: &UnitTile, lanes: &mut [f32]) {
        let Some(bias) = self.share.finish.bias else { return };
        let units = &self.units.groups[self.job.group][tile.units.clone()];
        for (unit, lanes) in units.iter().zip(lanes.chunks_exact_mut(self.parts.isa.lanes())) {
            for (lane, channel, _) in unit.lanes(self.units.per_phase) {
                lanes[lane] = bias[channel];
            }
        }
    }

    fn store(
        &self,
        tile: &UnitTile,
        panel: &Panel,
        bias: &[f32],
        sums: &mut [f32],
        output: &mut Output<'_>,
    ) {
        let (isa, finish) = (self.parts.isa, &self.share.finish);
        let width = tile.units.len() * isa.lanes();
        let used = &mut sums[..panel.positions * width];
        if finish.bias.is_some() {
            for row in used.chunks_exact_mut(width) {
                row.iter_mut().zip(bias).for_each(|(v, b)| *v += b);
            }
        }
        finish.activation.apply_all(used);
        self.each_place(tile, panel, output, |rows, out| isa.scatter(rows, used, out));
    }

    /// Calls `f` with every part of a tile that lies side by side in the output.
    fn each_place(
        &self,
        tile: &UnitTile,
        panel: &Panel,
        output: &mut Output<'_>,
        mut f: impl FnMut(&Scatter<'_>, &mut [f32]),
    ) {
        let (lanes, per) = (self.parts.isa.lanes(), self.units.per_phase);
        let first_channel = self.share.finish.first_channel;
        let inside = self.job.x_phases.start * per..self.job.x_phases.end * per;
        let x_output = self.job.x_outputs[0] - self.job.x_phases.start as i64;
        let cell_step = output.cell_step();
        let units = &self.units.groups[self.job.group][tile.units.clone()];
        for (n, unit) in units.iter().enumerate() {
            let Some(row) = self.rows[unit.outer_phase] else { continue };
            let cell = (row + x_output - output.first_cell as i64) * cell_step;
            for span in &unit.spans {
                let first = span.first.max(inside.start);
                let end = (span.first + span.length).min(inside.end);
                if first >= end || !output.holds(first_channel + span.channel) {
                    continue;
                }
                // Outputs of a phase are `per` apart in the span, and a cell apart in memory.
                let within = (first / per) as i64 * cell_step + (first % per) as i64;
                let channel = first_channel + if per == 1 { span.channel } else { 0 };
                for (image, row, places) in &panel.images {
                    let (out, offset) = output.slice(*image, channel);
                    let rows = Scatter {
                        row: *row,
                        row_step: tile.units.len() * lanes,
                        lane: n * lanes + span.lane + first - span.first,
                        length: end - first,
                        places,
                        offset: cell + within + offset,
                    };
                    f(&rows, out);
                }
            }
        }
    }
}

/// Where a block of steps lies in packed panels and weights.
struct Packed {
    /// Values from panel to panel.
    apart: usize,
    /// Steps of a run.
    steps: usize,
    /// The same for all phases, as they have the same shifts.
    runs: Runs,
}
