//! The format that weights are kept in: safetensors, with [`Metadata`] under `upconv`.
//!
//! A file is 8 bytes (size of the header, little-endian), the header (JSON: name to type, shape and range
//! of bytes), and the cells. The ranges must tile the cells exactly. Reading goes tensor by tensor, so that
//! a file is never in memory twice.

mod header;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;

use crate::bytes::{self, Bytes};
use crate::error::{Result, TensorFault, WeightsError};
use crate::format::{SourceFile, base_name};
use crate::input::{self, Input};
use crate::metadata::{self, Metadata};
use crate::tensor::{self, Tensor};
use crate::{atomic, hash, json, limits};
use header::{Entry, Header};

/// Bytes of the size of the header.
pub(crate) const PREFIX: u64 = 8;

/// The tensors of a model, and what is known about them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights {
    metadata: Option<Metadata>,
    /// Other metadata of the file, kept when it is rewritten.
    other: BTreeMap<String, String>,
    /// In the order of their names.
    tensors: Vec<Tensor>,
}

impl Weights {
    /// Tensors with their metadata.
    ///
    /// # Errors
    /// Two tensors of one name, a name that the format reserves, or a self-test without its tensors.
    pub fn new(metadata: Option<Metadata>, tensors: Vec<Tensor>) -> Result<Self> {
        Self { metadata, other: BTreeMap::new(), tensors }.checked("")
    }

    /// Reads a file; at most [`limits::MAX_BYTES`].
    ///
    /// # Errors
    /// If it cannot be read, or is not of the format; the message names the file, the tensor and the numbers.
    pub fn read(path: &Path) -> Result<Self> {
        Self::read_described(path).map(|(weights, _)| weights)
    }

    /// Reads a file, and gives its size and SHA-256 too.
    pub(crate) fn read_described(path: &Path) -> Result<(Self, SourceFile)> {
        let (file, bytes) = input::open(path, limits::MAX_BYTES)?;
        let name = path.display().to_string();
        let input = Input::new(file, name.clone(), bytes);
        let (weights, sha256) = Self::parse(input, &name, take)?;
        Ok((weights, SourceFile { name: base_name(path), bytes, sha256 }))
    }

    /// Reads bytes that are in memory, such as those that a program carries; messages call them `file`.
    ///
    /// # Errors
    /// If they are not of the format.
    pub fn from_bytes(file: &str, bytes: &[u8]) -> Result<Self> {
        let input = Input::new(bytes, file.into(), bytes.len() as u64);
        Self::parse(input, file, take).map(|(weights, _)| weights)
    }

    /// As [`Weights::read`], but large files stay where they are: the system reads what is looked at, and may forget
    /// it again. If such a file is cut short while its tensors are in use, the system ends the program; files below
    /// [`limits::MAPPED_BYTES`] are read.
    ///
    /// # Errors
    /// As [`Weights::read`].
    pub fn map(path: &Path) -> Result<Self> {
        let (opened, bytes) = input::open(path, limits::MAX_BYTES)?;
        let file = path.display().to_string();
        if bytes < limits::MAPPED_BYTES {
            let input = Input::new(opened, file.clone(), bytes);
            return Self::parse(input, &file, take).map(|(weights, _)| weights);
        }
        let map = bytes::map(&opened).map_err(|source| WeightsError::read(&file, source))?;
        let input = Input::new(&map[..], file.clone(), map.len() as u64);
        let place = |input: &mut Input<&[u8]>, entry: &Entry| {
            // The entries tile what is left of the file.
            let begin = input.offset() as usize;
            let range = begin + entry.begin as usize..begin + entry.end as usize;
            if range.end > map.len() {
                return Err(input.cut(format!("tensor {:?}", entry.name), entry.end - entry.begin));
            }
            Ok(Bytes::Part { whole: map.clone(), range })
        };
        Self::parse(input, &file, place).map(|(weights, _)| weights)
    }

    /// `cells` gives the bytes of an entry; it is called for one after the other in the order of the file.
    fn parse<R: Read>(
        mut input: Input<R>,
        file: &str,
        cells: impl Fn(&mut Input<R>, &Entry) -> Result<Bytes>,
    ) -> Result<(Self, String)> {
        let prefix = input.take(PREFIX, || "the size of the header".into())?;
        // Always as many bytes as were asked for.
        let size = u64::from_le_bytes(prefix.try_into().unwrap_or_default());
        if size > limits::MAX_JSON_BYTES {
            let reason =
                format!("{size} bytes are stated, but at most {} are read", limits::MAX_JSON_BYTES);
            return Err(json::error(file, header::ROOT, "", reason));
        }
        let bytes = input.take(size, || "the header".into())?;
        let Header { mut metadata, entries } = Header::parse(file, &bytes)?;
        drop(bytes);
        let known = metadata
            .remove(metadata::KEY)
            .map(|json| Metadata::from_json(file, &json))
            .transpose()?;

        let entries = header::in_order(file, entries)?;
        let described = entries.last().map_or(0, |entry| entry.end);
        let (begin, end) = (input.offset(), input.end());
        if let Some(surplus) = (end - begin).checked_sub(described).filter(|&surplus| surplus > 0) {
            let end = begin + described;
            return Err(WeightsError::Surplus { file: file.into(), end, surplus });
        }
        let mut tensors = Vec::with_capacity(entries.len());
        for entry in entries {
            let cells = cells(&mut input, &entry)?;
            let Entry { name, dtype, shape, .. } = entry;
            tensors.push(Tensor::of(name, dtype, shape, cells)?);
        }
        let weights = Self { metadata: known, other: metadata, tensors }.checked(file)?;
        Ok((weights, input.sha256()))
    }

