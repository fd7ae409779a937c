//! The transforms against the matrices, and how large their errors are.

use super::lines::{AMPLIFICATION, OUTPUTS, POINTS, TAPS, input, outputs, taps};
use matrices::Matrices;

/// The matrices, in f64: for bounds, and for tests of what is written out above.
mod matrices {
    /// `A^T`, `G` and `B^T` for finite points and infinity: so many outputs, three taps.
    #[derive(Debug)]
    pub(super) struct Matrices {
        pub(super) outputs: Vec<Vec<f64>>,
        pub(super) taps: Vec<Vec<f64>>,
        pub(super) inputs: Vec<Vec<f64>>,
    }

    impl Matrices {
        pub(super) fn new(points: &[f64]) -> Self {
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

    /// Those of [`super::super::lines`].
    pub(super) fn own() -> Matrices {
        Matrices::new(&[0.0, 0.75, -0.75, 1.5, -1.5])
    }
}

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

#[test]
fn terms_grow_by_as_much_as_is_said() {
    let Matrices { outputs, taps, inputs } = matrices::own();
    let sum = |p: usize| inputs[p].iter().map(|v| v.abs()).sum::<f64>();
    let mut most = 0.0f64;
    for row in &outputs {
        for tap in 0..TAPS {
            let of = |p: usize| (row[p] * taps[p][tap]).abs() * sum(p);
            most = most.max((0..POINTS).map(of).sum());
        }
    }
    assert!((most - AMPLIFICATION).abs() < 1e-12, "{most}");
}

/// `left * tile * left^T` in f32.
fn two_axes(left: &[Vec<f64>], tile: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let dot = |row: &[f64], values: &[f32]| {
        row.iter().zip(values).fold(0.0f32, |sum, (&a, &v)| v.mul_add(a as f32, sum))
    };
    let transposed = |m: &[Vec<f32>]| -> Vec<Vec<f32>> {
        (0..m[0].len()).map(|n| m.iter().map(|row| row[n]).collect()).collect()
    };
    let times = |m: &[Vec<f32>]| -> Vec<Vec<f32>> {
        m.iter().map(|values| left.iter().map(|row| dot(row, values)).collect()).collect()
    };
    transposed(&times(&transposed(&times(tile))))
}

/// The root of the mean square of errors, relative to that of outputs, for 64 channels of uniform values; without
/// matrices that of the plain sum.
fn error(matrices: Option<&Matrices>) -> f64 {
    let mut state = 7u64;
    let mut uniform = |rows: usize| -> Vec<Vec<f32>> {
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
        };
        (0..rows).map(|_| (0..rows).map(|_| next()).collect()).collect()
    };
    let number = matrices.map_or(OUTPUTS, |m| m.outputs.len());
    let points = number + TAPS - 1;
    let (mut errors, mut squares) = (0.0, 0.0);
    for _ in 0..60 {
        let mut exact = vec![vec![0.0f64; number]; number];
        let mut plain = vec![vec![0.0f32; number]; number];
        let mut sums = vec![vec![0.0f32; points]; points];
        for _ in 0..64 {
            let (d, g) = (uniform(points), uniform(TAPS));
            for y in 0..number {
                for x in 0..number {
                    for tap in 0..TAPS * TAPS {
                        let (a, b) = (d[y + tap / TAPS][x + tap % TAPS], g[tap / TAPS][tap % TAPS]);
                        exact[y][x] += f64::from(a) * f64::from(b);
                        plain[y][x] = a.mul_add(b, plain[y][x]);
                    }
                }
            }
            if let Some(m) = matrices {
                let (v, u) = (two_axes(&m.inputs, &d), two_axes(&m.taps, &g));
                for (sums, (v, u)) in sums.iter_mut().zip(v.iter().zip(&u)) {
                    sums.iter_mut()
                        .zip(v.iter().zip(u))
                        .for_each(|(s, (v, u))| *s = v.mul_add(*u, *s));
                }
            }
        }
        let got = matrices.map_or(plain, |m| two_axes(&m.outputs, &sums));
        for (got, exact) in got.iter().flatten().zip(exact.iter().flatten()) {
            errors += (f64::from(*got) - exact).powi(2);
            squares += exact * exact;
        }
    }
    (errors / squares).sqrt()
}

/// Lavin's points and ours for 4x4 outputs, 2x2 outputs, and the plain sum.
#[test]
fn these_points_err_about_twice_as_much_as_a_plain_sum() {
    let plain = error(None);
    let small = error(Some(&Matrices::new(&[0.0, 1.0, -1.0])));
    let lavin = error(Some(&Matrices::new(&[0.0, 1.0, -1.0, 2.0, -2.0])));
    let own = error(Some(&matrices::own()));
    eprintln!("plain {plain:.1e}, 2x2 {small:.1e}, 4x4 {own:.1e}, with Lavin's points {lavin:.1e}");
    assert!(small < plain && own < 2.5 * plain && own < 0.6 * lavin);
}
