//! The three transforms along one axis, of registers: four sums of three taps each from six products.
//!
//! # Source
//! Toom and Cook's algorithm, turned over as Winograd did (A. Lavin, S. Gray, "Fast Algorithms for
//! Convolutional Neural Networks", 2015, section 4): for *points* p, `y = A^T [(G g) * (B^T d)]` with
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
//! Winograd Convolution for Deep Neural Networks", 2018, arXiv:1803.10986). These are, but for the factor 8/9 in the
//! reciprocal; all entries of `A` and `B` are exact in f32, and a point and its negative share half of their
//! work.
//!
//! # Errors
//! An output is a sum over taps j and points of terms that are at most `|A^T| |G| |B^T|` times the largest of the
//! six inputs; its rows sum up to at most [`AMPLIFICATION`] for each tap, its square for two axes. Each of n
//! roundings in a row adds u = 2^-24 of that, so an output errs by at most
//!
//! `n * u * AMPLIFICATION^2 * max|x| * sum of |w|`,
//!
//! with the largest x of its tile, and `n = 2 * (channels + 28)`: sums over channels; three roundings in each line
//! of inputs, four in each of taps (with those of the constants) and of outputs, of which a tile has two; product
//! and bias; twice where products are rounded before they are added. Roundings of either sign cancel out: of
//! uniform values errors stay below 1e-6 of the same product without n and `AMPLIFICATION`, and far below for many
//! channels.

use crate::simd::vector::Vector;

/// Outputs of a line.
pub(super) const OUTPUTS: usize = 4;
/// Taps of a line.
pub(super) const TAPS: usize = 3;
/// Points, and inputs of a line.
pub(super) const POINTS: usize = OUTPUTS + TAPS - 1;

/// Most that terms grow by, for each axis: see above.
#[cfg(test)]
pub(super) const AMPLIFICATION: f64 = 14.3125;

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
