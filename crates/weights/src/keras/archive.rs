//! The archives `.keras`: `config.json`, and the weights as HDF5.

use super::datasets::File;
use super::{Model, config, model};
use crate::bytes::Bytes;
use crate::error::{Result, WeightsError};
use crate::zip::Archive;

/// The entries that are read.
const WEIGHTS: &str = "model.weights.h5";
const CONFIG: &str = "config.json";

/// What stands for the weights where they are in several files.
const SHARDS: &str = "model.weights.json";

/// Whether an archive with entries of these names is one of Keras. The first entry may be all that is known.
pub(crate) fn is_archive(names: &[&str]) -> bool {
    names.iter().any(|name| [WEIGHTS, CONFIG, SHARDS].contains(name)) || names == ["metadata.json"]
}

pub(super) fn read(file: &str, bytes: Bytes) -> Result<Model> {
    let archive = Archive::open(file, bytes)?;
    let entry = |wanted: &str| archive.names().position(|name| name == wanted);
    let Some(weights) = entry(WEIGHTS) else {
        let reason = match entry(SHARDS) {
            Some(_) => "the weights are in several files, which is not read; save them without max_shard_size".into(),
            None => format!("there is no {WEIGHTS}"),
        };
        return Err(WeightsError::Hdf5 { file: file.into(), field: "archive".into(), reason });
    };
    let mut model = model(File::of_bytes(&format!("{file}/{WEIGHTS}"), archive.read(weights)?)?)?;
    if let Some(number) = entry(CONFIG) {
        let json = archive.read(number)?;
        model.config =
            config::parse(&format!("{file}/{CONFIG}"), CONFIG, &json, &mut model.passed_over);
    }
    Ok(model)
}
