//! S4: pictures of 32x32 of ten classes of shapes, in the files of CIFAR-10.
//!
//! A picture is a pure function of seed, part and number. A shape of any colour, pose and size lies on a background of two
//! colours mixed by noise, or on a patch of a photo. Neither the colours nor the background nor the place tell the class: only
//! the shape does. It is mostly the brighter of the two, and never far from the middle, so that a
//! linear classifier finds something, but not much.
//!
//! # The parts
//! [`Part::Testing`] has other random numbers than [`Part::Training`], and half of its shapes are smaller or larger than any
//! of training.

mod background;
mod files;
mod shape;

pub use background::Backgrounds;
pub use files::{LICENCE, ShapeSet};
pub use shape::{Shape, inside};

use crate::random::{Purpose, Random, Stream};

/// Rows and columns of a picture.
pub const SIDE: usize = 32;

/// Along each axis of a pixel so many points are looked at.
const POINTS: usize = 4;

/// Radii of shapes in training, in pixels.
const RADII: [f32; 2] = [7.0, 12.0];

/// Radii that only test pictures have: smaller ones, and larger ones.
const NEW_RADII: [[f32; 2]; 2] = [[6.0, 7.0], [12.0, 13.0]];

/// Most pixels from the middle of the picture to that of the shape, along each axis.
const SHIFT: f32 = 3.0;

/// How often a shape is brighter than what is behind it.
const BRIGHTER: f64 = 0.9;

/// Least difference of brightness between the shape and the mean of what is behind it, of 255.
const CONTRAST: f32 = 45.0;

/// Which part of the set a picture belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// What is learnt from.
    Training,
    /// What is scored.
    Testing,
}

impl Part {
    fn purpose(self) -> Purpose {
        match self {
            Self::Training => Purpose(*b"shapes  "),
            Self::Testing => Purpose(*b"shapeste"),
        }
    }
}

/// Draws a picture: the same for the same arguments, whatever else is drawn.
///
/// # Shapes
/// `[3, 32, 32]`: red, green, blue, as in CIFAR-10
pub fn picture(
    seed: u64,
    part: Part,
    index: usize,
    shape: Shape,
    backgrounds: Option<&Backgrounds>,
) -> Vec<u8> {
    let stream = Stream { seed, purpose: part.purpose(), epoch: 0, index: index as u64 };
    let mut random = stream.start();
    let behind = match backgrounds {
        None => background::drawn(&mut random),
        Some(photos) => photos.patch(&mut random),
    };
    let mean = behind.iter().map(|&colour| luma(colour)).sum::<f32>() / behind.len() as f32;
    let [near, far] = colours(&mut random, mean);
    let pose = Pose::draw(&mut random, part);
    let form = shape::Form::draw(&mut random, shape);
    let turn = random.between(0.0, std::f64::consts::TAU) as f32;
    let grain = random.between(2.0, 10.0) as f32;
    let mut planes = vec![0; 3 * SIDE * SIDE];
    for (at, &back) in behind.iter().enumerate() {
        let (row, column) = (at / SIDE, at % SIDE);
        let share = pose.share(&form, row, column);
        // Light falls from one side on the shape.
        let (y, x) = pose.place(row as f32 + 0.5, column as f32 + 0.5);
        let lit = 0.5 + 0.5 * (x * turn.cos() + y * turn.sin()).clamp(-1.0, 1.0);
        for channel in 0..3 {
            let front = near[channel] + (far[channel] - near[channel]) * lit;
            let value = back[channel] + (front - back[channel]) * share;
            let value = value + grain * random.normal() as f32;
            planes[channel * SIDE * SIDE + at] = value.round().clamp(0.0, 255.0) as u8;
        }
    }
    planes
}

/// Brightness, as in ITU-R BT.601.
fn luma([r, g, b]: [f32; 3]) -> f32 {
    0.299 * r + 0.587 * g + 0.114 * b
}

fn colour(random: &mut Random) -> [f32; 3] {
    [(); 3].map(|()| random.between(0.0, 255.0) as f32)
}

/// The colours of a shape's two sides, which stand out from a mean brightness behind it.
fn colours(random: &mut Random, behind: f32) -> [[f32; 3]; 2] {
    let wanted = random.chance(BRIGHTER);
    // Where there is no room on that side, the other one is taken.
    let brighter = if wanted { behind <= 200.0 } else { behind < 55.0 };
    loop {
        let near = colour(random);
        let apart = luma(near) - behind;
        if (apart > 0.0) == brighter && apart.abs() >= CONTRAST {
            let far = near.map(|value| value * random.between(0.75, 1.0) as f32);
            let apart = luma(far) - behind;
            if (apart > 0.0) == brighter && apart.abs() >= CONTRAST {
                return [near, far];
            }
        }
    }
}

/// Where a shape lies, how large it is and how it is turned.
struct Pose {
    middle: [f32; 2],
    radius: f32,
    sin: f32,
    cos: f32,
}

impl Pose {
    fn draw(random: &mut Random, part: Part) -> Self {
        let radii = match part {
            Part::Testing if random.chance(0.5) => NEW_RADII[random.range(0, 1)],
            _ => RADII,
        };
        let [least, most] = radii.map(f64::from);
        let radius = random.between(least, most) as f32;
        let half = SIDE as f32 / 2.0;
        let shift = f64::from(SHIFT);
        let middle = [(); 2].map(|()| half + random.between(-shift, shift) as f32);
        let (sin, cos) = (random.between(0.0, std::f64::consts::TAU) as f32).sin_cos();
        Self { middle, radius, sin, cos }
    }

    /// Row and column in the coordinates of the shape, which fills the circle of radius 1.
    fn place(&self, row: f32, column: f32) -> (f32, f32) {
        let (y, x) =
            ((row - self.middle[0]) / self.radius, (column - self.middle[1]) / self.radius);
        (y * self.cos - x * self.sin, y * self.sin + x * self.cos)
    }

    /// The share of a pixel that the shape covers.
    fn share(&self, form: &shape::Form, row: usize, column: usize) -> f32 {
        let at = |cell: usize, point: usize| cell as f32 + (point as f32 + 0.5) / POINTS as f32;
        let covered = (0..POINTS * POINTS).filter(|&point| {
            let (y, x) = self.place(at(row, point / POINTS), at(column, point % POINTS));
            form.covers(x, y)
        });
        covered.count() as f32 / (POINTS * POINTS) as f32
    }
}
