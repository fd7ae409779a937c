//! Sorted tables: keys and values in blocks, an index of the blocks, and a footer that says where the index lies.
//!
//! # Source
//! TensorFlow 2.21: `core/lib/io/format.cc`, `table.cc` and `block.cc`, which are those of LevelDB with another magic
//! number. The block of names of filters ("metaindex") holds nothing in files of TensorFlow, and is not looked at.

use super::block;
use crate::bytes::{Bytes, Whole};
use crate::cursor::Cursor;
use crate::error::{Result, WeightsError};
use crate::limits;
use crate::protobuf::varint;

/// Bytes of the footer: places of two blocks, zeros up to 40 bytes, and the magic number.
pub(super) const FOOTER: usize = 48;

/// How a table ends.
const MAGIC: [u8; 8] = 0xdb47_7524_8b80_fb57_u64.to_le_bytes();

/// A byte for the kind of compression and four for the checksum, behind each block.
const TRAILER: usize = 5;

const PLAIN: u8 = 0;
const SNAPPY: u8 = 1;

/// A key and its value.
pub(super) struct Entry {
    pub(super) key: Vec<u8>,
    pub(super) value: Bytes,
}

/// Where a block lies.
struct Place {
    begin: u64,
    size: u64,
}

/// Whether a file with these last bytes is a table.
pub(super) fn ends(end: &[u8]) -> bool {
    end.ends_with(&MAGIC)
}

/// All entries, in the order of their keys, of which none comes twice. Messages name a block as if the file were a
/// folder, with offsets from the block's begin.
pub(super) fn read(file: &str, bytes: &Bytes) -> Result<Vec<Entry>> {
    let footer = bytes.len().saturating_sub(FOOTER);
    let mut cursor = Cursor::new(file, bytes, footer);
    let mut places = cursor.within(FOOTER as u64, "the footer of the table")?;
    if !ends(bytes) {
        let reason = format!(
            "it ends with the bytes {:02x?}, but a table ends with {MAGIC:02x?}: the file is cut short",
            &bytes[bytes.len() - MAGIC.len()..]
        );
        return Err(form(file, "the footer of the table", footer, reason));
    }
    place(file, &mut places)?;
    let index = place(file, &mut places)?;
    let index = unpacked(file, &bytes.part(0..footer), &index, &mut 0)?;

    let mut table = Table { file, keys: 0, entries: Vec::new() };
    // Blocks follow each other, so that none is read twice.
    let (mut end, mut total) = (0, 0);
    block::walk(&format!("{file}/index"), &index, |_, value| {
        let mut cursor = Cursor::new(file, &index[..value.end], value.start);
        let block = place(file, &mut cursor)?;
        if block.begin < end {
            let reason = format!("it begins before byte {end}, where the block before it ends");
            return Err(form(file, "a block of the table", block.begin as usize, reason));
        }
        let bytes = unpacked(file, &bytes.part(0..footer), &block, &mut total)?;
        // It lies within the file.
        end = block.begin + block.size;
        let within = format!("{file}/block-{}", block.begin);
        block::walk(&within, &bytes, |key, value| table.push(key, bytes.part(value)))
    })?;
    Ok(table.entries)
}

struct Table<'a> {
    file: &'a str,
    /// Bytes of all keys.
    keys: usize,
    entries: Vec<Entry>,
}

impl Table<'_> {
    fn push(&mut self, key: &[u8], value: Bytes) -> Result<()> {
        let too_many = |what, got, limit| {
            Err(WeightsError::TooMany { file: self.file.into(), what, got, limit })
        };
        if let Some(last) = self.entries.last().filter(|last| *last.key >= *key) {
            let (key, last) = (key.escape_ascii(), last.key.escape_ascii());
            let reason = format!("\"{key}\" stands after \"{last}\"; keys must rise");
            return Err(form(self.file, "the keys of the table", 0, reason));
        }
        // A key may be a few bytes that are put behind a long one.
        self.keys += key.len();
        if self.keys > limits::MAX_KEY_BYTES {
            return too_many("bytes of keys of a table", self.keys, limits::MAX_KEY_BYTES);
        }
        if self.entries.len() == limits::MAX_TABLE_ENTRIES {
            let limit = limits::MAX_TABLE_ENTRIES;
            return too_many("entries of a table", limit + 1, limit);
        }
        self.entries.push(Entry { key: key.to_vec(), value });
        Ok(())
    }
}

