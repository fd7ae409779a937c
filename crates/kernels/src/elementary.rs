//! `exp`, `tanh` and the logistic function in f32, without branches and calls: loops over them become vector code.
//!
//! They are made of single additions and products, never fused, so that every instruction set, and a value alone
//! as well as one among others, gives the same bits. Range reduction and polynomials are those of S. Moshier's
//! Cephes library (`expf`, `tanhf`), in which the errors of both are derived; the tests measure what is left.

/// `1.5 * 2^23`: a number of at most 22 bits that is added to it is rounded to a whole one, in its last bits.
const ROUND: f32 = 12_582_912.0;
/// ln 2 as a number of few bits, of which products with whole numbers below 2^9 are exact, and the rest.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;
/// Where results are infinite, and where they are zero: `ln(2^128)` and `ln(2^-150)`.
const LARGEST: f32 = 88.722_84;
const SMALLEST: f32 = -103.972_08;

/// `2^n` for n from -126 to 127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits(((n + 127) as u32) << 23)
}

/// `e^v`, with an error of at most 2 units in the last place (1 of a subnormal result); infinite from 88.73 on, 0
/// below -103.98, NaN of NaN.
///
/// ```
/// use upconv_kernels::elementary::exp;
/// assert_eq!(exp(0.0), 1.0);
/// assert!((exp(1.0) - std::f32::consts::E).abs() < 5e-7);
/// assert_eq!((exp(100.0), exp(-200.0)), (f32::INFINITY, 0.0));
/// ```
#[inline(always)]
pub fn exp(v: f32) -> f32 {
    let within = v.clamp(SMALLEST, LARGEST);
    // v = n ln 2 + r with r in [-ln 2 / 2, ln 2 / 2], so e^v = 2^n e^r.
    let rounded = within * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = within - n * LN_2_HIGH - n * LN_2_LOW;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 5e-1;
    let e = p * (r * r) + r + 1.0;
    // n from -150 to 128, taken in halves: each is a normal number.
    let n = rounded.to_bits() as i32 - ROUND.to_bits() as i32;
    let half = n >> 1;
    let e = e * power_of_two(half) * power_of_two(n - half);
    let e = if v > LARGEST { f32::INFINITY } else { e };
    let e = if v < SMALLEST { 0.0 } else { e };
    if v.is_nan() { v } else { e }
}

/// The hyperbolic tangent, with an error of at most 2 units in the last place; NaN of NaN.
///
/// ```
/// use upconv_kernels::elementary::tanh;
/// assert_eq!((tanh(0.0), tanh(50.0), tanh(-50.0)), (0.0, 1.0, -1.0));
/// assert!((tanh(0.5) - 0.462_117_2).abs() < 1e-7);
/// ```
#[inline(always)]
pub fn tanh(v: f32) -> f32 {
    let size = v.abs();
    // tanh v = 1 - 2 / (e^2v + 1), where that does not cancel.
    let far = 1.0 - 2.0 / (exp(size + size) + 1.0);
    let z = v * v;
    let p = -5.704_988_7e-3;
    let p = p * z + 2.063_909e-2;
    let p = p * z - 5.373_971_6e-2;
    let p = p * z + 1.333_144_2e-1;
    let p = p * z - 3.333_328e-1;
    let near = p * z * v + v;
    let result = if size < 0.625 { near } else { far };
    result.copysign(v)
}

/// `1 / (1 + e^-v)`, with an error of at most 3 units in the last place; NaN of NaN.
///
/// ```
/// use upconv_kernels::elementary::sigmoid;
/// assert_eq!((sigmoid(0.0), sigmoid(200.0), sigmoid(-200.0)), (0.5, 1.0, 0.0));
/// assert!((sigmoid(1.0) - 0.731_058_6).abs() < 1e-7);
/// ```
#[inline(always)]
pub fn sigmoid(v: f32) -> f32 {
    // Below zero as e^v / (1 + e^v), so that small results keep their digits.
    let e = exp(-v.abs());
    let above = if v < 0.0 { e } else { 1.0 };
    above / (1.0 + e)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Units in the last place of the result.
    fn ulps(got: f32, exact: f64) -> f64 {
        if got.is_infinite() && exact.abs() >= f64::from(f32::MAX) {
            return 0.0;
        }
        let near = exact as f32;
        let unit = match near.abs() < f32::MIN_POSITIVE {
            true => f64::from(f32::from_bits(1)),
            false => f64::from(near.abs()) - f64::from(f32::from_bits(near.abs().to_bits() - 1)),
        };
        (f64::from(got) - exact).abs() / unit
    }

    /// Every 97th number of all magnitudes and both signs.
    fn numbers() -> impl Iterator<Item = f32> {
        (0..=u32::MAX).step_by(97).map(f32::from_bits).filter(|v| !v.is_nan())
    }

    fn worst(of: impl Fn(f32) -> f32, exact: impl Fn(f64) -> f64) -> (f64, f32) {
        numbers().fold((0.0, 0.0), |worst, v| {
            let error = ulps(of(v), exact(f64::from(v)));
            if error > worst.0 { (error, v) } else { worst }
        })
    }

    #[test]
    fn errors_are_a_few_units_in_the_last_place() {
        let exponential = worst(exp, f64::exp);
        let tangent = worst(tanh, f64::tanh);
        let logistic = worst(sigmoid, |v| 1.0 / (1.0 + (-v).exp()));
        eprintln!("worst: exp {exponential:?}, tanh {tangent:?}, sigmoid {logistic:?}");
        assert!(exponential.0 <= 2.0, "exp {exponential:?}");
        assert!(tangent.0 <= 2.0, "tanh {tangent:?}");
        assert!(logistic.0 <= 3.0, "sigmoid {logistic:?}");
    }

    #[test]
    fn what_is_no_ordinary_number_stays_what_it_is() {
        for of in [exp, tanh, sigmoid] {
            assert!(of(f32::NAN).is_nan());
        }
        assert_eq!((exp(f32::INFINITY), exp(f32::NEG_INFINITY)), (f32::INFINITY, 0.0));
        assert_eq!((tanh(f32::INFINITY), tanh(f32::NEG_INFINITY)), (1.0, -1.0));
        assert_eq!((sigmoid(f32::INFINITY), sigmoid(f32::NEG_INFINITY)), (1.0, 0.0));
        assert_eq!(tanh(-0.0).to_bits(), (-0.0f32).to_bits());
    }
}
