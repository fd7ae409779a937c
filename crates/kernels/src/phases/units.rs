//! Registers of outputs that lie side by side.

use std::ops::Range;

use super::Parts;
use super::block_gemm::POSITIONS;
use super::jobs::{Group, Job, Products};
use super::steps::{self, cut};
use crate::simd::Detected;

/// Bytes of a weight that no cache of a core holds: 1 MiB.
const LARGE: usize = 1 << 20;

/// What lies side by side in a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The x phases of an output channel, as they lie in NCHW.
    XPhases,
    /// Output channels and, where there is room, those of the next x phase, as they lie in NHWC.
    Cells,
    /// Output channels of one x phase, which are turned when they are stored: for NCHW.
    Channels,
}

/// A register of outputs.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) outer_phase: usize,
    pub(super) spans: Vec<Span>,
}

/// Lanes that lie side by side in the output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) lane: usize,
    pub(super) length: usize,
    pub(super) channel: usize,
    /// Where it begins among the outputs of its channel (x phase), or else among those of all channels (x
    /// phase times channels, plus channel).
    pub(super) first: usize,
}

/// The units of every group of phases.
#[derive(Clone, Debug)]
pub(super) struct Units {
    /// Positions of a tile.
    pub(super) height: usize,
    /// Most units of a tile.
    pub(super) vectors: usize,
    pub(super) groups: Vec<Vec<Unit>>,
    /// Outputs that lie side by side for each x phase: 1, or the channels.
    pub(super) per_phase: usize,
    pub(super) order: Order,
    /// Whether sums are taken tap by tap.
    pub(super) each_tap: bool,
}

impl Units {
    pub(super) fn new(parts: &Parts, order: Order) -> Self {
        let per_phase = match order {
            Order::XPhases => 1,
            Order::Cells | Order::Channels => parts.out_channels,
        };
        let groups: Vec<Vec<Unit>> =
            parts.products.groups.iter().map(|group| units(parts, group, order)).collect();
        // Four registers side by side leave room for six rows, fewer for eight.
        let four = groups.iter().all(|units| units.len() == 4);
        let height = match parts.isa.lanes() {
            16 if four => 6,
            16 => 8,
            _ => 4,
        };
        Self {
            height,
            vectors: parts.isa.vectors(height),
            groups,
            per_phase,
            order,
            each_tap: false,
        }
    }

    /// Input channels whose weights lie together, for all shifts of a group.
    pub(super) fn chunk(&self, group_shifts: usize, channels: usize) -> usize {
        // Tap by tap only one shift is at work at a time.
        steps::chunk(if self.each_tap { 1 } else { group_shifts }, channels)
    }

    /// Sums tap by tap where cutting the axes, as `cut` has them, would read a weight that no cache of a core holds
    /// several times, for no more positions than are gone through in one go.
    pub(super) fn pays_each_tap(&self, parts: &Parts, cut: &Products) -> bool {
        let weight: usize = cut.groups.iter().map(|group| group.shifts).sum();
        let read: usize = cut.jobs.iter().map(|job| job.shifts.len()).sum();
        let positions = |job: &Job| parts.most_positions(job, parts.batch, usize::MAX);
        let positions: usize = cut.jobs.iter().map(positions).sum();
        self.order != Order::XPhases
            && read >= 2 * weight
            && positions <= POSITIONS * cut.groups.len()
            && self.weight_values(parts) * size_of::<f32>() > LARGE
    }

    /// The share of lanes that are not empty.
    pub(super) fn filled(&self, isa: Detected) -> f64 {
        let units = self.groups.iter().flatten();
        let used: usize = units.clone().flat_map(|u| &u.spans).map(|span| span.length).sum();
        used as f64 / (units.count() * isa.lanes()).max(1) as f64
    }

    /// Output channels that fill a tile: a task takes a multiple of them.
    pub(super) fn channels_together(&self, parts: &Parts) -> usize {
        if self.order != Order::XPhases {
            return parts.isa.lanes();
        }
        let most = parts.products.groups.iter().map(|group| group.x_phases).min().unwrap_or(1);
        (parts.isa.lanes() / most.max(1)).max(1) * self.vectors
    }

