//! Arrays of Python's objects: the numbers in them, with names.

use super::cells;
use super::npy::{self, form};
use super::pickled::{self, Array, Content};
use crate::bytes::Bytes;
use crate::cursor::Cursor;
use crate::error::{Result, TensorFault, WeightsError};
use crate::limits;
use crate::pickle::{self, Names, Object, Pickle, Ref, Value};
use crate::tensor::{Dtype, Tensor};

/// All tensors in the pickle from byte `begin` on, which is an array of objects of the shape that the header states.
/// Names are put together from `root` on; what is there itself has the name `own`.
pub(super) fn read(
    file: &str,
    bytes: &Bytes,
    begin: usize,
    shape: &[usize],
    (own, root): (&str, &str),
) -> Result<Vec<Tensor>> {
    let pickle = pickle::read(file, bytes, begin, Names::Only(pickled::KNOWN))?;
    npy::end(file, &Cursor::new(file, bytes, pickle.end))?;
    let left = limits::MAX_BYTES.min(limits::MAX_SHARING.saturating_mul(bytes.len() as u64));
    let mut walk = Walk { file, pickle: &pickle, own, steps: 0, left, tensors: Vec::new() };
    let array = match pickle.get(pickle.root) {
        Value::Object(object) => pickled::array(file, &pickle, object, own)?,
        _ => None,
    };
    match array {
        Some(Array { shape: got, content: Content::Objects(objects), .. }) if got == shape => {
            walk.cells(root, &got, objects, 0)?;
            Ok(walk.tensors)
        }
        Some(Array { shape: got, content: Content::Objects(_), .. }) => {
            let reason = format!("it has shape {got:?}, but the header states {shape:?}");
            Err(form(file, "pickle", begin, reason))
        }
        _ => {
            let got = pickle.describe(pickle.root);
            let reason = format!("it is {got}, but must be an array of objects");
            Err(form(file, "pickle", begin, reason))
        }
    }
}

