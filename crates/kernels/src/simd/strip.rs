//! A strip of a matrix product: rows of one register at equal steps, a tile of them after the other, each stored to a
//! place at equal steps.
//!
//! What [`super::tile`] asks of every tile is asked of the whole strip once. Where sums are short that takes longer than
//! the products.

use std::ops::Range;

use super::Detected;
use super::place::activated;
use super::tile::{Start, Tile, Within};
use super::vector::{Kernel, Vector};
use super::writes::prefetch_write;
use crate::options::Activation;

/// Where the rows of a strip go.
pub(crate) struct Strip<'a> {
    pub(crate) y: &'a mut [f32],
    /// Where row 0 goes, and values from row to row.
    pub(crate) first: i64,
    pub(crate) step: usize,
    /// Lanes of a row, from the first on.
    pub(crate) length: usize,
    pub(crate) activation: Activation,
    /// Whether lines are asked for before they are written.
    pub(crate) announced: bool,
}

/// Rows of a tile, where there are as many.
const HIGH: usize = 12;
/// Rows of a tile that takes what is too few for a high one.
const LOW: usize = 4;

impl Detected {
    /// Computes a tile of one register and any number of rows.
    ///
    /// # Panics
    /// If an operand is too short for what the tile says, or a place lies outside of `y`; if it is not rows at equal
    /// steps, from zero or a bias on.
    pub(crate) fn strip(self, tile: &Tile<'_>, strip: &mut Strip<'_>) {
        let Within::Apart(a_row) = tile.a_rows else { unreachable!("strips have equal steps") };
        assert!(!matches!(tile.start, Start::Kept) && tile.vectors == 1);
        if tile.rows == 0 {
            return;
        }
        self.check(tile);
        let last = strip.first + ((tile.rows - 1) * strip.step + strip.length) as i64;
        assert!(strip.length <= self.lanes());
        assert!(strip.first >= 0 && last <= strip.y.len() as i64);
        // Not negative.
        let y = strip.y.as_mut_ptr().wrapping_add(strip.first as usize);
        let walk = Walk { tile, a_row, y, strip };
        // SAFETY: `check` and the asserts above cover all that is read and written.
        unsafe { self.run_kernel(walk) };
    }
}

/// A strip that was checked.
struct Walk<'a> {
    tile: &'a Tile<'a>,
    a_row: usize,
    /// The place of row 0.
    y: *mut f32,
    strip: &'a Strip<'a>,
}

impl Kernel for Walk<'_> {
    /// # Safety
    /// The CPU has the instruction set of `V`; the operands were checked.
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let (rows, mut row) = (self.tile.rows, 0);
        while row < rows {
            // SAFETY: all rows lie inside. The last tile may compute rows of the one before it again, to the same bits.
            unsafe {
                row += match rows - row {
                    left if left >= HIGH => self.tile::<V, HIGH>(row),
                    left if rows >= HIGH => self.tile::<V, HIGH>(rows - HIGH).min(left),
                    left if left >= LOW => self.tile::<V, LOW>(row),
                    _ => self.tile::<V, 1>(row),
                };
            }
        }
    }
}

