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
    let is_part = |entry: &Entry| entry.key.first().is_none_or(|&byte| byte == part_key::BEGIN);
    let (parts, tensors) = entries.split_at(entries.partition_point(is_part));
    if tensors.len() > limits::MAX_TENSORS {
        let (got, limit) = (tensors.len(), limits::MAX_TENSORS);
        return Err(WeightsError::TooMany { file: file.into(), what: "tensors", got, limit });
    }
    // The first is the header.
    let parts = parts.get(1..).unwrap_or_default();
    let plan = Plan { file, shards, parts };
    let (mut planned, mut passed_over) = (Vec::with_capacity(tensors.len()), Vec::new());
    let mut named = 0;
    for Entry { key, value } in tensors {
        let name = name_of(file, key)?;
        let stored = stored(&entry_name(file, name), value)?;
        named += stored.parts.len();
        match tensor_proto::dtype(stored.dtype) {
            Some(dtype) => planned.push(plan.tensor(name, dtype, stored)?),
            None => {
                // It must be there all the same.
                if stored.parts.is_empty() {
                    plan.piece(name, &stored, None)?;
                }
                let what = tensor_proto::type_name(stored.dtype);
                passed_over.push(PassedOver { name: name.into(), what });
            }
        }
    }
    if named != parts.len() {
        let there = parts.len();
        let reason = format!("{there} parts are there, but the tensors name {named}");
        return Err(form(file, "the parts of tensors", 0, reason));
    }
    // Before anything is read: so no byte is read twice.
    check_apart(file, &planned)?;
    let cells = |tensor| cells(file, header, shards, tensor);
    let tensors = planned.into_iter().map(cells).collect::<Result<_>>()?;
    Ok(Contents { tensors, passed_over })
}

/// A tensor, and where its cells lie.
struct Planned<'a> {
    name: &'a str,
    dtype: Dtype,
    shape: Vec<usize>,
    /// One, or one for each part.
    pieces: Vec<Piece>,
}

/// Bytes within a file of cells.
struct Piece {
    /// The tensor, with the part if it is one.
    name: String,
    part: Option<Part>,
    shard: usize,
    range: Range<usize>,
    checksum: u32,
}

struct Plan<'a> {
    file: &'a str,
    shards: &'a [Shard],
    /// The entries of parts.
    parts: &'a [Entry],
}

impl Plan<'_> {
    fn tensor<'a>(&self, name: &'a str, dtype: Dtype, stored: Stored) -> Result<Planned<'a>> {
        let fault = |fault| WeightsError::tensor(self.file, name, fault);
        let Stored { dtype: number, ref shape, .. } = stored;
        if stored.parts.is_empty() {
            let needed = tensor::byte_count(dtype, shape).map_err(fault)?;
            let pieces = vec![self.piece(name, &stored, Some((dtype, needed)))?];
            return Ok(Planned { name, dtype, shape: stored.shape, pieces });
        }
        parts::check(dtype, shape, &stored.parts).map_err(fault)?;
        let mut pieces = Vec::with_capacity(stored.parts.len());
        for part in stored.parts {
            let wrong = |reason| Err(fault(TensorFault::Parts { reason }));
            let key = part_key::of(name, &part.extents);
            let Ok(place) = self.parts.binary_search_by(|entry| entry.key.cmp(&key)) else {
                return wrong(format!("{part} is not in the table"));
            };
            let whole = format!("{name}{part}");
            let own = self::stored(&entry_name(self.file, &whole), &self.parts[place].value)?;
            if own.dtype != number {
                let [own, whole] = [own.dtype, number].map(tensor_proto::type_name);
                return wrong(format!("{part} is of type {own}, but the whole of {whole}"));
            }
            let needed = part.bytes(dtype).map_err(fault)?;
            let piece = self.piece(&whole, &own, Some((dtype, needed)))?;
            pieces.push(Piece { part: Some(part), ..piece });
        }
        Ok(Planned { name, dtype, shape: stored.shape, pieces })
    }

    /// Where something lies, which must be as many bytes as cells of this type take, if it is made of such.
    fn piece(&self, name: &str, stored: &Stored, cells: Option<(Dtype, usize)>) -> Result<Piece> {
        let wrong = |got: String, legal: String| {
            Err(WeightsError::tensor(self.file, name, TensorFault::Value { got, legal }))
        };
        let Stored { shard, begin, size, checksum, .. } = *stored;
        if let Some((dtype, needed)) =
            cells.filter(|&(_, needed)| usize::try_from(size) != Ok(needed))
        {
            let legal = format!("the {needed} that {dtype} of its shape takes");
            return wrong(format!("a size of {size} bytes"), legal);
        }
        let number = usize::try_from(shard).ok().filter(|&shard| shard < self.shards.len());
        let (Some(shard), Ok(begin), Ok(size)) =
            (number, u64::try_from(begin), u64::try_from(size))
        else {
            let got = format!("{size} bytes from byte {begin} of shard {shard} on");
            let legal = format!("numbers from 0 on, and a shard below {}", self.shards.len());
            return wrong(got, legal);
        };
        let Shard { file, bytes } = &self.shards[shard];
        let end = begin.saturating_add(size);
        if end > bytes.len() as u64 {
            return Err(WeightsError::Truncated {
                file: file.clone(),
                what: format!("tensor {name:?}"),
                offset: begin,
                needed: size,
                got: (bytes.len() as u64).saturating_sub(begin),
            });
        }
        // Both are at most the length.
        let range = begin as usize..end as usize;
        Ok(Piece { name: name.into(), part: None, shard, range, checksum })
    }
}

/// No bytes may be those of two tensors.
fn check_apart(file: &str, planned: &[Planned<'_>]) -> Result<()> {
    let pieces = planned.iter().flat_map(|tensor| &tensor.pieces);
    let mut pieces: Vec<&Piece> = pieces.filter(|piece| !piece.range.is_empty()).collect();
    pieces.sort_by_key(|piece| (piece.shard, piece.range.start));
    for pair in pieces.windows(2) {
        let [before, piece] = pair else { continue };
        let (begin, end) = (piece.range.start as u64, before.range.end as u64);
        if before.shard == piece.shard && begin < end {
            let fault = TensorFault::Overlap { begin, other: before.name.clone(), end };
            return Err(WeightsError::tensor(file, &piece.name, fault));
        }
    }
    Ok(())
}

/// Reads a tensor: compares its checksums, and puts its parts together.
fn cells(file: &str, header: &Header, shards: &[Shard], tensor: Planned<'_>) -> Result<Tensor> {
    let Planned { name, dtype, shape, pieces } = tensor;
    let fault = |fault| WeightsError::tensor(file, name, fault);
    let mut whole = None;
    let mut found = Vec::new();
    for Piece { name, part, shard, range, checksum } in pieces {
        let Shard { file, bytes } = &shards[shard];
        let cells = bytes.part(range.clone());
        table::check(crc32c::crc32c(&cells), checksum)
            .map_err(|reason| form(file, &format!("tensor {name:?}"), range.start, reason))?;
        let cells = if header.big { cells.turned(dtype.bytes()).map_err(fault)? } else { cells };
        match part {
            Some(part) => found.push((part, cells)),
            None => whole = Some(cells),
        }
    }
    let cells = match whole {
        Some(cells) => cells,
        None => parts::joined(dtype, &shape, found).map_err(fault)?,
    };
    Tensor::of(name.into(), dtype, shape, cells)
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
