//! The mean over all cells.

use rayon::prelude::*;

use crate::error::{Result, check_len};
use crate::extent::Extent;
use crate::parts::{each_part, units_of_part};
use crate::simd::Detected;
use crate::simd::loops::Loops;
use crate::sums::sum;

/// The mean over all cells of each channel of each image (global average pooling), summed in f64; NaN where there
/// are no cells.
///
/// # Shapes
/// `x`: as `extent` says `-> y: [n, c]`
///
/// # Errors
/// A buffer of the wrong length.
///
/// ```
/// use upconv_kernels::pool::global_mean;
/// use upconv_kernels::{Extent, Layout};
/// let extent = Extent { batch: 1, channels: 2, cells: 2, layout: Layout::Nhwc };
/// let mut y = [0.0; 2];
/// global_mean(&extent, &[1.0, 10.0, 3.0, 30.0], &mut y)?;
/// assert_eq!(y, [2.0, 20.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn global_mean(extent: &Extent, x: &[f32], y: &mut [f32]) -> Result<()> {
    extent.check("x", x)?;
    check_len("y", y, &[extent.batch, extent.channels])?;
    mean_with(Detected::choose(None)?, extent, x, y);
    Ok(())
}

pub(crate) fn mean_with(isa: Detected, extent: &Extent, x: &[f32], y: &mut [f32]) {
    let Extent { channels, cells, .. } = *extent;
    if extent.has_planes() {
        each_part(y, 1, cells, |first, y| {
            isa.run(Planes { cells, x: &x[first * cells..][..y.len() * cells], y });
        });
    } else {
        for (image, y) in y.chunks_exact_mut(channels.max(1)).enumerate() {
            let x = &x[image * channels * cells..][..channels * cells];
            let block = (units_of_part(cells, channels) * channels).max(1);
            let of = |x| {
                let mut sums = vec![0.0; channels];
                isa.run(Cells { x, sums: &mut sums });
                sums
            };
            // Added up in their order, whoever was first.
            let blocks: Vec<Vec<f64>> = match x.len() <= block {
                true => vec![of(x)],
                false => x.par_chunks(block).map(of).collect(),
            };
            for (channel, y) in y.iter_mut().enumerate() {
                let sum: f64 = blocks.iter().map(|sums| sums[channel]).sum();
                *y = (sum / cells as f64) as f32;
            }
        }
    }
}

struct Planes<'a> {
    cells: usize,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Loops for Planes<'_> {
    #[inline(always)]
    fn run(self) {
        for (x, y) in self.x.chunks_exact(self.cells).zip(self.y) {
            *y = (sum(x) / self.cells as f64) as f32;
        }
    }
}

/// Sums of cells, whose channels lie side by side.
struct Cells<'a> {
    x: &'a [f32],
    sums: &'a mut [f64],
}

impl Loops for Cells<'_> {
    #[inline(always)]
    fn run(self) {
        for x in self.x.chunks_exact(self.sums.len().max(1)) {
            self.sums.iter_mut().zip(x).for_each(|(sum, &x)| *sum += f64::from(x));
        }
    }
}

/// The gradient of [`global_mean`]: every cell gets `dy / cells`.
///
/// # Shapes
/// `dy: [n, c] -> dx`: as `extent` says
///
/// # Errors
/// A buffer of the wrong length.
///
/// ```
/// use upconv_kernels::pool::global_mean_backward;
/// use upconv_kernels::{Extent, Layout};
/// let extent = Extent { batch: 1, channels: 2, cells: 2, layout: Layout::Nhwc };
/// let mut dx = [0.0; 4];
/// global_mean_backward(&extent, &[4.0, 6.0], &mut dx)?;
/// assert_eq!(dx, [2.0, 3.0, 2.0, 3.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn global_mean_backward(extent: &Extent, dy: &[f32], dx: &mut [f32]) -> Result<()> {
    extent.check("dx", dx)?;
    check_len("dy", dy, &[extent.batch, extent.channels])?;
    let Extent { channels, cells, .. } = *extent;
    let share = |dy: f32| (f64::from(dy) / cells as f64) as f32;
    if extent.has_planes() {
        each_part(dx, cells, cells, |first, dx| {
            for (dx, &dy) in dx.chunks_exact_mut(cells).zip(&dy[first..]) {
                dx.fill(share(dy));
            }
        });
    } else {
        let shares: Vec<f32> = dy.iter().map(|&dy| share(dy)).collect();
        each_part(dx, channels, channels, |first, dx| {
            for (cell, dx) in dx.chunks_exact_mut(channels.max(1)).enumerate() {
                let image = (first + cell) / cells;
                dx.copy_from_slice(&shares[image * channels..][..channels]);
            }
        });
    }
    Ok(())
}
