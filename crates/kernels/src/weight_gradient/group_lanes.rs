//! Groups in the lanes, for many groups of few channels: depthwise layers.
//!
//! A coarse value is multiplied with the fine values of several taps, lane by lane. Rows get zeros at their
//! ends, and outside of the fine side there are rows of zeros, so that every cell meets all these taps.

use std::ops::Range;

use super::coarse_side::{self, Order};
use super::fine_rows::FineRows;
use super::products::{MOST, Products};
use super::shape::{Block, Blocks, Data, STEPS, Shape, met, valid};
use super::tiling::{Vectors, cut_evenly};
use super::way::{self, Costs, Grain, Share, Task, Way, Work};

#[derive(Clone, Debug)]
pub(super) struct GroupLanes {
    shape: Shape,
    /// Taps that are summed together, along y and x.
    together: [usize; 2],
}

/// Most pairs of a coarse and a fine channel; with more of them other ways fill their lanes better.
const MOST_PAIRS: usize = 64;

impl GroupLanes {
    /// `None` if there are few groups or many channels.
    pub(super) fn new(shape: &Shape) -> Option<Self> {
        if shape.groups < 4 || shape.coarse_channels * shape.fine_channels > MOST_PAIRS {
            return None;
        }
        let [_, y, x] = shape.axes.each_ref().map(|map| map.kernel);
        let room = shape.isa.most_products();
        // Registers of dilated taps are not neighbours.
        let columns = if shape.axes[2].dilation > 1 { 1 } else { MOST[1].min(room) };
        let columns = x.div_ceil(x.div_ceil(columns));
        let rows = MOST[0].min(room / columns).clamp(1, y);
        Some(Self { shape: shape.clone(), together: [y.div_ceil(y.div_ceil(rows)), columns] })
    }

    fn rows(&self, extents: [usize; 4]) -> FineRows {
        FineRows::new(&self.shape, extents, self.shape.isa.lanes(), 0)
    }

    /// The taps of a row of z in grids: the parts of y and x.
    fn grids(&self) -> Vec<[Vectors; 2]> {
        let [_, y, x] = self.shape.axes.each_ref().map(|map| map.kernel);
        let (rows, columns) = (cut_evenly(y, self.together[0]), cut_evenly(x, self.together[1]));
        rows.iter().flat_map(|&row| columns.iter().map(move |&column| [row, column])).collect()
    }

    /// Pairs of coarse and fine channel.
    fn pairs(&self) -> impl Iterator<Item = [usize; 2]> + use<> {
        let fine = self.shape.fine_channels;
        (0..self.shape.coarse_channels).flat_map(move |c| (0..fine).map(move |f| [c, f]))
    }

    /// Where runs begin in lines of cells of the coarse side, and in the rows of the fine side.
    fn runs(
        &self,
        block: &Block,
        rows: &FineRows,
        (i, taps): (usize, Vectors),
    ) -> (Vec<usize>, Vec<usize>) {
        let axes = &block.axes;
        let z = valid(&self.shape.axes[0], i, &axes[0]);
        let mut y = axes[1].end..axes[1].start;
        for tap in taps.first..taps.first + taps.number {
            let valid = valid(&self.shape.axes[1], tap, &axes[1]);
            if !valid.is_empty() {
                y = y.start.min(valid.start)..y.end.max(valid.end);
            }
        }
        let [all, columns, cells] = axes.each_ref().map(Range::len);
        let (mut coarse, mut fine) = (Vec::new(), Vec::new());
        for n in 0..block.images.len() {
            for p in z.clone().map(|p| p - axes[0].start) {
                for q in y.clone().map(|q| q - axes[1].start) {
                    coarse.push(((n * all + p) * columns + q) * cells * self.shape.isa.lanes());
                    fine.push(rows.row(&self.shape, [n, p, q], [i, taps.first]));
                }
            }
        }
        (coarse, fine)
    }
}

impl Way for GroupLanes {
    fn costs(&self) -> Costs {
        let (shape, pack) = (&self.shape, way::packing(&self.shape));
        let lanes = shape.isa.lanes();
        let registers = shape.groups.div_ceil(lanes) as f64;
        let [coarse, fine] = [shape.coarse_channels, shape.fine_channels].map(|c| c as f64);
        let grid: usize = self.together.iter().product();
        // Each product loads its fine value, and every few of them the coarse one.
        let load = 1.0 + 1.0 / grid as f64;
        Costs {
            products: coarse
                * fine
                * shape.taps as f64
                * registers
                * load.max(4.0 / grid as f64)
                * met(&shape.axes[0]),
            coarse: pack * coarse * registers * lanes as f64,
            fine: pack * fine * shape.reached() * registers * lanes as f64,
            store: 1.0,
        }
    }

