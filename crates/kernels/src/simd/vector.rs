//! A register of f32 values, so that a kernel is written once for every instruction set.
//!
//! Kernels are generic over [`Vector`], `#[inline(always)]`, and called from one small function per
//! instruction set that carries `#[target_feature]` (or through [`Vector::run`]): inlined there, they are
//! compiled with its instructions.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// A routine that [`Vector::run`] compiles for an instruction set, in a function of its own.
pub(crate) trait Kernel {
    /// Must be `#[inline(always)]`.
    ///
    /// # Safety
    /// The CPU has the instruction set of `V`; the rest is the kernel's to say.
    unsafe fn run<V: Vector>(self);
}

/// A register of [`Vector::LANES`] values.
pub(crate) trait Vector: Copy {
    /// Values in a register.
    const LANES: usize;
    /// A bit for each value.
    const ALL: u32 = ((1u64 << Self::LANES) - 1) as u32;
    /// Registers that the instruction set has.
    const REGISTERS: usize;

    /// Runs a kernel with the instruction set.
    ///
    /// # Safety
    /// The CPU has the instruction set; the rest as the kernel says.
    unsafe fn run<K: Kernel>(kernel: K);

    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn splat(value: f32) -> Self;

    /// # Safety
    /// The CPU has the instruction set; [`Self::LANES`] values can be read from `from` on.
    unsafe fn load(from: *const f32) -> Self;

    /// # Safety
    /// The CPU has the instruction set; [`Self::LANES`] values can be written from `to` on.
    unsafe fn store(self, to: *mut f32);

    /// Stores past the caches, where a register is a whole line; else as [`Self::store`]. What has been
    /// written so must be fenced before others may see it.
    ///
    /// # Safety
    /// As for [`Self::store`]; a cache line begins at `to`.
    #[inline(always)]
    unsafe fn stream(self, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { self.store(to) }
    }

    /// `self * factor + sum`.
    ///
    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self;

    /// Copies `count` values, at most 16.
    ///
    /// # Safety
    /// The CPU has the instruction set; as many values can be read and written.
    #[inline(always)]
    unsafe fn copy_some(from: *const f32, to: *mut f32, count: usize) {
        // SAFETY: each part lies within the `count` values, as the parts before it are whole.
        unsafe {
            let mut done = 0;
            for part in [16, 8, 4, 2, 1] {
                if count & part != 0 {
                    std::ptr::copy_nonoverlapping(from.add(done), to.add(done), part);
                    done += part;
                }
            }
        }
    }

    /// The first `count` values, at least one and fewer than [`Self::LANES`], and zeros behind them.
    ///
    /// # Safety
    /// The CPU has the instruction set; `count` values can be read.
    unsafe fn load_some(from: *const f32, count: usize) -> Self;

    /// Writes the first `count` values, fewer than [`Self::LANES`].
    ///
    /// # Safety
    /// The CPU has the instruction set; `count` values can be written.
    unsafe fn store_some(self, to: *mut f32, count: usize);

    /// Every second value of `self` and then of `other`: `[a0, a2, ..., b0, b2, ...]`.
    ///
    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn evens(self, other: Self) -> Self;

    /// Writes the lanes whose bit in `mask` is set.
    ///
    /// # Safety
    /// The CPU has the instruction set; the places of these lanes from `to` on can be written.
    #[inline(always)]
    unsafe fn store_where(self, to: *mut f32, mask: u32) {
        let mut lanes = [0.0f32; 16];
        // SAFETY: a register has at most 16 lanes; only those of the mask are written to `to`.
        unsafe {
            self.store(lanes.as_mut_ptr());
            for (lane, value) in lanes.into_iter().enumerate().take(Self::LANES) {
                if mask & (1 << lane) != 0 {
                    to.add(lane).write(value);
                }
            }
        }
    }

    /// Writes `length` lanes from `lane` on.
    ///
    /// # Safety
    /// The CPU has the instruction set and as many lanes; `length` values from `to` on can be written.
    #[inline(always)]
    unsafe fn store_lanes(self, to: *mut f32, lane: usize, length: usize) {
        let mut lanes = [0.0f32; 16];
        // SAFETY: a register has at most 16 lanes, of which the caller asks for some.
        unsafe {
            self.store(lanes.as_mut_ptr());
            Self::copy_some(lanes.as_ptr().add(lane), to, length);
        }
    }

    /// Of `other` the lanes in which `self` is below zero, and of `self` the rest.
    ///
    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn where_negative(self, other: Self) -> Self;

    /// Of `other` the lanes that are larger or NaN, and of `self` the rest.
    ///
    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn where_larger(self, other: Self) -> Self;

    /// Values of `self` and `other` in turn: `[a0, b0, a1, b1, ...]`, as two registers.
    ///
    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn zip(self, other: Self) -> (Self, Self);
}

/// Plain Rust, in chunks that compilers turn into registers of 128 bits or more.
impl Vector for [f32; 8] {
    const LANES: usize = 8;
    // Two registers of 128 bits each; x86-64 has 16 of them.
    const REGISTERS: usize = 8;

