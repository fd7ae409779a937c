//! Storing lines of values side by side: value n of line m goes to `n * lines + m`.

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

/// As many values of each line as fill registers; says how many that are.
///
/// Lines n and n + N/2 in turn give N/2 lines of twice the length, and so on.
///
/// # Safety
/// As [`interleave`], with `N` lines, a power of two.
#[inline(always)]
unsafe fn together<V: Vector, const N: usize>(lines: &Lines<'_>, out: &mut [f32]) -> usize {
    let whole = lines.length / V::LANES * V::LANES;
    for at in (0..whole).step_by(V::LANES) {
        // SAFETY: LANES values of each line from `at` on exist, and N times as many of `out`.
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
            for (n, value) in row.iter().enumerate() {
                value.store(out.as_mut_ptr().add(at * N + n * V::LANES));
            }
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

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
