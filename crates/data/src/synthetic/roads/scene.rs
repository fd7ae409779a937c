//! A scene: everything that one picture shows, drawn from one stream of random numbers.

use super::camera::Camera;
use super::furniture::furnish;
use super::ground::Ground;
use super::light::Light;
use super::solid::Solid;
use super::street::{Street, choose, draw};
use super::vector::V3;
use super::{Category, Novelty};
use crate::Size;
use crate::random::Random;

/// KITTI's focal length as a share of the picture's width: 721.5 of 1242 pixels.
const FOCAL: f64 = 721.5 / 1242.0;

/// What a picture shows.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) camera: Camera,
    pub(crate) ground: Ground,
    pub(crate) solids: Vec<Solid>,
    pub(crate) light: Light,
    pub(crate) sensor: Sensor,
}

/// What the camera makes of light.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sensor {
    /// What light is multiplied by, for each channel.
    pub(crate) gain: V3,
    /// How much darker the corners are.
    pub(crate) vignette: f32,
    /// Deviation of noise in the dark, and what grows with the root of the light, in steps of 255.
    pub(crate) noise: [f32; 2],
}

impl Scene {
    pub(crate) fn draw(
        random: &mut Random,
        size: Size,
        category: Category,
        novelty: Option<Novelty>,
    ) -> Self {
        let camera = camera(random, size);
        let (light, exposure) = light(random, novelty == Some(Novelty::Light));
        let street = Street::draw(random, category, novelty);
        let solids = furnish(random, &street);
        let balance = draw(random, [-0.05, 0.05]);
        let gain = V3([1.0 + balance, 1.0, 1.0 - balance]) * exposure;
        let noise = [draw(random, [0.6, 2.0]), draw(random, [0.5, 2.2])];
        let sensor = Sensor { gain, vignette: draw(random, [0.0, 0.25]), noise };
        Self { camera, ground: street.ground, solids, light, sensor }
    }
}

fn camera(random: &mut Random, size: Size) -> Camera {
    let (width, height) = (size.width as f64, size.height as f64);
    let focal = FOCAL * width * random.between(0.93, 1.07);
    // KITTI's horizon lies at 0.46 of the height; pixel centres are whole numbers.
    let centre = [
        (width - 1.0) / 2.0 + 0.01 * width * random.between(-1.0, 1.0),
        0.46 * height + 0.01 * width * random.between(-0.5, 0.5),
    ];
    Camera {
        size,
        focal,
        centre,
        height: random.between(1.5, 1.9),
        pitch: random.between(-0.02, 0.025),
        roll: random.between(-0.015, 0.015),
    }
}

/// The light, and an exposure that suits it more or less. As a novelty the sun is low or the picture
/// dark.
fn light(random: &mut Random, is_novel: bool) -> (Light, f32) {
    let dark = is_novel && random.chance(0.4);
    let low = is_novel && !dark;
    let elevation = if low { draw(random, [0.13, 0.3]) } else { draw(random, [0.4, 1.05]) };
    let bearing = draw(random, [-std::f64::consts::PI, std::f64::consts::PI]);
    let sun =
        V3([elevation.cos() * bearing.sin(), elevation.sin(), elevation.cos() * bearing.cos()]);
    // From a clear day to a covered sky.
    let clear = if low { 0.9 } else { choose(random, &[1.0, 1.0, 0.8, 0.35, 0.0]) };
    let warm = if low { 0.4 } else { draw(random, [0.0, 0.15]) };
    let sun_colour = V3([1.0, 1.0 - 0.4 * warm, 1.0 - 0.9 * warm]) * (0.95 * clear);
    let blue = V3([0.25, 0.31, 0.42]).mix(V3::all(0.6), 1.0 - clear);
    let sky_colour = blue * draw(random, [0.75, 1.15]);
    let zenith =
        V3([0.16, 0.33, 0.68]).mix(V3([0.62, 0.64, 0.67]), 1.0 - clear * draw(random, [0.6, 1.0]));
    let horizon = V3([0.72, 0.78, 0.84]).mix(V3([0.95, 0.72, 0.5]), 1.5 * warm * clear);
    let light = Light {
        sun,
        sun_colour,
        sky_colour,
        zenith,
        horizon,
        haze: draw(random, [150.0, 700.0]),
        clouds: 1.0 - clear * draw(random, [0.5, 1.0]),
        seed: random.bits() as u32,
    };
    let on_ground = light.on(V3([0.0, 1.0, 0.0]), 0.8).0[1];
    let taste = if dark { draw(random, [0.4, 0.58]) } else { draw(random, [0.75, 1.35]) };
    (light, taste * 1.15 / on_ground.max(0.25).powf(0.85))
}
