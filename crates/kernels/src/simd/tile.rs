//! The tile of a matrix product: `rows` broadcast values times `vectors` registers, summed in registers.
//!
//! Both operands are packed in the order in which the tile reads them. The sum runs over several *runs*
//! of equally many steps, so that a tile can take a part of the taps of a packed weight.

use super::vector::Vector;
use super::{Detected, Isa};

/// One tile of a product: `out[r][l] = sum over runs and steps of a[step][r] * b[step][l]`.
pub(crate) struct Tile<'a> {
    /// Rows, one of [`ROWS`].
    pub(crate) rows: usize,
    /// Registers of a row.
    pub(crate) vectors: usize,
    /// `rows` values for each step, `a_step` apart, from each of `a_runs` on.
    pub(crate) a: &'a [f32],
    pub(crate) a_runs: &'a [usize],
    pub(crate) a_step: usize,
    /// `vectors` registers for each step, from each of `b_runs` on; as many runs as of `a`. Steps are
    /// `b_step` apart.
    pub(crate) b: &'a [f32],
    pub(crate) b_runs: &'a [usize],
    pub(crate) b_step: usize,
    pub(crate) b_registers: Registers<'a>,
    pub(crate) steps: usize,
    /// Whether the sums start from what `out` holds.
    pub(crate) add: bool,
}

/// Where the registers of a step lie.
#[derive(Clone, Copy)]
pub(crate) enum Registers<'a> {
    /// So many values apart.
    Apart(usize),
    /// Each at an offset of its own.
    At(&'a [usize]),
}

/// Heights that a tile can have.
pub(crate) const ROWS: [usize; 9] = [1, 2, 3, 4, 5, 6, 7, 8, 12];

/// Values of the largest tile.
pub(crate) const MAX_TILE: usize = 7 * 4 * 16;

impl Detected {
    /// Values in a register.
    pub(crate) fn lanes(self) -> usize {
        match self.isa() {
            Isa::Portable | Isa::Avx2 => 8,
            Isa::Avx512 => 16,
        }
    }

    /// Most registers in a row of a tile of so many rows: sums, one row of `b` and one value of `a` must
    /// find room in the registers.
    pub(crate) fn vectors(self, rows: usize) -> usize {
        let registers = match self.isa() {
            Isa::Portable => 8,
            Isa::Avx2 => 16,
            Isa::Avx512 => 32,
        };
        ((registers - 1) / (rows + 1)).clamp(1, most_vectors(rows))
    }

    /// The height of tiles that computes `rows` rows at least cost: few rows beyond the last, few loads for
    /// each product, and few passes over `b`.
    pub(crate) fn height(self, rows: usize) -> usize {
        let cost = |height: usize| {
            let vectors = self.vectors(height);
            let loads = (height + vectors) as f64 / (height * vectors) as f64;
            // Up to five loads for six products are hidden behind them.
            let passes = 1.0 + 0.5 / height as f64;
            rows.next_multiple_of(height) as f64 * (1.2 * loads).max(1.0) * passes
        };
        let less = |a: &usize, b: &usize| cost(*a).total_cmp(&cost(*b));
        ROWS.into_iter().min_by(less).unwrap_or(1)
    }

    /// The least height of a tile that has room for `rows` rows; at most 12.
    pub(crate) fn height_of_rest(rows: usize) -> usize {
        ROWS.into_iter().find(|&height| height >= rows).unwrap_or(12)
    }

    /// Computes a tile into `out`, `[rows][vectors * lanes]`.
    ///
    /// # Panics
    /// If a slice is too short for what the tile says.
    pub(crate) fn tile(self, tile: &Tile<'_>, out: &mut [f32]) {
        let width = tile.vectors * self.lanes();
        let fits = |len: usize, runs: &[usize], step: usize, last: usize| {
            let room = len.checked_sub(tile.steps.saturating_sub(1) * step + last);
            runs.iter().all(|&start| room.is_some_and(|room| start <= room))
        };
        assert_eq!(tile.a_runs.len(), tile.b_runs.len());
        assert!(fits(tile.a.len(), tile.a_runs, tile.a_step, tile.rows));
        let last = match tile.b_registers {
            Registers::Apart(step) => (tile.vectors - 1) * step,
            Registers::At(offsets) => {
                assert_eq!(offsets.len(), tile.vectors);
                offsets.iter().copied().max().unwrap_or(0)
            }
        };
        let row = last + self.lanes();
        assert!(fits(tile.b.len(), tile.b_runs, tile.b_step, row));
        assert!(out.len() >= tile.rows * width);
        match self.isa() {
            // SAFETY: the asserts above are all that the tile reads and writes.
            Isa::Portable => unsafe { any_rows::<[f32; 8]>(tile, out.as_mut_ptr()) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves AVX2 and FMA; the asserts above are all that is read and written.
            Isa::Avx2 => unsafe { avx2(tile, out.as_mut_ptr()) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves AVX-512F; the asserts above are all that is read and written.
            Isa::Avx512 => unsafe { avx512(tile, out.as_mut_ptr()) },
            #[cfg(not(target_arch = "x86_64"))]
            // SAFETY: the asserts above are all that the tile reads and writes.
            _ => unsafe { any_rows::<[f32; 8]>(tile, out.as_mut_ptr()) },
        }
    }
}

/// Registers of a row that are compiled for a height.
const fn most_vectors(rows: usize) -> usize {
    match rows {
        1..=3 => 8,
        4 => 6,
        5..=7 => 4,
        8 => 3,
        _ => 2,
    }
}

/// # Safety
/// The CPU has AVX2 and FMA; the rest as [`any_rows`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(tile: &Tile<'_>, out: *mut f32) {
    // SAFETY: the caller's promise.
    unsafe { any_rows::<std::arch::x86_64::__m256>(tile, out) }
}

/// # Safety
/// The CPU has AVX-512F; the rest as [`any_rows`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(tile: &Tile<'_>, out: *mut f32) {
    // SAFETY: the caller's promise.
    unsafe { any_rows::<std::arch::x86_64::__m512>(tile, out) }
}

