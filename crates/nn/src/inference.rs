//! The inference form of a network: what [`upconv_kernels::inference`] runs, recorded from its forward pass.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use upconv_nn::inference::{NetworkOptions, Recorder};
//! use upconv_nn::layers::{Conv2d, Conv2dConfig};
//! use upconv_nn::pass::{Activation, Eager, Pass};
//! use upconv_nn::NnError;
//!
//! // A network's forward pass, written once.
//! fn forward<P: Pass>(net: &Conv2d, pass: &mut P, x: &P::Value) -> Result<P::Value, NnError> {
//!     let h = pass.conv(net, x)?;
//!     pass.activation(Activation::Relu, h)
//! }
//!
//! let net = Conv2dConfig::new([1, 2], [3, 3]).init(&Device::flex())?;
//! let mut recorder = Recorder::new();
//! let x = recorder.input(&[1, 1, 8, 8])?;
//! let y = forward(&net, &mut recorder, &x)?;
//! let network = recorder.compile(&[y], &NetworkOptions::default())?;
//!
//! let mut fast = [0.0; 72];
//! network.run(&[&[0.5; 64]], &mut [&mut fast])?;
//! let slow = forward(&net, &mut Eager::default(), &Tensor::full([1, 1, 8, 8], 0.5, &Device::flex()))?;
//! for (fast, slow) in fast.iter().zip(slow.into_data().iter::<f32>()) {
//!     assert!((fast - slow).abs() < 1e-6);
//! }
//! # Ok::<(), NnError>(())
//! ```

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use upconv_kernels::inference::{self, Graph, Value};
pub use upconv_kernels::inference::{Network, NetworkOptions, Parameter, StepInfo};
use upconv_kernels::{Activation, LocalResponse};

use crate::error::{NnError, Result};
use crate::layers::{
    BatchNorm, Conv2d, ConvTranspose2d, Linear, MaxPool2d, PixelShuffle, Upsample,
};
use crate::ops::check_rate;
use crate::parameters::Names;
use crate::pass::Pass;

/// Gives a parameter by its name and shape.
type Source<'w> = dyn Fn(&str, &[usize]) -> Result<Parameter<'w>> + 'w;

/// A [`Pass`] that records operations.
#[derive(Default)]
pub struct Recorder<'w> {
    graph: Graph<'w>,
    named: Option<(Names, Box<Source<'w>>)>,
}

impl<'w> Recorder<'w> {
    /// Records with the parameters that the layers hold.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records with parameters from elsewhere, such as a mapped file. `source` is asked for each by its name (see
    /// [`crate::parameters`]) and shape; what the layers of `module` hold is not looked at.
    pub fn with_parameters(
        module: &impl Module,
        source: impl Fn(&str, &[usize]) -> Result<Parameter<'w>> + 'w,
    ) -> Self {
        Self { graph: Graph::new(), named: Some((Names::of(module), Box::new(source))) }
    }

    /// An input of the network.
    ///
    /// # Errors
    /// A size of 0; more cells than the limits allow.
    pub fn input(&mut self, shape: &[usize; 4]) -> Result<Value> {
        Ok(self.graph.input(shape)?)
    }

    /// Packs the parameters, and makes a network of what the outputs need.
    ///
    /// # Errors
    /// Parameters that cannot be read.
    pub fn compile(self, outputs: &[Value], options: &NetworkOptions) -> Result<Network> {
        Ok(self.graph.compile(outputs, options)?)
    }

    /// Checks the channels of a value; its other sizes are checked when its windows are worked out.
    fn check_channels(&self, x: Value, channels: usize) -> Result<()> {
        let got = self.graph.shape(x).to_vec();
        let mut expected = got.clone();
        expected[1] = channels;
        if got == expected { Ok(()) } else { Err(NnError::Shape { tensor: "x", expected, got }) }
    }

    /// A transposed convolution to its usual size, or to a wanted one.
    fn transposed(
        &mut self,
        layer: &ConvTranspose2d,
        x: Value,
        output: Option<&[usize]>,
    ) -> Result<Value> {
        self.check_channels(x, layer.weight.lazy_shape()[0])?;
        let axes = layer.axes(&self.graph.shape(x)[2..], output)?;
        let weight = self.parameter(&layer.weight, "weight")?;
        let bias = layer.bias.as_ref().map(|bias| self.parameter(bias, "bias")).transpose()?;
        Ok(self.graph.conv_transpose(x, axes, layer.setting.groups, weight, bias)?)
    }

    /// The values of a layer's parameter.
    fn parameter<const D: usize>(
        &self,
        parameter: &Param<Tensor<D>>,
        field: &str,
    ) -> Result<Parameter<'w>> {
        match &self.named {
            None => Ok(held(&parameter.val())),
            Some((names, source)) => {
                let layer = names.layer(parameter, field)?;
                source(&format!("{layer}{field}"), &parameter.lazy_shape())
            }
        }
    }
}

/// The values of a tensor, copied when they are read.
fn held<'w, const D: usize>(tensor: &Tensor<D>) -> Parameter<'w> {
    let (length, tensor) = (tensor.shape().num_elements(), tensor.clone());
    Parameter::later(length, move || {
        let values = tensor.to_data().try_into_vec::<f32>();
        values.map(Into::into).map_err(|error| format!("{error:?}"))
    })
}

