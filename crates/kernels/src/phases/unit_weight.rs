//! The weight packed for registers of outputs: `[group of phases][unit][chunk][shift][input channel][lane]`,
//! see [`steps::chunk`].
//!
//! Where the lanes are x phases, the weights of adjacent lanes are those of adjacent taps, and are copied.
//! Where they are channels, the weights of a channel are a line of taps, and such lines are turned, for all
//! units that hold the same channels together.

use rayon::prelude::*;

use super::jobs::Group;
use super::steps::{self, cut};
use super::units::{Unit, Units};
use super::weight::Weight;
use super::{Parts, SMALL_WEIGHT};
use crate::simd::transpose::{Places, Spread};

/// A unit, its group of phases, and its part of the packed weight.
struct Part<'a> {
    group: &'a Group,
    unit: &'a Unit,
    values: &'a mut [f32],
}

/// Packs the weight of one group of channels. Places beside the last channel are left as they are.
pub(super) fn pack(parts: &Parts, units: &Units, weight: Weight<'_>, packed: &mut [f32]) {
    let lanes = parts.isa.lanes();
    let (mut rest, mut all) = (packed, Vec::new());
    for (group, units) in parts.products.groups.iter().zip(&units.groups) {
        for unit in units {
            let (values, after) = rest.split_at_mut(group.shifts * parts.in_channels * lanes);
            rest = after;
            all.push(Part { group, unit, values });
        }
    }
    let alone = weight.values.len() < SMALL_WEIGHT;
    if units.per_phase == 1 {
        let copy = |part: Part<'_>| copy_taps(parts, weight, part);
        match alone {
            true => all.into_iter().for_each(copy),
            false => all.into_par_iter().for_each(copy),
        }
        return;
    }
    let mut same: Vec<(Vec<Lines>, Vec<Part<'_>>)> = Vec::new();
    for part in all {
        let lines = lines(part.unit, parts.out_channels);
        match same.iter_mut().find(|(own, _)| *own == lines) {
            Some((_, parts)) => parts.push(part),
            None => same.push((lines, vec![part])),
        }
    }
    let turn = |(lines, units)| turn_lines(parts, weight, lines, units);
    match alone {
        true => same.into_iter().for_each(turn),
        false => same.into_par_iter().for_each(turn),
    }
}

/// Lanes that hold adjacent output channels.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Lines {
    lane: usize,
    length: usize,
    channel: usize,
}

/// Those of a unit.
fn lines(unit: &Unit, channels: usize) -> Vec<Lines> {
    let mut lines: Vec<Lines> = Vec::new();
    for (lane, channel, _) in unit.lanes(channels) {
        match lines.last_mut() {
            Some(last) if last.channel + last.length == channel => last.length += 1,
            _ => lines.push(Lines { lane, length: 1, channel }),
        }
    }
    lines
}

/// Rows of turned lines that are kept together.
const TURNED: usize = 128;

/// A part of a row of turned lines, and the row of the packed weight that it goes to.
struct Move {
    tap: usize,
    lane: usize,
    length: usize,
    shift: usize,
}

/// What a unit takes of turned lines.
fn moves(part: &Part<'_>, lines: &[Lines], channels: usize) -> Vec<Move> {
    let (group, outer) = (part.group, part.unit.outer_phase);
    let all: Vec<_> = part.unit.lanes(channels).collect();
    let mut moves = Vec::new();
    for line in lines {
        let x = all.iter().find(|(lane, ..)| *lane == line.lane).map_or(0, |&(_, _, x)| x);
        for (shift, tap) in group.of_phase(outer * group.x_phases + x).iter().enumerate() {
            if let Some(tap) = tap {
                let Lines { lane, length, .. } = *line;
                moves.push(Move { tap: tap.tap, lane, length, shift });
            }
        }
    }
    moves
}

fn turn_lines(parts: &Parts, weight: Weight<'_>, lines: Vec<Lines>, mut units: Vec<Part<'_>>) {
    let (lanes, taps) = (parts.isa.lanes(), weight.taps);
    let moves: Vec<Vec<Move>> =
        units.iter().map(|part| moves(part, &lines, parts.out_channels)).collect();
    // Lines of several input channels may follow one another in memory.
    let together = if weight.in_step == taps { (TURNED / taps).max(1) } else { 1 };
    let most = together.min(parts.in_channels) * taps;
    let mut turned = vec![0.0; most * lanes];
    let all_places = Places::new((0..most).map(|place| place * lanes));
    for inputs in cut(0..parts.in_channels, together) {
        let fewer;
        let places = match inputs.len() * taps == most {
            true => &all_places,
            false => {
                fewer = Places::new((0..inputs.len() * taps).map(|place| place * lanes));
                &fewer
            }
        };
        for line in &lines {
            let from = line.channel * weight.out_step + inputs.start * weight.in_step;
            let lines = Spread {
                from: &weight.values[from..],
                channel_step: weight.out_step,
                cell_step: 1,
                channels: line.length,
                places,
            };
            parts.isa.spread(&lines, &mut turned[line.lane..]);
        }
        for (part, moves) in units.iter_mut().zip(&moves) {
            let shifts = part.group.shifts;
            let chunk = steps::chunk(shifts, parts.in_channels);
            for (n, input) in inputs.clone().enumerate() {
                let first = input / chunk * chunk;
                let length = chunk.min(parts.in_channels - first);
                let turned = &turned[n * taps * lanes..(n + 1) * taps * lanes];
                let rows = &mut part.values[first * shifts * lanes..];
                for own in moves {
                    let row = (own.shift * length + input - first) * lanes + own.lane;
                    let from = own.tap * lanes + own.lane;
                    copy(&turned[from..from + own.length], &mut rows[row..row + own.length]);
                }
            }
        }
    }
}

fn copy_taps(parts: &Parts, weight: Weight<'_>, part: Part<'_>) {
    let (group, inputs) = (part.group, parts.in_channels);
    let outputs: Vec<_> = part.unit.lanes(1).collect();
    let mut steps = part.values.chunks_exact_mut(parts.isa.lanes());
    for inputs in cut(0..inputs, steps::chunk(group.shifts, inputs)) {
        for shift in 0..group.shifts {
            let runs = tap_runs(group, part.unit, &outputs, shift);
            for (input, row) in inputs.clone().zip(&mut steps) {
                for run in &runs {
                    let taps = &weight.taps(run.channel, input)[run.tap..run.tap + run.length];
                    copy(taps, &mut row[run.lane..run.lane + run.length]);
                }
            }
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
