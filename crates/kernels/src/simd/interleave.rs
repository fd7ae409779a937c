//! Storing the sums of a tile whose lanes are positions: rows are output channels, and of each there are
//! several *lines*, one for each x phase. Value n of line m goes to cell `n * lines + m`, or with gaps between.

use super::place::activated;
use super::vector::Vector;
use super::writes::prefetch_write;
use super::{Detected, Isa};
use crate::options::Activation;

/// A tile, `[line][row][width]`, and where it goes.
pub(crate) struct Lines<'a> {
    pub(crate) sums: &'a [f32],
    /// Values from the start of a line to that of the next.
    pub(crate) line_step: usize,
    /// Values from row to row.
    pub(crate) width: usize,
    pub(crate) rows: usize,
    pub(crate) to: Planes<'a>,
}

/// Where rows of several lines go, and what happens to them on the way.
#[derive(Clone, Copy)]
pub(crate) struct Planes<'a> {
    /// Where each line begins in the output, in cells after the first; ascending from 0.
    pub(crate) gaps: &'a [usize],
    /// Cells from a value of a line to the next.
    pub(crate) out_step: usize,
    /// Values from cell to cell.
    pub(crate) cell_step: usize,
    /// Slice of row 0, less that of a stretch, and slices from row to row.
    pub(crate) slice: usize,
    pub(crate) slice_step: usize,
    /// Where the cells of row 0 begin in their slice, less the place of a stretch, and values from row to row.
    pub(crate) offset: i64,
    pub(crate) row_step: usize,
    /// Added to every value of a row.
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) activation: Activation,
}

/// A part of every line that lies in one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Added to the slice of a row.
    pub(crate) slice: usize,
    /// Where it begins in each line.
    pub(crate) lane: usize,
    /// Values of each line.
    pub(crate) length: usize,
    /// The cell that its first value goes to, less an offset.
    pub(crate) place: i64,
}

impl Planes<'_> {
    /// Where a stretch of a row goes: from the first value of the first line to the last of the last.
    ///
    /// # Panics
    /// If that lies outside of its slice.
    #[inline(always)]
    pub(super) fn place<'b>(
        &self,
        stretch: &Stretch,
        row: usize,
        slices: &'b mut [&mut [f32]],
    ) -> &'b mut [f32] {
        let first = stretch.place * self.cell_step as i64 + self.offset;
        let first = first + (row * self.row_step) as i64;
        let step = self.step();
        let gap = self.gaps.last().map_or(0, |gap| gap * self.cell_step);
        let length = match stretch.length {
            0 => 0,
            length => (length - 1) * step + gap + 1,
        };
        // A place in front of the slice becomes one far behind it, which is refused.
        let first = first as usize;
        &mut slices[self.slice + stretch.slice + row * self.slice_step][first..first + length]
    }

    /// The number of lines, if registers of them can be woven: lines that fill the cells between them, or a
    /// single one that fills every second cell.
    pub(super) fn woven(&self) -> Option<usize> {
        let (number, step) = (self.gaps.len(), self.step());
        let fill = step == number && self.gaps.last() == Some(&(number - 1));
        let woven = fill && matches!(number, 1 | 2 | 4 | 8) || number == 1 && step == 2;
        woven.then_some(number)
    }

    /// Values from one of a line to the next.
    pub(super) fn step(&self) -> usize {
        self.out_step * self.cell_step
    }

    pub(super) fn bias(&self, row: usize) -> f32 {
        self.bias.map_or(0.0, |bias| bias[row])
    }

    /// Asks for the cache lines of stretches of `rows` rows, as they will be written.
    ///
    /// # Panics
    /// If a place lies outside of its slice.
    pub(crate) fn announce(&self, rows: usize, stretches: &[Stretch], slices: &mut [&mut [f32]]) {
        for stretch in stretches {
            for row in 0..rows {
                for line in self.place(stretch, row, slices).chunks_mut(16) {
                    prefetch_write(line.as_mut_ptr());
                }
            }
        }
    }
}