impl Pass for Recorder<'_> {
    type Value = Value;

    fn shape(&self, x: &Value) -> [usize; 4] {
        let shape = self.graph.shape(*x);
        // Every value has as many axes as the input.
        std::array::from_fn(|axis| shape.get(axis).copied().unwrap_or(1))
    }

    fn conv(&mut self, layer: &Conv2d, x: &Value) -> Result<Value> {
        self.check_channels(*x, layer.weight.lazy_shape()[1] * layer.setting.groups)?;
        let axes = layer.axes(&self.graph.shape(*x)[2..])?;
        let weight = self.parameter(&layer.weight, "weight")?;
        let bias = layer.bias.as_ref().map(|bias| self.parameter(bias, "bias")).transpose()?;
        Ok(self.graph.conv(*x, axes, layer.setting.groups, weight, bias)?)
    }

    fn conv_transpose(&mut self, layer: &ConvTranspose2d, x: &Value) -> Result<Value> {
        self.transposed(layer, *x, None)
    }

    fn conv_transpose_to(
        &mut self,
        layer: &ConvTranspose2d,
        x: &Value,
        output: [usize; 2],
    ) -> Result<Value> {
        self.transposed(layer, *x, Some(&output))
    }

    fn batch_norm(&mut self, layer: &BatchNorm, x: &Value) -> Result<Value> {
        let statistic = |field: &str, held_there: Tensor<1>| match &self.named {
            None => Ok(held(&held_there)),
            Some((names, source)) => {
                let layer = names.layer_of(&layer.running_mean, "running_mean")?;
                source(&format!("{layer}{field}"), &held_there.dims())
            }
        };
        let channels = layer.running_mean.value().dims()[0];
        let affine = |parameter: &Option<Param<Tensor<1>>>, field: &str, otherwise: f32| {
            let constant = || Ok(Parameter::from(vec![otherwise; channels]));
            parameter.as_ref().map_or_else(constant, |parameter| self.parameter(parameter, field))
        };
        let norm = inference::BatchNorm {
            gamma: affine(&layer.gamma, "gamma", 1.0)?,
            beta: affine(&layer.beta, "beta", 0.0)?,
            mean: statistic("running_mean", layer.running_mean.value())?,
            variance: statistic("running_var", layer.running_var.value())?,
            epsilon: layer.epsilon,
        };
        Ok(self.graph.batch_norm(*x, &norm)?)
    }

    fn linear(&mut self, layer: &Linear, x: &Value) -> Result<Value> {
        let weight = self.parameter(&layer.weight, "weight")?;
        let bias = layer.bias.as_ref().map(|bias| self.parameter(bias, "bias")).transpose()?;
        Ok(self.graph.linear(*x, weight, bias)?)
    }

    fn activation(&mut self, activation: Activation, x: Value) -> Result<Value> {
        Ok(self.graph.activation(x, activation))
    }

    fn add(&mut self, a: &Value, b: &Value) -> Result<Value> {
        Ok(self.graph.add(*a, *b)?)
    }

    fn concat(&mut self, values: &[Value]) -> Result<Value> {
        Ok(self.graph.concat(values)?)
    }

    fn max_pool(&mut self, layer: &MaxPool2d, x: &Value) -> Result<Value> {
        Ok(self.graph.max_pool(*x, &layer.window())?)
    }

    fn global_mean(&mut self, x: &Value) -> Result<Value> {
        Ok(self.graph.global_mean(*x))
    }

    fn upsample(&mut self, layer: &Upsample, x: &Value) -> Result<Value> {
        let output = layer.output_size(&self.graph.shape(*x)[2..])?;
        Ok(self.graph.resize(*x, &output, layer.config.how)?)
    }

    fn gate(&mut self, x: &Value, gate: &Value) -> Result<Value> {
        Ok(self.graph.gate(*x, *gate)?)
    }

    fn crop(&mut self, x: &Value, begin: [usize; 2], size: [usize; 2]) -> Result<Value> {
        Ok(self.graph.crop(*x, &begin, &size)?)
    }

    fn pixel_shuffle(&mut self, layer: &PixelShuffle, x: &Value) -> Result<Value> {
        Ok(self.graph.pixel_shuffle(*x, layer.config.factor, layer.config.order)?)
    }

    fn max_pool_with_positions(&mut self, layer: &MaxPool2d, x: &Value) -> Result<(Value, Value)> {
        let window = layer.window();
        Ok((self.graph.max_pool(*x, &window)?, self.graph.max_positions(*x, &window)?))
    }

    fn max_unpool(
        &mut self,
        layer: &MaxPool2d,
        x: &Value,
        positions: &Value,
        output: [usize; 2],
    ) -> Result<Value> {
        Ok(self.graph.max_unpool(*x, *positions, &layer.window(), &output)?)
    }

    fn local_response(&mut self, norm: LocalResponse, x: &Value) -> Result<Value> {
        Ok(self.graph.local_response(*x, norm)?)
    }

    fn pad_channels(&mut self, x: &Value, zeros: usize) -> Result<Value> {
        Ok(self.graph.pad_channels(*x, zeros)?)
    }

    fn dropout(&mut self, rate: f64, x: &Value) -> Result<Value> {
        check_rate(rate)?;
        Ok(*x)
    }
}
