//! Lists that say which items belong to a part: `train.txt`, `val.txt`, `test.txt`.
//!
//! A line is the name of an image, with or without the ending of the file; or the paths of an image and
//! its mask, with a space or a tab between them, as KittiSeg writes them; or, for testing, the path of
//! an image. Paths begin at the folder of the data set or at the one above. Names may have spaces: where
//! a line is cut is told by which files exist. Empty lines and those that begin with `#` count for
//! nothing.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::pairs::{self, Found, Pair, name};
use super::{Part, Parts};
use crate::error::{DataError, Result};

/// Folders in which lists lie, below that of the data set.
const FOLDERS: &[&str] = &["", "ImageSets/Segmentation", "lists"];

/// The lists of a data set; `None` if there is none.
pub(super) fn find(folder: &Path) -> Option<Parts<Option<PathBuf>>> {
    FOLDERS.iter().find_map(|below| {
        let list = |part: Part| {
            let files = part.names().map(|name| folder.join(below).join(format!("{name}.txt")));
            files.into_iter().find(|file| file.is_file())
        };
        let [train, val, test] = Part::ALL.map(list);
        let any = train.is_some() || val.is_some() || test.is_some();
        any.then_some(Parts { train, val, test })
    })
}

/// Reads the list of one part; `known` are the pairs that were found without it.
///
/// # Errors
/// If the list cannot be read. Lines that name nothing become problems.
pub(super) fn read(list: &Path, part: Part, folder: &Path, known: &[Pair]) -> Result<Found> {
    let text = pairs::read(list).map_err(|error| error.in_file(list))?;
    let text = String::from_utf8_lossy(&text);
    let lines = Lines {
        folder,
        by_name: known.iter().map(|pair| (pair.name.as_str(), pair)).collect(),
        by_image: known.iter().map(|pair| (pair.image.as_path(), pair)).collect(),
    };
    let mut found = Found::default();
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match lines.pair(line) {
            Some(pair) if pair.mask.is_none() && part != Part::Test => {
                let wanted =
                    format!("a mask behind it in line {} of {}", number + 1, list.display());
                found.problems.push(DataError::NoMask { image: pair.image, wanted });
            }
            Some(pair) => found.pairs.push(pair),
            None => found.problems.push(DataError::ListLine {
                list: list.to_owned(),
                line: number + 1,
                text: line.to_owned(),
                folder: folder.to_owned(),
            }),
        }
    }
    Ok(found)
}

struct Lines<'a> {
    folder: &'a Path,
    by_name: HashMap<&'a str, &'a Pair>,
    by_image: HashMap<&'a Path, &'a Pair>,
}

impl Lines<'_> {
    fn pair(&self, line: &str) -> Option<Pair> {
        let known = self.by_name.get(line).or_else(|| {
            let without_ending = line.rsplit_once('.').map_or(line, |(stem, _)| stem);
            self.by_name.get(without_ending)
        });
        if let Some(&pair) = known {
            return Some(pair.clone());
        }
        let cuts = line.char_indices().filter(|(_, c)| matches!(c, ' ' | '\t'));
        let both = cuts.filter_map(|(at, _)| {
            let (image, mask) = (line[..at].trim_end(), line[at + 1..].trim_start());
            Some((image, self.file(image)?, self.file(mask)?))
        });
        if let Some((text, image, mask)) = both.into_iter().next() {
            let calibration =
                self.by_image.get(image.as_path()).and_then(|pair| pair.calibration.clone());
            let name = self
                .by_image
                .get(image.as_path())
                .map_or_else(|| name(Path::new(text)), |pair| pair.name.clone());
            return Some(Pair { name, image, mask: Some(mask), calibration });
        }
        let image = self.file(line)?;
        match self.by_image.get(image.as_path()) {
            Some(&pair) => Some(pair.clone()),
            None => Some(Pair { name: name(Path::new(line)), image, ..Pair::default() }),
        }
    }

    /// The file that a path of a list means.
    fn file(&self, path: &str) -> Option<PathBuf> {
        let folders = [Some(self.folder), self.folder.parent()];
        let paths = folders.into_iter().flatten().map(|folder| folder.join(path));
        paths.into_iter().find(|path| path.is_file())
    }
}
