//! A file of any format and a model's table become weights of ours.

use crate::balance::{Allowed, Balance};
use crate::error::{Result, WeightsError};
use crate::format::Source;
use crate::metadata::Metadata;
use crate::rename::{Expected, RenameTable};
use crate::safetensors::Weights;

/// What a conversion gives.
#[derive(Debug)]
pub struct Converted {
    /// What became of every tensor.
    pub balance: Balance,
    /// The weights; an error if the balance is not even and this was not allowed by name.
    pub weights: Result<Weights>,
}

/// Makes weights of ours; a self-test in the source is left behind. Types of cells stay what they are: F16 stays F16, and no value changes.
///
/// `metadata` are those of the model. Where the weights come from is filled in, with the package that
/// `metadata.source` names; for a source with metadata of its own, `metadata` are taken as they are.
///
/// # Errors
/// What [`RenameTable::apply`] refuses. NaN and infinities: a model that holds one gives NaN for
/// everything, so this is damage, and nothing allows it.
pub fn convert(
    source: Source,
    table: &RenameTable,
    expected: &[Expected],
    mut metadata: Metadata,
    allowed: &Allowed,
) -> Result<Converted> {
    let file = source.file.clone();
    let named = |error: WeightsError| error.in_file(&file);
    metadata.selftest = None;
    // A file of ours says itself where its weights come from.
    if source.weights.metadata().is_none() {
        let package = metadata.source.take().and_then(|origin| origin.package);
        metadata.source = Some(source.origin(package));
    }
    let (tensors, balance) =
        table.apply(source.weights.into_parameters(), expected).map_err(named)?;
    if let Err(error) = balance.check(&file, allowed) {
        return Ok(Converted { balance, weights: Err(error) });
    }
    for tensor in &tensors {
        if let Some(fault) = tensor.non_finite() {
            return Err(WeightsError::tensor(&file, tensor.name(), fault));
        }
    }
    let weights = Weights::new(Some(metadata), tensors).map_err(named)?;
    Ok(Converted { balance, weights: Ok(weights) })
}
