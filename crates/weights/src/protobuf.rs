//! The wire format of protocol buffers, without a copy: fields by their numbers, and where their bytes lie.
//!
//! A message says neither which fields it has nor what they are called; the reader of a format knows. It walks over the
//! fields with [`Message`], asks each for what it must be, and passes by numbers that it does not know. A field that is
//! not repeated may come more than once: the last one counts, and messages are put together.
//!
//! Nothing is reserved for a size that a file states: bytes, text and messages are parts of the file, and numbers are
//! counted before they are gathered.
//!
//! ```text
//! for field in message {
//!     let field = field?;
//!     match field.number {
//!         1 => name = field.text("layer.name")?,
//!         3 => field.int64s("layer.size", &mut sizes, 8)?,
//!         7 => shape(field.message("layer.shape")?)?,
//!         _ => {}
//!     }
//! }
//! ```
//!
//! # Source
//! Protocol Buffers Documentation, "Encoding". Groups, which were given up before any format that is read here, are
//! refused.

mod prefix;

use std::io;
use std::ops::Range;

use crate::bytes::Bytes;
use crate::cursor::Cursor;
use crate::error::{Result, WeightsError};
use crate::limits;

pub(crate) use prefix::Prefix;

/// Most bytes of a varint: 64 bits, 7 in each.
const MAX_VARINT: usize = 10;

/// Highest number of a field.
const MAX_NUMBER: u64 = (1 << 29) - 1;

/// The fields of a message, in the order in which they lie in it. After an error there are none.
#[derive(Clone)]
pub(crate) struct Message<'a> {
    file: &'a str,
    cursor: Cursor<'a>,
    /// How many messages are around it.
    depth: usize,
}

/// One field.
pub(crate) struct Field<'a> {
    pub(crate) number: u32,
    /// Where it begins.
    pub(crate) offset: usize,
    value: Value<'a>,
    file: &'a str,
    depth: usize,
}

/// A value by its wire type.
enum Value<'a> {
    Varint(u64),
    Fixed64(Cursor<'a>),
    Fixed32(Cursor<'a>),
    /// Text, bytes, a message, or numbers one after the other.
    Bytes(Cursor<'a>),
}

/// Cells that a repeated field holds: where they lie, if that is one place, and else a copy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    At(Range<usize>),
    Own(Vec<u8>),
}

impl Data {
    /// The number of bytes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::At(range) => range.len(),
            Self::Own(bytes) => bytes.len(),
        }
    }

    /// The same to be kept. `whole` are the bytes that the outermost message was made of.
    pub(crate) fn kept(self, whole: &Bytes) -> Bytes {
        match self {
            Self::At(range) => whole.part(range),
            Self::Own(bytes) => bytes.into(),
        }
    }
}

impl<'a> Message<'a> {
    /// The outermost message, which takes all of `bytes`; messages call them `file`, and offsets count from their begin.
    pub(crate) fn new(file: &'a str, bytes: &'a [u8]) -> Self {
        Self { file, cursor: Cursor::new(file, bytes, 0), depth: 0 }
    }

