//! The sums and norms of phases, and how far they differ.

use super::weight::Layout;

/// A difference of responses below this share of the magnitudes that were added up is rounding: F32 has 24 bits.
const ROUNDING: f64 = 1e-6;

/// Sums over the taps and input channels of a weight.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    phases: usize,
    /// `[out, phases]`
    responses: Vec<f64>,
    /// The same without signs.
    magnitudes: Vec<f64>,
    /// Per phase the sum of squares, over all channels.
    squares: Vec<f64>,
}

impl Sums {
    /// `values: [in, out / groups, kernel...]`
    pub(super) fn of(layout: &Layout, values: &[f64]) -> Self {
        let phases = layout.phases();
        let mut sums = Self {
            phases,
            responses: vec![0.0; layout.out_channels() * phases],
            magnitudes: vec![0.0; layout.out_channels() * phases],
            squares: vec![0.0; phases],
        };
        layout.pairs(|channel, first| {
            for (&phase, value) in layout.phase_of_tap.iter().zip(&values[first..]) {
                sums.responses[channel * phases + phase] += value;
                sums.magnitudes[channel * phases + phase] += value.abs();
                sums.squares[phase] += value * value;
            }
        });
        sums
    }

    /// One number for each phase.
    pub(super) fn response(&self, channel: usize) -> &[f64] {
        &self.responses[channel * self.phases..][..self.phases]
    }

    pub(super) fn mean_response(&self, phase: usize) -> f64 {
        let of_phase = self.responses.iter().skip(phase).step_by(self.phases);
        let channels = self.responses.len() / self.phases;
        of_phase.sum::<f64>() / channels as f64
    }

    pub(super) fn norm(&self, phase: usize) -> f64 {
        self.squares[phase].sqrt()
    }

    /// Of the whole weight.
    pub(super) fn square(&self) -> f64 {
        self.squares.iter().sum()
    }

    /// Largest less smallest response of a channel; 0 where that is rounding.
    fn spread(&self, channel: usize) -> f64 {
        let response = self.response(channel);
        let largest = response.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let smallest = response.iter().copied().fold(f64::INFINITY, f64::min);
        let magnitudes = &self.magnitudes[channel * self.phases..][..self.phases];
        let added_up = magnitudes.iter().copied().fold(0.0, f64::max);
        let spread = largest - smallest;
        if spread <= ROUNDING * added_up { 0.0 } else { spread }
    }

    /// Mean magnitude of the responses of a channel.
    fn level(&self, channel: usize) -> f64 {
        self.response(channel).iter().map(|value| value.abs()).sum::<f64>() / self.phases as f64
    }

    /// Spread for each level. The level is 0 only where all responses are, and then so is the spread.
    pub(super) fn imbalance(&self, channel: usize) -> f64 {
        ratio(self.spread(channel), self.level(channel))
    }

    /// Root mean square of the spreads for each root mean square of the levels.
    pub(super) fn pooled_imbalance(&self) -> f64 {
        let channels = 0..self.responses.len() / self.phases;
        let (spreads, levels) = channels.fold((0.0, 0.0), |(spreads, levels), channel| {
            (spreads + self.spread(channel).powi(2), levels + self.level(channel).powi(2))
        });
        ratio(spreads.sqrt(), levels.sqrt())
    }
}

/// `part / whole`, and 0 where there is nothing.
pub(super) fn ratio(part: f64, whole: f64) -> f64 {
    if part == 0.0 { 0.0 } else { part / whole }
}
