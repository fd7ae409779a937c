//! Keras: `keras.layers.Conv{1,2,3}DTranspose`, a size rule on top of TensorFlow.

use super::rules::{
    DataFormat, Uncropped, check_bias, check_length, check_output, check_output_padding, per_axis,
    rank, uncropped_axes,
};
use crate::axis::Axis;
use crate::error::{GeometryError, Legal, Result};
use crate::shape::{Channels, ConvTransposeShape};

/// Keras's ways to pad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// Keras's default for layers.
    #[default]
    Valid,
    /// As many cells as `input * stride` by default.
    Same,
}

impl Padding {
    /// `same` or `valid`, in any case, as Keras does.
    ///
    /// # Errors
    /// `PADDING_UNKNOWN`.
    pub fn from_name(name: &str) -> Result<Self> {
        match name.to_lowercase().as_str() {
            "same" => Ok(Self::Same),
            "valid" => Ok(Self::Valid),
            _ => Err(GeometryError::PaddingUnknown {
                dialect: "keras",
                got: name.into(),
                allowed: "same or valid",
            }),
        }
    }
}

/// The arguments of Keras's transposed convolution layers.
///
/// The size is `input * stride` for `same` without `output_padding`, else `(input - 1) * stride +
/// effective_kernel mod 2 + output_padding`; for `valid` it is `(input - 1) * stride +
/// max(effective_kernel, stride)`, else `full + output_padding`. TensorFlow's window for that size
/// follows, and TensorFlow refuses some of these sizes.
///
/// # Shapes
/// `x: [n, spatial..., in]` (or channels first), `w: [kernel..., out, in]`.
///
/// # Source
/// Keras 3.15, `backend_utils.py` and `base_conv_transpose.py`, and runs of it.
///
/// ```
/// use upconv_geometry::dialect::keras::{ConvTranspose, Padding};
/// let layer = |output_padding| ConvTranspose {
///     strides: vec![2], padding: Padding::Same, output_padding, ..Default::default()
/// };
/// assert_eq!(layer(None).axes(&[4], &[4]).map(|a| a[0].output()), Ok(8));
/// // Even kernel, output_padding 0: Keras computes 6, which SAME never reaches from 4.
/// let error = layer(Some(vec![0])).axes(&[4], &[4]).unwrap_err();
/// assert_eq!(error.rule(), "KERAS_SIZE_NOT_REACHABLE");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConvTranspose {
    /// Per axis; empty is 1.
    pub strides: Vec<i64>,
    /// Padding rule.
    pub padding: Padding,
    /// Per axis, or `None` for Keras's own choice of the size.
    pub output_padding: Option<Vec<i64>>,
    /// Per axis; empty is 1.
    pub dilation_rate: Vec<i64>,
    /// Where the channels stand.
    pub data_format: DataFormat,
}

impl ConvTranspose {
    /// The axes for spatial sizes.
    ///
    /// # Errors
    /// Every rule of Keras that spatial numbers can break; see [`GeometryError`].
    pub fn axes(&self, input: &[usize], kernel: &[usize]) -> Result<Vec<Axis>> {
        let axes = self.uncropped(input, kernel)?;
        let output_padding = match &self.output_padding {
            Some(values) => Some(per_axis("output_padding", values, axes.len(), 0)?),
            None => None,
        };
        let place = |a: &Uncropped| {
            let size = match &output_padding {
                Some(added) => {
                    check_output_padding(a.axis, added[a.axis], a.stride, "Keras")?;
                    self.smallest(a) + added[a.axis]
                }
                None => self.default_size(a),
            };
            let legal = self.legal_of(a);
            if !legal.contains(size) {
                return Err(GeometryError::KerasSizeNotReachable {
                    axis: a.axis,
                    got: size,
                    legal,
                    output_padding: self.legal_output_padding(a),
                });
            }
            self.window(a, size)
        };
        axes.iter().map(place).collect()
    }

