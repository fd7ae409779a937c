//! What the allocator does with the tensors of a step when they are freed.

use rayon::prelude::*;

/// The largest block that glibc can learn to keep: `DEFAULT_MMAP_THRESHOLD_MAX` on machines of 64 bits.
const LARGEST: usize = 32 << 20;

/// Has the allocator keep blocks of up to 32 MiB when they are freed, for a program that trains: the next step asks for the
/// same ones again.
///
/// glibc maps large blocks by themselves and unmaps them when they are freed, so that the kernel clears every page of
/// every tensor anew in each step. Blocks up to the size of the largest mapped one that has been freed it takes from its
/// heap instead, of which it then gives back what exceeds twice that size (`mallopt(3)`, `M_MMAP_THRESHOLD`). So one
/// block of almost the most that counts is asked for, and freed untouched. Other allocators do not mind.
///
/// ```
/// upconv_nn::memory::keep_freed();
/// ```
pub fn keep_freed() {
    // Room for what the allocator puts in front, and for whole pages.
    let block = Vec::<u8>::with_capacity(LARGEST - (1 << 16));
    drop(std::hint::black_box(block));
}

/// Zeros for a kernel to write over.
///
/// A block that is used again has to be cleared, which takes one thread as long as some kernels take both; the threads
/// share it from a megabyte on. Those that glibc maps anew come cleared, see [`keep_freed`].
pub(crate) fn zeros(len: usize) -> Vec<f32> {
    const PIECE: usize = 1 << 10;
    if !(1 << 18..LARGEST / size_of::<f32>()).contains(&len) {
        return vec![0.0; len];
    }
    let pieces = (0..len.div_ceil(PIECE)).into_par_iter().map(|_| [0.0f32; PIECE]);
    let mut zeros = pieces.collect::<Vec<_>>().into_flattened();
    zeros.truncate(len);
    zeros
}

#[cfg(test)]
mod tests {
    use super::zeros;

    #[test]
    fn as_many_zeros_as_asked_for() {
        for len in [0, 1, 1 << 18, (1 << 18) + 1, 300_000, 9 << 20] {
            let zeros = zeros(len);
            assert_eq!(zeros.len(), len);
            assert!(zeros.iter().all(|&value| value.to_bits() == 0), "{len}");
        }
    }
}
