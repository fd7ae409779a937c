//! The products of a few output rows: written once over [`Vector`](crate::simd::vector::Vector), compiled for each instruction set.
//!
//! Lanes are places side by side in a row. For small kernels every weight stays in a register; other kernels
//! read them from memory, each for several registers of output.

use super::across::ALIGN;
use super::pick::Pick;
use crate::options::Activation;
use crate::simd::Isa;
use crate::simd::activate::Activate;

/// Output rows that read the same input rows, at so many positions.
pub(super) struct Block<'a> {
    pub(super) positions: usize,
    /// Values from an input row to that of the next position.
    pub(super) row_step: usize,
    /// The same for output rows.
    pub(super) out_step: usize,
    /// Spread rows of the first position, each from the place of the first lane on.
    pub(super) rows: &'a [*const f32],
    /// Cells of a row if rows are not spread, and read where they lie: then only what lies inside is read.
    /// Otherwise 0.
    pub(super) cells: usize,
    /// Lanes in front of a row or behind it that terms reach, and the lead.
    pub(super) reach: usize,
    /// What each term adds to a place.
    pub(super) offsets: &'a [isize],
    /// Patterns of weights: lanes of one period, and some more.
    pub(super) weights: *const f32,
    /// Where the patterns of a row of the kernel begin: `[output row][input row]`, or, if the output rows
    /// slide over the input rows, `[row of the kernel]`.
    pub(super) tap_rows: &'a [usize],
    /// Values from the pattern of one term to the next.
    pub(super) term_step: usize,
    /// Lanes after which weights and bias repeat.
    pub(super) period: usize,
    /// The lane of the patterns that the first lane has.
    pub(super) turn: usize,
    /// The pattern of the bias.
    pub(super) bias: *const f32,
    /// Output rows of the first position, each from `lead` lanes before its first value on.
    pub(super) outs: &'a [*mut f32],
    /// Lanes in front of the first value, which are not written.
    pub(super) lead: usize,
    /// Values of an output row.
    pub(super) values: usize,
    pub(super) activation: Activation,
}

/// Registers of a row that are computed at once where the patterns are read from memory.
const TOGETHER: usize = 4;

/// Places behind the end of a row that may be read, with registers that are computed at once: four side by side,
/// or two a period apart.
pub(super) fn behind(form: Form, period: usize) -> usize {
    match form {
        Form::Sliding { .. } => 2 * ALIGN,
        Form::Dense => (TOGETHER * ALIGN).max(period + ALIGN),
    }
}

/// Input rows between two output rows that slide; 0 if all output rows read all input rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Every output row reads every input row, with weights of its own.
    Dense,
    /// Output row i reads input rows `i * step ..`, with the same weights.
    Sliding { step: usize },
}

/// Input rows of a block whose output rows slide.
const MOST_ROWS: usize = 10;

/// Whether output rows that slide are better summed over input rows where they lie. Without masks on loads and
/// stores the border would cost more than spreading.
pub(super) fn is_direct(isa: Isa, form: Form) -> bool {
    isa == Isa::Avx512 && form == Form::Sliding { step: 1 }
}

/// Output rows that slide together.
pub(super) fn sliding_rows(step: usize, [kernel, terms]: [usize; 2]) -> Option<usize> {
    match (step, kernel, terms) {
        (1, 3, 3) | (1, 5, 5) | (1, 7, 7) => Some(4),
        (2, 3, 3) | (2, 5, 5) => Some(2),
        _ => None,
    }
}

/// How many of `left` output rows to compute together.
pub(super) fn dense_rows(registers: usize, [rows, terms]: [usize; 2], left: usize) -> usize {
    let fits = |n: &usize| *n <= left && n * (rows * terms + 1) + 2 <= registers;
    [4, 2].into_iter().find(fits).unwrap_or(1)
}

