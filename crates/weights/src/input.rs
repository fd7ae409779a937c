//! Opening files, and reading no more of them than was agreed.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::bytes::{self, Whole};
use crate::error::{Result, WeightsError};
use crate::format::{SourceFile, base_name};
use crate::{hash, limits};

/// A regular file and its size, which is within `limit`.
pub(crate) fn open(path: &Path, limit: u64) -> Result<(File, u64)> {
    let file = path.display().to_string();
    let error = |source| WeightsError::read(&file, source);
    // Asked before opening: opening a pipe would wait for a writer.
    if !fs::metadata(path).map_err(error)?.is_file() {
        return Err(WeightsError::NotAFile { file });
    }
    let opened = File::open(path).map_err(error)?;
    let bytes = opened.metadata().map_err(error)?.len();
    if bytes > limit {
        return Err(WeightsError::TooLarge { file, bytes, limit });
    }
    Ok((opened, bytes))
}

/// All bytes of a weight file, at most [`limits::MAX_BYTES`]; from [`limits::MAPPED_BYTES`] on it is mapped.
pub(crate) fn whole(path: &Path) -> Result<(Whole, SourceFile)> {
    let (opened, bytes) = open(path, limits::MAX_BYTES)?;
    let file = path.display().to_string();
    let whole = match bytes < limits::MAPPED_BYTES {
        true => {
            let mut input = Input::new(opened, file, bytes);
            Whole::Read(Arc::new(input.take(bytes, || "the file".into())?))
        }
        false => bytes::map(&opened).map_err(|source| WeightsError::read(&file, source))?,
    };
    let sha256 = hash::sha256(&whole);
    Ok((whole, SourceFile { name: base_name(path), bytes, sha256 }))
}

/// All bytes of a small file, at most `limit`.
pub(crate) fn all(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let (opened, bytes) = open(path, limit)?;
    Input::new(opened, path.display().to_string(), bytes).take(bytes, || "the file".into())
}

/// The first bytes of a weight file: `most`, or all if it has fewer.
pub(crate) fn begin(path: &Path, most: usize) -> Result<Vec<u8>> {
    let (opened, _) = open(path, limits::MAX_BYTES)?;
    let mut begin = Vec::with_capacity(most);
    opened
        .take(most as u64)
        .read_to_end(&mut begin)
        .map_err(|source| WeightsError::read(&path.display().to_string(), source))?;
    Ok(begin)
}

/// Whether a weight file begins with these bytes.
pub(crate) fn begins(path: &Path, sign: &[u8]) -> Result<bool> {
    Ok(begin(path, sign.len())? == sign)
}

/// Bytes of which the number is known beforehand, with their SHA-256 so far.
pub(crate) struct Input<R> {
    reader: R,
    file: String,
    offset: u64,
    end: u64,
    digest: Sha256,
}

impl<R: Read> Input<R> {
    /// `end` bytes of `reader`, which messages call `file`.
    pub(crate) fn new(reader: R, file: String, end: u64) -> Self {
        Self { reader, file, offset: 0, end, digest: Sha256::new() }
    }

    /// Where the next byte lies.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Where the bytes end.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// What is said where `what` needs `count` bytes and fewer are there.
    pub(crate) fn cut(&self, what: String, needed: u64) -> WeightsError {
        self.cut_at(what, needed, self.end - self.offset)
    }

    fn cut_at(&self, what: String, needed: u64, got: u64) -> WeightsError {
        let (file, offset) = (self.file.clone(), self.offset);
        WeightsError::Truncated { file, what, offset, needed, got }
    }

    /// The next `count` bytes, which messages call `what`.
    pub(crate) fn take(&mut self, count: u64, what: impl FnOnce() -> String) -> Result<Vec<u8>> {
        if count > self.end - self.offset {
            return Err(self.cut(what(), count));
        }
        let mut bytes = Vec::new();
        let size = usize::try_from(count).unwrap_or(usize::MAX);
        bytes.try_reserve_exact(size).map_err(|_| {
            WeightsError::read(&self.file, io::Error::from(io::ErrorKind::OutOfMemory))
        })?;
        (&mut self.reader)
            .take(count)
            .read_to_end(&mut bytes)
            .map_err(|source| WeightsError::read(&self.file, source))?;
        // A file that shrinks while it is read.
        if bytes.len() as u64 != count {
            return Err(self.cut_at(what(), count, bytes.len() as u64));
        }
        self.digest.update(&bytes);
        self.offset += count;
        Ok(bytes)
    }

    /// SHA-256 of all bytes taken.
    pub(crate) fn sha256(self) -> String {
        hash::hex(&self.digest.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_regular_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = open(folder.path(), 1).unwrap_err();
        assert!(matches!(error, WeightsError::NotAFile { .. }), "{error}");
        assert!(matches!(open("/dev/zero".as_ref(), 1), Err(WeightsError::NotAFile { .. })));
        let path = folder.path().join("a");
        assert!(matches!(open(&path, 1), Err(WeightsError::Read { .. })));
        fs::write(&path, "ab").unwrap();
        let error = open(&path, 1).unwrap_err().to_string();
        assert!(error.ends_with("2 bytes, but at most 1 are read"), "{error}");
    }

    #[test]
    fn no_byte_beyond_the_end_and_none_that_is_not_there() {
        let mut input = Input::new(&b"abcd"[..], "f".into(), 3);
        assert_eq!(input.take(2, String::new).unwrap(), b"ab");
        let error = input.take(2, || "tail".into()).unwrap_err().to_string();
        assert_eq!(error, "f: cut short: tail needs 2 bytes from byte 2 on, but 1 are there");
        let mut lying = Input::new(&b"ab"[..], "f".into(), 3);
        assert!(matches!(lying.take(3, String::new), Err(WeightsError::Truncated { got: 2, .. })));
    }
}
