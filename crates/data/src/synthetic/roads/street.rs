//! The street of a scene: how wide, how bent, of what, and what lies beside it.

use super::centre_line::{BEND, CentreLine, Shape};
use super::ground::{Driveway, Ground, Mark, Patch, Side, Strip};
use super::surface::{Pattern, Surface};
use super::vector::V3;
use super::{Category, Novelty};
use crate::random::Random;

/// From where to where there are marks and driveways, in metres along the street.
pub(crate) const WAYS: [f32; 2] = [-30.0, 170.0];

/// Where the furniture ends: the last bend lies behind.
pub(crate) const END: f32 = BEND + 50.0;

/// What kind of place it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    City,
    Suburb,
    Country,
}

/// The plan of a street.
#[derive(Clone, Debug)]
pub(crate) struct Street {
    pub(crate) setting: Setting,
    pub(crate) ground: Ground,
    /// Lanes in both directions.
    pub(crate) lanes: usize,
    /// Lanes in the camera's direction.
    pub(crate) own: usize,
    /// 1 where one drives on the right, -1 on the left.
    pub(crate) hand: f32,
    /// Left and right: from where to where cars are parked, in metres from the road's edge.
    pub(crate) parking: [Option<[f32; 2]>; 2],
    /// Left and right: where houses may begin, in metres from the road's edge.
    pub(crate) free: [f32; 2],
}

/// A number between two.
pub(crate) fn draw(random: &mut Random, [first, last]: [f64; 2]) -> f32 {
    random.between(first, last) as f32
}

/// One of several.
pub(crate) fn choose<T: Copy>(random: &mut Random, things: &[T]) -> T {
    things[random.range(0, things.len() - 1)]
}

impl Street {
    pub(crate) fn draw(random: &mut Random, category: Category, novelty: Option<Novelty>) -> Self {
        let hand = if random.chance(0.75) { 1.0 } else { -1.0 };
        let setting = match random.uniform() {
            u if u < 0.38 => Setting::City,
            u if u < 0.74 => Setting::Suburb,
            _ => Setting::Country,
        };
        let half = width(random, category, novelty == Some(Novelty::Width)) / 2.0;
        let lanes = match category {
            Category::Um => 2,
            Category::Umm => ((2.0 * half / 2.9) as usize).clamp(3, 4),
            Category::Uu => 2,
        };
        let own = if lanes == 4 { choose(random, &[2, 2, 3]) } else { lanes / 2 + lanes % 2 };
        let lane = 2.0 * half / lanes as f32;
        // The camera keeps to its lanes, near the middle of one.
        let from_edge = lane * (random.range(0, own - 1) as f32 + 0.5) + draw(random, [-0.5, 0.5]);
        let turn = match novelty {
            Some(Novelty::Turn) => draw(random, [0.75, 1.05]) * choose(random, &[-1.0, 1.0]),
            _ => draw(random, [-0.65, 0.65]),
        };
        let shape = Shape {
            x: -hand * (half - from_edge),
            heading: draw(random, [-0.09, 0.09]),
            turn,
            early: draw(random, [-1.6, 1.6]),
        };
        let line = CentreLine::new(&shape);
        let road = road_surface(random, category);
        let mut street = Self {
            setting,
            lanes,
            own,
            hand,
            parking: [None; 2],
            free: [0.0; 2],
            ground: Ground {
                line,
                half,
                road,
                patches: patches(random, half),
                track: lane / 2.0,
                marks: vec![],
                wear: draw(random, [0.0, 0.9]),
                sides: [side(road), side(road)],
            },
        };
        for index in 0..2 {
            street.draw_side(random, index);
        }
        street.draw_marks(random, category, lane);
        street
    }

