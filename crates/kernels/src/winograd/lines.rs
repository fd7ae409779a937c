//! The three transforms along one axis, of registers: four sums of three taps each from six products.
//!
//! # Source
//! Toom and Cook's algorithm, turned over as Winograd did (A. Lavin, S. Gray, "Fast Algorithms for
//! Convolutional Neural Networks", 2015, section 4.1): for *points* p, `y = A^T [(G g) * (B^T d)]` with
//!
//! * `A^T[k][p] = p^k`,
//! * `G[p] = [1, p, p^2] / N(p)`, where `N(p)` is the product of `p - q` over all other points q,
//! * `B^T[p]` the coefficients of the product of `x - q` over all other points q,
//!
//! and for the point at infinity the leading coefficients alone.
//!
//! # Points
//! 0, ±3/4, ±3/2 and infinity. With Lavin's 0, ±1, ±2 the entries of `A` reach from 1 to 8 and those of `G`
//! from 1/24 to 1; what is large in one and small in the other costs digits. Errors are least where points
//! lie around 1 and as their own reciprocals, and they want to be few bits long, so that the matrices are
//! exact (B. Barabasz, A. Anderson, K. Soodhalter, D. Gregg, "Error Analysis and Improving the Accuracy of
//! Winograd Convolution for Deep Neural Networks", 2018, section 5). These are, but for the factor 8/9 in the
//! reciprocal; all entries of `A` and `B` are exact in f32, and a point and its negative share half of their
//! work.

use crate::simd::vector::Vector;

/// Outputs of a line.
pub(crate) const OUTPUTS: usize = 4;
/// Taps of a line.
pub(crate) const TAPS: usize = 3;
/// Points, and inputs of a line.
pub(crate) const POINTS: usize = OUTPUTS + TAPS - 1;

/// The points beside 0 and infinity: this and its negative,
const A: f32 = 0.75;
/// and this and its negative.
const B: f32 = 1.5;
/// Coefficients of `(x^2 - A^2) (x^2 - B^2)`.
const SUM: f32 = A * A + B * B;
const PRODUCT: f32 = A * A * B * B;

/// `B^T d`, in the order 0, A, -A, B, -B, infinity.
///
/// # Safety
/// The CPU has the instruction set of `V`.
#[inline(always)]
pub(super) unsafe fn input<V: Vector>(d: [V; POINTS]) -> [V; POINTS] {
    // SAFETY: the caller's promise.
    unsafe {
        let zero = d[0].mul_add(V::splat(PRODUCT), d[2].mul_add(V::splat(-SUM), d[4]));
        // x (x + A) (x^2 - B^2), and with -A: what is even in A, and what is odd.
        let even = d[2].mul_add(V::splat(-B * B), d[4]);
        let odd = d[1].mul_add(V::splat(-B * B), d[3]);
        let (a, minus_a) = (odd.mul_add(V::splat(A), even), odd.mul_add(V::splat(-A), even));
        let even = d[2].mul_add(V::splat(-A * A), d[4]);
        let odd = d[1].mul_add(V::splat(-A * A), d[3]);
        let (b, minus_b) = (odd.mul_add(V::splat(B), even), odd.mul_add(V::splat(-B), even));
        let infinity = d[1].mul_add(V::splat(PRODUCT), d[3].mul_add(V::splat(-SUM), d[5]));
        [zero, a, minus_a, b, minus_b, infinity]
    }
}

/// `G g`.
///
/// # Safety
/// As [`input`].
#[inline(always)]
pub(super) unsafe fn taps<V: Vector>(g: [V; TAPS]) -> [V; POINTS] {
    // N(0), N(A) = N(-A) and N(B) = N(-B).
    let (n0, na, nb) = (PRODUCT, 2.0 * A * A * (A * A - B * B), 2.0 * B * B * (B * B - A * A));
    // SAFETY: the caller's promise.
    unsafe {
        let none = V::splat(0.0);
        let zero = g[0].mul_add(V::splat(1.0 / n0), none);
        let even = g[2].mul_add(V::splat(A * A), g[0]).mul_add(V::splat(1.0 / na), none);
        let (a, minus_a) =
            (g[1].mul_add(V::splat(A / na), even), g[1].mul_add(V::splat(-A / na), even));
        let even = g[2].mul_add(V::splat(B * B), g[0]).mul_add(V::splat(1.0 / nb), none);
        let (b, minus_b) =
            (g[1].mul_add(V::splat(B / nb), even), g[1].mul_add(V::splat(-B / nb), even));
        [zero, a, minus_a, b, minus_b, g[2]]
    }
}

/// `A^T m`.
///
/// # Safety
/// As [`input`].
#[inline(always)]
pub(super) unsafe fn outputs<V: Vector>(m: [V; POINTS]) -> [V; OUTPUTS] {
    // SAFETY: the caller's promise.
    unsafe {
        let (one, none) = (V::splat(1.0), V::splat(0.0));
        let (even_a, odd_a) = (m[1].mul_add(one, m[2]), m[2].mul_add(V::splat(-1.0), m[1]));
        let (even_b, odd_b) = (m[3].mul_add(one, m[4]), m[4].mul_add(V::splat(-1.0), m[3]));
        [
            m[0].mul_add(one, even_a).mul_add(one, even_b),
            odd_b.mul_add(V::splat(B), odd_a.mul_add(V::splat(A), none)),
            even_b.mul_add(V::splat(B * B), even_a.mul_add(V::splat(A * A), none)),
            odd_b.mul_add(V::splat(B * B * B), odd_a.mul_add(V::splat(A * A * A), m[5])),
        ]
    }
}

