//! Max pooling with indices, and max unpooling.

use upconv_geometry::{ConvPadding, PoolRounding};
use upconv_kernels::pool::PoolWindow;
use upconv_kernels::reference::max_pool::{IndexMeaning, max_pool};
use upconv_kernels::reference::max_unpool::{
    MaxUnpool, OnnxMaxUnpool, max_unpool, onnx_max_unpool,
};

use super::conv_transpose::data_format;
use super::{Check, REFERENCE, same_shape};
use crate::attrs::fault;
use crate::compare::Precision;
use crate::fault::{Failure, Result};
use crate::layout::Order;
use upconv_geometry::dialect::DataFormat;

/// Most elements that an error case may make us allocate.
const MAX_CELLS: usize = 1 << 20;

/// PyTorch's pooling of the record for an input of `rank` axes.
fn torch_window(check: &mut Check<'_>, rank: usize) -> Result<PoolWindow> {
    let dims = spatial(check, rank)?;
    let attrs = &mut check.attrs;
    let kernel = attrs.sizes("kernel_size", dims, None)?;
    let stride = match attrs.value("stride") {
        Some(_) => attrs.sizes("stride", dims, None)?,
        None => kernel.clone(),
    };
    let pads = attrs.sizes("padding", dims, Some(0))?;
    let padding = pads
        .iter()
        .map(|&pad| i64::try_from(pad).map(|pad| ConvPadding::Pads { before: pad, after: pad }))
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| fault("padding", "is too large"))?;
    let dilation = attrs.sizes("dilation", dims, Some(1))?;
    let ceil = attrs.flag("ceil_mode")?;
    let rounding = if ceil { PoolRounding::CeilTorch } else { PoolRounding::Floor };
    Ok(PoolWindow { kernel, stride, dilation, padding, rounding })
}

/// Number of spatial axes of a tensor with batch and channels.
fn spatial(check: &mut Check<'_>, rank: usize) -> Result<usize> {
    let dims = rank.saturating_sub(2);
    match check.attrs.int("dims")? {
        Some(stated) if usize::try_from(stated) != Ok(dims) => {
            Err(fault("dims", format!("is {stated}, but x has {dims} spatial axes")))
        }
        _ => Ok(dims),
    }
}

/// Pooled values and indices of PyTorch.
pub(super) fn torch_pool(check: &mut Check<'_>) -> Result<()> {
    let x = check.input("x")?;
    let pool = torch_window(check, x.shape.len())?;
    let want = check.output_indices("indices")?;
    let output = pool.output(&x.shape)?;
    same_shape("outputs.indices", &want.shape, &output)?;
    let pooled = check.expected("pooled", Order::Same, &output)?;
    let got = max_pool(&pool, &x.shape, &x.data, IndexMeaning::Plane)?;
    check.compare(REFERENCE, "pooled", &got.values, &pooled, Precision::Exact);
    check.compare_indices(REFERENCE, "indices", &got.indices, &want.data);
    Ok(())
}

/// Pooled values and indices of TensorFlow.
pub(super) fn tensorflow_pool(check: &mut Check<'_>) -> Result<()> {
    let x = check.input("x")?;
    let dims = spatial(check, x.shape.len())?;
    let attrs = &mut check.attrs;
    let order = match data_format(attrs)? {
        DataFormat::ChannelsLast => Order::ChannelsLast,
        DataFormat::ChannelsFirst => Order::Same,
    };
    let padding = match attrs.text("padding")? {
        Some("SAME") => ConvPadding::SameUpper,
        Some("VALID") => ConvPadding::Valid,
        other => return Err(fault("padding", format!("{other:?} is not known"))),
    };
    let with_batch = attrs.flag("include_batch_in_index")?;
    let pool = PoolWindow {
        kernel: attrs.sizes("kernel_size", dims, None)?,
        stride: attrs.sizes("stride", dims, None)?,
        dilation: vec![1; dims],
        padding: vec![padding; dims],
        rounding: PoolRounding::Floor,
    };
    let x = order.tensor(&x);
    let output = pool.output(&x.shape)?;
    let want = check.output_indices("indices")?;
    same_shape("outputs.indices", &order.shape(&want.shape), &output)?;
    let pooled = check.expected("pooled", order, &output)?;
    let meaning = IndexMeaning::ChannelsLast { with_batch };
    let got = max_pool(&pool, &x.shape, &x.data, meaning)?;
    check.compare(REFERENCE, "pooled", &got.values, &pooled, Precision::Exact);
    check.compare_indices(REFERENCE, "indices", &got.indices, &order.tensor(&want).data);
    Ok(())
}

