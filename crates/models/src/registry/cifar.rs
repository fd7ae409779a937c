//! Small classifiers for CIFAR-10.

use burn::tensor::Device;
use upconv_weights::Source;
use upconv_weights::metadata::{Input, Resize};

use super::ways::{Way, convert};
use super::{Conversion, Entry, Text, compiled};
use crate::cifar::{
    CNN, Cnn, CnnConfig, Dense, DenseConfig, LABELS, SOFTMAX, TUTORIAL, TWO_LAYER, dense_names,
    keras_names,
};
use crate::description::describe;
use crate::error::Result;
use crate::picture;

const SIZE: [usize; 2] = [32, 32];

/// The mean colour of CIFAR-10's training pictures; the original subtracts the mean of every pixel.
const MEAN: [f64; 3] = [125.3, 123.0, 113.9];

const BASE: Entry = Entry {
    name: "",
    system: Text { en: "", zh: "" },
    paper: "Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009 (data)",
    input: [1, 3, 32, 32],
    weights: &[],
    strengths: Text {
        en: "trained within seconds to minutes on a CPU; a good first network to learn with",
        zh: "CPU 上几秒到几分钟即可训练；适合入门学习",
    },
    weaknesses: Text {
        en: "no weights come with the program; for pictures of 32x32 only, and far from the best there",
        zh: "程序不带权重；只适合 32x32 图片，准确度也远非最好",
    },
    choose_instead: Text {
        en: "resnet20 for better answers at this size; resnet18 for larger pictures",
        zh: "同尺寸要更准请用 resnet20；较大的图片请用 resnet18",
    },
    layers: |entry| describe(&dense(&dense_config(entry.name))?, entry.input),
    conversion: dense_converted,
    network: Some(|entry, stored, shape, options| compiled(entry, stored, shape, options, dense)),
    selftest: None,
    built_in: None,
    sampler: None,
    segmenter: None,
};

pub(super) const SOFTMAX_ENTRY: Entry = Entry {
    name: SOFTMAX,
    system: Text {
        en: "linear classifier of pictures of 32x32: one of 10 classes",
        zh: "32x32 图片的线性分类器：10 类之一",
    },
    ..BASE
};

pub(super) const TWO_LAYER_ENTRY: Entry = Entry {
    name: TWO_LAYER,
    system: Text {
        en: "classifier of pictures of 32x32 with one hidden layer: one of 10 classes",
        zh: "带一个隐藏层的 32x32 图片分类器：10 类之一",
    },
    ..BASE
};

pub(super) const CNN_ENTRY: Entry = Entry {
    name: CNN,
    system: Text {
        en: "six convolutions with batch norm for pictures of 32x32: one of 10 classes; the Keras model of cifar-10-model",
        zh: "六个卷积加批归一化，用于 32x32 图片：10 类之一；cifar-10-model 的 Keras 模型",
    },
    strengths: Text {
        en: "weights by `upconv data fetch cifar-cnn`; takes bytes as they are",
        zh: "可用 `upconv data fetch cifar-cnn` 获取权重；直接接收原始字节",
    },
    layers: |entry| describe(&cnn(&cnn_config(entry.name))?, entry.input),
    conversion: cnn_converted,
    network: Some(|entry, stored, shape, options| compiled(entry, stored, shape, options, cnn)),
    ..BASE
};

pub(super) const TUTORIAL_ENTRY: Entry = Entry {
    name: TUTORIAL,
    system: Text {
        en: "two convolutions for pictures of 32x32, after TensorFlow's tutorial: one of 10 classes",
        zh: "两个卷积，用于 32x32 图片，源自 TensorFlow 教程：10 类之一",
    },
    strengths: BASE.strengths,
    ..CNN_ENTRY
};

fn dense(config: &DenseConfig) -> Result<Dense> {
    Dense::new(config, &Device::flex())
}

fn dense_config(name: &str) -> DenseConfig {
    if name == SOFTMAX { DenseConfig::softmax() } else { DenseConfig::two_layer() }
}

fn cnn(config: &CnnConfig) -> Result<Cnn> {
    Cnn::new(config, &Device::flex())
}

fn cnn_config(name: &str) -> CnnConfig {
    if name == CNN { CnnConfig::default() } else { CnnConfig::tutorial() }
}

/// Bytes, less a mean or as they are. Photos shrink much on the way to 32 pixels: all of theirs count.
fn bytes(mean: Option<Vec<f64>>) -> Input {
    let resize = Resize::BilinearAntialias;
    Input { range: [0.0, 255.0], mean, resize, ..picture::unit(SIZE) }
}

/// With the names of CIFAR-10's classes, unless the weights have their own.
fn named(mut conversion: Conversion) -> Conversion {
    let labels = &mut conversion.metadata.labels;
    labels.get_or_insert_with(|| LABELS.map(String::from).to_vec());
    conversion
}

fn dense_converted(entry: &Entry, source: &Source) -> Result<Conversion> {
    let (usual, input) = (dense_config(entry.name), bytes(Some(MEAN.to_vec())));
    // The hidden layer is as wide as the file's.
    let hidden = source.weights.get("Layer1/biases").map(|bias| bias.cells());
    let config = DenseConfig { hidden: usual.hidden.and(hidden.or(usual.hidden)), ..usual.clone() };
    let ways = vec![Way { config, table: dense_names(), input: input.clone() }];
    Ok(named(convert(entry, source, (&usual, &input), ways, dense)?))
}

fn cnn_converted(entry: &Entry, source: &Source) -> Result<Conversion> {
    let usual = cnn_config(entry.name);
    let (input, ways) = match entry.name {
        CNN => {
            let input = bytes(None);
            let way = Way { config: usual.clone(), table: keras_names(), input: input.clone() };
            (input, vec![way])
        }
        _ => (bytes(Some(MEAN.to_vec())), Vec::new()),
    };
    Ok(named(convert(entry, source, (&usual, &input), ways, cnn)?))
}
