//! A DCGAN with weights, which draws faces.

use burn::tensor::Device;
use upconv_weights::Weights;

use super::{Conversion, Entry, SelfTest, Text, own};
use crate::dcgan::{FACES, Generator, GeneratorConfig, Sampler, latent, torch_names};
use crate::description::describe;
use crate::error::Result;
use crate::{selftest, stored};

/// Those of gan-face-generate as F16: `upconv convert weights.tar dcgan-faces.safetensors --dtype f16`.
const WEIGHTS: &[u8] = include_bytes!("../../weights/dcgan-faces.safetensors");

/// How far a colour of the self-test, from -1 to 1, may be off: other processors round otherwise.
const SELF_TEST_TOLERANCE: f64 = 1e-3;

pub(super) const ENTRY: Entry = Entry {
    name: FACES,
    system: Text {
        en: "DCGAN of PyTorch's tutorial: draws faces of 64x64 pixels out of 100 random numbers",
        zh: "PyTorch 教程的 DCGAN：由 100 个随机数画出 64x64 的人脸",
    },
    paper: "Radford, Metz, Chintala, Unsupervised Representation Learning with Deep Convolutional Generative \
            Adversarial Networks, 2015",
    input: [1, 100, 1, 1],
    weights: &["dcgan-faces"],
    strengths: Text {
        en: "nothing but five transposed convolutions with real weights, k4 s1 p0 and k4 s2 p1; draws at once \
             (upconv sample); reads the generator of PyTorch's tutorial",
        zh: "全由五层带真实权重的转置卷积组成（k4 s1 p0 与 k4 s2 p1）；开箱即画（upconv sample）；可读 PyTorch 教程的生成器",
    },
    weaknesses: Text {
        en: "small and blurred; was trained on rendered faces (DigiFace-1M), so that nobody on its pictures exists; \
             shows what such networks could do in 2015, not what they can do today",
        zh: "小而模糊；用渲染的人脸（DigiFace-1M）训练，画中的人都不存在；展示的是 2015 年的水平，而非今天的",
    },
    choose_instead: Text {
        en: "a diffusion model for pictures that are to be looked at",
        zh: "要好看的图片请用扩散模型",
    },
    layers: |entry| describe(&net(&GeneratorConfig::tutorial())?, entry.input),
    conversion: |entry, source| {
        if source.weights.metadata().is_some() {
            return own(entry.name, source, net, None);
        }
        let config = GeneratorConfig::tutorial();
        let expected = stored::expected(&net(&config)?);
        let metadata = stored::metadata(entry.name, &config, None);
        Ok(Conversion { table: torch_names(), expected, metadata })
    },
    network: None,
    selftest: Some(SelfTest {
        with: |weights| {
            let (config, net) = load(FACES, &weights)?;
            let x = latent(0, 0, config.latent);
            selftest::with(&net, weights, &x, [1, config.latent, 1, 1], SELF_TEST_TOLERANCE)
        },
        verify: |file, weights| selftest::verify(FACES, &load(file, weights)?.1, file, weights),
    }),
    built_in: Some(|| Ok(Weights::from_bytes("built-in dcgan-faces.safetensors", WEIGHTS)?)),
    sampler: Some(|file, weights| Ok(Box::new(Sampler::new(FACES, file, weights)?))),
    segmenter: None,
};

fn net(config: &GeneratorConfig) -> Result<Generator> {
    Generator::new(config, &Device::flex())
}

fn load(file: &str, weights: &Weights) -> Result<(GeneratorConfig, Generator)> {
    let config: GeneratorConfig = stored::settings(FACES, file, weights)?;
    let net = stored::filled(net(&config)?, file, weights)?;
    Ok((config, net))
}