    /// What messages call the file.
    pub(crate) fn file(&self) -> &'a str {
        self.file
    }

    /// Where the next field begins.
    pub(crate) fn at(&self) -> usize {
        self.cursor.at()
    }

    /// All cells of `N` bytes that field `number` holds, which messages call `what`: packed, one by one, or both.
    /// The fields are looked at from here on.
    pub(crate) fn cells<const N: usize>(&self, number: u32, what: &str) -> Result<Data> {
        let (mut bytes, mut longest) = (0, 0..0);
        for place in self.places::<N>(number, what) {
            let range = place?.range();
            bytes += range.len();
            if range.len() >= longest.len() {
                longest = range;
            }
        }
        if longest.len() == bytes {
            return Ok(Data::At(longest));
        }
        let mut own = Vec::new();
        own.try_reserve_exact(bytes)
            .map_err(|_| WeightsError::read(self.file, io::ErrorKind::OutOfMemory.into()))?;
        for place in self.places::<N>(number, what) {
            own.extend(place?.rest());
        }
        Ok(Data::Own(own))
    }

    fn places<const N: usize>(
        &self,
        number: u32,
        what: &str,
    ) -> impl Iterator<Item = Result<Cursor<'a>>> {
        self.clone()
            .filter(move |field| !matches!(field, Ok(field) if field.number != number))
            .map(|field| field?.place::<N>(what))
    }

    fn field(&mut self) -> Result<Field<'a>> {
        let (file, depth, offset) = (self.file, self.depth, self.cursor.at());
        let key = varint(file, &mut self.cursor, "the number of a field")?;
        let number = key >> 3;
        let wrong = |reason: String| {
            let (file, field) = (file.into(), "the number of a field".into());
            Err(WeightsError::Form { file, field, offset: offset as u64, reason })
        };
        if !(1..=MAX_NUMBER).contains(&number) {
            return wrong(format!("{number}; legal: 1 to {MAX_NUMBER}"));
        }
        let what = || format!("field {number}");
        let value = match key & 7 {
            0 => Value::Varint(varint(file, &mut self.cursor, &what())?),
            1 => Value::Fixed64(self.cursor.within(8, &what())?),
            2 => {
                let size = varint(file, &mut self.cursor, &what())?;
                Value::Bytes(self.cursor.within(size, &what())?)
            }
            5 => Value::Fixed32(self.cursor.within(4, &what())?),
            3 | 4 => return wrong(format!("field {number} is a group, and groups are not read")),
            other => {
                return wrong(format!("wire type {other} of field {number}; legal: 0, 1, 2, 5"));
            }
        };
        // It is at most MAX_NUMBER.
        Ok(Field { number: number as u32, offset, value, file, depth })
    }
}

impl<'a> Iterator for Message<'a> {
    type Item = Result<Field<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.cursor.left() == 0 {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.cursor = Cursor::new(self.file, &[], 0);
        }
        Some(field)
    }
}

/// What a field holds, which messages call `what`. An error if it cannot be of that type.
impl<'a> Field<'a> {
    /// A number of type `uint64` or `uint32`, or an enumeration.
    pub(crate) fn uint(&self, what: &str) -> Result<u64> {
        match self.value {
            Value::Varint(number) => Ok(number),
            _ => Err(self.other(what, "a whole number")),
        }
    }

    /// A number of type `int64` or `int32`.
    pub(crate) fn int(&self, what: &str) -> Result<i64> {
        // Negative ones are written as those of 64 bits.
        self.uint(what).map(u64::cast_signed)
    }

    /// A truth value.
    pub(crate) fn bool(&self, what: &str) -> Result<bool> {
        self.uint(what).map(|number| number != 0)
    }

    /// A number of type `float`.
    pub(crate) fn float(&self, what: &str) -> Result<f32> {
        match &self.value {
            Value::Fixed32(cursor) => cursor.clone().array(what).map(f32::from_le_bytes),
            _ => Err(self.other(what, "a number of type float")),
        }
    }

    /// A number of type `fixed32`.
    pub(crate) fn fixed32(&self, what: &str) -> Result<u32> {
        match &self.value {
            Value::Fixed32(cursor) => cursor.clone().array(what).map(u32::from_le_bytes),
            _ => Err(self.other(what, "a number of type fixed32")),
        }
    }

