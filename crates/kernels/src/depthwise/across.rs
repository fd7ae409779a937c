//! The axis along a row: a row of the input becomes a *spread row*, and every output a sum over that row at
//! fixed offsets.
//!
//! * Coarse to fine: each cell is repeated `stride` times, so that output cell o reads place
//!   `o + shift * stride`, whatever its phase. The weights of the lanes then differ with a period of
//!   `stride`.
//! * Fine to coarse: the row is dealt out into `stride` *variants*, every cell of each so many; output cell o
//!   reads place `o + shift` of one of them. All lanes have the same weight.
//!
//! Around the cells lie zeros. Where only some phases have a tap at a shift (a kernel that the stride does
//! not divide), the row has a variant with zeros in place of the others, so that a value reaches no output
//! that it should not, not even times zero.
//!
//! A cell is one value, or `width` channels side by side (NHWC).

use crate::conv_transpose::coupling::AxisMap;
use crate::phases::Direction;
use crate::simd::vector::Vector;

use super::outer::{stride, taps_of};

/// How rows are spread and read.
#[derive(Clone, Debug)]
pub(super) struct Across {
    pub(super) in_cells: usize,
    pub(super) out_cells: usize,
    /// Values of a cell.
    pub(super) width: usize,
    /// Cells after which the weights of lanes repeat.
    pub(super) phases: usize,
    pub(super) terms: Vec<Term>,
    variants: Vec<Variant>,
    /// Values of one variant.
    pitch: usize,
    /// Where the place of output cell 0 lies in a variant; a multiple of [`ALIGN`].
    left: usize,
}

/// One product of each output.
#[derive(Clone, Debug)]
pub(super) struct Term {
    variant: usize,
    /// Places from that of the output, in cells.
    shift: i64,
    /// For output cell 0 and those behind it, up to the number of phases, the tap, where they have one.
    pub(super) taps: Vec<Option<usize>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Variant {
    /// Each cell so many times, zeros for phases that are not marked; the first at place `begin`.
    Repeated { begin: i64, marked: Vec<bool> },
    /// Cells `first`, `first + step`, ...; the first at place 0.
    Every { first: usize, step: usize },
}

/// Most lanes of a register.
pub(super) const ALIGN: usize = 16;
/// Places behind the last output that may be read: registers that are computed together.
const BEHIND: usize = 5 * ALIGN;
/// Most variants of a row.
const VARIANTS: usize = 1024;
/// Most values of a spread row.
const VALUES: usize = 1 << 22;

impl Across {
    /// `None` if spread rows would be too long.
    pub(super) fn new(map: &AxisMap, direction: Direction, width: usize) -> Option<Self> {
        let mut across = match direction {
            Direction::CoarseToFine => Self::coarse_to_fine(map),
            Direction::FineToCoarse => Self::fine_to_coarse(map),
        };
        across.width = width;
        let cells = |n: i64| (n.max(0) as usize).saturating_mul(width);
        let shift = |term: &Term| term.shift;
        let least = across.terms.iter().map(shift).min().unwrap_or(0);
        let greatest = across.terms.iter().map(shift).max().unwrap_or(0);
        let (mut left, mut end) = (cells(-least) + ALIGN, 0);
        for variant in &across.variants {
            let (begin, filled) = variant.place(across.in_cells);
            left = left.max(cells(-begin));
            // Filling may write zeros behind the end.
            end = end.max(cells(begin + filled as i64) + BEHIND);
        }
        end = end.max(cells(across.out_cells as i64 + greatest.max(0)) + BEHIND);
        across.left = left.next_multiple_of(ALIGN);
        across.pitch = (across.left + ALIGN + end).next_multiple_of(ALIGN);
        let fits = across.variants.len() <= VARIANTS && across.row_values() < VALUES;
        fits.then_some(across)
    }

    fn coarse_to_fine(map: &AxisMap) -> Self {
        let phases = stride(map);
        let mut taps: Vec<(i64, usize, usize)> = (0..phases)
            .flat_map(|r| taps_of(map, r).map(move |(shift, tap)| (shift, r, tap)))
            .collect();
        taps.sort_unstable();
        let (mut terms, mut variants): (Vec<Term>, Vec<Variant>) = (Vec::new(), Vec::new());
        for same in taps.chunk_by(|a, b| a.0 == b.0) {
            let (mut taps, mut marked) = (vec![None; phases], vec![false; phases]);
            for &(_, r, tap) in same {
                // Output cell o is cell `o + window_begin` of the uncropped result.
                let cell = (r as i64 - map.window_begin).rem_euclid(phases as i64);
                taps[cell as usize] = Some(tap);
                marked[r] = true;
            }
            let variant = Variant::Repeated { begin: -map.window_begin, marked };
            let shift = same[0].0 * phases as i64;
            terms.push(Term { variant: index_of(&mut variants, variant), shift, taps });
        }
        Self::of(map.coarse, map.fine, phases, terms, variants)
    }

