//! Transposed convolution and convolution as dense products, without a column buffer: every output element
//! is written once, no product has an inserted zero in it, and none a tap that falls outside.
//!
//! 1. [`axis`]: an axis becomes phases, shifts, and segments in which all of them lie inside.
//! 2. [`jobs`]: segments of three axes become [`jobs::Job`]s, dense products each.
//! 3. [`split`]: what one task does: images, a band of positions, output channels; [`cost`] weighs it.
//! 4. [`woven_gemm`], [`phase_gemm`], [`few_outputs`], [`block_gemm`] or [`dot_products`]: the product, with
//!    positions (packed by [`source`], or where they lie in a [`window`]), outputs or taps in the lanes. [`woven_gemm`] and
//!    [`block_gemm`] store from registers; [`block_gemm`] reads the channels of [`cells`].
//!
//! Packed positions and sums stay in blocks of bounded size; weights are packed once.

mod axis;
mod block_gemm;
mod cells;
mod cost;
mod dot_products;
mod few_outputs;
mod jobs;
mod output;
mod phase_gemm;
mod share;
mod source;
mod split;
mod steps;
mod store;
mod unit_weight;
mod units;
mod weight;
mod window;
mod woven_gemm;

pub(crate) use jobs::Direction;
pub(crate) use steps::even;

use rayon::prelude::*;

use crate::aligned::Aligned;
use crate::at_once::AtOnce;
use crate::conv_transpose::coupling::Coupling;
use crate::idle::Idle;
use crate::options::{Algorithm, Epilogue, Layout};
use crate::simd::Detected;
use dot_products::Taps;
use jobs::{Job, Products, Taker};
use output::Output;
use phase_gemm::Tiles;
use share::{Finish, Share};
use source::{Source, Strides};
use split::Split;
use units::{Order, Units};
use weight::Weight;
use window::Window;
use woven_gemm::Weaves;

/// X phases from which on registers hold them in NCHW; fewer are woven, or channels are turned.
const WIDE: usize = 9;
/// Products of a sum from which on turning it costs little.
const LONG: usize = 256;
/// Below so many values other threads are not woken to pack a weight.
const SMALL_WEIGHT: usize = 1 << 15;

/// Cells up to which a slice for each costs little beside their products.
const FEW_CELLS: usize = 100;

/// Values beside the buffers of a task.
const SLACK: usize = 64;

/// What every part of a plan for one direction needs to know. Channels are those of a group.
#[derive(Clone, Debug)]
struct Parts {
    isa: Detected,
    layout: Layout,
    direction: Direction,
    products: Products,
    batch: usize,
    groups: usize,
    in_channels: usize,
    out_channels: usize,
    in_cells: usize,
    out_cells: usize,
    taps: usize,
    /// Values that a task finds room for, beside another if there is work for two.
    room: usize,
    /// The axis along which planes are cut into bands: the first that has more than one output cell, so
    /// that a band lies in one piece in memory.
    band_axis: usize,
}

impl Parts {
    /// Most positions of a job that a task of so many images and of `band` positions along the band axis has.
    fn most_positions(&self, job: &Job, images: usize, band: usize) -> usize {
        let mut extent = job.positions.each_ref().map(|p| (p.end - p.start) as usize);
        extent[self.band_axis] = extent[self.band_axis].min(band);
        images * extent.iter().product::<usize>()
    }

    /// Registers of a panel of positions: `most`, if a job has so many and a small layer has room for them
    /// and for `rows` sums beside each.
    fn registers(&self, most: usize, rows: usize) -> usize {
        let positions = |job| self.most_positions(job, self.batch, usize::MAX);
        let steps = |job: &Job| steps::longest(job.shifts.len(), self.in_channels);
        let jobs = || self.products.jobs.iter();
        let filled = jobs().map(positions).max().unwrap_or(0).div_ceil(self.isa.lanes());
        let each = (jobs().map(steps).max().unwrap_or(0) + rows) * self.isa.lanes();
        most.min(filled).min(self.room.saturating_sub(SLACK) / each.max(1)).max(1)
    }

