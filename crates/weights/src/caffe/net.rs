//! A net as Caffe describes it: layers in order, which read and write blobs by name.

use std::collections::BTreeMap;

use super::schema;
use super::settings::{Setting, Settings};
use crate::error::{Result, WeightsError};
use crate::limits;

/// A net, in the words of Caffe's newer form whatever form its file has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Net {
    /// Its name; may be empty.
    pub name: String,
    /// What it takes: blobs that the net names as its inputs, and those of its `Input` layers.
    pub inputs: Vec<NetInput>,
    /// The layers, in the order in which they are computed.
    pub layers: Vec<Layer>,
    /// How many of the inputs are no layers'.
    named_inputs: usize,
}

/// A blob that a net takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetInput {
    /// Its name.
    pub name: String,
    /// Its sizes, most often `[n, c, h, w]`; empty where the file does not say.
    pub shape: Vec<usize>,
}

/// A layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Its name; its blobs are the tensors `NAME/0`, `NAME/1` and so on.
    pub name: String,
    /// Caffe's `type`, such as `Convolution`. In the older form a type of a fork of Caffe keeps its word or number.
    pub kind: String,
    /// Names of the blobs that it reads.
    pub bottoms: Vec<String>,
    /// Names of the blobs that it writes; the same as a bottom where it computes in place.
    pub tops: Vec<String>,
    /// How many blobs of numbers the file holds for it; none in a prototxt.
    pub blobs: usize,
    /// Everything else that is said of it; [`Layer::convolution`] and its like read the usual ones.
    pub settings: Settings,
}

/// What a net is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Training.
    Train,
    /// Prediction.
    Test,
}

impl Net {
    /// The first layer of a name.
    pub fn layer(&self, name: &str) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.name == name)
    }

    /// How many layers there are of each type.
    pub fn kinds(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for layer in &self.layers {
            *counts.entry(layer.kind.as_str()).or_insert(0) += 1;
        }
        counts
    }

    /// The net of one phase: without the layers whose `include` and `exclude` rules keep them out of it. One file often
    /// describes both, with two layers of one name.
    ///
    /// ```
    /// use upconv_weights::caffe::{self, Phase};
    /// let text = r#"
    ///     layer { name: "data" type: "Data" top: "data" include { phase: TRAIN } }
    ///     layer { name: "data" type: "Input" top: "data" include { phase: TEST } }
    ///     layer { name: "drop" type: "Dropout" bottom: "data" top: "data" exclude { phase: TEST } }
    /// "#;
    /// let net = caffe::net_from_text("train_val.prototxt", text)?.in_phase(Phase::Test);
    /// let kinds: Vec<_> = net.layers.iter().map(|layer| layer.kind.as_str()).collect();
    /// assert_eq!(kinds, ["Input"]);
    /// # Ok::<(), upconv_weights::WeightsError>(())
    /// ```
    pub fn in_phase(mut self, phase: Phase) -> Self {
        self.layers.retain(|layer| layer.runs_in(phase));
        self.inputs.truncate(self.named_inputs);
        let inputs = self.layers.iter().flat_map(|layer| layer.inputs().unwrap_or_default());
        self.inputs.extend(inputs);
        self
    }
}

impl Layer {
    /// Whether its rules let it run in a phase, at level 0 and without stages.
    pub fn runs_in(&self, phase: Phase) -> bool {
        let meets = |rule: &Setting| match rule {
            Setting::Group(rule) => {
                let word = match phase {
                    Phase::Train => "TRAIN",
                    Phase::Test => "TEST",
                };
                rule.text("phase").is_none_or(|own| own == word)
                    && rule.int("min_level").is_none_or(|level| level <= 0)
                    && rule.int("max_level").is_none_or(|level| level >= 0)
                    && rule.get("stage").is_none()
            }
            _ => false,
        };
        let mut include = self.settings.all("include").peekable();
        match include.peek() {
            Some(_) => include.any(meets),
            None => !self.settings.all("exclude").any(meets),
        }
    }

    /// What an `Input` layer stands for; nothing for others.
    fn inputs(&self) -> Result<Vec<NetInput>> {
        if self.kind != "Input" {
            return Ok(Vec::new());
        }
        let shapes = self.input_shapes()?;
        // One shape is the shape of all.
        let shape = |n: usize| shapes.get(n).or(shapes.first().filter(|_| shapes.len() == 1));
        let input = |(n, name): (usize, &String)| NetInput {
            name: name.clone(),
            shape: shape(n).cloned().unwrap_or_default(),
        };
        Ok(self.tops.iter().enumerate().map(input).collect())
    }

