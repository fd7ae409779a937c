//! One network in its inference form for several shapes of input.

use std::sync::{Arc, Mutex, PoisonError};

use upconv_nn::inference::{Network, NetworkOptions};

use crate::error::Result;
use crate::inference::{self, Model};

/// Shapes that are kept: each has the weights packed once more.
const KEPT: usize = 4;

/// A network, and its inference form for the last shapes that were asked for.
///
/// ```
/// use burn::tensor::Device;
/// use upconv_models::fcn::{Fcn, FcnConfig};
/// use upconv_models::segmentation::Shapes;
/// let net = Fcn::new(&FcnConfig::small().with_width(0.125), &Device::flex())?;
/// let shapes = Shapes::new(net, Default::default());
/// let network = shapes.of([1, 3, 37, 50])?;
/// assert_eq!(network.output_shapes(), [[1, 2, 37, 50]]);
/// # Ok::<(), upconv_models::ModelError>(())
/// ```
#[derive(Debug)]
pub struct Shapes<M> {
    net: M,
    options: NetworkOptions,
    /// The one that was asked for last stands last.
    kept: Mutex<Vec<([usize; 4], Arc<Network>)>>,
}

impl<M: Model> Shapes<M> {
    /// Nothing is packed yet.
    pub fn new(net: M, options: NetworkOptions) -> Self {
        Self { net, options, kept: Mutex::default() }
    }

    /// The network itself.
    pub fn net(&self) -> &M {
        &self.net
    }

    /// The inference form for `[n, c, h, w]`.
    ///
    /// # Errors
    /// A shape that does not fit.
    pub fn of(&self, shape: [usize; 4]) -> Result<Arc<Network>> {
        // Held while weights are packed: who needs the same shape waits for it.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = match kept.iter().position(|(of, _)| *of == shape) {
            Some(at) => kept.remove(at),
            None => (shape, Arc::new(inference::of(&self.net, shape, &self.options)?)),
        };
        let network = found.1.clone();
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push(found);
        Ok(network)
    }
}