    fn fine_to_coarse(map: &AxisMap) -> Self {
        let step = map.stride as i64;
        let (mut terms, mut variants): (Vec<Term>, Vec<Variant>) = (Vec::new(), Vec::new());
        for tap in 0..map.kernel {
            let offset = (tap * map.dilation) as i64 - map.window_begin;
            let first = offset.rem_euclid(step) as usize;
            let variant = Variant::Every { first, step: map.stride };
            let variant = index_of(&mut variants, variant);
            terms.push(Term { variant, shift: offset.div_euclid(step), taps: vec![Some(tap)] });
        }
        Self::of(map.fine, map.coarse, 1, terms, variants)
    }

    fn of(
        in_cells: usize,
        out_cells: usize,
        phases: usize,
        terms: Vec<Term>,
        variants: Vec<Variant>,
    ) -> Self {
        Self { in_cells, out_cells, width: 1, phases, terms, variants, pitch: 0, left: 0 }
    }

    /// Values of a spread row, all variants.
    pub(super) fn row_values(&self) -> usize {
        self.pitch * self.variants.len()
    }

    /// Lanes after which weights repeat.
    pub(super) fn period(&self) -> usize {
        self.phases * self.width
    }

    /// Values of an output row.
    pub(super) fn out_values(&self) -> usize {
        self.out_cells * self.width
    }

    /// Where in a spread row the place of `lead` lanes in front of output cell 0 lies, if cell 0 is moved by
    /// `lead` lanes: a multiple of [`ALIGN`].
    pub(super) fn origin(&self) -> usize {
        self.left
    }

    /// What a term adds to an output's place.
    pub(super) fn offset(&self, term: &Term) -> isize {
        (term.variant * self.pitch) as isize + term.shift as isize * self.width as isize
    }