    pub(super) fn group_values(&self, parts: &Parts, group: usize) -> usize {
        let steps = parts.products.groups[group].shifts * parts.in_channels;
        self.groups[group].len() * steps * parts.isa.lanes()
    }

    /// Values of the packed weight of one group of channels.
    pub(super) fn weight_values(&self, parts: &Parts) -> usize {
        (0..self.groups.len()).map(|group| self.group_values(parts, group)).sum()
    }
}

impl Unit {
    /// Lane, output channel and x phase of every output.
    pub(super) fn lanes(&self, per_phase: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        self.spans.iter().flat_map(move |span| {
            (0..span.length).map(move |n| {
                let at = span.first + n;
                let channel = if per_phase == 1 { span.channel } else { at % per_phase };
                (span.lane + n, channel, at / per_phase)
            })
        })
    }
}

fn units(parts: &Parts, group: &Group, order: Order) -> Vec<Unit> {
    let (lanes, channels) = (parts.isa.lanes(), parts.out_channels);
    // Registers that hold the same channels follow one another, so that their weights are turned together.
    let bunched = match order {
        Order::Channels => true,
        Order::Cells => channels.is_multiple_of(lanes),
        Order::XPhases => false,
    };
    let mut units = Vec::new();
    for block in cut(0..channels, if bunched { lanes } else { channels }) {
        let registers = match order {
            _ if bunched => of_block(group, channels, block),
            Order::Cells | Order::Channels => of_cells(parts, group),
            Order::XPhases => of_x_phases(parts, group),
        };
        for outer_phase in 0..group.outer_phases {
            let unit = |spans: &Vec<Span>| Unit { outer_phase, spans: spans.clone() };
            units.extend(registers.iter().map(unit));
        }
    }
    units
}

/// Registers of a block of channels, one for each x phase.
fn of_block(group: &Group, channels: usize, block: Range<usize>) -> Vec<Vec<Span>> {
    let (channel, length) = (block.start, block.len());
    let span = |x| Span { lane: 0, length, channel, first: x * channels + channel };
    (0..group.x_phases).map(|x| vec![span(x)]).collect()
}

/// Registers of all channels, as they follow one another from x phase to x phase.
fn of_cells(parts: &Parts, group: &Group) -> Vec<Vec<Span>> {
    let (all, channels) = (group.x_phases * parts.out_channels, parts.out_channels);
    // With several groups of channels the next x phase does not begin where one ends.
    let whole = if parts.groups == 1 { all } else { channels };
    let spans = |register: Range<usize>| {
        let mut spans: Vec<Span> = Vec::new();
        for at in register.clone() {
            match spans.last_mut() {
                Some(span) if at % whole != 0 => span.length += 1,
                _ => spans.push(Span {
                    lane: at - register.start,
                    length: 1,
                    channel: at % channels,
                    first: at,
                }),
            }
        }
        spans
    };
    cut(0..all, parts.isa.lanes()).map(spans).collect()
}

/// Registers of the x phases of a channel; of several channels if these are few.
fn of_x_phases(parts: &Parts, group: &Group) -> Vec<Vec<Span>> {
    let (lanes, x_phases, channels) = (parts.isa.lanes(), group.x_phases, parts.out_channels);
    if x_phases >= lanes {
        let of = |phases: Range<usize>| {
            let (length, first) = (phases.len(), phases.start);
            (0..channels).map(move |channel| vec![Span { lane: 0, length, channel, first }])
        };
        return cut(0..x_phases, lanes).flat_map(of).collect();
    }
    let spans = |several: Range<usize>| {
        let span = |channel| {
            let lane = (channel - several.start) * x_phases;
            Span { lane, length: x_phases, channel, first: 0 }
        };
        several.clone().map(span).collect()
    };
    cut(0..channels, lanes / x_phases.max(1)).map(spans).collect()
}