    fn draw_side(&mut self, random: &mut Random, index: usize) {
        let road = self.ground.road;
        let mut side = Side { strips: vec![], driveways: vec![], beyond: grass(random) };
        let mut until = 0.0;
        let mut add = |side: &mut Side, width: f32, surface: Surface| {
            until += width;
            side.strips.push(Strip { until, surface });
            until
        };
        let kerb = kerb(random, road);
        let walk = pavement(random, road);
        let sign = if index == 0 { -1.0 } else { 1.0 };
        match self.setting {
            Setting::City | Setting::Suburb => {
                if random.chance(if self.setting == Setting::City { 0.45 } else { 0.25 }) {
                    // A gutter, then cars in a row on asphalt like the road's.
                    let first = add(&mut side, draw(random, [0.25, 0.45]), kerb);
                    let bays = Surface { seed: road.seed ^ 0x77, ..near(random, road, 0.06) };
                    let last = add(&mut side, draw(random, [2.0, 2.6]), bays);
                    self.parking[index] = Some([first, last]);
                    let edges = [self.ground.half + first, self.ground.half + last];
                    if random.chance(0.6) {
                        let mut between = edges.map(|edge| sign * edge);
                        between.sort_by(f32::total_cmp);
                        let every = draw(random, [5.2, 6.5]);
                        let (ways, width) = (WAYS, 0.1);
                        self.ground.marks.push(Mark::Across { between, ways, every, width });
                    }
                }
                add(&mut side, draw(random, [0.16, 0.32]), kerb);
                let green = self.setting == Setting::Suburb && random.chance(0.45);
                if green {
                    add(&mut side, draw(random, [0.8, 2.5]), grass(random));
                }
                let widths = if self.setting == Setting::City { [2.0, 5.0] } else { [1.3, 2.6] };
                let end = add(&mut side, draw(random, widths), walk);
                if self.setting == Setting::City {
                    // The square before the houses.
                    side.beyond = if random.chance(0.5) { pavement(random, road) } else { walk };
                    self.free[index] = end + draw(random, [0.0, 3.0]);
                } else {
                    self.free[index] = end + draw(random, [2.5, 8.0]);
                }
                if random.chance(0.6) {
                    let reach =
                        [self.parking[index].map_or(0.2, |[_, last]| last + 0.2), end + 9.0];
                    side.driveways = driveways(random, road, reach);
                }
            }
            Setting::Country => {
                match random.range(0, 3) {
                    0 => drop(add(&mut side, draw(random, [0.15, 0.3]), kerb)),
                    1 => drop(add(&mut side, draw(random, [0.4, 1.6]), gravel(random, road))),
                    _ => {}
                }
                add(&mut side, draw(random, [0.8, 3.0]), grass(random));
                if random.chance(0.4) {
                    // A path for bicycles, of asphalt.
                    add(&mut side, draw(random, [1.6, 2.8]), walk);
                }
                if random.chance(0.3) {
                    let seed = random.bits() as u32;
                    let colour = V3([0.19, 0.13, 0.08]) * draw(random, [0.6, 1.3]);
                    side.beyond = Surface { pattern: Pattern::Soil, colour, contrast: 1.0, seed };
                }
                if random.chance(0.15) {
                    // A yard or a car park right behind the verge.
                    side.beyond = near(random, road, 0.15);
                }
                self.free[index] = until + draw(random, [4.0, 14.0]);
            }
        }
        self.ground.sides[index] = side;
    }

    fn draw_marks(&mut self, random: &mut Random, category: Category, lane: f32) {
        let (half, hand) = (self.ground.half, self.hand);
        let marks = &mut self.ground.marks;
        let every = choose(random, &[6.0, 9.0, 12.0]);
        let dashes = [every * choose(random, &[0.33, 0.5]), every, draw(random, [0.0, 9.0])];
        let width = draw(random, [0.1, 0.18]);
        if category != Category::Uu {
            for number in 1..self.lanes {
                // Counted from the edge on the camera's side.
                let aside = hand * (half - number as f32 * lane);
                let parts_directions = number == self.own;
                match parts_directions && random.chance(0.35) {
                    true if random.chance(0.5) => {
                        for shift in [-0.14, 0.14] {
                            marks.push(Mark::Along { aside: aside + shift, width, dash: None });
                        }
                    }
                    true => marks.push(Mark::Along { aside, width, dash: None }),
                    false => marks.push(Mark::Along { aside, width, dash: Some(dashes) }),
                }
            }
            if random.chance(0.45) {
                for sign in [-1.0, 1.0] {
                    let aside = sign * (half - draw(random, [0.18, 0.4]));
                    marks.push(Mark::Along { aside, width, dash: None });
                }
            }
        }
        if self.setting != Setting::Country && random.chance(0.2) {
            let first = draw(random, [9.0, 45.0]);
            let ways = [first, first + draw(random, [2.5, 4.0])];
            marks.push(Mark::Zebra { ways, stripe: 0.5, half });
            let between = if hand > 0.0 { [0.0, half] } else { [-half, 0.0] };
            let ways = [first - 1.5, first - 1.0];
            marks.push(Mark::Across { between, ways, every: 10.0, width: 0.4 });
        }
    }
}

/// A side that is yet to be drawn.
fn side(surface: Surface) -> Side {
    Side { strips: vec![], driveways: vec![], beyond: surface }
}

/// The road's width in metres: 5.4 to 11 for training; beyond it, up to 5 and 12, as a novelty.
fn width(random: &mut Random, category: Category, is_novel: bool) -> f32 {
    let ranges = match (category, is_novel) {
        (Category::Um, false) => [[5.6, 8.0]; 2],
        (Category::Um, true) => [[5.0, 5.5], [8.1, 8.8]],
        (Category::Umm, false) => [[8.7, 11.0]; 2],
        (Category::Umm, true) => [[11.1, 12.0]; 2],
        (Category::Uu, false) => [[5.4, 8.0]; 2],
        (Category::Uu, true) => [[5.0, 5.3], [8.1, 9.5]],
    };
    let range = choose(random, &ranges);
    draw(random, range)
}

