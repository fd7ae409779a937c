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

use super::outer::{stride, taps_of};
use super::pick::Pick;
use super::spread::{
    Every, copy, deal, every_cell, every_second, repeat, repeat_cells, repeat_whole,
};

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
    /// Places in front of that of output cell 0; a multiple of [`ALIGN`].
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
/// Most variants of a row.
const VARIANTS: usize = 1024;
/// Most values of a spread row.
const VALUES: usize = 1 << 22;

impl Across {
    pub(super) fn new(map: &AxisMap, direction: Direction, width: usize) -> Self {
        let across = match direction {
            Direction::CoarseToFine => Self::coarse_to_fine(map),
            Direction::FineToCoarse => Self::fine_to_coarse(map),
        };
        Self { width, ..across }
    }

    /// Makes room for kernels that read so many places behind the end of a row; `None` if spread rows would be
    /// too long.
    pub(super) fn laid_out(mut self, behind: usize) -> Option<Self> {
        let cells = |n: i64| (n.max(0) as usize).saturating_mul(self.width);
        let shift = |term: &Term| term.shift;
        let least = self.terms.iter().map(shift).min().unwrap_or(0);
        let greatest = self.terms.iter().map(shift).max().unwrap_or(0);
        let (mut left, mut end) = (cells(-least), 0);
        for variant in &self.variants {
            let (begin, filled) = variant.place(self.in_cells);
            left = left.max(cells(-begin));
            // Filling may write a register of zeros for each phase behind the end.
            end = end.max(cells(begin + filled as i64) + variant.behind());
        }
        let last = cells(self.out_cells as i64 + greatest.max(0));
        end = end.max(last + behind);
        self.left = left.next_multiple_of(ALIGN);
        // Moved by less than a register for the lead, and by less than one for the origin.
        self.pitch = (self.left + 2 * ALIGN + end).next_multiple_of(ALIGN);
        let fits = self.variants.len() <= VARIANTS && self.row_values() < VALUES;
        fits.then_some(self)
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

    /// Where in a spread row the place of the first lane lies, `lead` lanes in front of output cell 0.
    pub(super) fn origin(&self, lead: usize) -> usize {
        match self.variants.first() {
            // Storing what is repeated is the dearer part, so those registers do not straddle cache lines.
            Some(Variant::Repeated { begin, marked }) if marked.len() > 1 => {
                let place = (self.left + lead) as i64 + begin * self.width as i64;
                self.left + (-place).rem_euclid(ALIGN as i64) as usize
            }
            _ => self.left,
        }
    }

    /// Whether terms read cells side by side.
    pub(super) fn adjacent(&self) -> bool {
        match self.variants.first() {
            Some(Variant::Every { step, .. }) if *step > 1 => true,
            _ => {
                self.width == 1 && self.terms.windows(2).all(|two| two[0].shift + 1 == two[1].shift)
            }
        }
    }

    /// What a term adds to an output's place.
    pub(super) fn offset(&self, term: &Term) -> isize {
        (term.variant * self.pitch) as isize + term.shift as isize * self.width as isize
    }

    /// Where a term reads in a row of adjacent cells that is not spread, less the output's place.
    pub(super) fn direct_offset(&self, term: &Term) -> isize {
        match &self.variants[term.variant] {
            Variant::Repeated { begin, .. } => (term.shift - begin) as isize,
            Variant::Every { .. } => term.shift as isize,
        }
    }

    /// Fills the cells of spread rows, moved by `lead` lanes.
    ///
    /// # Safety
    /// The CPU has the instruction set of `V`; rows of the input can be read from `from` on, one behind the
    /// other, and [`Self::row_values`] values of each written from `to` on; `lead` is below [`ALIGN`].
    #[inline(always)]
    pub(super) unsafe fn spread<V: Pick>(
        &self,
        from: *const f32,
        to: *mut f32,
        (rows, lead): (usize, usize),
    ) {
        let (cells, width) = (self.in_cells, self.width);
        if let ([Variant::Every { first, step: 2 }, Variant::Every { step: 2, .. }], 1) =
            (&self.variants[..], width)
        {
            // The variant that begins with cell 0, and the other.
            let place = self.origin(lead) + lead;
            let (even, odd) = (place + first * self.pitch, place + (1 - first) * self.pitch);
            for row in 0..rows {
                let from = from.wrapping_add(row * cells);
                let to = to.wrapping_add(row * self.row_values());
                // SAFETY: `laid_out` made room for the cells of each variant, and for a register behind.
                unsafe { deal::<V>(from, [to.add(even), to.add(odd)], cells) };
            }
            return;
        }
        for (n, variant) in self.variants.iter().enumerate() {
            let (begin, filled) = variant.place(cells);
            // Not negative: the origin lies behind the cells in front of place 0.
            let place = (self.origin(lead) + lead) as i64 + begin * width as i64;
            let to = to.wrapping_add(n * self.pitch + place as usize);
            macro_rules! each {
                ($from:ident, $to:ident, $fill:expr) => {
                    for row in 0..rows {
                        let $from = from.wrapping_add(row * cells * width);
                        let $to = to.wrapping_add(row * self.row_values());
                        // SAFETY: `laid_out` made room for the cells of each variant, and for registers
                        // behind.
                        unsafe { $fill }
                    }
                };
            }
            match variant {
                Variant::Every { step: 1, .. } => {
                    each!(from, to, copy::<V>(from, to, cells * width))
                }
                Variant::Every { first, step: 2 } if width == 1 => {
                    each!(from, to, every_second::<V>(from.wrapping_add(*first), to, filled));
                }
                Variant::Every { first, step } => {
                    each!(
                        from,
                        to,
                        every_cell(
                            from.wrapping_add(first * width),
                            to,
                            Every { cells: filled, step: *step, width }
                        )
                    );
                }
                Variant::Repeated { marked, .. } => match (marked.len(), width) {
                    (1, _) => each!(from, to, copy::<V>(from, to, cells * width)),
                    (2, 1) => each!(from, to, repeat::<V, 2>(from, to, cells, marked)),
                    (4, 1) => each!(from, to, repeat::<V, 4>(from, to, cells, marked)),
                    (8, 1) => each!(from, to, repeat::<V, 8>(from, to, cells, marked)),
                    (times, 1) if marked.iter().all(|&m| m) => {
                        each!(from, to, repeat_whole::<V>(from, to, cells, times));
                    }
                    _ => each!(from, to, repeat_cells(from, to, (cells, width), marked)),
                },
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
    /// Places behind the last that are filled with zeros.
    fn behind(&self) -> usize {
        match self {
            Self::Repeated { marked, .. } => marked.len().min(8) * ALIGN,
            Self::Every { .. } => ALIGN,
        }
    }

    /// The first place that is filled, and how many are, for a row of so many cells.
    fn place(&self, in_cells: usize) -> (i64, usize) {
        match self {
            Self::Repeated { begin, marked } => (*begin, in_cells * marked.len()),
            Self::Every { first, step } => (0, in_cells.saturating_sub(*first).div_ceil(*step)),
        }
    }
}
