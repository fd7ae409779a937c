//! Depthwise rows: input rows are spread once each ([`super::across`]) into a ring of a few rows, and blocks
//! of output rows ([`super::block`]) are summed over them.
//!
//! In NCHW a plane is a channel of an image; in NHWC, for few channels, it is an image, and a cell has all
//! channels side by side.

use std::ops::Range;

use super::across::{ALIGN, Across};
use super::block::{self, Block, Form};
use super::outer::Outer;
use super::split::Share;
use super::{Call, Sizes};
use crate::plan::Activation;
use crate::simd::vector::Vector;
use crate::simd::{Detected, Isa};

/// A plan for planes of rows.
#[derive(Clone, Debug)]
pub(super) struct RowsPlan {
    isa: Detected,
    sizes: Sizes,
    pub(super) rows: Outer,
    across: Across,
    /// For each output plane of a plane of three axes the input planes and the kernel's.
    planes: Vec<Vec<(usize, usize)>>,
    kernel: [usize; 2],
    chunks: Vec<Chunk>,
    form: Form,
    /// Output rows of a block; above 1 only if they slide.
    sliding: usize,
    /// Input rows that are kept.
    ring: usize,
    /// Lanes by which rows are moved so that registers of output do not straddle cache lines.
    whole_lines: bool,
}

/// Output rows of a group of phases that are computed together.
#[derive(Clone, Debug)]
struct Chunk {
    /// Input row less `position * in_step`.
    shifts: Vec<i64>,
    /// Output row less `position * out_step`.
    outputs: Vec<i64>,
    /// Rows of the kernel: `[output row][input row]`, or `[row of the kernel]` if they slide.
    taps: Vec<usize>,
    /// Where their patterns begin in a kernel of one plane.
    tap_rows: Vec<usize>,
}

/// Where the parts of a task's memory begin.
struct Parts {
    bias: usize,
    /// An output row that nobody reads.
    spare: usize,
    /// An input row of zeros, and behind it the ring.
    zeros: usize,
    all: usize,
}

/// Most values that a task works in.
const MOST: usize = 1 << 24;

impl RowsPlan {
    pub(super) fn new(
        isa: Detected,
        sizes: Sizes,
        [z, y]: [Outer; 2],
        kernel: [usize; 2],
        across: Across,
    ) -> Option<Self> {
        let planes = z.sources();
        let deep = planes.iter().map(Vec::len).max().unwrap_or(0);
        let terms = across.terms.len();
        let turning = !isa.lanes().is_multiple_of(across.period());
        let registers = match isa.isa() {
            Isa::Portable => 8,
            Isa::Avx2 => 16,
            Isa::Avx512 => 32,
        };
        let (mut form, mut sliding) = (Form::Dense, 1);
        let mut chunks = Vec::new();
        let slides = |group: &super::outer::Group| {
            let adjoin = group.shifts.windows(2).all(|two| two[0] + 1 == two[1]);
            let step = y.in_step as usize;
            (adjoin && y.out_step == 1 && kernel[0] == 1 && !turning)
                .then(|| block::sliding_rows(step, [group.shifts.len(), terms]))?
                .map(|rows| (step, rows))
        };
        for group in &y.groups {
            if let Some((step, rows)) = slides(group) {
                (form, sliding) = (Form::Sliding { step }, rows);
                let last = group.shifts[group.shifts.len() - 1];
                let more = (last + 1..=last + (step * (rows - 1)) as i64).collect::<Vec<_>>();
                let output = group.phases[0].output;
                chunks.push(Chunk {
                    shifts: [&group.shifts[..], &more[..]].concat(),
                    outputs: (output..output + rows as i64).collect(),
                    taps: group.phases[0].taps.clone(),
                    tap_rows: Vec::new(),
                });
                continue;
            }
            let mut phases = &group.phases[..];
            while !phases.is_empty() {
                let number = match turning {
                    true => [4, 2, 1].into_iter().find(|n| *n <= phases.len()).unwrap_or(1),
                    false => {
                        let rows = group.shifts.len() * deep;
                        block::dense_rows(registers, [rows, terms], phases.len())
                    }
                };
                let (some, rest) = phases.split_at(number);
                chunks.push(Chunk {
                    shifts: group.shifts.clone(),
                    outputs: some.iter().map(|phase| phase.output).collect(),
                    taps: some.iter().flat_map(|phase| phase.taps.iter().copied()).collect(),
                    tap_rows: Vec::new(),
                });
                phases = rest;
            }
        }
        let (least, greatest) = y.reach();
        let more = y.in_step * (sliding as i64 - 1);
        let ring = ((greatest - least + more + 1) as usize).min(y.in_cells);
        let whole_lines = across.out_values().is_multiple_of(ALIGN);
        let mut plan = Self {
            isa,
            sizes,
            rows: y,
            across,
            planes,
            kernel,
            chunks,
            form,
            sliding,
            ring,
            whole_lines,
        };
        let tap_row = plan.tap_row();
        for chunk in &mut plan.chunks {
            chunk.tap_rows = chunk.taps.iter().map(|tap| tap * tap_row).collect();
        }
        (plan.parts()?.all <= MOST).then_some(plan)
    }

