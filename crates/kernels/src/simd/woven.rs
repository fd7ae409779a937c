//! Storing a tile whose lanes are positions and whose rows are the x phases of some channels, straight from
//! its registers: those of a channel are woven, and lie side by side in the output.

use super::interleave::{Planes, weave};
use super::place::{End, Kept, activated};
use super::tile::MAX_ROWS;
use super::vector::Vector;
use super::writes::{LINE, Writes, in_line, prefetch_write, within_line};
use crate::options::Activation;

/// The part of a register of positions, woven with those of the other phases, that goes to one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Of the row.
    pub(crate) register: usize,
    /// Added to the slice of a channel.
    pub(crate) slice: usize,
    /// The cell of the first woven value, whether it is stored or not, less an offset.
    pub(crate) place: i64,
    /// Of the woven values those that are stored.
    pub(crate) first: usize,
    pub(crate) end: usize,
}

/// The pieces of a panel of positions.
#[derive(Clone, Debug)]
pub(crate) struct Pieces {
    all: Vec<Piece>,
    /// Registers that they take.
    registers: usize,
    /// Bounds of places that are stored to.
    least: i64,
    most: i64,
    /// All slices.
    slices: Vec<usize>,
    /// How far from a line all registers begin, if they agree in that.
    in_line: Option<i64>,
    /// The last woven value of a register that is stored, and one.
    end: usize,
}

impl Pieces {
    pub(crate) fn new(mut all: Vec<Piece>) -> Self {
        all.retain(|piece| piece.first < piece.end);
        let mut slices: Vec<usize> = all.iter().map(|piece| piece.slice).collect();
        slices.sort_unstable();
        slices.dedup();
        let line = |piece: &Piece| within_line(piece.place);
        let same = |&first: &i64| all.iter().all(|piece| line(piece) == first);
        Self {
            registers: all.iter().map(|piece| piece.register + 1).max().unwrap_or(0),
            in_line: all.first().map(line).filter(same),
            least: all.iter().map(|piece| piece.place + piece.first as i64).min().unwrap_or(0),
            most: all.iter().map(|piece| piece.place + piece.end as i64).max().unwrap_or(0),
            slices,
            end: all.iter().map(|piece| piece.end).max().unwrap_or(0),
            all,
        }
    }
}

/// Where a tile goes: rows are `[channel][phase]`.
#[derive(Clone, Copy)]
pub(crate) struct Woven<'a> {
    pub(crate) pieces: &'a Pieces,
    pub(crate) phases: usize,
    /// Channels that exist.
    pub(crate) channels: usize,
    pub(crate) to: &'a Planes<'a>,
    pub(crate) writes: Writes,
}

/// The same, when all places are known to lie in their slices.
///
/// `HALVES`: rows are `[half][channel][phase of the half]`.
pub(super) struct Weave<'a, const HALVES: bool> {
    woven: Woven<'a>,
    slices: *mut &'a mut [f32],
}

impl<'a> Weave<'a, false> {
    /// # Panics
    /// If a tile of `rows` rows of `vectors` registers of `lanes` lanes has not what is stored, or a place
    /// does not lie in its slice.
    pub(super) fn new(
        mut woven: Woven<'a>,
        slices: &'a mut [&mut [f32]],
        (rows, vectors, lanes): (usize, usize, usize),
    ) -> Self {
        let Woven { pieces, phases, channels, to, .. } = woven;
        assert!(matches!(phases, 1 | 2 | 4 | 8) && channels * phases <= rows);
        assert!(pieces.registers <= vectors);
        assert!(to.bias.is_none_or(|bias| bias.len() >= channels));
        assert!(pieces.end <= lanes * phases);
        assert!(pieces.all.is_empty() || pieces.least + to.offset >= 0);
        let mut begins_lines = lanes == LINE;
        for slice in &pieces.slices {
            for channel in 0..channels {
                let slice = &slices[to.slice + slice + channel * to.slice_step];
                assert!(pieces.most + to.offset <= slice.len() as i64);
                let first = |line: i64| in_line(slice.as_ptr()) + line + to.offset;
                begins_lines &= pieces.in_line.is_some_and(|line| within_line(first(line)) == 0);
            }
        }
        woven.writes = woven.writes.of_tile(begins_lines);
        Self { woven, slices: slices.as_mut_ptr().cast() }
    }

    /// The same for rows in halves.
    ///
    /// # Panics
    /// If there is an odd number of phases.
    pub(super) fn in_halves(self) -> Weave<'a, true> {
        let Self { woven, slices } = self;
        assert!(woven.phases.is_multiple_of(2));
        Weave { woven, slices }
    }
}

