//! How a folder is laid out, and what is in it.

use std::path::{Path, PathBuf};

use super::lists;
use super::pairs::{Found, IMAGES, MASKS, Pair, match_up, named, part_of};
use super::split::{self, Rule};
use super::{Part, Parts, kitti};
use crate::error::{DataError, Result};

/// All that a folder holds.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) parts: Parts<Vec<Pair>>,
    pub(super) rule: Rule,
    pub(super) problems: Vec<DataError>,
}

/// Finds out the layout of a folder.
///
/// # Errors
/// If it has none that is known, or a list cannot be read.
pub(super) fn read(folder: &Path) -> Result<Contents> {
    if let Some(root) = kitti::root(folder) {
        return kitti_road(folder, &root);
    }
    let images = named(folder, IMAGES);
    let lists = lists::find(folder);
    if let Some(images) = images {
        return one_folder(folder, &images, lists);
    }
    if let Some(contents) = folders_of_parts(folder) {
        return Ok(contents);
    }
    match lists {
        Some(lists) => by_lists(folder, &lists, Found::default()),
        None => Err(DataError::NoDataSet {
            folder: folder.to_owned(),
            wanted: format!(
                "a folder of images ({}) and one of masks ({}); or train and val with both in each; or \
                 train.txt with lines of an image and a mask; or KITTI's training/image_2",
                IMAGES.join(", "),
                MASKS.join(", ")
            ),
        }),
    }
}

fn kitti_road(folder: &Path, root: &Path) -> Result<Contents> {
    let training = kitti::pairs(root, "training", true);
    let testing = kitti::pairs(root, "testing", false);
    let lists = [folder, root].into_iter().find_map(|at| Some((at, lists::find(at)?)));
    if let Some((at, lists)) = lists {
        // Both halves have the same names. Of two the later counts, which is that of `training`; lists
        // that mean the other give paths.
        let mut known = testing;
        known.pairs.extend(training.pairs);
        known.problems.extend(training.problems);
        return by_lists(at, &lists, known);
    }
    let mut parts = split::last_of_each(training.pairs);
    parts.test = testing.pairs;
    let problems = [training.problems, testing.problems].concat();
    Ok(Contents { parts, rule: Rule::LastOfEach, problems })
}

/// Images and masks in a folder each.
fn one_folder(
    folder: &Path,
    images: &Path,
    lists: Option<Parts<Option<PathBuf>>>,
) -> Result<Contents> {
    let masks = named(folder, MASKS);
    if let Some(lists) = lists {
        // Whether a mask is missing is asked for those in a list only.
        let mut known = match_up(images, masks.as_deref(), |_| false);
        known.problems.retain(|problem| !matches!(problem, DataError::NoImage { .. }));
        return by_lists(folder, &lists, known);
    }
    let has_parts = Part::ALL.iter().any(|part| named(images, &part.names()).is_some());
    if !has_parts {
        let found = match_up(images, masks.as_deref(), |_| true);
        let (parts, rule) = (split::by_name(found.pairs), Rule::Names);
        return Ok(Contents { parts, rule, problems: found.problems });
    }
    let is_test = |name: &str| part_of(name).is_some_and(|(part, _)| part == Part::Test);
    let found = match_up(images, masks.as_deref(), |name| !is_test(name));
    let (mut parts, mut problems) = (Parts::default(), found.problems);
    for mut pair in found.pairs {
        match part_of(&pair.name) {
            Some((part, rest)) => {
                pair.name = rest.to_owned();
                let of_part: &mut Vec<Pair> = parts.of_mut(part);
                of_part.push(pair);
            }
            None => problems.push(DataError::NoPart { image: pair.image }),
        }
    }
    Ok(Contents { parts, rule: Rule::Folders, problems })
}

/// A folder for each part, with images and masks in it.
fn folders_of_parts(folder: &Path) -> Option<Contents> {
    let mut contents =
        Contents { parts: Parts::default(), rule: Rule::Folders, problems: Vec::new() };
    let mut any = false;
    for part in Part::ALL {
        let Some(own) = named(folder, &part.names()) else { continue };
        let Some(images) = named(&own, IMAGES) else { continue };
        any = true;
        let masks = named(&own, MASKS);
        let found = match_up(&images, masks.as_deref(), |_| part != Part::Test);
        *contents.parts.of_mut(part) = found.pairs;
        contents.problems.extend(found.problems);
    }
    any.then_some(contents)
}

fn by_lists(folder: &Path, files: &Parts<Option<PathBuf>>, known: Found) -> Result<Contents> {
    let (mut parts, mut problems) = (Parts::default(), known.problems);
    for part in Part::ALL {
        let Some(list) = files.of(part) else { continue };
        let found = lists::read(list, part, folder, &known.pairs)?;
        *parts.of_mut(part) = found.pairs;
        problems.extend(found.problems);
    }
    Ok(Contents { parts, rule: Rule::Lists, problems })
}
