//! The exponential moving average of a network's parameters.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// `average * decay + parameters * (1 - decay)`; what is not trained, such as running statistics, is copied.
///
/// Polyak and Juditsky, "Acceleration of stochastic approximation by averaging" (1992), with weights that fade.
pub(super) fn step<M: Module>(average: M, module: &M, decay: f64) -> M {
    let mut now = Now::default();
    module.visit(&mut now);
    average.map(&mut Towards { now, decay: decay as f32 })
}

/// The parameters as they are, by identity.
#[derive(Default)]
struct Now {
    trained: GradientsParams,
    fixed: GradientsParams,
}

impl ModuleVisitor for Now {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        let to = if value.is_require_grad() { &mut self.trained } else { &mut self.fixed };
        to.register(param.id, value.without_autodiff());
    }
}

struct Towards {
    now: Now,
    decay: f32,
}

impl ModuleMapper for Towards {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let id = param.id;
        if let Some(value) = self.now.trained.remove::<D>(id) {
            let decay = self.decay;
            return param.map(|old| old.mul_scalar(decay) + value.mul_scalar(1.0 - decay));
        }
        match self.now.fixed.remove::<D>(id) {
            Some(value) => param.map(|_| value),
            None => param,
        }
    }
}
