//! Where an output cell of a resize lies in the input: one formula per convention.
//!
//! A coordinate counts input cells from the centre of the first one: 0 is that centre, `n - 1` the
//! centre of the last. When sizes decide, coordinates are kept as exact fractions, so that a tie
//! between two cells is a tie and not a matter of rounding.

use upconv_geometry::GeometryError;
use upconv_geometry::limits::MAX_AXIS;

use crate::error::{KernelError, Result};

/// How output positions map to input positions. There is no default: the conventions differ by up to
/// half a cell, and every framework has its own.
///
/// `o` is the output cell, `n` and `m` are input and output cells, `scale` is `m / n`, or the number
/// that the caller gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Coordinates {
    /// `(o + 0.5) / scale - 0.5`: cells are areas. PyTorch with `align_corners=False`, TensorFlow 2,
    /// ONNX's default.
    HalfPixel,
    /// As `HalfPixel`, about the centre when a given scale does not divide the sizes: plus
    /// `n / 2 * (1 - m / (n * scale))`. ONNX.
    HalfPixelSymmetric,
    /// As `HalfPixel`, but 0 when there is one output cell: ONNX `pytorch_half_pixel`. PyTorch itself
    /// computes `HalfPixel`.
    PytorchHalfPixel,
    /// `o * (n - 1) / (m - 1)`, 0 for one output cell: the centres of the end cells stay in place.
    AlignCorners,
    /// `o / scale`: TensorFlow 1.
    Asymmetric,
    /// `start * (n - 1) + o * (end - start) * (n - 1) / (m - 1)`, the middle of the region for one
    /// output cell: ONNX `tf_crop_and_resize`.
    CropAndResize {
        /// `(start, end)` per axis of the tensor, 1 being the last centre. Not read on kept axes.
        roi: Vec<(f64, f64)>,
        /// The value of outputs that come to lie outside the input.
        extrapolation: f64,
    },
}

/// Output cells per input cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// An exact fraction: `output / input` when sizes decide.
    Ratio {
        /// Above the line, at least 1.
        numerator: usize,
        /// Below the line, at least 1.
        denominator: usize,
    },
    /// The number that the caller gave, which need not fit the sizes exactly.
    Given(f64),
}

impl Scale {
    /// As a number.
    pub fn value(self) -> f64 {
        match self {
            Self::Ratio { numerator, denominator } => numerator as f64 / denominator as f64,
            Self::Given(value) => value,
        }
    }

    /// Checks that the scale is a positive number within the limits on sizes.
    pub(super) fn check(self) -> Result<()> {
        let fits = |n: usize| (1..=MAX_AXIS as usize).contains(&n);
        let fine = match self {
            Self::Ratio { numerator, denominator } => fits(numerator) && fits(denominator),
            Self::Given(value) => (1.0 / MAX_AXIS as f64..=MAX_AXIS as f64).contains(&value),
        };
        if fine {
            return Ok(());
        }
        Err(KernelError::Unsupported {
            option: "scale",
            reason: "must be a positive number between 2^-31 and 2^31",
        })
    }
}

/// A position on an axis of the input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position(Kind);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// `numerator / denominator`; the denominator is at least 1.
    Ratio {
        numerator: i128,
        denominator: i128,
    },
    Real(f64),
}

impl Position {
    fn ratio(numerator: i128, denominator: i128) -> Self {
        Self(Kind::Ratio { numerator, denominator })
    }

    fn real(value: f64) -> Self {
        Self(Kind::Real(value))
    }

    /// As a number.
    pub fn value(self) -> f64 {
        match self.0 {
            Kind::Ratio { numerator, denominator } => numerator as f64 / denominator as f64,
            Kind::Real(value) => value,
        }
    }

