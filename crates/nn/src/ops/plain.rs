//! The same operations put together from Burn's own, for every device that our kernels do not run on.

use burn::tensor::module::{
    conv_transpose1d, conv_transpose2d, conv_transpose3d, conv1d, conv2d, conv3d,
    max_pool1d_with_indices, max_pool2d_with_indices,
};
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions, MaxPoolOptions, PadMode};

use burn::tensor::{IndexingUpdateOp, Int, Tensor, TensorData, activation};
use upconv_geometry::{
    Axis, Channels, ConvAxis, ConvAxisParams, ConvPadding, ConvShape, ConvTransposeShape,
};

use upconv_kernels::Activation;
use upconv_kernels::pool::PoolAxis;
use upconv_kernels::resize::{AxisTaps, Tap};

use crate::error::{NnError, Result};

/// Pads or crops the input, then convolves without padding.
pub(super) fn conv<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<D>,
    bias: Option<Tensor<1>>,
    shape: &ConvShape,
) -> Result<Tensor<D>> {
    let axes: Vec<Axis> = shape.axes().iter().map(ConvAxis::transposed).copied().collect();
    // The cells that the windows see, from the first one's begin to the last one's end.
    let seen: Vec<_> = axes.iter().map(|a| (-a.window_begin(), a.full())).collect();
    let (x, groups) = (window(x, &seen, 0.0), shape.groups());
    Ok(match numbers(&axes)? {
        Numbers::One(s, d) => {
            cast(conv1d(cast(x), cast(weight), bias, ConvOptions::new(s, [0], d, groups)))
        }
        Numbers::Two(s, d) => {
            cast(conv2d(cast(x), cast(weight), bias, ConvOptions::new(s, [0; 2], d, groups)))
        }
        Numbers::Three(s, d) => {
            cast(conv3d(cast(x), cast(weight), bias, ConvOptions::new(s, [0; 3], d, groups)))
        }
    })
}

/// Computes the uncropped result, then keeps the window.
pub(super) fn conv_transpose<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<D>,
    bias: Option<Tensor<1>>,
    shape: &ConvTransposeShape,
) -> Result<Tensor<D>> {
    let axes = shape.axes();
    let groups = shape.groups();
    let full: Tensor<D> = match numbers(axes)? {
        Numbers::One(s, d) => {
            let options = ConvTransposeOptions::new(s, [0], [0], d, groups);
            cast(conv_transpose1d(cast(x), cast(weight), None, options))
        }
        Numbers::Two(s, d) => {
            let options = ConvTransposeOptions::new(s, [0; 2], [0; 2], d, groups);
            cast(conv_transpose2d(cast(x), cast(weight), None, options))
        }
        Numbers::Three(s, d) => {
            let options = ConvTransposeOptions::new(s, [0; 3], [0; 3], d, groups);
            cast(conv_transpose3d(cast(x), cast(weight), None, options))
        }
    };
    let kept: Vec<_> = axes.iter().map(|a| (a.window_begin(), a.output())).collect();
    let y = window(full, &kept, 0.0);
    // Cells beyond the uncropped result hold the bias too, so that it comes last.
    Ok(match bias {
        None => y,
        Some(bias) => y + along_channels(bias),
    })
}

/// Resamples axis by axis, from the last to the first, as the kernel does.
pub(super) fn resample<const D: usize>(mut x: Tensor<D>, axes: &[AxisTaps]) -> Tensor<D> {
    let device = x.device();
    for (number, axis) in axes.iter().enumerate().rev() {
        if axis.is_identity() {
            continue;
        }
        let dim = number + 2;
        let cells = |cell: fn(&Tap) -> usize| {
            let cells: Vec<i64> = axis.taps().iter().map(|tap| cell(tap) as i64).collect();
            Tensor::<1, Int>::from_data(TensorData::new(cells, [axis.taps().len()]), &device)
        };
        let first = x.clone().select(dim, cells(|tap| tap.first));
        if axis.taps().iter().all(|tap| tap.weight == 0.0) {
            x = first;
            continue;
        }
        let second = x.select(dim, cells(|tap| tap.second));
        let mut shape = [1; D];
        shape[dim] = axis.taps().len();
        let weights: Vec<f32> = axis.taps().iter().map(|tap| tap.weight).collect();
        let weights = Tensor::<D>::from_data(TensorData::new(weights, shape), &device);
        x = first.clone() + (second - first) * weights;
    }
    x
}

