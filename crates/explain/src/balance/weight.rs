//! A weight with what its numbers mean: channels, axes, and the phase of every tap.

use upconv_geometry::limits::cells;
use upconv_geometry::{Axis, AxisParams, Dialect};

use super::error::BalanceError;

/// Most phases of all axes together: a stride of 64 in two dimensions.
pub const MAX_PHASES: usize = 1 << 12;
/// Most responses, which is phases times output channels.
const MAX_RESPONSES: usize = 1 << 24;
/// Larger numbers are refused: squares of them must stay far from the end of F64.
const LARGEST: f64 = 1e100;

/// The weight of one transposed convolution without dilation.
///
/// # Shapes
/// `values: [in, out / groups, kernel...]`, row-major, 1 to 3 spatial axes; `bias: [out]`.
///
/// ```
/// use upconv_explain::{Balance, TransposedWeight};
/// // Depthwise: two channels in two groups, kernel 2, stride 2, one tap for each phase.
/// let weight = TransposedWeight {
///     values: &[1.0f32, 1.0, 1.0, 3.0], shape: &[2, 1, 2], stride: &[2], groups: 2,
///     bias: Some(&[0.0, 0.5]),
/// };
/// assert_eq!(Balance::of(&weight).unwrap().response(1), Some(&[1.0, 3.0][..]));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TransposedWeight<'a, T> {
    /// The numbers.
    pub values: &'a [T],
    /// `[in, out / groups, kernel...]`.
    pub shape: &'a [usize],
    /// Per spatial axis.
    pub stride: &'a [usize],
    /// Groups; 1 for none.
    pub groups: usize,
    /// One number for each output channel.
    pub bias: Option<&'a [T]>,
}

/// The order in which a dialect's weight has its axes: axis `i` of `[in, out / groups, kernel...]` is axis
/// `weight_axes(dialect, n)[i]` of the file, with `n` spatial axes.
///
/// # Source
/// TensorFlow and Keras: `[kernel..., out, in]`; TFLite: `[out, kernel..., in]`; all others as here.
///
/// ```
/// use upconv_explain::weight_axes;
/// use upconv_geometry::Dialect;
/// // [kh, kw, out, in]: input channels are the last axis, output channels the one before it.
/// assert_eq!(weight_axes(Dialect::Tensorflow, 2), [3, 2, 0, 1]);
/// assert_eq!(weight_axes(Dialect::Tflite, 2), [3, 0, 1, 2]);
/// assert_eq!(weight_axes(Dialect::Pytorch, 2), [0, 1, 2, 3]);
/// ```
pub fn weight_axes(dialect: Dialect, spatial: usize) -> Vec<usize> {
    match dialect {
        Dialect::Tensorflow | Dialect::Keras => {
            [spatial + 1, spatial].into_iter().chain(0..spatial).collect()
        }
        Dialect::Tflite => [spatial + 1].into_iter().chain(0..=spatial).collect(),
        Dialect::Pytorch | Dialect::Onnx | Dialect::Caffe | Dialect::Definition => {
            (0..spatial + 2).collect()
        }
    }
}

/// The same as [`weight_axes`] in words.
pub(super) fn axes_in_words(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Tensorflow | Dialect::Keras => "[kernel..., out, in]",
        Dialect::Tflite => "[out, kernel..., in]",
        _ => "[in, out / groups, kernel...]",
    }
}

/// Sizes of a weight that was checked, and the phases of its taps.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) groups: usize,
    pub(super) in_group: usize,
    pub(super) out_group: usize,
    pub(super) kernel: Vec<usize>,
    pub(super) stride: Vec<usize>,
    /// Per tap, row-major, the number of its phase.
    pub(super) phase_of_tap: Vec<usize>,
    /// Per phase, the last axis fastest.
    pub(super) taps_of_phase: Vec<usize>,
}

