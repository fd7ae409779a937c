//! Batch normalisation in training: with the statistics of the batch, forward and back.
//!
//! With fixed statistics it is [`crate::pointwise::scale_shift`], or part of a convolution's weight.
//!
//! Mean and variance come from one pass, with sums in f64 about the channel's first value (T. Chan, G. Golub and
//! R. LeVeque, "Algorithms for computing the sample variance", 1983, section 3), which is about as far from the
//! mean as any other: squares stay small, however far the mean is from zero. Squares of differences of f32 values
//! are nearly exact in f64.

mod cells;
mod planes;

use crate::error::{KernelError, Result, check_len};
use crate::extent::Extent;
use crate::options::{Activation, Kept};
use crate::simd::Detected;

/// Mean and variance of each channel of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchStatistics {
    /// `[c]`
    pub mean: Vec<f64>,
    /// `[c]`, divided by the number of values (biased).
    pub variance: Vec<f64>,
}

/// What batch normalisation does beside its tensors: `activation((x - mean) / sqrt(variance + epsilon) * gamma +
/// beta)` for each channel.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm<'a> {
    /// `[c]`
    pub gamma: &'a [f32],
    /// `[c]`
    pub beta: &'a [f32],
    /// Added to the variance, at least 0.
    pub epsilon: f64,
    /// Applied to the result. One whose derivative is worked out from its output ([`Activation::kept`]).
    pub activation: Activation,
}

/// Where the gradients of batch normalisation are written.
#[derive(Debug)]
pub struct BatchNormGradients<'a> {
    /// The gradient of the output, which becomes that of the input.
    pub x: &'a mut [f32],
    /// `[c]`
    pub gamma: &'a mut [f32],
    /// `[c]`
    pub beta: &'a mut [f32],
}

impl BatchNorm<'_> {
    /// Normalises with the statistics of `x`, which it returns, and writes every element of `y`.
    ///
    /// # Shapes
    /// `x, y`: as `extent` says
    ///
    /// # Errors
    /// A buffer of the wrong length; a batch without values; an activation that needs its input.
    ///
    /// ```
    /// use upconv_kernels::batch_norm::BatchNorm;
    /// use upconv_kernels::{Activation, Extent, Layout};
    /// let norm = BatchNorm { gamma: &[10.0], beta: &[1.0], epsilon: 0.0, activation: Activation::None };
    /// let extent = Extent { batch: 2, channels: 1, cells: 2, layout: Layout::Nchw };
    /// let mut y = [0.0; 4];
    /// // All deviations from the mean are 2, so that they become 1.
    /// let statistics = norm.forward(&extent, &[1.0, 5.0, 5.0, 1.0], &mut y)?;
    /// assert_eq!((statistics.mean, statistics.variance), (vec![3.0], vec![4.0]));
    /// assert_eq!(y, [-9.0, 11.0, 11.0, -9.0]);
    /// # Ok::<(), upconv_kernels::KernelError>(())
    /// ```
    pub fn forward(&self, extent: &Extent, x: &[f32], y: &mut [f32]) -> Result<BatchStatistics> {
        self.check(extent)?;
        extent.check("x", x)?;
        extent.check("y", y)?;
        Ok(self.forward_with(Detected::choose(None)?, extent, x, y))
    }

    fn forward_with(
        &self,
        isa: Detected,
        extent: &Extent,
        x: &[f32],
        y: &mut [f32],
    ) -> BatchStatistics {
        if extent.has_planes() {
            planes::forward(isa, self, extent, x, y)
        } else {
            cells::forward(isa, self, extent, x, y)
        }
    }

    /// Turns the gradient of the output into that of the input in its place, and writes those of gamma and beta, given the
    /// statistics that the forward pass returned.
    ///
    /// # Errors
    /// A buffer of the wrong length; a batch without values; an activation that needs its input.
    ///
    /// ```
    /// use upconv_kernels::batch_norm::{BatchNorm, BatchNormGradients, BatchStatistics};
    /// use upconv_kernels::{Activation, Extent, Layout};
    /// let norm = BatchNorm { gamma: &[10.0], beta: &[1.0], epsilon: 0.0, activation: Activation::None };
    /// let extent = Extent { batch: 2, channels: 1, cells: 2, layout: Layout::Nchw };
    /// let statistics = BatchStatistics { mean: vec![3.0], variance: vec![4.0] };
    /// let (x, dy) = ([1.0, 5.0, 5.0, 1.0], [1.0, 0.0, 0.0, 0.0]);
    /// let (mut dx, mut gamma, mut beta) = (dy, [0.0; 1], [0.0; 1]);
    /// let into = BatchNormGradients { x: &mut dx, gamma: &mut gamma, beta: &mut beta };
    /// norm.backward(&extent, &x, &statistics, into)?;
    /// // The first value is at -1 after normalisation; what is left of dy once its mean and its share of the
    /// // normalised values (a quarter each) are taken away, times 10 / 2.
    /// assert_eq!((dx, gamma, beta), ([2.5, 0.0, 0.0, -2.5], [-1.0], [1.0]));
    /// # Ok::<(), upconv_kernels::KernelError>(())
    /// ```
    pub fn backward(
        &self,
        extent: &Extent,
        x: &[f32],
        statistics: &BatchStatistics,
        into: BatchNormGradients<'_>,
    ) -> Result<()> {
        self.check(extent)?;
        extent.check("x", x)?;
        extent.check("dy", into.x)?;
        check_len("mean", &statistics.mean, &[extent.channels])?;
        check_len("variance", &statistics.variance, &[extent.channels])?;
        check_len("gradient of gamma", into.gamma, &[extent.channels])?;
        check_len("gradient of beta", into.beta, &[extent.channels])?;
        self.backward_with(Detected::choose(None)?, extent, x, statistics, into);
        Ok(())
    }

    fn backward_with(
        &self,
        isa: Detected,
        extent: &Extent,
        x: &[f32],
        statistics: &BatchStatistics,
        into: BatchNormGradients<'_>,
    ) {
        let forward: Vec<Forward> = (0..extent.channels)
            .map(|c| Forward::new(self, c, statistics.mean[c], statistics.variance[c]))
            .collect();
        let sums = if extent.has_planes() {
            planes::backward(isa, self, extent, &forward, x, into.x)
        } else {
            cells::backward(isa, self, extent, &forward, x, into.x)
        };
        for (c, Sums { dz, dz_x }) in sums.into_iter().enumerate() {
            into.beta[c] = dz as f32;
            into.gamma[c] = (dz_x * forward[c].deviation_inverse) as f32;
        }
    }

    fn check(&self, extent: &Extent) -> Result<()> {
        check_len("gamma", self.gamma, &[extent.channels])?;
        check_len("beta", self.beta, &[extent.channels])?;
        if extent.batch * extent.cells == 0 {
            let reason = "a batch without values has no statistics";
            return Err(KernelError::Unsupported { option: "batch normalisation", reason });
        }
        if self.activation.kept() == Kept::Input {
            let reason = "its derivative needs its input; apply it after the normalisation";
            return Err(KernelError::Unsupported { option: "activation", reason });
        }
        Ok(())
    }
}

