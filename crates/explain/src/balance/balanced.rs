//! The nearest weight whose phases answer alike.

use serde::Serialize;

use super::error::BalanceError;
use super::sums::{Sums, ratio};
use super::weight::{Layout, TransposedWeight};

/// What evening a weight does to it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Balanced {
    /// The imbalance that is left: rounding.
    pub imbalance: f64,
    /// Norm of what is added, for each norm of the weight.
    pub change: f64,
    /// The same, if the result were to be even for every input that is the same everywhere, whatever its mix of
    /// channels, and not only where all are 1. 0 if the weight is so already.
    pub change_every_mix: f64,
}

impl<T: Copy + Into<f64>> TransposedWeight<'_, T> {
    /// The nearest weight whose phases all answer an input of 1 as their mean does now, so that its level stays:
    /// the same number is added to all taps of a phase. `[in, out / groups, kernel...]`; `None` where a phase has
    /// no tap.
    ///
    /// # Errors
    /// As [`Balance::of`](super::Balance::of).
    ///
    /// ```
    /// use upconv_explain::TransposedWeight;
    /// let weight = TransposedWeight {
    ///     values: &[1.0, 1.0, 1.0], shape: &[1, 1, 3], stride: &[2], groups: 1, bias: None,
    /// };
    /// // 2 and 1 become 1.5 and 1.5: two taps share a difference of -0.5, one takes 0.5 alone.
    /// assert_eq!(weight.balanced().unwrap(), Some(vec![0.75, 1.5, 0.75]));
    /// ```
    pub fn balanced(&self) -> Result<Option<Vec<f64>>, BalanceError> {
        let layout = self.layout()?;
        let mut values: Vec<f64> = self.values.iter().map(|&value| value.into()).collect();
        let sums = Sums::of(&layout, &values);
        Ok(even(&layout, &sums, &mut values).then_some(values))
    }
}

impl Balanced {
    /// `None` where a phase has no tap.
    pub(super) fn of(layout: &Layout, sums: &Sums, values: &[f64]) -> Option<Self> {
        let mut evened = values.to_vec();
        if !even(layout, sums, &mut evened) {
            return None;
        }
        let added: f64 = values.iter().zip(&evened).map(|(old, new)| (new - old).powi(2)).sum();
        let whole = sums.square();
        Some(Self {
            imbalance: Sums::of(layout, &evened).pooled_imbalance(),
            change: ratio(added, whole).sqrt(),
            change_every_mix: ratio(every_mix(layout, values), whole).sqrt(),
        })
    }
}

/// Adds to the taps what evens them; false, and nothing done, where a phase has none.
///
/// Of all ways to add up to a difference, equal shares have the smallest sum of squares.
fn even(layout: &Layout, sums: &Sums, values: &mut [f64]) -> bool {
    if layout.taps_of_phase.contains(&0) {
        return false;
    }
    layout.pairs(|channel, first| {
        let response = sums.response(channel);
        let mean = response.iter().sum::<f64>() / response.len() as f64;
        for (&phase, value) in layout.phase_of_tap.iter().zip(&mut values[first..]) {
            let sharing = layout.taps_of_phase[phase] * layout.in_group;
            *value += (mean - response[phase]) / sharing as f64;
        }
    });
    true
}

/// Square of what must be added so that each pair of channels is even by itself. All phases have taps.
fn every_mix(layout: &Layout, values: &[f64]) -> f64 {
    let mut added = 0.0;
    let mut response = vec![0.0; layout.phases()];
    layout.pairs(|_, first| {
        response.fill(0.0);
        for (&phase, value) in layout.phase_of_tap.iter().zip(&values[first..]) {
            response[phase] += value;
        }
        let mean = response.iter().sum::<f64>() / response.len() as f64;
        let shares = response.iter().zip(&layout.taps_of_phase);
        // n taps that share d take d / n each, whose squares sum to d * d / n.
        added += shares.map(|(r, &taps)| (mean - r).powi(2) / taps as f64).sum::<f64>();
    });
    added
}