    /// Fills the cells of a spread row, moved by `lead` lanes.
    ///
    /// # Safety
    /// The CPU has the instruction set of `V`; a row of the input can be read from `from` on, and
    /// [`Self::row_values`] values written from `to` on; `lead` is below [`ALIGN`].
    #[inline(always)]
    pub(super) unsafe fn spread<V: Vector>(&self, from: *const f32, to: *mut f32, lead: usize) {
        for (n, variant) in self.variants.iter().enumerate() {
            let (begin, filled) = variant.place(self.in_cells);
            // Not negative: `left` holds the cells in front of place 0.
            let place = (self.left + lead) as i64 + begin * self.width as i64;
            let to = to.wrapping_add(n * self.pitch + place as usize);
            // SAFETY: `new` made room for the cells of each variant, and for `BEHIND` places more.
            unsafe {
                match variant {
                    Variant::Repeated { marked, .. } if marked.len() == 1 => {
                        std::ptr::copy_nonoverlapping(from, to, self.in_cells * self.width);
                    }
                    Variant::Every { step: 1, .. } => {
                        std::ptr::copy_nonoverlapping(from, to, self.in_cells * self.width);
                    }
                    Variant::Repeated { marked, .. } if self.width == 1 => match marked.len() {
                        2 => repeat::<V, 2>(from, to, self.in_cells, marked),
                        4 => repeat::<V, 4>(from, to, self.in_cells, marked),
                        _ if marked.iter().all(|&m| m) => {
                            repeat_whole::<V>(from, to, self.in_cells, marked.len());
                        }
                        _ => repeat_cells(from, to, (self.in_cells, 1), marked),
                    },
                    Variant::Repeated { marked, .. } => {
                        repeat_cells(from, to, (self.in_cells, self.width), marked);
                    }
                    Variant::Every { first, step: 2 } if self.width == 1 => {
                        every_second(from.wrapping_add(*first), to, filled);
                    }
                    Variant::Every { first, step } => {
                        for cell in 0..filled {
                            let from = from.add((first + cell * step) * self.width);
                            let to = to.add(cell * self.width);
                            std::ptr::copy_nonoverlapping(from, to, self.width);
                        }
                    }
                }
            }
        }
    }
}

fn index_of(variants: &mut Vec<Variant>, variant: Variant) -> usize {
    let found = variants.iter().position(|known| *known == variant);
    found.unwrap_or_else(|| {
        variants.push(variant);
        variants.len() - 1
    })
}

impl Variant {
    /// The first place that is filled, and how many are, for a row of so many cells.
    fn place(&self, in_cells: usize) -> (i64, usize) {
        match self {
            Self::Repeated { begin, marked } => (*begin, in_cells * marked.len()),
            Self::Every { first, step } => (0, in_cells.saturating_sub(*first).div_ceil(*step)),
        }
    }
}

/// Each of `cells` values `N` times, `N` 2 or 4; zeros for phases that are not marked.
///
/// # Safety
/// As [`Across::spread`]; `N * LANES` places behind the last may be written, with zeros.
#[inline(always)]
unsafe fn repeat<V: Vector, const N: usize>(
    from: *const f32,
    to: *mut f32,
    cells: usize,
    marked: &[bool],
) {
    let mut tail = [0.0f32; ALIGN];
    for at in (0..cells).step_by(V::LANES) {
        // SAFETY: a whole register lies inside the row, or is read from its copy with zeros behind.
        unsafe {
            let value = if at + V::LANES <= cells {
                V::load(from.add(at))
            } else {
                std::ptr::copy_nonoverlapping(from.add(at), tail.as_mut_ptr(), cells - at);
                V::load(tail.as_ptr())
            };
            let zero = V::splat(0.0);
            let of = |phase: usize| if marked[phase] { value } else { zero };
            let to = to.add(at * N);
            if N == 2 {
                let (low, high) = of(0).zip(of(1));
                low.store(to);
                high.store(to.add(V::LANES));
            } else {
                // Phases 0 and 2 in turn, and 1 and 3 in turn, give all four in turn.
                let ((a, b), (c, d)) = (of(0).zip(of(2)), of(1).zip(of(3)));
                for (n, (even, odd)) in [(a, c), (b, d)].into_iter().enumerate() {
                    let (low, high) = even.zip(odd);
                    low.store(to.add(2 * n * V::LANES));
                    high.store(to.add((2 * n + 1) * V::LANES));
                }
            }
        }
    }
}

/// Each of `cells` values `times` times.
///
/// # Safety
/// As [`Across::spread`]; `LANES` places behind the last may be written, with zeros.
#[inline(always)]
unsafe fn repeat_whole<V: Vector>(from: *const f32, to: *mut f32, cells: usize, times: usize) {
    // SAFETY: the caller's promise. A store that goes on into the next cell's places is followed by that
    // cell's, and the last by the one of zeros.
    unsafe {
        for cell in 0..cells {
            let value = V::splat(*from.add(cell));
            for at in (0..times).step_by(V::LANES) {
                value.store(to.add(cell * times + at));
            }
        }
        V::splat(0.0).store(to.add(cells * times));
    }
}

/// # Safety
/// As [`Across::spread`], with `cells.0` cells of `cells.1` values.
#[inline(always)]
unsafe fn repeat_cells(from: *const f32, to: *mut f32, cells: (usize, usize), marked: &[bool]) {
    let (cells, width) = cells;
    for cell in 0..cells {
        for (phase, _) in marked.iter().enumerate().filter(|(_, marked)| **marked) {
            // SAFETY: the caller's promise; places that are not written hold zeros from the start.
            unsafe {
                let to = to.add((cell * marked.len() + phase) * width);
                std::ptr::copy_nonoverlapping(from.add(cell * width), to, width);
            }
        }
    }
}

/// # Safety
/// `2 * count - 1` values can be read and `count` written.
#[inline(always)]
unsafe fn every_second(from: *const f32, to: *mut f32, count: usize) {
    let whole = count.saturating_sub(1) / ALIGN * ALIGN;
    // SAFETY: the caller's promise; a chunk of 32 values ends in front of the value after its last.
    unsafe {
        for at in (0..whole).step_by(ALIGN) {
            let values = from.add(2 * at).cast::<[f32; 2 * ALIGN]>().read();
            let picked: [f32; ALIGN] = std::array::from_fn(|n| values[2 * n]);
            to.add(at).cast::<[f32; ALIGN]>().write(picked);
        }
        for at in whole..count {
            to.add(at).write(*from.add(2 * at));
        }
    }
}
