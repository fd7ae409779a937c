//! ResNets.

use burn::tensor::Device;
use upconv_weights::Source;
use upconv_weights::metadata::{Fit, Input, Resize};

use super::ways::{Way, convert};
use super::{Conversion, Entry, Text, compiled, own};
use crate::description::describe;
use crate::error::Result;
use crate::picture;
use crate::resnet::{
    Bias, Form, Kind, ResNet, ResNetConfig, caffe_names, cvgj_names, keras_names, open_nsfw_names,
    tensorflow_names, torch_names,
};
use crate::resnet_cifar::{self, ResNetCifar, ResNetCifarConfig};

/// The mean of the authors' mean picture, blue first.
const MEAN: [f64; 3] = [103.062623801, 115.902882574, 123.151630838];

/// What open_nsfw subtracts, blue first.
const NSFW_MEAN: [f64; 3] = [104.0, 117.0, 123.0];

const SIZE: [usize; 2] = [224, 224];

/// What the ResNets for ImageNet have in common.
const BASE: Entry = Entry {
    name: "",
    system: Text { en: "", zh: "" },
    paper: "He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, 2015",
    input: [1, 3, 224, 224],
    weights: &[],
    strengths: Text {
        en: "well understood; any height and width; reads weights of torchvision, Keras, the authors' Caffe files and \
             tensorflow-resnet, each in the form that it was trained in (config.form: torch, keras, caffe, tf)",
        zh: "研究充分；任意高宽；可读 torchvision、Keras、作者的 Caffe 文件与 tensorflow-resnet 的权重，各按其训练时的形式\
             （config.form：torch、keras、caffe、tf）",
    },
    weaknesses: Text {
        en: "no weights come with the program; weights of one form give worse scores in another",
        zh: "程序不带权重；一种形式的权重用另一种形式会变差",
    },
    choose_instead: Text {
        en: "efficientnet-lite0 for a fraction of the work; resnet18 for the least among its kin, resnet152 for the most exact",
        zh: "要省算力请用 efficientnet-lite0；同族中最快的是 resnet18，最准的是 resnet152",
    },
    layers: |entry| describe(&net(&config(entry.name))?, entry.input),
    conversion: converted,
    network: Some(|entry, stored, shape, options| compiled(entry, stored, shape, options, net)),
    selftest: None,
    built_in: None,
    sampler: None,
    segmenter: None,
};

pub(super) const RESNET18: Entry = Entry {
    name: "resnet18",
    system: Text {
        en: "ResNet-18: one of ImageNet's 1000 classes; blocks of two convolutions",
        zh: "ResNet-18：ImageNet 1000 类之一；每块两个卷积",
    },
    ..BASE
};

pub(super) const RESNET34: Entry = Entry {
    name: "resnet34",
    system: Text {
        en: "ResNet-34: one of ImageNet's 1000 classes; blocks of two convolutions",
        zh: "ResNet-34：ImageNet 1000 类之一；每块两个卷积",
    },
    ..BASE
};

pub(super) const RESNET50: Entry = Entry {
    name: crate::resnet::NAME,
    system: Text {
        en: "ResNet-50: one of ImageNet's 1000 classes; the usual trunk of other networks",
        zh: "ResNet-50：ImageNet 1000 类之一；常用作其他网络的主干",
    },
    ..BASE
};

pub(super) const RESNET101: Entry = Entry {
    name: "resnet101",
    system: Text {
        en: "ResNet-101: one of ImageNet's 1000 classes",
        zh: "ResNet-101：ImageNet 1000 类之一",
    },
    ..BASE
};

pub(super) const RESNET152: Entry = Entry {
    name: "resnet152",
    system: Text {
        en: "ResNet-152: one of ImageNet's 1000 classes; the deepest of the paper",
        zh: "ResNet-152：ImageNet 1000 类之一；论文中最深的网络",
    },
    ..BASE
};

pub(super) const HALF: Entry = Entry {
    name: "resnet50-half",
    system: Text {
        en: "ResNet-50 of half the width, Caffe's form, two classes: the network of open_nsfw",
        zh: "半宽 ResNet-50，Caffe 形式，两类：open_nsfw 的网络",
    },
    strengths: Text {
        en: "a quarter of ResNet-50's parameters; reads open_nsfw's Caffe file, which `upconv data fetch resnet50-half` brings",
        zh: "参数只有 ResNet-50 的四分之一；可读 open_nsfw 的 Caffe 文件（`upconv data fetch resnet50-half` 获取）",
    },
    weaknesses: Text {
        en: "two classes only, of one data set; not a judge of pictures",
        zh: "只有两类，来自单一数据集；不能替人判断图片",
    },
    ..BASE
};

const CVGJ: Entry = Entry {
    paper: "Simon, Rodner, Denzler, ImageNet pre-trained models with batch normalization, 2016",
    strengths: Text {
        en: "takes bytes as they are: the picture is normalised inside; reads CVGJ's Caffe files",
        zh: "直接接收原始字节：图片在网络内归一化；可读 CVGJ 的 Caffe 文件",
    },
    weaknesses: Text {
        en: "no weights come with the program; the wiring of its first block is its own, so that no other weights fit",
        zh: "程序不带权重；第一个块的连接方式独特，其他权重不适用",
    },
    ..BASE
};

pub(super) const CVGJ10: Entry = Entry {
    name: "resnet10-cvgj",
    system: Text {
        en: "CVGJ's ResNet-10: norm and ReLU before convolutions; one of ImageNet's 1000 classes",
        zh: "CVGJ 的 ResNet-10：归一化与 ReLU 在卷积之前；ImageNet 1000 类之一",
    },
    ..CVGJ
};

