//! What is in a picture: the likeliest classes, with their names.

mod crops;
mod labels;
pub(crate) mod selftest;
#[cfg(test)]
mod tests;

use serde::Serialize;
use upconv_data::Size;
use upconv_kernels::{Extent, Layout, softmax};
use upconv_nn::inference::{Network, NetworkOptions};
use upconv_weights::Weights;
use upconv_weights::metadata::Input;

use crate::error::{ModelError, Result};
use crate::inference::StoredParameters;
use crate::registry::{self, Entry};
pub use crops::{Crop, inputs, parts, scaled};
pub(crate) use labels::IMAGENET;
pub use labels::{Label, imagenet};

/// A class, and how likely it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// Its number.
    pub index: usize,
    /// Its names.
    #[serde(flatten)]
    pub label: Label,
    /// From 0 to 1; those of all classes sum to 1.
    pub probability: f32,
}

/// A network with its weights, ready for pictures of any size.
#[derive(Debug)]
pub struct Classifier {
    model: &'static str,
    network: Network,
    input: Input,
    labels: Vec<Label>,
    crop: Crop,
}

impl Classifier {
    /// The classifier of weights in our names, which errors call `file`; batch norm is folded.
    ///
    /// # Errors
    /// Weights without metadata; a model that does not classify; tensors that are missing, too many, of another shape, or
    /// not finite; an input that pictures cannot be made to.
    pub fn new(file: &str, weights: &Weights, crop: Crop) -> Result<Self> {
        let metadata = weights.metadata().ok_or_else(|| {
            let what = "no metadata: convert the weights first (upconv convert)";
            ModelError::Inner { model: "classifier", what: format!("{file}: {what}") }
        })?;
        let entry: &'static Entry = registry::find(&metadata.model)?;
        let refuse = |what: String| ModelError::Inner { model: entry.name, what };
        let input = metadata.input.clone();
        let input = input.ok_or_else(|| refuse(format!("{file}: input: is missing")))?;
        // Any picture will do to see whether the input makes sense.
        scaled(&input, [1, 1]).map_err(|what| refuse(format!("{file}: {what}")))?;
        let [h, w] = input.size;
        let shape = [crop.count(), input.order.channels(), h, w];
        let stored = StoredParameters { file, weights, prefix: "" };
        let network = entry.network(stored, shape, &NetworkOptions::default())?;
        let classes = network.output_shapes()[0][1];
        let labels = labels::labels(metadata.labels.as_deref(), classes);
        Ok(Self { model: entry.name, network, input, labels, crop })
    }

    /// The model's name.
    pub fn model(&self) -> &'static str {
        self.model
    }

    /// How pictures are prepared.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// Names of the classes, in the order of their numbers.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// Bytes that the network takes for the values between its layers while it runs.
    pub fn bytes(&self) -> usize {
        self.network.arena_bytes()
    }

    /// The `top` likeliest classes of a picture, the likeliest first, equal ones by their numbers. Probabilities are means
    /// over the parts that are looked at.
    ///
    /// # Shapes
    /// `rgb: [height, width, 3]`
    ///
    /// # Errors
    /// A buffer that does not fit the size; scores that are not finite.
    pub fn classify(&self, rgb: &[u8], size: Size, top: usize) -> Result<Vec<Prediction>> {
        self.likeliest(&self.inputs(self.crop, rgb, size)?, top)
    }

    /// What the network reads of a picture, for parts that may be others than those it was made for.
    ///
    /// # Shapes
    /// `rgb: [height, width, 3] -> [parts, channels, h, w]`
    ///
    /// # Errors
    /// A buffer that does not fit the size; a picture that is too narrow.
    pub fn inputs(&self, crop: Crop, rgb: &[u8], size: Size) -> Result<Vec<f32>> {
        inputs(&self.input, crop, rgb, size).map_err(|what| self.refused(what))
    }

    /// The `top` likeliest classes of what [`Classifier::inputs`] made of a picture, as [`Classifier::classify`] gives them.
    ///
    /// # Shapes
    /// `x: [parts, channels, h, w]`, of which the network takes as many at a time as it was made for
    ///
    /// # Errors
    /// No whole number of times so many; scores that are not finite.
    pub fn likeliest(&self, x: &[f32], top: usize) -> Result<Vec<Prediction>> {
        let [h, w] = self.input.size;
        let at_a_time = self.crop.count() * self.input.order.channels() * h * w;
        if x.is_empty() || !x.len().is_multiple_of(at_a_time) {
            let what = format!("{} values are not a multiple of {at_a_time}", x.len());
            return Err(self.refused(what));
        }
        let of_one = self.crop.count() * self.labels.len();
        let mut scores = vec![0.0; x.len() / at_a_time * of_one];
        for (x, scores) in x.chunks_exact(at_a_time).zip(scores.chunks_exact_mut(of_one)) {
            let ran = self.network.run(&[x], &mut [scores]);
            ran.map_err(|error| self.refused(error.to_string()))?;
        }
        let probabilities = probabilities(&scores, self.labels.len());
        let probabilities = probabilities.map_err(|what| self.refused(what))?;
        Ok(best(&probabilities, &self.labels, top))
    }

    fn refused(&self, what: String) -> ModelError {
        ModelError::Inner { model: self.model, what }
    }
}

/// The means of the softmax of scores, `[parts, classes] -> [classes]`.
fn probabilities(scores: &[f32], classes: usize) -> std::result::Result<Vec<f32>, String> {
    if let Some(at) = scores.iter().position(|score| !score.is_finite()) {
        return Err(format!("the score of class {} is {}", at % classes.max(1), scores[at]));
    }
    let parts = scores.len() / classes.max(1);
    let extent = Extent::of(&[parts, classes, 1], Layout::Nchw).map_err(|e| e.to_string())?;
    let mut of_part = vec![0.0; scores.len()];
    softmax::softmax(&extent, scores, &mut of_part).map_err(|e| e.to_string())?;
    let mean = |class: usize| {
        let sum: f64 = of_part.iter().skip(class).step_by(classes).map(|&p| f64::from(p)).sum();
        (sum / parts as f64) as f32
    };
    Ok((0..classes).map(mean).collect())
}

fn best(probabilities: &[f32], labels: &[Label], top: usize) -> Vec<Prediction> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    // Stable: equal ones stay in order.
    order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    let prediction = |index: usize| Prediction {
        index,
        label: labels[index].clone(),
        probability: probabilities[index],
    };
    order.into_iter().take(top).map(prediction).collect()
}