    unsafe fn run<K: Kernel>(kernel: K) {
        // SAFETY: the caller's promise.
        unsafe { kernel.run::<Self>() }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        [value; 8]
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise; an array of f32 needs no more alignment than an f32.
        unsafe { from.cast::<Self>().read() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<Self>().write(self) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
        // Not fused: without the instruction that would be a function call.
        let mut out = sum;
        for lane in 0..8 {
            out[lane] += self[lane] * factor[lane];
        }
        out
    }

    #[inline(always)]
    unsafe fn where_negative(self, other: Self) -> Self {
        std::array::from_fn(|lane| if self[lane] < 0.0 { other[lane] } else { self[lane] })
    }

    #[inline(always)]
    unsafe fn where_larger(self, other: Self) -> Self {
        let larger = |a: f32, b: f32| if (b > a) | b.is_nan() { b } else { a };
        std::array::from_fn(|lane| larger(self[lane], other[lane]))
    }

    #[inline(always)]
    unsafe fn load_some(from: *const f32, count: usize) -> Self {
        let mut out = [0.0; 8];
        // SAFETY: the caller's promise; `count` is below 8.
        unsafe { std::ptr::copy_nonoverlapping(from, out.as_mut_ptr(), count) };
        out
    }

    #[inline(always)]
    unsafe fn store_some(self, to: *mut f32, count: usize) {
        // SAFETY: the caller's promise; `count` is below 8.
        unsafe { std::ptr::copy_nonoverlapping(self.as_ptr(), to, count) };
    }

    #[inline(always)]
    unsafe fn evens(self, other: Self) -> Self {
        let ([a, _, b, _, c, _, d, _], [e, _, f, _, g, _, h, _]) = (self, other);
        [a, b, c, d, e, f, g, h]
    }

    #[inline(always)]
    unsafe fn zip(self, other: Self) -> (Self, Self) {
        let ([a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p]) = (self, other);
        ([a, i, b, j, c, k, d, l], [e, m, f, n, g, o, h, p])
    }
}

/// Eight times all bits, then none: from `8 - n` on, the mask of `n` lanes.
#[cfg(target_arch = "x86_64")]
static MASKS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

/// # Safety
/// The CPU has AVX2.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn mask(count: usize) -> __m256i {
    // SAFETY: eight numbers from `8 - count` on lie inside, as `count` is at most 8 here.
    unsafe { _mm256_loadu_si256(MASKS.as_ptr().add(8 - count.min(8)).cast()) }
}

#[cfg(target_arch = "x86_64")]
impl Vector for __m256 {
    const LANES: usize = 8;
    const REGISTERS: usize = 16;

