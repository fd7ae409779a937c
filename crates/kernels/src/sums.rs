//! Sums of f32 values in f64, in one order for every instruction set, and the largest of them.

/// Sums side by side: as many as fill two registers of the widest kind.
const LANES: usize = 16;

/// The sum of all values.
#[inline(always)]
pub(crate) fn sum(values: &[f32]) -> f64 {
    let [sum] = sums(values, values, |value, _| [f64::from(value)]);
    sum
}

/// The sums of the `N` terms that each pair of values gives; both slices have one length.
#[inline(always)]
pub(crate) fn sums<const N: usize>(
    a: &[f32],
    b: &[f32],
    terms: impl Fn(f32, f32) -> [f64; N],
) -> [f64; N] {
    let mut lanes = [[0.0f64; LANES]; N];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            let terms = terms(a[lane], b[lane]);
            for n in 0..N {
                lanes[n][lane] += terms[n];
            }
        }
    }
    for (lane, (&a, &b)) in a_rest.iter().zip(b_rest).enumerate() {
        let terms = terms(a, b);
        for n in 0..N {
            lanes[n][lane] += terms[n];
        }
    }
    lanes.map(|mut lanes| {
        for half in [8, 4, 2, 1] {
            for lane in 0..half {
                lanes[lane] += lanes[lane + half];
            }
        }
        lanes[0]
    })
}

/// The largest value, minus infinity of none; a NaN may be left out or not.
#[inline(always)]
pub(crate) fn largest(values: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    for values in whole {
        for lane in 0..LANES {
            lanes[lane] = larger(lanes[lane], values[lane]);
        }
    }
    lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |most, &value| larger(most, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_counts_once() {
        for count in [0, 1, 15, 16, 17, 100] {
            let values: Vec<f32> = (1..=count).map(|n| n as f32).collect();
            let n = f64::from(count);
            assert_eq!(sum(&values), n * (n + 1.0) / 2.0);
            assert_eq!(largest(&values), if count == 0 { f32::NEG_INFINITY } else { n as f32 });
            let squares = |a: f32, b: f32| [f64::from(a) * f64::from(b), 1.0];
            assert_eq!(sums(&values, &values, squares), [n * (n + 1.0) * (2.0 * n + 1.0) / 6.0, n]);
        }
    }
}
