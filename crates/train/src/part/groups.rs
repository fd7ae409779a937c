//! Groups of parameters, by the names of their fields.

use burn::lr_scheduler::module_lr_scheduler::{ModuleLearningRate, ModuleLrScheduler};
use burn::module::{Module, ParamGroup, ParamId};
use serde::{Deserialize, Serialize};
use upconv_nn::parameters;

use crate::error::{Result, TrainError};

/// Parameters with a weight decay or a rate of their own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Group {
    /// Names, or ends of names behind a dot, with `*` for anything: `bias` is every bias, `encoder.*` all of the
    /// encoder.
    pub parameters: Vec<String>,
    /// Their weight decay; without it the optimiser's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
    /// Their rate is the part's times this; 1. With 0 they stay as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_factor: Option<f64>,
}

impl Group {
    /// Biases, and the factors and shifts of normalisations, without weight decay.
    pub fn without_decay() -> Self {
        let parameters = ["bias", "gamma", "beta"].map(String::from).to_vec();
        Self { parameters, weight_decay: Some(0.0), rate_factor: None }
    }
}

/// Groups with the identities of their parameters.
#[derive(Debug)]
pub(super) struct Groups {
    decays: Vec<(Vec<ParamId>, f64)>,
    factors: Vec<(Vec<ParamId>, f64)>,
}

impl Groups {
    pub(super) fn of(groups: &[Group], module: &impl Module, decay: f64) -> Result<Self> {
        let names = parameters::identities(module);
        let (mut decays, mut factors) = (Vec::new(), Vec::new());
        for group in groups {
            let mut ids = Vec::new();
            for pattern in &group.parameters {
                let before = ids.len();
                let fitting = names.iter().filter(|(_, name)| fits(pattern, name));
                ids.extend(fitting.map(|(id, _)| *id));
                if ids.len() == before {
                    let known: Vec<&str> = names.iter().map(|(_, n)| n.as_str()).collect();
                    let reason =
                        format!("no parameter fits {pattern:?}; there are {}", known.join(", "));
                    return Err(TrainError::setting("groups.parameters", reason));
                }
            }
            let factor = group.rate_factor.unwrap_or(1.0);
            if !(factor.is_finite() && factor >= 0.0) {
                let reason = format!("{factor}; legal: 0 or more");
                return Err(TrainError::setting("groups.rate_factor", reason));
            }
            decays.push((ids.clone(), group.weight_decay.unwrap_or(decay)));
            factors.push((ids, factor));
        }
        Ok(Self { decays, factors })
    }

    /// Weight decay by parameters.
    pub(super) fn decays(&self) -> &[(Vec<ParamId>, f64)] {
        &self.decays
    }

    /// Every parameter's rate.
    pub(super) fn rates(&self, rate: f64) -> ModuleLearningRate {
        let first = ModuleLrScheduler::new(rate);
        let with = |all: ModuleLrScheduler, (ids, factor): &(Vec<ParamId>, f64)| {
            all.with_group(ParamGroup::from_ids(ids.clone()), rate * factor)
        };
        self.factors.iter().fold(first, with).step()
    }
}

/// Whether a pattern fits a whole name, or what is behind one of its dots.
fn fits(pattern: &str, name: &str) -> bool {
    let tails = name.match_indices('.').map(|(at, _)| &name[at + 1..]);
    std::iter::once(name).chain(tails).any(|tail| fits_whole(pattern, tail))
}

fn fits_whole(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match left.find(piece) {
            Some(at) => left = &left[at + piece.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn names_tails_and_stars() {
        for (pattern, name, expected) in [
            ("bias", "layer1.0.conv1.bias", true),
            ("bias", "bias", true),
            ("bias", "layer1.unbias", false),
            ("conv1.bias", "layer1.0.conv1.bias", true),
            ("layer1.*", "layer1.0.conv1.bias", true),
            ("layer1.*", "layer10.conv1.bias", false),
            ("layer*.weight", "net.layer1.0.weight", true),
            ("*conv*weight", "layer1.0.conv1.weight", true),
            ("*conv*weight", "layer1.0.conv1.bias", false),
            ("*", "anything", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
