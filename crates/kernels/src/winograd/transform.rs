//! The transforms of whole tiles, with channels in the lanes: both axes one after the other.
//!
//! A transformed tile has a *component* for each pair of points, `point of y * POINTS + point of x`; a
//! component lies `step` values from the one before it.

use super::lines::{self, OUTPUTS, POINTS, TAPS};
use crate::options::Activation;
use crate::simd::Detected;
use crate::simd::place::activated;
use crate::simd::vector::{Kernel, Vector};

/// Components of a tile.
pub(super) const COMPONENTS: usize = POINTS * POINTS;
/// A row or column that does not exist.
pub(super) const OUTSIDE: usize = usize::MAX;

/// A tile of input cells, of which the channels lie side by side.
pub(super) struct InputTile<'a> {
    pub(super) cells: &'a [f32],
    /// Where the rows begin, or [`OUTSIDE`].
    pub(super) rows: [usize; POINTS],
    /// Where the cells of a row lie in it, or [`OUTSIDE`].
    pub(super) columns: [usize; POINTS],
    pub(super) channels: usize,
}

/// The taps of some pairs of channels, with output channels in the lanes.
pub(super) struct TapTile<'a> {
    /// `[input channel][tap][lane]`.
    pub(super) weight: &'a [f32],
    /// Values from input channel to input channel.
    pub(super) weight_step: usize,
    pub(super) in_channels: usize,
    /// For each tap of the tile where it lies, or [`OUTSIDE`].
    pub(super) taps: [usize; TAPS * TAPS],
    /// Components that are stored, in ascending order.
    pub(super) components: &'a [usize],
}

/// Components of a tile for a register of channels, and what becomes of its output.
pub(super) struct OutputTile<'a> {
    pub(super) components: &'a [f32],
    /// Values from component to component.
    pub(super) step: usize,
    /// Points of y and of x that are not zero.
    pub(super) points: [[bool; POINTS]; 2],
    /// Where the rows begin, or [`OUTSIDE`].
    pub(super) rows: [usize; OUTPUTS],
    /// Where the cells of a row lie in it, or [`OUTSIDE`].
    pub(super) columns: [usize; OUTPUTS],
    /// Lanes that are stored.
    pub(super) channels: usize,
    pub(super) bias: [f32; 16],
    pub(super) activation: Activation,
}

/// The farthest of places that exist.
fn last(places: &[usize]) -> Option<usize> {
    places.iter().copied().filter(|&place| place != OUTSIDE).max()
}

impl Detected {
    /// Transforms a tile of all its channels to `out`, where components lie `step` values apart; lanes behind
    /// the last channel become zero.
    ///
    /// # Panics
    /// If a cell, or a component, lies outside.
    pub(super) fn transform_input(self, tile: &InputTile<'_>, out: &mut [f32], step: usize) {
        if let (Some(row), Some(column)) = (last(&tile.rows), last(&tile.columns)) {
            assert!(row + column + tile.channels <= tile.cells.len());
        }
        let width = tile.channels.next_multiple_of(self.lanes());
        assert!((COMPONENTS - 1) * step + width <= out.len());
        // SAFETY: the asserts are all that is read and written.
        unsafe { self.run_kernel(Input { tile, out: out.as_mut_ptr(), step }) };
    }

    /// Transforms the taps of every input channel to `[component][input channel][lane]`, of which components
    /// lie `step` values apart and input channels `channel_step`.
    ///
    /// # Panics
    /// If a tap, or a component, lies outside.
    pub(super) fn transform_taps(
        self,
        tile: &TapTile<'_>,
        out: &mut [f32],
        [step, channel_step]: [usize; 2],
    ) {
        let Some(channels) = tile.in_channels.checked_sub(1) else { return };
        let (lanes, stored) = (self.lanes(), tile.components.len());
        if let Some(tap) = last(&tile.taps) {
            assert!(channels * tile.weight_step + tap + lanes <= tile.weight.len());
        }
        assert!(tile.components.iter().all(|&component| component < COMPONENTS));
        let end = stored.saturating_sub(1) * step + channels * channel_step + lanes;
        assert!(stored == 0 || end <= out.len());
        // SAFETY: the asserts are all that is read and written.
        unsafe { self.run_kernel(Taps { tile, out: out.as_mut_ptr(), step, channel_step }) };
    }

    /// Transforms the components of a register of channels to output cells, with bias and activation.
    ///
    /// # Panics
    /// If a component, or a cell, lies outside.
    pub(super) fn transform_output(self, tile: &OutputTile<'_>, out: &mut [f32]) {
        assert!((COMPONENTS - 1) * tile.step + self.lanes() <= tile.components.len());
        assert!(tile.channels <= self.lanes());
        if let (Some(row), Some(column)) = (last(&tile.rows), last(&tile.columns)) {
            assert!(row + column + tile.channels <= out.len());
        }
        // SAFETY: the asserts are all that is read and written.
        unsafe { self.run_kernel(Output { tile, out: out.as_mut_ptr() }) };
    }
}

/// What a macro makes of 0 to 5. A closure would lack the instruction set, and a loop fill the array twice.
macro_rules! each {
    ($of:ident) => {
        [$of!(0), $of!(1), $of!(2), $of!(3), $of!(4), $of!(5)]
    };
}

struct Input<'a> {
    tile: &'a InputTile<'a>,
    out: *mut f32,
    step: usize,
}

