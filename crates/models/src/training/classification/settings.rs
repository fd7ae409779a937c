//! What a training of a classifier is told: the content of its run's `config.toml`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use upconv_data::Size;
use upconv_data::datasets::Classified;
use upconv_data::datasets::classified::Jitter;
use upconv_data::loader::Order;
use upconv_train::part::PartSettings;
use upconv_train::settings::RunSettings;
use upconv_train::{Result, TrainError};
use upconv_weights::metadata::Input;

use crate::picture;

/// All settings of a training; `C` are those of the network, such as [`crate::resnet_cifar::ResNetCifarConfig`].
///
/// ```
/// use upconv_models::resnet_cifar::ResNetCifarConfig;
/// use upconv_models::training::classification::Settings;
/// let settings: Settings<ResNetCifarConfig> = serde_json::from_str(r#"{"data": {"batch": 64}}"#)?;
/// assert_eq!((settings.data.batch, settings.config.blocks), (64, 3));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings<C> {
    /// How long, how often, what is kept.
    pub run: RunSettings,
    /// Optimiser, rates, clipping, weight decay.
    pub net: PartSettings,
    /// What is learned from.
    pub data: DataSettings,
    /// The network.
    pub config: C,
    /// What is added to the cross-entropy.
    pub loss: Penalty,
    /// What the network reads of a picture.
    pub input: Reading,
    /// What stays as it is.
    pub frozen: Frozen,
    /// Whether the layer that gives the scores begins anew, where training begins from weights; no.
    pub fresh_head: bool,
}

/// What is learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataSettings {
    /// A folder of pictures with classes.
    pub folder: PathBuf,
    /// Pictures of one step; 128.
    pub batch: usize,
    /// In which order they come; each once in an epoch, shuffled.
    pub order: Order,
    /// Whether pictures at the end of an epoch that make no whole batch are left out; no.
    pub drop_last: bool,
    /// How far they are moved, and whether they are mirrored; neither.
    pub jitter: Jitter,
    /// Pictures of the training part that are for validation, where the folder has no part for it; without a number a
    /// tenth. With 0 nothing is evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<usize>,
    /// Of photos, so many megabytes of inputs are kept in memory; 1024.
    pub cache: u64,
}

impl Default for DataSettings {
    fn default() -> Self {
        Self {
            folder: PathBuf::new(),
            batch: 128,
            order: Order::Shuffled,
            drop_last: false,
            jitter: Jitter::default(),
            validation: None,
            cache: 1024,
        }
    }
}

impl DataSettings {
    /// Checks what serde cannot.
    ///
    /// # Errors
    /// Names the key, the value and what is legal.
    pub fn check(&self) -> Result<()> {
        let refuse = |key: &str, reason: String| {
            Err(TrainError::Setting { place: format!("data.{key}"), reason })
        };
        if self.batch == 0 {
            return refuse("batch", "0 pictures; legal: 1 or more".into());
        }
        let shift = self.jitter.shift;
        if shift > 64 {
            return refuse("jitter.shift", format!("{shift} cells; legal: 0 to 64"));
        }
        Ok(())
    }
}

/// What is added to the cross-entropy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Penalty {
    /// So many times half of the sum of squares of all weights, biases and factors of norms left out; 0. The reported loss
    /// holds it. With plain SGD it is the same as weight decay.
    pub half_squares: f64,
}

impl Penalty {
    /// Checks what serde cannot.
    ///
    /// # Errors
    /// A number below 0.
    pub fn check(&self) -> Result<()> {
        match self.half_squares {
            value if value.is_finite() && value >= 0.0 => Ok(()),
            value => Err(TrainError::Setting {
                place: "loss.half_squares".into(),
                reason: format!("{value}; legal: 0 or more"),
            }),
        }
    }
}

/// Layers that are not trained.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Frozen {
    /// Names of layers, such as `conv1` or `layer1.0`, each with all below it.
    pub layers: Vec<String>,
}

