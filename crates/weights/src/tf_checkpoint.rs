//! Checkpoints of TensorFlow, of both formats.
//!
//! | what is opened | what is read |
//! | --- | --- |
//! | `model.ckpt-7.index`, its prefix `model.ckpt-7`, or one of its `model.ckpt-7.data-00000-of-00002` | the index, and all files of cells beside it |
//! | `vgg16.tflearn`, `model.ckpt` and the like, if they are tables | that file (the format of `Saver` up to TensorFlow 0.12) |
//! | `model.ckpt-00000-of-00003`, or `model.ckpt` where such files are | all three |
//! | a text file `checkpoint`, or the folder with it | what its `model_checkpoint_path` names, in the same folder |
//! | a folder with one index and no such file, as `variables` of a SavedModel | that index |
//!
//! A `.meta` file holds a graph without weights, and is refused with a word about what to open.
//!
//! Tensors have the names that variables were saved under: `conv1/weights`, or `layer/kernel/.ATTRIBUTES/VARIABLE_VALUE`
//! where `tf.train.Checkpoint` wrote them. Variables that were cut into parts are put together. Axes stay as they are:
//! the filters of convolutions are `[height, width, in, out]`. What holds no numbers, such as the text that describes
//! Python's objects, is passed over, and [`PassedOver`] says so.
//!
//! Files from [`limits::MAPPED_BYTES`] on are mapped, and tensors that lie in them as they are needed take no memory of
//! their own. Those that are put together of parts that lie apart do, and so do those of the first format whose cells are
//! whole numbers or halves, and those of blocks that are compressed. If a file is cut short while it is in use, the
//! system ends the program.
//!
//! # Source
//! TensorFlow 2.21, as each part names its file.

mod block;
mod bundle;
mod part_key;
mod parts;
mod place;
mod saved_slices;
mod table;

use std::path::Path;
use std::sync::Arc;

use crate::bytes::{Bytes, Whole};
use crate::error::{Result, WeightsError, shown};
use crate::format::{PassedOver, SourceFile};
use crate::protobuf::Message;
use crate::safetensors::Weights;
use crate::tensor::Tensor;
use crate::{input, limits};
use bundle::{Header, Shard};
use table::Entry;

pub(crate) use place::is_at;

/// What a checkpoint holds.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// The tensors, under the names of the checkpoint.
    pub weights: Weights,
    /// What is there besides, in the order of names.
    pub passed_over: Vec<PassedOver>,
    /// The files read: tables, then files of cells, in the order of their numbers.
    pub files: Vec<SourceFile>,
}

/// What the entries of tables give.
#[derive(Default)]
struct Contents {
    tensors: Vec<Tensor>,
    passed_over: Vec<PassedOver>,
}

/// Reads a checkpoint by any of the paths that the module describes; its files take at most [`limits::MAX_BYTES`]
/// together.
///
/// # Errors
/// If a file cannot be read or is missing, is broken, or has another checksum than is stated.
pub fn read(path: &Path) -> Result<Checkpoint> {
    let place = place::find(path)?;
    let mut files = Files { given: path, read: Vec::new(), total: 0 };
    let mut slices = saved_slices::Reader::default();
    let tables = place.tables();
    let mut contents = None;
    for table in &tables {
        let (file, bytes) = files.open(table)?;
        let entries = table::read(&file, &bytes)?;
        match header(&file, &entries)? {
            None => slices.add(&file, entries)?,
            Some(header) => {
                let shards = place.shards(&file, header.shards)?;
                let shard = |path: &std::path::PathBuf| {
                    files.open(path).map(|(file, bytes)| Shard { file, bytes })
                };
                let shards = shards.iter().map(shard).collect::<Result<Vec<_>>>()?;
                contents = Some(bundle::read(&file, &header, &entries, &shards)?);
            }
        }
    }
    let Contents { tensors, passed_over } = match contents {
        Some(contents) => contents,
        None => slices.finish()?,
    };
    let file = path.display().to_string();
    let weights = Weights::new(None, tensors).map_err(|error| error.in_file(&file))?;
    Ok(Checkpoint { weights, passed_over, files: files.read })
}

