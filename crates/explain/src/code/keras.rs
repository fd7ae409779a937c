//! Keras: `same` or `valid` with or without `output_padding` where they give the window, else `valid`
//! and a cropping layer.

use upconv_geometry::Axis;
use upconv_geometry::dialect::keras::{ConvTranspose, Padding};

use super::{Finish, call, join, kernel_axes, of, sizes, spatial_axes, tuple};
use crate::lang::{Lang, say};

pub(crate) struct Plan {
    pub(crate) op: ConvTranspose,
    pub(crate) finish: Option<Finish>,
}

/// `None` where Keras has no layer at all for the stride and dilation.
pub(crate) fn plan(axes: &[Axis]) -> Option<Plan> {
    let (input, kernel) = (of(axes, Axis::input), of(axes, Axis::kernel));
    let output = sizes(axes, Axis::output);
    let layer = |padding, output_padding| ConvTranspose {
        strides: sizes(axes, Axis::stride),
        dilation_rate: sizes(axes, Axis::dilation),
        padding,
        output_padding,
        ..Default::default()
    };
    for padding in [Padding::Same, Padding::Valid] {
        let op = layer(padding, None);
        // The axes for the wanted size tell which output_padding reaches it, if any does.
        if let Ok((given, output_padding)) = op.axes_for(&input, &kernel, &output)
            && given == axes
        {
            return Some(Plan { op: layer(padding, output_padding), finish: None });
        }
    }
    let op = layer(Padding::Valid, None);
    let given = op.axes(&input, &kernel).ok()?;
    let finish = Some(Finish::between(&given, axes));
    Some(Plan { op, finish })
}

pub(crate) fn text(axes: &[Axis], groups: usize, lang: Lang) -> String {
    if groups > 1 {
        return say!(
            lang,
            "# Keras cannot: its transposed convolution has no groups.\n\
             # Split the channels, use one layer per group, and concatenate.",
            "# Keras 无法表达：它的转置卷积没有分组。\n# 请拆分通道，每组用一个层，再拼接起来。"
        );
    }
    let Some(Plan { op, finish }) = plan(axes) else {
        let spans = tuple(&of(axes, Axis::effective_kernel));
        return say!(
            lang,
            "# Keras cannot: it refuses stride and dilation above 1 together.\n\
             # Use dilation 1 and kernel_size={spans}, with zeros between the taps.",
            "# Keras 无法表达：它不接受步幅大于 1 的同时膨胀率也大于 1。\n\
             # 请用膨胀率 1 和 kernel_size={spans}，在核元素之间填零。"
        );
    };
    let dims = axes.len();
    let (k, s) = (kernel_axes(dims), spatial_axes(dims));
    let adds = finish.as_ref().is_some_and(Finish::adds);
    let mut lines = vec![say!(
        lang,
        "# kernel: [{k}, filters, in]; x: [n, {s}, in]",
        "# 权重 kernel: [{k}, filters, in]；x: [n, {s}, in]"
    )];
    let word = if op.padding == Padding::Same { "same" } else { "valid" };
    let mut arguments = vec!["filters".to_owned()];
    arguments.push(format!("kernel_size={}", tuple(&of(axes, Axis::kernel))));
    arguments.push(format!("strides={}", tuple(&op.strides)));
    arguments.push(format!("padding=\"{word}\""));
    if let Some(added) = &op.output_padding {
        arguments.push(format!("output_padding={}", tuple(added)));
    }
    if op.dilation_rate.iter().any(|&d| d != 1) {
        arguments.push(format!("dilation_rate={}", tuple(&op.dilation_rate)));
    }
    if adds {
        arguments.push("use_bias=False".into());
    }
    lines.push(call(&format!("layer = keras.layers.Conv{dims}DTranspose"), &arguments, ""));
    lines.push("y = layer(x)".into());
    if let Some(finish) = finish {
        let pairs = |pair: fn(&super::AxisFinish) -> (i64, i64)| {
            let pairs: Vec<_> = finish.axes.iter().map(pair).collect();
            match pairs.as_slice() {
                [(before, after)] => format!("({before}, {after})"),
                _ => {
                    format!("({})", join(&pairs, |(before, after)| format!("({before}, {after})")))
                }
            }
        };
        if finish.axes.iter().any(|a| a.begin == a.end) {
            // A cropping layer refuses to leave nothing.
            lines.push(format!("y = y[:, {}, :]", finish.slices()));
        } else if finish.cuts() {
            let crop = pairs(|a| (a.begin, a.given - a.end));
            lines.push(format!("y = keras.layers.Cropping{dims}D({crop})(y)"));
        }
        if adds {
            let zeros = pairs(|a| (a.zeros_before, a.zeros_behind));
            lines.push(format!("y = keras.layers.ZeroPadding{dims}D({zeros})(y)"));
            lines.push(say!(
                lang,
                "y = y + bias  # the bias belongs on the zeros as well",
                "y = y + bias  # 补的零上也要加偏置"
            ));
        }
    }
    lines.join("\n")
}
