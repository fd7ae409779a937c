//! The data of a workload: the same in every program that speaks the line protocol.

use upconv_kernels::Layout;

use super::workload::Weights;

/// Which tensor; the formula's seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seed {
    Input = 1,
    Weight = 2,
    Bias = 3,
}

/// Value `i` of a tensor: a multiple of 1/16 from -1/2 to 1/2, exact in f32.
///
/// `(h mod 17 - 8) / 16` with `h = (((i + seed * 1000003) * 1103515245 + 12345) mod 2^31) >> 16`.
pub(crate) fn value(seed: Seed, i: usize) -> f32 {
    let start = (i as u64).wrapping_add(seed as u64 * 1_000_003);
    // Whatever a product loses above 2^64 is a multiple of 2^31.
    let mixed = start.wrapping_mul(1_103_515_245).wrapping_add(12_345) % (1 << 31);
    ((mixed >> 16) % 17) as f32 / 16.0 - 0.5
}

/// Fills a tensor, `i` being the row-major index.
pub(crate) fn fill(seed: Seed, data: &mut [f32]) {
    data.iter_mut().enumerate().for_each(|(i, v)| *v = value(seed, i));
}

/// Fills a weight of shape `[a, b, kernel...]`.
pub(crate) fn fill_weight(kind: Weights, shape: &[usize], groups: usize, data: &mut [f32]) {
    match (kind, shape) {
        (Weights::Bilinear, &[first, second, ref kernel @ ..]) => {
            data.fill(0.0);
            let tent = tent(kernel);
            for channel in 0..first {
                // Dense weights have the tent where both channels are the same.
                let other = if groups == 1 { channel } else { 0 };
                if other < second {
                    let start = (channel * second + other) * tent.len();
                    data[start..][..tent.len()].copy_from_slice(&tent);
                }
            }
        }
        _ => fill(Seed::Weight, data),
    }
}

/// The outer product of `1 - |i - centre| / half` over all axes.
fn tent(kernel: &[usize]) -> Vec<f32> {
    kernel.iter().fold(vec![1.0], |tent, &taps| {
        let half = taps.div_ceil(2) as f64;
        let centre = if taps % 2 == 1 { half - 1.0 } else { half - 0.5 };
        let line = (0..taps).map(|i| (1.0 - (i as f64 - centre).abs() / half) as f32);
        let line: Vec<f32> = line.collect();
        tent.iter().flat_map(|&front| line.iter().map(move |&v| front * v)).collect()
    })
}

/// Where element `i` of `[n, c, spatial...]` lies in memory of a layout.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    layout: Layout,
    channels: usize,
    cells: usize,
}

impl Order {
    /// The order of a tensor of shape `[n, c, spatial...]`.
    pub(crate) fn new(layout: Layout, shape: &[usize]) -> Self {
        let channels = shape.get(1).copied().unwrap_or(1);
        let cells = shape.iter().skip(2).product();
        Self { layout, channels, cells }
    }

    /// The place of the element with NCHW index `i`.
    pub(crate) fn place(self, i: usize) -> usize {
        let Self { layout, channels, cells } = self;
        match layout {
            Layout::Nchw => i,
            Layout::Nhwc => {
                let (plane, cell) = (i / cells, i % cells);
                let (image, channel) = (plane / channels, plane % channels);
                (image * cells + cell) * channels + channel
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUT: [i32; 8] = [-6, -6, 2, 1, -7, -8, 0, -1];
    const WEIGHT: [i32; 8] = [5, 4, -4, -5, 3, 2, -6, -7];
    const BIAS: [i32; 8] = [-1, -2, 6, 5, -3, -4, 4, 4];
    const INPUT_LATER: [i32; 8] = [6, 6, -3, -4, 5, 4, -5, -6];

    /// From time_peers.py: `fill([8], seed) * 16`, and the same from 2^20 on.
    #[test]
    fn values_are_the_harness_s() {
        let sixteenths = |seed, start: usize| -> Vec<i32> {
            (start..start + 8).map(|i| (value(seed, i) * 16.0) as i32).collect()
        };
        assert_eq!(sixteenths(Seed::Input, 0), INPUT);
        assert_eq!(sixteenths(Seed::Weight, 0), WEIGHT);
        assert_eq!(sixteenths(Seed::Bias, 0), BIAS);
        assert_eq!(sixteenths(Seed::Input, 1 << 20), INPUT_LATER);
    }

    #[test]
    fn tents() {
        assert_eq!(tent(&[4]), [0.25, 0.75, 0.75, 0.25]);
        assert_eq!(tent(&[3]), [0.5, 1.0, 0.5]);
        assert_eq!(tent(&[2, 3]), [0.25, 0.5, 0.25, 0.25, 0.5, 0.25]);
        let mut dense = [9.0; 8];
        fill_weight(Weights::Bilinear, &[2, 2, 2], 1, &mut dense);
        assert_eq!(dense, [0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5]);
        let mut depthwise = [9.0; 4];
        fill_weight(Weights::Bilinear, &[2, 1, 2], 2, &mut depthwise);
        assert_eq!(depthwise, [0.5; 4]);
    }

    #[test]
    fn places() {
        let order = Order::new(Layout::Nhwc, &[2, 3, 2, 2]);
        // Image 1, channel 2, row 0, column 1.
        assert_eq!(order.place((3 + 2) * 4 + 1), (4 + 1) * 3 + 2);
        let mut all: Vec<usize> = (0..24).map(|i| order.place(i)).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..24));
    }
}
