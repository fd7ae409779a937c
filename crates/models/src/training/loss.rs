//! What a segmentation is trained to make small.

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use upconv_data::datasets::VOID;
use upconv_nn::ops;
use upconv_train::{Result, TrainError};

/// The loss of a segmentation. Void pixels count nowhere but, where it is asked for, in the number of pixels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Loss {
    /// Which loss; cross-entropy.
    pub measure: Measure,
    /// What cross-entropy is a mean over; the pixels that have a label.
    pub mean: Mean,
    /// Added to the probabilities before the logarithm; 0. KittiSeg adds 1e-9, below which nothing is learned any more.
    pub epsilon: f64,
    /// Factors of the classes in cross-entropy; without them all 1.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub class_weights: Vec<f64>,
}

/// Which loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// `-weight * ln p` of the right class.
    #[default]
    CrossEntropy,
    /// `1 - F1` on probabilities, `F1 = (2 t + 1) / (p + y + 1)` with the sums of `p y`, `p` and `y`: one pixel more is
    /// right, so that a picture without the class is no `0 / 0`. Of class 1 where there are two, else the mean.
    SoftF1,
    /// `1 - IoU` on probabilities, `IoU = (t + 1) / (p + y - t + 1)`, likewise.
    SoftIou,
}

/// What cross-entropy is a mean over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mean {
    /// The pixels that have a label.
    #[default]
    Labelled,
    /// All pixels, as KittiSeg does: the more is void, the less a picture teaches.
    AllPixels,
}

impl Default for Loss {
    fn default() -> Self {
        Self {
            measure: Measure::default(),
            mean: Mean::default(),
            epsilon: 0.0,
            class_weights: Vec::new(),
        }
    }
}

impl Loss {
    /// That the numbers have a meaning for so many classes.
    ///
    /// # Errors
    /// Names the key, the value and what is legal.
    pub fn check(&self, classes: usize) -> Result<()> {
        let refuse = |key: &str, reason: String| {
            Err(TrainError::Setting { place: format!("loss.{key}"), reason })
        };
        if !(0.0..1.0).contains(&self.epsilon) {
            return refuse("epsilon", format!("{}; legal: 0 or more, below 1", self.epsilon));
        }
        let weights = &self.class_weights;
        if !weights.is_empty() && weights.len() != classes {
            let reason =
                format!("{} numbers; legal: one for each of {classes} classes", weights.len());
            return refuse("class_weights", reason);
        }
        if let Some(weight) = weights.iter().find(|w| !(w.is_finite() && **w >= 0.0)) {
            return refuse("class_weights", format!("{weight}; legal: 0 or more"));
        }
        Ok(())
    }

    /// The loss of scores before any softmax.
    ///
    /// # Shapes
    /// `scores: [n, classes, h, w]`, `labels: [n, h, w]`, classes from 0 and [`VOID`]
    ///
    /// # Errors
    /// Labels of another number, or of no class.
    pub fn of(&self, scores: Tensor<4>, labels: &[u8]) -> Result<Tensor<1>> {
        let shape @ [n, classes, h, w] = scores.dims();
        if labels.len() != n * h * w {
            let reason = format!("{} labels for {n} pictures of {w}x{h} pixels", labels.len());
            return Err(TrainError::model(reason));
        }
        match self.measure {
            Measure::CrossEntropy => {
                let weight =
                    |class: usize| self.class_weights.get(class).map_or(1.0, |&w| w as f32);
                let targets = targets(shape, labels, weight, &scores.device())?;
                let logarithms = match self.epsilon {
                    0.0 => ops::log_softmax(scores)?,
                    epsilon => (ops::softmax(scores)? + epsilon).log(),
                };
                let counted = match self.mean {
                    Mean::AllPixels => labels.len(),
                    Mean::Labelled => labels.iter().filter(|&&label| label != VOID).count(),
                };
                Ok((logarithms * targets).sum().neg() / counted.max(1) as f64)
            }
            Measure::SoftF1 | Measure::SoftIou => {
                let targets = targets(shape, labels, |_| 1.0, &scores.device())?;
                let counts = targets.clone().sum_dim(1);
                let p = ops::softmax(scores)? * counts;
                let sum = |x: Tensor<4>| -> Tensor<1> {
                    x.sum_dim(0).sum_dim(2).sum_dim(3).reshape([classes])
                };
                let right = sum(p.clone() * targets.clone());
                let both = sum(p) + sum(targets);
                let shares = match self.measure {
                    Measure::SoftIou => (right.clone() + 1.0) / (both - right + 1.0),
                    _ => (right * 2.0 + 1.0) / (both + 1.0),
                };
                let share = if classes == 2 { shares.narrow(0, 1, 1) } else { shares.mean() };
                Ok(share.neg() + 1.0)
            }
        }
    }
}

