//! What the numbers of a tensor look like.

use std::convert::Infallible;

use serde::Serialize;

use crate::error::TensorFault;
use crate::tensor::Tensor;

/// What the numbers of a tensor look like. Those that are not finite are counted and left out of the
/// rest; without any finite number the rest is null.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Statistics {
    /// Smallest.
    pub min: Option<f64>,
    /// Largest.
    pub max: Option<f64>,
    /// Mean.
    pub mean: Option<f64>,
    /// Standard deviation of all (divided by their number).
    pub std: Option<f64>,
    /// NaN and infinities.
    pub non_finite: u64,
}

impl Tensor {
    /// What its numbers look like.
    ///
    /// ```
    /// let tensor = upconv_weights::Tensor::from_f32("t", &[3], &[1.0, 3.0, f32::NAN])?;
    /// let statistics = tensor.statistics();
    /// assert_eq!((statistics.min, statistics.max), (Some(1.0), Some(3.0)));
    /// assert_eq!((statistics.mean, statistics.std), (Some(2.0), Some(1.0)));
    /// assert_eq!(statistics.non_finite, 1);
    /// # Ok::<(), upconv_weights::WeightsError>(())
    /// ```
    pub fn statistics(&self) -> Statistics {
        // Welford's running mean and sum of squares: one pass, and no difference of two large sums.
        let (mut count, mut non_finite) = (0u64, 0u64);
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut mean, mut squares) = (0.0f64, 0.0f64);
        for value in self.values() {
            if !value.is_finite() {
                non_finite += 1;
                continue;
            }
            count += 1;
            min = min.min(value);
            max = max.max(value);
            let before = value - mean;
            mean += before / count as f64;
            squares += before * (value - mean);
        }
        if count == 0 {
            return Statistics { non_finite, ..Statistics::default() };
        }
        // F64 near its limits can overflow in between; such a figure is not known.
        let known = |value: f64| Some(value).filter(|value| value.is_finite());
        Statistics {
            min: Some(min),
            max: Some(max),
            mean: known(mean),
            std: known((squares / count as f64).sqrt()),
            non_finite,
        }
    }

    /// What is wrong if there are numbers that are not finite.
    pub(crate) fn non_finite(&self) -> Option<TensorFault> {
        if !self.dtype().is_float() {
            return None;
        }
        let (mut count, mut first, mut before) = (0, None, 0);
        let Ok(()) = self.pieces(&mut |piece| {
            let cells = piece.len() / self.dtype().bytes();
            let values = (0..cells).map(|cell| (before + cell, self.dtype().value(piece, cell)));
            for (index, value) in values.filter(|(_, value)| !value.is_finite()) {
                count += 1;
                first.get_or_insert((index, value));
            }
            before += cells;
            Ok::<(), Infallible>(())
        });
        first.map(|(index, value)| TensorFault::NonFinite { count, index, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Dtype;

    #[test]
    fn nothing_and_nothing_finite() {
        let empty = Tensor::from_f32("t", &[0], &[]).unwrap();
        assert_eq!(empty.statistics(), Statistics::default());
        let nan = Tensor::from_f32("t", &[2], &[f32::NAN, f32::INFINITY]).unwrap();
        assert_eq!(nan.statistics(), Statistics { non_finite: 2, ..Statistics::default() });
        let fault = nan.non_finite().unwrap().to_string();
        assert!(
            fault.starts_with("2 values are not finite, the first is NaN at cell 0"),
            "{fault}"
        );
    }

    #[test]
    fn integers_and_large_offsets() {
        let tensor = Tensor::new("t", Dtype::I8, vec![2], vec![0xff, 3]).unwrap().statistics();
        assert_eq!((tensor.min, tensor.max, tensor.mean), (Some(-1.0), Some(3.0), Some(1.0)));
        // With sums of squares the spread of 1 would drown in 1e16.
        let bytes = [1e8f64 - 1.0, 1e8 + 1.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let far = Tensor::new("t", Dtype::F64, vec![2], bytes).unwrap().statistics();
        assert_eq!((far.mean, far.std), (Some(1e8), Some(1.0)));
        let bytes = [-f64::MAX, f64::MAX].iter().flat_map(|v| v.to_le_bytes()).collect();
        let huge = Tensor::new("t", Dtype::F64, vec![2], bytes).unwrap().statistics();
        assert_eq!((huge.max, huge.std), (Some(f64::MAX), None));
    }
}
