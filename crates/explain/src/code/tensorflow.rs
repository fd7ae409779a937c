//! TensorFlow: SAME or VALID where they give the window, EXPLICIT where the function takes it, else VALID
//! at the uncropped size and a slice.

use upconv_geometry::Axis;
use upconv_geometry::dialect::tensorflow::{ConvTranspose, Padding};

use super::{Finish, call, join, kernel_axes, list, of, out, sizes, spatial_axes, uncropped};
use crate::lang::{Lang, say};

pub(crate) struct Plan {
    pub(crate) op: ConvTranspose,
    /// Sizes that the operation is asked for.
    pub(crate) output: Vec<i64>,
    pub(crate) finish: Option<Finish>,
}

/// `None` only if the uncropped result is beyond the limits, which no resolved setting is.
pub(crate) fn plan(axes: &[Axis], groups: usize) -> Option<Plan> {
    let (input, kernel) = (of(axes, Axis::input), of(axes, Axis::kernel));
    let output = sizes(axes, Axis::output);
    let op = |padding| ConvTranspose {
        strides: sizes(axes, Axis::stride),
        dilations: sizes(axes, Axis::dilation),
        padding,
        ..Default::default()
    };
    let mut candidates = vec![Padding::Same, Padding::Valid];
    // Only the two-dimensional function takes a list of pairs, and on a CPU (oneDNN or not) it refuses
    // them together with dilation or groups, which SAME and VALID allow.
    let plain = groups == 1 && axes.iter().all(|a| a.dilation() == 1);
    if axes.len() == 2 && plain {
        let pairs = of(axes, |a| (a.pad_before(), a.pad_after().max(0)));
        candidates.push(Padding::Explicit(pairs));
    }
    for padding in candidates {
        let op = op(padding);
        if op.axes(&input, &kernel, &output).as_deref() == Ok(axes) {
            return Some(Plan { op, output, finish: None });
        }
    }
    let given = uncropped(axes)?;
    let finish = Some(Finish::between(&given, axes));
    Some(Plan { op: op(Padding::Valid), output: sizes(&given, Axis::output), finish })
}

pub(crate) fn text(axes: &[Axis], groups: usize, lang: Lang) -> String {
    let Some(Plan { op, output, finish }) = plan(axes, groups) else { return String::new() };
    let dims = axes.len();
    let (k, s) = (kernel_axes(dims), spatial_axes(dims));
    let out = out(groups);
    let mut lines = vec![say!(
        lang,
        "# filters: [{k}, {out}, in]; x: [n, {s}, in]",
        "# 权重 filters: [{k}, {out}, in]；x: [n, {s}, in]"
    )];
    if groups > 1 && dims == 3 {
        lines.push(say!(
            lang,
            "# groups follow from the channels; no CPU kernel has them in 3-D",
            "# 没有分组参数，由通道数决定；三维分组没有 CPU 实现"
        ));
    } else if groups > 1 {
        lines.push(say!(
            lang,
            "# groups follow from the channels; on a CPU they need oneDNN",
            "# 没有分组参数，由通道数决定；CPU 上需要 oneDNN"
        ));
    }
    let dilated = op.dilations.iter().any(|&d| d != 1);
    if dilated {
        lines.push(say!(
            lang,
            "# dilation needs oneDNN on a CPU (on by default on x86)",
            "# 膨胀在 CPU 上需要 oneDNN（x86 默认开启）"
        ));
    }
    let padding = match &op.padding {
        Padding::Same => "\"SAME\"".to_owned(),
        Padding::Valid => "\"VALID\"".to_owned(),
        Padding::Explicit(pairs) => {
            format!("[[0, 0], {}, [0, 0]]", join(pairs, |(b, e)| format!("[{b}, {e}]")))
        }
    };
    let mut arguments = vec!["x".to_owned(), "filters".into()];
    arguments.push(format!("output_shape=[n, {}, out_channels]", join(&output, i64::to_string)));
    arguments.push(format!("strides={}", list(&op.strides)));
    arguments.push(format!("padding={padding}"));
    if dilated {
        arguments.push(format!("dilations={}", list(&op.dilations)));
    }
    lines.push(call(&format!("y = tf.nn.conv{dims}d_transpose"), &arguments, ""));
    if let Some(finish) = finish {
        if finish.cuts() {
            lines.push(format!("y = y[:, {}, :]", finish.slices()));
        }
        if finish.adds() {
            let pairs = join(&finish.axes, |a| format!("[{}, {}]", a.zeros_before, a.zeros_behind));
            lines.push(format!("y = tf.pad(y, [[0, 0], {pairs}, [0, 0]])"));
        }
    }
    lines.push("y = tf.nn.bias_add(y, bias)".into());
    lines.join("\n")
}
