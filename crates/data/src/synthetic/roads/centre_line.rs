//! The road's centre line: a clothoid, whose curvature changes evenly with the way along it.

use super::vector::V3;

/// Metres between two points of the table.
const STEP: f32 = 0.5;

/// Where the table begins, in metres along the line; the camera is beside 0.
const FIRST: f32 = -30.0;

/// Where the curvature stops to change as drawn; it then falls to 0 over half of that.
pub(crate) const BEND: f32 = 100.0;

/// Entries of the table: 250 m.
const ENTRIES: usize = 500;

/// What a line is drawn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shape {
    /// Where the line passes the camera, in metres to its right.
    pub(crate) x: f32,
    /// Its direction there, in radians to the right of the camera's heading.
    pub(crate) heading: f32,
    /// By how much it turns to the right over the first 100 m, in radians.
    pub(crate) turn: f32,
    /// How the turn is spread: at 0 evenly, at -1 it comes late, at 1 early; beyond, the road winds.
    pub(crate) early: f32,
}

impl Shape {
    /// Curvature at a way along the line, in radians a metre. Behind the camera it stays as it is there.
    fn curvature(&self, way: f32) -> f32 {
        let at = |way: f32| self.turn / BEND * (1.0 + self.early * (1.0 - 2.0 * way / BEND));
        let fade = 1.0 - (way - BEND).max(0.0) / (BEND / 2.0);
        at(way.clamp(0.0, BEND)) * fade.max(0.0)
    }
}

/// A point of the line.
#[derive(Clone, Copy, Debug)]
struct Knot {
    x: f32,
    z: f32,
    /// Sine and cosine of the direction.
    sin: f32,
    cos: f32,
}

/// The line as a table.
#[derive(Clone, Debug)]
pub(crate) struct CentreLine {
    knots: Vec<Knot>,
}

impl CentreLine {
    pub(crate) fn new(shape: &Shape) -> Self {
        // From the camera on, then backwards.
        let walk = |step: f32, count: usize| {
            let (mut x, mut z, mut heading) = (shape.x, 0.0, shape.heading);
            let mut knots = Vec::with_capacity(count);
            for index in 0..count {
                let (sin, cos) = heading.sin_cos();
                knots.push(Knot { x, z, sin, cos });
                // The midpoint rule: exact to second order.
                let middle = (index as f32 + 0.5) * step;
                let half = heading + shape.curvature(middle - step / 4.0) * step / 2.0;
                x += half.sin() * step;
                z += half.cos() * step;
                heading += shape.curvature(middle) * step;
            }
            knots
        };
        let behind = (-FIRST / STEP) as usize;
        let mut knots: Vec<Knot> = walk(-STEP, behind + 1).split_off(1);
        knots.reverse();
        knots.extend(walk(STEP, ENTRIES - behind));
        Self { knots }
    }

    /// The way along the line and the distance to its right of a point on the ground, in metres. Beyond
    /// its ends the line goes on straight.
    pub(crate) fn locate(&self, x: f32, z: f32) -> (f32, f32) {
        let mut way = z;
        let mut aside = 0.0;
        // Newton's iteration for the foot of the perpendicular; it gains digits quickly wherever the
        // point is nearer than the centre of curvature.
        for _ in 0..4 {
            let knot = self.at(way);
            let (dx, dz) = (x - knot.x, z - knot.z);
            let ahead = dx * knot.sin + dz * knot.cos;
            aside = dx * knot.cos - dz * knot.sin;
            way += ahead;
            if ahead.abs() < 0.02 {
                break;
            }
        }
        (way, aside)
    }

    /// The point of the ground at a way along the line and a distance to its right.
    pub(crate) fn place(&self, way: f32, aside: f32) -> V3 {
        let knot = self.at(way);
        V3([knot.x + aside * knot.cos, 0.0, knot.z - aside * knot.sin])
    }

    /// Sine and cosine of the line's direction to the right of z.
    pub(crate) fn direction(&self, way: f32) -> (f32, f32) {
        let knot = self.at(way);
        (knot.sin, knot.cos)
    }

    fn at(&self, way: f32) -> Knot {
        let place = (way - FIRST) / STEP;
        let index = (place.max(0.0) as usize).min(self.knots.len() - 2);
        let share = place - index as f32;
        let (a, b) = (self.knots[index], self.knots[index + 1]);
        if (0.0..=1.0).contains(&share) {
            let mix = |a: f32, b: f32| a + (b - a) * share;
            let (sin, cos) = (mix(a.sin, b.sin), mix(a.cos, b.cos));
            return Knot { x: mix(a.x, b.x), z: mix(a.z, b.z), sin, cos };
        }
        let (end, beyond) = if share < 0.0 { (a, share) } else { (b, share - 1.0) };
        let beyond = beyond * STEP;
        Knot { x: end.x + end.sin * beyond, z: end.z + end.cos * beyond, ..end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_turn_is_a_circle() {
        // A quarter circle over 100 m: radius 200 / pi; the centre lies to the right.
        let shape = Shape { x: 1.0, heading: 0.0, turn: std::f32::consts::FRAC_PI_2, early: 0.0 };
        let line = CentreLine::new(&shape);
        let radius = 100.0 / std::f32::consts::FRAC_PI_2;
        for way in [0.0, 10.0, 33.3, 70.0, 99.0] {
            let angle = way / radius;
            for aside in [0.0, -6.0, 6.0] {
                let expected =
                    (1.0 + radius - (radius - aside) * angle.cos(), (radius - aside) * angle.sin());
                let V3([x, _, z]) = line.place(way, aside);
                assert!((x - expected.0).abs() < 0.02 && (z - expected.1).abs() < 0.02, "{x} {z}");
                let found = line.locate(x, z);
                assert!((found.0 - way).abs() < 0.02 && (found.1 - aside).abs() < 0.02);
            }
        }
    }

    #[test]
    fn a_clothoid_turns_by_what_was_asked() {
        for early in [-1.0, 0.5, 2.0] {
            let shape = Shape { x: 0.0, heading: 0.1, turn: 0.6, early };
            let (sin, cos) = CentreLine::new(&shape).direction(BEND);
            assert!((sin.atan2(cos) - 0.7).abs() < 0.01, "{early}");
        }
        // All of the turn at the end: x grows with the third power, turn * s^3 / (3 * 100^2).
        let line = CentreLine::new(&Shape { x: 0.0, heading: 0.0, turn: 0.3, early: -1.0 });
        let V3([x, _, _]) = line.place(50.0, 0.0);
        assert!((x - 0.3 * 125_000.0 / 30_000.0).abs() < 0.02, "{x}");
    }
}
