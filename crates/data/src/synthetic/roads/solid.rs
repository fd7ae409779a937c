//! Things that stand on the ground: boxes whose walls may lean inwards, and balls.

use super::skin::Skin;
use super::vector::V3;
use crate::synthetic::noise;

/// The form of a solid, about its centre; lengths in metres.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// A box: half its sides across, up and along, at its foot.
    Block {
        /// Half the sides.
        half: V3,
        /// By how much it is narrower on each side at its top: across, along.
        taper: [f32; 2],
    },
    /// A ball.
    Ball {
        /// Its radius.
        radius: f32,
    },
}

/// A form at a place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Solid {
    pub(crate) centre: V3,
    /// Sine and cosine of the angle between z and its length, to the right.
    pub(crate) turn: (f32, f32),
    pub(crate) form: Form,
    pub(crate) skin: Skin,
    pub(crate) seed: u32,
}

/// Where a ray meets a solid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    /// So many times the ray's direction away.
    pub(crate) distance: f32,
    /// Outwards, of length 1.
    pub(crate) normal: V3,
    /// Place and normal in the solid's own axes, from its centre.
    pub(crate) place: V3,
    pub(crate) side: V3,
}

impl Solid {
    /// Where a ray first meets it, in front of its origin.
    pub(crate) fn meet(&self, origin: V3, direction: V3) -> Option<Hit> {
        let (from, towards) = (self.own_axes(origin - self.centre), self.own_axes(direction));
        let (distance, side) = match self.form {
            Form::Block { half, taper } => meet_block(half, taper, from, towards)?,
            Form::Ball { radius } => meet_ball(radius, from, towards)?,
        };
        let place = from + towards * distance;
        let normal = self.in_world(side);
        let hit = Hit { distance, normal, place, side };
        self.is_there(&hit, towards).then_some(hit)
    }

    /// A box along the axes around it: lowest and highest corner.
    pub(crate) fn bounds(&self) -> [V3; 2] {
        let reach = match self.form {
            Form::Ball { radius } => V3::all(radius),
            Form::Block { half: V3([across, up, along]), .. } => {
                let (sin, cos) = (self.turn.0.abs(), self.turn.1.abs());
                V3([across * cos + along * sin, up, across * sin + along * cos])
            }
        };
        [self.centre - reach, self.centre + reach]
    }

    /// How far a point of the ground is from what stands above or on it, in metres; 0 below it.
    pub(crate) fn away(&self, x: f32, z: f32) -> f32 {
        let V3([x, _, z]) = self.own_axes(V3([x, 0.0, z]) - self.centre);
        match self.form {
            Form::Ball { radius } => (x.hypot(z) - radius).max(0.0),
            Form::Block { half: V3([across, _, along]), .. } => {
                (x.abs() - across).max(0.0).hypot((z.abs() - along).max(0.0))
            }
        }
    }

    fn own_axes(&self, V3([x, y, z]): V3) -> V3 {
        let (sin, cos) = self.turn;
        V3([x * cos - z * sin, y, x * sin + z * cos])
    }

    fn in_world(&self, V3([x, y, z]): V3) -> V3 {
        let (sin, cos) = self.turn;
        V3([x * cos + z * sin, y, z * cos - x * sin])
    }

    /// Leaves have holes and ragged rims, and wheels are round: whether something is there.
    fn is_there(&self, hit: &Hit, towards: V3) -> bool {
        let V3([x, y, z]) = hit.place;
        match (self.skin, self.form) {
            (Skin::Leaves { .. }, Form::Ball { .. }) => {
                // 0 at the rim, 1 where the ray goes through the middle.
                let depth = -hit.side.dot(towards.unit());
                // Across the ray, so that leaves at the rim are as wide as others.
                let (ahead, level) =
                    (towards.unit(), V3([towards.0[2], 0.0, -towards.0[0]]).unit());
                let across = hit.place - ahead * hit.place.dot(ahead);
                let (u, v) = (across.dot(level), across.0[1] + across.0[2] * 0.3);
                let leaf = 0.5 * noise::value(u * 2.2, v * 2.2, self.seed)
                    + 0.5 * noise::value(u * 7.0, v * 7.0, self.seed ^ 1);
                leaf < 0.22 + 0.9 * depth
            }
            (Skin::Leaves { .. }, Form::Block { half, .. }) => {
                let top = 0.3 * noise::value((x + z) * 2.5, 0.0, self.seed)
                    + 0.12 * noise::value((x + z) * 9.0, 1.0, self.seed);
                y < half.0[1] - top
            }
            (Skin::Tyre, Form::Block { half, .. }) => {
                y * y + z * z < half.0[1] * half.0[1] || hit.side.0[0] == 0.0
            }
            _ => true,
        }
    }
}

