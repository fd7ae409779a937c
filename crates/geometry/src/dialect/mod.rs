//! The rules of each framework: what it accepts, and which window it keeps.
//!
//! One file per dialect. Each has a struct whose fields carry the framework's own attribute names, and
//! two methods: `axes` works on spatial sizes alone, `shape` on whole tensor shapes in the framework's
//! own axis order. An empty list means the framework's default (stride 1, padding 0, dilation 1).
//!
//! | dialect | weight axes | activations | window begin |
//! | --- | --- | --- | --- |
//! | TensorFlow, Keras | `k..., out, in` | `n, spatial..., c` | SAME: half of what is cropped, rounded down |
//! | PyTorch | `in, out/groups, k...` | `n, c, spatial...` | `padding` |
//! | ONNX | `in, out/group, k...` | `n, c, spatial...` | begin of `pads`; with `output_shape` half, rounded up |
//! | Caffe | `in, out/group, k...` | `n, c, spatial...` | `pad` |
//! | TFLite | `out, k..., in` | `n, spatial..., c` | as TensorFlow, from the output size alone |

pub mod caffe;
pub mod definition;
pub mod keras;
pub mod onnx;
pub mod pytorch;
pub mod tensorflow;
pub mod tflite;

use crate::axis::{Axis, AxisParams, uncropped};
use crate::conv::{ConvAxis, ConvAxisParams, ConvPadding};
use crate::error::{GeometryError, Legal, Result};
use crate::limits::{MAX_AXIS, axis_size};
use crate::setting::Padding;

/// A framework whose rules are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `tf.nn.conv{1,2,3}d_transpose`.
    Tensorflow,
    /// `keras.layers.Conv{1,2,3}DTranspose`.
    Keras,
    /// `torch.nn.ConvTranspose{1,2,3}d`.
    Pytorch,
    /// The ONNX operator `ConvTranspose`.
    Onnx,
    /// Caffe's `Deconvolution` layer.
    Caffe,
    /// TFLite's `TRANSPOSE_CONV`.
    Tflite,
    /// The operation itself: any window that one asks for.
    Definition,
}

impl Dialect {
    /// All dialects, in the order of tables.
    pub const ALL: [Self; 7] = [
        Self::Tensorflow,
        Self::Keras,
        Self::Pytorch,
        Self::Onnx,
        Self::Caffe,
        Self::Tflite,
        Self::Definition,
    ];

