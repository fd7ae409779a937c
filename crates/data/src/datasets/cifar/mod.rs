//! CIFAR-10's files, in both of their forms: one of plain bytes, and one of Python's pickles.
//!
//! | | bytes | pickles |
//! | --- | --- | --- |
//! | usual folder | `cifar-10-batches-bin` | `cifar-10-batches-py` |
//! | for training | `data_batch_1.bin` to `data_batch_5.bin` | `data_batch_1` to `data_batch_5` |
//! | for testing | `test_batch.bin` | `test_batch` |
//! | names of the classes | `batches.meta.txt`, one a line | `batches.meta`, `label_names` |
//!
//! In the first, a picture is a byte for its class and 3072 for its pixels: 32 rows of 32 red values, then green, then
//! blue. In the second a file is a dictionary with `data`, bytes `[n, 3072]` in the same order, and `labels`.
//!
//! # Source
//! A. Krizhevsky, <https://www.cs.toronto.edu/~kriz/cifar.html>, "Dataset layout".

mod write;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use upconv_weights::Dtype;
use upconv_weights::numpy::{Entry, read_dictionary};

use super::classified::{MAX_BYTES, Pictures};
use crate::Size;
use crate::error::{DataError, Result};
pub(crate) use write::{binary, names_pickle, pickle};

/// Rows and columns.
pub const SIZE: Size = Size { height: 32, width: 32 };

/// Bytes of a picture's pixels.
pub const PIXELS: usize = 3 * 32 * 32;

/// Files for training.
pub const BATCHES: usize = 5;

/// The form of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Plain bytes.
    Binary,
    /// Python's pickles.
    Pickle,
}

impl Form {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Binary, Self::Pickle];

    /// The folder that its archive unpacks to.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Binary => "cifar-10-batches-bin",
            Self::Pickle => "cifar-10-batches-py",
        }
    }

    /// The file of the names of the classes.
    pub fn names_file(self) -> &'static str {
        match self {
            Self::Binary => "batches.meta.txt",
            Self::Pickle => "batches.meta",
        }
    }

    /// The file of training pictures of a number from 1 on.
    pub fn batch(self, number: usize) -> String {
        format!("data_batch_{number}{}", self.ending())
    }

    /// The file of test pictures.
    pub fn test(self) -> String {
        format!("test_batch{}", self.ending())
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Binary => ".bin",
            Self::Pickle => "",
        }
    }
}

/// The form of the files that lie in a folder, if they are there.
pub fn form(folder: &Path) -> Option<Form> {
    Form::ALL.into_iter().find(|form| folder.join(form.batch(1)).is_file())
}

/// The pictures of one file after the other.
///
/// # Errors
/// A file that cannot be read, breaks off within a picture, or has another form.
pub fn read(folder: &Path, form: Form, files: &[String]) -> Result<Pictures> {
    let mut pictures = Pictures { size: SIZE, channels: 3, pixels: Vec::new(), labels: Vec::new() };
    for name in files {
        let path = folder.join(name);
        let read = match form {
            Form::Binary => add_binary(&path, &mut pictures),
            Form::Pickle => add_pickle(&path, &mut pictures),
        };
        read.map_err(|error| error.in_file(&path))?;
        if pictures.pixels.len() as u64 > MAX_BYTES {
            let (bytes, limit) = (pictures.pixels.len() as u64, MAX_BYTES);
            return Err(DataError::FileTooLarge { bytes, limit }.in_file(folder));
        }
    }
    Ok(pictures)
}

/// The names of the classes; nothing if there is no file of them.
///
/// # Errors
/// A file that cannot be read, or has no list of names.
pub fn names(folder: &Path, form: Form) -> Result<Option<Vec<String>>> {
    let path = folder.join(form.names_file());
    if !path.is_file() {
        return Ok(None);
    }
    let names =
        match form {
            Form::Binary => fs::read_to_string(&path).map_err(DataError::read).map(|text| {
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                lines.map(String::from).collect::<Vec<_>>()
            }),
            Form::Pickle => read_dictionary(&path).map_err(of_weights).and_then(|entries| {
                match entries.into_iter().find(|(key, _)| key == "label_names") {
                    Some((_, Entry::Texts(names))) => Ok(names),
                    _ => Err(layout(0, "label_names", "a list of names", "none")),
                }
            }),
        };
    names.map(Some).map_err(|error| error.in_file(&path))
}

fn of_weights(error: upconv_weights::WeightsError) -> DataError {
    DataError::Pickle(Arc::new(error))
}

fn layout(offset: u64, what: &str, expected: impl ToString, got: impl ToString) -> DataError {
    let (what, expected, got) = (what.into(), expected.to_string(), got.to_string());
    DataError::Layout { offset, what, expected, got }
}

fn add_binary(path: &Path, pictures: &mut Pictures) -> Result<()> {
    const RECORD: usize = PIXELS + 1;
    let bytes = fs::metadata(path).map_err(DataError::read)?.len();
    if bytes > MAX_BYTES {
        return Err(DataError::FileTooLarge { bytes, limit: MAX_BYTES });
    }
    let file = fs::read(path).map_err(DataError::read)?;
    let (records, rest) = file.as_chunks::<RECORD>();
    if !rest.is_empty() || records.is_empty() {
        let what = format!("picture {}", records.len());
        let offset = (records.len() * RECORD) as u64;
        let expected = format!("{RECORD} bytes, one for the class and {PIXELS} for the pixels");
        return Err(layout(offset, &what, expected, format!("{} bytes", rest.len())));
    }
    for (number, [label, pixels @ ..]) in records.iter().enumerate() {
        let offset = (number * RECORD) as u64;
        pictures.add(pixels, (*label).into(), &format!("class of picture {number}"), offset)?;
    }
    Ok(())
}

fn add_pickle(path: &Path, pictures: &mut Pictures) -> Result<()> {
    let entries = read_dictionary(path).map_err(of_weights)?;
    let find = |name: &str| entries.iter().find(|(key, _)| key == name).map(|(_, entry)| entry);
    let data = match find("data") {
        Some(Entry::Array(data)) => data,
        _ => return Err(layout(0, "data", "an array of bytes [n, 3072]", "no array")),
    };
    if data.dtype() != Dtype::U8 || !matches!(*data.shape(), [rows, PIXELS] if rows > 0) {
        let got = format!("{:?} {:?}", data.dtype(), data.shape());
        return Err(layout(0, "data", "bytes [n, 3072]", got));
    }
    // CIFAR-100 has two kinds of them.
    let labels = match find("labels").or_else(|| find("fine_labels")) {
        Some(Entry::Integers(labels)) => labels,
        _ => return Err(layout(0, "labels", "a list of numbers", "none")),
    };
    let (rows, _) = data.bytes().as_chunks::<PIXELS>();
    if labels.len() != rows.len() {
        let expected = format!("{} numbers, one for each row of data", rows.len());
        return Err(layout(0, "labels", expected, format!("{} numbers", labels.len())));
    }
    for (number, (pixels, &label)) in rows.iter().zip(labels).enumerate() {
        pictures.add(pixels, label, &format!("class of picture {number}"), 0)?;
    }
    Ok(())
}
