//! Where the channels of a cell lie side by side: blocks of cells, whose sums are added up in their order.

use rayon::prelude::*;

use super::planes::{BLOCK, to_before_activation};
use super::{Back, BatchNorm, BatchStatistics, Forward, Moments, Sums};
use crate::extent::Extent;
use crate::parts::{each_part, units_of_part};
use crate::pointwise::activate_block;
use crate::simd::Detected;
use crate::simd::loops::Loops;

pub(super) fn forward(
    isa: Detected,
    norm: &BatchNorm<'_>,
    extent: &Extent,
    x: &[f32],
    y: &mut [f32],
) -> BatchStatistics {
    let channels = extent.channels;
    let about = &x[..channels];
    let moments = summed(extent, x.par_chunks(block(extent)), |_, x| {
        let mut sums = vec![[0.0; 2]; channels];
        isa.run(OfCells { x, about, sums: &mut sums });
        sums
    });
    let count = (extent.batch * extent.cells) as f64;
    let statistics = |([values, squares], &about): ([f64; 2], &f32)| {
        Moments { values, squares }.statistics(about, count)
    };
    let (mean, variance): (Vec<_>, Vec<_>) = moments.into_iter().zip(about).map(statistics).unzip();
    let forward: Vec<Forward> =
        (0..channels).map(|c| Forward::new(norm, c, mean[c], variance[c])).collect();
    each_part(y, channels, channels, |first, y| {
        let x = &x[first * channels..][..y.len()];
        isa.run(Normalise { isa, norm, forward: &forward, x, y });
    });
    BatchStatistics { mean, variance }
}

pub(super) fn backward(
    isa: Detected,
    norm: &BatchNorm<'_>,
    extent: &Extent,
    forward: &[Forward],
    x: &[f32],
    gradient: &mut [f32],
) -> Vec<Sums> {
    let channels = extent.channels;
    let total = summed(extent, gradient.par_chunks_mut(block(extent)), |first, gradient| {
        let mut sums = vec![[0.0; 2]; channels];
        let x = &x[first..][..gradient.len()];
        isa.run(OfGradients { isa, norm, forward, x, gradient, sums: &mut sums });
        sums
    });
    let count = (extent.batch * extent.cells) as f64;
    let total: Vec<Sums> = total.into_iter().map(|[dz, dz_x]| Sums { dz, dz_x }).collect();
    let back: Vec<Back> =
        (0..channels).map(|c| Back::new(&forward[c], norm.gamma[c], total[c], count)).collect();
    each_part(gradient, channels, channels, |first, gradient| {
        let x = &x[first * channels..][..gradient.len()];
        isa.run(Gradient { back: &back, x, gradient });
    });
    total
}

/// Values of the cells whose sums are taken together.
fn block(extent: &Extent) -> usize {
    (units_of_part(extent.batch * extent.cells, extent.channels) * extent.channels).max(1)
}

/// The sums of all blocks, by channel; `of` gets the number of a block's first value.
fn summed<B: Send>(
    extent: &Extent,
    blocks: impl IndexedParallelIterator<Item = B>,
    of: impl Fn(usize, B) -> Vec<[f64; 2]> + Sync,
) -> Vec<[f64; 2]> {
    let length = block(extent);
    let blocks: Vec<Vec<[f64; 2]>> =
        blocks.enumerate().map(|(number, block)| of(number * length, block)).collect();
    let mut total = vec![[0.0; 2]; extent.channels];
    for sums in blocks {
        for (total, sums) in total.iter_mut().zip(sums) {
            total[0] += sums[0];
            total[1] += sums[1];
        }
    }
    total
}

struct OfCells<'a> {
    x: &'a [f32],
    about: &'a [f32],
    sums: &'a mut [[f64; 2]],
}

impl Loops for OfCells<'_> {
    #[inline(always)]
    fn run(self) {
        for x in self.x.chunks_exact(self.about.len().max(1)) {
            for ((sums, &x), &about) in self.sums.iter_mut().zip(x).zip(self.about) {
                let difference = f64::from(x) - f64::from(about);
                sums[0] += difference;
                sums[1] += difference * difference;
            }
        }
    }
}

struct Normalise<'a> {
    isa: Detected,
    norm: &'a BatchNorm<'a>,
    forward: &'a [Forward],
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Loops for Normalise<'_> {
    #[inline(always)]
    fn run(self) {
        let row = self.forward.len().max(1);
        for (x, y) in self.x.chunks_exact(row).zip(self.y.chunks_exact_mut(row)) {
            for ((y, &x), forward) in y.iter_mut().zip(x).zip(self.forward) {
                *y = forward.apply(x);
            }
            activate_block(self.isa, self.norm.activation, y);
        }
    }
}

struct OfGradients<'a> {
    isa: Detected,
    norm: &'a BatchNorm<'a>,
    forward: &'a [Forward],
    x: &'a [f32],
    /// Of the output, then of the values before the activation.
    gradient: &'a mut [f32],
    sums: &'a mut [[f64; 2]],
}

impl Loops for OfGradients<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { isa, norm, forward, x, gradient, sums } = self;
        let row = forward.len().max(1);
        for (x, gradient) in x.chunks_exact(row).zip(gradient.chunks_exact_mut(row)) {
            let channels = forward.chunks(BLOCK).zip(sums.chunks_mut(BLOCK));
            let values = x.chunks(BLOCK).zip(gradient.chunks_mut(BLOCK));
            for ((forward, sums), (x, gradient)) in channels.zip(values) {
                let apply = |at: usize, x| forward[at].apply(x);
                to_before_activation((isa, norm.activation), x, gradient, apply);
                for (((sums, forward), &x), &dz) in
                    sums.iter_mut().zip(forward).zip(x).zip(&*gradient)
                {
                    let dz = f64::from(dz);
                    sums[0] += dz;
                    sums[1] += dz * (f64::from(x) - forward.exact_mean);
                }
            }
        }
    }
}

struct Gradient<'a> {
    back: &'a [Back],
    x: &'a [f32],
    /// Of the values before the activation, then of the input.
    gradient: &'a mut [f32],
}

impl Loops for Gradient<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { back, x, gradient } = self;
        let row = back.len().max(1);
        for (x, gradient) in x.chunks_exact(row).zip(gradient.chunks_exact_mut(row)) {
            for ((dx, back), &x) in gradient.iter_mut().zip(back).zip(x) {
                *dx = back.apply(x, *dx);
            }
        }
    }
}
