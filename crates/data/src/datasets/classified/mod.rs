//! Classification data: pictures that have one class each.
//!
//! | in the folder | what |
//! | --- | --- |
//! | `data_batch_1.bin`, or `data_batch_1` | [`cifar`], also in the sub-folder of its archive |
//! | `train-images-idx3-ubyte`, also with `.gz` | [`idx`]: MNIST and Fashion-MNIST |
//! | a folder of pictures for each class | photos, alike in `train`, `val` and `test` or without parts |
//!
//! Small pictures are kept in memory as bytes; photos are read when they are wanted.

mod folders;
mod source;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Part, Parts, cifar, idx};
use crate::decode;
use crate::error::{DataError, Result};
use crate::{Picture, Size};
pub use source::{ClassifiedBatch, ClassifiedSource, Jitter, Prepare};

/// Most classes: a label is a byte, and 255 stands for none.
pub const MAX_CLASSES: usize = 255;

/// Most bytes of pictures that are kept in memory.
pub(super) const MAX_BYTES: u64 = 1 << 31;

/// The file of the names of the classes, one a line, where a set has none of its own.
const NAMES: &str = "classes.txt";

/// Small pictures of one size, with their classes, as they lie in files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pictures {
    /// Rows and columns.
    pub size: Size,
    /// 3 for red, green and blue, 1 for grey.
    pub channels: usize,
    /// `[n, channels, height, width]`
    pub pixels: Vec<u8>,
    /// `[n]`
    pub labels: Vec<u8>,
}

impl Pictures {
    /// A picture more; errors call its class `what`, which lies at a byte of the file.
    pub(super) fn add(&mut self, pixels: &[u8], class: i64, what: &str, at: u64) -> Result<()> {
        self.labels.push(label(class, what, at)?);
        self.pixels.extend_from_slice(pixels);
        Ok(())
    }

    /// Red, green and blue side by side.
    fn rgb(&self, index: usize) -> Vec<u8> {
        let cells = self.size.pixels();
        let planes = &self.pixels[index * self.channels * cells..][..self.channels * cells];
        let last = self.channels - 1;
        let value = |at: usize| planes[(at % 3).min(last) * cells + at / 3];
        (0..3 * cells).map(value).collect()
    }
}

/// A class as a label.
pub(super) fn label(class: i64, what: &str, offset: u64) -> Result<u8> {
    match u8::try_from(class) {
        Ok(label) if usize::from(label) < MAX_CLASSES => Ok(label),
        _ => {
            let (what, expected) = (what.into(), format!("0 to {}", MAX_CLASSES - 1));
            Err(DataError::Layout { offset, what, expected, got: class.to_string() })
        }
    }
}

/// A folder of pictures with classes, ready to be used.
#[derive(Clone, Debug)]
pub struct ClassifiedFolder {
    /// The folder.
    pub folder: PathBuf,
    /// Names of the classes, in the order of their labels.
    pub classes: Arc<[String]>,
    /// What is wrong with files that are left out, each with its name.
    pub problems: Vec<DataError>,
    parts: Parts<Option<Items>>,
}

/// Pictures, and where they lie.
#[derive(Clone, Debug)]
enum Items {
    Stored(Arc<Pictures>, Range<usize>),
    Files(Arc<[(PathBuf, u8)]>),
}

impl Items {
    fn len(&self) -> usize {
        match self {
            Self::Stored(_, range) => range.len(),
            Self::Files(files) => files.len(),
        }
    }
}

impl ClassifiedFolder {
    /// Finds out how a folder is laid out.
    ///
    /// Where it has no part for validation, `validation` pictures of the training part become one: the last ones of files
    /// that hold many, and those whose names have the smallest digests among photos, in proportion in every class. Without
    /// a number it is a tenth.
    ///
    /// # Errors
    /// A folder of no known layout, files that are damaged, more than [`MAX_CLASSES`] classes, or more pictures for
    /// validation than there are.
    pub fn open(folder: &Path, validation: Option<usize>) -> Result<Self> {
        for folder in Some(folder.to_owned())
            .into_iter()
            .chain(cifar::Form::ALL.map(|form| folder.join(form.folder())))
        {
            if let Some(form) = cifar::form(&folder) {
                let batches: Vec<String> = (1..=cifar::BATCHES)
                    .map(|number| form.batch(number))
                    .filter(|name| folder.join(name).is_file())
                    .collect();
                let train = cifar::read(&folder, form, &batches)?;
                let test = Some(form.test()).filter(|name| folder.join(name).is_file());
                let test = test.map(|name| cifar::read(&folder, form, &[name])).transpose()?;
                let names = cifar::names(&folder, form)?;
                return Self::stored(&folder, train, test, names, validation);
            }
        }
        if let Some(files) = idx::files(folder, Part::Train) {
            let train = idx::read(&files)?;
            let test = idx::files(folder, Part::Test).map(|files| idx::read(&files)).transpose()?;
            let names = test.as_ref().and_then(idx::names);
            return Self::stored(folder, train, test, names, validation);
        }
        folders::open(folder, validation)
    }

