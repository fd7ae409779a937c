//! The first fully convolutional network.

use burn::tensor::Device;

use super::pixels::Pixels;
use super::{Entry, SelfTest, Text, own};
use crate::description::describe;
use crate::fcn::{Fcn, FcnConfig, NAME};
use crate::picture;

const PIXELS: Pixels<FcnConfig, Fcn> = Pixels {
    entry: NAME,
    name: NAME,
    multiple: 1,
    net: |config| Fcn::new(config, &Device::flex()),
};

pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    system: Text {
        en: "FCN-8s: gives every pixel one of 21 classes; VGG-16 with transposed convolutions on top",
        zh: "FCN-8s：给每个像素 21 类之一；VGG-16 之上接转置卷积",
    },
    paper: "Long, Shelhamer, Darrell, Fully Convolutional Networks for Semantic Segmentation, 2015",
    input: [1, 3, 512, 512],
    weights: &[],
    strengths: Text {
        en: "the reference that later networks are measured against; any height and width; FCN-16s and -32s, \
             TensorFlow's windows and Caffe's with their crops, by settings; begins as bilinear interpolation",
        zh: "后来的网络都与它比较；任意高宽；通过设置可得 FCN-16s 与 -32s，TensorFlow 的窗口或 Caffe 的窗口与裁剪；\
             初始即为双线性插值",
    },
    weaknesses: Text {
        en: "no weights come with the program: it must be trained, best from VGG-16's weights; large (134 \
             million parameters) and slow for what it finds; small things and thin parts get lost between maps \
             of an eighth of the size",
        zh: "程序不带权重，必须训练，最好从 VGG-16 权重开始；就其能力而言又大（1.34 亿参数）又慢；\
             八分之一大小的特征图会丢掉小物体和细长部分",
    },
    choose_instead: Text {
        en: "kittiseg for roads; unet for fine borders and small training sets; segnet where memory is short",
        zh: "道路请用 kittiseg；细边界和小训练集请用 unet；内存紧张请用 segnet",
    },
    layers: |entry| describe(&Fcn::new(&FcnConfig::default(), &Device::flex())?, entry.input),
    conversion: |_, source| {
        let net = |config: &FcnConfig| Fcn::new(config, &Device::flex());
        own(NAME, source, net, picture::caffe([512, 512]))
    },
    network: None,
    selftest: Some(SelfTest {
        with: |weights| PIXELS.with_selftest(weights),
        verify: |file, weights| PIXELS.verify(file, weights),
    }),
    built_in: None,
    sampler: None,
    segmenter: Some(|file, weights, options| PIXELS.segmenter(file, weights, options)),
};