fn place(file: &str, cursor: &mut Cursor<'_>) -> Result<Place> {
    let what = "the place of a block";
    Ok(Place { begin: varint(file, cursor, what)?, size: varint(file, cursor, what)? })
}

/// The content of a block that must lie within `bytes`; `total` are the bytes that blocks were unpacked to.
fn unpacked(file: &str, bytes: &Bytes, place: &Place, total: &mut u64) -> Result<Bytes> {
    let &Place { begin, size } = place;
    let begin = usize::try_from(begin).unwrap_or(usize::MAX);
    let mut cursor = Cursor::new(file, bytes, begin);
    let what = "a block of the table";
    // A place beyond the end is no place at all: the cursor stands at the end then.
    if cursor.at() != begin {
        let reason = format!("it lies beyond byte {}, where the footer begins", bytes.len());
        return Err(form(file, what, begin, reason));
    }
    let range = cursor.skip(size, what)?;
    let trailer = cursor.array::<TRAILER>("the trailer of a block")?;
    let content = bytes.part(range.clone());
    let [kind, stated @ ..] = trailer;
    let sum = crc32c::crc32c_append(crc32c::crc32c(&content), &[kind]);
    check(sum, u32::from_le_bytes(stated)).map_err(|reason| form(file, what, begin, reason))?;
    match kind {
        PLAIN => Ok(content),
        SNAPPY => {
            let fault = |reason: String| form(file, what, begin, reason);
            let size = snap::raw::decompress_len(&content)
                .map_err(|error| fault(format!("snappy: {error}")))?;
            // What copies can make of their bytes: whoever states more lies.
            let most = content.len().saturating_mul(limits::MAX_SNAPPY_INFLATION);
            if size > most {
                return Err(fault(format!(
                    "{size} bytes are stated, but its {} bytes can stand for {most} at most",
                    content.len()
                )));
            }
            *total += size as u64;
            if *total > limits::MAX_BYTES {
                let limit = limits::MAX_BYTES;
                return Err(fault(format!(
                    "with it the blocks take {total} bytes, but at most {limit} are read"
                )));
            }
            let mut plain = Vec::new();
            plain
                .try_reserve_exact(size)
                .map_err(|_| WeightsError::read(file, std::io::ErrorKind::OutOfMemory.into()))?;
            plain.resize(size, 0);
            let mut decoder = snap::raw::Decoder::new();
            decoder
                .decompress(&content, &mut plain)
                .map_err(|error| fault(format!("snappy: {error}")))?;
            // Shared, as the values in it are its parts.
            Ok(Bytes::shared(Whole::Read(std::sync::Arc::new(plain))))
        }
        other => Err(form(
            file,
            what,
            begin,
            format!("compression {other} is not read; legal: {PLAIN} (none), {SNAPPY} (snappy)"),
        )),
    }
}

/// Compares a checksum with one that is stated, which is masked so that checksums of checksums stay good ones.
pub(super) fn check(sum: u32, stated: u32) -> std::result::Result<(), String> {
    let masked = sum.rotate_right(15).wrapping_add(0xa282_ead8);
    match masked == stated {
        true => Ok(()),
        false => Err(format!("checksum {masked:08x}, but {stated:08x} is stated: it is damaged")),
    }
}

pub(super) fn form(file: &str, field: &str, at: usize, reason: String) -> WeightsError {
    WeightsError::Form { file: file.into(), field: field.into(), offset: at as u64, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_masked() {
        // RFC 3720, B.4: 32 bytes of zeros; the mask of LevelDB by hand: 0x8a9136aa turned right by 15 bits is
        // 0x6d551522, and with 0xa282ead8 0x0fd7fffa.
        let sum = crc32c::crc32c(&[0; 32]);
        assert_eq!(sum, 0x8a91_36aa);
        assert_eq!(check(sum, 0x0fd7_fffa), Ok(()));
        let damage = check(sum, 0x8a91_36aa).unwrap_err();
        assert_eq!(damage, "checksum 0fd7fffa, but 8a9136aa is stated: it is damaged");
    }
}
