//! The matrix algorithm: a product with the columns of the fine side, in blocks of bounded size.
//!
//! With `W` the weight of one group as a matrix `[coarse channels, fine channels * taps]`:
//! coarse to fine is `columns = transpose(W) * coarse`, then col2im; fine to coarse is im2col, then
//! `coarse = W * columns`; the weight gradient is `coarse * transpose(columns)`, summed over the batch.
//! Columns are made block by block, so that the workspace does not grow with the image; small images
//! of a batch share a block, so that the weight is not packed anew for each of them.

use super::columns::{Part, copy_coarse, gather, images, scatter_add};
use super::coupling::Coupling;
use super::{CoarseToFine, FineToCoarse, ToWeight, run_tasks_with};
use crate::at_once::AtOnce;
use crate::gemm::{Matrix, Scratch, Size, Store, gemm};
use crate::simd::Detected;
use std::ops::Range;

/// How the work is cut up. Follows from the sizes alone, never from the number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blocks {
    /// Images of one task.
    images: usize,
    /// Fine channels of one task (coarse to fine).
    fine_channels: usize,
    /// Coarse channels of one task (fine to coarse, weight).
    coarse_channels: usize,
    /// Rows of a block of columns.
    rows: usize,
    /// Cells of a block of columns.
    cells: usize,
    at_once: AtOnce,
}

/// Values in a block of columns: 512 KiB, half of a common L2 cache.
const BLOCK: usize = 128 * 1024;
/// Most rows of a block; more would leave too few cells for a tile.
const BLOCK_ROWS: usize = 2048;
/// Most cells of a block.
const BLOCK_CELLS: usize = 512;

impl Blocks {
    pub(crate) fn new(c: &Coupling) -> Self {
        let plane = c.coarse_cells.max(1);
        let images = (BLOCK_CELLS / plane).clamp(1, c.batch.max(1));
        let outer = c.batch.div_ceil(images) * c.groups;
        // What would be a single task is cut in two at least, so that two threads find work.
        let halve = |channels: usize| if outer <= 1 { channels.div_ceil(2) } else { channels };
        let rows = (c.fine_channels * c.taps).clamp(1, BLOCK_ROWS);
        let fine_channels =
            512usize.div_ceil(c.taps.max(1)).clamp(1, halve(c.fine_channels).max(1));
        let coarse_channels = halve(c.coarse_channels).clamp(1, 128);
        let tallest = rows.max(c.coarse_channels);
        let cells = (BLOCK / tallest).clamp(32, BLOCK_CELLS).min(plane * images);
        let at_once = AtOnce::ALL;
        Self { images, fine_channels, coarse_channels, rows, cells, at_once }
    }

    /// Lets so few tasks run at once that they take at most `limit` bytes, if one of them does.
    pub(crate) fn within(self, c: &Coupling, isa: Detected, limit: usize) -> Self {
        Self { at_once: AtOnce::within(limit, self.task_bytes(c, isa)), ..self }
    }

    /// Bytes that a run takes in a pool of so many threads.
    pub(crate) fn workspace(&self, c: &Coupling, isa: Detected, threads: usize) -> usize {
        let tasks = if c.is_small() { 1 } else { usize::MAX };
        self.task_bytes(c, isa).saturating_mul(self.at_once.of(tasks, threads))
    }

    fn task_bytes(&self, c: &Coupling, isa: Detected) -> usize {
        let float = size_of::<f32>();
        let to_fine =
            Scratch::values(isa, self.cells, c.coarse_channels) + c.coarse_channels * self.cells;
        let to_coarse =
            Scratch::values(isa, self.cells, self.rows) + self.coarse_channels * self.cells;
        let product = self.coarse_channels * self.rows;
        let to_weight = Scratch::values(isa, self.rows, self.cells)
            + self.coarse_channels * self.cells
            + product
            + product * size_of::<f64>() / float;
        (self.rows * self.cells + to_fine.max(to_coarse).max(to_weight)) * float
    }
}

/// Buffers that a task works in.
struct Buffers {
    columns: Vec<f32>,
    /// Coarse channels by cells.
    coarse: Vec<f32>,
    scratch: Scratch,
}

/// A range in steps.
fn blocks(range: Range<usize>, step: usize) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range.step_by(step).map(move |start| start..(start + step).min(end))
}

