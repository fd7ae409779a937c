//! The models by name, with what a user must know to choose one.

mod cifar;
mod dcgan;
mod efficientnet;
mod fcn8s;
mod kittiseg;
mod known;
mod pixels;
mod resnet;
mod road;
mod segnet;
mod selfie;
#[cfg(test)]
mod tests;
mod unet;
mod vgg;
mod ways;

use burn::module::Module;
use serde::Serialize;
use serde::de::DeserializeOwned;

use upconv_data::Segment;
use upconv_nn::inference::{Network, NetworkOptions};
use upconv_weights::metadata::Input;
use upconv_weights::{Expected, Metadata, RenameTable, Source, Weights};

use crate::classify;
use crate::description::Layer;
use crate::error::{ModelError, Result};
use crate::inference::{self, Model, StoredParameters};
use crate::sample::Draw;
use crate::segmentation::SegmentOptions;
use crate::stored;

/// A text in both languages of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// English.
    pub en: &'static str,
    /// Chinese.
    pub zh: &'static str,
}

/// What a model does with pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Says of every pixel whether it belongs to what is looked for.
    Segment,
    /// Says what is on a picture.
    Classify,
    /// Draws pictures out of chance.
    Draw,
}

/// One model.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The name on the command line and in weight files.
    pub name: &'static str,
    /// What it is.
    pub system: Text,
    /// Where it comes from.
    pub paper: &'static str,
    /// `[n, channels, height, width]` of the input that its weights are for; of a usual one, where none come with the
    /// program.
    pub input: [usize; 4],
    /// Weights that come with the program; none for models that are to be trained.
    pub weights: &'static [&'static str],
    /// What one takes it for.
    pub strengths: Text,
    /// What it cannot do.
    pub weaknesses: Text,
    /// What to take instead, and when.
    pub choose_instead: Text,
    layers: fn(&Entry) -> Result<Vec<Layer>>,
    conversion: fn(&Entry, &Source) -> Result<Conversion>,
    network: Option<Compile>,
    selftest: Option<SelfTest>,
    built_in: Option<fn() -> Result<Weights>>,
    sampler: Option<MakeSampler>,
    segmenter: Option<MakeSegmenter>,
}

/// How weights get a stored self-test, and how it is run.
#[derive(Clone, Copy, Debug)]
struct SelfTest {
    with: fn(Weights) -> Result<Weights>,
    verify: fn(&str, &Weights) -> Result<Option<f64>>,
}

/// Packs the weights of a classifier for one shape of input.
type Compile = fn(&Entry, StoredParameters<'_>, [usize; 4], &NetworkOptions) -> Result<Network>;

/// Makes the network of weights; errors call them by the name that comes first.
type MakeSegmenter = fn(&str, &Weights, &SegmentOptions) -> Result<Box<dyn Segment>>;

/// The same for a network that draws.
type MakeSampler = fn(&str, &Weights) -> Result<Box<dyn Draw>>;

/// How a foreign weight file becomes one of a model.
#[derive(Clone, Debug)]
pub struct Conversion {
    /// Which tensor becomes which.
    pub table: RenameTable,
    /// What the model needs.
    pub expected: Vec<Expected>,
    /// What the new file says about itself.
    pub metadata: Metadata,
}

/// All models, in the order of lists.
pub const MODELS: [Entry; 27] = [
    selfie::ENTRY,
    road::ENTRY,
    kittiseg::ENTRY,
    fcn8s::ENTRY,
    unet::ENTRY,
    segnet::ENTRY,
    resnet::RESNET18,
    resnet::RESNET34,
    resnet::RESNET50,
    resnet::RESNET101,
    resnet::RESNET152,
    resnet::HALF,
    resnet::CVGJ10,
    resnet::CVGJ50,
    resnet::CIFAR,
    vgg::VGG16,
    vgg::VGG19,
    vgg::CVGJ,
    vgg::ALEXNET,
    vgg::CAFFENET,
    vgg::ALEXNET_CVGJ,
    efficientnet::ENTRY,
    cifar::SOFTMAX_ENTRY,
    cifar::TWO_LAYER_ENTRY,
    cifar::CNN_ENTRY,
    cifar::TUTORIAL_ENTRY,
    dcgan::ENTRY,
];

impl Entry {
    /// Its layers at the input that its weights are for.
    ///
    /// # Errors
    /// None for a model that is built in; the type is that of the network's own description.
    pub fn layers(&self) -> Result<Vec<Layer>> {
        (self.layers)(self)
    }

    /// How `source` would become weights of this model; whether it fits is for the balance to say.
    ///
    /// # Errors
    /// A source whose constants cannot be read.
    pub fn conversion(&self, source: &Source) -> Result<Conversion> {
        let mut made = (self.conversion)(self, source)?;
        known::name(&mut made.metadata, source);
        Ok(made)
    }

    /// The weights that come with the program; `None` if it has none of this model.
    ///
    /// # Errors
    /// None, unless the program is damaged.
    pub fn built_in(&self) -> Result<Option<Weights>> {
        self.built_in.map(|weights| weights()).transpose()
    }

    /// The network of `weights`, for cutting out pictures; `None` for models of another kind. Errors call
    /// the weights `file`.
    ///
    /// # Errors
    /// Weights that the model cannot load; options that it does not have.
    pub fn segmenter(
        &self,
        file: &str,
        weights: &Weights,
        options: &SegmentOptions,
    ) -> Result<Option<Box<dyn Segment>>> {
        self.segmenter.map(|make| make(file, weights, options)).transpose()
    }

    /// The network of `weights`, for drawing pictures; `None` for models of another kind. Errors call the weights `file`.
    ///
    /// # Errors
    /// Weights that the model cannot load.
    pub fn sampler(&self, file: &str, weights: &Weights) -> Result<Option<Box<dyn Draw>>> {
        self.sampler.map(|make| make(file, weights)).transpose()
    }

    /// Whether the model draws pictures.
    pub fn draws(&self) -> bool {
        self.sampler.is_some()
    }

    /// What the model does; a network that does none of the tasks has none.
    pub fn task(&self) -> Option<Task> {
        match self {
            _ if self.segmenter.is_some() => Some(Task::Segment),
            _ if self.classifies() => Some(Task::Classify),
            _ if self.draws() => Some(Task::Draw),
            _ => None,
        }
    }

    /// The inference form of a classifier with the settings of its weights, for inputs of one shape `[n, c, h, w]`.
    ///
    /// # Errors
    /// A model that does not classify; weights that it cannot load; a shape that does not fit.
    pub fn network(
        &self,
        stored: StoredParameters<'_>,
        shape: [usize; 4],
        options: &NetworkOptions,
    ) -> Result<Network> {
        match self.network {
            Some(compile) => compile(self, stored, shape, options),
            None => {
                let what = "it does not classify pictures".into();
                Err(ModelError::Inner { model: self.name, what })
            }
        }
    }

    /// Whether the model classifies pictures.
    pub fn classifies(&self) -> bool {
        self.network.is_some()
    }

    /// Converted weights with a stored self-test: a small input, and what the network makes of it. Weights of a model
    /// without one stay as they are.
    ///
    /// # Errors
    /// Weights that the model cannot load.
    pub fn with_selftest(&self, weights: Weights) -> Result<Weights> {
        match self.selftest {
            None if self.classifies() => classify::selftest::with(self, weights),
            None => Ok(weights),
            Some(test) => (test.with)(weights),
        }
    }

    /// Runs the self-test that weights carry, and gives the largest difference; `None` without one.
    /// Errors call the weights `file`.
    ///
    /// # Errors
    /// Weights that the model cannot load; a difference above the stored tolerance.
    pub fn verify(&self, file: &str, weights: &Weights) -> Result<Option<f64>> {
        match self.selftest {
            None if self.classifies() => classify::selftest::verify(self, file, weights),
            None => Ok(None),
            Some(test) => (test.verify)(file, weights),
        }
    }

    /// Weights and biases, and floating-point operations of one image.
    ///
    /// # Errors
    /// As [`Entry::layers`].
    pub fn totals(&self) -> Result<Totals> {
        let layers = self.layers()?;
        Ok(Totals {
            parameters: layers.iter().map(|l| l.parameters).sum(),
            flops: layers.iter().map(|l| l.flops).sum(),
        })
    }
}

/// Sums over the layers of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Weights and biases.
    pub parameters: usize,
    /// Multiplications and additions of one image, in convolutions.
    pub flops: u64,
}

