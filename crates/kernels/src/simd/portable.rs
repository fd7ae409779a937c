//! The GEMM tile in plain Rust, in fixed-width arrays that the compiler can keep in registers.

use super::MAX_TILE;

pub(super) const ROWS: usize = 4;
pub(super) const COLUMNS: usize = 8;

/// See [`super::Detected::tile`].
pub(super) fn tile(a: &[f32], b: &[f32], tile: &mut [f32; MAX_TILE]) {
    let mut sums = [[0.0f32; COLUMNS]; ROWS];
    let (steps_a, _) = a.as_chunks::<ROWS>();
    let (steps_b, _) = b.as_chunks::<COLUMNS>();
    for (a, b) in steps_a.iter().zip(steps_b) {
        for (row, &a) in sums.iter_mut().zip(a) {
            for (sum, &b) in row.iter_mut().zip(b) {
                // Not mul_add: without the instruction it is a slow library call.
                *sum += a * b;
            }
        }
    }
    for (out, row) in tile.chunks_exact_mut(COLUMNS).zip(&sums) {
        out.copy_from_slice(row);
    }
}
