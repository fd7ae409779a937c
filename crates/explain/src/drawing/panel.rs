//! What a view says, before anything is drawn: grids of cells with their values, and what is lit.

use std::ops::Range;

use super::palette::Paint;

/// A grid of cells with a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Panel {
    pub(crate) label: String,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Row by row; `None` where the grid has a hole.
    pub(crate) cells: Vec<Option<Cell>>,
    /// Parts with a border of their own.
    pub(crate) windows: Vec<Window>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cell {
    pub(crate) paint: Paint,
    /// A number or a name; shown where it finds room.
    pub(crate) text: Option<String>,
    /// What the step is about.
    pub(crate) lit: bool,
}

/// Rows and columns with a border around them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Window {
    pub(crate) rows: Range<usize>,
    pub(crate) columns: Range<usize>,
    pub(crate) paint: Paint,
}

/// One step of a view: rows of panels, and what happens in words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) panels: Vec<Vec<Panel>>,
    pub(crate) caption: String,
}

impl Panel {
    /// A grid whose cells `cell` says, by row and column.
    pub(crate) fn new(
        label: impl Into<String>,
        [rows, columns]: [usize; 2],
        cell: impl Fn(usize, usize) -> Option<Cell>,
    ) -> Self {
        let at = |n: usize| cell(n / columns.max(1), n % columns.max(1));
        let cells = (0..rows * columns).map(at).collect();
        Self { label: label.into(), rows, columns, cells, windows: Vec::new() }
    }

    pub(crate) fn with_window(
        mut self,
        rows: Range<usize>,
        columns: Range<usize>,
        paint: Paint,
    ) -> Self {
        self.windows.push(Window { rows, columns, paint });
        self
    }
}

impl Cell {
    pub(crate) fn new(paint: Paint, text: Option<String>) -> Self {
        Self { paint, text, lit: false }
    }

    /// The same, lit in a colour, if `lit`.
    pub(crate) fn lit_if(self, lit: bool, paint: Paint) -> Self {
        match lit {
            true => Self { paint, lit, ..self },
            false => self,
        }
    }
}
