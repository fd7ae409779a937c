//! From the objects of a pickle to tensors with names.

use super::form;
use super::rebuild::View;
use super::storage::{self, Kind, Storages};
use crate::error::{Result, TensorFault, WeightsError};
use crate::format::PassedOver;
use crate::limits;
use crate::pickle::{Object, Pickle, Ref, Value};
use crate::tensor::{self, Dtype, Tensor};

/// The name of a tensor that is not in anything.
const UNNAMED: &str = "tensor";

/// All tensors of the objects, and what is passed over. The file has `size` bytes.
pub(super) fn tensors(
    file: &str,
    pickle: &Pickle,
    storages: Storages<'_>,
    size: usize,
) -> Result<(Vec<Tensor>, Vec<PassedOver>)> {
    // Views of a small file may be larger than it, as they may repeat cells.
    let counted = (size as u64).max(limits::MAPPED_BYTES);
    let left = limits::MAX_BYTES.min(limits::MAX_SHARING.saturating_mul(counted));
    let (tensors, passed_over) = (Vec::new(), Vec::new());
    let mut walk = Walk { file, pickle, storages, steps: 0, left, tensors, passed_over };
    walk.visit("", pickle.root, 0)?;
    if walk.tensors.is_empty() {
        let got = pickle.describe(pickle.root);
        return Err(form(file, "objects", 0, format!("no tensor was found in them; it is {got}")));
    }
    Ok((walk.tensors, walk.passed_over))
}

