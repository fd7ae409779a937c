//! The matrix: C of the forward convolution and its transpose, with the row of an output cell lit.

use super::palette::Paint;
use super::panel::{Cell, Frame, Panel};
use super::subject::Subject;
use crate::lang::say;
use crate::views::matrix::MatrixForm;

pub(crate) fn title(subject: &Subject) -> &'static str {
    subject.lang.pick(
        "Matrix: the forward convolution is C, the transposed convolution is y = transpose(C) * x",
        "矩阵：前向卷积是 C，转置卷积是 y = transpose(C) * x",
    )
}

/// The taps of C, if it is small enough to be drawn.
pub(crate) fn taps(subject: &Subject) -> Option<Vec<Vec<Option<usize>>>> {
    MatrixForm::of(&subject.axes).taps
}

/// One row of the transpose. Outputs up to `until` have their values. `None` if C is too large.
pub(crate) fn frame(subject: &Subject, step: usize, until: usize) -> Option<Frame> {
    let lang = subject.lang;
    let taps = taps(subject)?;
    let (inputs, outputs) = (taps.len(), taps.first().map_or(0, Vec::len));
    let cell = |input: usize, output: usize| {
        let lit = output == step;
        let cell = match taps[input][output] {
            Some(tap) => {
                let text = subject.w(tap).unwrap_or_else(|| format!("w{tap}"));
                Cell::new(Paint::Kernel, Some(text)).lit_if(lit, Paint::KernelLit)
            }
            None => Cell::new(Paint::Zero, None).lit_if(lit, Paint::Zero),
        };
        Some(cell)
    };
    let forward = Panel::new(format!("C: {inputs} x {outputs}"), [inputs, outputs], cell);
    let label = format!("transpose(C): {outputs} x {inputs}");
    let transposed = Panel::new(label, [outputs, inputs], |i, j| cell(j, i));
    let x = Panel::new("x", [inputs, 1], |i, _| {
        let lit = taps[i][step].is_some();
        Some(Cell::new(Paint::Input, subject.x(i)).lit_if(lit, Paint::InputLit))
    });
    let y = Panel::new("y", [outputs, 1], |i, _| {
        let text = subject.y(i).filter(|_| i <= until);
        Some(Cell::new(Paint::Output, text).lit_if(i == step, Paint::OutputLit))
    });
    let y_name = subject.name('y', step, subject.output());
    let caption = say!(
        lang,
        "Row {step} of transpose(C), column {step} of C, times x is {y_name}. Where C has a zero, input and \
         output are not connected. The transpose brings back the size, not the values: C * transpose(C) is \
         in general not the identity.",
        "transpose(C) 的第 {step} 行（即 C 的第 {step} 列）乘以 x 得到 {y_name}。C 中为零处，输入与输出没有连接。\
         转置恢复的是尺寸，不是数值：C * transpose(C) 一般不是单位矩阵。"
    );
    Some(Frame { panels: vec![vec![forward], vec![transposed, x, y]], caption })
}
