//! Bytes in memory, read from front to back.

use std::ops::Range;

use crate::error::{Result, WeightsError};

/// A place in bytes of which the end is known. A clone is the same place, from which to look ahead.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    file: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At byte `at` of `bytes`, which messages call `file`. Beyond the end there is nothing to read.
    pub(crate) fn new(file: &'a str, bytes: &'a [u8], at: usize) -> Self {
        Self { file, bytes, at: at.min(bytes.len()) }
    }

    /// Where the next byte lies.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Where the bytes that are left lie.
    pub(crate) fn range(&self) -> Range<usize> {
        self.at..self.bytes.len()
    }

    /// The bytes that are left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// Where the next `count` bytes lie, which messages call `what`. They are within the bytes.
    pub(crate) fn skip(&mut self, count: u64, what: &str) -> Result<Range<usize>> {
        match usize::try_from(count) {
            Ok(size) if size <= self.left() => {
                let range = self.at..self.at + size;
                self.at += size;
                Ok(range)
            }
            _ => Err(self.cut(what, count)),
        }
    }

    /// The next `count` bytes.
    pub(crate) fn take(&mut self, count: u64, what: &str) -> Result<&'a [u8]> {
        let range = self.skip(count, what)?;
        Ok(&self.bytes[range])
    }

    /// The next `count` bytes alone; offsets stay those of the whole.
    pub(crate) fn within(&mut self, count: u64, what: &str) -> Result<Self> {
        let range = self.skip(count, what)?;
        Ok(Self { file: self.file, bytes: &self.bytes[..range.end], at: range.start })
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64, what)?);
        Ok(array)
    }

    /// The bytes before the next end of a line, which is passed.
    pub(crate) fn line(&mut self, what: &str) -> Result<Range<usize>> {
        match self.bytes[self.at..].iter().position(|&byte| byte == b'\n') {
            Some(size) => {
                let range = self.at..self.at + size;
                self.at += size + 1;
                Ok(range)
            }
            None => Err(self.cut(what, self.left() as u64 + 1)),
        }
    }

    /// What is said where `what` needs `needed` bytes and fewer are left.
    fn cut(&self, what: &str, needed: u64) -> WeightsError {
        WeightsError::Truncated {
            file: self.file.into(),
            what: what.into(),
            offset: self.at as u64,
            needed,
            got: self.left() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_front_to_back_and_no_further() {
        let mut cursor = Cursor::new("f", b"abc\nde", 1);
        assert_eq!(cursor.take(1, "x").unwrap(), b"b");
        assert_eq!(cursor.line("x").unwrap(), 2..3);
        assert_eq!((cursor.at(), cursor.left()), (4, 2));
        let mut part = cursor.clone().within(1, "x").unwrap();
        assert_eq!((part.at(), part.left()), (4, 1));
        assert_eq!(part.take(1, "x").unwrap(), b"d");
        let error = cursor.line("the name").unwrap_err().to_string();
        assert_eq!(error, "f: cut short: the name needs 3 bytes from byte 4 on, but 2 are there");
        for count in [3, u64::MAX] {
            assert!(matches!(cursor.skip(count, "x"), Err(WeightsError::Truncated { .. })));
        }
        assert_eq!(cursor.array::<2>("x").unwrap(), *b"de");
        assert!(Cursor::new("f", b"", 7).skip(0, "x").is_ok());
        assert!(Cursor::new("f", b"", 7).array::<1>("x").is_err());
    }
}
