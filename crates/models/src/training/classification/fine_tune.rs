//! Training from weights of other classes: the head is a new one, and some layers stay as they are.

use std::path::Path;

use burn::tensor::Device;
use upconv_nn::parameters;
use upconv_train::{Result, TrainError};
use upconv_weights::Weights;

use super::begin::started;
use super::networks::Classifying;
use super::settings::Frozen;
use super::{presets, with_network};
use crate::error::ModelError;
use crate::registry;
use crate::stored;
use crate::training::begin::{Begun, Wishes};

/// Which layers stay as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freeze<'a> {
    /// None.
    #[default]
    Nothing,
    /// A layer and all before it, such as `layer2` or `block3.1`.
    Until(&'a str),
    /// All but this one, such as `fc`.
    AllBut(&'a str),
}

/// Begins a run in a new or empty folder from the weights in `wishes.from`; nothing is trained yet.
///
/// # Errors
/// A model that does not classify, weights that are not of it, a layer that there is not, data that cannot be used.
pub fn begin(
    model: &str,
    data: &Path,
    out: &Path,
    freeze: Freeze<'_>,
    wishes: &Wishes<'_>,
) -> Result<Begun> {
    let entry = registry::find(model).map_err(TrainError::model)?;
    let begun = with_network!(entry.name, begin_as::<N>(entry.name, data, out, freeze, wishes));
    begun.unwrap_or_else(|| {
        let what = "it does not classify pictures".into();
        Err(TrainError::model(ModelError::Inner { model: entry.name, what }))
    })
}

fn begin_as<N: Classifying + 'static>(
    model: &'static str,
    data: &Path,
    out: &Path,
    freeze: Freeze<'_>,
    wishes: &Wishes<'_>,
) -> Result<Begun> {
    let refuse = |place: &str, reason: String| TrainError::Setting { place: place.into(), reason };
    let Some(file) = wishes.from else {
        let reason = format!("missing: {model} has no weights that come with the program");
        return Err(refuse("--weights", reason));
    };
    if let Some(preset) = wishes.preset {
        return Err(refuse("--preset", format!("{preset:?}; fine-tuning has none")));
    }
    let weights = Weights::read(file)?;
    let name = file.display().to_string();
    let config: N::Config = stored::settings(model, &name, &weights).map_err(TrainError::model)?;
    let input = weights.metadata().and_then(|metadata| metadata.input.clone());
    let mut settings = presets::fine_tuning(config);
    settings.input.given = input;
    let net = N::of(&settings.config, &Device::flex()).map_err(TrainError::model)?;
    let names: Vec<String> = parameters::list(&net).into_iter().map(|(name, _)| name).collect();
    settings.frozen = frozen(&names, N::HEAD, freeze)?;
    started::<N>(model, settings, data, out, wishes)
}

/// The layers to freeze, of parameters in the order of the fields.
fn frozen(names: &[String], head: &str, freeze: Freeze<'_>) -> Result<Frozen> {
    let (place, layer) = match freeze {
        Freeze::Nothing => return Ok(Frozen::default()),
        Freeze::Until(layer) => ("--freeze-until", layer),
        Freeze::AllBut(layer) => ("--train-only", layer),
    };
    let named = Frozen { layers: vec![layer.into()] };
    let own: Vec<usize> = (0..names.len()).filter(|&at| named.holds(&names[at])).collect();
    let Some(&last) = own.last() else {
        let mut known: Vec<&str> = Vec::new();
        for name in names {
            let first = name.split('.').next().unwrap_or(name);
            if known.last() != Some(&first) {
                known.push(first);
            }
        }
        let reason = format!("there is no layer {layer:?}; there is: {}", known.join(", "));
        return Err(TrainError::Setting { place: place.into(), reason });
    };
    let stays = |at: usize| match freeze {
        Freeze::Until(_) => at <= last,
        _ => !named.holds(&names[at]),
    };
    let mut layers: Vec<String> = Vec::new();
    for name in (0..names.len()).filter(|&at| stays(at)).map(|at| &names[at]) {
        // The layer that the parameter is of.
        let layer = name.rsplit_once('.').map_or(name.as_str(), |(layer, _)| layer);
        if layers.last().is_none_or(|last| last != layer) {
            layers.push(layer.into());
        }
    }
    let frozen = Frozen { layers };
    let of_head = |name: &&String| name.strip_prefix(head).is_some_and(|r| r.starts_with('.'));
    if names.iter().filter(of_head).any(|name| frozen.holds(name)) {
        let reason = format!("{layer:?} would keep {head}, which is new, as it is");
        return Err(TrainError::Setting { place: place.into(), reason });
    }
    Ok(frozen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_before_or_beside() {
        let names = ["conv1.weight", "bn1.gamma", "bn1.running_var", "layer1.0.conv1.weight"];
        let names = names.iter().chain(&["layer1.1.conv1.weight", "fc.weight", "fc.bias"]);
        let names: Vec<String> = names.map(|&name| name.to_owned()).collect();
        let found = |freeze| frozen(&names, "fc", freeze).map(|frozen| frozen.layers);
        assert_eq!(found(Freeze::Nothing).unwrap(), [""; 0]);
        assert_eq!(found(Freeze::Until("bn1")).unwrap(), ["conv1", "bn1"]);
        let until = found(Freeze::Until("layer1.0")).unwrap();
        assert_eq!(until, ["conv1", "bn1", "layer1.0.conv1"]);
        let all = ["conv1", "bn1", "layer1.0.conv1", "layer1.1.conv1"];
        assert_eq!(found(Freeze::Until("layer1")).unwrap(), all);
        assert_eq!(found(Freeze::AllBut("fc")).unwrap(), all);
        let error = found(Freeze::Until("layer2")).unwrap_err().to_string();
        assert!(error.contains("there is: conv1, bn1, layer1, fc"), "{error}");
        let error = found(Freeze::AllBut("bn1")).unwrap_err().to_string();
        assert!(error.contains("keep fc"), "{error}");
    }
}
