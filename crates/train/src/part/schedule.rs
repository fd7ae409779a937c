//! How the rate goes over a training: Burn's schedulers, by name.

use burn::lr_scheduler::LrSchedulerConfig;
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::lr_scheduler::exponential::ExponentialLrSchedulerConfig;
use burn::lr_scheduler::linear::LinearLrSchedulerConfig;
use burn::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn::lr_scheduler::noam::NoamLrSchedulerConfig;
use burn::lr_scheduler::sequential::SequentialLrSchedulerConfig;
use burn::lr_scheduler::step::StepLrSchedulerConfig;
use serde::{Deserialize, Serialize};

use crate::error::{Result, TrainError};

/// How the rate goes, as a factor of the rate that is set. Steps are those of the part's own optimiser.
///
/// ```
/// use upconv_train::part::{Rates, Schedule};
/// let linear: Schedule = toml::from_str("kind = \"linear\"\nlast = 0.5")?;
/// // 0.2 at the first of 4 steps, half of it after the last.
/// let mut rates = Rates::new(0.2, 0, &linear, 4)?;
/// let all: Vec<f64> = (0..6).map(|_| rates.next()).collect();
/// let expected = [0.2, 0.175, 0.15, 0.125, 0.1, 0.1];
/// assert!(all.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{all:?}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// The same all the time.
    #[default]
    Constant,
    /// Along a straight line.
    Linear {
        /// The factor at the end; 0.
        #[serde(default)]
        last: f64,
    },
    /// Along half a period of a cosine.
    ///
    /// Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017), without restarts.
    Cosine {
        /// The factor at the end; 0.
        #[serde(default)]
        last: f64,
    },
    /// Down by a factor every so many steps.
    Step {
        /// So many.
        every: u64,
        /// The factor; 0.1.
        #[serde(default = "a_tenth")]
        factor: f64,
    },
    /// Down by a factor at each of some steps.
    Milestones {
        /// These, in rising order.
        at: Vec<u64>,
        /// The factor; 0.1.
        #[serde(default = "a_tenth")]
        factor: f64,
    },
    /// Down by a factor every step.
    Exponential {
        /// The factor.
        factor: f64,
    },
    /// `width^-0.5 * min(step^-0.5, step * warm_up^-1.5)`, with steps from 1: its warm-up is its own.
    ///
    /// Vaswani and others, "Attention is all you need" (2017), section 5.3.
    Noam {
        /// Numbers of the model's hidden states.
        width: usize,
        /// Steps over which the rate rises.
        rise: usize,
    },
}

fn a_tenth() -> f64 {
    0.1
}

/// The rates of a part's steps, one after the other.
#[derive(Clone)]
pub struct Rates {
    rate: f64,
    beginning: ModuleLrScheduler,
    scheduler: ModuleLrScheduler,
    given: u64,
}

impl std::fmt::Debug for Rates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rates").field("rate", &self.rate).field("given", &self.given).finish()
    }
}

