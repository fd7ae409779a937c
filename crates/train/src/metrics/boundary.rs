//! How well outlines are met: the boundary F of Csurka and others.
//!
//! For one picture and one class:
//!
//! - A boundary pixel is a pixel of the class with a neighbour above, below, left or right that is of
//!   another class. The picture's border is no boundary. Void pixels of the truth are neither boundary
//!   nor neighbours, in the truth and in the prediction alike, so that nothing depends on what was
//!   predicted there.
//! - Precision is the share of the prediction's boundary pixels with a boundary pixel of the truth at a
//!   Euclidean distance of at most the tolerance; recall is the same with the two exchanged.
//! - `F = 2 P R / (P + R)`; 0 if one of the two has no boundary, and no F if both have none.
//!
//! A picture's figure is the mean over its classes that have an F, and the whole figure is the mean over
//! the pictures that have one.
//!
//! # Source
//! G. Csurka, D. Larlus, F. Perronnin: What is a good evaluation measure for semantic segmentation?, BMVC
//! 2013, section 3. They ask for a distance below the tolerance, which they take as 0.75 % of the
//! picture's diagonal: see [`usual_tolerance`].

use super::confusion::mean;
use super::{MetricsError, VOID, same_length};

/// Largest tolerance, in pixels.
const MAX_TOLERANCE: usize = 1000;

/// 0.75 % of a picture's diagonal, rounded to whole pixels, at least 1.
///
/// ```
/// // The diagonal is 1297.4.
/// assert_eq!(upconv_train::metrics::boundary::usual_tolerance(375, 1242), 10);
/// ```
pub fn usual_tolerance(height: usize, width: usize) -> usize {
    ((height as f64).hypot(width as f64) * 0.0075).round().max(1.0) as usize
}

/// F of boundaries, picture by picture.
///
/// ```
/// use upconv_train::metrics::boundary::BoundaryF;
/// let mut score = BoundaryF::new(2, 1)?;
/// let truth = [0, 0, 0, 1, 1, 1];
/// // One row; the edge is one pixel off, then three.
/// score.add(&[0, 0, 1, 1, 1, 1], &truth, 6)?;
/// assert_eq!(score.mean(), 1.0);
/// score.add(&[0, 0, 0, 0, 0, 1], &truth, 6)?;
/// assert_eq!(score.mean(), 0.5);
/// # Ok::<(), upconv_train::metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BoundaryF {
    tolerance: usize,
    /// For each class the sum of F, and in how many pictures there is one.
    classes: Vec<(f64, u64)>,
    /// The sum of the pictures' figures, and how many have one.
    pictures: (f64, u64),
}

impl BoundaryF {
    /// For labels from 0 to `classes - 1` and a tolerance in pixels.
    ///
    /// # Errors
    /// If there are no classes, or more than 255. A tolerance above 1000 is taken as 1000.
    pub fn new(classes: usize, tolerance: usize) -> Result<Self, MetricsError> {
        if !(1..=255).contains(&classes) {
            return Err(MetricsError::Classes { got: classes });
        }
        let tolerance = tolerance.min(MAX_TOLERANCE);
        Ok(Self { tolerance, classes: vec![(0.0, 0); classes], pictures: (0.0, 0) })
    }

    /// Adds a picture of rows of `width` pixels.
    ///
    /// # Errors
    /// If the lengths differ or are no whole rows, or a label is of no class; then nothing is added.
    pub fn add(
        &mut self,
        predicted: &[u8],
        truth: &[u8],
        width: usize,
    ) -> Result<(), MetricsError> {
        same_length("prediction", predicted.len(), truth.len())?;
        let height = truth.len().checked_div(width).unwrap_or(0);
        same_length("whole rows of the truth", truth.len(), height * width)?;
        let classes = self.classes.len();
        for (index, (&predicted, &truth)) in predicted.iter().zip(truth).enumerate() {
            for (what, got) in [("truth", truth), ("prediction", predicted)] {
                if truth != VOID && usize::from(got) >= classes {
                    return Err(MetricsError::NoLabel { what, index, got, classes });
                }
            }
        }
        let [predicted, truth] =
            [predicted, truth].map(|labels| Boundaries::new(labels, truth, width, classes));
        let scores: Vec<Option<f64>> =
            (0..classes).map(|class| predicted.f(&truth, class, self.tolerance)).collect();
        for (sum, score) in self.classes.iter_mut().zip(&scores) {
            if let Some(score) = score {
                *sum = (sum.0 + score, sum.1 + 1);
            }
        }
        if scores.iter().any(Option::is_some) {
            self.pictures = (self.pictures.0 + mean(&scores), self.pictures.1 + 1);
        }
        Ok(())
    }