    /// Positions of so many steps each that are packed together, a multiple of `width`: `most`, or what the
    /// room of a small layer holds beside `kept` values; at least `width`.
    fn positions_together(
        &self,
        (most, steps): (usize, usize),
        kept: usize,
        width: usize,
    ) -> usize {
        let room = self.room.saturating_sub(kept + SLACK) / steps.max(1) / width * width;
        most.next_multiple_of(width).min(room).max(width)
    }

    /// What the lanes hold: what is asked for, or else what suits the layout and the length of the sums.
    fn lanes(&self, wanted: Option<Algorithm>) -> Option<Lanes> {
        let tiles = Tiles::new(self.isa, self.out_channels);
        let rows = || {
            let window = few_outputs::window(self).filter(|_| tiles.number == 1)?;
            Some(Lanes::Rows(window, tiles))
        };
        let outputs = |least: f64| {
            let units = self.units().filter(|units| units.filled(self.isa) >= least)?;
            Some(Lanes::Outputs(units))
        };
        let dots = || Taps::new(self).map(Lanes::Taps);
        let weaves = || Weaves::new(self).filter(|weaves| weaves.filled(self) >= 0.8);
        let woven = || weaves().map(Lanes::Woven);
        let best = match wanted {
            Some(Algorithm::FewOutputs) => return rows(),
            Some(Algorithm::BlockGemm) => return outputs(0.0),
            Some(Algorithm::DotProducts) => return dots(),
            Some(_) => woven(),
            None if self.layout == Layout::Nhwc || self.x_phases() >= WIDE => {
                outputs(0.5).or_else(rows)
            }
            None => {
                // Where a register of positions has to be gathered, half-filled ones of outputs cost less.
                let filled = if self.products.axes[2].in_step > 2 { 0.5 } else { 0.8 };
                let turned = || if self.turns() { outputs(filled) } else { None };
                let dots = || if Taps::pays(self) { dots() } else { None };
                let fills = |weaves: &Weaves| weaves.in_rows() || self.rows_fill_registers();
                let straight = || weaves().filter(fills).map(Lanes::Woven);
                dots().or_else(rows).or_else(straight).or_else(turned).or_else(woven)
            }
        };
        Some(best.unwrap_or(Lanes::Positions(tiles)))
    }

    /// Registers of outputs, if those that lie side by side in one do so in the output, or can be turned.
    fn units(&self) -> Option<Units> {
        let order = match self.layout {
            Layout::Nhwc => Order::Cells,
            Layout::Nchw if self.x_phases() >= WIDE => Order::XPhases,
            Layout::Nchw => Order::Channels,
        };
        let possible = order == Order::Channels || self.products.x_phases_adjoin();
        possible.then(|| Units::new(self, order))
    }

    fn x_phases(&self) -> usize {
        self.products.groups.iter().map(|group| group.x_phases).max().unwrap_or(1)
    }

    /// Whether all x phases of a row of positions are whole registers.
    fn rows_fill_registers(&self) -> bool {
        let x = self.products.axes[2].clone().in_blocks(self.isa.lanes());
        x.groups.iter().any(|group| group.ahead > 0)
    }

    /// Whether sums are so long that turning them costs less than packing positions for every shift.
    fn turns(&self) -> bool {
        let shifts = self.products.groups.iter().map(|group| group.shifts).max().unwrap_or(0);
        shifts > 1 && shifts * self.in_channels >= LONG
    }
}

/// What the lanes of a register hold.
#[derive(Clone, Debug)]
enum Lanes {
    Positions(Tiles),
    /// Positions, with the x phases of a channel in one tile.
    Woven(Weaves),
    /// Positions where they lie.
    Rows(Window, Tiles),
    Outputs(Units),
    /// Taps along x.
    Taps(Taps),
}

