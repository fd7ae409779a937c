//! The GEMM tile in AVX2 and FMA: 6 x 16 sums in twelve registers.

use super::MAX_TILE;
use std::arch::x86_64::{
    __m256, _mm256_broadcast_ss, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_setzero_ps,
    _mm256_storeu_ps,
};

pub(super) const ROWS: usize = 6;
pub(super) const COLUMNS: usize = 16;

const _: () = assert!(ROWS * COLUMNS <= MAX_TILE);

/// See [`super::Detected::tile`].
///
/// # Safety
/// The CPU has AVX2 and FMA. `a.len()` is a multiple of [`ROWS`], and `b` holds [`COLUMNS`] values for
/// each of these steps.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn tile(a: &[f32], b: &[f32], tile: &mut [f32; MAX_TILE]) {
    let mut sums: [[__m256; 2]; ROWS] = [[_mm256_setzero_ps(); 2]; ROWS];
    let steps = a.len() / ROWS;
    debug_assert!(b.len() >= steps * COLUMNS);
    for step in 0..steps {
        // SAFETY: `step < steps`, so 16 values of `b` from `step * 16` on and 6 values of `a` from
        // `step * 6` on exist, by the demand on lengths.
        unsafe {
            let b = b.as_ptr().add(step * COLUMNS);
            let a = a.as_ptr().add(step * ROWS);
            let (b0, b1) = (_mm256_loadu_ps(b), _mm256_loadu_ps(b.add(8)));
            for row in 0..ROWS {
                let value = _mm256_broadcast_ss(&*a.add(row));
                sums[row][0] = _mm256_fmadd_ps(value, b0, sums[row][0]);
                sums[row][1] = _mm256_fmadd_ps(value, b1, sums[row][1]);
            }
        }
    }
    for (row, sum) in sums.iter().enumerate() {
        // SAFETY: `row < ROWS` and ROWS * COLUMNS <= MAX_TILE, so 16 values fit from `row * 16` on.
        unsafe {
            let out = tile.as_mut_ptr().add(row * COLUMNS);
            _mm256_storeu_ps(out, sum[0]);
            _mm256_storeu_ps(out.add(8), sum[1]);
        }
    }
}
