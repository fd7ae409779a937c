//! Storing lines of values side by side, value n of line m at `n * lines + m`, or one line with gaps.

use super::vector::Vector;
use super::{Detected, Isa};

/// Lines of equal length.
pub(crate) struct Lines<'a> {
    pub(crate) sums: &'a [f32],
    /// Values from the start of a line to that of the next.
    pub(crate) line_step: usize,
    pub(crate) lines: usize,
    pub(crate) length: usize,
}

impl Detected {
    /// Writes values to every second place, and nothing between them.
    ///
    /// # Panics
    /// If `out` is too short.
    pub(crate) fn store_every_second(self, values: &[f32], out: &mut [f32]) {
        assert!(values.is_empty() || 2 * values.len() - 1 <= out.len());
        #[cfg(target_arch = "x86_64")]
        if self.isa() == Isa::Avx512 {
            // SAFETY: `self` proves that the CPU has AVX-512F; the rest as above.
            return unsafe { every_second_avx512(values, out) };
        }
        out.iter_mut().step_by(2).zip(values).for_each(|(y, v)| *y = *v);
    }

    /// Writes `lines * length` values to the front of `out`.
    ///
    /// # Panics
    /// If a slice is too short.
    pub(crate) fn interleave(self, lines: &Lines<'_>, out: &mut [f32]) {
        let out = &mut out[..lines.lines * lines.length];
        let last = lines.lines.saturating_sub(1) * lines.line_step + lines.length;
        assert!(last <= lines.sums.len());
        match self.isa() {
            // SAFETY: the lines lie inside `sums`, and `out` has room for them.
            Isa::Portable => unsafe { interleave::<[f32; 8]>(lines, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves that the CPU has AVX2; the rest as above.
            Isa::Avx2 => unsafe { avx2(lines, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves that the CPU has AVX-512F; the rest as above.
            Isa::Avx512 => unsafe { avx512(lines, out) },
            #[cfg(not(target_arch = "x86_64"))]
            // SAFETY: the lines lie inside `sums`, and `out` has room for them.
            _ => unsafe { interleave::<[f32; 8]>(lines, out) },
        }
    }
}

/// # Safety
/// The CPU has AVX-512F; `out` has room up to the place of the last value.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn every_second_avx512(values: &[f32], out: &mut [f32]) {
    let whole = values.len() / 16 * 16;
    for at in (0..whole).step_by(16) {
        // SAFETY: 16 values from `at` on exist, and the places up to that of the last of them; the masks
        // leave out what lies between and behind.
        unsafe {
            let value = <std::arch::x86_64::__m512 as Vector>::load(values.as_ptr().add(at));
            let (low, high) = value.zip(value);
            low.store_where(out.as_mut_ptr().add(2 * at), 0x5555);
            high.store_where(out.as_mut_ptr().add(2 * at + 16), 0x5555);
        }
    }
    let end = (2 * whole).min(out.len());
    let rest = out[end..].iter_mut().step_by(2);
    rest.zip(&values[whole..]).for_each(|(y, v)| *y = *v);
}

/// # Safety
/// The CPU has AVX2; the rest as [`interleave`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(lines: &Lines<'_>, out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { interleave::<std::arch::x86_64::__m256>(lines, out) }
}

/// # Safety
/// The CPU has AVX-512F; the rest as [`interleave`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(lines: &Lines<'_>, out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { interleave::<std::arch::x86_64::__m512>(lines, out) }
}

/// # Safety
/// The CPU has the instruction set of `V`; all lines lie inside `sums`, and `out` has `lines * length` values.
#[inline(always)]
unsafe fn interleave<V: Vector>(lines: &Lines<'_>, out: &mut [f32]) {
    let done = match lines.lines {
        // SAFETY: the caller's promise.
        1 => unsafe { together::<V, 1>(lines, out) },
        // SAFETY: the caller's promise.
        2 => unsafe { together::<V, 2>(lines, out) },
        // SAFETY: the caller's promise.
        4 => unsafe { together::<V, 4>(lines, out) },
        // SAFETY: the caller's promise.
        8 => unsafe { together::<V, 8>(lines, out) },
        _ => 0,
    };
    for line in 0..lines.lines {
        let sums = &lines.sums[line * lines.line_step..][done..lines.length];
        let out = out[done * lines.lines..].iter_mut().skip(line).step_by(lines.lines);
        out.zip(sums).for_each(|(y, v)| *y = *v);
    }
}

/// As many values of each line as registers can be loaded with; says how many that are.
///
/// Lines n and n + N/2 in turn give N/2 lines of twice the length, and so on.
///
/// # Safety
/// As [`interleave`], with `N` lines, a power of two.
#[inline(always)]
unsafe fn together<V: Vector, const N: usize>(lines: &Lines<'_>, out: &mut [f32]) -> usize {
    let mut at = 0;
    // A register of the last line may be read beyond its end, if there is something.
    while at < lines.length && (N - 1) * lines.line_step + at + V::LANES <= lines.sums.len() {
        let number = V::LANES.min(lines.length - at);
        // SAFETY: LANES values of each line from `at` on exist; of `out` only what `number` values of each
        // line fill is written, which is at most its length.
        unsafe {
            let mut row = [V::splat(0.0); N];
            for (n, value) in row.iter_mut().enumerate() {
                *value = V::load(lines.sums.as_ptr().add(n * lines.line_step + at));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_stay_as_they_are() {
        for isa in Isa::available() {
            let isa = Detected::choose(Some(isa)).expect("listed as available");
            for length in [0, 1, 15, 16, 17, 33] {
                let values: Vec<f32> = (0..length).map(|n| n as f32).collect();
                let mut out = vec![-1.0; 2 * length];
                isa.store_every_second(&values, &mut out);
                for n in 0..length {
                    assert_eq!(out[2 * n..2 * n + 2], [n as f32, -1.0]);
                }
            }
        }
    }

    #[test]
    fn every_isa_takes_lines_in_turn() {
        for isa in Isa::available() {
            let isa = Detected::choose(Some(isa)).expect("listed as available");
            for count in 1..10 {
                for length in [1, 7, 8, 16, 17, 47] {
                    let line_step = length + 3;
                    let sums: Vec<f32> = (0..count * line_step).map(|n| n as f32).collect();
                    let mut out = vec![f32::NAN; count * length + 1];
                    isa.interleave(
                        &Lines { sums: &sums, line_step, lines: count, length },
                        &mut out,
                    );
                    for n in 0..length {
                        for line in 0..count {
                            assert_eq!(out[n * count + line], (line * line_step + n) as f32);
                        }
                    }
                    assert!(out[count * length].is_nan());
                }
            }
        }
    }
}
