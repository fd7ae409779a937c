//! Coarse channels in the lanes, taps along x and fine channels in the rows of a tile: for few fine
//! channels.
//!
//! The fine channels of a cell are packed side by side, so that the values that a coarse cell meets through
//! the taps of one row of the kernel lie side by side too, and those of the next cell a stride further.

use std::ops::Range;

use super::coarse_side::{self, Order};
use super::fine_rows::FineRows;
use super::shape::{Block, Blocks, Data, Shape, met, valid};
use super::tiling::{self, Rows, Tiling, Vectors, padded};
use super::way::{self, Costs, Grain, Share, Task, Way, Work};
use crate::simd::tile::{Start, Starts, Tile, Within};

#[derive(Clone, Debug)]
pub(super) struct CoarseLanes {
    shape: Shape,
    tiling: Tiling,
    products: f64,
    /// Taps whose values lie side by side: all along x, or one if they are dilated.
    together: usize,
}

/// Most fine channels; with more of them tiles are full without taps.
const MOST: usize = 32;

impl CoarseLanes {
    /// `None` if there are many fine channels.
    pub(super) fn new(shape: &Shape) -> Option<Self> {
        let [z, y, x] = shape.axes.each_ref().map(|map| map.kernel);
        let together = if shape.axes[2].dilation == 1 { x } else { 1 };
        if shape.fine_channels > MOST {
            return None;
        }
        let vectors = shape.coarse_channels.div_ceil(shape.isa.lanes());
        let (tiling, cost) = Tiling::new(shape.isa, together * shape.fine_channels, vectors);
        let met: f64 = shape.axes[..2].iter().map(met).product();
        let products = cost * (z * y * x / together) as f64 * met;
        Some(Self { shape: shape.clone(), tiling, products, together })
    }

    fn rows(&self, extents: [usize; 4]) -> FineRows {
        FineRows::new(&self.shape, extents, self.shape.fine_channels, 0)
    }

    /// The tiles of the values that lie side by side.
    fn tiles(&self) -> Vec<Rows> {
        self.tiling.rows(self.together * self.shape.fine_channels)
    }

    fn vectors(&self, share: &Share) -> Vec<Vectors> {
        self.tiling.vectors(share.coarse.len().div_ceil(self.shape.isa.lanes()))
    }

    /// The first taps of values that lie side by side.
    fn taps(&self) -> impl Iterator<Item = [usize; 3]> + use<> {
        let [z, y, x] = self.shape.axes.each_ref().map(|map| map.kernel);
        let together = self.together;
        let rows = (0..z).flat_map(move |i| (0..y).map(move |j| [i, j]));
        rows.flat_map(move |[i, j]| (0..x).step_by(together).map(move |k| [i, j, k]))
    }

    /// Where runs begin in lines of cells of the coarse side, and in the rows of the fine side.
    fn runs(&self, block: &Block, rows: &FineRows, [i, j]: [usize; 2]) -> (Vec<usize>, Vec<usize>) {
        let axes = &block.axes;
        let z = valid(&self.shape.axes[0], i, &axes[0]);
        let y = valid(&self.shape.axes[1], j, &axes[1]);
        let [all, columns, cells] = axes.each_ref().map(Range::len);
        let (mut coarse, mut fine) = (Vec::new(), Vec::new());
        for n in 0..block.images.len() {
            for p in z.clone().map(|p| p - axes[0].start) {
                for q in y.clone().map(|q| q - axes[1].start) {
                    coarse.push(((n * all + p) * columns + q) * cells);
                    fine.push(rows.row(&self.shape, [n, p, q], [i, j]));
                }
            }
        }
        (coarse, fine)
    }
}

/// Values that the last tile may read behind the last row: less than a tile's height.
const SLACK: usize = 16;

impl Way for CoarseLanes {
    fn costs(&self) -> Costs {
        let (shape, pack) = (&self.shape, way::packing(&self.shape));
        let groups = shape.groups as f64;
        Costs {
            products: self.products * groups,
            coarse: pack * shape.coarse_channels as f64 * groups,
            fine: pack * shape.fine_channels as f64 * shape.reached() * groups,
            store: 1.5,
        }
    }

