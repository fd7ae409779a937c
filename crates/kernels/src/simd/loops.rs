//! Plain loops, compiled for each instruction set: what compilers turn into vector code by themselves.

use super::vector::{Kernel, Vector};
use super::{Detected, Isa};

/// Loops without intrinsics. Products and sums are never fused, so that every instruction set gives the same
/// bits wherever the loops keep one order of sums.
pub(crate) trait Loops {
    /// Must be `#[inline(always)]`, so that it is compiled with the instructions of its caller.
    fn run(self);
}

struct Compiled<L>(L);

impl<L: Loops> Kernel for Compiled<L> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        self.0.run();
    }
}

impl Detected {
    /// Runs loops with the instruction set.
    pub(crate) fn run(self, loops: impl Loops) {
        match self.isa() {
            Isa::Portable => loops.run(),
            // SAFETY: the CPU has the instruction set, as `Detected` says; loops need nothing else.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { <std::arch::x86_64::__m256 as Vector>::run(Compiled(loops)) },
            // SAFETY: the same.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { <std::arch::x86_64::__m512 as Vector>::run(Compiled(loops)) },
            #[cfg(not(target_arch = "x86_64"))]
            _ => loops.run(),
        }
    }
}