/// PyTorch's unpooling of the record: the pooling's window, and the wanted size.
fn torch_unpool(check: &mut Check<'_>, rank: usize) -> Result<(PoolWindow, MaxUnpool)> {
    let pool = torch_window(check, rank)?;
    let before = |padding: &ConvPadding| match *padding {
        ConvPadding::Pads { before, .. } => before,
        _ => 0,
    };
    let unpool = MaxUnpool {
        kernel: pool.kernel.clone(),
        stride: pool.stride.clone(),
        padding: pool.padding.iter().map(before).collect(),
        output_size: check.attrs.list("output_size")?,
    };
    Ok((pool, unpool))
}

/// Pooling, its indices, and the way back, of PyTorch.
pub(super) fn unpool(check: &mut Check<'_>) -> Result<()> {
    let x = check.input("x")?;
    let (pool, unpool) = torch_unpool(check, x.shape.len())?;
    let indices = check.output_indices("indices")?;
    let output = pool.output(&x.shape)?;
    same_shape("outputs.indices", &indices.shape, &output)?;
    let pooled = check.expected("pooled", Order::Same, &output)?;
    let got = max_pool(&pool, &x.shape, &x.data, IndexMeaning::Plane)?;
    check.compare(REFERENCE, "pooled", &got.values, &pooled, Precision::Exact);
    check.compare_indices(REFERENCE, "indices", &got.indices, &indices.data);

    // Their pooled values and indices, so that one wrong step does not hide another.
    let whole = unpool.output(&output)?;
    let unpooled = check.expected("unpooled", Order::Same, &whole)?;
    let got = max_unpool(&unpool, &output, &pooled.values, &indices.shape, &indices.data)?;
    check.compare(REFERENCE, "unpooled", &got, &unpooled, Precision::Exact);
    Ok(())
}

/// An unpooling that should be refused. The note says what the indices are.
pub(super) fn unpool_refusal(check: &mut Check<'_>) -> Result<Vec<usize>> {
    let missing = |name: &str| Failure::fault(format!("shapes.{name}"), "is missing");
    let shape = check.shape("x")?.ok_or_else(|| missing("x"))?;
    let indices_shape = check.shape("indices")?.ok_or_else(|| missing("indices"))?;
    let note = check.record().note.as_deref().unwrap_or_default();
    let index = note.strip_prefix("indices: all ").and_then(|index| index.trim().parse().ok());
    let index: i64 = index.ok_or_else(|| {
        Failure::fault("note", format!("{note:?} does not read \"indices: all N\""))
    })?;
    let (_, unpool) = torch_unpool(check, shape.len())?;
    let output = unpool.output(&shape)?;
    let cells = |field: &str, shape: &[usize]| match upconv_geometry::limits::cells("x", shape) {
        Ok(cells) if cells <= MAX_CELLS => Ok(cells),
        _ => Err(Failure::fault(field, format!("{shape:?} is above {MAX_CELLS} cells"))),
    };
    let x = vec![0.0f32; cells("shapes.x", &shape)?];
    let indices = vec![index; cells("shapes.indices", &indices_shape)?];
    cells("attrs.output_size", &output)?;
    max_unpool(&unpool, &shape, &x, &indices_shape, &indices)?;
    Ok(output)
}

/// ONNX's unpooling, from given indices.
pub(super) fn onnx_unpool(check: &mut Check<'_>) -> Result<()> {
    let (x, indices) = (check.input("x")?, check.input_indices("indices")?);
    let dims = spatial(check, x.shape.len())?;
    let attrs = &mut check.attrs;
    let unpool = OnnxMaxUnpool {
        kernel_shape: attrs.sizes("kernel_shape", dims, None)?,
        strides: attrs.sizes("strides", dims, Some(1))?,
        pads: attrs.list("pads")?.unwrap_or_default(),
        output_shape: attrs.list("output_shape")?,
    };
    let (_, output) = unpool.output(&x.shape)?;
    let y = check.expected("y", Order::Same, &output)?;
    let got = onnx_max_unpool(&unpool, &x.shape, &x.data, &indices.shape, &indices.data)?;
    let got: Vec<f64> = got.into_iter().map(f64::from).collect();
    check.compare(REFERENCE, "y", &got, &y, Precision::Exact);
    Ok(())
}
