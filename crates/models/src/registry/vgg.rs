//! VGG, and AlexNet before it.

use burn::tensor::Device;
use upconv_weights::Source;
use upconv_weights::metadata::{Fit, Input, Order};

use super::ways::{Way, convert};
use super::{Conversion, Entry, Text, compiled};
use crate::alexnet::{self, AlexNet, AlexNetConfig, Norm};
use crate::description::describe;
use crate::error::Result;
use crate::picture;
use crate::vgg::{self, Vgg, VggConfig};

/// What VGG's authors subtract, blue first.
const VGG_MEAN: [f64; 3] = [103.939, 116.779, 123.68];

/// The mean of Caffe's `ilsvrc_2012_mean.npy`, blue first.
const CAFFE_MEAN: [f64; 3] = [104.0069879317889, 116.66876761696767, 122.6789143406786];

const BASE: Entry = Entry {
    name: "",
    system: Text { en: "", zh: "" },
    paper: "Simonyan, Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, 2014",
    input: [1, 3, 224, 224],
    weights: &[],
    strengths: Text {
        en: "simple: 3x3 convolutions and poolings; its maps serve many other networks; reads weights of Caffe (old \
             form and new), TFLearn, Keras, vgg16.npy and torchvision; larger pictures get the mean of the scores of all places",
        zh: "结构简单：3x3 卷积与池化；特征图被许多网络沿用；可读 Caffe（新旧格式）、TFLearn、Keras、vgg16.npy 与 torchvision 的\
             权重；更大的图片取各处得分的平均",
    },
    weaknesses: Text {
        en: "no weights come with the program; 138 to 144 million parameters, 103 of them in fc6; five times the work of \
             ResNet-50 for less exact answers; pictures of more than 192 pixels only",
        zh: "程序不带权重；参数 1.38 到 1.44 亿，其中 fc6 占 1.03 亿；计算量为 ResNet-50 的五倍而准确度更低；\
             图片须大于 192 像素",
    },
    choose_instead: Text {
        en: "resnet50 for better answers with a fifth of the work; efficientnet-lite0 for a fraction of it",
        zh: "要更准且只用五分之一算力，请用 resnet50；更省请用 efficientnet-lite0",
    },
    layers: |entry| describe(&vgg_net(&vgg_config(entry.name))?, entry.input),
    conversion: vgg_converted,
    network: Some(|entry, stored, shape, options| compiled(entry, stored, shape, options, vgg_net)),
    selftest: None,
    built_in: None,
    sampler: None,
    segmenter: None,
};

pub(super) const VGG16: Entry = Entry {
    name: vgg::NAME,
    system: Text {
        en: "VGG-16: one of ImageNet's 1000 classes",
        zh: "VGG-16：ImageNet 1000 类之一",
    },
    ..BASE
};

pub(super) const VGG19: Entry = Entry {
    name: "vgg19",
    system: Text {
        en: "VGG-19: one of ImageNet's 1000 classes",
        zh: "VGG-19：ImageNet 1000 类之一",
    },
    ..BASE
};

const CVGJ_PAPER: &str =
    "Simon, Rodner, Denzler, ImageNet pre-trained models with batch normalization, 2016";
const CVGJ_STRENGTHS: Text = Text {
    en: "takes bytes as they are: the picture is normalised inside; better than the original; reads CVGJ's Caffe files",
    zh: "直接接收原始字节：图片在网络内归一化；优于原版；可读 CVGJ 的 Caffe 文件",
};

pub(super) const CVGJ: Entry = Entry {
    name: "vgg19-cvgj",
    system: Text {
        en: "CVGJ's VGG-19 with batch norm: one of ImageNet's 1000 classes",
        zh: "CVGJ 带批归一化的 VGG-19：ImageNet 1000 类之一",
    },
    paper: CVGJ_PAPER,
    strengths: CVGJ_STRENGTHS,
    ..BASE
};

pub(super) const ALEXNET: Entry = Entry {
    name: alexnet::NAME,
    system: Text {
        en: "AlexNet, as Caffe's bvlc_alexnet: one of ImageNet's 1000 classes",
        zh: "AlexNet（Caffe 的 bvlc_alexnet）：ImageNet 1000 类之一",
    },
    paper: "Krizhevsky, Sutskever, Hinton, ImageNet Classification with Deep Convolutional Neural Networks, 2012",
    input: [1, 3, 227, 227],
    strengths: Text {
        en: "few convolutions, so fast for its size; where deep networks for pictures began; reads Caffe's weights",
        zh: "卷积少，相对其大小很快；图像深度网络的起点；可读 Caffe 权重",
    },
    weaknesses: Text {
        en: "no weights come with the program; 61 million parameters for answers that far smaller networks beat; \
             pictures of more than 192 pixels only",
        zh: "程序不带权重；6100 万参数，准确度却不及小得多的网络；图片须大于 192 像素",
    },
    layers: |entry| describe(&alexnet_net(&alexnet_config(entry.name))?, entry.input),
    conversion: alexnet_converted,
    network: Some(|entry, stored, shape, options| {
        compiled(entry, stored, shape, options, alexnet_net)
    }),
    ..BASE
};

