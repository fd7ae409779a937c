//! A picture as planes of numbers, and the two operations on them that all methods share.

use upconv_geometry::{Axis, AxisParams, Channels, ConvShape, ConvTransposeShape};
use upconv_kernels::KernelError;
use upconv_kernels::reference::conv::conv;
use upconv_kernels::reference::conv_transpose::conv_transpose;

/// Colours of a picture.
pub(super) const CHANNELS: usize = 3;

/// Three planes of values in 0 to 1, `[channel, row, column]`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Planes {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) values: Vec<f64>,
}

impl Planes {
    pub(super) fn shape(&self) -> [usize; 4] {
        [1, CHANNELS, self.height, self.width]
    }

    pub(super) fn plane(&self, channel: usize) -> &[f64] {
        let cells = self.height * self.width;
        &self.values[channel * cells..][..cells]
    }

    /// The same size with other values.
    pub(super) fn with(&self, values: Vec<f64>) -> Self {
        Self { values, ..*self }
    }
}

/// A convolution without padding whose kernel is twice as wide as its stride, and its transpose.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) factor: usize,
    /// Of the transposed convolution: from few cells to many.
    axes: [Axis; 2],
}

impl Pair {
    /// For pictures of `height` by `width`, multiples of `factor` and at least twice as much.
    pub(super) fn new(height: usize, width: usize, factor: usize) -> Result<Self, KernelError> {
        let axis = |index: usize, output: usize| {
            let (kernel, input) = (2 * factor, output / factor - 1);
            let window =
                AxisParams { input, kernel, stride: factor, dilation: 1, window_begin: 0, output };
            Axis::new(index, window)
        };
        Ok(Self { factor, axes: [axis(0, height)?, axis(1, width)?] })
    }

    pub(super) fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// Rows and columns of the small side.
    pub(super) fn small(&self) -> [usize; 2] {
        self.axes.each_ref().map(Axis::input)
    }

    /// Rows and columns of the large side.
    pub(super) fn large(&self) -> [usize; 2] {
        self.axes.each_ref().map(Axis::output)
    }

    /// The kernel whose convolution is a mean: all taps alike.
    pub(super) fn mean_kernel(&self) -> Vec<f64> {
        let taps = 4 * self.factor * self.factor;
        vec![1.0 / taps as f64; taps]
    }

    /// Every plane convolved: C times the picture.
    pub(super) fn down(&self, kernel: &[f64], large: &[f64]) -> Result<Vec<f64>, KernelError> {
        let axes = self.axes.iter().map(|axis| axis.forward()).collect();
        conv(&ConvShape::new(self.channels(large.len(), self.large()), axes)?, large, kernel, None)
    }

    /// Every plane convolved with the transpose.
    pub(super) fn up(&self, kernel: &[f64], small: &[f64]) -> Result<Vec<f64>, KernelError> {
        let channels = self.channels(small.len(), self.small());
        let shape = ConvTransposeShape::new(channels, self.axes.to_vec())?;
        conv_transpose(&shape, small, kernel, None)
    }

    /// The same, divided by how much of the kernel each cell receives.
    pub(super) fn up_evenly(&self, kernel: &[f64], small: &[f64]) -> Result<Vec<f64>, KernelError> {
        let overlap = self.up(kernel, &vec![1.0; self.small().iter().product()])?;
        let mut large = self.up(kernel, small)?;
        for plane in large.chunks_exact_mut(overlap.len()) {
            plane.iter_mut().zip(&overlap).for_each(|(value, overlap)| *value /= overlap);
        }
        Ok(large)
    }

    /// Planes are images of one channel: none of them meets another.
    fn channels(&self, values: usize, [height, width]: [usize; 2]) -> Channels {
        let batch = values / (height * width).max(1);
        Channels { batch, in_channels: 1, out_channels: 1, groups: 1 }
    }
}
