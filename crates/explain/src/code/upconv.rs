//! Ours: the window itself, axis by axis.

use upconv_geometry::Axis;

use super::{kernel_axes, out, spatial_axes};
use crate::lang::{Lang, say};

/// The text; for one axis it reads as follows.
///
/// ```
/// use upconv_geometry::{Axis, AxisParams, Channels, ConvTransposeShape};
/// use upconv_kernels::{ConvTransposePlan, PlanOptions};
/// # let (batch, in_channels, out_channels) = (1, 1, 1);
/// # let (x, w, bias) = ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [0.0]);
/// let axes = vec![
///     Axis::new(0, AxisParams {
///         input: 3, kernel: 3, stride: 2, dilation: 1,
///         window_begin: 1, output: 5,
///     })?,
/// ];
/// let channels = Channels { batch, in_channels, out_channels, groups: 1 };
/// let shape = ConvTransposeShape::new(channels, axes)?;
/// let plan = ConvTransposePlan::new(&shape, &PlanOptions::default())?;
/// let mut y = vec![0.0; shape.y().iter().product()];
/// plan.forward(&x, &w, Some(&bias), &mut y)?;
/// # assert_eq!(y, [2.0, 5.0, 4.0, 9.0, 6.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub(crate) fn text(axes: &[Axis], groups: usize, lang: Lang) -> String {
    let (k, s) = (kernel_axes(axes.len()), spatial_axes(axes.len()));
    let out = out(groups);
    let mut lines = vec![
        "use upconv_geometry::{Axis, AxisParams, Channels, ConvTransposeShape};".to_owned(),
        "use upconv_kernels::{ConvTransposePlan, PlanOptions};".into(),
        say!(
            lang,
            "// w: [in, {out}, {k}]; x: [batch, in, {s}]",
            "// 权重 w: [in, {out}, {k}]；x: [batch, in, {s}]"
        ),
        "let axes = vec![".into(),
    ];
    for (number, a) in axes.iter().enumerate() {
        lines.push(format!("    Axis::new({number}, AxisParams {{"));
        lines.push(format!(
            "        input: {}, kernel: {}, stride: {}, dilation: {},",
            a.input(),
            a.kernel(),
            a.stride(),
            a.dilation()
        ));
        lines.push(format!("        window_begin: {}, output: {},", a.window_begin(), a.output()));
        lines.push("    })?,".into());
    }
    lines.push("];".into());
    lines.push(format!(
        "let channels = Channels {{ batch, in_channels, out_channels, groups: {groups} }};"
    ));
    lines.push("let shape = ConvTransposeShape::new(channels, axes)?;".into());
    lines.push("let plan = ConvTransposePlan::new(&shape, &PlanOptions::default())?;".into());
    lines.push("let mut y = vec![0.0; shape.y().iter().product()];".into());
    lines.push("plan.forward(&x, &w, Some(&bias), &mut y)?;".into());
    lines.join("\n")
}
