//! A view into a storage becomes row-major cells.

use crate::bytes::Bytes;
use crate::error::TensorFault;
use crate::strided::Strided;
use crate::tensor::{self, Dtype};

/// Where a tensor lies in its storage, in cells.
#[derive(Debug)]
pub(super) struct View {
    pub(super) dtype: Dtype,
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    /// Cells in the storage for one step along each axis; 0 repeats.
    pub(super) strides: Vec<usize>,
}

impl View {
    /// The cells row-major and little-endian, of a storage of these bytes; not copied if they lie so in it. With `big`,
    /// the first byte of a cell is its highest.
    pub(super) fn cells(&self, storage: &Bytes, big: bool) -> Result<Bytes, TensorFault> {
        let size = self.dtype.bytes();
        let bytes = tensor::byte_count(self.dtype, &self.shape)?;
        if bytes == 0 {
            return Ok(Vec::new().into());
        }
        let there = storage.len() / size;
        match self.last() {
            Some(last) if last < there => {}
            last => {
                let last = last.map_or("a cell beyond all numbers".into(), |l| format!("cell {l}"));
                return Err(TensorFault::Value {
                    got: format!(
                        "shape {:?} with strides {:?} from cell {} on reaches {last} of its storage",
                        self.shape, self.strides, self.offset
                    ),
                    legal: format!("cells below {there}"),
                });
            }
        }
        // Every place below is at most the last one, which is within the storage.
        let begin = self.offset * size;
        if self.is_row_major() && (!big || size == 1) {
            return Ok(storage.part(begin..begin + bytes));
        }
        let (shape, steps) = (self.shape.clone(), self.strides.clone());
        let order = Strided { cell: size, offset: self.offset, shape, steps };
        let rows = storage.strided(order)?;
        if big { rows.turned(size) } else { Ok(rows) }
    }

    /// The last cell that a tensor with cells reaches: strides are not negative, so it is that of the last index.
    fn last(&self) -> Option<usize> {
        let mut steps = self.shape.iter().zip(&self.strides);
        steps.try_fold(self.offset, |last, (&size, &stride)| {
            last.checked_add((size - 1).checked_mul(stride)?)
        })
    }

    /// Whether one cell comes after the other; the stride of an axis of one cell plays no part.
    fn is_row_major(&self) -> bool {
        let mut step = 1;
        self.shape.iter().zip(&self.strides).rev().all(|(&size, &stride)| {
            let fits = size == 1 || stride == step;
            step *= size;
            fits
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(offset: usize, shape: &[usize], strides: &[usize]) -> View {
        View { dtype: Dtype::U16, offset, shape: shape.into(), strides: strides.into() }
    }

    /// 0, 1, 2 and so on.
    fn storage(cells: u16) -> Bytes {
        Bytes::Own((0..cells).flat_map(u16::to_le_bytes).collect())
    }

    fn cells(view: &View, count: u16, big: bool) -> Vec<u16> {
        let bytes = view.cells(&storage(count), big).unwrap();
        bytes.as_chunks().0.iter().map(|&cell| u16::from_le_bytes(cell)).collect()
    }

    #[test]
    fn views_by_hand() {
        assert_eq!(cells(&view(1, &[2, 2], &[2, 1]), 5, false), [1, 2, 3, 4]);
        assert_eq!(cells(&view(0, &[3, 2], &[1, 3]), 6, false), [0, 3, 1, 4, 2, 5]);
        assert_eq!(cells(&view(1, &[2, 2], &[4, 2]), 8, false), [1, 3, 5, 7]);
        assert_eq!(cells(&view(2, &[2, 3], &[0, 0]), 3, false), [2; 6]);
        assert_eq!(cells(&view(3, &[], &[]), 4, false), [3]);
        assert_eq!(cells(&view(0, &[1, 2], &[99, 1]), 2, false), [0, 1]);
        assert!(cells(&view(9, &[3, 0], &[1, 1]), 1, false).is_empty());
        assert_eq!(cells(&view(1, &[2], &[1]), 3, true), [0x100, 0x200]);
    }

    #[test]
    fn nothing_beyond_the_storage() {
        for (view, reach) in [
            (view(0, &[2, 2], &[2, 1]), "cell 3"),
            (view(3, &[], &[]), "cell 3"),
            (view(0, &[2], &[usize::MAX]), "cell 18446744073709551615"),
            (view(1, &[2], &[usize::MAX]), "a cell beyond all numbers"),
            (view(0, &[3], &[usize::MAX]), "a cell beyond all numbers"),
        ] {
            let error = view.cells(&storage(3), false).unwrap_err().to_string();
            assert!(error.contains(reach) && error.ends_with("legal: cells below 3"), "{error}");
        }
    }
}
