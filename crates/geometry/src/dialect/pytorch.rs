//! PyTorch: `torch.nn.ConvTranspose{1,2,3}d` and `torch.nn.functional.conv_transpose{1,2,3}d`.

use super::rules::{
    Uncropped, channels_first, check_length, check_output, check_output_padding, check_padding,
    per_axis, uncropped_axes,
};
use crate::axis::Axis;
use crate::error::{GeometryError, Result};
use crate::shape::ConvTransposeShape;

/// The arguments of PyTorch's transposed convolution.
///
/// `output = (input - 1) * stride - 2 * padding + effective_kernel + output_padding`, and the window
/// begins at `padding`. `output_padding` only adds cells at the end, and they are computed values.
///
/// # Shapes
/// `x: [n, in, spatial...]` or unbatched `[in, spatial...]`, `w: [in, out / groups, kernel...]`.
///
/// # Source
/// PyTorch 2.8, `torch/nn/modules/conv.py`, and runs of it.
///
/// ```
/// use upconv_geometry::dialect::pytorch::ConvTranspose;
/// let op = ConvTranspose { stride: vec![2], padding: vec![1], ..Default::default() };
/// let size = |output_size| ConvTranspose { output_size, ..op.clone() }
///     .axes(&[4], &[3]).map(|a| a[0].output());
/// assert_eq!(size(None), Ok(7));
/// assert_eq!(size(Some(vec![8])), Ok(8)); // 7 and 8 both come back to 4
/// assert_eq!(size(Some(vec![9])).unwrap_err().rule(), "OUTPUT_SIZE_OUT_OF_RANGE");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvTranspose {
    /// Per axis; empty is 1.
    pub stride: Vec<i64>,
    /// Per axis: cells cropped at both ends; empty is 0.
    pub padding: Vec<i64>,
    /// Per axis: cells added at the end; empty is 0. Ignored if `output_size` is given.
    pub output_padding: Vec<i64>,
    /// Per axis; empty is 1.
    pub dilation: Vec<i64>,
    /// Groups.
    pub groups: i64,
    /// Wanted size, spatial or with batch and channels in front (which are not looked at).
    pub output_size: Option<Vec<i64>>,
    /// Only `"zeros"` exists.
    pub padding_mode: String,
}

impl Default for ConvTranspose {
    fn default() -> Self {
        Self {
            stride: Vec::new(),
            padding: Vec::new(),
            output_padding: Vec::new(),
            dilation: Vec::new(),
            groups: 1,
            output_size: None,
            padding_mode: "zeros".into(),
        }
    }
}

impl ConvTranspose {
    /// The axes for spatial sizes.
    ///
    /// # Errors
    /// Every rule of PyTorch that spatial numbers can break; see [`GeometryError`].
    pub fn axes(&self, input: &[usize], kernel: &[usize]) -> Result<Vec<Axis>> {
        self.check_padding_mode()?;
        let stride = ("stride", self.stride.as_slice());
        let axes = uncropped_axes(input, kernel, stride, ("dilation", &self.dilation))?;
        let padding = per_axis("padding", &self.padding, axes.len(), 0)?;
        let output_padding = per_axis("output_padding", &self.output_padding, axes.len(), 0)?;
        let sizes = self.spatial_output_size(axes.len())?;
        let place = |a: &Uncropped| {
            check_padding(a.axis, padding[a.axis])?;
            let smallest = a.full - 2 * padding[a.axis];
            let output = match sizes {
                Some(sizes) => {
                    let (got, legal) = (sizes[a.axis], a.sizes_from(smallest)?);
                    if !legal.contains(got) {
                        return Err(GeometryError::OutputSizeOutOfRange {
                            axis: a.axis,
                            got,
                            legal,
                        });
                    }
                    check_output(a.axis, got)?
                }
                None => {
                    let added = output_padding[a.axis];
                    check_output_padding(a.axis, added, a.stride.max(a.dilation), "PyTorch")?;
                    smallest + added
                }
            };
            a.window(padding[a.axis], output)
        };
        axes.iter().map(place).collect()
    }

    fn check_padding_mode(&self) -> Result<()> {
        if self.padding_mode == "zeros" {
            return Ok(());
        }
        Err(GeometryError::PaddingModeNotZeros { got: self.padding_mode.clone() })
    }

    fn spatial_output_size(&self, dims: usize) -> Result<Option<&[i64]>> {
        let Some(size) = &self.output_size else { return Ok(None) };
        match size.len().checked_sub(dims) {
            Some(extra @ 0..=2) => Ok(Some(&size[extra..])),
            _ => check_length("output_size", dims, size.len()).map(|()| None),
        }
    }

    /// The operation for tensor shapes. An unbatched `x` becomes batch 1.
    ///
    /// # Errors
    /// As [`ConvTranspose::axes`], and the rules about ranks, channels, groups and bias.
    pub fn shape(
        &self,
        x: &[usize],
        w: &[usize],
        bias: Option<usize>,
    ) -> Result<ConvTransposeShape> {
        self.check_padding_mode()?;
        let batched;
        let x = if x.len() + 1 == w.len() {
            batched = [&[1], x].concat();
            &batched
        } else {
            x
        };
        channels_first(x, w, bias, self.groups, |input, kernel| self.axes(input, kernel))
    }
}
