//! TensorFlow: `tf.nn.conv{1,2,3}d_transpose`, the gradient of a convolution under another name.

use super::rules::{
    DataFormat, Uncropped, check_bias, check_length, check_output, check_padding, rank,
    uncropped_axes,
};
use crate::axis::Axis;
use crate::error::{GeometryError, Legal, Result};
use crate::shape::{Channels, ConvTransposeShape};

/// TensorFlow's ways to pad.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// The window depends on the output size; an odd cell is cropped at the end.
    #[default]
    Same,
    /// Nothing is cropped in front.
    Valid,
    /// `(before, after)` per axis.
    Explicit(Vec<(i64, i64)>),
}

impl Padding {
    /// `SAME` or `VALID`; `EXPLICIT` needs numbers.
    ///
    /// # Errors
    /// `PADDING_UNKNOWN`.
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "SAME" => Ok(Self::Same),
            "VALID" => Ok(Self::Valid),
            _ => Err(GeometryError::PaddingUnknown {
                dialect: "tensorflow",
                got: name.into(),
                allowed: "SAME, VALID or EXPLICIT with numbers",
            }),
        }
    }

    /// EXPLICIT from TensorFlow's list of pairs for all axes, batch and channels included.
    ///
    /// # Errors
    /// `ATTRIBUTE_LENGTH` unless every axis has a pair.
    pub fn explicit(pairs: &[[i64; 2]], format: DataFormat) -> Result<Self> {
        let spatial = match (format, pairs) {
            (DataFormat::ChannelsLast, [_, spatial @ .., _]) => spatial,
            (DataFormat::ChannelsFirst, [_, _, spatial @ ..]) => spatial,
            _ => {
                return Err(GeometryError::AttributeLength {
                    attribute: "explicit_paddings",
                    expected: 3,
                    got: pairs.len(),
                });
            }
        };
        Ok(Self::Explicit(spatial.iter().map(|&[before, after]| (before, after)).collect()))
    }
}

/// The arguments of TensorFlow's transposed convolution.
///
/// It takes the output shape and behaves as the gradient of the forward convolution that maps that
/// shape to the input; a shape that does not come back to the input is refused. Legal per axis:
/// SAME `(input - 1) * stride + 1 ..= input * stride`, whatever the kernel; VALID `full ..= full +
/// stride - 1`; EXPLICIT the same, less the pads. With SAME the window moves with the size asked for.
///
/// # Shapes
/// `x: [n, spatial..., in]` (or channels first), `w: [kernel..., out / groups, in]`. Groups have no
/// argument: output channels are `groups * (second to last weight axis)`.
///
/// # Source
/// TensorFlow 2.21, `kernel_shape_util.cc` and `conv_grad_shape_utils.cc`, and runs of it.
///
/// ```
/// use upconv_geometry::dialect::tensorflow::ConvTranspose;
/// let begin = |output: i64| {
///     let op = ConvTranspose { strides: vec![2], output_shape: vec![1, output, 1], ..Default::default() };
///     op.shape(&[1, 3, 1], &[3, 1, 1], None).map(|s| s.axes()[0].window_begin())
/// };
/// assert_eq!(begin(5), Ok(1));
/// assert_eq!(begin(6), Ok(0)); // the same layer, shifted by one cell
/// assert_eq!(begin(7).unwrap_err().legal().map(|l| (l.first, l.last)), Some((5, 6)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConvTranspose {
    /// Per axis; empty is 1.
    pub strides: Vec<i64>,
    /// Padding rule.
    pub padding: Padding,
    /// Per axis; empty is 1.
    pub dilations: Vec<i64>,
    /// All axes of the output, batch and channels included; in 2-D also `[height, width]`.
    pub output_shape: Vec<i64>,
    /// Where the channels stand.
    pub data_format: DataFormat,
}

impl ConvTranspose {
    /// The axes for spatial sizes; `output` is the spatial part of the output shape.
    ///
    /// # Errors
    /// Every rule of TensorFlow that spatial numbers can break; see [`GeometryError`].
    pub fn axes(&self, input: &[usize], kernel: &[usize], output: &[i64]) -> Result<Vec<Axis>> {
        let axes = self.uncropped(input, kernel)?;
        check_length("output_shape", axes.len(), output.len())?;
        axes.iter().map(|a| self.place(a, output[a.axis])).collect()
    }

