//! Scatter: an input cell after the other lays down the kernel, times its value.

use std::collections::BTreeSet;

use super::palette::Paint;
use super::panel::{Cell, Frame, Panel};
use super::subject::{Numbers, Subject};
use crate::lang::say;
use crate::page::short_number;
use crate::views::Place;

pub(crate) fn title(subject: &Subject) -> &'static str {
    subject.lang.pick(
        "Scatter: every input cell lays down the kernel, times its value; overlaps add up",
        "散布：每个输入格放下一次乘以其值的卷积核，重叠处相加",
    )
}

pub(crate) fn steps(subject: &Subject) -> usize {
    subject.input().iter().product()
}

/// The input cell that a single picture shows.
pub(crate) fn telling(subject: &Subject) -> usize {
    let [rows, columns] = subject.input();
    rows / 2 * columns + columns / 2
}

/// What one input cell does. Sums hold the inputs up to `until`.
pub(crate) fn frame(subject: &Subject, step: usize, until: usize) -> Frame {
    let lang = subject.lang;
    let columns = subject.input()[1];
    let [across, down] = [step % columns, step / columns];
    let targets = |n: usize, input: usize| -> Vec<usize> {
        subject.uncropped[n].targets(input).map(|c| c.output).collect()
    };
    let [down, across] = [targets(0, down), targets(1, across)];
    let touched: BTreeSet<(usize, usize)> =
        down.iter().flat_map(|&i| across.iter().map(move |&j| (i, j))).collect();
    let input = Panel::new(lang.pick("input x", "输入 x"), subject.input(), |i, j| {
        let flat = i * columns + j;
        Some(Cell::new(Paint::Input, subject.x(flat)).lit_if(flat == step, Paint::InputLit))
    });
    let kernel = Panel::new(lang.pick("kernel w", "卷积核 w"), subject.kernel(), |i, j| {
        Some(Cell::new(Paint::Kernel, subject.w(i * subject.kernel()[1] + j)))
    });
    let x = subject.name('x', step, subject.input());
    let mut first = vec![input, kernel];
    if let Some(numbers) = &subject.numbers {
        let label = format!("{x} * w = {} * w", short_number(numbers.x[step]));
        first.push(Panel::new(label, subject.kernel(), |i, j| {
            let product = numbers.x[step] * numbers.w[i * subject.kernel()[1] + j];
            let cell = Cell::new(Paint::Kernel, Some(short_number(product)));
            Some(cell.lit_if(true, Paint::KernelLit))
        }));
    }
    let result = result(subject, until, &touched);
    let ends = |cells: &[usize]| match cells {
        [] => "-".to_owned(),
        [one] => one.to_string(),
        [first, .., last] => format!("{first}..{last}"),
    };
    let (rows, cells) = (ends(&down), ends(&across));
    let caption = match subject.rank {
        1 => say!(
            lang,
            "{x} lays down the kernel on cells {cells} of the uncropped result; the dashed window is the \
             output.",
            "{x} 把卷积核放到未裁剪结果的第 {cells} 格；虚线窗口就是输出。"
        ),
        _ => say!(
            lang,
            "{x} lays down the kernel on rows {rows}, columns {cells} of the uncropped result; the dashed \
             window is the output.",
            "{x} 把卷积核放到未裁剪结果的第 {rows} 行、第 {cells} 列；虚线窗口就是输出。"
        ),
    };
    Frame { panels: vec![first, vec![result]], caption }
}

/// The uncropped result, and the window in it.
fn result(subject: &Subject, until: usize, touched: &BTreeSet<(usize, usize)>) -> Panel {
    let lang = subject.lang;
    let [rows, columns] = &subject.spans;
    let cell = |i: usize, j: usize| {
        let (row, column) = (rows.first + i as i64, columns.first + j as i64);
        let place = match (rows.place(row), columns.place(column)) {
            (Place::Nowhere, _) | (_, Place::Nowhere) => return None,
            (Place::Kept, Place::Kept) => Place::Kept,
            (Place::Added | Place::Kept, Place::Added | Place::Kept) => Place::Added,
            // Beyond the uncropped result along one axis, and beyond the window along the other.
            (Place::Added, Place::Cropped) | (Place::Cropped, Place::Added) => return None,
            _ => Place::Cropped,
        };
        let sum = |numbers: &Numbers| -> String {
            if place == Place::Added {
                return "0".to_owned();
            }
            // Neither is negative: both lie in the uncropped result.
            let products = subject.products_uncropped([row as usize, column as usize]);
            let own = products.into_iter().filter(|&(input, _)| input <= until);
            short_number(own.map(|(input, tap)| numbers.x[input] * numbers.w[tap]).sum())
        };
        let text = subject.numbers.as_ref().map(sum);
        let paint = match place {
            Place::Added => Paint::Zero,
            Place::Cropped => Paint::Cropped,
            _ => Paint::Output,
        };
        let inside = row >= 0 && column >= 0;
        let lit = inside && touched.contains(&(row as usize, column as usize));
        Some(Cell::new(paint, text).lit_if(lit, Paint::KernelLit))
    };
    let label = say!(
        lang,
        "uncropped result, and the window that is the output",
        "未裁剪结果，其中的窗口就是输出"
    );
    Panel::new(label, [rows.len(), columns.len()], cell).with_window(
        rows.window(),
        columns.window(),
        Paint::Ink,
    )
}
