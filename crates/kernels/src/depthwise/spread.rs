//! Filling spread rows: values copied, repeated, or dealt out.

use super::pick::Pick;
use crate::simd::vector::Vector;

/// # Safety
/// The CPU has the instruction set of `V`; `count` values can be read and written, and a register of zeros behind.
#[inline(always)]
pub(super) unsafe fn copy<V: Pick>(from: *const f32, to: *mut f32, count: usize) {
    let whole = count / V::LANES * V::LANES;
    // SAFETY: the caller's promise.
    unsafe {
        for at in (0..whole).step_by(V::LANES) {
            V::load(from.add(at)).store(to.add(at));
        }
        if whole < count {
            V::load_first(from.add(whole), count - whole).store(to.add(whole));
        }
    }
}

/// Each of `cells` values `N` times, `N` a power of two; zeros for phases that are not marked.
///
/// # Safety
/// The CPU has the instruction set of `V`; all values can be read, and written so many times; `N * LANES` places behind the last may be written, with zeros.
#[inline(always)]
pub(super) unsafe fn repeat<V: Pick, const N: usize>(
    from: *const f32,
    to: *mut f32,
    cells: usize,
    marked: &[bool],
) {
    let marked: [bool; N] = std::array::from_fn(|phase| marked[phase]);
    for at in (0..cells).step_by(V::LANES) {
        // SAFETY: the caller's promise.
        unsafe {
            let value = match cells - at {
                left if left < V::LANES => V::load_first(from.add(at), left),
                _ => V::load(from.add(at)),
            };
            let zero = V::splat(0.0);
            let mut row = [value; N];
            for phase in 0..N {
                if !marked[phase] {
                    row[phase] = zero;
                }
            }
            // Lines n and n + N/2 in turn give N/2 lines of twice the length, and so on; `row` is
            // `[line][part]`, `width` parts a line.
            let mut width = 1;
            while width < N {
                let mut next = row;
                for n in 0..N / 2 {
                    let (line, part) = (n / width, n % width);
                    let (low, high) = row[n].zip(row[n + N / 2]);
                    next[(line * width + part) * 2] = low;
                    next[(line * width + part) * 2 + 1] = high;
                }
                row = next;
                width *= 2;
            }
            let to = to.add(at * N);
            for n in 0..N {
                row[n].store(to.add(n * V::LANES));
            }
        }
    }
}

/// Each of `cells` values `times` times.
///
/// # Safety
/// The CPU has the instruction set of `V`; all values can be read, and written so many times; `LANES` places behind the last may be written, with zeros.
#[inline(always)]
pub(super) unsafe fn repeat_whole<V: Vector>(
    from: *const f32,
    to: *mut f32,
    cells: usize,
    times: usize,
) {
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
/// All of them can be read, and written so many times; with `cells.0` cells of `cells.1` values.
#[inline(always)]
pub(super) unsafe fn repeat_cells(
    from: *const f32,
    to: *mut f32,
    cells: (usize, usize),
    marked: &[bool],
) {
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
/// The CPU has the instruction set of `V`; `2 * count - 1` values can be read, and `count` written and a register
/// of zeros behind.
#[inline(always)]
pub(super) unsafe fn every_second<V: Pick>(from: *const f32, to: *mut f32, count: usize) {
    // SAFETY: the caller's promise; whole registers end in front of the value behind the last.
    unsafe {
        let mut at = 0;
        while at + V::LANES < count {
            let from = from.add(2 * at);
            V::load(from).deal(V::load(from.add(V::LANES))).0.store(to.add(at));
            at += V::LANES;
        }
        if at < count {
            let (from, left) = (from.add(2 * at), 2 * (count - at) - 1);
            let first = V::load_first(from, left.min(V::LANES));
            let more = left.saturating_sub(V::LANES);
            let second = V::load_first(from.wrapping_add(V::LANES), more);
            first.deal(second).0.store(to.add(at));
        }
    }
}

/// Values in turn to the first and to the second place.
///
/// # Safety
/// The CPU has the instruction set of `V`; `count` values can be read, and half as many written at both places
/// and a register of zeros behind.
#[inline(always)]
pub(super) unsafe fn deal<V: Pick>(from: *const f32, to: [*mut f32; 2], count: usize) {
    let mut at = 0;
    // SAFETY: the caller's promise.
    unsafe {
        while at < count {
            let left = count - at;
            let (first, second) = if left >= 2 * V::LANES {
                (V::load(from.add(at)), V::load(from.add(at + V::LANES)))
            } else {
                let second = from.wrapping_add(at + V::LANES);
                let more = left.saturating_sub(V::LANES);
                (V::load_first(from.add(at), left.min(V::LANES)), V::load_first(second, more))
            };
            let (even, odd) = first.deal(second);
            even.store(to[0].add(at / 2));
            odd.store(to[1].add(at / 2));
            at += 2 * V::LANES;
        }
    }
}

/// Cells at equal steps.
pub(super) struct Every {
    pub(super) cells: usize,
    pub(super) step: usize,
    pub(super) width: usize,
}

/// # Safety
/// So many cells can be read at these steps, and written side by side.
#[inline(always)]
pub(super) unsafe fn every_cell(from: *const f32, to: *mut f32, every: Every) {
    for cell in 0..every.cells {
        // SAFETY: the caller's promise.
        unsafe {
            let from = from.add(cell * every.step * every.width);
            if every.width == 1 {
                to.add(cell).write(*from);
            } else {
                std::ptr::copy_nonoverlapping(from, to.add(cell * every.width), every.width);
            }
        }
    }
}
