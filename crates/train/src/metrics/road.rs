//! One class against the rest, as KITTI's road benchmark scores it.
//!
//! # Source
//! J. Fritsch, T. Kuehnl, A. Geiger: A New Performance Measure and Evaluation Benchmark for Road
//! Detection Algorithms, ITSC 2013, section IV, and the kit that comes with the data set:
//!
//! - 256 thresholds `i / 255`; a pixel is positive where `p >= threshold`.
//! - Counts are summed over all pictures, then come the figures.
//! - MaxF is the largest `F1 = 2 TP / (2 TP + FP + FN)`. Of equal ones the lowest threshold counts.
//! - Average precision is the mean, over the recalls 0, 0.1 .. 1, of the largest precision at this
//!   recall or above, as in PASCAL VOC up to 2009. Thresholds at which nothing is right (TP = 0) are
//!   left out.
//!
//! The kit adds 1e-10 to denominators and compares recalls in floating point with multiples of 0.1;
//! here fractions are compared exactly, and a ratio of nothing by nothing is 0.

use super::{MetricsError, VOID, ratio, same_length};

/// The label of pixels that are no road.
pub const OTHER: u8 = 0;

/// The label of pixels that are road.
pub const ROAD: u8 = 1;

/// How many thresholds there are.
pub const THRESHOLDS: usize = 256;

/// The threshold number `index`, `index / 255`, as `f32`, to which probabilities are compared.
///
/// A probability that was stored as a byte and read as `byte / 255` is at its own threshold.
pub fn threshold(index: usize) -> f32 {
    index as f32 / 255.0
}

/// The last threshold that a probability reaches.
///
/// `255 p` is exact in `f64` (24 and 8 bits), so its integer part `k` is the last one among the exact
/// fractions. Rounded to `f32` a threshold moves by at most half a unit in the last place: `k` itself,
/// being at or below `p`, rounds to at most `p`, and only `k + 1` can have come down to `p`.
fn bin(p: f32) -> usize {
    let k = (f64::from(p) * 255.0) as usize;
    if k < THRESHOLDS - 1 && p >= threshold(k + 1) { k + 1 } else { k }
}

/// What is right and wrong at one threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Road that was found.
    pub true_positives: u64,
    /// Other pixels that were taken for road.
    pub false_positives: u64,
    /// Road that was missed.
    pub false_negatives: u64,
    /// Other pixels that were left out.
    pub true_negatives: u64,
}

impl Counts {
    /// Share of what was found that is road.
    pub fn precision(&self) -> f64 {
        ratio(self.true_positives, self.true_positives + self.false_positives)
    }

    /// Share of the road that was found.
    pub fn recall(&self) -> f64 {
        ratio(self.true_positives, self.true_positives + self.false_negatives)
    }

    /// The harmonic mean of precision and recall.
    pub fn f1(&self) -> f64 {
        let twice = 2 * self.true_positives;
        ratio(twice, twice + self.false_positives + self.false_negatives)
    }

    /// Share of the other pixels that were taken for road.
    pub fn false_positive_rate(&self) -> f64 {
        ratio(self.false_positives, self.false_positives + self.true_negatives)
    }

    /// Share of the road that was missed.
    pub fn false_negative_rate(&self) -> f64 {
        ratio(self.false_negatives, self.true_positives + self.false_negatives)
    }
}

/// The figures of KITTI's table, each from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoadFigures {
    /// The largest F1.
    pub max_f: f64,
    /// The threshold at which it is reached.
    pub best_threshold: f64,
    /// Average precision.
    pub average_precision: f64,
    /// Precision at the best threshold.
    pub precision: f64,
    /// Recall at the best threshold.
    pub recall: f64,
    /// False-positive rate at the best threshold.
    pub false_positive_rate: f64,
    /// False-negative rate at the best threshold.
    pub false_negative_rate: f64,
}

/// Pixels by the last threshold that they reach, from which all counts follow.
///
/// ```
/// use upconv_train::metrics::road::RoadCounts;
/// let mut counts = RoadCounts::new();
/// // Road at 0.9, missed road at 0.2, and 0.6 where there is none; the last pixel is void.
/// counts.add(&[0.9, 0.2, 0.6, 1.0], &[1, 1, 0, 255])?;
/// let figures = counts.figures();
/// // Best at 0: all three are positive, F1 = 2 * 2 / (2 * 2 + 1).
/// assert_eq!((figures.max_f, figures.best_threshold), (0.8, 0.0));
/// // Precision 1 up to recall 0.5 (6 of the 11 recalls), then 2/3.
/// assert!((figures.average_precision - (6.0 + 5.0 * 2.0 / 3.0) / 11.0).abs() < 1e-15);
/// # Ok::<(), upconv_train::metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoadCounts {
    road: [u64; THRESHOLDS],
    other: [u64; THRESHOLDS],
}

