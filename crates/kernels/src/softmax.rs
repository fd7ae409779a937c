//! Softmax along channels, and its logarithm.
//!
//! The largest value of each cell is taken away first, so that nothing overflows; sums are taken in f64.

use rayon::prelude::*;

use crate::elementary::exp;
use crate::error::Result;
use crate::extent::Extent;
use crate::parts::{each_part, units_of_part};
use crate::simd::Detected;
use crate::simd::loops::Loops;
use crate::sums::{largest, sum, sums};

/// `exp(x)` divided by its sum over the channels, for every cell of every image. A NaN spreads over its cell.
///
/// # Shapes
/// `x, y`: as `extent` says; `[n, c]` is an extent with one cell
///
/// # Errors
/// A buffer of the wrong length.
///
/// ```
/// use upconv_kernels::softmax::softmax;
/// use upconv_kernels::{Extent, Layout};
/// let extent = Extent { batch: 1, channels: 2, cells: 2, layout: Layout::Nchw };
/// let mut y = [0.0; 4];
/// // The second cell: e^1000 and e^999, which themselves would be infinite.
/// softmax(&extent, &[3.0, 1000.0, 3.0, 999.0], &mut y)?;
/// assert_eq!((y[0], y[2]), (0.5, 0.5));
/// assert!((y[1] - 0.731_058_6).abs() < 1e-6);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn softmax(extent: &Extent, x: &[f32], y: &mut [f32]) -> Result<()> {
    forward(extent, false, x, y)
}

/// The logarithm of [`softmax`]: `x - ln(sum of exp(x) over the channels)`.
///
/// # Shapes
/// `x, y`: as `extent` says
///
/// # Errors
/// A buffer of the wrong length.
///
/// ```
/// use upconv_kernels::softmax::log_softmax;
/// use upconv_kernels::{Extent, Layout};
/// let extent = Extent { batch: 1, channels: 2, cells: 1, layout: Layout::Nchw };
/// let mut y = [0.0; 2];
/// log_softmax(&extent, &[-500.0, -500.0], &mut y)?;
/// assert_eq!(y, [-std::f32::consts::LN_2; 2]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn log_softmax(extent: &Extent, x: &[f32], y: &mut [f32]) -> Result<()> {
    forward(extent, true, x, y)
}

/// `dx = y * (dy - sum of dy * y over the channels)`, from the output of [`softmax`].
///
/// # Shapes
/// `y, dy, dx`: as `extent` says
///
/// # Errors
/// A buffer of the wrong length.
///
/// ```
/// use upconv_kernels::softmax::softmax_backward;
/// use upconv_kernels::{Extent, Layout};
/// let extent = Extent { batch: 1, channels: 2, cells: 1, layout: Layout::Nchw };
/// let mut dx = [0.0; 2];
/// softmax_backward(&extent, &[0.25, 0.75], &[8.0, 0.0], &mut dx)?;
/// assert_eq!(dx, [1.5, -1.5]); // 0.25 * (8 - 2), 0.75 * (0 - 2)
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn softmax_backward(extent: &Extent, y: &[f32], dy: &[f32], dx: &mut [f32]) -> Result<()> {
    backward(extent, false, y, dy, dx)
}

/// `dx = dy - exp(y) * (sum of dy over the channels)`, from the output of [`log_softmax`].
///
/// # Shapes
/// `y, dy, dx`: as `extent` says
///
/// # Errors
/// A buffer of the wrong length.
///
/// ```
/// use upconv_kernels::softmax::log_softmax_backward;
/// use upconv_kernels::{Extent, Layout};
/// let extent = Extent { batch: 1, channels: 2, cells: 1, layout: Layout::Nchw };
/// let (half, mut dx) = (-std::f32::consts::LN_2, [0.0; 2]);
/// log_softmax_backward(&extent, &[half, half], &[8.0, 0.0], &mut dx)?;
/// assert_eq!(dx, [4.0, -4.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn log_softmax_backward(extent: &Extent, y: &[f32], dy: &[f32], dx: &mut [f32]) -> Result<()> {
    backward(extent, true, y, dy, dx)
}