/// Reads a checkpoint that is in memory: its table, and its files of cells if the table is an index of such. Messages
/// call the table `file`.
///
/// # Errors
/// If the table is broken, or asks for more or other files than there are.
pub fn from_bytes(
    file: &str,
    table: Vec<u8>,
    shards: Vec<Vec<u8>>,
) -> Result<(Weights, Vec<PassedOver>)> {
    let shared = |bytes| Bytes::shared(Whole::Read(Arc::new(bytes)));
    let entries = table::read(file, &shared(table))?;
    let Contents { tensors, passed_over } = match header(file, &entries)? {
        None => {
            let mut slices = saved_slices::Reader::default();
            slices.add(file, entries)?;
            slices.finish()?
        }
        Some(header) if header.shards == shards.len() => {
            let shard = |(number, bytes)| Shard {
                file: format!("{file}/shard-{number}"),
                bytes: shared(bytes),
            };
            let shards: Vec<_> = shards.into_iter().enumerate().map(shard).collect();
            bundle::read(file, &header, &entries, &shards)?
        }
        Some(header) => {
            let got = shards.len();
            let reason = format!("{}, but {got} files of cells are given", header.shards);
            return Err(table::form(file, "num_shards", 0, reason));
        }
    };
    let weights = Weights::new(None, tensors).map_err(|error| error.in_file(file))?;
    Ok((weights, passed_over))
}

/// The header of an index of files of cells; nothing for a table that holds cells itself.
fn header(file: &str, entries: &[Entry]) -> Result<Option<Header>> {
    let first = entries.first().filter(|entry| entry.key.is_empty());
    let Some(Entry { value, .. }) = first else {
        let reason = "the entry without a name is missing, which describes all others".into();
        return Err(table::form(file, "the keys of the table", 0, reason));
    };
    // Field 1 is the number of files here, and a message there.
    for field in Message::new(file, value) {
        let field = field?;
        if field.number == 1 {
            return match field.range("") {
                Ok(_) => Ok(None),
                Err(_) => Header::parse(file, value).map(Some),
            };
        }
    }
    Header::parse(file, value).map(Some)
}

/// The files of a checkpoint as they are opened.
struct Files<'a> {
    given: &'a Path,
    read: Vec<SourceFile>,
    total: u64,
}

impl Files<'_> {
    /// What messages call a file, and its bytes.
    fn open(&mut self, path: &Path) -> Result<(String, Bytes)> {
        let file = path.display().to_string();
        let (whole, mut read) = input::whole(path)?;
        self.total = self.total.saturating_add(read.bytes);
        if self.total > limits::MAX_BYTES {
            let (bytes, limit) = (self.total, limits::MAX_BYTES);
            return Err(WeightsError::TooLarge {
                file: format!("{file} with those before it"),
                bytes,
                limit,
            });
        }
        // By way of the folder that was given, if one was.
        let folder = self.given.parent().unwrap_or(Path::new(""));
        if let Ok(below) = path.strip_prefix(folder) {
            read.name = below.display().to_string();
        }
        self.read.push(read);
        Ok((file, Bytes::shared(whole)))
    }
}

/// The name of a tensor.
fn name_of<'a>(file: &str, name: &'a [u8]) -> Result<&'a str> {
    let wrong = |reason: String| Err(table::form(file, "the name of a tensor", 0, reason));
    if name.len() > limits::MAX_NAME_BYTES {
        let (got, limit) = (name.len(), limits::MAX_NAME_BYTES);
        return wrong(format!("{got} bytes, but at most {limit} are read"));
    }
    str::from_utf8(name).or_else(|_| wrong(format!("\"{}\" is not UTF-8", name.escape_ascii())))
}

/// What messages call the entry of a tensor: as if the table were a folder.
fn entry_name(file: &str, name: &str) -> String {
    format!("{file}/{}", shown(name))
}
