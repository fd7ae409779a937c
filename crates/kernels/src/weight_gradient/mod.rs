//! The gradient for the weight: products of coarse and fine cells, summed over all cells and images.
//!
//! ```text
//! dw[c, f, t] = sum over images n and coarse cells q of
//!               coarse[n, c, q] * fine[n, f, q * stride + t * dilation - window_begin]
//! ```
//!
//! Each tap is a matrix product, of the coarse side with a part of the fine side; what makes it fast is to
//! pack either side once for all taps. There are four [ways](way::Way):
//!
//! | | rows of a tile | lanes | for |
//! | --- | --- | --- | --- |
//! | [`channel_lanes`] | coarse channels | fine channels | many channels on both sides |
//! | [`tap_lanes`] | coarse channels | taps along x, and fine channels | long kernels, few channels |
//! | [`coarse_lanes`] | taps along x, and fine channels | coarse channels | few fine channels |
//! | [`group_lanes`] | | groups | depthwise layers |
//!
//! Cells are packed in blocks of bounded size. A tile sums at most [`shape::STEPS`] products in a row in
//! f32; such sums are added up in f32 over some blocks, and these in f64. All of it, and the way itself,
//! follows from the sizes and the instruction set alone, so that every run gives the same bits.

mod channel_lanes;
mod coarse_lanes;
mod coarse_side;
mod fine_rows;
mod group_lanes;
mod products;
mod shape;
mod split;
mod sums;
mod tap_lanes;
#[cfg(test)]
mod tests;
mod tiling;
mod way;

use std::sync::Arc;

use rayon::prelude::*;

use crate::at_once::AtOnce;
use crate::conv_transpose::coupling::Coupling;
use crate::idle::Idle;
use crate::options::Layout;
use crate::simd::Detected;
use channel_lanes::ChannelLanes;
use coarse_lanes::CoarseLanes;
use group_lanes::GroupLanes;
use shape::{Data, Shape};
use split::Split;
use sums::{Sums, add_up};
use tap_lanes::TapLanes;
use way::{Share, Task, Way, Work};

/// The weight gradient of one coupling, ready to run.
#[derive(Clone, Debug)]
pub(crate) struct WeightGradient {
    shape: Shape,
    way: Arc<dyn Way>,
    split: Split,
    /// Values of panels.
    panels: [usize; 2],
    at_once: AtOnce,
    idle: Idle<Work>,
    idle_sums: Idle<Sums>,
}

/// A way, and the shape that it is made for.
type Made = (Shape, Arc<dyn Way>);

/// All ways that apply.
fn all_ways(shape: &Shape) -> Vec<Made> {
    let mut ways: Vec<Made> = vec![(shape.clone(), Arc::new(ChannelLanes::new(shape)))];
    let taps = [false, true].into_iter().filter_map(|all| TapLanes::new(shape, all));
    ways.extend(taps.map(|way| (shape.clone(), Arc::new(way) as Arc<dyn Way>)));
    ways.extend(CoarseLanes::new(shape).map(|way| (shape.clone(), Arc::new(way) as Arc<dyn Way>)));
    ways.extend(GroupLanes::new(shape).map(|way| (shape.clone(), Arc::new(way) as Arc<dyn Way>)));
    if let Some(images) = shape.images_as_cells() {
        let way = TapLanes::new(&images, false);
        ways.extend(way.map(|way| (images, Arc::new(way) as Arc<dyn Way>)));
    }
    ways
}

/// More taps, channels or groups than this are not worth listing.
const MOST: usize = 1 << 20;

impl WeightGradient {
    /// Chooses the way that costs least, among those that find room if some do.
    ///
    /// `None` if there are more taps or channels than are worth listing, or cells so far from each other that
    /// even a few of them cannot be packed.
    pub(crate) fn new(coupling: &Coupling, isa: Detected, layout: Layout) -> Option<Self> {
        let c = coupling;
        let listed = [c.taps, c.coarse_channels, c.fine_channels, c.groups];
        if listed.into_iter().any(|number| number > MOST) {
            return None;
        }
        let shape = Shape::new(coupling, isa, layout);
        let mut ways = all_ways(&shape);
        let cost = |(shape, way): &Made| {
            let (costs, cells) = (way.costs(), shape.cells().max(1) as f64);
            let elements = (shape.elements() * shape.groups) as f64;
            costs.products + costs.coarse + costs.fine + costs.store * elements / cells
        };
        ways.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
        let made = |(shape, way): Made| Self::with(shape, way);
        let mut plans = ways.into_iter().filter_map(made).peekable();
        let first = plans.peek().cloned();
        plans.find(|plan| plan.finds_room()).or(first)
    }

    /// In as few shares as find room one by one.
    fn with(shape: Shape, way: Arc<dyn Way>) -> Option<Self> {
        let plan = |least| Self::cut(shape.clone(), way.clone(), least);
        let whole = plan(1)?;
        let smaller = || (1..6).filter_map(|n| plan(1 << n)).find(|plan| plan.finds_room());
        if whole.finds_room() { Some(whole) } else { smaller().or(Some(whole)) }
    }

    fn finds_room(&self) -> bool {
        self.workspace(1) <= self.shape.room.saturating_mul(size_of::<f32>())
    }

