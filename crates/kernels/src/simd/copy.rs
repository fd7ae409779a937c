//! Moving values into panels.

use super::transpose::turned;
use super::vector::Vector;
use super::{Detected, Isa};

/// Values side by side in a row of a panel, from values at equal steps in a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Where they go in row 0.
    pub(crate) to: usize,
    /// Where the first of them lies for row 0, less [`Rows::first`].
    pub(crate) from: usize,
    pub(crate) length: usize,
}

/// Rows of panels: `out[row * width + to + i] = from[first + row * row_step + piece.from + i * lane_step]`.
pub(crate) struct Rows<'a> {
    pub(crate) from: &'a [f32],
    pub(crate) pieces: &'a [Piece],
    pub(crate) lane_step: usize,
    pub(crate) row_step: usize,
    pub(crate) rows: usize,
    pub(crate) first: usize,
    pub(crate) width: usize,
}

/// Most values of a piece, moved at once where possible.
pub(crate) const CHUNK: usize = 16;

impl Detected {
    /// Copies rows into the front of `out`.
    ///
    /// # Panics
    /// If a piece lies outside of `from`, or a row outside of `out`.
    pub(crate) fn copy_rows(self, rows: &Rows<'_>, out: &mut [f32]) {
        match rows.lane_step {
            1 | 2 => {}
            _ if rows.row_step == 1 => {}
            _ => return by_row(rows, out),
        }
        let last = rows.rows.saturating_sub(1);
        for piece in rows.pieces {
            assert!(piece.length <= CHUNK);
            let length = piece.length.saturating_sub(1) * rows.lane_step + 1;
            let from = rows.first + last * rows.row_step + piece.from + length;
            assert!(from <= rows.from.len());
            assert!(last * rows.width + piece.to + piece.length <= out.len());
        }
        match self.isa() {
            // SAFETY: the asserts above are all that is read and written.
            Isa::Portable => unsafe { any::<[f32; 8]>(rows, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves that the CPU has AVX2; the rest as above.
            Isa::Avx2 => unsafe { avx2(rows, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves that the CPU has AVX-512F; the rest as above.
            Isa::Avx512 => unsafe { avx512(rows, out) },
            #[cfg(not(target_arch = "x86_64"))]
            // SAFETY: the asserts above are all that is read and written.
            _ => unsafe { any::<[f32; 8]>(rows, out) },
        }
    }
}

/// # Safety
/// The CPU has AVX2; the rest as [`any`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(rows: &Rows<'_>, out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { any::<std::arch::x86_64::__m256>(rows, out) }
}

/// # Safety
/// The CPU has AVX-512F; the rest as [`any`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(rows: &Rows<'_>, out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { any::<std::arch::x86_64::__m512>(rows, out) }
}

/// # Safety
/// The CPU has the instruction set of `V`; every piece of every row lies inside both slices and has at most
/// [`CHUNK`] values.
#[inline(always)]
unsafe fn any<V: Vector>(rows: &Rows<'_>, out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe {
        match rows.lane_step {
            1 | 2 => near::<V>(rows, out),
            _ => turn::<V>(rows, out),
        }
    }
}

/// Values side by side, or every second one.
///
/// # Safety
/// As [`any`].
#[inline(always)]
unsafe fn near<V: Vector>(rows: &Rows<'_>, out: &mut [f32]) {
    for piece in rows.pieces {
        let mut from = rows.from.as_ptr().wrapping_add(rows.first + piece.from);
        let mut to = out.as_mut_ptr().wrapping_add(piece.to);
        for row in 0..rows.rows {
            // SAFETY: the caller's promise; pointers past the last row are made, not used.
            unsafe {
                if rows.lane_step == 1 {
                    V::copy_some(from, to, piece.length);
                } else {
                    let first = rows.first + row * rows.row_step + piece.from;
                    every_second::<V>(from, rows.from.len() - first, to, piece.length);
                }
            }
            from = from.wrapping_add(rows.row_step);
            to = to.wrapping_add(rows.width);
        }
    }
}

/// # Safety
/// The CPU has the instruction set of `V`; `room` values can be read, and `count` of them, every second one,
/// written.
#[inline(always)]
unsafe fn every_second<V: Vector>(from: *const f32, room: usize, to: *mut f32, count: usize) {
    let mut done = 0;
    // SAFETY: what is read lies within `room`; the mask leaves out what is too much.
    unsafe {
        while done < count && 2 * (done + V::LANES) <= room {
            let low = V::load(from.add(2 * done));
            let value = low.evens(V::load(from.add(2 * done + V::LANES)));
            match count - done {
                rest if rest >= V::LANES => value.store(to.add(done)),
                rest => value.store_where(to.add(done), (1 << rest) - 1),
            }
            done += V::LANES;
        }
        while done < count {
            to.add(done).write(*from.add(2 * done));
            done += 1;
        }
    }
}

fn by_row(rows: &Rows<'_>, out: &mut [f32]) {
    for row in 0..rows.rows {
        let first = rows.first + row * rows.row_step;
        let out = &mut out[row * rows.width..];
        for piece in rows.pieces {
            let from = rows.from[first + piece.from..].iter().step_by(rows.lane_step);
            let to = &mut out[piece.to..piece.to + piece.length];
            to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
        }
    }
}

/// Where the values of a column lie side by side: registers of columns are turned to rows.
///
/// # Safety
/// As [`any`].
#[inline(always)]
unsafe fn turn<V: Vector>(rows: &Rows<'_>, out: &mut [f32]) {
    for piece in rows.pieces {
        for first in (0..piece.length).step_by(V::LANES) {
            let columns = V::LANES.min(piece.length - first);
            for row in (0..rows.rows).step_by(V::LANES) {
                let count = V::LANES.min(rows.rows - row);
                let from = rows.first + row + piece.from + first * rows.lane_step;
                let to = row * rows.width + piece.to + first;
                // SAFETY: `count` rows of `columns` values lie inside both slices by the caller's promise.
                unsafe {
                    let (from, to) = (rows.from.as_ptr().add(from), out.as_mut_ptr().add(to));
                    let mut block = [V::splat(0.0); 16];
                    for n in 0..V::LANES {
                        if n < columns {
                            let from = from.add(n * rows.lane_step);
                            block[n] = match count == V::LANES {
                                true => V::load(from),
                                false => V::load_some(from, count),
                            };
                        }
                    }
                    let block = turned(block);
                    for n in 0..V::LANES {
                        if n < count {
                            let to = to.add(n * rows.width);
                            match columns == V::LANES {
                                true => block[n].store(to),
                                false => block[n].store_some(to, columns),
                            }
                        }
                    }
                }
            }
        }
    }
}
