//! Files beside the document that hold cells.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::bytes::Bytes;
use crate::error::{Result, TensorFault, WeightsError};
use crate::format::SourceFile;
use crate::protobuf::Message;
use crate::{input, limits};

/// Where the document says that cells lie.
pub(super) struct External {
    location: String,
    offset: u64,
    length: Option<u64>,
}

impl External {
    /// Reads pairs of key and value.
    pub(super) fn of(file: &str, name: &str, entries: Vec<Message<'_>>) -> Result<Self> {
        const WHAT: &str = "tensor.external_data";
        let mut external = Self { location: String::new(), offset: 0, length: None };
        for entry in entries {
            let (mut key, mut value) = ("", "");
            for field in entry {
                let field = field?;
                match field.number {
                    1 => key = field.text(WHAT)?,
                    2 => value = field.text(WHAT)?,
                    _ => {}
                }
            }
            let number = || {
                value.parse::<u64>().map_err(|_| {
                    let got = format!("{key} {value:?} of its file");
                    let legal = "whole numbers from 0 on".into();
                    WeightsError::tensor(file, name, TensorFault::Value { got, legal })
                })
            };
            match key {
                "location" => external.location = value.into(),
                "offset" => external.offset = number()?,
                "length" => external.length = Some(number()?),
                _ => {}
            }
        }
        Ok(external)
    }
}

/// The folder of a document, and what was read in it.
pub(super) struct Folder<'a> {
    file: &'a str,
    document: Option<&'a Path>,
    read: BTreeMap<PathBuf, (Bytes, SourceFile)>,
    /// How many bytes may still be read.
    left: u64,
}

impl<'a> Folder<'a> {
    /// That of a document of `bytes`.
    pub(super) fn of(file: &'a str, document: &'a Path, bytes: u64) -> Self {
        let left = limits::MAX_BYTES.saturating_sub(bytes);
        Self { file, document: Some(document), read: BTreeMap::new(), left }
    }

    /// That of a document in memory, which has none.
    pub(super) fn none(file: &'a str) -> Self {
        Self { file, document: None, read: BTreeMap::new(), left: 0 }
    }

    /// The files that were read, by their names.
    pub(super) fn files(self) -> impl Iterator<Item = SourceFile> {
        self.read.into_values().map(|(_, read)| read)
    }

    /// The `needed` bytes of a tensor.
    pub(super) fn cells(&mut self, name: &str, external: External, needed: u64) -> Result<Bytes> {
        let External { location, offset, length } = external;
        let bytes = self.open(name, &location)?;
        let there = (bytes.len() as u64).saturating_sub(offset);
        let length = length.unwrap_or(needed);
        if length > there || offset > bytes.len() as u64 {
            let what = format!("tensor {name:?}");
            let file = format!("{}/{location}", self.file);
            return Err(WeightsError::Truncated { file, what, offset, needed: length, got: there });
        }
        // Both are within the bytes.
        let begin = offset as usize;
        Ok(bytes.part(begin..begin + length as usize))
    }

    fn open(&mut self, name: &str, location: &str) -> Result<Bytes> {
        let refuse = |why| {
            let (file, field) = (self.file.into(), format!("tensor {name:?}"));
            Err(WeightsError::Shard { file, field, shard: location.into(), why })
        };
        let Some(document) = self.document else {
            return refuse("lies in another file, and there is no folder to look in");
        };
        let inside =
            Path::new(location).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || location.is_empty() || location.contains(char::is_control) {
            return refuse("must be a path inside the folder of the document, without \"..\"");
        }
        let folder = match document.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let path = folder.join(location);
        let real = |path: &Path| {
            fs::canonicalize(path).map_err(|e| WeightsError::read(&path.display().to_string(), e))
        };
        // Links are followed here: what counts is where the bytes are.
        let target = real(&path)?;
        if !target.starts_with(real(folder)?) {
            return refuse("leads outside of the folder of the document");
        }
        if let Some((bytes, _)) = self.read.get(&target) {
            return Ok(bytes.clone());
        }
        let (_, size) = input::open(&path, self.left)?;
        let (whole, read) = input::whole(&path)?;
        self.left = self.left.saturating_sub(size);
        let bytes = Bytes::shared(whole);
        let read = SourceFile { name: location.into(), ..read };
        self.read.insert(target, (bytes.clone(), read));
        Ok(bytes)
    }
}