/// Computes a block.
///
/// # Safety
/// The CPU has the instruction set of `V`. At each position each row, at each offset, and each output row, from
/// its lead on, holds `values`; of the input rows as many registers as are computed at once can be read.
/// Patterns have a period and a register more. `tap_rows` has an entry for each pair of rows (dense) or for each row of the kernel (sliding), and
/// `rows` as many as that takes.
#[inline(always)]
pub(super) unsafe fn run<V: Pick>(block: &Block<'_>, form: Form) {
    // SAFETY: the caller's promise.
    unsafe {
        products::<V>(block, form);
        if !block.activation.is_within_register() {
            for position in 0..block.positions {
                for out in block.outs {
                    let row = out.wrapping_add(position * block.out_step + block.lead);
                    let row = std::slice::from_raw_parts_mut(row, block.values);
                    V::run(Activate { activation: block.activation, values: row });
                }
            }
        }
    }
}

/// # Safety
/// As [`run`].
#[inline(always)]
unsafe fn products<V: Pick>(block: &Block<'_>, form: Form) {
    let terms = block.offsets.len();
    // SAFETY: the caller's promise; constant sizes are those of the slices.
    unsafe {
        if let Form::Sliding { step } = form {
            let narrow = block.lead + block.values <= V::LANES;
            if block.cells > 0 {
                return match (block.tap_rows.len(), narrow) {
                    (3, true) => sliding::<V, 4, 1, 3, 1, true>(block),
                    (3, false) => sliding::<V, 4, 1, 3, 2, true>(block),
                    (5, _) => sliding::<V, 4, 1, 5, 1, true>(block),
                    _ => sliding::<V, 4, 1, 7, 1, true>(block),
                };
            }
            return match (step, block.tap_rows.len()) {
                (1, 3) if narrow => sliding::<V, 4, 1, 3, 1, false>(block),
                (1, 3) => sliding::<V, 4, 1, 3, 2, false>(block),
                (1, 5) => sliding::<V, 4, 1, 5, 1, false>(block),
                (1, 7) => sliding::<V, 4, 1, 7, 1, false>(block),
                (_, 3) if narrow => sliding::<V, 2, 2, 3, 1, false>(block),
                (_, 3) => sliding::<V, 2, 2, 3, 2, false>(block),
                _ if narrow => sliding::<V, 2, 2, 5, 1, false>(block),
                _ => sliding::<V, 2, 2, 5, 2, false>(block),
            };
        }
        let (outs, rows) = (block.outs.len(), block.rows.len());
        let divides = V::LANES.is_multiple_of(block.period);
        if !divides && !block.period.is_multiple_of(V::LANES) {
            return turning_rows::<V>(block);
        }
        match (outs, rows, terms) {
            (1, 1, 1) if !divides => dense::<V, 1, 1, 1, 1, true>(block),
            (2, 1, 1) if !divides => dense::<V, 2, 1, 1, 1, true>(block),
            (4, 1, 1) if !divides => dense::<V, 4, 1, 1, 1, true>(block),
            (1, 2, 2) if !divides => dense::<V, 1, 2, 2, 2, true>(block),
            (2, 2, 2) if !divides => dense::<V, 2, 2, 2, 1, true>(block),
            (4, 2, 2) if !divides => dense::<V, 4, 2, 2, 1, true>(block),
            _ if !divides => turning_rows::<V>(block),
            (1, 1, 1) => dense::<V, 1, 1, 1, 1, false>(block),
            (2, 1, 1) => dense::<V, 2, 1, 1, 1, false>(block),
            (4, 1, 1) => dense::<V, 4, 1, 1, 1, false>(block),
            (1, 1, 2) => dense::<V, 1, 1, 2, 2, false>(block),
            (1, 2, 2) => dense::<V, 1, 2, 2, 2, false>(block),
            (2, 2, 2) => dense::<V, 2, 2, 2, 1, false>(block),
            (4, 2, 2) => dense::<V, 4, 2, 2, 1, false>(block),
            (1, 1, 3) => dense::<V, 1, 1, 3, 2, false>(block),
            (1, 2, 3) => dense::<V, 1, 2, 3, 2, false>(block),
            (1, 3, 3) => dense::<V, 1, 3, 3, 2, false>(block),
            (2, 3, 3) => dense::<V, 2, 3, 3, 1, false>(block),
            (2, 4, 2) => dense::<V, 2, 4, 2, 1, false>(block),
            (1, ..) => shared::<V, 1>(block),
            (2, ..) => shared::<V, 2>(block),
            _ => shared::<V, 4>(block),
        }
    }
}