/// What a task works in.
enum Buffers {
    Positions(phase_gemm::Buffers),
    Woven(woven_gemm::Buffers),
    Rows(few_outputs::Buffers),
    Outputs(block_gemm::Buffers),
    Taps(dot_products::Buffers),
}

impl Lanes {
    /// Output channels that a task takes a multiple of.
    fn channels_together(&self, parts: &Parts) -> usize {
        match self {
            Self::Positions(tiles) | Self::Rows(_, tiles) => tiles.height,
            Self::Woven(weaves) => weaves.channels(),
            Self::Outputs(units) => units.channels_together(parts),
            Self::Taps(taps) => taps.tile[1],
        }
    }

    /// Whether tasks may have a part of the output channels: in NHWC, where those of a cell lie in one piece, only with
    /// few cells, each of which is then a slice of its own.
    fn cut_channels(&self, parts: &Parts) -> bool {
        let groups = &parts.products.groups;
        let one_phase = groups.iter().all(|group| group.outer_phases * group.x_phases == 1);
        let few = parts.batch * parts.out_cells <= FEW_CELLS;
        parts.layout == Layout::Nchw
            || matches!(self, Self::Outputs(_)) && parts.groups == 1 && one_phase && few
    }

    /// Values of the packed weight of one group of channels.
    fn weight_values(&self, parts: &Parts) -> usize {
        match self {
            Self::Positions(tiles) | Self::Rows(_, tiles) => tiles.weight_values(parts),
            Self::Woven(weaves) => weaves.weight_values(parts),
            Self::Outputs(units) => units.weight_values(parts),
            Self::Taps(_) => parts.in_channels * parts.out_channels * parts.taps,
        }
    }

    fn pack(&self, parts: &Parts, weight: Weight<'_>, packed: &mut [f32]) {
        match self {
            Self::Positions(tiles) | Self::Rows(_, tiles) => tiles.pack(parts, weight, packed),
            Self::Woven(weaves) => weaves.pack(parts, weight, packed),
            Self::Outputs(units) => unit_weight::pack(parts, units, weight, packed),
            Self::Taps(_) => packed.copy_from_slice(weight.values),
        }
    }

    fn buffers(&self, parts: &Parts, values: [usize; 3]) -> Buffers {
        let [_, b, c] = values;
        match self {
            Self::Positions(_) => Buffers::Positions(phase_gemm::Buffers::new([b, c])),
            Self::Woven(_) => Buffers::Woven(woven_gemm::Buffers::new(b)),
            Self::Rows(..) => Buffers::Rows(few_outputs::Buffers::new([b, c])),
            Self::Outputs(units) => {
                Buffers::Outputs(block_gemm::Buffers::new(parts, units, values))
            }
            Self::Taps(_) => Buffers::Taps(dot_products::Buffers::new(c)),
        }
    }

    fn run(
        &self,
        parts: &Parts,
        share: &Share<'_>,
        buffers: &mut Buffers,
        output: &mut Output<'_>,
    ) {
        match (self, buffers) {
            (Self::Positions(tiles), Buffers::Positions(buffers)) => {
                phase_gemm::run(parts, tiles, share, buffers, output);
            }
            (Self::Woven(weaves), Buffers::Woven(buffers)) => {
                woven_gemm::run(parts, weaves, share, buffers, output);
            }
            (Self::Rows(window, tiles), Buffers::Rows(buffers)) => {
                few_outputs::run(parts, (window, tiles), share, buffers, output);
            }
            (Self::Outputs(units), Buffers::Outputs(buffers)) => {
                block_gemm::run(parts, units, share, buffers, output);
            }
            (Self::Taps(taps), Buffers::Taps(buffers)) => {
                dot_products::run(parts, taps, share, buffers, output);
            }
            _ => unreachable!("buffers are made by the same plan"),
        }
    }
}

