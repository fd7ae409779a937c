//! What a classifier is worth on pictures that it has not learned from.

use burn::tensor::Tensor;
use upconv_data::datasets::Classified;
use upconv_nn::ops;
use upconv_train::metrics::confusion::Confusion;
use upconv_train::{Result, Scalars, TrainError};
use upconv_weights::metadata::Input;

use super::input::prepared;

/// Pictures that a network is shown at a time.
pub(super) const BATCH: usize = 250;

/// Sums over pictures.
#[derive(Clone, Debug)]
pub struct Figures {
    confusion: Confusion,
    loss: f64,
    right: u64,
    among_five: u64,
    pictures: u64,
}

impl Figures {
    /// No picture yet.
    ///
    /// # Errors
    /// No class, or more than 255.
    pub fn new(classes: usize) -> Result<Self> {
        let confusion = Confusion::new(classes).map_err(TrainError::model)?;
        Ok(Self { confusion, loss: 0.0, right: 0, among_five: 0, pictures: 0 })
    }

    /// Adds pictures.
    ///
    /// # Shapes
    /// `scores: [n, classes, 1, 1]` before any softmax, `labels: [n]`
    ///
    /// # Errors
    /// Labels of another number, or of no class; scores that are no numbers.
    pub fn add(&mut self, scores: Tensor<4>, labels: &[u8]) -> Result<()> {
        let [_, classes, ..] = scores.dims();
        let logarithms: Vec<f32> = ops::log_softmax(scores)?.into_data().iter::<f32>().collect();
        let mut found = Vec::with_capacity(labels.len());
        for (of_picture, &label) in logarithms.chunks_exact(classes).zip(labels) {
            found.push(best(of_picture));
            let own = of_picture.get(usize::from(label)).copied().unwrap_or(f32::NAN);
            // Classes before it, the first among equals.
            let before = of_picture.iter().zip(0..).filter(|&(&other, class): &(&f32, u8)| {
                other > own || (other == own && class < label)
            });
            let place = before.count();
            self.right += u64::from(place == 0);
            self.among_five += u64::from(place < 5);
            self.loss -= f64::from(own);
        }
        self.confusion.add(&found, labels).map_err(TrainError::model)?;
        self.pictures += labels.len() as u64;
        Ok(())
    }

    /// Accuracy and the mean cross-entropy.
    pub fn scalars(&self) -> Scalars {
        let share = |count: u64| count as f64 / self.pictures.max(1) as f64;
        Scalars::new()
            .with("accuracy", share(self.right))
            .with("loss", self.loss / self.pictures.max(1) as f64)
    }

    /// The same, with the share of pictures whose class is among the best five, and the mean accuracy of the classes.
    pub fn thorough(&self) -> Scalars {
        let share = |count: u64| count as f64 / self.pictures.max(1) as f64;
        let scalars = Scalars::new().with("accuracy", share(self.right));
        let scalars = scalars.with("top_5", share(self.among_five));
        let scalars = scalars.with("mean_class_accuracy", self.confusion.mean_accuracy());
        scalars.with("loss", self.loss / self.pictures.max(1) as f64)
    }

    /// Pictures by class and what they were taken for.
    pub fn confusion(&self) -> &Confusion {
        &self.confusion
    }
}

/// The class of the highest score, the first among equals.
pub(super) fn best(scores: &[f32]) -> u8 {
    let mut found = (0, f32::NEG_INFINITY);
    for (class, &score) in (0..=u8::MAX).zip(scores) {
        if score > found.1 {
            found = (class, score);
        }
    }
    found.0
}

/// Adds all pictures of some data, as `network` sees them; those that cannot be read are left out and come back.
///
/// # Errors
/// Those of the network.
pub fn measure(
    figures: &mut Figures,
    network: impl Fn(Vec<f32>, [usize; 4]) -> Result<Tensor<4>>,
    input: &Input,
    data: &Classified,
) -> Result<Vec<String>> {
    let (channels, [h, w]) = (input.order.channels(), input.size);
    let mut failed = Vec::new();
    for first in (0..data.len()).step_by(BATCH) {
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        for index in first..data.len().min(first + BATCH) {
            match (prepared(input, &data.load(index)), data.label(index)) {
                (Ok(image), Some(label)) => {
                    images.extend(image);
                    labels.push(label);
                }
                (Err(error), _) => failed.push(format!("{error}; left out")),
                (Ok(_), None) => {}
            }
        }
        if !labels.is_empty() {
            figures.add(network(images, [labels.len(), channels, h, w])?, &labels)?;
        }
    }
    Ok(failed)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    #[test]
    fn four_pictures_by_hand() {
        // Six classes, of which the first four score by ln 2, ln 1, ..; the label of the last picture comes sixth.
        let l = std::f32::consts::LN_2;
        let row = [l, 0.0, 0.0, 0.0, 0.0, -l];
        let scores = TensorData::new(row.repeat(4), [4, 6, 1, 1]);
        let mut figures = Figures::new(6).unwrap();
        figures.add(Tensor::from_data(scores, &Device::flex()), &[0, 1, 4, 5]).unwrap();
        let scalars = figures.thorough();
        let get = |name: &str| scalars.get(name).unwrap();
        assert_eq!((get("accuracy"), get("top_5")), (0.25, 0.75));
        // The sum of exponentials is 2 + 4 + 1/2.
        let expected = 6.5f64.ln() - (2f64.ln() + 0.0 + 0.0 - 2f64.ln()) / 4.0;
        assert!((get("loss") - expected).abs() < 1e-6);
        assert_eq!(figures.confusion().count(5, 0), 1);
        assert_eq!(best(&[0.5, 0.7, 0.7]), 1);
    }
}
