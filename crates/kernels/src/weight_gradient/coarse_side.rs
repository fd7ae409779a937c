//! The coarse side: lines of channels, one for each cell of a block.

use super::shape::{Block, Planes, Shape};
use super::tiling::{Rows, padded};
use crate::simd::transpose::Places;

/// Which cell of a block comes after which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Images side by side for each cell, so that rows of small planes are long.
    ImagesInner,
    /// Image by image.
    ImagesOuter,
}

/// Packs a line of `width` values for every cell, with the planes from the first on.
pub(super) fn pack_lines(
    shape: &Shape,
    planes: Planes<'_>,
    block: &Block,
    (order, width): (Order, usize),
    out: &mut [f32],
) {
    let (rows, length) = block.rows(shape);
    let (images, plane) = (block.images.len(), block.plane());
    let (image_step, cell_step) = match order {
        Order::ImagesInner => (width, images * width),
        Order::ImagesOuter => (plane * width, width),
    };
    let places = Places::new((0..length).map(|cell| cell * cell_step));
    for (n, image) in block.images.clone().enumerate() {
        for (row, &first) in rows.iter().enumerate() {
            let out = &mut out[n * image_step + row * length * cell_step..];
            shape.isa.spread(&planes.lines(image, first, &places), out);
        }
    }
}

/// Packs `[tile][cell][height]`: the tile of rows from `first` on begins at `first * cells`.
pub(super) fn pack_rows(
    shape: &Shape,
    planes: Planes<'_>,
    block: &Block,
    (order, tiles): (Order, &[Rows]),
    out: &mut [f32],
) {
    for tile in tiles {
        let planes = planes.part(tile.first..tile.first + tile.height);
        let out = &mut out[tile.first * block.cells()..][..tile.height * block.cells()];
        pack_lines(shape, planes, block, (order, tile.height), out);
    }
}

/// Values that [`pack_rows`] takes for so many cells.
pub(super) fn row_values(tiles: &[Rows], cells: usize) -> usize {
    padded(tiles) * cells
}
