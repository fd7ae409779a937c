//! Storing lines of values side by side, value n of line m at `n * lines + m`, or with gaps between them.

use super::vector::Vector;
use super::{Detected, Isa};

/// Lines of values that go to the output together.
pub(crate) struct Lines<'a> {
    pub(crate) sums: &'a [f32],
    /// Values from the start of a line to that of the next.
    pub(crate) line_step: usize,
    /// Where each line begins in the output, in cells after the first; ascending from 0.
    pub(crate) gaps: &'a [usize],
    /// Cells from a value of a line to the next.
    pub(crate) out_step: usize,
    /// Values from cell to cell.
    pub(crate) cell_step: usize,
    /// Added to every value.
    pub(crate) bias: f32,
}

/// A part of every line that lies in one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Where it begins in each line.
    pub(crate) lane: usize,
    /// Values of each line.
    pub(crate) length: usize,
    /// The cell that its first value goes to, less an offset.
    pub(crate) place: i64,
}

impl Detected {
    /// Writes stretches of all lines to their places.
    ///
    /// # Panics
    /// If a stretch or its place lies outside.
    pub(crate) fn store_lines(
        self,
        lines: &Lines<'_>,
        stretches: &[Stretch],
        offset: i64,
        out: &mut [f32],
    ) {
        let Some(last_line) = lines.gaps.len().checked_sub(1) else { return };
        let step = (lines.out_step * lines.cell_step) as i64;
        let gap = (lines.gaps[last_line] * lines.cell_step) as i64;
        for stretch in stretches {
            let first = stretch.place * lines.cell_step as i64 + offset;
            let last = first + (stretch.length as i64 - 1) * step + gap;
            assert!(first >= 0 && last < out.len() as i64);
            let end = last_line * lines.line_step + stretch.lane + stretch.length;
            assert!(end <= lines.sums.len());
        }
        match self.isa() {
            // SAFETY: the asserts above are all that is read and written.
            Isa::Portable => unsafe { store::<[f32; 8]>(lines, stretches, offset, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves that the CPU has AVX2; the rest as above.
            Isa::Avx2 => unsafe { avx2(lines, stretches, offset, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves that the CPU has AVX-512F; the rest as above.
            Isa::Avx512 => unsafe { avx512(lines, stretches, offset, out) },
            #[cfg(not(target_arch = "x86_64"))]
            // SAFETY: the asserts above are all that is read and written.
            _ => unsafe { store::<[f32; 8]>(lines, stretches, offset, out) },
        }
    }
}

/// # Safety
/// The CPU has AVX2; the rest as [`store`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(lines: &Lines<'_>, stretches: &[Stretch], offset: i64, out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { store::<std::arch::x86_64::__m256>(lines, stretches, offset, out) }
}

/// # Safety
/// The CPU has AVX-512F; the rest as [`store`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(lines: &Lines<'_>, stretches: &[Stretch], offset: i64, out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { store::<std::arch::x86_64::__m512>(lines, stretches, offset, out) }
}

/// # Safety
/// The CPU has the instruction set of `V`; every stretch lies inside every line, and its place inside `out`.
#[inline(always)]
unsafe fn store<V: Vector>(lines: &Lines<'_>, stretches: &[Stretch], offset: i64, out: &mut [f32]) {
    let (number, step) = (lines.gaps.len(), lines.out_step * lines.cell_step);
    for stretch in stretches {
        let out = &mut out[(stretch.place * lines.cell_step as i64 + offset) as usize..];
        // SAFETY: the caller's promise.
        let done = unsafe {
            match (number, step) {
                (1, 1) => together::<V, 1>(lines, stretch, out),
                (2, 2) => together::<V, 2>(lines, stretch, out),
                (4, 4) => together::<V, 4>(lines, stretch, out),
                (8, 8) => together::<V, 8>(lines, stretch, out),
                (1, 2) => every_second::<V>(lines, stretch, out),
                _ => 0,
            }
        };
        for (line, gap) in lines.gaps.iter().enumerate() {
            let sums = &lines.sums[line * lines.line_step + stretch.lane..][..stretch.length];
            for (n, sum) in sums.iter().enumerate().skip(done) {
                out[n * step + gap * lines.cell_step] = sum + lines.bias;
            }
        }
    }
}

/// As many values of each line as registers can be loaded with; says how many that are.
///
/// Lines n and n + N/2 in turn give N/2 lines of twice the length, and so on.
///
/// # Safety
/// As [`store`], with `N` lines, a power of two, that fill the cells between them.
#[inline(always)]
unsafe fn together<V: Vector, const N: usize>(
    lines: &Lines<'_>,
    stretch: &Stretch,
    out: &mut [f32],
) -> usize {
    let mut at = 0;
    // A register of the last line may be read beyond its end, if there is something.
    let room = lines.sums.len() - (N - 1) * lines.line_step - stretch.lane;
    while at < stretch.length && at + V::LANES <= room {
        let number = V::LANES.min(stretch.length - at);
        // SAFETY: LANES values of each line from `at` on exist; of `out` only what `number` values of each
        // line fill is written, which is at most its length.
        unsafe {
            let (one, bias) = (V::splat(1.0), V::splat(lines.bias));
            let from = lines.sums.as_ptr().add(stretch.lane + at);
            let mut row = [bias; N];
            for (n, value) in row.iter_mut().enumerate() {
                *value = V::load(from.add(n * lines.line_step)).mul_add(one, bias);
            }
            let mut width = 1;
            while width < N {
                // `row` is `[line][part]`, `width` parts a line.
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
            let to = out.as_mut_ptr().add(at * N);
            for (n, value) in row.iter().enumerate() {
                match (number * N).saturating_sub(n * V::LANES) {
                    0 => {}
                    rest if rest >= V::LANES => value.store(to.add(n * V::LANES)),
                    rest => value.store_where(to.add(n * V::LANES), (1 << rest) - 1),
                }
            }
        }
        at += number;
    }
    at
}

/// Whole registers of one line, each value to every second place; says how many values that are.
///
/// # Safety
/// As [`store`], with one line and a step of 2.
#[inline(always)]
unsafe fn every_second<V: Vector>(lines: &Lines<'_>, stretch: &Stretch, out: &mut [f32]) -> usize {
    let whole = stretch.length / V::LANES * V::LANES;
    for at in (0..whole).step_by(V::LANES) {
        // SAFETY: LANES values from `at` on exist, and the places up to that of the last of them; the masks
        // leave out what lies between and behind.
        unsafe {
            let (one, bias) = (V::splat(1.0), V::splat(lines.bias));
            let value = V::load(lines.sums.as_ptr().add(stretch.lane + at)).mul_add(one, bias);
            let (low, high) = value.zip(value);
            low.store_where(out.as_mut_ptr().add(2 * at), 0x5555);
            high.store_where(out.as_mut_ptr().add(2 * at + V::LANES), 0x5555);
        }
    }
    whole
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
                    let line_step = length + 3;
                    let sums: Vec<f32> = (0..gaps.len() * line_step).map(|n| n as f32).collect();
                    let lines = Lines {
                        sums: &sums,
                        line_step,
                        gaps: &gaps,
                        out_step,
                        cell_step,
                        bias: 0.5,
                    };
                    let mut out = vec![-1.0; (length + 4) * out_step * cell_step];
                    let mut expected = out.clone();
                    for (line, gap) in gaps.iter().enumerate() {
                        for n in 0..length {
                            let place = 3 * cell_step + (n * out_step + gap) * cell_step;
                            expected[place] = (line * line_step + n) as f32 + 0.5;
                        }
                    }
                    isa.store_lines(
                        &lines,
                        &[Stretch { lane: 0, length, place: 5 }],
                        -2 * cell_step as i64,
                        &mut out,
                    );
                    assert_eq!(out, expected, "{isa:?} {gaps:?} {out_step} {length}");
                }
            }
        }
    }
}
