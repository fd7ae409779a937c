//! The products of a few output rows: written once over [`Vector`], compiled for each instruction set.
//!
//! Lanes are places side by side in a row. For small kernels every weight stays in a register; other kernels
//! read them from memory, each for several registers of output.

use crate::plan::Activation;
use crate::simd::vector::Vector;

/// Output rows that read the same input rows.
pub(super) struct Block<'a> {
    /// Spread rows, each from the place of the first lane on.
    pub(super) rows: &'a [*const f32],
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
    /// The pattern of the bias.
    pub(super) bias: *const f32,
    /// Output rows, each from `lead` lanes before its first value on.
    pub(super) outs: &'a [*mut f32],
    /// Lanes in front of the first value, which are not written.
    pub(super) lead: usize,
    /// Values of an output row.
    pub(super) values: usize,
    pub(super) activation: Activation,
}

/// Input rows between two output rows that slide; 0 if all output rows read all input rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Every output row reads every input row, with weights of its own.
    Dense,
    /// Output row i reads input rows `i * step ..`, with the same weights.
    Sliding { step: usize },
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
/// The CPU has the instruction set of `V`. Each row, at each offset, and each output row, from its lead on,
/// holds `values`; of the input rows 5 registers more can be read. Patterns have a period and a register more.
/// `tap_rows` has an entry for each pair of rows (dense) or for each row of the kernel (sliding), and
/// `rows` as many as that takes.
#[inline(always)]
pub(super) unsafe fn run<V: Vector>(block: &Block<'_>, form: Form) {
    let terms = block.offsets.len();
    // SAFETY: the caller's promise; constant sizes are those of the slices.
    unsafe {
        if let Form::Sliding { step } = form {
            return match (step, block.tap_rows.len()) {
                (1, 3) => sliding::<V, 4, 1, 3>(block),
                (1, 5) => sliding::<V, 4, 1, 5>(block),
                (1, 7) => sliding::<V, 4, 1, 7>(block),
                (_, 3) => sliding::<V, 2, 2, 3>(block),
                _ => sliding::<V, 2, 2, 5>(block),
            };
        }
        let (outs, rows) = (block.outs.len(), block.rows.len());
        if !V::LANES.is_multiple_of(block.period) {
            return match outs {
                1 => turning::<V, 1>(block),
                2 => turning::<V, 2>(block),
                _ => turning::<V, 4>(block),
            };
        }
        match (outs, rows, terms) {
            (1, 1, 1) => dense::<V, 1, 1, 1>(block),
            (2, 1, 1) => dense::<V, 2, 1, 1>(block),
            (4, 1, 1) => dense::<V, 4, 1, 1>(block),
            (1, 1, 2) => dense::<V, 1, 1, 2>(block),
            (1, 2, 2) => dense::<V, 1, 2, 2>(block),
            (2, 2, 2) => dense::<V, 2, 2, 2>(block),
            (4, 2, 2) => dense::<V, 4, 2, 2>(block),
            (1, 1, 3) => dense::<V, 1, 1, 3>(block),
            (1, 2, 3) => dense::<V, 1, 2, 3>(block),
            (1, 3, 3) => dense::<V, 1, 3, 3>(block),
            (2, 3, 3) => dense::<V, 2, 3, 3>(block),
            (2, 4, 2) => dense::<V, 2, 4, 2>(block),
            (1, ..) => shared::<V, 1>(block),
            (2, ..) => shared::<V, 2>(block),
            _ => shared::<V, 4>(block),
        }
    }
}

impl Block<'_> {
    /// Lanes of a row with those in front.
    fn end(&self) -> usize {
        self.lead + self.values
    }

    /// The pattern's lane of the first lane.
    fn turn(&self) -> usize {
        // One period is at least 1.
        (self.period - self.lead % self.period) % self.period
    }

    /// Applies the activation and writes what lies inside the row of a register at lane `at`.
    ///
    /// # Safety
    /// As [`run`].
    #[inline(always)]
    unsafe fn finish<V: Vector>(&self, value: V, row: usize, at: usize) {
        // SAFETY: lanes `first..last` lie inside the row.
        unsafe {
            let value = activate(value, self.activation);
            let to = self.outs.get_unchecked(row).wrapping_add(at);
            if at >= self.lead && at + V::LANES <= self.end() {
                return value.store(to);
            }
            let first = self.lead.saturating_sub(at);
            let last = (self.end() - at).min(V::LANES);
            if V::LANES == 16 {
                return value.store_where(to, (1 << last) - (1 << first));
            }
            let mut lanes = [0.0f32; 16];
            value.store(lanes.as_mut_ptr());
            V::copy_some(lanes.as_ptr().add(first), to.wrapping_add(first), last - first);
        }
    }
}

/// # Safety
/// The CPU has the instruction set of `V`.
#[inline(always)]
pub(super) unsafe fn activate<V: Vector>(value: V, activation: Activation) -> V {
    if activation == Activation::None {
        return value;
    }
    let mut lanes = [0.0f32; 16];
    // SAFETY: a register has at most 16 lanes.
    unsafe {
        value.store(lanes.as_mut_ptr());
        // The frequent ones apart, so that they become instructions on registers.
        match activation {
            Activation::Relu => lanes.iter_mut().for_each(|v| *v = Activation::Relu.apply(*v)),
            Activation::LeakyRelu { slope } => {
                lanes.iter_mut().for_each(|v| *v = Activation::LeakyRelu { slope }.apply(*v));
            }
            other => lanes.iter_mut().take(V::LANES).for_each(|v| *v = other.apply(*v)),
        }
        V::load(lanes.as_ptr())
    }
}

