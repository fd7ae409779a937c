//! Storing a tile whose lanes are positions and whose rows are the x phases of some channels, straight from
//! its registers: those of a channel are woven, and lie side by side in the output.

use super::interleave::{Planes, weave};
use super::place::{End, activated};
use super::vector::Vector;
use super::writes::{LINE, Writes, in_line, prefetch_write, within_line};

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

/// The pieces of a panel of positions, ordered by register.
#[derive(Clone, Debug)]
pub(crate) struct Pieces {
    all: Vec<Piece>,
    /// Where those of each register begin, and the end.
    starts: Vec<usize>,
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
    pub(crate) fn new(mut all: Vec<Piece>, registers: usize) -> Self {
        all.retain(|piece| piece.first < piece.end);
        all.sort_by_key(|piece| piece.register);
        let mut slices: Vec<usize> = all.iter().map(|piece| piece.slice).collect();
        slices.sort_unstable();
        slices.dedup();
        let starts = (0..=registers).map(|n| all.partition_point(|piece| piece.register < n));
        let line = |piece: &Piece| within_line(piece.place);
        let same = |&first: &i64| all.iter().all(|piece| line(piece) == first);
        Self {
            starts: starts.collect(),
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
        assert_eq!(pieces.starts.len(), vectors + 1);
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
    /// Where the first woven value of a piece would go.
    ///
    /// # Safety
    /// There are more than `channel` channels.
    #[inline(always)]
    unsafe fn pointer(&self, piece: &Piece, channel: usize) -> *mut f32 {
        let to = self.woven.to;
        // SAFETY: `new` has found the slice.
        let slice = unsafe {
            let slice = to.slice + piece.slice + channel * to.slice_step;
            (*self.slices.add(slice)).as_mut_ptr()
        };
        slice.wrapping_offset((piece.place + to.offset) as isize)
    }

    /// # Safety
    /// As [`End::end`], with `P` phases.
    #[inline(always)]
    unsafe fn store<V: Vector, const R: usize, const N: usize, const P: usize>(
        &self,
        sums: [[V; N]; R],
    ) {
        let Woven { pieces, channels, to, writes, .. } = self.woven;
        // Written out, so that the sums stay in registers.
        macro_rules! each {
            ($($n:literal)*; $channels:tt) => { $( if $n < N { each!(@ $n; $channels); } )* };
            (@ $n:literal; ($($c:literal)*)) => {{
                let own = &pieces.all[pieces.starts[$n]..pieces.starts[$n + 1]];
                $( if $c < R / P && $c < channels {
                    // SAFETY: `new` has found room for every piece of every channel; the masks leave out
                    // what lies outside of it.
                    unsafe {
                        let (one, bias) = (V::splat(1.0), V::splat(to.bias($c)));
                        // A closure would be compiled without the instruction set.
                        let mut values = [bias; P];
                        for (p, value) in values.iter_mut().enumerate() {
                            let row = match HALVES {
                                true => p / (P / 2).max(1) * (R / 2) + $c * (P / 2) + p % (P / 2).max(1),
                                false => $c * P + p,
                            };
                            let sum = sums[row % R][$n % N];
                            *value = activated(sum.mul_add(one, bias), to.activation);
                        }
                        let woven = weave(values);
                        for piece in own {
                            let to = self.pointer(piece, $c);
                            store_part(woven, to, (piece, writes));
                        }
                    }
                } )*
            }};
        }
        each!(0 1 2 3 4 5; (0 1 2 3 4 5 6 7 8 9 10 11));
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
        for piece in &self.woven.pieces.all {
            for channel in 0..self.woven.channels {
                // SAFETY: there are as many channels.
                let to = unsafe { self.pointer(piece, channel) };
                for value in (piece.first..piece.end).step_by(LINE) {
                    prefetch_write(to.wrapping_add(value));
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
        // SAFETY: the caller's promise; `new` has found as many rows as the phases of all channels.
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
