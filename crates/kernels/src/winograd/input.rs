//! From input cells to components: `[component][tile][input channel]` for the tiles of a block.

use std::ops::Range;

use super::transform::InputTile;
use super::{Block, Parts, Piece};
use crate::options::Layout;
use crate::simd::transpose::{Places, Spread};

/// Cells of one image, with the channels of each side by side.
struct Cells<'a> {
    values: &'a [f32],
    /// The cell that the values begin with.
    first: [usize; 2],
    /// Values from row to row, and from cell to cell.
    steps: [usize; 2],
    /// Channels of the values.
    channels: Range<usize>,
}

/// Transforms a block; `cells` is room for turned cells.
pub(super) fn transform(
    parts: &Parts,
    block: &Block,
    x: &[f32],
    cells: &mut [f32],
    components: &mut [f32],
) {
    let [rows, columns] = parts.shape.axes.each_ref().map(|axis| axis.in_cells);
    let all = parts.shape.in_channels;
    for piece in block.pieces(&parts.shape) {
        let image = &x[piece.image * rows * columns * all..][..rows * columns * all];
        match parts.layout {
            Layout::Nhwc => {
                let steps = [columns * all, all];
                let cells = Cells { values: image, first: [0, 0], steps, channels: 0..all };
                transform_cells(parts, block, &piece, &cells, components);
            }
            Layout::Nchw => {
                turn(parts, block, &piece, image, cells, |cells| {
                    transform_cells(parts, block, &piece, cells, components);
                });
            }
        }
    }
}

/// Turns the cells that a piece reads, some channels at a time.
fn turn(
    parts: &Parts,
    block: &Block,
    piece: &Piece,
    image: &[f32],
    turned: &mut [f32],
    mut each: impl FnMut(&Cells<'_>),
) {
    let [y, x] = &parts.shape.axes;
    let rows = y.reads(piece.rows.start, piece.rows.end);
    let columns = x.reads(block.columns.start, block.columns.end);
    let together = parts.split.buffers.cell_channels;
    // Whole rows follow one another.
    let (runs, run) = match columns.len() == x.in_cells {
        true => (1, rows.len() * columns.len()),
        false => (rows.len(), columns.len()),
    };
    let places = Places::new((0..run).map(|cell| cell * together));
    let plane = y.in_cells * x.in_cells;
    for first in (0..parts.shape.in_channels).step_by(together) {
        let channels = first..(first + together).min(parts.shape.in_channels);
        for n in 0..if run == 0 { 0 } else { runs } {
            let cell = (rows.start + n) * x.in_cells + columns.start;
            let lines = Spread {
                from: &image[first * plane + cell..],
                channel_step: plane,
                cell_step: 1,
                channels: channels.len(),
                places: &places,
            };
            parts.isa.spread(&lines, &mut turned[n * run * together..]);
        }
        each(&Cells {
            values: turned,
            first: [rows.start, columns.start],
            steps: [columns.len() * together, together],
            channels,
        });
    }
}

fn transform_cells(
    parts: &Parts,
    block: &Block,
    piece: &Piece,
    cells: &Cells<'_>,
    components: &mut [f32],
) {
    let buffers = &parts.split.buffers;
    let [y, x] = &parts.shape.axes;
    let columns = |column| x.inputs(column, cells.first[1], cells.steps[1]);
    let columns: Vec<_> = block.columns.clone().map(columns).collect();
    let mut at = piece.first_tile * buffers.input_width + cells.channels.start;
    for row in piece.rows.clone() {
        let rows = y.inputs(row, cells.first[0], cells.steps[0]);
        for &columns in &columns {
            let channels = cells.channels.len();
            let tile = InputTile { cells: cells.values, rows, columns, channels };
            parts.isa.transform_input(&tile, &mut components[at..], buffers.input_step);
            at += buffers.input_width;
        }
    }
}
