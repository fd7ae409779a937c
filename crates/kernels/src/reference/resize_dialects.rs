//! What each framework means by its resize arguments.

use upconv_geometry::GeometryError;

use super::resize::ResizeAxis;
use super::resize_coordinates::{Coordinates, Rounding, Scale};
use super::resize_method::{Filter, Method, NearestF32};
use crate::error::{KernelError, Result};

/// `mode` of PyTorch's `interpolate`. Linear stands for `linear`, `bilinear` and `trilinear`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TorchMode {
    /// `nearest`: `floor(o * n / m)`.
    Nearest,
    /// `nearest-exact`: `floor((o + 0.5) * n / m)`.
    NearestExact,
    /// `linear`, `bilinear` or `trilinear`.
    Linear {
        /// Whether the centres of the corner cells stay in place; else half-pixel coordinates.
        align_corners: bool,
    },
    /// `bicubic`, with coefficient -0.75.
    Cubic {
        /// Whether the centres of the corner cells stay in place; else half-pixel coordinates.
        align_corners: bool,
    },
}

/// PyTorch's `torch.nn.functional.interpolate`, without `antialias`.
///
/// # Source
/// PyTorch 2.8, and runs of it.
///
/// ```
/// use upconv_kernels::reference::resize::{ResizeAxis, resize};
/// use upconv_kernels::reference::resize_dialects::{TorchMode, torch};
/// let twice = |mode| resize(&torch(mode), &[2], &[ResizeAxis::Size(3)], &[0.0, 10.0f32]);
/// assert_eq!(twice(TorchMode::Nearest)?, [0.0, 0.0, 10.0]);
/// assert_eq!(twice(TorchMode::NearestExact)?, [0.0, 10.0, 10.0]);
/// assert_eq!(twice(TorchMode::Linear { align_corners: true })?, [0.0, 5.0, 10.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn torch(mode: TorchMode) -> Method {
    let filter = |align_corners| {
        Filter::plain(if align_corners {
            Coordinates::AlignCorners
        } else {
            Coordinates::HalfPixel
        })
    };
    match mode {
        TorchMode::Nearest => Method::NearestF32(NearestF32::Scaled),
        TorchMode::NearestExact => Method::NearestF32(NearestF32::Centred),
        TorchMode::Linear { align_corners } => Method::Linear(filter(align_corners)),
        TorchMode::Cubic { align_corners } => {
            Method::Cubic { a: -0.75, filter: filter(align_corners) }
        }
    }
}

/// TensorFlow's resize operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TensorflowMode {
    /// `ResizeNearestNeighbor`.
    Nearest,
    /// `ResizeBilinear`.
    Bilinear,
    /// `ResizeBicubic`: coefficient -0.5 and cells outside left out with `half_pixel_centers`, else
    /// -0.75 and the border cell repeated.
    Bicubic,
}

/// TensorFlow's raw resize operations. `tf.image.resize` of TensorFlow 2 is `half_pixel_centers`; both
/// flags off is TensorFlow 1's default.
///
/// # Errors
/// Both flags together, which TensorFlow refuses.
///
/// # Source
/// TensorFlow 2.21, and runs of it.
///
/// ```
/// use upconv_kernels::reference::resize::{ResizeAxis, resize};
/// use upconv_kernels::reference::resize_dialects::{TensorflowMode, tensorflow};
/// let twice = |align_corners, half_pixel_centers| {
///     let method = tensorflow(TensorflowMode::Bilinear, align_corners, half_pixel_centers)?;
///     let y = resize(&method, &[2], &[ResizeAxis::Size(4)], &[0.0, 12.0f32])?;
///     Ok::<_, upconv_kernels::KernelError>([y[0], y[1], y[2], y[3]])
/// };
/// assert_eq!(twice(false, false)?, [0.0, 6.0, 12.0, 12.0]);
/// assert_eq!(twice(false, true)?, [0.0, 3.0, 9.0, 12.0]);
/// assert_eq!(twice(true, false)?.map(f64::round), [0.0, 4.0, 8.0, 12.0]);
/// assert!(twice(true, true).is_err());
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn tensorflow(
    mode: TensorflowMode,
    align_corners: bool,
    half_pixel_centers: bool,
) -> Result<Method> {
    let (coordinates, nearest) = match (align_corners, half_pixel_centers) {
        (true, true) => {
            return Err(KernelError::Unsupported {
                option: "half_pixel_centers",
                reason: "cannot be true together with align_corners; choose one of the two",
            });
        }
        (true, false) => (Coordinates::AlignCorners, NearestF32::Aligned),
        (false, true) => (Coordinates::HalfPixel, NearestF32::Centred),
        (false, false) => (Coordinates::Asymmetric, NearestF32::Scaled),
    };
    Ok(match mode {
        TensorflowMode::Nearest => Method::NearestF32(nearest),
        TensorflowMode::Bilinear => Method::Linear(Filter::plain(coordinates)),
        TensorflowMode::Bicubic => {
            let exclude_outside = half_pixel_centers;
            let a = if half_pixel_centers { -0.5 } else { -0.75 };
            Method::Cubic { a, filter: Filter { coordinates, exclude_outside, antialias: false } }
        }
    })
}

