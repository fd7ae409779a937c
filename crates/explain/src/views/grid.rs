//! Rows of numbers in columns, with the kept window in brackets.

use std::ops::Range;

use crate::document::{pad_end, width};

/// The width of the widest cell.
pub(crate) fn cell_width<'a>(cells: impl IntoIterator<Item = &'a String>) -> usize {
    cells.into_iter().map(|cell| cell.chars().count()).max().unwrap_or(0).max(1)
}

/// One row: a label, then the cells, right-aligned; `window` is the range of cells in brackets.
///
/// The brackets take the place of the blanks between cells, so that all rows stay in line.
pub(crate) fn row(
    label: &str,
    cells: &[String],
    columns: usize,
    window: Option<Range<usize>>,
) -> String {
    let mut line = label.to_owned();
    let bracket = |place: usize| match &window {
        Some(window) if window.start == place => '[',
        Some(window) if window.end == place => ']',
        _ => ' ',
    };
    for (place, cell) in cells.iter().enumerate() {
        line.push(bracket(place));
        line.push_str(&format!("{cell:>columns$}"));
    }
    line.push(bracket(cells.len()));
    line.trim_end().to_owned()
}

/// A grid of `columns` columns, every row in turn.
pub(crate) fn plain(values: &[String], columns: usize) -> Vec<String> {
    let widest = cell_width(values);
    values.chunks(columns.max(1)).map(|cells| row("", cells, widest, None)).collect()
}

/// Two grids next to each other, with their names above them.
pub(crate) fn beside(left: (&str, Vec<String>), right: (&str, Vec<String>)) -> Vec<String> {
    let columns = left.1.iter().map(|line| width(line)).max().unwrap_or(0);
    let gap = columns.max(width(left.0) + 1) + 4;
    let mut lines = vec![format!("{} {}", pad_end(&format!(" {}", left.0), gap), right.0)];
    for n in 0..left.1.len().max(right.1.len()) {
        let of = |grid: &[String]| grid.get(n).cloned().unwrap_or_default();
        lines.push((pad_end(&of(&left.1), gap) + &of(&right.1)).trim_end().to_owned());
    }
    lines
}
