//! The connections of one setting, seen from several sides.

use serde::Serialize;
use upconv_geometry::Axis;

use crate::drawing::{AxisPhases, StretchedAxis, Subject};
use crate::views::Span;

/// Where one product of an input cell lands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Landing {
    /// The tap.
    pub tap: usize,
    /// The cell of the uncropped result.
    pub uncropped: usize,
    /// The output cell; null where it is cropped.
    pub output: Option<usize>,
}

/// For every input cell where its products land.
pub(super) fn scatter(subject: &Subject) -> Vec<Vec<Landing>> {
    let [rows, columns] = subject.input();
    let [taps, whole, output] =
        [subject.kernel()[1], subject.uncropped[1].output(), subject.output()[1]];
    let of = |row: usize, column: usize| {
        let (down, across) = (&subject.uncropped[0], &subject.uncropped[1]);
        let mut landings = Vec::new();
        for a in down.targets(row) {
            for b in across.targets(column) {
                let kept =
                    subject.axes[0].target(row, a.tap).zip(subject.axes[1].target(column, b.tap));
                landings.push(Landing {
                    tap: a.tap * taps + b.tap,
                    uncropped: a.output * whole + b.output,
                    output: kept.map(|(i, j)| i * output + j),
                });
            }
        }
        landings
    };
    (0..rows * columns).map(|flat| of(flat / columns, flat % columns)).collect()
}

/// The uncropped result with the window that is kept; a window may reach beyond it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Crop {
    /// Rows and columns that hold both.
    pub size: [usize; 2],
    /// The cell of the uncropped result at every place; null beside it.
    pub uncropped: Vec<Option<usize>>,
    /// The output cell at every place; null where nothing is kept.
    pub output: Vec<Option<usize>>,
}

impl Crop {
    pub(super) fn of(subject: &Subject) -> Self {
        let [rows, columns] = &subject.spans;
        let size = [rows.len(), columns.len()];
        let whole = subject.uncropped.each_ref().map(Axis::output);
        let flat = |[row, column]: [Option<usize>; 2], width: usize| {
            row.zip(column).map(|(row, column)| row * width + column)
        };
        let places =
            || rows.cells().flat_map(|row| columns.cells().map(move |column| [row, column]));
        let within =
            |cell: i64, side: usize| usize::try_from(cell).ok().filter(|&cell| cell < side);
        let uncropped = places()
            .map(|[row, column]| flat([within(row, whole[0]), within(column, whole[1])], whole[1]));
        let output = places().map(|[row, column]| {
            // Within the output, whose sides are sizes.
            let kept = |span: &Span, cell| span.output_at(cell).map(|cell| cell as usize);
            flat([kept(rows, row), kept(columns, column)], subject.output()[1])
        });
        Self { size, uncropped: uncropped.collect(), output: output.collect() }
    }
}

/// The input with zeros between and around its cells, over which the flipped kernel moves by one cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Stretched {
    /// Rows and columns.
    pub size: [usize; 2],
    /// The input at every cell, null for a zero.
    pub inputs: Vec<Option<usize>>,
    /// For every output cell the cell where the kernel's upper left corner lies over it.
    pub corner: Vec<[usize; 2]>,
    /// Rows and columns that the kernel spans.
    pub span: [usize; 2],
    /// The tap at every cell of the span, flipped along every axis; null between the taps of a dilated kernel.
    pub taps: Vec<Option<usize>>,
}

impl Stretched {
    pub(super) fn of(subject: &Subject) -> Self {
        let axes = [0, 1].map(|n| StretchedAxis::new(&subject.axes[n], &subject.uncropped[n]));
        let [rows, columns] = &axes;
        let size = [rows.len(), columns.len()];
        let both =
            |i: Option<usize>, j: Option<usize>, width: usize| i.zip(j).map(|(i, j)| i * width + j);
        let inputs = (0..size[0] * size[1]).map(|flat| {
            let (i, j) = (flat / size[1], flat % size[1]);
            both(rows.input_at(i), columns.input_at(j), subject.input()[1])
        });
        let corner = (0..subject.output().iter().product()).map(|output| {
            let [i, j] = subject.uncropped_of(output);
            [rows.window(i).start, columns.window(j).start]
        });
        // The kernel over the first output cell; over all others it is the same.
        let first = subject.uncropped_of(0);
        let [down, across] = [rows.window(first[0]), columns.window(first[1])];
        let span = [down.len(), across.len()];
        let taps = down.flat_map(|i| {
            let row = rows.tap_at(i, first[0]);
            across.clone().map(move |j| (row, columns.tap_at(j, first[1])))
        });
        Self {
            size,
            inputs: inputs.collect(),
            corner: corner.collect(),
            span,
            taps: taps.map(|(i, j)| both(i, j, subject.kernel()[1])).collect(),
        }
    }
}

/// Outputs that share their taps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Phases {
    /// Phases.
    pub count: usize,
    /// The phase of every output cell.
    pub outputs: Vec<usize>,
    /// The phase that every tap serves.
    pub taps: Vec<Option<usize>>,
}

impl Phases {
    pub(super) fn of(subject: &Subject) -> Self {
        let [rows, columns] = subject.axes.each_ref().map(AxisPhases::new);
        let outputs =
            rows.outputs.iter().flat_map(|&i| columns.outputs.iter().map(move |&j| (i, j)));
        let taps = rows.taps.iter().flat_map(|&i| columns.taps.iter().map(move |&j| i.zip(j)));
        Self {
            count: rows.number * columns.number,
            outputs: outputs.map(|(i, j)| i * columns.number + j).collect(),
            taps: taps.map(|tap| tap.map(|(i, j)| i * columns.number + j)).collect(),
        }
    }
}