/// `mode` of ONNX's `Resize`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnnxMode {
    /// `nearest`.
    Nearest,
    /// `linear`.
    Linear,
    /// `cubic`.
    Cubic,
}

/// What decides the output sizes of ONNX's `Resize`: one entry per named axis.
#[derive(Clone, Debug, PartialEq)]
pub enum OnnxTarget {
    /// `scales`; sizes are `floor(input * scale)`, the product taken in f32 as onnxruntime does, and
    /// coordinates use the scale as it is.
    Scales(Vec<f32>),
    /// `sizes`.
    Sizes(Vec<i64>),
    /// `sizes` with `keep_aspect_ratio_policy` `not_larger`: the smallest scale for all axes.
    NotLarger(Vec<i64>),
    /// `sizes` with `keep_aspect_ratio_policy` `not_smaller`: the largest scale for all axes.
    NotSmaller(Vec<i64>),
}

/// The arguments of ONNX's `Resize`.
#[derive(Clone, Debug, PartialEq)]
pub struct OnnxResize {
    /// `mode`; ONNX's default is nearest.
    pub mode: OnnxMode,
    /// `coordinate_transformation_mode`. A region lists all its starts, then all its ends, in the
    /// operator; here it has one pair per named axis, in the order of `axes`.
    pub coordinates: Coordinates,
    /// `nearest_mode`; ONNX's default is `round_prefer_floor`.
    pub nearest_mode: Rounding,
    /// `cubic_coeff_a`; ONNX's default is -0.75.
    pub cubic_coeff_a: f64,
    /// `exclude_outside`; ONNX's default is no.
    pub exclude_outside: bool,
    /// `antialias`; ONNX's default is no.
    pub antialias: bool,
    /// `axes`: which axes are meant, negative ones from the back; `None` is all.
    pub axes: Option<Vec<i64>>,
    /// `scales`, or `sizes` and what to do about the aspect ratio.
    pub target: OnnxTarget,
}

impl OnnxResize {
    /// ONNX's defaults for everything but the coordinates, which have to be said.
    pub fn new(mode: OnnxMode, coordinates: Coordinates, target: OnnxTarget) -> Self {
        Self {
            mode,
            coordinates,
            nearest_mode: Rounding::RoundPreferFloor,
            cubic_coeff_a: -0.75,
            exclude_outside: false,
            antialias: false,
            axes: None,
            target,
        }
    }

    /// The method and the axes for a tensor of `shape`.
    ///
    /// # Errors
    /// Axes that do not exist or are named twice; lists of the wrong length; sizes and scales that are
    /// not positive; `antialias` with nearest.
    ///
    /// # Source
    /// ONNX operator `Resize`, opset 19, and its node tests in onnx 1.19.
    ///
    /// ```
    /// use upconv_kernels::reference::resize::resized_shape;
    /// use upconv_kernels::reference::resize_coordinates::Coordinates;
    /// use upconv_kernels::reference::resize_dialects::{OnnxMode, OnnxResize, OnnxTarget};
    /// let fit = |target| {
    ///     let axes = Some(vec![2, 3]);
    ///     let op = OnnxResize {
    ///         axes, ..OnnxResize::new(OnnxMode::Nearest, Coordinates::HalfPixel, target)
    ///     };
    ///     let shape = [1, 1, 2, 4];
    ///     op.resolve(&shape).and_then(|(_, axes)| resized_shape(&shape, &axes))
    /// };
    /// assert_eq!(fit(OnnxTarget::Sizes(vec![1, 3]))?, [1, 1, 1, 3]);
    /// assert_eq!(fit(OnnxTarget::NotLarger(vec![1, 3]))?, [1, 1, 1, 2]);
    /// assert_eq!(fit(OnnxTarget::NotSmaller(vec![1, 3]))?, [1, 1, 2, 3]);
    /// # Ok::<(), upconv_kernels::KernelError>(())
    /// ```
    pub fn resolve(&self, shape: &[usize]) -> Result<(Method, Vec<ResizeAxis>)> {
        let named = self.named_axes(shape.len())?;
        let mut coordinates = self.coordinates.clone();
        if let Coordinates::CropAndResize { roi, .. } = &mut coordinates {
            check_length("roi", named.len(), roi.len())?;
            let mut all = vec![(0.0, 1.0); shape.len()];
            for (&axis, &region) in named.iter().zip(roi.iter()) {
                all[axis] = region;
            }
            *roi = all;
        }
        let mut axes = vec![ResizeAxis::Keep; shape.len()];
        for (&axis, resized) in named.iter().zip(self.resized(shape, &named, &coordinates)?) {
            axes[axis] = resized;
        }
        Ok((self.method(coordinates)?, axes))
    }