/// The normalisation of one channel: `z = (x - mean) * factor + shift`, where `mean` is the mean in f32 and
/// `shift` makes up for its rounding. Near the mean the difference is exact (P. Sterbenz, 1974), so that nothing
/// is lost where the mean is large.
#[derive(Clone, Copy, Debug, Default)]
struct Forward {
    mean: f32,
    factor: f32,
    shift: f32,
    exact_mean: f64,
    deviation_inverse: f64,
}

impl Forward {
    fn new(norm: &BatchNorm<'_>, channel: usize, mean: f64, variance: f64) -> Self {
        let deviation_inverse = 1.0 / (variance + norm.epsilon).sqrt();
        let factor = f64::from(norm.gamma[channel]) * deviation_inverse;
        let rounded = mean as f32;
        let shift = f64::from(norm.beta[channel]) - (mean - f64::from(rounded)) * factor;
        Self {
            mean: rounded,
            factor: factor as f32,
            shift: shift as f32,
            exact_mean: mean,
            deviation_inverse,
        }
    }

    /// The values before the activation.
    #[inline(always)]
    fn apply(self, x: f32) -> f32 {
        (x - self.mean) * self.factor + self.shift
    }
}

/// Sums over a channel, about its first value.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    values: f64,
    squares: f64,
}

impl Moments {
    fn statistics(self, about: f32, count: f64) -> (f64, f64) {
        let mean = self.values / count;
        // Rounding must not make it negative; NaN stays.
        let variance = self.squares / count - mean * mean;
        let variance = if variance < 0.0 { 0.0 } else { variance };
        (f64::from(about) + mean, variance)
    }
}

/// Sums of the gradient before the activation, and of its products with the deviations of x.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    dz: f64,
    dz_x: f64,
}

/// The gradient of one channel: `dx = dz * factor - (x - mean) * slope - shift`.
#[derive(Clone, Copy, Debug, Default)]
struct Back {
    mean: f32,
    factor: f32,
    slope: f32,
    shift: f32,
}

impl Back {
    /// With `h = (x - mean) * s` and `s = 1 / sqrt(variance + epsilon)`, `dx = gamma * s * (dz - mean(dz) -
    /// h * mean(dz * h))` (S. Ioffe and C. Szegedy, "Batch normalization", 2015, section 3).
    fn new(forward: &Forward, gamma: f32, sums: Sums, count: f64) -> Self {
        let s = forward.deviation_inverse;
        let factor = f64::from(gamma) * s;
        let slope = factor * s * s * (sums.dz_x / count);
        let rounded = forward.exact_mean - f64::from(forward.mean);
        let shift = factor * (sums.dz / count) - rounded * slope;
        Self { mean: forward.mean, factor: factor as f32, slope: slope as f32, shift: shift as f32 }
    }

    #[inline(always)]
    fn apply(self, x: f32, dz: f32) -> f32 {
        dz * self.factor - ((x - self.mean) * self.slope + self.shift)
    }
}

#[cfg(test)]
mod tests;