/// What one task is about.
struct Share {
    images: Range<usize>,
    group: usize,
    channels: Range<usize>,
}

/// All tasks for planes of `channels` per group, cut into blocks of `step`; images come last.
fn shares(c: &Coupling, images: usize, channels: usize, step: usize) -> Vec<Share> {
    let mut shares = Vec::new();
    for images in blocks(0..c.batch, images) {
        for group in 0..c.groups {
            for channels in blocks(0..channels, step) {
                shares.push(Share { images: images.clone(), group, channels });
            }
        }
    }
    shares
}

/// Cuts `data`, `[n, groups * channels, cells]`, into the planes of every share, one slice per image.
fn cut<'a>(
    c: &Coupling,
    shares: &[Share],
    channels: usize,
    cells: usize,
    mut data: &'a mut [f32],
) -> Vec<Vec<&'a mut [f32]>> {
    let mut planes: Vec<Vec<&mut [f32]>> = shares.iter().map(|_| Vec::new()).collect();
    let per_block =
        c.groups * shares.iter().filter(|s| s.group == 0 && s.images.start == 0).count();
    let Some(first) = shares.first() else { return planes };
    let images = first.images.len();
    for n in 0..c.batch {
        let block = n / images * per_block;
        for (share, slot) in shares[block..].iter().zip(&mut planes[block..]).take(per_block) {
            debug_assert!(share.images.contains(&n) && share.channels.end <= channels);
            let (chunk, rest) = data.split_at_mut(share.channels.len() * cells);
            slot.push(chunk);
            data = rest;
        }
    }
    planes
}

pub(crate) fn coarse_to_fine(c: &Coupling, b: &Blocks, isa: Detected, op: CoarseToFine<'_>) {
    let CoarseToFine { coarse, weight, bias, fine } = op;
    let all_rows = c.fine_channels * c.taps;
    let make = || Buffers {
        columns: vec![0.0; b.rows * b.cells],
        coarse: vec![0.0; c.coarse_channels * b.cells],
        scratch: Scratch::new(isa, b.cells, c.coarse_channels),
    };
    let shares = shares(c, b.images, c.fine_channels, b.fine_channels);
    let planes = cut(c, &shares, c.fine_channels, c.fine_cells, fine);
    run_tasks_with(c, b.at_once, planes, make, |task, planes, buffers| {
        let Share { images, group, channels } = &shares[task];
        for planes in &mut *planes {
            for (f, plane) in channels.clone().zip(planes.chunks_exact_mut(c.fine_cells)) {
                plane.fill(bias.map_or(0.0, |b| b[group * c.fine_channels + f]));
            }
        }
        let weight = &weight[group * c.coarse_channels * all_rows..];
        let all_cells = images.start * c.coarse_cells..images.end * c.coarse_cells;
        for cells in blocks(all_cells, b.cells) {
            copy_coarse(c, *group, &(0..c.coarse_channels), &cells, coarse, &mut buffers.coarse);
            for rows in blocks(channels.start * c.taps..channels.end * c.taps, b.rows) {
                let size = Size { m: rows.len(), n: cells.len(), k: c.coarse_channels };
                gemm(
                    isa,
                    size,
                    Matrix { data: &weight[rows.start..], row: 1, column: all_rows },
                    Matrix { data: &buffers.coarse, row: cells.len(), column: 1 },
                    (&mut buffers.columns, cells.len()),
                    Store::Write,
                    &mut buffers.scratch,
                );
                let part = Part { rows, cells: cells.clone() };
                scatter_add(c, &part, &buffers.columns, planes, (images.start, channels.start));
            }
        }
    });
}

