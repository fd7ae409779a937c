//! Clipping of gradients.

use burn::grad_clipping::GradientClipping;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::error::{Result, TrainError};

/// How gradients are kept from being too large.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Clip {
    /// All gradients together are scaled down to this Euclidean norm where theirs is larger.
    ///
    /// Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks" (2013), algorithm 1;
    /// TensorFlow's `clip_by_global_norm`. Burn's own clips every tensor by itself.
    Norm(f64),
    /// Every value is cut to at most this far from 0.
    Value(f64),
}

impl Clip {
    pub(super) fn check(self) -> Result<()> {
        let (Self::Norm(bound) | Self::Value(bound)) = self;
        if bound.is_finite() && bound as f32 > 0.0 {
            return Ok(());
        }
        Err(TrainError::setting("clip", format!("{bound}; legal: a positive number")))
    }

    /// Clips, and gives the norm before, where it was needed.
    pub(super) fn apply(
        self,
        module: &impl Module,
        gradients: &mut GradientsParams,
    ) -> Option<f64> {
        match self {
            Self::Value(bound) => {
                module.visit(&mut Change { gradients, how: How::Cut(bound as f32) });
                None
            }
            Self::Norm(bound) => {
                let norm = norm(module, gradients);
                // A norm that is no number is left to whoever checks the numbers of the step.
                if norm > bound {
                    let how = How::Scale((bound / norm) as f32);
                    module.visit(&mut Change { gradients, how });
                }
                Some(norm)
            }
        }
    }
}

/// The Euclidean norm of all gradients of a module together, summed in the order of its fields in double precision.
pub fn norm(module: &impl Module, gradients: &GradientsParams) -> f64 {
    let mut visitor = Sum { gradients, squares: 0.0 };
    module.visit(&mut visitor);
    visitor.squares.sqrt()
}

struct Sum<'a> {
    gradients: &'a GradientsParams,
    squares: f64,
}

impl ModuleVisitor for Sum<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.get::<D>(param.id) else { return };
        self.squares += match gradient.into_data().as_slice::<f32>() {
            Ok(values) => values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>(),
            Err(_) => f64::NAN,
        };
    }
}

struct Change<'a> {
    gradients: &'a mut GradientsParams,
    how: How,
}

enum How {
    Scale(f32),
    Cut(f32),
}

impl ModuleVisitor for Change<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return };
        let changed = match self.how {
            How::Scale(factor) => gradient.mul_scalar(factor),
            How::Cut(bound) => GradientClipping::Value(bound).clip_gradient(gradient),
        };
        self.gradients.register(param.id, changed);
    }
}
