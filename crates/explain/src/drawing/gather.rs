//! Gather: an output cell after the other collects its products.

use super::palette::Paint;
use super::panel::{Cell, Frame, Panel};
use super::subject::{Numbers, Subject};
use crate::lang::say;
use crate::page::short_number;

/// Most products that a caption spells out.
const MAX_TERMS: usize = 9;

pub(crate) fn title(subject: &Subject) -> &'static str {
    subject.lang.pick(
        "Gather: every output cell is a sum of inputs times taps",
        "汇集：每个输出格都是若干输入与核元素乘积之和",
    )
}

pub(crate) fn steps(subject: &Subject) -> usize {
    subject.output().iter().product()
}

/// What one output cell collects. Outputs up to `until` have their values.
pub(crate) fn frame(subject: &Subject, step: usize, until: usize) -> Frame {
    let lang = subject.lang;
    let products = subject.products(step);
    let inputs = |flat: usize| products.iter().any(|&(input, _)| input == flat);
    let taps = |flat: usize| products.iter().any(|&(_, tap)| tap == flat);
    let input = Panel::new(lang.pick("input x", "输入 x"), subject.input(), |i, j| {
        let flat = i * subject.input()[1] + j;
        Some(Cell::new(Paint::Input, subject.x(flat)).lit_if(inputs(flat), Paint::InputLit))
    });
    let kernel = Panel::new(lang.pick("kernel w", "卷积核 w"), subject.kernel(), |i, j| {
        let flat = i * subject.kernel()[1] + j;
        Some(Cell::new(Paint::Kernel, subject.w(flat)).lit_if(taps(flat), Paint::KernelLit))
    });
    Frame {
        panels: vec![vec![input, kernel], vec![output(subject, step, until)]],
        caption: sum(subject, step, &products),
    }
}

/// The output, with one cell lit.
pub(crate) fn output(subject: &Subject, step: usize, until: usize) -> Panel {
    Panel::new(subject.lang.pick("output y", "输出 y"), subject.output(), |i, j| {
        let flat = i * subject.output()[1] + j;
        let text = subject.y(flat).filter(|_| flat <= until);
        Some(Cell::new(Paint::Output, text).lit_if(flat == step, Paint::OutputLit))
    })
}

/// `y[1] = x[1]*w[0] + x[0]*w[2] = 2*1 + 1*3 = 5`
fn sum(subject: &Subject, output: usize, products: &[(usize, usize)]) -> String {
    let lang = subject.lang;
    let y = subject.name('y', output, subject.output());
    let number = products.len();
    if number == 0 {
        return say!(
            lang,
            "{y} = 0: no product lands here, it holds only the bias.",
            "{y} = 0：没有乘积落到这里，只剩偏置。"
        );
    }
    if number > MAX_TERMS {
        let value = subject.y(output).map(|value| format!(" = {value}")).unwrap_or_default();
        return say!(
            lang,
            "{y}{value}: a sum of {number} products, of the inputs and taps that are lit.",
            "{y}{value}：{number} 个乘积之和，输入与核元素已标出。"
        );
    }
    let term = |&(input, tap): &(usize, usize)| {
        let (x, w) =
            (subject.name('x', input, subject.input()), subject.name('w', tap, subject.kernel()));
        format!("{x}*{w}")
    };
    let names = products.iter().map(term).collect::<Vec<_>>().join(" + ");
    match &subject.numbers {
        None => format!("{y} = {names}"),
        Some(Numbers { x, w, y: sums }) => {
            let factor = |value: f64| match value < 0.0 {
                true => format!("({})", short_number(value)),
                false => short_number(value),
            };
            let number =
                |&(input, tap): &(usize, usize)| format!("{}*{}", factor(x[input]), factor(w[tap]));
            let numbers = products.iter().map(number).collect::<Vec<_>>().join(" + ");
            format!("{y} = {names} = {numbers} = {}", short_number(sums[output]))
        }
    }
}