/// The weight of its class at each pixel, 0 elsewhere and where it is void.
fn targets(
    [n, classes, h, w]: [usize; 4],
    labels: &[u8],
    weight: impl Fn(usize) -> f32,
    device: &Device,
) -> Result<Tensor<4>> {
    let cells = h * w;
    let mut values = vec![0.0f32; n * classes * cells];
    for (at, &label) in labels.iter().enumerate().filter(|(_, label)| **label != VOID) {
        let class = usize::from(label);
        if class >= classes {
            let reason = format!("label {label}; legal: 0 to {} and {VOID}", classes.max(1) - 1);
            return Err(TrainError::model(reason));
        }
        values[(at / cells * classes + class) * cells + at % cells] = weight(class);
    }
    Ok(Tensor::from_data(TensorData::new(values, [n, classes, h, w]), device))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores of two classes whose softmax gives class 1 the odds 3, 1, 1/3 and 1.
    fn scores(device: &Device) -> Tensor<4> {
        let l = 3f32.ln();
        let values = vec![0.0, 0.0, 0.0, 0.0, l, 0.0, -l, 0.0];
        Tensor::from_data(TensorData::new(values, [1, 2, 2, 2]), device)
    }

    /// Value and gradient.
    fn both(loss: &Loss, labels: &[u8]) -> (f32, Vec<f32>) {
        let x = scores(&Device::flex().autodiff()).require_grad();
        let loss = loss.of(x.clone(), labels).unwrap();
        let gradients = loss.backward();
        let gradient = x.grad(&gradients).unwrap().into_data().try_to_vec().unwrap();
        (loss.into_scalar::<f32>(), gradient)
    }

    fn close(a: f32, b: f64) {
        assert!((f64::from(a) - b).abs() < 1e-6, "{a} {b}");
    }

    #[test]
    fn cross_entropy_by_hand() {
        // p1 is 3/4, 1/2, 1/4, 1/2; the last pixel is void.
        let labels = [1, 0, 1, VOID];
        let sum = -(0.75f64.ln() + 0.5f64.ln() + 0.25f64.ln());
        let (value, gradient) = both(&Loss::default(), &labels);
        close(value, sum / 3.0);
        // (p - y) / 3 in channel 1.
        for (got, expected) in gradient[4..].iter().zip([-0.25 / 3.0, 0.5 / 3.0, -0.75 / 3.0, 0.0])
        {
            close(*got, expected);
        }
        let all = Loss { mean: Mean::AllPixels, epsilon: 1e-9, ..Loss::default() };
        let (value, gradient) = both(&all, &labels);
        close(value, sum / 4.0);
        assert_eq!([gradient[3], gradient[7]], [0.0, 0.0]);
        let weighted = Loss { class_weights: vec![1.0, 2.0], ..Loss::default() };
        let (value, _) = both(&weighted, &labels);
        close(value, (-2.0 * 0.75f64.ln() - 0.5f64.ln() - 2.0 * 0.25f64.ln()) / 3.0);
    }

    #[test]
    fn soft_shares_by_hand() {
        // Over three pixels: t = 3/4 + 1/4, p = 3/2, y = 2.
        let labels = [1, 0, 1, VOID];
        let soft = |measure| both(&Loss { measure, ..Loss::default() }, &labels);
        let (value, gradient) = soft(Measure::SoftF1);
        close(value, 1.0 - 3.0 / 4.5);
        assert_eq!([gradient[3], gradient[7]], [0.0, 0.0]);
        let (value, gradient) = soft(Measure::SoftIou);
        close(value, 1.0 - 2.0 / 3.5);
        assert_eq!([gradient[3], gradient[7]], [0.0, 0.0]);
    }

    #[test]
    fn all_void_all_road_and_no_road_are_finite() {
        for measure in [Measure::CrossEntropy, Measure::SoftF1, Measure::SoftIou] {
            for mean in [Mean::Labelled, Mean::AllPixels] {
                let loss = Loss { measure, mean, ..Loss::default() };
                for labels in [[VOID; 4], [1; 4], [0; 4]] {
                    let (value, gradient) = both(&loss, &labels);
                    assert!(value.is_finite() && gradient.iter().all(|g| g.is_finite()));
                    if labels == [VOID; 4] {
                        assert_eq!((value, gradient), (0.0, vec![0.0; 8]), "{loss:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let x = scores(&Device::flex());
        let error = Loss::default().of(x.clone(), &[0; 3]).unwrap_err().to_string();
        assert_eq!(error, "3 labels for 1 pictures of 2x2 pixels");
        let error = Loss::default().of(x, &[0, 1, 2, 0]).unwrap_err().to_string();
        assert_eq!(error, "label 2; legal: 0 to 1 and 255");
        let loss = Loss { class_weights: vec![1.0], ..Loss::default() };
        let error = loss.check(2).unwrap_err().to_string();
        assert_eq!(error, "loss.class_weights: 1 numbers; legal: one for each of 2 classes");
    }
}
