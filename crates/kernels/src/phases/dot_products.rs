//! Convolution with a long kernel: taps along x in the lanes, of the input and of the weight as they come.
//!
//! The input cells that a position meets through the taps of one row of the kernel lie side by side in NCHW,
//! and so do these taps in the weight of a pair of channels. A tile of positions times output channels is a
//! tile of dot products: nothing is packed, neither the input, of which large strides would leave little in
//! a register, nor the weight. Partial sums stay in the lanes until all taps and input channels are done.
//!
//! Wins for large strides with long kernels and few output channels: the input gradient of an up-sampling by 32.

use std::ops::Range;

use super::Parts;
use super::jobs::{Direction, Job, Shift};
use super::output::Output;
use super::share::Share;
use super::source::Positions;
use super::steps;
use crate::aligned::Aligned;
use crate::options::Layout;
use crate::simd::Detected;
use crate::simd::dots::{Dots, sum_of_lanes};

/// Values of the weight that stay in an L1 cache while positions are gone through: 24 KiB.
const NEAR: usize = 6 * 1024;
/// Most positions that are gone through in one go.
const POSITIONS: usize = 48;
/// Values of partial sums that are kept together: 256 KiB.
const SUMS: usize = 64 * 1024;
/// The least stride for which registers of positions have to be gathered.
const LEAST_STRIDE: usize = 3;
/// The fewest taps along x that bring rows near as fast as they are multiplied.
const LEAST_TAPS: usize = 32;
/// Most output channels: more are worth turning the input for.
const MOST_CHANNELS: usize = 64;

/// How products are cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taps {
    /// Positions and output channels of a tile.
    pub(super) tile: [usize; 2],
    /// Output channels whose sums are kept together.
    channels: usize,
}

impl Taps {
    /// `None` where it does not apply: it knows convolutions in NCHW whose taps along x read neighbours.
    pub(super) fn new(parts: &Parts) -> Option<Self> {
        let jobs = &parts.products.jobs;
        let neighbours = |job: &Job| {
            let two = |two: &[Shift]| two[1].input[2] == two[0].input[2] + 1;
            job.shifts.chunks(taps_of_row(job)).all(|row| row.windows(2).all(two))
        };
        let applies = parts.direction == Direction::FineToCoarse && parts.layout == Layout::Nchw;
        if !applies || !jobs.iter().all(neighbours) {
            return None;
        }
        let tile = parts.isa.dot_rows();
        let channels = SUMS / (POSITIONS * parts.isa.lanes()) / tile[1] * tile[1];
        Some(Self { tile, channels: channels.min(parts.out_channels).max(1) })
    }

    /// Whether it is expected to be faster than what packs or turns the input.
    pub(super) fn pays(parts: &Parts) -> bool {
        let taps = parts.products.jobs.iter().map(taps_of_row).max().unwrap_or(0);
        let stride = parts.products.axes[2].in_step;
        stride >= LEAST_STRIDE && taps >= LEAST_TAPS && parts.out_channels <= MOST_CHANNELS
    }

    /// Values of sums.
    pub(super) fn values(&self, parts: &Parts) -> usize {
        POSITIONS * self.channels * parts.isa.lanes()
    }

    /// Products of registers of a job that has so many positions in a task, for each input channel.
    pub(super) fn products(&self, parts: &Parts, job: &Job, positions: usize) -> f64 {
        let registers =
            job.shifts.len() / taps_of_row(job) * padded(parts.isa, job) / parts.isa.lanes();
        (positions.next_multiple_of(self.tile[0]) * registers * parts.out_channels) as f64
    }

    /// How often the weight is read for so many positions.
    pub(super) fn passes(positions: usize) -> usize {
        positions.div_ceil(POSITIONS)
    }
}

/// Taps of a job along x; at least 1.
fn taps_of_row(job: &Job) -> usize {
    let Some(first) = job.shifts.first() else { return 1 };
    let same = job.shifts.iter().take_while(|shift| shift.input[..2] == first.input[..2]);
    same.count()
}

/// The same in whole registers.
fn padded(isa: Detected, job: &Job) -> usize {
    taps_of_row(job).next_multiple_of(isa.lanes())
}

/// What a task works in.
pub(super) struct Buffers {
    sums: Aligned,
}

impl Buffers {
    pub(super) fn new(sums: usize) -> Self {
        Self { sums: Aligned::zeros(sums) }
    }
}

pub(super) fn run(
    parts: &Parts,
    taps: &Taps,
    share: &Share<'_>,
    buffers: &mut Buffers,
    output: &mut Output<'_>,
) {
    for job in &parts.products.jobs {
        let positions = share.positions(parts, job);
        let product = Product { parts, taps, share, job, runs: runs(parts, share, job), positions };
        product.run(&mut buffers.sums, output);
    }
}