/// Pads the input with minus infinity, pools without padding, and counts the positions anew.
pub(super) fn max_pool<const D: usize>(
    x: Tensor<D>,
    axes: &[PoolAxis],
) -> Result<(Tensor<D>, Tensor<D, Int>)> {
    // The cells under the first window up to those under the last one.
    let reach = |a: &PoolAxis| (a.output - 1) * a.stride + (a.kernel - 1) * a.dilation + 1;
    let seen: Vec<_> = axes.iter().map(|a| (-a.before, reach(a))).collect();
    let x = window(x, &seen, f32::NEG_INFINITY);
    match axes {
        [a] => {
            let options =
                MaxPoolOptions::new([a.kernel]).with_stride([a.stride]).with_dilation([a.dilation]);
            let (y, places) = max_pool1d_with_indices(cast(x), options);
            Ok((cast(y), cast_int(inside(places, a))))
        }
        [a, b] => {
            let options = MaxPoolOptions::new([a.kernel, b.kernel])
                .with_stride([a.stride, b.stride])
                .with_dilation([a.dilation, b.dilation]);
            let (y, places) = max_pool2d_with_indices(cast(x), options);
            let width = reach(b) as i64;
            let rows = inside(places.clone() / width, a);
            let columns = inside(places.remainder_scalar(width), b);
            // Both are -1 or more, and one -1 says that the place is none.
            let none = rows.clone().lower_elem(0).bool_or(columns.clone().lower_elem(0));
            let places = rows * b.input as i64 + columns;
            Ok((cast(y), cast_int(places.mask_fill(none, -1))))
        }
        _ => Err(NnError::Setting {
            setting: "max_pool",
            reason: format!(
                "Burn has no pooling over {} spatial axes on this device; use the CPU",
                axes.len()
            ),
        }),
    }
}

/// Positions on the padded axis as positions on the axis itself; -1 for those in the padding.
fn inside<const D: usize>(places: Tensor<D, Int>, axis: &PoolAxis) -> Tensor<D, Int> {
    let places = places - axis.before;
    let outside =
        places.clone().lower_elem(0).bool_or(places.clone().greater_equal_elem(axis.input as i64));
    places.mask_fill(outside, -1)
}

/// Sums of windows by a convolution with ones, times one over the number of cells that count.
pub(super) fn average_pool<const D: usize>(
    x: Tensor<D>,
    axes: &[PoolAxis],
    count_padding: bool,
) -> Result<Tensor<D>> {
    let (dims, device) = (x.dims(), x.device());
    let mut flat = dims;
    (flat[0], flat[1]) = (dims[0] * dims[1], 1);
    let mut output = dims;
    let mut ones = [1; D];
    let mut shares = Tensor::<D>::ones([1; D], &device);
    let mut windows = Vec::new();
    for (number, axis) in axes.iter().enumerate() {
        (output[number + 2], ones[number + 2]) = (axis.output, axis.kernel);
        let share = |o| match axis.count(o, count_padding) {
            0 => 0.0,
            count => 1.0 / count as f32,
        };
        let mut shape = [1; D];
        shape[number + 2] = axis.output;
        let of_axis: Vec<f32> = (0..axis.output).map(share).collect();
        shares = shares * Tensor::from_data(TensorData::new(of_axis, shape), &device);
        // Padding behind that leaves exactly these windows.
        let &PoolAxis { input, kernel, stride, dilation, before, .. } = axis;
        let seen = ((axis.output - 1) * stride + (kernel - 1) * dilation + 1) as i64;
        let padding = ConvPadding::Pads { before, after: seen - input as i64 - before };
        let params = ConvAxisParams { input, kernel, stride, dilation, padding };
        windows.push(ConvAxis::new(number, params)?);
    }
    if flat[0] == 0 {
        return Ok(Tensor::zeros(output, &device));
    }
    let channels = Channels { batch: flat[0], in_channels: 1, out_channels: 1, groups: 1 };
    let shape = ConvShape::new(channels, windows)?;
    let sums = conv(x.reshape(flat), Tensor::ones(ones, &device), None, &shape)?;
    Ok(sums.reshape(output) * shares)
}

/// Each activation as Burn's functions.
pub(super) fn activation<const D: usize>(x: Tensor<D>, activation: Activation) -> Tensor<D> {
    match activation {
        Activation::None => x,
        Activation::Relu => activation::relu(x),
        Activation::LeakyRelu { slope } => activation::leaky_relu(x, f64::from(slope)),
        Activation::Tanh => activation::tanh(x),
        Activation::Sigmoid => activation::sigmoid(x),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::HardSwish { scale } => {
            let gate = (x.clone() + 3.0).clamp(0.0, 6.0);
            x * gate * scale
        }
    }
}

