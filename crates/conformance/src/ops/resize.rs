//! Resize in the words of three frameworks, and resize-convolution.

use upconv_geometry::dialect::DataFormat;
use upconv_geometry::{Channels, ConvAxis, ConvAxisParams, ConvPadding, ConvShape};
use upconv_kernels::reference::resize::{ResizeAxis, resize, resized_shape};
use upconv_kernels::reference::resize_conv::{Border, Enlarge, ResizeConv};
use upconv_kernels::reference::resize_coordinates::{Coordinates, Rounding};
use upconv_kernels::reference::resize_dialects::{
    OnnxMode, OnnxResize, OnnxTarget, TensorflowMode, TorchMode,
};
use upconv_kernels::reference::resize_method::Method;
use upconv_kernels::reference::{resize_conv as reference_conv, resize_dialects};

use super::conv_transpose::data_format;
use super::{Check, REFERENCE};
use crate::attrs::fault;
use crate::compare::Precision;
use crate::fault::Result;
use crate::layout::Order;
use crate::tensors::Tensor;

/// The number of spatial axes of a tensor with batch and channels, 1 to 3.
fn spatial(check: &mut Check<'_>, x: &Tensor<f32>) -> Result<usize> {
    let dims = x.shape.len().saturating_sub(2);
    match check.attrs.int("dims")? {
        Some(stated) if usize::try_from(stated) != Ok(dims) => {
            Err(fault("dims", format!("is {stated}, but x has {dims} spatial axes")))
        }
        _ if dims == 0 => Err(fault("dims", "x has no spatial axes")),
        _ => Ok(dims),
    }
}

/// The one check behind all dialects.
fn compare(
    check: &mut Check<'_>,
    method: &Method,
    x: &Tensor<f32>,
    axes: &[ResizeAxis],
) -> Result<()> {
    let precision = match method {
        Method::Nearest { .. } | Method::NearestF32(_) => Precision::Exact,
        Method::Linear(_) | Method::Cubic { .. } => Precision::Double,
    };
    let y = check.expected("y", Order::Same, &resized_shape(&x.shape, axes)?)?;
    let got = resize(method, &x.shape, axes, &x.data)?;
    check.compare(REFERENCE, "y", &got, &y, precision);
    Ok(())
}

/// Batch, channels, and the wanted spatial sizes.
fn axes(check: &mut Check<'_>, dims: usize, format: DataFormat) -> Result<Vec<ResizeAxis>> {
    let sizes = check.attrs.sizes("size", dims, None)?;
    let mut axes: Vec<_> = sizes.into_iter().map(ResizeAxis::Size).collect();
    axes.insert(0, ResizeAxis::Keep);
    axes.insert(if format == DataFormat::ChannelsFirst { 1 } else { dims + 1 }, ResizeAxis::Keep);
    Ok(axes)
}

/// PyTorch's `interpolate`.
pub(super) fn torch(check: &mut Check<'_>) -> Result<()> {
    let x = check.input("x")?;
    let dims = spatial(check, &x)?;
    let align_corners = check.attrs.flag("align_corners")?;
    let cubic_a = check.attrs.float("cubic_a")?;
    let mode = check.attrs.text("mode")?.unwrap_or("nearest");
    let mode = match (mode, dims) {
        ("nearest", _) => TorchMode::Nearest,
        ("nearest-exact", _) => TorchMode::NearestExact,
        ("linear", 1) | ("bilinear", 2) | ("trilinear", 3) => TorchMode::Linear { align_corners },
        ("bicubic", 2) => TorchMode::Cubic { align_corners },
        _ => return Err(fault("mode", format!("{mode:?} is not known for {dims} axes"))),
    };
    let mut method = resize_dialects::torch(mode);
    match (&mut method, cubic_a) {
        (Method::Cubic { a, .. }, Some(given)) => *a = given,
        (_, Some(_)) => return Err(fault("cubic_a", "belongs to bicubic only")),
        (_, None) => {}
    }
    let axes = axes(check, dims, DataFormat::ChannelsFirst)?;
    compare(check, &method, &x, &axes)
}

/// TensorFlow's raw resize operations.
pub(super) fn tensorflow(check: &mut Check<'_>) -> Result<()> {
    let x = check.input("x")?;
    let dims = spatial(check, &x)?;
    let format = data_format(&mut check.attrs)?;
    let align_corners = check.attrs.flag("align_corners")?;
    let half_pixel_centers = check.attrs.flag("half_pixel_centers")?;
    let mode = match check.attrs.text("mode")? {
        Some("nearest") => TensorflowMode::Nearest,
        Some("bilinear") => TensorflowMode::Bilinear,
        other => return Err(fault("mode", format!("{other:?} is not known"))),
    };
    let method = resize_dialects::tensorflow(mode, align_corners, half_pixel_centers)?;
    let axes = axes(check, dims, format)?;
    compare(check, &method, &x, &axes)
}