pub(super) const CVGJ50: Entry = Entry {
    name: "resnet50-cvgj",
    system: Text {
        en: "CVGJ's ResNet-50: norm and ReLU before convolutions; one of ImageNet's 1000 classes",
        zh: "CVGJ 的 ResNet-50：归一化与 ReLU 在卷积之前；ImageNet 1000 类之一",
    },
    ..CVGJ
};

pub(super) const CIFAR: Entry = Entry {
    name: resnet_cifar::NAME,
    system: Text {
        en: "ResNet-20 for pictures of 32x32: one of 10 classes",
        zh: "用于 32x32 图片的 ResNet-20：10 类之一",
    },
    input: [1, 3, 32, 32],
    strengths: Text {
        en: "small enough for a CPU to train; deeper by config.blocks (5 make ResNet-32, 18 ResNet-110); skips by \
             projection or by zeros, as in the paper (config.shortcut)",
        zh: "小到 CPU 也能训练；config.blocks 可加深（5 为 ResNet-32，18 为 ResNet-110）；捷径可用投影或补零，\
             如论文（config.shortcut）",
    },
    weaknesses: Text {
        en: "no weights come with the program; for small pictures only",
        zh: "程序不带权重；只适合小图片",
    },
    choose_instead: Text {
        en: "cifar-cnn for weights that can be fetched; resnet18 for larger pictures",
        zh: "现成权重请用 cifar-cnn；较大的图片请用 resnet18",
    },
    layers: |entry| describe(&ResNetCifar::new(&Default::default(), &Device::flex())?, entry.input),
    conversion: |entry, source| {
        let net = |config: &ResNetCifarConfig| ResNetCifar::new(config, &Device::flex());
        own(entry.name, source, net, picture::normalised([32, 32]))
    },
    network: Some(|entry, stored, shape, options| {
        let net = |config: &ResNetCifarConfig| ResNetCifar::new(config, &Device::flex());
        compiled(entry, stored, shape, options, net)
    }),
    ..BASE
};

fn net(config: &ResNetConfig) -> Result<ResNet> {
    ResNet::new(config, &Device::flex())
}

/// The usual settings of a name.
fn config(name: &str) -> ResNetConfig {
    match name {
        "resnet18" => ResNetConfig::resnet18(),
        "resnet34" => ResNetConfig::resnet34(),
        "resnet101" => ResNetConfig::resnet101(),
        "resnet152" => ResNetConfig::resnet152(),
        "resnet50-half" => ResNetConfig::resnet50_half(),
        "resnet10-cvgj" => ResNetConfig::resnet10_cvgj(),
        "resnet50-cvgj" => ResNetConfig::resnet50_cvgj(),
        _ => ResNetConfig::resnet50(),
    }
}

fn converted(entry: &Entry, source: &Source) -> Result<Conversion> {
    let usual = config(entry.name);
    // Biases go when Caffe's norms are put into the usual form, unless something else reads the convolution, too.
    let has = |name: &str| source.weights.get(name).is_some();
    let bias = |first: &str, other: &str| match (has(first), has(other)) {
        (_, true) => Bias::All,
        (true, false) => Bias::First,
        (false, false) => Bias::None,
    };
    let (torch, bytes) =
        (picture::torchvision(SIZE), Input { mean: None, ..picture::caffe_crop(SIZE, MEAN) });
    let (ways, input) = match entry.name {
        "resnet50-half" => {
            let bias = bias("conv_1/1", "conv_stage0_block0_branch2a/1");
            // Its authors' script has Pillow stretch pictures to 256 x 256.
            let input = Input {
                fit: Fit::Stretch,
                resize: Resize::BilinearAntialias,
                ..picture::caffe_crop(SIZE, NSFW_MEAN)
            };
            let config = ResNetConfig { bias, ..usual.clone() };
            (vec![Way { table: open_nsfw_names(&config), config, input: input.clone() }], input)
        }
        "resnet10-cvgj" | "resnet50-cvgj" => {
            let config = ResNetConfig { bias: bias("conv1/1", ""), ..usual.clone() };
            (vec![Way { table: cvgj_names(&config), config, input: bytes.clone() }], bytes)
        }
        _ => {
            let bias = bias("conv1/1", "res2a_branch2a/1");
            let caffe = ResNetConfig { bias, ..usual.clone() }.with_form(Form::Caffe);
            let tf = usual.clone().with_form(Form::Tf);
            let mean = picture::caffe_crop(SIZE, MEAN);
            // tensorflow-resnet cuts the largest square out of the middle.
            let square = Input { short_side: None, ..mean.clone() };
            let mut ways = vec![
                Way { table: torch_names(&usual), config: usual.clone(), input: torch.clone() },
                Way { table: caffe_names(&caffe), config: caffe, input: mean },
                Way { table: tensorflow_names(&tf), config: tf, input: square },
            ];
            if usual.kind == Kind::Bottleneck {
                let keras =
                    ResNetConfig { bias: Bias::All, ..usual.clone() }.with_form(Form::Keras);
                // Keras stretches pictures, and subtracts the means of VGG's authors.
                let input = picture::caffe(SIZE);
                ways.push(Way { table: keras_names(&keras), config: keras, input });
            }
            (ways, torch)
        }
    };
    let mut made = convert(entry, source, (&usual, &input), ways, net)?;
    if entry.name == "resnet50-half" && made.metadata.labels.is_none() {
        made.metadata.labels =
            Some(vec!["suitable for work".into(), "not suitable for work".into()]);
    }
    Ok(made)
}
