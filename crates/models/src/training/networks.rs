//! What training needs to know of each network.

use burn::tensor::Device;
use serde::Serialize;
use serde::de::DeserializeOwned;
use upconv_weights::Weights;

use super::presets::{self, Preset};
use crate::error::Result;
use crate::fcn::{self, Fcn, FcnConfig, Trunk};
use crate::inference::Model;
use crate::initial::{Initial, usual};
use crate::segnet::{self, SegNet, SegNetConfig};
use crate::unet::{self, UNet, UNetConfig};
use crate::upsampling::Upsampling;

/// The names of the models that can be trained.
pub const NAMES: [&str; 4] = [fcn::KITTISEG, fcn::NAME, unet::FAMILY, segnet::NAME];

/// A network that gives every pixel its class.
pub trait Network: Model {
    /// What can be chosen.
    type Config: Clone + Default + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned;

    /// Height and width of the input are multiples of this.
    const MULTIPLE: usize;

    /// The network, without weights of a meaning.
    ///
    /// # Errors
    /// Settings that do not go together.
    fn of(config: &Self::Config, device: &Device) -> Result<Self>;

    /// How a parameter begins.
    fn initial(name: &str, shape: &[usize]) -> Initial;

    /// The number of classes.
    fn classes(config: &mut Self::Config) -> &mut usize;

    /// How maps become larger.
    fn upsample(config: &mut Self::Config) -> &mut Upsampling;

    /// With so many times the channels.
    fn wide(config: Self::Config, factor: f64) -> Self::Config;

    /// Settings for its training; the first are the usual ones.
    fn presets() -> Vec<Preset<Self::Config>>;

    /// The network with the trunk of foreign weights, if there is such a thing and these are some.
    ///
    /// # Errors
    /// Weights that do not fit.
    fn with_trunk(
        self,
        _config: &Self::Config,
        _file: &str,
        _weights: &Weights,
    ) -> Option<Result<Self>> {
        None
    }
}

impl Network for Fcn {
    type Config = FcnConfig;
    const MULTIPLE: usize = 1;

    fn of(config: &FcnConfig, device: &Device) -> Result<Self> {
        Self::new(config, device)
    }

    fn initial(name: &str, shape: &[usize]) -> Initial {
        fcn::initial(name, shape)
    }

    fn classes(config: &mut FcnConfig) -> &mut usize {
        &mut config.classes
    }

    fn upsample(config: &mut FcnConfig) -> &mut Upsampling {
        &mut config.upsample
    }

    /// The head goes with the square of the factor, since `fc6` holds most of the weights: a quarter of VGG-16 has 256
    /// channels there, and is [`FcnConfig::small`].
    fn wide(config: FcnConfig, factor: f64) -> FcnConfig {
        let narrow = |head: usize| ((head as f64 * factor * factor).round() as usize).max(1);
        let head = match config.trunk {
            Trunk::Vgg { head, .. } => head.map(narrow),
            _ => None,
        };
        let mut config = config.with_width(factor);
        if let Trunk::Vgg { head: own, .. } = &mut config.trunk {
            *own = head;
        }
        config
    }

    fn presets() -> Vec<Preset<FcnConfig>> {
        presets::fcn()
    }

    fn with_trunk(self, config: &FcnConfig, file: &str, weights: &Weights) -> Option<Result<Self>> {
        let foreign = weights.metadata().is_none()
            && weights.tensors().iter().any(|tensor| tensor.name().starts_with("conv1_1/"));
        foreign.then(|| fcn::load_vgg(self, config, file, weights))
    }
}

impl Network for UNet {
    type Config = UNetConfig;
    const MULTIPLE: usize = unet::MULTIPLE;

    fn of(config: &UNetConfig, device: &Device) -> Result<Self> {
        Self::new(config, device)
    }

    fn initial(name: &str, shape: &[usize]) -> Initial {
        usual(name, shape)
    }

    fn classes(config: &mut UNetConfig) -> &mut usize {
        &mut config.classes
    }

    fn upsample(config: &mut UNetConfig) -> &mut Upsampling {
        &mut config.upsample
    }

    fn wide(config: UNetConfig, factor: f64) -> UNetConfig {
        let base = ((config.base as f64 * factor).round() as usize).max(1);
        UNetConfig { base, ..config }
    }

    fn presets() -> Vec<Preset<UNetConfig>> {
        presets::unet()
    }
}

impl Network for SegNet {
    type Config = SegNetConfig;
    const MULTIPLE: usize = segnet::MULTIPLE;

    fn of(config: &SegNetConfig, device: &Device) -> Result<Self> {
        Self::new(config, device)
    }

    fn initial(name: &str, shape: &[usize]) -> Initial {
        usual(name, shape)
    }

    fn classes(config: &mut SegNetConfig) -> &mut usize {
        &mut config.classes
    }

    fn upsample(config: &mut SegNetConfig) -> &mut Upsampling {
        &mut config.upsample
    }

    fn wide(config: SegNetConfig, factor: f64) -> SegNetConfig {
        config.with_width(factor)
    }

    fn presets() -> Vec<Preset<SegNetConfig>> {
        presets::segnet()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_kittiseg_is_the_small_one() {
        assert_eq!(Fcn::wide(FcnConfig::kittiseg(), 0.25), FcnConfig::small());
        assert_eq!(Fcn::wide(FcnConfig::kittiseg(), 1.0), FcnConfig::kittiseg());
        assert_eq!(UNet::wide(UNetConfig::default(), 0.5).base, 16);
        let channels = SegNet::wide(SegNetConfig::default(), 0.25).channels;
        assert_eq!(channels, [16, 32, 64, 128, 128]);
    }
}