impl Default for RoadCounts {
    fn default() -> Self {
        Self::new()
    }
}

impl RoadCounts {
    /// No pixels yet.
    pub fn new() -> Self {
        Self { road: [0; THRESHOLDS], other: [0; THRESHOLDS] }
    }

    /// Adds a picture: the probability of road and the truth ([`OTHER`], [`ROAD`], [`VOID`]) of each
    /// pixel. Void pixels count nowhere, whatever their probability.
    ///
    /// # Errors
    /// If the lengths differ, a probability is not in 0..1, or a label is another number; then nothing
    /// of the picture is added.
    pub fn add(&mut self, probabilities: &[f32], labels: &[u8]) -> Result<(), MetricsError> {
        same_length("labels", labels.len(), probabilities.len())?;
        let mut picture = Self::new();
        for (index, (&p, &label)) in probabilities.iter().zip(labels).enumerate() {
            let pixels = match label {
                VOID => continue,
                ROAD => &mut picture.road,
                OTHER => &mut picture.other,
                got => {
                    let (what, classes) = ("labels", 2);
                    return Err(MetricsError::NoLabel { what, index, got, classes });
                }
            };
            if !(0.0..=1.0).contains(&p) {
                return Err(MetricsError::NoProbability { index, got: p });
            }
            pixels[bin(p)] += 1;
        }
        self.merge(&picture);
        Ok(())
    }

    /// Adds the pixels of another accumulator.
    pub fn merge(&mut self, other: &Self) {
        let pairs = self.road.iter_mut().zip(&other.road);
        for (mine, theirs) in pairs.chain(self.other.iter_mut().zip(&other.other)) {
            *mine += theirs;
        }
    }

    /// Pixels that count: road, others.
    pub fn pixels(&self) -> (u64, u64) {
        (self.road.iter().sum(), self.other.iter().sum())
    }

    /// The counts at each threshold, lowest first.
    pub fn curve(&self) -> Vec<Counts> {
        let (road, other) = self.pixels();
        let mut below = (0, 0);
        let at = |index: usize| {
            let counts = Counts {
                true_positives: road - below.0,
                false_positives: other - below.1,
                false_negatives: below.0,
                true_negatives: below.1,
            };
            below.0 += self.road[index];
            below.1 += self.other[index];
            counts
        };
        (0..THRESHOLDS).map(at).collect()
    }

    /// The figures over all pictures; all finite, also where there is only road, none, or no pixel.
    pub fn figures(&self) -> RoadFigures {
        let curve = self.curve();
        let mut best = 0;
        for (index, counts) in curve.iter().enumerate() {
            if counts.f1() > curve[best].f1() {
                best = index;
            }
        }
        let counts = curve[best];
        RoadFigures {
            max_f: counts.f1(),
            best_threshold: best as f64 / 255.0,
            average_precision: average_precision(&curve),
            precision: counts.precision(),
            recall: counts.recall(),
            false_positive_rate: counts.false_positive_rate(),
            false_negative_rate: counts.false_negative_rate(),
        }
    }
}

