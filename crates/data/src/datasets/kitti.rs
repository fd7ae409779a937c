//! KITTI Road as its makers hand it out.
//!
//! ```text
//! training/image_2/um_000000.png        umm_000000.png, uu_000000.png and so on
//! training/gt_image_2/um_road_000000.png
//! training/calib/um_000000.txt
//! testing/image_2/um_000000.png         masks in testing/gt_image_2, where there are any
//! ```
//!
//! The masks of single lanes (`um_lane_000000.png`) are not used. Road is magenta, what is no road red;
//! any other colour, in KITTI's masks black, is void.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::classes::{Class, Classes};
use super::mask::{Key, Meaning};
use super::pairs::{Found, Pair, pictures};
use crate::error::DataError;

/// The colour of road.
pub const ROAD: [u8; 3] = [255, 0, 255];

/// The colour of what is no road.
pub const OTHER: [u8; 3] = [255, 0, 0];

/// Two classes: 0 is what is no road, 1 is road.
pub fn classes() -> Classes {
    let class = |name: &str, colour| Class { name: name.into(), colour };
    let key = Key {
        meaning: Some(Meaning::Colours),
        numbers: HashMap::new(),
        colours: Some([(OTHER, 0), (ROAD, 1)].into()),
        others_are_void: true,
    };
    Classes { list: vec![class("other", OTHER), class("road", ROAD)], key }
}

/// The folder that holds `training` or `testing`: `folder` itself, or `data_road` in it.
pub(super) fn root(folder: &Path) -> Option<PathBuf> {
    let is_root = |root: &PathBuf| {
        ["training", "testing"].iter().any(|half| root.join(half).join("image_2").is_dir())
    };
    [folder.to_owned(), folder.join("data_road")].into_iter().find(is_root)
}

/// The items of `training` or `testing`.
pub(super) fn pairs(root: &Path, half: &str, mask_is_needed: bool) -> Found {
    let mut found = Found::default();
    let half = root.join(half);
    if !half.join("image_2").is_dir() {
        return found;
    }
    for (name, image) in pictures(&half.join("image_2"), &mut found.problems) {
        let existing = |path: PathBuf| path.is_file().then_some(path);
        let mask = mask_name(&name).map(|mask| half.join("gt_image_2").join(mask));
        let wanted = mask.clone();
        let mask = mask.and_then(existing);
        if mask.is_none() && mask_is_needed {
            let wanted = wanted.map_or_else(
                || "a mask, but the name is not as um_000000, umm_000000 or uu_000000".into(),
                |path| path.display().to_string(),
            );
            found.problems.push(DataError::NoMask { image, wanted });
            continue;
        }
        let calibration = existing(half.join("calib").join(format!("{name}.txt")));
        found.pairs.push(Pair { name, image, mask, calibration });
    }
    found
}

/// `um_000000` has the mask `um_road_000000.png`.
fn mask_name(name: &str) -> Option<String> {
    let (category, number) = name.split_once('_')?;
    Some(format!("{category}_road_{number}.png"))
}