    fn method(&self, coordinates: Coordinates) -> Result<Method> {
        let (exclude_outside, antialias) = (self.exclude_outside, self.antialias);
        let rounding = self.nearest_mode;
        Ok(match self.mode {
            OnnxMode::Nearest if antialias => {
                return Err(KernelError::Unsupported {
                    option: "antialias",
                    reason: "exists for linear and cubic only",
                });
            }
            OnnxMode::Nearest => Method::Nearest { coordinates, rounding },
            OnnxMode::Linear => Method::Linear(Filter { coordinates, exclude_outside, antialias }),
            OnnxMode::Cubic => Method::Cubic {
                a: self.cubic_coeff_a,
                filter: Filter { coordinates, exclude_outside, antialias },
            },
        })
    }

    fn named_axes(&self, rank: usize) -> Result<Vec<usize>> {
        let Some(named) = &self.axes else {
            return Ok((0..rank).collect());
        };
        let mut axes = Vec::new();
        for &axis in named {
            let counted = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
            match usize::try_from(counted) {
                Ok(axis) if axis < rank && !axes.contains(&axis) => axes.push(axis),
                _ => {
                    return Err(KernelError::Unsupported {
                        option: "axes",
                        reason: "must name existing axes, each once",
                    });
                }
            }
        }
        Ok(axes)
    }

    /// What becomes of each named axis.
    fn resized(
        &self,
        shape: &[usize],
        named: &[usize],
        coordinates: &Coordinates,
    ) -> Result<Vec<ResizeAxis>> {
        let largest = match &self.target {
            OnnxTarget::Scales(scales) => {
                check_length("scales", named.len(), scales.len())?;
                let one = |(&axis, &scale): (&usize, &f32)| {
                    by_scale(axis, shape[axis], scale, coordinates)
                };
                return named.iter().zip(scales).map(one).collect();
            }
            OnnxTarget::Sizes(sizes) => {
                let sizes = positive(named, sizes)?;
                return Ok(sizes.into_iter().map(ResizeAxis::Size).collect());
            }
            OnnxTarget::NotLarger(_) => false,
            OnnxTarget::NotSmaller(_) => true,
        };
        let (OnnxTarget::NotLarger(sizes) | OnnxTarget::NotSmaller(sizes)) = &self.target else {
            return Ok(Vec::new());
        };
        let sizes = positive(named, sizes)?;
        let ratios = named.iter().zip(sizes).map(|(&axis, size)| (size, shape[axis]));
        // a / b < c / d exactly if a * d < c * b.
        let by_ratio = |x: &(usize, usize), y: &(usize, usize)| {
            (x.0 as u128 * y.1 as u128).cmp(&(y.0 as u128 * x.1 as u128))
        };
        let chosen = if largest { ratios.max_by(by_ratio) } else { ratios.min_by(by_ratio) };
        let Some((numerator, denominator)) = chosen else {
            return Ok(Vec::new());
        };
        let scale = Scale::Ratio { numerator, denominator };
        scale.check()?;
        let one = |&axis: &usize| {
            // round(input * numerator / denominator), a half up.
            let twice = 2 * shape[axis] as u128 * numerator as u128 + denominator as u128;
            let output = usize::try_from(twice / (2 * denominator as u128)).unwrap_or(usize::MAX);
            ResizeAxis::Scaled { output, scale }
        };
        Ok(named.iter().map(one).collect())
    }
}

/// `floor(input * scale)`, times the length of the region if there is one.
fn by_scale(
    axis: usize,
    input: usize,
    scale: f32,
    coordinates: &Coordinates,
) -> Result<ResizeAxis> {
    let region = match coordinates {
        Coordinates::CropAndResize { roi, .. } => {
            roi.get(axis).map_or(1.0, |(start, end)| end - start)
        }
        _ => 1.0,
    };
    let wanted = input as f32 * region as f32 * scale;
    let scale = Scale::Given(f64::from(scale));
    scale.check()?;
    // A cast saturates; what is too small or too large is refused with the axis named.
    let output = wanted.floor() as usize;
    if output == 0 {
        return Err(GeometryError::OutputSizeNotPositive { axis, got: 0 }.into());
    }
    Ok(ResizeAxis::Scaled { output, scale })
}

