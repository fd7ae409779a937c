//! Row-major positions: from a flat one to one per axis and back.

/// The position per axis of flat position `flat` among cells of `sizes`.
pub(super) fn unravel(mut flat: usize, sizes: &[usize]) -> Vec<usize> {
    let mut position = vec![0; sizes.len()];
    for (at, &size) in position.iter_mut().zip(sizes).rev() {
        *at = flat % size;
        flat /= size;
    }
    position
}

/// The flat position of `position` among cells of `sizes`.
pub(super) fn ravel(position: &[usize], sizes: &[usize]) -> usize {
    position.iter().zip(sizes).fold(0, |flat, (&at, &size)| flat * size + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unravel_undoes_ravel() {
        let sizes = [2, 3, 4];
        assert_eq!(unravel(23, &sizes), [1, 2, 3]);
        for flat in 0..24 {
            assert_eq!(ravel(&unravel(flat, &sizes), &sizes), flat);
        }
    }
}
