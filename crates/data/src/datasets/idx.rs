//! MNIST's files: IDX, plain or packed by gzip, whichever their first bytes say.
//!
//! | file | magic number | then |
//! | --- | --- | --- |
//! | `train-images-idx3-ubyte`, `t10k-images-idx3-ubyte` | 0x00000803 | count, rows, columns; bytes |
//! | `train-labels-idx1-ubyte`, `t10k-labels-idx1-ubyte` | 0x00000801 | count; bytes |
//!
//! Numbers are of 32 bits, the highest byte first. Names may end in `.gz`, or have `.idx` for `-idx`.
//!
//! # Source
//! Y. LeCun, C. Cortes, C. Burges, "The MNIST database", section "File formats".

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::Part;
use super::classified::{MAX_BYTES, Pictures};
use crate::Size;
use crate::error::{DataError, Result};

/// SHA-256 of the labels of Fashion-MNIST's test pictures, without the header: files of both sets have the same names.
const FASHION: [u8; 32] = [
    0x3d, 0x0e, 0x6c, 0x6e, 0xa9, 0x90, 0xb5, 0x3b, 0x6f, 0x8f, 0x50, 0x0a, 0x41, 0xca, 0xc9, 0x38,
    0x81, 0xd9, 0x81, 0xb3, 0x15, 0xf8, 0x45, 0x78, 0xb7, 0xd9, 0x15, 0x34, 0x2a, 0xde, 0x01, 0xe9,
];

/// The classes of Fashion-MNIST.
///
/// # Source
/// H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms",
/// 2017, table 2.
const FASHION_NAMES: [&str; 10] = [
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
];

/// Images and labels of a part, if both are in the folder.
pub fn files(folder: &Path, part: Part) -> Option<[PathBuf; 2]> {
    let first = match part {
        Part::Train => "train",
        Part::Test => "t10k",
        Part::Val => return None,
    };
    let find = |kind: &str, axes: usize| {
        let endings = ["", ".gz"].into_iter();
        let mut names = endings.flat_map(|ending| {
            ["-", "."].map(|dot| format!("{first}-{kind}{dot}idx{axes}-ubyte{ending}"))
        });
        names.find_map(|name| Some(folder.join(name)).filter(|path| path.is_file()))
    };
    Some([find("images", 3)?, find("labels", 1)?])
}

/// The pictures of one part, of one channel.
///
/// # Errors
/// A file that cannot be read, is cut short, or is no IDX of bytes; labels of another number.
pub fn read([images, labels]: &[PathBuf; 2]) -> Result<Pictures> {
    let (sizes, pixels) = bytes(images, 3).map_err(|error| error.in_file(images))?;
    let (counts, classes) = bytes(labels, 1).map_err(|error| error.in_file(labels))?;
    if counts[0] != sizes[0] {
        let (expected, got) = (format!("{}, as pictures", sizes[0]), counts[0].to_string());
        let error = DataError::Layout { offset: 4, what: "count of labels".into(), expected, got };
        return Err(error.in_file(labels));
    }
    let size = Size { height: sizes[1], width: sizes[2] };
    let mut pictures = Pictures { size, channels: 1, pixels: Vec::new(), labels: Vec::new() };
    for (at, &label) in classes.iter().enumerate() {
        let what = format!("class of picture {at}");
        let checked = super::classified::label(label.into(), &what, 8 + at as u64);
        pictures.labels.push(checked.map_err(|error| error.in_file(labels))?);
    }
    pictures.pixels = pixels;
    Ok(pictures)
}

/// What the classes are called, where the labels of the test pictures are those of a set that is known.
pub fn names(test: &Pictures) -> Option<Vec<String>> {
    (Sha256::digest(&test.labels)[..] == FASHION).then(|| FASHION_NAMES.map(String::from).to_vec())
}

/// The sizes of the axes, and the cells.
fn bytes(path: &Path, axes: usize) -> Result<(Vec<usize>, Vec<u8>)> {
    let open = || File::open(path).map_err(DataError::read);
    let mut sign = Vec::new();
    open()?.take(2).read_to_end(&mut sign).map_err(DataError::read)?;
    let file = BufReader::new(open()?);
    match sign[..] {
        [0x1f, 0x8b] => cells(MultiGzDecoder::new(file), axes),
        _ => cells(file, axes),
    }
}

fn cells(mut file: impl Read, axes: usize) -> Result<(Vec<usize>, Vec<u8>)> {
    let layout = |offset: usize, what: &str, expected: String, got: String| DataError::Layout {
        offset: offset as u64,
        what: what.into(),
        expected,
        got,
    };
    let head = take(&mut file, 4 + 4 * axes as u64)?;
    if head.len() < 4 + 4 * axes {
        let expected = format!("{} bytes", 4 + 4 * axes);
        return Err(layout(0, "header", expected, format!("{} bytes", head.len())));
    }
    let mut numbers = head.as_chunks::<4>().0.iter().map(|&number| u32::from_be_bytes(number));
    let (magic, wanted) = (numbers.next().unwrap_or_default(), 0x0800 + axes as u32);
    if magic != wanted {
        return Err(layout(0, "magic number", format!("{wanted:#010x}"), format!("{magic:#010x}")));
    }
    let sizes: Vec<usize> = numbers.map(|size| size as usize).collect();
    let all = sizes.iter().try_fold(1u64, |all, &size| all.checked_mul(size as u64));
    let count = match all {
        Some(all @ 1..=MAX_BYTES) => all,
        _ => {
            let expected = format!("1 to {MAX_BYTES} bytes in all");
            return Err(layout(4, "sizes", expected, format!("{sizes:?}")));
        }
    };
    let cells = take(&mut file, count)?;
    if (cells.len() as u64) < count {
        let (expected, got) = (format!("{count} bytes"), format!("{} bytes", cells.len()));
        return Err(layout(head.len(), "cells", expected, got));
    }
    if !take(&mut file, 1)?.is_empty() {
        let end = head.len() as u64 + count;
        return Err(layout(end as usize, "end", "no more bytes".into(), "more bytes".into()));
    }
    Ok((sizes, cells))
}

/// At most `count` bytes; memory is taken as they come.
fn take(file: &mut impl Read, count: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(count).read_to_end(&mut bytes).map_err(DataError::read)?;
    Ok(bytes)
}
