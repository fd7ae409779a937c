//! The axis orders of the dialects, and how to bring a tensor into ours.
//!
//! | tensor | theirs | ours |
//! | --- | --- | --- |
//! | activations, channels last | `n, spatial..., c` | `n, c, spatial...` |
//! | weights of TensorFlow and Keras | `kernel..., out, in` | `in, out, kernel...` |

use crate::tensors::Tensor;

/// Where each of our axes stands in the dialect's tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// As ours.
    Same,
    /// `n, spatial..., c` of `n, c, spatial...`.
    ChannelsLast,
    /// `kernel..., out, in` of `in, out, kernel...`.
    KernelOutIn,
}

impl Order {
    /// For each of our axes, the number of the dialect's axis.
    fn axes(self, rank: usize) -> Vec<usize> {
        match self {
            Self::ChannelsLast if rank >= 2 => {
                [0, rank - 1].into_iter().chain(1..rank - 1).collect()
            }
            Self::KernelOutIn if rank >= 2 => {
                [rank - 1, rank - 2].into_iter().chain(0..rank - 2).collect()
            }
            _ => (0..rank).collect(),
        }
    }

    /// The shape in our order.
    pub(crate) fn shape(self, shape: &[usize]) -> Vec<usize> {
        self.axes(shape.len()).into_iter().map(|axis| shape[axis]).collect()
    }

    /// The tensor in our order.
    pub(crate) fn tensor<T: Copy>(self, theirs: &Tensor<T>) -> Tensor<T> {
        let axes = self.axes(theirs.shape.len());
        let shape = self.shape(&theirs.shape);
        let mut steps = vec![1; shape.len()];
        for axis in (0..shape.len().saturating_sub(1)).rev() {
            steps[axis] = steps[axis + 1] * theirs.shape[axis + 1];
        }
        let mut data = Vec::with_capacity(theirs.data.len());
        for flat in 0..theirs.data.len() {
            let mut rest = flat;
            let mut from = 0;
            for axis in (0..shape.len()).rev() {
                from += rest % shape[axis] * steps[axes[axis]];
                rest /= shape[axis];
            }
            data.push(theirs.data[from]);
        }
        Tensor { shape, data }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_move_to_the_front() {
        // Two cells of three channels.
        let theirs = Tensor { shape: vec![1, 2, 3], data: vec![0, 1, 2, 10, 11, 12] };
        let ours = Order::ChannelsLast.tensor(&theirs);
        assert_eq!((ours.shape, ours.data), (vec![1, 3, 2], vec![0, 10, 1, 11, 2, 12]));
    }

    #[test]
    fn weights_turn_inside_out() {
        // Two taps, one output channel, two input channels.
        let theirs = Tensor { shape: vec![2, 1, 2], data: vec![0, 1, 10, 11] };
        let ours = Order::KernelOutIn.tensor(&theirs);
        assert_eq!((ours.shape, ours.data), (vec![2, 1, 2], vec![0, 10, 1, 11]));
    }
}
