//! Taps along x in the lanes, coarse channels in the rows of a tile: for long kernels and for few channels.
//!
//! The fine cells that a coarse cell meets through the taps of one row of the kernel lie side by side, and
//! those of the next coarse cell a stride further: a tile reads them from where they are. Either each channel
//! has its plane, as in NCHW, and a lane is a tap; or the channels of a cell lie side by side, and a lane is a
//! channel of a tap. Rows get zeros at their ends, so that every cell of a row meets all taps.

use std::ops::Range;

use super::coarse_side::{self, Order};
use super::fine_rows::{Chunks, FineRows};
use super::shape::{Block, Blocks, Data, Shape, met, valid};
use super::tiling::{Rows, Tiling, cut_evenly, padded};
use super::way::{self, Costs, Grain, PANEL, Share, Task, Way, Work};
use crate::plan::Layout;
use crate::simd::tile::{Registers, Tile};

#[derive(Clone, Debug)]
pub(super) struct TapLanes {
    shape: Shape,
    tiling: Tiling,
    products: f64,
    /// Channels that lie side by side in a cell of a row: one, or all fine channels of a group.
    inner: usize,
    along: Along,
    /// Fine channels whose rows are packed together; 1 where these are all.
    together: usize,
}

/// How the registers of a tile follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Along {
    /// Within a row.
    X,
    /// From row to row.
    Y,
    /// From plane to plane.
    Channels,
}

/// The registers of a tile, `number` of them from the first on.
#[derive(Clone, Copy, Debug)]
struct Group {
    /// Among those packed together.
    channel: usize,
    taps: [usize; 2],
    /// Register of the row.
    chunk: usize,
    number: usize,
}

/// Channels of a cell that are worth it to lie side by side.
const MOST_INNER: usize = 64;

impl TapLanes {
    /// With one channel in a row, or with all of them; `None` where that does not apply.
    pub(super) fn new(shape: &Shape, all_channels: bool) -> Option<Self> {
        let inner = if all_channels { shape.fine_channels } else { 1 };
        if (shape.axes[2].dilation > 1 && shape.axes[2].kernel > 1)
            || inner > MOST_INNER
            || (!all_channels && shape.fine.cell != 1)
            || (all_channels && shape.fine_channels == 1 && shape.layout == Layout::Nchw)
        {
            return None;
        }
        let [z, y, _] = shape.axes.each_ref().map(|map| map.kernel);
        let window = shape.axes[2].kernel * inner;
        let chunks = window.div_ceil(shape.isa.lanes());
        let channels = shape.fine_channels / inner;
        let mut way = Self {
            shape: shape.clone(),
            tiling: Tiling { height: 1, vectors: 1 },
            products: f64::MAX,
            inner,
            along: Along::X,
            together: 1,
        };
        let side_by_side = way.chunks(1).map_or(chunks, |c| c.used);
        let [met_z, met_y] = [0, 1].map(|axis| met(&shape.axes[axis]));
        for (along, number) in
            [(Along::X, side_by_side), (Along::Y, y), (Along::Channels, channels)]
        {
            let (tiling, cost) = Tiling::new(shape.isa, shape.coarse_channels, number);
            let others = (z * y * chunks * channels) as f64 / number as f64;
            let met = if along == Along::Y { met_z } else { met_z * met_y };
            if cost * others * met * 1.01 < way.products {
                way = Self { tiling, products: cost * others * met, along, ..way };
            }
        }
        // Planes that follow one another are packed together; so are short rows, to write long ones.
        let least = if way.along == Along::Channels { way.tiling.vectors } else { 1 };
        way.together = least.min(channels);
        let blocks = way.blocks(shape.coarse_channels, shape.fine_channels)?;
        let plane = way.rows(blocks.extents()).values();
        let together = (PANEL / 8 / plane.max(1)).max(1).next_multiple_of(least);
        way.together = together.min(channels);
        Some(way)
    }

    /// Windows of whole registers.
    fn chunks(&self, cells: usize) -> Option<Chunks> {
        let (map, lanes) = (&self.shape.axes[2], self.shape.isa.lanes());
        let fits = self.inner == 1 && map.stride.is_multiple_of(lanes);
        let window = map.kernel.div_ceil(lanes);
        fits.then(|| Chunks::new(lanes, map.stride / lanes, window, cells))
    }

    fn rows(&self, extents: [usize; 4]) -> FineRows {
        let lanes = self.shape.isa.lanes();
        let rows = FineRows::new(&self.shape, extents, self.inner, lanes);
        match self.chunks(extents[3]) {
            Some(chunks) => rows.chunked(chunks),
            None => rows,
        }
    }

