//! The attributes of a case, read by name; one that nobody reads is an error.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::fault::{Failure, Result};

/// The attributes of one case.
pub(crate) struct Attrs<'a> {
    values: &'a Map<String, Value>,
    read: BTreeSet<&'static str>,
}

/// An attribute that is wrong.
pub(crate) fn fault(name: &str, reason: impl Into<String>) -> Failure {
    Failure::fault(format!("attrs.{name}"), reason)
}

impl<'a> Attrs<'a> {
    pub(crate) fn new(values: &'a Map<String, Value>) -> Self {
        Self { values, read: BTreeSet::new() }
    }

    /// The raw value; null counts as absent, as Python's `None`.
    pub(crate) fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        self.read.insert(name);
        self.values.get(name).filter(|value| !value.is_null())
    }

    /// Marks an attribute that only informs.
    pub(crate) fn ignore(&mut self, name: &'static str) {
        self.read.insert(name);
    }

    /// A list of whole numbers, as it is.
    pub(crate) fn list(&mut self, name: &'static str) -> Result<Option<Vec<i64>>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let list = value.as_array().and_then(|items| items.iter().map(Value::as_i64).collect());
        list.map(Some).ok_or_else(|| fault(name, format!("{value} is no list of whole numbers")))
    }

    /// One whole number per axis; a single one stands for all axes. Empty if absent.
    pub(crate) fn per_axis(&mut self, name: &'static str, dims: usize) -> Result<Vec<i64>> {
        match self.value(name).and_then(Value::as_i64) {
            Some(one) => Ok(vec![one; dims]),
            None => Ok(self.list(name)?.unwrap_or_default()),
        }
    }

    /// One size per axis, at least 0 each; `default` for all axes if absent.
    pub(crate) fn sizes(
        &mut self,
        name: &'static str,
        dims: usize,
        default: Option<usize>,
    ) -> Result<Vec<usize>> {
        let values = self.per_axis(name, dims)?;
        if values.is_empty() {
            return match default {
                Some(value) => Ok(vec![value; dims]),
                None => Err(fault(name, "is missing")),
            };
        }
        if values.len() != dims {
            let got = values.len();
            return Err(fault(name, format!("has {got} entries, but there are {dims} axes")));
        }
        let size =
            |&v: &i64| usize::try_from(v).map_err(|_| fault(name, format!("{v} is no size")));
        values.iter().map(size).collect()
    }

    /// A whole number.
    pub(crate) fn int(&mut self, name: &'static str) -> Result<Option<i64>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let int = value.as_i64();
        int.map(Some).ok_or_else(|| fault(name, format!("{value} is no whole number")))
    }

    /// A size, which must be there.
    pub(crate) fn size(&mut self, name: &'static str) -> Result<usize> {
        let value = self.int(name)?.ok_or_else(|| fault(name, "is missing"))?;
        usize::try_from(value).map_err(|_| fault(name, format!("{value} is no size")))
    }

    /// A number.
    pub(crate) fn float(&mut self, name: &'static str) -> Result<Option<f64>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value.as_f64().map(Some).ok_or_else(|| fault(name, format!("{value} is no number")))
    }

    /// A truth value; 0 and 1 count as such, as in ONNX.
    pub(crate) fn flag(&mut self, name: &'static str) -> Result<bool> {
        match self.value(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(value) => match value.as_i64() {
                Some(0) => Ok(false),
                Some(1) => Ok(true),
                _ => Err(fault(name, format!("{value} is neither true nor false"))),
            },
        }
    }

    /// A text.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<&'a str>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| fault(name, format!("{value} is no text")))
    }

    /// Fails if an attribute was not read.
    pub(crate) fn finish(&self) -> Result<()> {
        match self.values.keys().find(|name| !self.read.contains(name.as_str())) {
            None => Ok(()),
            Some(name) => Err(fault(name, "is not known for this operation and dialect")),
        }
    }
}
