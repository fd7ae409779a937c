//! The fine side: rows of cells as a block of coarse cells sees them, with zeros where there is no fine
//! cell.

use super::shape::{Block, Planes, Shape, offset};
use crate::simd::transpose::Places;

/// How rows lie in a panel, `[image][row of z][row of y][cell][width]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FineRows {
    /// Values of a cell.
    width: usize,
    /// Fine cells of the block.
    extents: [usize; 3],
    images: usize,
    /// Values from row to row.
    pub(super) pitch: usize,
    chunks: Option<Chunks>,
}

/// A row cut into registers, the first of the windows of all cells side by side, then the second ones, and
/// so on: for strides of whole registers, which would else come back to the same few sets of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunks {
    pub(super) lanes: usize,
    /// Registers from cell to cell.
    pub(super) stride: usize,
    /// Registers of a stride that windows have.
    pub(super) used: usize,
    /// Places for each of these.
    pub(super) numbers: usize,
}

impl Chunks {
    /// For windows of `window` registers.
    pub(super) fn new(lanes: usize, stride: usize, window: usize, cells: usize) -> Self {
        Self { lanes, stride, used: stride.min(window), numbers: cells + (window - 1) / stride }
    }

    /// Where register `number` of the first window lies.
    pub(super) fn at(&self, number: usize) -> usize {
        (number % self.stride * self.numbers + number / self.stride) * self.lanes
    }
}

/// Fine cells that so many coarse cells reach.
fn reach(shape: &Shape, axis: usize, cells: usize) -> usize {
    let map = &shape.axes[axis];
    let window = (map.kernel - 1).saturating_mul(map.dilation).saturating_add(1);
    (cells.max(1) - 1).saturating_mul(map.stride).saturating_add(window)
}

impl FineRows {
    /// For rows of cells of `width` values, with room for `slack` values more.
    pub(super) fn new(shape: &Shape, extents: [usize; 4], width: usize, slack: usize) -> Self {
        let cells: [usize; 3] = std::array::from_fn(|axis| reach(shape, axis, extents[axis + 1]));
        let lanes = shape.isa.lanes();
        let mut pitch = cells[2].saturating_mul(width).saturating_add(slack);
        if pitch < usize::MAX / 2 {
            pitch = pitch.next_multiple_of(lanes);
            // Rows at the same place in every page would share the few sets of a cache.
            if pitch.is_multiple_of(512) {
                pitch += lanes;
            }
        }
        Self { width, extents: cells, images: extents[0], pitch, chunks: None }
    }

    /// The same in registers.
    pub(super) fn chunked(self, chunks: Chunks) -> Self {
        let pitch = chunks.used.saturating_mul(chunks.numbers).saturating_mul(chunks.lanes);
        Self { pitch, chunks: Some(chunks), ..self }
    }

    /// Values of all rows.
    pub(super) fn values(&self) -> usize {
        let [rows, columns, _] = self.extents;
        [self.images, rows, columns].into_iter().fold(self.pitch, usize::saturating_mul)
    }

    /// The first row of a coarse row of the block (image, and row of either axis) for taps of these axes.
    pub(super) fn row(&self, shape: &Shape, [n, i, j]: [usize; 3], taps: [usize; 2]) -> usize {
        let at = |axis: usize, q: usize| {
            q * shape.axes[axis].stride + taps[axis] * shape.axes[axis].dilation
        };
        let [rows, columns, _] = self.extents;
        ((n * rows + at(0, i)) * columns + at(1, j)) * self.pitch
    }

    /// Packs the rows of a block, of which `self` was made for the extents: a cell has a value of each
    /// plane.
    pub(super) fn pack(&self, shape: &Shape, planes: Planes<'_>, block: &Block, out: &mut [f32]) {
        let first: [i64; 3] = std::array::from_fn(|axis| {
            let map = &shape.axes[axis];
            (block.axes[axis].start * map.stride) as i64 + offset(map, 0)
        });
        let [rows, columns, cells] = self.extents;
        let inside = |axis: usize, n: usize| {
            let at = first[axis] + n as i64;
            (0..shape.axes[axis].fine as i64).contains(&at).then_some(at as usize)
        };
        // The cells of a row that exist.
        let begin = (-first[2]).clamp(0, cells as i64);
        let end = (shape.axes[2].fine as i64 - first[2]).clamp(begin, cells as i64);
        let (begin, end) = (begin as usize, end as usize);
        let whole = planes.are_side_by_side() && planes.number == self.width;
        let spread = if whole { begin..begin } else { begin..end };
        let places = Places::new(spread.map(|cell| cell * self.width));
        let mut out = out.chunks_exact_mut(self.pitch);
        for image in block.images.clone() {
            for i in 0..rows {
                for (j, out) in (0..columns).zip(&mut out) {
                    let (Some(z), Some(y), true) = (inside(0, i), inside(1, j), begin < end) else {
                        out.fill(0.0);
                        continue;
                    };
                    let cell = (z * shape.axes[1].fine + y) * shape.axes[2].fine;
                    let cell = cell + (first[2] + begin as i64) as usize;
                    let whole = whole.then(|| planes.side_by_side(image, cell, end - begin));
                    if let (Some(chunks), Some(from)) = (&self.chunks, whole) {
                        chunks.copy(from, begin * self.width, out);
                        continue;
                    }
                    out[..begin * self.width].fill(0.0);
                    out[end * self.width..].fill(0.0);
                    match whole {
                        Some(from) => {
                            out[begin * self.width..end * self.width].copy_from_slice(from);
                        }
                        None => shape.isa.spread(&planes.lines(image, cell, &places), out),
                    }
                }
            }
        }
    }
}

impl Chunks {
    /// Copies a row whose first value is number `begin`, with zeros before and behind it.
    fn copy(&self, from: &[f32], begin: usize, out: &mut [f32]) {
        for (place, out) in out.chunks_exact_mut(self.lanes).enumerate() {
            let (phase, number) = (place / self.numbers, place % self.numbers);
            let at = (number * self.stride + phase) * self.lanes;
            match at.checked_sub(begin).and_then(|at| from.get(at..at + self.lanes)) {
                Some(from) => out.copy_from_slice(from),
                None => {
                    for (n, out) in out.iter_mut().enumerate() {
                        let from = (at + n).checked_sub(begin).and_then(|at| from.get(at));
                        *out = from.copied().unwrap_or(0.0);
                    }
                }
            }
        }
    }
}
