//! Named tensors and numbers that a training needs to go on exactly.

use std::collections::BTreeMap;

use upconv_weights::{Dtype, Tensor, WeightsError};

use crate::error::{Result, TrainError};

/// Named tensors and numbers that a training needs to go on exactly, beside its weights.
///
/// ```
/// use upconv_train::State;
/// let mut state = State::default();
/// state.put_number("drawn", u64::MAX)?;
/// state.put(upconv_weights::Tensor::from_f32("pool", &[2], &[0.5, 1.5])?);
/// assert_eq!(state.get_number("drawn")?, u64::MAX);
/// assert_eq!(state.get("pool")?.to_f32()?, [0.5, 1.5]);
/// assert_eq!(state.get("poll").unwrap_err().to_string(), "the state: poll is missing");
/// # Ok::<(), upconv_train::TrainError>(())
/// ```
#[derive(Clone, Debug)]
pub struct State {
    /// The file, in errors.
    place: String,
    tensors: BTreeMap<String, Tensor>,
}

impl Default for State {
    fn default() -> Self {
        Self { place: "the state".into(), tensors: BTreeMap::new() }
    }
}

impl State {
    pub(crate) fn of(place: String, tensors: impl IntoIterator<Item = Tensor>) -> Self {
        let mut state = Self { place, tensors: BTreeMap::new() };
        tensors.into_iter().for_each(|tensor| state.put(tensor));
        state
    }

    /// Adds a tensor under its name; one of the same name is replaced.
    pub fn put(&mut self, tensor: Tensor) {
        self.tensors.insert(tensor.name().into(), tensor);
    }

    /// Adds a number.
    ///
    /// # Errors
    /// None today: what can be refused are shapes.
    pub fn put_number(&mut self, name: &str, value: u64) -> Result<()> {
        self.put(number(name, value)?);
        Ok(())
    }

    /// The tensor of a name.
    ///
    /// # Errors
    /// If there is none.
    pub fn get(&self, name: &str) -> Result<&Tensor> {
        self.tensors.get(name).ok_or_else(|| self.wrong(format!("{name} is missing")))
    }

    /// The number of a name.
    ///
    /// # Errors
    /// If there is none.
    pub fn get_number(&self, name: &str) -> Result<u64> {
        let tensor = self.get(name)?;
        match (tensor.dtype(), <[u8; 8]>::try_from(tensor.bytes())) {
            (Dtype::U64, Ok(bytes)) => Ok(u64::from_le_bytes(bytes)),
            _ => Err(self.wrong(format!("{name} is no number of U64"))),
        }
    }

    /// All tensors, in the order of their names.
    pub fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.tensors.values()
    }

    /// Those whose names begin with `prefix`, without it.
    pub(crate) fn below(&self, prefix: &str) -> Self {
        let own = self.tensors().filter_map(|tensor| {
            let name = tensor.name().strip_prefix(prefix)?;
            Some(tensor.clone().renamed(name))
        });
        Self::of(self.place.clone(), own)
    }

    /// All under `prefix`.
    pub(crate) fn into_prefixed(self, prefix: &str) -> Vec<Tensor> {
        let renamed = |(name, tensor): (String, Tensor)| tensor.renamed(format!("{prefix}{name}"));
        self.tensors.into_iter().map(renamed).collect()
    }

    fn wrong(&self, reason: String) -> TrainError {
        TrainError::Mismatch { file: self.place.clone(), reason }
    }
}

/// A number as a tensor without axes.
pub(crate) fn number(name: &str, value: u64) -> std::result::Result<Tensor, WeightsError> {
    Tensor::new(name, Dtype::U64, vec![], value.to_le_bytes().to_vec())
}
