//! Storing sums whose lanes are output channels to planes: positions become neighbours, and x phases lie side
//! by side.

use super::interleave::{Planes, Stretch, store_woven};
use super::place::activated;
use super::vector::Vector;
use super::{Detected, Isa};

/// A register of channels for each position and x phase, and where they go: rows are channels, and lanes of
/// a [`Stretch`] are positions.
pub(crate) struct Turned<'a> {
    pub(crate) sums: &'a [f32],
    /// One for each x phase.
    pub(crate) phases: &'a [Registers],
    /// At most as many as a register has lanes.
    pub(crate) channels: usize,
    pub(crate) to: Planes<'a>,
}

/// Where the register of position 0 lies, and values from position to position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registers {
    pub(crate) first: usize,
    pub(crate) step: usize,
}

impl Detected {
    /// Writes stretches of positions of all channels to their places.
    ///
    /// # Panics
    /// If a register, or the place of a stretch, lies outside.
    pub(crate) fn store_turned(
        self,
        turned: &Turned<'_>,
        stretches: &[Stretch],
        slices: &mut [&mut [f32]],
    ) {
        assert!(turned.channels <= self.lanes() && turned.phases.len() == turned.to.gaps.len());
        let end = stretches.iter().map(|stretch| stretch.lane + stretch.length).max().unwrap_or(0);
        for phase in turned.phases {
            let last = phase.first + end.saturating_sub(1) * phase.step;
            assert!(end == 0 || last + self.lanes() <= turned.sums.len());
        }
        match self.isa() {
            // SAFETY: the asserts above are all that is read.
            Isa::Portable => unsafe { store::<[f32; 8]>(turned, stretches, slices) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves that the CPU has AVX2; the rest as above.
            Isa::Avx2 => unsafe { avx2(turned, stretches, slices) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves that the CPU has AVX-512F; the rest as above.
            Isa::Avx512 => unsafe { avx512(turned, stretches, slices) },
            #[cfg(not(target_arch = "x86_64"))]
            // SAFETY: the asserts above are all that is read.
            _ => unsafe { store::<[f32; 8]>(turned, stretches, slices) },
        }
    }
}

/// # Safety
/// The CPU has AVX2; the rest as [`store`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(turned: &Turned<'_>, stretches: &[Stretch], slices: &mut [&mut [f32]]) {
    // SAFETY: the caller's promise.
    unsafe { store::<std::arch::x86_64::__m256>(turned, stretches, slices) }
}

/// # Safety
/// The CPU has AVX-512F; the rest as [`store`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(turned: &Turned<'_>, stretches: &[Stretch], slices: &mut [&mut [f32]]) {
    // SAFETY: the caller's promise.
    unsafe { store::<std::arch::x86_64::__m512>(turned, stretches, slices) }
}

/// # Safety
/// The CPU has the instruction set of `V`; a register of every phase can be read for all positions; there are
/// as many phases as gaps.
#[inline(always)]
unsafe fn store<V: Vector>(turned: &Turned<'_>, stretches: &[Stretch], slices: &mut [&mut [f32]]) {
    // SAFETY: the caller's promise.
    unsafe {
        match turned.to.woven() {
            Some(1) => together::<V, 1>(turned, stretches, slices),
            Some(2) => together::<V, 2>(turned, stretches, slices),
            Some(4) => together::<V, 4>(turned, stretches, slices),
            Some(_) => together::<V, 8>(turned, stretches, slices),
            None => apart(turned, stretches, slices),
        }
    }
}

/// Phases with gaps between them: the ends of rows, a cell or two each.
fn apart(turned: &Turned<'_>, stretches: &[Stretch], slices: &mut [&mut [f32]]) {
    let to = &turned.to;
    let step = to.step();
    for stretch in stretches {
        for channel in 0..turned.channels {
            let out = to.place(stretch, channel, slices);
            let bias = to.bias(channel);
            for (phase, gap) in turned.phases.iter().zip(to.gaps) {
                let mut from = phase.first + stretch.lane * phase.step + channel;
                let mut at = gap * to.cell_step;
                for _ in 0..stretch.length {
                    out[at] = to.activation.apply(turned.sums[from] + bias);
                    from += phase.step;
                    at += step;
                }
            }
        }
    }
}

/// Phases that registers can be woven of.
///
/// # Safety
/// As [`store`], with `N` phases, a power of two.
#[inline(always)]
unsafe fn together<V: Vector, const N: usize>(
    turned: &Turned<'_>,
    stretches: &[Stretch],
    slices: &mut [&mut [f32]],
) {
    let step = turned.to.step();
    let mut lanes = [0.0; 16];
    if let Some(bias) = turned.to.bias {
        lanes[..turned.channels].copy_from_slice(&bias[..turned.channels]);
    }
    // SAFETY: a register has at most 16 lanes; `number` registers of each phase exist, and what their values
    // fill of `out`, which is at most its length.
    unsafe {
        let (one, bias) = (V::splat(1.0), V::load(lanes.as_ptr()));
        for stretch in stretches {
            for at in (0..stretch.length).step_by(V::LANES) {
                let number = V::LANES.min(stretch.length - at);
                let mut blocks = [[V::splat(0.0); 16]; N];
                for (block, phase) in blocks.iter_mut().zip(turned.phases) {
                    let first = phase.first + (stretch.lane + at) * phase.step;
                    let mut from = turned.sums.as_ptr().wrapping_add(first);
                    for sum in block.iter_mut().take(number) {
                        let value = V::load(from).mul_add(one, bias);
                        *sum = activated(value, turned.to.activation);
                        from = from.wrapping_add(phase.step);
                    }
                    *block = super::transpose::turned(*block);
                }
                for channel in 0..turned.channels {
                    let values: [V; N] = std::array::from_fn(|phase| blocks[phase][channel]);
                    let out = turned.to.place(stretch, channel, slices);
                    store_woven(values, number, step, out.as_mut_ptr().add(at * step));
                }
            }
        }
    }
}
