//! The weight packed for registers of outputs: `[group of phases][unit][chunk][shift][input channel][lane]`,
//! see [`Units::chunk`].
//!
//! Where the lanes are x phases, the weights of adjacent lanes are those of adjacent taps, and are copied.
//! Where they are channels, the weights of a channel are a line of taps, and such lines are turned, for all
//! units that hold the same channels together: straight to their places where these units take every tap and
//! follow one another, else by way of rows of taps.

use rayon::prelude::*;

use super::jobs::Group;
use super::steps::cut;
use super::units::{Unit, Units};
use super::weight::Weight;
use super::{Parts, SMALL_WEIGHT};
use crate::simd::transpose::{Places, Spread};
use crate::simd::writes::{LINE, prefetch};

/// A unit, its group of phases, and its part of the packed weight.
struct Part<'a> {
    group: &'a Group,
    /// Input channels whose weights lie together.
    chunk: usize,
    unit: &'a Unit,
    values: &'a mut [f32],
}

/// Packs the weight of one group of channels. Places beside the last channel are left as they are.
pub(super) fn pack(parts: &Parts, units: &Units, weight: Weight<'_>, packed: &mut [f32]) {
    let lanes = parts.isa.lanes();
    let alone = weight.values.len() < SMALL_WEIGHT;
    if let Some(bunches) = bunches(parts, units) {
        let mut rest = packed;
        let mut all = Vec::new();
        for bunch in bunches {
            let (values, after) = rest.split_at_mut(bunch.units.len() * bunch.unit_values(parts));
            rest = after;
            all.push((bunch, values));
        }
        let turn = |(bunch, values): (Bunch<'_>, &mut [f32])| bunch.turn(parts, weight, values);
        match alone {
            true => all.into_iter().for_each(turn),
            false => all.into_par_iter().for_each(turn),
        }
        return;
    }
    let (mut rest, mut all) = (packed, Vec::new());
    for (group, own) in parts.products.groups.iter().zip(&units.groups) {
        let chunk = units.chunk(group.shifts, parts.in_channels);
        for unit in own {
            let (values, after) = rest.split_at_mut(group.shifts * parts.in_channels * lanes);
            rest = after;
            all.push(Part { group, chunk, unit, values });
        }
    }
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

/// Adjacent units that hold the same channels, and together take every tap of these: lines are turned
/// straight to their places.
struct Bunch<'a> {
    group: &'a Group,
    /// Input channels whose weights lie together.
    chunk: usize,
    units: &'a [Unit],
    line: Lines,
}

/// All units in bunches, if they are such.
fn bunches<'a>(parts: &'a Parts, units: &'a Units) -> Option<Vec<Bunch<'a>>> {
    let ([group], [own], false) =
        (&parts.products.groups[..], &units.groups[..], units.per_phase == 1)
    else {
        return None;
    };
    let chunk = units.chunk(group.shifts, parts.in_channels);
    let of = |unit: &Unit| lines(unit, parts.out_channels);
    let mut bunches = Vec::new();
    for units in own.chunk_by(|a, b| of(a) == of(b)) {
        let [line] = of(&units[0])[..] else { return None };
        bunches.push(Bunch { group, chunk, units, line });
    }
    // No channel twice.
    let whole = group.taps() == parts.taps
        && bunches.iter().map(|bunch| bunch.line.length).sum::<usize>() == parts.out_channels;
    whole.then_some(bunches)
}

impl Bunch<'_> {
    /// Values of the packed weight of one unit.
    fn unit_values(&self, parts: &Parts) -> usize {
        self.group.shifts * parts.in_channels * parts.isa.lanes()
    }

    /// For each tap the unit that takes it, and the shift.
    fn takers(&self, parts: &Parts) -> Vec<(usize, usize)> {
        let mut takers = vec![(0, 0); parts.taps];
        for (n, unit) in self.units.iter().enumerate() {
            let phase =
                unit.outer_phase * self.group.x_phases + unit.spans[0].first / parts.out_channels;
            for (shift, tap) in self.group.of_phase(phase).iter().enumerate() {
                if let Some(tap) = tap {
                    takers[tap.tap] = (n, shift);
                }
            }
        }
        takers
    }

    fn turn(&self, parts: &Parts, weight: Weight<'_>, out: &mut [f32]) {
        let (lanes, taps, line) = (parts.isa.lanes(), weight.taps, self.line);
        let (each, shifts) = (self.unit_values(parts), self.group.shifts);
        let takers = self.takers(parts);
        // Lines of several input channels may follow one another in memory.
        let together = if weight.in_step == taps { (TURNED / taps).max(1) } else { 1 };
        for chunk in cut(0..parts.in_channels, self.chunk) {
            let places = |inputs: usize| {
                let place = |n: usize, (unit, shift): (usize, usize)| {
                    let row = chunk.start * shifts + shift * chunk.len() + n;
                    unit * each + row * lanes + line.lane
                };
                let takers = &takers;
                Places::new(
                    (0..inputs).flat_map(|n| takers.iter().map(move |&taker| place(n, taker))),
                )
            };
            let mut line_places = (together, places(together.min(chunk.len())));
            for inputs in cut(chunk.clone(), together) {
                if inputs.len() != line_places.0 {
                    line_places = (inputs.len(), places(inputs.len()));
                }
                let first = line.channel * weight.out_step;
                if weight.out_step == taps {
                    // Lines side by side, but those of the next input channels are far away, where no CPU
                    // would look for them.
                    let next = first + (inputs.end + together) * weight.in_step;
                    let next = weight.values.get(next..next + line.length * taps);
                    next.into_iter().flatten().step_by(LINE).for_each(|value| prefetch(value));
                }
                let lines = Spread {
                    from: &weight.values[first + inputs.start * weight.in_step..],
                    channel_step: weight.out_step,
                    cell_step: 1,
                    channels: line.length,
                    places: &line_places.1,
                };
                parts.isa.spread(&lines, &mut out[(inputs.start - chunk.start) * lanes..]);
            }
        }
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
            let (shifts, chunk) = (part.group.shifts, part.chunk);
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
    for inputs in cut(0..inputs, part.chunk) {
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
