//! Phase decomposition with outputs in the lanes: a tile of positions, broadcast, times registers of
//! outputs.
//!
//! A register, a [`Unit`], holds as many outputs of a position as it has lanes; which, says [`Order`]. Those
//! that lie side by side in the output go straight to their place: x phases in NCHW, in NHWC channels too. In
//! NCHW with few x phases the lanes are channels all the same, and sums are turned when they are stored.
//!
//! A weight is packed as `[group of phases][unit][chunk][shift][channel][lane]`, see [`Units::chunk`]. A tile
//! reads the channels of each position where they lie, see [`cells`]; only x phases take packed positions.
//!
//! Wins for large strides, for projections of single cells (one position, all taps in the lanes), in NHWC,
//! and in NCHW where sums are so long that turning costs little.

mod each_tap;
mod strips;
mod turn;

use std::ops::Range;

use super::Parts;
use super::cells::{self, Cells};
use super::jobs::{Group, Job, Shift};
use super::output::Output;
use super::share::Share;
use super::source::{Positions, Run, Steps};
use super::steps::{self, Runs, StepBlock, cut};
use super::units::{Order, Span, Unit, Units};
use crate::aligned::Aligned;
use crate::simd::place::{Place, Places, Target, Targets};
use crate::simd::tile::{Start, Starts, Tile, Within};

/// Values of packed positions that are kept together: 256 KiB.
const BLOCK: usize = 64 * 1024;
/// Values of sums that are kept together: 512 KiB.
const SUMS: usize = 128 * 1024;
/// Most positions that are gone through with a weight in one go.
pub(super) const POSITIONS: usize = 480;

/// What a task works in.
pub(super) struct Buffers {
    cells: Aligned,
    panels: Aligned,
    sums: Aligned,
    bias: Aligned,
}

impl Buffers {
    /// Values of cells, panels and sums that the largest task needs: so many images, and `band` positions of
    /// the axis along which planes are cut.
    pub(super) fn values(parts: &Parts, units: &Units, images: usize, band: usize) -> [usize; 3] {
        let mut most = [0, 0];
        for job in &parts.products.jobs {
            let cut = Cut::new(parts, units, job, parts.most_positions(job, images, band));
            most = [most[0].max(cut.panels), most[1].max(cut.sums)];
        }
        let cells = match units.order {
            Order::XPhases => 0,
            Order::Cells | Order::Channels => cells::values(parts, images, band),
        };
        [cells, most[0], most[1]]
    }

    pub(super) fn new(parts: &Parts, units: &Units, [cells, panels, sums]: [usize; 3]) -> Self {
        let bias = Aligned::zeros(units.vectors * parts.isa.lanes());
        let [cells, panels, sums] = [cells, panels, sums].map(Aligned::zeros);
        Self { cells, panels, sums, bias }
    }
}

/// How one job is cut.
struct Cut {
    blocks: Vec<StepBlock>,
    /// Positions that are packed together; a multiple of a tile's height.
    positions: usize,
    /// Units whose sums are kept together.
    units: usize,
    /// Most values of panels, for this many positions or fewer.
    panels: usize,
    /// The same of sums.
    sums: usize,
}

