//! Transposed convolution and its gradients, in the words of four frameworks.

use serde_json::Value;
use upconv_geometry::dialect::{DataFormat, keras, onnx, pytorch, tensorflow};
use upconv_geometry::{ConvTransposeShape, GeometryError};
use upconv_kernels::Gradients;
use upconv_kernels::reference::conv_transpose::{
    conv_transpose, conv_transpose_bias_backward, conv_transpose_weight_backward,
    conv_transpose_x_backward,
};

use super::{Check, REFERENCE};
use crate::attrs::{Attrs, fault};
use crate::compare::Precision;
use crate::fault::{Failure, Result};
use crate::layout::Order;
use crate::tensors::Tensor;

/// A setting that its dialect accepts, and where its axes stand.
struct Operation {
    shape: ConvTransposeShape,
    /// Order of x, y and their gradients.
    activations: Order,
    /// Order of w and its gradient.
    weights: Order,
    /// Whether x and y have no batch axis.
    unbatched: bool,
}

impl Operation {
    /// Our shape as the dialect writes it, but for the order of axes.
    fn activation_shape(&self, shape: Vec<usize>) -> Vec<usize> {
        if self.unbatched { shape[1..].to_vec() } else { shape }
    }

    fn y(&self) -> Vec<usize> {
        self.activation_shape(self.shape.y())
    }
}

/// The values of y.
pub(super) fn forward(check: &mut Check<'_>) -> Result<()> {
    let (x, w) = (check.input("x")?, check.input("w")?);
    let b = check.optional_input("b")?;
    let bias = b.as_ref().map(bias_size).transpose()?;
    let op = resolve(check, &x.shape, &w.shape, bias)?;
    let (x, w) = (op.activations.tensor(&x), op.weights.tensor(&w));
    let b = b.as_ref().map(|b| b.data.as_slice());
    let expected = check.expected("y", op.activations, &op.y())?;
    let got = conv_transpose(&op.shape, &x.data, &w.data, b)?;
    check.compare(REFERENCE, "y", &got, &expected, Precision::Double);
    for (path, plan) in check.fast_paths().conv_transpose(&op.shape)? {
        // NaN shows every element that a path forgets to write.
        let mut got = vec![f32::NAN; expected.values.len()];
        plan.forward(&x.data, &w.data, b, &mut got)?;
        check.compare_f32(&path, "y", &got, &expected);
    }
    Ok(())
}

/// The values of dx, dw and, where the dialect has a bias, db.
pub(super) fn gradients(check: &mut Check<'_>) -> Result<()> {
    let (x, w, dy) = (check.input("x")?, check.input("w")?, check.input("dy")?);
    let b = check.optional_input("b")?;
    let bias = b.as_ref().map(bias_size).transpose()?;
    let op = resolve(check, &x.shape, &w.shape, bias)?;
    super::same_shape("inputs.dy", &op.activations.shape(&dy.shape), &op.y())?;
    let (x, w) = (op.activations.tensor(&x), op.weights.tensor(&w));
    let dy = op.activations.tensor(&dy);
    let x_shape = op.activation_shape(op.shape.x());
    let dx = check.expected("dx", op.activations, &x_shape)?;
    let dw = check.expected("dw", op.weights, &op.shape.weight())?;
    let db = if check.has_output("db") {
        Some(check.expected("db", Order::Same, &[op.shape.out_channels()])?)
    } else {
        None
    };

    let got = conv_transpose_x_backward(&op.shape, &w.data, &dy.data)?;
    check.compare(REFERENCE, "dx", &got, &dx, Precision::Double);
    let got = conv_transpose_weight_backward(&op.shape, &x.data, &dy.data)?;
    check.compare(REFERENCE, "dw", &got, &dw, Precision::Double);
    if let Some(db) = &db {
        let got = conv_transpose_bias_backward(&op.shape, &dy.data)?;
        check.compare(REFERENCE, "db", &got, db, Precision::Double);
    }

    for (path, plan) in check.fast_paths().conv_transpose(&op.shape)? {
        let mut got_dx = vec![f32::NAN; dx.values.len()];
        let mut got_dw = vec![f32::NAN; dw.values.len()];
        let mut got_db = vec![f32::NAN; op.shape.out_channels()];
        let into = Gradients {
            x: Some(&mut got_dx),
            weight: Some(&mut got_dw),
            bias: db.is_some().then_some(&mut got_db),
        };
        plan.backward(&x.data, &w.data, &dy.data, into)?;
        check.compare_f32(&path, "dx", &got_dx, &dx);
        check.compare_f32(&path, "dw", &got_dw, &dw);
        if let Some(db) = &db {
            check.compare_f32(&path, "db", &got_db, db);
        }
    }
    Ok(())
}

