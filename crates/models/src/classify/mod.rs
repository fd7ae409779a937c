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

    /// The `top` likeliest classes of a picture, the likeliest first, equal ones by their numbers. Probabilities are means
    /// over the parts that are looked at.
    ///
    /// # Shapes
    /// `rgb: [height, width, 3]`
    ///
    /// # Errors
    /// A buffer that does not fit the size; scores that are not finite.
    pub fn classify(&self, rgb: &[u8], size: Size, top: usize) -> Result<Vec<Prediction>> {
        let refuse = |what: String| ModelError::Inner { model: self.model, what };
        let x = inputs(&self.input, self.crop, rgb, size).map_err(refuse)?;
        let mut scores = vec![0.0; self.crop.count() * self.labels.len()];
        let ran = self.network.run(&[&x], &mut [&mut scores]);
        ran.map_err(|error| refuse(error.to_string()))?;
        Ok(best(&probabilities(&scores, self.labels.len()).map_err(refuse)?, &self.labels, top))
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
