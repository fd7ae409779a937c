//! What frameworks call the tensors of a layer, as rules to our names.

use upconv_weights::{Axes, Rule};

/// A convolution of Caffe: blob 0 `[out, in / groups, kh, kw]`, blob 1 `[out]`. Old files write missing axes as ones, so
/// that of all but convolutions the cells are what counts.
pub(crate) fn caffe_conv(theirs: &str, ours: &str) -> [Rule; 2] {
    caffe_layer(theirs, ours, Axes::Keep)
}

/// A fully connected layer of Caffe: blob 0 `[out, in]`, where inputs lie in the order channel, height, width, and blob 1
/// `[out]`.
pub(crate) fn caffe_matrix(theirs: &str, ours: &str) -> [Rule; 2] {
    caffe_layer(theirs, ours, Axes::Reshape)
}

fn caffe_layer(theirs: &str, ours: &str, axes: Axes) -> [Rule; 2] {
    [
        Rule::take(format!("{theirs}/0"), format!("{ours}.weight"), axes),
        Rule::take(format!("{theirs}/1"), format!("{ours}.bias"), Axes::Reshape),
    ]
}

/// A `BatchNorm` of Caffe with the `Scale` behind it, once a step of their own has put both into the usual form under the
/// name of the `BatchNorm`: sums of means and variances divided by blob 2, and factors and shifts of the `Scale` as `weight`
/// and `bias`. Blobs as the file has them are not taken, since they would be read undivided.
pub(crate) fn caffe_norm(theirs: &str, ours: &str) -> [Rule; 4] {
    let take = |field: &str, own: &str| {
        Rule::take(format!("{theirs}/{field}"), format!("{ours}.{own}"), Axes::Reshape)
    };
    [
        take("running_mean", "running_mean"),
        take("running_var", "running_var"),
        take("weight", "gamma"),
        take("bias", "beta"),
    ]
}

/// A batch norm of PyTorch.
pub(crate) fn torch_norm(theirs: &str, ours: &str) -> [Rule; 5] {
    let take = |field: &str, own: &str| {
        Rule::take(format!("{theirs}.{field}"), format!("{ours}.{own}"), Axes::Keep)
    };
    [
        take("weight", "gamma"),
        take("bias", "beta"),
        take("running_mean", "running_mean"),
        take("running_var", "running_var"),
        Rule::ignore(format!("{theirs}.num_batches_tracked"), "counts the batches of training"),
    ]
}

/// A convolution or fully connected layer of PyTorch.
pub(crate) fn torch_layer(theirs: &str, ours: &str) -> [Rule; 2] {
    ["weight", "bias"]
        .map(|field| Rule::take(format!("{theirs}.{field}"), format!("{ours}.{field}"), Axes::Keep))
}
