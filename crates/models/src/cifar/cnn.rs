//! Convolutional classifiers for pictures of 32x32: that of TensorFlow's tutorial, and that of PyPI's cifar-10-model.
//!
//! | part | `tutorial`, at `[n, 3, 32, 32]` | `keras` |
//! | --- | --- | --- |
//! | `block1` | 5x5 to 64, pooling 3x3 stride 2: `[n, 64, 16, 16]` | twice 3x3 to 64, pooling 2x2: `[n, 64, 14, 14]` |
//! | `block2` | the same: `[n, 64, 8, 8]` | twice 3x3 to 128, pooling: `[n, 128, 5, 5]` |
//! | `block3` | | twice 3x3 to 64: `[n, 64, 1, 1]` |
//! | `fc1`, `fc2`, `fc3` | 384, 192, 10 | 1024, 512, 10 |
//!
//! The tutorial's windows are SAME; those of the Keras model are VALID, batch norm follows its ReLU, and a ReLU its scores.
//! Fully connected layers are convolutions as large as the map.

use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use upconv_geometry::Padding;
use upconv_nn::layers::{
    BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, MaxPool2d, MaxPool2dConfig,
};
use upconv_nn::pass::{Activation, Pass};
use upconv_weights::{Axes, RenameTable, Rule};

use super::{CLASSES, SIDE};
use crate::error::{ModelError, Result};
use crate::inference::Model;

/// The name on the command line and in weight files of the Keras model.
pub const CNN: &str = "cifar-cnn";

/// The name of the tutorial's.
pub const TUTORIAL: &str = "cifar-tutorial";

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CnnConfig {
    /// Whose network it is.
    pub form: CnnForm,
    /// Numbers of `fc1` and `fc2`; 1024 and 512, of the tutorial's 384 and 192.
    pub hidden: [usize; 2],
    /// Classes; 10.
    pub classes: usize,
}

/// Whose network it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CnnForm {
    /// TensorFlow's tutorial, without its local response normalisation.
    Tutorial,
    /// The Keras model of PyPI's cifar-10-model.
    #[default]
    Keras,
}

impl Default for CnnConfig {
    fn default() -> Self {
        Self { form: CnnForm::Keras, hidden: [1024, 512], classes: CLASSES }
    }
}

impl CnnConfig {
    /// The tutorial's network.
    pub fn tutorial() -> Self {
        Self { form: CnnForm::Tutorial, hidden: [384, 192], ..Self::default() }
    }
}

/// The network.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_models::cifar::{Cnn, CnnConfig};
/// use upconv_models::inference::Model;
/// use upconv_nn::pass::Eager;
/// let net = Cnn::new(&CnnConfig::tutorial(), &Device::flex())?;
/// let y = net.forward(&mut Eager::default(), &Tensor::zeros([2, 3, 32, 32], &Device::flex()))?;
/// assert_eq!(y.dims(), [2, 10, 1, 1]);
/// # Ok::<(), upconv_models::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct Cnn {
    block1: Vec<Layer>,
    block2: Vec<Layer>,
    block3: Vec<Layer>,
    pool: MaxPool2d,
    fc1: Conv2d,
    fc2: Conv2d,
    fc3: Conv2d,
    #[module(skip)]
    form: CnnForm,
}

/// A convolution and ReLU, in the Keras model with batch norm behind them.
#[derive(Module, Debug)]
struct Layer {
    conv: Conv2d,
    bn: Option<BatchNorm>,
}

impl Layer {
    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let x = pass.conv(&self.conv, x)?;
        let x = pass.activation(Activation::Relu, x)?;
        match &self.bn {
            None => Ok(x),
            Some(bn) => Ok(pass.batch_norm(bn, &x)?),
        }
    }
}

