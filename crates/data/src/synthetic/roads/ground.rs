//! The ground: road, marks, and what lies beside the road.

use super::centre_line::CentreLine;
use super::surface::{Spot, Surface};
use super::vector::V3;
use crate::synthetic::noise;

/// How much light paint reflects.
const PAINT: V3 = V3([0.68, 0.68, 0.64]);

/// Something painted on the ground; lengths in metres.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark {
    /// A line along the road; with `dash`, only the first of every so many metres.
    Along {
        /// Its distance to the right of the centre line.
        aside: f32,
        /// Its width.
        width: f32,
        /// Metres painted, metres from dash to dash, where a dash begins.
        dash: Option<[f32; 3]>,
    },
    /// Lines across, as between parked cars or at a crossing.
    Across {
        /// From the one to the other distance to the right of the centre line.
        between: [f32; 2],
        /// Where the first line begins and the last one may end.
        ways: [f32; 2],
        /// Metres from line to line.
        every: f32,
        /// The width of a line.
        width: f32,
    },
    /// Stripes along the road, beside each other: a crossing.
    Zebra {
        /// Where it begins and ends.
        ways: [f32; 2],
        /// The width of a stripe and of a gap.
        stripe: f32,
        /// Half the width of the road.
        half: f32,
    },
}

impl Mark {
    fn covers(&self, spot: Spot) -> bool {
        let Spot { way, aside, .. } = spot;
        match *self {
            Self::Along { aside: at, width, dash } => {
                let on = |[on, every, start]: [f32; 3]| (way - start).rem_euclid(every) < on;
                (aside - at).abs() * 2.0 < width && dash.is_none_or(on)
            }
            Self::Across { between, ways, every, width } => {
                (between[0]..between[1]).contains(&aside)
                    && (ways[0]..ways[1]).contains(&way)
                    && (way - ways[0]).rem_euclid(every) < width
            }
            Self::Zebra { ways, stripe, half } => {
                (ways[0]..ways[1]).contains(&way)
                    && aside.abs() < half - 0.3
                    && (aside + half).rem_euclid(2.0 * stripe) < stripe
            }
        }
    }
}

/// A strip beside the road, from where the last one ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strip {
    /// Where it ends, in metres from the road's edge.
    pub(crate) until: f32,
    /// What it is made of.
    pub(crate) surface: Surface,
}

/// A way across the strips, from the road to a house.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Driveway {
    /// Where it begins and ends, in metres along the road.
    pub(crate) ways: [f32; 2],
    /// From where to where it goes, in metres from the road's edge.
    pub(crate) reach: [f32; 2],
    /// What it is made of.
    pub(crate) surface: Surface,
}

/// One side of the road.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    /// Strips along the road, the nearest first.
    pub(crate) strips: Vec<Strip>,
    /// What crosses the strips.
    pub(crate) driveways: Vec<Driveway>,
    /// What lies behind the strips.
    pub(crate) beyond: Surface,
}

impl Side {
    fn at(&self, way: f32, from_edge: f32) -> &Surface {
        let crosses = |drive: &&Driveway| {
            (drive.ways[0]..drive.ways[1]).contains(&way)
                && (drive.reach[0]..drive.reach[1]).contains(&from_edge)
        };
        if let Some(drive) = self.driveways.iter().find(crosses) {
            return &drive.surface;
        }
        let strip = self.strips.iter().find(|strip| from_edge < strip.until);
        strip.map_or(&self.beyond, |strip| &strip.surface)
    }
}

/// A part of the road that was made anew, or a lid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patch {
    pub(crate) ways: [f32; 2],
    pub(crate) asides: [f32; 2],
    /// Round instead of square.
    pub(crate) round: bool,
    /// By how much its colour is brighter.
    pub(crate) factor: f32,
}

impl Patch {
    fn covers(&self, spot: Spot) -> bool {
        let inside = |[first, last]: [f32; 2], at: f32| 2.0 * (at - first) / (last - first) - 1.0;
        let (u, v) = (inside(self.ways, spot.way), inside(self.asides, spot.aside));
        if self.round { u * u + v * v < 1.0 } else { u.abs() < 1.0 && v.abs() < 1.0 }
    }
}

/// All of the ground.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    pub(crate) line: CentreLine,
    /// Half the road's width, in metres.
    pub(crate) half: f32,
    pub(crate) road: Surface,
    pub(crate) patches: Vec<Patch>,
    /// Metres from the middle of one wheel track to the next.
    pub(crate) track: f32,
    pub(crate) marks: Vec<Mark>,
    /// How much of the paint has gone, 0..1.
    pub(crate) wear: f32,
    /// Left and right.
    pub(crate) sides: [Side; 2],
}

/// What is seen of the ground.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) colour: V3,
    pub(crate) is_road: bool,
}

impl Ground {
    /// The colour at a point, of which a pixel sees `footprint` metres.
    pub(crate) fn at(&self, x: f32, z: f32, footprint: f32) -> Seen {
        let (way, aside) = self.line.locate(x, z);
        let spot = Spot { way, aside, footprint };
        let from_edge = aside.abs() - self.half;
        let is_road = from_edge < 0.0;
        let mut colour = if is_road {
            let track = (std::f32::consts::TAU * (aside + self.half) / self.track).cos();
            let patch = self.patches.iter().rev().find(|patch| patch.covers(spot));
            let factor = patch.map_or(1.0 - 0.05 * track, |patch| patch.factor);
            self.road.at(spot) * factor
        } else {
            self.sides[usize::from(aside > 0.0)].at(way, from_edge).at(spot)
        };
        if self.marks.iter().any(|mark| mark.covers(spot)) {
            let gone = noise::value(aside * 9.0, way * 5.0, self.road.seed ^ 0x51) * 0.6
                + noise::value(aside * 1.3, way * 0.7, self.road.seed ^ 0x52) * 0.4;
            // At wear 0 all is there; at 1 about half, the rest thin.
            let kept = (2.2 - 2.4 * self.wear * (0.4 + gone)).clamp(0.0, 1.0);
            colour = colour.mix(PAINT, 0.9 * kept);
        }
        Seen { colour, is_road }
    }
}
