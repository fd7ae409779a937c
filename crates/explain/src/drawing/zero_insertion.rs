//! Zero insertion: the input with zeros between and around its cells, and the flipped kernel moving over it one
//! cell at a time.

use std::ops::Range;

use upconv_geometry::Axis;

use super::gather::output;
use super::palette::Paint;
use super::panel::{Cell, Frame, Panel};
use super::subject::Subject;
use crate::lang::say;

pub(crate) fn title(subject: &Subject) -> &'static str {
    subject.lang.pick(
        "Zero insertion: a convolution of stride 1 with the flipped kernel over a stretched input",
        "插零：在拉伸后的输入上，用翻转的卷积核做步幅为 1 的卷积",
    )
}

/// One axis of the stretched input, in cells of the uncropped result.
pub(crate) struct StretchedAxis {
    /// All that the kernel reads, and every input cell.
    cells: Range<i64>,
    /// Where each input cell lies: its product with tap 0 stays there.
    inputs: Vec<i64>,
    /// How far tap j lies behind tap 0.
    taps: Vec<i64>,
}

impl StretchedAxis {
    pub(crate) fn new(axis: &Axis, uncropped: &Axis) -> Self {
        let at = |input: usize, tap: usize| uncropped.target(input, tap).map(|cell| cell as i64);
        let inputs: Vec<i64> = (0..axis.input()).filter_map(|input| at(input, 0)).collect();
        let taps: Vec<i64> = (0..axis.kernel()).filter_map(|tap| at(0, tap)).collect();
        let reach = taps.last().copied().unwrap_or(0);
        let begin = axis.window_begin();
        let end = begin + axis.output() as i64;
        let last = inputs.last().copied().unwrap_or(0);
        Self { cells: (begin - reach).min(0)..end.max(last + 1), inputs, taps }
    }

    pub(crate) fn len(&self) -> usize {
        (self.cells.end - self.cells.start) as usize
    }

    pub(crate) fn input_at(&self, n: usize) -> Option<usize> {
        let cell = self.cells.start + n as i64;
        self.inputs.iter().position(|&input| input == cell)
    }

    /// The tap over a cell of the picture, for a cell of the uncropped result.
    pub(crate) fn tap_at(&self, n: usize, result: i64) -> Option<usize> {
        let cell = self.cells.start + n as i64;
        self.taps.iter().position(|&tap| result - tap == cell)
    }

    /// The cells that the kernel spans for it.
    pub(crate) fn window(&self, result: i64) -> Range<usize> {
        let reach = self.taps.last().copied().unwrap_or(0);
        let first = (result - reach - self.cells.start) as usize;
        first..first + reach as usize + 1
    }
}

/// What one output cell reads. Outputs up to `until` have their values.
pub(crate) fn frame(subject: &Subject, step: usize, until: usize) -> Frame {
    let lang = subject.lang;
    let axes = [0, 1].map(|n| StretchedAxis::new(&subject.axes[n], &subject.uncropped[n]));
    let [rows, columns] = &axes;
    let result = subject.uncropped_of(step);
    let label = lang.pick(
        "input with zeros between and around, and the kernel over it",
        "插零后的输入（中间与四周为零）与其上的卷积核",
    );
    let stretched = Panel::new(label, [rows.len(), columns.len()], |i, j| {
        let read = rows.tap_at(i, result[0]).is_some() && columns.tap_at(j, result[1]).is_some();
        let cell = match (rows.input_at(i), columns.input_at(j)) {
            (Some(row), Some(column)) => {
                let flat = row * subject.input()[1] + column;
                Cell::new(Paint::Input, subject.x(flat)).lit_if(read, Paint::InputLit)
            }
            _ => {
                let zero = subject.numbers.is_some().then(|| "0".to_owned());
                Cell::new(Paint::Zero, zero).lit_if(read, Paint::Kernel)
            }
        };
        Some(cell)
    });
    let stretched =
        stretched.with_window(rows.window(result[0]), columns.window(result[1]), Paint::Ink);
    let [taps_down, taps_across] = subject.kernel();
    let flipped = Panel::new(
        lang.pick("kernel, flipped along every axis", "卷积核，沿每个轴翻转"),
        subject.kernel(),
        |i, j| {
            let flat = (taps_down - 1 - i) * taps_across + taps_across - 1 - j;
            Some(Cell::new(Paint::Kernel, subject.w(flat)))
        },
    );
    let y = subject.name('y', step, subject.output());
    let used = subject.products(step).len();
    let all = taps_down * taps_across;
    let caption = if used == all {
        say!(
            lang,
            "For {y} all {all} taps of the kernel meet an input.",
            "计算 {y} 时，卷积核的 {all} 个元素都遇到输入。"
        )
    } else {
        let zeros = all - used;
        let inputs = match used {
            1 => lang.pick("1 input", "1 个输入").to_owned(),
            _ => say!(lang, "{used} inputs", "{used} 个输入"),
        };
        say!(
            lang,
            "For {y} the kernel meets {inputs}; {zeros} of its {all} taps meet zeros. A program that really inserts \
             them multiplies by zero; phases leave those products out.",
            "计算 {y} 时，卷积核遇到 {inputs}；{all} 个核元素中有 {zeros} 个遇到的是零。真正插零的程序会去乘这些零；\
             按相位计算则省去它们。"
        )
    };
    Frame { panels: vec![vec![stretched], vec![flipped, output(subject, step, until)]], caption }
}
