//! PyTorch: `padding` and `output_padding` where the window allows, else uncropped and sliced.

use upconv_geometry::Axis;
use upconv_geometry::dialect::pytorch::ConvTranspose;

use super::{Finish, call, join, kernel_axes, of, out, sizes, spatial_axes, tuple};
use crate::lang::{Lang, say};

pub(crate) struct Plan {
    pub(crate) op: ConvTranspose,
    pub(crate) finish: Option<Finish>,
}

/// `None` only if the uncropped result is beyond the limits, which no resolved setting is.
pub(crate) fn plan(axes: &[Axis], groups: usize) -> Option<Plan> {
    let (input, kernel) = (of(axes, Axis::input), of(axes, Axis::kernel));
    let plain = ConvTranspose {
        stride: sizes(axes, Axis::stride),
        dilation: sizes(axes, Axis::dilation),
        groups: groups as i64,
        ..Default::default()
    };
    // What padding at both ends leaves over at the end is output_padding.
    let native = ConvTranspose {
        padding: of(axes, Axis::window_begin),
        output_padding: of(axes, |a| a.window_begin() - a.pad_after()),
        ..plain.clone()
    };
    if native.axes(&input, &kernel).as_deref() == Ok(axes) {
        return Some(Plan { op: native, finish: None });
    }
    let given = plain.axes(&input, &kernel).ok()?;
    let finish = Finish::between(&given, axes);
    Some(Plan { op: plain, finish: Some(finish) })
}

pub(crate) fn text(axes: &[Axis], groups: usize, lang: Lang) -> String {
    let Some(Plan { op, finish }) = plan(axes, groups) else { return String::new() };
    let dims = axes.len();
    let (k, s) = (kernel_axes(dims), spatial_axes(dims));
    let out = out(groups);
    let adds = finish.as_ref().is_some_and(Finish::adds);
    let mut lines = vec![say!(
        lang,
        "# weight: [in, {out}, {k}]; x: [n, in, {s}]",
        "# 权重 weight: [in, {out}, {k}]；x: [n, in, {s}]"
    )];
    let mut arguments = vec!["in_channels".to_owned(), "out_channels".into()];
    arguments.push(format!("kernel_size={}", tuple(&of(axes, Axis::kernel))));
    arguments.push(format!("stride={}", tuple(&op.stride)));
    if finish.is_none() {
        arguments.push(format!("padding={}", tuple(&op.padding)));
        arguments.push(format!("output_padding={}", tuple(&op.output_padding)));
    } else {
        arguments.push("padding=0".into());
    }
    if op.dilation.iter().any(|&d| d != 1) {
        arguments.push(format!("dilation={}", tuple(&op.dilation)));
    }
    if groups != 1 {
        arguments.push(format!("groups={groups}"));
    }
    if adds {
        arguments.push("bias=False".into());
    }
    lines.push(call(&format!("layer = torch.nn.ConvTranspose{dims}d"), &arguments, ""));
    let output = of(axes, Axis::output);
    let Some(finish) = finish else {
        lines.push(format!(
            "y = layer(x)  # [n, out_channels, {}]",
            join(&output, usize::to_string)
        ));
        return lines.join("\n");
    };
    lines.push(format!(
        "y = layer(x)  # [n, out_channels, {}], {}",
        join(&finish.axes, |a| a.given.to_string()),
        lang.pick("uncropped", "未裁剪")
    ));
    if finish.cuts() {
        lines.push(say!(
            lang,
            "# `padding`, the same at both ends, cannot give this window, so slice",
            "# `padding` 两端相同，给不出这个窗口，因此改为切片"
        ));
        lines.push(format!("y = y[:, :, {}]", finish.slices()));
    }
    if adds {
        // The function counts from the last axis backwards.
        let pairs: Vec<_> =
            finish.axes.iter().rev().flat_map(|a| [a.zeros_before, a.zeros_behind]).collect();
        lines.push(format!("y = torch.nn.functional.pad(y, {})", tuple(&pairs)));
        let ones = vec![1; dims];
        lines.push(say!(lang, "# the bias belongs on the zeros as well", "# 补的零上也要加偏置"));
        lines.push(format!("y = y + bias.view(1, -1, {})", join(&ones, i32::to_string)));
    }
    lines.join("\n")
}