/// A setting that should be refused.
pub(super) fn refusal(check: &mut Check<'_>) -> Result<Vec<usize>> {
    let (x, w, b) = (check.shape("x")?, check.shape("w")?, check.shape("b")?);
    // What Keras's own formula gives: a note for people.
    check.shape("size_by_formula")?;
    let w = w.ok_or_else(|| Failure::fault("shapes.w", "is missing"))?;
    // A layer that is refused when it is made has seen no input yet: any that fits will do.
    let x = x.unwrap_or_else(|| {
        let channels = w.first().copied().unwrap_or(1);
        [1, channels].into_iter().chain(w.iter().skip(2).map(|_| 1)).collect()
    });
    let bias = match b.as_deref() {
        None => None,
        Some(&[size]) => Some(size),
        Some(_) => return Err(Failure::fault("shapes.b", "must have one axis")),
    };
    let op = resolve(check, &x, &w, bias)?;
    if check.record().optional
        && let Some(wanted) = check.attrs.list("output_shape")?
    {
        let sizes: Vec<i64> = op.shape.y()[2..].iter().map(|&size| size as i64).collect();
        if sizes != wanted {
            return Err(fault("output_shape", format!("we give {sizes:?}")));
        }
    }
    Ok(op.shape.y())
}

fn bias_size(b: &Tensor<f32>) -> Result<usize> {
    match b.shape[..] {
        [size] => Ok(size),
        _ => Err(Failure::fault("inputs.b", format!("shape {:?} must have one axis", b.shape))),
    }
}

/// The setting of the record for tensors of these shapes, in the dialect's order of axes.
fn resolve(
    check: &mut Check<'_>,
    x: &[usize],
    w: &[usize],
    bias: Option<usize>,
) -> Result<Operation> {
    let attrs = &mut check.attrs;
    let dims = w.len().saturating_sub(2);
    let stated = attrs.int("dims")?;
    let same = |shape| Operation {
        shape,
        activations: Order::Same,
        weights: Order::Same,
        unbatched: x.len() + 1 == w.len(),
    };
    let dialect = check.case.record.dialect.as_str();
    let operation = match dialect {
        "torch" => torch(attrs, dims)?.shape(x, w, bias).map(same),
        "onnx" => onnx(attrs, dims)?.shape(x, w, bias).map(same),
        "tensorflow" => {
            let op = tensorflow(attrs, dims)?;
            op.shape(x, w, bias).map(|shape| channels_anywhere(shape, op.data_format))
        }
        "keras" => {
            let op = keras(attrs, dims)?;
            op.shape(x, w, bias).map(|shape| channels_anywhere(shape, op.data_format))
        }
        other => return Err(Failure::fault("dialect", format!("{other:?} is not known"))),
    };
    // `dims` is the number in the operation's name; a weight of another rank is refused whatever x is.
    match stated {
        Some(stated) if usize::try_from(stated) != Ok(dims) => {
            let expected = usize::try_from(stated).unwrap_or(0).saturating_add(2);
            Err(GeometryError::RankMismatch { tensor: "weight", expected, got: w.len() }.into())
        }
        _ => Ok(operation?),
    }
}

fn channels_anywhere(shape: ConvTransposeShape, format: DataFormat) -> Operation {
    let activations = match format {
        DataFormat::ChannelsLast => Order::ChannelsLast,
        DataFormat::ChannelsFirst => Order::Same,
    };
    Operation { shape, activations, weights: Order::KernelOutIn, unbatched: false }
}

/// `data_format`; channels last if absent.
pub(super) fn data_format(attrs: &mut Attrs<'_>) -> Result<DataFormat> {
    match attrs.text("data_format")? {
        None | Some("channels_last" | "NWC" | "NHWC" | "NDHWC") => Ok(DataFormat::ChannelsLast),
        Some("channels_first" | "NCW" | "NCHW" | "NCDHW") => Ok(DataFormat::ChannelsFirst),
        Some(other) => Err(fault("data_format", format!("{other:?} is not known"))),
    }
}