struct Walk<'a> {
    file: &'a str,
    pickle: &'a Pickle,
    own: &'a str,
    steps: usize,
    /// How many bytes the arrays may still take.
    left: u64,
    tensors: Vec<Tensor>,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, name: &str, value: Ref, depth: usize) -> Result<()> {
        let limit = limits::MAX_PICKLE_VALUES;
        self.steps += 1;
        if self.steps > limit {
            let what = "values of a pickle, with those that come more than once";
            return Err(self.too_many(what, self.steps, limit));
        }
        if depth > limits::MAX_DEPTH {
            return Err(self.too_many(
                "dictionaries and lists in one another",
                depth,
                limits::MAX_DEPTH,
            ));
        }
        let pickle = self.pickle;
        match pickle.get(value) {
            Value::None => Ok(()),
            Value::Bool(truth) => self.number(name, Dtype::Bool, vec![u8::from(*truth)]),
            Value::Float(number) => self.number(name, Dtype::F64, number.to_le_bytes().into()),
            Value::Int(number) => match (i64::try_from(*number), u64::try_from(*number)) {
                (Ok(number), _) => self.number(name, Dtype::I64, number.to_le_bytes().into()),
                (_, Ok(number)) => self.number(name, Dtype::U64, number.to_le_bytes().into()),
                _ => Err(self.refuse(name, value, "numbers of at most 64 bits")),
            },
            Value::Tuple(items) | Value::List(items) => {
                for (place, &item) in items.iter().enumerate() {
                    self.visit(&self.join(name, &place.to_string())?, item, depth + 1)?;
                }
                Ok(())
            }
            Value::Dict(pairs) => self.entries(name, pairs, depth),
            Value::Object(object) => self.object(name, value, object, depth),
            Value::Text(_)
            | Value::Bytes(_)
            | Value::Global(_)
            | Value::Named(..)
            | Value::Persistent(_) => Err(self.refuse(name, value, "arrays and numbers")),
        }
    }

    fn object(&mut self, name: &str, value: Ref, object: &'a Object, depth: usize) -> Result<()> {
        let own = if name.is_empty() { self.own } else { name };
        if pickled::is_ordered(self.pickle, object) {
            let pairs = self
                .pickle
                .pairs(value)
                .ok_or_else(|| self.refuse(name, value, "pairs of key and value"))?;
            return self.entries(name, &pairs, depth);
        }
        let Some(array) = pickled::array(self.file, self.pickle, object, own)? else {
            return Err(self.refuse(name, value, "arrays and numbers"));
        };
        let Array { shape, fortran, content } = array;
        match content {
            Content::Objects(objects) => self.cells(name, &shape, objects, depth),
            Content::Numbers { dtype, big, data } => {
                let bytes = pickled::bytes(self.file, self.pickle, object, own, data)?;
                self.left = self.left.checked_sub(bytes.len() as u64).ok_or_else(|| {
                    let times = limits::MAX_SHARING;
                    let reason = format!(
                        "with it the arrays take more than {times} times the bytes of the file"
                    );
                    form(self.file, &format!("tensor {own:?}"), object.offset, reason)
                })?;
                let cells = cells::arranged(bytes, (dtype, big), fortran, &shape)
                    .map_err(|fault| WeightsError::tensor(self.file, own, fault))?;
                self.add(Tensor::of(own.into(), dtype, shape, cells)?)
            }
        }
    }

    /// The cells of an array of objects, row-major. One without axes has no place that a name could tell.
    fn cells(&mut self, name: &str, shape: &[usize], cells: &[Ref], depth: usize) -> Result<()> {
        for (cell, &value) in cells.iter().enumerate() {
            let mut rest = cell;
            let mut places = Vec::with_capacity(shape.len());
            for &size in shape.iter().rev() {
                places.push((rest % size).to_string());
                rest /= size;
            }
            places.reverse();
            let name = match places.is_empty() {
                true => name.to_owned(),
                false => self.join(name, &places.join("/"))?,
            };
            self.visit(&name, value, depth + 1)?;
        }
        Ok(())
    }

    fn entries(&mut self, name: &str, pairs: &[(Ref, Ref)], depth: usize) -> Result<()> {
        for &(key, value) in pairs {
            let key = match self.pickle.get(key) {
                Value::Int(number) => number.to_string().into(),
                _ => self.pickle.text(key, limits::MAX_NAME_BYTES).ok_or_else(|| {
                    let most = limits::MAX_NAME_BYTES;
                    let legal =
                        format!("keys that are whole numbers or text of {most} bytes at most");
                    self.refuse(name, key, &legal)
                })?,
            };
            self.visit(&self.join(name, &key)?, value, depth + 1)?;
        }
        Ok(())
    }

    fn join(&self, name: &str, part: &str) -> Result<String> {
        let joined = if name.is_empty() { part.into() } else { format!("{name}/{part}") };
        match joined.len() {
            0..=limits::MAX_NAME_BYTES => Ok(joined),
            got => Err(self.too_many("bytes of a name", got, limits::MAX_NAME_BYTES)),
        }
    }

    fn number(&mut self, name: &str, dtype: Dtype, bytes: Vec<u8>) -> Result<()> {
        let name = if name.is_empty() { self.own } else { name };
        self.add(Tensor::new(name, dtype, vec![], bytes)?)
    }

    fn add(&mut self, tensor: Tensor) -> Result<()> {
        let limit = limits::MAX_TENSORS;
        if self.tensors.len() == limit {
            return Err(self.too_many("tensors", limit + 1, limit));
        }
        self.tensors.push(tensor);
        Ok(())
    }

    fn too_many(&self, what: &'static str, got: usize, limit: usize) -> WeightsError {
        WeightsError::TooMany { file: self.file.into(), what, got, limit }
    }

    fn refuse(&self, name: &str, value: Ref, legal: &str) -> WeightsError {
        let name = if name.is_empty() { self.own } else { name };
        let got = self.pickle.describe(value);
        let fault = TensorFault::Value { got, legal: legal.into() };
        WeightsError::tensor(self.file, name, fault)
    }
}
