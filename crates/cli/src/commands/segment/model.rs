//! The network that segments.

use upconv_data::Segment;
use upconv_explain::Lang;
use upconv_models::registry;
use upconv_models::segmentation::SegmentOptions;
use upconv_weights::Weights;

use super::args;
use crate::commands::stored;
use crate::commands::train::args::weights;
use crate::commands::train::failure::failure;
use crate::failure::Failure;

/// The model that is taken when nothing names one.
const DEFAULT: &str = "selfie";

/// The network that the arguments ask for, with the weights of a file or the built-in ones; with `--verify` the self-test
/// stored with them is run.
pub(super) fn load(
    args: &args::Segment,
    options: &SegmentOptions,
    lang: Lang,
) -> Result<Box<dyn Segment>, Failure> {
    let model = args.model.as_deref();
    let weights = args.weights.as_deref().map(weights).transpose();
    let weights = weights.map_err(|error| failure(&error))?;
    let file = weights.as_ref().map(|path| path.display().to_string());
    let failed = |error: &dyn std::fmt::Display| Failure::file(error, file.clone());
    let given = match &weights {
        Some(path) => Some(Weights::read(path).map_err(|e| failed(&e))?),
        None => None,
    };
    // What the file says it is decides, unless another model was asked for.
    let stated = given.as_ref().and_then(|w| w.metadata()).map(|m| m.model.clone());
    let name = model.map(str::to_owned).or(stated).unwrap_or_else(|| DEFAULT.into());
    let entry = registry::find(&name).map_err(|e| failed(&e))?;
    let weights = match given {
        Some(weights) => weights,
        None => entry.built_in().map_err(|e| failed(&e))?.ok_or_else(|| {
            failed(&format!("{name} has no built-in weights; give a file with --weights"))
        })?,
    };
    let label = file.clone().unwrap_or_else(|| format!("built-in {name}"));
    if args.verify {
        stored::verify(entry, &label, &weights, lang)?;
    }
    let net = entry.segmenter(&label, &weights, options).map_err(|e| failed(&e))?;
    net.ok_or_else(|| failed(&format!("{name} is not a model that segments")))
}
