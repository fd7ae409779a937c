//! Resize-convolution: enlarge by a whole factor, then convolve with stride 1.
//!
//! The usual cure for checkerboards: every output cell sees the same number of products.

use upconv_geometry::{
    Channels, ConvAxis, ConvAxisParams, ConvPadding, ConvShape, GeometryError, limits,
};

use super::conv::conv;
use super::index::{ravel, unravel};
use super::resize::{ResizeAxis, resize, resized_shape};
use super::resize_dialects::{TorchMode, torch};
use crate::error::{KernelError, Result, check_len};

/// How the input is enlarged. For whole factors all frameworks agree on nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Enlarge {
    /// Every cell is repeated.
    Nearest,
    /// Half-pixel linear interpolation: `linear`, `bilinear` or `trilinear`.
    Linear,
}

/// What lies around the enlarged input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Border {
    /// Zeros.
    Zero,
    /// The input mirrored at its border cells, which are not repeated: PyTorch's `reflect`. Needs
    /// less padding than there are cells.
    Reflect,
}

/// A resize-convolution; one entry per spatial axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResizeConv {
    /// Whole factors, at least 1 each. Its length is the number of spatial axes, 1 to 3.
    pub factor: Vec<usize>,
    /// How the input is enlarged.
    pub enlarge: Enlarge,
    /// Cells added around the enlarged input, at both ends.
    pub padding: Vec<usize>,
    /// What these cells hold.
    pub border: Border,
    /// Groups of the convolution.
    pub groups: usize,
}

/// The sizes of the three steps: enlarge, pad, convolve.
struct Steps {
    axes: Vec<ResizeAxis>,
    enlarged: Vec<usize>,
    /// Equal to `enlarged` when the convolution itself pads with zeros.
    padded: Vec<usize>,
    conv: ConvShape,
}

impl ResizeConv {
    /// Shape of the output.
    ///
    /// # Shapes
    /// `x: [n, in, spatial...]`, `w: [out, in / groups, kernel...] -> [n, out, output...]` with `output =
    /// spatial * factor + 2 * padding - kernel + 1`.
    ///
    /// # Errors
    /// Ranks, channels, groups and attribute lengths that do not fit; a size below 1 or above the
    /// limits; reflection over as many cells as there are.
    pub fn output(&self, x: &[usize], w: &[usize]) -> Result<Vec<usize>> {
        Ok(self.steps(x, w)?.conv.y())
    }

    fn steps(&self, x: &[usize], w: &[usize]) -> Result<Steps> {
        let dims = self.factor.len();
        if !(1..=3).contains(&dims) {
            return Err(KernelError::UnsupportedRank { got: dims });
        }
        for (tensor, got) in [("x", x.len()), ("weight", w.len())] {
            if got != dims + 2 {
                return Err(GeometryError::RankMismatch { tensor, expected: dims + 2, got }.into());
            }
        }
        if self.padding.len() != dims {
            let (attribute, expected, got) = ("padding", dims, self.padding.len());
            return Err(GeometryError::AttributeLength { attribute, expected, got }.into());
        }
        let mut axes = vec![ResizeAxis::Keep; 2];
        for (&size, &factor) in x[2..].iter().zip(&self.factor) {
            axes.push(ResizeAxis::Size(limits::cells("enlarged axis", &[size, factor])?));
        }
        let enlarged = resized_shape(x, &axes)?;
        let mut padded = enlarged.clone();
        let mut conv_axes = Vec::new();
        for axis in 0..dims {
            let (size, padding) = (enlarged[axis + 2], self.padding[axis]);
            // Below 2^31, so that sums with it stay small.
            limits::cells("padding", &[padding, 1 << 9])?;
            let (input, zeros) = match self.border {
                Border::Zero => (size, padding as i64),
                Border::Reflect if padding < size => (size + 2 * padding, 0),
                Border::Reflect => {
                    return Err(KernelError::Unsupported {
                        option: "padding",
                        reason: "must be below the enlarged size to be filled by reflection",
                    });
                }
            };
            padded[axis + 2] = input;
            let padding = ConvPadding::Pads { before: zeros, after: zeros };
            let kernel = w[axis + 2];
            let params = ConvAxisParams { input, kernel, stride: 1, dilation: 1, padding };
            conv_axes.push(ConvAxis::new(axis, params)?);
        }
        let groups = self.groups;
        let channels = Channels { batch: x[0], in_channels: x[1], out_channels: w[0], groups };
        let conv = ConvShape::new(channels, conv_axes)?;
        if x[1] / groups != w[1] {
            return Err(GeometryError::ChannelMismatch { weight: w[1] * groups, got: x[1] }.into());
        }
        limits::cells("padded", &padded)?;
        Ok(Steps { axes, enlarged, padded, conv })
    }
}