impl Input<'_> {
    /// A column of the tile, transformed along y.
    ///
    /// # Safety
    /// As [`Kernel::run`]; there are `count` channels from `channel` on.
    #[inline(always)]
    unsafe fn column<V: Vector>(
        &self,
        x: usize,
        inside: bool,
        channel: usize,
        count: usize,
    ) -> [V; POINTS] {
        let tile = self.tile;
        // SAFETY: `count` channels of every cell that exists can be read.
        unsafe {
            let from = tile.cells.as_ptr().wrapping_add(channel);
            let mut line = [V::splat(0.0); POINTS];
            for y in 0..POINTS {
                let (row, column) = (tile.rows[y], tile.columns[x]);
                if inside || row != OUTSIDE && column != OUTSIDE {
                    let from = from.wrapping_add(row + column);
                    line[y] = match count == V::LANES {
                        true => V::load(from),
                        false => V::load_some(from, count),
                    };
                }
            }
            lines::input(line)
        }
    }
}

impl Kernel for Input<'_> {
    /// # Safety
    /// See [`Detected::transform_input`].
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Self { tile, out, step } = self;
        let inside = !tile.rows.contains(&OUTSIDE) && !tile.columns.contains(&OUTSIDE);
        for channel in (0..tile.channels).step_by(V::LANES) {
            let count = V::LANES.min(tile.channels - channel);
            // SAFETY: `count` channels of every cell that exists can be read, and a register of every
            // component written.
            unsafe {
                macro_rules! column {
                    ($x:literal) => {
                        self.column::<V>($x, inside, channel, count)
                    };
                }
                let columns: [[V; POINTS]; POINTS] = each!(column);
                for y in 0..POINTS {
                    let mut line = [V::splat(0.0); POINTS];
                    for x in 0..POINTS {
                        line[x] = columns[x][y];
                    }
                    let line = lines::input(line);
                    for x in 0..POINTS {
                        line[x].store(out.add((y * POINTS + x) * step + channel));
                    }
                }
            }
        }
    }
}

struct Taps<'a> {
    tile: &'a TapTile<'a>,
    out: *mut f32,
    step: usize,
    channel_step: usize,
}

impl Taps<'_> {
    /// A column of taps, transformed along y.
    ///
    /// # Safety
    /// As [`Kernel::run`]; there are taps from `from` on.
    #[inline(always)]
    unsafe fn column<V: Vector>(&self, x: usize, from: *const f32) -> [V; POINTS] {
        // SAFETY: a register of every tap that exists can be read.
        unsafe {
            let mut line = [V::splat(0.0); TAPS];
            for y in 0..TAPS {
                let tap = self.tile.taps[y * TAPS + x];
                if tap != OUTSIDE {
                    line[y] = V::load(from.add(tap));
                }
            }
            lines::taps(line)
        }
    }
}

impl Kernel for Taps<'_> {
    /// # Safety
    /// See [`Detected::transform_taps`].
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let tile = self.tile;
        for channel in 0..tile.in_channels {
            // SAFETY: a register of every tap that exists can be read, and of every component that is
            // stored be written.
            unsafe {
                let from = tile.weight.as_ptr().add(channel * tile.weight_step);
                let out = self.out.add(channel * self.channel_step);
                let columns: [[V; POINTS]; TAPS] =
                    [self.column(0, from), self.column(1, from), self.column(2, from)];
                macro_rules! row {
                    ($y:literal) => {
                        lines::taps([columns[0][$y], columns[1][$y], columns[2][$y]])
                    };
                }
                let rows: [[V; POINTS]; POINTS] = each!(row);
                for (n, &component) in tile.components.iter().enumerate() {
                    rows[component / POINTS][component % POINTS].store(out.add(n * self.step));
                }
            }
        }
    }
}

struct Output<'a> {
    tile: &'a OutputTile<'a>,
    out: *mut f32,
}

impl Output<'_> {
    /// A column of components, transformed along y.
    ///
    /// # Safety
    /// As [`Kernel::run`].
    #[inline(always)]
    unsafe fn column<V: Vector>(&self, x: usize, all: bool) -> [V; OUTPUTS] {
        let tile = self.tile;
        let [of_y, of_x] = tile.points;
        // SAFETY: a register of every component can be read.
        unsafe {
            let mut line = [V::splat(0.0); POINTS];
            for y in 0..POINTS {
                if all || of_y[y] && of_x[x] {
                    line[y] = V::load(tile.components.as_ptr().add((y * POINTS + x) * tile.step));
                }
            }
            lines::outputs(line)
        }
    }
}

impl Kernel for Output<'_> {
    /// # Safety
    /// See [`Detected::transform_output`].
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Self { tile, out } = self;
        let [of_y, of_x] = tile.points;
        let all = !of_y.contains(&false) && !of_x.contains(&false);
        // SAFETY: a register of every component can be read, and `channels` values of every cell that exists
        // be written.
        unsafe {
            macro_rules! column {
                ($x:literal) => {
                    self.column::<V>($x, all)
                };
            }
            let columns: [[V; OUTPUTS]; POINTS] = each!(column);
            let (one, bias) = (V::splat(1.0), V::load(tile.bias.as_ptr()));
            for y in 0..OUTPUTS {
                let mut line = [V::splat(0.0); POINTS];
                for x in 0..POINTS {
                    line[x] = columns[x][y];
                }
                let line = lines::outputs(line);
                for x in 0..OUTPUTS {
                    let (row, column) = (tile.rows[y], tile.columns[x]);
                    if row != OUTSIDE && column != OUTSIDE {
                        let value = activated(line[x].mul_add(one, bias), tile.activation);
                        let to = out.add(row + column);
                        match tile.channels == V::LANES {
                            true => value.store(to),
                            false => value.store_some(to, tile.channels),
                        }
                    }
                }
            }
        }
    }
}
