//! The channels of an input cell side by side: in NHWC where they lie, in NCHW turned once for all taps.

use std::ops::Range;

use super::Parts;
use super::share::Share;
use super::source::Strides;
use crate::options::Layout;
use crate::simd::transpose::{Places, Spread};

/// Where the channels of input cells lie.
#[derive(Clone, Copy)]
pub(super) struct Cells<'a> {
    pub(super) values: &'a [f32],
    pub(super) image_step: usize,
    pub(super) cell_step: usize,
    first_image: usize,
    first_cell: usize,
    /// First channel of the group.
    channel: usize,
}

impl Cells<'_> {
    /// Where the first channel of a cell lies.
    pub(super) fn place(&self, image: usize, cell: usize) -> usize {
        (image - self.first_image) * self.image_step
            + (cell - self.first_cell) * self.cell_step
            + self.channel
    }
}

/// Values that [`cells`] takes for so many images and positions of the band axis.
pub(super) fn values(parts: &Parts, images: usize, band: usize) -> usize {
    if parts.layout == Layout::Nhwc {
        return 0;
    }
    let (axis, [least, most]) = (&parts.products.axes[parts.band_axis], shifts(parts));
    let reach = (band.max(1) - 1) * axis.in_step + (most - least) as usize + 1;
    let inner = if is_split(parts) { inner(parts) } else { parts.in_cells };
    let rows = if is_split(parts) { reach.min(axis.in_cells) } else { 1 };
    images * rows * inner * parts.in_channels
}

/// The cells that a share reads, for NCHW in `buffer`.
pub(super) fn cells<'a>(parts: &Parts, share: &Share<'a>, buffer: &'a mut [f32]) -> Cells<'a> {
    let Strides { image, channel, cell } = share.source.strides;
    let first = share.source.channel;
    if parts.layout == Layout::Nhwc {
        return Cells {
            values: share.source.x,
            image_step: image,
            cell_step: cell,
            first_image: 0,
            first_cell: 0,
            channel: first,
        };
    }
    let range = range(parts, &share.band);
    let own = parts.in_channels;
    let places = Places::new((0..range.len()).map(|cell| cell * own));
    for n in share.images.clone() {
        let lines = Spread {
            from: &share.source.x[n * image + first * channel + range.start..],
            channel_step: channel,
            cell_step: 1,
            channels: own,
            places: &places,
        };
        parts.isa.spread(&lines, &mut buffer[(n - share.images.start) * range.len() * own..]);
    }
    Cells {
        values: buffer,
        image_step: range.len() * own,
        cell_step: own,
        first_image: share.images.start,
        first_cell: range.start,
        channel: 0,
    }
}

/// Whether a band of positions reads cells that lie in one piece: every axis before it has one cell.
fn is_split(parts: &Parts) -> bool {
    parts.products.axes[..parts.band_axis].iter().all(|axis| axis.in_cells == 1)
}

/// Cells of a row of the band axis.
fn inner(parts: &Parts) -> usize {
    parts.products.axes[parts.band_axis + 1..].iter().map(|axis| axis.in_cells).product()
}

/// The least and the greatest shift of the band axis.
fn shifts(parts: &Parts) -> [i64; 2] {
    let all = parts.products.jobs.iter().flat_map(|job| &job.shifts);
    let all = all.map(|shift| shift.input[parts.band_axis]);
    [all.clone().min().unwrap_or(0), all.max().unwrap_or(0)]
}

/// The cells that positions of a band read.
fn range(parts: &Parts, band: &Range<i64>) -> Range<usize> {
    if !is_split(parts) {
        return 0..parts.in_cells;
    }
    let (axis, [least, most]) = (&parts.products.axes[parts.band_axis], shifts(parts));
    let (step, all) = (axis.in_step as i64, axis.in_cells as i64);
    let first = (band.start * step + least).clamp(0, all);
    let end = ((band.end - 1) * step + most + 1).clamp(first, all);
    first as usize * inner(parts)..end as usize * inner(parts)
}
