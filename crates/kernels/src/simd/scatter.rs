//! Rows of a tile to places of their own.

use super::vector::Vector;
use super::{Detected, Isa};

/// Where rows go, with the bounds of it.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    all: Vec<i64>,
    least: i64,
    most: i64,
}

impl Places {
    pub(crate) fn new(all: Vec<i64>) -> Self {
        let least = all.iter().copied().min().unwrap_or(0);
        let most = all.iter().copied().max().unwrap_or(0);
        Self { all, least, most }
    }
}

/// The same lanes of several rows.
pub(crate) struct Scatter<'a> {
    /// First row in the sums.
    pub(crate) row: usize,
    /// Values from row to row.
    pub(crate) row_step: usize,
    /// First lane.
    pub(crate) lane: usize,
    /// Lanes, at most 16.
    pub(crate) length: usize,
    /// Where each row goes.
    pub(crate) places: &'a Places,
    /// Added to every place.
    pub(crate) offset: i64,
}

impl Detected {
    /// Copies `length` values of every row to its place in `out`.
    ///
    /// # Panics
    /// If a row or its place lies outside.
    pub(crate) fn scatter(self, rows: &Scatter<'_>, sums: &[f32], out: &mut [f32]) {
        let places = rows.places;
        let last = rows.row + places.all.len().saturating_sub(1);
        assert!(rows.length <= 16);
        assert!(last * rows.row_step + rows.lane + rows.length <= sums.len());
        assert!(places.least + rows.offset >= 0);
        assert!(places.most + rows.offset + rows.length as i64 <= out.len() as i64);
        match self.isa() {
            // SAFETY: the asserts above are all that is read and written.
            Isa::Portable => unsafe { scatter::<[f32; 8]>(rows, sums, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves that the CPU has AVX2; the rest as above.
            Isa::Avx2 => unsafe { avx2(rows, sums, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves that the CPU has AVX-512F; the rest as above.
            Isa::Avx512 => unsafe { avx512(rows, sums, out) },
            #[cfg(not(target_arch = "x86_64"))]
            // SAFETY: the asserts above are all that is read and written.
            _ => unsafe { scatter::<[f32; 8]>(rows, sums, out) },
        }
    }
}

/// Asks for the cache lines that [`Detected::scatter`] will write, while there is still something to compute:
/// a line that is not in the cache is fetched before it is written.
pub(crate) fn announce(rows: &Scatter<'_>, out: &mut [f32]) {
    for place in &rows.places.all {
        let at = (place + rows.offset).max(0) as usize;
        prefetch_write(out.as_mut_ptr().wrapping_add(at));
    }
}

/// Asks for the cache lines of a slice, as it will be written.
pub(crate) fn announce_all(out: &mut [f32]) {
    for line in out.chunks_mut(16) {
        prefetch_write(line.as_mut_ptr());
    }
}

#[inline(always)]
fn prefetch_write(at: *mut f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch touches nothing that a program can see, whatever the address; where the CPU lacks
    // this kind it does nothing.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_ET0>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// # Safety
/// The CPU has AVX2; the rest as [`scatter`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(rows: &Scatter<'_>, sums: &[f32], out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { scatter::<std::arch::x86_64::__m256>(rows, sums, out) }
}

/// # Safety
/// The CPU has AVX-512F; the rest as [`scatter`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(rows: &Scatter<'_>, sums: &[f32], out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { scatter::<std::arch::x86_64::__m512>(rows, sums, out) }
}

/// # Safety
/// The CPU has the instruction set of `V`; every row lies in `sums`, and its place in `out`.
#[inline(always)]
unsafe fn scatter<V: Vector>(rows: &Scatter<'_>, sums: &[f32], out: &mut [f32]) {
    let mut from = sums.as_ptr().wrapping_add(rows.row * rows.row_step + rows.lane);
    for &place in &rows.places.all {
        // SAFETY: the caller's promise; a pointer past the last row is made, not used.
        unsafe {
            let to = out.as_mut_ptr().add((place + rows.offset) as usize);
            V::copy_some(from, to, rows.length);
        }
        from = from.wrapping_add(rows.row_step);
    }
}
