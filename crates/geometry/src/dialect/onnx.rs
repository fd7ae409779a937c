//! ONNX: the operator `ConvTranspose` (opset 1, 11 and 22).

use super::rules::{
    Uncropped, channels_first, check_length, check_output, check_output_padding, check_padding,
    per_axis, uncropped_axes,
};
use crate::axis::Axis;
use crate::error::{GeometryError, Legal, Result};
use crate::limits::axis_size;
use crate::shape::ConvTransposeShape;

/// The attribute `auto_pad`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoPad {
    /// `pads` count.
    #[default]
    NotSet,
    /// Nothing is cropped.
    Valid,
    /// Cropped to `input * stride`, an odd cell at the end.
    SameUpper,
    /// Cropped to `input * stride`, an odd cell at the begin.
    SameLower,
}

impl AutoPad {
    /// The value of a name.
    ///
    /// # Errors
    /// `AUTO_PAD_UNKNOWN`.
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "NOTSET" | "" => Ok(Self::NotSet),
            "VALID" => Ok(Self::Valid),
            "SAME_UPPER" => Ok(Self::SameUpper),
            "SAME_LOWER" => Ok(Self::SameLower),
            _ => Err(GeometryError::AutoPadUnknown { got: name.into() }),
        }
    }

    /// The name in a model file.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotSet => "NOTSET",
            Self::Valid => "VALID",
            Self::SameUpper => "SAME_UPPER",
            Self::SameLower => "SAME_LOWER",
        }
    }
}

/// The attributes of ONNX's transposed convolution.
///
/// With the natural size `T = (input - 1) * stride + effective_kernel + output_padding`: without
/// `output_shape` the window follows `pads`, or crops `max(0, T - input * stride)` for SAME. With
/// `output_shape` the `pads` are not looked at and `T - output` is cropped, an odd cell at the
/// **begin**, except for SAME_UPPER: the opposite of TensorFlow.
///
/// # Shapes
/// `x: [n, in, spatial...]`, `w: [in, out / group, kernel...]`.
///
/// # Source
/// The operator's text in onnx 1.19, its shape inference, and runs of ONNX Runtime 1.32. Both keep
/// `T` for SAME when it is below `input * stride`, where the text says `input * stride`. ONNX Runtime
/// refuses an `output_shape` of `T + stride` or more; the text does not; we refuse it too, as no
/// forward convolution leads back from such a size.
///
/// ```
/// use upconv_geometry::dialect::onnx::{AutoPad, ConvTranspose};
/// let begin = |auto_pad| ConvTranspose {
///     strides: vec![2], auto_pad, output_shape: Some(vec![6]), ..Default::default()
/// }.axes(&[3], &[3]).map(|a| a[0].window_begin());
/// assert_eq!(begin(AutoPad::SameUpper), Ok(0));
/// assert_eq!(begin(AutoPad::NotSet), Ok(1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvTranspose {
    /// Per axis; empty is 1.
    pub strides: Vec<i64>,
    /// All begins, then all ends. `None`: the attribute is absent.
    pub pads: Option<Vec<i64>>,
    /// Automatic padding.
    pub auto_pad: AutoPad,
    /// Per axis; empty is 1.
    pub dilations: Vec<i64>,
    /// Groups.
    pub group: i64,
    /// Per axis; empty is 0.
    pub output_padding: Vec<i64>,
    /// Wanted spatial sizes.
    pub output_shape: Option<Vec<i64>>,
    /// Spatial sizes of the weight, if stated.
    pub kernel_shape: Option<Vec<i64>>,
    /// Accept pads below 0, which some converters write: zeros are added at that end.
    pub allow_negative_pads: bool,
}

impl Default for ConvTranspose {
    fn default() -> Self {
        Self {
            strides: Vec::new(),
            pads: None,
            auto_pad: AutoPad::NotSet,
            dilations: Vec::new(),
            group: 1,
            output_padding: Vec::new(),
            output_shape: None,
            kernel_shape: None,
            allow_negative_pads: false,
        }
    }
}