impl Detected {
    /// Writes stretches of all lines of all rows to their places.
    ///
    /// # Panics
    /// If a stretch or its place lies outside.
    pub(crate) fn store_lines(
        self,
        lines: &Lines<'_>,
        stretches: &[Stretch],
        slices: &mut [&mut [f32]],
    ) {
        let last_line = lines.to.gaps.len().saturating_sub(1);
        let last = last_line * lines.line_step + lines.rows.saturating_sub(1) * lines.width;
        for stretch in stretches {
            assert!(last + stretch.lane + stretch.length <= lines.sums.len());
        }
        match self.isa() {
            // SAFETY: the asserts above are all that is read.
            Isa::Portable => unsafe { store::<[f32; 8]>(lines, stretches, slices) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves that the CPU has AVX2; the rest as above.
            Isa::Avx2 => unsafe { avx2(lines, stretches, slices) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves that the CPU has AVX-512F; the rest as above.
            Isa::Avx512 => unsafe { avx512(lines, stretches, slices) },
            #[cfg(not(target_arch = "x86_64"))]
            // SAFETY: the asserts above are all that is read.
            _ => unsafe { store::<[f32; 8]>(lines, stretches, slices) },
        }
    }
}

/// # Safety
/// The CPU has AVX2; the rest as [`store`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(lines: &Lines<'_>, stretches: &[Stretch], slices: &mut [&mut [f32]]) {
    // SAFETY: the caller's promise.
    unsafe { store::<std::arch::x86_64::__m256>(lines, stretches, slices) }
}

/// # Safety
/// The CPU has AVX-512F; the rest as [`store`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(lines: &Lines<'_>, stretches: &[Stretch], slices: &mut [&mut [f32]]) {
    // SAFETY: the caller's promise.
    unsafe { store::<std::arch::x86_64::__m512>(lines, stretches, slices) }
}

/// # Safety
/// The CPU has the instruction set of `V`; every stretch lies inside every line of every row.
#[inline(always)]
unsafe fn store<V: Vector>(lines: &Lines<'_>, stretches: &[Stretch], slices: &mut [&mut [f32]]) {
    // SAFETY: the caller's promise.
    unsafe {
        match lines.to.woven() {
            Some(1) => together::<V, 1>(lines, stretches, slices),
            Some(2) => together::<V, 2>(lines, stretches, slices),
            Some(4) => together::<V, 4>(lines, stretches, slices),
            Some(_) => together::<V, 8>(lines, stretches, slices),
            None => apart(lines, stretches, slices),
        }
    }
}

/// Lines with gaps between them.
fn apart(lines: &Lines<'_>, stretches: &[Stretch], slices: &mut [&mut [f32]]) {
    let to = &lines.to;
    for stretch in stretches {
        for row in 0..lines.rows {
            let out = to.place(stretch, row, slices);
            let bias = to.bias(row);
            for (line, gap) in to.gaps.iter().enumerate() {
                let first = line * lines.line_step + row * lines.width + stretch.lane;
                let mut at = gap * to.cell_step;
                for sum in &lines.sums[first..first + stretch.length] {
                    out[at] = to.activation.apply(sum + bias);
                    at += to.step();
                }
            }
        }
    }
}

/// Lines that registers can be woven of.
///
/// # Safety
/// As [`store`], with `N` lines, a power of two.
#[inline(always)]
unsafe fn together<V: Vector, const N: usize>(
    lines: &Lines<'_>,
    stretches: &[Stretch],
    slices: &mut [&mut [f32]],
) {
    let step = lines.to.step();
    for stretch in stretches {
        for row in 0..lines.rows {
            let out = lines.to.place(stretch, row, slices);
            // SAFETY: `number` values of each line from `at` on exist, and what they fill of `out`, which is
            // at most its length.
            unsafe {
                let (one, bias) = (V::splat(1.0), V::splat(lines.to.bias(row)));
                let from = lines.sums.as_ptr().add(row * lines.width + stretch.lane);
                for at in (0..stretch.length).step_by(V::LANES) {
                    let number = V::LANES.min(stretch.length - at);
                    let mut values = [bias; N];
                    for (n, value) in values.iter_mut().enumerate() {
                        let from = from.add(n * lines.line_step + at);
                        let sum = match number == V::LANES {
                            true => V::load(from),
                            false => V::load_some(from, number),
                        };
                        *value = activated(sum.mul_add(one, bias), lines.to.activation);
                    }
                    store_woven(values, number, step, out.as_mut_ptr().add(at * step));
                }
            }
        }
    }
}

