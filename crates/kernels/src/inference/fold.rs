//! What can be done in the pass of the operation before: batch norm, and activations.

use super::graph::{Node, Operation, ScaleShift, Value};
use crate::options::Activation;

/// Takes operations into the one whose result they alone read, and leaves out what no output needs. The order
/// stays, and `outputs` name the values of the new list.
pub(super) fn fold<'w>(nodes: Vec<Node<'w>>, outputs: &[Value]) -> (Vec<Node<'w>>, Vec<Value>) {
    let needed = needed(&nodes, outputs);
    let mut users = vec![0; nodes.len()];
    for (node, _) in nodes.iter().zip(&needed).filter(|(_, needed)| **needed) {
        node.inputs.iter().for_each(|value| users[value.0] += 1);
    }
    outputs.iter().for_each(|value| users[value.0] += 1);
    let mut kept: Vec<Node<'w>> = Vec::new();
    // Where the value of each node stands in the new list.
    let mut place = vec![Value(0); nodes.len()];
    for (old, (mut node, needed)) in nodes.into_iter().zip(needed).enumerate() {
        if !needed {
            continue;
        }
        let alone = matches!(node.inputs[..], [from] if users[from.0] == 1);
        node.inputs.iter_mut().for_each(|value| *value = place[value.0]);
        let taken = match node.inputs[..] {
            [from] if alone => take(&mut kept[from.0].operation, &node.operation),
            _ => false,
        };
        place[old] = match taken {
            true => node.inputs[0],
            false => {
                kept.push(node);
                Value(kept.len() - 1)
            }
        };
    }
    let outputs = outputs.iter().map(|value| place[value.0]).collect();
    (kept, outputs)
}

/// Inputs, and whatever an output is made of.
fn needed(nodes: &[Node<'_>], outputs: &[Value]) -> Vec<bool> {
    let mut needed: Vec<bool> =
        nodes.iter().map(|node| matches!(node.operation, Operation::Input)).collect();
    outputs.iter().for_each(|value| needed[value.0] = true);
    for (at, node) in nodes.iter().enumerate().rev() {
        if needed[at] {
            node.inputs.iter().for_each(|value| needed[value.0] = true);
        }
    }
    needed
}

/// Whether `before` can do `next` as well; then it does.
fn take(before: &mut Operation<'_>, next: &Operation<'_>) -> bool {
    match (before, next) {
        (Operation::Weighted(weighted), Operation::ScaleShift(next))
            if weighted.activation == Activation::None =>
        {
            weighted.activation = next.activation;
            let first = weighted.scale_shift.take();
            weighted.scale_shift =
                Some(first.map_or_else(|| next.clone(), |first| first.then(next)));
            true
        }
        (Operation::Weighted(weighted), Operation::Activation(next)) => {
            set(&mut weighted.activation, *next)
        }
        (Operation::ScaleShift(before), Operation::ScaleShift(next))
            if before.activation == Activation::None =>
        {
            *before = before.clone().then(next);
            true
        }
        (Operation::ScaleShift(before), Operation::Activation(next)) => {
            set(&mut before.activation, *next)
        }
        (Operation::Add(activation), Operation::Activation(next)) => set(activation, *next),
        _ => false,
    }
}

/// Puts an activation where there is none yet.
fn set(place: &mut Activation, next: Activation) -> bool {
    let free = *place == Activation::None;
    if free {
        *place = next;
    }
    free
}

impl ScaleShift {
    /// `next(self(v))`: `f2 (f1 v + s1) + s2 = f1 f2 v + (f2 s1 + s2)`.
    fn then(self, next: &Self) -> Self {
        let pairs = || next.factor.iter().zip(&next.shift);
        let shift =
            self.shift.iter().zip(pairs()).map(|(own, (factor, shift))| factor * own + shift);
        let factor = self.factor.iter().zip(&next.factor).map(|(own, factor)| own * factor);
        Self { factor: factor.collect(), shift: shift.collect(), activation: next.activation }
    }
}
