//! The sizes line by line, with the numbers put in.
//!
//! The numbers come from the geometry crate; the lines show how they arise. A test puts random
//! settings through all dialects and works every printed equation out again.

mod rule;

use upconv_geometry::{Axis, Legal, Resolved, Setting};

use crate::lang::{Lang, say};
use crate::message::MAX_LEGAL_LISTED;
use crate::overlap::MAX_CELLS_LISTED;

/// Most sizes that a line of text lists one by one.
const MAX_SIZES_IN_TEXT: i64 = 6;

/// The derivation: for every axis its uncropped size, the legal sizes, the dialect's rule, the window.
/// An axis that equals an earlier one takes one line.
pub(crate) fn derivation(setting: &Setting, resolved: &Resolved, lang: Lang) -> Vec<String> {
    let mut lines = Vec::new();
    for number in 0..resolved.axes.len() {
        let this = View::of(setting, resolved, number);
        let earlier = (0..number).find(|&n| View::of(setting, resolved, n).same_as(&this));
        let mut axis_lines = Lines { lang, number, lines: &mut lines };
        match earlier {
            Some(n) => axis_lines.push(say!(lang, "as axis {n}", "与轴 {n} 相同")),
            None => axis_lines.axis(&this),
        }
    }
    lines
}

/// One axis, and what was asked for it.
pub(super) struct View<'a> {
    pub(super) setting: &'a Setting,
    pub(super) axis: &'a Axis,
    pub(super) legal: Legal,
    /// The output size that was asked for.
    pub(super) wanted: Option<i64>,
    /// The `output_padding` that was asked for.
    pub(super) added: Option<i64>,
    /// The `output_padding` with which the dialect reaches the output.
    pub(super) reached_with: Option<i64>,
    /// Padding in numbers, `(before, after)`; 0 for words.
    pub(super) pads: (i64, i64),
    /// TFLite computes a size that TensorFlow refuses.
    pub(super) unchecked: bool,
}

impl<'a> View<'a> {
    fn of(setting: &'a Setting, resolved: &'a Resolved, number: usize) -> Self {
        let pads = match &setting.padding {
            Some(upconv_geometry::Padding::Pads(pads)) => at(pads, number).unwrap_or((0, 0)),
            _ => (0, 0),
        };
        Self {
            setting,
            axis: &resolved.axes[number],
            legal: resolved.legal[number],
            wanted: setting.output.as_deref().and_then(|list| at(list, number)),
            added: setting.output_padding.as_deref().and_then(|list| at(list, number)),
            reached_with: resolved.output_padding.as_deref().and_then(|list| at(list, number)),
            pads,
            unchecked: resolved.unchecked,
        }
    }

    fn same_as(&self, other: &Self) -> bool {
        (self.axis, self.legal, self.wanted, self.added, self.reached_with, self.pads)
            == (other.axis, other.legal, other.wanted, other.added, other.reached_with, other.pads)
    }
}

/// The number of an axis in a list that holds one per axis, or one for all.
fn at<T: Copy>(list: &[T], axis: usize) -> Option<T> {
    list.get(axis).or(if list.len() == 1 { list.first() } else { None }).copied()
}

/// Collects the lines of one axis.
pub(super) struct Lines<'a> {
    pub(super) lang: Lang,
    number: usize,
    lines: &'a mut Vec<String>,
}