/// The matrices, in f64: for bounds, and for tests of what is written out above.
#[cfg(test)]
pub(crate) mod matrices {
    /// `A^T`, `G` and `B^T` for finite points and infinity: so many outputs, three taps.
    #[derive(Debug)]
    pub(crate) struct Matrices {
        pub(crate) outputs: Vec<Vec<f64>>,
        pub(crate) taps: Vec<Vec<f64>>,
        pub(crate) inputs: Vec<Vec<f64>>,
    }

    impl Matrices {
        pub(crate) fn new(points: &[f64]) -> Self {
            let (finite, outputs) = (points.len(), points.len() - 1);
            // Ascending coefficients of the product of x - q.
            let product = |skip: Option<usize>| {
                let others = points.iter().enumerate().filter(|(n, _)| Some(*n) != skip);
                let mut all = others.fold(vec![1.0], |lower, (_, q)| {
                    let mut next = vec![0.0; lower.len() + 1];
                    for (n, c) in lower.into_iter().enumerate() {
                        next[n] -= q * c;
                        next[n + 1] += c;
                    }
                    next
                });
                all.resize(finite + 1, 0.0);
                all
            };
            let at = |p: f64, coefficients: &[f64]| {
                coefficients.iter().rev().fold(0.0, |sum, c| sum * p + c)
            };
            let mut inputs: Vec<Vec<f64>> = (0..finite).map(|n| product(Some(n))).collect();
            let row = |n: usize| {
                let (p, norm) = (points[n], at(points[n], &inputs[n]));
                vec![1.0 / norm, p / norm, p * p / norm]
            };
            let mut taps: Vec<Vec<f64>> = (0..finite).map(row).collect();
            taps.push(vec![0.0, 0.0, 1.0]);
            inputs.push(product(None));
            let row = |k: usize| {
                let last = if k + 1 == outputs { 1.0 } else { 0.0 };
                points.iter().map(|p| p.powi(k as i32)).chain([last]).collect()
            };
            Self { outputs: (0..outputs).map(row).collect(), taps, inputs }
        }
    }

    /// Those of this module.
    pub(crate) fn own() -> Matrices {
        Matrices::new(&[0.0, 0.75, -0.75, 1.5, -1.5])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With `64 B^T`, `243 G` and `64 A^T`, whole numbers all of them, the identity holds for every pair of a
    /// tap and an input, and so for all lines.
    #[test]
    fn products_at_points_are_a_correlation() {
        let own = matrices::own();
        let whole = |rows: &[Vec<f64>], factor: f64| -> Vec<Vec<i64>> {
            let entry = |v: &f64| {
                let scaled = v * factor;
                assert!((scaled - scaled.round()).abs() < 1e-9, "{v}");
                scaled.round() as i64
            };
            rows.iter().map(|row| row.iter().map(entry).collect()).collect()
        };
        let inputs = whole(&own.inputs, 64.0);
        let taps = whole(&own.taps, 243.0);
        let outputs = whole(&own.outputs, 64.0);
        for k in 0..OUTPUTS {
            for tap in 0..TAPS {
                for input in 0..POINTS {
                    let at = |p: usize| outputs[k][p] * taps[p][tap] * inputs[p][input];
                    let expected = if k + tap == input { 64 * 243 * 64 } else { 0 };
                    assert_eq!((0..POINTS).map(at).sum::<i64>(), expected, "{k} {tap} {input}");
                }
            }
        }
    }

    /// What is written out is the matrices: exactly, as integers times few bits are, but for the weight's
    /// thirds.
    #[test]
    fn written_out_transforms_are_the_matrices() {
        let own = matrices::own();
        let times = |rows: &[Vec<f64>], v: &[f64]| -> Vec<f64> {
            rows.iter().map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum()).collect()
        };
        for seed in 0..20 {
            let values: [f64; POINTS] =
                std::array::from_fn(|n| ((n * 7 + seed * 5 + n * n * seed) % 19) as f64 - 9.0);
            let lanes: [[f32; 8]; POINTS] = values.map(|v| [v as f32; 8]);
            // SAFETY: plain Rust runs everywhere.
            let (d, y, g) =
                unsafe { (input(lanes), outputs(lanes), taps([lanes[0], lanes[1], lanes[2]])) };
            let first = |rows: &[[f32; 8]]| -> Vec<f64> {
                rows.iter().map(|lanes| f64::from(lanes[0])).collect()
            };
            assert_eq!(first(&d), times(&own.inputs, &values));
            assert_eq!(first(&y), times(&own.outputs, &values));
            for (got, expected) in first(&g).into_iter().zip(times(&own.taps, &values[..3])) {
                // Four roundings of values that are at most the sum of the terms, 18 / (81 / 64) * 3.
                assert!((got - expected).abs() < 4.0 * 6e-8 * 45.0, "{got} {expected}");
            }
        }
    }
}
