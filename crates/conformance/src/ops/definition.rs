//! Overlap, pooled sizes and the matrix: numbers that geometry gives.

use serde_json::Value;
use upconv_geometry::{
    Axis, AxisParams, Channels, ConvPadding, ConvTransposeShape, Matrix, PoolAxisParams,
    PoolRounding, limits, pool_output,
};
use upconv_kernels::reference::conv_transpose::conv_transpose;

use super::{Check, GEOMETRY, REFERENCE};
use crate::attrs::fault;
use crate::compare::{Expected, Precision, Terms};
use crate::fault::{Failure, Result};
use crate::layout::Order;

/// One channel from and to, over these axes.
fn single_channel(batch: usize, axes: Vec<Axis>) -> Result<ConvTransposeShape> {
    let channels = Channels { batch, in_channels: 1, out_channels: 1, groups: 1 };
    Ok(ConvTransposeShape::new(channels, axes)?)
}

/// How many products enter each cell of the uncropped result.
pub(super) fn overlap_count(check: &mut Check<'_>) -> Result<()> {
    let input = check.attrs.list("input")?.unwrap_or_default();
    let dims = input.len();
    let input = check.attrs.sizes("input", dims, None)?;
    let kernel = check.attrs.sizes("kernel", dims, None)?;
    let stride = check.attrs.sizes("stride", dims, Some(1))?;
    let dilation = check.attrs.sizes("dilation", dims, Some(1))?;
    let count = check.output("count")?;
    let mut axes = Vec::new();
    for axis in 0..dims {
        // The shape of the counts is the uncropped size; Axis::full checks it below.
        let output = count.shape.get(axis).copied().unwrap_or(0);
        let (input, kernel) = (input[axis], kernel[axis]);
        let (stride, dilation) = (stride[axis], dilation[axis]);
        let params = AxisParams { input, kernel, stride, dilation, window_begin: 0, output };
        axes.push(Axis::new(axis, params)?);
    }
    let full: Vec<usize> = axes.iter().map(Axis::full).collect();
    super::same_shape("outputs.count", &count.shape, &full)?;
    let expected = Expected { values: count.data, terms: Terms::Unknown };

    // Counts of several axes multiply.
    let mut product = vec![1.0];
    for axis in &axes {
        let along = axis.overlap();
        let times = |&p: &f64| along.iter().map(|&n| p * n as f64).collect::<Vec<_>>();
        product = product.iter().flat_map(times).collect();
    }
    check.compare(GEOMETRY, "count", &product, &expected, Precision::Exact);
    if let Some(uniform) = check.record().uniform_inside {
        let ours = axes.iter().all(Axis::overlap_is_uniform);
        if ours != uniform {
            check.wrong(GEOMETRY, "count", format!("uniform inside: {ours} instead of {uniform}"));
        }
    }

    // The count is the transposed convolution of ones with ones.
    let shape = single_channel(1, axes)?;
    let ones = |sizes: &[usize]| Ok::<_, Failure>(vec![1.0f32; limits::cells("ones", sizes)?]);
    // The input is no larger than the uncropped result, which is in the file; the kernel neither.
    let got = conv_transpose(&shape, &ones(&input)?, &ones(&kernel)?, None)?;
    check.compare(REFERENCE, "count", &got, &expected, Precision::Exact);
    Ok(())
}