fn positive(named: &[usize], sizes: &[i64]) -> Result<Vec<usize>> {
    check_length("sizes", named.len(), sizes.len())?;
    let one = |(&axis, &got): (&usize, &i64)| match usize::try_from(got) {
        Ok(size) if size > 0 => Ok(size),
        _ => Err(GeometryError::OutputSizeNotPositive { axis, got }.into()),
    };
    named.iter().zip(sizes).map(one).collect()
}

fn check_length(attribute: &'static str, expected: usize, got: usize) -> Result<()> {
    if expected == got {
        return Ok(());
    }
    Err(GeometryError::AttributeLength { attribute, expected, got }.into())
}

#[cfg(test)]
mod tests {
    use super::super::resize::resize;
    use super::*;

    fn onnx(mode: OnnxMode, target: OnnxTarget) -> OnnxResize {
        OnnxResize::new(mode, Coordinates::HalfPixel, target)
    }

    fn run(op: &OnnxResize, shape: &[usize], x: &[f32]) -> Result<Vec<f64>> {
        let (method, axes) = op.resolve(shape)?;
        resize(&method, shape, &axes, x)
    }

    #[test]
    fn torch_linear_with_one_cell_is_half_pixel() {
        let method = torch(TorchMode::Linear { align_corners: false });
        assert_eq!(
            resize(&method, &[3], &[ResizeAxis::Size(1)], &[1.0f32, 5.0, 7.0]).unwrap(),
            [5.0]
        );
    }

    #[test]
    fn axes_may_come_in_any_order_and_from_the_back() {
        let x = [1.0f32, 2.0, 3.0, 4.0];
        let named = |axes, scales| OnnxResize {
            axes: Some(axes),
            ..onnx(OnnxMode::Nearest, OnnxTarget::Scales(scales))
        };
        let a = run(&named(vec![0, 1], vec![1.0, 2.0]), &[2, 2], &x).unwrap();
        let b = run(&named(vec![-1, 0], vec![2.0, 1.0]), &[2, 2], &x).unwrap();
        assert_eq!(a, [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]);
        assert_eq!(a, b);
    }

    #[test]
    fn node_test_tf_crop_and_resize_with_extrapolation() {
        // One axis of test_resize_tf_crop_and_resize_extrapolation_value.
        let roi = vec![(0.6, 1.7)];
        let op = OnnxResize {
            coordinates: Coordinates::CropAndResize { roi, extrapolation: 10.0 },
            ..onnx(OnnxMode::Linear, OnnxTarget::Sizes(vec![3]))
        };
        let y = run(&op, &[4], &[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert!((y[0] - 2.8).abs() < 1e-12);
        assert_eq!(y[1..], [10.0, 10.0]);
    }

    #[test]
    fn senseless_arguments_are_errors() {
        let x = [1.0f32, 2.0];
        let bad = |op: OnnxResize| run(&op, &[2], &x).is_err();
        let size = || OnnxTarget::Sizes(vec![2]);
        assert!(bad(onnx(OnnxMode::Linear, OnnxTarget::Sizes(vec![0]))));
        assert!(bad(onnx(OnnxMode::Linear, OnnxTarget::Sizes(vec![i64::MAX]))));
        assert!(bad(onnx(OnnxMode::Linear, OnnxTarget::Sizes(vec![1, 1]))));
        assert!(bad(onnx(OnnxMode::Linear, OnnxTarget::NotLarger(vec![i64::MAX]))));
        for scale in [0.0, -1.0, 0.4, f32::NAN, f32::INFINITY, 1e30] {
            assert!(bad(onnx(OnnxMode::Linear, OnnxTarget::Scales(vec![scale]))), "{scale}");
        }
        for axes in [vec![1], vec![-2], vec![i64::MIN], vec![0, 0]] {
            let sizes = OnnxTarget::Sizes(vec![2; axes.len()]);
            assert!(bad(OnnxResize { axes: Some(axes), ..onnx(OnnxMode::Linear, sizes) }));
        }
        assert!(bad(OnnxResize { antialias: true, ..onnx(OnnxMode::Nearest, size()) }));
        let coordinates = Coordinates::CropAndResize { roi: vec![], extrapolation: 0.0 };
        assert!(bad(OnnxResize { coordinates, ..onnx(OnnxMode::Linear, size()) }));
    }
}
