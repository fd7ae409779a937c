//! How output values of a resize come from input values: which cells, with which weights.
//!
//! All methods are separable, so that this is about one axis at a time.

use upconv_geometry::GeometryError;

use super::resize::ResizeAxis;
use super::resize_coordinates::{AxisSizes, Coordinates, Rounding, Scale};
use crate::error::{KernelError, Result};

/// How output values come from input values.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// One input cell, found by rounding an exact coordinate: ONNX.
    Nearest {
        /// Where an output cell lies.
        coordinates: Coordinates,
        /// Which input cell that is.
        rounding: Rounding,
    },
    /// One input cell, found by PyTorch's or TensorFlow's own rule in single precision.
    NearestF32(NearestF32),
    /// Between two input cells per axis.
    Linear(Filter),
    /// Among four input cells per axis.
    Cubic {
        /// Keys's coefficient: -0.75 in PyTorch, -0.5 in TensorFlow 2.
        a: f64,
        /// Coordinates and borders.
        filter: Filter,
    },
}

/// The nearest cell as PyTorch and TensorFlow find it: in f32, where a tie may fall to either side.
/// With `scale = input / output` as an f32, `o` the output cell:
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NearestF32 {
    /// `floor(o * scale)`: PyTorch `nearest`, TensorFlow 1.
    Scaled,
    /// `floor((o + 0.5) * scale)`: PyTorch `nearest-exact`, TensorFlow `half_pixel_centers`.
    Centred,
    /// `o * (input - 1) / (output - 1)`, a half away from zero: TensorFlow `align_corners`.
    Aligned,
}

/// What linear and cubic share.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// Where an output cell lies.
    pub coordinates: Coordinates,
    /// Whether cells outside the input are left out and the other weights made up to 1. Otherwise the
    /// border cell stands for them.
    pub exclude_outside: bool,
    /// Whether the filter is stretched over `1 / scale` cells when the scale is below 1.
    pub antialias: bool,
}

impl Filter {
    /// Neither `exclude_outside` nor `antialias`.
    pub fn plain(coordinates: Coordinates) -> Self {
        Self { coordinates, exclude_outside: false, antialias: false }
    }
}

/// One input cell and its weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tap {
    pub(super) cell: usize,
    pub(super) weight: f64,
}

impl Method {
    fn coordinates(&self) -> Option<&Coordinates> {
        match self {
            Self::Nearest { coordinates, .. } => Some(coordinates),
            Self::NearestF32(_) => None,
            Self::Linear(filter) | Self::Cubic { filter, .. } => Some(&filter.coordinates),
        }
    }

    /// Whether all numbers are sensible for so many axes.
    pub(super) fn check(&self, axes: &[ResizeAxis]) -> Result<()> {
        let refuse = |option, reason| Err(KernelError::Unsupported { option, reason });
        if let Some(Coordinates::CropAndResize { roi, .. }) = self.coordinates() {
            if roi.len() != axes.len() {
                let (attribute, expected, got) = ("roi", axes.len(), roi.len());
                return Err(GeometryError::AttributeLength { attribute, expected, got }.into());
            }
            if !roi.iter().all(|(start, end)| start.is_finite() && end.is_finite()) {
                return refuse("roi", "must consist of finite numbers");
            }
        }
        match self {
            Self::Cubic { a, .. } if !a.is_finite() => refuse("a", "must be a finite number"),
            _ => Ok(()),
        }
    }

    /// The value of outputs outside the input, if these can lie there.
    pub(super) fn extrapolation(&self) -> Option<f64> {
        match self.coordinates() {
            Some(Coordinates::CropAndResize { extrapolation, .. }) => Some(*extrapolation),
            _ => None,
        }
    }

    /// Whether output cell `o` lies outside the input, which only a region can cause.
    pub(super) fn outside(&self, axis: usize, sizes: &AxisSizes, o: usize) -> bool {
        match self.coordinates() {
            Some(crop @ Coordinates::CropAndResize { .. }) => {
                let at = crop.position(axis, sizes, o).value();
                !(0.0..=(sizes.input() - 1) as f64).contains(&at)
            }
            _ => false,
        }
    }

    /// The input cells of output cell `o`, with non-zero weights.
    pub(super) fn taps(&self, axis: usize, sizes: &AxisSizes, o: usize) -> Vec<Tap> {
        let last = sizes.input() as i64 - 1;
        let single = |cell: i64| vec![Tap { cell: cell.clamp(0, last) as usize, weight: 1.0 }];
        match self {
            Self::Nearest { coordinates, rounding } => {
                single(rounding.apply(coordinates.position(axis, sizes, o)))
            }
            Self::NearestF32(rule) => single(rule.cell(sizes, o)),
            Self::Linear(filter) => {
                filter.taps(axis, sizes, o, 1, |t: f64| (1.0 - t.abs()).max(0.0))
            }
            Self::Cubic { a, filter } => filter.taps(axis, sizes, o, 2, |t| keys(*a, t)),
        }
    }
}