impl<const HALVES: bool> Weave<'_, HALVES> {
    /// # Safety
    /// As [`End::end`], with `P` phases.
    #[inline(always)]
    unsafe fn store<V: Vector, const R: usize, const N: usize, const P: usize>(
        &self,
        sums: [[V; N]; R],
    ) {
        let Woven { pieces, channels, to, writes, .. } = self.woven;
        let half = (P / 2).max(1);
        let channel_of = |row: usize| if HALVES { row % (R / 2).max(1) / half } else { row / P };
        let row_of = |channel: usize, p: usize| match HALVES {
            true => p / half * (R / 2) + channel * half + p % half,
            false => channel * P + p,
        };
        let mut biases = [0.0; MAX_ROWS];
        if let Some(bias) = to.bias {
            biases[..channels].copy_from_slice(&bias[..channels]);
        }
        let mut kept = Kept::new();
        // SAFETY: no tile has more rows; `new` has found as many rows as the phases of all
        // channels, every register that a piece has in a row, and room for every piece, and the masks leave out
        // what lies outside of it. No closure has a register in it: not inlined, it would lack the instruction set.
        unsafe {
            let one = V::splat(1.0);
            let mut sums = sums;
            for (r, sums) in sums.iter_mut().enumerate() {
                let bias = V::splat(biases[channel_of(r)]);
                for sum in sums {
                    *sum = sum.mul_add(one, bias);
                }
            }
            let kept = kept.keep(sums);
            if to.activation != Activation::None {
                for n in 0..R * N {
                    let at = kept.add(n * V::LANES);
                    activated(V::load(at), to.activation).store(at);
                }
            }
            for piece in &pieces.all {
                let slices = self.slices.add(to.slice + piece.slice);
                let place = (piece.place + to.offset) as isize;
                for channel in 0..channels {
                    let slice = (*slices.add(channel * to.slice_step)).as_mut_ptr();
                    let mut values = [one; P];
                    for (p, value) in values.iter_mut().enumerate() {
                        let at = row_of(channel, p) * N + piece.register;
                        *value = V::load(kept.add(at * V::LANES));
                    }
                    store_part(weave(values), slice.wrapping_offset(place), (piece, writes));
                }
            }
        }
    }
}

/// Stores woven registers, or a part of them.
///
/// # Safety
/// The CPU has the instruction set of `V`; the values of the piece can be written from `to` on.
#[inline(always)]
unsafe fn store_part<V: Vector, const P: usize>(
    woven: [V; P],
    to: *mut f32,
    (piece, writes): (&Piece, Writes),
) {
    let whole = piece.first == 0 && piece.end == P * V::LANES;
    // Bits of all woven values; 128 of them at most.
    let mask = (u128::MAX >> (128 - piece.end)) & (u128::MAX << piece.first);
    for (p, value) in woven.into_iter().enumerate() {
        let to = to.wrapping_add(p * V::LANES);
        // SAFETY: the caller's promise; the mask leaves out what does not belong to the piece.
        unsafe {
            match whole {
                true => writes.store(value, to),
                false => value.store_where(to, (mask >> (p * V::LANES)) as u32 & V::ALL),
            }
        }
    }
}

impl<const HALVES: bool> End for Weave<'_, HALVES> {
    #[inline(always)]
    fn begin(&self) {
        if self.woven.writes != Writes::Announced {
            return;
        }
        let Woven { pieces, channels, to, .. } = self.woven;
        for piece in &pieces.all {
            let place = (piece.place + to.offset) as isize;
            for channel in 0..channels {
                let slice = to.slice + piece.slice + channel * to.slice_step;
                // SAFETY: `new` has found the slice.
                let slice = unsafe { (*self.slices.add(slice)).as_mut_ptr() };
                let first = slice.wrapping_offset(place);
                for value in (piece.first..piece.end).step_by(LINE) {
                    prefetch_write(first.wrapping_add(value));
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn kept<V: Vector>(&self, _at: usize) -> V {
        unreachable!("a woven tile is computed in one go")
    }

    #[inline(always)]
    unsafe fn end<V: Vector, const R: usize, const N: usize>(&self, sums: [[V; N]; R]) {
        // SAFETY: the caller's promise.
        unsafe {
            match self.woven.phases {
                1 => self.store::<V, R, N, 1>(sums),
                2 if R.is_multiple_of(2) => self.store::<V, R, N, 2>(sums),
                4 if R.is_multiple_of(4) => self.store::<V, R, N, 4>(sums),
                8 if R.is_multiple_of(8) => self.store::<V, R, N, 8>(sums),
                phases => unreachable!("{phases} phases do not fill {R} rows"),
            }
        }
    }
}
