//! Images and their masks, found by their names.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::Part;
use crate::Size;
use crate::decode::{self, Opened};
use crate::error::{DataError, Result};
use crate::walk;

/// Folders that hold images, by the names that are common, most usual first.
pub(super) const IMAGES: &[&str] =
    &["images", "image", "imgs", "img", "JPEGImages", "photos", "inputs", "input"];

/// Folders that hold masks.
pub(super) const MASKS: &[&str] = &[
    "masks",
    "mask",
    "labels",
    "label",
    "annotations",
    "SegmentationClass",
    "SegmentationClassPNG",
    "ground_truth",
    "gt",
    "targets",
];

/// What a mask's name may have behind that of its image.
const ENDINGS: &[&str] = &["", "_mask", "_label", "_labels", "_gt", "_seg"];

/// An image and its mask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// What it is called: the image's path below its folder, without the ending of the file.
    pub name: String,
    /// The image's file.
    pub image: PathBuf,
    /// The mask's file; `None` where there is nothing to compare with.
    pub mask: Option<PathBuf>,
    /// The camera's calibration, where there is one: KITTI's `calib/NAME.txt`.
    pub calibration: Option<PathBuf>,
}

/// What was found, and what is wrong with some of it.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) pairs: Vec<Pair>,
    pub(super) problems: Vec<DataError>,
}

/// The first folder in `folder` that is called by one of the names, upper case or lower.
pub(super) fn named(folder: &Path, names: &[&str]) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    let mut folders: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    let is = |path: &PathBuf, name: &str| {
        path.file_name()
            .and_then(|own| own.to_str())
            .is_some_and(|own| own.eq_ignore_ascii_case(name))
    };
    names.iter().find_map(|name| folders.iter().find(|path| is(path, name)).cloned())
}

/// The pictures below a folder, with their names, in the order of their paths.
pub(super) fn pictures(folder: &Path, problems: &mut Vec<DataError>) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for candidate in walk::below(folder, &mut 0) {
        match candidate.problem {
            None => found.push((name(&candidate.relative), candidate.path)),
            Some(problem) => problems.push(problem.in_file(candidate.path)),
        }
    }
    found
}

/// A path without the ending of the file, its parts joined by `/` on every system.
pub(super) fn name(path: &Path) -> String {
    let stem = path.with_extension("");
    let parts = stem.components().map(|part| part.as_os_str().to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}

/// Pairs of the pictures below two folders.
///
/// Masks may be missing as a whole (`None`) or in part; `mask_is_needed` says for which images that is
/// a problem.
pub(super) fn match_up(
    images: &Path,
    masks: Option<&Path>,
    mask_is_needed: impl Fn(&str) -> bool,
) -> Found {
    let mut found = Found::default();
    let photos = pictures(images, &mut found.problems);
    let masks_found = masks.map_or_else(Vec::new, |masks| pictures(masks, &mut found.problems));
    let mut left: BTreeMap<String, PathBuf> = BTreeMap::new();
    for (name, path) in masks_found {
        // Two masks of one name: the first by its path, as `a.bmp` before `a.png`.
        left.entry(name).or_insert(path);
    }
    let mut last: Option<String> = None;
    for (name, image) in photos {
        if last.as_ref() == Some(&name) {
            let wanted = format!("a mask of its own: {name} is the name of two images");
            found.problems.push(DataError::NoMask { image, wanted });
            continue;
        }
        last = Some(name.clone());
        let mask = ENDINGS.iter().find_map(|ending| left.remove(&format!("{name}{ending}")));
        if mask.is_none() && mask_is_needed(&name) {
            let folder = masks.map_or_else(|| MASKS[0].into(), |masks| masks.display().to_string());
            let wanted = format!("{name}.png or {name}{}.png in {folder}", ENDINGS[1]);
            found.problems.push(DataError::NoMask { image, wanted });
            continue;
        }
        found.pairs.push(Pair { name, image, mask, calibration: None });
    }
    for (name, mask) in left {
        let wanted = format!("{name} in {}", images.display());
        found.problems.push(DataError::NoImage { mask, wanted });
    }
    found
}

/// Takes away the pairs that cannot be used: files that cannot be read or begin wrongly, and sizes that
/// differ. Only headers are looked at, so that a file damaged behind is found when it is loaded.
pub(super) fn check(found: &mut Found) {
    let checked: Vec<Result<()>> = found.pairs.par_iter().map(check_pair).collect();
    let mut checked = checked.into_iter();
    found.pairs.retain(|_| match checked.next() {
        Some(Err(problem)) => {
            found.problems.push(problem);
            false
        }
        _ => true,
    });
}

fn check_pair(pair: &Pair) -> Result<()> {
    let image_size = upright_size(&pair.image)?;
    let Some(mask) = &pair.mask else { return Ok(()) };
    let mask_size = upright_size(mask)?;
    same_size(pair, mask, image_size, mask_size)
}

/// # Errors
/// With the names and sizes of both.
pub(super) fn same_size(pair: &Pair, mask: &Path, image_size: Size, mask_size: Size) -> Result<()> {
    if image_size == mask_size {
        return Ok(());
    }
    let (image, mask) = (pair.image.clone(), mask.to_owned());
    Err(DataError::SizesDiffer { image, image_size, mask, mask_size })
}

fn upright_size(path: &Path) -> Result<Size> {
    let size = || -> Result<Size> { Ok(Opened::new(&read(path)?)?.upright_size()) };
    size().map_err(|error| error.in_file(path))
}

/// The bytes of a file, whose name is not in errors.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    decode::read(File::open(path).map_err(DataError::read)?)
}

/// The part whose name the first folder of an item's name is, and the rest of its name.
pub(super) fn part_of(name: &str) -> Option<(Part, &str)> {
    let (folder, rest) = name.split_once('/')?;
    Some((Part::named(folder)?, rest))
}