/// Where the taps along x begin, in the input from the least shift on and in the weight of an output channel.
fn runs(parts: &Parts, share: &Share<'_>, job: &Job) -> Vec<(usize, usize)> {
    let [_, y, x] = &parts.products.axes;
    let taps = parts.products.groups[job.group].of_phase(0);
    let Some(first) = job.shifts.first() else { return Vec::new() };
    let mut runs = Vec::new();
    for channel in 0..parts.in_channels {
        for shift in job.shifts.iter().step_by(taps_of_row(job)) {
            let Some(tap) = taps[shift.index] else { continue };
            // Shifts ascend, so that none is less than the first along any axis.
            let at = |axis: usize| (shift.input[axis] - first.input[axis]) as usize;
            let cell = (at(0) * y.in_cells + at(1)) * x.in_cells + at(2);
            let input = channel * share.source.strides.channel + cell;
            runs.push((input, channel * parts.taps + tap.tap));
        }
    }
    runs
}

/// One job within one share.
struct Product<'a> {
    parts: &'a Parts,
    taps: &'a Taps,
    share: &'a Share<'a>,
    job: &'a Job,
    runs: Vec<(usize, usize)>,
    positions: Positions,
}

/// A position: where its window begins in the input, and where it goes.
struct Place {
    input: usize,
    image: usize,
    cell: usize,
}

impl Product<'_> {
    fn run(&self, sums: &mut [f32], output: &mut Output<'_>) {
        let [rows, columns] = self.taps.tile;
        let (lanes, length) = (self.parts.isa.lanes(), taps_of_row(self.job));
        // Runs whose weights for a tile stay near.
        let together = (NEAR / (columns * padded(self.parts.isa, self.job))).max(1);
        for range in steps::even(0..self.positions.len(), POSITIONS) {
            let places = self.places(range, output);
            let inputs: Vec<usize> = places.iter().map(|place| place.input).collect();
            for channels in steps::cut(self.share.channels.clone(), self.taps.channels) {
                let each = places.len() * lanes;
                // A job without taps has sums of zero.
                let blocks =
                    self.runs.chunks(together).chain(self.runs.is_empty().then_some(&[][..]));
                for (b, runs) in blocks.enumerate() {
                    let mut rest = &mut sums[..];
                    for own in steps::even(channels.clone(), columns) {
                        let weights: Vec<usize> = own.map(|channel| self.weight(channel)).collect();
                        for inputs in inputs.chunks(rows) {
                            let dots = Dots {
                                a: self.share.source.x,
                                a_rows: inputs,
                                b: self.share.weight,
                                b_rows: &weights,
                                runs,
                                length,
                                add: b > 0,
                            };
                            self.parts.isa.dots(&dots, rest);
                            rest = &mut rest[inputs.len() * weights.len() * lanes..];
                        }
                    }
                }
                let mut rest = &*sums;
                for own in steps::even(channels, columns) {
                    let (tiles, after) = rest.split_at(own.len() * each);
                    rest = after;
                    for (place, sums) in places.iter().zip(tiles.chunks(own.len() * lanes)) {
                        for (channel, sums) in own.clone().zip(sums.chunks(lanes)) {
                            self.store(place, channel, sum_of_lanes(sums), output);
                        }
                    }
                }
            }
        }
    }

    /// Where the weight of an output channel begins.
    fn weight(&self, channel: usize) -> usize {
        channel * self.parts.in_channels * self.parts.taps
    }

    fn places(&self, range: Range<usize>, output: &Output<'_>) -> Vec<Place> {
        let axes = &self.parts.products.axes;
        let strides = self.share.source.strides;
        let least = self.job.shifts.first().map_or([0; 3], |shift| shift.input);
        let mut places = Vec::new();
        for run in self.positions.runs(range) {
            for n in 0..run.length {
                let at = [run.first[0], run.first[1], run.first[2] + n as i64];
                // Neither is negative: every shift lies inside, and so does the output cell.
                let input = (0..3).fold(0, |cell, n| {
                    let axis = &axes[n];
                    cell * axis.in_cells + (at[n] * axis.in_step as i64 + least[n]) as usize
                });
                let cell = (0..3).fold(0, |cell, n| cell * axes[n].out_cells + at[n] as usize);
                let input =
                    run.image * strides.image + self.share.source.channel * strides.channel + input;
                places.push(Place { input, image: run.image, cell: cell - output.first_cell });
            }
        }
        places
    }

    fn store(&self, place: &Place, channel: usize, sum: f32, output: &mut Output<'_>) {
        let finish = &self.share.finish;
        let bias = finish.bias.map_or(0.0, |bias| bias[channel]);
        let (slice, _) = output.channel(finish.first_channel + channel);
        let slice = slice + output.image(place.image);
        output.slices[slice][place.cell] = finish.activation.apply(sum + bias);
    }
}
