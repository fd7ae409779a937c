//! The GEMM tile in AVX-512: 12 x 32 sums in twenty-four registers.

use super::MAX_TILE;
use std::arch::x86_64::{
    __m512, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

pub(super) const ROWS: usize = 12;
pub(super) const COLUMNS: usize = 32;

const _: () = assert!(ROWS * COLUMNS <= MAX_TILE);

/// See [`super::Detected::tile`].
///
/// # Safety
/// The CPU has AVX-512F. `a.len()` is a multiple of [`ROWS`], and `b` holds [`COLUMNS`] values for each
/// of these steps.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn tile(a: &[f32], b: &[f32], tile: &mut [f32; MAX_TILE]) {
    let mut sums: [[__m512; 2]; ROWS] = [[_mm512_setzero_ps(); 2]; ROWS];
    let steps = a.len() / ROWS;
    debug_assert!(b.len() >= steps * COLUMNS);
    for step in 0..steps {
        // SAFETY: `step < steps`, so 32 values of `b` from `step * 32` on and 12 values of `a` from
        // `step * 12` on exist, by the demand on lengths.
        unsafe {
            let b = b.as_ptr().add(step * COLUMNS);
            let a = a.as_ptr().add(step * ROWS);
            let (b0, b1) = (_mm512_loadu_ps(b), _mm512_loadu_ps(b.add(16)));
            for row in 0..ROWS {
                let value = _mm512_set1_ps(*a.add(row));
                sums[row][0] = _mm512_fmadd_ps(value, b0, sums[row][0]);
                sums[row][1] = _mm512_fmadd_ps(value, b1, sums[row][1]);
            }
        }
    }
    for (row, sum) in sums.iter().enumerate() {
        // SAFETY: `row < ROWS` and ROWS * COLUMNS <= MAX_TILE, so 32 values fit from `row * 32` on.
        unsafe {
            let out = tile.as_mut_ptr().add(row * COLUMNS);
            _mm512_storeu_ps(out, sum[0]);
            _mm512_storeu_ps(out.add(16), sum[1]);
        }
    }
}
