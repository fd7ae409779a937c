//! The first format: a table whose entries hold the cells, which one field describes and the others bring.
//!
//! # Source
//! TensorFlow 2.21: `core/util/saved_tensor_slice.proto`, and `tensor_slice_writer.cc`.

use std::collections::BTreeMap;

use super::parts::{self, Part};
use super::table::Entry;
use super::{Contents, name_of};
use crate::bytes::Bytes;
use crate::error::{Result, TensorFault, WeightsError};
use crate::format::PassedOver;
use crate::protobuf::{Field, Message};
use crate::tensor::{Dtype, Tensor};
use crate::{limits, tensor_proto};

/// A tensor, and what was found of it.
struct Declared {
    /// The table that says so.
    file: String,
    dtype: i64,
    shape: Vec<usize>,
    /// Parts that must be there.
    parts: Vec<Part>,
    found: Vec<(Part, Bytes)>,
}

/// The tensors of several tables, which may have parts of the same ones.
#[derive(Default)]
pub(super) struct Reader {
    declared: BTreeMap<String, Declared>,
    /// Bytes of cells that do not lie in the tables as they are needed.
    own: u64,
}

impl Reader {
    /// Takes in a table: `entries` with the first one, whose key is empty. Messages name an entry as if the file were a
    /// folder, with offsets from the begin of its value.
    pub(super) fn add(&mut self, file: &str, entries: Vec<Entry>) -> Result<()> {
        let mut entries = entries.into_iter();
        if let Some(first) = entries.next() {
            self.declare(file, &first.value)?;
        }
        for (number, Entry { value, .. }) in (1..).zip(entries) {
            let within = format!("{file}/entry-{number}");
            for field in Message::new(&within, &value) {
                let field = field?;
                if field.number == 2 {
                    self.slice(&within, &field, &value)?;
                }
            }
        }
        Ok(())
    }

    fn declare(&mut self, file: &str, value: &[u8]) -> Result<()> {
        for field in Message::new(&format!("{file}/entry-0"), value) {
            let field = field?;
            if field.number != 1 {
                continue;
            }
            for tensor in field.message("meta")? {
                let tensor = tensor?;
                if tensor.number == 1 {
                    self.declare_tensor(file, &tensor)?;
                }
            }
        }
        Ok(())
    }

    fn declare_tensor(&mut self, file: &str, tensor: &Field<'_>) -> Result<()> {
        let (mut name, mut dtype, mut shape) = ("", 0, vec![]);
        for field in tensor.message("meta.tensor")? {
            let field = field?;
            match field.number {
                1 => name = name_of(file, field.bytes("meta.tensor.name")?)?,
                2 => shape = tensor_proto::shape(&field, "meta.tensor.shape")?,
                3 => dtype = field.int("meta.tensor.type")?,
                _ => {}
            }
        }
        if !self.declared.contains_key(name) && self.declared.len() == limits::MAX_TENSORS {
            let limit = limits::MAX_TENSORS;
            let (file, got) = (file.into(), limit + 1);
            return Err(WeightsError::TooMany { file, what: "tensors", got, limit });
        }
        let declared = self.declared.entry(name.into()).or_insert_with(|| Declared {
            file: file.into(),
            dtype,
            shape: shape.clone(),
            parts: vec![],
            found: vec![],
        });
        if (declared.dtype, &declared.shape) != (dtype, &shape) {
            let types = [dtype, declared.dtype].map(tensor_proto::type_name);
            let got = format!("{} of shape {shape:?} here", types[0]);
            let legal =
                format!("{} of shape {:?}, as in {}", types[1], declared.shape, declared.file);
            return Err(WeightsError::tensor(file, name, TensorFault::Value { got, legal }));
        }
        for field in tensor.message("meta.tensor")? {
            let field = field?;
            if field.number != 4 {
                continue;
            }
            declared.parts.push(parts::part(&field, &shape, "meta.tensor.slice")?);
            if declared.parts.len() > limits::MAX_PARTS {
                let reason = format!("more than {} parts of tensor {name:?}", limits::MAX_PARTS);
                return Err(field.error("meta.tensor.slice", reason));
            }
        }
        Ok(())
    }

    /// Takes in a message of type `SavedSlice`; `value` are the bytes of the entry.
    fn slice(&mut self, file: &str, slice: &Field<'_>, value: &Bytes) -> Result<()> {
        let mut name = "";
        for field in slice.message("data")? {
            let field = field?;
            if field.number == 1 {
                name = name_of(file, field.bytes("data.name")?)?;
            }
        }
        let Some(Declared { dtype, shape, parts, found, .. }) = self.declared.get_mut(name) else {
            let reason = format!("tensor {name:?} is not among those that the table lists");
            return Err(slice.error("data", reason));
        };
        let Some(dtype) = tensor_proto::dtype(*dtype) else { return Ok(()) };
        let (mut part, mut cells) = (None, None);
        for field in slice.message("data")? {
            let field = field?;
            match field.number {
                2 => part = Some(parts::part(&field, shape, "data.slice")?),
                3 => {
                    let tensor = field.message("data.data")?;
                    cells = Some(tensor_proto::stated(&tensor, value, dtype, &mut self.own)?);
                }
                _ => {}
            }
        }
        match (part, cells) {
            (Some(part), Some(cells)) if parts.contains(&part) => {
                if found.len() == limits::MAX_PARTS {
                    let reason = format!("more than {} parts of it", limits::MAX_PARTS);
                    return Err(slice.error("data", reason));
                }
                found.push((part, cells));
                Ok(())
            }
            (Some(part), Some(_)) => {
                let reason = format!("part {part} of tensor {name:?} is not one that is listed");
                Err(slice.error("data", reason))
            }
            _ => Err(slice.error("data", format!("tensor {name:?} has no part or no cells"))),
        }
    }

    /// The tensors, all of whose parts must have been found.
    pub(super) fn finish(self) -> Result<Contents> {
        let mut contents = Contents::default();
        for (name, Declared { file, dtype, shape, found, .. }) in self.declared {
            let Some(dtype) = tensor_proto::dtype(dtype) else {
                let what = tensor_proto::type_name(dtype);
                contents.passed_over.push(PassedOver { name, what });
                continue;
            };
            let cells = whole(dtype, &shape, found)
                .map_err(|fault| WeightsError::tensor(&file, &name, fault))?;
            contents.tensors.push(Tensor::of(name, dtype, shape, cells)?);
        }
        Ok(contents)
    }
}

fn whole(
    dtype: Dtype,
    shape: &[usize],
    found: Vec<(Part, Bytes)>,
) -> std::result::Result<Bytes, TensorFault> {
    if found.is_empty() {
        return Err(TensorFault::Parts { reason: "none is there".into() });
    }
    parts::joined(dtype, shape, found)
}