/// The part of the ray inside of all six walls; the wall through which it enters.
fn meet_block(half: V3, taper: [f32; 2], from: V3, towards: V3) -> Option<(f32, V3)> {
    let V3([across, up, along]) = half;
    // x + lean * y <= across - lean * up: at the foot (y = -up) across, at the top across - taper.
    let lean = taper.map(|taper| taper / (2.0 * up));
    let (mut enter, mut leave, mut wall) = (0.0f32, f32::INFINITY, None);
    for (normal, distance) in [
        (V3([1.0, lean[0], 0.0]), across - lean[0] * up),
        (V3([-1.0, lean[0], 0.0]), across - lean[0] * up),
        (V3([0.0, lean[1], 1.0]), along - lean[1] * up),
        (V3([0.0, lean[1], -1.0]), along - lean[1] * up),
        (V3([0.0, 1.0, 0.0]), up),
        (V3([0.0, -1.0, 0.0]), up),
    ] {
        let (speed, room) = (normal.dot(towards), distance - normal.dot(from));
        if speed < 0.0 {
            let at = room / speed;
            if at > enter {
                (enter, wall) = (at, Some(normal));
            }
        } else if speed > 0.0 {
            leave = leave.min(room / speed);
        } else if room < 0.0 {
            return None;
        }
        if enter >= leave {
            return None;
        }
    }
    wall.map(|normal| (enter, normal.unit()))
}

fn meet_ball(radius: f32, from: V3, towards: V3) -> Option<(f32, V3)> {
    let (a, b) = (towards.dot(towards), from.dot(towards));
    let under = b * b - a * (from.dot(from) - radius * radius);
    if under < 0.0 {
        return None;
    }
    let distance = (-b - under.sqrt()) / a;
    (distance > 0.0).then(|| (distance, (from + towards * distance).unit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(taper: [f32; 2], turn: (f32, f32)) -> Solid {
        let form = Form::Block { half: V3([1.0, 2.0, 3.0]), taper };
        let skin = Skin::Plain { colour: V3::all(0.5) };
        Solid { centre: V3([0.0, 2.0, 10.0]), turn, form, skin, seed: 0 }
    }

    #[test]
    fn blocks_by_hand() {
        let ahead = V3([0.0, 0.0, 1.0]);
        let hit = block([0.0; 2], (0.0, 1.0)).meet(V3([0.5, 1.0, 0.0]), ahead).unwrap();
        assert_eq!((hit.distance, hit.normal), (7.0, V3([0.0, 0.0, -1.0])));
        assert_eq!(hit.place, V3([0.5, -1.0, -3.0]));
        // A quarter turn: the length lies across.
        let hit = block([0.0; 2], (1.0, 0.0)).meet(V3([2.5, 1.0, 0.0]), ahead).unwrap();
        assert_eq!(hit.distance, 9.0);
        assert!((hit.normal.0[2] + 1.0).abs() < 1e-6);
        // At half its height the near wall has come back by half of 2 m.
        let hit = block([0.0, 2.0], (0.0, 1.0)).meet(V3([0.0, 2.0, 0.0]), ahead).unwrap();
        assert_eq!(hit.distance, 8.0);
        assert!(block([0.0; 2], (0.0, 1.0)).meet(V3([1.5, 1.0, 0.0]), ahead).is_none());
        assert!(block([0.0; 2], (0.0, 1.0)).meet(V3([0.0, 1.0, 20.0]), ahead).is_none());
        assert_eq!(block([0.0; 2], (1.0, 0.0)).bounds()[1], V3([3.0, 4.0, 11.0]));
    }

    #[test]
    fn balls_by_hand() {
        let ball = Solid { form: Form::Ball { radius: 2.0 }, ..block([0.0; 2], (0.6, 0.8)) };
        let hit = ball.meet(V3([0.0, 2.0, 0.0]), V3([0.0, 0.0, 2.0])).unwrap();
        assert_eq!(hit.distance, 4.0);
        assert!((hit.normal.0[2] + 1.0).abs() < 1e-6);
        assert!(ball.meet(V3([0.0, 4.5, 0.0]), V3([0.0, 0.0, 1.0])).is_none());
    }
}