/// # Safety
/// As [`run`].
#[inline(always)]
unsafe fn turning_rows<V: Pick>(block: &Block<'_>) {
    // SAFETY: the caller's promise.
    unsafe {
        match block.outs.len() {
            1 => turning::<V, 1>(block),
            2 => turning::<V, 2>(block),
            _ => turning::<V, 4>(block),
        }
    }
}

/// Where and how output rows are written. By value, as what lies behind a pointer is read anew after every
/// store.
struct Rows<const R: usize> {
    outs: [*mut f32; R],
    lead: usize,
    /// Lanes of a row with those in front.
    end: usize,
    activation: Activation,
}

impl<const R: usize> Rows<R> {
    /// # Safety
    /// There are `R` output rows.
    #[inline(always)]
    unsafe fn new(block: &Block<'_>) -> Self {
        Self {
            // SAFETY: the caller's promise.
            outs: std::array::from_fn(|i| unsafe { *block.outs.get_unchecked(i) }),
            lead: block.lead,
            end: block.lead + block.values,
            activation: block.activation,
        }
    }

    /// Goes on to the rows of the next position.
    #[inline(always)]
    fn advance(&mut self, step: usize) {
        for i in 0..R {
            self.outs[i] = self.outs[i].wrapping_add(step);
        }
    }

    /// Applies the activation and writes what lies inside the rows of `U` registers of each, at lane `at` and then
    /// `step` lanes apart.
    ///
    /// # Safety
    /// As [`run`].
    #[inline(always)]
    unsafe fn finish<V: Pick, const U: usize>(
        &self,
        mut values: [[V; R]; U],
        at: usize,
        step: usize,
    ) {
        // SAFETY: lanes `first..last` lie inside the row.
        unsafe {
            for u in 0..U {
                for i in 0..R {
                    values[u][i] = activate(values[u][i], self.activation);
                }
            }
            // One question for all registers: with one for each, the sums of the later ones would be put off
            // until it is answered, and no longer run beside those of the first.
            if at >= self.lead && at + (U - 1) * step + V::LANES <= self.end {
                for u in 0..U {
                    for i in 0..R {
                        values[u][i].store(self.outs[i].wrapping_add(at + u * step));
                    }
                }
                return;
            }
            for u in 0..U {
                let at = at + u * step;
                let first = self.lead.saturating_sub(at);
                let last = self.end.saturating_sub(at).min(V::LANES);
                for i in 0..R {
                    let to = self.outs[i].wrapping_add(at);
                    if V::LANES == 16 {
                        values[u][i].store_where(to, ((1u32 << last) - 1) & !((1 << first) - 1));
                    } else if first < last {
                        let mut lanes = [0.0f32; 16];
                        values[u][i].store(lanes.as_mut_ptr());
                        let from = lanes.as_ptr().add(first);
                        V::copy_some(from, to.wrapping_add(first), last - first);
                    }
                }
            }
        }
    }
}

/// Applies what takes a few instructions; [`Activate`] does the rest, as more in the inner loops would take the
/// registers from them.
///
/// # Safety
/// The CPU has the instruction set of `V`.
#[inline(always)]
pub(super) unsafe fn activate<V: Pick>(value: V, activation: Activation) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        match activation {
            Activation::Relu => value.relu(),
            Activation::LeakyRelu { slope } => value.leaky_relu(V::splat(slope)),
            _ => value,
        }
    }
}

/// `R` output rows that all read `J` input rows by `T` terms, `U` registers of each row at once; every weight in a
/// register.
///
/// # Safety
/// As [`run`], with sizes as the constants say; the period divides the lanes, or, if `WIDE`, the lanes divide it.
#[inline(always)]
unsafe fn dense<
    V: Pick,
    const R: usize,
    const J: usize,
    const T: usize,
    const U: usize,
    const WIDE: bool,
