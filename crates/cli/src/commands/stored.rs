//! The weights that a command is to use: those of a file or of a run, or those that come with the program.

use std::path::Path;

use upconv_data::fetch;
use upconv_explain::Lang;
use upconv_models::ModelError;
use upconv_models::registry::Entry;
use upconv_weights::Weights;

use super::train;
use crate::failure::Failure;

/// Weights, and what errors call them.
pub(super) struct Stored {
    pub(super) file: String,
    pub(super) weights: Weights,
}

/// The weights of a model; of the folder of a run, the best.
pub(super) fn of(entry: &Entry, path: Option<&Path>, lang: Lang) -> Result<Stored, Failure> {
    let Some(path) = path else {
        let built_in = entry.built_in().map_err(|error| Failure::other(&error))?;
        let name = entry.name;
        let weights = built_in.ok_or_else(|| {
            let mut message = match lang {
                Lang::En => format!("{name} has no built-in weights; give a file with --weights"),
                Lang::Zh => format!("{name} 没有内置权重；请用 --weights 指定文件"),
            };
            if fetch::find(name).is_some() {
                message += &match lang {
                    Lang::En => {
                        format!("; `upconv data fetch {name} DIR` brings weights to convert")
                    }
                    Lang::Zh => format!("；`upconv data fetch {name} DIR` 可获取待转换的权重"),
                };
            }
            Failure::usage(Some("weights"), message)
        })?;
        return Ok(Stored { file: format!("built-in {name}"), weights });
    };
    let path = train::args::weights(path).map_err(|error| train::failure::failure(&error))?;
    let file = path.display().to_string();
    let weights = Weights::read(&path).map_err(|error| Failure::weights(&error))?;
    if let Some(found) = weights.metadata().map(|of| of.model.clone()).filter(|of| of != entry.name)
    {
        let error = ModelError::OtherModel { file: file.clone(), found, wanted: entry.name };
        return Err(Failure::file(&error, Some(file)));
    }
    Ok(Stored { file, weights })
}

/// Runs the self-test that is stored with weights: it must be there, and pass.
pub(super) fn verify(
    entry: &Entry,
    file: &str,
    weights: &Weights,
    lang: Lang,
) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::file(error, Some(file.to_owned()));
    match entry.verify(file, weights).map_err(|error| failed(&error))? {
        Some(_) => Ok(()),
        None => Err(failed(&match lang {
            Lang::En => format!("{file}: no self-test is stored with these weights"),
            Lang::Zh => format!("{file}：这些权重没有附带自检"),
        })),
    }
}