    fn grain(&self) -> Grain {
        let coarse = self.tiling.vectors * self.shape.isa.lanes();
        Grain { groups: 1, coarse, fine: usize::MAX }
    }

    fn blocks(&self, coarse: usize, fine: usize) -> Option<Blocks> {
        way::blocks(&self.shape, |extents| self.panels(coarse, fine, extents))
    }

    fn panels(&self, coarse: usize, _fine: usize, extents: [usize; 4]) -> [usize; 2] {
        let lanes = self.shape.isa.lanes();
        let vectors = coarse.div_ceil(lanes).min(self.tiling.vectors);
        let lines: usize = extents.iter().product();
        [self.rows(extents).values().saturating_add(SLACK), lines * vectors * lanes]
    }

    fn pieces(&self, share: &Share) -> Vec<usize> {
        let rows = padded(&self.tiles()) * (self.shape.taps / self.together);
        self.vectors(share).iter().map(|v| rows * v.width(self.shape.isa)).collect()
    }

    fn prepare(&self, data: Data<'_>, share: &Share, block: &Block, work: &mut Work) {
        let extents = block.axes.each_ref().map(Range::len);
        let rows = self.rows([block.images.len(), extents[0], extents[1], extents[2]]);
        let planes = self.shape.fine_channels(data, share.groups.start, &share.fine);
        rows.pack(&self.shape, planes, block, &mut work.a[..rows.values()]);
    }

    fn sum(&self, task: &Task<'_>, work: &mut Work, sums: &mut [f32]) {
        let Task { data, share, block, .. } = *task;
        let (isa, lanes) = (self.shape.isa, self.shape.isa.lanes());
        let extents = block.axes.each_ref().map(Range::len);
        let rows = self.rows([block.images.len(), extents[0], extents[1], extents[2]]);
        let vectors = self.vectors(share)[task.piece];
        let width = vectors.width(isa);
        let planes = self.shape.coarse_channels(data, share.groups.start, &share.coarse);
        let planes = planes.part(vectors.channels(isa, share.coarse.len()));
        let order = (Order::ImagesOuter, width);
        coarse_side::pack_lines(&self.shape, planes, block, order, &mut work.b);
        let map = &self.shape.axes[2];
        let mut sums = sums;
        for [i, j, k] in self.taps() {
            let (coarse, a_runs) = self.runs(block, &rows, [i, j]);
            let b_runs: Vec<usize> = coarse.iter().map(|cell| cell * width).collect();
            let (a_runs, b_runs) = (Starts::new(&a_runs), Starts::new(&b_runs));
            for tile in self.tiles() {
                let (own, rest) = sums.split_at_mut(tile.height * width);
                sums = rest;
                let first = k * map.dilation * self.shape.fine_channels + tile.first;
                let tile = Tile {
                    rows: tile.height,
                    vectors: vectors.number,
                    a: &work.a[first..],
                    a_runs,
                    a_step: map.stride * self.shape.fine_channels,
                    a_rows: Within::Apart(1),
                    b: &work.b,
                    b_runs,
                    b_step: width,
                    b_registers: Within::Apart(lanes),
                    steps: extents[2],
                    start: Start::Zero,
                };
                tiling::add(isa, &tile, task.first, own);
            }
        }
    }

    fn store(&self, share: &Share, piece: usize, sums: &[f32], rows: &mut [&mut [f32]]) {
        let isa = self.shape.isa;
        let vectors = self.vectors(share)[piece];
        let width = vectors.width(isa);
        let number = padded(&self.tiles());
        let fine = self.shape.fine_channels;
        let channels = vectors.channels(isa, share.coarse.len());
        for (lane, row) in rows[channels].iter_mut().enumerate() {
            for ([i, j, k], sums) in self.taps().zip(sums.chunks_exact(number * width)) {
                // The tiles lie one behind the other, so that row n of all of them is row n here.
                for n in 0..self.together * fine {
                    let tap = self.shape.tap([i, j, k + n / fine]);
                    row[n % fine * self.shape.taps + tap] = sums[n * width + lane];
                }
            }
        }
    }
}
