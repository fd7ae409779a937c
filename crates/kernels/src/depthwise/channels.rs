//! Depthwise planes in NHWC with channels in the lanes: inputs, weights and outputs are read and written
//! where they lie.
//!
//! A row of output is cut into segments in which the same taps fall inside the input; a tile is a few cells
//! of a segment by one register of channels, so that a weight is read once for all of its cells.

use std::ops::Range;

use super::block::activate;
use super::outer::{Group, Outer, Phase};
use super::pick::Pick;
use super::split::{Share, Whole};
use super::{Call, Sizes};
use crate::conv_transpose::coupling::AxisMap;
use crate::options::Activation;
use crate::phases::Direction;
use crate::simd::activate::Activate;
use crate::simd::{Detected, Isa};

/// A plan for cells of many channels.
#[derive(Clone, Debug)]
pub(super) struct ChannelsPlan {
    isa: Detected,
    sizes: Sizes,
    pub(super) rows: Outer,
    /// For each output plane, and for each output row of it, what it is a sum over, with the taps.
    sources: [Vec<Vec<(usize, usize)>>; 2],
    segments: Vec<Segment>,
    /// Taps of the last two axes.
    kernel: [usize; 2],
    in_cells: usize,
    out_cells: usize,
}

/// Output cells of a row for which the same taps lie inside.
#[derive(Clone, Debug)]
struct Segment {
    first: usize,
    step: usize,
    count: usize,
    /// The input cell of the first output cell, and the tap.
    terms: Vec<(usize, usize)>,
    /// Input cells from an output cell to the next.
    in_step: usize,
}

/// One product of every output of a segment: offsets of x and of the weight.
#[derive(Clone, Copy)]
struct Product {
    x: usize,
    weight: usize,
}

/// Most products listed for the segments of a row.
const MOST_TERMS: usize = 1 << 18;

impl ChannelsPlan {
    pub(super) fn new(
        isa: Detected,
        sizes: Sizes,
        [z, y]: [Outer; 2],
        [_, y_map, x_map]: [&AxisMap; 3],
        direction: Direction,
    ) -> Option<Self> {
        let x = Outer::new(x_map, direction);
        let segments = segments(&x)?;
        Some(Self {
            isa,
            sizes,
            sources: [z.sources(), y.sources()],
            rows: y,
            segments,
            kernel: [y_map.kernel, x_map.kernel],
            in_cells: x.in_cells,
            out_cells: x.out_cells,
        })
    }

    pub(super) fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    /// Values of an output row.
    pub(super) fn out_values(&self) -> usize {
        self.out_cells * self.sizes.channels
    }

    pub(super) fn whole(&self) -> Whole {
        let registers = self.sizes.channels.div_ceil(self.isa.lanes());
        let of_axis = |axis: &Vec<Vec<(usize, usize)>>| axis.iter().map(Vec::len).sum::<usize>();
        let x = self.segments.iter().map(|one| one.terms.len() * one.count).sum::<usize>();
        let [z, y] = self.sources.each_ref().map(of_axis);
        let outputs = self.sources[0].len() * self.rows.out_cells * self.out_cells;
        let products = z as u128 * y as u128 * x as u128;
        Whole {
            planes: self.sizes.planes,
            depth: self.sources[0].len(),
            positions: self.rows.positions.clone(),
            together: 1,
            cost: (products + 2 * outputs as u128) * registers as u128,
        }
    }

    /// Bytes of the packed weight.
    pub(super) fn bytes(&self) -> usize {
        (self.sizes.taps + 1) * self.sizes.channels * size_of::<f32>()
    }

    /// `[taps, channels]` from `[channels, taps]`, and the bias behind it.
    pub(super) fn pack(&self, call: &Call<'_>) -> Vec<f32> {
        let (taps, channels) = (self.sizes.taps, self.sizes.channels);
        let mut packed = Vec::with_capacity((taps + 1) * channels);
        for tap in 0..taps {
            packed.extend(call.weight[tap..].iter().step_by(taps).take(channels));
        }
        match call.epilogue.bias {
            Some(bias) => packed.extend_from_slice(bias),
            None => packed.resize((taps + 1) * channels, 0.0),
        }
        packed
    }

