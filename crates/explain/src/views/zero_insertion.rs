//! Zero insertion: put zeros between the inputs and slide the flipped kernel with stride 1.
//!
//! With `e` cells that the kernel spans and the window's begin `b`, `e - 1 - b` zeros stand in front
//! (fewer than none: so many cells of the input fall away), and the row is `output + e - 1` long.

use upconv_geometry::Axis;

use super::grid::{cell_width, plain, row};
use super::{Worked, name};
use crate::document::{Block, pad_end};
use crate::lang::{Lang, say};

/// Most positions of the sliding kernel that are drawn.
const MAX_POSITIONS: usize = 12;

/// One axis of the zero-inserted input.
pub(crate) struct Inserted {
    /// Zeros in front; negative drops cells.
    pub(crate) front: i64,
    /// Zeros behind; negative drops cells.
    pub(crate) behind: i64,
    /// Per cell the input that stands there.
    pub(crate) cells: Vec<Option<usize>>,
}

impl Inserted {
    pub(crate) fn of(a: &Axis) -> Self {
        let front = a.effective_kernel() as i64 - 1 - a.window_begin();
        let length = a.output() + a.effective_kernel() - 1;
        let spread = (a.input() as i64 - 1) * a.stride() as i64 + 1;
        let stride = a.stride() as i64;
        let cell = |place: usize| {
            let ahead = place as i64 - front;
            let input = usize::try_from(ahead / stride).ok()?;
            (ahead >= 0 && ahead % stride == 0 && input < a.input()).then_some(input)
        };
        Self {
            front,
            behind: length as i64 - front - spread,
            cells: (0..length).map(cell).collect(),
        }
    }
}

/// The taps as they slide: flipped, with a gap for each cell that dilation leaves out.
fn flipped(a: &Axis) -> Vec<Option<usize>> {
    let span = a.effective_kernel();
    (0..span)
        .map(|place| {
            let ahead = span - 1 - place;
            ahead.is_multiple_of(a.dilation()).then(|| ahead / a.dilation())
        })
        .collect()
}

pub(crate) fn blocks(worked: &Worked, lang: Lang) -> Vec<Block> {
    let mut blocks = vec![Block::Prose(rule(worked, lang))];
    blocks.extend(match worked.rows() {
        Some(rows) => plane(worked, rows, lang),
        None => line(worked, lang),
    });
    blocks
}

fn rule(worked: &Worked, lang: Lang) -> String {
    let mut text = String::from(lang.pick(
        "Equal, but wasteful: zeros go between the inputs and around them, and the flipped kernel slides \
         over them with stride 1 (a dot is such a zero).",
        "等价但浪费的做法：在输入之间和四周放零，再让翻转的卷积核以步幅 1 滑过（点表示这样的零）。",
    ));
    for (numbers, a) in crate::axes::alike(&worked.axes) {
        let (label, between) = (crate::axes::label(&numbers, lang), a.stride() - 1);
        let Inserted { front, behind, .. } = Inserted::of(a);
        text += &say!(
            lang,
            " On {label}: {between} between neighbours, {front} in front, {behind} behind.",
            "{label}：相邻之间 {between} 个，前面 {front} 个，后面 {behind} 个。"
        );
        if front < 0 || behind < 0 {
            text += lang.pick(
                " (A negative number drops so many cells of the input.)",
                "（负数表示去掉这么多输入格。）",
            );
        }
    }
    text
}

fn line(worked: &Worked, lang: Lang) -> Vec<Block> {
    let a = worked.columns();
    let inserted = Inserted::of(a);
    let dot = || ".".to_owned();
    let cells: Vec<_> =
        inserted.cells.iter().map(|i| i.map_or_else(dot, |i| worked.x[i].to_string())).collect();
    let kernel: Vec<_> =
        flipped(a).iter().map(|j| j.map_or_else(dot, |j| worked.w[j].to_string())).collect();
    let width = cell_width(cells.iter().chain(&kernel));
    let labels = (lang.pick("input", "输入"), lang.pick("kernel", "卷积核"));
    let column = crate::document::width(labels.0).max(crate::document::width(labels.1)) + 1;
    let row = |label: &str, cells: &[String]| row(&pad_end(label, column), cells, width, None);
    let mut lines = vec![row(labels.0, &cells)];
    // All results stand in one column.
    let result = column + cells.len() * (width + 1) + 2;
    for output in 0..a.output().min(MAX_POSITIONS) {
        let mut shifted = vec![String::new(); output];
        shifted.extend(kernel.iter().cloned());
        let label = if output == 0 { labels.1 } else { "" };
        lines.push(
            pad_end(&row(label, &shifted), result) + &format!("y[{output}] = {}", worked.y[output]),
        );
    }
    if a.output() > MAX_POSITIONS {
        lines.push("...".into());
    }
    vec![Block::figure(lines, lang)]
}

fn plane(worked: &Worked, rows: &Axis, lang: Lang) -> Vec<Block> {
    let columns = worked.columns();
    let (down, across) = (Inserted::of(rows), Inserted::of(columns));
    let cell = |r: Option<usize>, c: Option<usize>, values: &[i64], size: usize| match (r, c) {
        (Some(r), Some(c)) => values[r * size + c].to_string(),
        _ => ".".into(),
    };
    let grid: Vec<String> = down
        .cells
        .iter()
        .flat_map(|&r| across.cells.iter().map(move |&c| (r, c)))
        .map(|(r, c)| cell(r, c, &worked.x, columns.input()))
        .collect();
    let (kernel_rows, kernel_columns) = (flipped(rows), flipped(columns));
    let kernel: Vec<String> = kernel_rows
        .iter()
        .flat_map(|&r| kernel_columns.iter().map(move |&c| (r, c)))
        .map(|(r, c)| cell(r, c, &worked.w, columns.kernel()))
        .collect();
    let grid = plain(&grid, across.cells.len());
    let kernel = plain(&kernel, kernel_columns.len());
    let names = (lang.pick("input", "输入"), lang.pick("kernel, flipped", "翻转的核"));
    let first = name('y', 0, &[rows.output(), columns.output()]);
    let value = worked.y[0];
    vec![
        Block::figure(super::grid::beside((names.0, grid), (names.1, kernel)), lang),
        Block::Prose(say!(
            lang,
            "The kernel laid over the top left corner gives {first} = {value}.",
            "卷积核放在左上角时得到 {first} = {value}。"
        )),
    ]
}
