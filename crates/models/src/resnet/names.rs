//! What others call the parameters of a ResNet.
//!
//! | ours | He et al., Caffe | open_nsfw, Caffe | tensorflow-resnet | torchvision | Keras |
//! | --- | --- | --- | --- | --- | --- |
//! | `conv1`, `bn1` | `conv1`, `bn_conv1` | `conv_1`, `bn_1` | `scale1` | `conv1`, `bn1` | `conv1_conv`, `_bn` |
//! | `layer2.1.conv3`, `.bn3` | `res3b_branch2c`, `bn3b_branch2c` | `conv_stage1_block1_branch2c`, `bn_..` | `scale3/block2/c` | `layer2.1.conv3`, `.bn3` | `conv3_block2_3_conv`, `_bn` |
//! | `layer2.0.downsample` | `res3a_branch1` | `conv_stage1_block0_proj_shortcut` | `scale3/block1/shortcut` | `layer2.0.downsample.0`, `.1` | `conv3_block1_0_conv`, `_bn` |
//! | `fc` | `fc1000` | `fc_nsfw` | `fc` | `fc` | `predictions` |
//!
//! Blocks of Caffe are `a`, `b`, `c` and so on; in stages 3 and 4 of ResNet-101 and -152 they are `a`, `b1`, `b2`. Both
//! schemes are in one table, as they share no name but those of first blocks.
//!
//! Tensors of Caffe are called by layer and number of blob, `conv1/0`; norms are as the tables expect them once they have
//! been put into the usual form, `bn_conv1/running_mean`, `running_var`, `weight` and `bias`, the last two from the `Scale`
//! behind them.

use upconv_weights::{Axes, RenameTable, Rule};

use super::{Kind, ResNetConfig};
use crate::naming::{caffe_conv, caffe_matrix, caffe_norm, torch_layer, torch_norm};

/// A convolution of a block, and the norm behind it.
struct Part {
    /// `conv2`, or `downsample`.
    field: &'static str,
    /// Of He et al.
    branch: &'static str,
    /// Of tensorflow-resnet.
    scope: &'static str,
}

const fn part(field: &'static str, branch: &'static str, scope: &'static str) -> Part {
    Part { field, branch, scope }
}

const DOWNSAMPLE: Part = part("downsample", "branch1", "shortcut");
const BASIC: [Part; 3] =
    [part("conv1", "branch2a", "A"), part("conv2", "branch2b", "B"), DOWNSAMPLE];
const BOTTLENECK: [Part; 4] = [
    part("conv1", "branch2a", "a"),
    part("conv2", "branch2b", "b"),
    part("conv3", "branch2c", "c"),
    DOWNSAMPLE,
];

/// A block of the network.
struct Block {
    /// Stage and block, counted from 0.
    stage: usize,
    number: usize,
}

impl Block {
    fn all(config: &ResNetConfig) -> impl Iterator<Item = Self> {
        let blocks = config.blocks.into_iter().enumerate();
        blocks.flat_map(|(stage, blocks)| (0..blocks).map(move |number| Self { stage, number }))
    }

    /// Where it stands in our network.
    fn ours(&self) -> String {
        format!("layer{}.{}", self.stage + 1, self.number)
    }
}

impl Part {
    fn of(kind: Kind) -> &'static [Self] {
        match kind {
            Kind::Basic => &BASIC,
            Kind::Bottleneck => &BOTTLENECK,
        }
    }

    /// Our convolution and our norm in a block.
    fn ours(&self, block: &Block) -> [String; 2] {
        let (block, field) = (block.ours(), self.field);
        match field.strip_prefix("conv") {
            Some(number) => [format!("{block}.{field}"), format!("{block}.bn{number}")],
            None => [format!("{block}.{field}.conv"), format!("{block}.{field}.bn")],
        }
    }
}

/// A convolution of Caffe with its `BatchNorm`.
fn caffe(theirs: [&str; 2], ours: [&str; 2]) -> impl Iterator<Item = Rule> {
    caffe_conv(theirs[0], ours[0]).into_iter().chain(caffe_norm(theirs[1], ours[1]))
}

