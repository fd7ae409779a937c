//! What a convolution and its transpose have in common.
//!
//! Both connect the cells of a *coarse* side (input of the transposed convolution, output of the
//! convolution) with those of a *fine* side through the same weight, `[coarse, fine / groups, taps]`:
//!
//! | | coarse | fine | forward | gradient for x |
//! | --- | --- | --- | --- | --- |
//! | transposed convolution | x | y | coarse to fine | fine to coarse |
//! | convolution | y | x | fine to coarse | coarse to fine |
//!
//! and the gradient for the weight correlates the two sides. So three routines serve both operations.

use crate::error::{KernelError, Result};
use std::ops::Range;
use upconv_geometry::limits::cells;
use upconv_geometry::{Axis, ConvAxis, ConvShape, ConvTransposeShape};

/// Operations in the time that it takes to read or write a value in an L2 cache.
const MOVING: u128 = 32;

/// The sizes of both sides, and where each tap lands. Spatial axes are filled up to three in front.
#[derive(Clone, Debug)]
pub(crate) struct Coupling {
    pub(crate) batch: usize,
    pub(crate) groups: usize,
    /// Coarse channels of a group.
    pub(crate) coarse_channels: usize,
    /// Fine channels of a group.
    pub(crate) fine_channels: usize,
    /// Cells of one coarse plane.
    pub(crate) coarse_cells: usize,
    /// Cells of one fine plane.
    pub(crate) fine_cells: usize,
    /// Taps of one kernel.
    pub(crate) taps: usize,
    pub(crate) axes: [AxisMap; 3],
}

/// Where the taps of one axis land. Computed tap by tap: a list would grow with the kernel.
#[derive(Clone, Debug)]
pub(crate) struct AxisMap {
    pub(crate) coarse: usize,
    pub(crate) fine: usize,
    pub(crate) stride: usize,
    pub(crate) kernel: usize,
    pub(crate) dilation: usize,
    pub(crate) window_begin: i64,
}

/// Coarse cell `i` of `valid` meets fine cell `i * stride + offset` through this tap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TapMap {
    pub(crate) valid: Range<usize>,
    /// `tap * dilation - window_begin`.
    pub(crate) offset: i64,
}

impl AxisMap {
    fn of(axis: &Axis) -> Self {
        Self {
            coarse: axis.input(),
            fine: axis.output(),
            stride: axis.stride(),
            kernel: axis.kernel(),
            dilation: axis.dilation(),
            window_begin: axis.window_begin(),
        }
    }

    /// An axis of one cell and one tap.
    fn unit() -> Self {
        Self { coarse: 1, fine: 1, stride: 1, kernel: 1, dilation: 1, window_begin: 0 }
    }

    /// `0 <= i * stride + offset <= fine - 1` gives
    /// `ceil(-offset / stride) <= i <= floor((fine - 1 - offset) / stride)`.
    fn tap(&self, tap: usize) -> TapMap {
        let offset = (tap * self.dilation) as i64 - self.window_begin;
        let first = if offset < 0 { (-offset as usize).div_ceil(self.stride) } else { 0 };
        let room = self.fine as i64 - 1 - offset;
        let end = if room < 0 { 0 } else { (room as usize / self.stride + 1).min(self.coarse) };
        TapMap { valid: first.min(end)..end, offset }
    }

    /// The fine cell of a coarse cell inside `valid`.
    pub(crate) fn fine_of(&self, tap: &TapMap, coarse: usize) -> usize {
        debug_assert!(tap.valid.contains(&coarse));
        // Not negative, and below `fine`, by the bounds on `valid`.
        ((coarse * self.stride) as i64 + tap.offset) as usize
    }
}

impl Coupling {
    pub(crate) fn of_conv_transpose(shape: &ConvTransposeShape) -> Result<Self> {
        let axes: Vec<Axis> = shape.axes().to_vec();
        Self::new([shape.batch(), shape.groups(), shape.in_channels(), shape.out_channels()], &axes)
    }

    pub(crate) fn of_conv(shape: &ConvShape) -> Result<Self> {
        let axes: Vec<Axis> = shape.axes().iter().map(ConvAxis::transposed).copied().collect();
        Self::new([shape.batch(), shape.groups(), shape.out_channels(), shape.in_channels()], &axes)
    }

    fn new([batch, groups, coarse, fine]: [usize; 4], axes: &[Axis]) -> Result<Self> {
        if axes.is_empty() || axes.len() > 3 {
            return Err(KernelError::UnsupportedRank { got: axes.len() });
        }
        let of = |f: fn(&Axis) -> usize| axes.iter().map(f).collect::<Vec<_>>();
        let mut maps = [AxisMap::unit(), AxisMap::unit(), AxisMap::unit()];
        for (map, axis) in maps[3 - axes.len()..].iter_mut().zip(axes) {
            *map = AxisMap::of(axis);
        }
        Ok(Self {
            batch,
            groups,
            coarse_channels: coarse / groups,
            fine_channels: fine / groups,
            coarse_cells: cells("input", &of(Axis::input))?,
            fine_cells: cells("output", &of(Axis::output))?,
            taps: cells("kernel", &of(Axis::kernel))?,
            axes: maps,
        })
    }

    /// The maps of a flat (row-major) tap.
    pub(crate) fn tap(&self, tap: usize) -> [TapMap; 3] {
        let [a, b, c] = &self.axes;
        [
            a.tap(tap / (b.kernel * c.kernel)),
            b.tap(tap / c.kernel % b.kernel),
            c.tap(tap % c.kernel),
        ]
    }

    /// Multiplications and additions of one pass at most (the border has fewer).
    pub(crate) fn flops(&self) -> u128 {
        2 * [self.batch, self.groups, self.coarse_channels, self.fine_channels, self.taps]
            .into_iter()
            .chain([self.coarse_cells])
            .map(|n| n as u128)
            .product::<u128>()
    }

    /// What a pass costs, in operations: those of its products, and what it takes to move the values of both sides, which
    /// is more where channels are few.
    pub(crate) fn work(&self) -> u128 {
        let side = |channels: usize, cells: usize| channels as u128 * cells as u128;
        let values = side(self.coarse_channels, self.coarse_cells)
            + side(self.fine_channels, self.fine_cells);
        self.flops() + MOVING * values * (self.batch * self.groups) as u128
    }

    /// Most values that the buffers of a run take together: as many as the weight and twice the larger of both
    /// sides.
    pub(crate) fn room(&self) -> usize {
        let side = |channels: usize, cells: usize| channels.saturating_mul(cells);
        let coarse = side(self.coarse_channels, self.coarse_cells);
        let fine = side(self.fine_channels, self.fine_cells);
        let weight = (self.coarse_channels * self.fine_channels).saturating_mul(self.taps);
        let sides = coarse.max(fine).saturating_mul(2 * self.batch);
        sides.saturating_add(weight).saturating_mul(self.groups)
    }

    /// Whether the work is too small to wake other threads for it. Depends on sizes only.
    pub(crate) fn is_small(&self) -> bool {
        self.flops() < 400_000
    }
}
