//! A block of a table: entries whose keys leave out what they share with the key before, and the places where a key is
//! written as a whole, by which others search.

use std::ops::Range;

use super::table::form;
use crate::cursor::Cursor;
use crate::error::Result;
use crate::limits;
use crate::protobuf::varint;

/// Calls `each` with every key, and with where its value lies in `block`.
pub(super) fn walk(
    file: &str,
    block: &[u8],
    mut each: impl FnMut(&[u8], Range<usize>) -> Result<()>,
) -> Result<()> {
    let what = "an entry of a block";
    let end = entries_end(file, block)?;
    let mut cursor = Cursor::new(file, &block[..end], 0);
    let mut key = Vec::new();
    while cursor.left() > 0 {
        let at = cursor.at();
        let shared = varint(file, &mut cursor, what)?;
        let own = varint(file, &mut cursor, what)?;
        let size = varint(file, &mut cursor, what)?;
        match usize::try_from(shared) {
            Ok(shared) if shared <= key.len() => key.truncate(shared),
            _ => {
                let reason = format!(
                    "it takes {shared} bytes of the key before it, which has {}",
                    key.len()
                );
                return Err(form(file, what, at, reason));
            }
        }
        key.extend(cursor.take(own, "a key")?);
        if key.len() > limits::MAX_KEY_BYTES {
            let (got, limit) = (key.len(), limits::MAX_KEY_BYTES);
            let reason = format!("a key of {got} bytes, but at most {limit} are read");
            return Err(form(file, what, at, reason));
        }
        each(&key, cursor.skip(size, "a value")?)?;
    }
    Ok(())
}

/// Where the entries end and the places of whole keys begin, each of four bytes, with their number behind them.
fn entries_end(file: &str, block: &[u8]) -> Result<usize> {
    let count_at = block.len().saturating_sub(4);
    let count = u32::from_le_bytes(Cursor::new(file, block, count_at).array("the end of a block")?);
    let end =
        u64::from(count).checked_mul(4).and_then(|bytes| (count_at as u64).checked_sub(bytes));
    // At most `count_at`.
    end.map(|end| end as usize).ok_or_else(|| {
        let reason = format!("{count} places of keys are stated, but it has {} bytes", block.len());
        form(file, "the end of a block", count_at, reason)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(block: &[u8]) -> std::result::Result<Vec<(String, Vec<u8>)>, String> {
        let mut entries = Vec::new();
        walk("f", block, |key, value| {
            entries.push((String::from_utf8_lossy(key).into_owned(), block[value].to_vec()));
            Ok(())
        })
        .map_err(|error| error.to_string())?;
        Ok(entries)
    }

    #[test]
    fn keys_are_put_together() {
        let block = b"\0\x05\x01conv1x\x04\x01\0" as &[u8];
        let block = [block, b"2", b"\0\0\x01y", &[0, 0, 0, 0, 1, 0, 0, 0]].concat();
        let expected =
            [("conv1", &b"x"[..]), ("conv2", b""), ("", b"y")].map(|(k, v)| (k.into(), v.to_vec()));
        assert_eq!(entries(&block).unwrap(), expected);
        assert_eq!(entries(&[0; 4]).unwrap(), []);
    }

    #[test]
    fn blocks_that_lie() {
        for (block, expected) in [
            (&b""[..], "f: cut short: the end of a block needs 4 bytes from byte 0 on, but 0"),
            (b"\x01\x01\0a\0\0\0\0", "an entry of a block at byte 0: it takes 1 bytes of the key"),
            (
                b"\0\x05\0a\0\0\0\0",
                "cut short: a key needs 5 bytes from byte 3 on, but 1 are there",
            ),
            (b"\0\x01\x05a\0\0\0\0", "cut short: a value needs 5 bytes from byte 4 on, but 0"),
            (
                b"\x02\0\0\0",
                "the end of a block at byte 0: 2 places of keys are stated, but it has 4",
            ),
            (b"\xff\xff\xff\xff", "the end of a block at byte 0: 4294967295 places of keys"),
        ] {
            let error = entries(block).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
