//! How often each class is taken for each other, and what follows from it: IoU and accuracy.
//!
//! With `n[t][p]` the pixels of class `t` that were taken for class `p`, summed over all pictures:
//!
//! - pixel accuracy: `sum n[c][c] / sum n`
//! - accuracy of class c (its recall): `n[c][c] / sum_p n[c][p]`
//! - IoU of class c: `n[c][c] / (sum_p n[c][p] + sum_t n[t][c] - n[c][c])`
//!
//! A class that occurs neither in the truth nor in the prediction has no IoU, one that does not occur in
//! the truth has no accuracy; means are taken over the classes that have one.
//!
//! # Source
//! J. Long, E. Shelhamer, T. Darrell: Fully Convolutional Networks for Semantic Segmentation, CVPR 2015,
//! section 5, there "pixel acc.", "mean acc." and "mean IU".

use super::{MetricsError, VOID, ratio, same_length};

/// Pixels by true and predicted class.
///
/// ```
/// use upconv_train::metrics::confusion::Confusion;
/// let mut confusion = Confusion::new(3)?;
/// // Predicted, then true: one of two pixels of class 0 is taken for 1; class 2 does not occur.
/// confusion.add(&[0, 1, 1, 2], &[0, 0, 1, 255])?;
/// assert_eq!(confusion.pixel_accuracy(), 2.0 / 3.0);
/// assert_eq!(confusion.iou(), [Some(0.5), Some(0.5), None]);
/// assert_eq!(confusion.accuracy(), [Some(0.5), Some(1.0), None]);
/// assert_eq!((confusion.mean_iou(), confusion.mean_accuracy()), (0.5, 0.75));
/// # Ok::<(), upconv_train::metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// `[truth, prediction]`
    counts: Vec<u64>,
}

impl Confusion {
    /// For labels from 0 to `classes - 1`.
    ///
    /// # Errors
    /// If there are no classes, or more than 255.
    pub fn new(classes: usize) -> Result<Self, MetricsError> {
        match classes {
            1..=255 => Ok(Self { classes, counts: vec![0; classes * classes] }),
            got => Err(MetricsError::Classes { got }),
        }
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Adds a picture. Pixels whose true label is [`VOID`] count nowhere.
    ///
    /// # Errors
    /// If the lengths differ or a label is of no class; then nothing of the picture is added.
    pub fn add(&mut self, predicted: &[u8], truth: &[u8]) -> Result<(), MetricsError> {
        same_length("prediction", predicted.len(), truth.len())?;
        let classes = self.classes;
        let mut picture = vec![0; self.counts.len()];
        for (index, (&predicted, &truth)) in predicted.iter().zip(truth).enumerate() {
            if truth == VOID {
                continue;
            }
            for (what, got) in [("truth", truth), ("prediction", predicted)] {
                if usize::from(got) >= classes {
                    return Err(MetricsError::NoLabel { what, index, got, classes });
                }
            }
            picture[usize::from(truth) * classes + usize::from(predicted)] += 1;
        }
        self.counts.iter_mut().zip(picture).for_each(|(sum, count)| *sum += count);
        Ok(())
    }

    /// Adds the pixels of another accumulator.
    ///
    /// # Errors
    /// If it has another number of classes.
    pub fn merge(&mut self, other: &Self) -> Result<(), MetricsError> {
        let (left, right) = (self.classes, other.classes);
        if left != right {
            return Err(MetricsError::Merge { what: "classes", left, right });
        }
        self.counts.iter_mut().zip(&other.counts).for_each(|(sum, count)| *sum += count);
        Ok(())
    }

    /// Pixels of class `truth` that were taken for class `predicted`; 0 for what is no class.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        let place = truth * self.classes + predicted;
        if predicted < self.classes { self.counts.get(place).copied().unwrap_or(0) } else { 0 }
    }

    /// Share of all pixels that are right.
    pub fn pixel_accuracy(&self) -> f64 {
        let right = (0..self.classes).map(|class| self.count(class, class)).sum();
        ratio(right, self.counts.iter().sum())
    }

    /// For each class the share of its pixels that are right.
    pub fn accuracy(&self) -> Vec<Option<f64>> {
        let one = |class: usize| {
            let all = self.truth(class);
            (all > 0).then(|| ratio(self.count(class, class), all))
        };
        (0..self.classes).map(one).collect()
    }