pub(crate) fn fine_to_coarse(c: &Coupling, b: &Blocks, isa: Detected, op: FineToCoarse<'_>) {
    let FineToCoarse { fine, weight, bias, coarse } = op;
    let all_rows = c.fine_channels * c.taps;
    let make = || Buffers {
        columns: vec![0.0; b.rows * b.cells],
        coarse: vec![0.0; b.coarse_channels * b.cells],
        scratch: Scratch::new(isa, b.cells, b.rows),
    };
    let shares = shares(c, b.images, c.coarse_channels, b.coarse_channels);
    let planes = cut(c, &shares, c.coarse_channels, c.coarse_cells, coarse);
    run_tasks_with(c, b.at_once, planes, make, |task, planes, buffers| {
        let Share { images: own, group, channels } = &shares[task];
        let weight = &weight[(group * c.coarse_channels + channels.start) * all_rows..];
        for cells in blocks(own.start * c.coarse_cells..own.end * c.coarse_cells, b.cells) {
            let result = &mut buffers.coarse[..channels.len() * cells.len()];
            result.fill(0.0);
            for rows in blocks(0..all_rows, b.rows) {
                let part = Part { rows: rows.clone(), cells: cells.clone() };
                gather(c, *group, &part, fine, &mut buffers.columns);
                let size = Size { m: channels.len(), n: cells.len(), k: rows.len() };
                gemm(
                    isa,
                    size,
                    Matrix { data: &weight[rows.start..], row: all_rows, column: 1 },
                    Matrix { data: &buffers.columns, row: cells.len(), column: 1 },
                    (result, cells.len()),
                    Store::Add,
                    &mut buffers.scratch,
                );
            }
            for (n, row) in result.chunks_exact(cells.len()).enumerate() {
                let add = bias.map_or(0.0, |b| b[group * c.coarse_channels + channels.start + n]);
                for (image, within) in images(c, &cells) {
                    let at = image * c.coarse_cells + within.start - cells.start;
                    let plane = &mut planes[image - own.start][n * c.coarse_cells..];
                    let out = plane[within.clone()].iter_mut();
                    out.zip(&row[at..]).for_each(|(y, v)| *y = v + add);
                }
            }
        }
    });
}

pub(crate) fn to_weight(c: &Coupling, b: &Blocks, isa: Detected, op: ToWeight<'_>) {
    let ToWeight { coarse, fine, weight } = op;
    let all_rows = c.fine_channels * c.taps;
    let make = || {
        let buffers = Buffers {
            columns: vec![0.0; b.rows * b.cells],
            coarse: vec![0.0; b.coarse_channels * b.cells],
            scratch: Scratch::new(isa, b.rows, b.cells),
        };
        let size = b.coarse_channels * b.rows;
        (buffers, vec![0.0f32; size], vec![0.0f64; size])
    };
    // The weight has no images: one task sums over all of them.
    let (mut shares, mut planes, mut rest) = (Vec::new(), Vec::new(), weight);
    for group in 0..c.groups {
        for channels in blocks(0..c.coarse_channels, b.coarse_channels) {
            let (chunk, after) = rest.split_at_mut(channels.len() * all_rows);
            shares.push(Share { images: 0..c.batch, group, channels });
            planes.push(vec![chunk]);
            rest = after;
        }
    }
    run_tasks_with(c, b.at_once, planes, make, |task, out, (buffers, product, sums)| {
        let Share { images, group, channels } = &shares[task];
        for rows in blocks(0..all_rows, b.rows) {
            let sums = &mut sums[..channels.len() * rows.len()];
            sums.fill(0.0);
            for cells in blocks(0..images.end * c.coarse_cells, b.cells) {
                let part = Part { rows: rows.clone(), cells: cells.clone() };
                gather(c, *group, &part, fine, &mut buffers.columns);
                copy_coarse(c, *group, channels, &cells, coarse, &mut buffers.coarse);
                let size = Size { m: channels.len(), n: rows.len(), k: cells.len() };
                gemm(
                    isa,
                    size,
                    Matrix { data: &buffers.coarse, row: cells.len(), column: 1 },
                    Matrix { data: &buffers.columns, row: 1, column: cells.len() },
                    (product, rows.len()),
                    Store::Write,
                    &mut buffers.scratch,
                );
                // In f64: this sum runs over batch and space, and a plain f32 sum of so many blocks
                // loses digits.
                sums.iter_mut().zip(&*product).for_each(|(s, &p)| *s += f64::from(p));
            }
            let out = out.iter_mut().flat_map(|out| out.chunks_exact_mut(all_rows));
            for (sums, out) in sums.chunks_exact(rows.len()).zip(out) {
                out[rows.clone()].iter_mut().zip(sums).for_each(|(o, &s)| *o = s as f32);
            }
        }
    });
}
