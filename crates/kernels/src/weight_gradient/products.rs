//! Register by register: sums of products with groups in the lanes, and sums of sums.

use crate::simd::vector::Vector;
use crate::simd::{Detected, Isa};

/// Products of the registers of `a` with a grid of those of `b`, rows by columns of them:
/// `out[row][column] = sum over runs and steps of a[step] * b[step][row][column]`, lane by lane.
pub(super) struct Products<'a> {
    /// A register for each step, side by side from each of `a_runs` on.
    pub(super) a: &'a [f32],
    pub(super) a_runs: &'a [usize],
    /// Registers of columns side by side, those of rows `b_row` apart, steps `b_step`.
    pub(super) b: &'a [f32],
    pub(super) b_runs: &'a [usize],
    pub(super) b_row: usize,
    pub(super) b_step: usize,
    pub(super) steps: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// Most rows and columns.
pub(super) const MOST: [usize; 2] = [4, 8];

impl Detected {
    /// Most products, rows times columns, that find room in the registers.
    pub(super) fn most_products(self) -> usize {
        match self.isa() {
            Isa::Portable => 6,
            Isa::Avx2 => 12,
            Isa::Avx512 => 16,
        }
    }

    /// Writes `rows * columns` registers of sums to the front of `out`.
    ///
    /// # Panics
    /// If a slice is too short, or there is no room in the registers.
    pub(super) fn products(self, p: &Products<'_>, out: &mut [f32]) {
        let lanes = self.lanes();
        let fits = |len: usize, runs: &[usize], step: usize, last: usize| {
            let room = len.checked_sub(p.steps.saturating_sub(1) * step + last);
            runs.iter().all(|&start| room.is_some_and(|room| start <= room))
        };
        assert!((1..=self.most_products()).contains(&(p.rows * p.columns)));
        assert_eq!(p.a_runs.len(), p.b_runs.len());
        assert!(fits(p.a.len(), p.a_runs, lanes, lanes));
        assert!(fits(p.b.len(), p.b_runs, p.b_step, (p.rows - 1) * p.b_row + p.columns * lanes));
        assert!(out.len() >= p.rows * p.columns * lanes);
        match self.isa() {
            // SAFETY: the asserts above are all that is read and written.
            Isa::Portable => unsafe { any::<[f32; 8]>(p, out.as_mut_ptr()) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves AVX2 and FMA; the rest as above.
            Isa::Avx2 => unsafe { products_avx2(p, out.as_mut_ptr()) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves AVX-512F; the rest as above.
            Isa::Avx512 => unsafe { products_avx512(p, out.as_mut_ptr()) },
            #[cfg(not(target_arch = "x86_64"))]
            // SAFETY: the asserts above are all that is read and written.
            _ => unsafe { any::<[f32; 8]>(p, out.as_mut_ptr()) },
        }
    }

    /// Adds `values` to `sums`.
    ///
    /// # Panics
    /// If they differ in length.
    pub(super) fn add(self, values: &[f32], sums: &mut [f32]) {
        assert_eq!(values.len(), sums.len());
        match self.isa() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves AVX2.
            Isa::Avx2 => unsafe { add_avx2(values, sums) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves AVX-512F.
            Isa::Avx512 => unsafe { add_avx512(values, sums) },
            _ => add(values, sums),
        }
    }
}

#[inline(always)]
fn add(values: &[f32], sums: &mut [f32]) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}

/// # Safety
/// The CPU has AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn add_avx2(values: &[f32], sums: &mut [f32]) {
    add(values, sums);
}

/// # Safety
/// The CPU has AVX-512F.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn add_avx512(values: &[f32], sums: &mut [f32]) {
    add(values, sums);
}

/// # Safety
/// The CPU has AVX2 and FMA; the rest as [`any`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn products_avx2(p: &Products<'_>, out: *mut f32) {
    // SAFETY: the caller's promise.
    unsafe { any::<std::arch::x86_64::__m256>(p, out) }
}

/// # Safety
/// The CPU has AVX-512F; the rest as [`any`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn products_avx512(p: &Products<'_>, out: *mut f32) {
    // SAFETY: the caller's promise.
    unsafe { any::<std::arch::x86_64::__m512>(p, out) }
}

/// Picks the routine whose rows and columns are constants, so that its sums stay in registers.
///
/// # Safety
/// The CPU has the instruction set of `V`; the slices hold what [`Detected::products`] asserts.
#[inline(always)]
unsafe fn any<V: Vector>(p: &Products<'_>, out: *mut f32) {
    macro_rules! pick {
        ($($rows:literal: $($columns:literal)*;)*) => {
            match (p.rows, p.columns) {
                $($(($rows, $columns) => {
                    // SAFETY: the caller's promise.
                    unsafe { sums::<V, $rows, $columns>(p, out) }
                })*)*
                (rows, columns) => unreachable!("no grid of {rows} by {columns} registers"),
            }
        };
    }
    pick! {
        1: 1 2 3 4 5 6 7 8;
        2: 1 2 3 4 5 6 7 8;
        3: 1 2 3 4 5;
        4: 1 2 3 4;
    }
}

/// # Safety
/// As [`any`], with `R` rows and `C` columns.
#[inline(always)]
unsafe fn sums<V: Vector, const R: usize, const C: usize>(p: &Products<'_>, out: *mut f32) {
    // SAFETY: every step has a register of `a` and `R` rows of `C` registers of `b`; `out` has room for as
    // many. Pointers past the last step are made, not read.
    unsafe {
        let mut sums = [[V::splat(0.0); C]; R];
        for (&a_run, &b_run) in p.a_runs.iter().zip(p.b_runs) {
            let mut a = p.a.as_ptr().add(a_run);
            let mut b = p.b.as_ptr().add(b_run);
            for _ in 0..p.steps {
                let value = V::load(a);
                for (r, sums) in sums.iter_mut().enumerate() {
                    let row = b.add(r * p.b_row);
                    for (c, sum) in sums.iter_mut().enumerate() {
                        *sum = V::load(row.add(c * V::LANES)).mul_add(value, *sum);
                    }
                }
                a = a.wrapping_add(V::LANES);
                b = b.wrapping_add(p.b_step);
            }
        }
        for (r, sums) in sums.into_iter().enumerate() {
            for (c, sum) in sums.into_iter().enumerate() {
                sum.store(out.add((r * C + c) * V::LANES));
            }
        }
    }
}