impl Rates {
    /// Rates around `rate`: over the first `warm_up` steps in equal parts up to it, then as `schedule` says, whose end
    /// is at step `length`; beyond it the last one stays.
    ///
    /// # Errors
    /// A warm-up as long as all, and numbers that Burn's schedulers refuse.
    pub fn new(rate: f64, warm_up: u64, schedule: &Schedule, length: u64) -> Result<Self> {
        if !(rate.is_finite() && rate > 0.0) {
            return Err(TrainError::setting("rate", format!("{rate}; legal: a positive number")));
        }
        let rest = length.checked_sub(warm_up).filter(|&rest| rest > 0);
        let steps = rest.and_then(|rest| usize::try_from(rest).ok()).ok_or_else(|| {
            TrainError::setting(
                "warm_up",
                format!("{warm_up} of {length} steps; legal: fewer than all"),
            )
        })?;
        let mut parts = vec![schedule.relative(steps)?];
        let mut milestones = Vec::new();
        if warm_up > 0 {
            let warm_up = warm_up as usize;
            let first = 1.0 / warm_up as f64;
            let rise = LinearLrSchedulerConfig::new(first, 1.0, (warm_up - 1).max(1));
            parts.insert(0, LrSchedulerConfig::Linear(rise));
            milestones.push(warm_up);
        }
        if let Schedule::Cosine { last } = schedule {
            // Burn's goes up again behind its end.
            parts.push(LrSchedulerConfig::Constant(*last));
            milestones.push(length as usize);
        }
        if let Schedule::Milestones { at, factor } = schedule {
            let mut level = 1.0;
            for &step in at {
                if step <= warm_up || milestones.last().is_some_and(|&last| step <= last as u64) {
                    let reason = format!("{at:?}; legal: steps that rise, behind the warm-up");
                    return Err(TrainError::setting("schedule.at", reason));
                }
                level *= factor;
                parts.push(LrSchedulerConfig::Constant(level));
                milestones.push(usize::try_from(step).unwrap_or(usize::MAX));
            }
        }
        let scheduler = SequentialLrSchedulerConfig::new(parts, milestones).init();
        let scheduler = scheduler.map_err(|reason| TrainError::setting("schedule", reason))?;
        Ok(Self { rate, beginning: scheduler.clone(), scheduler, given: 0 })
    }

    /// The rate of the next step.
    #[allow(clippy::should_implement_trait)] // It never ends.
    pub fn next(&mut self) -> f64 {
        self.given += 1;
        self.rate * self.scheduler.step().base()
    }

    /// How many were given.
    pub fn given(&self) -> u64 {
        self.given
    }

    /// Goes to where `given` rates were given, by giving them again: some nanoseconds each, and exact.
    pub fn seek(&mut self, given: u64) {
        self.scheduler = self.beginning.clone();
        for _ in 0..given {
            self.scheduler.step();
        }
        self.given = given;
    }
}

