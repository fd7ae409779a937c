//! Max pooling that also says where each maximum was.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use burn::backend::Dispatch;
use burn::tensor::{Int, Tensor, TensorData};
use rayon::prelude::*;
pub use upconv_kernels::pool::PoolWindow;

use super::plain;
use super::seam::{KernelBackend, Map, check, is_ours};
use crate::error::Result;

/// The maximum of every window, and its flat position in its plane of the input (`y * width + x` in
/// 2-D), as PyTorch counts.
///
/// Among equal values the first in row-major order wins, a NaN beats every number, and padding never
/// wins. A window without any input cell, which Caffe's rounding can make, gives minus infinity and
/// position -1. On devices other than Burn's CPU backend ties and NaN follow Burn's own operation, and
/// there is none for 3 spatial axes.
///
/// # Shapes
/// `x: [n, c, input...] -> values, positions: [n, c, output...]`
///
/// # Errors
/// Sizes that leave no output; lists of the wrong length; another element type than F32.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_geometry::{ConvPadding, PoolRounding};
/// use upconv_nn::ops::{PoolWindow, max_pool};
/// let window = PoolWindow {
///     kernel: vec![2], stride: vec![2], dilation: vec![1],
///     padding: vec![ConvPadding::Valid], rounding: PoolRounding::Floor,
/// };
/// let x = Tensor::<3>::from_floats([[[1.0, 2.0, 4.0, 3.0]]], &Device::flex());
/// let (y, positions) = max_pool(x, &window)?;
/// assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [2.0, 4.0]);
/// assert_eq!(positions.into_data().iter::<i64>().collect::<Vec<_>>(), [1, 2]);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn max_pool<const D: usize>(
    x: Tensor<D>,
    window: &PoolWindow,
) -> Result<(Tensor<D>, Tensor<D, Int>)> {
    let dims = x.dims();
    let device = x.device();
    let output = window.output(&dims)?;
    check("x", &x, &dims, &device)?;
    let axes: Vec<PoolAxis> = (0..output.len() - 2)
        .map(|a| PoolAxis::new(window, a, dims[a + 2], output[a + 2]))
        .collect();
    if !is_ours([device.clone()]) {
        return plain::max_pool(x, &axes);
    }
    let map = Arc::new(Pooling::new([dims[0], dims[1]], axes));
    let y = Dispatch::mapped(x.into_dispatch(), map.clone());
    let places = map.places.get().cloned().unwrap_or_default();
    let positions = Tensor::from_data(TensorData::new(places, output), &device);
    Ok((Tensor::from_dispatch(y), positions))
}

/// The windows of one axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct PoolAxis {
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) dilation: usize,
    pub(super) before: i64,
}

impl PoolAxis {
    /// An axis that is not there.
    const NONE: Self = Self { input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, before: 0 };

    /// `window` has checked the numbers.
    pub(super) fn new(window: &PoolWindow, axis: usize, input: usize, output: usize) -> Self {
        let (kernel, stride) = (window.kernel[axis], window.stride[axis]);
        let dilation = window.dilation[axis];
        let span = (kernel - 1) * dilation + 1;
        let (before, _) = window.padding[axis].amounts(input, span, stride);
        Self { input, output, kernel, stride, dilation, before }
    }

    /// Where tap 0 of window `o` lies.
    fn begin(&self, o: usize) -> i64 {
        (o * self.stride) as i64 - self.before
    }

    /// The taps of window `o` that lie in the input: `0 <= begin + j * dilation < input`.
    fn taps(&self, o: usize) -> Range<usize> {
        let (begin, step) = (self.begin(o), self.dilation as i64);
        let up = |cells: i64| cells.max(0).unsigned_abs() as usize;
        let first = up(-begin).div_ceil(step as usize);
        let end = up(self.input as i64 - begin).div_ceil(step as usize);
        first..end.min(self.kernel)
    }

    /// The cells under these taps.
    fn cells(&self, o: usize) -> impl Iterator<Item = usize> + Clone {
        let (begin, step) = (self.begin(o), self.dilation);
        self.taps(o).map(move |tap| (begin + (tap * step) as i64) as usize)
    }
}

/// A pooling, and after it has run the places of its maxima.
#[derive(Debug)]
struct Pooling {
    leading: [usize; 2],
    axes: Vec<PoolAxis>,
    places: OnceLock<Vec<i64>>,
}

impl Pooling {
    fn new(leading: [usize; 2], axes: Vec<PoolAxis>) -> Self {
        Self { leading, axes, places: OnceLock::new() }
    }

    fn shape(&self, size: fn(&PoolAxis) -> usize) -> Vec<usize> {
        self.leading.into_iter().chain(self.axes.iter().map(size)).collect()
    }

    fn plane(&self, size: fn(&PoolAxis) -> usize) -> usize {
        self.axes.iter().map(size).product()
    }

    /// The axes as depth, height and width.
    fn three(&self) -> [PoolAxis; 3] {
        let mut three = [PoolAxis::NONE; 3];
        let missing = 3 - self.axes.len().min(3);
        for (to, from) in three[missing..].iter_mut().zip(&self.axes) {
            *to = *from;
        }
        three
    }

    fn pool_plane(&self, x: &[f32], y: &mut [f32], places: &mut [i64]) {
        let [deep, high, wide] = self.three();
        let mut results = y.iter_mut().zip(places);
        for d in 0..deep.output {
            for h in 0..high.output {
                for w in 0..wide.output {
                    let (mut most, mut place) = (f32::NEG_INFINITY, -1);
                    for d in deep.cells(d) {
                        for h in high.cells(h) {
                            let row = (d * high.input + h) * wide.input;
                            for w in wide.cells(w) {
                                let value = x[row + w];
                                if value > most || place < 0 || value.is_nan() {
                                    (most, place) = (value, (row + w) as i64);
                                }
                            }
                        }
                    }
                    if let Some((y, to)) = results.next() {
                        (*y, *to) = (most, place);
                    }
                }
            }
        }
    }
}

impl Map for Pooling {
    fn output(&self) -> Vec<usize> {
        self.shape(|axis| axis.output)
    }

    fn input(&self) -> Vec<usize> {
        self.shape(|axis| axis.input)
    }

    fn apply(&self, x: &[f32], y: &mut [f32]) {
        let mut places = vec![-1; y.len()];
        let (input, output) = (self.plane(|a| a.input), self.plane(|a| a.output));
        // Every axis has at least one cell, so that both planes have.
        y.par_chunks_exact_mut(output)
            .zip(places.par_chunks_exact_mut(output))
            .zip(x.par_chunks_exact(input))
            .for_each(|((y, places), x)| self.pool_plane(x, y, places));
        // Nobody else writes here: a map is applied once.
        let _ = self.places.set(places);
    }

    fn adjoint(&self, dy: &[f32], dx: &mut [f32]) {
        let (input, output) = (self.plane(|a| a.input), self.plane(|a| a.output));
        let places = self.places.get().map_or(&[][..], Vec::as_slice);
        let planes = dy.chunks_exact(output).zip(places.chunks_exact(output));
        for (dx, (dy, places)) in dx.chunks_exact_mut(input).zip(planes) {
            for (dy, &place) in dy.iter().zip(places) {
                if let Ok(place) = usize::try_from(place) {
                    dx[place] += dy;
                }
            }
        }
    }
}