    /// Of pictures in memory. A class without a name is called by its number.
    fn stored(
        folder: &Path,
        train: Pictures,
        test: Option<Pictures>,
        names: Option<Vec<String>>,
        validation: Option<usize>,
    ) -> Result<Self> {
        let names = match written_names(folder)? {
            None => names.unwrap_or_default(),
            Some(written) => written,
        };
        let labels = train.labels.iter().chain(test.iter().flat_map(|test| &test.labels));
        let used = labels.max().map_or(0, |&last| usize::from(last) + 1);
        if !names.is_empty() && names.len() < used {
            let (wanted, got) = (used, names.len());
            let error = DataError::Layout {
                offset: 0,
                what: "names of classes".into(),
                expected: format!("{wanted}, as the labels go to {}", used - 1),
                got: got.to_string(),
            };
            return Err(error.in_file(folder));
        }
        let name = |class: usize| names.get(class).cloned().unwrap_or_else(|| class.to_string());
        let classes = (0..used.max(names.len())).map(name).collect();
        let count = train.labels.len();
        let kept = validation.unwrap_or((count + 5) / 10);
        let first = count.checked_sub(kept).filter(|&first| first > 0).ok_or_else(|| {
            let (name, got) = ("validation", kept.to_string());
            let legal = "fewer than the pictures of the training part";
            DataError::Setting { name, got, legal }.in_file(folder)
        })?;
        let train = Arc::new(train);
        let part =
            |range: Range<usize>| (!range.is_empty()).then(|| Items::Stored(train.clone(), range));
        let test = test.map(|test| {
            let all = 0..test.labels.len();
            Items::Stored(Arc::new(test), all)
        });
        let parts = Parts { train: part(0..first), val: part(first..count), test };
        Ok(Self { folder: folder.into(), classes, problems: Vec::new(), parts })
    }

    /// The pictures of a part, in a stable order.
    ///
    /// # Errors
    /// If there is none.
    pub fn part(&self, part: Part) -> Result<Classified> {
        let items = self.parts.of(part).clone().filter(|items| items.len() > 0);
        let items = items.ok_or_else(|| DataError::NothingInIt {
            folder: self.folder.clone(),
            what: format!("picture in the part {part}"),
            first: self.problems.first().cloned().map(Box::new),
        })?;
        Ok(Classified { classes: self.classes.clone(), items })
    }
}

/// The names in `classes.txt`, if it is there.
fn written_names(folder: &Path) -> Result<Option<Vec<String>>> {
    let path = folder.join(NAMES);
    if !path.is_file() {
        return Ok(None);
    }
    let text =
        std::fs::read_to_string(&path).map_err(|error| DataError::read(error).in_file(path))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(Some(lines.map(String::from).collect()))
}

/// The pictures of one part of a data set; at least one.
#[derive(Clone, Debug)]
pub struct Classified {
    /// Names of the classes, in the order of their labels.
    pub classes: Arc<[String]>,
    items: Items,
}

impl Classified {
    /// How many pictures there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The class of a picture.
    pub fn label(&self, index: usize) -> Option<u8> {
        match &self.items {
            Items::Stored(pictures, range) => {
                pictures.labels.get(range.clone()).and_then(|labels| labels.get(index)).copied()
            }
            Items::Files(files) => files.get(index).map(|(_, label)| *label),
        }
    }

    /// The one size of all pictures, where it is known without reading them.
    pub fn size(&self) -> Option<Size> {
        match &self.items {
            Items::Stored(pictures, _) => Some(pictures.size),
            Items::Files(_) => None,
        }
    }

    /// What to call a picture to people.
    pub fn name(&self, index: usize) -> String {
        match &self.items {
            Items::Stored(..) => format!("picture {index}"),
            Items::Files(files) => {
                files.get(index).map_or_else(String::new, |(path, _)| path.display().to_string())
            }
        }
    }

    /// A picture, upright, laid on white where it is transparent.
    ///
    /// # Errors
    /// If a file cannot be read, or there is no picture of this number; files are named.
    pub fn load(&self, index: usize) -> Result<Picture> {
        if index >= self.len() {
            let legal = "below the number of pictures";
            return Err(DataError::Setting { name: "index", got: index.to_string(), legal });
        }
        match &self.items {
            Items::Stored(pictures, range) => {
                let Size { height, width } = pictures.size;
                Ok(Picture { width, height, rgb: pictures.rgb(range.start + index), alpha: None })
            }
            Items::Files(files) => {
                let (path, _) = &files[index];
                let picture = super::pairs::read(path).and_then(|file| decode::decode(&file));
                let picture = picture.map_err(|error| error.in_file(path))?;
                let rgb = picture.on_white().into_owned();
                Ok(Picture { rgb, alpha: None, ..picture })
            }
        }
    }
}
