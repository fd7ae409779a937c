//! A small FCN-8s with weights, which finds roads.

use burn::tensor::Device;
use upconv_weights::Weights;

use super::pixels::Pixels;
use super::{Entry, SelfTest, Text, own};
use crate::description::describe;
use crate::fcn::{self, Fcn, FcnConfig};
use crate::picture;

/// Trained on rendered scenes by `cargo xtask results roads`; F16.
const WEIGHTS: &[u8] = include_bytes!("../../weights/road.safetensors");

/// The weights are those of an FCN-8s, and say so.
const PIXELS: Pixels<FcnConfig, Fcn> = Pixels {
    entry: "road",
    name: fcn::NAME,
    multiple: 1,
    net: |config| Fcn::new(config, &Device::flex()),
};

pub(super) const ENTRY: Entry = Entry {
    name: "road",
    system: Text {
        en: "a small FCN-8s that finds the road, trained on rendered scenes: 2.6 million parameters, 5 MB",
        zh: "小型 FCN-8s，识别道路，用渲染的场景训练：260 万参数，5 MB",
    },
    paper: "Long, Shelhamer, Darrell, Fully Convolutional Networks for Semantic Segmentation, 2015; \
            Teichmann et al., MultiNet, 2016",
    input: [1, 3, 188, 621],
    weights: &["road"],
    strengths: Text {
        en: "works at once, on pictures of any size; made by `upconv train fcn8s` with its usual settings in \
             minutes on a CPU, so that anybody can make it anew",
        zh: "开箱即用，图片尺寸任意；由 `upconv train fcn8s` 以默认设置在 CPU 上几分钟训练而成，人人都可以重新训练",
    },
    weaknesses: Text {
        en: "has seen rendered scenes only (upconv data make roads), never a photo: on photos it is a \
             demonstration and no more; nothing that drives may rely on it",
        zh: "只见过渲染的场景（upconv data make roads），从未见过照片：用于照片只是演示；绝不可用于驾驶",
    },
    choose_instead: Text {
        en: "kittiseg, trained on KITTI's photos or your own, for real roads",
        zh: "真实道路请用 kittiseg，在 KITTI 或自己的照片上训练",
    },
    layers: |entry| describe(&Fcn::new(&FcnConfig::small(), &Device::flex())?, entry.input),
    conversion: |_, source| {
        // Settings that a file does not state are those of the small network.
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        struct Small(FcnConfig);
        impl Default for Small {
            fn default() -> Self {
                Self(FcnConfig::small())
            }
        }
        let net = |config: &Small| Fcn::new(&config.0, &Device::flex());
        own(fcn::NAME, source, net, picture::unit([188, 621]))
    },
    network: None,
    selftest: Some(SelfTest {
        with: |weights| PIXELS.with_selftest(weights),
        verify: |file, weights| PIXELS.verify(file, weights),
    }),
    built_in: Some(|| Ok(Weights::from_bytes("built-in road.safetensors", WEIGHTS)?)),
    sampler: None,
    segmenter: Some(|file, weights, options| PIXELS.segmenter(file, weights, options)),
};
