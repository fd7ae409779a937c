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
        // SAFETY: loops need nothing.
        unsafe { self.run_kernel(Compiled(loops)) }
    }

    /// Runs a kernel with the instruction set.
    ///
    /// # Safety
    /// As the kernel says, but for the instruction set, which `Detected` proves.
    pub(crate) unsafe fn run_kernel(self, kernel: impl Kernel) {
        // SAFETY: the CPU has the instruction set, as `Detected` says; the rest is the caller's promise.
        unsafe {
            match self.isa() {
                Isa::Portable => <[f32; 8] as Vector>::run(kernel),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => <std::arch::x86_64::__m256 as Vector>::run(kernel),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => <std::arch::x86_64::__m512 as Vector>::run(kernel),
                #[cfg(not(target_arch = "x86_64"))]
                _ => <[f32; 8] as Vector>::run(kernel),
            }
        }
    }
}
