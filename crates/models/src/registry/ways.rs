//! Files of several kinds for one model: each with its settings, its names and its input.

use burn::module::Module;
use serde::Serialize;
use serde::de::DeserializeOwned;
use upconv_weights::metadata::Input;
use upconv_weights::{RenameTable, Source};

use super::{Conversion, Entry};
use crate::error::Result;
use crate::stored;

/// A kind of file.
pub(super) struct Way<C> {
    pub(super) config: C,
    pub(super) table: RenameTable,
    pub(super) input: Input,
}

/// How `source` becomes weights of a model. Weights of ours say their settings themselves; else it is the way that loses
/// nothing, or of several that do, the one that finds the most.
///
/// `ways` are in the order in which equals are preferred; the usual settings under our own names come last.
pub(super) fn convert<C: Serialize + DeserializeOwned, M: Module>(
    entry: &Entry,
    source: &Source,
    (usual, input): (&C, &Input),
    ways: Vec<Way<C>>,
    net: impl Fn(&C) -> Result<M>,
) -> Result<Conversion> {
    let conversion =
        |config: &C, table: Option<&RenameTable>, input: &Input| -> Result<Conversion> {
            let expected = stored::expected(&net(config)?);
            let table = table.cloned().unwrap_or_else(|| RenameTable::identity(&expected));
            let metadata = stored::metadata(entry.name, config, Some(input.clone()));
            Ok(Conversion { table, expected, metadata })
        };
    if let Some(metadata) = source.weights.metadata() {
        let config: C = stored::settings(entry.name, &source.file, &source.weights)?;
        let mut own = conversion(&config, None, metadata.input.as_ref().unwrap_or(input))?;
        own.metadata.labels = metadata.labels.clone();
        return Ok(own);
    }
    let mut best: Option<(usize, Conversion)> = None;
    for way in &ways {
        let made = conversion(&way.config, Some(&way.table), &way.input)?;
        let tensors = source.weights.tensors();
        let found = match made.table.balance(tensors, &made.expected) {
            Ok(balance) if balance.is_even() => return Ok(made),
            Ok(balance) => balance.loaded(),
            // Shapes that are not the model's.
            Err(_) => 0,
        };
        if best.as_ref().is_none_or(|(most, _)| found > *most) {
            best = Some((found, made));
        }
    }
    let own = conversion(usual, None, input)?;
    let balance = own.table.balance(source.weights.tensors(), &own.expected);
    let found = balance.map_or(0, |balance| balance.loaded());
    match best {
        Some((most, best)) if most >= found => Ok(best),
        _ => Ok(own),
    }
}
