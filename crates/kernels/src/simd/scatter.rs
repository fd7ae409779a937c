//! Rows of a tile to places of their own.

use super::vector::Vector;
use super::{Detected, Isa};

/// The same lanes of several rows.
pub(crate) struct Scatter<'a> {
    pub(crate) sums: &'a [f32],
    /// Values from row to row.
    pub(crate) row_step: usize,
    /// First lane.
    pub(crate) lane: usize,
    /// Lanes, at most 16.
    pub(crate) length: usize,
    /// Where each row goes.
    pub(crate) places: &'a [i64],
    /// Added to every place.
    pub(crate) offset: i64,
}

impl Detected {
    /// Copies `length` values of every row to its place in `out`.
    ///
    /// # Panics
    /// If a row or its place lies outside.
    pub(crate) fn scatter(self, rows: &Scatter<'_>, out: &mut [f32]) {
        let last = rows.places.len().saturating_sub(1) * rows.row_step + rows.lane + rows.length;
        assert!(rows.length <= 16 && last <= rows.sums.len());
        let room = out.len() as i64 - rows.length as i64;
        let inside = |&place: &i64| (0..=room).contains(&(place + rows.offset));
        assert!(rows.places.iter().all(inside));
        match self.isa() {
            // SAFETY: the asserts above are all that is read and written.
            Isa::Portable => unsafe { scatter::<[f32; 8]>(rows, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves that the CPU has AVX2; the rest as above.
            Isa::Avx2 => unsafe { avx2(rows, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves that the CPU has AVX-512F; the rest as above.
            Isa::Avx512 => unsafe { avx512(rows, out) },
            #[cfg(not(target_arch = "x86_64"))]
            // SAFETY: the asserts above are all that is read and written.
            _ => unsafe { scatter::<[f32; 8]>(rows, out) },
        }
    }
}

/// # Safety
/// The CPU has AVX2; the rest as [`scatter`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(rows: &Scatter<'_>, out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { scatter::<std::arch::x86_64::__m256>(rows, out) }
}

/// # Safety
/// The CPU has AVX-512F; the rest as [`scatter`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(rows: &Scatter<'_>, out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { scatter::<std::arch::x86_64::__m512>(rows, out) }
}

/// # Safety
/// The CPU has the instruction set of `V`; every row lies in `sums`, and its place in `out`.
#[inline(always)]
unsafe fn scatter<V: Vector>(rows: &Scatter<'_>, out: &mut [f32]) {
    let mut from = rows.sums.as_ptr().wrapping_add(rows.lane);
    for &place in rows.places {
        // SAFETY: the caller's promise; a pointer past the last row is made, not used.
        unsafe {
            let to = out.as_mut_ptr().add((place + rows.offset) as usize);
            V::copy_some(from, to, rows.length);
        }
        from = from.wrapping_add(rows.row_step);
    }
}
