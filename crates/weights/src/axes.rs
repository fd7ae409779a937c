//! Shapes whose axes move.

use crate::error::TensorFault;

/// The shape whose axis `i` is axis `axes[i]` of `shape`.
pub(crate) fn permuted_shape(shape: &[usize], axes: &[usize]) -> Result<Vec<usize>, TensorFault> {
    let each_once = axes.len() == shape.len() && (0..shape.len()).all(|axis| axes.contains(&axis));
    if !each_once {
        return Err(TensorFault::Axes { axes: axes.to_vec(), shape: shape.to_vec() });
    }
    Ok(axes.iter().map(|&axis| shape[axis]).collect())
}

/// The shape that `axes` permutes to `shape`; nonsense if they are no order of its axes.
pub(crate) fn source_shape(shape: &[usize], axes: &[usize]) -> Vec<usize> {
    let mut source = vec![0; shape.len()];
    for (&axis, &size) in axes.iter().zip(shape) {
        if let Some(place) = source.get_mut(axis) {
            *place = size;
        }
    }
    source
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_order_of_the_axes_is_refused() {
        for axes in [&[0][..], &[0, 0], &[0, 2], &[0, 1, 2]] {
            assert!(permuted_shape(&[2, 3], axes).is_err(), "{axes:?}");
        }
        assert_eq!(permuted_shape(&[], &[]), Ok(vec![]));
        assert_eq!(permuted_shape(&[0, 5], &[1, 0]), Ok(vec![5, 0]));
    }
}
