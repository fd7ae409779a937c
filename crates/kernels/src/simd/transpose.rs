//! Moving values between planes and lines of channels, in blocks that registers transpose.

use super::vector::Vector;
use super::writes::prefetch;
use super::{Detected, Isa};

/// A place that nothing is written to.
pub(crate) const SKIP: usize = usize::MAX;

/// Where each line goes, with the bound of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    all: Vec<usize>,
    /// The last place, if there is one.
    last: Option<usize>,
}

impl Places {
    /// [`SKIP`] leaves a line out.
    pub(crate) fn new(all: impl IntoIterator<Item = usize>) -> Self {
        let all: Vec<usize> = all.into_iter().collect();
        let last = all.iter().copied().filter(|&place| place != SKIP).max();
        Self { all, last }
    }
}

/// Lines: `out[places[cell] + channel] = from[channel * channel_step + cell * cell_step]`.
pub(crate) struct Spread<'a> {
    pub(crate) from: &'a [f32],
    pub(crate) channel_step: usize,
    pub(crate) cell_step: usize,
    pub(crate) channels: usize,
    pub(crate) places: &'a Places,
}

impl Detected {
    /// Writes the lines, and nothing between them. Fast where one of the steps is 1.
    ///
    /// # Panics
    /// If a value lies outside of `from` or its place outside of `out`.
    pub(crate) fn spread(self, lines: &Spread<'_>, out: &mut [f32]) {
        let cells = lines.places.all.len();
        let Some(last) = lines.places.last else { return };
        if lines.channels == 0 {
            return;
        }
        let end = (lines.channels - 1) * lines.channel_step + (cells - 1) * lines.cell_step;
        assert!(end < lines.from.len());
        assert!(last + lines.channels <= out.len());
        if lines.cell_step != 1 && lines.channel_step != 1 {
            for (cell, &place) in lines.places.all.iter().enumerate() {
                if place != SKIP {
                    let from = lines.from[cell * lines.cell_step..].iter();
                    let out = &mut out[place..place + lines.channels];
                    out.iter_mut().zip(from.step_by(lines.channel_step)).for_each(|(y, v)| *y = *v);
                }
            }
            return;
        }
        match self.isa() {
            // SAFETY: the asserts above are all that is read and written.
            Isa::Portable => unsafe { any::<[f32; 8]>(lines, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves that the CPU has AVX2; the rest as above.
            Isa::Avx2 => unsafe { avx2(lines, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self` proves that the CPU has AVX-512F; the rest as above.
            Isa::Avx512 => unsafe { avx512(lines, out) },
            #[cfg(not(target_arch = "x86_64"))]
            // SAFETY: the asserts above are all that is read and written.
            _ => unsafe { any::<[f32; 8]>(lines, out) },
        }
    }
}

/// # Safety
/// The CPU has AVX2; the rest as [`any`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(lines: &Spread<'_>, out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { any::<std::arch::x86_64::__m256>(lines, out) }
}

/// # Safety
/// The CPU has AVX-512F; the rest as [`any`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(lines: &Spread<'_>, out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { any::<std::arch::x86_64::__m512>(lines, out) }
}

/// # Safety
/// The CPU has the instruction set of `V`; all values lie in `from`, and their places in `out`; one of the
/// steps is 1.
#[inline(always)]
unsafe fn any<V: Vector>(lines: &Spread<'_>, out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe {
        match lines.channel_step {
            1 => copy::<V>(lines, out),
            _ => transpose::<V>(lines, out),
        }
    }
}

/// # Safety
/// As [`any`], where the values of a line lie side by side.
#[inline(always)]
unsafe fn copy<V: Vector>(lines: &Spread<'_>, out: &mut [f32]) {
    let whole = lines.channels / V::LANES * V::LANES;
    let rest = lines.channels - whole;
    for (cell, &place) in lines.places.all.iter().enumerate() {
        if place == SKIP {
            continue;
        }
        // SAFETY: the caller's promise: `channels` values from either pointer on.
        unsafe {
            let from = lines.from.as_ptr().add(cell * lines.cell_step);
            let to = out.as_mut_ptr().add(place);
            for at in (0..whole).step_by(V::LANES) {
                V::load(from.add(at)).store(to.add(at));
            }
            if rest > 0 {
                V::load_some(from.add(whole), rest).store_some(to.add(whole), rest);
            }
        }
    }
}

/// Values that are asked for ahead of those that are turned: planes are too many to be foreseen by a CPU.
const AHEAD: usize = 64;

/// # Safety
/// As [`any`], where the cells of a channel lie side by side.
#[inline(always)]
unsafe fn transpose<V: Vector>(lines: &Spread<'_>, out: &mut [f32]) {
    let cells = lines.places.all.len();
    // The first registers may be partly empty, so that the others are whole cache lines: planes often are so
    // far apart that the lines of all of them share a few sets of the cache, and are gone when the next
    // registers would come back to them.
    let aligned = lines.from.as_ptr().align_offset(size_of::<f32>() * V::LANES);
    let adjust = cells >= 4 * V::LANES && lines.channel_step.is_multiple_of(V::LANES);
    let first = if adjust && (1..V::LANES).contains(&aligned) { aligned } else { V::LANES };
    for channel in (0..lines.channels).step_by(V::LANES) {
        let rows = V::LANES.min(lines.channels - channel);
        let mut next = 0;
        while next < cells {
            let cell = next;
            let count = if cell == 0 { first } else { V::LANES }.min(cells - cell);
            next += count;
            let at = channel * lines.channel_step + cell;
            let inside = at + (rows - 1) * lines.channel_step + V::LANES <= lines.from.len();
            // SAFETY: `rows` channels of `count` cells exist by the caller's promise, and `LANES` cells of
            // each if `inside`; a line is written from its place on, `rows` values of it.
            unsafe {
                let from = lines.from.as_ptr().add(at);
                let mut block = [V::splat(0.0); 16];
                for n in 0..V::LANES {
                    if n < rows {
                        let from = from.add(n * lines.channel_step);
                        prefetch(from.wrapping_add(AHEAD));
                        block[n] = match inside {
                            true => V::load(from),
                            false if count == V::LANES => V::load(from),
                            false => V::load_some(from, count),
                        };
                    }
                }
                let block = turned(block);
                let to = out.as_mut_ptr().add(channel);
                for n in 0..V::LANES {
                    if n < count {
                        let place = *lines.places.all.get_unchecked(cell + n);
                        if place == SKIP {
                            continue;
                        }
                        match rows == V::LANES {
                            true => block[n].store(to.add(place)),
                            false => block[n].store_some(to.add(place), rows),
                        }
                    }
                }
            }
        }
    }
}

/// Transposes the first [`Vector::LANES`] registers.
///
/// Numbering a value by its register and lane, `register * LANES + lane`, putting registers n and
/// `n + LANES / 2` in turn rotates the bits of that number by one; as many times as a lane has bits, and
/// register and lane have changed places.
///
/// # Safety
/// The CPU has the instruction set of `V`.
#[inline(always)]
pub(super) unsafe fn turned<V: Vector>(block: [V; 16]) -> [V; 16] {
    // SAFETY: the caller's promise.
    unsafe {
        match V::LANES {
            16 => in_turn(in_turn(in_turn(in_turn(block)))),
            _ => in_turn(in_turn(in_turn(block))),
        }
    }
}

/// # Safety
/// As [`turned`].
#[inline(always)]
unsafe fn in_turn<V: Vector>(block: [V; 16]) -> [V; 16] {
    let mut out = block;
    for n in 0..V::LANES / 2 {
        // SAFETY: the caller's promise.
        let (low, high) = unsafe { block[n].zip(block[n + V::LANES / 2]) };
        out[2 * n] = low;
        out[2 * n + 1] = high;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_isa_spreads_lines() {
        let mut cases = Vec::new();
        for channels in [1, 3, 8, 15, 16, 17, 40] {
            for cells in [1, 4, 7, 8, 16, 21, 33] {
                // Planes, lines, and neither.
                cases.push((channels, cells, cells + 2, 1));
                cases.push((channels, cells, 1, channels + 1));
                cases.push((channels, cells, 2, 2 * channels + 1));
                // Planes that begin at the same place in a cache line.
                cases.push((channels, 70 + cells, 128, 1));
            }
        }
        for isa in Isa::available() {
            let isa = Detected::choose(Some(isa)).expect("listed as available");
            for &(channels, cells, channel_step, cell_step) in &cases {
                let length = (channels - 1) * channel_step + (cells - 1) * cell_step + 1;
                let from: Vec<f32> = (0..length).map(|n| n as f32).collect();
                let width = channels + 1;
                // Back to front, and one left out.
                let place = |n: usize| if n == 2 { SKIP } else { (cells - 1 - n) * width };
                let places = Places::new((0..cells).map(place));
                let mut out = vec![-1.0; cells * width];
                let lines =
                    Spread { from: &from, channel_step, cell_step, channels, places: &places };
                isa.spread(&lines, &mut out);
                for cell in 0..cells {
                    for lane in 0..width {
                        let at = (lane * channel_step + cell * cell_step) as f32;
                        let expected = if lane == channels || cell == 2 { -1.0 } else { at };
                        assert_eq!(out[(cells - 1 - cell) * width + lane], expected);
                    }
                }
            }
        }
    }
}
