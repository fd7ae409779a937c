//! What Caffe calls the parameters of an AlexNet.

use upconv_weights::{RenameTable, Rule};

use super::{AlexNetConfig, Norm};
use crate::naming::{caffe_conv, caffe_matrix, caffe_norm, caffe_scale};

/// From the names of `bvlc_alexnet`, `bvlc_reference_caffenet` and CVGJ's AlexNet: `conv1`, `fc6`, and of the last
/// `data/bn`, `data/scale` and `conv1/bn`.
///
/// Tensors are called by layer and number of blob, `conv1/0`, and are as expected once means and variances have been
/// divided by blob 2 of their `BatchNorm`.
pub fn caffe_names(config: &AlexNetConfig) -> RenameTable {
    let within = |ours: &str, part: &str| match config.norm {
        Norm::Batch => format!("{ours}.{part}"),
        Norm::BeforePool | Norm::AfterPool => ours.to_owned(),
    };
    let mut rules: Vec<Rule> = caffe_norm("data/bn", "data_bn").into();
    rules.extend(caffe_scale("data/scale", "data_bn"));
    for layer in ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"] {
        let taken = if layer.starts_with("conv") { caffe_conv } else { caffe_matrix };
        rules.extend(taken(layer, &within(layer, "conv")));
        rules.extend(caffe_norm(&format!("{layer}/bn"), &within(layer, "bn")));
    }
    rules.extend(caffe_matrix("fc8", "fc8"));
    RenameTable::new(rules)
}