impl Lines<'_> {
    pub(super) fn push(&mut self, text: String) {
        let number = self.number;
        self.lines.push(say!(self.lang, "axis {number}: {text}", "轴 {number}：{text}"));
    }

    fn axis(&mut self, view: &View<'_>) {
        self.sizes(view.axis);
        self.legal(view);
        self.rule(view);
        self.window(view.axis);
        self.lists(view);
    }

    fn sizes(&mut self, a: &Axis) {
        let (input, kernel, stride, dilation) = (a.input(), a.kernel(), a.stride(), a.dilation());
        let (span, full) = (a.effective_kernel(), a.full());
        if dilation > 1 {
            self.push(say!(
                self.lang,
                "effective kernel = ({kernel} - 1) * {dilation} + 1 = {span}",
                "有效核长 = ({kernel} - 1) * {dilation} + 1 = {span}"
            ));
        }
        self.push(format!("full = ({input} - 1) * {stride} + {span} = {full}"));
    }

    /// The sizes that share the input, and why there are as many as the stride.
    fn legal(&mut self, view: &View<'_>) {
        let (a, lang) = (view.axis, self.lang);
        let Legal { first, last } = view.legal;
        let (input, stride) = (a.input(), a.stride());
        let list = match last - first {
            0..MAX_SIZES_IN_TEXT => {
                let sizes: Vec<_> = (first..=last).map(|size| size.to_string()).collect();
                sizes.join(lang.pick(", ", "、"))
            }
            _ => lang.range(view.legal),
        };
        if first == last {
            return self.push(say!(
                lang,
                "legal size: only {list} leads back to input {input} in the forward convolution",
                "合法尺寸：经前向卷积回到输入 {input} 的只有 {list}"
            ));
        }
        if last - first + 1 != stride as i64 {
            // Sizes below 1 have dropped out.
            return self.push(say!(
                lang,
                "legal sizes: {list}; the forward convolution rounds all of them to the same {input}",
                "合法尺寸：{list}；前向卷积把它们都取整为同一个 {input}"
            ));
        }
        let check = |size: i64| self.forward(view, size).unwrap_or_default();
        let (first, last) = (check(first), check(last));
        self.push(say!(
            lang,
            "legal sizes: {list}, as many as the stride: the forward convolution rounds them all to the \
             same {input}{first}{last}",
            "合法尺寸：{list}，个数与步幅相同：前向卷积把它们都取整为同一个 {input}{first}{last}"
        ));
    }

    /// The forward convolution's size for an output of `size` cells, as an equation.
    fn forward(&self, view: &View<'_>, size: i64) -> Option<String> {
        let (a, input, stride) = (view.axis, view.axis.input(), view.axis.stride());
        let separator = self.lang.pick("; ", "；");
        if view.is_same() {
            return Some(format!("{separator}ceil({size} / {stride}) = {input}"));
        }
        // A range that was cut off at 1 no longer tells how much the padding takes.
        let crop = a.full() as i64 - view.legal.first;
        let complete = view.legal.last - view.legal.first + 1 == stride as i64;
        let span = a.effective_kernel();
        complete.then(|| {
            let crop = plus(crop);
            format!("{separator}floor(({size}{crop} - {span}) / {stride}) + 1 = {input}")
        })
    }

    /// The window in one line, with what is cut off or added behind.
    fn window(&mut self, a: &Axis) {
        let (lang, full, output) = (self.lang, a.full(), a.output());
        let (before, after) = (a.pad_before(), a.pad_after());
        let minus_before = minus(before);
        let front = match before {
            0.. => say!(lang, "crop {before} in front", "前面裁掉 {before}"),
            _ => {
                let zeros = lang.zeros(-before);
                say!(lang, "add {zeros} in front", "前面补 {zeros}")
            }
        };
        let back = match after {
            0.. => say!(
                lang,
                "and {full}{minus_before} - {output} = {after} behind",
                "，后面裁掉 {full}{minus_before} - {output} = {after}"
            ),
            _ => {
                let zeros = -after;
                let plus_before = plus(before);
                say!(
                    lang,
                    "and add {output}{plus_before} - {full} = {zeros} zeros behind",
                    "，后面补 {output}{plus_before} - {full} = {zeros} 个零"
                )
            }
        };
        let window = crate::axes::window(a);
        self.push(say!(lang, "window {window}: {front} {back}", "窗口 {window}：{front}{back}"));
    }

    /// Says which lists were left out, as they are too long.
    fn lists(&mut self, view: &View<'_>) {
        let lang = self.lang;
        if view.legal.last - view.legal.first >= MAX_LEGAL_LISTED {
            self.push(say!(
                lang,
                "the legal sizes are too many to list (at most {MAX_LEGAL_LISTED} are)",
                "合法尺寸太多，不逐一列出（最多列 {MAX_LEGAL_LISTED} 个）"
            ));
        }
        if view.axis.output() > MAX_CELLS_LISTED {
            self.push(say!(
                lang,
                "the overlap is not listed cell by cell (at most {MAX_CELLS_LISTED} cells are)",
                "重叠次数不逐格列出（最多列 {MAX_CELLS_LISTED} 格）"
            ));
        }
    }
}

/// ` - 5` or ` + 5`: what is taken away.
pub(super) fn minus(value: i64) -> String {
    if value < 0 { format!(" + {}", -value) } else { format!(" - {value}") }
}

/// ` + 5` or ` - 5`.
pub(super) fn plus(value: i64) -> String {
    if value < 0 { format!(" - {}", -value) } else { format!(" + {value}") }
}

#[cfg(test)]
mod tests;
