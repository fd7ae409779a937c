//! Tolerances, and the comparison of one result with what a framework gave.

/// The size of the terms that each expected value is a sum of.
#[derive(Debug)]
pub(crate) enum Terms {
    /// The sum of |terms| of every element.
    PerElement(Vec<f64>),
    /// The largest of these sums, for all elements; the values themselves were rounded to f32.
    Largest(f64),
    /// Unknown: the value itself is taken.
    Unknown,
}

/// Expected values.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) values: Vec<f64>,
    pub(crate) terms: Terms,
}

/// How close a result must come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    /// A result computed in f64: `1e-12 * (1 + abs)`.
    Double,
    /// A result computed in f32: `1e-5 + 1e-5 * abs`.
    Single,
    /// Copies: equal.
    Exact,
}

/// What a comparison found.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Found {
    /// Largest `|a - r| / (1 + abs)`.
    pub(crate) worst: f64,
    /// The first element that is out of tolerance.
    pub(crate) problem: Option<String>,
}

impl Expected {
    fn abs(&self, at: usize) -> f64 {
        match &self.terms {
            Terms::PerElement(sums) => sums[at],
            Terms::Largest(sum) => *sum,
            Terms::Unknown => self.values[at].abs(),
        }
    }

    fn allowed(&self, at: usize, precision: Precision) -> f64 {
        let abs = self.abs(at);
        let loose = 1e-5 + 1e-5 * abs;
        match (precision, &self.terms) {
            (Precision::Exact, _) => 0.0,
            // Without the size of the terms, nothing says how much of the value has cancelled.
            (Precision::Single, _) | (Precision::Double, Terms::Unknown) => loose,
            (Precision::Double, Terms::PerElement(_)) => 1e-12 * (1.0 + abs),
            (Precision::Double, Terms::Largest(_)) => {
                // Half of the last place of an f32, and all of the smallest one.
                let rounded = self.values[at].abs() * f64::from(f32::EPSILON) / 2.0;
                1e-12 * (1.0 + abs) + rounded + f64::from(f32::MIN_POSITIVE)
            }
        }
    }

    /// Compares a result, which must have as many elements.
    pub(crate) fn compare(&self, got: &[f64], precision: Precision) -> Found {
        let mut found = Found::default();
        if got.len() != self.values.len() {
            let (got, want) = (got.len(), self.values.len());
            found.problem = Some(format!("{got} elements instead of {want}"));
            return found;
        }
        for (at, (&a, &r)) in got.iter().zip(&self.values).enumerate() {
            // Equal infinities differ by NaN.
            let off = if a == r { 0.0 } else { (a - r).abs() };
            let allowed = self.allowed(at, precision);
            let relative = off / (1.0 + self.abs(at));
            if relative.is_finite() {
                found.worst = found.worst.max(relative);
            }
            // False for NaN on either side.
            let fine = off <= allowed;
            if !fine && found.problem.is_none() {
                found.problem =
                    Some(format!("element {at} is {a} instead of {r} (allowed: {allowed:e})"));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(terms: Terms) -> Expected {
        Expected { values: vec![1.0, -2.0], terms }
    }

    #[test]
    fn each_precision_has_its_tolerance() {
        let per_element = expected(Terms::PerElement(vec![3.0, 3.0]));
        let off_by =
            |off: f64, precision| per_element.compare(&[1.0 + off, -2.0], precision).problem;
        assert_eq!(off_by(3.9e-5, Precision::Single), None);
        assert!(off_by(4.1e-5, Precision::Single).is_some());
        assert_eq!(off_by(3.9e-12, Precision::Double), None);
        assert!(off_by(4.1e-12, Precision::Double).is_some());
        assert_eq!(off_by(0.0, Precision::Exact), None);
        assert!(off_by(1e-15, Precision::Exact).is_some());
    }

    #[test]
    fn values_rounded_to_f32_are_met_to_their_last_place() {
        let largest = expected(Terms::Largest(3.0));
        assert_eq!(largest.compare(&[1.0 + 5.9e-8, -2.0], Precision::Double).problem, None);
        assert!(largest.compare(&[1.0 + 6.1e-8, -2.0], Precision::Double).problem.is_some());
    }

    #[test]
    fn without_terms_the_value_counts() {
        let unknown = expected(Terms::Unknown);
        assert_eq!(unknown.compare(&[1.0, -2.000029], Precision::Double).problem, None);
        assert!(unknown.compare(&[1.0, -2.000031], Precision::Double).problem.is_some());
    }

    #[test]
    fn nan_and_wrong_lengths_never_pass() {
        for precision in [Precision::Double, Precision::Single, Precision::Exact] {
            let one = expected(Terms::Unknown);
            assert!(one.compare(&[f64::NAN, -2.0], precision).problem.is_some());
            assert!(one.compare(&[1.0], precision).problem.is_some());
            let nan = Expected { values: vec![f64::NAN], terms: Terms::Unknown };
            assert!(nan.compare(&[f64::NAN], precision).problem.is_some());
            assert!(nan.compare(&[0.0], precision).problem.is_some());
        }
    }

    #[test]
    fn worst_is_relative_to_the_terms() {
        let found =
            expected(Terms::PerElement(vec![3.0, 0.0])).compare(&[1.5, -2.25], Precision::Single);
        assert_eq!(found.worst, 0.25);
    }
}