    fn grain(&self) -> Grain {
        Grain { groups: self.shape.isa.lanes(), coarse: usize::MAX, fine: usize::MAX }
    }

    fn blocks(&self, coarse: usize, fine: usize) -> Option<Blocks> {
        way::blocks(&self.shape, |extents| self.panels(coarse, fine, extents))
    }

    fn panels(&self, coarse: usize, fine: usize, extents: [usize; 4]) -> [usize; 2] {
        let lines = extents.iter().product::<usize>() * self.shape.isa.lanes();
        [coarse * lines, fine.saturating_mul(self.rows(extents).values())]
    }

    fn pieces(&self, _share: &Share) -> Vec<usize> {
        let shape = &self.shape;
        vec![shape.coarse_channels * shape.fine_channels * shape.taps * shape.isa.lanes()]
    }

    fn prepare(&self, data: Data<'_>, share: &Share, block: &Block, work: &mut Work) {
        let extents = block.axes.each_ref().map(Range::len);
        let rows = self.rows([block.images.len(), extents[0], extents[1], extents[2]]);
        let lanes = self.shape.isa.lanes();
        for coarse in share.coarse.clone() {
            let planes = self.shape.coarse_groups(data, &share.groups, coarse);
            let out = &mut work.a[coarse * block.cells() * lanes..];
            coarse_side::pack_lines(&self.shape, planes, block, (Order::ImagesOuter, lanes), out);
        }
        for fine in share.fine.clone() {
            let planes = self.shape.fine_groups(data, &share.groups, fine);
            let out = &mut work.b[fine * rows.values()..][..rows.values()];
            rows.pack(&self.shape, planes, block, out);
        }
    }

    fn sum(&self, task: &Task<'_>, work: &mut Work, sums: &mut [f32]) {
        let block = task.block;
        let (isa, lanes) = (self.shape.isa, self.shape.isa.lanes());
        let extents = block.axes.each_ref().map(Range::len);
        let rows = self.rows([block.images.len(), extents[0], extents[1], extents[2]]);
        let [z, y, x] = &self.shape.axes;
        let together = (STEPS / extents[2]).max(1);
        let mut part = [0.0; MOST[0] * MOST[1] * 16];
        let mut sums = sums;
        for i in 0..z.kernel {
            for [row, column] in self.grids() {
                let (a_runs, b_runs) = self.runs(block, &rows, (i, row));
                for [coarse, fine] in self.pairs() {
                    let number = row.number * column.number * lanes;
                    let (own, rest) = sums.split_at_mut(number);
                    sums = rest;
                    let mut first = task.first;
                    let first_column = column.first * x.dilation * lanes;
                    for (a_runs, b_runs) in a_runs.chunks(together).zip(b_runs.chunks(together)) {
                        let products = Products {
                            a: &work.a[coarse * block.cells() * lanes..],
                            a_runs,
                            b: &work.b[fine * rows.values() + first_column..],
                            b_runs,
                            b_row: rows.pitch * y.dilation,
                            b_step: x.stride * lanes,
                            steps: extents[2],
                            rows: row.number,
                            columns: column.number,
                        };
                        if std::mem::take(&mut first) {
                            isa.products(&products, own);
                        } else {
                            isa.products(&products, &mut part);
                            isa.add(&part[..number], own);
                        }
                    }
                    if first {
                        own.fill(0.0);
                    }
                }
            }
        }
    }

    fn store(&self, share: &Share, _piece: usize, sums: &[f32], rows: &mut [&mut [f32]]) {
        let (shape, lanes) = (&self.shape, self.shape.isa.lanes());
        let mut registers = sums.chunks_exact(lanes);
        for i in 0..shape.axes[0].kernel {
            for [row, column] in self.grids() {
                for [coarse, fine] in self.pairs() {
                    for j in row.first..row.first + row.number {
                        for k in column.first..column.first + column.number {
                            let at = fine * shape.taps + shape.tap([i, j, k]);
                            let own = registers.next().unwrap_or_default();
                            let rows = rows[coarse..].iter_mut().step_by(shape.coarse_channels);
                            for (row, value) in rows.zip(own).take(share.groups.len()) {
                                row[at] = *value;
                            }
                        }
                    }
                }
            }
        }
    }
}
