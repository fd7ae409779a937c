//! Taps along x in the lanes, coarse channels in the rows of a tile: for long kernels and for few channels.
//!
//! The fine cells that a coarse cell meets through the taps of one row of the kernel lie side by side, and
//! those of the next coarse cell a stride further: a tile reads them from where they are. Either each
//! channel has its plane, as in NCHW, and a lane is a tap; or the channels of a cell lie side by side, and
//! a lane is a channel of a tap. Rows get zeros at their ends, so that every cell of a row meets all taps.

use std::ops::Range;

use super::coarse_side::{self, Order};
use super::fine_rows::{Chunks, FineRows};
use super::shape::{Block, Blocks, Data, Shape, met, valid};
use super::tiling::{self, Rows, Tiling, cut_evenly, padded};
use super::way::{self, Costs, Grain, PANEL, Share, Task, Way, Work};
use crate::options::Layout;
use crate::simd::tile::{Start, Starts, Tile, Within};
use crate::simd::transpose::{Places, Spread};

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

/// A group in a piece.
struct Placed {
    group: Group,
    /// Lanes before it.
    first: usize,
    /// Where runs begin on the coarse side, in cells, and on the fine side.
    coarse: Vec<usize>,
    fine: Vec<usize>,
}

/// Copies few values, in parts whose size is constant.
fn copy(from: &[f32], to: &mut [f32]) {
    const PART: usize = 8;
    let (mut from, mut to) = (from.chunks_exact(PART), to.chunks_exact_mut(PART));
    for (from, to) in (&mut from).zip(&mut to) {
        if let (Some(from), Some(to)) = (from.first_chunk::<PART>(), to.first_chunk_mut::<PART>()) {
            *to = *from;
        }
    }
    to.into_remainder().iter_mut().zip(from.remainder()).for_each(|(to, from)| *to = *from);
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
        let fits = self.shape.fine.cell == 1 && self.inner == 1 && map.stride.is_multiple_of(lanes);
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
        (piece * self.together).min(all)..((piece + 1) * self.together).min(all)
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
        let valid = |axis: usize, tap: usize| valid(&self.shape.axes[axis], tap, &block.axes[axis]);
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
        let fine = if self.inner == 1 { 0.3 } else { way::packing(shape) };
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
        let mut width = 0;
        let place = |group: Group| {
            let (coarse, fine) = self.runs(block, &rows, &group);
            width += group.number * lanes;
            Placed { group, first: width - group.number * lanes, coarse, fine }
        };
        let groups: Vec<_> = self.groups(channels.len()).into_iter().map(place).collect();
        let tiles = self.tiles(share);
        let mut a_runs = Vec::new();
        let mut one = |tile: &Rows, placed: &Placed| {
            a_runs.clear();
            a_runs.extend(placed.coarse.iter().map(|cell| cell * tile.height));
            let group = &placed.group;
            let chunk = chunks.map_or(group.chunk * lanes, |chunks| chunks.at(group.chunk));
            let at = width * tile.first + tile.height * placed.first;
            let sums = &mut sums[at..at + tile.height * group.number * lanes];
            let tile = Tile {
                rows: tile.height,
                vectors: group.number,
                a: &work.a[tile.first * block.cells()..],
                a_runs: Starts::new(&a_runs),
                a_step: tile.height,
                a_rows: Within::Apart(1),
                b: &work.b[group.channel * rows.values() + chunk..],
                b_runs: Starts::new(&placed.fine),
                b_step,
                b_registers: Within::Apart(b_vector),
                steps: cells,
                start: Start::Zero,
            };
            tiling::add(isa, &tile, task.first, sums);
        };
        // In the order of the sums, unless the rows do not stay in the cache from tile to tile.
        if rows.values() * channels.len() <= 4 * PANEL {
            tiles.iter().for_each(|tile| groups.iter().for_each(|group| one(tile, group)));
        } else {
            groups.iter().for_each(|group| tiles.iter().for_each(|tile| one(tile, group)));
        }
    }

    fn store(&self, share: &Share, piece: usize, sums: &[f32], rows: &mut [&mut [f32]]) {
        let lanes = self.shape.isa.lanes();
        let channels = self.channels(share, piece);
        let groups = self.groups(channels.len());
        let width = self.registers(channels.len()) * lanes;
        let mut turned = Turned::new(self);
        for tile in self.tiles(share) {
            let sums = &sums[tile.first * width..];
            for (r, row) in rows[tile.first..].iter_mut().take(tile.height).enumerate() {
                let mut at = 0;
                for group in &groups {
                    let own = group.number * lanes;
                    let sums = &sums[at + r * own..at + (r + 1) * own];
                    at += tile.height * own;
                    match self.inner {
                        1 => self.store_taps(&channels, group, sums, row),
                        _ => turned.put(self, group, sums),
                    }
                }
                if self.inner > 1 {
                    turned.store(self, row);
                }
            }
        }
    }
}

impl TapLanes {
    /// Stores registers whose lanes are taps of one channel.
    fn store_taps(&self, channels: &Range<usize>, group: &Group, sums: &[f32], row: &mut [f32]) {
        let lanes = self.shape.isa.lanes();
        // Registers along x lie side by side in the weight too.
        let part = if self.along == Along::X { sums.len() } else { lanes };
        let first = group.chunk * lanes;
        let length = part.min(self.shape.axes[2].kernel - first);
        for (v, sums) in sums.chunks_exact(part).enumerate() {
            let (mut channel, [i, mut j]) = (channels.start + group.channel, group.taps);
            match self.along {
                Along::X => {}
                Along::Y => j += v,
                Along::Channels => channel += v,
            }
            let at = channel * self.shape.taps + self.shape.tap([i, j, 0]) + first;
            copy(&sums[..length], &mut row[at..at + length]);
        }
    }
}

/// The sums of one coarse channel, `[row of the kernel][tap][channel]`, on their way to `[channel][tap]`.
struct Turned {
    sums: Vec<f32>,
    /// Values of a row of the kernel.
    width: usize,
    places: Places,
}

impl Turned {
    fn new(way: &TapLanes) -> Self {
        let width = way.window() * way.shape.isa.lanes();
        let places = Places::new((0..way.inner).map(|channel| channel * way.shape.taps));
        let rows = way.shape.axes[0].kernel * way.shape.axes[1].kernel;
        Self { sums: vec![0.0; if way.inner > 1 { rows * width } else { 0 }], width, places }
    }

    fn put(&mut self, way: &TapLanes, group: &Group, sums: &[f32]) {
        let lanes = way.shape.isa.lanes();
        for (v, sums) in sums.chunks_exact(lanes).enumerate() {
            let ([i, mut j], mut chunk) = (group.taps, group.chunk);
            match way.along {
                Along::X => chunk += v,
                // There is one plane of rows.
                _ => j += v,
            }
            let at = (i * way.shape.axes[1].kernel + j) * self.width + chunk * lanes;
            copy(sums, &mut self.sums[at..at + lanes]);
        }
    }

    fn store(&self, way: &TapLanes, row: &mut [f32]) {
        let [z, y, x] = way.shape.axes.each_ref().map(|map| map.kernel);
        for (i, j) in (0..z).flat_map(|i| (0..y).map(move |j| (i, j))) {
            // Taps become the channels of lines, and channels the cells.
            let lines = Spread {
                from: &self.sums[(i * y + j) * self.width..],
                channel_step: way.inner,
                cell_step: 1,
                channels: x,
                places: &self.places,
            };
            way.shape.isa.spread(&lines, &mut row[way.shape.tap([i, j, 0])..]);
        }
    }
}
