//! One network with what trains it: optimiser, rates, clipping, groups of weight decay, and an average of its weights.

mod average;
mod gradients;
mod groups;
mod optimiser;
mod record;
mod schedule;
mod tensors;

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Gradients, Tensor};
use serde::{Deserialize, Serialize};
use upconv_weights::{Tensor as Stored, Weights};

pub use gradients::{Clip, norm};
pub use groups::Group;
pub use optimiser::{AdaGrad, Adam, AdamW, Lamb, Lion, Optimiser, RmsProp, Sgd};
pub use schedule::{Rates, Schedule};

use crate::error::{Result, TrainError};
use crate::state::State;

/// How one network is trained.
///
/// ```
/// use upconv_train::part::{Clip, PartSettings};
/// let settings: PartSettings = toml::from_str(r#"
///     rate = 1e-3
///     warm_up = 100
///     optimiser = { kind = "sgd", momentum = 0.9, weight_decay = 5e-4 }
///     schedule = { kind = "cosine" }
///     clip = { norm = 1.0 }
///     average = 0.999
///     groups = [{ parameters = ["bias", "gamma", "beta"], weight_decay = 0.0 }]
/// "#)?;
/// assert_eq!(settings.clip, Some(Clip::Norm(1.0)));
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PartSettings {
    /// The learning rate at its highest; 1e-3.
    pub rate: f64,
    /// Steps over which the rate rises from 0; 0.
    pub warm_up: u64,
    /// The share of the average of the weights that stays at every step; without it no average is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average: Option<f64>,
    /// Clipping of gradients; none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip: Option<Clip>,
    /// What steps down; Adam.
    pub optimiser: Optimiser,
    /// How the rate goes; constant.
    pub schedule: Schedule,
    /// Parameters with another weight decay or rate; the last group that a parameter is in counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
}

impl Default for PartSettings {
    fn default() -> Self {
        Self {
            rate: 1e-3,
            warm_up: 0,
            average: None,
            clip: None,
            optimiser: Optimiser::default(),
            schedule: Schedule::default(),
            groups: Vec::new(),
        }
    }
}

/// One network with what trains it.
pub struct Part<M> {
    name: String,
    module: M,
    /// On a device without gradients.
    average: Option<M>,
    decay: f64,
    optimiser: ModuleOptimizer,
    rates: Rates,
    clip: Option<Clip>,
    groups: groups::Groups,
}

impl<M: std::fmt::Debug> std::fmt::Debug for Part<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part")
            .field("name", &self.name)
            .field("module", &self.module)
            .field("rates", &self.rates)
            .finish_non_exhaustive()
    }
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Descent {
    /// The loss before it.
    pub loss: f64,
    /// The learning rate of parameters in no group.
    pub rate: f64,
    /// The norm of all gradients before they were clipped by it.
    pub gradient_norm: Option<f64>,
}

/// What the engine asks of a network: to give its state and to take it again. [`Part`] does.
pub trait Component {
    /// Its name; empty for the only one of a model.
    fn name(&self) -> &str;

    /// Parameters and statistics, under the part's name.
    ///
    /// # Errors
    /// If a tensor cannot be kept.
    fn weights(&self) -> Result<Vec<Stored>>;

    /// The average of the weights, under the same names, if one is kept.
    ///
    /// # Errors
    /// If a tensor cannot be kept.
    fn averaged_weights(&self) -> Result<Option<Vec<Stored>>>;

    /// What else is needed to go on exactly.
    ///
    /// # Errors
    /// If a tensor cannot be kept.
    fn state(&self) -> Result<Vec<Stored>>;

    /// Takes weights to begin with, from the tensors of its own names.
    ///
    /// # Errors
    /// Tensors that are missing or of other shapes.
    fn begin_from(&mut self, place: &str, weights: &Weights) -> Result<()>;

    /// Goes to where the state was given.
    ///
    /// # Errors
    /// Tensors that are missing, or belong to something else.
    fn restore(&mut self, place: &str, stored: &Restored<'_>) -> Result<()>;
}

/// What a checkpoint holds for its parts.
#[derive(Clone, Copy, Debug)]
pub struct Restored<'a> {
    /// Of [`Component::weights`].
    pub weights: &'a Weights,
    /// Of [`Component::averaged_weights`].
    pub averaged: Option<&'a Weights>,
    /// Of [`Component::state`].
    pub state: &'a State,
}

impl<M: Module> Part<M> {
    /// A network that is trained for `length` steps of its own. Its tensors are stored under `name` and a dot; the only
    /// part of a model has the empty name.
    ///
    /// # Errors
    /// Settings out of range; a group that no parameter is in.
    pub fn new(name: &str, module: M, settings: &PartSettings, length: u64) -> Result<Self> {
        let wrong = |error: TrainError| match error {
            TrainError::Setting { place, reason } if !name.is_empty() => {
                TrainError::setting(format!("{name}.{place}"), reason)
            }
            other => other,
        };
        Self::build(name, module, settings, length).map_err(wrong)
    }