    /// Computes a share of the planes.
    ///
    /// # Panics
    /// If a slice does not have the length that the plan was made for.
    pub(super) fn run(&self, call: &Call<'_>, packed: &[f32], share: &mut Share<'_>) {
        let sizes = &self.sizes;
        assert_eq!(call.x.len(), sizes.planes * sizes.in_plane);
        assert_eq!(packed.len(), (sizes.taps + 1) * sizes.channels);
        assert!(share.planes.end <= sizes.planes && share.depth.end <= self.sources[0].len());
        assert!(sizes.channels >= self.isa.lanes());
        let rows = share.rows(&self.rows);
        assert_eq!(rows.len() * self.out_values() * share.planes.len(), share.out.len());
        let activation = call.epilogue.activation;
        match self.isa.isa() {
            // SAFETY: the asserts above, and what `new` worked out from the same sizes.
            Isa::Portable => unsafe {
                self.planes::<[f32; 8]>(call.x, packed, share, rows, activation);
            },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self.isa` proves that the CPU has AVX2; the rest as above.
            Isa::Avx2 => unsafe { avx2(self, call.x, packed, share, rows, activation) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self.isa` proves that the CPU has AVX-512F; the rest as above.
            Isa::Avx512 => unsafe { avx512(self, call.x, packed, share, rows, activation) },
            #[cfg(not(target_arch = "x86_64"))]
            // SAFETY: as for Portable.
            _ => unsafe { self.planes::<[f32; 8]>(call.x, packed, share, rows, activation) },
        }
    }

    /// # Safety
    /// The CPU has the instruction set of `V`; the rest as [`Self::run`] asserts.
    #[inline(always)]
    unsafe fn planes<V: Pick>(
        &self,
        x: &[f32],
        packed: &[f32],
        share: &mut Share<'_>,
        rows: Range<usize>,
        activation: Activation,
    ) {
        let channels = self.sizes.channels;
        let mut products = Vec::new();
        let planes = share.planes.clone();
        let mut outs = share.out.chunks_exact_mut(self.out_values());
        for plane in planes {
            for row in rows.clone() {
                let Some(out) = outs.next() else { return };
                let depth = &self.sources[0][row / self.rows.out_cells];
                let row = &self.sources[1][row % self.rows.out_cells];
                for segment in &self.segments {
                    products.clear();
                    for (in_plane, z_tap) in depth {
                        for (in_row, y_tap) in row {
                            let cell = (in_plane * self.rows.in_cells + in_row) * self.in_cells;
                            let tap = (z_tap * self.kernel[0] + y_tap) * self.kernel[1];
                            products.extend(segment.terms.iter().map(|(x, x_tap)| Product {
                                x: plane * self.sizes.in_plane + (cell + x) * channels,
                                weight: (tap + x_tap) * channels,
                            }));
                        }
                    }
                    let line = Line {
                        x: x.as_ptr(),
                        weight: packed.as_ptr(),
                        bias: packed[self.sizes.taps * channels..].as_ptr(),
                        products: &products,
                        in_step: segment.in_step * channels,
                        out_step: segment.step * channels,
                        channels,
                        activation,
                    };
                    // SAFETY: for each cell of the segment every product lies inside x, and the cell
                    // inside the row.
                    unsafe {
                        let out = out.as_mut_ptr().add(segment.first * channels);
                        line.cells::<V>(segment.count, out);
                    }
                }
                if !activation.is_within_register() {
                    // SAFETY: the CPU has the instruction set, as the caller says.
                    unsafe { V::run(Activate { activation, values: out }) };
                }
            }
        }
    }
}

/// The cells of a segment.
struct Line<'a> {
    x: *const f32,
    weight: *const f32,
    bias: *const f32,
    products: &'a [Product],
    /// Values from a cell to the next.
    in_step: usize,
    out_step: usize,
    channels: usize,
    activation: Activation,
}