    /// The legal output sizes of every axis.
    ///
    /// # Errors
    /// As [`ConvTranspose::axes`], but for the output.
    pub fn legal(&self, input: &[usize], kernel: &[usize]) -> Result<Vec<Legal>> {
        let axes = self.uncropped(input, kernel)?;
        axes.iter().map(|a| self.legal_of(a)).collect()
    }

    fn uncropped(&self, input: &[usize], kernel: &[usize]) -> Result<Vec<Uncropped>> {
        let strides = ("strides", self.strides.as_slice());
        let axes = uncropped_axes(input, kernel, strides, ("dilations", &self.dilations))?;
        if let Padding::Explicit(pads) = &self.padding {
            check_length("explicit_paddings", axes.len(), pads.len())?;
            for (axis, &(before, after)) in pads.iter().enumerate() {
                check_padding(axis, before)?;
                check_padding(axis, after)?;
            }
        }
        Ok(axes)
    }

    fn legal_of(&self, a: &Uncropped) -> Result<Legal> {
        match &self.padding {
            Padding::Same => Ok(a.same_sizes()),
            Padding::Valid => a.sizes_from(a.full),
            Padding::Explicit(pads) => a.sizes_from(a.full - pads[a.axis].0 - pads[a.axis].1),
        }
    }

    fn place(&self, a: &Uncropped, output: i64) -> Result<Axis> {
        let output = check_output(a.axis, output)?;
        let legal = self.legal_of(a)?;
        if !legal.contains(output) {
            return Err(GeometryError::OutputShapeNotLegal {
                axis: a.axis,
                got: output,
                legal,
                input: a.input,
            });
        }
        let begin = match &self.padding {
            Padding::Same => a.same_begin(output),
            Padding::Valid => 0,
            Padding::Explicit(pads) => pads[a.axis].0,
        };
        a.window(begin, output)
    }

    /// The operation for tensor shapes.
    ///
    /// # Errors
    /// As [`ConvTranspose::axes`], and the rules about ranks, batch and channels.
    pub fn shape(
        &self,
        x: &[usize],
        w: &[usize],
        bias: Option<usize>,
    ) -> Result<ConvTransposeShape> {
        let [kernel @ .., weight_out, weight_in] = w else {
            return Err(rank("weight", 3, w.len()));
        };
        let dims = kernel.len();
        let (batch, in_channels, input) = self.data_format.split("x", dims, x)?;
        if in_channels != *weight_in {
            return Err(GeometryError::ChannelMismatch { weight: *weight_in, got: in_channels });
        }
        let (output, out_channels) = self.output(dims, batch, *weight_out)?;
        let axes = self.axes(&input, kernel, &output)?;
        let groups = if *weight_out == 0 { 1 } else { out_channels / weight_out };
        check_bias(bias, out_channels)?;
        ConvTransposeShape::new(Channels { batch, in_channels, out_channels, groups }, axes)
    }

    /// Spatial part and channels of the output shape.
    fn output(&self, dims: usize, batch: usize, weight_out: usize) -> Result<(Vec<i64>, usize)> {
        let (n, spatial, channels) = match (self.data_format, self.output_shape.as_slice()) {
            (_, [h, w]) if dims == 2 => return Ok((vec![*h, *w], weight_out)),
            (DataFormat::ChannelsLast, [n, s @ .., c]) if s.len() == dims => (*n, s, *c),
            (DataFormat::ChannelsFirst, [n, c, s @ ..]) if s.len() == dims => (*n, s, *c),
            (_, other) => {
                return Err(GeometryError::OutputShapeRank {
                    expected: dims + 2,
                    got: other.len(),
                });
            }
        };
        if usize::try_from(n) != Ok(batch) {
            return Err(GeometryError::OutputShapeBatch { expected: batch, got: n });
        }
        match usize::try_from(channels) {
            Ok(c) if c > 0 && weight_out > 0 && c % weight_out == 0 => Ok((spatial.to_vec(), c)),
            _ => Err(GeometryError::OutputShapeChannels { multiple_of: weight_out, got: channels }),
        }
    }
}
