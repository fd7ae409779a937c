//! What the dialects' rules are made of: checked numbers, the uncropped axis, tensor shapes.

use crate::axis::{Axis, AxisParams, uncropped};
use crate::error::{GeometryError, Legal, Result};
use crate::limits::{MAX_AXIS, axis_size, cells};
use crate::shape::{Channels, ConvTransposeShape};

/// Where the channels stand in a tensor of activations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataFormat {
    /// `[n, spatial..., c]`, TensorFlow's and Keras's default.
    #[default]
    ChannelsLast,
    /// `[n, c, spatial...]`.
    ChannelsFirst,
}

impl DataFormat {
    /// Splits a shape into batch, channels and spatial sizes.
    pub(crate) fn split(
        self,
        tensor: &'static str,
        dims: usize,
        shape: &[usize],
    ) -> Result<(usize, usize, Vec<usize>)> {
        match (self, shape) {
            (Self::ChannelsLast, [n, spatial @ .., c]) if spatial.len() == dims => {
                Ok((*n, *c, spatial.to_vec()))
            }
            (Self::ChannelsFirst, [n, c, spatial @ ..]) if spatial.len() == dims => {
                Ok((*n, *c, spatial.to_vec()))
            }
            _ => Err(rank(tensor, dims + 2, shape.len())),
        }
    }
}

/// What a dialect says about one axis before the window is placed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Uncropped {
    pub(crate) axis: usize,
    pub(crate) input: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) dilation: usize,
    /// Cells of the uncropped result.
    pub(crate) full: i64,
}

impl Uncropped {
    /// The axis that keeps `output` cells from `window_begin` on.
    pub(crate) fn window(&self, window_begin: i64, output: i64) -> Result<Axis> {
        if output < 1 {
            return Err(GeometryError::OutputSizeNotPositive { axis: self.axis, got: output });
        }
        let output = axis_size("output", self.axis, i128::from(output))?;
        let Self { axis, input, kernel, stride, dilation, .. } = *self;
        Axis::new(axis, AxisParams { input, kernel, stride, dilation, window_begin, output })
    }

    /// Cells that the kernel spans.
    pub(crate) fn effective_kernel(&self) -> i64 {
        ((self.kernel - 1) * self.dilation + 1) as i64
    }

    /// Those of the `stride` sizes from `smallest` on that are at least 1: they share this input.
    pub(crate) fn sizes_from(&self, smallest: i64) -> Result<Legal> {
        let last = smallest + self.stride as i64 - 1;
        if last < 1 {
            return Err(GeometryError::OutputSizeNotPositive { axis: self.axis, got: last });
        }
        Ok(Legal { first: smallest.max(1), last })
    }

    /// The sizes with `ceil(size / stride) = input`: what SAME brings back to this input.
    pub(crate) fn same_sizes(&self) -> Legal {
        let last = self.input as i64 * self.stride as i64;
        Legal { first: last - self.stride as i64 + 1, last }
    }

    /// Where TensorFlow's SAME window of `output` cells begins: half of the crop, rounded down.
    pub(crate) fn same_begin(&self, output: i64) -> i64 {
        (self.full - output).max(0) / 2
    }
}