/// Bytes that a task takes for so many values of cells, panels and sums.
fn bytes(buffers: [usize; 3]) -> usize {
    (buffers.iter().sum::<usize>() + SLACK) * size_of::<f32>()
}

/// One direction of a coupling, ready to run.
#[derive(Clone, Debug)]
pub(crate) struct PhasePlan {
    parts: Parts,
    lanes: Lanes,
    split: Split,
    /// Values of cells, of panels and of sums that a task needs.
    buffers: [usize; 3],
    at_once: AtOnce,
    idle: Idle<Buffers>,
    packed: Idle<Aligned>,
}

impl PhasePlan {
    /// Its tasks keep to `limit` bytes, if one of them does. `None` if the kernel has more phases and taps than
    /// are worth listing, or if the algorithm that is asked for does not apply.
    pub(crate) fn new(
        coupling: &Coupling,
        direction: Direction,
        (isa, layout): (Detected, Layout),
        wanted: Option<Algorithm>,
        limit: usize,
    ) -> Option<Self> {
        let products = Products::new(coupling, direction, isa.lanes(), Taker::Outputs)?;
        let c = coupling;
        let (coarse, fine) = ((c.coarse_channels, c.coarse_cells), (c.fine_channels, c.fine_cells));
        let ((in_channels, in_cells), (out_channels, out_cells)) = match direction {
            Direction::CoarseToFine => (coarse, fine),
            Direction::FineToCoarse => (fine, coarse),
        };
        let band_axis = products.axes.iter().position(|axis| axis.out_cells > 1).unwrap_or(2);
        let mut parts = Parts {
            isa,
            layout,
            direction,
            products,
            batch: c.batch,
            groups: c.groups,
            in_channels,
            out_channels,
            in_cells,
            out_cells,
            taps: c.taps,
            room: limit / size_of::<f32>() / if c.work() < 2 * split::WORK { 1 } else { 2 },
            band_axis,
        };
        let mut lanes = parts.lanes(wanted)?;
        let products = |taker| Products::new(coupling, direction, isa.lanes(), taker);
        match &mut lanes {
            Lanes::Outputs(units) if units.order == Order::XPhases => {}
            // Too many cuts: positions are packed instead.
            Lanes::Outputs(units) => {
                let cut = products(Taker::Cells);
                let few = cut.as_ref().is_none_or(|cut| units.pays_each_tap(&parts, cut));
                let whole = if few { products(Taker::EachTap) } else { None };
                units.each_tap = whole.is_some();
                parts.products = whole.or(cut).unwrap_or(parts.products);
            }
            Lanes::Positions(tiles) => {
                parts.products = products(Taker::Positions)?;
                let x_phases = parts.products.jobs.iter().map(|job| job.x_phases.len());
                let rows = tiles.height * x_phases.max().unwrap_or(0);
                tiles.vectors = parts.registers(tiles.vectors, rows);
            }
            Lanes::Woven(weaves) => {
                parts.products = products(Taker::Woven)?;
                weaves.place(&parts)?;
            }
            Lanes::Taps(_) => parts.products = products(Taker::Cells)?,
            Lanes::Rows(window, _) => {
                parts.products = products(Taker::Rows)?;
                *window = few_outputs::window(&parts)?;
            }
        }
        let split = Split::new(&parts, &lanes, c.work());
        let (images, band) = (split.images, split.band);
        let without_cells = |[panels, sums]: [usize; 2]| [0, panels, sums];
        let buffers = match &lanes {
            Lanes::Positions(tiles) => {
                without_cells(phase_gemm::Buffers::values(&parts, tiles, images, band))
            }
            Lanes::Woven(weaves) => {
                [0, woven_gemm::Buffers::values(&parts, weaves, images, band), 0]
            }
            Lanes::Rows(window, tiles) => without_cells(few_outputs::values(&parts, window, tiles)),
            Lanes::Taps(taps) => [0, 0, taps.values(&parts)],
            Lanes::Outputs(units) => block_gemm::Buffers::values(&parts, units, images, band),
        };
        let at_once = AtOnce::within(limit, bytes(buffers));
        let (idle, packed) = (Idle::new(), Idle::new());
        Some(Self { parts, lanes, split, buffers, at_once, idle, packed })
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self.lanes {
            Lanes::Positions(_) | Lanes::Woven(_) => Algorithm::PhaseGemm,
            Lanes::Rows(..) => Algorithm::FewOutputs,
            Lanes::Outputs(_) => Algorithm::BlockGemm,
            Lanes::Taps(_) => Algorithm::DotProducts,
        }
    }