/// The model of a name.
///
/// # Errors
/// [`ModelError::Unknown`], which lists the names that exist.
///
/// ```
/// let totals = upconv_models::registry::find("selfie")?.totals()?;
/// assert_eq!(totals.parameters, 106_401);
/// assert_eq!(totals.flops, 2 * 59_215_744);
/// assert!(upconv_models::registry::find("yolo").is_err());
/// # Ok::<(), upconv_models::ModelError>(())
/// ```
pub fn find(name: &str) -> Result<&'static Entry> {
    MODELS.iter().find(|m| m.name == name).ok_or_else(|| ModelError::Unknown {
        name: name.into(),
        known: MODELS.iter().map(|m| m.name).collect::<Vec<_>>().join(", "),
    })
}

/// The models that `source` fits without a tensor missing or left over.
pub fn candidates(source: &Source) -> Vec<(&'static Entry, Conversion)> {
    let fits = |conversion: &Conversion| {
        let balance = conversion.table.balance(source.weights.tensors(), &conversion.expected);
        balance.is_ok_and(|balance| balance.is_even())
    };
    MODELS
        .iter()
        .filter_map(|entry| Some((entry, entry.conversion(source).ok()?)))
        .filter(|(_, conversion)| fits(conversion))
        .collect()
}

/// The inference form of a classifier: its settings are those of the weights' metadata, and every tensor must be there.
fn compiled<C: DeserializeOwned, M: Model>(
    entry: &Entry,
    stored: StoredParameters<'_>,
    shape: [usize; 4],
    options: &NetworkOptions,
    net: impl Fn(&C) -> Result<M>,
) -> Result<Network> {
    let config: C = stored::settings(entry.name, stored.file, stored.weights)?;
    let net = net(&config)?;
    stored::check(&net, stored.file, stored.weights)?;
    inference::network(&net, stored, shape, options)
}

/// How weights in our own names become weights of a model: its settings are those of their metadata, or the usual ones.
fn own<C: Default + Serialize + DeserializeOwned, M: Module>(
    model: &'static str,
    source: &Source,
    net: impl Fn(&C) -> Result<M>,
    input: impl Into<Option<Input>>,
) -> Result<Conversion> {
    let config = match source.weights.metadata() {
        None => C::default(),
        Some(_) => stored::settings(model, &source.file, &source.weights)?,
    };
    let expected = stored::expected(&net(&config)?);
    let table = RenameTable::identity(&expected);
    Ok(Conversion { table, expected, metadata: stored::metadata(model, &config, input.into()) })
}
