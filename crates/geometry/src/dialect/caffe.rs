//! Caffe: the layer `Deconvolution`, and its pooling's rounding in [`crate::PoolRounding::CeilCaffe`].

use super::rules::{channels_first, check_padding, per_axis, uncropped_axes};
use crate::axis::Axis;
use crate::error::Result;
use crate::shape::ConvTransposeShape;

/// The parameters of Caffe's deconvolution.
///
/// `output = stride * (input - 1) + effective_kernel - 2 * pad`, and the window begins at `pad`.
/// There is no way to ask for another size; FCN pads the image by 100 cells and crops afterwards.
///
/// # Shapes
/// `x: [n, in, spatial...]`, `w: [in, out / group, kernel...]`.
///
/// # Source
/// Caffe `deconv_layer.cpp` and `base_conv_layer.cpp`, master of 2020.
///
/// ```
/// use upconv_geometry::dialect::caffe::Deconvolution;
/// // FCN-8s's last layer: 16x16 taps, stride 8, no padding.
/// let op = Deconvolution { stride: vec![8, 8], ..Default::default() };
/// assert_eq!(op.axes(&[70, 70], &[16, 16]).map(|a| a[0].output()), Ok(568));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deconvolution {
    /// Per axis; empty is 1.
    pub stride: Vec<i64>,
    /// Per axis, both ends; empty is 0.
    pub pad: Vec<i64>,
    /// Per axis; empty is 1.
    pub dilation: Vec<i64>,
    /// Groups.
    pub group: i64,
}

impl Default for Deconvolution {
    fn default() -> Self {
        Self { stride: Vec::new(), pad: Vec::new(), dilation: Vec::new(), group: 1 }
    }
}

impl Deconvolution {
    /// The axes for spatial sizes.
    ///
    /// # Errors
    /// Every rule of Caffe that spatial numbers can break; see [`crate::GeometryError`].
    pub fn axes(&self, input: &[usize], kernel: &[usize]) -> Result<Vec<Axis>> {
        let stride = ("stride", self.stride.as_slice());
        let axes = uncropped_axes(input, kernel, stride, ("dilation", &self.dilation))?;
        let pad = per_axis("pad", &self.pad, axes.len(), 0)?;
        axes.iter()
            .map(|a| {
                check_padding(a.axis, pad[a.axis])?;
                a.window(pad[a.axis], a.full - 2 * pad[a.axis])
            })
            .collect()
    }

    /// The operation for tensor shapes.
    ///
    /// # Errors
    /// As [`Deconvolution::axes`], and the rules about ranks, channels, groups and bias.
    pub fn shape(
        &self,
        x: &[usize],
        w: &[usize],
        bias: Option<usize>,
    ) -> Result<ConvTransposeShape> {
        channels_first(x, w, bias, self.group, |input, kernel| self.axes(input, kernel))
    }
}
