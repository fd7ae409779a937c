//! The tile of a matrix product: `rows` broadcast values times `vectors` registers, summed in registers.
//!
//! Operands are packed in the order in which the tile reads them, or rows are read where they lie. The sum
//! runs over several *runs* of equally many steps, so that a tile can take a part of the taps of a packed
//! weight.

use super::place::{End, Keep, Places, Put, Targets};
use super::vector::{Kernel, Vector};
use super::woven::{Weave, Woven};
use super::{Detected, Isa};

/// One tile of a product: `out[r][l] = sum over runs and steps of a[step][r] * b[step][l]`.
pub(crate) struct Tile<'a> {
    /// Rows, one of [`ROWS`].
    pub(crate) rows: usize,
    /// Registers of a row.
    pub(crate) vectors: usize,
    /// `rows` values for each step, from each of `a_runs` on. Steps are `a_step` apart.
    pub(crate) a: &'a [f32],
    pub(crate) a_runs: Starts<'a>,
    pub(crate) a_step: usize,
    pub(crate) a_rows: Within<'a>,
    /// `vectors` registers for each step, from each of `b_runs` on; as many runs as of `a`. Steps are
    /// `b_step` apart.
    pub(crate) b: &'a [f32],
    pub(crate) b_runs: Starts<'a>,
    pub(crate) b_step: usize,
    pub(crate) b_registers: Within<'a>,
    pub(crate) steps: usize,
    pub(crate) start: Start<'a>,
}

/// Where runs begin. The last of them is looked for once, and not by every tile that reads them.
#[derive(Clone, Copy)]
pub(crate) struct Starts<'a> {
    all: &'a [usize],
    last: usize,
}

impl<'a> Starts<'a> {
    pub(crate) fn new(all: &'a [usize]) -> Self {
        // Four at a time, as each comparison waits for the one before.
        let (fours, rest) = all.as_chunks::<4>();
        let mut last = [0; 4];
        for four in fours {
            last = std::array::from_fn(|n| last[n].max(four[n]));
        }
        let last = last.iter().chain(rest).copied().max().unwrap_or(0);
        Self { all, last }
    }

    pub(crate) fn all(self) -> &'a [usize] {
        self.all
    }
}

/// What the sums of a tile start from.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a> {
    Zero,
    /// The same registers in every row, as a bias is.
    Row(&'a [f32]),
    /// What has been kept of the same tile.
    Kept,
}

/// Where the values or registers of a step lie.
#[derive(Clone, Copy)]
pub(crate) enum Within<'a> {
    /// So many values apart.
    Apart(usize),
    /// Each at an offset of its own.
    At(&'a [usize]),
    /// So many values apart, and for the second half of the rows all of them so many values further.
    Halves { apart: usize, further: usize },
}

impl Within<'_> {
    /// Where the last of `number` lies.
    ///
    /// # Panics
    /// If they are not as many.
    fn last(self, number: usize) -> usize {
        match self {
            Self::Apart(step) => (number - 1) * step,
            Self::Halves { apart, further } => (number - 1) * apart + further,
            Self::At(offsets) => {
                assert_eq!(offsets.len(), number);
                offsets.iter().copied().max().unwrap_or(0)
            }
        }
    }
}

/// Heights that a tile can have.
pub(crate) const ROWS: [usize; 9] = [1, 2, 3, 4, 5, 6, 7, 8, 12];

/// Heights that a woven tile can have.
const WOVEN_ROWS: [usize; 5] = [4, 6, 7, 8, 12];

