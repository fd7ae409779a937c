//! The matrix C of the forward convolution and its transpose, with the names of the taps.

use serde::Serialize;
use upconv_geometry::{Axis, Matrix};

use super::grid::{cell_width, row};
use crate::document::Block;
use crate::lang::{Lang, say};

/// Most rows, and most columns, of a matrix that is printed.
pub const MAX_MATRIX_DRAWN: usize = 36;

/// The matrix of the forward convolution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MatrixForm {
    /// Rows of C: input cells of the transposed convolution.
    pub rows: usize,
    /// Columns of C: its output cells.
    pub columns: usize,
    /// Row by row the flat tap at every place, null for a zero; left out (null) if C is large.
    pub taps: Option<Vec<Vec<Option<usize>>>>,
}

impl MatrixForm {
    /// The matrix for `axes`.
    ///
    /// ```
    /// use upconv_explain::MatrixForm;
    /// use upconv_geometry::{Axis, AxisParams};
    /// let params = AxisParams { input: 2, kernel: 2, stride: 1, dilation: 1, window_begin: 0, output: 3 };
    /// let form = MatrixForm::of(&[Axis::new(0, params)?]);
    /// assert_eq!((form.rows, form.columns), (2, 3));
    /// let (a, b) = (Some(0), Some(1));
    /// assert_eq!(form.taps, Some(vec![vec![a, b, None], vec![None, a, b]]));
    /// # Ok::<(), upconv_geometry::GeometryError>(())
    /// ```
    pub fn of(axes: &[Axis]) -> Self {
        // Settings have passed the limit on cells, so that neither product overflows.
        let rows = axes.iter().map(Axis::input).product();
        let columns = axes.iter().map(Axis::output).product();
        let small = rows <= MAX_MATRIX_DRAWN
            && columns <= MAX_MATRIX_DRAWN
            && axes.iter().all(|a| a.kernel() <= MAX_MATRIX_DRAWN);
        let taps = small.then(|| Matrix::new(axes).ok()).flatten().map(|matrix| {
            let mut taps = vec![vec![None; columns]; rows];
            for entry in &matrix.entries {
                taps[entry.row][entry.column] = Some(entry.tap);
            }
            taps
        });
        Self { rows, columns, taps }
    }

    pub(crate) fn blocks(&self, axes: &[Axis], lang: Lang) -> Vec<Block> {
        let (rows, columns) = (self.rows, self.columns);
        let Some(taps) = &self.taps else {
            return vec![Block::Prose(say!(
                lang,
                "C: {rows} x {columns}; transpose(C): {columns} x {rows}. Too large to print (up to \
                 {MAX_MATRIX_DRAWN} rows and columns are).",
                "C：{rows} x {columns}；transpose(C)：{columns} x {rows}。太大，不打印（最多 \
                 {MAX_MATRIX_DRAWN} 行、{MAX_MATRIX_DRAWN} 列）。"
            ))];
        };
        let last = axes.iter().map(Axis::kernel).product::<usize>() - 1;
        let order = match axes.len() {
            1 => String::new(),
            _ => say!(lang, ", row by row", "，按行排列"),
        };
        let transposed: Vec<Vec<_>> =
            (0..columns).map(|c| (0..rows).map(|r| taps[r][c]).collect()).collect();
        vec![
            Block::Prose(say!(
                lang,
                "The forward convolution from the output back to the input is a matrix C, with one row \
                 per input cell and the taps w0 to w{last}{order} (a dot is a zero). The transposed \
                 convolution multiplies by its transpose: y = transpose(C) * x. That brings back the \
                 size, not the values: C * transpose(C) is in general not the identity.",
                "从输出回到输入的前向卷积是一个矩阵 C，每个输入格一行，元素为 w0 到 w{last}{order}（点表示\
                 零）。转置卷积就是乘以它的转置：y = transpose(C) * x。恢复的是尺寸，不是数值：C * \
                 transpose(C) 一般不是单位矩阵。"
            )),
            Block::Figure(drawn("C", taps, lang)),
            Block::Figure(drawn("transpose(C)", &transposed, lang)),
        ]
    }
}

/// A matrix with its size above it; a line in its place where it is too wide.
fn drawn(name: &str, taps: &[Vec<Option<usize>>], lang: Lang) -> Vec<Vec<String>> {
    let (rows, columns) = (taps.len(), taps.first().map_or(0, Vec::len));
    let text = |tap: &Option<usize>| tap.map_or_else(|| ".".to_owned(), |j| format!("w{j}"));
    let cells: Vec<Vec<String>> = taps.iter().map(|row| row.iter().map(text).collect()).collect();
    let width = cell_width(cells.iter().flatten());
    let title = format!("{name}: {rows} x {columns}");
    let mut lines = vec![title.clone()];
    lines.extend(cells.iter().map(|cells| row("", cells, width, None)));
    let needed = lines.iter().map(String::len).max().unwrap_or(0) + 2;
    let narrow = say!(
        lang,
        "{title} (needs {needed} columns of text)",
        "{title}（需要 {needed} 列宽的屏幕）"
    );
    vec![lines, vec![narrow]]
}
