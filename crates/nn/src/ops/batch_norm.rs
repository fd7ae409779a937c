//! Batch normalisation, with the statistics of the batch or with given ones.

use std::sync::{Arc, OnceLock};

use burn::tensor::module;
use burn::tensor::{Tensor, TensorData};
use upconv_kernels::batch_norm::{BatchNorm, BatchNormGradients, BatchStatistics};
use upconv_kernels::pointwise::{Affine, scale_shift};
use upconv_kernels::{Extent, Kept, Layout};

use super::activation::{Activation, activation};
use super::seam::{Done, Gradients, Inputs, Keeps, Operation, check, is_ours, operate};
use crate::error::{NnError, Result};

/// What normalises: `activation((x - mean) / sqrt(variance + epsilon) * gamma + beta)` for each channel.
#[derive(Clone, Debug)]
pub struct Normalisation {
    /// `[c]`
    pub gamma: Tensor<1>,
    /// `[c]`
    pub beta: Tensor<1>,
    /// Added to the variance, above 0.
    pub epsilon: f64,
    /// Applied to the result, in the same pass.
    pub activation: Activation,
}

/// What [`batch_norm_train`] gives.
#[derive(Clone, Debug)]
pub struct Normalised<const D: usize> {
    /// Of the shape of the input.
    pub output: Tensor<D>,
    /// Mean of the batch, `[c]`, without gradient.
    pub mean: Tensor<1>,
    /// Variance of the batch, `[c]`, divided by the number of values, without gradient.
    pub variance: Tensor<1>,
}

/// Normalises with the statistics of the batch.
///
/// # Shapes
/// `x: [n, c, ...] -> [n, c, ...]`
///
/// # Errors
/// Fewer than 2 axes; a batch without values; parameters of another shape, device or element type.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_nn::ops::{Activation, Normalisation, batch_norm_train};
/// let device = Device::flex();
/// let norm = Normalisation {
///     gamma: Tensor::from_floats([10.0], &device),
///     beta: Tensor::from_floats([1.0], &device),
///     epsilon: 1e-12,
///     activation: Activation::Relu,
/// };
/// let x = Tensor::<2>::from_floats([[1.0], [5.0], [5.0], [1.0]], &device);
/// let y = batch_norm_train(x, &norm)?;
/// assert_eq!(y.output.into_data().try_to_vec::<f32>().unwrap(), [0.0, 11.0, 11.0, 0.0]);
/// assert_eq!(y.mean.into_scalar::<f32>(), 3.0);
/// assert_eq!(y.variance.into_scalar::<f32>(), 4.0);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn batch_norm_train<const D: usize>(
    x: Tensor<D>,
    norm: &Normalisation,
) -> Result<Normalised<D>> {
    let extent = norm.check(&x)?;
    let (dims, device) = (x.dims(), x.device());
    if dims.contains(&0) {
        let reason = format!("a batch of shape {dims:?} has no statistics");
        return Err(NnError::Setting { setting: "batch_norm", reason });
    }
    let Normalisation { gamma, beta, epsilon, activation: applied } = norm.clone();
    if !is_ours([device.clone(), gamma.device(), beta.device()]) {
        let batch = module::batch_norm_train(x, gamma, beta, epsilon);
        let output = activation(batch.output, applied)?;
        let (mean, variance) = (batch.mean.detach(), batch.variance.detach());
        return Ok(Normalised { output, mean, variance });
    }
    // One that needs its input comes by itself.
    let within = if applied.kept() == Kept::Output { applied } else { Activation::None };
    let op = OfBatch { extent, shape: dims.to_vec(), epsilon, within, statistics: OnceLock::new() };
    let op = Arc::new(op);
    let inputs = Inputs::Three(x.into_dispatch(), gamma.into_dispatch(), beta.into_dispatch());
    let output: Tensor<D> = operate(inputs, op.clone());
    let output = if within == applied { output } else { activation(output, applied)? };
    let of_batch = |values: fn(&BatchStatistics) -> &Vec<f64>| {
        let values = op.statistics.get().map_or(&[][..], |found| values(found));
        let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        Tensor::from_data(TensorData::new(values, [extent.channels]), &device)
    };
    let (mean, variance) = (of_batch(|s| &s.mean), of_batch(|s| &s.variance));
    Ok(Normalised { output, mean, variance })
}