    /// The largest whole number not above the position, and how far the position lies beyond it.
    ///
    /// ```
    /// use upconv_kernels::reference::resize_coordinates::{AxisSizes, Coordinates, Scale};
    /// let axis = AxisSizes::new(0, 2, 4, Scale::Ratio { numerator: 4, denominator: 2 })?;
    /// // Output 0 lies a quarter before the first centre.
    /// assert_eq!(Coordinates::HalfPixel.position(0, &axis, 0).split(), (-1, 0.75));
    /// # Ok::<(), upconv_kernels::KernelError>(())
    /// ```
    pub fn split(self) -> (i64, f64) {
        match self.0 {
            Kind::Ratio { numerator, denominator } => {
                let rest = numerator.rem_euclid(denominator);
                (clamp(numerator.div_euclid(denominator)), rest as f64 / denominator as f64)
            }
            // A cast saturates, so that a coordinate far outside stays far outside.
            Kind::Real(value) => (value.floor() as i64, value - value.floor()),
        }
    }

    /// The position moved by half a cell forwards (`1`) or backwards (`-1`).
    fn half_a_cell(self, direction: i128) -> Self {
        match self.0 {
            Kind::Ratio { numerator, denominator } => {
                Self::ratio(2 * numerator + direction * denominator, 2 * denominator)
            }
            Kind::Real(value) => Self::real(value + direction as f64 / 2.0),
        }
    }
}

fn clamp(value: i128) -> i64 {
    value.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// How a coordinate between two cells becomes one cell: ONNX's `nearest_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// To the nearest, a half down: ONNX's default.
    RoundPreferFloor,
    /// To the nearest, a half up.
    RoundPreferCeil,
    /// Down.
    Floor,
    /// Up.
    Ceil,
}

impl Rounding {
    /// The whole number for a position, not yet limited to the input.
    ///
    /// ```
    /// use upconv_kernels::reference::resize_coordinates::{AxisSizes, Coordinates, Rounding, Scale};
    /// let axis = AxisSizes::new(0, 2, 4, Scale::Ratio { numerator: 4, denominator: 2 })?;
    /// let half = Coordinates::Asymmetric.position(0, &axis, 1); // 0.5
    /// assert_eq!(Rounding::RoundPreferFloor.apply(half), 0);
    /// assert_eq!(Rounding::RoundPreferCeil.apply(half), 1);
    /// # Ok::<(), upconv_kernels::KernelError>(())
    /// ```
    pub fn apply(self, position: Position) -> i64 {
        let floor = |position: Position| position.split().0;
        let ceil = |position: Position| match position.split() {
            (whole, rest) if rest > 0.0 => whole.saturating_add(1),
            (whole, _) => whole,
        };
        match self {
            Self::RoundPreferFloor => ceil(position.half_a_cell(-1)),
            Self::RoundPreferCeil => floor(position.half_a_cell(1)),
            Self::Floor => floor(position),
            Self::Ceil => ceil(position),
        }
    }
}

/// The checked numbers of one axis that is resized.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AxisSizes {
    input: usize,
    output: usize,
    scale: Scale,
}

impl AxisSizes {
    /// `output` cells from `input` cells, at `scale` output cells per input cell.
    ///
    /// # Errors
    /// A size below 1 or above the limits (of axis number `axis`); a scale that is no positive number.
    pub fn new(axis: usize, input: usize, output: usize, scale: Scale) -> Result<Self> {
        if input == 0 {
            return Err(GeometryError::InputEmpty { axis, got: 0 }.into());
        }
        if output == 0 {
            return Err(GeometryError::OutputSizeNotPositive { axis, got: 0 }.into());
        }
        for (what, size) in [("input", input), ("output", output)] {
            if size > MAX_AXIS as usize {
                let (axis, got, limit) = (Some(axis), size as i128, MAX_AXIS);
                return Err(GeometryError::SizeLimit { what, axis, got, limit }.into());
            }
        }
        scale.check()?;
        Ok(Self { input, output, scale })
    }

    /// Input cells.
    pub fn input(&self) -> usize {
        self.input
    }

    /// Output cells.
    pub fn output(&self) -> usize {
        self.output
    }