impl NearestF32 {
    /// The input cell of output cell `o`, not yet limited to the input. Casts to f32 round, as theirs.
    fn cell(self, sizes: &AxisSizes, o: usize) -> i64 {
        let scale = match sizes.scale() {
            Scale::Ratio { numerator, denominator } => denominator as f32 / numerator as f32,
            Scale::Given(scale) => (1.0 / scale) as f32,
        };
        let o = o as f32;
        let cell = match self {
            Self::Scaled => (o * scale).floor(),
            Self::Centred => ((o + 0.5) * scale).floor(),
            Self::Aligned if sizes.output() > 1 => {
                let scale = (sizes.input() - 1) as f32 / (sizes.output() - 1) as f32;
                (o * scale).round()
            }
            Self::Aligned => (o * scale).round(),
        };
        cell as i64
    }
}

impl Filter {
    /// The cells within `radius` of the position, weighted by `kernel` of their distance; with
    /// antialiasing, distance and radius are measured in output cells when these are the larger ones.
    ///
    /// For a position `base + t` with `0 <= t < 1`, the cells `base + i` with `|i - t| * shrink <
    /// radius` are among `i = floor(-radius / shrink) + 1 ..= -floor(-radius / shrink)`.
    fn taps(
        &self,
        axis: usize,
        sizes: &AxisSizes,
        o: usize,
        radius: i64,
        kernel: impl Fn(f64) -> f64,
    ) -> Vec<Tap> {
        let (base, t) = self.coordinates.position(axis, sizes, o).split();
        let shrink = if self.antialias { sizes.scale().value().min(1.0) } else { 1.0 };
        let first = (-radius as f64 / shrink).floor() as i64 + 1;
        let last = sizes.input() as i64 - 1;
        let mut taps = Vec::new();
        for i in first..=1 - first {
            let weight = kernel((i as f64 - t) * shrink);
            let cell = base.saturating_add(i);
            if weight == 0.0 || (self.exclude_outside && !(0..=last).contains(&cell)) {
                continue;
            }
            taps.push(Tap { cell: cell.clamp(0, last) as usize, weight });
        }
        if self.antialias || self.exclude_outside {
            let sum: f64 = taps.iter().map(|tap| tap.weight).sum();
            taps.iter_mut().for_each(|tap| tap.weight /= sum);
        }
        taps
    }
}

/// Keys's cubic kernel: 1 at 0, 0 at all other whole numbers, 0 from 2 on.
fn keys(a: f64, t: f64) -> f64 {
    let t = t.abs();
    if t <= 1.0 {
        ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0
    } else if t < 2.0 {
        ((a * t - 5.0 * a) * t + 8.0 * a) * t - 4.0 * a
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::resize::resize;
    use super::*;

    fn linear(coordinates: Coordinates) -> Method {
        Method::Linear(Filter::plain(coordinates))
    }

    #[test]
    fn tensorflow_rounds_an_aligned_half_away_from_zero() {
        // 0, 0.5, 1: the half goes up.
        let method = Method::NearestF32(NearestF32::Aligned);
        let y = resize(&method, &[2], &[ResizeAxis::Size(3)], &[10.0f32, 20.0]).unwrap();
        assert_eq!(y, [10.0, 20.0, 20.0]);
    }

    #[test]
    fn single_precision_decides_a_tie_as_the_frameworks_do() {
        // 28 of 58 cells is 28 * 30 / 58 = 14.48...; 29 is exactly 15, but 29 * f32(30 / 58) is less.
        let x: Vec<f32> = (0..30).map(|i| i as f32).collect();
        let y = resize(&Method::NearestF32(NearestF32::Scaled), &[30], &[ResizeAxis::Size(58)], &x);
        assert_eq!(y.unwrap()[29], 14.0);
        let exact =
            Method::Nearest { coordinates: Coordinates::Asymmetric, rounding: Rounding::Floor };
        assert_eq!(resize(&exact, &[30], &[ResizeAxis::Size(58)], &x).unwrap()[29], 15.0);
    }

    #[test]
    fn cubic_weights_of_the_middle() {
        // At 1/2 with a = -0.75: -3/32, 19/32, 19/32, -3/32.
        let cubic = Method::Cubic { a: -0.75, filter: Filter::plain(Coordinates::HalfPixel) };
        let y = resize(&cubic, &[4], &[ResizeAxis::Size(1)], &[32.0f32, 64.0, 0.0, 0.0]).unwrap();
        assert_eq!(y, [-3.0 + 2.0 * 19.0]);
    }

    #[test]
    fn antialias_averages_what_it_shrinks() {
        // 4 -> 2: each output sees triangle weights 1, 3, 3, 1 over 8; the border cell also stands for
        // the one outside.
        let filter =
            Filter { coordinates: Coordinates::HalfPixel, exclude_outside: false, antialias: true };
        let shrink = |filter: &Filter| {
            let x = [8.0f32, 0.0, 0.0, 16.0];
            resize(&Method::Linear(filter.clone()), &[4], &[ResizeAxis::Size(2)], &x).unwrap()
        };
        assert_eq!(shrink(&filter), [4.0, 8.0]);
        // Left out, its weight is shared among the other three: 3, 3, 1 over 7.
        let inside = Filter { exclude_outside: true, ..filter };
        assert!((shrink(&inside)[0] - 24.0 / 7.0).abs() < 1e-12);
    }

    #[test]
    fn an_unused_neighbour_may_be_infinite() {
        let method = linear(Coordinates::AlignCorners);
        let y = resize(&method, &[2], &[ResizeAxis::Size(2)], &[1.0, f32::INFINITY]).unwrap();
        assert_eq!(y, [1.0, f64::INFINITY]);
    }
}
