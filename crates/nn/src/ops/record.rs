//! Gradients: what Burn's autodiff records for the operations of [`super::seam`].

use std::sync::Arc;

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients as Recorded;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::TensorData;

use super::seam::{Inputs, Keeps, KernelBackend, Operation, accept, whole_storage, with_slices};
use crate::memory::zeros;

/// Backward step of an [`Operation`]; the parents are its inputs.
#[derive(Debug)]
struct Step;

/// The operation, and what it reads: inputs, or the output.
#[derive(Clone, Debug)]
struct State {
    op: Arc<dyn Operation>,
    inputs: Vec<NodeId>,
    output: Option<FloatTensor<Flex>>,
}

impl<const N: usize> Backward<Flex, N> for Step {
    type State = State;

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        grads: &mut Recorded,
        checkpointer: &mut Checkpointer,
    ) {
        let mut dy = grads.consume::<Flex>(&ops.node);
        let State { op, inputs, output } = ops.state;
        let retrieved = inputs.into_iter().map(|node| checkpointer.retrieve_node_output(node));
        let kept: Vec<FloatTensor<Flex>> = retrieved.chain(output).collect();
        // Only what somebody asks for is computed, all of it in one call; what takes the place of dy needs no other.
        let in_place = ops.parents[0].is_some() && op.works_backward_in_place();
        let others = usize::from(in_place && whole_storage(&mut dy).is_some());
        let mut gradients: Vec<Option<Vec<f32>>> = ops
            .parents
            .iter()
            .zip(op.inputs())
            .skip(others)
            .map(|(node, shape)| node.as_ref().map(|_| zeros(shape.iter().product())))
            .collect();
        let into = gradients.iter_mut().map(|values| values.as_deref_mut()).collect();
        with_slices(&kept, |kept| match whole_storage(&mut dy).filter(|_| others == 1) {
            Some(dy) => accept(op.backward_in_place(kept, dy, into)),
            None => with_slices(&[dy.clone()], |dy| accept(op.backward(kept, dy[0], into))),
        });
        let parents = ops.parents.iter().zip(op.inputs()).skip(others);
        if let (1, Some(node)) = (others, &ops.parents[0]) {
            grads.register::<Flex>(node.id, dy);
        }
        for ((node, shape), values) in parents.zip(gradients) {
            if let (Some(node), Some(values)) = (node, values) {
                let gradient = FloatTensor::<Flex>::from_data(TensorData::new(values, shape));
                grads.register::<Flex>(node.id, gradient);
            }
        }
    }
}

/// Records an operation of `N` inputs.
fn record<C: CheckpointStrategy, const N: usize>(
    inputs: [FloatTensor<Autodiff<Flex, C>>; N],
    op: Arc<dyn Operation>,
    together: impl FnOnce([FloatTensor<Flex>; N]) -> Inputs<Flex>,
) -> FloatTensor<Autodiff<Flex, C>> {
    let prepared = Step.prepare::<C>(inputs.each_ref().map(|input| input.node()));
    match prepared.compute_bound().stateful() {
        OpsKind::Tracked(mut prep) => {
            let kept = match op.keeps() {
                Keeps::Inputs(count) => count,
                Keeps::Nothing | Keeps::Output => 0,
            };
            let nodes = inputs.iter().take(kept).map(|input| prep.checkpoint(input)).collect();
            let inputs = together(inputs.map(|input| input.into_primitive()));
            let y = Flex::operate(inputs, op.clone(), true);
            let output = (op.keeps() == Keeps::Output).then(|| y.clone());
            prep.finish(State { op, inputs: nodes, output }, y)
        }
        OpsKind::UnTracked(prep) => {
            let inputs = together(inputs.map(|input| input.into_primitive()));
            prep.finish(Flex::operate(inputs, op, false))
        }
    }
}

impl<C: CheckpointStrategy> KernelBackend for Autodiff<Flex, C> {
    fn operate(inputs: Inputs<Self>, op: Arc<dyn Operation>, _: bool) -> FloatTensor<Self> {
        // The number of parents is part of a step's type.
        match inputs {
            Inputs::One(x) => record::<C, 1>([x], op, |[x]| Inputs::One(x)),
            Inputs::Two(x, w) => record::<C, 2>([x, w], op, |[x, w]| Inputs::Two(x, w)),
            Inputs::Three(x, a, b) => {
                record::<C, 3>([x, a, b], op, |[x, a, b]| Inputs::Three(x, a, b))
            }
        }
    }
}