    /// Registers of a row of the kernel.
    fn window(&self) -> usize {
        (self.shape.axes[2].kernel * self.inner).div_ceil(self.shape.isa.lanes())
    }

    /// Fine channels of a piece, counted in rows.
    fn channels(&self, share: &Share, piece: usize) -> Range<usize> {
        let all = share.fine.len() / self.inner;
        piece * self.together..((piece + 1) * self.together).min(all)
    }

    /// All registers of a piece of so many channels.
    fn groups(&self, channels: usize) -> Vec<Group> {
        let [z, y, _] = self.shape.axes.each_ref().map(|map| map.kernel);
        let (window, most) = (self.window(), self.tiling.vectors);
        let mut groups = Vec::new();
        let per_run = self.chunks(1).map_or(window, |chunks| chunks.used);
        for i in 0..z {
            match self.along {
                Along::X => {
                    for (channel, j) in (0..channels).flat_map(|c| (0..y).map(move |j| (c, j))) {
                        for first in (0..window).step_by(per_run) {
                            for v in cut_evenly(per_run.min(window - first), most) {
                                let chunk = first + v.first;
                                let number = v.number;
                                groups.push(Group { channel, taps: [i, j], chunk, number });
                            }
                        }
                    }
                }
                Along::Y => {
                    for (channel, chunk) in
                        (0..channels).flat_map(|c| (0..window).map(move |w| (c, w)))
                    {
                        for v in cut_evenly(y, most) {
                            let taps = [i, v.first];
                            groups.push(Group { channel, taps, chunk, number: v.number });
                        }
                    }
                }
                Along::Channels => {
                    for (j, chunk) in (0..y).flat_map(|j| (0..window).map(move |w| (j, w))) {
                        for v in cut_evenly(channels, most) {
                            let taps = [i, j];
                            groups.push(Group { channel: v.first, taps, chunk, number: v.number });
                        }
                    }
                }
            }
        }
        groups
    }

    /// Registers of all groups.
    fn registers(&self, channels: usize) -> usize {
        let [z, y, _] = self.shape.axes.each_ref().map(|map| map.kernel);
        z * y * self.window() * channels
    }

    fn tiles(&self, share: &Share) -> Vec<Rows> {
        self.tiling.rows(share.coarse.len())
    }

    /// Where runs begin in lines of cells of the coarse side, and in the rows of a plane.
    fn runs(&self, block: &Block, rows: &FineRows, group: &Group) -> (Vec<usize>, Vec<usize>) {
        let valid = |axis: usize, tap: usize| {
            valid(&self.shape.axes[axis], tap, &block.axes[axis])
        };
        let [i, j] = group.taps;
        let (z, mut y) = (valid(0, i), valid(1, j));
        if self.along == Along::Y {
            // Rows outside are zero: as far as one of the taps goes.
            for tap in j + 1..j + group.number {
                let other = valid(1, tap);
                y = match (y.is_empty(), other.is_empty()) {
                    (_, true) => y,
                    (true, false) => other,
                    (false, false) => y.start.min(other.start)..y.end.max(other.end),
                };
            }
        }
        let (mut coarse, mut fine) = (Vec::new(), Vec::new());
        let [_, columns, cells] = block.axes.each_ref().map(Range::len);
        for n in 0..block.images.len() {
            for i in z.clone().map(|i| i - block.axes[0].start) {
                for j in y.clone().map(|j| j - block.axes[1].start) {
                    let line = (n * block.axes[0].len() + i) * columns + j;
                    coarse.push(line * cells);
                    fine.push(rows.row(&self.shape, [n, i, j], group.taps));
                }
            }
        }
        (coarse, fine)
    }
}

impl Way for TapLanes {
    fn costs(&self) -> Costs {
        let shape = &self.shape;
        let groups = shape.groups as f64;
        let fine = if self.inner == 1 { 0.15 } else { way::packing(shape) };
        Costs {
            products: self.products * groups,
            coarse: way::packing(shape) * shape.coarse_channels as f64 * groups,
            fine: fine * shape.fine_channels as f64 * shape.reached() * groups,
            store: if self.inner == 1 { 0.2 } else { 1.5 },
        }
    }

    fn grain(&self) -> Grain {
        let fine = if self.inner == 1 { self.together } else { usize::MAX };
        Grain { groups: 1, coarse: self.tiling.height, fine }
    }

    fn blocks(&self, coarse: usize, fine: usize) -> Option<Blocks> {
        way::blocks(&self.shape, |extents| self.panels(coarse, fine, extents))
    }

    fn panels(&self, coarse: usize, _fine: usize, extents: [usize; 4]) -> [usize; 2] {
        let rows = coarse_side::row_values(&self.tiling.rows(coarse), extents.iter().product());
        [rows, self.rows(extents).values().saturating_mul(self.together)]
    }

