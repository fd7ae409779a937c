//! Limits on sizes, and arithmetic that keeps to them.
//!
//! Every size is checked here before anybody allocates. The limits also bound every later sum: with
//! all lengths at most [`MAX_AXIS`], `i * stride + j * dilation` stays far inside `i64`.

use crate::error::{GeometryError, Result};

/// Most cells that one axis may have: input, kernel, effective kernel, uncropped result, output.
pub const MAX_AXIS: i64 = (1 << 31) - 1;

/// Most cells that one tensor may have.
pub const MAX_CELLS: i64 = 1 << 40;

/// `value` as a size of `axis`, if it is at most [`MAX_AXIS`]. Callers have excluded negatives.
pub(crate) fn axis_size(what: &'static str, axis: usize, value: i128) -> Result<usize> {
    let over = || GeometryError::SizeLimit { what, axis: Some(axis), got: value, limit: MAX_AXIS };
    if value > i128::from(MAX_AXIS) {
        return Err(over());
    }
    usize::try_from(value).map_err(|_| over())
}

/// Product of `sizes`, if it is at most [`MAX_CELLS`].
///
/// # Errors
/// [`GeometryError::SizeLimit`], naming `what`.
///
/// ```
/// use upconv_geometry::limits::cells;
/// assert_eq!(cells("x", &[2, 3, 4]), Ok(24));
/// assert!(cells("x", &[1 << 30, 1 << 30]).is_err());
/// assert_eq!(cells("x", &[1 << 30, 1 << 30, 0]), Ok(0));
/// ```
pub fn cells(what: &'static str, sizes: &[usize]) -> Result<usize> {
    if sizes.contains(&0) {
        return Ok(0);
    }
    let mut product: i128 = 1;
    for &size in sizes {
        // Below 2^40 * 2^64, so the product itself cannot overflow an i128.
        product *= size as i128;
        if product > i128::from(MAX_CELLS) {
            return Err(GeometryError::SizeLimit {
                what,
                axis: None,
                got: product,
                limit: MAX_CELLS,
            });
        }
    }
    usize::try_from(product).map_err(|_| GeometryError::SizeLimit {
        what,
        axis: None,
        got: product,
        limit: MAX_CELLS,
    })
}
