//! The rank of a small C: what of a picture it sees at all.

use serde::Serialize;
use upconv_geometry::{Axis, GeometryError, Matrix};

/// A small matrix C of the convolution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SmallMatrix {
    /// Cells along a side of the large picture.
    pub side: usize,
    /// Rows of C: cells of the small picture.
    pub rows: usize,
    /// Columns of C: cells of the large picture.
    pub columns: usize,
    /// Rows that do not follow from others.
    pub rank: usize,
    /// The share of all directions in which a large picture can change without any change of the small one.
    pub null_share: f64,
}

impl SmallMatrix {
    /// C with a tap for each place, row by row.
    pub(crate) fn new(axes: &[Axis], taps: &[f64]) -> Result<Self, GeometryError> {
        let matrix = Matrix::new(axes)?;
        let mut values = vec![0.0; matrix.rows * matrix.columns];
        for entry in &matrix.entries {
            values[entry.row * matrix.columns + entry.column] = taps[entry.tap];
        }
        let rank = rank(&mut values, matrix.columns);
        let (rows, columns) = (matrix.rows, matrix.columns);
        let null_share = (columns - rank) as f64 / columns.max(1) as f64;
        let side = axes.first().map_or(0, Axis::output);
        Ok(Self { side, rows, columns, rank, null_share })
    }
}

/// By elimination with the largest element as pivot.
fn rank(values: &mut [f64], columns: usize) -> usize {
    let rows = values.len() / columns.max(1);
    let largest = values.iter().fold(0.0f64, |most, value| most.max(value.abs()));
    let mut rank = 0;
    for column in 0..columns {
        let size = |row: &usize| values[row * columns + column].abs();
        let Some(pivot) = (rank..rows).max_by(|a, b| size(a).total_cmp(&size(b))) else { break };
        // What is left of sums of a few hundred terms in f64 is far smaller.
        if size(&pivot) <= 1e-9 * largest {
            continue;
        }
        for n in 0..columns {
            values.swap(rank * columns + n, pivot * columns + n);
        }
        for row in rank + 1..rows {
            let times = values[row * columns + column] / values[rank * columns + column];
            for n in column..columns {
                values[row * columns + n] -= times * values[rank * columns + n];
            }
        }
        rank += 1;
    }
    rank
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_follow_from_others_do_not_count() {
        let mut full = [1.0, 2.0, 3.0, 0.0, 1.0, 4.0];
        assert_eq!(rank(&mut full, 3), 2);
        // The third row is the sum of both before it.
        let mut two = [1.0, 2.0, 3.0, 0.0, 1.0, 4.0, 1.0, 3.0, 7.0];
        assert_eq!(rank(&mut two, 3), 2);
        assert_eq!(rank(&mut [0.0; 6], 2), 0);
    }
}
