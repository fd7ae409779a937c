//! The matrix of the forward convolution, whose transpose is the transposed convolution.

use crate::axis::Axis;
use crate::error::{GeometryError, Result};
use crate::limits::cells;

/// Which kernel tap stands at one place of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatrixEntry {
    /// Row of C: a flat (row-major) input cell of the transposed convolution.
    pub row: usize,
    /// Column of C: a flat (row-major) output cell of the transposed convolution.
    pub column: usize,
    /// Flat (row-major) kernel tap.
    pub tap: usize,
}

/// The matrix C of a forward convolution, for one channel, as its non-zero places.
///
/// The forward convolution is `C * large`; the transposed convolution is `transpose(C) * small`. It
/// brings back the size and not the values: `C * transpose(C)` is not the identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// Rows of C: input cells of the transposed convolution.
    pub rows: usize,
    /// Columns of C: output cells of the transposed convolution.
    pub columns: usize,
    /// Non-zero places, by row, then by tap.
    pub entries: Vec<MatrixEntry>,
}

/// Most non-zero places that [`Matrix::new`] lists.
pub const MAX_ENTRIES: usize = 1 << 24;

impl Matrix {
    /// The matrix for `axes` (row-major order of cells and taps).
    ///
    /// # Errors
    /// [`GeometryError::SizeLimit`] if more than [`MAX_ENTRIES`] places would be listed.
    ///
    /// ```
    /// use upconv_geometry::{Axis, AxisParams, Matrix};
    /// // 4x4 seen through a 3x3 kernel gives 2x2: C is 4 x 16.
    /// let params = AxisParams { input: 2, kernel: 3, stride: 1, dilation: 1, window_begin: 0, output: 4 };
    /// let c = Matrix::new(&[Axis::new(0, params)?, Axis::new(1, params)?])?;
    /// assert_eq!((c.rows, c.columns, c.entries.len()), (4, 16, 36));
    /// // Row 0 is the kernel laid over the top left corner.
    /// let row: Vec<_> = c.entries.iter().filter(|e| e.row == 0).map(|e| e.column).collect();
    /// assert_eq!(row, [0, 1, 2, 4, 5, 6, 8, 9, 10]);
    /// # Ok::<(), upconv_geometry::GeometryError>(())
    /// ```
    pub fn new(axes: &[Axis]) -> Result<Self> {
        let of = |f: fn(&Axis) -> usize| axes.iter().map(f).collect::<Vec<_>>();
        let rows = cells("matrix rows", &of(Axis::input))?;
        let columns = cells("matrix columns", &of(Axis::output))?;
        let taps = cells("kernel", &of(Axis::kernel))?;
        let places = rows as i128 * taps as i128;
        if places > MAX_ENTRIES as i128 {
            return Err(GeometryError::SizeLimit {
                what: "matrix entries",
                axis: None,
                got: places,
                limit: MAX_ENTRIES as i64,
            });
        }
        let mut matrix = Self { rows, columns, entries: Vec::new() };
        for row in 0..rows {
            for tap in 0..taps {
                if let Some(column) = column_of(axes, row, tap) {
                    matrix.entries.push(MatrixEntry { row, column, tap });
                }
            }
        }
        Ok(matrix)
    }

    /// C with the kernel's values put in, row-major, `rows * columns` numbers.
    ///
    /// # Errors
    /// [`GeometryError::SizeLimit`] above [`MAX_ENTRIES`] numbers; [`GeometryError::RankMismatch`]
    /// if `kernel` has too few values.
    pub fn dense(&self, kernel: &[f64]) -> Result<Vec<f64>> {
        let size = cells("matrix", &[self.rows, self.columns])?;
        if size > MAX_ENTRIES {
            return Err(GeometryError::SizeLimit {
                what: "matrix",
                axis: None,
                got: size as i128,
                limit: MAX_ENTRIES as i64,
            });
        }
        let mut dense = vec![0.0; size];
        for e in &self.entries {
            let value = kernel.get(e.tap).ok_or(GeometryError::RankMismatch {
                tensor: "kernel",
                expected: e.tap + 1,
                got: kernel.len(),
            })?;
            dense[e.row * self.columns + e.column] += value;
        }
        Ok(dense)
    }
}

/// Flat output cell that flat input `row` reaches through flat `tap`; `None` if cropped away.
fn column_of(axes: &[Axis], mut row: usize, mut tap: usize) -> Option<usize> {
    let mut column = 0;
    let mut step = 1;
    for axis in axes.iter().rev() {
        let output = axis.target(row % axis.input(), tap % axis.kernel())?;
        column += output * step;
        step *= axis.output();
        row /= axis.input();
        tap /= axis.kernel();
    }
    Some(column)
}
