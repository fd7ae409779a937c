//! Down and up again, with everything joined.

use burn::tensor::Device;

use super::pixels::Pixels;
use super::{Entry, SelfTest, Text, own};
use crate::description::describe;
use crate::picture;
use crate::unet::{FAMILY, MULTIPLE, UNet, UNetConfig};

const PIXELS: Pixels<UNetConfig, UNet> = Pixels {
    entry: FAMILY,
    name: FAMILY,
    multiple: MULTIPLE,
    net: |config| UNet::new(config, &Device::flex()),
};

pub(super) const ENTRY: Entry = Entry {
    name: FAMILY,
    system: Text {
        en: "U-Net: gives every pixel its class, with fine borders; half of the paper's channels, batch norm",
        zh: "U-Net：给每个像素分类，边界精细；通道数为论文的一半，带批归一化",
    },
    paper: "Ronneberger, Fischer, Brox, U-Net: Convolutional Networks for Biomedical Image Segmentation, 2015",
    input: [1, 3, 256, 256],
    weights: &[],
    strengths: Text {
        en: "fine borders, as the full-size maps are joined again; learns from few pictures and from random \
             weights; maps become larger by transposed convolution, bilinear resize, unpooling or pixel shuffle",
        zh: "全尺寸特征图会被再次拼接，边界精细；少量图片、随机权重即可训练；上采样可选转置卷积、双线性、反池化或像素重排",
    },
    weaknesses: Text {
        en: "no weights come with the program: it must be trained; keeps the maps of every size until the end, \
             which takes much memory on large pictures; knows nothing of the world beforehand; height and \
             width are multiples of 16, others are padded",
        zh: "程序不带权重，必须训练；各尺寸的特征图要一直保留，大图很耗内存；没有任何预训练知识；\
             高宽须为 16 的倍数，其他尺寸会被补齐",
    },
    choose_instead: Text {
        en: "segnet where memory is short; kittiseg or fcn8s with VGG-16's weights where scenes are rich and \
             labels few",
        zh: "内存紧张请用 segnet；场景复杂而标注很少时，请用带 VGG-16 权重的 kittiseg 或 fcn8s",
    },
    layers: |entry| describe(&UNet::new(&UNetConfig::default(), &Device::flex())?, entry.input),
    conversion: |_, source| {
        let net = |config: &UNetConfig| UNet::new(config, &Device::flex());
        own(FAMILY, source, net, picture::unit([256, 256]))
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
