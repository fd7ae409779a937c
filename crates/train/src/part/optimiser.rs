//! Burn's optimisers by name, with weight decay by groups of parameters.

use burn::module::{ParamGroup, ParamId};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{
    AdaGradConfig, AdamConfig, AdamWConfig, LambConfig, LionConfig, ModuleOptimizer, Optimizer,
    RmsPropConfig, SgdConfig,
};
use serde::{Deserialize, Serialize};

use crate::error::{Result, TrainError};

/// An optimiser. Where Burn's defaults differ from PyTorch's, PyTorch's are the ones here.
///
/// ```
/// use upconv_train::part::{Adam, Optimiser};
/// let adam: Optimiser = toml::from_str("kind = \"adam\"\nbeta_1 = 0.5")?;
/// assert_eq!(adam, Optimiser::Adam(Adam { beta_1: 0.5, ..Adam::default() }));
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Optimiser {
    /// Stochastic gradient descent, with momentum or without.
    Sgd(Sgd),
    /// Kingma and Ba, "Adam: a method for stochastic optimization" (2015).
    Adam(Adam),
    /// Loshchilov and Hutter, "Decoupled weight decay regularization" (2019).
    AdamW(AdamW),
    /// Hinton, "Neural networks for machine learning", lecture 6e (2012).
    RmsProp(RmsProp),
    /// Duchi and others, "Adaptive subgradient methods" (2011).
    AdaGrad(AdaGrad),
    /// You and others, "Large batch optimization for deep learning" (2020).
    Lamb(Lamb),
    /// Chen and others, "Symbolic discovery of optimization algorithms" (2023).
    Lion(Lion),
}

macro_rules! settings {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $default:expr,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    };
}

settings!(
    /// Settings of [`Optimiser::Sgd`].
    Sgd {
        /// Share of the last velocity that stays; 0 for none.
        momentum: f64 = 0.0,
        /// Share of the gradient that is left out of the velocity; 0.
        dampening: f64 = 0.0,
        /// Whether the gradient is taken where the velocity leads to.
        nesterov: bool = false,
        /// Times the parameter, added to its gradient.
        weight_decay: f64 = 0.0,
    }
);
settings!(
    /// Settings of [`Optimiser::Adam`].
    Adam {
        /// Share of the mean gradient that stays; 0.9.
        beta_1: f64 = 0.9,
        /// Share of the mean square that stays; 0.999.
        beta_2: f64 = 0.999,
        /// Added to the root of the mean square; 1e-8.
        epsilon: f64 = 1e-8,
        /// Whether the mean square never falls: Reddi and others, "On the convergence of Adam and beyond" (2018).
        amsgrad: bool = false,
        /// Times the parameter, added to its gradient.
        weight_decay: f64 = 0.0,
    }
);
settings!(
    /// Settings of [`Optimiser::AdamW`].
    AdamW {
        /// Share of the mean gradient that stays; 0.9.
        beta_1: f64 = 0.9,
        /// Share of the mean square that stays; 0.999.
        beta_2: f64 = 0.999,
        /// Added to the root of the mean square; 1e-8.
        epsilon: f64 = 1e-8,
        /// Times the rate, the share of a parameter that is taken away every step; 0.01.
        weight_decay: f64 = 0.01,
    }
);
settings!(
    /// Settings of [`Optimiser::RmsProp`].
    RmsProp {
        /// Share of the mean square that stays; 0.99.
        alpha: f64 = 0.99,
        /// Share of the last velocity that stays; 0.
        momentum: f64 = 0.0,
        /// Added to the root of the mean square; 1e-8.
        epsilon: f64 = 1e-8,
        /// Whether the mean is taken off the mean square.
        centered: bool = false,
        /// Times the parameter, added to its gradient.
        weight_decay: f64 = 0.0,
    }
);
settings!(
    /// Settings of [`Optimiser::AdaGrad`].
    AdaGrad {
        /// How fast the rate falls; 0.
        rate_decay: f64 = 0.0,
        /// Added to the root of the sum of squares; 1e-10.
        epsilon: f64 = 1e-10,
        /// Times the parameter, added to its gradient.
        weight_decay: f64 = 0.0,
    }
);
settings!(
    /// Settings of [`Optimiser::Lamb`].
    Lamb {
        /// Share of the mean gradient that stays; 0.9.
        beta_1: f64 = 0.9,
        /// Share of the mean square that stays; 0.999.
        beta_2: f64 = 0.999,
        /// Added to the root of the mean square; 1e-6.
        epsilon: f64 = 1e-6,
        /// Times the parameter, added to its update.
        weight_decay: f64 = 0.0,
    }
);
settings!(
    /// Settings of [`Optimiser::Lion`].
    Lion {
        /// Share of the mean gradient in the update; 0.9.
        beta_1: f64 = 0.9,
        /// Share of the mean gradient that stays; 0.99.
        beta_2: f64 = 0.99,
        /// Times the rate, the share of a parameter that is taken away every step; 0.
        weight_decay: f64 = 0.0,
    }
);

impl Default for Optimiser {
    fn default() -> Self {
        Self::Adam(Adam::default())
    }
}

impl Optimiser {
    /// The weight decay of parameters in no group.
    pub fn weight_decay(&self) -> f64 {
        match self {
            Self::Sgd(s) => s.weight_decay,
            Self::Adam(s) => s.weight_decay,
            Self::AdamW(s) => s.weight_decay,
            Self::RmsProp(s) => s.weight_decay,
            Self::AdaGrad(s) => s.weight_decay,
            Self::Lamb(s) => s.weight_decay,
            Self::Lion(s) => s.weight_decay,
        }
    }