/// A grey of a share of light, a little warm or cold.
fn grey(random: &mut Random, range: [f64; 2]) -> V3 {
    let warm = draw(random, [-0.07, 0.07]);
    V3([1.0 + warm, 1.0 + 0.2 * warm, 1.0 - warm]) * draw(random, range)
}

fn road_surface(random: &mut Random, category: Category) -> Surface {
    let seed = random.bits() as u32;
    let contrast = draw(random, [0.6, 1.4]);
    let unmarked = category == Category::Uu;
    let (pattern, colour) = match random.uniform() {
        u if u < 0.12 => {
            let length = draw(random, [4.0, 8.0]);
            (Pattern::Concrete { length }, grey(random, [0.2, 0.34]))
        }
        u if u < 0.3 && unmarked => {
            let brick = V3([0.24, 0.14, 0.11]) * draw(random, [0.7, 1.2]);
            let grey = grey(random, [0.1, 0.24]);
            (Pattern::Cobbles, if random.chance(0.4) { brick } else { grey })
        }
        _ => (Pattern::Asphalt, grey(random, [0.06, 0.24])),
    };
    Surface { pattern, colour, contrast, seed }
}

/// A surface like another but for a little of its brightness.
fn near(random: &mut Random, surface: Surface, by: f64) -> Surface {
    let factor = draw(random, [1.0 - by, 1.0 + by]);
    Surface { colour: surface.colour * factor, seed: random.bits() as u32, ..surface }
}

/// Where people walk: mostly of the road's colour, so that colour does not tell them apart.
fn pavement(random: &mut Random, road: Surface) -> Surface {
    let like_road = near(random, road, 0.12);
    let colour = if random.chance(0.72) { like_road.colour } else { grey(random, [0.12, 0.36]) };
    let pattern = match random.uniform() {
        u if u < 0.4 => Pattern::Slabs { side: draw(random, [0.3, 1.2]) },
        u if u < 0.75 => Pattern::Asphalt,
        u if u < 0.9 => Pattern::Cobbles,
        _ => Pattern::Gravel,
    };
    Surface { pattern, colour, contrast: draw(random, [0.6, 1.2]), ..like_road }
}

fn gravel(random: &mut Random, road: Surface) -> Surface {
    let own = grey(random, [0.18, 0.32]);
    let colour = if random.chance(0.6) { road.colour * draw(random, [0.9, 1.25]) } else { own };
    let (contrast, seed) = (draw(random, [0.7, 1.2]), random.bits() as u32);
    Surface { pattern: Pattern::Gravel, colour, contrast, seed }
}

fn grass(random: &mut Random) -> Surface {
    let dry = draw(random, [0.0, 0.6]);
    let green = V3([0.055, 0.105, 0.025]).mix(V3([0.19, 0.16, 0.07]), dry * dry * 2.0);
    let (colour, contrast) = (green * draw(random, [0.7, 1.5]), draw(random, [0.7, 1.2]));
    Surface { pattern: Pattern::Grass, colour, contrast, seed: random.bits() as u32 }
}

/// Stones that stand apart from the road: clearly brighter or clearly darker.
fn kerb(random: &mut Random, road: Surface) -> Surface {
    let bright = road.colour.0[1];
    let colour = match random.chance(0.8) || bright < 0.1 {
        true => grey(random, [1.0, 1.0]) * (bright * draw(random, [1.7, 2.4])).clamp(0.24, 0.55),
        false => grey(random, [1.0, 1.0]) * (bright * draw(random, [0.35, 0.55])),
    };
    let (contrast, seed) = (draw(random, [0.6, 1.2]), random.bits() as u32);
    Surface { pattern: Pattern::KerbStones, colour, contrast, seed }
}

fn driveways(random: &mut Random, road: Surface, reach: [f32; 2]) -> Vec<Driveway> {
    let mut driveways = vec![];
    let mut way = WAYS[0] + draw(random, [0.0, 25.0]);
    while way < WAYS[1] {
        let last = way + draw(random, [2.8, 5.5]);
        let surface = pavement(random, road);
        driveways.push(Driveway { ways: [way, last], reach, surface });
        way = last + draw(random, [10.0, 35.0]);
    }
    driveways
}

/// Repairs and lids.
fn patches(random: &mut Random, half: f32) -> Vec<Patch> {
    let count = random.range(0, 9);
    let mut patches = Vec::with_capacity(count);
    for _ in 0..count {
        let way = draw(random, [4.0, 60.0]);
        let aside = draw(random, [-1.0, 1.0]) * (half - 0.6);
        let round = random.chance(0.4);
        let (long, wide) = match round {
            true => (0.35, 0.35),
            false => (draw(random, [0.5, 6.0]), draw(random, [0.3, 1.3])),
        };
        let factor = if round { 0.45 } else { draw(random, [0.65, 1.3]) };
        patches.push(Patch {
            ways: [way - long, way + long],
            asides: [aside - wide, aside + wide],
            round,
            factor,
        });
    }
    patches
}