impl Cut {
    fn new(parts: &Parts, units: &Units, job: &Job, positions: usize) -> Self {
        let shifts = parts.products.groups[job.group].shifts;
        let step = units.chunk(shifts, parts.in_channels);
        let blocks = steps::blocks(job.shifts.len(), step, parts.in_channels);
        let longest = match reads_in_place(units, job) || units.each_tap {
            true => 0,
            false => blocks.iter().map(StepBlock::len).max().unwrap_or(0),
        };
        let height = units.height;
        let most = (BLOCK / longest.max(1)).clamp(height, POSITIONS) / height * height;
        let room = SUMS.min(parts.room / 3);
        let most = parts.positions_together((most, longest), room, height);
        let number = positions.div_ceil(most).max(1);
        let block = positions.div_ceil(number).next_multiple_of(height);
        let largest = most.min(positions.next_multiple_of(height));
        let lanes = parts.isa.lanes();
        let all = units.groups[job.group].len().max(1);
        // All x phases of a channel are stored together.
        let least = units.vectors.max(job.x_phases.len()).min(all);
        let kept = |positions: usize| (room / (positions * lanes)).clamp(least, all);
        // One block goes straight to the output, unless it is turned.
        let direct = blocks.len() == 1 && units.order != Order::Channels && !units.each_tap;
        let sums = match direct {
            true => 0,
            // Fewer positions leave room for more units.
            false => (room + least * largest * lanes).min(all * largest * lanes),
        };
        let units = match direct {
            true => all,
            // What is kept from tap to tap should stay in an L1 cache.
            false if units.each_tap => least,
            false => kept(block),
        };
        Self { blocks, positions: block, units, panels: largest * longest, sums }
    }
}

/// Whether the channels of a cell lie side by side, and no shift falls outside.
fn reads_in_place(units: &Units, job: &Job) -> bool {
    units.order != Order::XPhases && job.inside && !job.shifts.is_empty()
}

pub(super) fn run(
    parts: &Parts,
    units: &Units,
    share: &Share<'_>,
    buffers: &mut Buffers,
    output: &mut Output<'_>,
) {
    let Buffers { cells, panels, sums, bias } = buffers;
    let cells = match units.order {
        Order::XPhases => None,
        Order::Cells | Order::Channels => Some(cells::cells(parts, share, cells)),
    };
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
            let cells = cells.filter(|_| reads_in_place(units, job) || units.each_tap);
            let work = Work { panels, sums, bias };
            Product { parts, units, share, job, cells, positions, weight, cut, rows, least }
                .run(work, output);
        }
    }
}

/// What a product works in.
struct Work<'a> {
    panels: &'a mut [f32],
    sums: &'a mut [f32],
    bias: &'a mut [f32],
}

/// Positions side by side in the rows of a tile.
struct Panel<'a> {
    height: usize,
    rows: Within<'a>,
    places: Places<'a>,
}