    fn pieces(&self, share: &Share) -> Vec<usize> {
        let rows = padded(&self.tiles(share));
        let number = (share.fine.len() / self.inner).div_ceil(self.together);
        let piece = |piece| {
            rows * self.registers(self.channels(share, piece).len()) * self.shape.isa.lanes()
        };
        (0..number).map(piece).collect()
    }

    fn prepare(&self, data: Data<'_>, share: &Share, block: &Block, work: &mut Work) {
        let planes = self.shape.coarse_channels(data, share.groups.start, &share.coarse);
        let order = (Order::ImagesOuter, &self.tiles(share)[..]);
        coarse_side::pack_rows(&self.shape, planes, block, order, &mut work.a);
    }

    fn sum(&self, task: &Task<'_>, work: &mut Work, sums: &mut [f32]) {
        let Task { data, share, block, .. } = *task;
        let (isa, lanes) = (self.shape.isa, self.shape.isa.lanes());
        let extents = [block.images.len(), block.axes[0].len(), block.axes[1].len()];
        let cells = block.axes[2].len();
        let rows = self.rows([extents[0], extents[1], extents[2], cells]);
        let channels = self.channels(share, task.piece);
        let planes = self.shape.fine_channels(data, share.groups.start, &share.fine);
        for (n, channel) in channels.clone().enumerate() {
            let planes = planes.part(channel * self.inner..(channel + 1) * self.inner);
            rows.pack(&self.shape, planes, block, &mut work.b[n * rows.values()..]);
        }
        let chunks = self.chunks(cells);
        let b_vector = match (self.along, &chunks) {
            (Along::X, None) => lanes,
            (Along::X, Some(chunks)) => chunks.numbers * lanes,
            (Along::Y, _) => rows.pitch * self.shape.axes[1].dilation,
            (Along::Channels, _) => rows.values(),
        };
        let b_step = if chunks.is_some() { lanes } else { self.shape.axes[2].stride * self.inner };
        let groups: Vec<_> = self.groups(channels.len());
        let groups: Vec<_> = groups.iter().map(|g| (g, self.runs(block, &rows, g))).collect();
        let all = self.registers(channels.len()) * lanes;
        let mut a_runs = Vec::new();
        for tile in self.tiles(share) {
            let mut at = all * tile.first;
            for (group, (coarse, b_runs)) in &groups {
                a_runs.clear();
                a_runs.extend(coarse.iter().map(|cell| cell * tile.height));
                let chunk = chunks.map_or(group.chunk * lanes, |chunks| chunks.at(group.chunk));
                let sums = &mut sums[at..at + tile.height * group.number * lanes];
                at += sums.len();
                let tile = Tile {
                    rows: tile.height,
                    vectors: group.number,
                    a: &work.a[tile.first * block.cells()..],
                    a_runs: &a_runs,
                    a_step: tile.height,
                    b: &work.b[group.channel * rows.values() + chunk..],
                    b_runs,
                    b_step,
                    b_registers: Registers::Apart(b_vector),
                    steps: cells,
                    add: false,
                };
                work.scratch.add(isa, &tile, task.first, sums);
            }
        }
    }

    fn store(&self, share: &Share, piece: usize, sums: &[f32], rows: &mut [&mut [f32]]) {
        let (lanes, taps) = (self.shape.isa.lanes(), self.shape.taps);
        let kernel = self.shape.axes[2].kernel;
        let channels = self.channels(share, piece);
        let groups = self.groups(channels.len());
        let mut sums = sums;
        for tile in self.tiles(share) {
            for group in &groups {
                let width = group.number * lanes;
                let (own, rest) = sums.split_at(tile.height * width);
                sums = rest;
                for (row, own) in rows[tile.first..].iter_mut().zip(own.chunks_exact(width)) {
                    for (v, own) in own.chunks_exact(lanes).enumerate() {
                        let (mut channel, [i, mut j]) = (channels.start + group.channel, group.taps);
                        let mut first = group.chunk * lanes;
                        match self.along {
                            Along::X => first += v * lanes,
                            Along::Y => j += v,
                            Along::Channels => channel += v,
                        }
                        let at = channel * self.inner * taps + self.shape.tap([i, j, 0]);
                        let length = lanes.min(kernel * self.inner - first);
                        if self.inner == 1 {
                            row[at + first..at + first + length].copy_from_slice(&own[..length]);
                            continue;
                        }
                        for (place, value) in (first..).zip(&own[..length]) {
                            let (tap, inner) = (place / self.inner, place % self.inner);
                            row[at + inner * taps + tap] = *value;
                        }
                    }
                }
            }
        }
    }
}
