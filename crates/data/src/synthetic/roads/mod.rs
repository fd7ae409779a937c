//! S1: rendered streets with their masks, in the folders, names and colours of KITTI's road benchmark.
//!
//! A picture is a pure function of seed, part and number. A pinhole camera 1.5 to 1.9 m above flat ground
//! looks along a road whose centre line is a clothoid. Houses, cars, trees, poles and hedges hide parts of
//! it and cast shadows on it. The mask comes from the same rays as the picture, so that it is exact.
//!
//! What tells the road is where it goes and what bounds it, not its colour: pavements, cycle paths, bays
//! and yards are mostly of the road's colour, often of its very material, and so are some walls. Between
//! them and the road there is always something to be seen: kerb stones, a gutter, gravel or grass.
//!
//! # The parts
//! [`Part::Testing`] has other random numbers than [`Part::Training`], and in each of its pictures one
//! thing lies outside of all that training shows, see [`Novelty`].
//!
//! # Labels
//! A pixel is [`ROAD`] where at least two of its four rays meet the road and not something that stands on
//! it, [`VOID`] where part of it is road more than 60 m away, or the road is more than 120 m away; else
//! [`OTHER`]. The whole road counts, with lanes of both directions, as in KITTI's `um_road`.

mod camera;
mod centre_line;
mod files;
mod furniture;
mod ground;
mod light;
mod render;
mod scene;
mod sensor;
mod shadow;
mod skin;
mod solid;
mod street;
mod surface;
mod vector;

pub use files::{LICENCE, Roads};

use crate::Size;
use crate::random::{Purpose, Stream};

/// The label of pixels that are no road.
pub const OTHER: u8 = 0;

/// The label of pixels that are road.
pub const ROAD: u8 = 1;

/// The label of pixels that count nowhere.
pub const VOID: u8 = 255;

/// The size of KITTI's pictures.
pub const SIZE: Size = Size { height: 375, width: 1242 };

/// Which part of the set a picture belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// What is learnt from.
    Training,
    /// What is scored.
    Testing,
}

impl Part {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Training, Self::Testing];

    /// The folder in KITTI's layout.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Testing => "testing",
        }
    }

    fn purpose(self) -> Purpose {
        match self {
            Self::Training => Purpose(*b"roads   "),
            Self::Testing => Purpose(*b"roads te"),
        }
    }
}

/// KITTI's three kinds of street.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// Urban, marked: two lanes.
    Um,
    /// Urban, multiple marked lanes: three or four.
    Umm,
    /// Urban, unmarked.
    Uu,
}

impl Category {
    /// All of them, in the order in which pictures take turns.
    pub const ALL: [Self; 3] = [Self::Um, Self::Umm, Self::Uu];

    /// As in names of files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Um => "um",
            Self::Umm => "umm",
            Self::Uu => "uu",
        }
    }
}

/// What of a picture for testing lies outside of the range of training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Novelty {
    /// The road is narrower than any of its category, or wider: 5 to 12 m instead of 5.4 to 11 m.
    Width,
    /// It turns by 0.75 to 1.05 radians over 100 m instead of up to 0.65.
    Turn,
    /// The sun is 7 to 17 degrees high instead of 23 to 60, or the picture is dark.
    Light,
}

impl Novelty {
    const ALL: [Self; 3] = [Self::Width, Self::Turn, Self::Light];
}

/// A picture and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenery {
    /// Rows and columns.
    pub size: Size,
    /// `[height, width, 3]`
    pub rgb: Vec<u8>,
    /// `[height, width]`: [`ROAD`], [`OTHER`] or [`VOID`].
    pub labels: Vec<u8>,
    /// The text of the calibration file.
    pub calibration: String,
}

/// The kind of street that a picture shows, and its number among those of its kind.
///
/// ```
/// use upconv_data::synthetic::roads::{Category, category};
/// assert_eq!(category(0), (Category::Um, 0));
/// assert_eq!(category(5), (Category::Uu, 1));
/// ```
pub fn category(index: usize) -> (Category, usize) {
    (Category::ALL[index % 3], index / 3)
}

/// What is new in a picture for testing. Each third of each category has another novelty.
pub fn novelty(part: Part, index: usize) -> Option<Novelty> {
    (part == Part::Testing).then(|| Novelty::ALL[(index + index / 3) % 3])
}

/// Draws a picture: the same for the same arguments, whatever else is drawn.
///
/// The scene does not depend on the size, only its sampling does.
pub fn picture(seed: u64, part: Part, index: usize, size: Size) -> Scenery {
    let stream = Stream { seed, purpose: part.purpose(), epoch: 0, index: index as u64 };
    let mut random = stream.start();
    let scene = scene::Scene::draw(&mut random, size, category(index).0, novelty(part, index));
    let render::Rendered { light, labels } = render::render(&scene);
    let rgb = sensor::expose(&mut random, &scene.sensor, size, &light);
    Scenery { size, rgb, labels, calibration: scene.camera.calibration() }
}