    /// Output cells per input cell.
    pub fn scale(&self) -> Scale {
        self.scale
    }
}

impl Coordinates {
    /// Where output cell `o` of axis number `axis` of the tensor lies in the input.
    ///
    /// A given scale makes the wanted length `input * scale` a fraction; as in ONNX's node tests,
    /// `AlignCorners` then counts with that fraction and not with the whole number of output cells.
    ///
    /// # Source
    /// ONNX operator `Resize`, opset 19.
    ///
    /// ```
    /// use upconv_kernels::reference::resize_coordinates::{AxisSizes, Coordinates, Scale};
    /// let axis = AxisSizes::new(0, 2, 4, Scale::Ratio { numerator: 4, denominator: 2 })?;
    /// let at = |c: Coordinates| [0, 1, 2, 3].map(|o| c.position(0, &axis, o).value());
    /// assert_eq!(at(Coordinates::HalfPixel), [-0.25, 0.25, 0.75, 1.25]);
    /// assert_eq!(at(Coordinates::Asymmetric), [0.0, 0.5, 1.0, 1.5]);
    /// assert_eq!(at(Coordinates::AlignCorners), [0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0]);
    /// # Ok::<(), upconv_kernels::KernelError>(())
    /// ```
    pub fn position(&self, axis: usize, sizes: &AxisSizes, o: usize) -> Position {
        match self {
            Self::HalfPixel => half_pixel(sizes, o),
            Self::HalfPixelSymmetric => match sizes.scale {
                Scale::Ratio { .. } => half_pixel(sizes, o),
                Scale::Given(scale) => {
                    let wanted = sizes.input as f64 * scale;
                    let centre = sizes.input as f64 / 2.0;
                    let offset = centre * (1.0 - sizes.output as f64 / wanted);
                    Position::real(offset + half_pixel(sizes, o).value())
                }
            },
            Self::PytorchHalfPixel if sizes.output == 1 => Position::ratio(0, 1),
            Self::PytorchHalfPixel => half_pixel(sizes, o),
            Self::AlignCorners => align_corners(sizes, o),
            Self::Asymmetric => match sizes.scale {
                Scale::Ratio { numerator, denominator } => {
                    Position::ratio(o as i128 * denominator as i128, numerator as i128)
                }
                Scale::Given(scale) => Position::real(o as f64 / scale),
            },
            Self::CropAndResize { roi, .. } => {
                let (start, end) = roi.get(axis).copied().unwrap_or((0.0, 1.0));
                let last = (sizes.input - 1) as f64;
                Position::real(if sizes.output > 1 {
                    let step = o as f64 * (end - start) * last / (sizes.output - 1) as f64;
                    start * last + step
                } else {
                    0.5 * (start + end) * last
                })
            }
        }
    }
}

fn half_pixel(sizes: &AxisSizes, o: usize) -> Position {
    match sizes.scale {
        // (o + 1/2) * d / n - 1/2, brought over 2n.
        Scale::Ratio { numerator, denominator } => {
            let (n, d) = (numerator as i128, denominator as i128);
            Position::ratio((2 * o as i128 + 1) * d - n, 2 * n)
        }
        Scale::Given(scale) => Position::real((o as f64 + 0.5) / scale - 0.5),
    }
}