    /// Adds the pictures of another accumulator. The sums are in floating point: for the same bits merge
    /// in the same order.
    ///
    /// # Errors
    /// If it has another number of classes or another tolerance.
    pub fn merge(&mut self, other: &Self) -> Result<(), MetricsError> {
        let pairs = [
            ("classes", self.classes.len(), other.classes.len()),
            ("pixels of tolerance", self.tolerance, other.tolerance),
        ];
        for (what, left, right) in pairs {
            if left != right {
                return Err(MetricsError::Merge { what, left, right });
            }
        }
        let pairs = self.classes.iter_mut().zip(&other.classes);
        for (sum, more) in pairs.chain([(&mut self.pictures, &other.pictures)]) {
            *sum = (sum.0 + more.0, sum.1 + more.1);
        }
        Ok(())
    }

    /// For each class the mean of F over the pictures in which it has a boundary.
    pub fn per_class(&self) -> Vec<Option<f64>> {
        let one = |&(sum, count): &(f64, u64)| (count > 0).then(|| sum / count as f64);
        self.classes.iter().map(one).collect()
    }

    /// The mean over the pictures; 0 without any.
    pub fn mean(&self) -> f64 {
        let (sum, count) = self.pictures;
        if count == 0 { 0.0 } else { sum / count as f64 }
    }
}

/// The boundary pixels of one labelling: which pixels they are, and the list for each class.
struct Boundaries<'a> {
    labels: &'a [u8],
    width: usize,
    is_boundary: Vec<bool>,
    places: Vec<Vec<usize>>,
}

impl<'a> Boundaries<'a> {
    /// Labels other than void ones of the truth are below `classes`.
    fn new(labels: &'a [u8], truth: &[u8], width: usize, classes: usize) -> Self {
        let mut is_boundary = vec![false; labels.len()];
        let mut places = vec![vec![]; classes];
        for place in (0..labels.len()).filter(|&place| truth[place] != VOID) {
            let column = place % width;
            let neighbours = [
                (place >= width).then(|| place - width),
                (place + width < labels.len()).then(|| place + width),
                (column > 0).then(|| place - 1),
                (column + 1 < width).then(|| place + 1),
            ];
            let differs = |&other: &usize| truth[other] != VOID && labels[other] != labels[place];
            if neighbours.iter().flatten().any(differs) {
                is_boundary[place] = true;
                places[usize::from(labels[place])].push(place);
            }
        }
        Self { labels, width, is_boundary, places }
    }

