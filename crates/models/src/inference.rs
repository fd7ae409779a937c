//! The inference form of the models: weights of a file, packed for one shape of input.

use burn::module::Module;
use burn::tensor::Device;
use upconv_nn::NnError;
use upconv_nn::inference::{Network, NetworkOptions, Parameter, Recorder};
use upconv_nn::pass::Pass;
use upconv_weights::Weights;

use crate::error::{ModelError, Result};
use crate::selfie::{self, SelfieConfig};
use crate::{dcgan, fcn, resnet, unet};

/// A network whose forward pass is written once, for training, inference and whatever else follows it.
pub trait Model: Module {
    /// From one input to one output, both `[n, c, h, w]`.
    ///
    /// # Errors
    /// An input that does not fit.
    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value>;
}

/// Where the parameters of a network come from.
#[derive(Clone, Copy, Debug)]
pub struct StoredParameters<'w> {
    /// What errors call the weights.
    pub file: &'w str,
    /// The weights.
    pub weights: &'w Weights,
    /// What stands before the name of every tensor; usually nothing.
    pub prefix: &'w str,
}

/// The names of the models that [`compile`] knows.
pub const NAMES: [&str; 5] = [fcn::NAME, resnet::NAME, dcgan::NAME, unet::NAME, selfie::NAME];

/// The inference form of a model of [`NAMES`] with its usual sizes, for inputs of one shape `[n, c, h, w]`; selfie's hard
/// swish has an exact sixth, as in TFLite.
///
/// # Errors
/// Another name; a shape that does not fit; a tensor that is missing, of another shape, or not finite.
pub fn compile(
    name: &str,
    stored: StoredParameters<'_>,
    shape: [usize; 4],
    options: &NetworkOptions,
) -> Result<Network> {
    // Parameters of a network are drawn when they are first used, and here they never are.
    let device = Device::flex();
    match name {
        fcn::NAME => network(&fcn::Fcn::new(&Default::default(), &device)?, stored, shape, options),
        resnet::NAME => {
            network(&resnet::ResNet::new(&Default::default(), &device)?, stored, shape, options)
        }
        dcgan::NAME => {
            network(&dcgan::Generator::new(&Default::default(), &device)?, stored, shape, options)
        }
        unet::NAME => {
            network(&unet::UNet::new(&Default::default(), &device)?, stored, shape, options)
        }
        selfie::NAME => {
            network(&selfie::Selfie::new(&SelfieConfig::exact(), &device)?, stored, shape, options)
        }
        _ => Err(ModelError::Unknown { name: name.into(), known: NAMES.join(", ") }),
    }
}

/// The inference form of `net` with the parameters that it holds.
///
/// # Errors
/// A shape that does not fit.
pub fn of(net: &impl Model, shape: [usize; 4], options: &NetworkOptions) -> Result<Network> {
    record(net, Recorder::new(), shape, options)
}

/// The inference form of `net`, whose own parameters are not looked at.
///
/// # Errors
/// As [`compile`].
pub fn network(
    net: &impl Model,
    stored: StoredParameters<'_>,
    shape: [usize; 4],
    options: &NetworkOptions,
) -> Result<Network> {
    let recorder = Recorder::with_parameters(net, |name, shape| parameter(stored, name, shape));
    record(net, recorder, shape, options)
}

fn record(
    net: &impl Model,
    mut recorder: Recorder<'_>,
    shape: [usize; 4],
    options: &NetworkOptions,
) -> Result<Network> {
    let x = recorder.input(&shape)?;
    let y = net.forward(&mut recorder, &x)?;
    Ok(recorder.compile(&[y], options)?)
}

/// A tensor of the file, which is read when it is packed.
fn parameter<'w>(
    stored: StoredParameters<'w>,
    name: &str,
    shape: &[usize],
) -> std::result::Result<Parameter<'w>, NnError> {
    let StoredParameters { file, weights, prefix } = stored;
    let name = format!("{prefix}{name}");
    let refuse = |reason: String| NnError::Setting { setting: "weights", reason };
    let tensor = weights.get(&name).ok_or_else(|| refuse(format!("{file}: {name} is missing")))?;
    if tensor.shape() != shape {
        let got = tensor.shape();
        return Err(refuse(format!("{file}: {name} has shape {got:?}, not {shape:?}")));
    }
    Ok(Parameter::later(tensor.cells(), move || {
        let values = tensor.as_f32().map_err(|error| format!("{file}: {error}"))?;
        match values.iter().position(|v| !v.is_finite()) {
            None => Ok(values),
            Some(at) => Err(format!("{file}: {name}: value {at} is {}", values[at])),
        }
    }))
}