    /// The mean of [`Confusion::accuracy`]; 0 without pixels.
    pub fn mean_accuracy(&self) -> f64 {
        mean(&self.accuracy())
    }

    /// For each class the pixels common to truth and prediction by those of either.
    pub fn iou(&self) -> Vec<Option<f64>> {
        let one = |class: usize| {
            let both = self.count(class, class);
            let predicted: u64 = (0..self.classes).map(|truth| self.count(truth, class)).sum();
            let either = self.truth(class) + predicted - both;
            (either > 0).then(|| ratio(both, either))
        };
        (0..self.classes).map(one).collect()
    }

    /// The mean of [`Confusion::iou`]; 0 without pixels.
    pub fn mean_iou(&self) -> f64 {
        mean(&self.iou())
    }

    /// Pixels of a class in the truth.
    fn truth(&self, class: usize) -> u64 {
        (0..self.classes).map(|predicted| self.count(class, predicted)).sum()
    }
}

/// The mean of what is there; 0 if nothing is.
pub(super) fn mean(values: &[Option<f64>]) -> f64 {
    let count = values.iter().flatten().count();
    if count == 0 { 0.0 } else { values.iter().flatten().sum::<f64>() / count as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Truth in rows, prediction in columns: 5 1 0 / 2 3 1 / 0 0 4, and class 3, which is only predicted
    /// once, for class 2.
    fn example() -> Confusion {
        let table = [(0, 0, 5), (0, 1, 1), (1, 0, 2), (1, 1, 3), (1, 2, 1), (2, 2, 4), (2, 3, 1)];
        let (mut predicted, mut truth) = (vec![], vec![]);
        for (t, p, count) in table {
            truth.extend(vec![t; count]);
            predicted.extend(vec![p; count]);
        }
        let mut confusion = Confusion::new(4).unwrap();
        confusion.add(&predicted, &truth).unwrap();
        confusion
    }

    #[test]
    fn a_table_by_hand() {
        let confusion = example();
        assert_eq!(confusion.count(1, 0), 2);
        assert_eq!((confusion.count(4, 0), confusion.count(0, 4)), (0, 0));
        assert_eq!(confusion.pixel_accuracy(), 12.0 / 17.0);
        assert_eq!(confusion.accuracy(), [Some(5.0 / 6.0), Some(0.5), Some(0.8), None]);
        assert!((confusion.mean_accuracy() - (5.0 / 6.0 + 0.5 + 0.8) / 3.0).abs() < 1e-15);
        // 5 / (6 + 7 - 5), 3 / (6 + 4 - 3), 4 / (5 + 5 - 4), 0 / 1.
        let iou = [Some(5.0 / 8.0), Some(3.0 / 7.0), Some(4.0 / 6.0), Some(0.0)];
        assert_eq!(confusion.iou(), iou);
        assert!((confusion.mean_iou() - (5.0 / 8.0 + 3.0 / 7.0 + 4.0 / 6.0) / 4.0).abs() < 1e-15);
    }

    #[test]
    fn merged_is_added() {
        let mut twice = example();
        twice.merge(&example()).unwrap();
        assert_eq!(twice.count(0, 0), 10);
        assert_eq!(twice.iou(), example().iou());
        let error = twice.merge(&Confusion::new(2).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "classes: 4 here, 2 there; only equal ones can be merged");
    }

    #[test]
    fn wrong_labels_are_named_and_nothing_is_added() {
        let mut confusion = Confusion::new(2).unwrap();
        assert!(confusion.add(&[0, 1], &[0]).is_err());
        let error = confusion.add(&[0, 2], &[0, 1]).unwrap_err();
        assert!(error.to_string().starts_with("prediction: pixel 1 has the label 2"), "{error}");
        assert!(confusion.add(&[0, 255], &[0, 1]).is_err());
        assert!(confusion.add(&[0, 0], &[0, 3]).is_err());
        // Under a void pixel nothing is looked at.
        confusion.add(&[99], &[VOID]).unwrap();
        assert_eq!(confusion, Confusion::new(2).unwrap());
        assert_eq!((confusion.mean_iou(), confusion.pixel_accuracy()), (0.0, 0.0));
        assert!(Confusion::new(0).is_err() && Confusion::new(256).is_err());
    }
}
