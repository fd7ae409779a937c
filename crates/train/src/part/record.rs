//! The state of an optimiser as named tensors.
//!
//! Burn keeps it by the identity of a parameter, which is drawn anew in every process; here it is kept by the path of the
//! parameter's fields, so that another process can go on with it.

use std::collections::{BTreeMap, HashMap};

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::{Bytes, DType};
use burn_pack::{Reader, Scalar, Writer};
use upconv_nn::parameters;
use upconv_weights::{Dtype, Tensor as Stored};

use crate::error::{Result, TrainError};

/// What the names of all its tensors begin with.
pub(crate) const OPTIMISER: &str = "optimiser/";

/// Every moment and counter: `optimiser/PARAMETER/FIELD`; counters are tensors without axes.
pub(crate) fn of_optimiser(
    optimiser: &ModuleOptimizer,
    module: &impl Module,
    prefix: &str,
) -> Result<Vec<Stored>> {
    let names = names(module, prefix);
    let name = |key: &str| -> Result<String> {
        let (id, field) = key.split_once('.').unwrap_or((key, ""));
        let parameter = id.parse().ok().and_then(|id: u64| names.get(&id));
        let parameter = parameter.ok_or_else(|| internal(format!("{key} is of no parameter")))?;
        Ok(format!("{OPTIMISER}{parameter}/{field}"))
    };
    let bytes = optimiser.into_bytes().map_err(|error| internal(error.to_string()))?;
    let reader = Reader::from_bytes(bytes).map_err(|error| internal(error.to_string()))?;
    let mut stored = Vec::new();
    for (key, scalar) in reader.scalars() {
        let (dtype, bytes) = match *scalar {
            Scalar::Int(value) => (Dtype::I64, value.to_le_bytes().to_vec()),
            Scalar::UInt(value) => (Dtype::U64, value.to_le_bytes().to_vec()),
            Scalar::Float(value) => (Dtype::F64, value.to_le_bytes().to_vec()),
            Scalar::Bool(value) => (Dtype::Bool, vec![u8::from(value)]),
        };
        stored.push(Stored::new(name(key)?, dtype, vec![], bytes)?);
    }
    for tensor in reader.into_tensors().map_err(|error| internal(error.to_string()))? {
        let parts = tensor.into_parts().map_err(|error| internal(error.to_string()))?;
        let (key, dtype, shape, _, bytes) = parts;
        if dtype != DType::F32 {
            return Err(internal(format!("{key} is {dtype:?}, not F32")));
        }
        stored.push(Stored::new(name(&key)?, Dtype::F32, shape.to_vec(), bytes.to_vec())?);
    }
    Ok(stored)
}

/// The optimiser with the state that [`of_optimiser`] gave, of a module of the same names. `place` names the file in
/// errors.
///
/// # Errors
/// Tensors of another optimiser or module.
pub(crate) fn into_optimiser<'a>(
    optimiser: ModuleOptimizer,
    module: &impl Module,
    prefix: &str,
    place: &str,
    stored: impl Iterator<Item = &'a Stored>,
) -> Result<ModuleOptimizer> {
    let wrong = |reason: String| TrainError::Mismatch { file: place.into(), reason };
    let by_id = names(module, prefix);
    let ids: BTreeMap<&str, u64> = by_id.iter().map(|(&id, name)| (name.as_str(), id)).collect();
    let own = |stored: &&Stored| stored.name().starts_with(&format!("{OPTIMISER}{prefix}"));
    let (mut tensors, mut scalars, mut given) = (Vec::new(), Vec::new(), Vec::new());
    for stored in stored.filter(own) {
        let name = stored.name();
        let unknown = || wrong(format!("{name} belongs to no parameter of the network"));
        let (parameter, field) = name
            .strip_prefix(OPTIMISER)
            .and_then(|rest| rest.split_once('/'))
            .ok_or_else(unknown)?;
        let id = *ids.get(parameter).ok_or_else(unknown)?;
        let key = format!("{id}.{field}");
        let bytes = stored.bytes();
        let eight =
            || <[u8; 8]>::try_from(bytes).map_err(|_| wrong(format!("{name} is no number")));
        match stored.dtype() {
            Dtype::F32 => {
                let bytes = Bytes::from_bytes_vec(bytes.to_vec());
                let shape = stored.shape().to_vec();
                tensors.push(burn_pack::Tensor::new(key, DType::F32, shape, Some(id), bytes));
            }
            Dtype::I64 => scalars.push((key, Scalar::Int(i64::from_le_bytes(eight()?)))),
            Dtype::U64 => scalars.push((key, Scalar::UInt(u64::from_le_bytes(eight()?)))),
            Dtype::F64 => scalars.push((key, Scalar::Float(f64::from_le_bytes(eight()?)))),
            Dtype::Bool => scalars.push((key, Scalar::Bool(bytes.first() == Some(&1)))),
            other => return Err(wrong(format!("{name} is {other}, which no optimiser keeps"))),
        }
        given.push((name.to_owned(), stored.shape().to_vec()));
    }
    let mut writer = Writer::new(tensors);
    for (key, scalar) in &scalars {
        writer = writer.with_scalar(key, *scalar);
    }
    let bytes = writer.into_bytes().map_err(|error| internal(error.to_string()))?;
    let optimiser = optimiser.from_bytes(bytes).map_err(|error| wrong(error.to_string()))?;

    // Burn leaves out what it cannot use, without a word.
    let taken = of_optimiser(&optimiser, module, prefix)?;
    let mut taken: Vec<_> =
        taken.into_iter().map(|t| (t.name().to_owned(), t.shape().to_vec())).collect();
    taken.sort();
    given.sort();
    match given.iter().find(|tensor| !taken.contains(tensor)) {
        None => Ok(optimiser),
        Some((name, _)) => Err(wrong(format!("{name} is of another optimiser"))),
    }
}

fn internal(reason: String) -> TrainError {
    TrainError::model(format!("the optimiser's state: {reason}"))
}

/// Name by identity, of all parameters.
fn names(module: &impl Module, prefix: &str) -> HashMap<u64, String> {
    let names = parameters::identities(module).into_iter();
    names.map(|(id, name)| (id.val(), format!("{prefix}{name}"))).collect()
}
