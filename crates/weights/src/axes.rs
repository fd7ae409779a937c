//! Moving the axes of row-major cells.

use crate::error::TensorFault;
use crate::limits;

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

/// The cells of `bytes`, which have `shape`, in the order of the permuted shape.
pub(crate) fn permute(
    bytes: &[u8],
    cell: usize,
    shape: &[usize],
    axes: &[usize],
) -> Result<Vec<u8>, TensorFault> {
    match cell {
        1 => cells::<1>(bytes, shape, axes),
        2 => cells::<2>(bytes, shape, axes),
        4 => cells::<4>(bytes, shape, axes),
        _ => cells::<8>(bytes, shape, axes),
    }
}

fn cells<const N: usize>(
    bytes: &[u8],
    shape: &[usize],
    axes: &[usize],
) -> Result<Vec<u8>, TensorFault> {
    let source = bytes.as_chunks::<N>().0;
    let mut target = Vec::new();
    target
        .try_reserve_exact(bytes.len())
        .map_err(|_| TensorFault::NoMemory { bytes: bytes.len() as u64 })?;

    // Steps in the source for one step along each axis of the target. The products stay below the number
    // of cells; axes without cells do not get this far.
    if source.is_empty() {
        return Ok(target);
    }
    let mut steps = [0; limits::MAX_AXES];
    let mut sizes = [0; limits::MAX_AXES];
    let rank = axes.len();
    for (place, &axis) in axes.iter().enumerate() {
        steps[place] = shape[axis + 1..].iter().product();
        sizes[place] = shape[axis];
    }

    // An odometer over the target's cells: `from` is the sum of counter times step, and a digit that is
    // full gives back what it had added.
    let mut counter = [0; limits::MAX_AXES];
    let mut from = 0;
    for _ in 0..source.len() {
        target.extend_from_slice(&source[from]);
        for place in (0..rank).rev() {
            counter[place] += 1;
            from += steps[place];
            if counter[place] < sizes[place] {
                break;
            }
            from -= steps[place] * sizes[place];
            counter[place] = 0;
        }
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hwio_to_oihw_by_hand() {
        // [kh 1, kw 2, in 2, out 3], cell = kw * 100 + in * 10 + out.
        let cells: Vec<u8> = vec![0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112];
        let moved = permute(&cells, 1, &[1, 2, 2, 3], &[3, 2, 0, 1]).unwrap();
        assert_eq!(moved, [0, 100, 10, 110, 1, 101, 11, 111, 2, 102, 12, 112]);
    }

    #[test]
    fn what_is_no_order_of_the_axes_is_refused() {
        for axes in [&[0][..], &[0, 0], &[0, 2], &[0, 1, 2]] {
            assert!(permuted_shape(&[2, 3], axes).is_err(), "{axes:?}");
        }
        assert_eq!(permuted_shape(&[], &[]), Ok(vec![]));
        assert_eq!(permuted_shape(&[0, 5], &[1, 0]), Ok(vec![5, 0]));
        assert_eq!(permute(&[], 4, &[0, 5], &[1, 0]), Ok(vec![]));
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
            let moved = permute(&bytes, width, &shape, &axes).unwrap();
            let moved_shape = permuted_shape(&shape, &axes).unwrap();
            for cell in 0..count {
                // The index of the target's cell, and the same index in the source.
                let mut rest = cell;
                let mut index = vec![0; rank];
                for place in (0..rank).rev() {
                    index[axes[place]] = rest % moved_shape[place];
                    rest /= moved_shape[place];
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