impl<T: Copy + Into<f64>> TransposedWeight<'_, T> {
    /// Checks everything.
    pub(super) fn layout(&self) -> Result<Layout, BalanceError> {
        let (shape, groups) = (self.shape, self.groups);
        let [in_channels, out_group, kernel @ ..] = shape else {
            return Err(BalanceError::Rank { shape: shape.to_vec() });
        };
        let (&in_channels, &out_group) = (in_channels, out_group);
        if !(1..=3).contains(&kernel.len()) {
            return Err(BalanceError::Rank { shape: shape.to_vec() });
        }
        if shape.contains(&0) {
            return Err(BalanceError::Empty { shape: shape.to_vec() });
        }
        if self.stride.len() != kernel.len() {
            return Err(BalanceError::Strides { got: self.stride.len(), axes: kernel.len() });
        }
        if groups == 0 || !in_channels.is_multiple_of(groups) {
            return Err(BalanceError::Groups { got: groups, in_channels });
        }
        let expected = cells("weight", shape)?;
        check_length("weight", self.values.len(), expected)?;
        check_values("weight", self.values)?;
        let out_channels = out_group.saturating_mul(groups);
        if let Some(bias) = self.bias {
            check_length("bias", bias.len(), out_channels)?;
            check_values("bias", bias)?;
        }
        let axes = axes(kernel, self.stride)?;
        let phases = self.stride.iter().copied().fold(1usize, usize::saturating_mul);
        let limit = MAX_PHASES.min(MAX_RESPONSES / out_channels).max(1);
        if phases > limit {
            return Err(BalanceError::Phases { got: phases, limit, stride: self.stride.to_vec() });
        }
        let phase_of_tap = phase_of_tap(&axes);
        let mut taps_of_phase = vec![0; phases];
        phase_of_tap.iter().for_each(|&phase: &usize| taps_of_phase[phase] += 1);
        Ok(Layout {
            groups,
            in_group: in_channels / groups,
            out_group,
            kernel: kernel.to_vec(),
            stride: self.stride.to_vec(),
            phase_of_tap,
            taps_of_phase,
        })
    }
}

impl Layout {
    pub(super) fn in_channels(&self) -> usize {
        self.in_group * self.groups
    }

    pub(super) fn out_channels(&self) -> usize {
        self.out_group * self.groups
    }

    pub(super) fn phases(&self) -> usize {
        self.taps_of_phase.len()
    }

    /// Calls `visit` with each pair's output channel and the place of its first tap.
    pub(super) fn pairs(&self, mut visit: impl FnMut(usize, usize)) {
        let taps = self.phase_of_tap.len();
        for ci in 0..self.in_channels() {
            for co in 0..self.out_group {
                let channel = ci / self.in_group * self.out_group + co;
                visit(channel, (ci * self.out_group + co) * taps);
            }
        }
    }

    /// Per axis the place of a phase; the last axis changes fastest.
    pub(super) fn places(&self, phase: usize) -> Vec<usize> {
        let mut rest = phase;
        let mut places: Vec<usize> = self
            .stride
            .iter()
            .rev()
            .map(|&stride| {
                let place = rest % stride;
                rest /= stride;
                place
            })
            .collect();
        places.reverse();
        places
    }
}

fn check_length(what: &'static str, got: usize, expected: usize) -> Result<(), BalanceError> {
    match got == expected {
        true => Ok(()),
        false => Err(BalanceError::Length { what, got, expected }),
    }
}

fn check_values<T: Copy + Into<f64>>(what: &'static str, values: &[T]) -> Result<(), BalanceError> {
    let number = |&value: &T| -> f64 { value.into() };
    match values.iter().map(number).position(|value| value.is_nan() || value.abs() > LARGEST) {
        Some(at) => Err(BalanceError::Value { what, at, value: number(&values[at]) }),
        None => Ok(()),
    }
}

/// One input cell laid down uncropped, per axis: it reaches each cell of the result through one tap.
fn axes(kernel: &[usize], stride: &[usize]) -> Result<Vec<Axis>, BalanceError> {
    let one = |(number, (&kernel, &stride)): (usize, (&usize, &usize))| {
        let params =
            AxisParams { input: 1, kernel, stride, dilation: 1, window_begin: 0, output: kernel };
        Axis::new(number, params).map_err(BalanceError::from)
    };
    kernel.iter().zip(stride).enumerate().map(one).collect()
}

/// Per tap, row-major, the number of the phase that it serves.
fn phase_of_tap(axes: &[Axis]) -> Vec<usize> {
    axes.iter().fold(vec![0], |before, axis| {
        let stride = axis.stride();
        let places: Vec<usize> = axis.targets(0).map(|cell| cell.output % stride).collect();
        let next = |&phase: &usize| places.iter().map(move |place| phase * stride + place);
        before.iter().flat_map(next).collect()
    })
}
