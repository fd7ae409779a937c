//! Resizing: nearest, linear and cubic, in every framework's convention.
//!
//! A tensor of any rank is resized one axis after the other, as all these methods are separable. What
//! the frameworks disagree about is named: [`Coordinates`](super::resize_coordinates::Coordinates) must
//! be chosen, and [`super::resize_dialects`] holds each framework's choice.

use upconv_geometry::{GeometryError, limits};

use super::resize_coordinates::{AxisSizes, Scale};
use super::resize_method::{Method, Tap};
use crate::error::{Result, check_len};

/// What becomes of one axis of the tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ResizeAxis {
    /// It stays as it is: batch and channels.
    Keep,
    /// It gets so many cells; the scale is `output / input`.
    Size(usize),
    /// It gets so many cells, at a scale that need not be `output / input` exactly.
    Scaled {
        /// Output cells.
        output: usize,
        /// Output cells per input cell.
        scale: Scale,
    },
}

impl ResizeAxis {
    /// `floor(input * scale)` cells at a given scale, as PyTorch computes them (in f64).
    ///
    /// # Errors
    /// A scale that is no positive number, or leaves no cell.
    ///
    /// ```
    /// use upconv_kernels::reference::resize::ResizeAxis;
    /// assert!(matches!(ResizeAxis::by(0, 5, 1.5)?, ResizeAxis::Scaled { output: 7, .. }));
    /// # Ok::<(), upconv_kernels::KernelError>(())
    /// ```
    pub fn by(axis: usize, input: usize, scale: f64) -> Result<Self> {
        let scale = Scale::Given(scale);
        scale.check()?;
        // A cast saturates; AxisSizes refuses what is too large.
        let output = (input as f64 * scale.value()).floor() as usize;
        AxisSizes::new(axis, input, output, scale)?;
        Ok(Self::Scaled { output, scale })
    }

    /// The numbers of this axis if it is resized.
    fn sizes(self, axis: usize, input: usize) -> Result<Option<AxisSizes>> {
        let (output, scale) = match self {
            Self::Keep => return Ok(None),
            Self::Size(output) => (output, Scale::Ratio { numerator: output, denominator: input }),
            Self::Scaled { output, scale } => (output, scale),
        };
        AxisSizes::new(axis, input, output, scale).map(Some)
    }
}

/// Shape after a resize.
///
/// # Errors
/// As [`resize`], but for the buffer.
///
/// ```
/// use upconv_kernels::reference::resize::{ResizeAxis, resized_shape};
/// let axes = [ResizeAxis::Keep, ResizeAxis::Keep, ResizeAxis::Size(7)];
/// assert_eq!(resized_shape(&[2, 3, 4], &axes)?, [2, 3, 7]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn resized_shape(shape: &[usize], axes: &[ResizeAxis]) -> Result<Vec<usize>> {
    if axes.len() != shape.len() {
        let (attribute, expected, got) = ("axes", shape.len(), axes.len());
        return Err(GeometryError::AttributeLength { attribute, expected, got }.into());
    }
    limits::cells("x", shape)?;
    let mut resized = Vec::new();
    for (number, (axis, &input)) in axes.iter().zip(shape).enumerate() {
        resized.push(axis.sizes(number, input)?.map_or(input, |sizes| sizes.output()));
    }
    limits::cells("output", &resized)?;
    Ok(resized)
}

/// Resizes a tensor of any rank, row-major; `axes` has one entry per axis.
///
/// Nearest values are copies, exactly equal to input values. Weights that are zero are not used, so
/// that an infinite neighbour does not turn a copied value into NaN.
///
/// # Shapes
/// `x: shape -> resized_shape(shape, axes)`, for example `[n, c, h, w] -> [n, c, oh, ow]` with two
/// [`ResizeAxis::Keep`] in front.
///
/// # Errors
/// A size below 1 or above the limits; a scale, region or coefficient that is no sensible number;
/// `axes` or a buffer of the wrong length.
///
/// # Source
/// ONNX operator `Resize` (opset 19), PyTorch 2.8 `interpolate`, TensorFlow 2.21 `ResizeBilinear`,
/// `ResizeNearestNeighbor`, `ResizeBicubic` (whose table of 1024 weights is not copied); R. Keys, "Cubic
/// convolution interpolation for digital image processing", 1981.
///
/// ```
/// use upconv_kernels::reference::resize::{ResizeAxis, resize};
/// use upconv_kernels::reference::resize_method::{Filter, Method};
/// use upconv_kernels::reference::resize_coordinates::Coordinates;
/// let twice = |coordinates| {
///     resize(&Method::Linear(Filter::plain(coordinates)), &[2], &[ResizeAxis::Size(4)], &[0.0, 4.0f32])
/// };
/// assert_eq!(twice(Coordinates::HalfPixel)?, [0.0, 1.0, 3.0, 4.0]);
/// assert_eq!(twice(Coordinates::Asymmetric)?, [0.0, 2.0, 4.0, 4.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn resize<T: Copy + Into<f64>>(
    method: &Method,
    shape: &[usize],
    axes: &[ResizeAxis],
    x: &[T],
) -> Result<Vec<f64>> {
    method.check(axes)?;
    let resized = resized_shape(shape, axes)?;
    check_len("x", x, shape)?;
    // A size of 0 beside others of any size must not make us work through these.
    if x.is_empty() {
        return Ok(Vec::new());
    }
    let mut shape = shape.to_vec();
    let mut data: Vec<f64> = x.iter().map(|&value| value.into()).collect();
    let mut outside: Vec<Vec<bool>> = resized.iter().map(|&size| vec![false; size]).collect();
    for (number, axis) in axes.iter().enumerate() {
        let Some(sizes) = axis.sizes(number, shape[number])? else {
            continue;
        };
        let taps: Vec<Vec<Tap>> =
            (0..sizes.output()).map(|o| method.taps(number, &sizes, o)).collect();
        for (o, flag) in outside[number].iter_mut().enumerate() {
            *flag = method.outside(number, &sizes, o);
        }
        data = along_axis(&data, &shape, number, &taps)?;
        shape[number] = sizes.output();
    }
    if let Some(value) = method.extrapolation() {
        for (flat, y) in data.iter_mut().enumerate() {
            let position = super::index::unravel(flat, &shape);
            if position.iter().zip(&outside).any(|(&o, flags)| flags[o]) {
                *y = value;
            }
        }
    }
    Ok(data)
}