pub(super) const CAFFENET: Entry = Entry {
    name: "caffenet",
    system: Text {
        en: "CaffeNet, Caffe's AlexNet that pools before it normalises: one of ImageNet's 1000 classes",
        zh: "CaffeNet，先池化后归一化的 AlexNet：ImageNet 1000 类之一",
    },
    ..ALEXNET
};

pub(super) const ALEXNET_CVGJ: Entry = Entry {
    name: "alexnet-cvgj",
    system: Text {
        en: "CVGJ's AlexNet with batch norm: one of ImageNet's 1000 classes",
        zh: "CVGJ 带批归一化的 AlexNet：ImageNet 1000 类之一",
    },
    paper: CVGJ_PAPER,
    strengths: CVGJ_STRENGTHS,
    ..ALEXNET
};

fn vgg_net(config: &VggConfig) -> Result<Vgg> {
    Vgg::new(config, &Device::flex())
}

fn vgg_config(name: &str) -> VggConfig {
    match name {
        "vgg19" => VggConfig::vgg19(),
        "vgg19-cvgj" => VggConfig::vgg19_cvgj(),
        _ => VggConfig::vgg16(),
    }
}

fn vgg_converted(entry: &Entry, source: &Source) -> Result<Conversion> {
    let size = [224, 224];
    let usual = vgg_config(entry.name);
    let caffe = picture::caffe_crop(size, VGG_MEAN);
    if usual.norm {
        let bytes = Input { mean: None, ..caffe };
        // Biases go when Caffe's norms are put into the usual form.
        let bias = source.weights.get("conv1_1/1").is_some();
        let config = VggConfig { bias, ..usual.clone() };
        let ways = vec![Way { table: vgg::caffe_names(&config), config, input: bytes.clone() }];
        return convert(entry, source, (&usual, &bytes), ways, vgg_net);
    }
    let way = |table, input: &Input| Way { config: usual.clone(), table, input: input.clone() };
    let rgb = Input {
        order: Order::Rgb,
        mean: Some(VGG_MEAN.into_iter().rev().collect()),
        ..picture::caffe(size)
    };
    let torch = picture::torchvision(size);
    let ways = vec![
        way(vgg::caffe_names(&usual), &caffe),
        // TFLearn's example stretches pictures and leaves the colours in their order.
        way(vgg::tflearn_names(&usual), &rgb),
        way(vgg::tensorflow_names(&usual), &caffe),
        way(vgg::torch_names(&usual), &torch),
        // Keras stretches pictures, and subtracts the authors' means.
        way(vgg::keras_names(&usual), &picture::caffe(size)),
    ];
    convert(entry, source, (&usual, &caffe), ways, vgg_net)
}

fn alexnet_net(config: &AlexNetConfig) -> Result<AlexNet> {
    AlexNet::new(config, &Device::flex())
}

fn alexnet_config(name: &str) -> AlexNetConfig {
    match name {
        "alexnet-cvgj" => AlexNetConfig::cvgj(),
        "caffenet" => AlexNetConfig { norm: Norm::AfterPool, ..Default::default() },
        _ => AlexNetConfig::default(),
    }
}

fn alexnet_converted(entry: &Entry, source: &Source) -> Result<Conversion> {
    let usual = alexnet_config(entry.name);
    let caffe = picture::caffe_crop([227, 227], CAFFE_MEAN);
    let (bias, input) = match usual.norm {
        Norm::Batch => (source.weights.get("conv1/1").is_some(), Input { mean: None, ..caffe }),
        // Caffe's classifier stretches pictures to 256 x 256 first.
        _ => (true, Input { fit: Fit::Stretch, ..caffe }),
    };
    let config = AlexNetConfig { bias, ..usual.clone() };
    let ways = vec![Way { table: alexnet::caffe_names(&config), config, input: input.clone() }];
    convert(entry, source, (&usual, &input), ways, alexnet_net)
}
