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

/// `[n, cells..., channels]` as `[n, channels, cells...]`; `shape` is that of the tensor given.
pub(crate) fn to_nchw(tensor: &[f32], shape: &[usize]) -> Vec<f32> {
    let (channels, cells) = sizes(shape);
    let mut out = vec![0.0; tensor.len()];
    let image = (channels * cells).max(1);
    for (from, to) in tensor.chunks_exact(image).zip(out.chunks_exact_mut(image)) {
        for (channel, plane) in to.chunks_exact_mut(cells).enumerate() {
            let from = from[channel..].iter().step_by(channels);
            plane.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
        }
    }
    out
}

/// The other way; `shape` is that of the result.
pub(crate) fn from_nchw(tensor: &[f32], shape: &[usize], out: &mut [f32]) {
    let (channels, cells) = sizes(shape);
    let image = (channels * cells).max(1);
    for (from, to) in tensor.chunks_exact(image).zip(out.chunks_exact_mut(image)) {
        for (channel, plane) in from.chunks_exact(cells).enumerate() {
            let to = to[channel..].iter_mut().step_by(channels);
            to.zip(plane).for_each(|(to, &from)| *to = from);
        }
    }
}

fn sizes(shape: &[usize]) -> (usize, usize) {
    let channels = shape.last().copied().unwrap_or(1);
    (channels.max(1), shape[1..shape.len() - 1].iter().product::<usize>().max(1))
}

#[test]
fn there_and_back() {
    // Two images of two cells with three channels.
    let nhwc = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0];
    let nchw = to_nchw(&nhwc, &[2, 1, 2, 3]);
    assert_eq!(nchw, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0, 7.0, 10.0, 8.0, 11.0, 9.0, 12.0]);
    let mut back = [0.0; 12];
    from_nchw(&nchw, &[2, 1, 2, 3], &mut back);
    assert_eq!(back, nhwc);
}
