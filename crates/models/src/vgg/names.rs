//! What others call the parameters of a VGG.
//!
//! | ours | Caffe | CVGJ, Caffe | TFLearn | torchvision, VGG-16 | Keras |
//! | --- | --- | --- | --- | --- | --- |
//! | `block2.0` | `conv2_1` | `conv2_1`, `conv2_1/bn` | `conv2_1/W`, `/b` | `features.5` | `block2_conv1` |
//! | `fc6` | `fc6` | `fc6`, `fc6/bn` | `fc6/W`, `/b` | `classifier.0` | `fc1` |
//!
//! Tensors of Caffe are called by layer and number of blob, `conv1_1/0`, and norms are as the tables expect them
//! once they have been put into the usual form, `conv1_1/bn/running_mean`. Its matrices have columns in the order channel, height,
//! width; those of TensorFlow have rows in the order height, width, channel.

use upconv_weights::{Axes, RenameTable, Rule};

use super::VggConfig;
use crate::naming::{caffe_conv, caffe_matrix, caffe_norm, torch_layer};

/// Caffe's names of convolutions, and where they stand in our network.
fn convs(config: &VggConfig) -> Vec<(String, String)> {
    let blocks = config.depths.into_iter().enumerate();
    let of_block = |(block, depth): (usize, usize)| {
        (0..depth).map(move |n| {
            (format!("conv{}_{}", block + 1, n + 1), format!("block{}.{n}", block + 1))
        })
    };
    blocks.flat_map(of_block).collect()
}

const FULLY_CONNECTED: [&str; 3] = ["fc6", "fc7", "fc8"];

/// From the names of the authors' Caffe files, old form and new, and of CVGJ's; see the module for their form.
pub fn caffe_names(config: &VggConfig) -> RenameTable {
    let mut rules: Vec<Rule> = caffe_norm("data/bn", "data_bn").into();
    let within = |ours: &str, part: &str| {
        if config.norm { format!("{ours}.{part}") } else { ours.to_owned() }
    };
    for (theirs, ours) in convs(config) {
        rules.extend(caffe_conv(&theirs, &within(&ours, "conv")));
        rules.extend(caffe_norm(&format!("{theirs}/bn"), &within(&ours, "bn")));
    }
    for fc in ["fc6", "fc7"] {
        rules.extend(caffe_matrix(fc, &within(fc, "conv")));
        rules.extend(caffe_norm(&format!("{fc}/bn"), &within(fc, "bn")));
    }
    rules.extend(caffe_matrix("fc8", "fc8"));
    RenameTable::new(rules)
}

/// Weights and biases of TensorFlow under two words.
fn tensorflow(config: &VggConfig, [weight, bias]: [&str; 2]) -> Vec<Rule> {
    let mut rules = Vec::new();
    let mut take = |theirs: &str, ours: &str, axes| {
        rules.push(Rule::take(format!("{theirs}/{weight}"), format!("{ours}.weight"), axes));
        rules.push(Rule::take(format!("{theirs}/{bias}"), format!("{ours}.bias"), Axes::Keep));
    };
    convs(config).iter().for_each(|(theirs, ours)| take(theirs, ours, Axes::HWIO_TO_OIHW));
    FULLY_CONNECTED.into_iter().for_each(|fc| take(fc, fc, Axes::IO_TO_OIHW));
    rules
}

/// From the names of TFLearn's `vgg16.tflearn`: `conv1_1/W`, `fc6/b`.
pub fn tflearn_names(config: &VggConfig) -> RenameTable {
    RenameTable::new(tensorflow(config, ["W", "b"]))
}

/// From the names of `vgg16.npy`, `conv1_1/0` and `fc6/1`, and of TensorFlow's checkpoints, `conv1_1/filter`,
/// `fc6/weights`, `fc6/biases`.
pub fn tensorflow_names(config: &VggConfig) -> RenameTable {
    let mut rules = tensorflow(config, ["0", "1"]);
    rules.extend(tensorflow(config, ["filter", "biases"]));
    rules.extend(tensorflow(config, ["weights", "biases"]));
    RenameTable::new(rules)
}

/// From the names of `keras.applications`, in files of Keras 1 (`block1_conv1/block1_conv1_W_1`), 2 (`block1_conv1/kernel`)
/// and 3 (`layers/conv2d/vars/0`, numbered as the layers come).
pub fn keras_names(config: &VggConfig) -> RenameTable {
    let mut rules = Vec::new();
    let mut take = |theirs: &str, kind: &str, number: usize, ours: &str, axes| {
        let third = match number {
            0 => format!("layers/{kind}/vars"),
            _ => format!("layers/{kind}_{number}/vars"),
        };
        let weights =
            [format!("{theirs}/{theirs}_W_1"), format!("{theirs}/kernel"), format!("{third}/0")];
        let biases =
            [format!("{theirs}/{theirs}_b_1"), format!("{theirs}/bias"), format!("{third}/1")];
        rules.extend(weights.map(|from| Rule::take(from, format!("{ours}.weight"), axes)));
        rules.extend(biases.map(|from| Rule::take(from, format!("{ours}.bias"), Axes::Keep)));
    };
    for (number, (theirs, ours)) in convs(config).iter().enumerate() {
        let (block, n) = theirs.trim_start_matches("conv").split_once('_').unwrap_or_default();
        take(&format!("block{block}_conv{n}"), "conv2d", number, ours, Axes::HWIO_TO_OIHW);
    }
    for (number, theirs) in ["fc1", "fc2", "predictions"].into_iter().enumerate() {
        take(theirs, "dense", number, FULLY_CONNECTED[number], Axes::IO_TO_OIHW);
    }
    RenameTable::new(rules)
}

/// From the names of torchvision's state dictionaries, without batch norm; their matrices are as Caffe's.
pub fn torch_names(config: &VggConfig) -> RenameTable {
    let mut rules = Vec::new();
    // A convolution and its ReLU take a number each, and so does the pooling behind a block.
    let mut number = 0;
    for (block, depth) in config.depths.into_iter().enumerate() {
        for n in 0..depth {
            rules.extend(torch_layer(
                &format!("features.{number}"),
                &format!("block{}.{n}", block + 1),
            ));
            number += 2;
        }
        number += 1;
    }
    for (number, fc) in [0, 3, 6].into_iter().zip(FULLY_CONNECTED) {
        let theirs = format!("classifier.{number}");
        rules.push(Rule::take(format!("{theirs}.weight"), format!("{fc}.weight"), Axes::Reshape));
        rules.push(Rule::take(format!("{theirs}.bias"), format!("{fc}.bias"), Axes::Keep));
    }
    RenameTable::new(rules)
}