fn forward(extent: &Extent, log: bool, x: &[f32], y: &mut [f32]) -> Result<()> {
    extent.check("x", x)?;
    extent.check("y", y)?;
    forward_with(Detected::choose(None)?, extent, log, x, y);
    Ok(())
}

fn backward(extent: &Extent, log: bool, y: &[f32], dy: &[f32], dx: &mut [f32]) -> Result<()> {
    extent.check("y", y)?;
    extent.check("dy", dy)?;
    extent.check("dx", dx)?;
    backward_with(Detected::choose(None)?, extent, log, [y, dy], dx);
    Ok(())
}

fn forward_with(isa: Detected, extent: &Extent, log: bool, x: &[f32], y: &mut [f32]) {
    if extent.has_planes() {
        each_tile(extent, y, |tile, y| isa.run(Tiled { tile, log, x, y }));
    } else {
        let channels = extent.channels.max(1);
        each_part(y, channels, channels, |first, y| {
            isa.run(Rows { channels, log, x: &x[first * channels..][..y.len()], y });
        });
    }
}

fn backward_with(isa: Detected, extent: &Extent, log: bool, [y, dy]: [&[f32]; 2], dx: &mut [f32]) {
    if extent.has_planes() {
        each_tile(extent, dx, |tile, dx| isa.run(TiledBack { tile, log, y, dy, dx }));
    } else {
        let channels = extent.channels.max(1);
        each_part(dx, channels, channels, |first, dx| {
            let values = first * channels..first * channels + dx.len();
            isa.run(RowsBack { channels, log, y: &y[values.clone()], dy: &dy[values], dx });
        });
    }
}

/// Cells with their channels side by side.
struct Rows<'a> {
    channels: usize,
    log: bool,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Loops for Rows<'_> {
    #[inline(always)]
    fn run(self) {
        let rows = self.x.chunks_exact(self.channels);
        for (x, y) in rows.zip(self.y.chunks_exact_mut(self.channels)) {
            let most = largest(x);
            y.iter_mut().zip(x).for_each(|(y, x)| *y = exp(x - most));
            let sum = sum(y);
            if self.log {
                let rest = sum.ln() as f32;
                y.iter_mut().zip(x).for_each(|(y, x)| *y = x - most - rest);
            } else {
                let share = (1.0 / sum) as f32;
                y.iter_mut().for_each(|y| *y *= share);
            }
        }
    }
}

struct RowsBack<'a> {
    channels: usize,
    log: bool,
    y: &'a [f32],
    dy: &'a [f32],
    dx: &'a mut [f32],
}

impl Loops for RowsBack<'_> {
    #[inline(always)]
    fn run(self) {
        let rows = self.y.chunks_exact(self.channels).zip(self.dy.chunks_exact(self.channels));
        for ((y, dy), dx) in rows.zip(self.dx.chunks_exact_mut(self.channels)) {
            let pairs = dx.iter_mut().zip(y.iter().zip(dy));
            if self.log {
                let sum = sum(dy) as f32;
                pairs.for_each(|(dx, (&y, dy))| *dx = dy - exp(y) * sum);
            } else {
                let [dot] = sums(y, dy, |y, dy| [f64::from(y) * f64::from(dy)]);
                let dot = dot as f32;
                pairs.for_each(|(dx, (y, dy))| *dx = y * (dy - dot));
            }
        }
    }
}

/// Cells that are worked on together, so that loops over them are long and all channels stay in the cache.
const CELLS: usize = 256;

/// Neighbouring cells of an image: those of channel `c` begin at `first + c * step`.
#[derive(Clone, Copy)]
struct Tile {
    first: usize,
    step: usize,
    cells: usize,
}

impl Tile {
    #[inline(always)]
    fn row(self, values: &[f32], channel: usize) -> &[f32] {
        &values[self.first + channel * self.step..][..self.cells]
    }
}