/// `R` output rows that all read `J` input rows by `T` terms; every weight in a register.
///
/// # Safety
/// As [`run`], with sizes as the constants say; the period divides the lanes.
#[inline(always)]
unsafe fn dense<V: Vector, const R: usize, const J: usize, const T: usize>(block: &Block<'_>) {
    // SAFETY: the caller's promise.
    unsafe {
        let turn = block.turn();
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
        let rows: [*const f32; J] = std::array::from_fn(|j| *block.rows.get_unchecked(j));
        let offsets: [isize; T] = std::array::from_fn(|t| *block.offsets.get_unchecked(t));
        let mut at = 0;
        while at < block.end() {
            let mut sums = [bias; R];
            for j in 0..J {
                for t in 0..T {
                    let x = V::load(rows[j].add(at).offset(offsets[t]));
                    for i in 0..R {
                        sums[i] = x.mul_add(weights[i][j][t], sums[i]);
                    }
                }
            }
            for i in 0..R {
                block.finish(sums[i], i, at);
            }
            at += V::LANES;
        }
    }
}

/// `R` output rows that slide over the input rows by `STEP`; a kernel of `K` rows by `K` terms.
///
/// # Safety
/// As [`run`], with sizes as the constants say; the period divides the lanes.
#[inline(always)]
unsafe fn sliding<V: Vector, const R: usize, const STEP: usize, const K: usize>(block: &Block<'_>) {
    // SAFETY: the caller's promise.
    unsafe {
        let turn = block.turn();
        let mut weights = [[V::splat(0.0); K]; K];
        for k in 0..K {
            let from = block.weights.add(*block.tap_rows.get_unchecked(k) + turn);
            for t in 0..K {
                weights[k][t] = V::load(from.add(t * block.term_step));
            }
        }
        let bias = V::load(block.bias.add(turn));
        let offsets: [isize; K] = std::array::from_fn(|t| *block.offsets.get_unchecked(t));
        let mut at = 0;
        while at < block.end() {
            let mut sums = [bias; R];
            for j in 0..(R - 1) * STEP + K {
                let row = block.rows.get_unchecked(j).add(at);
                for t in 0..K {
                    let x = V::load(row.offset(offsets[t]));
                    for i in 0..R {
                        if j >= i * STEP && j - i * STEP < K {
                            sums[i] = x.mul_add(weights[j - i * STEP][t], sums[i]);
                        }
                    }
                }
            }
            for i in 0..R {
                block.finish(sums[i], i, at);
            }
            at += V::LANES;
        }
    }
}

/// `R` output rows, any number of rows and terms; a weight is read once for 4 registers of each row.
///
/// # Safety
/// As [`run`]; the period divides the lanes.
#[inline(always)]
unsafe fn shared<V: Vector, const R: usize>(block: &Block<'_>) {
    // SAFETY: the caller's promise; up to three registers behind the last are read, and not written.
    unsafe {
        let turn = block.turn();
        let bias = V::load(block.bias.add(turn));
        let number = block.rows.len();
        let mut at = 0;
        while at < block.end() {
            let mut sums = [[bias; 4]; R];
            for (j, row) in block.rows.iter().enumerate() {
                let from: [*const f32; R] = std::array::from_fn(|i| {
                    block.weights.add(*block.tap_rows.get_unchecked(i * number + j) + turn)
                });
                for (t, &offset) in block.offsets.iter().enumerate() {
                    let place = row.add(at).offset(offset);
                    let x: [V; 4] = std::array::from_fn(|n| V::load(place.add(n * V::LANES)));
                    for i in 0..R {
                        let weight = V::load(from[i].add(t * block.term_step));
                        for n in 0..4 {
                            sums[i][n] = x[n].mul_add(weight, sums[i][n]);
                        }
                    }
                }
            }
            for i in 0..R {
                for n in 0..4 {
                    if at + n * V::LANES < block.end() {
                        block.finish(sums[i][n], i, at + n * V::LANES);
                    }
                }
            }
            at += 4 * V::LANES;
        }
    }
}

/// `R` output rows with any period: every register begins at another lane of the patterns.
///
/// # Safety
/// As [`run`].
#[inline(always)]
unsafe fn turning<V: Vector, const R: usize>(block: &Block<'_>) {
    // SAFETY: the caller's promise; `turn` stays below the period.
    unsafe {
        let number = block.rows.len();
        let (mut at, mut turn) = (0, block.turn());
        let step = V::LANES % block.period;
        while at < block.end() {
            let mut sums = [V::load(block.bias.add(turn)); R];
            for (j, row) in block.rows.iter().enumerate() {
                let from: [*const f32; R] = std::array::from_fn(|i| {
                    block.weights.add(*block.tap_rows.get_unchecked(i * number + j) + turn)
                });
                for (t, &offset) in block.offsets.iter().enumerate() {
                    let x = V::load(row.add(at).offset(offset));
                    for i in 0..R {
                        let weight = V::load(from[i].add(t * block.term_step));
                        sums[i] = x.mul_add(weight, sums[i]);
                    }
                }
            }
            for i in 0..R {
                block.finish(sums[i], i, at);
            }
            at += V::LANES;
            turn += step;
            if turn >= block.period {
                turn -= block.period;
            }
        }
    }
}
