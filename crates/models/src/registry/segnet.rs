//! Down and up again, with the places of the maxima.

use burn::tensor::Device;

use super::pixels::Pixels;
use super::{Entry, SelfTest, Text, own};
use crate::description::describe;
use crate::picture;
use crate::segnet::{MULTIPLE, NAME, SegNet, SegNetConfig};

const PIXELS: Pixels<SegNetConfig, SegNet> = Pixels {
    entry: NAME,
    name: NAME,
    multiple: MULTIPLE,
    net: |config| SegNet::new(config, &Device::flex()),
};

pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    system: Text {
        en: "SegNet: gives every pixel its class; VGG-16 and its mirror image, joined by the places of maxima",
        zh: "SegNet：给每个像素分类；VGG-16 与其镜像，靠最大值的位置相连",
    },
    paper: "Badrinarayanan, Kendall, Cipolla, SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image \
            Segmentation, 2015",
    input: [1, 3, 352, 480],
    weights: &[],
    strengths: Text {
        en: "borders fall where the maxima were, and of the maps on the way down only these places are \
             kept; 22 % of FCN-8s's parameters; the classic of unpooling, and the other three ways of up-sampling to compare it with",
        zh: "边界落在最大值所在之处，下行的特征图只需保留这些位置；参数只有 FCN-8s 的 22 %；反池化的经典，\
             另有三种上采样可供比较",
    },
    weaknesses: Text {
        en: "no weights come with the program: it must be trained; as much work in the upper half as in the \
             lower one, so slower than FCN-8s on the same picture; three quarters \
             of an unpooled map are zeros; height and width are multiples of 32, others are padded",
        zh: "程序不带权重，必须训练；上半部分与下半部分工作量相同，同一张图上比 FCN-8s 慢；反池化的图四分之三是零；\
             高宽须为 32 的倍数，其他尺寸会被补齐",
    },
    choose_instead: Text {
        en: "unet where memory is no concern and borders matter; kittiseg for roads with VGG-16's weights",
        zh: "内存不成问题而边界重要时请用 unet；有 VGG-16 权重的道路分割请用 kittiseg",
    },
    layers: |entry| describe(&SegNet::new(&SegNetConfig::default(), &Device::flex())?, entry.input),
    conversion: |_, source| {
        let net = |config: &SegNetConfig| SegNet::new(config, &Device::flex());
        own(NAME, source, net, picture::unit([352, 480]))
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
