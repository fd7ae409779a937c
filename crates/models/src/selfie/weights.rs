//! Weights of the network: from a file, from the program itself, and from the TF.js graph.

use burn::tensor::Device;
use upconv_weights::metadata::{Fit, Input, Order, Resize};
use upconv_weights::{Source, Weights};

use super::names::{HARD_SWISH_SCALE, tfjs_names};
use super::{NAME, Selfie, SelfieConfig};
use crate::error::{ModelError, Result};
use crate::registry::Conversion;
use crate::{picture, selftest, stored};

/// The weights that come with the program: F16, as the TF.js file has them.
const BUILT_IN: &[u8] = include_bytes!("../../weights/selfie.safetensors");

/// What errors call them.
const BUILT_IN_NAME: &str = "built-in selfie.safetensors";

/// Height and width that the weights were trained for.
const SIZE: [usize; 2] = [256, 256];

/// The weights that come with the program.
///
/// # Errors
/// None, unless the program is damaged.
pub fn built_in() -> Result<Weights> {
    Ok(Weights::from_bytes(BUILT_IN_NAME, BUILT_IN)?)
}

/// A network with its weights, and the height and width that they are for.
#[derive(Debug)]
pub struct Loaded {
    /// The network.
    pub net: Selfie,
    /// Height and width of its input.
    pub size: [usize; 2],
}

/// The network of weights in our names; `file` is what errors call them.
///
/// # Errors
/// Weights of another model, without metadata, with a tensor missing, too many, of another shape, or not
/// finite.
pub fn load(file: &str, weights: &Weights, device: &Device) -> Result<Loaded> {
    let inner = |what: String| ModelError::Inner { model: NAME, what: format!("{file}: {what}") };
    let config: SelfieConfig = stored::settings(NAME, file, weights)?;
    if !config.hard_swish_scale.is_finite() {
        return Err(inner("config: hard_swish_scale is not finite".into()));
    }
    let input = weights.metadata().and_then(|metadata| metadata.input.as_ref());
    let input = input.ok_or_else(|| inner("input: is missing".into()))?;
    check_input(input).map_err(inner)?;
    let [h, w] = input.size;
    crate::error::check_multiple(NAME, [h, w], super::MULTIPLE)?;

    let net = Selfie::new(&config, device)?;
    let net = stored::filled(net, file, weights)?;
    Ok(Loaded { net, size: input.size })
}

/// The network reads RGB in 0..1, stretched bilinearly: anything else was meant for other weights.
fn check_input(input: &Input) -> std::result::Result<(), String> {
    let plain = |list: &Option<Vec<f64>>| list.is_none();
    if input.order == Order::Rgb
        && input.range == [0.0, 1.0]
        && input.resize == Resize::Bilinear
        && input.fit == Fit::Stretch
        && plain(&input.mean)
        && plain(&input.std)
    {
        return Ok(());
    }
    Err("input: this network takes RGB in [0, 1] without mean and std, bilinear, stretched".into())
}

/// How a TF.js graph becomes weights of ours.
///
/// # Errors
/// A factor of the hard swish that cannot be read.
pub fn from_tfjs(source: &Source) -> Result<Conversion> {
    let mut config = SelfieConfig::tfjs();
    if let Some(scale) = source.weights.get(HARD_SWISH_SCALE) {
        config.hard_swish_scale = f64::from(scale.to_f32()?.first().copied().unwrap_or(f32::NAN));
    }
    let metadata = stored::metadata(NAME, &config, Some(picture::unit(SIZE)));
    let net = Selfie::new(&config, &Device::flex())?;
    Ok(Conversion { table: tfjs_names(), expected: stored::expected(&net), metadata })
}

/// Height and width of the stored self-test.
const SELF_TEST: usize = 64;

/// How far a probability of the self-test may be off: other processors round otherwise.
const SELF_TEST_TOLERANCE: f64 = 1e-3;

/// The same weights with a small input, and what the network makes of it here.
///
/// # Errors
/// As [`load`].
pub fn with_selftest(weights: Weights, device: &Device) -> Result<Weights> {
    let Loaded { net, .. } = load(NAME, &weights, device)?;
    let shape = [1, 3, SELF_TEST, SELF_TEST];
    // Head and shoulders before a wall, in plain colours with a little noise: the network is sure of
    // some pixels and unsure of others, so that any damage shows. Multiples of 1/256 are exact in F16.
    let value = |at: usize| {
        let (c, y, x) = (at / (SELF_TEST * SELF_TEST), at / SELF_TEST % SELF_TEST, at % SELF_TEST);
        let (across, down) = (x.abs_diff(32), y);
        let head = across.pow(2) + down.abs_diff(19).pow(2) < 102;
        let shoulders = down > 35 && across * 10 < 96 + 4 * (down - 35).min(19);
        let colour = match (head, shoulders) {
            (true, _) => [200, 150, 120],
            (_, true) => [60, 80, 160],
            _ => [150, 170, 190],
        };
        (colour[c] + (x * 7 + y * 13 + c * 5) % 16) as f32 / 256.0
    };
    let input: Vec<f32> = (0..3 * SELF_TEST * SELF_TEST).map(value).collect();
    selftest::with(&net, weights, &input, shape, SELF_TEST_TOLERANCE)
}

/// Runs the self-test that a file carries, and gives the largest difference; `None` if it carries none.
///
/// # Errors
/// A difference above the file's tolerance; an input that is no `[1, 3, h, w]`.
pub fn verify(file: &str, weights: &Weights, device: &Device) -> Result<Option<f64>> {
    let Loaded { net, .. } = load(file, weights, device)?;
    selftest::verify(NAME, &net, file, weights)
}
