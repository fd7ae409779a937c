//! Where the values of a channel lie side by side: one task for each channel, so that it is still in the cache when
//! its statistics are known.

use rayon::prelude::*;

use super::{Back, BatchNorm, BatchStatistics, Forward, Moments, Sums};
use crate::extent::Extent;
use crate::options::Activation;
use crate::parts::units_of_part;
use crate::pointwise::{activate_block, backward_block_to};
use crate::simd::Detected;
use crate::simd::loops::Loops;
use crate::sums::sums;

/// Values that are worked on at a time, in the first cache.
pub(super) const BLOCK: usize = 1024;

pub(super) fn forward(
    isa: Detected,
    norm: &BatchNorm<'_>,
    extent: &Extent,
    x: &[f32],
    y: &mut [f32],
) -> BatchStatistics {
    let of_channels = each_channel(extent, y, |channel, y| {
        let mut statistics = (0.0, 0.0);
        isa.run(Channel { isa, norm, extent: *extent, channel, x, y, statistics: &mut statistics });
        statistics
    });
    let (mean, variance) = of_channels.into_iter().unzip();
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
    each_channel(extent, gradient, |channel, gradient| {
        let mut sums = Sums::default();
        let forward = forward[channel];
        let (extent, sums_of) = (*extent, &mut sums);
        isa.run(ChannelBack { isa, norm, extent, channel, forward, x, gradient, sums: sums_of });
        sums
    })
}

/// Has `work` write the planes of each channel, and collects what it returns.
fn each_channel<T: Send>(
    extent: &Extent,
    values: &mut [f32],
    work: impl Fn(usize, Vec<&mut [f32]>) -> T + Sync,
) -> Vec<T> {
    let Extent { batch, channels, cells, .. } = *extent;
    let mut planes: Vec<Vec<&mut [f32]>> =
        (0..channels).map(|_| Vec::with_capacity(batch)).collect();
    for (number, plane) in values.chunks_exact_mut(cells).enumerate() {
        planes[number % channels].push(plane);
    }
    let together = units_of_part(channels, batch * cells);
    let channels = planes.into_par_iter().with_min_len(together).enumerate();
    channels.map(|(channel, planes)| work(channel, planes)).collect()
}

impl Extent {
    /// The plane of a channel of an image.
    fn plane(self, values: &[f32], image: usize, channel: usize) -> &[f32] {
        &values[(image * self.channels + channel) * self.cells..][..self.cells]
    }
}

struct Channel<'a, 'y> {
    isa: Detected,
    norm: &'a BatchNorm<'a>,
    extent: Extent,
    channel: usize,
    x: &'a [f32],
    y: Vec<&'y mut [f32]>,
    statistics: &'a mut (f64, f64),
}

impl Loops for Channel<'_, '_> {
    #[inline(always)]
    fn run(self) {
        let Self { isa, norm, extent, channel, x, y, statistics } = self;
        let about = extent.plane(x, 0, channel)[0];
        let mut moments = Moments::default();
        for image in 0..extent.batch {
            let plane = extent.plane(x, image, channel);
            let [values, squares] = sums(plane, plane, |x, _| {
                let difference = f64::from(x) - f64::from(about);
                [difference, difference * difference]
            });
            moments.values += values;
            moments.squares += squares;
        }
        *statistics = moments.statistics(about, (extent.batch * extent.cells) as f64);
        let forward = Forward::new(norm, channel, statistics.0, statistics.1);
        for (image, y) in y.into_iter().enumerate() {
            let x = extent.plane(x, image, channel).chunks(BLOCK);
            for (x, y) in x.zip(y.chunks_mut(BLOCK)) {
                y.iter_mut().zip(x).for_each(|(y, &x)| *y = forward.apply(x));
                activate_block(isa, norm.activation, y);
            }
        }
    }
}

struct ChannelBack<'a, 'x> {
    isa: Detected,
    norm: &'a BatchNorm<'a>,
    extent: Extent,
    channel: usize,
    forward: Forward,
    x: &'a [f32],
    /// Of the output, then of the values before the activation, then of the input.
    gradient: Vec<&'x mut [f32]>,
    sums: &'a mut Sums,
}

impl Loops for ChannelBack<'_, '_> {
    #[inline(always)]
    fn run(self) {
        let Self { isa, norm, extent, channel, forward, x, mut gradient, sums: total } = self;
        for (image, gradient) in gradient.iter_mut().enumerate() {
            let x = extent.plane(x, image, channel).chunks(BLOCK);
            for (x, gradient) in x.zip(gradient.chunks_mut(BLOCK)) {
                to_before_activation((isa, norm.activation), x, gradient, |_, x| forward.apply(x));
                let [dz, dz_x] = sums(x, gradient, |x, dz| {
                    let dz = f64::from(dz);
                    [dz, dz * (f64::from(x) - forward.exact_mean)]
                });
                total.dz += dz;
                total.dz_x += dz_x;
            }
        }
        let count = (extent.batch * extent.cells) as f64;
        let back = Back::new(&forward, norm.gamma[channel], *total, count);
        for (image, gradient) in gradient.into_iter().enumerate() {
            for (dx, &x) in gradient.iter_mut().zip(extent.plane(x, image, channel)) {
                *dx = back.apply(x, *dx);
            }
        }
    }
}

/// Turns the gradient of the output into that in front of the activation, for which the values there are worked out anew:
/// `apply` gets the number of the value. What is kept need not be read from memory then.
#[inline(always)]
pub(super) fn to_before_activation(
    (isa, activation): (Detected, Activation),
    x: &[f32],
    gradient: &mut [f32],
    apply: impl Fn(usize, f32) -> f32,
) {
    if activation == Activation::None {
        return;
    }
    let mut y = [0.0f32; BLOCK];
    let y = &mut y[..x.len()];
    y.iter_mut().zip(x).enumerate().for_each(|(at, (y, &x))| *y = apply(at, x));
    activate_block(isa, activation, y);
    backward_block_to(isa, activation, y, gradient);
}