impl Walk<'_> {
    /// Where a row goes.
    ///
    /// # Safety
    /// There are more than `row` rows.
    #[inline(always)]
    unsafe fn place(&self, row: usize) -> *mut f32 {
        // SAFETY: the place lies in `y`, as was checked.
        unsafe { self.y.add(row * self.strip.step) }
    }

    /// Computes `R` rows from `row` on, and says how many.
    ///
    /// # Safety
    /// The CPU has the instruction set of `V`; there are as many rows.
    #[inline(always)]
    unsafe fn tile<V: Vector, const R: usize>(&self, row: usize) -> usize {
        let Self { tile, strip, .. } = self;
        // SAFETY: the caller's promise, and what was checked. Pointers past the last step are made, not read.
        unsafe {
            if strip.announced {
                for r in 0..R {
                    prefetch_write(self.place(row + r));
                }
            }
            let mut sums = [V::splat(0.0); R];
            if let Start::Row(start) = tile.start {
                sums = [V::load(start.as_ptr()); R];
            }
            let own = tile.a.as_ptr().add(row * self.a_row);
            for (&a_run, &b_run) in tile.a_runs.all().iter().zip(tile.b_runs.all()) {
                let mut a = own.wrapping_add(a_run);
                let mut b = tile.b.as_ptr().add(b_run);
                for _ in 0..tile.steps {
                    let loaded = V::load(b);
                    for r in 0..R {
                        sums[r] = V::splat(*a.add(r * self.a_row)).mul_add(loaded, sums[r]);
                    }
                    a = a.wrapping_add(tile.a_step);
                    b = b.wrapping_add(tile.b_step);
                }
            }
            if strip.length == V::LANES {
                for r in 0..R {
                    sums[r].store(self.place(row + r));
                }
            } else {
                for r in 0..R {
                    sums[r].store_lanes(self.place(row + r), 0, strip.length);
                }
            }
            self.activate::<V>(row..row + R);
        }
        R
    }

    /// Applies the activation to rows that were stored: unrolled, so that they could stay in registers, it would be far
    /// more code than it takes time to load them.
    ///
    /// # Safety
    /// The CPU has the instruction set of `V`; there are as many rows.
    #[inline(always)]
    unsafe fn activate<V: Vector>(&self, rows: Range<usize>) {
        let Strip { activation, length, .. } = *self.strip;
        if activation == Activation::None {
            return;
        }
        for row in rows {
            // SAFETY: every row lies inside.
            unsafe {
                let to = self.place(row);
                match length == V::LANES {
                    true => activated(V::load(to), activation).store(to),
                    false => {
                        activated(V::load_some(to, length), activation).store_some(to, length);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Isa;
    use super::super::tile::Starts;
    use super::*;

    #[test]
    fn rows_of_any_number_go_to_their_places() {
        for isa in Isa::available() {
            let isa = Detected::choose(Some(isa)).expect("listed as available");
            let lanes = isa.lanes();
            for (rows, length, steps) in
                [(1, lanes, 3), (5, lanes - 3, 2), (12, lanes, 1), (31, 5, 4)]
            {
                let (a_row, step) = (steps + 1, length + 2);
                let a: Vec<f32> = (0..rows * a_row).map(|n| (n % 7) as f32 - 3.0).collect();
                let b: Vec<f32> = (0..steps * lanes).map(|n| (n % 5) as f32 - 2.0).collect();
                let bias: Vec<f32> = (0..lanes).map(|n| n as f32 - 4.0).collect();
                for activation in [Activation::None, Activation::Relu] {
                    let mut y = vec![f32::NAN; 1 + rows * step];
                    let tile = Tile {
                        rows,
                        vectors: 1,
                        a: &a,
                        a_runs: Starts::new(&[0]),
                        a_step: 1,
                        a_rows: Within::Apart(a_row),
                        b: &b,
                        b_runs: Starts::new(&[0]),
                        b_step: lanes,
                        b_registers: Within::Apart(0),
                        steps,
                        start: Start::Row(&bias),
                    };
                    let (y_slice, first) = (&mut y[..], 1);
                    let announced = true;
                    let mut strip =
                        Strip { y: y_slice, first, step, length, activation, announced };
                    isa.strip(&tile, &mut strip);
                    for (at, y) in y.iter().enumerate() {
                        let (row, lane) = ((at.max(1) - 1) / step, (at.max(1) - 1) % step);
                        if at == 0 || row >= rows || lane >= length {
                            assert!(y.is_nan(), "{at}");
                            continue;
                        }
                        let product = |s: usize| a[row * a_row + s] * b[s * lanes + lane];
                        let sum = bias[lane] + (0..steps).map(product).sum::<f32>();
                        assert_eq!(*y, activation.apply(sum), "{isa:?} {rows} {length} {at}");
                    }
                }
            }
        }
    }
}
