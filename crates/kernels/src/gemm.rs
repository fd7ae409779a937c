//! Matrix product on one thread: packing and blocking around the tile of `simd`.
//!
//! Blocking after Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008):
//! `a` and `b` are packed into panels as tall (wide) as a tile, so that a tile reads both in order.
//! Callers run many products side by side and give each its own scratch.

use crate::simd::tile::{MAX_TILE, Start, Starts, Tile, Within};
use crate::simd::{Detected, Isa};

/// A matrix in a slice, read with any strides: element (r, c) is `data[r * row + c * column]`.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    pub(crate) data: &'a [f32],
    /// Step from a row to the next.
    pub(crate) row: usize,
    /// Step from a column to the next.
    pub(crate) column: usize,
}

/// Size of a product `[m, k] * [k, n]`.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
}

/// What happens to the values that `c` holds before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    /// They are overwritten.
    Write,
    /// The product is added.
    Add,
}

/// Steps of the inner sum per block: the panels of one tile stay in the L1 cache.
const STEPS: usize = 256;
/// Rows of `a` packed at a time; a multiple of every tile's rows (4, 6, 12).
const ROWS: usize = 96;

/// Rows and columns of a tile.
struct TileSize {
    rows: usize,
    columns: usize,
}

fn tile_size(isa: Detected) -> TileSize {
    let rows = match isa.isa() {
        Isa::Portable => 4,
        Isa::Avx2 => 6,
        Isa::Avx512 => 12,
    };
    TileSize { rows, columns: isa.vectors(rows) * isa.lanes() }
}

/// Buffers for the packed panels.
pub(crate) struct Scratch {
    a: Vec<f32>,
    b: Vec<f32>,
}

impl Scratch {
    /// Values that a product of at most `columns` columns and `steps` steps needs.
    pub(crate) fn values(isa: Detected, columns: usize, steps: usize) -> usize {
        let steps = steps.min(STEPS);
        (ROWS + columns.next_multiple_of(tile_size(isa).columns)) * steps
    }

    /// Buffers for products of at most `columns` columns and `steps` steps.
    pub(crate) fn new(isa: Detected, columns: usize, steps: usize) -> Self {
        let b = Self::values(isa, columns, steps) - ROWS * steps.min(STEPS);
        Self { a: vec![0.0; ROWS * steps.min(STEPS)], b: vec![0.0; b] }
    }
}

/// `c = a * b` or `c += a * b`. `c` is row-major with `c_row` values from row to row.
///
/// The sum over `k` runs in blocks of 256 in ascending order, whatever `m` and `n` are, so that a
/// value does not depend on how the caller has cut the product up.
pub(crate) fn gemm(
    isa: Detected,
    size: Size,
    a: Matrix<'_>,
    b: Matrix<'_>,
    (c, c_row): (&mut [f32], usize),
    store: Store,
    scratch: &mut Scratch,
) {
    let tile = tile_size(isa);
    let mut sums = [0.0f32; MAX_TILE];
    for k0 in (0..size.k).step_by(STEPS) {
        let steps = STEPS.min(size.k - k0);
        let store = if k0 == 0 { store } else { Store::Add };
        pack_b(b, k0, steps, size.n, tile.columns, &mut scratch.b);
        for m0 in (0..size.m).step_by(ROWS) {
            let rows = ROWS.min(size.m - m0);
            pack_a(a, (m0, rows), (k0, steps), tile.rows, &mut scratch.a);
            for n0 in (0..size.n).step_by(tile.columns) {
                let columns = tile.columns.min(size.n - n0);
                let panel_b = &scratch.b[n0 * steps..][..tile.columns * steps];
                for r0 in (0..rows).step_by(tile.rows) {
                    let panel_a = &scratch.a[r0 * steps..][..tile.rows * steps];
                    let panels = Tile {
                        rows: tile.rows,
                        vectors: tile.columns / isa.lanes(),
                        a: panel_a,
                        a_runs: Starts::new(&[0]),
                        a_step: tile.rows,
                        a_rows: Within::Apart(1),
                        b: panel_b,
                        b_runs: Starts::new(&[0]),
                        b_step: tile.columns,
                        b_registers: Within::Apart(isa.lanes()),
                        steps,
                        start: Start::Zero,
                    };
                    isa.tile(&panels, &mut sums);
                    for r in 0..tile.rows.min(rows - r0) {
                        let sums = &sums[r * tile.columns..][..columns];
                        let out = &mut c[(m0 + r0 + r) * c_row + n0..][..columns];
                        match store {
                            Store::Write => out.copy_from_slice(sums),
                            Store::Add => out.iter_mut().zip(sums).for_each(|(o, s)| *o += s),
                        }
                    }
                }
            }
        }
    }
    if size.k == 0 && store == Store::Write {
        for r in 0..size.m {
            c[r * c_row..][..size.n].fill(0.0);
        }
    }
}

