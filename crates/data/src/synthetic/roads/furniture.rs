//! What stands along a street: houses, cars, trees, poles, hedges, walls.

use super::skin::Skin;
use super::solid::{Form, Solid};
use super::street::{END, Setting, Street, WAYS, choose, draw};
use super::vector::V3;
use crate::random::Random;

const BARK: V3 = V3([0.10, 0.075, 0.055]);
const STEEL: V3 = V3([0.22, 0.23, 0.24]);

/// Where a thing stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The point of the ground under it.
    foot: V3,
    /// Sine and cosine of its direction.
    turn: (f32, f32),
}

/// Places things along a street.
struct Placing<'a> {
    random: &'a mut Random,
    street: &'a Street,
    solids: Vec<Solid>,
}

/// All that stands along a street.
pub(crate) fn furnish(random: &mut Random, street: &Street) -> Vec<Solid> {
    let mut placing = Placing { random, street, solids: vec![] };
    for side in 0..2 {
        placing.houses(side);
        placing.trees(side);
        placing.poles(side);
        placing.boundary(side);
        placing.parked(side);
    }
    placing.traffic();
    placing.solids
}

impl Placing<'_> {
    fn seed(&mut self) -> u32 {
        self.random.bits() as u32
    }

    fn draw(&mut self, range: [f64; 2]) -> f32 {
        draw(self.random, range)
    }

    /// At a way along the road and a distance from the edge on one side.
    fn beside(&self, side: usize, way: f32, from_edge: f32) -> Place {
        let sign = if side == 0 { -1.0 } else { 1.0 };
        self.on_road(way, sign * (self.street.ground.half + from_edge))
    }

    fn on_road(&self, way: f32, aside: f32) -> Place {
        let line = &self.street.ground.line;
        Place { foot: line.place(way, aside), turn: line.direction(way) }
    }

    /// A block on its foot, `lift` metres above the ground.
    fn block(&mut self, place: Place, lift: f32, half: V3, taper: [f32; 2], skin: Skin) {
        let centre = place.foot + V3([0.0, lift + half.0[1], 0.0]);
        let seed = self.seed();
        let form = Form::Block { half, taper };
        self.solids.push(Solid { centre, turn: place.turn, form, skin, seed });
    }

    fn houses(&mut self, side: usize) {
        let setting = self.street.setting;
        let free = self.street.free[side];
        let mut way = WAYS[0] + self.draw([0.0, 12.0]);
        let present = match setting {
            Setting::City => 0.92,
            Setting::Suburb => 0.8,
            Setting::Country => 0.15,
        };
        while way < END {
            let long = match setting {
                Setting::City => self.draw([8.0, 22.0]),
                _ => self.draw([7.0, 13.0]),
            };
            if self.random.chance(present) {
                let high = match setting {
                    Setting::City => self.draw([6.0, 17.0]),
                    _ => self.draw([3.0, 6.5]),
                };
                self.house(side, way + long / 2.0, free, V3([self.deep(), high, long]));
            }
            way += long
                + match setting {
                    Setting::City if self.random.chance(0.75) => 0.05,
                    Setting::City => self.draw([2.0, 9.0]),
                    Setting::Suburb => self.draw([3.0, 14.0]),
                    Setting::Country => self.draw([10.0, 50.0]),
                };
        }
    }

    fn deep(&self) -> f32 {
        if self.street.setting == Setting::City { 11.0 } else { 8.0 }
    }

    fn house(&mut self, side: usize, way: f32, free: f32, V3([deep, high, long]): V3) {
        let is_city = self.street.setting == Setting::City;
        let back = if is_city { 0.0 } else { self.draw([0.0, 3.0]) };
        let place = self.beside(side, way, free + back + deep / 2.0);
        let road = self.street.ground.road.colour;
        let grey = V3::all(1.0) * self.draw([0.15, 0.5]);
        let colour = match self.random.range(0, 5) {
            0 => V3([0.32, 0.17, 0.12]) * self.draw([0.7, 1.3]),
            1 => V3([0.55, 0.47, 0.33]) * self.draw([0.7, 1.2]),
            2 => V3([0.5, 0.42, 0.38]) * self.draw([0.7, 1.2]),
            3 => road * self.draw([0.9, 1.6]),
            _ => grey,
        };
        let skin = Skin::Wall {
            colour,
            floor: self.draw([2.7, 3.4]),
            bay: self.draw([2.0, 3.6]),
            shop: is_city && self.random.chance(0.4),
        };
        let half = V3([deep / 2.0, high / 2.0, long / 2.0]);
        self.block(place, 0.0, half, [0.0; 2], skin);
        if !is_city || self.random.chance(0.6) {
            let tall = if is_city { self.draw([1.5, 4.0]) } else { self.draw([2.0, 4.5]) };
            let colour = match self.random.chance(0.6) {
                true => V3([0.3, 0.12, 0.08]) * self.draw([0.6, 1.2]),
                false => V3::all(1.0) * self.draw([0.06, 0.2]),
            };
            let eaves = if is_city { 0.1 } else { 0.5 };
            let half = V3([deep / 2.0 + eaves, tall / 2.0, long / 2.0 + eaves]);
            let hip = choose(self.random, &[0.0, 0.6]);
            let taper = [deep / 2.0 + eaves - 0.05, hip * deep / 2.0];
            self.block(place, high, half, taper, Skin::Roof { colour });
        }
    }

    fn trees(&mut self, side: usize) {
        let every = match self.street.setting {
            Setting::City => choose(self.random, &[0.0, 0.0, 12.0, 18.0]),
            Setting::Suburb => choose(self.random, &[0.0, 9.0, 14.0]),
            Setting::Country => choose(self.random, &[0.0, 6.0, 9.0, 20.0]),
        };
        if every == 0.0 {
            return;
        }
        // On the strips beside the road, but not between parked cars.
        let near = self.street.parking[side].map_or(0.9, |[_, last]| last + 0.9);
        let from_edge = near + self.draw([0.0, 2.5]);
        let colour = V3([0.05, 0.095, 0.025]).mix(V3([0.16, 0.11, 0.03]), self.draw([0.0, 0.5]));
        let mut way = WAYS[0] + self.draw([0.0, 10.0]);
        while way < END {
            if self.random.chance(0.85) {
                let aside = from_edge + self.draw([-0.3, 0.3]);
                self.tree(side, way, aside, colour);
            }
            way += every * self.draw([0.75, 1.35]);
        }
    }

    fn tree(&mut self, side: usize, way: f32, from_edge: f32, colour: V3) {
        let place = self.beside(side, way, from_edge);
        let crown = self.draw([1.3, 2.6]);
        let bottom = self.draw([2.4, 3.6]);
        let thick = self.draw([0.1, 0.22]);
        let trunk = V3([thick, (bottom + crown) / 2.0, thick]);
        self.block(place, 0.0, trunk, [thick * 0.3; 2], Skin::Plain { colour: BARK });
        let colour = colour * self.draw([0.7, 1.4]);
        for number in 0..3 {
            let radius = crown * if number == 0 { 1.0 } else { self.draw([0.55, 0.8]) };
            let shift = |placing: &mut Self| placing.draw([-0.6, 0.6]) * crown;
            let (x, z) = if number == 0 { (0.0, 0.0) } else { (shift(self), shift(self)) };
            let y = bottom + crown * (1.0 + 0.35 * number as f32);
            let seed = self.seed();
            self.solids.push(Solid {
                centre: place.foot + V3([x, y, z]),
                turn: (0.0, 1.0),
                form: Form::Ball { radius },
                skin: Skin::Leaves { colour },
                seed,
            });
        }
    }

    fn poles(&mut self, side: usize) {
        if !self.random.chance(0.55) {
            return;
        }
        let near = self.street.parking[side].map_or(0.5, |[_, last]| last + 0.5);
        let from_edge = near + self.draw([0.0, 0.8]);
        let every = self.draw([22.0, 40.0]);
        let mut way = WAYS[0] + self.draw([0.0, 30.0]);
        while way < END {
            let place = self.beside(side, way, from_edge);
            let high = self.draw([2.5, 7.0]);
            let skin = Skin::Plain { colour: STEEL };
            self.block(place, 0.0, V3([0.06, high / 2.0, 0.06]), [0.02; 2], skin);
            if high < 4.0 {
                let colour = choose(
                    self.random,
                    &[V3([0.5, 0.04, 0.03]), V3([0.03, 0.08, 0.4]), V3::all(0.7)],
                );
                let skin = Skin::Plain { colour };
                self.block(place, high - 0.7, V3([0.32, 0.32, 0.02]), [0.0; 2], skin);
            }
            way += every * self.draw([0.7, 1.3]);
        }
    }

    /// A hedge, a wall or a fence before the houses.
    fn boundary(&mut self, side: usize) {
        let chance = match self.street.setting {
            Setting::City => 0.1,
            Setting::Suburb => 0.7,
            Setting::Country => 0.35,
        };
        if !self.random.chance(chance) {
            return;
        }
        let from_edge = self.street.free[side] - self.draw([0.6, 2.0]);
        let high = self.draw([0.7, 1.9]);
        let leaves = Skin::Leaves { colour: V3([0.045, 0.09, 0.025]) * self.draw([0.8, 1.5]) };
        let grey = self.draw([0.15, 0.5]);
        let wall = Skin::Plain { colour: V3([1.05, 1.0, 0.92]) * grey };
        let is_hedge = self.random.chance(0.6);
        let mut way = WAYS[0];
        while way < END {
            if self.random.chance(0.82) {
                let place = self.beside(side, way + 3.0, from_edge);
                let thick = if is_hedge { 0.45 } else { 0.12 };
                let skin = if is_hedge { leaves } else { wall };
                self.block(place, 0.0, V3([thick, high / 2.0, 3.02]), [0.0; 2], skin);
            }
            way += 6.0;
        }
    }

    fn parked(&mut self, side: usize) {
        let Some([first, last]) = self.street.parking[side] else {
            return;
        };
        let full = self.draw([0.2, 0.95]) as f64;
        let mut way = WAYS[0];
        while way < END {
            // Nobody stands right beside the camera, where only a wall of paint would be seen.
            if self.random.chance(full) && !(-4.0..6.5).contains(&way) {
                let from_edge = (first + last) / 2.0 + self.draw([-0.1, 0.15]);
                let ahead = choose(self.random, &[1.0, -1.0]);
                self.car(self.beside(side, way, from_edge), ahead);
            }
            way += self.draw([5.6, 7.5]);
        }
    }

    fn traffic(&mut self) {
        let Street { lanes, own, hand, .. } = *self.street;
        let half = self.street.ground.half;
        let lane = 2.0 * half / lanes as f32;
        let density = self.draw([0.0, 1.0]);
        for number in 0..lanes {
            let is_own = number < own;
            let aside = hand * (half - (number as f32 + 0.5) * lane);
            let mut way = if is_own { self.draw([11.0, 45.0]) } else { self.draw([7.0, 40.0]) };
            while way < 130.0 {
                if self.random.chance(0.75 * f64::from(density)) {
                    let aside = aside + self.draw([-0.3, 0.3]);
                    self.car(self.on_road(way, aside), if is_own { 1.0 } else { -1.0 });
                }
                way += self.draw([12.0, 45.0]);
            }
        }
    }

    /// A car, a van or a lorry; `ahead` is 1 if it looks along the road, -1 if it comes towards.
    fn car(&mut self, place: Place, ahead: f32) {
        let turn = (place.turn.0 * ahead, place.turn.1 * ahead);
        let place = Place { turn, ..place };
        let shade = self.draw([0.02, 0.6]);
        let colour = match self.random.range(0, 6) {
            0 => V3([0.35, 0.03, 0.03]),
            1 => V3([0.03, 0.06, 0.25]),
            2 => V3([0.03, 0.14, 0.08]),
            3 => self.street.ground.road.colour * 1.2,
            _ => V3::all(shade),
        };
        let shift = |metres: f32| {
            let (sin, cos) = turn;
            Place { foot: place.foot + V3([sin * metres, 0.0, cos * metres]), turn }
        };
        let wide = self.draw([0.84, 0.95]);
        let tall = self.random.uniform();
        let (long, hood, cabin) = match tall {
            u if u < 0.12 => (self.draw([2.4, 3.2]), self.draw([0.9, 1.2]), None),
            u if u < 0.3 => (2.3, 0.36, Some((0.42, 1.6, -0.3, [0.12, 0.35]))),
            _ => (
                self.draw([1.95, 2.3]),
                0.33,
                Some((0.27, self.draw([1.05, 1.3]), self.draw([-0.45, -0.1]), [0.14, 0.45])),
            ),
        };
        let skin = Skin::Body { colour };
        self.block(place, 0.22, V3([wide, hood, long]), [0.05, 0.06], skin);
        if let Some((high, length, back, taper)) = cabin {
            let half = V3([wide - 0.07, high, length]);
            self.block(shift(back), 0.22 + 2.0 * hood, half, taper, Skin::Cabin { colour });
        }
        for along in [-0.62, 0.62] {
            let wheels = V3([wide + 0.02, 0.32, 0.32]);
            self.block(shift(along * long), 0.0, wheels, [0.0; 2], Skin::Tyre);
        }
    }
}