>(
    block: &Block<'_>,
) {
    // SAFETY: the caller's promise; registers a period apart begin at the same lane of the patterns, which stays
    // below the period.
    unsafe {
        let step = if WIDE { block.period } else { V::LANES };
        let offsets: [isize; T] = std::array::from_fn(|t| *block.offsets.get_unchecked(t));
        let (positions, row_step, out_step) = (block.positions, block.row_step, block.out_step);
        for begin in (0..step).step_by(V::LANES) {
            let (mut out, turn) = (Rows::<R>::new(block), (block.turn + begin) % block.period);
            let mut weights = [[[V::splat(0.0); T]; J]; R];
            for i in 0..R {
                for j in 0..J {
                    let from = block.weights.add(*block.tap_rows.get_unchecked(i * J + j) + turn);
                    for t in 0..T {
                        weights[i][j][t] = V::load(from.add(t * block.term_step));
                    }
                }
            }
            let bias = V::load(block.bias.add(turn));
            let mut rows: [*const f32; J] = std::array::from_fn(|j| *block.rows.get_unchecked(j));
            for _ in 0..positions {
                let mut at = begin;
                while at < out.end {
                    let mut sums = [[bias; R]; U];
                    for j in 0..J {
                        for t in 0..T {
                            let place = rows[j].wrapping_add(at).wrapping_offset(offsets[t]);
                            for u in 0..U {
                                let x = V::load(place.add(u * step));
                                for i in 0..R {
                                    sums[u][i] = x.mul_add(weights[i][j][t], sums[u][i]);
                                }
                            }
                        }
                    }
                    out.finish(sums, at, step);
                    at += U * step;
                }
                for j in 0..J {
                    rows[j] = rows[j].wrapping_add(row_step);
                }
                out.advance(out_step);
            }
        }
    }
}

/// `R` output rows that slide over the input rows by `STEP`, `U` registers of each at once; a kernel of `K` rows
/// by `K` terms.
///
/// # Safety
/// As [`run`], with sizes as the constants say; the period divides the lanes.
#[inline(always)]
unsafe fn sliding<
    V: Pick,
    const R: usize,
    const STEP: usize,
    const K: usize,
    const U: usize,
    const DIRECT: bool,
>(
    block: &Block<'_>,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let (mut out, turn) = (Rows::<R>::new(block), block.turn);
        let mut weights = [[V::splat(0.0); K]; K];
        for k in 0..K {
            let from = block.weights.add(*block.tap_rows.get_unchecked(k) + turn);
            for t in 0..K {
                weights[k][t] = V::load(from.add(t * block.term_step));
            }
        }
        let bias = V::load(block.bias.add(turn));
        let offsets: [isize; K] = std::array::from_fn(|t| *block.offsets.get_unchecked(t));
        let (positions, row_step, out_step) = (block.positions, block.row_step, block.out_step);
        let mut rows = [block.bias; MOST_ROWS];
        for j in 0..(R - 1) * STEP + K {
            rows[j] = *block.rows.get_unchecked(j);
        }
        for _ in 0..positions {
            let mut at = 0;
            while at < out.end {
                let mut sums = [[bias; R]; U];
                let mut masks = [[u32::MAX; K]; U];
                if DIRECT && (at < block.reach || at + U * V::LANES + block.reach > out.end) {
                    for u in 0..U {
                        for t in 0..K {
                            let place = (at + u * V::LANES) as isize + offsets[0] + t as isize;
                            masks[u][t] = inside(place - block.lead as isize, block.cells);
                        }
                    }
                }
                for j in 0..(R - 1) * STEP + K {
                    for t in 0..K {
                        // Adjacent terms where rows are not dealt out: one address for all of them.
                        let place = match STEP {
                            1 => {
                                rows[j].wrapping_add(at).wrapping_offset(offsets[0]).wrapping_add(t)
                            }
                            _ => rows[j].add(at).offset(offsets[t]),
                        };
                        for u in 0..U {
                            let place = place.wrapping_add(u * V::LANES);
                            let x = match DIRECT {
                                true => V::load_where(place, masks[u][t]),
                                false => V::load(place),
                            };
                            for i in 0..R {
                                if j >= i * STEP && j - i * STEP < K {
                                    sums[u][i] = x.mul_add(weights[j - i * STEP][t], sums[u][i]);
                                }
                            }
                        }
                    }
                }
                out.finish(sums, at, V::LANES);
                at += U * V::LANES;
            }
            for j in 0..(R - 1) * STEP + K {
                rows[j] = rows[j].wrapping_add(row_step);
            }
            out.advance(out_step);
        }
    }
}

