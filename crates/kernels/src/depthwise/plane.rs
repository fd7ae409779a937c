//! Depthwise rows: a plane. Input rows of a band are spread ([`super::across`]), and blocks of output rows
//! ([`super::block`]) are summed over them, or over the input rows where they lie.

use std::ops::Range;

use super::Call;
use super::across::ALIGN;
use super::block::{self, Block};
use super::pick::Pick;
use super::rows::{Chunk, Parts, RowsPlan};
use super::split::Share;
use crate::options::Activation;

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
    term_step: usize,
    period: usize,
    /// The lane of the patterns that the first lane has.
    turn: usize,
    lead: usize,
    offsets: &'a [isize],
    reach: usize,
    activation: Activation,
}

impl RowsPlan {
    /// # Safety
    /// The CPU has the instruction set of `V`; the rest as [`RowsPlan::run`] asserts.
    #[inline(always)]
    pub(super) unsafe fn planes<V: Pick>(
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
        let offset = |term| match self.direct {
            true => self.across.direct_offset(term),
            false => self.across.offset(term),
        };
        let offsets: Vec<isize> = self.across.terms.iter().map(offset).collect();
        let furthest = offsets.iter().map(|offset| offset.unsigned_abs()).max().unwrap_or(0);
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
                let period = self.across.period();
                let own = Plane {
                    term_step: self.term_step(),
                    period,
                    turn: (period - lead % period) % period,
                    x: call.x.as_ptr().add(plane * self.sizes.in_plane),
                    out: out.add(n * values).wrapping_sub(rows.start * self.out_values()),
                    rows: rows.clone(),
                    memory,
                    parts,
                    lead,
                    offsets: &offsets,
                    reach: furthest + lead + self.across.in_cells.abs_diff(self.across.out_cells),
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
    unsafe fn depth_rows<V: Pick>(
        &self,
        plane: &Plane<'_>,
        depth: usize,
        positions: Range<i64>,
        lists: &mut Lists,
    ) {
        let sources = &self.planes[depth];
        for first in positions.clone().step_by(self.band) {
            let end = (first + self.band as i64).min(positions.end);
            // SAFETY: the caller's promise; a band has room for the rows that its positions read.
            unsafe {
                if !self.direct {
                    self.spread_band::<V>(plane, sources, first..end);
                }
                for chunk in &self.chunks {
                    self.chunk_rows::<V>(plane, (depth, sources), chunk, first..end, lists);
                }
            }
        }
    }

    /// Where a row of a band of a source lies.
    fn band_row(&self, plane: &Plane<'_>, source: usize, row: usize) -> *mut f32 {
        let row = source * self.band_rows + row;
        plane.memory.wrapping_add(plane.parts.rows + row * self.across.row_values())
    }

    /// Spreads the input rows that positions read; those outside of the input are zeros.
    ///
    /// # Safety
    /// As [`Self::depth_rows`].
    #[inline(always)]
    unsafe fn spread_band<V: Pick>(
        &self,
        plane: &Plane<'_>,
        sources: &[(usize, usize)],
        positions: Range<i64>,
    ) {
        let in_values = self.across.in_cells * self.across.width;
        let first = positions.start * self.rows.in_step + self.rows.reach().0;
        for (n, (input, _)) in sources.iter().enumerate() {
            let last = (positions.end - 1 - positions.start) as usize;
            let needed = (last / self.sliding + 1) * self.sliding - 1;
            let needed = self.band_rows - (self.band - 1 - needed) * self.rows.in_step as usize;
            // The rows of the band that lie inside the input.
            let inside = |row: i64| (row - first).clamp(0, needed as i64) as usize;
            let (begin, end) = (inside(0), inside(self.rows.in_cells as i64));
            let row_values = self.across.row_values();
            // SAFETY: all rows lie inside the band, and those from `begin` to `end` inside the input.
            unsafe {
                self.band_row(plane, n, 0).write_bytes(0, begin * row_values);
                self.band_row(plane, n, end).write_bytes(0, (needed - end) * row_values);
                if begin < end {
                    let row = (first + begin as i64) as usize + input * self.rows.in_cells;
                    let (from, to) = (plane.x.add(row * in_values), self.band_row(plane, n, begin));
                    self.across.spread::<V>(from, to, (end - begin, plane.lead));
                }
            }
        }
    }

    /// The output rows of a chunk for the positions of a band.
    ///
    /// # Safety
    /// As [`Self::depth_rows`], with the input rows spread.
    #[inline(always)]
    unsafe fn chunk_rows<V: Pick>(
        &self,
        plane: &Plane<'_>,
        (depth, sources): (usize, &[(usize, usize)]),
        chunk: &Chunk,
        positions: Range<i64>,
        lists: &mut Lists,
    ) {
        let (rows, out_values) = (&self.rows, self.out_values());
        let ((least, _), origin) = (rows.reach(), self.across.origin(plane.lead));
        let greatest = chunk.shifts.last().copied().unwrap_or(0);
        let tap_rows = match (sources, self.kernel[0]) {
            ([_], 1) => &chunk.tap_rows,
            _ => {
                self.deep_tap_rows(chunk, sources, &mut lists.tap_rows);
                &lists.tap_rows
            }
        };
        // The rows of this plane that are the share's.
        let above = depth * rows.out_cells;
        let own = |row: usize| row.saturating_sub(above).min(rows.out_cells) as i64;
        let own = own(plane.rows.start)..own(plane.rows.end);
        let step = self.sliding as i64;
        let mut position = positions.start;
        while position < positions.end {
            let first = position * rows.out_step;
            let outputs = chunk.outputs.iter().map(|output| first + output);
            let inside = outputs.clone().filter(|row| own.contains(row)).count();
            // Of the positions from here on, those whose rows are all the share's.
            let mut number = 1;
            if inside == chunk.outputs.len() {
                let last = outputs.clone().max().unwrap_or(0);
                let more = (own.end - 1 - last) / (rows.out_step * step);
                number = more.min((positions.end - 1 - position) / step) + 1;
            }
            let start = position * rows.in_step;
            if self.direct {
                // Rows outside of the input are replaced, which is done for one position at a time.
                let above = start + least < 0;
                let below = rows.in_cells as i64 - 1 - start - greatest;
                number = if above || below < 0 { 1 } else { number.min(below / step + 1) };
            }
            position += number * step;
            if inside == 0 {
                continue;
            }
            lists.outs.clear();
            lists.outs.extend(outputs.map(|row| match own.contains(&row) {
                true => {
                    let at = (above + row as usize) * out_values;
                    plane.out.wrapping_add(at).wrapping_sub(plane.lead)
                }
                false => plane.memory.wrapping_add(plane.parts.spare),
            }));
            lists.rows.clear();
            for (n, (input, _)) in sources.iter().enumerate() {
                for shift in &chunk.shifts {
                    let row = start + shift;
                    let from = if !self.direct {
                        // Not negative: no shift is less than the least.
                        let row = row - positions.start * rows.in_step - least;
                        self.band_row(plane, n, row as usize).wrapping_add(origin).cast_const()
                    } else if (0..rows.in_cells as i64).contains(&row) {
                        let row = input * rows.in_cells + row as usize;
                        plane.x.wrapping_add(row * self.across.in_cells).wrapping_sub(plane.lead)
                    } else {
                        self.band_row(plane, 0, 0).wrapping_sub(plane.lead).cast_const()
                    };
                    lists.rows.push(from);
                }
            }
            let row_values =
                if self.direct { self.across.in_cells } else { self.across.row_values() };
            let block = Block {
                positions: number as usize,
                row_step: (step * rows.in_step) as usize * row_values,
                out_step: (step * rows.out_step) as usize * out_values,
                rows: &lists.rows,
                cells: if self.direct { self.across.in_cells } else { 0 },
                reach: plane.reach,
                offsets: plane.offsets,
                weights: plane.memory,
                tap_rows,
                term_step: plane.term_step,
                period: plane.period,
                turn: plane.turn,
                bias: plane.memory.wrapping_add(plane.parts.bias),
                outs: &lists.outs,
                lead: plane.lead,
                values: out_values,
                activation: plane.activation,
            };
            // SAFETY: spread rows have room for all offsets and for what is read behind the last output;
            // output rows that are not the share's are the spare one; `tap_rows` has a pattern for each pair,
            // or for each row of the kernel where they slide.
            unsafe { block::run::<V>(&block, self.form) };
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
