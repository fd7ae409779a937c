//! Selfie segmentation.

use burn::tensor::Device;
use upconv_data::Size;

use super::{Entry, SelfTest, Text};
use crate::description::describe;
use crate::error::ModelError;
use crate::segmentation::SegmentOptions;
use crate::selfie::{self, Loaded, Selfie, SelfieConfig, SelfieSegmenter};

pub(super) const ENTRY: Entry = Entry {
    name: selfie::NAME,
    system: Text {
        en: "MediaPipe Selfie Segmentation, general: a mask of the person near the camera",
        zh: "MediaPipe Selfie Segmentation 通用模型：镜头前人物的遮罩",
    },
    paper: "Howard et al., Searching for MobileNetV3, 2019 (blocks and LR-ASPP head)",
    input: [1, 3, 256, 256],
    weights: &["selfie"],
    strengths: Text {
        en: "small (213 KB) and fast; clean outlines of one or a few people within about two metres; its \
             last layer is a transposed convolution with real weights",
        zh: "小（213 KB）而快；对两米以内的一个或几个人轮廓干净；最后一层就是带真实权重的转置卷积",
    },
    weaknesses: Text {
        en: "finds the main thing and not \"a person\": a cat close to the camera counts as well, and there \
             is no score that says whether anybody is there; people far away or in the dark fade; a grid of \
             two pixels shows where it is unsure",
        zh: "找的是画面主体，而不是“人”：靠近镜头的猫也会被选中，也没有“是否有人”的分数；\
             远处或暗处的人会变淡；在它没有把握的地方能看到两像素的网格",
    },
    choose_instead: Text {
        en: "a detector, if you must know whether and where people are; a matting network for hair and \
             glass; a segmentation network with classes for anything but people",
        zh: "要知道有没有人、人在哪里，请用检测模型；头发和玻璃请用抠图模型；人以外的类别请用多类别分割模型",
    },
    layers: |entry| {
        let [_, _, h, w] = entry.input;
        describe(&Selfie::new(&SelfieConfig::tfjs(), &Device::flex())?, [1, 3, h, w])
    },
    conversion: |_, source| selfie::from_tfjs(source),
    network: None,
    selftest: Some(SelfTest {
        with: |weights| selfie::with_selftest(weights, &Device::flex()),
        verify: |file, weights| selfie::verify(file, weights, &Device::flex()),
    }),
    built_in: Some(selfie::built_in),
    sampler: None,
    segmenter: Some(|file, weights, options| {
        let SegmentOptions { class, tiles, whole_up_to } = options;
        // Its input has one small size: what is cut only above a limit never is.
        if class.is_some() || (tiles.is_some() && *whole_up_to == 0) {
            let what =
                "has one class and looks at the picture as a whole: no class, no tiles".into();
            return Err(ModelError::Inner { model: selfie::NAME, what });
        }
        let Loaded { net, size: [height, width] } = selfie::load(file, weights, &Device::flex())?;
        Ok(Box::new(SelfieSegmenter::new(&net, Size { height, width })?))
    }),
};
