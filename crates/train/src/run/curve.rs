//! One number over the steps, in a bounded count of points.

use super::metrics::Kind;

/// Most points of a curve. Even, so that its points can be merged in pairs.
pub const MAX_POINTS: usize = 600;

/// What a curve says of one step, or of several that follow each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The last of the steps it stands for.
    pub step: u64,
    /// The mean of their values.
    pub mean: f64,
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
    /// How many they are.
    pub count: u64,
}

/// One number over the steps.
///
/// When there are more than [`MAX_POINTS`], neighbours are merged in pairs, and each point stands for twice as many
/// values from then on; so the curve depends on the values alone, and not on when they were read.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// What the number is called.
    pub name: String,
    /// What it is of.
    pub kind: Kind,
    points: Vec<Point>,
    /// Values of a full point.
    width: u64,
}

impl Curve {
    pub(super) fn new(name: String, kind: Kind) -> Self {
        Self { name, kind, points: Vec::new(), width: 1 }
    }

    /// In the order of the steps; every point but the last stands for the same count of values.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// Adds the value of a step after all others.
    pub(super) fn push(&mut self, step: u64, value: f64) {
        let point = Point { step, mean: value, low: value, high: value, count: 1 };
        if let Some(last) = self.points.last_mut().filter(|last| last.count < self.width) {
            *last = last.with(&point);
            return;
        }
        if self.points.len() == MAX_POINTS {
            self.points = self.points.chunks_exact(2).map(|pair| pair[0].with(&pair[1])).collect();
            self.width *= 2;
        }
        self.points.push(point);
    }
}

impl Point {
    /// Both as one; `next` is of later steps.
    fn with(&self, next: &Self) -> Self {
        let count = self.count + next.count;
        let (low, high) = (self.low.min(next.low), self.high.max(next.high));
        // Weights of at most 1, so that the mean of large values does not overflow; rounding leaves it between the two.
        let part = |point: &Self| point.mean * (point.count as f64 / count as f64);
        let mean = (part(self) + part(next)).clamp(low, high);
        Self { step: next.step, mean, low, high, count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_by_hand() {
        let mut curve = Curve::new("loss".into(), Kind::Train);
        let full = MAX_POINTS as u64;
        (1..=full).for_each(|step| curve.push(step, step as f64));
        assert_eq!(curve.points().len(), MAX_POINTS);
        assert_eq!(curve.points()[1], Point { step: 2, mean: 2.0, low: 2.0, high: 2.0, count: 1 });
        // One more: pairs, and a point that is not full.
        curve.push(full + 1, -1.0);
        assert_eq!(curve.points().len(), MAX_POINTS / 2 + 1);
        assert_eq!(curve.points()[1], Point { step: 4, mean: 3.5, low: 3.0, high: 4.0, count: 2 });
        let (step, mean) = (full + 2, 1.0);
        curve.push(step, 3.0);
        let last = Point { step, mean, low: -1.0, high: 3.0, count: 2 };
        assert_eq!(curve.points().last(), Some(&last));
    }

    #[test]
    fn large_values_do_not_overflow() {
        let mut curve = Curve::new("loss".into(), Kind::Train);
        (1..=7 * MAX_POINTS as u64).for_each(|step| curve.push(step, f64::MAX));
        assert!(curve.points().iter().all(|point| point.mean == f64::MAX));
    }
}