/// ONNX's `Resize` to given spatial sizes.
pub(super) fn onnx(check: &mut Check<'_>) -> Result<()> {
    let x = check.input("x")?;
    let dims = spatial(check, &x)?;
    let attrs = &mut check.attrs;
    let mode = match attrs.text("mode")?.unwrap_or("nearest") {
        "nearest" => OnnxMode::Nearest,
        "linear" => OnnxMode::Linear,
        "cubic" => OnnxMode::Cubic,
        other => return Err(fault("mode", format!("{other:?} is not known"))),
    };
    let name = "coordinate_transformation_mode";
    let coordinates = match attrs.text(name)?.unwrap_or("half_pixel") {
        "half_pixel" => Coordinates::HalfPixel,
        "half_pixel_symmetric" => Coordinates::HalfPixelSymmetric,
        "pytorch_half_pixel" => Coordinates::PytorchHalfPixel,
        "align_corners" => Coordinates::AlignCorners,
        "asymmetric" => Coordinates::Asymmetric,
        other => return Err(fault(name, format!("{other:?} is not known"))),
    };
    let nearest_mode = match attrs.text("nearest_mode")?.unwrap_or("round_prefer_floor") {
        "round_prefer_floor" => Rounding::RoundPreferFloor,
        "round_prefer_ceil" => Rounding::RoundPreferCeil,
        "floor" => Rounding::Floor,
        "ceil" => Rounding::Ceil,
        other => return Err(fault("nearest_mode", format!("{other:?} is not known"))),
    };
    let sizes = attrs.per_axis("size", dims)?;
    let op = OnnxResize {
        nearest_mode,
        cubic_coeff_a: attrs.float("cubic_coeff_a")?.unwrap_or(-0.75),
        exclude_outside: attrs.flag("exclude_outside")?,
        antialias: attrs.flag("antialias")?,
        axes: Some((0..dims).map(|axis| axis as i64 + 2).collect()),
        ..OnnxResize::new(mode, coordinates, OnnxTarget::Sizes(sizes))
    };
    let (method, axes) = op.resolve(&x.shape)?;
    compare(check, &method, &x, &axes)
}

/// A resize by a whole factor, then a convolution with stride 1 and zeros around.
pub(super) fn resize_conv(check: &mut Check<'_>) -> Result<()> {
    let (x, w) = (check.input("x")?, check.input("w")?);
    let b = check.optional_input("b")?;
    let dims = spatial(check, &x)?;
    let attrs = &mut check.attrs;
    match attrs.text("weight_order")? {
        None | Some("out,in,kw" | "out,in,kh,kw" | "out,in,kd,kh,kw") => {}
        Some(other) => return Err(fault("weight_order", format!("{other:?} is not known"))),
    }
    let (enlarge, mode) = match attrs.text("mode")? {
        Some("nearest") => (Enlarge::Nearest, TorchMode::Nearest),
        Some("linear" | "bilinear" | "trilinear") => {
            (Enlarge::Linear, TorchMode::Linear { align_corners: false })
        }
        other => return Err(fault("mode", format!("{other:?} is not known"))),
    };
    let op = ResizeConv {
        factor: attrs.sizes("factor", dims, None)?,
        enlarge,
        padding: attrs.sizes("padding", dims, Some(0))?,
        border: Border::Zero,
        groups: 1,
    };
    let b = b.as_ref().map(|b| b.data.as_slice());
    let y = check.expected("y", Order::Same, &op.output(&x.shape, &w.shape)?)?;
    let got = reference_conv::resize_conv(&op, &x.shape, &x.data, &w.shape, &w.data, b)?;
    check.compare(REFERENCE, "y", &got, &y, Precision::Double);

    // The fast paths are those of the convolution.
    let mut axes = vec![ResizeAxis::Keep; 2];
    axes.extend(x.shape[2..].iter().zip(&op.factor).map(|(n, f)| ResizeAxis::Size(n * f)));
    let enlarged = resize(&resize_dialects::torch(mode), &x.shape, &axes, &x.data)?;
    let enlarged: Vec<f32> = enlarged.into_iter().map(|value| value as f32).collect();
    let shape = conv_shape(&resized_shape(&x.shape, &axes)?, &w.shape, &op.padding)?;
    for (path, plan) in check.fast_paths().conv(&shape)? {
        let mut got = vec![f32::NAN; y.values.len()];
        plan.forward(&enlarged, &w.data, b, &mut got)?;
        check.compare_f32(&path, "y", &got, &y);
    }
    Ok(())
}

/// A convolution with stride 1 over sizes that the reference has accepted.
fn conv_shape(x: &[usize], w: &[usize], padding: &[usize]) -> Result<ConvShape> {
    let mut axes = Vec::new();
    for (axis, &pad) in padding.iter().enumerate() {
        let padding = ConvPadding::Pads { before: pad as i64, after: pad as i64 };
        let (input, kernel) = (x[axis + 2], w[axis + 2]);
        let params = ConvAxisParams { input, kernel, stride: 1, dilation: 1, padding };
        axes.push(ConvAxis::new(axis, params)?);
    }
    let channels = Channels { batch: x[0], in_channels: x[1], out_channels: w[0], groups: 1 };
    Ok(ConvShape::new(channels, axes)?)
}