fn average_precision(curve: &[Counts]) -> f64 {
    let largest = |tenths: u64| {
        let enough = |counts: &&Counts| {
            let (found, missed) = (counts.true_positives, counts.false_negatives);
            found > 0 && 10 * found >= tenths * (found + missed)
        };
        curve.iter().filter(enough).map(Counts::precision).fold(0.0, f64::max)
    };
    (0..=10).map(largest).sum::<f64>() / 11.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows and columns of the example: truth and 100 times the probability.
    ///
    /// ```text
    /// road 90   road 60   other 60
    /// road 30   other 10  void 100
    /// ```
    ///
    /// Thresholds at which something changes, with TP, FP, FN, TN, worked by hand:
    /// up to .1: 3 2 0 0; up to .3: 3 1 0 1; up to .6: 2 1 1 1; up to .9: 1 0 2 2; above: 0 0 3 2.
    fn example() -> RoadCounts {
        let mut counts = RoadCounts::new();
        counts.add(&[0.9, 0.6, 0.6, 0.3, 0.1, 1.0], &[1, 1, 0, 1, 0, 255]).unwrap();
        counts
    }

    #[test]
    fn the_example_of_two_rows_by_hand() {
        let counts = example();
        assert_eq!(counts.pixels(), (3, 2));
        let curve = counts.curve();
        let at = |index: usize| {
            let Counts { true_positives: tp, false_positives: fp, .. } = curve[index];
            (tp, fp, curve[index].false_negatives, curve[index].true_negatives)
        };
        // .1 * 255 = 25.5, .3 * 255 = 76.5, .6 * 255 = 153, .9 * 255 = 229.5.
        for (first, last, expected) in [
            (0, 25, (3, 2, 0, 0)),
            (26, 76, (3, 1, 0, 1)),
            (77, 153, (2, 1, 1, 1)),
            (154, 229, (1, 0, 2, 2)),
            (230, 255, (0, 0, 3, 2)),
        ] {
            assert_eq!((at(first), at(last)), (expected, expected), "{first} to {last}");
        }
        let figures = counts.figures();
        // F1 = 6/8, 6/7, 4/6, 2/4, 0.
        assert_eq!(figures.max_f, 6.0 / 7.0);
        assert_eq!(figures.best_threshold, 26.0 / 255.0);
        assert_eq!((figures.precision, figures.recall), (0.75, 1.0));
        assert_eq!((figures.false_positive_rate, figures.false_negative_rate), (0.5, 0.0));
        // Precision 1 up to recall 1/3 (0, .1, .2, .3), then 3/4 (2/3 at recall 2/3 is less).
        assert_eq!(figures.average_precision, (4.0 + 7.0 * 0.75) / 11.0);
    }

    #[test]
    fn pictures_are_summed_before_the_figures() {
        let mut sum = example();
        sum.merge(&example());
        assert_eq!(sum.figures(), example().figures());
        assert_eq!(sum.pixels(), (6, 4));
        let mut two = example();
        two.add(&[0.0; 5], &[ROAD; 5]).unwrap();
        // At 0: TP 8, FP 2; else at most TP 3, FP 1, FN 5.
        assert_eq!(two.figures().max_f, 16.0 / 18.0);
    }

    #[test]
    fn only_road_no_road_and_nothing_are_finite() {
        let figures = |labels: &[u8]| {
            let mut counts = RoadCounts::new();
            counts.add(&vec![0.5; labels.len()], labels).unwrap();
            counts.figures()
        };
        let all = figures(&[ROAD; 4]);
        assert_eq!((all.max_f, all.average_precision, all.false_positive_rate), (1.0, 1.0, 0.0));
        let none = RoadFigures {
            max_f: 0.0,
            best_threshold: 0.0,
            average_precision: 0.0,
            precision: 0.0,
            recall: 0.0,
            false_positive_rate: 1.0,
            false_negative_rate: 0.0,
        };
        assert_eq!(figures(&[OTHER; 4]), none);
        let nothing = RoadFigures { false_positive_rate: 0.0, ..none };
        assert_eq!(figures(&[]), nothing);
        assert_eq!(figures(&[VOID; 4]), nothing);
    }

    #[test]
    fn a_stored_byte_is_at_its_own_threshold() {
        for byte in 0..=255u8 {
            assert_eq!(bin(f32::from(byte) / 255.0), usize::from(byte));
        }
    }

    #[test]
    fn what_is_wrong_is_named_and_nothing_is_added() {
        let mut counts = RoadCounts::new();
        let error = counts.add(&[0.5], &[1, 0]).unwrap_err();
        assert_eq!(error.to_string(), "labels: 2 values, where 1 are expected");
        for wrong in [f32::NAN, -0.1, 1.5, f32::INFINITY] {
            let error = counts.add(&[0.5, wrong], &[1, 0]).unwrap_err();
            assert!(matches!(error, MetricsError::NoProbability { index: 1, .. }), "{error}");
        }
        let error = counts.add(&[0.5, 0.5], &[1, 7]).unwrap_err();
        assert!(error.to_string().starts_with("labels: pixel 1 has the label 7, where 0 to 1"));
        counts.add(&[f32::NAN], &[VOID]).unwrap();
        assert_eq!(counts, RoadCounts::new());
    }
}
