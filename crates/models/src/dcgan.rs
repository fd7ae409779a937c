//! DCGAN: a generator that makes a picture of 64x64 pixels of a vector of chance, through five transposed convolutions,
//! and a discriminator that tells such pictures from real ones, through five convolutions.
//!
//! Radford, Metz and Chintala, "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
//! Networks" (2015), with the 5x5 kernels of the first implementations; PyTorch's tutorial has 4x4 and half the channels.
//!
//! | generator | shape | `faces` |
//! | --- | --- | --- |
//! | latent vector | `[n, 100, 1, 1]` | |
//! | `project`, k4 s1 p0, `project_norm`, ReLU | `[n, 1024, 4, 4]` | `[n, 512, 4, 4]` |
//! | `up`: k5 s2 p2 output padding 1, batch norm, ReLU; three times | `[n, 512, 8, 8]` .. `[n, 128, 32, 32]` | k4 s2 p1: `[n, 256, 8, 8]` .. `[n, 64, 32, 32]` |
//! | `last`, the same window, tanh | `[n, 3, 64, 64]` in -1..1 | the same |
//!
//! | discriminator | shape |
//! | --- | --- |
//! | `first`, k5 s2 p2, leaky ReLU of slope 0.2 | `[n, 128, 32, 32]` |
//! | `down`: k5 s2 p2, batch norm, leaky ReLU; three times | `[n, 256, 16, 16]` .. `[n, 1024, 4, 4]` |
//! | `score`, k4 s1 p0 | `[n, 1, 1, 1]`, before any sigmoid |

use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use upconv_data::Size;
use upconv_data::random::{Purpose, Stream};
use upconv_geometry::Padding;
use upconv_nn::inference::{Network, NetworkOptions};
use upconv_nn::layers::{
    BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig,
};
use upconv_nn::pass::{Activation, Pass};
use upconv_weights::{RenameTable, Rule, Weights};

use crate::error::{ModelError, Result};
use crate::inference::{self, Model, StoredParameters};
use crate::naming::{torch_layer, torch_norm};
use crate::sample::Draw;
use crate::stored;

/// The name on the command line and in weight files.
pub const NAME: &str = "dcgan";

/// The name of the generator that draws faces: that of PyTorch's tutorial.
pub const FACES: &str = "dcgan-faces";

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GeneratorConfig {
    /// Numbers of the latent vector; 100.
    pub latent: usize,
    /// Channels at 4x4, 8x8, 16x16 and 32x32; 1024, 512, 256, 128.
    pub channels: [usize; 4],
    /// Channels of the picture; 3.
    pub colours: usize,
    /// Rows and columns of the windows that double the size, at least 2; 5, of PyTorch's tutorial 4. An even one needs no
    /// output padding.
    pub kernel: usize,
}

impl Default for GeneratorConfig {
    fn default() -> Self {
        Self { latent: 100, channels: [1024, 512, 256, 128], colours: 3, kernel: 5 }
    }
}

impl GeneratorConfig {
    /// The generator of PyTorch's DCGAN tutorial.
    pub fn tutorial() -> Self {
        Self { channels: [512, 256, 128, 64], kernel: 4, ..Self::default() }
    }
}

/// As large as the picture.
const LARGEST_KERNEL: usize = 64;

/// The generator.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_models::dcgan::{Generator, GeneratorConfig};
/// use upconv_models::inference::Model;
/// use upconv_nn::pass::Eager;
/// let config = GeneratorConfig { latent: 5, channels: [8, 6, 4, 2], ..Default::default() };
/// let net = Generator::new(&config, &Device::flex())?;
/// let y = net.forward(&mut Eager::default(), &Tensor::ones([2, 5, 1, 1], &Device::flex()))?;
/// assert_eq!(y.dims(), [2, 3, 64, 64]);
/// # Ok::<(), upconv_models::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct Generator {
    project: ConvTranspose2d,
    project_norm: BatchNorm,
    up: Vec<Up>,
    last: ConvTranspose2d,
}

/// A step to twice the size.
#[derive(Module, Debug)]
struct Up {
    conv: ConvTranspose2d,
    norm: BatchNorm,
}

