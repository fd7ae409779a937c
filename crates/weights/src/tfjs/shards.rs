//! The binary files beside the document.

use std::collections::{HashSet, VecDeque};
use std::fs::{self, File};
use std::path::{Component, Path, PathBuf};

use super::manifest::Group;
use crate::error::{Result, WeightsError};
use crate::format::SourceFile;
use crate::input::{self, Input};
use crate::limits;

/// A shard, opened.
pub(super) struct Shard {
    name: String,
    path: PathBuf,
    file: File,
    bytes: u64,
}

/// Opens the shards of every group, and checks that they hold exactly what the group describes.
pub(super) fn find(document: &Path, file: &str, groups: &[Group]) -> Result<Vec<Vec<Shard>>> {
    let folder = match document.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let real = |path: &Path| {
        fs::canonicalize(path).map_err(|e| WeightsError::read(&path.display().to_string(), e))
    };
    let real_folder = real(folder)?;
    let mut seen = HashSet::from([real(document)?]);
    let mut found = Vec::with_capacity(groups.len());
    for (number, group) in groups.iter().enumerate() {
        let mut shards = Vec::with_capacity(group.paths.len());
        let mut got = 0u64;
        for (place, name) in group.paths.iter().enumerate() {
            let refuse = |why| {
                let field = format!("weightsManifest[{number}].paths[{place}]");
                Err(WeightsError::Shard { file: file.into(), field, shard: name.clone(), why })
            };
            let inside =
                Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
            if !inside || name.is_empty() || name.contains(char::is_control) {
                return refuse("must be a path inside the folder of the document, without \"..\"");
            }
            let path = folder.join(name);
            let (opened, bytes) = input::open(&path, limits::MAX_BYTES)?;
            // Links are followed here: what counts is where the bytes are.
            let target = real(&path)?;
            if !target.starts_with(&real_folder) {
                return refuse("leads outside of the folder of the document");
            }
            if !seen.insert(target) {
                return refuse("is named twice, or is the document itself");
            }
            got = got.saturating_add(bytes);
            shards.push(Shard { name: name.clone(), path, file: opened, bytes });
        }
        if got != group.bytes {
            let (field, needed) = (format!("weightsManifest[{number}]"), group.bytes);
            return Err(WeightsError::ShardBytes { file: file.into(), field, needed, got });
        }
        found.push(shards);
    }
    Ok(found)
}

/// The bytes of shards, one after the other.
pub(super) struct Reader {
    waiting: VecDeque<Shard>,
    current: Option<(String, Input<File>)>,
    done: Vec<SourceFile>,
}

impl Reader {
    pub(super) fn new(shards: Vec<Shard>) -> Self {
        Self { waiting: shards.into(), current: None, done: Vec::new() }
    }

    /// The next `count` bytes; they may lie in several shards.
    pub(super) fn take(&mut self, count: u64, tensor: &str) -> Result<Vec<u8>> {
        let what = || format!("tensor {tensor:?}");
        let mut bytes = Vec::new();
        loop {
            let Some((_, input)) = &mut self.current else {
                if bytes.len() as u64 == count || !self.open_next() {
                    return Ok(bytes);
                }
                continue;
            };
            let left = input.end() - input.offset();
            let part = left.min(count - bytes.len() as u64);
            let taken = input.take(part, what)?;
            // Mostly a tensor lies in one shard, and is not copied.
            if bytes.is_empty() {
                bytes = taken
            } else {
                bytes.extend(taken)
            }
            if part == left {
                self.close();
            } else {
                return Ok(bytes);
            }
        }
    }

    /// The files read, in their order.
    pub(super) fn finish(mut self) -> Vec<SourceFile> {
        // Shards without bytes after the last tensor.
        while self.current.is_some() || !self.waiting.is_empty() {
            self.close();
            self.open_next();
        }
        self.done
    }

    fn open_next(&mut self) -> bool {
        let next = self.waiting.pop_front();
        self.current = next.map(|Shard { name, path, file, bytes }| {
            (name, Input::new(file, path.display().to_string(), bytes))
        });
        self.current.is_some()
    }

    fn close(&mut self) {
        if let Some((name, input)) = self.current.take() {
            let bytes = input.end();
            self.done.push(SourceFile { name, bytes, sha256: input.sha256() });
        }
    }
}
