//! What tests of plain loops share.

use crate::simd::{Detected, Isa};

/// Small whole numbers, negative ones among them, of which sums and products are exact.
pub(crate) fn integers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % 17
    };
    (0..count).map(|_| next() as f32 - 8.0).collect()
}

/// Bits, so that NaN and the sign of zero count.
pub(crate) fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// Values of a buffer that must be overwritten.
pub(crate) fn poison(count: usize) -> Vec<f32> {
    vec![f32::NAN; count]
}

/// Calls `check` with every instruction set of this CPU, in pools of one, two and five threads.
pub(crate) fn everywhere(check: impl Fn(Detected) + Sync) {
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("a pool").install(|| {
            for isa in Isa::available() {
                check(Detected::choose(Some(isa)).expect("it is available"));
            }
        });
    }
}