    /// Bytes that a run allocates in a pool of so many threads.
    pub(crate) fn workspace(&self, threads: usize) -> usize {
        bytes(self.buffers) * self.at_once.of(self.split.tasks(&self.parts), threads)
    }

    /// Values of a packed weight.
    pub(crate) fn packed_len(&self) -> usize {
        self.lanes.weight_values(&self.parts) * self.parts.groups
    }

    /// Packs `[coarse, fine / groups, taps]`.
    pub(crate) fn pack(&self, weight: &[f32]) -> Aligned {
        let mut packed = Aligned::zeros(self.packed_len());
        self.pack_into(weight, &mut packed);
        packed
    }

    /// Runs with a weight that is packed for this run alone, in memory that the next run takes again.
    pub(crate) fn run_unpacked(
        &self,
        x: &[f32],
        weight: &[f32],
        epilogue: Epilogue<'_>,
        y: &mut [f32],
    ) {
        if let Lanes::Taps(_) = self.lanes {
            // Packed it is the same.
            return self.run(x, weight, epilogue, y);
        }
        let packed = self.packed.take();
        let mut packed = packed.unwrap_or_else(|| Aligned::zeros(self.packed_len()));
        self.pack_into(weight, &mut packed);
        self.run(x, &packed, epilogue, y);
        self.packed.put(packed);
    }

    /// Places beside the last channel are zero from the start, and stay so.
    fn pack_into(&self, weight: &[f32], packed: &mut [f32]) {
        let parts = &self.parts;
        let one = self.lanes.weight_values(parts);
        if one == 0 {
            return;
        }
        let from = weight.len() / parts.groups;
        let groups = packed.par_chunks_exact_mut(one).zip(weight.par_chunks_exact(from));
        groups.for_each(|(packed, weight)| {
            self.lanes.pack(parts, Weight::new(parts, weight), packed);
        });
    }

    /// Writes every element of `y`.
    pub(crate) fn run(&self, x: &[f32], packed: &[f32], epilogue: Epilogue<'_>, y: &mut [f32]) {
        let parts = &self.parts;
        let strides = Strides::new(parts.layout, parts.groups * parts.in_channels, parts.in_cells);
        let one = self.lanes.weight_values(parts);
        let task = |task: &mut split::Task<'_>, buffers: &mut Buffers| {
            for group in task.groups.clone() {
                let outputs = group * parts.out_channels..(group + 1) * parts.out_channels;
                let share = Share {
                    source: Source { x, strides, channel: group * parts.in_channels },
                    images: task.output.images.clone(),
                    band: task.band.clone(),
                    channels: task.channels.clone(),
                    weight: &packed[group * one..(group + 1) * one],
                    finish: Finish {
                        bias: epilogue.bias.map(|bias| &bias[outputs.clone()]),
                        activation: epilogue.activation,
                        first_channel: outputs.start,
                    },
                };
                self.lanes.run(parts, &share, buffers, &mut task.output);
            }
        };
        let make = || self.lanes.buffers(parts, self.buffers);
        split::run(self.split.cut(parts, y), self.at_once, &self.idle, make, task);
    }
}
