//! Phase decomposition with outputs in the lanes: a tile of positions, broadcast, times registers of
//! outputs.
//!
//! The x phases of a position lie side by side in the output, in NHWC together with their channels, so
//! that whole registers of sums go straight to their place. A register, a [`Unit`], holds up to as many of
//! them as it has lanes; in NCHW several channels share one where the x phases are few.
//!
//! A weight is packed as `[group of phases][unit][chunk][shift][channel][lane]`, see [`steps::chunk`]. In
//! NHWC positions are not packed: a tile reads the channels of each where they lie.
//!
//! Wins for large strides, for projections of single cells (one position, all taps in the lanes), and in
//! NHWC.

use std::ops::Range;

use super::Parts;
use super::jobs::{Group, Job, Shift};
use super::output::Output;
use super::share::Share;
use super::source::{Positions, Run, Steps};
use super::steps::{self, Runs, StepBlock, cut};
use super::units::{Span, Unit, Units};
use crate::aligned::Aligned;
use crate::options::Layout;
use crate::simd::place::{Place, Placed, Places, Target};
use crate::simd::tile::{Start, Tile, Within};

/// Values of packed positions that are kept together: 256 KiB.
const BLOCK: usize = 64 * 1024;
/// Values of sums that are kept together: 512 KiB.
const SUMS: usize = 128 * 1024;
/// Most positions that are packed together.
const POSITIONS: usize = 480;

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
        let longest = match reads_in_place(parts, job) {
            true => 0,
            false => blocks.iter().map(StepBlock::len).max().unwrap_or(0),
        };
        let height = units.height;
        let most = (BLOCK / longest.max(1)).clamp(height, POSITIONS) / height * height;
        let number = positions.div_ceil(most).max(1);
        let block = positions.div_ceil(number).next_multiple_of(height);
        let largest = most.min(positions.next_multiple_of(height));
        let slot = height * units.vectors * parts.isa.lanes();
        let all = units.groups[job.group].len().max(1);
        // One block goes straight to the output.
        let single = blocks.len() == 1;
        let tiles = if single { all } else { (SUMS / (slot * (block / height))).clamp(1, all) };
        let sums = match single {
            true => 0,
            false => (SUMS + slot * (largest / height)).min(all * slot * (largest / height)),
        };
        Self { blocks, positions: block, tiles, panels: largest * longest, sums }
    }
}

/// Whether the channels of a cell lie side by side, and no shift falls outside.
fn reads_in_place(parts: &Parts, job: &Job) -> bool {
    parts.layout == Layout::Nhwc && job.inside && !job.shifts.is_empty()
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
            let least = std::array::from_fn(|axis| {
                job.shifts.iter().map(|shift| shift.input[axis]).min().unwrap_or(0)
            });
            Product { parts, units, share, job, positions, weight, cut, rows, least }
                .run(buffers, output);
        }
    }
}

/// Positions side by side in the rows of a tile.
struct Panel {
    runs: Vec<Run>,
    /// Where each row begins in the input, for the least shifts of the axes, if it is read in place.
    rows: Vec<usize>,
    /// Where each goes in the output, for phases at cell 0.
    places: Places,
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
    /// The least shift of each axis.
    least: [i64; 3],
}

