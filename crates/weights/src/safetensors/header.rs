//! The header of a safetensors file: which tensor lies where.
//!
//! The crate `safetensors` gives the types; the checks are here, as its errors do not say which tensor is
//! at fault, and it takes the last of two tensors of one name.

use std::collections::BTreeMap;
use std::fmt;

use safetensors::tensor::{Dtype as FileDtype, TensorInfo};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};

use super::{tensor, too_many};
use crate::error::{Result, TensorFault, WeightsError};
use crate::tensor::{Dtype, Tensor};
use crate::{json, limits};

/// The one key of the header that is no tensor.
pub(super) const RESERVED: &str = "__metadata__";

/// What messages call the header.
pub(super) const ROOT: &str = "header";

/// The header starts at a multiple of 8 and ends at one, so that the cells are aligned.
const ALIGNMENT: usize = 8;

/// What the header says, in its order.
#[derive(Default)]
pub(super) struct Header {
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) entries: Vec<(String, TensorInfo)>,
}

/// One tensor of which type, shape and range agree.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) begin: u64,
    pub(super) end: u64,
}

impl Header {
    pub(super) fn parse(file: &str, bytes: &[u8]) -> Result<Self> {
        json::parse(file, ROOT, bytes)
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Header;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Header, A::Error> {
                let mut header = Header::default();
                let mut seen = false;
                while let Some(name) = map.next_key::<String>()? {
                    if name != RESERVED {
                        header.entries.push((name, map.next_value()?));
                    } else if std::mem::replace(&mut seen, true) {
                        return Err(A::Error::custom("__metadata__ comes twice"));
                    } else {
                        header.metadata = map.next_value::<Option<_>>()?.unwrap_or_default();
                    }
                }
                Ok(header)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// The tensors in the order of their bytes, after checking that they tile the data without gap or overlap.
pub(super) fn in_order(file: &str, entries: Vec<(String, TensorInfo)>) -> Result<Vec<Entry>> {
    if entries.len() > limits::MAX_TENSORS {
        return Err(too_many(file, entries.len()));
    }
    let mut entries: Vec<Entry> = entries
        .into_iter()
        .map(|(name, info)| match entry(&info) {
            Ok((dtype, begin, end)) => Ok(Entry { name, dtype, shape: info.shape, begin, end }),
            Err(fault) => Err(WeightsError::tensor(file, &name, fault)),
        })
        .collect::<Result<_>>()?;
    entries.sort_by(|a, b| (a.begin, a.end, &a.name).cmp(&(b.begin, b.end, &b.name)));
    let (mut other, mut end) = ("", 0);
    for entry in &entries {
        let begin = entry.begin;
        let fault = match begin.cmp(&end) {
            std::cmp::Ordering::Less => TensorFault::Overlap { begin, other: other.into(), end },
            std::cmp::Ordering::Greater => TensorFault::Gap { begin, end },
            std::cmp::Ordering::Equal => {
                (other, end) = (&entry.name, entry.end);
                continue;
            }
        };
        return Err(WeightsError::tensor(file, &entry.name, fault));
    }
    Ok(entries)
}

fn entry(info: &TensorInfo) -> std::result::Result<(Dtype, u64, u64), TensorFault> {
    let dtype = dtype(info.dtype).ok_or_else(|| TensorFault::Dtype {
        got: format!("{:?}", info.dtype),
        legal: Dtype::legal(),
    })?;
    let (begin, end) = (info.data_offsets.0 as u64, info.data_offsets.1 as u64);
    let got = end.checked_sub(begin).ok_or(TensorFault::Backwards { begin, end })?;
    let needed = tensor::byte_count(dtype, &info.shape)? as u64;
    if got != needed {
        let (dtype, shape) = (dtype.name(), info.shape.clone());
        return Err(TensorFault::ByteCount { dtype, shape, needed, got });
    }
    Ok((dtype, begin, end))
}

/// The JSON for these tensors lying one after the other, padded with blanks.
pub(super) fn write(metadata: &BTreeMap<&str, String>, tensors: &[&Tensor]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::new(&mut bytes);
    let mut written = || -> serde_json::Result<()> {
        let mut map = (&mut serializer).serialize_map(None)?;
        if !metadata.is_empty() {
            map.serialize_entry(RESERVED, metadata)?;
        }
        let mut begin = 0;
        for tensor in tensors {
            let end = begin + tensor.byte_len();
            let (dtype, shape) = (file_dtype(tensor.dtype()), tensor.shape().to_vec());
            map.serialize_entry(
                tensor.name(),
                &TensorInfo { dtype, shape, data_offsets: (begin, end) },
            )?;
            begin = end;
        }
        map.end()
    };
    let error = |reason| Err(json::error("safetensors", ROOT, "", reason));
    if let Err(reason) = written() {
        return error(reason.to_string());
    }
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), b' ');
    if bytes.len() as u64 > limits::MAX_JSON_BYTES {
        let (got, limit) = (bytes.len(), limits::MAX_JSON_BYTES);
        return error(format!("would take {got} bytes, but at most {limit} are read"));
    }
    Ok(bytes)
}

/// Our type of the same name.
fn dtype(of_file: FileDtype) -> Option<Dtype> {
    Dtype::ALL.into_iter().find(|&dtype| file_dtype(dtype) == of_file)
}

fn file_dtype(dtype: Dtype) -> FileDtype {
    match dtype {
        Dtype::F64 => FileDtype::F64,
        Dtype::F32 => FileDtype::F32,
        Dtype::F16 => FileDtype::F16,
        Dtype::Bf16 => FileDtype::BF16,
        Dtype::I64 => FileDtype::I64,
        Dtype::I32 => FileDtype::I32,
        Dtype::I16 => FileDtype::I16,
        Dtype::I8 => FileDtype::I8,
        Dtype::U64 => FileDtype::U64,
        Dtype::U32 => FileDtype::U32,
        Dtype::U16 => FileDtype::U16,
        Dtype::U8 => FileDtype::U8,
        Dtype::Bool => FileDtype::BOOL,
    }
}
