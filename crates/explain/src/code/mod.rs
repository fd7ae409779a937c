//! The same setting as code: choose parameters that keep the very same window, then print them.
//!
//! Each framework's file chooses a plan (data) by asking the geometry crate what that framework makes of
//! the candidates, from its own words for padding down to "uncropped, then cut": the first that gives
//! the wanted axes is taken. The text is printed from the plan. No size rule stands here.

pub(crate) mod keras;
pub(crate) mod onnx;
pub(crate) mod pytorch;
pub(crate) mod tensorflow;
pub(crate) mod upconv;

use serde::Serialize;
use upconv_geometry::Axis;

use crate::lang::Lang;

/// Code for one setting, a text per framework.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Code {
    /// `tf.nn.conv{1,2,3}d_transpose`.
    pub tensorflow: String,
    /// `keras.layers.Conv{1,2,3}DTranspose`.
    pub keras: String,
    /// `torch.nn.ConvTranspose{1,2,3}d`.
    pub pytorch: String,
    /// The ONNX operator, as calls of `onnx.helper`.
    pub onnx: String,
    /// The Rust crates of this project.
    pub upconv: String,
}

impl Code {
    pub(crate) fn of(axes: &[Axis], groups: usize, lang: Lang) -> Self {
        Self {
            tensorflow: tensorflow::text(axes, groups, lang),
            keras: keras::text(axes, groups, lang),
            pytorch: pytorch::text(axes, groups, lang),
            onnx: onnx::text(axes, groups, lang),
            upconv: upconv::text(axes, groups, lang),
        }
    }
}

/// What is cut off and added after an operation, per axis, to get from its output to the wanted window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finish {
    pub(crate) axes: Vec<AxisFinish>,
}

/// [`Finish`] of one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AxisFinish {
    /// Cells that the operation gives.
    pub(crate) given: i64,
    /// First cell kept.
    pub(crate) begin: i64,
    /// One past the last cell kept.
    pub(crate) end: i64,
    /// Zeros put in front afterwards.
    pub(crate) zeros_before: i64,
    /// Zeros put behind afterwards.
    pub(crate) zeros_behind: i64,
}

impl Finish {
    /// How to get the window of `wanted` from the window of `given`, which covers all of it that is not
    /// zero.
    pub(crate) fn between(given: &[Axis], wanted: &[Axis]) -> Self {
        let one = |(given, wanted): (&Axis, &Axis)| {
            let shift = wanted.window_begin() - given.window_begin();
            let (size, output) = (given.output() as i64, wanted.output() as i64);
            let begin = shift.clamp(0, size);
            let end = (shift + output).clamp(begin, size);
            let zeros_before = (-shift).clamp(0, output);
            let zeros_behind = output - zeros_before - (end - begin);
            AxisFinish { given: size, begin, end, zeros_before, zeros_behind }
        };
        Self { axes: given.iter().zip(wanted).map(one).collect() }
    }

    pub(crate) fn cuts(&self) -> bool {
        self.axes.iter().any(|a| a.begin != 0 || a.end != a.given)
    }

    pub(crate) fn adds(&self) -> bool {
        self.axes.iter().any(|a| a.zeros_before != 0 || a.zeros_behind != 0)
    }

    /// `1:6, 1:6`, Python's way to keep the cells.
    pub(crate) fn slices(&self) -> String {
        join(&self.axes, |a| format!("{}:{}", a.begin, a.end))
    }
}

/// The same axes with the whole uncropped result as window.
pub(crate) fn uncropped(axes: &[Axis]) -> Option<Vec<Axis>> {
    axes.iter()
        .enumerate()
        .map(|(number, a)| {
            let params = upconv_geometry::AxisParams {
                input: a.input(),
                kernel: a.kernel(),
                stride: a.stride(),
                dilation: a.dilation(),
                window_begin: 0,
                output: a.full(),
            };
            Axis::new(number, params).ok()
        })
        .collect()
}

/// Items of every axis, separated by commas.
pub(crate) fn join<T>(axes: &[T], item: impl Fn(&T) -> String) -> String {
    axes.iter().map(item).collect::<Vec<_>>().join(", ")
}

/// A Python tuple, `(3,)` for one item.
pub(crate) fn tuple<T: ToString>(items: &[T]) -> String {
    match items {
        [one] => format!("({},)", one.to_string()),
        _ => format!("({})", join(items, T::to_string)),
    }
}

/// A Python list.
pub(crate) fn list<T: ToString>(items: &[T]) -> String {
    format!("[{}]", join(items, T::to_string))
}

/// A call, on one line if it fits, else one argument a line.
pub(crate) fn call(head: &str, arguments: &[String], tail: &str) -> String {
    let one = format!("{head}({}){tail}", arguments.join(", "));
    if one.len() <= 74 {
        return one;
    }
    let mut lines = vec![format!("{head}(")];
    // Short arguments share a line.
    let mut line = String::new();
    for argument in arguments {
        if !line.is_empty() && line.len() + argument.len() > 66 {
            lines.push(format!("    {}", line.trim_end()));
            line.clear();
        }
        line += &format!("{argument}, ");
    }
    lines.push(format!("    {}", line.trim_end()));
    lines.push(format!("){tail}"));
    lines.join("\n")
}

/// `kh, kw`: the kernel's axes in words.
pub(crate) fn kernel_axes(dims: usize) -> &'static str {
    match dims {
        1 => "k",
        2 => "kh, kw",
        _ => "kd, kh, kw",
    }
}

/// Output channels in words, as the weight has them.
pub(crate) fn out(groups: usize) -> String {
    if groups > 1 { format!("out / {groups}") } else { "out".into() }
}

/// `h, w`: the spatial axes in words.
pub(crate) fn spatial_axes(dims: usize) -> &'static str {
    match dims {
        1 => "length",
        2 => "h, w",
        _ => "d, h, w",
    }
}

/// The numbers of every axis.
pub(crate) fn of<T>(axes: &[Axis], number: impl Fn(&Axis) -> T) -> Vec<T> {
    axes.iter().map(number).collect()
}

/// Sizes as the dialects take them.
pub(crate) fn sizes(axes: &[Axis], number: fn(&Axis) -> usize) -> Vec<i64> {
    of(axes, |a| number(a) as i64)
}

#[cfg(test)]
mod tests;
