//! Phase decomposition for few output channels: positions in the lanes, read where they lie.
//!
//! With a handful of output channels a packed position would be used a few times only, less than packing it
//! costs. So rows of the input are copied once, see [`super::window`], in NHWC with each channel in rows of its own.
//!
//! A weight is packed as for [`super::phase_gemm`], with a tile that holds all output channels.
//!
//! Wins for the last layer of a decoder: 1 to 6 channels.

use super::Parts;
use super::jobs::{Job, Shift};
use super::output::Output;
use super::phase_gemm::Tiles;
use super::share::Share;
use super::steps::{self, Runs, StepBlock};
use super::store::{Interleaved, Phases, Places};
use super::window::{Registers, Window};
use crate::aligned::Aligned;
use crate::simd::tile::{Start, Starts, Tile, Within};

/// Most output channels.
const MOST: usize = 6;
/// Values of the rows that are copied together: 896 KiB, most of an L2 cache.
const BLOCK: usize = 224 * 1024;

/// `None` where something else is better, or where it does not apply: wide rows whose adjacent positions read
/// adjacent cells.
pub(super) fn window(parts: &Parts) -> Option<Window> {
    let [_, y, x] = &parts.products.axes;
    let adjacent = y.in_step == 1 && x.in_step == 1;
    let wide = x.in_cells >= parts.isa.lanes() && parts.in_channels >= 4;
    let few = (1..=MOST).contains(&parts.out_channels);
    if adjacent && wide && few { Window::new(parts, BLOCK) } else { None }
}

/// Values of copied rows, and of sums.
pub(super) fn values(parts: &Parts, window: &Window, tiles: &Tiles) -> [usize; 2] {
    let x_phases = parts.products.jobs.iter().map(|job| job.x_phases.len()).max();
    let slot = tiles.height * tiles.vectors * parts.isa.lanes();
    [window.values(parts), slot * x_phases.unwrap_or(1) + parts.isa.lanes()]
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
    for block in window.blocks(parts, share) {
        block.copy(&mut buffers.rows);
        let per_tap = parts.in_channels * tiles.number * tiles.height;
        for job in &parts.products.jobs {
            let before = parts.products.groups[..job.group].iter();
            let at: usize = before.map(|group| group.taps() * per_tap).sum();
            let registers = block.registers(job);
            Product { parts, window, tiles, share, job, weight: &share.weight[at..] }
                .run(&registers, buffers, output);
        }
    }
}

/// One job within one block of rows.
struct Product<'a> {
    parts: &'a Parts,
    window: &'a Window,
    tiles: &'a Tiles,
    share: &'a Share<'a>,
    job: &'a Job,
    /// From the job's group of phases on.
    weight: &'a [f32],
}

impl Product<'_> {
    fn run(&self, registers: &Registers, buffers: &mut Buffers, output: &mut Output<'_>) {
        let Self { parts, window, tiles, job, weight, .. } = *self;
        let (lanes, height) = (parts.isa.lanes(), tiles.height);
        let group = &parts.products.groups[job.group];
        let plane = window.channel(parts.isa);
        let blocks = steps::blocks(
            job.shifts.len(),
            steps::chunk(group.shifts, parts.in_channels),
            parts.in_channels,
        );
        // Where the taps of a phase begin in the copied rows and in the weight.
        let runs = |phase: usize, block: &StepBlock| -> Runs {
            let taps = group.of_phase(phase);
            let mut runs = block.runs(&job.shifts, taps, (1, height));
            let own = |shift: &&Shift| taps[shift.index].is_some();
            let first = block.channels.start * plane;
            let shifts = job.shifts[block.shifts.clone()].iter().filter(own);
            runs.panel = shifts.map(|shift| first + window.offset(parts, shift)).collect();
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
        for own in steps::even(0..registers.places.len(), tiles.vectors) {
            let width = own.len() * lanes;
            let runs = registers.runs(own.clone(), lanes);
            let places = Places::new(&parts.products.axes, &runs, output);
            let x_phases = job.x_phases.len();
            for (outer, phases) in job.outer_phases.iter().zip(all_runs.chunks(x_phases)) {
                for (n, (phase, runs)) in phases.iter().enumerate() {
                    let before = &group.before[*phase..];
                    let per_tap = parts.in_channels * height;
                    for (b, (block, runs)) in blocks.iter().zip(runs).enumerate() {
                        let tile = Tile {
                            rows: height,
                            vectors: own.len(),
                            a: &weight[before[0] * per_tap..before[1] * per_tap],
                            a_runs: Starts::new(&runs.weight),
                            a_step: height,
                            a_rows: Within::Apart(1),
                            b: &buffers.rows,
                            b_runs: Starts::new(&runs.panel),
                            b_step: plane,
                            b_registers: Within::At(&registers.places[own.clone()]),
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
