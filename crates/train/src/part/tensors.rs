//! A module's parameters and statistics as stored tensors, and back.

use burn::module::Module;
use upconv_nn::NnError;
use upconv_nn::parameters::{self, Named};
use upconv_weights::Tensor as Stored;

use crate::error::{Result, TrainError};

/// Faults that are named before the rest is only counted.
const SHOWN: usize = 4;

/// All of them, under `prefix` and the path of their fields.
pub(crate) fn of_module(module: &impl Module, prefix: &str) -> Result<Vec<Stored>> {
    let stored = |Named { name, shape, values }| {
        Stored::from_f32(format!("{prefix}{name}"), &shape, &values)
    };
    Ok(parameters::get(module)?.into_iter().map(stored).collect::<std::result::Result<_, _>>()?)
}

/// The module with each replaced by what `stored` gives for its name. `place` names the file in errors.
///
/// # Errors
/// Tensors that are missing or of other shapes, all in one message.
pub(crate) fn into_module<'a, M: Module>(
    module: M,
    prefix: &str,
    place: &str,
    stored: impl Fn(&str) -> Option<&'a Stored>,
) -> Result<M> {
    let fault = |(name, shape): (String, Vec<usize>)| {
        let name = format!("{prefix}{name}");
        match stored(&name) {
            None => Some(format!("{name} is missing")),
            Some(found) if found.shape() != shape => {
                Some(format!("{name} has shape {:?}, but {shape:?} is needed", found.shape()))
            }
            Some(_) => None,
        }
    };
    let faults: Vec<String> = parameters::list(&module).into_iter().filter_map(fault).collect();
    if !faults.is_empty() {
        let mut reason = faults[..faults.len().min(SHOWN)].join("; ");
        if faults.len() > SHOWN {
            reason += &format!("; and {} more", faults.len() - SHOWN);
        }
        return Err(TrainError::Mismatch { file: place.into(), reason });
    }
    let values = |name: &str, _: &[usize]| {
        let stored = stored(&format!("{prefix}{name}")).map(Stored::to_f32);
        stored.and_then(|values| values.ok()).ok_or_else(|| NnError::Setting {
            setting: "weights",
            reason: format!("{prefix}{name} in {place} holds no floating-point numbers"),
        })
    };
    Ok(parameters::set(module, values)?)
}