/// The lanes from `place` on that lie in a row of so many cells.
#[inline(always)]
fn inside(place: isize, cells: usize) -> u32 {
    let first = (-place).clamp(0, 16) as u32;
    let last = (cells as isize - place).clamp(0, 16) as u32;
    ((1u32 << last) - 1) & !((1u32 << first) - 1)
}

/// `R` output rows, any number of rows and terms; a weight is read once for 4 registers of each row.
///
/// # Safety
/// As [`run`]; the period divides the lanes.
#[inline(always)]
unsafe fn shared<V: Pick, const R: usize>(block: &Block<'_>) {
    // SAFETY: the caller's promise; up to three registers behind the last are read, and not written.
    unsafe {
        let (mut out, turn) = (Rows::<R>::new(block), block.turn);
        let bias = V::load(block.bias.add(turn));
        let number = block.rows.len();
        let mut at = 0;
        let mut position = 0;
        while position < block.positions {
            let mut sums = [[bias; R]; TOGETHER];
            for (j, row) in block.rows.iter().enumerate() {
                let from: [*const f32; R] = std::array::from_fn(|i| {
                    block.weights.add(*block.tap_rows.get_unchecked(i * number + j) + turn)
                });
                for (t, &offset) in block.offsets.iter().enumerate() {
                    let place = row.add(position * block.row_step + at).offset(offset);
                    let mut x = [bias; TOGETHER];
                    for n in 0..TOGETHER {
                        x[n] = V::load(place.add(n * V::LANES));
                    }
                    for i in 0..R {
                        let weight = V::load(from[i].add(t * block.term_step));
                        for n in 0..TOGETHER {
                            sums[n][i] = x[n].mul_add(weight, sums[n][i]);
                        }
                    }
                }
            }
            out.finish(sums, at, V::LANES);
            at += TOGETHER * V::LANES;
            if at >= out.end {
                (at, position) = (0, position + 1);
                out.advance(block.out_step);
            }
        }
    }
}

/// `R` output rows with any period: every register begins at another lane of the patterns.
///
/// # Safety
/// As [`run`].
#[inline(always)]
unsafe fn turning<V: Pick, const R: usize>(block: &Block<'_>) {
    // SAFETY: the caller's promise; `turn` stays below the period.
    unsafe {
        let number = block.rows.len();
        let (mut out, mut at, mut turn) = (Rows::<R>::new(block), 0, block.turn);
        let step = V::LANES % block.period;
        let mut position = 0;
        while position < block.positions {
            let mut sums = [[V::load(block.bias.add(turn)); R]];
            for (j, row) in block.rows.iter().enumerate() {
                let from: [*const f32; R] = std::array::from_fn(|i| {
                    block.weights.add(*block.tap_rows.get_unchecked(i * number + j) + turn)
                });
                for (t, &offset) in block.offsets.iter().enumerate() {
                    let place = row.add(position * block.row_step + at);
                    let x = V::load(place.offset(offset));
                    for i in 0..R {
                        let weight = V::load(from[i].add(t * block.term_step));
                        sums[0][i] = x.mul_add(weight, sums[0][i]);
                    }
                }
            }
            out.finish(sums, at, V::LANES);
            at += V::LANES;
            turn += step;
            if turn >= block.period {
                turn -= block.period;
            }
            if at >= out.end {
                (at, turn, position) = (0, block.turn, position + 1);
                out.advance(block.out_step);
            }
        }
    }
}
