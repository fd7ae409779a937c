//! The second format: a table says where each tensor lies in one of the files of cells beside it.
//!
//! # Source
//! TensorFlow 2.21: `core/protobuf/tensor_bundle.proto`, and `core/util/tensor_bundle/tensor_bundle.cc`.

use std::ops::Range;

use super::parts::{self, Part};
use super::table::{self, Entry, form};
use super::{Contents, entry_name, name_of, part_key};
use crate::bytes::Bytes;
use crate::error::{Result, TensorFault, WeightsError};
use crate::format::PassedOver;
use crate::protobuf::Message;
use crate::tensor::{self, Dtype, Tensor};
use crate::{limits, tensor_proto};

/// The version of the format that this reads.
const VERSION: i64 = 1;

/// What the table says about the files of cells.
pub(super) struct Header {
    pub(super) shards: usize,
    /// Whether the first byte of a number is its highest.
    big: bool,
}

/// What the table says about a tensor.
struct Stored {
    dtype: i64,
    shape: Vec<usize>,
    shard: i64,
    begin: i64,
    size: i64,
    checksum: u32,
    parts: Vec<Part>,
}

/// A file of cells.
pub(super) struct Shard {
    pub(super) file: String,
    pub(super) bytes: Bytes,
}

impl Header {
    /// The value of the empty key.
    pub(super) fn parse(file: &str, value: &[u8]) -> Result<Self> {
        let (mut shards, mut big) = (0, false);
        for field in Message::new(file, value) {
            let field = field?;
            match field.number {
                1 => {
                    shards = field.uint("num_shards")?;
                    if shards > limits::MAX_SHARDS {
                        let reason =
                            format!("{shards}, but at most {} are read", limits::MAX_SHARDS);
                        return Err(field.error("num_shards", reason));
                    }
                }
                2 => match field.uint("endianness")? {
                    order @ (0 | 1) => big = order == 1,
                    other => {
                        let reason = format!("{other}; legal: 0 (little), 1 (big)");
                        return Err(field.error("endianness", reason));
                    }
                },
                3 => {
                    for number in field.message("version")? {
                        let number = number?;
                        if number.number != 2 {
                            continue;
                        }
                        let needed = number.int("version.min_consumer")?;
                        if needed > VERSION {
                            let reason = format!("{needed}, but version {VERSION} is read");
                            return Err(number.error("version.min_consumer", reason));
                        }
                    }
                }
                _ => {}
            }
        }
        // At most MAX_SHARDS.
        Ok(Self { shards: shards as usize, big })
    }
}

/// All tensors. `entries` are those of the table, of which the first is the header.
pub(super) fn read(
    file: &str,
    header: &Header,
    entries: &[Entry],
    shards: &[Shard],
) -> Result<Contents> {
    let tensors = entries
        .partition_point(|entry| entry.key.first().is_none_or(|&byte| byte == part_key::BEGIN));
    let (parts, tensors) = entries.split_at(tensors);
    // The first is the header.
    let parts = parts.get(1..).unwrap_or_default();
    if tensors.len() > limits::MAX_TENSORS {
        let (got, limit) = (tensors.len(), limits::MAX_TENSORS);
        return Err(WeightsError::TooMany { file: file.into(), what: "tensors", got, limit });
    }
    let mut reader = Reader { header, shards, places: Vec::new() };
    let mut contents = Contents::default();
    let mut parts_read = 0;
    for Entry { key, value } in tensors {
        let name = name_of(file, key)?;
        let within = entry_name(file, name);
        let fault = |fault| WeightsError::tensor(file, name, fault);
        let stored = stored(&within, value)?;
        parts_read += stored.parts.len();
        let Some(dtype) = tensor_proto::dtype(stored.dtype) else {
            // It must be there all the same.
            if stored.parts.is_empty() {
                reader.place(file, name, &stored)?;
            }
            contents.passed_over.push(PassedOver {
                name: name.into(),
                what: tensor_proto::type_name(stored.dtype),
            });
            continue;
        };
        let cells = match stored.parts.is_empty() {
            true => {
                let needed = tensor::byte_count(dtype, &stored.shape).map_err(fault)?;
                reader.cells(file, name, &stored, dtype, needed)?
            }
            false => {
                let mut found = Vec::with_capacity(stored.parts.len());
                for part in stored.parts {
                    let key = part_key::of(name, &part.extents);
                    let place = parts.binary_search_by(|entry| entry.key.cmp(&key));
                    let place = place.map_err(|_| {
                        fault(TensorFault::Parts { reason: format!("{part} is not in the table") })
                    })?;
                    let own = self::stored(&format!("{within}{part}"), &parts[place].value)?;
                    let needed = part.bytes(dtype).map_err(fault)?;
                    if own.dtype != stored.dtype {
                        let [own, whole] = [own.dtype, stored.dtype].map(tensor_proto::type_name);
                        let reason = format!("{part} is of type {own}, but the whole of {whole}");
                        return Err(fault(TensorFault::Parts { reason }));
                    }
                    let cells =
                        reader.cells(file, &format!("{name}{part}"), &own, dtype, needed)?;
                    found.push((part, cells));
                }
                parts::joined(dtype, &stored.shape, found).map_err(fault)?
            }
        };
        contents.tensors.push(Tensor::of(name.into(), dtype, stored.shape, cells)?);
    }
    if parts_read != parts.len() {
        let (there, named) = (parts.len(), parts_read);
        let reason = format!("{there} parts are there, but the tensors name {named}");
        return Err(form(file, "the parts of tensors", 0, reason));
    }
    reader.check_apart(file)?;
    Ok(contents)
}