/// `x w' + bias` along the last axis.
pub(super) fn linear<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
) -> Tensor<D> {
    let mut shape = x.dims();
    let rows = shape[..D - 1].iter().product::<usize>();
    let flat = x.reshape([rows, shape[D - 1]]);
    shape[D - 1] = weight.dims()[0];
    let y = flat.matmul(weight.transpose());
    let y = match bias {
        None => y,
        Some(bias) => y + bias.unsqueeze(),
    };
    y.reshape(shape)
}

/// Adds up what comes to each place, and divides by how many came.
pub(super) fn max_unpool<const D: usize>(
    x: Tensor<D>,
    positions: Tensor<D, Int>,
    output: [usize; D],
) -> Tensor<D> {
    let dims = x.dims();
    let flat = |dims: &[usize]| [dims[0] * dims[1], dims[2..].iter().product::<usize>()];
    let device = x.device();
    let (x, positions) = (x.reshape(flat(&dims)), positions.reshape(flat(&dims)));
    let zeros = Tensor::<2>::zeros(flat(&output), &device);
    let ones = x.ones_like().set_require_grad(false);
    let add = IndexingUpdateOp::Add;
    let came = zeros.clone().scatter(1, positions.clone(), ones, add);
    let sums = zeros.scatter(1, positions, x, add);
    (sums / came.clamp_min(1.0)).reshape(output)
}

/// `[c] -> [1, c, 1...]`.
pub(crate) fn along_channels<const D: usize>(values: Tensor<1>) -> Tensor<D> {
    let mut shape = [1; D];
    shape[1] = values.dims()[0];
    values.reshape(shape)
}

/// Keeps `length` cells from `begin` on along each spatial axis; cells that `x` does not have are
/// `filler`.
fn window<const D: usize>(x: Tensor<D>, axes: &[(i64, usize)], filler: f32) -> Tensor<D> {
    let dims = x.dims();
    let mut shape = dims;
    let mut ranges = dims.map(|size| 0..size);
    let mut missing = [(0, 0); D];
    let mut empty = false;
    for (number, &(begin, length)) in axes.iter().enumerate() {
        let dim = number + 2;
        let inside = |cell: i64| cell.clamp(0, dims[dim] as i64);
        let (first, end) = (inside(begin), inside(begin + length as i64));
        shape[dim] = length;
        empty |= first == end;
        ranges[dim] = first as usize..end as usize;
        // Where the window meets `x`, both differences are 0 or positive.
        missing[dim] = ((first - begin) as usize, (begin + length as i64 - end) as usize);
    }
    if shape == dims && axes.iter().all(|&(begin, _)| begin == 0) {
        return x;
    }
    if empty {
        return Tensor::full(shape, filler, &x.device());
    }
    let x = x.slice(ranges);
    if missing == [(0, 0); D] { x } else { x.pad(missing, PadMode::Constant(filler)) }
}

/// Stride and dilation, as arrays of the rank.
enum Numbers {
    One([usize; 1], [usize; 1]),
    Two([usize; 2], [usize; 2]),
    Three([usize; 3], [usize; 3]),
}

fn numbers(axes: &[Axis]) -> Result<Numbers> {
    let both = |a: &Axis| (a.stride(), a.dilation());
    match axes {
        [a] => Ok(Numbers::One([a.stride()], [a.dilation()])),
        [a, b] => {
            let ((s0, d0), (s1, d1)) = (both(a), both(b));
            Ok(Numbers::Two([s0, s1], [d0, d1]))
        }
        [a, b, c] => {
            let ((s0, d0), (s1, d1), (s2, d2)) = (both(a), both(b), both(c));
            Ok(Numbers::Three([s0, s1, s2], [d0, d1, d2]))
        }
        _ => {
            let got = axes.len();
            Err(NnError::Kernel(upconv_kernels::KernelError::UnsupportedRank { got }))
        }
    }
}

/// The same tensor under a rank that is known to be its own, only not to the compiler.
fn cast<const A: usize, const B: usize>(x: Tensor<A>) -> Tensor<B> {
    debug_assert_eq!(A, B);
    Tensor::<B>::from_dispatch(x.into_dispatch())
}

/// The same for positions.
fn cast_int<const A: usize, const B: usize>(x: Tensor<A, Int>) -> Tensor<B, Int> {
    debug_assert_eq!(A, B);
    Tensor::<B, Int>::from_dispatch(x.into_dispatch())
}
