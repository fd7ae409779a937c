//! Files of Keras 1 and 2: a group names its layers, the group of a layer names its weights.

use hdf5_reader::group::Group;

use super::datasets::{File, broken};
use crate::error::{Result, WeightsError};
use crate::limits;
use crate::tensor::Tensor;

/// The group of the weights in a file that holds the model too.
const MODEL: &str = "model_weights";

/// The group of the weights of the optimiser beside it.
pub(super) const OPTIMIZER: &str = "optimizer_weights";

/// The group of weights that belong to no layer, and the attribute that lists them all.
const TOP_LEVEL: &str = "top_level_model_weights";
const LAYER_NAMES: &str = "layer_names";
const WEIGHT_NAMES: &str = "weight_names";

/// The group that names its layers; nothing if the file is not of this form.
pub(super) fn group(file: &File, root: &Group) -> Result<Option<Group>> {
    if let Ok(group) = root.group(MODEL) {
        return Ok(Some(group));
    }
    Ok(file.texts(root, LAYER_NAMES)?.map(|_| root.clone()))
}

/// All weights of the layers.
pub(super) fn tensors(file: &mut File, group: &Group) -> Result<Vec<Tensor>> {
    let missing = |field: String, reason: &str| WeightsError::Hdf5 {
        file: file.name.clone(),
        field,
        reason: reason.into(),
    };
    let mut layers = file
        .texts(group, LAYER_NAMES)?
        .ok_or_else(|| missing(group.name().into(), "it has no attribute layer_names"))?;
    if group.group(TOP_LEVEL).is_ok() && !layers.iter().any(|name| name == TOP_LEVEL) {
        layers.push(TOP_LEVEL.into());
    }
    let mut wanted = Vec::new();
    for layer in &layers {
        let inside = sub_group(file, group, layer)?;
        let weights = file
            .texts(&inside, WEIGHT_NAMES)?
            .ok_or_else(|| missing(layer.clone(), "it has no attribute weight_names"))?;
        for weight in weights {
            wanted.push((layer.clone(), inside.clone(), weight));
        }
        if wanted.len() > limits::MAX_TENSORS {
            let (got, limit) = (wanted.len(), limits::MAX_TENSORS);
            let what = "tensors";
            return Err(WeightsError::TooMany { file: file.name.clone(), what, got, limit });
        }
    }
    let mut tensors = Vec::new();
    for (layer, group, weight) in wanted {
        let field = format!("{layer}/{weight}");
        let (folder, name) = weight.rsplit_once('/').unwrap_or(("", &weight));
        let inside = sub_group(file, &group, folder)?;
        let dataset = inside.dataset(name).map_err(|error| broken(&file.name, &field, &error))?;
        tensors.push(file.tensor(&dataset, tensor_name(&layer, &weight))?);
    }
    Ok(tensors)
}

/// The group at a path below another one.
fn sub_group(file: &File, group: &Group, path: &str) -> Result<Group> {
    let mut inside = group.clone();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        inside = inside.group(part).map_err(|error| broken(&file.name, path, &error))?;
    }
    Ok(inside)
}

/// What a weight is called with its layer.
fn tensor_name(layer: &str, weight: &str) -> String {
    let weight = weight.strip_suffix(":0").unwrap_or(weight);
    let begins = weight.strip_prefix(layer).is_some_and(|rest| rest.starts_with('/'));
    if begins || layer == TOP_LEVEL { weight.into() } else { format!("{layer}/{weight}") }
}

#[cfg(test)]
mod tests {
    use super::tensor_name;

    #[test]
    fn names_of_weights() {
        for (layer, weight, name) in [
            ("conv1", "conv1/kernel:0", "conv1/kernel"),
            ("conv1", "conv10/kernel:0", "conv1/conv10/kernel"),
            ("vgg16", "block1_conv1/bias:0", "vgg16/block1_conv1/bias"),
            ("dense", "kernel", "dense/kernel"),
            ("conv1", "conv1_W", "conv1/conv1_W"),
            ("top_level_model_weights", "scale:0", "scale"),
        ] {
            assert_eq!(tensor_name(layer, weight), name);
        }
    }
}