/// Pooled sizes of one axis in several dialects: a table in the attributes.
pub(super) fn pool_output_size(check: &mut Check<'_>) -> Result<()> {
    check.ran(GEOMETRY);
    let strings = |value: &Value| -> Option<Vec<String>> {
        value.as_array()?.iter().map(|item| item.as_str().map(String::from)).collect()
    };
    let columns = check.attrs.value("columns").and_then(strings);
    let columns = columns.ok_or_else(|| fault("columns", "is no list of names"))?;
    let rows = check.attrs.value("rows").and_then(Value::as_array);
    let rows = rows.ok_or_else(|| fault("rows", "is no list"))?;
    for (number, row) in rows.iter().enumerate() {
        let field = format!("rows[{number}]");
        let sizes = row.as_array().filter(|sizes| sizes.len() == columns.len());
        let sizes = sizes.and_then(|sizes| sizes.iter().map(Value::as_i64).collect::<Option<_>>());
        let sizes: Vec<i64> =
            sizes.ok_or_else(|| fault(&field, "has not one whole number per column"))?;
        let of = |name: &str| {
            let at = columns.iter().position(|column| column == name);
            let size = at.and_then(|at| usize::try_from(sizes[at]).ok());
            size.ok_or_else(|| fault(&field, format!("has no size for {name:?}")))
        };
        let (input, kernel, stride, pad) = (of("input")?, of("kernel")?, of("stride")?, of("pad")?);
        let pad = i64::try_from(pad).map_err(|_| fault(&field, "pad is too large"))?;
        let pads = ConvPadding::Pads { before: pad, after: pad };
        for (name, &want) in columns.iter().zip(&sizes) {
            let (padding, rounding) = match name.as_str() {
                "input" | "kernel" | "stride" | "pad" => continue,
                "caffe" => (pads, PoolRounding::CeilCaffe),
                "torch" => (pads, PoolRounding::Floor),
                "torch_ceil_mode" => (pads, PoolRounding::CeilTorch),
                "tf_same_pad_ignored" => (ConvPadding::SameUpper, PoolRounding::Floor),
                "tf_valid_pad_ignored" => (ConvPadding::Valid, PoolRounding::Floor),
                _ => return Err(fault("columns", format!("{name:?} is not known"))),
            };
            let params = PoolAxisParams { input, kernel, stride, dilation: 1, padding, rounding };
            let got = pool_output(0, params)?;
            if i64::try_from(got) != Ok(want) {
                check.wrong(GEOMETRY, name, format!("{field}: {got} instead of {want}"));
            }
        }
    }
    Ok(())
}

/// The matrix of the forward convolution, and its transpose times x.
pub(super) fn matrix_form(check: &mut Check<'_>) -> Result<()> {
    let (x, w) = (check.input("x")?, check.input("w")?);
    let dims = x.shape.len().saturating_sub(2);
    let attrs = &mut check.attrs;
    let small = attrs.sizes("conv_output", dims, None)?;
    let large = attrs.sizes("conv_input", dims, None)?;
    let stride = attrs.sizes("stride", dims, Some(1))?;
    let padding = attrs.sizes("padding", dims, Some(0))?;
    let dilation = attrs.sizes("dilation", dims, Some(1))?;
    let [batch, 1, input @ ..] = x.shape.as_slice() else {
        return Err(Failure::fault("inputs.x", "must have batch and one channel"));
    };
    super::same_shape("inputs.x", input, &small)?;
    let [1, 1, kernel @ ..] = w.shape.as_slice() else {
        return Err(Failure::fault("inputs.w", "must have one channel in and out"));
    };
    if kernel.len() != dims {
        return Err(Failure::fault("inputs.w", format!("must have {dims} spatial axes")));
    }
    let mut axes = Vec::new();
    for axis in 0..dims {
        let window_begin =
            i64::try_from(padding[axis]).map_err(|_| fault("padding", "is too large"))?;
        let (input, kernel, output) = (small[axis], kernel[axis], large[axis]);
        let (stride, dilation) = (stride[axis], dilation[axis]);
        let params = AxisParams { input, kernel, stride, dilation, window_begin, output };
        axes.push(Axis::new(axis, params)?);
    }
    let matrix = Matrix::new(&axes)?;
    let c = check.expected("c", Order::Same, &[matrix.rows, matrix.columns])?;
    let shape = single_channel(*batch, axes)?;
    let y = check.expected("y", Order::Same, &shape.y())?;
    let taps: Vec<f64> = w.data.iter().map(|&value| value.into()).collect();
    let dense = matrix.dense(&taps)?;
    check.compare(GEOMETRY, "c", &dense, &c, Precision::Exact);

    // transpose(C) x, for every image.
    let mut got = Vec::new();
    for image in x.data.chunks(matrix.rows.max(1)) {
        let mut sums = vec![0.0; matrix.columns];
        for (row, &value) in image.iter().enumerate() {
            for (sum, entry) in sums.iter_mut().zip(&dense[row * matrix.columns..]) {
                *sum += entry * f64::from(value);
            }
        }
        got.extend(sums);
    }
    check.compare(GEOMETRY, "y", &got, &y, Precision::Double);
    let got = conv_transpose(&shape, &x.data, &w.data, None)?;
    check.compare(REFERENCE, "y", &got, &y, Precision::Double);
    for (path, plan) in check.fast_paths().conv_transpose(&shape)? {
        let mut got = vec![f32::NAN; y.values.len()];
        plan.forward(&x.data, &w.data, None, &mut got)?;
        check.compare_f32(&path, "y", &got, &y);
    }
    Ok(())
}
