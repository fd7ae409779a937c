//! Where the channels of a cell lie side by side: blocks of cells, whose sums are added up in their order.

use rayon::prelude::*;

use super::planes::{BLOCK, before_activation};
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
    let moments = summed(extent, |cells| {
        let mut sums = vec![[0.0; 2]; channels];
        isa.run(OfCells {
            x: &x[cells.start * channels..cells.end * channels],
            about,
            sums: &mut sums,
        });
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
    [x, dy]: [&[f32]; 2],
    dx: &mut [f32],
) -> Vec<Sums> {
    let channels = extent.channels;
    let total = summed(extent, |cells| {
        let values = cells.start * channels..cells.end * channels;
        let mut sums = vec![[0.0; 2]; channels];
        let (x, dy) = (&x[values.clone()], &dy[values]);
        isa.run(OfGradients { isa, norm, forward, x, dy, sums: &mut sums });
        sums
    });
    let count = (extent.batch * extent.cells) as f64;
    let total: Vec<Sums> = total.into_iter().map(|[dz, dz_x]| Sums { dz, dz_x }).collect();
    let back: Vec<Back> =
        (0..channels).map(|c| Back::new(&forward[c], norm.gamma[c], total[c], count)).collect();
    each_part(dx, channels, channels, |first, dx| {
        let values = first * channels..first * channels + dx.len();
        let (x, dy) = (&x[values.clone()], &dy[values]);
        isa.run(Gradient { isa, norm, forward, back: &back, x, dy, dx });
    });
    total
}

/// The sums of all blocks of cells, by channel.
fn summed(
    extent: &Extent,
    of: impl Fn(std::ops::Range<usize>) -> Vec<[f64; 2]> + Sync,
) -> Vec<[f64; 2]> {
    let cells = extent.batch * extent.cells;
    let block = units_of_part(cells, extent.channels);
    let blocks: Vec<Vec<[f64; 2]>> = (0..cells.div_ceil(block))
        .into_par_iter()
        .map(|number| of(number * block..((number + 1) * block).min(cells)))
        .collect();
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
    dy: &'a [f32],
    sums: &'a mut [[f64; 2]],
}

impl Loops for OfGradients<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { isa, norm, forward, x, dy, sums } = self;
        let mut own = [[0.0f32; BLOCK]; 2];
        let row = forward.len().max(1);
        for (x, dy) in x.chunks_exact(row).zip(dy.chunks_exact(row)) {
            let channels = forward.chunks(BLOCK).zip(sums.chunks_mut(BLOCK));
            let values = x.chunks(BLOCK).zip(dy.chunks(BLOCK));
            for ((forward, sums), (x, dy)) in channels.zip(values) {
                let apply = |at: usize, x| forward[at].apply(x);
                let dz = before_activation((isa, norm.activation), x, dy, &mut own, apply);
                for (((sums, forward), &x), &dz) in sums.iter_mut().zip(forward).zip(x).zip(dz) {
                    let dz = f64::from(dz);
                    sums[0] += dz;
                    sums[1] += dz * (f64::from(x) - forward.exact_mean);
                }
            }
        }
    }
}

struct Gradient<'a> {
    isa: Detected,
    norm: &'a BatchNorm<'a>,
    forward: &'a [Forward],
    back: &'a [Back],
    x: &'a [f32],
    dy: &'a [f32],
    dx: &'a mut [f32],
}

impl Loops for Gradient<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { isa, norm, forward, back, x, dy, dx } = self;
        let mut own = [[0.0f32; BLOCK]; 2];
        let row = forward.len().max(1);
        let rows = x.chunks_exact(row).zip(dy.chunks_exact(row)).zip(dx.chunks_exact_mut(row));
        for ((x, dy), dx) in rows {
            let channels = forward.chunks(BLOCK).zip(back.chunks(BLOCK));
            let values = x.chunks(BLOCK).zip(dy.chunks(BLOCK)).zip(dx.chunks_mut(BLOCK));
            for ((forward, back), ((x, dy), dx)) in channels.zip(values) {
                let apply = |at: usize, x| forward[at].apply(x);
                let dz = before_activation((isa, norm.activation), x, dy, &mut own, apply);
                for (((dx, back), &x), &dz) in dx.iter_mut().zip(back).zip(x).zip(dz) {
                    *dx = back.apply(x, dz);
                }
            }
        }
    }
}