/// Weighted sums along axis `axis`; `taps` has one entry per output cell.
fn along_axis(data: &[f64], shape: &[usize], axis: usize, taps: &[Vec<Tap>]) -> Result<Vec<f64>> {
    let mut resized = shape.to_vec();
    resized[axis] = taps.len();
    let mut y = vec![0.0; limits::cells("resized along one axis", &resized)?];
    let inner: usize = shape[axis + 1..].iter().product();
    let outer: usize = shape[..axis].iter().product();
    for row in 0..outer {
        for (o, taps) in taps.iter().enumerate() {
            for column in 0..inner {
                let value = |tap: &Tap| data[(row * shape[axis] + tap.cell) * inner + column];
                y[(row * resized[axis] + o) * inner + column] =
                    taps.iter().map(|tap| tap.weight * value(tap)).sum();
            }
        }
    }
    Ok(y)
}

#[cfg(test)]
mod tests {
    use super::super::resize_coordinates::{Coordinates, Rounding};
    use super::super::resize_method::{Filter, NearestF32};
    use super::*;

    const SIZES: [ResizeAxis; 2] = [ResizeAxis::Size(5), ResizeAxis::Size(7)];

    fn linear(coordinates: Coordinates) -> Method {
        Method::Linear(Filter::plain(coordinates))
    }

    fn all_methods() -> Vec<Method> {
        let half = || Coordinates::HalfPixel;
        let filter =
            |exclude_outside, antialias| Filter { coordinates: half(), exclude_outside, antialias };
        vec![
            Method::Nearest { coordinates: half(), rounding: Rounding::Floor },
            Method::NearestF32(NearestF32::Scaled),
            Method::NearestF32(NearestF32::Centred),
            Method::NearestF32(NearestF32::Aligned),
            Method::Linear(filter(false, false)),
            Method::Linear(filter(true, true)),
            Method::Cubic { a: -0.5, filter: filter(true, false) },
            Method::Cubic { a: -0.75, filter: filter(false, true) },
        ]
    }

    #[test]
    fn constants_stay_constant() {
        for method in all_methods() {
            for value in resize(&method, &[9, 3], &SIZES, &[2.5f32; 27]).unwrap() {
                assert!((value - 2.5).abs() < 1e-12, "{method:?} gives {value}");
            }
        }
    }

    #[test]
    fn the_same_size_changes_nothing() {
        let x: Vec<f32> = (0..35).map(|i| (i * i % 11) as f32).collect();
        let want: Vec<f64> = x.iter().map(|&v| v.into()).collect();
        for method in all_methods() {
            assert_eq!(resize(&method, &[5, 7], &SIZES, &x).unwrap(), want, "{method:?}");
        }
    }

    #[test]
    fn outside_of_a_region_is_the_extrapolation_value() {
        let roi = vec![(0.0, 1.0), (0.5, 1.5)];
        let crop = Coordinates::CropAndResize { roi, extrapolation: 9.0 };
        let axes = [ResizeAxis::Keep, ResizeAxis::Size(3)];
        let y = resize(&linear(crop), &[2, 3], &axes, &[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!(y, [1.0, 2.0, 9.0, 4.0, 5.0, 9.0]);
    }

    #[test]
    fn bad_arguments_are_errors() {
        let method = linear(Coordinates::HalfPixel);
        let x = [1.0f32, 2.0];
        let with = |axes: &[ResizeAxis]| resize(&method, &[2], axes, &x);
        assert!(with(&[]).is_err());
        assert!(with(&[ResizeAxis::Size(0)]).is_err());
        assert!(with(&[ResizeAxis::Size(1 << 31)]).is_err());
        assert!(with(&[ResizeAxis::Scaled { output: 2, scale: Scale::Given(f64::NAN) }]).is_err());
        assert!(resize(&method, &[3], &[ResizeAxis::Size(2)], &x).is_err());
        assert!(resize(&method, &[0], &[ResizeAxis::Size(2)], &[0.0f32; 0]).is_err());
        assert!(ResizeAxis::by(0, 2, 0.3).is_err());
        assert!(ResizeAxis::by(0, 2, -1.0).is_err());
        let crop = |roi| linear(Coordinates::CropAndResize { roi, extrapolation: 0.0 });
        let size = [ResizeAxis::Size(2)];
        assert!(resize(&crop(vec![]), &[2], &size, &x).is_err());
        assert!(resize(&crop(vec![(f64::NAN, 1.0)]), &[2], &size, &x).is_err());
        let cubic = Method::Cubic { a: f64::NAN, filter: Filter::plain(Coordinates::HalfPixel) };
        assert!(resize(&cubic, &[2], &size, &x).is_err());
        let kept = [ResizeAxis::Keep, ResizeAxis::Keep, size[0]];
        assert!(resize(&method, &[1 << 60, 0, 2], &kept, &[0.0f32; 0]).unwrap().is_empty());
        assert_eq!(
            resize(&method, &[0, 2], &[ResizeAxis::Keep, size[0]], &[0.0f32; 0]).unwrap(),
            []
        );
    }
}
