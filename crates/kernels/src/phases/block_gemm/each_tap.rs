//! Sums tap by tap: for few cells and large weights, where cutting the axes so that all taps lie inside leaves parts of
//! few positions, each of which would read its taps of the weight anew.
//!
//! Every tap is gone through once, for the positions for which it lies inside the input. Positions side by side in a row
//! are rows of a tile, whose sums lie as they follow one another and are kept from tap to tap.

use std::ops::Range;

use super::{Panel, Product};
use crate::phases::cells::Cells;
use crate::phases::jobs::Shift;
use crate::phases::output::Output;
use crate::phases::source::Run;
use crate::phases::steps::{StepBlock, even};
use crate::phases::units::Order;
use crate::simd::place::Targets;
use crate::simd::tile::{Start, Starts, Tile, Within};

/// Positions side by side for which a shift lies inside.
struct Stretch {
    /// The first of them among all.
    position: usize,
    length: usize,
    /// Where the channels of the first cell begin.
    cell: usize,
}

impl Product<'_> {
    /// Sums the tiles of units for the positions of `runs`, which lie in `panels`, and stores them unless they are turned.
    pub(super) fn each_tap(
        &self,
        (runs, cells): (&[Run], &Cells<'_>),
        panels: &[Panel<'_>],
        tiles: &[Range<usize>],
        (sums, bias): (&mut [f32], &mut [f32]),
        output: &mut Output<'_>,
    ) {
        let turns = self.units.order == Order::Channels;
        let (height, lanes) = (self.units.height, self.parts.isa.lanes());
        let mut rest = sums;
        for units in tiles {
            let width = units.len() * lanes;
            let (own, after) = rest.split_at_mut(panels.len() * height * width);
            rest = after;
            match self.share.finish.bias {
                Some(values) if !turns => {
                    self.lanes_of_bias(units, values, bias);
                    own.chunks_exact_mut(width).for_each(|row| row.copy_from_slice(&bias[..width]));
                }
                _ => own.fill(0.0),
            }
            for block in &self.cut.blocks {
                self.add((runs, cells), block, (units, own));
            }
            if turns {
                continue;
            }
            let to = (self.share.finish.activation, output.writes);
            let targets = self.targets(units, output);
            let mut targets = Targets::new(targets, &mut output.slices, to);
            for (panel, kept) in panels.iter().zip(own.chunks_exact(height * width)) {
                let tile = stored(panel.height, units.len());
                self.parts.isa.tile_to(&tile, kept, &panel.places, &mut targets);
            }
        }
    }

    /// Adds a block of steps to the sums of a tile of units, `[position][unit][lane]` for the positions of `runs`.
    fn add(
        &self,
        (runs, cells): (&[Run], &Cells<'_>),
        block: &StepBlock,
        (units, sums): (&Range<usize>, &mut [f32]),
    ) {
        let lanes = self.parts.isa.lanes();
        let width = units.len() * lanes;
        let unit = self.group().shifts * self.parts.in_channels * lanes;
        let weight = &self.weight[units.start * unit..units.end * unit];
        let begins = block.runs(&self.job.shifts, self.group().of_phase(0), (1, lanes)).weight;
        let cell_step = self.parts.products.axes[2].in_step * cells.cell_step;
        let shifts = &self.job.shifts[block.shifts.clone()];
        let rows: Vec<usize> = (0..self.units.height).map(|row| row * cell_step).collect();
        for (shift, begin) in shifts.iter().zip(&begins) {
            let b_runs = [*begin];
            for stretch in runs.iter().filter_map(|run| self.stretch(run, shift, cells)) {
                for part in even(0..stretch.length, self.units.height) {
                    let first = stretch.cell + part.start * cell_step + block.channels.start;
                    let tile = Tile {
                        rows: part.len(),
                        vectors: units.len(),
                        a: &cells.values[first..],
                        a_runs: Starts::new(&[0]),
                        a_step: 1,
                        a_rows: Within::At(&rows[..part.len()]),
                        b: weight,
                        b_runs: Starts::new(&b_runs),
                        b_step: lanes,
                        b_registers: Within::Apart(unit),
                        steps: block.channels.len(),
                        start: Start::Kept,
                    };
                    let position = stretch.position + part.start;
                    self.parts.isa.tile(&tile, &mut sums[position * width..]);
                }
            }
        }
    }

    /// The positions of a run for which a shift lies inside, if there are any.
    fn stretch(&self, run: &Run, shift: &Shift, cells: &Cells<'_>) -> Option<Stretch> {
        let axes = &self.parts.products.axes;
        let at = |n: usize, position: i64| position * axes[n].in_step as i64 + shift.input[n];
        let mut row = 0;
        for n in 0..2 {
            let cell = usize::try_from(at(n, run.first[n])).ok()?;
            if cell >= axes[n].in_cells {
                return None;
            }
            row = row * axes[n].in_cells + cell;
        }
        // The least and the first greater number of steps along x that lie inside.
        let (x, step) = (at(2, run.first[2]), axes[2].in_step as i64);
        let up = |cells: i64| (cells.max(0) + step - 1) / step;
        let first = up(-x).min(run.length as i64) as usize;
        let end = up(axes[2].in_cells as i64 - x).min(run.length as i64) as usize;
        if first >= end {
            return None;
        }
        // Not negative, as the step lies inside.
        let cell = row * axes[2].in_cells + (x + first as i64 * step) as usize;
        let cell = cells.place(run.image, cell);
        Some(Stretch { position: run.lane + first, length: end - first, cell })
    }
}

/// A tile that adds nothing to what is kept.
fn stored<'a>(rows: usize, vectors: usize) -> Tile<'a> {
    Tile {
        rows,
        vectors,
        a: &[],
        a_runs: Starts::new(&[]),
        a_step: 0,
        a_rows: Within::Apart(1),
        b: &[],
        b_runs: Starts::new(&[]),
        b_step: 0,
        b_registers: Within::Apart(0),
        steps: 0,
        start: Start::Kept,
    }
}
