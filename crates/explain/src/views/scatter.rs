//! Scatter: every input cell lays down the whole kernel, times its value, and overlaps add up.

use super::grid::{beside, cell_width, plain, row};
use super::{Place, Span, Worked};
use crate::document::{Block, pad_end};
use crate::lang::{Lang, say};

pub(crate) fn blocks(worked: &Worked, lang: Lang) -> Vec<Block> {
    match worked.rows() {
        Some(_) => plane(worked, lang),
        None => line(worked, lang),
    }
}

fn line(worked: &Worked, lang: Lang) -> Vec<Block> {
    let a = worked.columns();
    let span = Span::of(a);
    let mut labels = vec![lang.pick("cell", "格").to_owned()];
    let number = |cell: i64| match span.place(cell) {
        Place::Cropped | Place::Kept => cell.to_string(),
        _ => String::new(),
    };
    let mut rows = vec![(span.cells().map(number).collect::<Vec<_>>(), false)];
    for (input, x) in worked.x.iter().enumerate() {
        let mut cells = vec![String::new(); span.len()];
        for (tap, w) in worked.w.iter().enumerate() {
            let cell = (input * a.stride() + tap * a.dilation()) as i64;
            cells[(cell - span.first) as usize] = (x * w).to_string();
        }
        labels.push(format!("{x} * w"));
        rows.push((cells, false));
    }
    labels.push(lang.pick("sum", "求和").into());
    rows.push((span.cells().map(|cell| value(worked, &span, cell)).collect(), false));
    labels.push("y".into());
    let kept = |cell: i64| {
        let output = span.output_at(cell).and_then(|o| usize::try_from(o).ok());
        output.map(|o| worked.y[o].to_string()).unwrap_or_default()
    };
    rows.push((span.cells().map(kept).collect(), true));

    let width = rows.iter().map(|(cells, _)| cell_width(cells)).max().unwrap_or(1);
    let column = labels.iter().map(|l| crate::document::width(l)).max().unwrap_or(0) + 1;
    let figure = labels
        .iter()
        .zip(&rows)
        .map(|(label, (cells, windowed))| {
            row(&pad_end(label, column), cells, width, windowed.then(|| span.window()))
        })
        .collect();
    vec![Block::Prose(given(worked, lang)), Block::figure(figure, lang)]
}

/// A cell of the uncropped row; blank outside it.
fn value(worked: &Worked, span: &Span, cell: i64) -> String {
    match span.place(cell) {
        Place::Cropped | Place::Kept => worked.full[cell as usize].to_string(),
        _ => String::new(),
    }
}

fn plane(worked: &Worked, lang: Lang) -> Vec<Block> {
    let (Some(rows), columns) = (worked.rows(), worked.columns()) else { return Vec::new() };
    let text = |values: &[i64]| values.iter().map(i64::to_string).collect::<Vec<_>>();
    let x = plain(&text(&worked.x), columns.input());
    let w = plain(&text(&worked.w), columns.kernel());
    let (down, across) = (Span::of(rows), Span::of(columns));
    let cell = |r: i64, c: i64| {
        let (place, other) = (down.place(r), across.place(c));
        let inside = |p: Place| matches!(p, Place::Cropped | Place::Kept);
        let window = |p: Place| matches!(p, Place::Kept | Place::Added);
        match (inside(place) && inside(other), window(place) && window(other)) {
            (true, _) => worked.full[r as usize * columns.full() + c as usize].to_string(),
            (false, true) => "0".into(),
            (false, false) => String::new(),
        }
    };
    let grid: Vec<Vec<String>> =
        down.cells().map(|r| across.cells().map(|c| cell(r, c)).collect()).collect();
    // One more, so that numbers do not touch the brackets.
    let width = cell_width(grid.iter().flatten()) + 1;
    let figure = down
        .cells()
        .zip(&grid)
        .map(|(r, cells)| row("", cells, width, down.output_at(r).map(|_| across.window())))
        .collect();
    // The last input is the one that shows best how far apart the landing places lie.
    let (i, j) = (rows.input() - 1, columns.input() - 1);
    let (top, left) = (i * rows.stride(), j * columns.stride());
    let (bottom, right) =
        (top + rows.effective_kernel() - 1, left + columns.effective_kernel() - 1);
    let last = worked.x.len();
    vec![
        Block::Prose(given(worked, lang)),
        Block::figure(beside(("x", x), ("w", w)), lang),
        Block::Prose(say!(
            lang,
            "For example x[{i},{j}] = {last} adds {last} * w to rows {top} to {bottom} and columns {left} \
             to {right} of the uncropped result. All of them together; the output is what stands in \
             brackets:",
            "例如 x[{i},{j}] = {last} 把 {last} * w 加到未裁剪结果的第 {top} 到 {bottom} 行、第 {left} 到 \
             {right} 列。全部相加后如下，方括号内就是输出："
        )),
        Block::figure(figure, lang),
    ]
}

fn given(worked: &Worked, lang: Lang) -> String {
    match worked.axes.len() {
        1 => {
            let list =
                |values: &[i64]| values.iter().map(i64::to_string).collect::<Vec<_>>().join(" ");
            let (x, w) = (list(&worked.x), list(&worked.w));
            say!(
                lang,
                "Every input cell lays down the kernel, times its value; where they overlap, the sums \
                 add up. With x = {x} and w = {w}:",
                "每个输入格放下一次乘以其值的卷积核，重叠处相加。取 x = {x}，w = {w}："
            )
        }
        _ => say!(
            lang,
            "Every input cell lays down the kernel, times its value; where they overlap, the sums add \
             up. With numbers:",
            "每个输入格放下一次乘以其值的卷积核，重叠处相加。代入数字："
        ),
    }
}