/// One job within one share.
struct Product<'a> {
    parts: &'a Parts,
    units: &'a Units,
    share: &'a Share<'a>,
    job: &'a Job,
    /// What is read in place; else positions are packed.
    cells: Option<Cells<'a>>,
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

    fn run(&self, work: Work<'_>, output: &mut Output<'_>) {
        let turns = self.units.order == Order::Channels;
        let bunches = if turns { self.bunches() } else { self.tiles() };
        if self.strips(&bunches, work.bias, output) {
            return;
        }
        let last = self.cut.blocks.len() - 1;
        for range in cut(0..self.positions.len(), self.cut.positions) {
            let runs = self.positions.runs(range.clone());
            let rows_in_place = match self.units.each_tap {
                true => Vec::new(),
                false => self.rows_in_place(&runs),
            };
            let places = self.places(&runs, output);
            let panels = self.panels(&rows_in_place, &places);
            // Values of a unit for all positions.
            let each = panels.len() * self.units.height * self.parts.isa.lanes();
            for tiles in &bunches {
                if let (true, Some(cells)) = (self.units.each_tap, &self.cells) {
                    self.each_tap((&runs, cells), &panels, tiles, (work.sums, work.bias), output);
                    if turns {
                        self.turn(&range, tiles, work.sums, each, output);
                    }
                    continue;
                }
                for (b, block) in self.cut.blocks.iter().enumerate() {
                    let rows = self.steps(&range, block, work.panels);
                    let starts = (Starts::new(&rows.runs.panel), Starts::new(&rows.runs.weight));
                    let mut rest = &mut work.sums[..];
                    for units in tiles {
                        let kept = match turns || last > 0 {
                            true => units.len() * each,
                            false => 0,
                        };
                        let (own, after) = rest.split_at_mut(kept);
                        rest = after;
                        let start = match self.share.finish.bias {
                            _ if b > 0 => Start::Kept,
                            Some(bias) if !turns => {
                                self.lanes_of_bias(units, bias, work.bias);
                                Start::Row(work.bias)
                            }
                            _ => Start::Zero,
                        };
                        let slot = kept / panels.len();
                        if turns || b < last {
                            for (n, panel) in panels.iter().enumerate() {
                                let tile = self.tile(units, (n, panel), (&rows, starts), start);
                                self.parts.isa.tile(&tile, &mut own[n * slot..][..slot]);
                            }
                            continue;
                        }
                        let to = (self.share.finish.activation, output.writes);
                        let targets = self.targets(units, output);
                        let mut targets = Targets::new(targets, &mut output.slices, to);
                        for (n, panel) in panels.iter().enumerate() {
                            let tile = self.tile(units, (n, panel), (&rows, starts), start);
                            let kept = &own[n * slot..][..slot];
                            self.parts.isa.tile_to(&tile, kept, &panel.places, &mut targets);
                        }
                    }
                }
                if turns {
                    self.turn(&range, tiles, work.sums, each, output);
                }
            }
        }
    }

    /// The units that the job and the share need, in tiles of units next to each other; tiles whose sums are
    /// kept together.
    fn tiles(&self) -> Vec<Vec<Range<usize>>> {
        let per = self.units.per_phase;
        let lies = |span: &Span| {
            let x = span.first < self.job.x_phases.end * per
                && self.job.x_phases.start * per < span.first + span.length;
            // A task that has not all channels has whole registers of them.
            x && self.share.channels.contains(&span.channel)
        };
        let needed =
            |unit: &Unit| self.rows[unit.outer_phase].is_some() && unit.spans.iter().any(lies);
        let units = self.units.groups[self.job.group].iter().enumerate();
        let tiles = self.side_by_side(units.filter(|(_, unit)| needed(unit)).map(|(n, _)| n));
        let together = (self.cut.units / self.units.vectors).max(1);
        tiles.chunks(together).map(<[_]>::to_vec).collect()
    }

    /// Ascending units in tiles of neighbours, of about equal width, as a narrow one cannot hide the delays
    /// of its sums.
    fn side_by_side(&self, units: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
        let mut stretches: Vec<Range<usize>> = Vec::new();
        for n in units {
            match stretches.last_mut() {
                Some(stretch) if stretch.end == n => stretch.end += 1,
                _ => stretches.push(n..n + 1),
            }
        }
        let tiles = |stretch| steps::even(stretch, self.units.vectors);
        stretches.into_iter().flat_map(tiles).collect()
    }

    /// Where each position goes in the output, for phases at cell 0; or, where cells are slices, for the one phase.
    fn places(&self, runs: &[Run], output: &Output<'_>) -> Vec<Place> {
        let axes = &self.parts.products.axes;
        let (apart, step) = (output.cells_apart(), axes[2].out_step as i64);
        let phase = self.rows.iter().flatten().next().map_or(0, |row| row + self.job.x_output);
        let mut places = Vec::new();
        for run in runs {
            let at = |n: usize| run.first[n] * axes[n].out_step as i64;
            let row = at(0) * axes[1].out_cells as i64 + at(1);
            let first = row * axes[2].out_cells as i64 + at(2);
            let image = output.image(run.image);
            let place = |n: usize| match first + n as i64 * step {
                // Not negative, as the phase's cell is the task's.
                cell if apart => {
                    let within = (cell + phase - output.first_cell as i64) as usize;
                    Place { slice: image + within, at: 0 }
                }
                cell => Place { slice: image, at: cell * output.cell_step() },
            };
            places.extend((0..run.length).map(place));
        }
        places
    }

    /// Positions in panels, whose rows begin where `rows` says, if they are read in place.
    fn panels<'b>(&self, rows: &'b [usize], places: &'b [Place]) -> Vec<Panel<'b>> {
        let height = self.units.height;
        let panel = |(n, places): (usize, &'b [Place])| {
            let rows = match rows.is_empty() {
                true => Within::Apart(1),
                false => Within::At(&rows[n * height..][..places.len()]),
            };
            Panel { height: places.len(), rows, places: Places::new(places) }
        };
        places.chunks(height).enumerate().map(panel).collect()
    }

    /// Where each row begins in the input, for the least shifts of the axes, if it is read in place.
    fn rows_in_place(&self, runs: &[Run]) -> Vec<usize> {
        let Some(cells) = &self.cells else { return Vec::new() };
        let axes = &self.parts.products.axes;
        let mut rows = Vec::new();
        for run in runs {
            let cell =
                axes.iter().zip(run.first).zip(self.least).fold(0, |cell, ((axis, at), least)| {
                    // Not negative: every shift lies inside.
                    cell * axis.in_cells + (at * axis.in_step as i64 + least) as usize
                });
            let first = cells.place(run.image, cell);
            rows.extend((0..run.length).map(|n| first + n * axes[2].in_step * cells.cell_step));
        }
        rows
    }

    /// Cells from the least shift to another.
    fn cells_to(&self, shift: &Shift) -> usize {
        let axes = &self.parts.products.axes;
        (0..3).fold(0, |cells, n| {
            cells * axes[n].in_cells + (shift.input[n] - self.least[n]) as usize
        })
    }

    /// Packs all panels one behind the other, unless they are read in place.
    fn steps<'b>(
        &'b self,
        range: &Range<usize>,
        block: &StepBlock,
        out: &'b mut [f32],
    ) -> Rows<'b> {
        let (isa, height) = (self.parts.isa, self.units.height);
        let step = if self.cells.is_some() { 1 } else { height };
        let taps = self.group().of_phase(0);
        let mut runs = block.runs(&self.job.shifts, taps, (step, isa.lanes()));
        let shifts = &self.job.shifts[block.shifts.clone()];
        if let Some(cells) = &self.cells {
            let to = |shift: &Shift| self.cells_to(shift) * cells.cell_step;
            runs.panel = shifts.iter().map(|shift| block.channels.start + to(shift)).collect();
        }
        let (runs, steps) = runs.joined(block.channels.len());
        if let Some(cells) = &self.cells {
            return Rows { values: cells.values, apart: 0, step, steps, runs };
        }
        let packed = Steps { shifts, channels: block.channels.clone() };
        let axes = &self.parts.products.axes;
        let numbered = |(n, range)| {
            let runs = self.positions.runs(range);
            runs.into_iter().map(move |run| (n, run))
        };
        let all: Vec<_> = cut(range.clone(), height).enumerate().flat_map(numbered).collect();
        self.share.source.pack(isa, axes, &all, &packed, height, out);
        Rows { values: out, apart: packed.panel(height), step, steps, runs }
    }

    fn tile<'b>(
        &'b self,
        units: &Range<usize>,
        (n, panel): (usize, &Panel<'b>),
        (rows, (a_runs, b_runs)): (&'b Rows<'_>, (Starts<'b>, Starts<'b>)),
        start: Start<'b>,
    ) -> Tile<'b> {
        let lanes = self.parts.isa.lanes();
        let unit = self.group().shifts * self.parts.in_channels * lanes;
        Tile {
            rows: panel.height,
            vectors: units.len(),
            a: &rows.values[n * rows.apart..],
            a_runs,
            a_step: rows.step,
            a_rows: panel.rows,
            b: &self.weight[units.start * unit..units.end * unit],
            b_runs,
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
            let cell = match output.cells_apart() {
                true => 0,
                false => (row + x_output - output.first_cell as i64) * cell_step,
            };
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