/// Normalises with given statistics.
///
/// # Shapes
/// `x: [n, c, ...] -> [n, c, ...]`, `mean, variance: [c]`
///
/// # Errors
/// Fewer than 2 axes; parameters or statistics of another shape, device or element type.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_nn::ops::{Activation, Normalisation, batch_norm};
/// let device = Device::flex();
/// let one = |value: f32| Tensor::<1>::from_floats([value], &device);
/// let norm = Normalisation {
///     gamma: one(10.0), beta: one(1.0), epsilon: 3.0, activation: Activation::None,
/// };
/// let x = Tensor::<2>::from_floats([[2.0], [4.0]], &device);
/// // (x - 2) / sqrt(1 + 3) * 10 + 1
/// let y = batch_norm(x, &norm, one(2.0), one(1.0))?;
/// assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [1.0, 11.0]);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn batch_norm<const D: usize>(
    x: Tensor<D>,
    norm: &Normalisation,
    mean: Tensor<1>,
    variance: Tensor<1>,
) -> Result<Tensor<D>> {
    let extent = norm.check(&x)?;
    let device = x.device();
    check("mean", &mean, &[extent.channels], &device)?;
    check("variance", &variance, &[extent.channels], &device)?;
    let Normalisation { gamma, beta, epsilon, activation: applied } = norm.clone();
    let places = [&gamma, &beta, &mean, &variance].map(Tensor::device);
    // Gradients through fixed statistics are rare, and Burn's own.
    if device.is_autodiff() || !is_ours(places.into_iter().chain([device])) {
        return activation(module::batch_norm(x, gamma, beta, mean, variance, epsilon), applied);
    }
    let shape = x.dims().to_vec();
    let factor = gamma / (variance + epsilon).sqrt();
    let shift = beta - mean * factor.clone();
    let inputs = Inputs::Three(x.into_dispatch(), factor.into_dispatch(), shift.into_dispatch());
    Ok(operate(inputs, Arc::new(Fixed { extent, shape, activation: applied })))
}

impl Normalisation {
    fn check<const D: usize>(&self, x: &Tensor<D>) -> Result<Extent> {
        let (dims, device) = (x.dims(), x.device());
        let extent = Extent::of(&dims, Layout::Nchw)?;
        let mut expected = dims;
        expected[1] = self.gamma.dims()[0];
        check("x", x, &expected, &device)?;
        check("gamma", &self.gamma, &[extent.channels], &device)?;
        check("beta", &self.beta, &[extent.channels], &device)?;
        Ok(extent)
    }
}

/// With the statistics of the batch, of which x, gamma and beta are the inputs.
#[derive(Debug)]
struct OfBatch {
    extent: Extent,
    shape: Vec<usize>,
    epsilon: f64,
    within: Activation,
    statistics: OnceLock<BatchStatistics>,
}

impl OfBatch {
    fn norm<'a>(&self, gamma: &'a [f32], beta: &'a [f32]) -> BatchNorm<'a> {
        BatchNorm { gamma, beta, epsilon: self.epsilon, activation: self.within }
    }
}

impl Operation for OfBatch {
    fn inputs(&self) -> Vec<Vec<usize>> {
        let channels = vec![self.extent.channels];
        vec![self.shape.clone(), channels.clone(), channels]
    }

    fn output(&self) -> Vec<usize> {
        self.shape.clone()
    }

    fn keeps(&self) -> Keeps {
        Keeps::Inputs(3)
    }

    fn forward(&self, inputs: &[&[f32]], y: &mut [f32], _: bool) -> Done {
        let &[x, gamma, beta] = inputs else { return Ok(()) };
        let found = self.norm(gamma, beta).forward(&self.extent, x, y)?;
        // Nobody else writes here: an operation runs once.
        let _ = self.statistics.set(found);
        Ok(())
    }

    fn works_backward_in_place(&self) -> bool {
        true
    }

    fn backward_in_place(&self, kept: &[&[f32]], dy: &mut [f32], rest: Gradients<'_>) -> Done {
        let (&[x, gamma, beta], Some(statistics)) = (kept, self.statistics.get()) else {
            return Ok(());
        };
        // All three come together; what nobody asks for is thrown away.
        let mut unasked = [vec![0.0; gamma.len()], vec![0.0; beta.len()]];
        let mut places = rest.into_iter().zip(&mut unasked);
        let mut next =
            || places.next().map_or(&mut [][..], |(asked, unasked)| asked.unwrap_or(unasked));
        let into = BatchNormGradients { x: dy, gamma: next(), beta: next() };
        self.norm(gamma, beta).backward(&self.extent, x, statistics, into)
    }

    fn backward(&self, kept: &[&[f32]], dy: &[f32], mut into: Gradients<'_>) -> Done {
        match into.remove(0) {
            Some(dx) => {
                dx.copy_from_slice(dy);
                self.backward_in_place(kept, dx, into)
            }
            None => self.backward_in_place(kept, &mut dy.to_vec(), into),
        }
    }
}

/// With given statistics, as a factor and a shift.
#[derive(Debug)]
struct Fixed {
    extent: Extent,
    shape: Vec<usize>,
    activation: Activation,
}

impl Operation for Fixed {
    fn inputs(&self) -> Vec<Vec<usize>> {
        let channels = vec![self.extent.channels];
        vec![self.shape.clone(), channels.clone(), channels]
    }

    fn output(&self) -> Vec<usize> {
        self.shape.clone()
    }

    fn keeps(&self) -> Keeps {
        Keeps::Nothing
    }

    fn forward(&self, inputs: &[&[f32]], y: &mut [f32], _: bool) -> Done {
        let &[x, factor, shift] = inputs else { return Ok(()) };
        scale_shift(&self.extent, Affine { factor, shift }, self.activation, x, y)
    }

    /// Not recorded.
    fn backward(&self, _: &[&[f32]], _: &[f32], _: Gradients<'_>) -> Done {
        Ok(())
    }
}
