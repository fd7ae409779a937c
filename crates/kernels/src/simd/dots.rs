//! Dot products of rows that are read where they lie: their values in the lanes, sums of lanes in registers.

use super::vector::{Kernel, Vector};
use super::writes::prefetch;
use super::{Detected, Isa};

/// Every row of `a` times every row of `b`: for each pair a register of partial sums, whose lanes add up to
/// the sum over runs and over the values of a run.
pub(crate) struct Dots<'a> {
    pub(crate) a: &'a [f32],
    pub(crate) a_rows: &'a [usize],
    pub(crate) b: &'a [f32],
    pub(crate) b_rows: &'a [usize],
    /// Where each run begins in a row of `a` and of `b`.
    pub(crate) runs: &'a [(usize, usize)],
    /// Values of a run.
    pub(crate) length: usize,
    /// Whether sums go on from those of `out`.
    pub(crate) add: bool,
}

impl Detected {
    /// Most rows of `a` and of `b` that are multiplied at a time: their sums, one side's values and one of
    /// the other's find room in the registers.
    pub(crate) fn dot_rows(self) -> [usize; 2] {
        match self.isa() {
            Isa::Portable => [2, 2],
            Isa::Avx2 => [3, 3],
            Isa::Avx512 => [4, 6],
        }
    }

