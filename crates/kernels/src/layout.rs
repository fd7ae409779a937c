//! Between the two orders of axes, for what knows one of them only.

use rayon::prelude::*;

use crate::extent::Extent;
use crate::options::Layout;
use crate::simd::Detected;
use crate::simd::transpose::{Places, Spread};

/// Values that a thread turns at a time, about.
const PART: usize = 1 << 14;
/// Channels that a thread turns at a time, at least: a line of the cache.
const CHANNELS: usize = 16;

/// Writes `x` in the other layout than its own.
pub(crate) fn turn(isa: Detected, x: &[f32], extent: Extent, y: &mut [f32]) {
    let Extent { channels, cells, layout, .. } = extent;
    let image = channels * cells;
    if image == 0 {
        return;
    }
    let images = x.par_chunks_exact(image).zip(y.par_chunks_exact_mut(image));
    images.for_each(|(x, y)| match layout {
        Layout::Nchw => {
            let part = (PART / channels).clamp(1, cells);
            let places = Places::new((0..part).map(|cell| cell * channels));
            y.par_chunks_mut(part * channels).enumerate().for_each(|(number, y)| {
                let own = y.len() / channels;
                let last = (own < part).then(|| Places::new((0..own).map(|cell| cell * channels)));
                let places = last.as_ref().unwrap_or(&places);
                let from = &x[number * part..];
                isa.spread(
                    &Spread { from, channel_step: cells, cell_step: 1, channels, places },
                    y,
                );
            });
        }
        // The same with the parts of channels and cells exchanged.
        Layout::Nhwc => {
            let part = (PART / cells).next_multiple_of(CHANNELS).clamp(1, channels);
            y.par_chunks_mut(part * cells).enumerate().for_each(|(number, y)| {
                let places = Places::new((0..y.len() / cells).map(|channel| channel * cells));
                let from = &x[number * part..];
                let (channel_step, places) = (channels, &places);
                isa.spread(
                    &Spread { from, channel_step, cell_step: 1, channels: cells, places },
                    y,
                );
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_turns_parts_of_any_size() {
        for (batch, channels, cells) in [(2, 3, 5), (1, 21, 900), (2, 40, 1000), (1, 17000, 3)] {
            let x: Vec<f32> = (0..batch * channels * cells).map(|n| n as f32).collect();
            let turned: Vec<f32> = (0..x.len())
                .map(|at| {
                    let (cell, channel) = (at / channels, at % channels);
                    x[(cell / cells * channels + channel) * cells + cell % cells]
                })
                .collect();
            for isa in crate::Isa::available() {
                let isa = Detected::choose(Some(isa)).expect("it is available");
                let extent = Extent { batch, channels, cells, layout: Layout::Nchw };
                let mut y = vec![f32::NAN; x.len()];
                turn(isa, &x, extent, &mut y);
                assert!(y == turned, "{isa:?} {extent:?}");
                let mut back = vec![f32::NAN; x.len()];
                turn(isa, &y, Extent { layout: Layout::Nhwc, ..extent }, &mut back);
                assert!(back == x, "{isa:?} {extent:?}");
            }
        }
    }
}
