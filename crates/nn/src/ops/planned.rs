//! What is linear in an input and in a weight, and may add a bias: a kernel plan as an operation.

use std::fmt::Debug;
use std::sync::Arc;

use burn::tensor::Tensor;
use upconv_kernels::Plan;

use super::seam::{Done, Gradients, Inputs, Keeps, Operation, operate};

/// A plan, and the shapes that the tensors have for Burn.
#[derive(Debug)]
pub(super) struct Planned<S> {
    pub(super) plan: Plan<S>,
    pub(super) x: Vec<usize>,
    pub(super) weight: Vec<usize>,
    pub(super) y: Vec<usize>,
    /// Whether there is one, and of how many channels.
    pub(super) bias: Option<usize>,
}

impl<S: Debug + Send + Sync + 'static> Planned<S> {
    /// Runs the plan; a bias must be there as the plan says.
    pub(super) fn run<const D: usize, const W: usize>(
        self,
        x: Tensor<D>,
        weight: Tensor<W>,
        bias: Option<Tensor<1>>,
    ) -> Tensor<D> {
        let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
        let inputs = match bias {
            None => Inputs::Two(x, weight),
            Some(bias) => Inputs::Three(x, weight, bias.into_dispatch()),
        };
        operate(inputs, Arc::new(self))
    }
}

impl<S: Debug + Send + Sync + 'static> Operation for Planned<S> {
    fn inputs(&self) -> Vec<Vec<usize>> {
        let bias = self.bias.map(|channels| vec![channels]);
        [self.x.clone(), self.weight.clone()].into_iter().chain(bias).collect()
    }

    fn output(&self) -> Vec<usize> {
        self.y.clone()
    }

    fn keeps(&self) -> Keeps {
        Keeps::Inputs(2)
    }

    fn forward(&self, inputs: &[&[f32]], y: &mut [f32], _: bool) -> Done {
        match *inputs {
            [x, w] => self.plan.forward(x, w, None, y),
            [x, w, bias] => self.plan.forward(x, w, Some(bias), y),
            _ => Ok(()),
        }
    }

    fn backward(&self, kept: &[&[f32]], dy: &[f32], into: Gradients<'_>) -> Done {
        let &[x, w] = kept else { return Ok(()) };
        let mut into = into.into_iter();
        let mut next = || into.next().flatten();
        let into = upconv_kernels::Gradients { x: next(), weight: next(), bias: next() };
        self.plan.backward(x, w, dy, into)
    }
}