/// From the names of the authors' Caffe files, with 50, 101 and 152 layers; see the module for their form.
///
/// ```
/// use upconv_models::resnet::{ResNetConfig, caffe_names};
/// use upconv_weights::Rule;
/// let table = caffe_names(&ResNetConfig::resnet101());
/// let to = |name: &str| {
///     table.rules.iter().find_map(|rule| match rule {
///         Rule::Take { from, to, .. } if from == name => Some(to.to_string()),
///         _ => None,
///     })
/// };
/// assert_eq!(to("res4b22_branch2b/0").as_deref(), Some("layer3.22.conv2.weight"));
/// assert_eq!(to("bn5c_branch2c/bias").as_deref(), Some("layer4.2.bn3.beta"));
/// ```
pub fn caffe_names(config: &ResNetConfig) -> RenameTable {
    let mut rules: Vec<Rule> = caffe(["conv1", "bn_conv1"], ["conv1", "bn1"]).collect();
    for block in Block::all(config) {
        let mut schemes = Vec::new();
        if let Some(letter) = ('a'..='z').nth(block.number) {
            schemes.push(format!("{}{letter}", block.stage + 2));
        }
        if block.number > 0 {
            schemes.push(format!("{}b{}", block.stage + 2, block.number));
        }
        for scheme in schemes {
            for part in Part::of(config.kind) {
                let theirs = ["res", "bn"].map(|kind| format!("{kind}{scheme}_{}", part.branch));
                let ours = part.ours(&block);
                rules.extend(caffe(theirs.each_ref().map(|s| &**s), ours.each_ref().map(|s| &**s)));
            }
        }
    }
    rules.extend(caffe_matrix("fc1000", "fc"));
    RenameTable::new(rules)
}

/// From the names of open_nsfw's Caffe file; see the module for their form.
pub fn open_nsfw_names(config: &ResNetConfig) -> RenameTable {
    let mut rules: Vec<Rule> = caffe(["conv_1", "bn_1"], ["conv1", "bn1"]).collect();
    for block in Block::all(config) {
        for part in Part::of(config.kind) {
            let branch = if part.field == DOWNSAMPLE.field { "proj_shortcut" } else { part.branch };
            let at = format!("stage{}_block{}_{branch}", block.stage, block.number);
            let theirs = ["conv", "bn"].map(|kind| format!("{kind}_{at}"));
            let ours = part.ours(&block);
            rules.extend(caffe(theirs.each_ref().map(|s| &**s), ours.each_ref().map(|s| &**s)));
        }
    }
    rules.extend(caffe_matrix("fc_nsfw", "fc"));
    RenameTable::new(rules)
}

/// From the names of CVGJ's Caffe files; see the module for their form.
///
/// Layers are called after channels and the number of a block of these, from 1: `layer_128_1_conv2`. The channels are
/// those in the middle of a block.
pub fn cvgj_names(config: &ResNetConfig) -> RenameTable {
    let mut rules: Vec<Rule> = caffe_norm("data_bn", "data_bn").into();
    rules.extend(caffe_conv("conv1", "conv1"));
    rules.extend(caffe_norm("conv1_bn", "bn1"));
    for block in Block::all(config) {
        let theirs = format!("layer_{}_{}", config.middle(block.stage), block.number + 1);
        let ours = block.ours();
        for n in 1..=3 {
            rules.extend(caffe_norm(&format!("{theirs}_bn{n}"), &format!("{ours}.bn{n}")));
            rules.extend(caffe_conv(&format!("{theirs}_conv{n}"), &format!("{ours}.conv{n}")));
        }
        rules.extend(caffe_conv(&format!("{theirs}_conv_expand"), &format!("{ours}.expand")));
    }
    rules.extend(caffe_norm("last_bn", "last_bn"));
    rules.extend(caffe_matrix("score", "fc"));
    RenameTable::new(rules)
}

