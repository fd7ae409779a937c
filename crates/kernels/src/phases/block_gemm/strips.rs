//! Few channels in NHWC: where those of a position fill one register, positions at equal steps go through the registers in
//! one go, and straight to the output.

use std::ops::Range;

use super::{Product, Rows};
use crate::phases::output::Output;
use crate::phases::source::Run;
use crate::phases::steps::cut;
use crate::phases::units::Order;
use crate::simd::place::Target;
use crate::simd::strip::Strip;
use crate::simd::tile::{Start, Starts, Tile, Within};
use crate::simd::writes::Writes;

/// Positions at equal steps.
struct Stretch {
    /// Where the first of them begins in the input.
    row: usize,
    /// Its image's slice, and where in it the first goes for a phase at cell 0.
    slice: usize,
    place: i64,
    length: usize,
}

impl Product<'_> {
    /// Does the whole product, if every tile is one register that goes to one place, and sums are taken in one block. Else
    /// it does nothing, and says so by `false`.
    pub(super) fn strips(
        &self,
        tiles: &[Vec<Range<usize>>],
        bias: &mut [f32],
        output: &mut Output<'_>,
    ) -> bool {
        let (Some(cells), [block]) = (&self.cells, &self.cut.blocks[..]) else { return false };
        if self.units.each_tap || self.units.order != Order::Cells || output.cells_apart() {
            return false;
        }
        let tiles = tiles.iter().flatten();
        let with_target = |units| Some((units, self.one_target(units, output)?));
        let Some(tiles) = tiles.map(with_target).collect::<Option<Vec<_>>>() else {
            return false;
        };
        let lanes = self.parts.isa.lanes();
        let unit = self.group().shifts * self.parts.in_channels * lanes;
        let (row_step, place_step) = self.steps_apart(cells.cell_step, output);
        for range in cut(0..self.positions.len(), self.cut.positions) {
            let stretches = self.stretches(&self.positions.runs(range.clone()), output);
            // Nothing is packed.
            let rows: Rows<'_> = self.steps(&range, block, &mut []);
            let starts = (Starts::new(&rows.runs.panel), Starts::new(&rows.runs.weight));
            for (units, target) in &tiles {
                let start = match self.share.finish.bias {
                    Some(values) => {
                        self.lanes_of_bias(units, values, bias);
                        Start::Row(bias)
                    }
                    None => Start::Zero,
                };
                for stretch in &stretches {
                    let tile = Tile {
                        rows: stretch.length,
                        vectors: 1,
                        a: &rows.values[stretch.row..],
                        a_runs: starts.0,
                        a_step: rows.step,
                        a_rows: Within::Apart(row_step),
                        b: &self.weight[units.start * unit..units.end * unit],
                        b_runs: starts.1,
                        b_step: lanes,
                        b_registers: Within::Apart(unit),
                        steps: rows.steps,
                        start,
                    };
                    let mut strip = Strip {
                        y: &mut *output.slices[stretch.slice],
                        first: stretch.place + target.offset,
                        step: place_step,
                        length: target.length,
                        activation: self.share.finish.activation,
                        announced: output.writes == Writes::Announced,
                    };
                    self.parts.isa.strip(&tile, &mut strip);
                }
            }
        }
        true
    }

    /// Where the one register of a tile goes; `None` if there are several, or if its lanes go to several places.
    fn one_target(&self, units: &Range<usize>, output: &Output<'_>) -> Option<Target> {
        match self.targets(units, output)[..] {
            [target] if units.len() == 1 && target.lane == 0 && target.slice == 0 => Some(target),
            _ => None,
        }
    }

    /// Values of the input and of the output from position to position.
    fn steps_apart(&self, cell_step: usize, output: &Output<'_>) -> (usize, usize) {
        let x = &self.parts.products.axes[2];
        // A step of an output is not negative.
        (x.in_step * cell_step, x.out_step * output.cell_step() as usize)
    }

    /// Runs of positions, joined where one follows another at the same steps.
    fn stretches(&self, runs: &[Run], output: &Output<'_>) -> Vec<Stretch> {
        let Some(cells) = &self.cells else { return Vec::new() };
        let (row_step, place_step) = self.steps_apart(cells.cell_step, output);
        let firsts = runs.iter().map(|run| Run { length: 1, ..run.clone() }).collect::<Vec<_>>();
        let places = self.places(&firsts, output);
        let mut stretches: Vec<Stretch> = Vec::new();
        for ((run, row), place) in runs.iter().zip(self.rows_in_place(&firsts)).zip(places) {
            let (slice, place, length) = (place.slice, place.at, run.length);
            match stretches.last_mut() {
                Some(last)
                    if last.slice == slice
                        && last.row + last.length * row_step == row
                        && last.place + (last.length * place_step) as i64 == place =>
                {
                    last.length += length;
                }
                _ => stretches.push(Stretch { row, slice, place, length }),
            }
        }
        stretches
    }
}