    fn cut(shape: Shape, way: Arc<dyn Way>, least: usize) -> Option<Self> {
        let split = Split::new(&shape, &*way, least)?;
        let [coarse, fine] = split.largest;
        let panels = way.panels(coarse, fine, split.blocks.extents());
        let (idle, idle_sums) = (Idle::new(), Idle::new());
        Some(Self { shape, way, split, panels, at_once: AtOnce::ALL, idle, idle_sums })
    }

    /// Bytes that a run takes in a pool of so many threads.
    pub(crate) fn workspace(&self, threads: usize) -> usize {
        let at_once = self.at_once.of(self.split.tasks(), threads);
        self.kept_bytes() + self.task_bytes() * at_once
    }

    /// Lets so few tasks run at once that they take at most `limit` bytes, if one of them does.
    pub(crate) fn within(self, limit: usize) -> Self {
        let left = limit.saturating_sub(self.kept_bytes());
        Self { at_once: AtOnce::within(left, self.task_bytes()), ..self }
    }

    /// Of the sums of all parts, which are kept until they are added up.
    fn kept_bytes(&self) -> usize {
        if self.split.parts.len() > 1 { self.sums_bytes() * self.split.tasks() } else { 0 }
    }

    /// Of what a task works in.
    fn task_bytes(&self) -> usize {
        let work = self.panels.iter().sum::<usize>() * size_of::<f32>();
        if self.split.parts.len() > 1 { work } else { work + self.sums_bytes() }
    }

    /// Of the sums of a task.
    fn sums_bytes(&self) -> usize {
        let own = |share| {
            let pieces = self.way.pieces(share);
            match self.split.is_direct() {
                true => pieces.into_iter().max().unwrap_or(0) * size_of::<f32>(),
                false => Sums::bytes(pieces.iter().sum(), self.split.parts.first()),
            }
        };
        self.split.shares.iter().map(own).max().unwrap_or(0)
    }

    /// Writes every element of `dw`, `[coarse, fine / groups, taps]`, whatever it held.
    pub(crate) fn run(&self, coarse: &[f32], fine: &[f32], dw: &mut [f32]) {
        let (split, data) = (&self.split, Data { coarse, fine });
        if split.parts.is_empty() {
            dw.fill(0.0);
            return;
        }
        let mut rows = split.cut(&self.shape, dw);
        if split.parts.len() == 1 {
            let one = |(share, rows): (&Share, &mut Vec<&mut [f32]>)| match split.is_direct() {
                true => self.direct(data, share, rows),
                false => {
                    let sums = self.sums(data, share, 0);
                    self.store(share, &sums.values, rows);
                    self.idle_sums.put(sums);
                }
            };
            let tasks = split.shares.iter().zip(&mut rows);
            match split.is_small {
                true => tasks.for_each(one),
                false => self.at_once.run(tasks.collect(), one),
            }
            return;
        }
        let parts = split.parts.len();
        let mut sums: Vec<Sums> = (0..split.tasks()).map(|_| Sums::default()).collect();
        let tasks = sums.iter_mut().enumerate().collect();
        self.at_once.run(tasks, |(n, sums): (usize, &mut Sums)| {
            *sums = self.sums(data, &split.shares[n / parts], n % parts);
        });
        let one = |((share, rows), sums): ((&Share, &mut Vec<&mut [f32]>), &mut [Sums])| {
            add_up(sums);
            if let Some(first) = sums.first() {
                self.store(share, &first.values, rows);
            }
        };
        split.shares.par_iter().zip(&mut rows).zip(sums.par_chunks_mut(parts)).for_each(one);
        sums.into_iter().for_each(|sums| self.idle_sums.put(sums));
    }

    fn work(&self) -> Work {
        self.idle.take().unwrap_or_else(|| Work::new(self.panels))
    }

    /// Sums and stores piece by piece.
    fn direct(&self, data: Data<'_>, share: &Share, rows: &mut [&mut [f32]]) {
        let mut work = self.work();
        let mut sums = self.idle_sums.take().unwrap_or_default();
        let block = self.split.blocks.get(0);
        self.way.prepare(data, share, &block, &mut work);
        for (piece, length) in self.way.pieces(share).into_iter().enumerate() {
            let sums = sums.first(length);
            let task = Task { data, share, block: &block, piece, first: true };
            self.way.sum(&task, &mut work, sums);
            self.way.store(share, piece, sums, rows);
        }
        self.idle.put(work);
        self.idle_sums.put(sums);
    }

    /// The sums of a share over one part of the blocks.
    fn sums(&self, data: Data<'_>, share: &Share, part: usize) -> Sums {
        let mut work = self.work();
        let mut sums = self.idle_sums.take().unwrap_or_default();
        let pieces = self.way.pieces(share);
        let blocks = self.split.parts[part].clone();
        sums.start(pieces.iter().sum(), &blocks);
        for index in blocks {
            let block = self.split.blocks.get(index);
            self.way.prepare(data, share, &block, &mut work);
            let (first, mut rest) = sums.next();
            for (piece, &length) in pieces.iter().enumerate() {
                let (own, after) = rest.split_at_mut(length);
                rest = after;
                let task = Task { data, share, block: &block, piece, first };
                self.way.sum(&task, &mut work, own);
            }
        }
        sums.finish();
        self.idle.put(work);
        sums
    }

    fn store(&self, share: &Share, sums: &[f32], rows: &mut [&mut [f32]]) {
        let mut rest = sums;
        for (piece, length) in self.way.pieces(share).into_iter().enumerate() {
            let (own, after) = rest.split_at(length);
            rest = after;
            self.way.store(share, piece, own, rows);
        }
    }
}
