//! DCGAN: a generator that makes a picture of 64x64 pixels of a vector of chance, through five transposed convolutions,
//! and a discriminator that tells such pictures from real ones, through five convolutions.
//!
//! Radford, Metz and Chintala, "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
//! Networks" (2015), with the 5x5 kernels of the first implementations; later ones have 4x4.
//!
//! | generator | shape |
//! | --- | --- |
//! | latent vector | `[n, 100, 1, 1]` |
//! | `project`, k4 s1 p0, `project_norm`, ReLU | `[n, 1024, 4, 4]` |
//! | `up`: k5 s2 p2 output padding 1, batch norm, ReLU; three times | `[n, 512, 8, 8]` .. `[n, 128, 32, 32]` |
//! | `last`, the same window, tanh | `[n, 3, 64, 64]` in -1..1 |
//!
//! | discriminator | shape |
//! | --- | --- |
//! | `first`, k5 s2 p2, leaky ReLU of slope 0.2 | `[n, 128, 32, 32]` |
//! | `down`: k5 s2 p2, batch norm, leaky ReLU; three times | `[n, 256, 16, 16]` .. `[n, 1024, 4, 4]` |
//! | `score`, k4 s1 p0 | `[n, 1, 1, 1]`, before any sigmoid |

use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use upconv_geometry::Padding;
use upconv_nn::layers::{
    BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig,
};
use upconv_nn::pass::{Activation, Pass};

use crate::error::Result;
use crate::inference::Model;

/// The name on the command line and in weight files.
pub const NAME: &str = "dcgan";

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratorConfig {
    /// Numbers of the latent vector; 100.
    pub latent: usize,
    /// Channels at 4x4, 8x8, 16x16 and 32x32; 1024, 512, 256, 128.
    pub channels: [usize; 4],
    /// Channels of the picture; 3.
    pub colours: usize,
}

impl Default for GeneratorConfig {
    fn default() -> Self {
        Self { latent: 100, channels: [1024, 512, 256, 128], colours: 3 }
    }
}

/// The generator.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_models::dcgan::{Generator, GeneratorConfig};
/// use upconv_models::inference::Model;
/// use upconv_nn::pass::Eager;
/// let config = GeneratorConfig { latent: 5, channels: [8, 6, 4, 2], colours: 3 };
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
    /// Numbers of channels that make a weight too large.
    pub fn new(config: &GeneratorConfig, device: &Device) -> Result<Self> {
        let GeneratorConfig { latent, channels, colours } = *config;
        let project = ConvTranspose2dConfig::new([latent, channels[0]], [4, 4]).with_bias(false);
        let up = |pair: &[usize]| -> Result<Up> {
            let norm = BatchNormConfig::new(pair[1]).init(device)?;
            Ok(Up { conv: doubling([pair[0], pair[1]], device)?, norm })
        };
        Ok(Self {
            project: project.init(device)?,
            project_norm: BatchNormConfig::new(channels[0]).init(device)?,
            up: channels.windows(2).map(up).collect::<Result<_>>()?,
            last: doubling([channels[3], colours], device)?,
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

fn doubling(channels: [usize; 2], device: &Device) -> Result<ConvTranspose2d> {
    Ok(ConvTranspose2dConfig::new(channels, [5, 5])
        .with_stride([2, 2])
        .with_padding(Padding::Pads(vec![(2, 2)]))
        .with_output_padding([1, 1])
        .with_bias(false)
        .init(device)?)
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
