//! The models by name, with what a user must know to choose one.

use burn::tensor::Device;
use serde::Serialize;

use upconv_data::Segment;
use upconv_weights::{Expected, Metadata, RenameTable, Source, Weights};

use crate::description::{Layer, describe};
use crate::error::{ModelError, Result};
use crate::selfie::{self, Loaded, Selfie, SelfieConfig, SelfieSegmenter};

/// A text in both languages of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// English.
    pub en: &'static str,
    /// Chinese.
    pub zh: &'static str,
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
    /// `[n, channels, height, width]` of the input that its weights are for.
    pub input: [usize; 4],
    /// Weights that come with the program.
    pub weights: &'static [&'static str],
    /// What one takes it for.
    pub strengths: Text,
    /// What it cannot do.
    pub weaknesses: Text,
    /// What to take instead, and when.
    pub choose_instead: Text,
    layers: fn(&Entry) -> Result<Vec<Layer>>,
    conversion: fn(&Source) -> Result<Conversion>,
    with_selftest: fn(Weights) -> Result<Weights>,
    verify: fn(&str, &Weights) -> Result<Option<f64>>,
    built_in: Option<fn() -> Result<Weights>>,
    segmenter: Option<Segmenter>,
}

/// Makes the network of weights; errors call them by the name that comes first.
type Segmenter = fn(&str, &Weights) -> Result<Box<dyn Segment>>;

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
pub const MODELS: [Entry; 1] = [Entry {
    name: selfie::NAME,
    system: Text {
        en: "MediaPipe Selfie Segmentation, general: a mask of the person near the camera",
        zh: "MediaPipe Selfie Segmentation 通用模型：镜头前人物的遮罩",
    },
    paper: "Howard et al., Searching for MobileNetV3, 2019 (blocks and LR-ASPP head)",
    input: [1, 3, 256, 256],
    weights: &["selfie"],
    strengths: Text {
        en: "small (213 KB) and fast; clean outlines of one or a few people within about two metres; its \
             last layer is a transposed convolution with real weights",
        zh: "小（213 KB）而快；对两米以内的一个或几个人轮廓干净；最后一层就是带真实权重的转置卷积",
    },
    weaknesses: Text {
        en: "finds the main thing and not \"a person\": a cat close to the camera counts as well, and there \
             is no score that says whether anybody is there; people far away or in the dark fade; a grid of \
             two pixels shows where it is unsure",
        zh: "找的是画面主体，而不是“人”：靠近镜头的猫也会被选中，也没有“是否有人”的分数；\
             远处或暗处的人会变淡；在它没有把握的地方能看到两像素的网格",
    },
    choose_instead: Text {
        en: "a detector, if you must know whether and where people are; a matting network for hair and \
             glass; a segmentation network with classes for anything but people",
        zh: "要知道有没有人、人在哪里，请用检测模型；头发和玻璃请用抠图模型；人以外的类别请用多类别分割模型",
    },
    layers: |entry| {
        let [_, _, h, w] = entry.input;
        describe(&Selfie::new(&SelfieConfig::tfjs(), &Device::flex())?, [1, 3, h, w])
    },
    conversion: selfie::from_tfjs,
    with_selftest: |weights| selfie::with_selftest(weights, &Device::flex()),
    verify: |file, weights| selfie::verify(file, weights, &Device::flex()),
    built_in: Some(selfie::built_in),
    segmenter: Some(|file, weights| {
        let Loaded { net, size: [h, w] } = selfie::load(file, weights, &Device::flex())?;
        Ok(Box::new(SelfieSegmenter::new(&net, (h, w))?))
    }),
}];

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
        (self.conversion)(source)
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
    /// Weights that the model cannot load.
    pub fn segmenter(&self, file: &str, weights: &Weights) -> Result<Option<Box<dyn Segment>>> {
        self.segmenter.map(|make| make(file, weights)).transpose()
    }

    /// Converted weights with a stored self-test: a small input, and what the network makes of it.
    ///
    /// # Errors
    /// Weights that the model cannot load.
    pub fn with_selftest(&self, weights: Weights) -> Result<Weights> {
        (self.with_selftest)(weights)
    }

    /// Runs the self-test that weights carry, and gives the largest difference; `None` without one.
    /// Errors call the weights `file`.
    ///
    /// # Errors
    /// Weights that the model cannot load; a difference above the stored tolerance.
    pub fn verify(&self, file: &str, weights: &Weights) -> Result<Option<f64>> {
        (self.verify)(file, weights)
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