    /// What is said of a layer that makes no sense.
    pub(super) fn error(&self, reason: String) -> WeightsError {
        WeightsError::Layer { file: String::new(), layer: self.name.clone(), reason }
    }
}

/// The net of a file's settings.
pub(super) fn of(file: &str, mut settings: Settings) -> Result<Net> {
    let (new, old) = (settings.take("layer"), settings.take("layers"));
    let is_old = !old.is_empty();
    if is_old && !new.is_empty() {
        let reason =
            "the net has both `layer` and `layers`, which is the older form; legal: one of them";
        let (file, layer) = (file.into(), "layers".into());
        return Err(WeightsError::Layer { file, layer, reason: reason.into() });
    }
    let groups = if is_old { old } else { new };
    if groups.len() > limits::MAX_TENSORS {
        let (got, limit) = (groups.len(), limits::MAX_TENSORS);
        return Err(WeightsError::TooMany { file: file.into(), what: "layers", got, limit });
    }
    let mut layers = Vec::with_capacity(groups.len());
    for group in groups {
        if let Setting::Group(settings) = group {
            layers.push(layer(file, settings, is_old)?);
        }
    }
    let mut inputs = inputs(file, &settings)?;
    let named_inputs = inputs.len();
    for layer in &layers {
        inputs.extend(layer.inputs().map_err(|error| error.in_file(file))?);
    }
    let name = settings.text("name").unwrap_or_default().into();
    Ok(Net { name, inputs, layers, named_inputs })
}

fn layer(file: &str, mut settings: Settings, is_old: bool) -> Result<Layer> {
    let name = settings.text("name").unwrap_or_default().to_owned();
    let fail = |reason: String| {
        Err(WeightsError::Layer { file: file.into(), layer: name.clone(), reason })
    };
    if is_old && settings.get(schema::V0_LAYER).is_some() {
        let reason = "it is of the form of 2013, with a layer in a layer, which is not read; Caffe's upgrade_net_proto_text and upgrade_net_proto_binary make newer ones of it";
        return fail(reason.into());
    }
    let kind = match (settings.get("type"), is_old) {
        (Some(Setting::Text(kind)), _) => kind.clone(),
        (Some(Setting::Word(word)), true) => schema::new_type(word).unwrap_or(word).to_owned(),
        (Some(Setting::Int(number)), true) => number.to_string(),
        _ => String::new(),
    };
    if kind.is_empty() {
        return fail("it has no type".into());
    }
    let (bottoms, tops) = (settings.texts("bottom"), settings.texts("top"));
    for known in ["name", "type", "bottom", "top"] {
        settings.take(known);
    }
    Ok(Layer { name, kind, bottoms, tops, blobs: 0, settings })
}

/// Inputs that a net names itself, with their shapes one by one or four sizes each.
fn inputs(file: &str, settings: &Settings) -> Result<Vec<NetInput>> {
    let fail = |reason: String| {
        Err(WeightsError::Layer { file: file.into(), layer: "input".into(), reason })
    };
    let mut shapes = Vec::new();
    for shape in settings.all("input_shape") {
        if let Setting::Group(shape) = shape {
            match sizes(shape.all("dim")) {
                Ok(shape) => shapes.push(shape),
                Err(reason) => return fail(reason),
            }
        }
    }
    match sizes(settings.all("input_dim")) {
        Ok(sizes) => shapes.extend(sizes.chunks(4).map(<[usize]>::to_vec)),
        Err(reason) => return fail(reason),
    }
    let names = settings.texts("input");
    if !shapes.is_empty() && shapes.len() != names.len() {
        let reason =
            format!("{} inputs, but {} shapes; legal: one for each", names.len(), shapes.len());
        return fail(reason);
    }
    let mut shapes = shapes.into_iter();
    let input = |name| NetInput { name, shape: shapes.next().unwrap_or_default() };
    Ok(names.into_iter().map(input).collect())
}

/// Sizes of axes; what is wrong with them otherwise.
pub(super) fn sizes<'a>(
    settings: impl Iterator<Item = &'a Setting>,
) -> std::result::Result<Vec<usize>, String> {
    let size = |setting: &Setting| {
        let number = setting.int().unwrap_or(-1);
        match u64::try_from(number).ok().filter(|&size| size <= limits::MAX_AXIS) {
            // At most 2^31 - 1.
            Some(size) => Ok(size as usize),
            None => Err(format!("an axis of {number} cells; legal: 0 to {}", limits::MAX_AXIS)),
        }
    };
    settings.map(size).collect()
}