impl Schedule {
    /// Burn's scheduler of `steps` steps around 1.
    fn relative(&self, steps: usize) -> Result<LrSchedulerConfig> {
        let share = |key: &str, value: f64| match (0.0..=1.0).contains(&value) {
            true => Ok(value),
            false => Err(TrainError::setting(key, format!("{value}; legal: 0 to 1"))),
        };
        Ok(match *self {
            Self::Constant => LrSchedulerConfig::Constant(1.0),
            Self::Linear { last } => {
                let last = share("schedule.last", last)?;
                LrSchedulerConfig::Linear(LinearLrSchedulerConfig::new(1.0, last, steps))
            }
            Self::Cosine { last } => {
                let config = CosineAnnealingLrSchedulerConfig::new(1.0, steps);
                LrSchedulerConfig::Cosine(config.with_min_lr(share("schedule.last", last)?))
            }
            Self::Step { every, factor } => {
                let factor = share("schedule.factor", factor)?;
                let every = usize::try_from(every).unwrap_or(usize::MAX);
                LrSchedulerConfig::Step(StepLrSchedulerConfig::new(1.0, every).with_gamma(factor))
            }
            Self::Milestones { factor, .. } => {
                share("schedule.factor", factor)?;
                LrSchedulerConfig::Constant(1.0)
            }
            Self::Exponential { factor } => {
                let factor = share("schedule.factor", factor)?;
                LrSchedulerConfig::Exponential(ExponentialLrSchedulerConfig::new(1.0, factor))
            }
            Self::Noam { width, rise } => {
                let config = NoamLrSchedulerConfig::new(1.0);
                LrSchedulerConfig::Noam(config.with_model_size(width).with_warmup_steps(rise))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(warm_up: u64, schedule: &str, length: u64, count: usize) -> Vec<f64> {
        let schedule: Schedule = toml::from_str(schedule).unwrap();
        let mut rates = Rates::new(2.0, warm_up, &schedule, length).unwrap();
        (0..count).map(|_| rates.next()).collect()
    }

    fn assert_close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() < 1e-12, "{found:?} and {expected:?}");
        }
    }

    #[test]
    fn numbers_by_hand() {
        assert_close(&rates(0, "kind = 'constant'", 3, 3), &[2.0; 3]);
        // 1 + cos(pi * step / 4), and 0 from the end on.
        let half = 0.5f64.sqrt();
        let cosine = [2.0, 1.0 + half, 1.0, 1.0 - half, 0.0, 0.0, 0.0];
        assert_close(&rates(0, "kind = 'cosine'", 4, 7), &cosine);
        assert_close(&rates(0, "kind = 'cosine'\nlast = 0.5", 2, 4), &[2.0, 1.5, 1.0, 1.0]);
        assert_close(&rates(0, "kind = 'step'\nevery = 2", 9, 5), &[2.0, 2.0, 0.2, 0.2, 0.02]);
        let milestones = "kind = 'milestones'\nat = [1, 3]\nfactor = 0.5";
        assert_close(&rates(0, milestones, 9, 5), &[2.0, 1.0, 1.0, 0.5, 0.5]);
        let exponential = "kind = 'exponential'\nfactor = 0.5";
        assert_close(&rates(0, exponential, 9, 3), &[2.0, 1.0, 0.5]);
        // 4^-0.5 = 1/2; rise 4: step * 4^-1.5 = step / 8 up to step^-0.5.
        let noam = [1.0 / 8.0, 2.0 / 8.0, 3.0 / 8.0, 0.5, 5.0f64.powf(-0.5)];
        assert_close(&rates(0, "kind = 'noam'\nwidth = 4\nrise = 4", 9, 5), &noam);
    }

    #[test]
    fn a_warm_up_comes_before() {
        let warm = rates(4, "kind = 'linear'", 6, 8);
        assert_close(&warm, &[0.5, 1.0, 1.5, 2.0, 2.0, 1.0, 0.0, 0.0]);
        assert_close(&rates(1, "kind = 'constant'", 6, 2), &[2.0, 2.0]);
    }

    #[test]
    fn seeking_is_exact() {
        let schedule: Schedule = toml::from_str("kind = 'exponential'\nfactor = 0.997").unwrap();
        let mut whole = Rates::new(0.1, 3, &schedule, 100).unwrap();
        let all: Vec<u64> = (0..60).map(|_| whole.next().to_bits()).collect();
        let mut again = Rates::new(0.1, 3, &schedule, 100).unwrap();
        for place in [0, 1, 40, 5] {
            again.seek(place);
            assert_eq!(again.next().to_bits(), all[place as usize]);
            assert_eq!(again.given(), place + 1);
        }
    }

    #[test]
    fn what_is_refused() {
        let new = |rate, warm_up, text: &str| {
            Rates::new(rate, warm_up, &toml::from_str(text).unwrap(), 10).map_err(|e| e.to_string())
        };
        for (result, expected) in [
            (new(0.0, 0, "kind = 'constant'"), "rate: 0; legal"),
            (new(f64::NAN, 0, "kind = 'constant'"), "rate: NaN"),
            (new(1.0, 10, "kind = 'constant'"), "warm_up: 10 of 10 steps"),
            (new(1.0, 0, "kind = 'linear'\nlast = 2"), "schedule.last: 2; legal: 0 to 1"),
            (new(1.0, 0, "kind = 'milestones'\nat = [3, 3]"), "schedule.at: [3, 3]; legal"),
            (new(1.0, 0, "kind = 'step'\nevery = 0"), "schedule: Step size"),
            (new(1.0, 0, "kind = 'noam'\nwidth = 0\nrise = 1"), "schedule: Model size"),
        ] {
            let error = result.unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
        let error = toml::from_str::<Schedule>("kind = 'linear'\nfinal = 1").unwrap_err();
        assert!(error.to_string().contains("unknown field `final`"), "{error}");
    }
}