    /// Burn's optimiser; each group has its own weight decay, and the last that a parameter is in counts.
    ///
    /// # Errors
    /// Numbers outside of their range, by key.
    pub fn build(&self, groups: &[(Vec<ParamId>, f64)]) -> Result<ModuleOptimizer> {
        self.check()?;
        for (_, decay) in groups {
            at_least_zero("groups.weight_decay", *decay)?;
        }
        let penalty = |decay: f64| (decay > 0.0).then(|| WeightDecayConfig::new(decay as f32));
        let decay = self.weight_decay();
        Ok(match self {
            Self::Sgd(s) => {
                let momentum = (s.momentum > 0.0).then_some(MomentumConfig {
                    momentum: s.momentum,
                    dampening: s.dampening,
                    nesterov: s.nesterov,
                });
                let config = SgdConfig::new().with_momentum(momentum);
                assemble(decay, groups, |d| config.clone().with_weight_decay(penalty(d)).build())
            }
            Self::Adam(s) => {
                let config = AdamConfig::new()
                    .with_beta_1(s.beta_1 as f32)
                    .with_beta_2(s.beta_2 as f32)
                    .with_epsilon(s.epsilon as f32)
                    .with_amsgrad(s.amsgrad);
                assemble(decay, groups, |d| config.clone().with_weight_decay(penalty(d)).build())
            }
            Self::AdamW(s) => {
                let config = AdamWConfig::new()
                    .with_beta_1(s.beta_1 as f32)
                    .with_beta_2(s.beta_2 as f32)
                    .with_epsilon(s.epsilon as f32);
                assemble(decay, groups, |d| config.clone().with_weight_decay(d as f32).build())
            }
            Self::RmsProp(s) => {
                let config = RmsPropConfig::new()
                    .with_alpha(s.alpha as f32)
                    .with_momentum(s.momentum as f32)
                    .with_epsilon(s.epsilon as f32)
                    .with_centered(s.centered);
                assemble(decay, groups, |d| config.clone().with_weight_decay(penalty(d)).build())
            }
            Self::AdaGrad(s) => {
                let config =
                    AdaGradConfig::new().with_lr_decay(s.rate_decay).with_epsilon(s.epsilon as f32);
                assemble(decay, groups, |d| config.clone().with_weight_decay(penalty(d)).build())
            }
            Self::Lamb(s) => {
                let config = LambConfig::new()
                    .with_beta_1(s.beta_1 as f32)
                    .with_beta_2(s.beta_2 as f32)
                    .with_epsilon(s.epsilon as f32);
                assemble(decay, groups, |d| config.clone().with_weight_decay(d as f32).build())
            }
            Self::Lion(s) => {
                let config =
                    LionConfig::new().with_beta_1(s.beta_1 as f32).with_beta_2(s.beta_2 as f32);
                assemble(decay, groups, |d| config.clone().with_weight_decay(d as f32).build())
            }
        })
    }

    fn check(&self) -> Result<()> {
        at_least_zero("weight_decay", self.weight_decay())?;
        let (shares, epsilon) = match self {
            Self::Sgd(s) => {
                if s.nesterov && (s.momentum == 0.0 || s.dampening != 0.0) {
                    let reason = "needs a momentum, and a dampening of 0";
                    return Err(TrainError::setting("optimiser.nesterov", reason));
                }
                (vec![("momentum", s.momentum), ("dampening", s.dampening)], None)
            }
            Self::Adam(s) => (vec![("beta_1", s.beta_1), ("beta_2", s.beta_2)], Some(s.epsilon)),
            Self::AdamW(s) => (vec![("beta_1", s.beta_1), ("beta_2", s.beta_2)], Some(s.epsilon)),
            Self::RmsProp(s) => {
                (vec![("alpha", s.alpha), ("momentum", s.momentum)], Some(s.epsilon))
            }
            Self::AdaGrad(s) => {
                at_least_zero("rate_decay", s.rate_decay)?;
                (vec![], Some(s.epsilon))
            }
            Self::Lamb(s) => (vec![("beta_1", s.beta_1), ("beta_2", s.beta_2)], Some(s.epsilon)),
            Self::Lion(s) => (vec![("beta_1", s.beta_1), ("beta_2", s.beta_2)], None),
        };
        for (key, value) in shares {
            if !(0.0..1.0).contains(&value) {
                let reason = format!("{value}; legal: 0 or more, below 1");
                return Err(TrainError::setting(format!("optimiser.{key}"), reason));
            }
        }
        match epsilon {
            Some(epsilon) if !(epsilon.is_finite() && epsilon as f32 > 0.0) => {
                let reason = format!("{epsilon}; legal: a positive number of single precision");
                Err(TrainError::setting("optimiser.epsilon", reason))
            }
            _ => Ok(()),
        }
    }
}

fn at_least_zero(key: &str, value: f64) -> Result<()> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(TrainError::setting(format!("optimiser.{key}"), format!("{value}; legal: 0 or more")))
}

fn assemble<O: Optimizer>(
    decay: f64,
    groups: &[(Vec<ParamId>, f64)],
    with_decay: impl Fn(f64) -> O,
) -> ModuleOptimizer {
    let first = ModuleOptimizer::from(with_decay(decay));
    groups.iter().fold(first, |optimiser, (ids, decay)| {
        optimiser.with_group(ParamGroup::from_ids(ids.clone()), with_decay(*decay), None)
    })
}