    #[inline(always)]
    unsafe fn run<K: Kernel>(kernel: K) {
        #[target_feature(enable = "avx2,fma")]
        unsafe fn run<K: Kernel>(kernel: K) {
            // SAFETY: the caller's promise.
            unsafe { kernel.run::<__m256>() }
        }
        // SAFETY: the caller promises AVX2 and FMA, and what the kernel needs.
        unsafe { run(kernel) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the caller promises AVX2.
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises AVX2 and 8 values.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises AVX2 and room for 8 values.
        unsafe { _mm256_storeu_ps(to, self) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
        // SAFETY: the caller promises AVX2 and FMA.
        unsafe { _mm256_fmadd_ps(self, factor, sum) }
    }

    #[inline(always)]
    unsafe fn where_negative(self, other: Self) -> Self {
        // SAFETY: the caller promises AVX2.
        unsafe {
            let negative = _mm256_cmp_ps::<_CMP_LT_OQ>(self, _mm256_setzero_ps());
            _mm256_blendv_ps(self, other, negative)
        }
    }

    #[inline(always)]
    unsafe fn where_larger(self, other: Self) -> Self {
        // SAFETY: the caller promises AVX2.
        unsafe {
            let larger = _mm256_cmp_ps::<_CMP_GT_OQ>(other, self);
            let nan = _mm256_cmp_ps::<_CMP_UNORD_Q>(other, other);
            _mm256_blendv_ps(self, other, _mm256_or_ps(larger, nan))
        }
    }

    #[inline(always)]
    unsafe fn load_some(from: *const f32, count: usize) -> Self {
        // SAFETY: the caller promises AVX2; what the mask leaves out is not touched.
        unsafe { _mm256_maskload_ps(from, mask(count)) }
    }

    #[inline(always)]
    unsafe fn store_some(self, to: *mut f32, count: usize) {
        // SAFETY: the caller promises AVX2; what the mask leaves out is not touched.
        unsafe { _mm256_maskstore_ps(to, mask(count), self) }
    }

    #[inline(always)]
    unsafe fn store_where(self, to: *mut f32, mask: u32) {
        // SAFETY: the caller promises AVX2; what the mask leaves out is not touched.
        unsafe {
            let bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            let own = _mm256_and_si256(_mm256_set1_epi32(mask as i32), bits);
            _mm256_maskstore_ps(to, _mm256_cmpeq_epi32(own, bits), self);
        }
    }

    #[inline(always)]
    unsafe fn evens(self, other: Self) -> Self {
        // SAFETY: the caller promises AVX2.
        unsafe {
            // Pairs of both within each half of 128 bits; then the pairs in order.
            let pairs = _mm256_castps_pd(_mm256_shuffle_ps::<0x88>(self, other));
            _mm256_castpd_ps(_mm256_permute4x64_pd::<0xd8>(pairs))
        }
    }

    #[inline(always)]
    unsafe fn zip(self, other: Self) -> (Self, Self) {
        // SAFETY: the caller promises AVX2.
        unsafe {
            // Within each half of 128 bits first, then the halves in order.
            let (low, high) = (_mm256_unpacklo_ps(self, other), _mm256_unpackhi_ps(self, other));
            let first = _mm256_permute2f128_ps::<0x20>(low, high);
            (first, _mm256_permute2f128_ps::<0x31>(low, high))
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl Vector for __m512 {
    const LANES: usize = 16;
    const REGISTERS: usize = 32;

    #[inline(always)]
    unsafe fn run<K: Kernel>(kernel: K) {
        #[target_feature(enable = "avx512f")]
        unsafe fn run<K: Kernel>(kernel: K) {
            // SAFETY: the caller's promise.
            unsafe { kernel.run::<__m512>() }
        }
        // SAFETY: the caller promises AVX-512F, and what the kernel needs.
        unsafe { run(kernel) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the caller promises AVX-512F.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises AVX-512F and 16 values.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises AVX-512F and room for 16 values.
        unsafe { _mm512_storeu_ps(to, self) }
    }

    #[inline(always)]
    unsafe fn stream(self, to: *mut f32) {
        // SAFETY: the caller promises AVX-512F, room for 16 values, and that they begin a line.
        unsafe { _mm512_stream_ps(to, self) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
        // SAFETY: the caller promises AVX-512F.
        unsafe { _mm512_fmadd_ps(self, factor, sum) }
    }

    #[inline(always)]
    unsafe fn where_negative(self, other: Self) -> Self {
        // SAFETY: the caller promises AVX-512F.
        unsafe {
            let negative = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(self, _mm512_setzero_ps());
            _mm512_mask_blend_ps(negative, self, other)
        }
    }

    #[inline(always)]
    unsafe fn where_larger(self, other: Self) -> Self {
        // SAFETY: the caller promises AVX-512F.
        unsafe {
            let larger = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(other, self);
            let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(other, other);
            _mm512_mask_blend_ps(larger | nan, self, other)
        }
    }

    #[inline(always)]
    unsafe fn store_lanes(self, to: *mut f32, lane: usize, length: usize) {
        // SAFETY: the caller promises AVX-512F; what the mask leaves out is not touched.
        unsafe {
            match (lane, length) {
                (0, 8) => _mm256_storeu_ps(to, _mm512_castps512_ps256(self)),
                (8, 8) => {
                    let high = _mm512_extractf64x4_pd::<1>(_mm512_castps_pd(self));
                    _mm256_storeu_ps(to, _mm256_castpd_ps(high));
                }
                // Up to 16 ones, none past the last lane.
                _ => self.store_where(to.wrapping_sub(lane), ((1u32 << length) - 1) << lane),
            }
        }
    }

    #[inline(always)]
    unsafe fn store_where(self, to: *mut f32, mask: u32) {
        // SAFETY: the caller promises AVX-512F; what the mask leaves out is not touched.
        unsafe { _mm512_mask_storeu_ps(to, mask as __mmask16, self) }
    }

    #[inline(always)]
    unsafe fn copy_some(from: *const f32, to: *mut f32, count: usize) {
        // Up to 16 ones.
        let mask = ((1u32 << count) - 1) as __mmask16;
        // SAFETY: the caller promises AVX-512F; what the mask leaves out is not touched.
        unsafe { _mm512_mask_storeu_ps(to, mask, _mm512_maskz_loadu_ps(mask, from)) }
    }

    #[inline(always)]
    unsafe fn load_some(from: *const f32, count: usize) -> Self {
        // SAFETY: the caller promises AVX-512F; what the mask leaves out is not touched.
        unsafe { _mm512_maskz_loadu_ps(((1u32 << count) - 1) as __mmask16, from) }
    }

    #[inline(always)]
    unsafe fn store_some(self, to: *mut f32, count: usize) {
        // SAFETY: the caller promises AVX-512F; what the mask leaves out is not touched.
        unsafe { _mm512_mask_storeu_ps(to, ((1u32 << count) - 1) as __mmask16, self) }
    }

    #[inline(always)]
    unsafe fn evens(self, other: Self) -> Self {
        // SAFETY: the caller promises AVX-512F.
        unsafe {
            let lanes =
                _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            _mm512_permutex2var_ps(self, lanes, other)
        }
    }

    #[inline(always)]
    unsafe fn zip(self, other: Self) -> (Self, Self) {
        // SAFETY: the caller promises AVX-512F.
        unsafe {
            // Lane numbers; from 16 on those of `other`.
            let first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            let second = _mm512_add_epi32(first, _mm512_set1_epi32(8));
            let low = _mm512_permutex2var_ps(self, first, other);
            (low, _mm512_permutex2var_ps(self, second, other))
        }
    }
}
