//! From a scene to light and labels: four rays a pixel.

use super::scene::Scene;
use super::shadow::Shadows;
use super::skin::Look;
use super::solid::Hit;
use super::vector::V3;
use super::{OTHER, ROAD, VOID};

/// Side of the squares of pixels that share a list of the solids in them.
const TILE: usize = 16;

/// Beyond these metres pixels that are partly road are void; beyond the second all road is.
const UNSURE: [f32; 2] = [60.0, 120.0];

/// Where the rays of a pixel go through it: a square, turned.
const RAYS: [[f32; 2]; 4] = [[-0.125, -0.375], [0.375, -0.125], [0.125, 0.375], [-0.375, 0.125]];

/// Light and labels of all pixels.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) light: Vec<V3>,
    pub(crate) labels: Vec<u8>,
}

/// What a ray comes to.
struct Sight {
    light: V3,
    /// The distance in metres if it is road.
    road: Option<f32>,
}

struct Renderer<'a> {
    scene: &'a Scene,
    shadows: Shadows<'a>,
    origin: V3,
    /// For each tile the solids that may be seen in it.
    tiles: Vec<Vec<usize>>,
    tiles_across: usize,
}

pub(crate) fn render(scene: &Scene) -> Rendered {
    let size = scene.camera.size;
    let (renderer, rays) = (Renderer::new(scene), scene.camera.rays());
    let mut rendered = Rendered {
        light: Vec::with_capacity(size.pixels()),
        labels: Vec::with_capacity(size.pixels()),
    };
    for row in 0..size.height {
        for column in 0..size.width {
            let tile = row / TILE * renderer.tiles_across + column / TILE;
            let solids = &renderer.tiles[tile];
            let mut light = V3::default();
            let mut road = Road::default();
            for [right, down] in RAYS {
                let (u, v) = (column as f32 + right, row as f32 + down);
                let sight = renderer.look(rays.at(u, v), solids);
                light = light + sight.light * 0.25;
                road.add(sight.road);
            }
            rendered.light.push(light);
            rendered.labels.push(road.label());
        }
    }
    rendered
}

/// How much of a pixel is road.
#[derive(Default)]
struct Road {
    rays: usize,
    farthest: f32,
}

impl Road {
    fn add(&mut self, road: Option<f32>) {
        if let Some(distance) = road {
            self.rays += 1;
            self.farthest = self.farthest.max(distance);
        }
    }

    /// Half of a pixel is enough for road.
    fn label(&self) -> u8 {
        let [unsure, unseen] = UNSURE;
        match self.rays {
            0 => OTHER,
            1..=3 if self.farthest > unsure => VOID,
            _ if self.farthest > unseen => VOID,
            1 => OTHER,
            _ => ROAD,
        }
    }
}

impl<'a> Renderer<'a> {
    fn new(scene: &'a Scene) -> Self {
        let size = scene.camera.size;
        let tiles_across = size.width.div_ceil(TILE);
        let tiles_down = size.height.div_ceil(TILE);
        let mut tiles = vec![vec![]; tiles_across * tiles_down];
        for (index, solid) in scene.solids.iter().enumerate() {
            let [low, high] = solid.bounds();
            let corner = |number: usize| {
                let pick = |axis: usize| [low, high][number >> axis & 1].0[axis];
                scene.camera.project(V3([pick(0), pick(1), pick(2)]))
            };
            let corners: Vec<[f32; 2]> = (0..8).filter_map(corner).collect();
            if corners.is_empty() {
                continue;
            }
            let whole = corners.len() < 8;
            let span = |axis: usize, count: usize| {
                if whole {
                    return 0..count;
                }
                let place = |value: f32| (value / TILE as f32).floor();
                let all = corners.iter().map(|corner| corner[axis]);
                // Casts saturate: left of the picture is 0. A ray may lie half a pixel outside.
                let first = place(all.clone().fold(f32::INFINITY, f32::min) - 1.0) as usize;
                let last = place(all.fold(f32::NEG_INFINITY, f32::max) + 1.0);
                if last < 0.0 { 0..0 } else { first.min(count)..(last as usize + 1).min(count) }
            };
            for row in span(1, tiles_down) {
                for column in span(0, tiles_across) {
                    tiles[row * tiles_across + column].push(index);
                }
            }
        }
        let shadows = Shadows::new(&scene.solids, scene.light.sun);
        let origin = V3([0.0, scene.camera.height as f32, 0.0]);
        Self { scene, shadows, origin, tiles, tiles_across }
    }

    fn look(&self, ray: V3, solids: &[usize]) -> Sight {
        let scene = self.scene;
        let mut nearest: Option<(usize, Hit)> = None;
        for &index in solids {
            if let Some(hit) = scene.solids[index].meet(self.origin, ray)
                && nearest.as_ref().is_none_or(|(_, near)| hit.distance < near.distance)
            {
                nearest = Some((index, hit));
            }
        }
        let length = ray.dot(ray).sqrt();
        let focal = scene.camera.focal as f32;
        let to_ground = -self.origin.0[1] / ray.0[1];
        if let Some((index, hit)) = &nearest
            && !(ray.0[1] < 0.0 && to_ground < hit.distance)
        {
            let solid = &scene.solids[*index];
            let footprint = hit.distance / focal;
            let look = Look { hit, form: &solid.form, seed: solid.seed, footprint };
            let colour = solid.skin.at(look).times(scene.light.on(hit.normal, 1.0));
            let light = scene.light.through_haze(colour, hit.distance * length);
            return Sight { light, road: None };
        }
        let unit = ray * (1.0 / length);
        if ray.0[1] >= 0.0 || to_ground > 2000.0 {
            let (high, woods) = scene.light.skyline(unit);
            let steep = unit.0[1] / unit.0[0].hypot(unit.0[2]);
            let light = if steep < high { woods } else { scene.light.sky(unit) };
            return Sight { light, road: None };
        }
        self.ground(ray, to_ground, length * to_ground)
    }

    fn ground(&self, ray: V3, times: f32, distance: f32) -> Sight {
        let scene = self.scene;
        let (x, z) = (ray.0[0] * times, ray.0[2] * times);
        // A pixel covers distance / focal across, and by 1 / sin of the angle to the ground more along;
        // of the two the geometric mean.
        let flat = (distance / self.origin.0[1]).sqrt();
        let footprint = times / scene.camera.focal as f32 * flat;
        let seen = scene.ground.at(x, z, footprint);
        let sunlit =
            if scene.light.sun_colour.0[0] > 0.0 { self.shadows.sunlit(x, z) } else { 1.0 };
        let up = V3([0.0, 1.0, 0.0]);
        let light = seen.colour.times(scene.light.on(up, sunlit) * self.shadows.open_sky(x, z));
        let light = scene.light.through_haze(light, distance);
        Sight { light, road: seen.is_road.then_some(distance) }
    }
}
