//! A linear classifier and one with a hidden layer, for pictures of 32x32.
//!
//! After "How to Build a Simple Image Recognition System with TensorFlow", parts 1 and 2 (W. Beyer): pixels lie in planes,
//! as in the files of CIFAR-10, which is the order of `[n, 3, 32, 32]`.

use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use upconv_nn::layers::{Linear, LinearConfig};
use upconv_nn::pass::{Activation, Pass};
use upconv_weights::{Axes, RenameTable, Rule};

use super::{CLASSES, SIDE};
use crate::error::Result;
use crate::inference::Model;
use crate::initial::Initial;

/// The name on the command line and in weight files of the linear classifier.
pub const SOFTMAX: &str = "cifar-softmax";

/// The name of the one with a hidden layer.
pub const TWO_LAYER: &str = "cifar-two-layer";

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DenseConfig {
    /// Numbers of the hidden layer, 120; without one the classifier is linear.
    pub hidden: Option<usize>,
    /// Classes; 10.
    pub classes: usize,
}

impl Default for DenseConfig {
    fn default() -> Self {
        Self { hidden: None, classes: CLASSES }
    }
}

impl DenseConfig {
    /// The linear classifier.
    pub fn softmax() -> Self {
        Self::default()
    }

    /// The one with a hidden layer.
    pub fn two_layer() -> Self {
        Self { hidden: Some(120), ..Self::default() }
    }
}

/// The network.
///
/// ```
/// use burn::tensor::Device;
/// use upconv_models::cifar::{Dense, DenseConfig};
/// use upconv_models::describe;
/// let count = |config: DenseConfig| -> Result<usize, upconv_models::ModelError> {
///     let layers = describe(&Dense::new(&config, &Device::flex())?, [1, 3, 32, 32])?;
///     Ok(layers.iter().map(|layer| layer.parameters).sum())
/// };
/// assert_eq!(count(DenseConfig::softmax())?, 30_730);
/// assert_eq!(count(DenseConfig::two_layer())?, 369_970);
/// let two_layer = |hidden| DenseConfig { hidden: Some(hidden), ..DenseConfig::two_layer() };
/// assert_eq!((count(two_layer(1))?, count(two_layer(77))?), (3083 + 10, 3083 * 77 + 10));
/// # Ok::<(), upconv_models::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct Dense {
    layer1: Option<Linear>,
    layer2: Linear,
}

impl Dense {
    /// A network with random weights.
    ///
    /// # Errors
    /// Numbers that make a weight too large.
    pub fn new(config: &DenseConfig, device: &Device) -> Result<Self> {
        let inputs = 3 * SIDE * SIDE;
        let hidden = config.hidden;
        let layer = |from, to| LinearConfig::new(from, to).init(device);
        Ok(Self {
            layer1: hidden.map(|hidden| layer(inputs, hidden)).transpose()?,
            layer2: layer(hidden.unwrap_or(inputs), config.classes)?,
        })
    }
}

impl Model for Dense {
    /// A score for every class, before any softmax: `[n, 3, 32, 32] -> [n, classes, 1, 1]`.
    ///
    /// # Errors
    /// A picture of another size.
    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let mut x = x.clone();
        if let Some(layer) = &self.layer1 {
            x = pass.linear(layer, &x)?;
            x = pass.activation(Activation::Relu, x)?;
        }
        Ok(pass.linear(&self.layer2, &x)?)
    }
}

/// How it begins: the linear classifier with zeros, the other one with weights of variance `1 / inputs`, cut at two
/// deviations, and biases of 0.
///
/// ```
/// use upconv_models::cifar::dense_initial;
/// use upconv_models::initial::Initial;
/// assert_eq!(dense_initial("layer2.weight", &[10, 3072]), Initial::Zeros);
/// let Initial::TruncatedNormal { deviation } = dense_initial("layer2.weight", &[10, 120]) else { panic!() };
/// assert!((deviation - 0.09129).abs() < 1e-5);
/// ```
pub fn dense_initial(name: &str, shape: &[usize]) -> Initial {
    match *shape {
        [_, inputs] if name != "layer2.weight" || inputs != 3 * SIDE * SIDE => {
            Initial::TruncatedNormal { deviation: 1.0 / (inputs.max(1) as f64).sqrt() }
        }
        _ => Initial::Zeros,
    }
}

/// From the names of the TensorFlow checkpoints, `Layer1/weights` and `Layer2/biases`, weights `[in, out]`.
pub fn dense_names() -> RenameTable {
    let layer = |number: usize| {
        let take = |theirs: &str, ours: &str, axes| {
            Rule::take(format!("Layer{number}/{theirs}"), format!("layer{number}.{ours}"), axes)
        };
        [take("weights", "weight", Axes::Permute(&[1, 0])), take("biases", "bias", Axes::Keep)]
    };
    let mut rules: Vec<Rule> = [1, 2].into_iter().flat_map(layer).collect();
    rules.push(Rule::ignore("global_step", "counts the steps of training"));
    RenameTable::new(rules)
}
