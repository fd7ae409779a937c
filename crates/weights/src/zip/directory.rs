//! The directory at the end of an archive.

use super::error;
use crate::cursor::Cursor;
use crate::error::{Result, WeightsError};
use crate::limits;

const END: &[u8] = b"PK\x05\x06";
const END64_PLACE: &[u8] = b"PK\x06\x07";
const END64: &[u8] = b"PK\x06\x06";
const MEMBER: &[u8] = b"PK\x01\x02";

/// Bytes of the end without its comment, and of the place of the wide end before it.
const END_BYTES: usize = 22;
const END64_PLACE_BYTES: usize = 20;

/// Most bytes of the comment at the end.
const MAX_COMMENT: usize = u16::MAX as usize;

/// What stands where a number of four bytes is too small, and the number is kept elsewhere.
const ELSEWHERE: u64 = u32::MAX as u64;

/// The kind of an extra field that holds wide numbers.
const WIDE: u16 = 1;

/// An entry, as the directory describes it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) method: u16,
    pub(super) checksum: u32,
    /// Bytes in the file.
    pub(super) packed: u64,
    /// Bytes that they stand for.
    pub(super) size: u64,
    /// Where its header lies, and where the next entry or the directory begins: it must end before.
    pub(super) begin: u64,
    pub(super) end: u64,
}

/// The entries in the order in which they lie in the file.
pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Vec<Entry>> {
    let (count, begin, end) = place(file, bytes)?;
    let limit = limits::MAX_TENSORS;
    if count > limit as u64 {
        let got = usize::try_from(count).unwrap_or(usize::MAX);
        return Err(WeightsError::TooMany { file: file.into(), what: "entries", got, limit });
    }
    let mut cursor = Cursor::new(file, &bytes[..end], begin);
    let mut entries = Vec::new();
    let mut total = 0u64;
    for number in 0..count {
        let at = cursor.at() as u64;
        let entry = member(file, &mut cursor, number)?;
        let fault = |reason| Err(error(file, format!("entry {:?}", entry.name), at, reason));
        // Bytes of no entry can stand for more than deflate allows: whoever states more lies.
        let most = entry.packed.saturating_mul(limits::MAX_INFLATION);
        if entry.size > most {
            let Entry { size, packed, .. } = entry;
            return fault(format!(
                "{size} bytes are stated, but its {packed} bytes can stand for {most} at most"
            ));
        }
        total = total.saturating_add(entry.size);
        if total > limits::MAX_BYTES {
            let limit = limits::MAX_BYTES;
            return fault(format!(
                "with it the entries take {total} bytes, but at most {limit} are read"
            ));
        }
        entries.push(entry);
    }
    if cursor.left() > 0 {
        let reason = format!("{} bytes after its {count} entries", cursor.left());
        return Err(error(file, "directory".into(), cursor.at() as u64, reason));
    }
    entries.sort_by_key(|entry| entry.begin);
    let mut next = begin as u64;
    for entry in entries.iter_mut().rev() {
        entry.end = next;
        next = entry.begin;
        if entry.end.checked_sub(entry.begin).is_none_or(|room| entry.packed > room) {
            let reason = format!(
                "its {} bytes reach beyond byte {}, where what comes next begins",
                entry.packed, entry.end
            );
            return Err(error(file, format!("entry {:?}", entry.name), entry.begin, reason));
        }
    }
    Ok(entries)
}

