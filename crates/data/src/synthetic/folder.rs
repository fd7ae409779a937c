//! The folder that a made set fills: nothing of others is in it, and one line tells whether two are equal.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::atomic;
use crate::error::{DataError, Result};

/// A set that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// How many files there are.
    pub files: usize,
    /// Their bytes together.
    pub bytes: u64,
    /// SHA-256, in lower-case hexadecimal digits, over the files in the order of their names' bytes. Of
    /// each: the number of bytes of its name, its name (relative to the folder, with `/`), the number of
    /// bytes of its content, its content. Numbers are 8 bytes, little-endian.
    pub sha256: String,
}

/// Creates a folder and those below it for files of these names, relative and with `/`, and makes sure
/// that no other file is in it. What killed programs left is removed.
pub(crate) fn prepare(folder: &Path, names: &[String]) -> Result<()> {
    let expected: BTreeSet<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
    let folders: BTreeSet<&Path> = expected.iter().filter_map(|path| path.parent()).collect();
    let read = |path: &Path, error: io::Error| DataError::write(path, error);
    if folder.exists() {
        folders.iter().for_each(|folder| atomic::sweep(folder));
        let mut waiting = vec![folder.to_owned()];
        while let Some(next) = waiting.pop() {
            for entry in fs::read_dir(&next).map_err(|error| read(&next, error))? {
                let entry = entry.map_err(|error| read(&next, error))?;
                let kind = entry.file_type().map_err(|error| read(&next, error))?;
                if kind.is_dir() {
                    waiting.push(entry.path());
                } else if !kind.is_file() || !expected.contains(&entry.path()) {
                    let (folder, file) = (folder.to_owned(), entry.path());
                    return Err(DataError::Foreign { folder, file });
                }
            }
        }
    }
    for folder in folders {
        fs::create_dir_all(folder).map_err(|error| DataError::write(folder, error))?;
    }
    Ok(())
}

/// Writes a file of a prepared folder, as a whole or not at all.
pub(crate) fn write(folder: &Path, name: &str, content: &[u8]) -> Result<()> {
    let path = folder.join(name);
    atomic::write(&path, content).map_err(|error| DataError::write(path, error))
}

/// Reads all files again and counts them.
pub(crate) fn finish(folder: &Path, mut names: Vec<String>) -> Result<Made> {
    names.sort_unstable();
    let mut digest = Sha256::new();
    let mut bytes = 0;
    for name in &names {
        let path = folder.join(name);
        let wrong = |error: io::Error| DataError::write(&path, error);
        let content = File::open(&path).and_then(whole).map_err(wrong)?;
        for part in [name.as_bytes(), &content] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        bytes += content.len() as u64;
    }
    let sha256 = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Made { files: names.len(), bytes, sha256 })
}

fn whole(mut file: File) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    match content.is_empty() {
        true => Err(ErrorKind::UnexpectedEof.into()),
        false => Ok(content),
    }
}