    /// Sorts, and checks what holds for tensors together.
    fn checked(mut self, file: &str) -> Result<Self> {
        if self.tensors.len() > limits::MAX_TENSORS {
            return Err(too_many(file, self.tensors.len()));
        }
        self.tensors.sort_by(|a, b| a.name().cmp(b.name()));
        let fault = |name: &str, fault| Err(WeightsError::tensor(file, name, fault));
        for pair in self.tensors.windows(2) {
            if pair[0].name() == pair[1].name() {
                return fault(pair[0].name(), TensorFault::Twice);
            }
        }
        if self.get(header::RESERVED).is_some() {
            return fault(header::RESERVED, TensorFault::Reserved);
        }
        if let Some(names) = self.metadata.as_ref().and_then(|m| m.selftest.as_ref()) {
            for name in [&names.input, &names.output] {
                if self.get(name).is_none() {
                    let reason = format!("the metadata name tensor {name:?}, which is not there");
                    return Err(WeightsError::SelfTestForm { file: file.into(), reason });
                }
            }
        }
        Ok(self)
    }

    /// What is known about them.
    pub fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_ref()
    }

    /// All tensors, in the order of their names, those of a self-test included.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// All tensors alone.
    pub fn into_tensors(self) -> Vec<Tensor> {
        self.tensors
    }

    /// The tensor of a name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        let place = self.tensors.binary_search_by(|tensor| tensor.name().cmp(name)).ok()?;
        self.tensors.get(place)
    }

    /// Whether a name is that of a tensor of the self-test, which is no weight.
    pub fn is_selftest(&self, name: &str) -> bool {
        let names = self.metadata.as_ref().and_then(|metadata| metadata.selftest.as_ref());
        names.is_some_and(|names| names.input == name || names.output == name)
    }

    /// The tensors without those of a self-test.
    pub fn parameters(&self) -> impl Iterator<Item = &Tensor> {
        self.tensors.iter().filter(|tensor| !self.is_selftest(tensor.name()))
    }

    /// The tensors alone, without those of a self-test.
    pub fn into_parameters(mut self) -> Vec<Tensor> {
        let tensors = std::mem::take(&mut self.tensors);
        tensors.into_iter().filter(|tensor| !self.is_selftest(tensor.name())).collect()
    }

    /// [`hash::weights_hash`] of the tensors without those of a self-test.
    pub fn weights_hash(&self) -> String {
        hash::weights_hash(self.parameters())
    }

    /// The same with every floating-point tensor as F16, those of a self-test as they are.
    ///
    /// # Errors
    /// If a value is beyond the range of F16.
    pub fn to_f16(&self) -> Result<Self> {
        self.with_floats(Tensor::to_f16)
    }

    /// The same with every floating-point tensor as F32, those of a self-test as they are.
    ///
    /// # Errors
    /// As [`Tensor::to_f32`].
    pub fn widened(&self) -> Result<Self> {
        self.with_floats(Tensor::widened)
    }

    fn with_floats(&self, change: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Self> {
        let changed = |tensor: &Tensor| match tensor.dtype().is_float() {
            true if !self.is_selftest(tensor.name()) => change(tensor),
            _ => Ok(tensor.clone()),
        };
        let tensors = self.tensors.iter().map(changed).collect::<Result<_>>()?;
        Ok(Self { metadata: self.metadata.clone(), other: self.other.clone(), tensors })
    }

    /// Writes a file: to a temporary name in the same folder, synced, renamed, the folder synced. The same
    /// weights always give the same bytes.
    ///
    /// # Errors
    /// If it cannot be written; then nothing of it is left behind.
    pub fn write(&self, path: &Path) -> Result<()> {
        let header = self.header()?;
        atomic::write(path, |out| self.write_parts(&header, out))
            .map_err(|source| WeightsError::Write { file: path.display().to_string(), source })
    }

    /// Writes the bytes of the file to anything.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_to(&self, out: &mut dyn Write) -> Result<()> {
        let header = self.header()?;
        self.write_parts(&header, out)
            .map_err(|source| WeightsError::Write { file: "safetensors".into(), source })
    }

    fn header(&self) -> Result<Vec<u8>> {
        let mut metadata: BTreeMap<&str, String> =
            self.other.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
        if let Some(known) = &self.metadata {
            metadata.insert(metadata::KEY, known.to_json()?);
        }
        header::write(&metadata, &self.in_file_order())
    }

    fn write_parts(&self, header: &[u8], out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(header)?;
        self.in_file_order()
            .iter()
            .try_for_each(|tensor| tensor.pieces(&mut |piece| out.write_all(piece)))
    }

    /// Widest cells first, so that each begins at a multiple of its size; then by name.
    fn in_file_order(&self) -> Vec<&Tensor> {
        let mut tensors: Vec<&Tensor> = self.tensors.iter().collect();
        tensors.sort_by_key(|tensor| std::cmp::Reverse(tensor.dtype().bytes()));
        tensors
    }
}

/// The cells of the entry that comes next.
fn take<R: Read>(input: &mut Input<R>, entry: &Entry) -> Result<Bytes> {
    let cells = input.take(entry.end - entry.begin, || format!("tensor {:?}", entry.name))?;
    Ok(cells.into())
}

fn too_many(file: &str, got: usize) -> WeightsError {
    let limit = limits::MAX_TENSORS;
    WeightsError::TooMany { file: file.into(), what: "tensors", got, limit }
}
