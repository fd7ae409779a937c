//! Roads, by an FCN-8s.

use burn::tensor::Device;

use super::pixels::Pixels;
use super::{Entry, SelfTest, Text, own};
use crate::description::describe;
use crate::fcn::{Fcn, FcnConfig, KITTISEG};
use crate::picture;

const PIXELS: Pixels<FcnConfig, Fcn> = Pixels {
    entry: KITTISEG,
    name: KITTISEG,
    multiple: 1,
    net: |config| Fcn::new(config, &Device::flex()),
};

pub(super) const ENTRY: Entry = Entry {
    name: KITTISEG,
    system: Text {
        en: "KittiSeg: which pixels of a street photo are road, by an FCN-8s on VGG-16",
        zh: "KittiSeg：街景照片中哪些像素是道路，基于 VGG-16 的 FCN-8s",
    },
    paper: "Teichmann, Weber, Zoellner, Cipolla, Urtasun, MultiNet: Real-time Joint Semantic Reasoning for \
            Autonomous Driving, 2016",
    input: [1, 3, 375, 1242],
    weights: &[],
    strengths: Text {
        en: "any height and width; learns from a few hundred photos when its trunk begins with VGG-16's \
             weights; trunks from 14.7 million parameters (without the classifier's layers) to 134 million, \
             ResNet-18, -50 and -101, and narrow ones that a CPU can train",
        zh: "任意高宽；主干以 VGG-16 权重起步时，几百张照片就能学会；主干可选：去掉分类层的 1470 万参数到 \
             1.34 亿参数，ResNet-18、-50、-101，以及 CPU 也能训练的窄网络",
    },
    weaknesses: Text {
        en: "no weights come with the program: it must be trained; of random weights the full network learns \
             slowly or not at all; 102.8 of its 134.3 million parameters are in one layer (fc6); borders are \
             only as fine as its maps of an eighth of the size; widths that 8 does not divide move scores by \
             up to 3 pixels, unless form.same.crop is right_bottom",
        zh: "程序不带权重，必须训练；从随机权重开始，完整网络学得很慢甚至学不会；1.343 亿参数中有 1.028 亿在一层\
             （fc6）里；边界只有八分之一大小的特征图那么细；宽度不能被 8 整除时分数最多移动 3 个像素，\
             除非 form.same.crop 取 right_bottom",
    },
    choose_instead: Text {
        en: "unet for fine borders or small training sets without VGG's weights; segnet where memory is short; \
             selfie for people near the camera",
        zh: "要细边界，或没有 VGG 权重而训练集又小，请用 unet；内存紧张请用 segnet；镜头前的人物请用 selfie",
    },
    layers: |entry| describe(&Fcn::new(&FcnConfig::kittiseg(), &Device::flex())?, entry.input),
    conversion: |_, source| {
        // Settings that a file does not state are KittiSeg's, and not those of FCN-8s.
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        struct Kittiseg(FcnConfig);
        impl Default for Kittiseg {
            fn default() -> Self {
                Self(FcnConfig::kittiseg())
            }
        }
        let net = |config: &Kittiseg| Fcn::new(&config.0, &Device::flex());
        own(KITTISEG, source, net, picture::caffe([375, 1242]))
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
