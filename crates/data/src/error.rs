//! Why a picture cannot be read, computed or written.

use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;

use crate::Size;

/// Why a picture cannot be read, computed or written.
///
/// A picture passed in as bytes has no name here: whoever passed it in names it, by
/// [`DataError::in_file`]. Files that were to be written, and all files of a data set, are named.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[source] Arc<io::Error>),
    /// The file is larger than any that is read.
    #[error("has {bytes} bytes or more; at most {limit} are read")]
    FileTooLarge {
        /// Its size, or what was read of it before giving up.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The file has no bytes.
    #[error("is empty")]
    Empty,
    /// The content is of no known format.
    #[error(
        "is no picture that is read here: JPEG, PNG, WebP or BMP, told by the content, not by the name"
    )]
    NotAPicture,
    /// The content is of a format that is known, but not read.
    #[error("is {format}, which is not read; convert it to JPEG, PNG, WebP or BMP")]
    FormatNotRead {
        /// The format, with its article.
        format: &'static str,
    },
    /// The header promises more pixels than are accepted.
    #[error("has {size} pixels, {} in all; at most {limit} are read", size.pixels())]
    TooManyPixels {
        /// What the header says.
        size: Size,
        /// The limit.
        limit: usize,
    },
    /// The header promises no pixels.
    #[error("has {size} pixels: there is nothing in it")]
    NoPixels {
        /// What the header says.
        size: Size,
    },
    /// The file ends before the picture does.
    #[error("breaks off after {bytes} bytes, before the end of the picture")]
    CutOff {
        /// Bytes that are there.
        bytes: usize,
    },
    /// The decoder refuses the content.
    #[error("is a damaged {format}: {reason}")]
    Damaged {
        /// The format.
        format: &'static str,
        /// What the decoder says.
        reason: String,
    },
    /// There is not enough memory.
    #[error("needs {bytes} bytes of memory, which cannot be had")]
    Memory {
        /// What was asked for.
        bytes: u64,
    },
    /// A buffer does not fit its size.
    #[error("{what}: {got} values, but {size} with {channels} channels needs {expected}", expected = size.pixels().saturating_mul(*channels))]
    BufferLength {
        /// Which buffer.
        what: &'static str,
        /// The size that was stated.
        size: Size,
        /// Values per pixel.
        channels: usize,
        /// Values that are there.
        got: usize,
    },
    /// The network fails.
    #[error("the network fails: {0}")]
    Network(String),
    /// The network gives a number that is no probability.
    #[error(
        "the network gives {got} at row {row}, column {column}, where a probability from 0 to 1 is expected; are the weights damaged?"
    )]
    NoProbability {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// What it gives.
        got: f32,
    },
    /// The folder has no picture.
    #[error("has no pictures in it (JPEG, PNG, WebP or BMP)")]
    NoPictures,
    /// A number of pictures or a side is outside of what is made.
    #[error("{got} {what}; {first} to {last} are possible")]
    OutOfRange {
        /// What is counted.
        what: &'static str,
        /// The number that was asked for.
        got: usize,
        /// The least.
        first: usize,
        /// The greatest.
        last: usize,
    },
    /// A folder that a set is to fill has something else in it.
    #[error(
        "{} has {} in it, which is not of this set; choose an empty folder",
        folder.display(), file.strip_prefix(folder).unwrap_or(file).display()
    )]
    Foreign {
        /// The folder.
        folder: PathBuf,
        /// One of the files.
        file: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: Arc<io::Error>,
    },
    /// A package cannot be brought.
    #[error("cannot fetch {package}: {fault}")]
    Fetch {
        /// Its name and version.
        package: String,
        /// Why.
        fault: crate::fetch::Fault,
    },
    /// What came is something else than what was asked for.
    #[error(
        "{what} has SHA-256 {found}, not {wanted}: it is not used, and nothing was kept; a proxy or mirror may have changed it"
    )]
    Digest {
        /// What came.
        what: String,
        /// Its SHA-256.
        found: String,
        /// The right one.
        wanted: String,
    },
    /// Something is wrong with this file.
    #[error("{} {source}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<DataError>,
    },
    /// A folder has not the form of a data set.
    #[error("{} is no data set that is known here: there must be {wanted}", folder.display())]
    NoDataSet {
        /// The folder.
        folder: PathBuf,
        /// What was looked for.
        wanted: String,
    },
    /// An image has no mask.
    #[error("{} has no mask: looked for {wanted}", image.display())]
    NoMask {
        /// The image.
        image: PathBuf,
        /// What was looked for.
        wanted: String,
    },
    /// A mask has no image.
    #[error("{} belongs to no image: none is called {wanted}", mask.display())]
    NoImage {
        /// The mask.
        mask: PathBuf,
        /// What was looked for.
        wanted: String,
    },
    /// An image and its mask differ in size.
    #[error("{} has {image_size} pixels, but its mask {} has {mask_size}{}", image.display(), mask.display(), turned(*image_size, *mask_size))]
    SizesDiffer {
        /// The image.
        image: PathBuf,
        /// Its size, upright.
        image_size: Size,
        /// The mask.
        mask: PathBuf,
        /// Its size.
        mask_size: Size,
    },
    /// An image lies beside the folders of the parts.
    #[error("{} lies beside the folders train, val and test, so that it belongs to none of them", image.display())]
    NoPart {
        /// The image.
        image: PathBuf,
    },
    /// A data set, or a part of it, has nothing in it.
    #[error("{} has no {what}{}", folder.display(), because(first))]
    NothingInIt {
        /// The folder.
        folder: PathBuf,
        /// What is missing.
        what: String,
        /// The first of the problems that were met.
        first: Option<Box<DataError>>,
    },
    /// A line of a list names nothing that is there.
    #[error("{}, line {line}: {text:?} is neither the name of an image nor an image and a mask below {}", list.display(), folder.display())]
    ListLine {
        /// The list.
        list: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What stands there.
        text: String,
        /// Where paths begin.
        folder: PathBuf,
    },
    /// The table of classes is not as it must be.
    #[error("line {line}: {reason}")]
    Table {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A mask is of a format that changes what it stores.
    #[error("is a JPEG, which changes colours a little everywhere; a mask must be a PNG")]
    LossyMask,
    /// A mask holds a number that is no class.
    #[error("row {row}, column {column} holds {number}, but class numbers are {known}")]
    UnknownNumber {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// What is there.
        number: u32,
        /// The numbers that are known.
        known: String,
    },
    /// A mask holds a colour that is no class.
    #[error(
        "row {row}, column {column} has the colour {colour:?}, which classes.toml gives to no class; name it there, or set `others = true` under [void]"
    )]
    UnknownColour {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// Red, green, blue.
        colour: [u8; 3],
    },
    /// A mask holds colours, and nothing tells what they mean.
    #[error(
        "holds {count} colours ({}), but there is no classes.toml that says which class each is",
        list(examples)
    )]
    ColoursWithoutTable {
        /// How many different ones.
        count: usize,
        /// The first of them, in the order of their numbers.
        examples: Vec<[u8; 3]>,
    },
    /// A mask should hold numbers and holds colours.
    #[error(
        "row {row}, column {column} has the colour {colour:?}, where classes.toml promises numbers"
    )]
    NotANumber {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// Red, green, blue.
        colour: [u8; 3],
    },
    /// All masks together have fewer than two classes.
    #[error("the masks in {} hold no other number than {found} (255 is void, which does not count): there must be two classes at least; where black and white are the classes, say so in classes.toml by `masks = \"colours\"`", folder.display())]
    OneClass {
        /// The folder.
        folder: PathBuf,
        /// The numbers that are there.
        found: String,
    },
    /// A file of many pictures is not as its format says.
    #[error("{what} at byte {offset}: expected {expected}, got {got}")]
    Layout {
        /// Where in the file, unpacked.
        offset: u64,
        /// What is there.
        what: String,
        /// What it must be.
        expected: String,
        /// What it is.
        got: String,
    },
    /// A pickle of Python cannot be read.
    #[error("is no pickle that is read here: {0}")]
    Pickle(#[source] Arc<upconv_weights::WeightsError>),
    /// A setting has no meaning.
    #[error("{name} is {got}, but must be {legal}")]
    Setting {
        /// Which setting.
        name: &'static str,
        /// What it is.
        got: String,
        /// What it may be.
        legal: &'static str,
    },
    /// Items of one batch differ in size.
    #[error(
        "{first} has {first_size} pixels and {other} has {other_size}, which cannot be one batch: set `patch` or `fixed_resize`, or a batch of 1"
    )]
    BatchSizes {
        /// An item.
        first: String,
        /// Its size.
        first_size: Size,
        /// Another.
        other: String,
        /// Its size.
        other_size: Size,
    },
    /// Of a whole epoch no batch can be made.
    #[error(
        "an epoch of {items} items makes no batch of {batch}: {failed} of them cannot be loaded{}",
        because(first)
    )]
    NoBatch {
        /// Items of an epoch.
        items: usize,
        /// Items of a batch.
        batch: usize,
        /// Items that cannot be loaded.
        failed: usize,
        /// The first of their problems.
        first: Option<Box<DataError>>,
    },
}

