//! Sums of channels turned into planes: which units are kept together for it, and where they go.

use std::ops::Range;

use super::Product;
use crate::phases::jobs::OuterPhase;
use crate::phases::output::Output;
use crate::phases::steps::cut;
use crate::phases::store::{self, Phases};
use crate::phases::units::Unit;
use crate::simd::interleave::Planes;
use crate::simd::turned::{Registers, Turned};

impl Product<'_> {
    /// The units that the job and the share need, in tiles; bunches of tiles that are turned together: all x
    /// phases of a channel.
    pub(super) fn bunches(&self) -> Vec<Vec<Range<usize>>> {
        let lanes = self.parts.isa.lanes();
        let x_phases = self.group().x_phases;
        let per_block = self.group().outer_phases * x_phases;
        let blocks = self.share.channels.start / lanes..self.share.channels.end.div_ceil(lanes);
        let together = (self.cut.units / self.job.x_phases.len()).max(1);
        let outers = (together / blocks.len().max(1)).max(1);
        let mut bunches = Vec::new();
        for outers in self.job.outer_phases.chunks(outers) {
            for blocks in cut(blocks.clone(), together) {
                let x = &self.job.x_phases;
                let of = |outer: &OuterPhase| {
                    let first = outer.index * x_phases;
                    first + x.start..first + x.end
                };
                let phases: Vec<usize> = outers.iter().flat_map(of).collect();
                let units =
                    blocks.flat_map(|block| phases.iter().map(move |n| block * per_block + n));
                bunches.push(self.side_by_side(units));
            }
        }
        bunches
    }

    /// Stores a bunch of tiles, of which each unit has `each` sums.
    pub(super) fn turn(
        &self,
        range: &Range<usize>,
        tiles: &[Range<usize>],
        sums: &[f32],
        each: usize,
        output: &mut Output<'_>,
    ) {
        let lanes = self.parts.isa.lanes();
        let places = store::Places::new(
            &self.parts.products.axes,
            &self.positions.runs(range.clone()),
            output,
        );
        let mut first = 0;
        let mut registers = Vec::new();
        for units in tiles {
            for (n, unit) in units.clone().enumerate() {
                let step = units.len() * lanes;
                registers.push((unit, Registers { first: first + n * lanes, step }));
            }
            first += units.len() * each;
        }
        let units = &self.units.groups[self.job.group];
        let first_phase = |unit: usize| {
            units[unit].spans[0].first / self.units.per_phase == self.job.x_phases.start
        };
        let firsts = registers.iter().filter(|(unit, _)| first_phase(*unit));
        for unit in firsts.map(|(unit, _)| &units[*unit]) {
            let same = |other: &Unit| {
                other.outer_phase == unit.outer_phase
                    && other.spans[0].channel == unit.spans[0].channel
            };
            let phases = registers.iter().filter(|(other, _)| same(&units[*other]));
            let phases: Vec<Registers> = phases.map(|(_, registers)| *registers).collect();
            if let Some(to) = self.planes(unit, output) {
                let channels = unit.spans[0].length;
                let turned = Turned { sums, phases: &phases, channels, to };
                self.parts.isa.store_turned(&turned, &places.0, &mut output.slices);
            }
        }
    }

    /// Where the channels of a unit go, if its outer phase lies inside.
    fn planes(&self, unit: &Unit, output: &Output<'_>) -> Option<Planes<'_>> {
        let span = unit.spans[0];
        let outer = self.job.outer_phases.iter().find(|outer| outer.index == unit.outer_phase)?;
        let phases = Phases {
            axes: &self.parts.products.axes,
            job: self.job,
            outer,
            channels: span.channel..span.channel + span.length,
            finish: &self.share.finish,
        };
        Some(phases.planes(output))
    }
}
