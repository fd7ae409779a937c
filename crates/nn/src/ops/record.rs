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
use upconv_kernels::Gradients;

use super::seam::{KernelBackend, Map, Weighted, accept, new_tensor, with_slice};

/// Backward step of [`Weighted`]; the parents are x, weight and, if there are three, bias.
#[derive(Debug)]
struct WeightedBackward;

impl<const N: usize> Backward<Flex, N> for WeightedBackward {
    type State = (NodeId, NodeId, Arc<dyn Weighted>);

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        grads: &mut Recorded,
        checkpointer: &mut Checkpointer,
    ) {
        let dy = grads.consume::<Flex>(&ops.node);
        let (x, w, op) = ops.state;
        let x = checkpointer.retrieve_node_output::<FloatTensor<Flex>>(x);
        let w = checkpointer.retrieve_node_output::<FloatTensor<Flex>>(w);
        let node = |number: usize| ops.parents.get(number).and_then(Option::as_ref);
        // Only what somebody asks for is computed, all of it in one call.
        let length = |shape: Vec<usize>| vec![0.0f32; shape.iter().product()];
        let mut dx = node(0).map(|_| length(op.input()));
        let mut dw = node(1).map(|_| length(op.weight()));
        let out_channels = op.output()[1];
        let mut db = node(2).map(|_| length(vec![out_channels]));
        let into =
            Gradients { x: dx.as_deref_mut(), weight: dw.as_deref_mut(), bias: db.as_deref_mut() };
        with_slice(&x, |x| {
            with_slice(&w, |w| with_slice(&dy, |dy| accept(op.backward(x, w, dy, into))))
        });
        let computed = [(dx, op.input()), (dw, op.weight()), (db, vec![out_channels])];
        for (number, (values, shape)) in computed.into_iter().enumerate() {
            if let (Some(node), Some(values)) = (node(number), values) {
                let gradient = FloatTensor::<Flex>::from_data(TensorData::new(values, shape));
                grads.register::<Flex>(node.id, gradient);
            }
        }
    }
}

/// Backward step of [`Map`].
#[derive(Debug)]
struct MapBackward;

impl Backward<Flex, 1> for MapBackward {
    type State = Arc<dyn Map>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Recorded, _: &mut Checkpointer) {
        let dy = grads.consume::<Flex>(&ops.node);
        let [node] = ops.parents;
        let map = ops.state;
        if let Some(node) = node {
            let dx = with_slice(&dy, |dy| new_tensor(map.input(), |dx| map.adjoint(dy, dx)));
            grads.register::<Flex>(node.id, dx);
        }
    }
}

impl<C: CheckpointStrategy> KernelBackend for Autodiff<Flex, C> {
    fn weighted(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        op: Arc<dyn Weighted>,
    ) -> FloatTensor<Self> {
        let prepared = WeightedBackward.prepare::<C>([x.node(), w.node()]).compute_bound();
        match prepared.stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = (prep.checkpoint(&x), prep.checkpoint(&w), op.clone());
                prep.finish(state, Flex::weighted(x.into_primitive(), w.into_primitive(), op))
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(Flex::weighted(x.into_primitive(), w.into_primitive(), op))
            }
        }
    }

    fn weighted_with_bias(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        op: Arc<dyn Weighted>,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), w.node(), bias.node()];
        match WeightedBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = (prep.checkpoint(&x), prep.checkpoint(&w), op.clone());
                let y = Flex::weighted_with_bias(
                    x.into_primitive(),
                    w.into_primitive(),
                    bias.into_primitive(),
                    op,
                );
                prep.finish(state, y)
            }
            OpsKind::UnTracked(prep) => prep.finish(Flex::weighted_with_bias(
                x.into_primitive(),
                w.into_primitive(),
                bias.into_primitive(),
                op,
            )),
        }
    }

    fn mapped(x: FloatTensor<Self>, map: Arc<dyn Map>) -> FloatTensor<Self> {
        match MapBackward.prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                prep.finish(map.clone(), Flex::mapped(x.into_primitive(), map))
            }
            OpsKind::UnTracked(prep) => prep.finish(Flex::mapped(x.into_primitive(), map)),
        }
    }
}