struct Reader<'a> {
    header: &'a Header,
    shards: &'a [Shard],
    /// Where the tensors that were found lie: shard, begin and end, and whose they are.
    places: Vec<(usize, u64, u64, String)>,
}

impl Reader<'_> {
    /// The cells, in our order of bytes, that must be `needed` bytes.
    fn cells(
        &mut self,
        file: &str,
        name: &str,
        stored: &Stored,
        dtype: Dtype,
        needed: usize,
    ) -> Result<Bytes> {
        let fault = |fault| WeightsError::tensor(file, name, fault);
        if usize::try_from(stored.size) != Ok(needed) {
            let got = format!("a size of {} bytes", stored.size);
            let legal = format!("the {needed} that {dtype} of its shape takes");
            return Err(fault(TensorFault::Value { got, legal }));
        }
        let (shard, range) = self.place(file, name, stored)?;
        let cells = shard.bytes.part(range.clone());
        table::check(crc32c::crc32c(&cells), stored.checksum).map_err(|reason| {
            form(&shard.file, &format!("tensor {name:?}"), range.start, reason)
        })?;
        match self.header.big {
            true => cells.turned(dtype.bytes()).map_err(fault),
            false => Ok(cells),
        }
    }

    /// The file of cells that a tensor lies in, and where in it.
    fn place(&mut self, file: &str, name: &str, stored: &Stored) -> Result<(&Shard, Range<usize>)> {
        let Stored { shard, begin, size, .. } = *stored;
        let number = usize::try_from(shard).ok().filter(|&shard| shard < self.shards.len());
        let (Some(number), Ok(begin), Ok(size)) =
            (number, u64::try_from(begin), u64::try_from(size))
        else {
            let got = format!("{size} bytes from byte {begin} of shard {shard} on");
            let legal = format!("numbers from 0 on, and a shard below {}", self.shards.len());
            let fault = TensorFault::Value { got, legal };
            return Err(WeightsError::tensor(file, name, fault));
        };
        let Shard { file: shard_file, bytes } = &self.shards[number];
        let end = begin.saturating_add(size);
        if end > bytes.len() as u64 {
            return Err(WeightsError::Truncated {
                file: shard_file.clone(),
                what: format!("tensor {name:?}"),
                offset: begin,
                needed: size,
                got: (bytes.len() as u64).saturating_sub(begin),
            });
        }
        self.places.push((number, begin, end, name.into()));
        // Both are at most the length.
        Ok((&self.shards[number], begin as usize..end as usize))
    }

    /// No bytes may be those of two tensors.
    fn check_apart(mut self, file: &str) -> Result<()> {
        self.places.retain(|(_, begin, end, _)| begin < end);
        self.places.sort();
        for pair in self.places.windows(2) {
            let [(shard, _, end, other), (next, begin, _, name)] = pair else { continue };
            if shard == next && begin < end {
                let (begin, other, end) = (*begin, other.clone(), *end);
                let fault = TensorFault::Overlap { begin, other, end };
                return Err(WeightsError::tensor(file, name, fault));
            }
        }
        Ok(())
    }
}

fn stored(within: &str, value: &[u8]) -> Result<Stored> {
    let mut stored =
        Stored { dtype: 0, shape: vec![], shard: 0, begin: 0, size: 0, checksum: 0, parts: vec![] };
    for field in Message::new(within, value) {
        let field = field?;
        match field.number {
            1 => stored.dtype = field.int("dtype")?,
            2 => stored.shape = tensor_proto::shape(&field, "shape")?,
            3 => stored.shard = field.int("shard_id")?,
            4 => stored.begin = field.int("offset")?,
            5 => stored.size = field.int("size")?,
            6 => stored.checksum = field.fixed32("crc32c")?,
            _ => {}
        }
    }
    for field in Message::new(within, value) {
        let field = field?;
        if field.number == 7 {
            stored.parts.push(parts::part(&field, &stored.shape, "slices")?);
            if stored.parts.len() > limits::MAX_PARTS {
                let reason = format!("more than {} parts", limits::MAX_PARTS);
                return Err(field.error("slices", reason));
            }
        }
    }
    Ok(stored)
}
