//! What the ground is made of: colours and patterns.

use super::vector::V3;
use crate::synthetic::noise::{bumps, hash};

/// The pattern of a surface.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pattern {
    /// Fine grain, stains, patches.
    Asphalt,
    /// Plates with joints across, every few metres.
    Concrete {
        /// Metres from joint to joint.
        length: f32,
    },
    /// Small stones in rows.
    Cobbles,
    /// Paving slabs with joints, of a side in metres.
    Slabs {
        /// The side.
        side: f32,
    },
    /// Loose stones.
    Gravel,
    /// Blades, dry spots.
    Grass,
    /// Bare earth.
    Soil,
    /// Stones set end to end along the road.
    KerbStones,
}

/// A surface: its pattern in a colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Surface {
    pub(crate) pattern: Pattern,
    /// Mean share of light that is reflected, 0..1.
    pub(crate) colour: V3,
    /// How strong the pattern is; 1 is usual.
    pub(crate) contrast: f32,
    pub(crate) seed: u32,
}

/// A point on the ground.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    /// Metres along the road.
    pub(crate) way: f32,
    /// Metres to the right of its centre line.
    pub(crate) aside: f32,
    /// Metres that a pixel covers here: the geometric mean of along and across.
    pub(crate) footprint: f32,
}

impl Surface {
    /// The colour at a spot.
    pub(crate) fn at(&self, spot: Spot) -> V3 {
        let Spot { way, aside, footprint } = spot;
        let noise = |width: f32, layer: u32| {
            let seed = self.seed.wrapping_add(layer);
            bumps(aside, way, width, footprint, seed)
        };
        let mut tint = V3::all(1.0);
        let bright = match self.pattern {
            Pattern::Asphalt => {
                // Stains are longer along the road.
                let stains = bumps(aside, way / 5.0, 0.8, footprint, self.seed.wrapping_add(9));
                0.35 * noise(6.0, 1) + 0.3 * stains + 0.22 * noise(0.25, 2) + 0.5 * noise(0.03, 3)
            }
            Pattern::Concrete { length } => {
                let plate = (way / length).floor();
                let joint = line(way - plate * length, length, 0.03, footprint);
                let shade = hash(plate as i32, 0, self.seed) - 0.5;
                0.2 * noise(4.0, 1) + 0.15 * shade + 0.3 * noise(0.04, 2) - 0.4 * joint
            }
            Pattern::Cobbles => {
                let (row, along) = cell(way, 0.12);
                let (_, across) = cell(aside + 0.06 * (row as f32 % 2.0), 0.12);
                let gap = (along.min(across) < 0.015) as u8 as f32;
                let seen = (0.12 / footprint - 0.5).clamp(0.0, 1.0);
                0.25 * noise(3.0, 1) + 0.3 * noise(0.12, 2) - 0.45 * (gap - 0.23) * seen
            }
            Pattern::Slabs { side } => {
                let (row, along) = cell(way, side);
                let (column, across) = cell(aside, side);
                let joint =
                    line(along, side, 0.02, footprint) + line(across, side, 0.02, footprint);
                let seen = (side / footprint - 1.0).clamp(0.0, 1.0);
                let shade = (hash(row, column, self.seed) - 0.5) * seen;
                0.2 * noise(5.0, 1) + 0.22 * shade + 0.25 * noise(0.04, 2) - 0.4 * joint.min(1.0)
            }
            Pattern::Gravel => 0.4 * noise(1.5, 1) + 0.5 * noise(0.15, 2) + 0.9 * noise(0.04, 3),
            Pattern::Grass => {
                let dry = (noise(2.5, 4) + 0.6 * noise(9.0, 5)).max(0.0);
                tint = V3([1.0 + 1.3 * dry, 1.0 + 0.45 * dry, 1.0]);
                0.35 * noise(4.0, 1) + 0.5 * noise(0.35, 2) + 0.9 * noise(0.06, 3)
            }
            Pattern::Soil => 0.5 * noise(2.0, 1) + 0.6 * noise(0.3, 2) + 0.5 * noise(0.05, 3),
            Pattern::KerbStones => {
                let (stone, along) = cell(way, 1.0);
                let shade = hash(stone, 1, self.seed) - 0.5;
                0.2 * shade + 0.3 * noise(0.05, 1) - 0.4 * line(along, 1.0, 0.02, footprint)
            }
        };
        self.colour.times(tint) * (1.0 + self.contrast * bright).max(0.1)
    }
}

/// Which cell of a width a coordinate is in, and how far inside.
fn cell(coordinate: f32, width: f32) -> (i32, f32) {
    let index = (coordinate / width).floor();
    (index as i32, coordinate - index * width)
}

/// How much of a pixel a joint of a thickness covers, at the start of a cell of a width.
fn line(inside: f32, width: f32, thickness: f32, footprint: f32) -> f32 {
    let from_joint = inside.min(width - inside);
    let reach = (thickness / 2.0).max(footprint / 2.0);
    if from_joint < reach { (thickness / 2.0 / reach).min(1.0) } else { 0.0 }
}