/// From the names of tensorflow-resnet's checkpoints: `scale3/block2/c/weights`, `[kh, kw, in, out]`.
pub fn tensorflow_names(config: &ResNetConfig) -> RenameTable {
    let scope = |theirs: &str, [conv, norm]: [&str; 2]| {
        let take =
            |field: &str, own: String, axes| Rule::take(format!("{theirs}/{field}"), own, axes);
        [
            take("weights", format!("{conv}.weight"), Axes::HWIO_TO_OIHW),
            take("gamma", format!("{norm}.gamma"), Axes::Keep),
            take("beta", format!("{norm}.beta"), Axes::Keep),
            take("moving_mean", format!("{norm}.running_mean"), Axes::Keep),
            take("moving_variance", format!("{norm}.running_var"), Axes::Keep),
        ]
    };
    let mut rules: Vec<Rule> = scope("scale1", ["conv1", "bn1"]).into();
    for block in Block::all(config) {
        for part in Part::of(config.kind) {
            let theirs =
                format!("scale{}/block{}/{}", block.stage + 2, block.number + 1, part.scope);
            rules.extend(scope(&theirs, part.ours(&block).each_ref().map(|s| &**s)));
        }
    }
    rules.push(Rule::take("fc/weights", "fc.weight", Axes::Permute(&[1, 0])));
    rules.push(Rule::take("fc/biases", "fc.bias", Axes::Keep));
    RenameTable::new(rules)
}

/// From the names of `keras.applications`, ResNet-50, -101 and -152, in files of Keras 2 (`conv1_conv/kernel`) and 3
/// (`layers/conv2d/vars/0`). Keras 3 numbers the layers of a class as they come: in the first block of a stage the
/// shortcut stands before the third convolution.
pub fn keras_names(config: &ResNetConfig) -> RenameTable {
    const FIELDS: [&str; 4] = ["gamma", "beta", "running_mean", "running_var"];
    const THEIRS: [&str; 4] = ["gamma", "beta", "moving_mean", "moving_variance"];
    let mut rules = Vec::new();
    let mut number = 0;
    let mut take = |theirs: &str, [conv, norm]: [String; 2]| {
        let numbered = |class: &str| match number {
            0 => format!("layers/{class}/vars"),
            _ => format!("layers/{class}_{number}/vars"),
        };
        let third = numbered("conv2d");
        for from in [format!("{theirs}_conv/kernel"), format!("{third}/0")] {
            rules.push(Rule::take(from, format!("{conv}.weight"), Axes::HWIO_TO_OIHW));
        }
        for from in [format!("{theirs}_conv/bias"), format!("{third}/1")] {
            rules.push(Rule::take(from, format!("{conv}.bias"), Axes::Keep));
        }
        let third = numbered("batch_normalization");
        for (at, (field, own)) in THEIRS.into_iter().zip(FIELDS).enumerate() {
            for from in [format!("{theirs}_bn/{field}"), format!("{third}/{at}")] {
                rules.push(Rule::take(from, format!("{norm}.{own}"), Axes::Keep));
            }
        }
        number += 1;
    };
    take("conv1", ["conv1".into(), "bn1".into()]);
    for block in Block::all(config) {
        let theirs = format!("conv{}_block{}", block.stage + 2, block.number + 1);
        let [first, second, third, shortcut] = &BOTTLENECK;
        let shortcut = (block.number == 0).then_some((shortcut, 0));
        let parts = [Some((first, 1)), Some((second, 2)), shortcut, Some((third, 3))];
        for (part, n) in parts.into_iter().flatten() {
            take(&format!("{theirs}_{n}"), part.ours(&block));
        }
    }
    for (weight, bias) in
        [("predictions/kernel", "predictions/bias"), ("layers/dense/vars/0", "layers/dense/vars/1")]
    {
        rules.push(Rule::take(weight, "fc.weight", Axes::Permute(&[1, 0])));
        rules.push(Rule::take(bias, "fc.bias", Axes::Keep));
    }
    RenameTable::new(rules)
}

/// From the names of torchvision's state dictionaries.
pub fn torch_names(config: &ResNetConfig) -> RenameTable {
    let mut rules: Vec<Rule> = torch_layer("conv1", "conv1").into();
    rules.extend(torch_norm("bn1", "bn1"));
    for block in Block::all(config) {
        for part in Part::of(config.kind) {
            let [conv, norm] = part.ours(&block);
            let theirs = match part.field {
                "downsample" => ["0", "1"].map(|n| format!("{}.downsample.{n}", block.ours())),
                _ => [conv.clone(), norm.clone()],
            };
            rules.extend(torch_layer(&theirs[0], &conv));
            rules.extend(torch_norm(&theirs[1], &norm));
        }
    }
    rules.extend(torch_layer("fc", "fc"));
    RenameTable::new(rules)
}