/// A word on photos that a camera noted to be turned.
fn turned(image: Size, mask: Size) -> &'static str {
    match image != mask && image.height == mask.width && image.width == mask.height {
        true => ": they are turned against each other; perhaps the photo's EXIF note turns it",
        false => "",
    }
}

fn because(first: &Option<Box<DataError>>) -> String {
    first.as_ref().map_or_else(String::new, |first| format!("; the first problem: {first}"))
}

fn list(colours: &[[u8; 3]]) -> String {
    colours.iter().map(|colour| format!("{colour:?}")).collect::<Vec<_>>().join(", ")
}

impl DataError {
    /// The same, with the file's name before it.
    ///
    /// ```
    /// use upconv_data::DataError;
    /// assert_eq!(DataError::Empty.in_file("a b.png").to_string(), "a b.png is empty");
    /// ```
    pub fn in_file(self, path: impl Into<PathBuf>) -> Self {
        Self::InFile { path: path.into(), source: Box::new(self) }
    }

    /// Whether no other picture can be written either: the disk is full, or nothing may be written.
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use upconv_data::DataError;
    /// let write = |kind: ErrorKind| {
    ///     let source = std::io::Error::from(kind).into();
    ///     DataError::Write { path: "a.mask.png".into(), source }
    /// };
    /// assert!(write(ErrorKind::StorageFull).is_final());
    /// assert!(!write(ErrorKind::IsADirectory).is_final());
    /// assert!(!DataError::Empty.is_final());
    /// ```
    pub fn is_final(&self) -> bool {
        let Self::Write { source, .. } = self else { return false };
        matches!(
            source.kind(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem
        )
    }

    pub(crate) fn read(error: io::Error) -> Self {
        Self::Read(Arc::new(error))
    }

    pub(crate) fn write(path: impl Into<PathBuf>, error: io::Error) -> Self {
        Self::Write { path: path.into(), source: Arc::new(error) }
    }
}

pub(crate) type Result<T> = std::result::Result<T, DataError>;
