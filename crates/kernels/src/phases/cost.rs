//! What a split of the work costs, in multiply-adds of a register for each input channel.

use std::ops::Range;

use super::block_gemm::POSITIONS;
use super::dot_products::Taps;
use super::jobs::Job;
use super::split::Split;
use super::units::{Order, Units};
use super::woven_gemm::Weaves;
use super::{Lanes, Parts, cells};
use crate::options::Layout;

/// Turning a value of a cell, and packing one for x phases.
const TURN: f64 = 2.0;
const PACK: f64 = 1.0;
/// Beginning and ending a task, for all input channels together.
const TASK: f64 = 3000.0;
/// Copying a value of a row for few outputs.
const COPY: f64 = 0.3;
/// Most parts of jobs that are looked at one by one.
const MOST_PARTS: usize = 1024;

/// Reading a value of a weight once more: from an L2 cache, from an L3 cache, from memory.
fn reading(weight: usize) -> f64 {
    match weight {
        ..0x1_0000 => 0.05,
        0x1_0000..0x40_0000 => 0.3,
        _ => 0.6,
    }
}

/// All tasks of a split together.
pub(super) fn of(parts: &Parts, lanes: &Lanes, split: &Split) -> f64 {
    let tasks = split.tasks(parts) as f64;
    let inputs = parts.in_channels.max(1) as f64;
    let work = match lanes {
        Lanes::Rows(window, _) | Lanes::Woven(Weaves { window: Some(window), .. }) => {
            let copied = window.copied(parts, split.images, split.band) as f64 * tasks;
            each_job(parts, split, |job| products(parts, job)) + COPY * copied / inputs
        }
        Lanes::Positions(_) | Lanes::Woven(_) => {
            each_job(parts, split, |job| positions(parts, split, job))
        }
        Lanes::Taps(taps) => {
            let reading = reading(lanes.weight_values(parts));
            each_job(parts, split, |within| {
                let weights = (within.job.pairs * parts.out_channels) as f64;
                let passes = Taps::passes(within.positions) as f64;
                taps.products(parts, within.job, within.positions) + weights * passes * reading
            })
        }
        Lanes::Outputs(units) => {
            let weight = lanes.weight_values(parts);
            let turned = match parts.layout {
                Layout::Nchw if units.order == Order::Channels => {
                    cells::values(parts, split.images, split.band) as f64 * tasks
                }
                _ => 0.0,
            };
            each_job(parts, split, |job| outputs(parts, units, split, job, reading(weight)))
                + TURN * turned / inputs
        }
    };
    work + TASK * tasks / inputs
}

/// A job within one task of a split.
struct Within<'a> {
    job: &'a Job,
    positions: usize,
    /// Pieces that the output channels are cut into.
    pieces: f64,
}

