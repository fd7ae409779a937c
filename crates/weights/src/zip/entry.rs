//! The bytes of one entry.

use std::io::Read;
use std::sync::Arc;

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::directory::Entry;
use super::{MAGIC, error};
use crate::bytes::{Bytes, Whole};
use crate::cursor::Cursor;
use crate::error::{Result, WeightsError};

/// Bytes of the header before an entry, without its name and its extra fields.
pub(super) const HEADER: u64 = 30;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

pub(super) fn read(file: &str, bytes: &Bytes, entry: &Entry) -> Result<Bytes> {
    let Entry { name, method, packed, size, .. } = entry;
    let fault = |reason| error(file, format!("entry {name:?}"), entry.begin, reason);
    // Both lie within the file, as the directory was checked.
    let (begin, end) = (entry.begin as usize, entry.end as usize);
    let mut cursor = Cursor::new(file, &bytes[..end], begin);
    let what = format!("entry {name:?}");
    let header = cursor.take(HEADER, &what)?;
    let short = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    let own_name = cursor.take(short(26).into(), &what)?;
    if !header.starts_with(MAGIC) || short(8) != *method || own_name != name.as_bytes() {
        return Err(fault("its header is not what the directory says".into()));
    }
    cursor.skip(short(28).into(), &what)?;
    let range = cursor.skip(*packed, &what)?;
    let content = match *method {
        STORED if packed == size => bytes.part(range),
        STORED => {
            let reason = format!("{size} bytes are stated, but {packed} are stored");
            return Err(fault(reason));
        }
        DEFLATED => {
            let content = inflate(file, &bytes[range], *size, fault)?;
            Bytes::shared(Whole::Read(Arc::new(content)))
        }
        other => {
            let reason = format!("method {other} is not read; legal: 0 (stored), 8 (deflate)");
            return Err(fault(reason));
        }
    };
    let mut checksum = Crc::new();
    checksum.update(&content);
    match checksum.sum() {
        sum if sum == entry.checksum => Ok(content),
        sum => {
            let stated = entry.checksum;
            Err(fault(format!("checksum {sum:08x}, but {stated:08x} is stated: it is damaged")))
        }
    }
}

/// The bytes that `packed` stands for, of which there must be `size`. That many are not beyond what deflate allows.
fn inflate(
    file: &str,
    packed: &[u8],
    size: u64,
    fault: impl Fn(String) -> WeightsError,
) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    usize::try_from(size).ok().and_then(|size| content.try_reserve_exact(size).ok()).ok_or_else(
        || WeightsError::read(file, std::io::Error::from(std::io::ErrorKind::OutOfMemory)),
    )?;
    let mut decoder = DeflateDecoder::new(packed);
    (&mut decoder)
        .take(size)
        .read_to_end(&mut content)
        .map_err(|error| fault(format!("it cannot be unpacked: {error}")))?;
    let got = content.len() as u64;
    if got < size {
        return Err(fault(format!("{size} bytes are stated, but it holds {got}")));
    }
    // The end must come now; asking for it also reads to the end of what is packed.
    match decoder.read(&mut [0]) {
        Ok(0) if decoder.total_in() == packed.len() as u64 => Ok(content),
        Ok(0) => {
            let surplus = packed.len() as u64 - decoder.total_in();
            Err(fault(format!("{surplus} bytes too many after what is packed")))
        }
        Ok(_) => Err(fault(format!("{size} bytes are stated, but it holds more"))),
        Err(error) => Err(fault(format!("it cannot be unpacked: {error}"))),
    }
}