    /// F of these against the truth's, for one class.
    fn f(&self, truth: &Self, class: usize, tolerance: usize) -> Option<f64> {
        let [mine, theirs] = [self.places[class].len(), truth.places[class].len()];
        if mine + theirs == 0 {
            return None;
        }
        let precision = self.near(truth, class, tolerance) as f64 / mine.max(1) as f64;
        let recall = truth.near(self, class, tolerance) as f64 / theirs.max(1) as f64;
        let sum = precision + recall;
        Some(if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 })
    }

    /// How many of these have one of the other's within the tolerance.
    fn near(&self, other: &Self, class: usize, tolerance: usize) -> usize {
        let height = self.labels.len() / self.width;
        let is_near = |&&place: &&usize| {
            let (row, column) = (place / self.width, place % self.width);
            let rows = row.saturating_sub(tolerance)..(row + tolerance + 1).min(height);
            rows.into_iter().any(|r| {
                let down = r.abs_diff(row);
                // The widest distance along the row that keeps the whole one within the tolerance.
                let along = (tolerance * tolerance - down * down).isqrt();
                let first = r * self.width + column.saturating_sub(along);
                let last = r * self.width + (column + along).min(self.width - 1);
                (first..=last)
                    .any(|at| other.is_boundary[at] && usize::from(other.labels[at]) == class)
            })
        };
        self.places[class].iter().filter(is_near).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(predicted: &[u8], truth: &[u8], width: usize, tolerance: usize) -> BoundaryF {
        let mut score = BoundaryF::new(2, tolerance).unwrap();
        score.add(predicted, truth, width).unwrap();
        score
    }

    /// A square of 2 x 2 in a picture of 6 x 6, at a row and a column.
    fn square(row: usize, column: usize) -> Vec<u8> {
        let inside = |place: usize| {
            (row..row + 2).contains(&(place / 6)) && (column..column + 2).contains(&(place % 6))
        };
        (0..36).map(|place| u8::from(inside(place))).collect()
    }

    #[test]
    fn squares_by_hand() {
        // Moved right by one. Of the square's 4 pixels 2 stay within distance 0, all within 1.
        let [truth, moved] = [square(2, 2), square(2, 3)];
        assert_eq!(score(&moved, &truth, 6, 0).per_class()[1], Some(0.5));
        assert_eq!(score(&moved, &truth, 6, 1).per_class()[1], Some(1.0));
        // Around the square lie 8 pixels that touch it by a side. After the move 4 of them stay: two of
        // the pairs above and below.
        let around = score(&moved, &truth, 6, 0).per_class()[0].unwrap();
        assert_eq!(around, 2.0 / 8.0);
        assert_eq!(score(&truth, &truth, 6, 0).mean(), 1.0);
        // Moved diagonally by one: sqrt(2) is above 1 and below 2. The common corner stays.
        let diagonal = square(3, 3);
        assert_eq!(score(&diagonal, &truth, 6, 0).per_class()[1], Some(0.25));
        // Within 1 of the old square are 3 of the 4 pixels.
        assert_eq!(score(&diagonal, &truth, 6, 1).per_class()[1], Some(0.75));
        assert_eq!(score(&diagonal, &truth, 6, 2).per_class()[1], Some(1.0));
    }

    #[test]
    fn one_without_a_boundary_scores_zero_and_both_nothing() {
        let none = vec![0; 36];
        let missed = score(&none, &square(2, 2), 6, 3);
        assert_eq!(missed.per_class(), [Some(0.0), Some(0.0)]);
        let both = score(&none, &none, 6, 3);
        assert_eq!((both.per_class(), both.mean()), (vec![None, None], 0.0));
        // Pictures without boundaries do not count in the mean.
        let mut sum = score(&square(1, 1), &square(1, 1), 6, 0);
        sum.merge(&both).unwrap_err();
        sum.merge(&score(&none, &none, 6, 0)).unwrap();
        assert_eq!(sum.mean(), 1.0);
    }

    #[test]
    fn void_pixels_make_no_boundary() {
        // One row: an edge between void and others is none, whatever is predicted there.
        let truth = [0, 0, VOID, 1, 1, 0];
        for under in [0, 1] {
            let found = score(&[0, 0, under, 1, 1, 0], &truth, 6, 0);
            assert_eq!(found.per_class(), [Some(1.0), Some(1.0)]);
        }
        let found = score(&[0, 1, 1, 1, 1, 0], &truth, 6, 0);
        // Class 0: predicted at 0 and 5, true at 5 only. P = 1/2, R = 1.
        assert_eq!(found.per_class()[0], Some(2.0 / 3.0));
        // Class 1: predicted at 1 and 4, true at 4 only.
        assert_eq!(found.per_class()[1], Some(2.0 / 3.0));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut score = BoundaryF::new(2, 1).unwrap();
        let before = score.clone();
        assert!(score.add(&[0; 6], &[0; 5], 3).is_err());
        assert!(score.add(&[0; 5], &[0; 5], 3).is_err());
        assert!(score.add(&[0; 6], &[0; 6], 0).is_err());
        assert!(score.add(&[0, 2], &[0, 1], 2).is_err());
        score.add(&[], &[], 7).unwrap();
        assert_eq!(score, before);
    }
}
