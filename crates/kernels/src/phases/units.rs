//! Registers of outputs that lie side by side, and the weight packed for them.

use rayon::prelude::*;

use super::jobs::Group;
use super::steps::{self, cut};
use super::{Parts, SMALL_WEIGHT};
use crate::options::Layout;
use crate::simd::Detected;

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
    /// Where it begins among the outputs of its channel (NCHW: x phase) or of all channels (NHWC: x phase
    /// times channels, plus channel).
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
    /// Outputs that lie side by side for each x phase: 1, or the channels in NHWC.
    pub(super) per_phase: usize,
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

    pub(super) fn group_values(&self, parts: &Parts, group: usize) -> usize {
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
