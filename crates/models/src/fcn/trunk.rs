//! Five blocks that make smaller and smaller maps of a picture.

use burn::module::Module;
use burn::tensor::Device;
use upconv_geometry::Padding;
use upconv_nn::layers::{BatchNorm, Conv2d, Conv2dConfig, MaxPool2d, MaxPool2dConfig};
use upconv_nn::pass::{Activation, Pass};

use super::config::{FcnConfig, Form, Trunk};
use crate::error::Result;
use crate::residual::{BasicBlock, Bottleneck, EXPANSION, Style};

/// Convolutions of each block of VGG-16.
const DEPTHS: [usize; 5] = [2, 2, 3, 3, 3];

/// Zeros around the picture in Caffe's form.
const CAFFE_PADDING: i64 = 100;

/// A part of a block.
#[allow(clippy::large_enum_variant, reason = "a network has some tens of them")]
#[derive(Module, Debug)]
pub(super) enum Part {
    /// With ReLU.
    Conv(Conv2d),
    Pool(MaxPool2d),
    /// How a ResNet begins.
    Stem(Stem),
    Basic(BasicBlock),
    Bottleneck(Bottleneck),
}

/// A convolution with batch norm and ReLU.
#[derive(Module, Debug)]
pub(super) struct Stem {
    conv: Conv2d,
    bn: BatchNorm,
}

impl Part {
    pub(super) fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        match self {
            Self::Conv(conv) => {
                let x = pass.conv(conv, x)?;
                Ok(pass.activation(Activation::Relu, x)?)
            }
            Self::Pool(pool) => Ok(pass.max_pool(pool, x)?),
            Self::Stem(Stem { conv, bn }) => {
                let x = pass.conv(conv, x)?;
                let x = pass.batch_norm(bn, &x)?;
                Ok(pass.activation(Activation::Relu, x)?)
            }
            Self::Basic(block) => block.forward(pass, x),
            Self::Bottleneck(block) => block.forward(pass, x),
        }
    }
}

impl Trunk {
    /// Channels of the maps that the five blocks make.
    pub(super) fn channels(&self) -> [usize; 5] {
        // Saturated numbers are above every limit.
        let stages = |width, end: usize| {
            [width, end, end.saturating_mul(2), end.saturating_mul(4), end.saturating_mul(8)]
        };
        match *self {
            Self::Vgg { channels, .. } => channels,
            Self::Basic { width, .. } => stages(width, width),
            Self::Bottleneck { width, .. } => stages(width, EXPANSION.saturating_mul(width)),
        }
    }
}

/// A block, counted from 0: a map of half the size of what comes in, rounded up.
pub(super) fn block(config: &FcnConfig, number: usize, device: &Device) -> Result<Vec<Part>> {
    let channels = config.trunk.channels();
    let from = if number == 0 { 3 } else { channels[number - 1] };
    let mut parts = Vec::new();
    match config.trunk {
        Trunk::Vgg { .. } => {
            for n in 0..DEPTHS[number] {
                let from = if n == 0 { from } else { channels[number] };
                let first = (number, n) == (0, 0);
                let pad = if first && config.form == Form::Caffe { CAFFE_PADDING } else { 1 };
                let conv = Conv2dConfig::new([from, channels[number]], [3, 3]);
                parts.push(Part::Conv(conv.with_padding(around(pad)).init(device)?));
            }
            parts.push(pool(2));
        }
        Trunk::Basic { width, .. } | Trunk::Bottleneck { width, .. } if number == 0 => {
            let (conv, bn) = (
                Style::KITTISEG.conv([from, width], 7, 2, device)?,
                Style::KITTISEG.norm(width, device)?,
            );
            parts.push(Part::Stem(Stem { conv, bn }));
        }
        Trunk::Basic { blocks, width } | Trunk::Bottleneck { blocks, width } => {
            // The first stage halves in a pooling before it, every other one in its first block.
            let stage = number - 1;
            if stage == 0 {
                parts.push(pool(3));
            }
            for n in 0..blocks[stage] {
                let first = n == 0;
                let from = if first { from } else { channels[number] };
                let stride = if first && stage > 0 { 2 } else { 1 };
                let pair = [from, width.saturating_mul(1 << stage)];
                parts.push(match config.trunk {
                    Trunk::Bottleneck { .. } => {
                        Part::Bottleneck(Bottleneck::new(pair, stride, Style::KITTISEG, device)?)
                    }
                    _ => Part::Basic(BasicBlock::new(pair, stride, Style::KITTISEG, device)?),
                });
            }
        }
    }
    Ok(parts)
}

/// `fc6` and `fc7`.
pub(super) fn head(config: &FcnConfig, device: &Device) -> Result<Option<[Conv2d; 2]>> {
    let Trunk::Vgg { channels, head: Some(head) } = config.trunk else { return Ok(None) };
    let pad = if config.form == Form::Caffe { 0 } else { 3 };
    let fc6 = Conv2dConfig::new([channels[4], head], [7, 7]).with_padding(around(pad));
    Ok(Some([fc6.init(device)?, Conv2dConfig::new([head, head], [1, 1]).init(device)?]))
}

/// To `ceil(h / 2)`. Caffe rounds up where there is no padding, which is the same.
fn pool(kernel: usize) -> Part {
    let config = MaxPool2dConfig::new([kernel, kernel]).with_stride([2, 2]);
    Part::Pool(config.with_padding(Padding::Same).init())
}

fn around(pad: i64) -> Padding {
    Padding::Pads(vec![(pad, pad)])
}
