//! Cells that are read in another order than they lie in: so many steps further for one step along each axis.

use std::convert::Infallible;

use crate::error::TensorFault;
use crate::limits;

/// Bytes that are put down at a time, a multiple of every cell.
const PIECE: usize = 1 << 20;

/// Where the cells of a tensor lie in a row of cells.
#[derive(Clone, Debug)]
pub(crate) struct Strided {
    /// Bytes of a cell: 1, 2, 4 or 8.
    pub(crate) cell: usize,
    /// The first cell.
    pub(crate) offset: usize,
    /// Cells along each axis, at least 1.
    pub(crate) shape: Vec<usize>,
    /// Cells further for one step along each axis; 0 repeats. The last cell lies within the row.
    pub(crate) steps: Vec<usize>,
}

impl Strided {
    /// Row-major cells of `shape`, with axis `axes[i]` of that shape as axis `i`.
    pub(crate) fn permuted(cell: usize, shape: &[usize], axes: &[usize]) -> Self {
        // The products are at most the number of cells.
        let step = |&axis: &usize| shape[axis + 1..].iter().product();
        let steps = axes.iter().map(step).collect();
        Self { cell, offset: 0, shape: axes.iter().map(|&axis| shape[axis]).collect(), steps }
    }

    /// Bytes of all cells.
    pub(crate) fn bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * self.cell
    }

    /// The cells in order, a piece of at most 1 MiB at a time; `row` is all the cells that they lie in.
    pub(crate) fn pieces<E>(
        &self,
        row: &[u8],
        each: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        match self.cell {
            1 => self.pieces_of::<1, E>(row, each),
            2 => self.pieces_of::<2, E>(row, each),
            4 => self.pieces_of::<4, E>(row, each),
            _ => self.pieces_of::<8, E>(row, each),
        }
    }

    fn pieces_of<const N: usize, E>(
        &self,
        row: &[u8],
        each: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        // Cells need not begin at a multiple of their size, so this is a view of bytes.
        let row = row.as_chunks::<N>().0;
        let mut piece = Vec::with_capacity(PIECE.min(self.bytes()));
        // An odometer: `from` is the offset and the sum of counter times step, and an axis that is full gives back what it
        // had added.
        let mut counter = [0; limits::MAX_AXES];
        let mut from = self.offset;
        for _ in 0..self.bytes() / N {
            piece.extend_from_slice(&row[from]);
            if piece.len() >= PIECE {
                each(&piece)?;
                piece.clear();
            }
            for (axis, (&size, &step)) in self.shape.iter().zip(&self.steps).enumerate().rev() {
                counter[axis] += 1;
                if counter[axis] < size {
                    from += step;
                    break;
                }
                from -= (size - 1) * step;
                counter[axis] = 0;
            }
        }
        if piece.is_empty() { Ok(()) } else { each(&piece) }
    }

    /// All cells, if there is memory for them.
    pub(crate) fn collected(&self, row: &[u8]) -> Result<Vec<u8>, TensorFault> {
        let bytes = self.bytes();
        let mut all = Vec::new();
        all.try_reserve_exact(bytes).map_err(|_| TensorFault::NoMemory { bytes: bytes as u64 })?;
        let Ok(()) = self.pieces(row, &mut |piece| {
            all.extend_from_slice(piece);
            Ok::<(), Infallible>(())
        });
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hwio_to_oihw_by_hand() {
        // [kh 1, kw 2, in 2, out 3], cell = kw * 100 + in * 10 + out.
        let cells: Vec<u8> = vec![0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112];
        let moved = Strided::permuted(1, &[1, 2, 2, 3], &[3, 2, 0, 1]).collected(&cells).unwrap();
        assert_eq!(moved, [0, 100, 10, 110, 1, 101, 11, 111, 2, 102, 12, 112]);
        assert!(Strided::permuted(4, &[0, 5], &[1, 0]).collected(&[]).unwrap().is_empty());
    }

    #[test]
    fn pieces_are_the_whole() {
        // Three pieces, of which the last is a short one.
        let shape = [700, 900];
        let cells: Vec<u8> = (0..700 * 900u32).flat_map(u32::to_le_bytes).collect();
        let moved = Strided::permuted(4, &shape, &[1, 0]);
        let mut sizes = Vec::new();
        let mut all = Vec::new();
        let end = moved.pieces(&cells, &mut |piece| {
            sizes.push(piece.len());
            all.extend_from_slice(piece);
            if sizes.len() < 3 { Ok(()) } else { Err("the end") }
        });
        assert_eq!((end, &sizes[..]), (Err("the end"), &[PIECE, PIECE, 2_520_000 - 2 * PIECE][..]));
        // Column 899 of row 1 is the last but 698 of them.
        assert_eq!(all[all.len() - 699 * 4..][..4], (900 + 899u32).to_le_bytes());
        assert_eq!(moved.collected(&cells).unwrap(), all);
    }

    proptest! {
        #[test]
        fn each_cell_lands_where_its_index_says(
            shape in prop::collection::vec(1usize..5, 1..5),
            width in prop::sample::select(vec![1usize, 2, 4, 8]),
            seed in any::<u64>(),
        ) {
            let rank = shape.len();
            let mut axes: Vec<usize> = (0..rank).collect();
            for place in 0..rank {
                axes.swap(place, (seed as usize >> (place * 3)) % rank);
            }
            let count: usize = shape.iter().product();
            let bytes: Vec<u8> = (0..count * width).map(|byte| (byte % 251) as u8).collect();
            let strided = Strided::permuted(width, &shape, &axes);
            let moved = strided.collected(&bytes).unwrap();
            for cell in 0..count {
                // The index of the target's cell, and the same index in the source.
                let mut rest = cell;
                let mut index = vec![0; rank];
                for place in (0..rank).rev() {
                    index[axes[place]] = rest % strided.shape[place];
                    rest /= strided.shape[place];
                }
                let from = index.iter().zip(&shape).fold(0, |at, (i, size)| at * size + i);
                prop_assert_eq!(
                    &moved[cell * width..][..width],
                    &bytes[from * width..][..width]
                );
            }
        }
    }
}