impl Generator {
    /// A generator with random weights.
    ///
    /// # Errors
    /// A kernel of less than 2 or more than 64; numbers of channels that make a weight too large.
    pub fn new(config: &GeneratorConfig, device: &Device) -> Result<Self> {
        let GeneratorConfig { latent, channels, colours, kernel } = *config;
        if !(2..=LARGEST_KERNEL).contains(&kernel) {
            let (setting, reason) = ("kernel", format!("{kernel}; legal: 2 to {LARGEST_KERNEL}"));
            return Err(ModelError::Setting { model: NAME, setting, reason });
        }
        let project = ConvTranspose2dConfig::new([latent, channels[0]], [4, 4]).with_bias(false);
        let up = |pair: &[usize]| -> Result<Up> {
            let norm = BatchNormConfig::new(pair[1]).init(device)?;
            Ok(Up { conv: doubling([pair[0], pair[1]], kernel, device)?, norm })
        };
        Ok(Self {
            project: project.init(device)?,
            project_norm: BatchNormConfig::new(channels[0]).init(device)?,
            up: channels.windows(2).map(up).collect::<Result<_>>()?,
            last: doubling([channels[3], colours], kernel, device)?,
        })
    }
}

impl Model for Generator {
    /// Pictures of latent vectors, `[n, latent, 1, 1] -> [n, colours, 64, 64]` in -1..1.
    ///
    /// # Errors
    /// Another number of channels.
    fn forward<P: Pass>(&self, pass: &mut P, z: &P::Value) -> Result<P::Value> {
        let x = pass.conv_transpose(&self.project, z)?;
        let x = pass.batch_norm(&self.project_norm, &x)?;
        let mut x = pass.activation(Activation::Relu, x)?;
        for Up { conv, norm } in &self.up {
            x = pass.conv_transpose(conv, &x)?;
            x = pass.batch_norm(norm, &x)?;
            x = pass.activation(Activation::Relu, x)?;
        }
        let x = pass.conv_transpose(&self.last, &x)?;
        Ok(pass.activation(Activation::Tanh, x)?)
    }
}

/// Twice the size, from I cells to `2 (I - 1) - 2 p + k + q = 2 I` with padding `p = (k - 1) / 2`, rounded down, and output
/// padding q = 1 for odd kernels.
fn doubling(channels: [usize; 2], kernel: usize, device: &Device) -> Result<ConvTranspose2d> {
    let (pad, more) = ((kernel - 1) as i64 / 2, kernel % 2);
    Ok(ConvTranspose2dConfig::new(channels, [kernel; 2])
        .with_stride([2, 2])
        .with_padding(Padding::Pads(vec![(pad, pad)]))
        .with_output_padding([more; 2])
        .with_bias(false)
        .init(device)?)
}

/// From the names of PyTorch's DCGAN tutorial, `main.0.weight` to `main.12.weight`, as they are or below `netG_state_dict`,
/// as gan-face-generate saved them: convolution, norm and ReLU in turns.
pub fn torch_names() -> RenameTable {
    let mut rules: Vec<Rule> = Vec::new();
    for above in ["", "netG_state_dict."] {
        let theirs = |number: usize| format!("{above}main.{number}");
        rules.extend(torch_layer(&theirs(0), "project"));
        rules.extend(torch_norm(&theirs(1), "project_norm"));
        for step in 0..3 {
            rules.extend(torch_layer(&theirs(3 * step + 3), &format!("up.{step}.conv")));
            rules.extend(torch_norm(&theirs(3 * step + 4), &format!("up.{step}.norm")));
        }
        rules.extend(torch_layer(&theirs(12), "last"));
    }
    RenameTable::new(rules)
}

/// The latent vector of picture `index` of a seed: numbers of the standard normal distribution.
pub fn latent(seed: u64, index: u64, count: usize) -> Vec<f32> {
    let mut random = Stream { seed, purpose: Purpose::SAMPLE, epoch: 0, index }.start();
    (0..count).map(|_| random.normal() as f32).collect()
}

/// A generator with its weights, packed to draw one picture at a time.
#[derive(Debug)]
pub struct Sampler {
    model: &'static str,
    network: Network,
    latent: usize,
}

impl Sampler {
    /// The generator of weights of `model`, which errors call `file`.
    ///
    /// # Errors
    /// Weights of another model or without metadata; tensors that are missing, too many, of another shape, or not finite;
    /// other colours than red, green and blue.
    pub fn new(model: &'static str, file: &str, weights: &Weights) -> Result<Self> {
        let config: GeneratorConfig = stored::settings(model, file, weights)?;
        if config.colours != 3 {
            let reason = format!("{file}: {}; legal here: 3", config.colours);
            return Err(ModelError::Setting { model, setting: "colours", reason });
        }
        let net = Generator::new(&config, &Device::flex())?;
        stored::check(&net, file, weights)?;
        let stored = StoredParameters { file, weights, prefix: "" };
        let shape = [1, config.latent, 1, 1];
        let network = inference::network(&net, stored, shape, &NetworkOptions::default())?;
        Ok(Self { model, network, latent: config.latent })
    }