fn align_corners(sizes: &AxisSizes, o: usize) -> Position {
    let origin = Position::ratio(0, 1);
    let (n, o) = (sizes.input as i128, o as i128);
    match sizes.scale {
        Scale::Ratio { numerator, denominator } => {
            // The wanted length is n * numerator / denominator.
            let gaps = n * numerator as i128 - denominator as i128;
            if gaps <= 0 || o == 0 {
                return origin;
            }
            Position::ratio(o * (n - 1) * denominator as i128, gaps)
        }
        Scale::Given(scale) => {
            let gaps = sizes.input as f64 * scale - 1.0;
            if gaps <= 0.0 || o == 0 {
                return origin;
            }
            Position::real(o as f64 * (sizes.input - 1) as f64 / gaps)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sized(input: usize, output: usize) -> AxisSizes {
        let scale = Scale::Ratio { numerator: output, denominator: input };
        AxisSizes::new(0, input, output, scale).unwrap()
    }

    fn at(coordinates: Coordinates, sizes: AxisSizes, o: usize) -> f64 {
        coordinates.position(0, &sizes, o).value()
    }

    #[test]
    fn one_output_cell_is_where_the_conventions_differ_most() {
        let one = sized(5, 1);
        assert_eq!(at(Coordinates::HalfPixel, one, 0), 2.0);
        assert_eq!(at(Coordinates::PytorchHalfPixel, one, 0), 0.0);
        assert_eq!(at(Coordinates::AlignCorners, one, 0), 0.0);
        assert_eq!(at(Coordinates::Asymmetric, one, 0), 0.0);
        let crop = Coordinates::CropAndResize { roi: vec![(0.25, 0.75)], extrapolation: 0.0 };
        assert_eq!(at(crop, one, 0), 2.0);
    }

    #[test]
    fn pytorch_half_pixel_is_half_pixel_from_two_cells_on() {
        for o in 0..2 {
            let half = at(Coordinates::HalfPixel, sized(5, 2), o);
            assert_eq!(at(Coordinates::PytorchHalfPixel, sized(5, 2), o), half);
        }
    }

    #[test]
    fn a_given_scale_is_used_as_it_is() {
        // 4 * 0.6 = 2.4 cells, of which 2 are computed.
        let sizes = AxisSizes::new(0, 4, 2, Scale::Given(0.6)).unwrap();
        assert!((at(Coordinates::HalfPixel, sizes, 1) - 2.0).abs() < 1e-12);
        assert!((at(Coordinates::AlignCorners, sizes, 1) - 3.0 / 1.4).abs() < 1e-12);
        assert!((at(Coordinates::Asymmetric, sizes, 1) - 1.0 / 0.6).abs() < 1e-12);
        // Symmetric: both output cells lie equally far from the centre, 1.5.
        let [a, b] = [0, 1].map(|o| at(Coordinates::HalfPixelSymmetric, sizes, o));
        assert!((a + b - 3.0).abs() < 1e-12 && (b - a - 1.0 / 0.6).abs() < 1e-12);
    }

    #[test]
    fn a_region_may_leave_the_input() {
        let crop = Coordinates::CropAndResize { roi: vec![(0.5, 1.5)], extrapolation: 0.0 };
        assert_eq!([0, 1, 2].map(|o| at(crop.clone(), sized(3, 3), o)), [1.0, 2.0, 3.0]);
    }

    #[test]
    fn ties_are_exact() {
        // Output 1 of 3 -> 9 by asymmetric is 1/3; output 3 is exactly 1, which floating point misses
        // for some sizes (3 * (7 / 21)).
        let third = Coordinates::Asymmetric.position(0, &sized(7, 21), 3);
        assert_eq!(Rounding::Floor.apply(third), 1);
        assert_eq!(Rounding::Ceil.apply(third), 1);
        for (rounding, want) in [
            (Rounding::RoundPreferFloor, -2),
            (Rounding::RoundPreferCeil, -1),
            (Rounding::Floor, -2),
            (Rounding::Ceil, -1),
        ] {
            assert_eq!(rounding.apply(Position::ratio(-3, 2)), want);
            assert_eq!(rounding.apply(Position::real(-1.5)), want);
        }
    }

    #[test]
    fn senseless_scales_are_refused() {
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300, 1e300] {
            assert!(Scale::Given(value).check().is_err(), "{value}");
        }
        assert!(Scale::Ratio { numerator: 0, denominator: 1 }.check().is_err());
        assert!(Scale::Ratio { numerator: 1, denominator: 0 }.check().is_err());
    }
}