impl Line<'_> {
    /// # Safety
    /// The CPU has the instruction set of `V`; all channels of `count` cells can be read for each product, and
    /// written; there are at least as many channels as lanes.
    #[inline(always)]
    unsafe fn cells<V: Pick>(&self, count: usize, out: *mut f32) {
        let mut cell = 0;
        // SAFETY: the cells of each tile are below `count`.
        unsafe {
            while cell + 8 <= count {
                self.tiles::<V, 8>(cell, out);
                cell += 8;
            }
            if count & 4 != 0 {
                self.tiles::<V, 4>(cell, out);
                cell += 4;
            }
            if count & 2 != 0 {
                self.tiles::<V, 2>(cell, out);
                cell += 2;
            }
            if count & 1 != 0 {
                self.tiles::<V, 1>(cell, out);
            }
        }
    }

    /// All channels of `U` cells.
    ///
    /// # Safety
    /// As [`Self::cells`].
    #[inline(always)]
    unsafe fn tiles<V: Pick, const U: usize>(&self, cell: usize, out: *mut f32) {
        let last = self.channels - V::LANES;
        let mut channel = 0;
        loop {
            // SAFETY: a register of channels from `channel` on lies inside each cell.
            unsafe {
                let mut sums = [V::load(self.bias.add(channel)); U];
                let x = self.x.add(cell * self.in_step + channel);
                let weight = self.weight.add(channel);
                for product in self.products {
                    let factor = V::load(weight.add(product.weight));
                    let x = x.add(product.x);
                    for n in 0..U {
                        sums[n] = V::load(x.add(n * self.in_step)).mul_add(factor, sums[n]);
                    }
                }
                for n in 0..U {
                    let to = out.add((cell + n) * self.out_step + channel);
                    activate(sums[n], self.activation).store(to);
                }
            }
            if channel == last {
                return;
            }
            // The last register may hold channels that the one before had too, with the same sums.
            channel = (channel + V::LANES).min(last);
        }
    }
}

/// All segments of a row; `None` if there is too much to list.
fn segments(axis: &Outer) -> Option<Vec<Segment>> {
    let mut segments = Vec::new();
    let mut terms = 0;
    for group in &axis.groups {
        for phase in &group.phases {
            let all = of_phase(axis, group, phase);
            terms += all.iter().map(|one| one.terms.len()).sum::<usize>();
            if terms > MOST_TERMS {
                return None;
            }
            segments.extend(all);
        }
    }
    Some(segments)
}

fn of_phase(axis: &Outer, group: &Group, phase: &Phase) -> Vec<Segment> {
    // Positions p with `0 <= p * step + offset < cells`.
    let range = |cells: usize, step: i64, offset: i64| {
        let end = (cells as i64 - 1 - offset).div_euclid(step) + 1;
        let first = -offset.div_euclid(step);
        first..end.max(first)
    };
    let written = range(axis.out_cells, axis.out_step, phase.output);
    let read: Vec<Range<i64>> =
        group.shifts.iter().map(|&shift| range(axis.in_cells, axis.in_step, shift)).collect();
    let inner = |at: i64| at.clamp(written.start, written.end);
    let mut cuts: Vec<i64> = read.iter().flat_map(|r| [inner(r.start), inner(r.end)]).collect();
    cuts.extend([written.start, written.end]);
    cuts.sort_unstable();
    cuts.dedup();
    let segment = |cut: &[i64]| {
        let (start, end) = (cut[0], cut[1]);
        let holds = |n: &usize| read[*n].start <= start && end <= read[*n].end;
        // Not negative: inside the row.
        let term = |n: usize| {
            let input = start * axis.in_step + group.shifts[n];
            (input as usize, phase.taps[n])
        };
        Segment {
            first: (start * axis.out_step + phase.output) as usize,
            step: axis.out_step as usize,
            count: (end - start) as usize,
            terms: (0..read.len()).filter(holds).map(term).collect(),
            in_step: axis.in_step as usize,
        }
    };
    cuts.windows(2).map(segment).collect()
}

/// # Safety
/// The CPU has AVX2; the rest as [`ChannelsPlan::planes`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(
    plan: &ChannelsPlan,
    x: &[f32],
    packed: &[f32],
    share: &mut Share<'_>,
    rows: Range<usize>,
    activation: Activation,
) {
    // SAFETY: the caller's promise.
    unsafe {
        plan.planes::<std::arch::x86_64::__m256>(x, packed, share, rows, activation);
    }
}

/// # Safety
/// The CPU has AVX-512F; the rest as [`ChannelsPlan::planes`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(
    plan: &ChannelsPlan,
    x: &[f32],
    packed: &[f32],
    share: &mut Share<'_>,
    rows: Range<usize>,
    activation: Activation,
) {
    // SAFETY: the caller's promise.
    unsafe {
        plan.planes::<std::arch::x86_64::__m512>(x, packed, share, rows, activation);
    }
}
