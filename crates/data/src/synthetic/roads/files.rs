//! The set as files, in KITTI's layout.

use std::path::Path;

use rayon::prelude::*;

use super::{Category, OTHER, Part, ROAD, SIZE, Scenery, category, picture};
use crate::error::{DataError, Result};
use crate::synthetic::folder::{self, Made};
use crate::{Size, encode};

/// Most pictures in a part: KITTI's names have six digits for each of three categories.
const MAX_COUNT: usize = 3_000_000;

/// Under which the pictures may be used: nothing in them is of others.
pub const LICENCE: &str = "CC0-1.0";

/// The least and the greatest side of pictures, in pixels.
const SIDES: [usize; 2] = [32, 8192];

/// A set to be written.
///
/// ```text
/// training/image_2/um_000000.png        testing/image_2/um_000000.png
/// training/gt_image_2/um_road_000000.png  testing/gt_image_2/um_road_000000.png
/// training/calib/um_000000.txt          testing/calib/um_000000.txt
/// ```
///
/// and likewise `umm_` and `uu_`, in turns. Masks are magenta (255, 0, 255) for road, red (255, 0, 0) for
/// the rest and black where a pixel counts nowhere. KITTI gives no masks for its testing part; here they
/// stand where those of the training part do, in `testing/gt_image_2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roads {
    /// From which all random numbers come.
    pub seed: u64,
    /// Pictures for training.
    pub training: usize,
    /// Pictures for testing.
    pub testing: usize,
    /// Rows and columns of the pictures.
    pub size: Size,
}

impl Roads {
    /// `training` pictures of KITTI's size, and a third as many for testing.
    pub fn new(seed: u64, training: usize) -> Self {
        Self { seed, training, testing: training / 3, size: SIZE }
    }

    /// Names of all files relative to the folder, with `/` between parts, for one picture after the other.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.pictures().flat_map(|(part, index)| names(part, index))
    }

    /// Writes the set into a folder, which is created; the same bytes for any number of threads.
    ///
    /// `report` is called after each picture with the number of those done, from any thread.
    ///
    /// # Errors
    /// If a number or a size is out of range, the folder has files that are not of this set, or a file
    /// cannot be written.
    pub fn write(&self, folder: &Path, report: impl Fn(usize) + Sync) -> Result<Made> {
        self.check()?;
        let names: Vec<String> = self.names().collect();
        folder::prepare(folder, &names)?;
        let pictures: Vec<(Part, usize)> = self.pictures().collect();
        let done = std::sync::atomic::AtomicUsize::new(0);
        pictures.par_iter().try_for_each(|&(part, index)| {
            let scenery = picture(self.seed, part, index, self.size);
            for (name, content) in names_and_contents(part, index, &scenery) {
                folder::write(folder, &name, &content?)?;
            }
            report(1 + done.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
            Ok(())
        })?;
        folder::finish(folder, names)
    }

    /// How many pictures there are.
    pub fn count(&self) -> usize {
        self.training.saturating_add(self.testing)
    }

    fn pictures(&self) -> impl Iterator<Item = (Part, usize)> + use<> {
        let training = (0..self.training).map(|index| (Part::Training, index));
        training.chain((0..self.testing).map(|index| (Part::Testing, index)))
    }

    fn check(&self) -> Result<()> {
        let last = MAX_COUNT;
        for (what, got, first) in
            [("training pictures", self.training, 1), ("test pictures", self.testing, 0)]
        {
            if !(first..=last).contains(&got) {
                return Err(DataError::OutOfRange { what, got, first, last });
            }
        }
        let [first, last] = SIDES;
        for (what, got) in [("rows", self.size.height), ("columns", self.size.width)] {
            if !(first..=last).contains(&got) {
                return Err(DataError::OutOfRange { what, got, first, last });
            }
        }
        Ok(())
    }
}

/// Picture, mask, calibration.
fn names(part: Part, index: usize) -> [String; 3] {
    let (part, (category, number)) = (part.folder(), category(index));
    let kind = Category::name(category);
    [
        format!("{part}/image_2/{kind}_{number:06}.png"),
        format!("{part}/gt_image_2/{kind}_road_{number:06}.png"),
        format!("{part}/calib/{kind}_{number:06}.txt"),
    ]
}

fn names_and_contents(
    part: Part,
    index: usize,
    scenery: &Scenery,
) -> impl Iterator<Item = (String, Result<Vec<u8>>)> {
    let png = |rgb: &[u8]| {
        let mut file = Vec::new();
        let written = encode::rgb_png(&mut file, scenery.size, rgb);
        written.map(|()| file).map_err(|error| DataError::write("PNG", error))
    };
    let mask: Vec<u8> = scenery.labels.iter().flat_map(|&label| colour(label)).collect();
    let contents = [png(&scenery.rgb), png(&mask), Ok(scenery.calibration.clone().into_bytes())];
    names(part, index).into_iter().zip(contents)
}

/// KITTI's colour of a label.
fn colour(label: u8) -> [u8; 3] {
    match label {
        ROAD => [255, 0, 255],
        OTHER => [255, 0, 0],
        _ => [0, 0, 0],
    }
}
