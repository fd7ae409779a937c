//! TFLite: the operator `TRANSPOSE_CONV`, which never checks the size it is asked for.

use super::rules::{
    DataFormat, Uncropped, check_bias, check_length, check_output, rank, uncropped_axes,
};
use crate::axis::Axis;
use crate::error::{GeometryError, Result};
use crate::shape::{Channels, ConvTransposeShape};

pub use super::keras::Padding;

/// The inputs of TFLite's transposed convolution. It has neither dilation nor groups.
///
/// The crop is worked out anew from the **output** size by the forward rule, and the forward size
/// that this gives is thrown away: sizes that TensorFlow refuses give some window of the same scatter.
/// [`TransposeConv::is_legal`] says whether TensorFlow would accept the axis.
///
/// # Shapes
/// `x: [n, spatial..., in]`, `w: [out, kernel..., in]`.
///
/// # Source
/// TensorFlow 2.21, `lite/kernels/transpose_conv.cc`, and runs of it.
///
/// ```
/// use upconv_geometry::dialect::tflite::{Padding, TransposeConv};
/// let op = TransposeConv { strides: vec![2], padding: Padding::Same };
/// let axes = op.axes(&[3], &[3], &[7])?; // TensorFlow: 5 or 6
/// assert_eq!((axes[0].output(), op.is_legal(&axes[0])), (7, false));
/// # Ok::<(), upconv_geometry::GeometryError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransposeConv {
    /// Per axis; empty is 1.
    pub strides: Vec<i64>,
    /// Padding rule.
    pub padding: Padding,
}

impl TransposeConv {
    /// The axes for spatial sizes.
    ///
    /// # Errors
    /// A number below 1 or above the limits. Not: a size that TensorFlow refuses.
    pub fn axes(&self, input: &[usize], kernel: &[usize], output: &[i64]) -> Result<Vec<Axis>> {
        let axes = uncropped_axes(input, kernel, ("strides", &self.strides), ("dilation", &[]))?;
        check_length("output_shape", axes.len(), output.len())?;
        let place = |a: &Uncropped| {
            let size = check_output(a.axis, output[a.axis])?;
            let begin = match self.padding {
                Padding::Valid => 0,
                Padding::Same => {
                    // Inputs that the forward rule expects; TFLite does not compare them with ours.
                    let expected = (size + a.stride as i64 - 1) / a.stride as i64;
                    let reach = (expected - 1) * a.stride as i64 + a.effective_kernel();
                    (reach - size).max(0) / 2
                }
            };
            a.window(begin, size)
        };
        axes.iter().map(place).collect()
    }

    /// Whether TensorFlow accepts the output size of `axis` under the same padding.
    pub fn is_legal(&self, axis: &Axis) -> bool {
        match self.padding {
            Padding::Same => axis.output().div_ceil(axis.stride()) == axis.input(),
            Padding::Valid => (axis.full()..axis.full() + axis.stride()).contains(&axis.output()),
        }
    }

    /// The operation for tensor shapes; `output_shape` has all axes, batch and channels included.
    ///
    /// # Errors
    /// As [`TransposeConv::axes`], and the rules about ranks, batch, channels and bias.
    pub fn shape(
        &self,
        x: &[usize],
        w: &[usize],
        bias: Option<usize>,
        output_shape: &[i64],
    ) -> Result<ConvTransposeShape> {
        let [out_channels, kernel @ .., weight_in] = w else {
            return Err(rank("weight", 3, w.len()));
        };
        let (batch, in_channels, input) = DataFormat::ChannelsLast.split("x", kernel.len(), x)?;
        if in_channels != *weight_in {
            return Err(GeometryError::ChannelMismatch { weight: *weight_in, got: in_channels });
        }
        let [n, output @ .., c] = output_shape else {
            let (expected, got) = (kernel.len() + 2, output_shape.len());
            return Err(GeometryError::OutputShapeRank { expected, got });
        };
        if usize::try_from(*n) != Ok(batch) {
            return Err(GeometryError::OutputShapeBatch { expected: batch, got: *n });
        }
        if usize::try_from(*c) != Ok(*out_channels) {
            return Err(GeometryError::OutputShapeChannels { multiple_of: *out_channels, got: *c });
        }
        let axes = self.axes(&input, kernel, output)?;
        let out_channels = *out_channels;
        check_bias(bias, out_channels)?;
        ConvTransposeShape::new(Channels { batch, in_channels, out_channels, groups: 1 }, axes)
    }
}
