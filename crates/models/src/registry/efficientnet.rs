//! EfficientNet-lite0.

use burn::tensor::Device;
use upconv_weights::metadata::{Fit, Input, Resize};

use super::ways::{Way, convert};
use super::{Entry, Text, compiled};
use crate::description::describe;
use crate::efficientnet::{EfficientNet, EfficientNetConfig, NAME, torch_names};
use crate::error::Result;
use crate::picture;

pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    system: Text {
        en: "EfficientNet-lite0: one of ImageNet's 1000 classes, for small devices",
        zh: "EfficientNet-lite0：ImageNet 1000 类之一，适合小型设备",
    },
    paper: "Tan, Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, 2019",
    input: [1, 3, 224, 224],
    weights: &[],
    strengths: Text {
        en: "a tenth of ResNet-50's work for about the same answers; 4.7 million parameters; weights by \
             `upconv data fetch efficientnet-lite0`",
        zh: "计算量为 ResNet-50 的十分之一，准确度相近；470 万参数；可用 `upconv data fetch efficientnet-lite0` 获取权重",
    },
    weaknesses: Text {
        en: "no weights come with the program; convolutions of single channels use a CPU less well than others; hard to \
             train from nothing",
        zh: "程序不带权重；逐通道卷积对 CPU 的利用率较低；从零训练困难",
    },
    choose_instead: Text {
        en: "resnet50 where exactness counts more than speed; resnet18 for training of one's own",
        zh: "准确比速度重要时请用 resnet50；自行训练请用 resnet18",
    },
    layers: |entry| describe(&net(&EfficientNetConfig::default())?, entry.input),
    conversion: |entry, source| {
        let usual = EfficientNetConfig::default();
        let input = Input {
            range: [0.0, 255.0],
            mean: Some(vec![127.0; 3]),
            std: Some(vec![128.0; 3]),
            resize: Resize::BilinearAntialias,
            fit: Fit::Crop,
            short_side: Some(256),
            ..picture::unit([224, 224])
        };
        let ways = vec![Way { config: usual.clone(), table: torch_names(), input: input.clone() }];
        convert(entry, source, (&usual, &input), ways, net)
    },
    network: Some(|entry, stored, shape, options| compiled(entry, stored, shape, options, net)),
    selftest: None,
    built_in: None,
    sampler: None,
    segmenter: None,
};

fn net(config: &EfficientNetConfig) -> Result<EfficientNet> {
    EfficientNet::new(config, &Device::flex())
}
