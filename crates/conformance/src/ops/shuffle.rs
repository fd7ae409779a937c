//! Pixel shuffle and depth to space.

use upconv_geometry::dialect::DataFormat;
use upconv_kernels::reference::pixel_shuffle::{BlockShuffle, ChannelAxis, DepthOrder};

use super::conv_transpose::data_format;
use super::{Check, REFERENCE};
use crate::attrs::fault;
use crate::compare::Precision;
use crate::fault::Result;
use crate::layout::Order;

/// PyTorch's `pixel_shuffle`.
pub(super) fn pixel_shuffle(check: &mut Check<'_>) -> Result<()> {
    let factor = check.attrs.size("factor")?;
    to_space(
        check,
        BlockShuffle { factor, order: DepthOrder::Crd, channel_axis: ChannelAxis::First },
    )
}

/// TensorFlow's `depth_to_space`.
pub(super) fn tensorflow_depth_to_space(check: &mut Check<'_>) -> Result<()> {
    let factor = check.attrs.size("factor")?;
    let channel_axis = match data_format(&mut check.attrs)? {
        DataFormat::ChannelsLast => ChannelAxis::Last,
        DataFormat::ChannelsFirst => ChannelAxis::First,
    };
    to_space(check, BlockShuffle { factor, order: DepthOrder::Dcr, channel_axis })
}

/// ONNX's `DepthToSpace`.
pub(super) fn onnx_depth_to_space(check: &mut Check<'_>) -> Result<()> {
    let factor = check.attrs.size("blocksize")?;
    let order = match check.attrs.text("mode")?.unwrap_or("DCR") {
        "DCR" => DepthOrder::Dcr,
        "CRD" => DepthOrder::Crd,
        other => return Err(fault("mode", format!("{other:?} is not known"))),
    };
    to_space(check, BlockShuffle { factor, order, channel_axis: ChannelAxis::First })
}

fn to_space(check: &mut Check<'_>, shuffle: BlockShuffle) -> Result<()> {
    let x = check.input("x")?;
    let y = check.expected("y", Order::Same, &shuffle.to_space(&x.shape)?)?;
    let got = shuffle.depth_to_space(&x.shape, &x.data)?;
    let got: Vec<f64> = got.into_iter().map(f64::from).collect();
    check.compare(REFERENCE, "y", &got, &y, Precision::Exact);
    Ok(())
}

/// PyTorch's `pixel_unshuffle`.
pub(super) fn pixel_unshuffle(check: &mut Check<'_>) -> Result<()> {
    let factor = check.attrs.size("factor")?;
    let shuffle = BlockShuffle { factor, order: DepthOrder::Crd, channel_axis: ChannelAxis::First };
    let x = check.input("x")?;
    let y = check.expected("y", Order::Same, &shuffle.to_depth(&x.shape)?)?;
    let got = shuffle.space_to_depth(&x.shape, &x.data)?;
    let got: Vec<f64> = got.into_iter().map(f64::from).collect();
    check.compare(REFERENCE, "y", &got, &y, Precision::Exact);
    Ok(())
}
