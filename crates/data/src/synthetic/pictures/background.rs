//! What is behind a shape: noise, or a patch of a photo.

use std::path::{Path, PathBuf};

use super::{SIDE, colour};
use crate::error::{DataError, Result};
use crate::random::Random;
use crate::synthetic::noise;
use crate::walk::Inputs;
use crate::{Picture, Size};

/// Two colours mixed by noise of two widths and a slope.
pub(super) fn drawn(random: &mut Random) -> Vec<[f32; 3]> {
    let (one, other) = (colour(random), colour(random));
    let seed = random.bits() as u32;
    let widths = [random.between(5.0, 14.0) as f32, random.between(1.5, 4.0) as f32];
    let (sin, cos) = (random.between(0.0, std::f64::consts::TAU) as f32).sin_cos();
    let slope = random.between(0.0, 0.5) as f32;
    // How far apart the two colours are taken.
    let depth = random.between(0.3, 0.9) as f32;
    let mix = |at: usize| {
        let (x, y) = ((at % SIDE) as f32, (at / SIDE) as f32);
        let [wide, narrow] = [(0, 0.7), (1, 0.3)].map(|(of, share)| {
            let width: f32 = widths[of];
            share * noise::value(x / width, y / width, seed ^ of as u32)
        });
        let along = (x * cos + y * sin) / SIDE as f32 * slope;
        let share = (0.5 + depth * (wide + narrow - 0.5) + along).clamp(0.0, 1.0);
        [0, 1, 2].map(|channel| one[channel] + (other[channel] - one[channel]) * share)
    };
    (0..SIDE * SIDE).map(mix).collect()
}

/// Photos of which patches are cut.
#[derive(Debug)]
pub struct Backgrounds {
    photos: Vec<Picture>,
}

/// Most photos that are kept in memory.
const MOST: usize = 256;

impl Backgrounds {
    /// The photos of a folder, in the order of their names; those that cannot be read come second.
    ///
    /// # Errors
    /// A folder without a photo of at least 32x32 pixels, or with more than 256.
    pub fn read(folder: &Path) -> Result<(Self, Vec<DataError>)> {
        let inputs = Inputs::find(&[PathBuf::from(folder)], Path::new("")).inputs;
        if inputs.len() > MOST {
            let (what, got) = ("photos for backgrounds", inputs.len());
            return Err(DataError::OutOfRange { what, got, first: 1, last: MOST });
        }
        let (mut photos, mut problems) = (Vec::new(), Vec::new());
        for input in &inputs {
            match input.picture() {
                Ok(photo) if photo.width.min(photo.height) >= SIDE => photos.push(photo),
                Ok(photo) => {
                    let size = photo.size();
                    let legal = Size { height: SIDE, width: SIDE };
                    let (what, got) = (format!("photo of {size} pixels"), size.to_string());
                    let expected = format!("at least {legal}");
                    let error = DataError::Layout { offset: 0, what, expected, got };
                    problems.push(error.in_file(&input.label));
                }
                Err(error) => problems.push(error.in_file(&input.label)),
            }
        }
        if photos.is_empty() {
            return Err(DataError::NoPictures.in_file(folder));
        }
        Ok((Self { photos }, problems))
    }

    /// A patch of any of them, of 32x32 pixels or of more that are brought to that by their nearest.
    pub(super) fn patch(&self, random: &mut Random) -> Vec<[f32; 3]> {
        let photo = &self.photos[random.range(0, self.photos.len() - 1)];
        let most = (photo.width.min(photo.height) / SIDE).min(4);
        let step = random.range(1, most);
        let top = random.range(0, photo.height - step * SIDE);
        let left = random.range(0, photo.width - step * SIDE);
        let pixel = |at: usize| {
            let (row, column) = (top + at / SIDE * step, left + at % SIDE * step);
            let place = 3 * (row * photo.width + column);
            [0, 1, 2].map(|channel| f32::from(photo.rgb[place + channel]))
        };
        (0..SIDE * SIDE).map(pixel).collect()
    }
}
