//! The overlap: how many products each output cell is a sum of.

use super::palette::{HEATS, Paint};
use super::panel::{Cell, Frame, Panel};
use super::subject::Subject;
use crate::lang::say;

pub(crate) fn title(subject: &Subject) -> &'static str {
    subject.lang.pick(
        "Overlap: how many products each output cell is a sum of",
        "重叠：每个输出格由多少个乘积相加而成",
    )
}

pub(crate) fn frame(subject: &Subject) -> Frame {
    let lang = subject.lang;
    let [rows, columns] = subject.axes.each_ref().map(|axis| axis.overlap());
    let counts = |rows: &[usize]| (rows.iter().min().copied(), rows.iter().max().copied());
    let ((row_least, row_most), (column_least, column_most)) = (counts(&rows), counts(&columns));
    let least = row_least.unwrap_or(0) * column_least.unwrap_or(0);
    let most = row_most.unwrap_or(0) * column_most.unwrap_or(0);
    let label = lang.pick("products of each output cell", "每个输出格的乘积个数");
    let panel = Panel::new(label, subject.output(), |i, j| {
        let count = rows[i] * columns[j];
        let heat = (count * (HEATS - 1)).checked_div(most).unwrap_or(0);
        Some(Cell::new(Paint::Heat(heat), Some(count.to_string())))
    });
    let uniform = subject.axes.iter().all(|axis| axis.overlap_is_uniform());
    let caption = match uniform {
        true if least == most => {
            let products = lang.products(most);
            say!(
                lang,
                "{products} everywhere, so the setting itself makes no chessboard. Weights still can.",
                "处处是 {products}，因此设置本身不产生棋盘格，但权重仍可能产生。"
            )
        }
        true => say!(
            lang,
            "From {least} to {most} products; away from the border they are equally many, so the setting \
             itself makes no chessboard. Weights still can.",
            "从 {least} 到 {most} 个乘积；除边界外个数相同，因此设置本身不产生棋盘格，但权重仍可能产生。"
        ),
        false => say!(
            lang,
            "From {least} to {most} products, unequal away from the border too: a chessboard, as the stride \
             does not divide the kernel.",
            "从 {least} 到 {most} 个乘积，除边界外也不相同：步幅不能整除核长，因此出现棋盘格。"
        ),
    };
    Frame { panels: vec![vec![panel]], caption }
}
