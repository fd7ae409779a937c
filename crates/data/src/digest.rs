//! SHA-256 of files and of folders.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{DataError, Result};

/// SHA-256 as 64 lower-case hexadecimal digits.
///
/// ```
/// // FIPS 180-2, appendix B.1.
/// let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
/// assert_eq!(upconv_data::digest::of_bytes(b"abc"), abc);
/// ```
pub fn of_bytes(bytes: &[u8]) -> String {
    hexadecimal(Sha256::new_with_prefix(bytes))
}

/// SHA-256 of a file's bytes.
///
/// # Errors
/// If the file cannot be read.
pub fn of_file(path: &Path) -> Result<String> {
    let wrong = |error: io::Error| DataError::read(error).in_file(path);
    let mut file = File::open(path).map_err(wrong)?;
    let (mut digest, mut buffer) = (Sha256::new(), vec![0; BUFFER]);
    loop {
        match file.read(&mut buffer).map_err(wrong)? {
            0 => return Ok(hexadecimal(digest)),
            read => digest.update(&buffer[..read]),
        }
    }
}

/// Bytes that are read at a time.
const BUFFER: usize = 1 << 16;

fn hexadecimal(digest: Sha256) -> String {
    let mut text = String::with_capacity(64);
    for byte in digest.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// What a folder holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// How many files.
    pub files: usize,
    /// Their bytes together.
    pub bytes: u64,
    /// SHA-256 of the lines `<sha256 of the file>  <path with slashes>`, in the order of the paths.
    pub sha256: String,
}

/// Counts and hashes every file below `folder`, but for a file `without` right in it.
///
/// # Errors
/// If something cannot be read.
pub fn of_tree(folder: &Path, without: &str) -> Result<Tree> {
    let mut paths = Vec::new();
    collect(folder, &mut paths)?;
    let inside = |path: &Path| {
        let inside = path.strip_prefix(folder).unwrap_or(path);
        inside.to_string_lossy().replace('\\', "/")
    };
    let mut named: Vec<_> = paths.into_iter().map(|path| (inside(&path), path)).collect();
    named.retain(|(inside, _)| inside != without);
    named.sort();
    let (mut bytes, mut lines) = (0, String::new());
    for (inside, path) in &named {
        let length = fs::metadata(path).map_err(|error| DataError::read(error).in_file(path))?;
        bytes += length.len();
        lines += &format!("{}  {inside}\n", of_file(path)?);
    }
    Ok(Tree { files: named.len(), bytes, sha256: of_bytes(lines.as_bytes()) })
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    let wrong = |error: io::Error| DataError::read(error).in_file(folder);
    for entry in fs::read_dir(folder).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        match entry.file_type().map_err(wrong)?.is_dir() {
            true => collect(&entry.path(), paths)?,
            false => paths.push(entry.path()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_known_by_names_and_bytes() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/x"), "abc").unwrap();
        let before = of_tree(folder.path(), "note").unwrap();
        assert_eq!((before.files, before.bytes), (1, 3));
        // sha256sum of the line "ba78...15ad  a/x".
        let line = format!("{}  a/x\n", of_bytes(b"abc"));
        assert_eq!(before.sha256, of_bytes(line.as_bytes()));
        fs::write(folder.path().join("note"), "said beside").unwrap();
        assert_eq!(of_tree(folder.path(), "note").unwrap(), before);
        fs::rename(folder.path().join("a/x"), folder.path().join("a/y")).unwrap();
        assert_ne!(of_tree(folder.path(), "note").unwrap().sha256, before.sha256);
    }
}