    /// Text.
    pub(crate) fn text(&self, what: &str) -> Result<&'a str> {
        let bytes = self.bytes(what)?;
        str::from_utf8(bytes)
            .map_err(|error| self.error(what, format!("text that is not UTF-8: {error}")))
    }

    /// Bytes.
    pub(crate) fn bytes(&self, what: &str) -> Result<&'a [u8]> {
        match &self.value {
            Value::Bytes(cursor) => Ok(cursor.rest()),
            _ => Err(self.other(what, "bytes")),
        }
    }

    /// Where bytes lie.
    pub(crate) fn range(&self, what: &str) -> Result<Range<usize>> {
        match &self.value {
            Value::Bytes(cursor) => Ok(cursor.range()),
            _ => Err(self.other(what, "bytes")),
        }
    }

    /// A message.
    pub(crate) fn message(&self, what: &str) -> Result<Message<'a>> {
        let Value::Bytes(cursor) = &self.value else {
            return Err(self.other(what, "a message"));
        };
        let depth = self.depth + 1;
        if depth > limits::MAX_MESSAGE_DEPTH {
            let limit = limits::MAX_MESSAGE_DEPTH;
            return Err(self.error(what, format!("more than {limit} messages in one another")));
        }
        Ok(Message { file: self.file, cursor: cursor.clone(), depth })
    }

    /// Appends numbers of a repeated field of type `int64`, `int32`, `uint64`, `uint32` or of an enumeration, of which
    /// there may be `most`: one, or several that are packed.
    pub(crate) fn int64s(&self, what: &str, into: &mut Vec<i64>, most: usize) -> Result<()> {
        for number in self.varints(what)? {
            let number = number?;
            if into.len() == most {
                return Err(self.error(what, format!("more than {most} numbers")));
            }
            into.push(number.cast_signed());
        }
        Ok(())
    }

    /// The numbers of a repeated field of such a type: one, or several that are packed.
    pub(crate) fn varints(&self, what: &str) -> Result<impl Iterator<Item = Result<u64>>> {
        let (mut one, mut packed) = match &self.value {
            Value::Varint(number) => (Some(*number), Cursor::new(self.file, &[], 0)),
            Value::Bytes(cursor) => (None, cursor.clone()),
            _ => return Err(self.other(what, "whole numbers")),
        };
        let file = self.file;
        Ok(std::iter::from_fn(move || match one.take() {
            Some(number) => Some(Ok(number)),
            None if packed.left() == 0 => None,
            None => Some(varint(file, &mut packed, what)),
        }))
    }

    /// Appends numbers of a repeated field of type `float`, of which there may be `most`.
    pub(crate) fn floats(&self, what: &str, into: &mut Vec<f32>, most: usize) -> Result<()> {
        let (cells, _) = self.place::<4>(what)?.rest().as_chunks();
        if cells.len() > most.saturating_sub(into.len()) {
            return Err(self.error(what, format!("more than {most} numbers")));
        }
        into.extend(cells.iter().map(|&cell| f32::from_le_bytes(cell)));
        Ok(())
    }

    /// Where one or more packed cells of `N` bytes lie.
    fn place<const N: usize>(&self, what: &str) -> Result<Cursor<'a>> {
        match &self.value {
            Value::Fixed32(cursor) if N == 4 => Ok(cursor.clone()),
            Value::Fixed64(cursor) if N == 8 => Ok(cursor.clone()),
            Value::Bytes(cursor) if cursor.left().is_multiple_of(N) => Ok(cursor.clone()),
            Value::Bytes(cursor) => {
                let bytes = cursor.left();
                Err(self.error(what, format!("{bytes} bytes are no numbers of {N} bytes each")))
            }
            _ => Err(self.other(what, &format!("numbers of {N} bytes each"))),
        }
    }

    /// What is said about a field, with the place where it begins.
    pub(crate) fn error(&self, what: &str, reason: String) -> WeightsError {
        let (file, field) = (self.file.into(), what.into());
        WeightsError::Form { file, field, offset: self.offset as u64, reason }
    }

    fn other(&self, what: &str, legal: &str) -> WeightsError {
        let got = match self.value {
            Value::Varint(_) => "a whole number",
            Value::Fixed64(_) => "a number of 8 bytes",
            Value::Fixed32(_) => "a number of 4 bytes",
            Value::Bytes(_) => "bytes",
        };
        self.error(what, format!("it is {got}, but must be {legal}"))
    }
}

/// A number of up to 64 bits, 7 in each byte, the lowest first; the highest bit says that another byte follows.
pub(crate) fn varint(file: &str, cursor: &mut Cursor<'_>, what: &str) -> Result<u64> {
    let at = cursor.at();
    let mut number = 0u64;
    for place in 0..MAX_VARINT {
        let [byte] = cursor.array(what)?;
        let bits = u64::from(byte & 0x7f);
        // The tenth byte holds the highest bit alone.
        if place + 1 == MAX_VARINT && bits > 1 {
            break;
        }
        number |= bits << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    let reason = format!("a number of more than 64 bits, or of more than {MAX_VARINT} bytes");
    Err(WeightsError::Form { file: file.into(), field: what.into(), offset: at as u64, reason })
}

#[cfg(test)]
mod tests;
