//! Small classifiers for CIFAR-10: a linear one, one with a hidden layer, and two convolutional ones. For residual ones
//! see [`crate::resnet_cifar`].

mod cnn;
mod dense;
#[cfg(test)]
mod tests;

pub use cnn::{CNN, Cnn, CnnConfig, CnnForm, TUTORIAL, keras_names};
pub use dense::{Dense, DenseConfig, SOFTMAX, TWO_LAYER, dense_initial, dense_names};

/// Classes of CIFAR-10.
const CLASSES: usize = 10;

/// Rows and columns of its pictures.
const SIDE: usize = 32;

/// The classes of CIFAR-10, in the order of their numbers.
///
/// # Source
/// Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
pub const LABELS: [&str; CLASSES] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
