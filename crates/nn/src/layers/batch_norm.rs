//! Batch normalisation over any number of spatial axes.

use burn::module::{Flag, Module, Param, RunningState};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};

use crate::error::{NnError, Result, or_panic};
use crate::ops::{self, Activation, Normalisation};

/// Settings of a [`BatchNorm`].
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNormConfig {
    /// Channels.
    pub num_features: usize,
    /// Added to the variance; 1e-5.
    pub epsilon: f64,
    /// Share of the batch in the running statistics, from 0 to 1; 0.1. TensorFlow and Keras state the
    /// other share: their 0.99 is 0.01 here.
    pub momentum: f64,
    /// Whether the normalised value gets a factor and a shift of its own; yes. Caffe's `BatchNorm` without a `Scale`
    /// behind it has none.
    pub affine: bool,
}

/// `(x - mean) / sqrt(variance + epsilon) * gamma + beta` for each channel.
///
/// On an autodiff device, unless frozen, mean and variance are those of the batch, and the running
/// statistics move towards them; otherwise the running statistics are used. As in Burn, the running
/// variance follows the variance of the batch as it stands, divided by `n`; PyTorch divides by `n - 1`.
///
/// Without gamma and beta these are 1 and 0, and no parameters.
///
/// # Shapes
/// `x: [n, c, ...] -> [n, c, ...]`, parameters and statistics `[c]`
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_nn::layers::BatchNormConfig;
/// let device = Device::flex();
/// let norm = BatchNormConfig::new(1).with_epsilon(3.0).init(&device)?;
/// // Running mean 0 and variance 1 to begin with: x / sqrt(1 + 3).
/// let y = norm.forward(Tensor::<3>::from_floats([[[2.0, -4.0]]], &device));
/// assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [1.0, -2.0]);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
#[derive(Module, Debug)]
pub struct BatchNorm {
    /// `[c]`
    pub gamma: Option<Param<Tensor<1>>>,
    /// `[c]`
    pub beta: Option<Param<Tensor<1>>>,
    /// Whether the layer takes part in training; freezing the module clears it.
    pub training: Param<Flag>,
    /// `[c]`
    pub running_mean: RunningState<Tensor<1>>,
    /// `[c]`
    pub running_var: RunningState<Tensor<1>>,
    /// Share of the batch in the running statistics.
    pub momentum: f64,
    /// Added to the variance.
    pub epsilon: f64,
}

impl BatchNormConfig {
    /// The defaults of Burn and PyTorch.
    pub fn new(num_features: usize) -> Self {
        Self { num_features, epsilon: 1e-5, momentum: 0.1, affine: true }
    }

    /// Sets epsilon.
    #[must_use]
    pub fn with_epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// Sets the momentum.
    #[must_use]
    pub fn with_momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// Sets whether there are gamma and beta.
    #[must_use]
    pub fn with_affine(self, affine: bool) -> Self {
        Self { affine, ..self }
    }

    /// The layer.
    ///
    /// # Errors
    /// No channels; an epsilon that is not positive; a momentum outside 0 to 1.
    pub fn init(&self, device: &Device) -> Result<BatchNorm> {
        let Self { num_features, epsilon, momentum, affine } = *self;
        let refuse = |setting, reason: String| Err(NnError::Setting { setting, reason });
        if num_features == 0 {
            return refuse("num_features", "must be at least 1".into());
        }
        if !(epsilon.is_finite() && epsilon > 0.0) {
            return refuse("epsilon", format!("{epsilon} must be a positive number"));
        }
        if !(0.0..=1.0).contains(&momentum) {
            return refuse("momentum", format!("{momentum} must be between 0 and 1"));
        }
        Ok(BatchNorm {
            gamma: affine.then(|| Initializer::Ones.init([num_features], device)),
            beta: affine.then(|| Initializer::Zeros.init([num_features], device)),
            training: Param::from_bool(true),
            running_mean: RunningState::new(Tensor::zeros([num_features], device)),
            running_var: RunningState::new(Tensor::ones([num_features], device)),
            momentum,
            epsilon,
        })
    }
}

impl BatchNorm {
    /// Whether a forward pass on `device` would use and move the statistics of the batch.
    pub fn is_training(&self, device: &Device) -> bool {
        device.is_autodiff() && self.training.is_enabled()
    }

    /// The output has the shape of the input.
    ///
    /// # Errors
    /// None: every spatial size is fine. It is fallible to look like that of other layers.
    pub fn output_size(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    /// Normalises `x`.
    ///
    /// # Errors
    /// Another number of channels or fewer than 2 axes; a batch without values in training; another
    /// element type than F32.
    pub fn try_forward<const D: usize>(&self, x: Tensor<D>) -> Result<Tensor<D>> {
        self.try_forward_activated(x, Activation::None)
    }

    /// Normalises `x` and applies an activation, in one pass on the CPU.
    ///
    /// # Errors
    /// As [`BatchNorm::try_forward`].
    pub fn try_forward_activated<const D: usize>(
        &self,
        x: Tensor<D>,
        activation: Activation,
    ) -> Result<Tensor<D>> {
        let device = x.device();
        let channels = self.running_mean.value().dims();
        let own = |parameter: &Option<Param<Tensor<1>>>| parameter.as_ref().map(Param::val);
        let gamma = own(&self.gamma).unwrap_or_else(|| Tensor::ones(channels, &device));
        let beta = own(&self.beta).unwrap_or_else(|| Tensor::zeros(channels, &device));
        let norm = Normalisation { gamma, beta, epsilon: self.epsilon, activation };
        if !self.is_training(&device) {
            let mean = self.running_mean.value().to_device(&device);
            let var = self.running_var.value().to_device(&device);
            return ops::batch_norm(x, &norm, mean, var);
        }
        let batch = ops::batch_norm_train(x, &norm)?;
        for (running, of_batch) in
            [(&self.running_mean, batch.mean), (&self.running_var, batch.variance)]
        {
            let old = running.value().to_device(&device) * (1.0 - self.momentum);
            running.update((old + of_batch * self.momentum).detach());
            // Burn lets an update wait for the next one; records and frozen layers would miss it.
            running.value_sync();
        }
        Ok(batch.output)
    }

    /// [`BatchNorm::try_forward_activated`] for inputs that are known to fit.
    ///
    /// # Panics
    /// Where that returns an error.
    pub fn forward_activated<const D: usize>(
        &self,
        x: Tensor<D>,
        activation: Activation,
    ) -> Tensor<D> {
        or_panic(self.try_forward_activated(x, activation))
    }

    /// [`BatchNorm::try_forward`] for inputs that are known to fit.
    ///
    /// # Panics
    /// Where that returns an error.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        or_panic(self.try_forward(x))
    }
}
