//! The trunk from weights of VGG-16.

use upconv_nn::parameters;
use upconv_weights::{Axes, Expected, RenameTable, Rule, Tensor, Weights};

use super::{Fcn, FcnConfig, NAME, Trunk};
use crate::error::{ModelError, Result};
use crate::stored;

/// Side of the map that VGG's first fully connected layer looks at.
const SIDE: usize = 7;

/// What weights and biases of a layer are called: by `vgg16.npy`, which holds lists of both, and by TensorFlow's
/// checkpoints of convolutions and of matrices.
const WEIGHTS: [&str; 3] = ["0", "filter", "weights"];
const BIASES: [&str; 2] = ["1", "biases"];

/// From the names of `vgg16.npy` to ours: `conv1_1/0` and `conv1_1/1`, weights and biases, to those of `fc7`; names of
/// TensorFlow's checkpoints (`conv1_1/filter`, `fc6/weights`, `fc6/biases`) are as good. Weights are
/// `[kh, kw, in, out]`, which [`load_vgg`] makes of those of `fc6` and `fc7`.
///
/// # Source
/// `vgg16.npy` of tensorflow-vgg, which KittiSeg loads; its first convolution reads blue, green, red.
pub fn vgg_names(config: &FcnConfig) -> RenameTable {
    let mut rules = Vec::new();
    for block in 1..=5 {
        for conv in 1..=(if block < 3 { 2 } else { 3 }) {
            let (theirs, ours) =
                (format!("conv{block}_{conv}"), format!("block{block}.{}", conv - 1));
            rules.extend(taken(&theirs, &ours));
        }
    }
    for fc in ["fc6", "fc7"] {
        match config.trunk {
            Trunk::Vgg { head: Some(_), .. } => rules.extend(taken(fc, fc)),
            _ => rules.extend(ignored(fc, "scores are made of the fifth pooling")),
        }
    }
    let reason = "scores of ImageNet's classes, in whose place the network's own stand";
    rules.extend(ignored("fc8", reason));
    RenameTable::new(rules)
}

fn taken(theirs: &str, ours: &str) -> impl Iterator<Item = Rule> {
    let take = move |field: &str, own: &str, axes| {
        Rule::take(format!("{theirs}/{field}"), format!("{ours}.{own}"), axes)
    };
    let weights = WEIGHTS.into_iter().map(move |field| take(field, "weight", Axes::HWIO_TO_OIHW));
    weights.chain(BIASES.into_iter().map(move |field| take(field, "bias", Axes::Keep)))
}

fn ignored(theirs: &str, reason: &'static str) -> impl Iterator<Item = Rule> {
    let fields = WEIGHTS.into_iter().chain(BIASES);
    fields.map(move |field| Rule::ignore(format!("{theirs}/{field}"), reason))
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