    fn build(name: &str, module: M, settings: &PartSettings, length: u64) -> Result<Self> {
        let PartSettings { rate, warm_up, average, clip, optimiser, schedule, groups } = settings;
        let groups = groups::Groups::of(groups, &module, optimiser.weight_decay())?;
        if let Some(clip) = clip {
            clip.check()?;
        }
        if let Some(decay) = average.filter(|decay| !(0.0..1.0).contains(decay)) {
            let reason = format!("{decay}; legal: 0 or more, below 1");
            return Err(TrainError::setting("average", reason));
        }
        Ok(Self {
            name: name.into(),
            average: average.map(|_| module.valid()),
            decay: average.unwrap_or_default(),
            module,
            optimiser: optimiser.build(groups.decays())?,
            rates: Rates::new(*rate, *warm_up, schedule, length)?,
            clip: *clip,
            groups,
        })
    }

    /// The network.
    pub fn module(&self) -> &M {
        &self.module
    }

    /// The network for use: without gradients, with averaged weights where an average is kept.
    pub fn for_use(&self) -> M {
        self.average.clone().unwrap_or_else(|| self.module.valid())
    }

    /// Goes one step down a loss that only this network is to learn from.
    ///
    /// # Errors
    /// A loss that is no tensor of F32.
    pub fn descend(&mut self, loss: Tensor<1>) -> Result<Descent> {
        let value = loss.clone().into_data().try_to_vec::<f32>().ok();
        let value = value.and_then(|values| values.first().copied());
        let value = value.ok_or_else(|| TrainError::model("the loss is no tensor of F32"))?;
        let mut gradients = loss.backward();
        Ok(Descent { loss: value.into(), ..self.descend_by(&mut gradients) })
    }

    /// Goes one step down by its part of gradients that are there already, as when several networks learn from one
    /// loss. The loss of the result is not known: it is 0.
    pub fn descend_by(&mut self, gradients: &mut Gradients) -> Descent {
        let mut gradients = GradientsParams::from_module(gradients, &self.module);
        let gradient_norm = self.clip.and_then(|clip| clip.apply(&self.module, &mut gradients));
        let rate = self.rates.next();
        let rates = self.groups.rates(rate);
        self.module = self.optimiser.step(rates, self.module.clone(), gradients);
        if let Some(average) = self.average.take() {
            self.average = Some(average::step(average, &self.module, self.decay));
        }
        Descent { loss: 0.0, rate, gradient_norm }
    }

    fn prefix(&self) -> String {
        if self.name.is_empty() { String::new() } else { format!("{}.", self.name) }
    }

    /// The name under which the number of steps is stored.
    fn steps_key(&self) -> String {
        format!("steps/{}", self.name)
    }
}

impl<M: Module> Component for Part<M> {
    fn name(&self) -> &str {
        &self.name
    }

    fn weights(&self) -> Result<Vec<Stored>> {
        tensors::of_module(&self.module, &self.prefix())
    }

    fn averaged_weights(&self) -> Result<Option<Vec<Stored>>> {
        self.average.as_ref().map(|m| tensors::of_module(m, &self.prefix())).transpose()
    }

    fn state(&self) -> Result<Vec<Stored>> {
        let mut state = record::of_optimiser(&self.optimiser, &self.module, &self.prefix())?;
        state.push(crate::state::number(&self.steps_key(), self.rates.given())?);
        Ok(state)
    }

    fn begin_from(&mut self, place: &str, weights: &Weights) -> Result<()> {
        let prefix = self.prefix();
        let get = |name: &str| weights.get(name);
        self.module = tensors::into_module(self.module.clone(), &prefix, place, get)?;
        self.average = self.average.take().map(|_| self.module.valid());
        Ok(())
    }

    fn restore(&mut self, place: &str, stored: &Restored<'_>) -> Result<()> {
        let prefix = self.prefix();
        let get = |name: &str| stored.weights.get(name);
        let module = tensors::into_module(self.module.clone(), &prefix, place, get)?;
        if let Some(average) = self.average.take() {
            let get = |name: &str| stored.averaged.and_then(|weights| weights.get(name));
            self.average = Some(tensors::into_module(average, &prefix, place, get)?);
        }
        let tensors = stored.state.tensors();
        let optimiser = self.optimiser.clone();
        self.optimiser = record::into_optimiser(optimiser, &module, &prefix, place, tensors)?;
        self.rates.seek(stored.state.get_number(&self.steps_key())?);
        self.module = module;
        Ok(())
    }
}
