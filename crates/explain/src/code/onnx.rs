//! ONNX: `pads` and `output_padding` where the window allows, else uncropped, then Slice and Pad.

use upconv_geometry::Axis;
use upconv_geometry::dialect::onnx::ConvTranspose;

use super::{AxisFinish, Finish, call, join, kernel_axes, list, of, out, sizes, spatial_axes};
use crate::lang::{Lang, say};

pub(crate) struct Plan {
    pub(crate) op: ConvTranspose,
    pub(crate) finish: Option<Finish>,
}

/// `None` only if the uncropped result is beyond the limits, which no resolved setting is.
pub(crate) fn plan(axes: &[Axis], groups: usize) -> Option<Plan> {
    let (input, kernel) = (of(axes, Axis::input), of(axes, Axis::kernel));
    let plain = ConvTranspose {
        strides: sizes(axes, Axis::stride),
        dilations: sizes(axes, Axis::dilation),
        group: groups as i64,
        ..Default::default()
    };
    let begins = axes.iter().map(Axis::pad_before);
    let ends = axes.iter().map(|a| a.pad_after().max(0));
    let native = ConvTranspose {
        pads: Some(begins.chain(ends).collect()),
        output_padding: of(axes, |a| (-a.pad_after()).max(0)),
        ..plain.clone()
    };
    // The operator allows output_padding below the larger of stride and dilation; onnxruntime 1.32 runs
    // it below the stride only.
    let runs = native.output_padding.iter().zip(&native.strides).all(|(added, s)| added < s);
    if runs && native.axes(&input, &kernel).as_deref() == Ok(axes) {
        return Some(Plan { op: native, finish: None });
    }
    let given = plain.axes(&input, &kernel).ok()?;
    let finish = Some(Finish::between(&given, axes));
    Some(Plan { op: plain, finish })
}

pub(crate) fn text(axes: &[Axis], groups: usize, lang: Lang) -> String {
    let Some(Plan { op, finish }) = plan(axes, groups) else { return String::new() };
    let dims = axes.len();
    let (k, s) = (kernel_axes(dims), spatial_axes(dims));
    let out = out(groups);
    let mut lines = vec![say!(
        lang,
        "# w: [in, {out}, {k}]; x: [n, in, {s}]",
        "# 权重 w: [in, {out}, {k}]；x: [n, in, {s}]"
    )];
    let adds = finish.as_ref().is_some_and(Finish::adds);
    // With zeros added afterwards, the bias comes last.
    let inputs = if adds { "[\"x\", \"w\"]" } else { "[\"x\", \"w\", \"bias\"]" };
    let first = if finish.is_some() { "uncropped" } else { "y" };
    let mut arguments =
        vec!["\"ConvTranspose\"".to_owned(), inputs.into(), format!("[\"{first}\"]")];
    arguments.push(format!("kernel_shape={}", list(&of(axes, Axis::kernel))));
    arguments.push(format!("strides={}", list(&op.strides)));
    if op.dilations.iter().any(|&d| d != 1) {
        arguments.push(format!("dilations={}", list(&op.dilations)));
    }
    if groups != 1 {
        arguments.push(format!("group={groups}"));
    }
    if let Some(pads) = &op.pads {
        lines.push(say!(
            lang,
            "# pads: every begin first, then every end",
            "# pads：先写所有轴的前端，再写所有轴的后端"
        ));
        arguments.push(format!("pads={}", list(pads)));
    }
    if op.output_padding.iter().any(|&p| p != 0) {
        arguments.push(format!("output_padding={}", list(&op.output_padding)));
    }
    lines.push(call("node = onnx.helper.make_node", &arguments, ""));
    let Some(finish) = finish else { return lines.join("\n") };
    let mut last = "uncropped";
    if finish.cuts() {
        let name = if adds { "kept" } else { "y" };
        lines.push(say!(
            lang,
            "# starts, ends and axes are initializers of the graph",
            "# starts、ends、axes 是图的 initializer"
        ));
        lines.push(integers("starts", &of_finish(&finish, |a| a.begin)));
        lines.push(integers("ends", &of_finish(&finish, |a| a.end)));
        lines.push(integers("axes", &(2..2 + dims as i64).collect::<Vec<_>>()));
        let inputs = format!("[\"{last}\", \"starts\", \"ends\", \"axes\"]");
        let arguments = ["\"Slice\"".to_owned(), inputs, format!("[\"{name}\"]")];
        lines.push(call("cut = onnx.helper.make_node", &arguments, ""));
        last = name;
    }
    if adds {
        let mut zeros = vec![0, 0];
        zeros.extend(of_finish(&finish, |a| a.zeros_before));
        zeros.extend([0, 0]);
        zeros.extend(of_finish(&finish, |a| a.zeros_behind));
        lines.push(say!(
            lang,
            "# zeros is an initializer of the graph",
            "# zeros 是图的 initializer"
        ));
        lines.push(integers("zeros", &zeros));
        let inputs = format!("[\"{last}\", \"zeros\"]");
        let arguments = ["\"Pad\"".to_owned(), inputs, "[\"padded\"]".into()];
        lines.push(call("pad = onnx.helper.make_node", &arguments, ""));
        let ones = join(&vec![1; dims], i32::to_string);
        lines.push(say!(
            lang,
            "# bias of shape [1, out_channels, {ones}]: it belongs on the zeros as well",
            "# bias 的形状为 [1, out_channels, {ones}]：补的零上也要加偏置"
        ));
        lines.push("add = onnx.helper.make_node(\"Add\", [\"padded\", \"bias\"], [\"y\"])".into());
    }
    lines.join("\n")
}

/// A tensor of integers that a node reads.
fn integers(name: &str, values: &[i64]) -> String {
    let arguments = [
        format!("\"{name}\""),
        "onnx.TensorProto.INT64".into(),
        format!("[{}]", values.len()),
        list(values),
    ];
    call(&format!("{name} = onnx.helper.make_tensor"), &arguments, "")
}

fn of_finish(finish: &Finish, number: impl Fn(&AxisFinish) -> i64) -> Vec<i64> {
    finish.axes.iter().map(number).collect()
}
