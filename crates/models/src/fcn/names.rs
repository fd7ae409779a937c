//! The trunk from weights of VGG-16.

use upconv_nn::parameters;
use upconv_weights::{Axes, Expected, RenameTable, Rule, Tensor, Weights};

use super::{Fcn, FcnConfig, NAME, Trunk};
use crate::error::{ModelError, Result};
use crate::stored;

/// Side of the map that VGG's first fully connected layer looks at.
const SIDE: usize = 7;

/// From the names of `vgg16.npy` to ours: `conv1_1/weights` (`filter`, as TensorFlow's checkpoints of it say, is as good)
/// and `conv1_1/biases` to `fc7`. Weights are `[kh, kw, in, out]`, which [`load_vgg`] makes of those of `fc6` and `fc7`.
///
/// # Source
/// `vgg16.npy` of tensorflow-vgg, which KittiSeg loads; its first convolution reads blue, green, red.
pub fn vgg_names(config: &FcnConfig) -> RenameTable {
    let mut rules = Vec::new();
    let mut layer = |theirs: String, ours: String| {
        for weight in ["weights", "filter"] {
            let (from, to) = (format!("{theirs}/{weight}"), format!("{ours}.weight"));
            rules.push(Rule::take(from, to, Axes::HWIO_TO_OIHW));
        }
        rules.push(Rule::take(format!("{theirs}/biases"), format!("{ours}.bias"), Axes::Keep));
    };
    for block in 1..=5 {
        for conv in 1..=(if block < 3 { 2 } else { 3 }) {
            layer(format!("conv{block}_{conv}"), format!("block{block}.{}", conv - 1));
        }
    }
    let with_head = matches!(config.trunk, Trunk::Vgg { head: Some(_), .. });
    if with_head {
        layer("fc6".into(), "fc6".into());
        layer("fc7".into(), "fc7".into());
    }
    for field in ["weights", "biases"] {
        if !with_head {
            let reason = "scores are made of the fifth pooling";
            rules.push(Rule::ignore(format!("fc6/{field}"), reason));
            rules.push(Rule::ignore(format!("fc7/{field}"), reason));
        }
        let reason = "scores of ImageNet's classes, in whose place the network's own stand";
        rules.push(Rule::ignore(format!("fc8/{field}"), reason));
    }
    RenameTable::new(rules)
}

/// The network with the trunk of VGG-16's weights, in the names of [`vgg_names`]; everything else stays as it is. `file`
/// is what errors call the weights. Matrices of `fc6` have rows in the order height, width, channel.
///
/// # Errors
/// A network whose trunk is no VGG; a tensor that is missing, unknown, of another shape, or not finite.
pub fn load_vgg(net: Fcn, config: &FcnConfig, file: &str, weights: &Weights) -> Result<Fcn> {
    let Trunk::Vgg { .. } = config.trunk else {
        let reason = "weights of VGG are for a trunk of the kind vgg".into();
        return Err(ModelError::Setting { model: NAME, setting: "trunk", reason });
    };
    let expected: Vec<Expected> = parameters::list(&net)
        .into_iter()
        .filter(|(name, _)| name.starts_with("block") || name.starts_with("fc"))
        .map(|(name, shape)| Expected::new(name, shape))
        .collect();
    let tensors = weights.tensors().iter().cloned().map(kernel).collect::<Result<Vec<_>>>()?;
    let table = vgg_names(config);
    table.balance(&tensors, &expected)?.check(file, &Default::default())?;
    let (tensors, _) = table.apply(tensors, &expected)?;
    stored::replaced(net, file, &tensors)
}

/// A matrix `[in, out]` as the kernel that it is.
fn kernel(tensor: Tensor) -> Result<Tensor> {
    let side = match tensor.name().split('/').next() {
        Some("fc6") => SIDE,
        Some("fc7") => 1,
        _ => return Ok(tensor),
    };
    match *tensor.shape() {
        [rows, out] => Ok(tensor.reshaped(&[side, side, rows / (side * side), out])?),
        _ => Ok(tensor),
    }
}