    /// What the network makes of a latent vector: `[3, 64, 64]` in -1..1.
    ///
    /// # Errors
    /// A vector of another length; values that are not finite.
    pub fn planes(&self, latent: &[f32]) -> Result<Vec<f32>> {
        let refuse = |what: String| ModelError::Inner { model: self.model, what };
        let mut planes = vec![0.0; self.network.output_shapes()[0].iter().product()];
        let ran = self.network.run(&[latent], &mut [&mut planes]);
        ran.map_err(|error| refuse(error.to_string()))?;
        match planes.iter().find(|value| !value.is_finite()) {
            None => Ok(planes),
            Some(value) => Err(refuse(format!("a colour is {value}: are the weights damaged?"))),
        }
    }
}

impl Draw for Sampler {
    fn size(&self) -> Size {
        let shape = &self.network.output_shapes()[0];
        Size { height: shape[2], width: shape[3] }
    }

    fn picture(&self, seed: u64, index: u64) -> Result<Vec<u8>> {
        let planes = self.planes(&latent(seed, index, self.latent))?;
        let cells = planes.len() / 3;
        let byte = |at: usize| ((planes[at] + 1.0) * 127.5).round() as u8;
        Ok((0..planes.len()).map(|at| byte(at % 3 * cells + at / 3)).collect())
    }
}

/// What can be chosen of the discriminator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscriminatorConfig {
    /// Channels of the picture; 3.
    pub colours: usize,
    /// Channels at 32x32, 16x16, 8x8 and 4x4; 128, 256, 512, 1024.
    pub channels: [usize; 4],
}

impl Default for DiscriminatorConfig {
    fn default() -> Self {
        Self { colours: 3, channels: [128, 256, 512, 1024] }
    }
}

/// The discriminator.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_models::dcgan::{Discriminator, DiscriminatorConfig};
/// use upconv_models::inference::Model;
/// use upconv_nn::pass::Eager;
/// let config = DiscriminatorConfig { colours: 3, channels: [2, 4, 6, 8] };
/// let net = Discriminator::new(&config, &Device::flex())?;
/// let y = net.forward(&mut Eager::default(), &Tensor::ones([2, 3, 64, 64], &Device::flex()))?;
/// assert_eq!(y.dims(), [2, 1, 1, 1]);
/// # Ok::<(), upconv_models::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct Discriminator {
    first: Conv2d,
    down: Vec<Down>,
    score: Conv2d,
}

/// A step to half the size.
#[derive(Module, Debug)]
struct Down {
    conv: Conv2d,
    norm: BatchNorm,
}

/// Of the leaky ReLU.
const SLOPE: f32 = 0.2;

impl Discriminator {
    /// A discriminator with random weights.
    ///
    /// # Errors
    /// Numbers of channels that make a weight too large.
    pub fn new(config: &DiscriminatorConfig, device: &Device) -> Result<Self> {
        let DiscriminatorConfig { colours, channels } = *config;
        let down = |pair: &[usize]| -> Result<Down> {
            let norm = BatchNormConfig::new(pair[1]).init(device)?;
            Ok(Down { conv: halving([pair[0], pair[1]], false, device)?, norm })
        };
        Ok(Self {
            first: halving([colours, channels[0]], true, device)?,
            down: channels.windows(2).map(down).collect::<Result<_>>()?,
            score: Conv2dConfig::new([channels[3], 1], [4, 4]).init(device)?,
        })
    }
}

impl Model for Discriminator {
    /// A score, high for what looks real: `[n, colours, 64, 64] -> [n, 1, 1, 1]`.
    ///
    /// # Errors
    /// Another number of channels; a picture of less than 64x64.
    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let leaky = Activation::LeakyRelu { slope: SLOPE };
        let x = pass.conv(&self.first, x)?;
        let mut x = pass.activation(leaky, x)?;
        for Down { conv, norm } in &self.down {
            x = pass.conv(conv, &x)?;
            x = pass.batch_norm(norm, &x)?;
            x = pass.activation(leaky, x)?;
        }
        Ok(pass.conv(&self.score, &x)?)
    }
}

fn halving(channels: [usize; 2], bias: bool, device: &Device) -> Result<Conv2d> {
    Ok(Conv2dConfig::new(channels, [5, 5])
        .with_stride([2, 2])
        .with_padding(Padding::Pads(vec![(2, 2)]))
        .with_bias(bias)
        .init(device)?)
}