/// Panels of `height` rows: `[rows / height][steps][height]`, zeros below the last row.
fn pack_a(
    a: Matrix<'_>,
    (m0, rows): (usize, usize),
    (k0, steps): (usize, usize),
    height: usize,
    packed: &mut [f32],
) {
    for r0 in (0..rows).step_by(height) {
        let panel = &mut packed[r0 * steps..][..height * steps];
        let filled = height.min(rows - r0);
        if filled < height {
            panel.fill(0.0);
        }
        for r in 0..filled {
            let from = (m0 + r0 + r) * a.row + k0 * a.column;
            for step in 0..steps {
                panel[step * height + r] = a.data[from + step * a.column];
            }
        }
    }
}

/// Panels of `width` columns: `[columns / width][steps][width]`, zeros right of the last column.
fn pack_b(
    b: Matrix<'_>,
    k0: usize,
    steps: usize,
    columns: usize,
    width: usize,
    packed: &mut [f32],
) {
    for n0 in (0..columns).step_by(width) {
        let panel = &mut packed[n0 * steps..][..width * steps];
        let filled = width.min(columns - n0);
        for (step, out) in panel.chunks_exact_mut(width).enumerate() {
            let from = (k0 + step) * b.row + n0 * b.column;
            if b.column == 1 {
                out[..filled].copy_from_slice(&b.data[from..from + filled]);
            } else {
                for (c, value) in out[..filled].iter_mut().enumerate() {
                    *value = b.data[from + c * b.column];
                }
            }
            out[filled..].fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;

    /// Small integers: sums are exact, so any difference is a fault.
    fn integers(n: usize, seed: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 7 + seed * 13 + i * i % 11) % 9) as f32 - 4.0).collect()
    }

    #[test]
    fn every_isa_multiplies_exactly_around_its_tile() {
        let available = Isa::available();
        eprintln!("tested: {}", available.iter().map(|i| i.name()).collect::<Vec<_>>().join(", "));
        for isa in available {
            let isa = Detected::choose(Some(isa)).expect("listed as available");
            let t = tile_size(isa);
            for m in [1, t.rows - 1, t.rows, t.rows + 1, 2 * t.rows + 3, 97, 193] {
                for n in [1, t.columns - 1, t.columns, t.columns + 1, 3 * t.columns + 5] {
                    for k in [0, 1, 3, 255, 256, 257, 600] {
                        let (a, b) = (integers(m * k, 1), integers(k * n, 2));
                        let mut c = integers(m * n, 3);
                        let before = c.clone();
                        let mut scratch = Scratch::new(isa, n, k);
                        // a is stored transposed, to exercise strides.
                        gemm(
                            isa,
                            Size { m, n, k },
                            Matrix { data: &a, row: 1, column: m },
                            Matrix { data: &b, row: n, column: 1 },
                            (&mut c, n),
                            Store::Add,
                            &mut scratch,
                        );
                        for r in 0..m {
                            for col in 0..n {
                                let sum: f32 = (0..k).map(|p| a[p * m + r] * b[p * n + col]).sum();
                                assert_eq!(
                                    c[r * n + col],
                                    before[r * n + col] + sum,
                                    "{isa:?} {m} {n} {k}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}