impl Cnn {
    /// A network with random weights.
    ///
    /// # Errors
    /// A number of 0; numbers that make a weight too large.
    pub fn new(config: &CnnConfig, device: &Device) -> Result<Self> {
        let CnnConfig { form, hidden, classes } = *config;
        if hidden.contains(&0) || classes == 0 {
            let (setting, reason) = ("hidden, classes", "0 must be at least 1".into());
            return Err(ModelError::Setting { model: CNN, setting, reason });
        }
        let keras = form == CnnForm::Keras;
        let (kernel, padding) = if keras { (3, Padding::Valid) } else { (5, Padding::Same) };
        let block = |mut from: usize, channels: &[usize]| -> Result<Vec<Layer>> {
            let mut layers = Vec::new();
            for &to in channels {
                let conv = Conv2dConfig::new([from, to], [kernel; 2]).with_padding(padding.clone());
                // Keras' momentum of 0.15 is the share of what was.
                let norm = BatchNormConfig::new(to).with_epsilon(1e-3).with_momentum(0.85);
                let bn = keras.then(|| norm.init(device)).transpose()?;
                layers.push(Layer { conv: conv.init(device)?, bn });
                from = to;
            }
            Ok(layers)
        };
        let [one, two, three]: [&[usize]; 3] =
            if keras { [&[64, 64], &[128, 128], &[64, 64]] } else { [&[64], &[64], &[]] };
        // The map that is left, and the poolings that leave it.
        let (side, pool) = match form {
            CnnForm::Keras => (1, MaxPool2dConfig::new([2, 2])),
            CnnForm::Tutorial => {
                let pool = MaxPool2dConfig::new([3, 3]).with_stride([2, 2]);
                (SIDE / 4, pool.with_padding(Padding::Same))
            }
        };
        let dense = |from, to, side| Conv2dConfig::new([from, to], [side, side]).init(device);
        Ok(Self {
            block1: block(3, one)?,
            block2: block(64, two)?,
            block3: block(128, three)?,
            pool: pool.init(),
            fc1: dense(64, hidden[0], side)?,
            fc2: dense(hidden[0], hidden[1], 1)?,
            fc3: dense(hidden[1], classes, 1)?,
            form,
        })
    }
}

/// Share of the elements that the Keras model drops after `fc1` and `fc2` in training.
const DROPOUT: f64 = 0.2;

impl Model for Cnn {
    /// A score for every class, before any softmax: `[n, 3, 32, 32] -> [n, classes, 1, 1]`.
    ///
    /// # Errors
    /// A picture that is too small for the windows.
    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let keras = self.form == CnnForm::Keras;
        let mut x = x.clone();
        for block in [&self.block1, &self.block2] {
            x = block.iter().try_fold(x, |x, layer| layer.forward(pass, &x))?;
            x = pass.max_pool(&self.pool, &x)?;
        }
        x = self.block3.iter().try_fold(x, |x, layer| layer.forward(pass, &x))?;
        for fc in [&self.fc1, &self.fc2] {
            x = pass.conv(fc, &x)?;
            x = pass.activation(Activation::Relu, x)?;
            x = pass.dropout(if keras { DROPOUT } else { 0.0 }, &x)?;
        }
        x = pass.conv(&self.fc3, &x)?;
        // That of the Keras model has ReLU for its scores, too.
        if keras { Ok(pass.activation(Activation::Relu, x)?) } else { Ok(x) }
    }
}

/// From the names of the Keras model: `conv2d_3/kernel`, `batch_normalization_3/gamma`, `dense_1/bias`, where the first of
/// each kind has no number; `conv2d_3/conv2d_3/kernel:0`, as HDF5 files have them, is as good.
pub fn keras_names() -> RenameTable {
    let mut rules = Vec::new();
    let mut layer = |kind: &str, number: usize, fields: &[(&str, String, Axes)]| {
        let theirs = if number == 0 { kind.to_owned() } else { format!("{kind}_{number}") };
        for (field, ours, axes) in fields {
            for from in [format!("{theirs}/{field}"), format!("{theirs}/{theirs}/{field}:0")] {
                rules.push(Rule::take(from, ours.clone(), *axes));
            }
        }
    };
    for number in 0..6 {
        let ours = format!("block{}.{}", number / 2 + 1, number % 2);
        let own = |field: &str| format!("{ours}.{field}");
        let conv = [
            ("kernel", own("conv.weight"), Axes::HWIO_TO_OIHW),
            ("bias", own("conv.bias"), Axes::Keep),
        ];
        layer("conv2d", number, &conv);
        let norm = [
            ("gamma", own("bn.gamma"), Axes::Keep),
            ("beta", own("bn.beta"), Axes::Keep),
            ("moving_mean", own("bn.running_mean"), Axes::Keep),
            ("moving_variance", own("bn.running_var"), Axes::Keep),
        ];
        layer("batch_normalization", number, &norm);
    }
    for number in 0..3 {
        let own = |field: &str| format!("fc{}.{field}", number + 1);
        let dense =
            [("kernel", own("weight"), Axes::IO_TO_OIHW), ("bias", own("bias"), Axes::Keep)];
        layer("dense", number, &dense);
    }
    RenameTable::new(rules)
}
