//! What training needs to know of each classifier.

use burn::tensor::Device;
use serde::Serialize;
use serde::de::DeserializeOwned;
use upconv_data::Size;

use super::presets::{self, Preset};
use crate::alexnet::{AlexNet, AlexNetConfig};
use crate::cifar::{self, Cnn, CnnConfig, Dense, DenseConfig, dense_initial};
use crate::efficientnet::{EfficientNet, EfficientNetConfig};
use crate::error::Result;
use crate::inference::Model;
use crate::initial::{Initial, usual};
use crate::resnet::{ResNet, ResNetConfig};
use crate::resnet_cifar::{self, ResNetCifar, ResNetCifarConfig};
use crate::vgg::{Vgg, VggConfig};

/// The names of the classifiers that can be trained from random weights.
pub const NAMES: [&str; 5] =
    [cifar::SOFTMAX, cifar::TWO_LAYER, cifar::CNN, cifar::TUTORIAL, resnet_cifar::NAME];

/// A network that gives a picture its class.
pub trait Classifying: Model {
    /// What can be chosen.
    type Config: Clone + Default + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned;

    /// The layer that gives the scores, which is another one for other classes.
    const HEAD: &str;

    /// The size of the inputs, where there is but one.
    const SIZE: Option<Size>;

    /// The network, without weights of a meaning.
    ///
    /// # Errors
    /// Settings that do not go together.
    fn of(config: &Self::Config, device: &Device) -> Result<Self>;

    /// How a parameter begins.
    fn initial(name: &str, shape: &[usize]) -> Initial {
        match (name.strip_prefix(Self::HEAD), shape) {
            (Some(".weight"), [_, inputs @ ..]) => {
                let inputs: usize = inputs.iter().product();
                Initial::Normal { deviation: (1.0 / inputs.max(1) as f64).sqrt() }
            }
            _ => usual(name, shape),
        }
    }

    /// The number of classes.
    fn classes(config: &mut Self::Config) -> &mut usize;

    /// Settings for the training of a model of this kind from random weights; the first are the usual ones.
    fn presets(_model: &str) -> Vec<Preset<Self::Config>> {
        Vec::new()
    }
}

const CIFAR: Option<Size> = Some(Size { height: 32, width: 32 });

impl Classifying for Dense {
    type Config = DenseConfig;
    const HEAD: &str = "layer2";
    const SIZE: Option<Size> = CIFAR;

    fn of(config: &DenseConfig, device: &Device) -> Result<Self> {
        Self::new(config, device)
    }

    fn initial(name: &str, shape: &[usize]) -> Initial {
        dense_initial(name, shape)
    }

    fn classes(config: &mut DenseConfig) -> &mut usize {
        &mut config.classes
    }

    fn presets(model: &str) -> Vec<Preset<DenseConfig>> {
        if model == cifar::SOFTMAX { presets::softmax() } else { presets::two_layer() }
    }
}

impl Classifying for Cnn {
    type Config = CnnConfig;
    const HEAD: &str = "fc3";
    const SIZE: Option<Size> = CIFAR;

    fn of(config: &CnnConfig, device: &Device) -> Result<Self> {
        Self::new(config, device)
    }

    fn classes(config: &mut CnnConfig) -> &mut usize {
        &mut config.classes
    }

    fn presets(model: &str) -> Vec<Preset<CnnConfig>> {
        if model == cifar::CNN { presets::cnn() } else { presets::tutorial() }
    }
}

impl Classifying for ResNetCifar {
    type Config = ResNetCifarConfig;
    const HEAD: &str = "fc";
    const SIZE: Option<Size> = None;

    fn of(config: &ResNetCifarConfig, device: &Device) -> Result<Self> {
        Self::new(config, device)
    }

    fn classes(config: &mut ResNetCifarConfig) -> &mut usize {
        &mut config.classes
    }

    fn presets(_: &str) -> Vec<Preset<ResNetCifarConfig>> {
        presets::resnet_cifar()
    }
}

impl Classifying for ResNet {
    type Config = ResNetConfig;
    const HEAD: &str = "fc";
    const SIZE: Option<Size> = None;

    fn of(config: &ResNetConfig, device: &Device) -> Result<Self> {
        Self::new(config, device)
    }

    fn classes(config: &mut ResNetConfig) -> &mut usize {
        &mut config.classes
    }
}

impl Classifying for Vgg {
    type Config = VggConfig;
    const HEAD: &str = "fc8";
    const SIZE: Option<Size> = None;

    fn of(config: &VggConfig, device: &Device) -> Result<Self> {
        Self::new(config, device)
    }

    fn classes(config: &mut VggConfig) -> &mut usize {
        &mut config.classes
    }
}

impl Classifying for AlexNet {
    type Config = AlexNetConfig;
    const HEAD: &str = "fc8";
    const SIZE: Option<Size> = None;

    fn of(config: &AlexNetConfig, device: &Device) -> Result<Self> {
        Self::new(config, device)
    }

    fn classes(config: &mut AlexNetConfig) -> &mut usize {
        &mut config.classes
    }
}

impl Classifying for EfficientNet {
    type Config = EfficientNetConfig;
    const HEAD: &str = "fc";
    const SIZE: Option<Size> = None;

    fn of(config: &EfficientNetConfig, device: &Device) -> Result<Self> {
        Self::new(config, device)
    }

    fn classes(config: &mut EfficientNetConfig) -> &mut usize {
        &mut config.classes
    }
}
