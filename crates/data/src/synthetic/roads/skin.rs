//! What solids look like.

use super::solid::{Form, Hit};
use super::vector::V3;
use crate::synthetic::noise::{bumps, hash, value};

const GLASS: V3 = V3([0.05, 0.06, 0.07]);
const RUBBER: V3 = V3([0.03, 0.03, 0.03]);

/// The look of a solid; colours are shares of light that is reflected.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Skin {
    /// One colour.
    Plain {
        /// The colour.
        colour: V3,
    },
    /// The wall of a house, with rows of windows.
    Wall {
        /// The colour.
        colour: V3,
        /// Metres from floor to floor.
        floor: f32,
        /// Metres from window to window.
        bay: f32,
        /// Whether the ground floor has shop windows.
        shop: bool,
    },
    /// Tiles.
    Roof {
        /// The colour.
        colour: V3,
    },
    /// Leaves, on a ball or on a hedge.
    Leaves {
        /// The colour.
        colour: V3,
    },
    /// The lower part of a car.
    Body {
        /// The colour.
        colour: V3,
    },
    /// The part of a car with windows.
    Cabin {
        /// The colour.
        colour: V3,
    },
    /// A wheel.
    Tyre,
}

/// A place that is seen on a solid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look<'a> {
    pub(crate) hit: &'a Hit,
    pub(crate) form: &'a Form,
    pub(crate) seed: u32,
    /// Metres that a pixel covers.
    pub(crate) footprint: f32,
}

impl Skin {
    /// The colour at a place.
    pub(crate) fn at(&self, look: Look<'_>) -> V3 {
        let Look { hit, form, seed, footprint } = look;
        let V3([x, y, z]) = hit.place;
        let half = match *form {
            Form::Block { half, .. } => half.0,
            Form::Ball { radius } => [radius; 3],
        };
        let is_front = hit.side.0[2].abs() > 0.5;
        // Along the wall.
        let along = if is_front { x } else { z };
        match *self {
            Self::Plain { colour } => {
                colour * (1.0 + 0.2 * bumps(along + x, y, 0.4, footprint, seed))
            }
            Self::Wall { colour, floor, bay, shop } => {
                if hit.side.0[1].abs() > 0.5 {
                    return colour;
                }
                let above = y + half[1];
                let (column, row) = ((along / bay).floor(), (above / floor).floor());
                let (u, v) = (along / bay - column, above / floor - row);
                let is_shop = shop && row == 0.0;
                let [left, bottom, top] =
                    if is_shop { [0.08, 0.1, 0.78] } else { [0.28, 0.3, 0.8] };
                let is_window = (left..1.0 - left).contains(&u) && (bottom..top).contains(&v);
                let seen = (0.6 / footprint - 0.5).clamp(0.0, 1.0);
                let plaster = 0.18 * bumps(along, y, 3.0, footprint, seed)
                    + 0.2 * bumps(along, y, 0.15, footprint, seed ^ 1);
                let wall = colour * (1.0 + plaster);
                let shade = hash(column as i32, row as i32, seed ^ 2);
                let glass = GLASS.mix(V3::all(0.3), 0.5 * shade * shade);
                // A light frame around each window.
                let frame = (left - 0.04..1.04 - left).contains(&u)
                    && (bottom - 0.03..top + 0.03).contains(&v);
                match (is_window, frame) {
                    (true, _) => wall.mix(glass, 0.3 + 0.7 * seen),
                    (false, true) => wall.mix(V3::all(0.55), 0.7 * seen),
                    (false, false) => wall,
                }
            }
            Self::Roof { colour } => {
                let row = (y * 4.0).floor();
                let edge = (y * 4.0 - row < 0.25) as u8 as f32;
                let seen = (0.25 / footprint - 0.5).clamp(0.0, 1.0);
                let tile = hash(row as i32, (along * 4.0).floor() as i32, seed) - 0.5;
                colour * (1.0 + (0.3 * tile - 0.25 * edge) * seen)
            }
            Self::Leaves { colour } => {
                let leaf = 0.5 * bumps(x + z, y - 0.3 * z, 0.9, footprint, seed ^ 5)
                    + 0.8 * bumps(x - z, y + 0.4 * x, 0.25, footprint, seed ^ 6)
                    + 0.8 * bumps(x + z, y, 0.08, footprint, seed ^ 7);
                // Darker below and inside.
                let up = 0.55 + 0.3 * (y / half[1] + 0.5);
                colour * (up * (1.0 + leaf)).max(0.15)
            }
            Self::Body { colour } => {
                let high = (y + half[1]) / (2.0 * half[1]);
                let side = x.abs() / half[0];
                if high < 0.18 {
                    return V3::all(0.04);
                }
                if !is_front {
                    let door =
                        (z.abs() < 0.02 || (z.abs() - half[2] * 0.45).abs() < 0.02) as u8 as f32;
                    return colour * (1.0 - 0.5 * door * (0.08 / footprint).min(1.0));
                }
                let is_rear = hit.side.0[2] < 0.0;
                if side > 0.62 && (0.5..0.88).contains(&high) {
                    return if is_rear { V3([0.45, 0.02, 0.02]) } else { V3::all(0.75) };
                }
                if side < 0.28 && (0.3..0.5).contains(&high) {
                    return V3::all(0.6);
                }
                if !is_rear && side < 0.55 && (0.5..0.8).contains(&high) {
                    return V3::all(0.05);
                }
                colour
            }
            Self::Cabin { colour } => {
                let high = (y + half[1]) / (2.0 * half[1]);
                if hit.side.0[1] > 0.9 || !(0.08..0.86).contains(&high) {
                    return colour;
                }
                // What is left of the half width at this height is known only roughly.
                let (at, reach) = if is_front { (x, half[0]) } else { (z, half[2]) };
                let pillar = at.abs() > reach * (0.93 - 0.2 * high)
                    || (!is_front && (at - reach * 0.05).abs() < 0.06);
                if pillar { colour } else { GLASS.mix(V3::all(0.35), 0.25 * high) }
            }
            Self::Tyre => {
                let from_hub = (y * y + z * z).sqrt() / half[1];
                let rim = value((y.atan2(z)) * 2.5, 0.0, seed);
                if from_hub < 0.62 && !is_front { V3::all(0.18 + 0.25 * rim) } else { RUBBER }
            }
        }
    }
}