/// Picks the routine whose rows and registers are constants, so that its sums stay in registers.
///
/// # Safety
/// The CPU has the instruction set of `V`; the slices hold what the tile says, see [`Detected::tile`].
#[inline(always)]
unsafe fn any_rows<V: Vector>(tile: &Tile<'_>, out: *mut f32) {
    macro_rules! pick {
        ($($rows:literal: $($vectors:literal)*;)*) => {
            match (tile.rows, tile.vectors) {
                $($(
                    // What has no room in the registers is never asked for, and not compiled.
                    ($rows, $vectors) if ($rows + 1) * $vectors < V::REGISTERS || $vectors == 1 => {
                        match tile.b_registers {
                            // SAFETY: the caller's promise.
                            Registers::Apart(step) => unsafe {
                                sums::<V, $rows, $vectors>(tile, |n| n * step, out)
                            },
                            // SAFETY: the caller's promise; there are as many offsets as registers.
                            Registers::At(offsets) => unsafe {
                                let offsets: [usize; $vectors] = std::array::from_fn(|n| offsets[n]);
                                sums::<V, $rows, $vectors>(tile, |n| offsets[n], out)
                            },
                        }
                    }
                )*)*
                (rows, vectors) => unreachable!("no tile of {rows} rows and {vectors} registers"),
            }
        };
    }
    pick! {
        1: 1 2 3 4 5 6 7 8;
        2: 1 2 3 4 5 6 7 8;
        3: 1 2 3 4 5 6 7 8;
        4: 1 2 3 4 5 6;
        5: 1 2 3 4;
        6: 1 2 3 4;
        7: 1 2 3 4;
        8: 1 2 3;
        12: 1 2;
    }
}

/// # Safety
/// As [`any_rows`], with `R` rows and `N` registers a row, each `offset` into a step.
#[inline(always)]
unsafe fn sums<V: Vector, const R: usize, const N: usize>(
    tile: &Tile<'_>,
    offset: impl Fn(usize) -> usize,
    out: *mut f32,
) {
    // SAFETY: every step of a run of `a` has `R` values, and of `b` `N` registers; `out` has room for
    // `R * N * LANES`. Pointers past the last step are made, not read.
    unsafe {
        let mut sums = [[V::splat(0.0); N]; R];
        if tile.add {
            for (r, sums) in sums.iter_mut().enumerate() {
                for (n, sum) in sums.iter_mut().enumerate() {
                    *sum = V::load(out.add((r * N + n) * V::LANES));
                }
            }
        }
        for (&a_run, &b_run) in tile.a_runs.iter().zip(tile.b_runs) {
            let mut a = tile.a.as_ptr().add(a_run);
            let mut b = tile.b.as_ptr().add(b_run);
            for _ in 0..tile.steps {
                let row: [V; N] = std::array::from_fn(|n| V::load(b.add(offset(n))));
                for (r, sums) in sums.iter_mut().enumerate() {
                    let value = V::splat(*a.add(r));
                    for (sum, b) in sums.iter_mut().zip(row) {
                        *sum = value.mul_add(b, *sum);
                    }
                }
                a = a.wrapping_add(tile.a_step);
                b = b.wrapping_add(tile.b_step);
            }
        }
        for (r, sums) in sums.into_iter().enumerate() {
            for (n, sum) in sums.into_iter().enumerate() {
                sum.store(out.add((r * N + n) * V::LANES));
            }
        }
    }
}
