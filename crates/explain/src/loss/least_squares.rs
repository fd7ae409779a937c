//! The inverse that does know C: of all pictures that the convolution brings to the same small one, that which
//! varies least about its mean colour m, `m + transpose(C) * inverse(C * transpose(C)) * (small - m)`. As rows
//! of C add up to 1, m goes through C unchanged.
//!
//! With a kernel of equal taps, twice as wide as the stride s, neighbouring windows share half of their cells:
//! along one axis `C * transpose(C)` has 2s on the diagonal and s beside it, times the square of a tap. In two
//! axes it is the product of both, so that rows and columns are solved one after the other.

use upconv_kernels::KernelError;

use super::planes::Pair;

/// For a kernel whose taps are all the same.
pub(super) fn least_squares(
    pair: &Pair,
    kernel: &[f64],
    small: &[f64],
) -> Result<Vec<f64>, KernelError> {
    let [height, width] = pair.small();
    // One axis of the kernel has the root of the taps of both.
    let tap = kernel.first().copied().unwrap_or(1.0).sqrt();
    let beside = pair.factor as f64 * tap * tap;
    let (rows, columns) = (Neighbours::new(height, beside), Neighbours::new(width, beside));
    let mut solved = small.to_vec();
    let mut line = vec![0.0; height];
    let mut means = Vec::new();
    for plane in solved.chunks_exact_mut((height * width).max(1)) {
        let mean = plane.iter().sum::<f64>() / plane.len() as f64;
        plane.iter_mut().for_each(|value| *value -= mean);
        means.push(mean);
        plane.chunks_exact_mut(width).for_each(|row| columns.solve(row));
        for column in 0..width {
            let cells = plane[column..].iter_mut().step_by(width);
            line.iter_mut().zip(cells).for_each(|(to, from)| *to = *from);
            rows.solve(&mut line);
            let cells = plane[column..].iter_mut().step_by(width);
            cells.zip(&line).for_each(|(to, from)| *to = *from);
        }
    }
    let mut large = pair.up(kernel, &solved)?;
    let cells = pair.large().iter().product::<usize>().max(1);
    for (plane, mean) in large.chunks_exact_mut(cells).zip(means) {
        plane.iter_mut().for_each(|value| *value += mean);
    }
    Ok(large)
}

/// A matrix with twice `beside` on its diagonal and `beside` next to it, eliminated from the top.
struct Neighbours {
    beside: f64,
    /// What the element beside the diagonal is divided by, row by row.
    pivots: Vec<f64>,
}

impl Neighbours {
    fn new(rows: usize, beside: f64) -> Self {
        let mut pivots = Vec::with_capacity(rows);
        for n in 0..rows {
            // The n-th is `beside * (n + 2) / (n + 1)`: never zero.
            let before = if n == 0 { 0.0 } else { beside * beside / pivots[n - 1] };
            pivots.push(2.0 * beside - before);
        }
        Self { beside, pivots }
    }

    /// From the right side to the solution (Thomas's algorithm).
    fn solve(&self, values: &mut [f64]) {
        for n in 1..values.len() {
            values[n] -= self.beside / self.pivots[n - 1] * values[n - 1];
        }
        let mut next = 0.0;
        for (value, pivot) in values.iter_mut().zip(&self.pivots).rev() {
            *value = (*value - self.beside * next) / pivot;
            next = *value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2 1 0, 1 2 1, 0 1 2 times 1 2 3 is 4 8 8.
    #[test]
    fn a_matrix_of_neighbours_is_solved() {
        let mut values = [4.0, 8.0, 8.0];
        Neighbours::new(3, 1.0).solve(&mut values);
        values.iter().zip([1.0, 2.0, 3.0]).for_each(|(got, want)| {
            assert!((got - want).abs() < 1e-12, "{values:?}");
        });
    }
}