    /// Computes `out`, `[row of a][row of b][lane]`.
    ///
    /// # Panics
    /// If there are no rows or more than [`Self::dot_rows`], a run lies outside, or `out` is too short.
    pub(crate) fn dots(self, dots: &Dots<'_>, out: &mut [f32]) {
        let last = |at: &[usize]| at.iter().copied().max().unwrap_or(0);
        let (last_a, last_b) = (last(dots.a_rows) + dots.length, last(dots.b_rows) + dots.length);
        let (room_a, room_b) = (dots.a.len().checked_sub(last_a), dots.b.len().checked_sub(last_b));
        for run in dots.runs {
            assert!(
                room_a.is_some_and(|room| run.0 <= room)
                    && room_b.is_some_and(|room| run.1 <= room)
            );
        }
        assert!(out.len() >= dots.a_rows.len() * dots.b_rows.len() * self.lanes());
        let out = out.as_mut_ptr();
        match self.isa() {
            // SAFETY: the asserts cover all that is read and written.
            Isa::Portable => unsafe { any::<[f32; 8]>(dots, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves AVX2 and FMA; the rest as above.
            Isa::Avx2 => unsafe { any::<std::arch::x86_64::__m256>(dots, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves AVX-512F; the rest as above.
            Isa::Avx512 => unsafe { any::<std::arch::x86_64::__m512>(dots, out) },
            #[cfg(not(target_arch = "x86_64"))]
            // SAFETY: as for `Isa::Portable`.
            _ => unsafe { any::<[f32; 8]>(dots, out) },
        }
    }
}

/// Picks the routine whose rows are constants, so that its sums stay in registers.
///
/// # Safety
/// The CPU has the instruction set of `V`; all runs and `out` lie inside.
unsafe fn any<V: Vector>(dots: &Dots<'_>, out: *mut f32) {
    macro_rules! pick {
        ($($a:literal: $($b:literal)*;)*) => {
            match (dots.a_rows.len(), dots.b_rows.len()) {
                $($(
                    // What has no room in the registers is never asked for, and not compiled.
                    ($a, $b) if ($b + 1) * $a + 1 < V::REGISTERS => {
                        // SAFETY: the caller's promise.
                        unsafe { V::run(Sums::<$a, $b> { dots, out }) }
                    }
                )*)*
                (a, b) => unreachable!("no dot products of {a} and {b} rows"),
            }
        };
    }
    pick! {
        1: 1 2 3 4 5 6;
        2: 1 2 3 4 5 6;
        3: 1 2 3 4 5 6;
        4: 1 2 3 4 5 6;
    }
}

/// How many values ahead rows of `a` are asked for: about as many as are multiplied while one comes from memory.
const AHEAD: usize = 256;

struct Sums<'a, const A: usize, const B: usize> {
    dots: &'a Dots<'a>,
    out: *mut f32,
}

impl<const A: usize, const B: usize> Kernel for Sums<'_, A, B> {
    /// # Safety
    /// As [`any`].
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Self { dots, out } = self;
        let (mut a_rows, mut b_rows) = ([0; A], [0; B]);
        a_rows.copy_from_slice(dots.a_rows);
        b_rows.copy_from_slice(dots.b_rows);
        // SAFETY: the caller's promise: every run of every row lies inside, and `A * B` sums in `out`. No
        // closure has a register in it: not inlined, it would lack the instruction set.
        unsafe {
            let mut sums = [[V::splat(0.0); B]; A];
            if dots.add {
                for r in 0..A {
                    for n in 0..B {
                        sums[r][n] = V::load(out.add((r * B + n) * V::LANES));
                    }
                }
            }
            let (whole, rest) = (dots.length / V::LANES, dots.length % V::LANES);
            let ahead = (AHEAD / dots.length.max(1)).max(1);
            for (n, &(a_run, b_run)) in dots.runs.iter().enumerate() {
                let next = dots.runs[(n + ahead).min(dots.runs.len() - 1)].0;
                let mut next = dots.a.as_ptr().wrapping_add(next);
                let mut a = dots.a.as_ptr().add(a_run);
                let mut b = dots.b.as_ptr().add(b_run);
                for _ in 0..whole {
                    let mut rows = [V::splat(0.0); A];
                    for r in 0..A {
                        prefetch(next.wrapping_add(a_rows[r]));
                        rows[r] = V::load(a.add(a_rows[r]));
                    }
                    for n in 0..B {
                        let value = V::load(b.add(b_rows[n]));
                        for r in 0..A {
                            sums[r][n] = rows[r].mul_add(value, sums[r][n]);
                        }
                    }
                    a = a.wrapping_add(V::LANES);
                    next = next.wrapping_add(V::LANES);
                    b = b.wrapping_add(V::LANES);
                }
                if rest > 0 {
                    let mut rows = [V::splat(0.0); A];
                    for r in 0..A {
                        rows[r] = V::load_some(a.add(a_rows[r]), rest);
                    }
                    for n in 0..B {
                        let value = V::load_some(b.add(b_rows[n]), rest);
                        for r in 0..A {
                            sums[r][n] = rows[r].mul_add(value, sums[r][n]);
                        }
                    }
                }
            }
            for r in 0..A {
                for n in 0..B {
                    sums[r][n].store(out.add((r * B + n) * V::LANES));
                }
            }
        }
    }
}

/// The sum of the lanes of a register, always in the same order.
pub(crate) fn sum_of_lanes(lanes: &[f32]) -> f32 {
    let mut sums = [0.0; 8];
    for eight in lanes.chunks_exact(8) {
        for (sum, lane) in sums.iter_mut().zip(eight) {
            *sum += lane;
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_integers_give_exact_dot_products() {
        let values = |seed: usize| -> Vec<f32> {
            (0..500).map(|n| ((n * 7 + seed * 5) % 9) as f32 - 4.0).collect()
        };
        let (a, b) = (values(1), values(2));
        for isa in Isa::available() {
            let isa = Detected::choose(Some(isa)).unwrap();
            let [most_a, most_b] = isa.dot_rows();
            for (rows, columns) in (1..=most_a).flat_map(|r| (1..=most_b).map(move |c| (r, c))) {
                for length in [1, 7, 8, 16, 21, 48] {
                    let a_rows: Vec<usize> = (0..rows).map(|n| n * 37).collect();
                    let b_rows: Vec<usize> = (0..columns).map(|n| 60 - n * 9).collect();
                    let runs = [(3, 200), (100, 0), (51, 333)];
                    let mut out = vec![f32::NAN; rows * columns * isa.lanes()];
                    for add in [false, true] {
                        let (a_rows, b_rows, runs) = (&a_rows[..], &b_rows[..], &runs[..]);
                        let dots = Dots { a: &a, a_rows, b: &b, b_rows, runs, length, add };
                        isa.dots(&dots, &mut out);
                    }
                    for (n, lanes) in out.chunks(isa.lanes()).enumerate() {
                        let (row, column) = (a_rows[n / columns], b_rows[n % columns]);
                        let product =
                            |i: usize, (p, q): (usize, usize)| a[row + p + i] * b[column + q + i];
                        let run = |run| (0..length).map(|i| product(i, run)).sum::<f32>();
                        let wanted: f32 = runs.into_iter().map(run).sum();
                        // Twice, as the second pass adds to the first.
                        assert_eq!(sum_of_lanes(lanes), 2.0 * wanted);
                    }
                }
            }
        }
    }
}
