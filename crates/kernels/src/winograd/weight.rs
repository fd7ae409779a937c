//! The transformed weight: `[chunk][phase][component][input channel][register][lane]`.

use std::ops::Range;

use rayon::prelude::*;

use super::Parts;
use super::lines::TAPS;
use super::shape::Phase;
use super::transform::{OUTSIDE, TapTile};
use crate::phases::even;
use crate::simd::transpose::{Places, Spread};

/// Values of taps that are turned together.
const TURNED: usize = 16 * 1024;
/// Below so many values other threads are not woken to transform them.
const SMALL: usize = 1 << 15;

/// Values of one component of a chunk of so many registers.
pub(super) fn component_values(parts: &Parts, registers: usize) -> usize {
    parts.shape.in_channels * registers * parts.isa.lanes()
}

/// Where a phase of a chunk begins.
pub(super) fn begin(parts: &Parts, chunk: usize, phase: usize) -> usize {
    let chunks = &parts.split.chunks;
    let before = chunks[chunk].start * parts.shape.components();
    let phases = &parts.shape.phases[..phase];
    let own: usize = phases.iter().map(|phase| phase.components.len()).sum();
    component_values(parts, before) + component_values(parts, chunks[chunk].len()) * own
}

pub(super) fn values(parts: &Parts) -> usize {
    let registers = parts.split.chunks.last().map_or(0, |last| last.end);
    component_values(parts, registers * parts.shape.components())
}

/// Transforms a weight. Lanes behind the last channel are zero before, and stay so.
pub(super) fn pack(parts: &Parts, weight: &[f32], packed: &mut [f32]) {
    let mut rest = packed;
    let mut tasks = Vec::new();
    for chunk in &parts.split.chunks {
        let values = component_values(parts, chunk.len()) * parts.shape.components();
        let (own, after) = rest.split_at_mut(values);
        rest = after;
        tasks.push((chunk.clone(), own));
    }
    let one = |(chunk, own): (Range<usize>, &mut [f32])| pack_chunk(parts, weight, chunk, own);
    match weight.len() < SMALL {
        true => tasks.into_iter().for_each(one),
        false => tasks.into_par_iter().for_each(one),
    }
}

fn pack_chunk(parts: &Parts, weight: &[f32], chunk: Range<usize>, packed: &mut [f32]) {
    let (shape, lanes) = (&parts.shape, parts.isa.lanes());
    let ([out_step, in_step], taps) = (shape.weight_steps, shape.taps);
    let together = (TURNED / (taps * lanes)).clamp(1, shape.in_channels.max(1));
    let mut turned = vec![0.0; together * taps * lanes];
    let width = chunk.len() * lanes;
    let step = component_values(parts, chunk.len());
    let places = |cells: usize| Places::new((0..cells).map(|cell| cell * lanes));
    for inputs in even(0..shape.in_channels, together) {
        // Taps of several input channels may follow one another in memory.
        let adjoin = in_step == taps;
        let (runs, run) = if adjoin { (1, inputs.len()) } else { (inputs.len(), 1) };
        let run_places = places(run * taps);
        for (register, first) in chunk.clone().enumerate() {
            let first = first * lanes;
            let channels = lanes.min(shape.out_channels - first);
            if channels < lanes {
                turned.fill(0.0);
            }
            for n in 0..runs {
                let lines = Spread {
                    from: &weight[first * out_step + (inputs.start + n) * in_step..],
                    channel_step: out_step,
                    cell_step: 1,
                    channels,
                    places: &run_places,
                };
                parts.isa.spread(&lines, &mut turned[n * taps * lanes..]);
            }
            let mut at = register * lanes + inputs.start * width;
            for phase in &shape.phases {
                let tile = TapTile {
                    weight: &turned,
                    weight_step: taps * lanes,
                    in_channels: inputs.len(),
                    taps: places_of_taps(phase, lanes),
                    components: &phase.components,
                };
                parts.isa.transform_taps(&tile, &mut packed[at..], [step, width]);
                at += phase.components.len() * step;
            }
        }
    }
}

fn places_of_taps(phase: &Phase, lanes: usize) -> [usize; TAPS * TAPS] {
    phase.taps.map(|tap| tap.map_or(OUTSIDE, |tap| tap * lanes))
}
