//! What these kernels need beyond [`Vector`]: parts of registers, the way back from [`Vector::zip`], and
//! activations.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use crate::simd::vector::Vector;

/// A register that can be loaded in part, whose values can be dealt out, and which knows activations.
pub(super) trait Pick: Vector {
    /// The first `count` values, at most [`Vector::LANES`], and zeros.
    ///
    /// # Safety
    /// The CPU has the instruction set; as many values can be read.
    unsafe fn load_first(from: *const f32, count: usize) -> Self;

    /// The values whose bit in `mask` is set, and zeros.
    ///
    /// # Safety
    /// The CPU has the instruction set; the values of these bits can be read.
    #[inline(always)]
    unsafe fn load_where(from: *const f32, mask: u32) -> Self {
        let mut lanes = [0.0f32; 16];
        for (lane, value) in lanes.iter_mut().enumerate().take(Self::LANES) {
            if mask & (1 << lane) != 0 {
                // SAFETY: the caller's promise.
                *value = unsafe { *from.wrapping_add(lane) };
            }
        }
        // SAFETY: a register has at most 16 lanes.
        unsafe { Self::load(lanes.as_ptr()) }
    }

    /// Values 0, 2, 4, ... of `self` and then of `other`, and values 1, 3, 5, ...
    ///
    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn deal(self, other: Self) -> (Self, Self);

    /// Zero in place of what is below zero; NaN stays.
    ///
    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn relu(self) -> Self;

    /// What is below zero times `slope`.
    ///
    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn leaky_relu(self, slope: Self) -> Self;
}

impl Pick for [f32; 8] {
    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        let mut out = [0.0; 8];
        for lane in 0..count.min(8) {
            // SAFETY: the caller's promise.
            out[lane] = unsafe { *from.add(lane) };
        }
        out
    }

    #[inline(always)]
    unsafe fn deal(self, other: Self) -> (Self, Self) {
        let ([a, i, b, j, c, k, d, l], [e, m, f, n, g, o, h, p]) = (self, other);
        ([a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p])
    }

    #[inline(always)]
    unsafe fn relu(mut self) -> Self {
        for lane in 0..8 {
            self[lane] = if self[lane] < 0.0 { 0.0 } else { self[lane] };
        }
        self
    }

    #[inline(always)]
    unsafe fn leaky_relu(mut self, slope: Self) -> Self {
        for lane in 0..8 {
            self[lane] *= if self[lane] < 0.0 { slope[lane] } else { 1.0 };
        }
        self
    }
}

#[cfg(target_arch = "x86_64")]
impl Pick for __m256 {
    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        // SAFETY: the caller promises AVX2 and `count` values; what the mask leaves out is not touched.
        unsafe {
            let lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            let mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), lane);
            _mm256_maskload_ps(from, mask)
        }
    }

    #[inline(always)]
    unsafe fn deal(self, other: Self) -> (Self, Self) {
        // SAFETY: the caller promises AVX2.
        unsafe {
            // Within each half of 128 bits: two of `self` and two of `other`; then pairs in order.
            let even = _mm256_castps_pd(_mm256_shuffle_ps::<0b10_00_10_00>(self, other));
            let odd = _mm256_castps_pd(_mm256_shuffle_ps::<0b11_01_11_01>(self, other));
            let even = _mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(even));
            (even, _mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(odd)))
        }
    }

    #[inline(always)]
    unsafe fn relu(self) -> Self {
        // SAFETY: the caller promises AVX2. Of NaN and a number it is the second that this instruction gives.
        unsafe { _mm256_max_ps(_mm256_setzero_ps(), self) }
    }

    #[inline(always)]
    unsafe fn leaky_relu(self, slope: Self) -> Self {
        // SAFETY: the caller promises AVX2.
        unsafe {
            let below = _mm256_cmp_ps::<_CMP_LT_OQ>(self, _mm256_setzero_ps());
            _mm256_blendv_ps(self, _mm256_mul_ps(self, slope), below)
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl Pick for __m512 {
    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        // Up to 16 ones.
        // SAFETY: the caller's promise.
        unsafe { Self::load_where(from, (1u32 << count) - 1) }
    }

    #[inline(always)]
    unsafe fn load_where(from: *const f32, mask: u32) -> Self {
        // SAFETY: the caller promises AVX-512F; what the mask leaves out is not touched.
        unsafe { _mm512_maskz_loadu_ps(mask as __mmask16, from) }
    }

    #[inline(always)]
    unsafe fn deal(self, other: Self) -> (Self, Self) {
        // SAFETY: the caller promises AVX-512F.
        unsafe {
            // Lane numbers; from 16 on those of `other`.
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
            let values = _mm512_permutex2var_ps(self, even, other);
            (values, _mm512_permutex2var_ps(self, odd, other))
        }
    }

    #[inline(always)]
    unsafe fn relu(self) -> Self {
        // SAFETY: the caller promises AVX-512F. Of NaN and a number it is the second that this gives.
        unsafe { _mm512_max_ps(_mm512_setzero_ps(), self) }
    }

    #[inline(always)]
    unsafe fn leaky_relu(self, slope: Self) -> Self {
        // SAFETY: the caller promises AVX-512F.
        unsafe {
            let below = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(self, _mm512_setzero_ps());
            _mm512_mask_mul_ps(self, below, self, slope)
        }
    }
}