    /// The name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tensorflow => "tensorflow",
            Self::Keras => "keras",
            Self::Pytorch => "pytorch",
            Self::Onnx => "onnx",
            Self::Caffe => "caffe",
            Self::Tflite => "tflite",
            Self::Definition => "definition",
        }
    }

    /// The dialect of a name; `torch` is `pytorch`.
    ///
    /// ```
    /// use upconv_geometry::Dialect;
    /// assert_eq!(Dialect::from_name("torch"), Some(Dialect::Pytorch));
    /// assert_eq!(Dialect::from_name("mxnet"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        let name = if name == "torch" { "pytorch" } else { name };
        Self::ALL.into_iter().find(|d| d.name() == name)
    }

    /// The axes of a forward convolution in this dialect's words.
    ///
    /// # Errors
    /// As [`ConvAxis::new`]; `PADDING_UNKNOWN` for a padding that the dialect does not have (PyTorch
    /// knows `same` with stride 1 only); `PADDING_NOT_SYMMETRIC`; `NEGATIVE_PADDING`.
    ///
    /// ```
    /// use upconv_geometry::{Dialect, Padding};
    /// // Odd size, stride 2: TensorFlow pads behind, ONNX SAME_LOWER in front.
    /// let begin = |dialect: Dialect, padding| {
    ///     dialect.conv_axes(&[6], &[3], &[2], &[1], &padding).map(|a| a[0].pad_before())
    /// };
    /// assert_eq!(begin(Dialect::Tensorflow, Padding::Same), Ok(0));
    /// assert_eq!(begin(Dialect::Onnx, Padding::SameLower), Ok(1));
    /// ```
    pub fn conv_axes(
        self,
        input: &[usize],
        kernel: &[usize],
        stride: &[i64],
        dilation: &[i64],
        padding: &Padding,
    ) -> Result<Vec<ConvAxis>> {
        let dims = spatial(input, kernel)?;
        let (stride, dilation) = steps(dims, ("stride", stride), ("dilation", dilation))?;
        let pads = match padding {
            Padding::Pads(pads) => {
                check_length("padding", dims, pads.len())?;
                self.check_pads(pads)?;
                Some(pads)
            }
            word => {
                self.check_word(word)?;
                None
            }
        };
        (0..dims)
            .map(|axis| {
                let padding = match padding {
                    Padding::Same | Padding::SameUpper => {
                        if self == Self::Pytorch && stride[axis] > 1 {
                            return Err(GeometryError::PaddingUnknown {
                                dialect: "PyTorch (stride above 1)",
                                got: "same".into(),
                                allowed: "\"valid\" or one number per axis",
                            });
                        }
                        ConvPadding::SameUpper
                    }
                    Padding::SameLower => ConvPadding::SameLower,
                    _ => match pads.and_then(|p| p.get(axis)) {
                        Some(&(before, after)) => ConvPadding::Pads { before, after },
                        None => ConvPadding::Valid,
                    },
                };
                let (input, kernel) = (input[axis], kernel[axis]);
                let (stride, dilation) = (stride[axis], dilation[axis]);
                ConvAxis::new(axis, ConvAxisParams { input, kernel, stride, dilation, padding })
            })
            .collect()
    }

    /// Whether a forward convolution of this dialect knows the padding word.
    fn check_word(self, word: &Padding) -> Result<()> {
        let allowed = match self {
            Self::Tensorflow => "SAME, VALID or EXPLICIT",
            Self::Keras | Self::Tflite => "same or valid",
            Self::Pytorch => "\"valid\", \"same\" with stride 1, or one number per axis",
            Self::Onnx => "SAME_UPPER, SAME_LOWER, VALID or pads",
            Self::Caffe => "one number per axis",
            Self::Definition => return Ok(()),
        };
        let known = match word {
            Padding::Valid => self != Self::Caffe,
            Padding::Same => self != Self::Caffe,
            Padding::SameUpper | Padding::SameLower => self == Self::Onnx,
            Padding::Pads(_) => true,
        };
        if known { Ok(()) } else { Err(self.unknown_padding(word, allowed)) }
    }

    fn unknown_padding(self, padding: &Padding, allowed: &'static str) -> GeometryError {
        GeometryError::PaddingUnknown { dialect: self.name(), got: padding.to_string(), allowed }
    }

    /// Whether a forward convolution of this dialect can have these numbers as padding.
    fn check_pads(self, pads: &[(i64, i64)]) -> Result<()> {
        if matches!(self, Self::Keras | Self::Tflite) {
            return Err(self.unknown_padding(&Padding::Pads(pads.to_vec()), "same or valid"));
        }
        for (axis, &(before, after)) in pads.iter().enumerate() {
            if self != Self::Definition
                && let Some(got) = [before, after].into_iter().find(|&p| p < 0)
            {
                return Err(GeometryError::NegativePadding { axis, got });
            }
            if matches!(self, Self::Pytorch | Self::Caffe) && before != after {
                let dialect = self.name();
                return Err(GeometryError::PaddingNotSymmetric { dialect, axis, before, after });
            }
        }
        Ok(())
    }
}

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
fn steps(
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
fn spatial(input: &[usize], kernel: &[usize]) -> Result<usize> {
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

/// Input channels, output channels and groups against each other, for weights `[in, out/groups, ...]`.
pub(crate) fn check_channels(x: usize, weight_in: usize, groups: usize) -> Result<()> {
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
