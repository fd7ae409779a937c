//! SHA-256 of files and of folders.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// SHA-256 as 64 lower-case hexadecimal digits.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// SHA-256 of a file's bytes.
pub(crate) fn of_file(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(of_bytes(&bytes))
}

/// What a folder holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tree {
    pub(crate) files: usize,
    pub(crate) bytes: u64,
    /// SHA-256 of the lines `<sha256 of the file>  <path with slashes>`, in the order of the paths.
    pub(crate) sha256: String,
}

/// Counts and hashes every file below `folder`.
pub(crate) fn of_tree(folder: &Path) -> Result<Tree> {
    let mut paths = Vec::new();
    collect(folder, &mut paths)?;
    let mut named = Vec::with_capacity(paths.len());
    for path in paths {
        let inside = path.strip_prefix(folder)?.to_string_lossy().replace('\\', "/");
        named.push((inside, path));
    }
    named.sort();
    let (mut bytes, mut lines) = (0, String::new());
    for (inside, path) in &named {
        bytes += fs::metadata(path)?.len();
        lines += &format!("{}  {inside}\n", of_file(path)?);
    }
    Ok(Tree { files: named.len(), bytes, sha256: of_bytes(lines.as_bytes()) })
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), paths)?;
        } else {
            paths.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{of_bytes, of_tree};

    #[test]
    fn known_digest() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            of_bytes(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_tree_is_known_by_names_and_bytes() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::fs::write(folder.path().join("a/x"), "abc").unwrap();
        let before = of_tree(folder.path()).unwrap();
        assert_eq!((before.files, before.bytes), (1, 3));
        std::fs::rename(folder.path().join("a/x"), folder.path().join("a/y")).unwrap();
        assert_ne!(of_tree(folder.path()).unwrap().sha256, before.sha256);
    }
}