/// Checks the spatial numbers of every axis, and works out the uncropped sizes.
pub(crate) fn uncropped_axes(
    input: &[usize],
    kernel: &[usize],
    stride: (&'static str, &[i64]),
    dilation: (&'static str, &[i64]),
) -> Result<Vec<Uncropped>> {
    let dims = spatial(input, kernel)?;
    let (stride, dilation) = steps(dims, stride, dilation)?;
    (0..dims)
        .map(|axis| {
            let (input, kernel) = (input[axis], kernel[axis]);
            let (stride, dilation) = (stride[axis], dilation[axis]);
            if input == 0 {
                return Err(GeometryError::InputEmpty { axis, got: 0 });
            }
            let full = uncropped(axis, input, kernel, stride, dilation)? as i64;
            Ok(Uncropped { axis, input, kernel, stride, dilation, full })
        })
        .collect()
}

/// Stride and dilation of every axis: an empty list is all ones.
pub(crate) fn steps(
    dims: usize,
    stride: (&'static str, &[i64]),
    dilation: (&'static str, &[i64]),
) -> Result<(Vec<usize>, Vec<usize>)> {
    let stride = per_axis(stride.0, stride.1, dims, 1)?;
    let dilation = per_axis(dilation.0, dilation.1, dims, 1)?;
    let stride = positive(&stride, |axis, got| GeometryError::StrideNotPositive { axis, got })?;
    let dilation =
        positive(&dilation, |axis, got| GeometryError::DilationNotPositive { axis, got })?;
    Ok((stride, dilation))
}

fn positive(values: &[i64], error: fn(usize, i64) -> GeometryError) -> Result<Vec<usize>> {
    values
        .iter()
        .enumerate()
        .map(|(axis, &got)| match usize::try_from(got) {
            Ok(value) if value > 0 => Ok(value),
            _ => Err(error(axis, got)),
        })
        .collect()
}

/// One number per axis; an empty list is the default for all.
pub(crate) fn per_axis(
    attribute: &'static str,
    values: &[i64],
    dims: usize,
    default: i64,
) -> Result<Vec<i64>> {
    if values.is_empty() {
        return Ok(vec![default; dims]);
    }
    check_length(attribute, dims, values.len())?;
    Ok(values.to_vec())
}

pub(crate) fn check_length(attribute: &'static str, expected: usize, got: usize) -> Result<()> {
    if expected == got {
        return Ok(());
    }
    Err(GeometryError::AttributeLength { attribute, expected, got })
}

/// Number of spatial axes, the same in input and kernel.
pub(crate) fn spatial(input: &[usize], kernel: &[usize]) -> Result<usize> {
    if input.is_empty() {
        return Err(rank("input", 1, 0));
    }
    if input.len() != kernel.len() {
        return Err(rank("kernel", input.len(), kernel.len()));
    }
    Ok(input.len())
}

pub(crate) fn rank(tensor: &'static str, expected: usize, got: usize) -> GeometryError {
    GeometryError::RankMismatch { tensor, expected, got }
}

/// A padding below 0 is an error, and one above [`MAX_AXIS`] too, so that sums with it stay small.
pub(crate) fn check_padding(axis: usize, got: i64) -> Result<()> {
    if got < 0 {
        return Err(GeometryError::NegativePadding { axis, got });
    }
    axis_size("padding", axis, i128::from(got)).map(|_| ())
}

/// An `output_padding` in `0..below`.
pub(crate) fn check_output_padding(
    axis: usize,
    got: i64,
    below: usize,
    dialect: &'static str,
) -> Result<()> {
    if got < 0 {
        return Err(GeometryError::NegativeOutputPadding { axis, got });
    }
    if got >= below as i64 {
        return Err(GeometryError::OutputPaddingTooLarge { axis, got, below, dialect });
    }
    Ok(())
}

/// `groups` as a count.
pub(crate) fn check_groups(got: i64) -> Result<usize> {
    match usize::try_from(got) {
        Ok(groups) if groups > 0 => {
            axis_size("groups", 0, groups as i128)?;
            Ok(groups)
        }
        _ => Err(GeometryError::ZeroGroups { got }),
    }
}

/// A wanted size, small enough for sums with it.
pub(crate) fn check_output(axis: usize, got: i64) -> Result<i64> {
    if got < 1 {
        return Err(GeometryError::OutputSizeNotPositive { axis, got });
    }
    axis_size("output", axis, i128::from(got))?;
    Ok(got)
}

/// The operation of a channels-first dialect: `x: [n, in, spatial...]`, `w: [in, out / groups,
/// kernel...]`; `axes` reads the spatial sizes.
pub(crate) fn channels_first(
    x: &[usize],
    w: &[usize],
    bias: Option<usize>,
    groups: i64,
    axes: impl FnOnce(&[usize], &[usize]) -> Result<Vec<Axis>>,
) -> Result<ConvTransposeShape> {
    let groups = check_groups(groups)?;
    let [batch, in_channels, input @ ..] = x else {
        return Err(rank("x", w.len().max(3), x.len()));
    };
    let [weight_in, weight_out, kernel @ ..] = w else {
        return Err(rank("weight", x.len(), w.len()));
    };
    if input.len() != kernel.len() {
        return Err(rank("x", w.len(), x.len()));
    }
    check_channels(*in_channels, *weight_in, groups)?;
    let axes = axes(input, kernel)?;
    let out_channels = cells("output channels", &[*weight_out, groups])?;
    check_bias(bias, out_channels)?;
    let channels = Channels { batch: *batch, in_channels: *weight_in, out_channels, groups };
    ConvTransposeShape::new(channels, axes)
}

fn check_channels(x: usize, weight_in: usize, groups: usize) -> Result<()> {
    // The weight is named first, as its own axes decide what x may be.
    if !weight_in.is_multiple_of(groups) {
        return Err(GeometryError::GroupsNotDividingChannels { channels: weight_in, groups });
    }
    if x != weight_in {
        return Err(GeometryError::ChannelMismatch { weight: weight_in, got: x });
    }
    Ok(())
}

pub(crate) fn check_bias(bias: Option<usize>, out_channels: usize) -> Result<()> {
    match bias {
        Some(got) if got != out_channels => {
            Err(GeometryError::BiasSize { expected: out_channels, got })
        }
        _ => Ok(()),
    }
}

const _: () = assert!(MAX_AXIS as i128 * 8 < i64::MAX as i128);
