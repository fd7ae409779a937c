//! The fields of a message of which only the first bytes are at hand, to find out what a file is.

use super::varint;
use crate::cursor::Cursor;

/// The fields that begin in the first bytes of a message, up to what is no field.
pub(crate) struct Prefix<'a> {
    cursor: Cursor<'a>,
}

/// A field, of which the end may be missing.
pub(crate) struct Begin<'a> {
    pub(crate) number: u32,
    /// What there is of text, bytes or a message; none for numbers.
    pub(crate) bytes: Option<&'a [u8]>,
    /// How many bytes that would be as a whole.
    pub(crate) size: u64,
}

impl<'a> Prefix<'a> {
    pub(crate) fn new(begin: &'a [u8]) -> Self {
        Self { cursor: Cursor::new("", begin, 0) }
    }

    fn field(&mut self) -> Option<Begin<'a>> {
        let key = varint("", &mut self.cursor, "").ok()?;
        let number = u32::try_from(key >> 3).ok().filter(|&number| number > 0)?;
        let bytes = match key & 7 {
            0 => varint("", &mut self.cursor, "").map(|_| None).ok()?,
            1 => self.cursor.take(8, "").map(|_| None).ok()?,
            2 => {
                let size = varint("", &mut self.cursor, "").ok()?;
                let there = size.min(self.cursor.left() as u64);
                Some((self.cursor.take(there, "").ok()?, size))
            }
            5 => self.cursor.take(4, "").map(|_| None).ok()?,
            _ => return None,
        };
        let size = bytes.map_or(0, |(_, size)| size);
        Some(Begin { number, bytes: bytes.map(|(bytes, _)| bytes), size })
    }
}

impl<'a> Iterator for Prefix<'a> {
    type Item = Begin<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let field = self.field();
        if field.is_none() {
            self.cursor = Cursor::new("", &[], 0);
        }
        field
    }
}

impl Begin<'_> {
    /// Whether it is text without control characters, as names are. A letter may be cut at the end.
    pub(crate) fn is_printable(&self) -> bool {
        let Some(bytes) = self.bytes else { return false };
        let text = match str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) if error.error_len().is_none() && self.size > bytes.len() as u64 => {
                str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or("\0")
            }
            Err(_) => return false,
        };
        !text.contains(char::is_control)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_the_end_and_no_further() {
        let mut fields = Prefix::new(b"\x08\x96\x01\x0d....\x11........\x22\xff\x01caf\xc3");
        assert_eq!(fields.next().map(|field| (field.number, field.size)), Some((1, 0)));
        assert_eq!(fields.next().map(|field| field.number), Some(1));
        assert_eq!(fields.next().map(|field| field.number), Some(2));
        let text = fields.next().unwrap();
        assert_eq!((text.number, text.size, text.bytes), (4, 255, Some(&b"caf\xc3"[..])));
        assert!(text.is_printable());
        assert!(fields.next().is_none());
        assert!(Prefix::new(b"\x0b\x08\x01").next().is_none());
        assert!(!Prefix::new(b"\x0a\x02\x0a\x01").next().unwrap().is_printable());
        assert!(!Prefix::new(b"\x0a\x01\xff").next().unwrap().is_printable());
    }
}