/// Enlarges by a whole factor, then convolves with stride 1.
///
/// # Shapes
/// `x: [n, in, spatial...]`, `w: [out, in / groups, kernel...]`, `bias: [out] -> y: [n, out, output...]`
/// with `output = spatial * factor + 2 * padding - kernel + 1`.
///
/// # Errors
/// As [`ResizeConv::output`]; a buffer whose length does not fit its shape.
///
/// # Source
/// A. Odena, V. Dumoulin, C. Olah, "Deconvolution and checkerboard artifacts", Distill 2016; PyTorch
/// 2.8 `interpolate` and `conv2d`.
///
/// ```
/// use upconv_kernels::reference::resize_conv::{Border, Enlarge, ResizeConv, resize_conv};
/// let with = |border| {
///     let op = ResizeConv {
///         factor: vec![2], enlarge: Enlarge::Nearest, padding: vec![1], border, groups: 1,
///     };
///     resize_conv(&op, &[1, 1, 2], &[1.0, 2.0f32], &[1, 1, 3], &[1.0, 1.0, 1.0], None)
/// };
/// assert_eq!(with(Border::Zero)?, [2.0, 4.0, 5.0, 4.0]); // 0 [1 1 2 2] 0
/// assert_eq!(with(Border::Reflect)?, [3.0, 4.0, 5.0, 6.0]); // 1 [1 1 2 2] 2
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn resize_conv<T: Copy + Into<f64>>(
    op: &ResizeConv,
    x_shape: &[usize],
    x: &[T],
    w_shape: &[usize],
    w: &[T],
    bias: Option<&[T]>,
) -> Result<Vec<f64>> {
    let steps = op.steps(x_shape, w_shape)?;
    check_len("weight", w, w_shape)?;
    let method = torch(match op.enlarge {
        Enlarge::Nearest => TorchMode::Nearest,
        Enlarge::Linear => TorchMode::Linear { align_corners: false },
    });
    let enlarged = resize(&method, x_shape, &steps.axes, x)?;
    let padded = match op.border {
        Border::Zero => enlarged,
        Border::Reflect => reflect(&steps.enlarged, &enlarged, &steps.padded)?,
    };
    let wide = |values: &[T]| values.iter().map(|&value| value.into()).collect::<Vec<f64>>();
    conv(&steps.conv, &padded, &wide(w), bias.map(wide).as_deref())
}

/// `x` in the middle of a larger tensor, mirrored around its border cells: cell `-i` is cell `i`, cell
/// `size - 1 + i` is cell `size - 1 - i`.
fn reflect(shape: &[usize], x: &[f64], padded: &[usize]) -> Result<Vec<f64>> {
    let cells = limits::cells("padded", padded)?;
    let source = |flat: usize| {
        let mut position = unravel(flat, padded);
        for (at, (&size, &wide)) in position.iter_mut().zip(shape.iter().zip(padded)) {
            let before = (wide - size) / 2;
            // The distance from the first cell, then that from the last one, both without a sign.
            let from_first = at.abs_diff(before);
            let from_last = (size - 1).abs_diff(from_first);
            *at = if from_first < size { from_first } else { size - 1 - from_last };
        }
        x[ravel(&position, shape)]
    };
    Ok((0..cells).map(source).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(factor: usize, enlarge: Enlarge, padding: usize, border: Border) -> ResizeConv {
        ResizeConv { factor: vec![factor], enlarge, padding: vec![padding], border, groups: 1 }
    }

    #[test]
    fn reflection_does_not_repeat_the_border() {
        let x = [1.0, 2.0, 3.0, 4.0];
        let y = reflect(&[1, 1, 4], &x, &[1, 1, 10]).unwrap();
        assert_eq!(y, [4.0, 3.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 2.0, 1.0]);
    }

    #[test]
    fn linear_enlarges_with_half_pixels() {
        let op = op(2, Enlarge::Linear, 0, Border::Zero);
        let y = resize_conv(&op, &[1, 1, 2], &[0.0f32, 4.0], &[1, 1, 1], &[2.0], Some(&[1.0]));
        assert_eq!(y.unwrap(), [1.0, 3.0, 7.0, 9.0]);
    }

    #[test]
    fn groups_keep_their_channels_apart() {
        let op = ResizeConv { groups: 2, ..op(1, Enlarge::Nearest, 0, Border::Zero) };
        let y = resize_conv(&op, &[1, 2, 1], &[3.0f32, 5.0], &[2, 1, 1], &[10.0, 100.0], None);
        assert_eq!(y.unwrap(), [30.0, 500.0]);
    }

    #[test]
    fn bad_arguments_are_errors() {
        let fine = op(2, Enlarge::Nearest, 1, Border::Reflect);
        let run = |op: &ResizeConv, x: &[usize], w: &[usize]| {
            resize_conv(op, x, &[1.0f32, 2.0], w, &[1.0f32], None)
        };
        assert!(run(&fine, &[1, 1, 2], &[1, 1, 1]).is_ok());
        assert!(run(&fine, &[1, 2], &[1, 1, 1]).is_err());
        assert!(run(&fine, &[1, 1, 2], &[1, 1]).is_err());
        assert!(run(&fine, &[1, 2, 1], &[1, 1, 1]).is_err());
        assert!(run(&fine, &[1, 1, 2], &[1, 1, 0]).is_err());
        assert!(run(&op(2, Enlarge::Nearest, 4, Border::Reflect), &[1, 1, 2], &[1, 1, 1]).is_err());
        assert!(run(&op(0, Enlarge::Nearest, 0, Border::Zero), &[1, 1, 2], &[1, 1, 1]).is_err());
        let huge = op(2, Enlarge::Nearest, usize::MAX, Border::Zero);
        assert!(run(&huge, &[1, 1, 2], &[1, 1, 1]).is_err());
        assert!(run(&ResizeConv { groups: 0, ..fine.clone() }, &[1, 1, 2], &[1, 1, 1]).is_err());
        assert!(
            run(&ResizeConv { padding: vec![], ..fine.clone() }, &[1, 1, 2], &[1, 1, 1]).is_err()
        );
        assert!(run(&ResizeConv { factor: vec![], ..fine }, &[1, 1, 2], &[1, 1, 1]).is_err());
    }
}