/// Rows of the highest tile.
pub(crate) const MAX_ROWS: usize = 12;
/// Registers of the widest row.
const MAX_VECTORS: usize = 8;

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
        self.vectors_beside(rows, 1)
    }

    /// The same for a woven tile, of which the halves may read registers of their own.
    pub(crate) fn woven_vectors(self, rows: usize, halves: bool) -> usize {
        self.vectors_beside(rows, if halves { 2 } else { 1 })
    }

    fn vectors_beside(self, rows: usize, b_rows: usize) -> usize {
        let registers = match self.isa() {
            Isa::Portable => 8,
            Isa::Avx2 => 16,
            Isa::Avx512 => 32,
        };
        ((registers - 1) / (rows + b_rows)).clamp(1, most_vectors(rows))
    }

    /// The height of tiles that computes `rows` rows at least cost: few rows beyond the last, few loads for
    /// each product, and few passes over `b`.
    pub(crate) fn height(self, rows: usize) -> usize {
        self.best_height(rows, 1, ROWS.into_iter())
    }

    /// The same for a woven tile with whole channels of so many phases.
    pub(crate) fn woven_height(self, rows: usize, phases: usize, halves: bool) -> usize {
        let heights = WOVEN_ROWS.into_iter().filter(|height| height % phases == 0);
        self.best_height(rows, if halves { 2 } else { 1 }, heights)
    }

    fn best_height(
        self,
        rows: usize,
        b_rows: usize,
        heights: impl Iterator<Item = usize>,
    ) -> usize {
        let cost = |height: usize| {
            let vectors = self.vectors_beside(height, b_rows);
            let loads = (height + vectors * b_rows) as f64 / (height * vectors) as f64;
            // Up to five loads for six products are hidden behind them.
            let passes = 1.0 + 0.5 / height as f64;
            rows.next_multiple_of(height) as f64 * (1.2 * loads).max(1.0) * passes
        };
        let less = |a: &usize, b: &usize| cost(*a).total_cmp(&cost(*b));
        heights.min_by(less).unwrap_or(1)
    }

    /// The least height of a tile that has room for `rows` rows; at most 12.
    pub(crate) fn height_of_rest(rows: usize) -> usize {
        ROWS.into_iter().find(|&height| height >= rows).unwrap_or(12)
    }

    /// Computes a tile into `out`, `[rows][vectors * lanes]`, which holds what has been kept.
    ///
    /// # Panics
    /// If a slice is too short for what the tile says.
    pub(crate) fn tile(self, tile: &Tile<'_>, out: &mut [f32]) {
        self.check(tile);
        assert!(out.len() >= tile.rows * tile.vectors * self.lanes());
        // SAFETY: `check` and the assert above cover all that is read and written.
        unsafe { self.compute(tile, &Keep(out.as_mut_ptr())) }
    }

    /// Computes a tile, of which `kept` may have been kept, straight to the places of its rows.
    ///
    /// # Panics
    /// If a slice is too short for what the tile says, or a place lies outside of its slice.
    pub(crate) fn tile_to(
        self,
        tile: &Tile<'_>,
        kept: &[f32],
        places: &Places<'_>,
        targets: &mut Targets<'_, '_>,
    ) {
        self.check(tile);
        if let Start::Kept = tile.start {
            assert!(kept.len() >= tile.rows * tile.vectors * self.lanes());
        }
        let end = Put::new(kept, places, targets, (tile.rows, tile.vectors, self.lanes()));
        // SAFETY: `check`, the assert above and `Put::new` cover all that is read and written.
        unsafe { self.compute(tile, &end) }
    }

    /// Computes a tile straight to its places in `slices`, with the x phases of each channel side by side.
    ///
    /// # Panics
    /// If a slice is too short for what the tile says, or a place lies outside of its slice.
    pub(crate) fn tile_woven(self, tile: &Tile<'_>, woven: Woven<'_>, slices: &mut [&mut [f32]]) {
        self.check(tile);
        assert!(WOVEN_ROWS.contains(&tile.rows) && !matches!(tile.start, Start::Kept));
        let end = Weave::new(woven, slices, (tile.rows, tile.vectors, self.lanes()));
        // SAFETY: `check` and `Weave::new` cover all that is read and written.
        unsafe {
            match tile.b_registers {
                Within::Halves { apart, further } => {
                    self.weave(tile, &Halves { apart, further }, &end.in_halves());
                }
                Within::Apart(step) => self.weave(tile, &Packed { step }, &end),
                Within::At(at) => {
                    let mut registers = [0; MAX_VECTORS];
                    registers[..at.len()].copy_from_slice(at);
                    self.weave(tile, &RegistersAt { registers }, &end);
                }
            }
        }
    }

    /// # Safety
    /// As [`Self::compute`].
    unsafe fn weave<const H: bool>(self, tile: &Tile<'_>, of: &impl Operands, end: &Weave<'_, H>) {
        match self.isa() {
            // SAFETY: the caller's promise.
            Isa::Portable => unsafe { woven_rows::<[f32; 8], H>(tile, of, end) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves AVX2 and FMA; the rest is the caller's promise.
            Isa::Avx2 => unsafe { woven_rows::<std::arch::x86_64::__m256, H>(tile, of, end) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves AVX-512F; the rest is the caller's promise.
            Isa::Avx512 => unsafe { woven_rows::<std::arch::x86_64::__m512, H>(tile, of, end) },
            #[cfg(not(target_arch = "x86_64"))]
            // SAFETY: the caller's promise.
            _ => unsafe { woven_rows::<[f32; 8], H>(tile, of, end) },
        }
    }

    /// # Safety
    /// The operands hold what the tile says, see [`Self::check`], and `end` is ready for it.
    unsafe fn compute(self, tile: &Tile<'_>, end: &impl End) {
        match self.isa() {
            // SAFETY: the caller's promise.
            Isa::Portable => unsafe { any_rows::<[f32; 8]>(tile, end) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves AVX2 and FMA; the rest is the caller's promise.
            Isa::Avx2 => unsafe { any_rows::<std::arch::x86_64::__m256>(tile, end) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves AVX-512F; the rest is the caller's promise.
            Isa::Avx512 => unsafe { any_rows::<std::arch::x86_64::__m512>(tile, end) },
            #[cfg(not(target_arch = "x86_64"))]
            // SAFETY: the caller's promise.
            _ => unsafe { any_rows::<[f32; 8]>(tile, end) },
        }
    }

    /// # Panics
    /// If an operand is too short for what the tile says.
    pub(super) fn check(self, tile: &Tile<'_>) {
        let fits = |len: usize, runs: Starts<'_>, step: usize, last: usize| {
            let last = tile.steps.saturating_sub(1) * step + last;
            runs.all.is_empty() || len.checked_sub(last).is_some_and(|room| runs.last <= room)
        };
        assert_eq!(tile.a_runs.all.len(), tile.b_runs.all.len());
        let rows = tile.a_rows.last(tile.rows) + 1;
        assert!(fits(tile.a.len(), tile.a_runs, tile.a_step, rows));
        let row = tile.b_registers.last(tile.vectors) + self.lanes();
        assert!(fits(tile.b.len(), tile.b_runs, tile.b_step, row));
        if let Start::Row(row) = tile.start {
            assert!(row.len() >= tile.vectors * self.lanes());
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

/// Picks the routine whose rows and registers are constants, so that its sums stay in registers.
///
/// # Safety
/// The CPU has the instruction set of `V`; the slices hold what the tile says, see [`Detected::check`], and
/// `end` is ready for it.
unsafe fn any_rows<V: Vector>(tile: &Tile<'_>, end: &impl End) {
    macro_rules! pick {
        ($($rows:literal: $($vectors:literal)*;)*) => {
            match (tile.rows, tile.vectors) {
                $($(
                    // What has no room in the registers is never asked for, and not compiled.
                    ($rows, $vectors) if ($rows + 1) * $vectors < V::REGISTERS || $vectors == 1 => {
                        // SAFETY: the caller's promise; there are as many offsets as rows or registers.
                        unsafe {
                            match (tile.a_rows, tile.b_registers) {
                                (Within::Apart(1), Within::Apart(step)) => {
                                    let of = &Packed { step };
                                    V::run(Sums::<$rows, $vectors, _, _> { tile, of, end });
                                }
                                (Within::Apart(1), Within::At(at)) => {
                                    let mut registers = [0; $vectors];
                                    registers.copy_from_slice(at);
                                    let of = &RegistersAt { registers };
                                    V::run(Sums::<$rows, $vectors, _, _> { tile, of, end });
                                }
                                (Within::At(at), Within::Apart(step)) => {
                                    let mut rows = [0; $rows];
                                    rows.copy_from_slice(at);
                                    let of = &RowsAt { rows, step };
                                    V::run(Sums::<$rows, $vectors, _, _> { tile, of, end });
                                }
                                _ => unreachable!("no kernel reads such operands"),
                            }
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

/// As [`any_rows`], for packed operands and the heights of woven tiles.
///
/// # Safety
/// The CPU has the instruction set of `V`; the slices hold what the tile says, see [`Detected::tile_woven`].
unsafe fn woven_rows<V: Vector, const H: bool>(
    tile: &Tile<'_>,
    of: &impl Operands,
    end: &Weave<'_, H>,
) {
    let b_rows = if H { 2 } else { 1 };
    macro_rules! pick {
        ($($rows:literal: $($vectors:literal)*;)*) => {
            match (tile.rows, tile.vectors, tile.a_rows) {
                $($(
                    ($rows, $vectors, Within::Apart(1))
                        if ($rows + b_rows) * $vectors < V::REGISTERS || $vectors == 1 =>
                    {
                        // SAFETY: the caller's promise.
                        unsafe { V::run(Sums::<$rows, $vectors, _, _> { tile, of, end }) };
                    }
                )*)*
                (rows, vectors, _) => {
                    unreachable!("no woven tile of {rows} rows and {vectors} registers")
                }
            }
        };
    }
    pick! {
        4: 1 2 3 4 5 6;
        6: 1 2 3 4;
        7: 1 2 3;
        8: 1 2 3;
        12: 1 2;
    }
}

/// Where the values and registers of a step lie.
trait Operands {
    fn row(&self, row: usize) -> usize;
    fn register(&self, register: usize) -> usize;
    /// How much further those of the second half of the rows lie, if it has its own.
    #[inline(always)]
    fn further(&self) -> Option<usize> {
        None
    }
}

/// Rows side by side, registers at equal steps, the second half of the rows with its own.
struct Halves {
    apart: usize,
    further: usize,
}

/// Rows side by side, registers at equal steps.
struct Packed {
    step: usize,
}

/// Rows side by side, registers at offsets of their own.
struct RegistersAt<const N: usize> {
    registers: [usize; N],
}

/// Rows at offsets of their own, registers at equal steps.
struct RowsAt<const R: usize> {
    rows: [usize; R],
    step: usize,
}

impl Operands for Halves {
    #[inline(always)]
    fn row(&self, row: usize) -> usize {
        row
    }

    #[inline(always)]
    fn register(&self, register: usize) -> usize {
        register * self.apart
    }

    #[inline(always)]
    fn further(&self) -> Option<usize> {
        Some(self.further)
    }
}

impl Operands for Packed {
    #[inline(always)]
    fn row(&self, row: usize) -> usize {
        row
    }

    #[inline(always)]
    fn register(&self, register: usize) -> usize {
        register * self.step
    }
}

impl<const N: usize> Operands for RegistersAt<N> {
    #[inline(always)]
    fn row(&self, row: usize) -> usize {
        row
    }

    #[inline(always)]
    fn register(&self, register: usize) -> usize {
        self.registers[register]
    }
}

impl<const R: usize> Operands for RowsAt<R> {
    #[inline(always)]
    fn row(&self, row: usize) -> usize {
        self.rows[row]
    }

    #[inline(always)]
    fn register(&self, register: usize) -> usize {
        register * self.step
    }
}

/// A tile of `R` rows of `N` registers.
struct Sums<'a, const R: usize, const N: usize, O, E> {
    tile: &'a Tile<'a>,
    of: &'a O,
    end: &'a E,
}

impl<const R: usize, const N: usize, O: Operands, E: End> Kernel for Sums<'_, R, N, O, E> {
    /// # Safety
    /// As [`any_rows`].
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Self { tile, of, end } = self;
        // SAFETY: every step of a run of `a` has `R` values, and of `b` `N` registers; so has the row that the
        // sums start from, and what is kept and written `R * N`. Pointers past the last step are made, not
        // read. No closure has a register in it: not inlined, it would lack the instruction set.
        unsafe {
            end.begin();
            let mut sums = [[V::splat(0.0); N]; R];
            match tile.start {
                Start::Zero => {}
                Start::Row(row) => {
                    for n in 0..N {
                        let start = V::load(row.as_ptr().add(n * V::LANES));
                        for r in 0..R {
                            sums[r][n] = start;
                        }
                    }
                }
                Start::Kept => {
                    for r in 0..R {
                        for n in 0..N {
                            sums[r][n] = end.kept(r * N + n);
                        }
                    }
                }
            }
            for (&a_run, &b_run) in tile.a_runs.all.iter().zip(tile.b_runs.all) {
                let mut a = tile.a.as_ptr().add(a_run);
                let mut b = tile.b.as_ptr().add(b_run);
                for _ in 0..tile.steps {
                    let mut loaded = [V::splat(0.0); N];
                    for n in 0..N {
                        loaded[n] = V::load(b.add(of.register(n)));
                    }
                    let mut further = loaded;
                    if let Some(values) = of.further() {
                        for n in 0..N {
                            further[n] = V::load(b.add(of.register(n) + values));
                        }
                    }
                    for r in 0..R {
                        let value = V::splat(*a.add(of.row(r)));
                        let own = if 2 * r < R { loaded } else { further };
                        for n in 0..N {
                            sums[r][n] = value.mul_add(own[n], sums[r][n]);
                        }
                    }
                    a = a.wrapping_add(tile.a_step);
                    b = b.wrapping_add(tile.b_step);
                }
            }
            end.end(sums);
        }
    }
}