/// How many entries there are, and where the directory begins and ends.
fn place(file: &str, bytes: &[u8]) -> Result<(u64, usize, usize)> {
    let broken =
        |at: usize, reason: String| Err(error(file, "directory".into(), at as u64, reason));
    // The comment, which is empty nearly always, reaches to the end of the file.
    let earliest = bytes.len().saturating_sub(END_BYTES + MAX_COMMENT);
    let fits = |&at: &usize| {
        bytes[at..].starts_with(END)
            && bytes.len() - at - END_BYTES
                == usize::from(u16::from_le_bytes([bytes[at + 20], bytes[at + 21]]))
    };
    let last = bytes.len().checked_sub(END_BYTES);
    let Some(at) = last.and_then(|last| (earliest..=last).rev().find(fits)) else {
        return broken(
            bytes.len(),
            "the end of the archive is missing: the file is cut short".into(),
        );
    };
    let mut cursor = Cursor::new(file, bytes, at + END.len());
    let end = |cursor: &mut Cursor<'_>, bytes| number(cursor, bytes, "the end of the archive");
    let (disk, directory_disk) = (end(&mut cursor, 2)?, end(&mut cursor, 2)?);
    let (_, count) = (end(&mut cursor, 2)?, end(&mut cursor, 2)?);
    let (size, begin) = (end(&mut cursor, 4)?, end(&mut cursor, 4)?);
    if disk != directory_disk {
        return broken(at, "an archive in several files is not read".into());
    }
    let mut found = (count, begin, size, at);
    let place = at.checked_sub(END64_PLACE_BYTES).filter(|&p| bytes[p..].starts_with(END64_PLACE));
    if let Some(place) = place {
        let mut cursor = Cursor::new(file, bytes, place + END64_PLACE.len() + 4);
        let wide = usize::try_from(number(&mut cursor, 8, "the end")?).unwrap_or(usize::MAX);
        let mut cursor = Cursor::new(file, &bytes[..place], wide);
        let what = "the wide end of the archive";
        if cursor.take(END64.len() as u64, what)? != END64 {
            return broken(wide, format!("{what} is not where it is said to be"));
        }
        // Its size, two versions, two numbers of disks, entries of this disk.
        cursor.skip(8 + 2 + 2 + 4 + 4 + 8, what)?;
        let count = number(&mut cursor, 8, what)?;
        let (size, begin) = (number(&mut cursor, 8, what)?, number(&mut cursor, 8, what)?);
        found = (count, begin, size, wide);
    }
    let (count, begin, size, end) = found;
    if begin.checked_add(size) != Some(end as u64) {
        return broken(
            at,
            format!("it has {size} bytes from byte {begin} on, but must end at byte {end}"),
        );
    }
    // Both are at most the end, which is a place in the bytes.
    Ok((count, begin as usize, end))
}

fn member(file: &str, cursor: &mut Cursor<'_>, place: u64) -> Result<Entry> {
    let what = "the directory of the archive";
    let at = cursor.at() as u64;
    let field = |name: &str| match name {
        "" => format!("entry {place} of the directory"),
        name => format!("entry {name:?}"),
    };
    if cursor.take(MEMBER.len() as u64, what)? != MEMBER {
        return Err(error(file, field(""), at, "it does not begin as an entry".into()));
    }
    // The versions of the writer, and that which is needed.
    cursor.skip(4, what)?;
    let (flags, method) = (number(cursor, 2, what)?, number(cursor, 2, what)?);
    // The time.
    cursor.skip(4, what)?;
    let checksum = number(cursor, 4, what)?;
    let (mut packed, mut size) = (number(cursor, 4, what)?, number(cursor, 4, what)?);
    let lengths = [number(cursor, 2, what)?, number(cursor, 2, what)?, number(cursor, 2, what)?];
    // The number of the file, and the attributes.
    cursor.skip(2 + 2 + 4, what)?;
    let mut begin = number(cursor, 4, what)?;
    let [name, extra, comment] = lengths;
    let Ok(name) = str::from_utf8(cursor.take(name, what)?) else {
        return Err(error(file, field(""), at, "its name is not UTF-8".into()));
    };
    let name = name.to_owned();
    if name.len() > limits::MAX_NAME_BYTES {
        let (got, limit) = (name.len(), limits::MAX_NAME_BYTES);
        let reason = format!("a name of {got} bytes, but at most {limit} are read");
        return Err(error(file, field(""), at, reason));
    }
    // Bit 0: a password; bit 13: a hidden directory.
    if flags & 0x2001 != 0 {
        return Err(error(file, field(&name), at, "it is encrypted, which is not read".into()));
    }
    let mut extra = cursor.within(extra, what)?;
    cursor.skip(comment, what)?;
    while extra.left() > 0 {
        let kind = u16::from_le_bytes(extra.array("an extra field")?);
        let length = number(&mut extra, 2, "an extra field")?;
        let mut wide = extra.within(length, "an extra field")?;
        if kind == WIDE {
            // Only those are there that have no room elsewhere, in this order.
            for narrow in [&mut size, &mut packed, &mut begin] {
                if *narrow == ELSEWHERE {
                    *narrow = number(&mut wide, 8, "an extra field of wide sizes")?;
                }
            }
        }
    }
    // Both numbers have as many bytes as they were read of.
    let (method, checksum) = (method as u16, checksum as u32);
    Ok(Entry { name, method, checksum, packed, size, begin, end: 0 })
}

/// A number of at most 8 bytes.
fn number(cursor: &mut Cursor<'_>, size: usize, what: &str) -> Result<u64> {
    let mut number = [0; 8];
    number[..size].copy_from_slice(cursor.take(size as u64, what)?);
    Ok(u64::from_le_bytes(number))
}
