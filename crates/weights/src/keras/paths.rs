//! Files of Keras 3, and any others: a tensor has the path of its dataset for a name.

use hdf5_reader::group::Group;

use super::datasets::{File, broken};
use crate::error::{Result, WeightsError};
use crate::format::PassedOver;
use crate::limits;
use crate::tensor::Tensor;

/// The groups beside that of the layers, and what they hold.
pub(super) const OPTIMIZER: (&str, &str) = ("optimizer", "the weights of an optimiser");
const METRICS: (&str, &str) = ("metrics", "the state of metrics");

/// The groups that tell that Keras wrote the file, in version 2.12 and since.
const LAYERS: [&str; 3] = ["layers", "_layer_checkpoint_dependencies", "vars"];

/// All datasets of numbers below a group; others are passed over.
pub(super) fn tensors(
    file: &mut File,
    root: Group,
    passed_over: &mut Vec<PassedOver>,
) -> Result<Vec<Tensor>> {
    let is_keras = LAYERS.iter().any(|name| root.group(name).is_ok());
    let beside = if is_keras { &[OPTIMIZER, METRICS][..] } else { &[] };
    let mut tensors = Vec::new();
    let mut groups = vec![(String::new(), root, 0)];
    let mut looked_at = 0;
    let too_many = |file: &File, what, got, limit| {
        Err(WeightsError::TooMany { file: file.name.clone(), what, got, limit })
    };
    while let Some((path, group, depth)) = groups.pop() {
        let (inner, datasets) =
            group.members().map_err(|error| broken(&file.name, group.name(), &error))?;
        // A group may hold itself.
        looked_at += 1 + datasets.len();
        if looked_at > limits::MAX_TENSORS {
            return too_many(file, "groups and datasets", looked_at, limits::MAX_TENSORS);
        }
        if depth > limits::MAX_DEPTH {
            return too_many(file, "groups in one another", depth, limits::MAX_DEPTH);
        }
        for dataset in datasets {
            let name = join(&path, dataset.name());
            match file.tensor(&dataset, name.clone()) {
                Ok(tensor) => tensors.push(tensor),
                Err(WeightsError::Tensor { fault, .. }) if is_no_number(&fault) => {
                    passed_over.push(PassedOver { name, what: fault.to_string() });
                }
                Err(error) => return Err(error),
            }
        }
        for group in inner {
            let name = join(&path, group.name());
            match beside.iter().find(|(beside, _)| *beside == name) {
                Some((_, what)) => passed_over.push(PassedOver { name, what: (*what).into() }),
                None => groups.push((name, group, depth + 1)),
            }
        }
    }
    if tensors.is_empty() {
        let (file, field) = (file.name.clone(), "/".into());
        return Err(WeightsError::Hdf5 {
            file,
            field,
            reason: "no weights were found in it".into(),
        });
    }
    Ok(tensors)
}

fn is_no_number(fault: &crate::TensorFault) -> bool {
    matches!(fault, crate::TensorFault::Dtype { .. })
}

fn join(path: &str, name: &str) -> String {
    // Some give the whole path.
    let name = name.rsplit('/').next().unwrap_or(name);
    if path.is_empty() { name.into() } else { format!("{path}/{name}") }
}