/// Stores the first `number` values of `N` registers, a power of two, in turn; or those of one register to
/// every second place, if the `step` is 2.
///
/// # Safety
/// The CPU has the instruction set of `V`; `number` is not above [`Vector::LANES`], and there is room for as
/// many values of each register, `step` apart.
#[inline(always)]
pub(super) unsafe fn store_woven<V: Vector, const N: usize>(
    values: [V; N],
    number: usize,
    step: usize,
    to: *mut f32,
) {
    // SAFETY: the caller's promise; the masks leave out what lies between and behind.
    unsafe {
        if N == 1 && step == 2 {
            let (low, high) = values[0].zip(values[0]);
            let mask = 0x5555_5555u32 & (u32::MAX >> (32 - 2 * number));
            low.store_where(to, mask & ((1 << V::LANES) - 1));
            high.store_where(to.wrapping_add(V::LANES), mask >> V::LANES);
            return;
        }
        let values = weave(values);
        if number == V::LANES {
            for (n, value) in values.into_iter().enumerate() {
                value.store(to.add(n * V::LANES));
            }
            return;
        }
        for (n, value) in values.into_iter().enumerate() {
            match (number * N).saturating_sub(n * V::LANES) {
                0 => {}
                rest if rest >= V::LANES => value.store(to.add(n * V::LANES)),
                rest => value.store_some(to.add(n * V::LANES), rest),
            }
        }
    }
}

/// The values of `N` registers, a power of two, in turn: value 0 of each, then value 1 of each, ...
///
/// Registers n and n + N/2 in turn give N/2 pairs of registers, and so on.
///
/// # Safety
/// The CPU has the instruction set of `V`.
#[inline(always)]
pub(super) unsafe fn weave<V: Vector, const N: usize>(mut values: [V; N]) -> [V; N] {
    let mut width = 1;
    while width < N {
        // `values` is `[line][part]`, `width` parts a line.
        let mut next = values;
        for n in 0..N / 2 {
            let (line, part) = (n / width, n % width);
            // SAFETY: the caller's promise.
            let (low, high) = unsafe { values[n].zip(values[n + N / 2]) };
            next[(line * width + part) * 2] = low;
            next[(line * width + part) * 2 + 1] = high;
        }
        values = next;
        width *= 2;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All ways of placing lines, against places counted one by one; what lies between stays as it is.
    #[test]
    fn every_isa_places_lines() {
        for isa in Isa::available() {
            let isa = Detected::choose(Some(isa)).expect("listed as available");
            for (gaps, out_step) in [
                (vec![0], 1),
                (vec![0], 2),
                (vec![0, 1], 2),
                (vec![0, 2], 3),
                (vec![0, 1, 2, 3], 4),
                ((0..8).collect(), 8),
                (vec![0], 5),
            ] {
                for (length, cell_step) in [(1, 1), (7, 1), (16, 1), (17, 1), (47, 1), (9, 3)] {
                    check(isa, &gaps, out_step, length, cell_step);
                }
            }
        }
    }

    /// Three rows to planes of their own, or side by side in one if there is room in a cell.
    fn check(isa: Detected, gaps: &[usize], out_step: usize, length: usize, cell_step: usize) {
        let (rows, width) = (3, length + 2);
        let line_step = rows * width + 5;
        let sums: Vec<f32> = (0..gaps.len() * line_step).map(|n| n as f32).collect();
        let planar = cell_step == 1;
        let to = Planes {
            gaps,
            out_step,
            cell_step,
            slice: 1,
            slice_step: usize::from(planar),
            offset: -2 * cell_step as i64,
            row_step: usize::from(!planar),
            bias: Some(&[0.5, 0.25, -800.0]),
            activation: Activation::LeakyRelu { slope: 0.5 },
        };
        let lines = Lines { sums: &sums, line_step, width, rows, to };
        let mut planes = vec![vec![-1.0; (length + 5) * out_step * cell_step]; 5];
        let mut expected = planes.clone();
        for (line, gap) in gaps.iter().enumerate() {
            for (row, bias) in [0.5, 0.25, -800.0].into_iter().enumerate() {
                for n in 0..length {
                    let v = (line * line_step + row * width + 1 + n) as f32 + bias;
                    let cell = (5 - 2 + n * out_step + gap) * cell_step;
                    let (plane, at) = if planar { (2 + row, cell) } else { (2, cell + row) };
                    expected[plane][at] = if v < 0.0 { 0.5 * v } else { v };
                }
            }
        }
        let mut slices: Vec<&mut [f32]> = planes.iter_mut().map(|plane| &mut plane[..]).collect();
        let stretch = Stretch { slice: 1, lane: 1, length, place: 5 };
        to.announce(rows, &[stretch], &mut slices);
        isa.store_lines(&lines, &[stretch], &mut slices);
        assert_eq!(planes, expected, "{isa:?} {gaps:?} {out_step} {length} {cell_step}");
    }
}