impl Frozen {
    /// Whether a parameter of this name stays as it is.
    pub fn holds(&self, name: &str) -> bool {
        self.layers.iter().any(|layer| {
            name.strip_prefix(layer.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

/// What a network reads of a picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reading {
    /// What is taken off.
    pub centre: Centre,
    /// How large the numbers are.
    pub scale: Scale,
    /// In place of both: as weights that training begins with say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given: Option<Input>,
}

/// What is taken off a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Centre {
    /// Nothing.
    None,
    /// The mean colour of the training pictures.
    #[default]
    Colour,
    /// Their mean picture.
    Picture,
}

/// How large the numbers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// From 0 to 255.
    Bytes,
    /// From 0 to 1.
    Unit,
    /// Each colour divided by its deviation in the training pictures.
    #[default]
    Deviation,
}

/// Pictures that means and deviations are taken of, at most: of more, every so many.
const MEASURED: usize = 60_000;

impl Reading {
    /// How a picture becomes the input of `size`, measured on the training pictures.
    ///
    /// # Errors
    /// Pictures that cannot be read, all of them; a colour that is the same everywhere.
    pub fn input(&self, size: Size, data: &Classified) -> Result<Input> {
        if let Some(given) = &self.given {
            return Ok(given.clone());
        }
        let plain = Input { range: [0.0, 255.0], ..picture::unit([size.height, size.width]) };
        let sums = match (self.centre, self.scale) {
            (Centre::None, Scale::Bytes | Scale::Unit) => None,
            _ => Some(Sums::of(&plain, data)?),
        };
        let high = if self.scale == Scale::Bytes { 255.0 } else { 1.0 };
        let mean = sums.as_ref().and_then(|sums| match self.centre {
            Centre::None => None,
            Centre::Colour => Some(sums.colours().map(|mean| mean * high / 255.0).to_vec()),
            Centre::Picture => {
                let mean = sums.picture().map(|mean| f64::from((mean * high / 255.0) as f32));
                Some(mean.collect())
            }
        });
        let std = match (self.scale, &sums) {
            (Scale::Deviation, Some(sums)) => {
                let deviations = sums.deviations().map(|deviation| deviation / 255.0);
                if deviations.iter().any(|&deviation| deviation <= 0.0) {
                    let reason = "\"deviation\", but a colour is the same in all pictures; \
                                  legal then: \"unit\", \"bytes\"";
                    return Err(TrainError::Setting {
                        place: "input.scale".into(),
                        reason: reason.into(),
                    });
                }
                Some(deviations.to_vec())
            }
            _ => None,
        };
        Ok(Input { range: [0.0, high], mean, std, ..plain })
    }
}

/// Sums over pictures.
struct Sums {
    count: f64,
    /// `[3, height, width]`
    values: Vec<f64>,
    squares: [f64; 3],
}

impl Sums {
    /// Of pictures as the plain input shows them, in 0..255.
    fn of(plain: &Input, data: &Classified) -> Result<Self> {
        let [height, width] = plain.size;
        let cells = height * width;
        let mut sums = Self { count: 0.0, values: vec![0.0; 3 * cells], squares: [0.0; 3] };
        let mut failed = None;
        for index in (0..data.len()).step_by(data.len().div_ceil(MEASURED).max(1)) {
            let planes = match super::input::prepared(plain, &data.load(index)) {
                Ok(planes) => planes,
                // Training tells of it when the picture's turn comes.
                Err(error) => {
                    failed.get_or_insert(error);
                    continue;
                }
            };
            sums.count += 1.0;
            for (channel, plane) in planes.chunks_exact(cells).enumerate() {
                let sum = &mut sums.values[channel * cells..][..cells];
                for (sum, &value) in sum.iter_mut().zip(plane) {
                    *sum += f64::from(value);
                    sums.squares[channel] += f64::from(value) * f64::from(value);
                }
            }
        }
        match failed {
            Some(error) if sums.count == 0.0 => Err(TrainError::model(error)),
            _ => Ok(sums),
        }
    }

    fn picture(&self) -> impl Iterator<Item = f64> {
        self.values.iter().map(|sum| sum / self.count)
    }

    fn colours(&self) -> [f64; 3] {
        let cells = self.values.len() / 3;
        [0, 1, 2].map(|channel| {
            let sum: f64 = self.values[channel * cells..][..cells].iter().sum();
            sum / (self.count * cells as f64)
        })
    }

    fn deviations(&self) -> [f64; 3] {
        let cells = self.values.len() as f64 / 3.0;
        let means = self.colours();
        [0, 1, 2].map(|channel| {
            let square = self.squares[channel] / (self.count * cells);
            (square - means[channel] * means[channel]).max(0.0).sqrt()
        })
    }
}
