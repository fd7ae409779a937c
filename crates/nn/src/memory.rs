//! What the allocator does with the tensors of a step when they are freed.

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