impl ConvTranspose {
    /// The axes for spatial sizes.
    ///
    /// # Errors
    /// Every rule of ONNX that spatial numbers can break; see [`GeometryError`].
    pub fn axes(&self, input: &[usize], kernel: &[usize]) -> Result<Vec<Axis>> {
        self.check_kernel_shape(kernel)?;
        let strides = ("strides", self.strides.as_slice());
        let axes = uncropped_axes(input, kernel, strides, ("dilations", &self.dilations))?;
        let pads = self.checked_pads(axes.len())?;
        let output_padding = per_axis("output_padding", &self.output_padding, axes.len(), 0)?;
        if let Some(shape) = &self.output_shape {
            check_length("output_shape", axes.len(), shape.len())?;
        }
        let place = |a: &Uncropped| {
            let added = output_padding[a.axis];
            check_output_padding(a.axis, added, a.stride.max(a.dilation), "ONNX")?;
            let natural = a.full + added;
            match &self.output_shape {
                Some(shape) => self.place_sized(a, natural, shape[a.axis]),
                None => self.place_padded(a, natural, pads[a.axis]),
            }
        };
        axes.iter().map(place).collect()
    }

    fn check_kernel_shape(&self, kernel: &[usize]) -> Result<()> {
        let Some(stated) = &self.kernel_shape else { return Ok(()) };
        check_length("kernel_shape", kernel.len(), stated.len())?;
        for (axis, (&got, &weight)) in stated.iter().zip(kernel).enumerate() {
            if usize::try_from(got) != Ok(weight) {
                return Err(GeometryError::KernelShapeMismatch { axis, got, weight });
            }
        }
        Ok(())
    }

    /// `(begin, end)` of every axis.
    fn checked_pads(&self, dims: usize) -> Result<Vec<(i64, i64)>> {
        let Some(pads) = &self.pads else { return Ok(vec![(0, 0); dims]) };
        check_length("pads", 2 * dims, pads.len())?;
        if self.auto_pad != AutoPad::NotSet {
            return Err(GeometryError::PadsWithAutoPad { auto_pad: self.auto_pad.name() });
        }
        for (index, &pad) in pads.iter().enumerate() {
            if !self.allow_negative_pads {
                check_padding(index % dims, pad)?;
            }
            axis_size("padding", index % dims, i128::from(pad.unsigned_abs()))?;
        }
        Ok((0..dims).map(|axis| (pads[axis], pads[dims + axis])).collect())
    }

    fn place_padded(&self, a: &Uncropped, natural: i64, (begin, end): (i64, i64)) -> Result<Axis> {
        let surplus = (natural - a.input as i64 * a.stride as i64).max(0);
        match self.auto_pad {
            AutoPad::NotSet => a.window(begin, natural - begin - end),
            AutoPad::Valid => a.window(0, natural),
            AutoPad::SameUpper => a.window(surplus / 2, natural - surplus),
            AutoPad::SameLower => a.window(surplus - surplus / 2, natural - surplus),
        }
    }

    fn place_sized(&self, a: &Uncropped, natural: i64, output: i64) -> Result<Axis> {
        let output = check_output(a.axis, output)?;
        let legal = Legal { first: 1, last: natural + a.stride as i64 - 1 };
        if !legal.contains(output) {
            return Err(GeometryError::OutputShapeNotLegal {
                axis: a.axis,
                got: output,
                legal,
                input: a.input,
            });
        }
        let cropped = (natural - output).max(0);
        let begin = match self.auto_pad {
            AutoPad::SameUpper => cropped / 2,
            _ => cropped - cropped / 2,
        };
        a.window(begin, output)
    }

    /// The operation for tensor shapes.
    ///
    /// # Errors
    /// As [`ConvTranspose::axes`], and the rules about ranks, channels, groups and bias.
    pub fn shape(
        &self,
        x: &[usize],
        w: &[usize],
        bias: Option<usize>,
    ) -> Result<ConvTransposeShape> {
        channels_first(x, w, bias, self.group, |input, kernel| self.axes(input, kernel))
    }
}
