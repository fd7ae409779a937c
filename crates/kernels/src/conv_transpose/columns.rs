//! Columns: the fine side seen from the coarse side, one row per (fine channel, tap).
//!
//! Entry (row, cell) is the fine cell that the row's tap connects with that coarse cell, or nothing
//! where the window has cropped it away. `gather` fills such a matrix (im2col); `scatter_add` adds one
//! back (col2im). Cells run on from image to image, so that small images share a product.

use super::coupling::Coupling;
use std::ops::Range;

/// Part of the columns of one group: some rows by some cells.
#[derive(Clone)]
pub(super) struct Part {
    /// Rows: `fine channel of the group * taps + tap`.
    pub(super) rows: Range<usize>,
    /// Coarse cells: `image * coarse cells + flat cell`.
    pub(super) cells: Range<usize>,
}

/// One stretch of cells in a row of the coarse grid, as a row of the columns sees it.
struct Stretch {
    image: usize,
    /// Where it begins within the row of the columns.
    at: usize,
    length: usize,
    /// The part of it that meets fine cells, relative to `at`; and the first of these, flat.
    met: Range<usize>,
    fine: usize,
}

/// Cuts the cells into stretches of one grid row each.
fn stretches(c: &Coupling, tap: usize, cells: &Range<usize>, mut visit: impl FnMut(Stretch)) {
    let [a, b, last] = &c.axes;
    let [ta, tb, tc] = c.tap(tap);
    let mut cell = cells.start;
    while cell < cells.end {
        let (line, first) = (cell / last.coarse, cell % last.coarse);
        let length = (last.coarse - first).min(cells.end - cell);
        let (image, i0, i1) =
            (line / (a.coarse * b.coarse), line / b.coarse % a.coarse, line % b.coarse);
        let mut met = 0..0;
        let mut fine = 0;
        if ta.valid.contains(&i0) && tb.valid.contains(&i1) {
            let from = tc.valid.start.max(first);
            let to = tc.valid.end.min(first + length);
            if from < to {
                met = from - first..to - first;
                fine = (a.fine_of(&ta, i0) * b.fine + b.fine_of(&tb, i1)) * last.fine
                    + last.fine_of(&tc, from);
            }
        }
        visit(Stretch { image, at: cell - cells.start, length, met, fine });
        cell += length;
    }
}

/// Fills `columns` (row-major) for one group from the fine side of all images.
pub(super) fn gather(c: &Coupling, group: usize, part: &Part, fine: &[f32], columns: &mut [f32]) {
    let stride = c.axes[2].stride;
    for (row, out) in part.rows.clone().zip(columns.chunks_exact_mut(part.cells.len())) {
        stretches(c, row % c.taps, &part.cells, |s| {
            let out = &mut out[s.at..s.at + s.length];
            out[..s.met.start].fill(0.0);
            out[s.met.end..].fill(0.0);
            let met = &mut out[s.met];
            if met.is_empty() {
                return;
            }
            let plane = (s.image * c.groups + group) * c.fine_channels + row / c.taps;
            let from = &fine[plane * c.fine_cells..(plane + 1) * c.fine_cells][s.fine..];
            if stride == 1 {
                met.copy_from_slice(&from[..met.len()]);
            } else {
                met.iter_mut().zip(from.iter().step_by(stride)).for_each(|(o, &v)| *o = v);
            }
        });
    }
}

/// Adds `columns` (row-major) onto fine planes. `planes[image - first_image]` begins with the plane of
/// fine channel `first_channel` of the group.
pub(super) fn scatter_add(
    c: &Coupling,
    part: &Part,
    columns: &[f32],
    planes: &mut [&mut [f32]],
    (first_image, first_channel): (usize, usize),
) {
    let stride = c.axes[2].stride;
    for (row, from) in part.rows.clone().zip(columns.chunks_exact(part.cells.len())) {
        let plane = (row / c.taps - first_channel) * c.fine_cells;
        stretches(c, row % c.taps, &part.cells, |s| {
            let from = &from[s.at + s.met.start..s.at + s.met.end];
            if from.is_empty() {
                return;
            }
            let to = &mut planes[s.image - first_image][plane..plane + c.fine_cells][s.fine..];
            if stride == 1 {
                to[..from.len()].iter_mut().zip(from).for_each(|(y, v)| *y += v);
            } else {
                to.iter_mut().step_by(stride).zip(from).for_each(|(y, v)| *y += v);
            }
        });
    }
}

/// Copies the coarse side of some channels of one group into a matrix `[channels, cells]`.
pub(super) fn copy_coarse(
    c: &Coupling,
    group: usize,
    channels: &Range<usize>,
    cells: &Range<usize>,
    coarse: &[f32],
    matrix: &mut [f32],
) {
    for (channel, out) in channels.clone().zip(matrix.chunks_exact_mut(cells.len())) {
        for (image, within) in images(c, cells) {
            let plane = (image * c.groups + group) * c.coarse_channels + channel;
            let at = image * c.coarse_cells + within.start - cells.start;
            let from = &coarse[plane * c.coarse_cells..][within.clone()];
            out[at..at + within.len()].copy_from_slice(from);
        }
    }
}

/// The images that `cells` touches, with the flat cells of each.
pub(super) fn images(
    c: &Coupling,
    cells: &Range<usize>,
) -> impl Iterator<Item = (usize, Range<usize>)> + use<> {
    let (cells, plane) = (cells.clone(), c.coarse_cells);
    (cells.start / plane..cells.end.div_ceil(plane)).map(move |image| {
        let first = image * plane;
        (image, cells.start.max(first) - first..cells.end.min(first + plane) - first)
    })
}
