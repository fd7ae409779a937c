//! What Caffe calls the parameters of an AlexNet.

use upconv_weights::{RenameTable, Rule};

use super::{AlexNetConfig, Norm};
use crate::naming::{caffe_conv, caffe_matrix, caffe_norm};

/// From the names of `bvlc_alexnet`, `bvlc_reference_caffenet` and CVGJ's AlexNet: `conv1`, `fc6`, and of the last
/// `data/bn` and `conv1/bn`.
///
/// Tensors are called by layer and number of blob, `conv1/0`, norms are as expected once they have been put into the usual
/// form, `conv1/bn/running_mean`.
pub fn caffe_names(config: &AlexNetConfig) -> RenameTable {
    let within = |ours: &str, part: &str| match config.norm {
        Norm::Batch => format!("{ours}.{part}"),
        Norm::BeforePool | Norm::AfterPool => ours.to_owned(),
    };
    let mut rules: Vec<Rule> = caffe_norm("data/bn", "data_bn").into();
    for layer in ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"] {
        let taken = if layer.starts_with("conv") { caffe_conv } else { caffe_matrix };
        rules.extend(taken(layer, &within(layer, "conv")));
        rules.extend(caffe_norm(&format!("{layer}/bn"), &within(layer, "bn")));
    }
    rules.extend(caffe_matrix("fc8", "fc8"));
    RenameTable::new(rules)
}
