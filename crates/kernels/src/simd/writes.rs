//! How results get to memory: through the caches, or past them.
//!
//! A store to a line that is not in a cache fetches the line first. Asking for it early hides the wait; a
//! streamed store, of a whole line, does not fetch at all, and leaves the caches to the input and the weight.

use super::vector::Vector;

/// Values of a cache line.
pub(crate) const LINE: usize = 16;

/// How a task writes its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writes {
    /// It lies in a near cache.
    Near,
    /// Lines are asked for before they are written.
    Announced,
    /// If registers begin lines, they go past the caches; else they are announced.
    Streamed,
}

impl Writes {
    /// The same for a tile, of which all registers begin lines or not.
    pub(super) fn of_tile(self, begins_lines: bool) -> Self {
        match self {
            Self::Streamed if !begins_lines => Self::Announced,
            other => other,
        }
    }

    /// Stores a register.
    ///
    /// # Safety
    /// The CPU has the instruction set of `V`; a register can be written from `to` on, which begins a line if
    /// it is to be streamed.
    #[inline(always)]
    pub(super) unsafe fn store<V: Vector>(self, value: V, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Self::Streamed => value.stream(to),
                Self::Near | Self::Announced => value.store(to),
            }
        }
    }

    /// Makes what has been streamed visible to whoever is told that the task is done.
    pub(crate) fn finish(self) {
        #[cfg(target_arch = "x86_64")]
        if self == Self::Streamed {
            // SAFETY: every x86-64 CPU has this instruction.
            unsafe { std::arch::x86_64::_mm_sfence() };
        }
    }
}

/// Where in its line a value lies: 0 to 15.
pub(super) fn in_line(at: *const f32) -> i64 {
    // An address is far below the sign.
    within_line((at as usize / size_of::<f32>()) as i64)
}

/// The same for a value so far behind, or in front of, the beginning of a line.
pub(super) fn within_line(at: i64) -> i64 {
    at.rem_euclid(LINE as i64)
}

/// Asks for a cache line, as it will be written.
#[inline(always)]
pub(super) fn prefetch_write(at: *mut f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch touches nothing that a program can see, whatever the address; where the CPU lacks
    // this kind it does nothing.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_ET0>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// Asks for a cache line, as it will be read.
#[inline(always)]
pub(crate) fn prefetch(at: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch touches nothing that a program can see, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}
