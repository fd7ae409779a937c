//! The most floating-point operations that this CPU does in a second: what kernels are measured against.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::simd::vector::Vector;
use crate::simd::{Detected, Isa};

/// How long one measurement takes on every thread.
const TIME: Duration = Duration::from_millis(50);

/// Measurements, of which the best counts: other programs only ever take something away.
const MEASUREMENTS: usize = 3;

/// Steps of every chain between two looks at the clock, some ten microseconds of work.
const STEPS: usize = 1 << 13;

/// Measures the peak of f32 arithmetic on all threads of the current rayon pool at once, in GFLOP/s.
///
/// It counts 2 for each lane of a multiply-add on registers, in chains that do not wait for each other.
/// `Isa::Portable` has no fused instruction, and multiplies, then adds. Takes 0.15 seconds.
///
/// # Errors
/// This CPU lacks `isa`.
///
/// ```
/// use upconv_kernels::{Isa, peak};
/// assert!(peak::measure(Isa::Portable)? > 0.0);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn measure(isa: Isa) -> Result<f64> {
    let isa = Detected::choose(Some(isa))?;
    let all_threads = || rayon::broadcast(|_| rate(isa)).iter().sum::<f64>();
    Ok((0..MEASUREMENTS).map(|_| all_threads()).fold(0.0, f64::max))
}

/// GFLOP/s of the calling thread.
fn rate(isa: Detected) -> f64 {
    let (mut flops, start) = (0, Instant::now());
    loop {
        flops += run(isa);
        let elapsed = start.elapsed();
        if elapsed >= TIME {
            return flops as f64 / elapsed.as_secs_f64() / 1e9;
        }
    }
}

/// Runs the chains of an instruction set once, and gives their operations.
///
/// A chain waits 4 or 5 cycles for its last step, and a CPU starts 2 steps in a cycle: 10 chains or
/// more are always busy. With two constants they must fit the registers.
fn run(isa: Detected) -> usize {
    match isa.isa() {
        // Two registers of 128 bits in each, of 16.
        // SAFETY: `[f32; 8]` needs no instructions that the target lacks.
        Isa::Portable => unsafe { chains::<[f32; 8], 6>() },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Detected` has found AVX2 and FMA on this CPU.
        Isa::Avx2 => unsafe { avx2() },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Detected` has found AVX-512F on this CPU.
        Isa::Avx512 => unsafe { avx512() },
        #[cfg(not(target_arch = "x86_64"))]
        // SAFETY: as for `Isa::Portable`.
        Isa::Avx2 | Isa::Avx512 => unsafe { chains::<[f32; 8], 6>() },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2() -> usize {
    // SAFETY: this function is called only where there are AVX2 and FMA.
    unsafe { chains::<std::arch::x86_64::__m256, 12>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512() -> usize {
    // SAFETY: this function is called only where there is AVX-512F.
    unsafe { chains::<std::arch::x86_64::__m512, 12>() }
}

/// `N` chains of `v = v / 2 + 1`, which stay near 2: never slow numbers.
///
/// # Safety
/// The CPU has the instruction set of `V`.
#[inline(always)]
unsafe fn chains<V: Vector, const N: usize>() -> usize {
    // Unknown to the compiler, which would else compute the result itself.
    let (factor, sum) = black_box((0.5, 1.0));
    // Room for the widest register.
    let mut result = [0.0f32; 16];
    // SAFETY: the caller's promise; a register has at most 16 values.
    unsafe {
        let (factor, sum) = (V::splat(factor), V::splat(sum));
        let mut chains = [sum; N];
        for _ in 0..STEPS {
            for chain in &mut chains {
                *chain = chain.mul_add(factor, sum);
            }
        }
        let mut last = sum;
        for chain in chains {
            last = chain.mul_add(factor, last);
        }
        last.store(result.as_mut_ptr());
    }
    black_box(result);
    2 * STEPS * N * V::LANES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_has_a_peak() {
        for isa in Isa::available() {
            let peak = measure(isa).unwrap();
            assert!(peak.is_finite() && peak > 0.0, "{isa:?}: {peak}");
        }
    }
}
