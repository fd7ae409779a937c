//! Segmentation data: images and masks with named classes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::classes::{Classes, VOID};
use super::folder::{self, Contents};
use super::mask::{self, Key};
use super::pairs::{self, Found, Pair, same_size};
use super::split::Rule;
use super::{Labelled, Part, Parts, kitti, table};
use crate::decode;
use crate::error::{DataError, Result};

/// A folder of images and masks, ready to be used.
#[derive(Clone, Debug)]
pub struct SegmentationFolder {
    /// The folder.
    pub folder: PathBuf,
    /// The classes.
    pub classes: Arc<Classes>,
    /// How the items came into their parts.
    pub rule: Rule,
    /// What is wrong with items that are left out, each with the names of its files.
    pub problems: Vec<DataError>,
    parts: Parts<Arc<[Pair]>>,
}

impl SegmentationFolder {
    /// Finds out how a folder is laid out and checks each pair of files.
    ///
    /// Classes are those of `classes.toml` in the folder, or KITTI's for its layout. Where neither is
    /// there, all masks are read, and the largest number in them tells how many classes there are.
    ///
    /// # Errors
    /// If the folder has no layout that is known, `classes.toml` is wrong, or nothing is left that can be
    /// used. What is wrong with single items is no error, see
    /// [`problems`](SegmentationFolder::problems).
    pub fn open(folder: &Path) -> Result<Self> {
        let Contents { parts, rule, mut problems } = folder::read(folder)?;
        let mut usable = |part: Part| {
            let mut found = Found { pairs: parts.of(part).clone(), problems: Vec::new() };
            pairs::check(&mut found);
            problems.append(&mut found.problems);
            found.pairs
        };
        let [train, val, test] = Part::ALL.map(&mut usable);
        let mut parts = Parts { train, val, test };
        let classes = match table_of(folder)? {
            Some(classes) => classes,
            None if kitti::root(folder).is_some() => kitti::classes(),
            None => counted(folder, &mut parts, &mut problems)?,
        };
        if Part::ALL.iter().all(|&part| parts.of(part).is_empty()) {
            return Err(nothing(folder, "pair of an image and a mask that can be used", &problems));
        }
        let Parts { train, val, test } = parts;
        let parts = Parts { train: train.into(), val: val.into(), test: test.into() };
        let (folder, classes) = (folder.to_owned(), Arc::new(classes));
        Ok(Self { folder, classes, rule, problems, parts })
    }

    /// The items of a part, in a stable order: that of the list, or that of the names.
    ///
    /// # Errors
    /// If there is none.
    pub fn part(&self, part: Part) -> Result<Segmentation> {
        let pairs = self.parts.of(part).clone();
        if pairs.is_empty() {
            return Err(nothing(&self.folder, &format!("item in the part {part}"), &self.problems));
        }
        Ok(Segmentation { classes: self.classes.clone(), pairs })
    }
}

fn nothing(folder: &Path, what: &str, problems: &[DataError]) -> DataError {
    let first = problems.first().cloned().map(Box::new);
    DataError::NothingInIt { folder: folder.to_owned(), what: what.into(), first }
}

fn table_of(folder: &Path) -> Result<Option<Classes>> {
    let path = folder.join(table::FILE);
    if !path.exists() {
        return Ok(None);
    }
    // What is no UTF-8 becomes a sign that no key or name of a class is made of.
    let text = pairs::read(&path).map(|file| String::from_utf8_lossy(&file).into_owned());
    let classes = text.and_then(|text| table::read(text.trim_start_matches('\u{feff}')));
    classes.map(Some).map_err(|error| error.in_file(path))
}

/// Classes by the numbers in the masks, which are all read for it; pairs whose masks cannot be read
/// are taken out.
fn counted(
    folder: &Path,
    parts: &mut Parts<Vec<Pair>>,
    problems: &mut Vec<DataError>,
) -> Result<Classes> {
    let any_number = Key::numbers(VOID);
    let mut counts = [0; 256];
    for part in Part::ALL {
        let of_part = std::mem::take(parts.of_mut(part));
        let counted = of_part.into_par_iter().map(|pair| {
            let counts = count(&pair, &any_number)?;
            Ok((pair, counts))
        });
        for counted in counted.collect::<Vec<Result<(Pair, Counts)>>>() {
            match counted {
                Ok((pair, of_pair)) => {
                    add(&mut counts, &of_pair);
                    parts.of_mut(part).push(pair);
                }
                Err(problem) => problems.push(problem),
            }
        }
    }
    let found: Vec<usize> = (0..usize::from(VOID)).filter(|&label| counts[label] > 0).collect();
    match found[..] {
        // None at all is told by what is wrong with the pairs.
        [] if counts[usize::from(VOID)] == 0 => Ok(Classes::numbered(0)),
        [] | [0] => {
            let found = if found.is_empty() { "255" } else { "0" };
            Err(DataError::OneClass { folder: folder.to_owned(), found: found.into() })
        }
        [.., last] => Ok(Classes::numbered(last + 1)),
    }
}

/// Pixels of each label.
pub type Counts = [u64; 256];

fn count(pair: &Pair, key: &Key) -> Result<Counts> {
    let mut counts = [0; 256];
    let Some(path) = &pair.mask else { return Ok(counts) };
    let mask = pairs::read(path).and_then(|file| mask::read(&file, key));
    for label in mask.map_err(|error| error.in_file(path))?.labels {
        counts[usize::from(label)] += 1;
    }
    Ok(counts)
}

fn add(counts: &mut Counts, more: &Counts) {
    for (count, more) in counts.iter_mut().zip(more) {
        *count += more;
    }
}

/// The items of one part of a data set.
#[derive(Clone, Debug)]
pub struct Segmentation {
    /// The classes.
    pub classes: Arc<Classes>,
    /// The items, in a stable order; at least one.
    pub pairs: Arc<[Pair]>,
}

impl Segmentation {
    /// Loads an item: the image upright and laid on white, and the label of each pixel; void where
    /// there is no mask.
    ///
    /// # Errors
    /// If a file cannot be read, the sizes differ, a mask holds what is no class, or there is no item of
    /// this number; files are named.
    pub fn load(&self, index: usize) -> Result<Labelled> {
        let Some(pair) = self.pairs.get(index) else {
            let legal = "below the number of items";
            return Err(DataError::Setting { name: "index", got: index.to_string(), legal });
        };
        let picture = pairs::read(&pair.image).and_then(|file| decode::decode(&file));
        let picture = picture.map_err(|error| error.in_file(&pair.image))?;
        let size = picture.size();
        let labels = match &pair.mask {
            None => vec![VOID; size.pixels()],
            Some(path) => {
                let mask = pairs::read(path).and_then(|file| mask::read(&file, self.classes.key()));
                let mask = mask.map_err(|error| error.in_file(path))?;
                same_size(pair, path, size, mask.size)?;
                mask.labels
            }
        };
        let rgb = match picture.alpha {
            None => picture.rgb,
            Some(_) => picture.on_white().into_owned(),
        };
        Labelled::new(size, rgb, labels)
    }

    /// How many pixels each label has in all masks, for weights of classes; masks that cannot be read
    /// are left out.
    pub fn count_labels(&self) -> Counts {
        let counts = self.pairs.par_iter().filter_map(|pair| count(pair, self.classes.key()).ok());
        counts.reduce(
            || [0; 256],
            |mut sum, more| {
                add(&mut sum, &more);
                sum
            },
        )
    }
}
