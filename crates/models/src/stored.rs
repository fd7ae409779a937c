//! Weights of a file and their metadata, for every network alike.

use burn::module::Module;
use serde::Serialize;
use serde::de::DeserializeOwned;
use upconv_nn::{NnError, parameters};
use upconv_weights::metadata::Input;
use upconv_weights::{Expected, Metadata, RenameTable, Tensor, Weights};

use crate::error::{ModelError, Result};

/// What a weight file of a network says about itself: the model's name, its settings, and the input that it takes.
pub fn metadata(model: &str, config: &impl Serialize, input: Option<Input>) -> Metadata {
    let mut metadata = Metadata { input, ..Metadata::new(model) };
    if let Ok(serde_json::Value::Object(map)) = serde_json::to_value(config) {
        metadata.config = map;
    }
    metadata
}

/// The settings of `model` in the metadata of its weights; errors call them `file`.
///
/// # Errors
/// Weights of another model or without metadata; settings that are not of that model.
pub fn settings<C: DeserializeOwned>(
    model: &'static str,
    file: &str,
    weights: &Weights,
) -> Result<C> {
    let metadata = weights.metadata().ok_or_else(|| {
        let what = "no metadata: convert the weights first (upconv convert)";
        ModelError::Inner { model, what: format!("{file}: {what}") }
    })?;
    if metadata.model != model {
        let (file, found) = (file.into(), metadata.model.clone());
        return Err(ModelError::OtherModel { file, found, wanted: model });
    }
    let config = serde_json::Value::Object(metadata.config.clone());
    serde_json::from_value(config)
        .map_err(|e| ModelError::Inner { model, what: format!("{file}: config: {e}") })
}

/// The parameters and statistics that weights of a network must have.
pub fn expected(net: &impl Module) -> Vec<Expected> {
    let all = parameters::list(net).into_iter();
    all.map(|(name, shape)| Expected::new(name, shape)).collect()
}

/// The network with all of its parameters and statistics from weights in our names; errors call them `file`. The tensors
/// of a self-test are left out.
///
/// # Errors
/// A tensor that is missing, too many, of another shape, or not finite.
pub fn filled<M: Module>(net: M, file: &str, weights: &Weights) -> Result<M> {
    let tensors = check(&net, file, weights)?;
    replaced(net, file, &tensors)
}

/// The tensors of weights in our names, of which a network needs every one; those of a self-test are left out.
///
/// # Errors
/// A tensor that is missing, too many, or of another shape.
pub(crate) fn check(net: &impl Module, file: &str, weights: &Weights) -> Result<Vec<Tensor>> {
    let expected = expected(net);
    let test = weights.metadata().and_then(|metadata| metadata.selftest.as_ref());
    let own = |name: &str| test.is_none_or(|test| test.input != name && test.output != name);
    let tensors: Vec<_> = weights.tensors().iter().filter(|t| own(t.name())).cloned().collect();
    let table = RenameTable::identity(&expected);
    table.balance(&tensors, &expected)?.check(file, &Default::default())?;
    Ok(tensors)
}

/// The network with those parameters of these tensors that it has; errors call them `file`.
///
/// # Errors
/// A tensor of another number of cells, or not finite.
pub(crate) fn replaced<M: Module>(net: M, file: &str, tensors: &[Tensor]) -> Result<M> {
    let refuse = |reason: String| NnError::Setting { setting: "weights", reason };
    Ok(parameters::replace(net, |name, _| {
        let Some(tensor) = tensors.iter().find(|tensor| tensor.name() == name) else {
            return Ok(None);
        };
        let values = tensor.to_f32().map_err(|error| refuse(format!("{file}: {error}")))?;
        match values.iter().position(|v| !v.is_finite()) {
            None => Ok(Some(values)),
            Some(at) => Err(refuse(format!("{file}: {name}: value {at} is {}", values[at]))),
        }
    })?)
}
