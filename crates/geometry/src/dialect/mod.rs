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
pub(crate) mod rules;
pub mod tensorflow;
pub mod tflite;

use crate::conv::{ConvAxis, ConvAxisParams, ConvPadding};
use crate::error::{GeometryError, Result};
use crate::padding::Padding;
pub use rules::DataFormat;
use rules::{check_length, spatial, steps};

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
