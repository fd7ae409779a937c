//! A workload: one convolution or transposed convolution by its numbers.

use serde::Deserialize;
use upconv_geometry::dialect::pytorch::ConvTranspose;
use upconv_geometry::{
    Axis, Channels, ConvShape, ConvTransposeShape, Dialect, GeometryError, Padding,
};

/// The operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Kind {
    #[serde(rename = "tconv")]
    Transposed,
    #[serde(rename = "conv")]
    Forward,
}

impl Kind {
    /// The word in JSON and in shapes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Transposed => "tconv",
            Self::Forward => "conv",
        }
    }
}

/// What the weights hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Weights {
    /// Values that look random.
    #[default]
    Random,
    /// The tent of bilinear upsampling, on the diagonal or on every channel.
    Bilinear,
}

/// PyTorch's words for one operation; lists hold one number per axis, and an empty one is the default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Workload {
    pub(crate) kind: Kind,
    #[serde(default = "one")]
    pub(crate) batch: usize,
    #[serde(rename = "cin")]
    pub(crate) in_channels: usize,
    #[serde(rename = "cout")]
    pub(crate) out_channels: usize,
    pub(crate) input: Vec<usize>,
    pub(crate) kernel: Vec<usize>,
    #[serde(default)]
    pub(crate) stride: Vec<i64>,
    #[serde(default)]
    pub(crate) padding: Vec<i64>,
    #[serde(default)]
    pub(crate) output_padding: Vec<i64>,
    #[serde(default)]
    pub(crate) dilation: Vec<i64>,
    #[serde(default = "one")]
    pub(crate) groups: usize,
    #[serde(default)]
    pub(crate) bias: bool,
    #[serde(default)]
    pub(crate) weights: Weights,
}

fn one() -> usize {
    1
}

impl Workload {
    /// Checks the numbers by PyTorch's rules.
    ///
    /// # Errors
    /// What PyTorch refuses; a tensor above the limits.
    pub(crate) fn shape(&self) -> Result<Shape, GeometryError> {
        let &Self { batch, in_channels, out_channels, groups, .. } = self;
        let channels = Channels { batch, in_channels, out_channels, groups };
        match self.kind {
            Kind::Transposed => {
                let op = ConvTranspose {
                    stride: self.stride.clone(),
                    padding: self.padding.clone(),
                    output_padding: self.output_padding.clone(),
                    dilation: self.dilation.clone(),
                    ..Default::default()
                };
                let axes = op.axes(&self.input, &self.kernel)?;
                ConvTransposeShape::new(channels, axes).map(Shape::Transposed)
            }
            Kind::Forward => {
                let padding = match self.padding.as_slice() {
                    [] => Padding::Valid,
                    pads => Padding::Pads(pads.iter().map(|&pad| (pad, pad)).collect()),
                };
                let (stride, dilation) = (&self.stride, &self.dilation);
                let axes = Dialect::Pytorch.conv_axes(
                    &self.input,
                    &self.kernel,
                    stride,
                    dilation,
                    &padding,
                )?;
                ConvShape::new(channels, axes).map(Shape::Forward)
            }
        }
    }
}

/// Checked sizes of either operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Transposed(ConvTransposeShape),
    Forward(ConvShape),
}

impl Shape {
    /// Shape of the input, `[n, c, spatial...]`.
    pub(crate) fn x(&self) -> Vec<usize> {
        match self {
            Self::Transposed(shape) => shape.x(),
            Self::Forward(shape) => shape.x(),
        }
    }

    /// Shape of the weight.
    pub(crate) fn weight(&self) -> Vec<usize> {
        match self {
            Self::Transposed(shape) => shape.weight(),
            Self::Forward(shape) => shape.weight(),
        }
    }

    /// Shape of the output, `[n, c, spatial...]`.
    pub(crate) fn y(&self) -> Vec<usize> {
        match self {
            Self::Transposed(shape) => shape.y(),
            Self::Forward(shape) => shape.y(),
        }
    }

    /// Floating-point operations of one forward pass, two for each useful multiply-add: one that lands
    /// inside the output of a transposed convolution, or reads the real input of a convolution and
    /// not its zero padding. Bias and activation do not count.
    pub(crate) fn flops(&self) -> u128 {
        let (axes, channels): (Vec<Axis>, _) = match self {
            Self::Transposed(s) => {
                (s.axes().to_vec(), (s.batch(), s.in_channels(), s.out_channels(), s.groups()))
            }
            // The pairs of a convolution are those of its adjoint.
            Self::Forward(s) => (
                s.axes().iter().map(|axis| *axis.transposed()).collect(),
                (s.batch(), s.in_channels(), s.out_channels(), s.groups()),
            ),
        };
        let (batch, in_channels, out_channels, groups) = channels;
        let all = [batch, in_channels, out_channels / groups.max(1)];
        let pairs = axes.iter().map(pairs).chain(all.map(|n| n as u128));
        pairs.fold(2, u128::saturating_mul)
    }
}

/// Pairs of input cell and tap that land in the kept window: for tap `j` the inputs `i` with
/// `0 <= i * stride + j * dilation - window_begin < output`.
fn pairs(axis: &Axis) -> u128 {
    let (stride, begin) = (axis.stride() as i128, i128::from(axis.window_begin()));
    let (input, output) = (axis.input() as i128, axis.output() as i128);
    // Least i with i * stride >= low, kept to 0..=input.
    let first = |low: i128| (low + stride - 1).div_euclid(stride).clamp(0, input);
    let of_tap = |tap: usize| {
        let low = begin - tap as i128 * axis.dilation() as i128;
        (first(low + output) - first(low)).max(0).unsigned_abs()
    };
    (0..axis.kernel()).map(of_tap).sum()
}