/// A list, or nothing where the attribute is absent; a single number stands for all axes.
fn optional(attrs: &mut Attrs<'_>, name: &'static str, dims: usize) -> Result<Option<Vec<i64>>> {
    Ok(match attrs.value(name) {
        None => None,
        Some(_) => Some(attrs.per_axis(name, dims)?),
    })
}

fn torch(attrs: &mut Attrs<'_>, dims: usize) -> Result<pytorch::ConvTranspose> {
    // The sizes that would be accepted: a note for people.
    attrs.ignore("legal_range");
    Ok(pytorch::ConvTranspose {
        stride: attrs.per_axis("stride", dims)?,
        padding: attrs.per_axis("padding", dims)?,
        output_padding: attrs.per_axis("output_padding", dims)?,
        dilation: attrs.per_axis("dilation", dims)?,
        groups: attrs.int("groups")?.unwrap_or(1),
        output_size: optional(attrs, "output_size", dims)?,
        padding_mode: attrs.text("padding_mode")?.unwrap_or("zeros").into(),
    })
}

fn tensorflow(attrs: &mut Attrs<'_>, dims: usize) -> Result<tensorflow::ConvTranspose> {
    let data_format = data_format(attrs)?;
    let strides = attrs.per_axis("strides", dims)?;
    let dilations = attrs.per_axis("dilations", dims)?;
    let output_shape = attrs.list("output_shape")?;
    let output_shape = output_shape.ok_or_else(|| fault("output_shape", "is missing"))?;
    let explicit = attrs.value("explicit_paddings");
    // `padding` comes last: a word that is not known must not hide the other attributes.
    let padding = match (attrs.value("padding"), explicit) {
        (Some(Value::String(word)), Some(pairs)) if word == "EXPLICIT" => {
            tensorflow::Padding::explicit(&pairs_of("explicit_paddings", pairs)?, data_format)?
        }
        (Some(Value::String(word)), _) => tensorflow::Padding::from_name(word)?,
        (Some(pairs), _) => {
            tensorflow::Padding::explicit(&pairs_of("padding", pairs)?, data_format)?
        }
        (None, _) => tensorflow::Padding::default(),
    };
    Ok(tensorflow::ConvTranspose { strides, padding, dilations, output_shape, data_format })
}

/// TensorFlow's list of `[before, after]` for every axis.
fn pairs_of(name: &str, value: &Value) -> Result<Vec<[i64; 2]>> {
    let pair = |item: &Value| match item.as_array().map(Vec::as_slice) {
        Some([before, after]) => Some([before.as_i64()?, after.as_i64()?]),
        _ => None,
    };
    let pairs = value.as_array().and_then(|items| items.iter().map(pair).collect());
    pairs.ok_or_else(|| fault(name, format!("{value} is no list of pairs of whole numbers")))
}

fn keras(attrs: &mut Attrs<'_>, dims: usize) -> Result<keras::ConvTranspose> {
    let strides = attrs.per_axis("strides", dims)?;
    let output_padding = optional(attrs, "output_padding", dims)?;
    let dilation_rate = attrs.per_axis("dilation_rate", dims)?;
    let data_format = data_format(attrs)?;
    let padding = match attrs.text("padding")? {
        Some(word) => keras::Padding::from_name(word)?,
        None => keras::Padding::default(),
    };
    Ok(keras::ConvTranspose { strides, padding, output_padding, dilation_rate, data_format })
}

fn onnx(attrs: &mut Attrs<'_>, dims: usize) -> Result<onnx::ConvTranspose> {
    let strides = attrs.per_axis("strides", dims)?;
    let pads = attrs.list("pads")?;
    let dilations = attrs.per_axis("dilations", dims)?;
    let group = attrs.int("group")?.unwrap_or(1);
    let output_padding = attrs.per_axis("output_padding", dims)?;
    let output_shape = attrs.list("output_shape")?;
    let kernel_shape = attrs.list("kernel_shape")?;
    let auto_pad = match attrs.text("auto_pad")? {
        Some(word) => onnx::AutoPad::from_name(word)?,
        None => onnx::AutoPad::default(),
    };
    Ok(onnx::ConvTranspose {
        strides,
        pads,
        auto_pad,
        dilations,
        group,
        output_padding,
        output_shape,
        kernel_shape,
        ..Default::default()
    })
}
