//! The ten shapes, in a circle of radius 1 around the origin.

use std::f32::consts::{PI, TAU};

use crate::random::Random;

/// A class of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A full circle.
    Disc,
    /// A circle with a hole.
    Ring,
    /// A full square.
    Square,
    /// A full triangle with equal sides.
    Triangle,
    /// A star of five points.
    Star,
    /// Two bars across each other.
    Cross,
    /// Parallel bars.
    Stripes,
    /// The fields of one colour of a chessboard.
    Checker,
    /// A line that goes round and out.
    Spiral,
    /// Two full circles.
    BlobPair,
}

impl Shape {
    /// All of them, in the order of their labels.
    pub const ALL: [Self; 10] = [
        Self::Disc,
        Self::Ring,
        Self::Square,
        Self::Triangle,
        Self::Star,
        Self::Cross,
        Self::Stripes,
        Self::Checker,
        Self::Spiral,
        Self::BlobPair,
    ];

    /// As in the list of the classes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disc => "disc",
            Self::Ring => "ring",
            Self::Square => "square",
            Self::Triangle => "triangle",
            Self::Star => "star",
            Self::Cross => "cross",
            Self::Stripes => "stripes",
            Self::Checker => "checker",
            Self::Spiral => "spiral",
            Self::BlobPair => "blob pair",
        }
    }
}

/// Whether a shape with proportion `part` from 0 to 1, the middle of its range at 1/2, covers a point.
///
/// ```
/// use upconv_data::synthetic::pictures::{Shape, inside};
/// // A hole of half a radius and more; a triangle with a corner at the right.
/// assert!(!inside(Shape::Ring, 0.5, 0.0, 0.0) && inside(Shape::Ring, 0.5, 0.9, 0.0));
/// assert!(inside(Shape::Triangle, 0.5, 0.9, 0.0) && !inside(Shape::Triangle, 0.5, -0.6, 0.0));
/// assert!(!inside(Shape::BlobPair, 0.5, 0.0, 0.5) && inside(Shape::BlobPair, 0.5, -0.55, 0.0));
/// ```
pub fn inside(shape: Shape, part: f32, x: f32, y: f32) -> bool {
    Form { shape, part, phase: [0.0; 2], other_hand: false, round: false }.covers(x, y)
}

/// A shape and what is free in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    shape: Shape,
    /// From 0 to 1: how wide a hole, a bar or a field is.
    part: f32,
    /// Where a pattern begins, in its periods.
    phase: [f32; 2],
    /// Whether a spiral turns the other way.
    other_hand: bool,
    /// Whether a pattern fills the circle, or a square.
    round: bool,
}

impl Form {
    pub(super) fn draw(random: &mut Random, shape: Shape) -> Self {
        let mut uniform = || random.uniform() as f32;
        let (part, phase) = (uniform(), [uniform(), uniform()]);
        Self { shape, part, phase, other_hand: uniform() < 0.5, round: uniform() < 0.5 }
    }

    /// Whether it covers a point.
    pub(super) fn covers(&self, x: f32, y: f32) -> bool {
        let radius = (x * x + y * y).sqrt();
        let between = |least: f32, most: f32| least + (most - least) * self.part;
        match self.shape {
            Shape::Disc => radius < 1.0,
            Shape::Ring => (between(0.5, 0.65)..1.0).contains(&radius),
            Shape::Square => x.abs().max(y.abs()) < 0.8,
            // Three half planes, each half a radius away.
            Shape::Triangle => (0..3).all(|side| {
                let turn = PI + side as f32 * TAU / 3.0;
                x * turn.cos() + y * turn.sin() < 0.5
            }),
            Shape::Star => star(x, y, between(0.38, 0.46)),
            Shape::Cross => {
                let (short, long) = (x.abs().min(y.abs()), x.abs().max(y.abs()));
                short < between(0.2, 0.32) && long < 1.0
            }
            Shape::Stripes => {
                let period = between(0.5, 0.7);
                self.window(x, y, radius) && (x / period + self.phase[0]).rem_euclid(1.0) < 0.5
            }
            Shape::Checker => {
                let side = between(0.36, 0.5);
                let field = |at: f32, phase: f32| (at / side + 2.0 * phase).floor() as i32;
                let sum = field(x, self.phase[0]) + field(y, self.phase[1]);
                self.window(x, y, radius) && sum.rem_euclid(2) == 0
            }
            // Archimedes' spiral: the radius grows by the same length in each turn.
            Shape::Spiral => {
                let angle = if self.other_hand { -y } else { y }.atan2(x) / TAU;
                let turns = between(1.6, 2.1);
                radius < 1.0 && (radius * turns - angle).rem_euclid(1.0) < 0.5
            }
            Shape::BlobPair => {
                let (from, size) = (0.57, between(0.34, 0.43));
                (x.abs() - from).powi(2) + y * y < size * size
            }
        }
    }

    fn window(&self, x: f32, y: f32, radius: f32) -> bool {
        if self.round { radius < 1.0 } else { x.abs().max(y.abs()) < 0.85 }
    }
}

/// Five points at radius 1, and corners between them at `inner`.
fn star(x: f32, y: f32, inner: f32) -> bool {
    let sector = TAU / 5.0;
    // From the nearest point of the star, on either side.
    let angle = y.atan2(x).rem_euclid(sector);
    let angle = angle.min(sector - angle);
    let radius = (x * x + y * y).sqrt();
    let (px, py) = (radius * angle.cos(), radius * angle.sin());
    // The edge from (1, 0) to the corner in the middle of the sector.
    let (cx, cy) = (inner * (sector / 2.0).cos(), inner * (sector / 2.0).sin());
    (cx - 1.0) * py - cy * (px - 1.0) > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shares of the square from -1 to 1, against the areas of geometry.
    #[test]
    fn areas() {
        const N: usize = 400;
        let area = |shape| {
            let at = |cell: usize| (cell as f32 + 0.5) / N as f32 * 2.0 - 1.0;
            let points = (0..N * N).filter(|p| inside(shape, 0.5, at(p % N), at(p / N)));
            4.0 * points.count() as f32 / (N * N) as f32
        };
        let (inner, bar) = (0.42, 0.26);
        for (shape, expected) in [
            (Shape::Disc, PI),
            (Shape::Ring, PI * (1.0 - 0.575 * 0.575)),
            (Shape::Square, 1.6 * 1.6),
            // Of circumradius 1: 3/4 sqrt(3).
            (Shape::Triangle, 0.75 * 3f32.sqrt()),
            // Ten triangles with sides 1 and `inner`, and 36 degrees between them.
            (Shape::Star, 5.0 * inner * (PI / 5.0).sin()),
            (Shape::Cross, 2.0 * 4.0 * bar - 4.0 * bar * bar),
            // Half of the circle, as the turns fill it evenly.
            (Shape::Spiral, PI / 2.0),
            (Shape::BlobPair, 2.0 * PI * 0.385 * 0.385),
        ] {
            let got = area(shape);
            assert!((got - expected).abs() < 0.02, "{shape:?}: {got} {expected}");
        }
    }

    #[test]
    fn names_differ() {
        let names: std::collections::HashSet<_> = Shape::ALL.map(Shape::name).into();
        assert_eq!(names.len(), 10);
    }
}
