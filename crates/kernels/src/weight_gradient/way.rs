//! What the ways to sum the products have in common.

use std::fmt::Debug;
use std::ops::Range;

use super::shape::{Block, Blocks, Data, Shape};
use crate::aligned::Aligned;
use crate::options::Layout;

/// The part of the weight that one task writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) groups: Range<usize>,
    /// Coarse channels of each group.
    pub(super) coarse: Range<usize>,
    /// Fine channels of each group.
    pub(super) fine: Range<usize>,
}

/// What a way takes for one coarse cell, all groups together, in multiply-adds of a register.
#[derive(Clone, Copy, Debug)]
pub(super) struct Costs {
    pub(super) products: f64,
    /// Packing the coarse side, once for each part of the fine channels.
    pub(super) coarse: f64,
    /// Packing the fine side, once for each part of the coarse channels.
    pub(super) fine: f64,
    /// From sums to elements of the weight, for each of them.
    pub(super) store: f64,
}

/// What a share has multiples of, if there is more than one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grain {
    pub(super) groups: usize,
    pub(super) coarse: usize,
    pub(super) fine: usize,
}

/// What a task works in.
pub(super) struct Work {
    pub(super) a: Aligned,
    pub(super) b: Aligned,
}

impl Work {
    pub(super) fn new([a, b]: [usize; 2]) -> Self {
        Self { a: Aligned::zeros(a), b: Aligned::zeros(b) }
    }
}

/// One way to sum the products.
///
/// The sums of a share lie in *pieces*, each in the order in which tiles are summed; what is packed for all
/// pieces of a block is packed once.
pub(super) trait Way: Debug + Send + Sync {
    fn costs(&self) -> Costs;

    fn grain(&self) -> Grain;

    /// How cells are cut for shares of so many coarse and fine channels; `None` if what is packed of even
    /// few cells takes too much memory.
    fn blocks(&self, coarse: usize, fine: usize) -> Option<Blocks>;

    /// Values of both panels of [`Work`] for the largest block.
    fn panels(&self, coarse: usize, fine: usize, extents: [usize; 4]) -> [usize; 2];

    /// Values of sums in every piece.
    fn pieces(&self, share: &Share) -> Vec<usize>;

    /// Packs what all pieces need.
    fn prepare(&self, data: Data<'_>, share: &Share, block: &Block, work: &mut Work);

    /// Adds the products of a block to the sums of a piece, or writes them if it is the `first`.
    fn sum(&self, task: &Task<'_>, work: &mut Work, sums: &mut [f32]);

    /// From the sums of a piece to rows of the weight, `[fine channel][tap]` for each group and coarse
    /// channel.
    fn store(&self, share: &Share, piece: usize, sums: &[f32], rows: &mut [&mut [f32]]);
}

/// What [`Way::sum`] is about.
pub(super) struct Task<'a> {
    pub(super) data: Data<'a>,
    pub(super) share: &'a Share,
    pub(super) block: &'a Block,
    pub(super) piece: usize,
    pub(super) first: bool,
}

/// Values of a panel that stay in an L2 cache beside another: 384 KiB.
pub(super) const PANEL: usize = 96 * 1024;
/// Most values of a panel: 64 MiB.
pub(super) const LIMIT: usize = 16 * 1024 * 1024;

/// Blocks whose panels, as `panels` counts them, stay in the cache. Panel `a` may be larger: tiles read it
/// from front to back, and a value of it for many products.
pub(super) fn blocks(shape: &Shape, panels: impl Fn([usize; 4]) -> [usize; 2]) -> Option<Blocks> {
    let blocks = Blocks::new(shape, [2 * PANEL, 4 * PANEL], &panels);
    let possible = panels(blocks.extents()).iter().all(|&panel| panel <= LIMIT);
    possible.then_some(blocks)
}

/// Cycles that a value takes on its way into a panel: lines are copied, planes transposed.
pub(super) fn packing(shape: &Shape) -> f64 {
    match shape.layout {
        Layout::Nchw => 0.9,
        Layout::Nhwc => 0.4,
    }
}