/// Has `work` write the rows of every tile, one for each channel.
fn each_tile(extent: &Extent, values: &mut [f32], work: impl Fn(Tile, &mut [&mut [f32]]) + Sync) {
    let Extent { channels, cells: step, .. } = *extent;
    if values.is_empty() {
        return;
    }
    let image = step * channels;
    let mut tiles: Vec<(Tile, Vec<&mut [f32]>)> = Vec::new();
    for (number, values) in values.chunks_exact_mut(image).enumerate() {
        let begin = tiles.len();
        for (channel, row) in values.chunks_exact_mut(step).enumerate() {
            for (at, part) in row.chunks_mut(CELLS).enumerate() {
                if channel == 0 {
                    let (first, cells) = (number * image + at * CELLS, part.len());
                    tiles.push((Tile { first, step, cells }, Vec::with_capacity(channels)));
                }
                tiles[begin + at].1.push(part);
            }
        }
    }
    let together = units_of_part(tiles.len(), channels * step.min(CELLS));
    let tiles = tiles.into_par_iter().with_min_len(together);
    tiles.for_each(|(tile, mut rows)| work(tile, &mut rows));
}

struct Tiled<'a, 'y> {
    tile: Tile,
    log: bool,
    x: &'a [f32],
    y: &'a mut [&'y mut [f32]],
}

impl Loops for Tiled<'_, '_> {
    #[inline(always)]
    fn run(self) {
        let Self { tile, log, x, y } = self;
        let (mut most, mut sums) = ([f32::NEG_INFINITY; CELLS], [0.0f64; CELLS]);
        let (most, sums) = (&mut most[..tile.cells], &mut sums[..tile.cells]);
        for channel in 0..y.len() {
            let x = tile.row(x, channel);
            most.iter_mut().zip(x).for_each(|(most, &x)| *most = if x > *most { x } else { *most });
        }
        for (channel, y) in y.iter_mut().enumerate() {
            let cells = most.iter().zip(tile.row(x, channel));
            for ((y, sum), (most, x)) in y.iter_mut().zip(sums.iter_mut()).zip(cells) {
                *y = exp(x - most);
                *sum += f64::from(*y);
            }
        }
        let mut shares = [0.0f32; CELLS];
        let shares = &mut shares[..tile.cells];
        for (share, sum) in shares.iter_mut().zip(sums) {
            *share = if log { sum.ln() } else { 1.0 / *sum } as f32;
        }
        for (channel, y) in y.iter_mut().enumerate() {
            if log {
                let cells = tile.row(x, channel).iter().zip(most.iter().zip(shares.iter()));
                y.iter_mut().zip(cells).for_each(|(y, (x, (most, rest)))| *y = x - most - rest);
            } else {
                y.iter_mut().zip(shares.iter()).for_each(|(y, share)| *y *= share);
            }
        }
    }
}

struct TiledBack<'a, 'x> {
    tile: Tile,
    log: bool,
    y: &'a [f32],
    dy: &'a [f32],
    dx: &'a mut [&'x mut [f32]],
}

impl Loops for TiledBack<'_, '_> {
    #[inline(always)]
    fn run(self) {
        let Self { tile, log, y, dy, dx } = self;
        let mut sums = [0.0f64; CELLS];
        let sums = &mut sums[..tile.cells];
        for channel in 0..dx.len() {
            let cells = tile.row(y, channel).iter().zip(tile.row(dy, channel));
            for (sum, (&y, &dy)) in sums.iter_mut().zip(cells) {
                *sum += f64::from(dy) * if log { 1.0 } else { f64::from(y) };
            }
        }
        for (channel, dx) in dx.iter_mut().enumerate() {
            let cells = tile.row(y, channel).iter().zip(tile.row(dy, channel)).zip(sums.iter());
            let cells = dx.iter_mut().zip(cells);
            if log {
                cells.for_each(|(dx, ((&y, dy), &sum))| *dx = dy - exp(y) * sum as f32);
            } else {
                cells.for_each(|(dx, ((y, dy), &sum))| *dx = y * (dy - sum as f32));
            }
        }
    }
}

#[cfg(test)]
mod tests;
