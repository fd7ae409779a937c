//! Two sets of weights, value by value.

use serde::Serialize;

use crate::safetensors::Weights;
use crate::tensor::Tensor;

/// How two sets of weights differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Whether they have the same names, shapes and values. Types of cells may differ.
    pub equal: bool,
    /// Names that only the first has.
    pub only_a: Vec<String>,
    /// Names that only the second has.
    pub only_b: Vec<String>,
    /// Those that both have, in the order of their names.
    pub tensors: Vec<Difference>,
}

/// How two tensors of one name differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The name.
    pub name: String,
    /// Largest `|a - b|`; null for tensors of different shapes, and where a number meets NaN or infinity.
    pub max_abs: Option<f64>,
    /// Largest `|a - b| / max(|a|, |b|)`, 0 for equal values; null as `max_abs`.
    pub max_rel: Option<f64>,
    /// Cells that differ. NaN equals NaN, and 0 equals -0. Null for tensors of different shapes.
    pub differing: Option<u64>,
    /// Types of the cells.
    pub dtypes: [&'static str; 2],
    /// Both shapes.
    pub shapes: [Vec<usize>; 2],
}

impl Difference {
    /// Whether shapes and values are the same.
    pub fn is_none(&self) -> bool {
        self.differing == Some(0)
    }
}

/// Compares two sets of weights.
///
/// ```
/// use upconv_weights::{Tensor, Weights, compare::compare};
/// let weights = |values: &[f32]| Weights::new(None, vec![Tensor::from_f32("w", &[2], values)?]);
/// let comparison = compare(&weights(&[1.0, 2.0])?, &weights(&[1.0, 4.0])?);
/// assert!(!comparison.equal);
/// assert_eq!(comparison.tensors[0].max_abs, Some(2.0));
/// assert_eq!(comparison.tensors[0].max_rel, Some(0.5));
/// # Ok::<(), upconv_weights::WeightsError>(())
/// ```
pub fn compare(a: &Weights, b: &Weights) -> Comparison {
    let only = |of: &Weights, other: &Weights| -> Vec<String> {
        let alone = of.tensors().iter().filter(|tensor| other.get(tensor.name()).is_none());
        alone.map(|tensor| tensor.name().into()).collect()
    };
    let (only_a, only_b) = (only(a, b), only(b, a));
    let both = a.tensors().iter().filter_map(|tensor| Some((tensor, b.get(tensor.name())?)));
    let tensors: Vec<Difference> = both.map(|(a, b)| difference(a, b)).collect();
    let equal = only_a.is_empty() && only_b.is_empty() && tensors.iter().all(Difference::is_none);
    Comparison { equal, only_a, only_b, tensors }
}

fn difference(a: &Tensor, b: &Tensor) -> Difference {
    let mut difference = Difference {
        name: a.name().into(),
        max_abs: None,
        max_rel: None,
        differing: None,
        dtypes: [a.dtype().name(), b.dtype().name()],
        shapes: [a.shape().to_vec(), b.shape().to_vec()],
    };
    if a.shape() != b.shape() {
        return difference;
    }
    let (mut max_abs, mut max_rel, mut differing) = (0.0f64, 0.0f64, 0);
    let mut comparable = true;
    let same = a.dtype() == b.dtype() && a.bytes() == b.bytes();
    for cell in 0..if same { 0 } else { a.cells() } {
        let (x, y) = (a.value(cell), b.value(cell));
        let (abs, size) = match (a.wide_integer(cell), b.wide_integer(cell)) {
            // F64 has not the digits for these.
            (Some(x), Some(y)) => (x.abs_diff(y) as f64, x.abs().max(y.abs()) as f64),
            _ if x == y || (x.is_nan() && y.is_nan()) => continue,
            _ => ((x - y).abs(), x.abs().max(y.abs())),
        };
        if abs == 0.0 {
            continue;
        }
        differing += 1;
        comparable &= abs.is_finite();
        max_abs = max_abs.max(abs);
        max_rel = max_rel.max(abs / size);
    }
    difference.differing = Some(differing);
    if comparable {
        (difference.max_abs, difference.max_rel) = (Some(max_abs), Some(max_rel));
    }
    difference
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Dtype;

    fn weights(tensors: &[(&str, Dtype, &[usize], &[u8])]) -> Weights {
        let tensors = tensors.iter().map(|&(name, dtype, shape, bytes)| {
            Tensor::new(name, dtype, shape.to_vec(), bytes.to_vec()).unwrap()
        });
        Weights::new(None, tensors.collect()).unwrap()
    }

    fn floats(values: &[f32]) -> Weights {
        Weights::new(None, vec![Tensor::from_f32("w", &[values.len()], values).unwrap()]).unwrap()
    }

    #[test]
    fn names_that_one_side_lacks() {
        let a = weights(&[("a", Dtype::U8, &[1], &[1]), ("b", Dtype::U8, &[1], &[1])]);
        let b = weights(&[("b", Dtype::U8, &[1], &[1]), ("c", Dtype::U8, &[1], &[1])]);
        let comparison = compare(&a, &b);
        assert_eq!((comparison.only_a, comparison.only_b), (vec!["a".into()], vec!["c".into()]));
        assert!(!comparison.equal && comparison.tensors[0].is_none());
    }

    #[test]
    fn values_count_and_not_types() {
        // 1.0 and -0.0 as F16, and as F32.
        let short = weights(&[("w", Dtype::F16, &[2], &[0, 0x3c, 0, 0x80])]);
        assert!(compare(&short, &floats(&[1.0, 0.0])).equal);
        let comparison = compare(&short, &floats(&[1.5, 0.0]));
        assert_eq!(comparison.tensors[0].max_abs, Some(0.5));
        assert_eq!(comparison.tensors[0].differing, Some(1));
    }

    #[test]
    fn shapes_count() {
        let a = weights(&[("w", Dtype::U8, &[2, 3], &[0; 6])]);
        let b = weights(&[("w", Dtype::U8, &[3, 2], &[0; 6])]);
        let comparison = compare(&a, &b);
        assert!(!comparison.equal);
        assert_eq!(comparison.tensors[0].max_abs, None);
        assert_eq!(comparison.tensors[0].shapes, [vec![2, 3], vec![3, 2]]);
    }

    #[test]
    fn numbers_that_are_none() {
        let nan = floats(&[f32::NAN, f32::INFINITY, 1.0]);
        assert!(compare(&nan, &nan).equal);
        let other = floats(&[f32::from_bits(0x7fc0_0001), f32::INFINITY, 1.0]);
        assert!(compare(&nan, &other).equal);
        let comparison = compare(&nan, &floats(&[0.0, f32::INFINITY, 3.0]));
        assert!(!comparison.equal);
        assert_eq!(comparison.tensors[0].max_abs, None);
        assert_eq!(comparison.tensors[0].differing, Some(2));
    }

    #[test]
    fn integers_of_64_bits_are_exact() {
        let of = |value: i64| weights(&[("n", Dtype::I64, &[], &value.to_le_bytes())]);
        let comparison = compare(&of(i64::MAX), &of(i64::MAX - 1));
        assert_eq!(comparison.tensors[0].max_abs, Some(1.0));
        assert!(!comparison.equal);
        let far = compare(&of(i64::MIN), &of(i64::MAX));
        assert_eq!(far.tensors[0].max_abs, Some(u64::MAX as f64));
    }
}
