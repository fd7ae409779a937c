//! Fully connected layers.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};
use upconv_geometry::Channels;

use super::setting::parameters;
use crate::error::{Result, or_panic};
use crate::{init, ops};

/// Settings of a [`Linear`].
#[derive(Clone, Debug)]
pub struct LinearConfig {
    /// Values per row of the input, and of the output.
    pub channels: [usize; 2],
    /// Whether there is a bias; yes.
    pub bias: bool,
    /// How the weight begins; as in PyTorch.
    pub initializer: Initializer,
    /// How the bias begins; as in PyTorch.
    pub bias_initializer: Initializer,
}

/// `weight x + bias` along the last axis.
///
/// # Shapes
/// `x: [..., in] -> [..., out]`
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_nn::init::Initializer;
/// use upconv_nn::layers::LinearConfig;
/// let device = Device::flex();
/// let config = LinearConfig::new(3, 2).with_initializer(Initializer::Ones).with_bias(false);
/// let y = config.init(&device)?.forward(Tensor::<2>::from_floats([[1.0, 2.0, 3.0]], &device));
/// assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [6.0, 6.0]);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
#[derive(Module, Debug)]
pub struct Linear {
    /// `[out, in]`, as in PyTorch; Burn's own layer has `[in, out]`.
    pub weight: Param<Tensor<2>>,
    /// `[out]`
    pub bias: Option<Param<Tensor<1>>>,
}

impl LinearConfig {
    /// With a bias, and beginning as in PyTorch.
    pub fn new(in_channels: usize, out_channels: usize) -> Self {
        Self {
            channels: [in_channels, out_channels],
            bias: true,
            initializer: init::usual(),
            bias_initializer: init::usual(),
        }
    }

    /// Sets whether there is a bias.
    #[must_use]
    pub fn with_bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// Sets how the weight begins.
    #[must_use]
    pub fn with_initializer(self, initializer: Initializer) -> Self {
        Self { initializer, ..self }
    }

    /// Sets how the bias begins.
    #[must_use]
    pub fn with_bias_initializer(self, bias_initializer: Initializer) -> Self {
        Self { bias_initializer, ..self }
    }

    /// The layer; its parameters are drawn when they are first used.
    ///
    /// # Errors
    /// A weight above the limits.
    pub fn init(&self, device: &Device) -> Result<Linear> {
        let [in_channels, out_channels] = self.channels;
        let channels = Channels { batch: 0, in_channels, out_channels, groups: 1 };
        let bias = self.bias.then_some(&self.bias_initializer);
        let shape = [out_channels, in_channels];
        let (weight, bias) = parameters(channels, shape, &self.initializer, bias, device)?;
        Ok(Linear { weight, bias })
    }
}

impl Linear {
    /// `x: [..., in] -> [..., out]`
    ///
    /// # Errors
    /// As [`ops::linear`].
    pub fn try_forward<const D: usize>(&self, x: Tensor<D>) -> Result<Tensor<D>> {
        ops::linear(x, self.weight.val(), self.bias.as_ref().map(Param::val))
    }

    /// [`Linear::try_forward`] for inputs that are known to fit.
    ///
    /// # Panics
    /// Where that returns an error.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        or_panic(self.try_forward(x))
    }
}