    /// The axes for wanted sizes, which Keras reaches by its default or by some `output_padding`
    /// (`self.output_padding` is not looked at), and that `output_padding` (`None`: the default).
    ///
    /// # Errors
    /// `OUTPUT_SHAPE_NOT_LEGAL` for a size out of Keras's reach, and those of [`ConvTranspose::axes`].
    ///
    /// ```
    /// use upconv_geometry::dialect::keras::{ConvTranspose, Padding};
    /// let layer = ConvTranspose { strides: vec![2], padding: Padding::Same, ..Default::default() };
    /// let (axes, output_padding) = layer.axes_for(&[3], &[3], &[5])?;
    /// assert_eq!((axes[0].output(), output_padding), (5, Some(vec![0])));
    /// # Ok::<(), upconv_geometry::GeometryError>(())
    /// ```
    pub fn axes_for(
        &self,
        input: &[usize],
        kernel: &[usize],
        output: &[i64],
    ) -> Result<(Vec<Axis>, Option<Vec<i64>>)> {
        let axes = self.uncropped(input, kernel)?;
        check_length("output", axes.len(), output.len())?;
        let mut added = Vec::new();
        let mut placed = Vec::new();
        for a in &axes {
            let got = check_output(a.axis, output[a.axis])?;
            // Every legal size lies within `stride` of the smallest one of some output_padding.
            let legal = self.legal_of(a);
            if !legal.contains(got) {
                return Err(GeometryError::OutputShapeNotLegal {
                    axis: a.axis,
                    got,
                    legal,
                    input: a.input,
                });
            }
            added.push(got - self.smallest(a));
            placed.push(self.window(a, got)?);
        }
        let default = axes.iter().zip(output).all(|(a, &o)| self.default_size(a) == o);
        let expressible = axes.iter().zip(&added).all(|(a, &v)| (0..a.stride as i64).contains(&v));
        if !default && !expressible {
            // Only `same` with an even kernel and size `input * stride` needs the default, and the
            // default holds for all axes at once.
            for (a, &v) in axes.iter().zip(&added) {
                if !(0..a.stride as i64).contains(&v) {
                    let reach = self.legal_output_padding(a);
                    let legal = Legal {
                        first: self.smallest(a) + reach.first,
                        last: self.smallest(a) + reach.last,
                    };
                    let (axis, got, input) = (a.axis, output[a.axis], a.input);
                    return Err(GeometryError::OutputShapeNotLegal { axis, got, legal, input });
                }
            }
        }
        Ok((placed, (!default).then_some(added)))
    }

    /// The sizes of every axis that TensorFlow accepts under this layer.
    ///
    /// # Errors
    /// As [`ConvTranspose::axes`].
    pub fn legal(&self, input: &[usize], kernel: &[usize]) -> Result<Vec<Legal>> {
        Ok(self.uncropped(input, kernel)?.iter().map(|a| self.legal_of(a)).collect())
    }

    fn uncropped(&self, input: &[usize], kernel: &[usize]) -> Result<Vec<Uncropped>> {
        let strides = ("strides", self.strides.as_slice());
        let axes = uncropped_axes(input, kernel, strides, ("dilation_rate", &self.dilation_rate))?;
        let stride = axes.iter().map(|a| a.stride).max().unwrap_or(1);
        let dilation = axes.iter().map(|a| a.dilation).max().unwrap_or(1);
        if stride > 1 && dilation > 1 {
            return Err(GeometryError::KerasStrideAndDilation { stride, dilation });
        }
        Ok(axes)
    }

    /// The size for `output_padding = 0`.
    fn smallest(&self, a: &Uncropped) -> i64 {
        match self.padding {
            Padding::Same => (a.input as i64 - 1) * a.stride as i64 + a.effective_kernel() % 2,
            Padding::Valid => a.full,
        }
    }

    /// The size without `output_padding`.
    fn default_size(&self, a: &Uncropped) -> i64 {
        match self.padding {
            Padding::Same => a.input as i64 * a.stride as i64,
            Padding::Valid => a.full + (a.stride as i64 - a.effective_kernel()).max(0),
        }
    }

    fn legal_of(&self, a: &Uncropped) -> Legal {
        match self.padding {
            Padding::Same => a.same_sizes(),
            Padding::Valid => Legal { first: a.full, last: a.full + a.stride as i64 - 1 },
        }
    }

    /// Those `output_padding` in `0..stride` that give a legal size.
    fn legal_output_padding(&self, a: &Uncropped) -> Legal {
        let (legal, smallest) = (self.legal_of(a), self.smallest(a));
        let first = (legal.first - smallest).max(0);
        Legal { first, last: (legal.last - smallest).min(a.stride as i64 - 1).max(first) }
    }

    fn window(&self, a: &Uncropped, size: i64) -> Result<Axis> {
        match self.padding {
            Padding::Same => a.window(a.same_begin(size), size),
            Padding::Valid => a.window(0, size),
        }
    }

    /// The operation for tensor shapes.
    ///
    /// # Errors
    /// As [`ConvTranspose::axes`], and the rules about ranks, channels and bias.
    pub fn shape(
        &self,
        x: &[usize],
        w: &[usize],
        bias: Option<usize>,
    ) -> Result<ConvTransposeShape> {
        let [kernel @ .., out_channels, weight_in] = w else {
            return Err(rank("weight", 3, w.len()));
        };
        let (batch, in_channels, input) = self.data_format.split("x", kernel.len(), x)?;
        if in_channels != *weight_in {
            return Err(GeometryError::ChannelMismatch { weight: *weight_in, got: in_channels });
        }
        let axes = self.axes(&input, kernel)?;
        let out_channels = *out_channels;
        check_bias(bias, out_channels)?;
        ConvTransposeShape::new(Channels { batch, in_channels, out_channels, groups: 1 }, axes)
    }
}