struct Walk<'a> {
    file: &'a str,
    pickle: &'a Pickle,
    storages: Storages<'a>,
    steps: usize,
    /// How many bytes the tensors may still take.
    left: u64,
    tensors: Vec<Tensor>,
    passed_over: Vec<PassedOver>,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, name: &str, value: Ref, depth: usize) -> Result<()> {
        self.steps += 1;
        let limit = limits::MAX_PICKLE_VALUES;
        if self.steps > limit {
            let what = "values of a pickle, with those that come more than once";
            return Err(self.too_many(what, self.steps, limit));
        }
        if depth > limits::MAX_DEPTH {
            let what = "dictionaries and modules in one another";
            return Err(self.too_many(what, depth, limits::MAX_DEPTH));
        }
        let pickle = self.pickle;
        match pickle.get(value) {
            Value::None
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Bytes(_) => Ok(()),
            Value::Tuple(items) | Value::List(items) => {
                for (place, &item) in items.iter().enumerate() {
                    self.visit(&self.join(name, &place.to_string())?, item, depth + 1)?;
                }
                Ok(())
            }
            Value::Dict(pairs) => self.entries(name, pairs, depth),
            Value::Object(object) => self.object(name, value, object, depth),
            Value::Global(_) | Value::Named(..) | Value::Persistent(_) => {
                self.pass_over(name, value)
            }
        }
    }

    fn object(&mut self, name: &str, value: Ref, object: &'a Object, depth: usize) -> Result<()> {
        let pickle = self.pickle;
        let arguments = pickle.items(object.arguments).unwrap_or_default();
        let (module, function) = pickle.global(object.function).unwrap_or_default();
        match (module, function, arguments) {
            (
                "torch._utils",
                "_rebuild_parameter" | "_rebuild_parameter_with_state",
                &[data, ..],
            ) => return self.visit(name, data, depth + 1),
            (
                "torch._utils",
                "_rebuild_tensor" | "_rebuild_tensor_v2" | "_rebuild_tensor_v3",
                _,
            ) => {
                return self.tensor(name, function, arguments, object.offset);
            }
            // A class derived from tensors: how it is made, the class, and of what.
            ("torch._tensor", "_rebuild_from_type_v2", &[function, _, arguments, _]) => {
                let (_, function) = pickle.global(function).unwrap_or_default();
                if matches!(function, "_rebuild_tensor_v2" | "_rebuild_tensor_v3") {
                    let arguments = pickle.items(arguments).unwrap_or_default();
                    return self.tensor(name, function, arguments, object.offset);
                }
                return Err(self.refuse(name, value));
            }
            ("torch._utils" | "torch._tensor", _, _) if function.starts_with("_rebuild_") => {
                return Err(self.refuse(name, value));
            }
            _ => {}
        }
        if let Some(state) = object.state.and_then(|state| pickle.pairs(state)) {
            let member = |wanted: &str| {
                let fits = |key: Ref| pickle.text(key, 64).as_deref() == Some(wanted);
                state.iter().rev().find(|(key, _)| fits(*key)).map(|&(_, value)| value)
            };
            if let (Some(parameters), Some(modules)) = (member("_parameters"), member("_modules")) {
                let hidden = member("_non_persistent_buffers_set");
                self.members(name, parameters, None, depth)?;
                if let Some(buffers) = member("_buffers") {
                    self.members(name, buffers, hidden, depth)?;
                }
                return self.members(name, modules, None, depth);
            }
            // A module of TorchScript, whose state is its attributes.
            if module.starts_with("__torch__") {
                return self.entries(name, &state, depth);
            }
        }
        match pickle.pairs(value) {
            Some(pairs) if !pairs.is_empty() || function.ends_with("Dict") => {
                self.entries(name, &pairs, depth)
            }
            _ => self.pass_over(name, value),
        }
    }

    /// The members of a module, but for those whose names are in the set `hidden`.
    fn members(
        &mut self,
        name: &str,
        members: Ref,
        hidden: Option<Ref>,
        depth: usize,
    ) -> Result<()> {
        let pickle = self.pickle;
        let hidden = hidden.map_or(&[][..], |hidden| match pickle.get(hidden) {
            // As protocols before 4 write a set: the class, and a list.
            Value::Object(set) => match pickle.items(set.arguments) {
                Some(&[items]) => pickle.items(items).unwrap_or_default(),
                _ => &[],
            },
            _ => pickle.items(hidden).unwrap_or_default(),
        });
        let text = |key: Ref| pickle.text(key, limits::MAX_NAME_BYTES);
        let is_hidden = |key: Ref| {
            text(key)
                .is_some_and(|key| hidden.iter().any(|&name| text(name).as_ref() == Some(&key)))
        };
        let pairs = pickle.pairs(members).unwrap_or_default();
        let shown: Vec<_> = pairs.iter().copied().filter(|&(key, _)| !is_hidden(key)).collect();
        self.entries(name, &shown, depth)
    }

    fn entries(&mut self, name: &str, pairs: &[(Ref, Ref)], depth: usize) -> Result<()> {
        let pickle = self.pickle;
        for &(key, value) in pairs {
            let key = match pickle.get(key) {
                Value::Int(number) => number.to_string().into(),
                _ => match pickle.text(key, limits::MAX_NAME_BYTES) {
                    Some(text) => text,
                    None => {
                        let name = self.join(name, &format!("({})", pickle.describe(key)))?;
                        self.pass_over(&name, value)?;
                        continue;
                    }
                },
            };
            self.visit(&self.join(name, &key)?, value, depth + 1)?;
        }
        Ok(())
    }

    /// The tensor that one of PyTorch's functions would make of these arguments.
    fn tensor(
        &mut self,
        name: &str,
        function: &str,
        arguments: &[Ref],
        offset: usize,
    ) -> Result<()> {
        let pickle = self.pickle;
        let name = if name.is_empty() { UNNAMED } else { name };
        let field = format!("tensor {name:?}");
        let wrong = |what: &str| form(self.file, &field, offset, what.into());
        let fault = |fault: TensorFault| WeightsError::tensor(self.file, name, fault);
        let Some((&[storage, begin, shape, strides], rest)) = arguments.split_first_chunk() else {
            return Err(wrong("it must be made of storage, offset, shape and strides"));
        };
        let Value::Persistent(stored) = *pickle.get(storage) else {
            return Err(wrong(&format!("its storage is {}", pickle.describe(storage))));
        };
        let Some(stored) = storage::stored(pickle, stored) else {
            return Err(wrong("its storage is not described by class, key, device and cells"));
        };
        // What is only marked as negative or conjugate is not so in the storage.
        let marks = if function == "_rebuild_tensor_v3" { rest.get(3) } else { rest.get(2) };
        if marks.and_then(|&marks| pickle.pairs(marks)).is_some_and(|marks| !marks.is_empty()) {
            let legal = "tensors without marks (call resolve_neg() before saving)".into();
            return Err(fault(TensorFault::Value {
                got: "a tensor marked as negative".into(),
                legal,
            }));
        }
        let unread =
            |got: &str| fault(TensorFault::Dtype { got: got.into(), legal: Dtype::legal() });
        let dtype = match stored.kind {
            Kind::Cells(dtype) => dtype,
            Kind::Other(got, _) => return Err(unread(got)),
            Kind::Untyped => {
                let named = rest.get(2).and_then(|&dtype| pickle.global(dtype));
                let (_, got) = named.ok_or_else(|| wrong("its type is not named"))?;
                storage::dtype(got).ok_or_else(|| unread(got))?
            }
        };
        let number = |value: &Ref| match pickle.get(*value) {
            Value::Int(number) => usize::try_from(*number).ok(),
            _ => None,
        };
        let numbers = |value: Ref| -> Option<Vec<usize>> {
            pickle.items(value)?.iter().map(number).collect()
        };
        let (Some(begin), Some(shape), Some(strides)) =
            (number(&begin), numbers(shape), numbers(strides))
        else {
            return Err(wrong("its offset, shape and strides must be whole numbers from 0 on"));
        };
        if shape.len() != strides.len() {
            let (axes, strides) = (shape.len(), strides.len());
            return Err(wrong(&format!("it has {axes} axes, but {strides} strides")));
        }
        let needed = tensor::byte_count(dtype, &shape).map_err(fault)? as u64;
        let left = self.left.checked_sub(needed).ok_or_else(|| {
            let times = limits::MAX_SHARING;
            wrong(&format!(
                "with it the tensors take more than {times} times the bytes of the file"
            ))
        })?;
        let limit = limits::MAX_TENSORS;
        if self.tensors.len() == limit {
            return Err(self.too_many("tensors", limit + 1, limit));
        }
        let Some(bytes) = self.storages.bytes(&stored)? else {
            return Err(wrong(&format!("its storage {:?} is not in the file", stored.key)));
        };
        let view = View { dtype, offset: begin, shape, strides };
        let cells = view.cells(&bytes, self.storages.big).map_err(fault)?;
        self.left = left;
        self.tensors.push(Tensor::of(name.into(), dtype, view.shape, cells)?);
        Ok(())
    }

    fn pass_over(&mut self, name: &str, value: Ref) -> Result<()> {
        let limit = limits::MAX_TENSORS;
        if self.passed_over.len() == limit {
            return Err(self.too_many("things that are no tensors", limit + 1, limit));
        }
        let what = self.pickle.describe(value);
        self.passed_over.push(PassedOver { name: name.into(), what });
        Ok(())
    }

    fn join(&self, name: &str, part: &str) -> Result<String> {
        let joined = if name.is_empty() { part.into() } else { format!("{name}.{part}") };
        match joined.len() {
            0..=limits::MAX_NAME_BYTES => Ok(joined),
            got => Err(self.too_many("bytes of a name", got, limits::MAX_NAME_BYTES)),
        }
    }

    fn too_many(&self, what: &'static str, got: usize, limit: usize) -> WeightsError {
        WeightsError::TooMany { file: self.file.into(), what, got, limit }
    }

    fn refuse(&self, name: &str, value: Ref) -> WeightsError {
        let name = if name.is_empty() { UNNAMED } else { name };
        let legal = "dense tensors of plain cells, neither sparse nor quantised".into();
        let fault = TensorFault::Value { got: self.pickle.describe(value), legal };
        WeightsError::tensor(self.file, name, fault)
    }
}