    /// Values from a term's pattern to the next.
    fn term_step(&self) -> usize {
        (self.across.period() + ALIGN).next_multiple_of(ALIGN)
    }

    /// Values of the patterns of a row of the kernel.
    fn tap_row(&self) -> usize {
        self.across.terms.len() * self.term_step()
    }

    /// `None` beyond what can be counted.
    fn parts(&self) -> Option<Parts> {
        let kernel_rows = self.kernel[0].checked_mul(self.kernel[1])?;
        let bias = kernel_rows.checked_mul(self.tap_row())?;
        let spare = bias + self.term_step();
        let zeros = spare + (self.across.out_values() + 2 * ALIGN).next_multiple_of(ALIGN);
        let slots = self.deep().checked_mul(self.ring)?.checked_add(1)?;
        let all = zeros.checked_add(slots.checked_mul(self.across.row_values())?)?;
        Some(Parts { bias, spare, zeros, all })
    }

    /// Input planes of an output plane at most.
    fn deep(&self) -> usize {
        self.planes.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// Positions that are computed together.
    pub(super) fn together(&self) -> usize {
        self.sliding
    }

    /// Output planes of a plane of three axes.
    pub(super) fn depth(&self) -> usize {
        self.planes.len()
    }

    pub(super) fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    /// Values of an output row.
    pub(super) fn out_values(&self) -> usize {
        self.across.out_values()
    }

    /// Registers of output and products with them, of one plane.
    pub(super) fn cost(&self) -> u128 {
        let registers = self.out_values().div_ceil(self.isa.lanes()) as u128;
        let rows = (self.depth() * self.rows.out_cells) as u128;
        let phases = (self.rows.groups.iter().map(|group| group.phases.len()).sum::<usize>()).max(1);
        let of_group = |group: &super::outer::Group| group.shifts.len() * group.phases.len();
        let pairs = self.rows.groups.iter().map(of_group).sum::<usize>();
        let products = self.deep() * pairs.div_ceil(phases) * self.across.terms.len();
        rows * registers * (products as u128 + 2)
    }

    /// Bytes that a task works in.
    pub(super) fn task_bytes(&self) -> usize {
        self.parts().map_or(0, |parts| (parts.all + ALIGN) * size_of::<f32>())
    }

    /// Memory of a task, zeros.
    pub(super) fn memory(&self) -> Vec<f32> {
        vec![0.0; self.parts().map_or(0, |parts| parts.all + ALIGN)]
    }

    /// Computes a share of the planes.
    ///
    /// # Panics
    /// If a slice does not have the length that the plan was made for.
    pub(super) fn run(&self, call: &Call<'_>, share: &mut Share<'_>, memory: &mut [f32]) {
        let Some(parts) = self.parts() else { return };
        let sizes = &self.sizes;
        assert_eq!(call.x.len(), sizes.planes * sizes.in_plane);
        assert_eq!(call.weight.len(), sizes.channels * sizes.taps);
        assert!(share.planes.end <= sizes.planes && share.depth.end <= self.depth());
        let rows = share.rows(&self.rows);
        assert_eq!(rows.len() * self.out_values() * share.planes.len(), share.out.len());
        assert!(memory.len() >= parts.all + ALIGN);
        match self.isa.isa() {
            // SAFETY: the asserts above, and what `new` worked out from the same sizes.
            Isa::Portable => unsafe { self.planes::<[f32; 8]>(call, share, memory, &parts) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self.isa` proves that the CPU has AVX2; the rest as above.
            Isa::Avx2 => unsafe { avx2(self, call, share, memory, &parts) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self.isa` proves that the CPU has AVX-512F; the rest as above.
            Isa::Avx512 => unsafe { avx512(self, call, share, memory, &parts) },
            #[cfg(not(target_arch = "x86_64"))]
            // SAFETY: as for Portable.
            _ => unsafe { self.planes::<[f32; 8]>(call, share, memory, &parts) },
        }
    }
    /// # Safety
    /// The CPU has the instruction set of `V`; the rest as [`Self::run`] asserts.
    #[inline(always)]
    unsafe fn planes<V: Vector>(
        &self,
        call: &Call<'_>,
        share: &mut Share<'_>,
        memory: &mut [f32],
        parts: &Parts,
    ) {
        let rows = share.rows(&self.rows);
        let values = rows.len() * self.out_values();
        let out = share.out.as_mut_ptr();
        // Planes and rows have whole lines, so that this is the same for all of them.
        let lead = if self.whole_lines { out as usize / size_of::<f32>() % V::LANES } else { 0 };
        let memory = memory.as_mut_ptr();
        let aligned = (memory as usize).next_multiple_of(ALIGN * size_of::<f32>());
        let memory = memory.wrapping_byte_add(aligned - memory as usize);
        let offsets: Vec<isize> =
            self.across.terms.iter().map(|term| self.across.offset(term)).collect();
        let mut lists = Lists::default();
        let mut packed = None;
        for (n, plane) in share.planes.clone().enumerate() {
            let channel = plane * self.across.width % self.sizes.channels;
            // SAFETY: `memory` has the parts, which lie one behind the other; `out` has `values` for
            // each plane, and x `in_plane`, all asserted by `run`.
            unsafe {
                if packed != Some(channel) {
                    self.pack(call, channel, memory, memory.add(parts.bias));
                    packed = Some(channel);
                }
                let own = Plane {
                    x: call.x.as_ptr().add(plane * self.sizes.in_plane),
                    out: out.add(n * values).wrapping_sub(rows.start * self.out_values()),
                    rows: rows.clone(),
                    memory,
                    parts,
                    lead,
                    offsets: &offsets,
                    activation: call.epilogue.activation,
                };
                for depth in share.depth.clone() {
                    self.depth_rows::<V>(&own, depth, share.positions.clone(), &mut lists);
                }
            }
        }
    }

    /// Writes the patterns of the weights and the bias from a channel on.
    ///
    /// # Safety
    /// Both have room for the patterns of this plan.
    unsafe fn pack(&self, call: &Call<'_>, channel: usize, weights: *mut f32, bias: *mut f32) {
        let (step, taps, period) = (self.term_step(), self.sizes.taps, self.across.period());
        let (width, kernel_rows) = (self.across.width, self.kernel[0] * self.kernel[1]);
        let terms = &self.across.terms;
        // SAFETY: the caller's promise: `kernel_rows * terms` patterns of `step` values.
        let (weights, bias) = unsafe {
            let all = kernel_rows * terms.len() * step;
            (
                std::slice::from_raw_parts_mut(weights, all),
                std::slice::from_raw_parts_mut(bias, step),
            )
        };
        let row_taps = taps / kernel_rows.max(1);
        let repeat = |pattern: &mut [f32]| match period {
            1 => pattern.fill(pattern[0]),
            _ => (period..step).for_each(|lane| pattern[lane] = pattern[lane - period]),
        };
        for (n, pattern) in weights.chunks_exact_mut(step).enumerate() {
            let (row, term) = (n / terms.len(), &terms[n % terms.len()]);
            for (phase, tap) in term.taps.iter().enumerate() {
                let own = &mut pattern[phase * width..(phase + 1) * width];
                match tap {
                    None => own.fill(0.0),
                    Some(tap) => {
                        let from = &call.weight[channel * taps + row * row_taps + tap..];
                        own.iter_mut().zip(from.iter().step_by(taps)).for_each(|(w, v)| *w = *v);
                    }
                }
            }
            repeat(pattern);
        }
        match call.epilogue.bias {
            None => bias.fill(0.0),
            Some(from) => {
                for cell in bias[..period].chunks_exact_mut(width) {
                    cell.copy_from_slice(&from[channel..channel + width]);
                }
                repeat(bias);
            }
        }
    }

    /// One output plane, or the part of it that positions write.
    ///
    /// # Safety
    /// The CPU has the instruction set of `V`; the pointers of `plane` reach what this plan says.
    #[inline(always)]
    unsafe fn depth_rows<V: Vector>(
        &self,
        plane: &Plane<'_>,
        depth: usize,
        positions: Range<i64>,
        lists: &mut Lists,
    ) {
        let (rows, sources) = (&self.rows, &self.planes[depth]);
        let in_values = self.across.in_cells * self.across.width;
        let zeros = plane.memory.wrapping_add(plane.parts.zeros);
        let row_values = self.across.row_values();
        // The input row at a place in the ring of a source; the row of zeros lies in front of them.
        let slot = |source: usize, row: i64| {
            zeros.wrapping_add((1 + source * self.ring + row as usize % self.ring) * row_values)
        };
        let (least, greatest) = rows.reach();
        let greatest = greatest + rows.in_step * (self.sliding as i64 - 1);
        let last_row = rows.in_cells as i64 - 1;
        let mut next = 0;
        for position in positions.step_by(self.sliding) {
            let begin = position * rows.in_step;
            next = (begin + least).max(next);
            while next <= (begin + greatest).min(last_row) {
                for (n, (input, _)) in sources.iter().enumerate() {
                    // SAFETY: `input` and `next` lie inside the plane; the slot inside the ring, which
                    // has room for all rows between the least and the greatest shift.
                    unsafe {
                        let from = (input * rows.in_cells + next as usize) * in_values;
                        let from = plane.x.add(from);
                        self.across.spread::<V>(from, slot(n, next), plane.lead);
                    }
                }
                next += 1;
            }
            for chunk in &self.chunks {
                let mut any = false;
                lists.outs.clear();
                for output in &chunk.outputs {
                    let row = position * rows.out_step + output;
                    let inside = (0..rows.out_cells as i64).contains(&row);
                    // Inside the plane before it is counted over all depths.
                    let row = (row.max(0) as usize).wrapping_add(depth * rows.out_cells);
                    let own = inside && plane.rows.contains(&row);
                    any |= own;
                    lists.outs.push(if own {
                        plane.out.wrapping_add(row * self.out_values()).wrapping_sub(plane.lead)
                    } else {
                        plane.memory.wrapping_add(plane.parts.spare)
                    });
                }
                if !any {
                    continue;
                }
                lists.rows.clear();
                for n in 0..sources.len() {
                    for shift in &chunk.shifts {
                        let row = begin + shift;
                        let inside = (0..=last_row).contains(&row);
                        let from = if inside { slot(n, row) } else { zeros };
                        lists.rows.push(from.wrapping_add(self.across.origin()).cast_const());
                    }
                }
                let tap_rows = match (&sources[..], self.kernel[0]) {
                    ([_], 1) => &chunk.tap_rows,
                    _ => {
                        self.deep_tap_rows(chunk, sources, &mut lists.tap_rows);
                        &lists.tap_rows
                    }
                };
                let block = Block {
                    rows: &lists.rows,
                    offsets: plane.offsets,
                    weights: plane.memory,
                    tap_rows,
                    term_step: self.term_step(),
                    period: self.across.period(),
                    bias: plane.memory.wrapping_add(plane.parts.bias),
                    outs: &lists.outs,
                    lead: plane.lead,
                    values: self.out_values(),
                    activation: plane.activation,
                };
                // SAFETY: spread rows have room for all offsets and for what is read behind the last
                // output; output rows that are not the share's are the spare one; `tap_rows` has a
                // pattern for each pair, or for each row of the kernel where they slide.
                unsafe { block::run::<V>(&block, self.form) };
            }
        }
    }

    /// The patterns of `[output row][source][input row]`.
    fn deep_tap_rows(&self, chunk: &Chunk, sources: &[(usize, usize)], out: &mut Vec<usize>) {
        out.clear();
        for row in 0..chunk.outputs.len() {
            let own = row * chunk.shifts.len()..(row + 1) * chunk.shifts.len();
            for (_, tap) in sources {
                let first = tap * self.kernel[1] * self.tap_row();
                out.extend(chunk.tap_rows[own.clone()].iter().map(|at| first + at));
            }
        }
    }
}

/// Pointers of one block, made anew for each.
#[derive(Default)]
struct Lists {
    rows: Vec<*const f32>,
    outs: Vec<*mut f32>,
    tap_rows: Vec<usize>,
}

/// A plane, and what computing it takes.
struct Plane<'a> {
    x: *const f32,
    /// Where its output row 0 would lie, of all depths.
    out: *mut f32,
    /// The rows of it that are written.
    rows: Range<usize>,
    memory: *mut f32,
    parts: &'a Parts,
    lead: usize,
    offsets: &'a [isize],
    activation: Activation,
}

/// # Safety
/// The CPU has AVX2; the rest as [`RowsPlan::planes`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(
    plan: &RowsPlan,
    call: &Call<'_>,
    share: &mut Share<'_>,
    memory: &mut [f32],
    parts: &Parts,
) {
    // SAFETY: the caller's promise.
    unsafe { plan.planes::<std::arch::x86_64::__m256>(call, share, memory, parts) }
}

/// # Safety
/// The CPU has AVX-512F; the rest as [`RowsPlan::planes`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(
    plan: &RowsPlan,
    call: &Call<'_>,
    share: &mut Share<'_>,
    memory: &mut [f32],
    parts: &Parts,
) {
    // SAFETY: the caller's promise.
    unsafe { plan.planes::<std::arch::x86_64::__m512>(call, share, memory, parts) }
}
