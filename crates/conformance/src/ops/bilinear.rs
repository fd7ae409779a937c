//! Caffe's bilinear filler, and upsampling with it.

use upconv_geometry::dialect::caffe::Deconvolution;
use upconv_kernels::reference::bilinear::{bilinear, bilinear_kernel};
use upconv_kernels::reference::conv_transpose::conv_transpose;

use super::{Check, REFERENCE};
use crate::attrs::fault;
use crate::compare::Precision;
use crate::fault::Result;
use crate::layout::Order;

/// The filler of one channel, `[kernel...]`; of several, `[channels, 1, kernel...]`.
pub(super) fn init(check: &mut Check<'_>) -> Result<()> {
    let kernel = check.attrs.list("kernel")?.unwrap_or_default();
    let dims = kernel.len();
    let kernel = check.attrs.sizes("kernel", dims, None)?;
    let channels = check.attrs.int("channels")?.unwrap_or(1);
    let channels = match usize::try_from(channels) {
        Ok(channels @ 1..=4096) => channels,
        _ => return Err(fault("channels", format!("{channels} must lie in 1..=4096"))),
    };
    let shape = if channels == 1 {
        kernel.clone()
    } else {
        [channels, 1].into_iter().chain(kernel.iter().copied()).collect()
    };
    let w = check.expected("w", Order::Same, &shape)?;
    let got = bilinear_kernel(&kernel)?.repeat(channels);
    check.compare(REFERENCE, "w", &got, &w, Precision::Double);
    Ok(())
}

/// A transposed convolution with the filler's weights that enlarges by a whole factor.
pub(super) fn upsample(check: &mut Check<'_>) -> Result<()> {
    let x = check.input("x")?;
    let dims = x.shape.len().saturating_sub(2);
    let attrs = &mut check.attrs;
    let factor = attrs.sizes("factor", dims, None)?;
    let groups = attrs.int("groups")?.unwrap_or(1);
    let channels = x.shape.get(1).copied().unwrap_or(0);
    if usize::try_from(groups) != Ok(channels) {
        return Err(fault("groups", format!("is {groups}, but x has {channels} channels")));
    }
    let up = bilinear(channels, &factor)?;
    let kernel = attrs.sizes("kernel", dims, None)?;
    let stride = attrs.sizes("stride", dims, None)?;
    let padding = attrs.sizes("padding", dims, None)?;
    for (axis, ours) in up.settings().iter().enumerate() {
        let theirs = (kernel[axis], stride[axis], padding[axis]);
        if theirs != (ours.kernel, ours.stride, ours.padding) {
            return Err(fault("kernel", format!("and stride and padding: ours are {ours:?}")));
        }
    }
    let op = |group: i64| Deconvolution {
        stride: up.settings().iter().map(|setting| setting.stride as i64).collect(),
        pad: up.settings().iter().map(|setting| setting.padding as i64).collect(),
        group,
        ..Default::default()
    };
    let weight = |per_group: usize| -> Vec<usize> {
        [channels, per_group].into_iter().chain(kernel.iter().copied()).collect()
    };
    let grouped = op(groups).shape(&x.shape, &weight(1), None)?;
    let dense = op(1).shape(&x.shape, &weight(channels), None)?;
    let y = check.expected("y", Order::Same, &grouped.y())?;
    let wide: Vec<f64> = x.data.iter().map(|&value| value.into()).collect();
    let got = conv_transpose(&grouped, &wide, &up.grouped()?, None)?;
    check.compare(REFERENCE, "y", &got, &y, Precision::Double);
    let got = conv_transpose(&dense, &wide, &up.dense()?, None)?;
    check.compare(REFERENCE, "y", &got, &y, Precision::Double);
    let w: Vec<f32> = up.grouped()?.into_iter().map(|value| value as f32).collect();
    for (path, plan) in check.fast_paths().conv_transpose(&grouped)? {
        let mut got = vec![f32::NAN; y.values.len()];
        plan.forward(&x.data, &w, None, &mut got)?;
        check.compare_f32(&path, "y", &got, &y);
    }
    Ok(())
}