/// The sum over all tasks that have a part of a job, but for those that differ by their channels only.
fn each_job(parts: &Parts, split: &Split, cost: impl Fn(&Within<'_>) -> f64) -> f64 {
    let pieces = parts.out_channels.div_ceil(split.channels.max(1)) as f64;
    let images = parts.batch.div_ceil(split.images) as f64;
    let bands = split.bands(parts);
    let jobs = &parts.products.jobs;
    let mut sum = 0.0;
    // Very many jobs are looked at in a few bands.
    let step = (jobs.len() * bands.len() / MOST_PARTS).max(1);
    for (n, band) in bands.iter().enumerate().step_by(step) {
        let times = step.min(bands.len() - n) as f64;
        for job in jobs {
            let length = overlap(&job.positions[parts.band_axis], band);
            if length > 0 {
                let positions = parts.most_positions(job, split.images, length);
                sum += images * times * cost(&Within { job, positions, pieces });
            }
        }
    }
    sum
}

fn overlap(a: &Range<i64>, b: &Range<i64>) -> usize {
    (a.end.min(b.end) - a.start.max(b.start)).max(0) as usize
}

/// Products of registers of positions.
fn products(parts: &Parts, within: &Within<'_>) -> f64 {
    let registers = within.positions.div_ceil(parts.isa.lanes());
    (registers * within.job.pairs * parts.out_channels) as f64
}

/// The same, and packing positions for every shift.
fn positions(parts: &Parts, split: &Split, within: &Within<'_>) -> f64 {
    let x = &within.job.positions[2];
    let length = ((x.end - x.start) as usize).min(if parts.band_axis == 2 {
        split.band
    } else {
        usize::MAX
    });
    let rows = within.positions.div_ceil(length.max(1)) as f64;
    let registers = within.positions.div_ceil(parts.isa.lanes()) as f64;
    let pack = within.job.shifts.len() as f64 * (6.0 * rows + 4.0 * registers);
    products(parts, within) + within.pieces * pack
}

/// Registers of outputs, of which narrow tiles make less, and reading the weight for every few positions.
fn outputs(parts: &Parts, units: &Units, split: &Split, within: &Within<'_>, reading: f64) -> f64 {
    let lanes = parts.isa.lanes();
    let registers = match units.order {
        Order::Channels if split.channels < parts.out_channels => split.channels.div_ceil(lanes),
        _ => units.vectors,
    };
    let tile = (units.height * registers.min(units.vectors)) as f64;
    let loads = 1.2 * (units.height + registers.min(units.vectors)) as f64;
    let step = tile.max(loads) + 1.0;
    // A low tile costs little less than one of twice the height.
    let rows = within.positions.next_multiple_of(4) as f64;
    let weights = (within.job.pairs * parts.out_channels) as f64;
    let pack = match units.order {
        Order::XPhases => PACK * (within.job.shifts.len() * within.positions) as f64,
        Order::Cells | Order::Channels => 0.0,
    };
    let passes = within.positions.div_ceil(POSITIONS) as f64;
    weights * (rows / lanes as f64 * step / tile + passes * reading) + within.pieces * pack
}

/// How long threads wait for others, in parts of their work: with 2, 4 and 8 of them, that take one task after the
/// other.
pub(super) fn idle(parts: &Parts, split: &Split) -> f64 {
    if split.tasks(parts) > MOST_PARTS {
        return 0.0;
    }
    let shares = |all: usize, each: usize| -> Vec<f64> {
        (0..all).step_by(each.max(1)).map(|first| each.min(all - first) as f64).collect()
    };
    let groups = if parts.layout == Layout::Nchw { parts.groups } else { 1 };
    let jobs = &parts.products.jobs;
    let band = |band: &Range<i64>| -> f64 {
        let work = |job: &Job| {
            let length = overlap(&job.positions[parts.band_axis], band);
            (parts.most_positions(job, 1, length) * job.pairs) as f64
        };
        jobs.iter().map(work).sum()
    };
    let mut bands: Vec<f64> = match jobs.len() > MOST_PARTS {
        true => vec![1.0; split.bands(parts).len()],
        false => split.bands(parts).iter().map(band).collect(),
    };
    bands.retain(|work| *work > 0.0);
    let mut tasks = Vec::new();
    for images in shares(parts.batch, split.images) {
        for work in &bands {
            for _ in 0..groups {
                let pieces = shares(parts.out_channels, split.channels);
                tasks.extend(pieces.iter().map(|piece| images * work * piece));
            }
        }
    }
    let total: f64 = tasks.iter().sum();
    let waits = |threads: usize| {
        let mut busy = vec![0.0f64; threads];
        for task in &tasks {
            if let Some(first) = busy.iter_mut().min_by(|a, b| a.total_cmp(b)) {
                *first += task;
            }
        }
        let last = busy.into_iter().fold(0.0, f64::max);
        (last * threads as f64 / total.max(1.0) - 1.0).min(2.0)
    };
    // A second thread is there almost everywhere, an eighth more rarely.
    0.9 * waits(2) + 0.2 * waits(4) + 0.1 * waits(8)
}