impl Product<'_> {
    fn group(&self) -> &Group {
        &self.parts.products.groups[self.job.group]
    }

    fn run(&self, buffers: &mut Buffers, output: &mut Output<'_>) {
        let tiles = self.tiles();
        let slot = self.units.height * self.units.vectors * self.parts.isa.lanes();
        let last = self.cut.blocks.len() - 1;
        for range in cut(0..self.positions.len(), self.cut.positions) {
            let panels: Vec<Panel> =
                cut(range, self.units.height).map(|range| self.panel(range, output)).collect();
            let number = |(n, panel): (usize, &Panel)| -> Vec<(usize, Run)> {
                panel.runs.iter().map(|run| (n, run.clone())).collect()
            };
            let runs: Vec<(usize, Run)> = panels.iter().enumerate().flat_map(number).collect();
            for tiles in tiles.chunks(self.cut.tiles) {
                assert!(last == 0 || tiles.len() * panels.len() * slot <= buffers.sums.len());
                for (b, block) in self.cut.blocks.iter().enumerate() {
                    let rows = self.steps(&runs, block, &mut buffers.panels);
                    for (t, units) in tiles.iter().enumerate() {
                        let start = match self.share.finish.bias {
                            _ if b > 0 => Start::Kept,
                            Some(bias) => {
                                self.lanes_of_bias(units, bias, &mut buffers.bias);
                                Start::Row(&buffers.bias)
                            }
                            None => Start::Zero,
                        };
                        let targets = self.targets(units, output);
                        for (n, panel) in panels.iter().enumerate() {
                            let tile = self.tile(units, (n, panel), &rows, start);
                            // Kept only if there are several blocks.
                            let at = (t * panels.len() + n) * slot;
                            if b == last {
                                let kept = buffers.sums.get(at..).unwrap_or(&[]);
                                let placed = Placed {
                                    places: &panel.places,
                                    targets: &targets,
                                    activation: self.share.finish.activation,
                                };
                                self.parts.isa.tile_to(&tile, kept, placed, &mut output.slices);
                            } else {
                                self.parts.isa.tile(&tile, &mut buffers.sums[at..at + slot]);
                            }
                        }
                    }
                }
            }
        }
    }

    /// The units that the job and the share need, in tiles of units next to each other.
    fn tiles(&self) -> Vec<Range<usize>> {
        let per = self.units.per_phase;
        let lies = |span: &Span| {
            let x = span.first < self.job.x_phases.end * per
                && self.job.x_phases.start * per < span.first + span.length;
            let channel = per > 1 || self.share.channels.contains(&span.channel);
            x && channel
        };
        let needed =
            |unit: &Unit| self.rows[unit.outer_phase].is_some() && unit.spans.iter().any(lies);
        let units = self.units.groups[self.job.group].iter().enumerate();
        let mut stretches: Vec<Range<usize>> = Vec::new();
        for (n, _) in units.filter(|(_, unit)| needed(unit)) {
            match stretches.last_mut() {
                Some(stretch) if stretch.end == n => stretch.end += 1,
                _ => stretches.push(n..n + 1),
            }
        }
        // Tiles of about equal width, as a narrow one cannot hide the delays of its sums.
        let tiles = stretches.into_iter().flat_map(|stretch| {
            let number = stretch.len().div_ceil(self.units.vectors);
            (0..number).map(move |n| {
                let at = |n: usize| stretch.start + n * stretch.len() / number;
                at(n)..at(n + 1)
            })
        });
        tiles.collect()
    }

    fn panel(&self, range: Range<usize>, output: &Output<'_>) -> Panel {
        let axes = &self.parts.products.axes;
        let runs = self.positions.runs(range);
        let x_step = axes[2].out_step as i64 * output.cell_step();
        let mut places = Vec::new();
        for run in &runs {
            let at = |n: usize| run.first[n] * axes[n].out_step as i64;
            let row = at(0) * axes[1].out_cells as i64 + at(1);
            let first = (row * axes[2].out_cells as i64 + at(2)) * output.cell_step();
            let slice = output.image(run.image);
            let place = |n: usize| Place { slice, at: first + n as i64 * x_step };
            places.extend((0..run.length).map(place));
        }
        let rows = self.rows_in_place(&runs);
        Panel { rows, runs, places: Places::new(places) }
    }

    /// Where each row begins in the input, for the least shift.
    fn rows_in_place(&self, runs: &[Run]) -> Vec<usize> {
        if !reads_in_place(self.parts, self.job) {
            return Vec::new();
        }
        let (axes, strides) = (&self.parts.products.axes, &self.share.source.strides);
        let mut rows = Vec::new();
        for run in runs {
            let cell =
                axes.iter().zip(run.first).zip(self.least).fold(0, |cell, ((axis, at), least)| {
                    // Not negative: every shift lies inside.
                    cell * axis.in_cells + (at * axis.in_step as i64 + least) as usize
                });
            let first = run.image * strides.image + cell * strides.cell;
            rows.extend((0..run.length).map(|n| first + n * axes[2].in_step * strides.cell));
        }
        rows
    }

    /// Values from the least shift to another.
    fn place(&self, shift: &Shift) -> usize {
        let axes = &self.parts.products.axes;
        let cells = (0..3).fold(0, |cells, n| {
            cells * axes[n].in_cells + (shift.input[n] - self.least[n]) as usize
        });
        cells * self.share.source.strides.cell
    }

    /// Packs all panels one behind the other, unless they are read in place.
    fn steps<'b>(
        &'b self,
        runs: &[(usize, Run)],
        block: &StepBlock,
        out: &'b mut [f32],
    ) -> Rows<'b> {
        let (isa, height) = (self.parts.isa, self.units.height);
        let taps = self.group().of_phase(0);
        let mut at = block.runs(&self.job.shifts, taps, (1, isa.lanes()));
        let shifts = &self.job.shifts[block.shifts.clone()];
        let steps = block.channels.len();
        if reads_in_place(self.parts, self.job) {
            let source = &self.share.source;
            let first = source.channel + block.channels.start;
            at.panel = shifts.iter().map(|shift| first + self.place(shift)).collect();
            return Rows { values: source.x, apart: 0, step: 1, steps, runs: at };
        }
        at.panel.iter_mut().for_each(|at| *at *= height);
        let packed = Steps { shifts, channels: block.channels.clone() };
        let job = (self.job, &self.parts.products.axes);
        self.share.source.pack(isa, job, runs, &packed, height, out);
        Rows { values: out, apart: packed.panel(height), step: height, steps, runs: at }
    }

    fn tile<'b>(
        &'b self,
        units: &Range<usize>,
        (n, panel): (usize, &'b Panel),
        rows: &'b Rows<'_>,
        start: Start<'b>,
    ) -> Tile<'b> {
        let lanes = self.parts.isa.lanes();
        let unit = self.group().shifts * self.parts.in_channels * lanes;
        Tile {
            rows: panel.places.len(),
            vectors: units.len(),
            a: &rows.values[n * rows.apart..],
            a_runs: &rows.runs.panel,
            a_step: rows.step,
            a_rows: if panel.rows.is_empty() { Within::Apart(1) } else { Within::At(&panel.rows) },
            b: &self.weight[units.start * unit..units.end * unit],
            b_runs: &rows.runs.weight,
            b_step: lanes,
            b_registers: Within::Apart(unit),
            steps: rows.steps,
            start,
        }
    }

    /// The bias of every lane of a tile.
    fn lanes_of_bias(&self, units: &Range<usize>, bias: &[f32], lanes: &mut [f32]) {
        let units = &self.units.groups[self.job.group][units.clone()];
        for (unit, lanes) in units.iter().zip(lanes.chunks_exact_mut(self.parts.isa.lanes())) {
            for (lane, channel, _) in unit.lanes(self.units.per_phase) {
                lanes[lane] = bias[channel];
            }
        }
    }

    /// Where the parts of a tile go that lie side by side in the output.
    fn targets(&self, units: &Range<usize>, output: &Output<'_>) -> Vec<Target> {
        let per = self.units.per_phase;
        let first_channel = self.share.finish.first_channel;
        let inside = self.job.x_phases.start * per..self.job.x_phases.end * per;
        let x_output = self.job.x_output - self.job.x_phases.start as i64;
        let cell_step = output.cell_step();
        let units = &self.units.groups[self.job.group][units.clone()];
        let mut targets = Vec::new();
        for (register, unit) in units.iter().enumerate() {
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
                let (slice, offset) = output.channel(channel);
                targets.push(Target {
                    register,
                    lane: span.lane + first - span.first,
                    length: end - first,
                    slice,
                    offset: cell + within + offset,
                });
            }
        }
        targets
    }
}

/// Where the rows of a block of steps lie, and in weights its steps.
struct Rows<'a> {
    values: &'a [f32],
    /// Values from panel to panel.
    apart: usize,
    /// Values from step to step.
    step: usize,
    /// Steps of a run.
    steps: usize,
    /// The same for all phases, as they have the same shifts.
    runs: Runs,
}
