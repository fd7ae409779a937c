//! How the work is shared out: by sizes alone, never by the number of threads.
//!
//! First by elements of the weight, as far as that packs little twice; then by cells, in parts whose sums
//! are added up afterwards.

use std::ops::Range;

use super::shape::{Blocks, STEPS, Shape};
use super::way::{PANEL, Share, Way};

/// Below so many multiply-adds of registers a second task costs more than it saves.
const LEAST: f64 = 60_000.0;
/// Most tasks that are looked for.
const TASKS: f64 = 16.0;
/// Most sums of a task that takes several blocks: 2 MiB.
const SUMS: usize = 512 * 1024;
/// Most sums of all parts together: 12 MiB.
const KEPT: usize = 3 * 1024 * 1024;
/// Least cells of a part of them.
const CELLS: usize = 192;

#[derive(Clone, Debug)]
pub(super) struct Split {
    pub(super) shares: Vec<Share>,
    /// Coarse and fine channels of the largest share.
    pub(super) largest: [usize; 2],
    pub(super) blocks: Blocks,
    /// Blocks of each part; one after the other they are all blocks.
    pub(super) parts: Vec<Range<usize>>,
    /// Whether there is too little work to wake other threads for it.
    pub(super) is_small: bool,
    /// Groups of a share, and the shares of these groups.
    groups: usize,
    per_groups: usize,
}

/// Channels of a group that a share has at most.
#[derive(Clone, Copy, Debug)]
struct Pieces {
    coarse: usize,
    fine: usize,
    parts: usize,
    /// Tasks that the work is worth.
    wanted: usize,
}

fn pieces(shape: &Shape, way: &dyn Way, least: usize) -> Pieces {
    let (costs, grain, cells) = (way.costs(), way.grain(), shape.cells().max(1) as f64);
    let total = (costs.products + costs.coarse + costs.fine) * cells;
    let wanted = (total / LEAST).clamp(1.0, TASKS) as usize;
    let each = wanted.div_ceil(shape.groups.div_ceil(grain.groups)).next_power_of_two();
    let powers = || (0..8).map(|n| 1usize << n);
    let elements = (shape.elements() * shape.groups) as f64;
    let mut best: Option<(f64, Pieces)> = None;
    // Where room is rare, there may be less than two tiles.
    let cut = |channels: usize, n: usize, grain: usize| {
        n == 1 || channels / n >= grain || (least > 1 && channels > grain && channels >= n)
    };
    for coarse in powers().filter(|&n| cut(shape.coarse_channels, n, grain.coarse)) {
        for fine in powers().filter(|&n| cut(shape.fine_channels, n, grain.fine)) {
            let shares = coarse * fine;
            if shares < least {
                continue;
            }
            let parts = each.div_ceil(shares).min(shape.cells() / CELLS);
            let parts = parts.min(KEPT / (shape.elements() * shape.groups).max(1)).max(1);
            let packing = (costs.coarse * fine as f64 + costs.fine * coarse as f64) * cells;
            // Every part has its sums, which are added up.
            let sums = if parts > 1 { 1.5 * elements * parts as f64 } else { 0.0 };
            let idle = each as f64 / (shares * parts).min(each) as f64;
            // What does not fit comes last.
            let large = (shape.elements() * grain.groups.min(shape.groups) / shares).div_ceil(SUMS);
            let cost = (costs.products * cells + packing + sums) * idle;
            // So does what leaves little room in the cache for the other side.
            let tall = shape.coarse_channels / coarse * shape.cells().min(STEPS) > PANEL;
            let cost = cost * (1.0 + 0.02 * (large - 1) as f64 + if tall { 0.01 } else { 0.0 });
            let cost = cost + 1e3 * (shares * parts) as f64;
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, Pieces { coarse, fine, parts, wanted }));
            }
        }
    }
    best.map_or(Pieces { coarse: 1, fine: 1, parts: 1, wanted }, |(_, pieces)| pieces)
}

impl Split {
    /// At `least` so many shares of a group, if its channels can be cut so often; `None` as [`Way::blocks`].
    pub(super) fn new(shape: &Shape, way: &dyn Way, least: usize) -> Option<Self> {
        let (pieces, grain) = (pieces(shape, way, least), way.grain());
        // Whole tiles, as a tile that is partly empty costs as much as a full one.
        let length = |all: usize, number: usize, tile: usize| match number {
            1 => all.max(1),
            _ => all.div_ceil(number).next_multiple_of(tile.max(1)),
        };
        let coarse = length(shape.coarse_channels, pieces.coarse, grain.coarse);
        let fine = length(shape.fine_channels, pieces.fine, grain.fine);
        let blocks = way.blocks(coarse, fine)?;
        let mut shares = Vec::new();
        for groups in cut(shape.groups, grain.groups) {
            for coarse in cut(shape.coarse_channels, coarse) {
                for fine in cut(shape.fine_channels, fine) {
                    shares.push(Share { groups: groups.clone(), coarse: coarse.clone(), fine });
                }
            }
        }
        let per_groups =
            cut(shape.coarse_channels, coarse).count() * cut(shape.fine_channels, fine).count();
        let number = blocks.number();
        let parts = cut(number, number.div_ceil(pieces.parts).max(1)).collect();
        let (is_small, groups) = (pieces.wanted < 2, grain.groups);
        Some(Self { shares, largest: [coarse, fine], blocks, parts, is_small, groups, per_groups })
    }

    pub(super) fn tasks(&self) -> usize {
        self.shares.len() * self.parts.len().max(1)
    }

    /// Whether the sums of a piece are those of one block, and can be stored at once.
    pub(super) fn is_direct(&self) -> bool {
        self.blocks.number() == 1
    }

    /// For each share its rows of the weight, `[coarse, fine / groups, taps]`.
    pub(super) fn cut<'a>(&self, shape: &Shape, mut dw: &'a mut [f32]) -> Vec<Vec<&'a mut [f32]>> {
        let mut rows: Vec<Vec<&mut [f32]>> = self.shares.iter().map(|_| Vec::new()).collect();
        for group in 0..shape.groups {
            let first = group / self.groups * self.per_groups;
            let own = first..first + self.per_groups;
            for channel in 0..shape.coarse_channels {
                for (share, rows) in self.shares[own.clone()].iter().zip(&mut rows[own.clone()]) {
                    // Shares of the same coarse channels are in the order of their fine channels.
                    if share.coarse.contains(&channel) {
                        let (row, rest) = dw.split_at_mut(share.fine.len() * shape.taps);
                        rows.push(row);
                        dw = rest;
                    }
                }
            }
        }
        rows
    }
}

/// A range in pieces of `step`; the last may be shorter.
fn cut(all: usize, step: usize) -> impl Iterator<Item = Range<usize>> {
    (0..all).step_by(step.max(1)).map(move |start| start..start.saturating_add(step).min(all))
}
