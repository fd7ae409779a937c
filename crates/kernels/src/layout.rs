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
}
