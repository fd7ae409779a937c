//! The operation itself: scatter, then keep any window that one asks for.

use super::rules::{
    Uncropped, channels_first, check_length, check_output, check_output_padding, per_axis,
    uncropped_axes,
};
use crate::axis::Axis;
use crate::error::{GeometryError, Legal, Result};
use crate::limits::axis_size;
use crate::padding::Padding;
use crate::shape::ConvTransposeShape;

/// A transposed convolution in our own words.
///
/// * Padding as numbers crops `before` cells in front and `after` behind; negative adds zeros.
///   `output_padding` crops so much less behind, and may be anything from 0 to `stride - 1`.
/// * `Same` and `SameUpper` are TensorFlow's rule (`input * stride` unless told otherwise, an odd cell
///   cropped at the end), for any stride and dilation; `SameLower` crops it at the begin.
/// * `output` chooses among the sizes that share the input, and is refused otherwise.
///
/// # Shapes
/// `x: [n, in, spatial...]`, `w: [in, out / groups, kernel...]`.
///
/// ```
/// use upconv_geometry::Padding;
/// use upconv_geometry::dialect::definition::ConvTranspose;
/// let op = ConvTranspose { stride: vec![2], padding: Padding::Pads(vec![(1, 0)]), ..Default::default() };
/// let axes = op.axes(&[3], &[3])?;
/// assert_eq!((axes[0].window_begin(), axes[0].output()), (1, 6));
/// # Ok::<(), upconv_geometry::GeometryError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvTranspose {
    /// Per axis; empty is 1.
    pub stride: Vec<i64>,
    /// What is cropped.
    pub padding: Padding,
    /// Per axis; empty is 0. Not looked at if `output` is given.
    pub output_padding: Vec<i64>,
    /// Per axis; empty is 1.
    pub dilation: Vec<i64>,
    /// Groups.
    pub groups: i64,
    /// Wanted spatial sizes.
    pub output: Option<Vec<i64>>,
}

impl Default for ConvTranspose {
    fn default() -> Self {
        Self {
            stride: Vec::new(),
            padding: Padding::Valid,
            output_padding: Vec::new(),
            dilation: Vec::new(),
            groups: 1,
            output: None,
        }
    }
}

impl ConvTranspose {
    /// The axes for spatial sizes.
    ///
    /// # Errors
    /// `OUTPUT_SHAPE_NOT_LEGAL` for an output that does not share the input, and the rules about
    /// numbers below 1 or above the limits.
    pub fn axes(&self, input: &[usize], kernel: &[usize]) -> Result<Vec<Axis>> {
        let stride = ("stride", self.stride.as_slice());
        let axes = uncropped_axes(input, kernel, stride, ("dilation", &self.dilation))?;
        let added = per_axis("output_padding", &self.output_padding, axes.len(), 0)?;
        if let Some(output) = &self.output {
            check_length("output", axes.len(), output.len())?;
        }
        if let Padding::Pads(pads) = &self.padding {
            check_length("padding", axes.len(), pads.len())?;
            for (axis, &(before, after)) in pads.iter().enumerate() {
                for pad in [before, after] {
                    axis_size("padding", axis, i128::from(pad.unsigned_abs()))?;
                }
            }
        }
        let place = |a: &Uncropped| {
            check_output_padding(a.axis, added[a.axis], a.stride, "the definition")?;
            let legal = self.legal_of(a)?;
            let output = match &self.output {
                Some(output) => check_output(a.axis, output[a.axis])?,
                None => self.default_size(a) + added[a.axis],
            };
            if output >= 1 && !legal.contains(output) {
                return Err(GeometryError::OutputShapeNotLegal {
                    axis: a.axis,
                    got: output,
                    legal,
                    input: a.input,
                });
            }
            a.window(self.begin(a, output), output)
        };
        axes.iter().map(place).collect()
    }

    fn pads(&self, a: &Uncropped) -> (i64, i64) {
        match &self.padding {
            Padding::Pads(pads) => pads[a.axis],
            _ => (0, 0),
        }
    }

    /// The sizes that share the input.
    fn legal_of(&self, a: &Uncropped) -> Result<Legal> {
        match self.padding {
            Padding::Same | Padding::SameUpper | Padding::SameLower => Ok(a.same_sizes()),
            Padding::Valid | Padding::Pads(_) => {
                let (before, after) = self.pads(a);
                a.sizes_from(a.full - before - after)
            }
        }
    }

    fn default_size(&self, a: &Uncropped) -> i64 {
        match self.padding {
            Padding::Same | Padding::SameUpper | Padding::SameLower => {
                a.input as i64 * a.stride as i64
            }
            Padding::Valid | Padding::Pads(_) => {
                let (before, after) = self.pads(a);
                a.full - before - after
            }
        }
    }

    fn begin(&self, a: &Uncropped, output: i64) -> i64 {
        match self.padding {
            Padding::Same | Padding::SameUpper => a.same_begin(output),
            Padding::SameLower => {
                let cropped = (a.full - output).max(0);
                cropped - cropped / 2
            }
            Padding::Valid | Padding::Pads(_) => self.pads(a).0,
        }
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
        channels_first(x, w, bias, self.groups, |input, kernel| self.axes(input, kernel))
    }
}
