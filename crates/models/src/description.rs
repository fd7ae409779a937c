//! What a model is made of, layer by layer, worked out from the layers themselves.

use serde::Serialize;
use upconv_nn::layers::{Conv2d, ConvTranspose2d};

use crate::error::Result;

/// What a layer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerKind {
    /// Convolution.
    Conv,
    /// Convolution of every channel by itself.
    DepthwiseConv,
    /// Transposed convolution.
    ConvTranspose,
    /// Bilinear resize; has no parameters.
    Upsample,
}

impl LayerKind {
    /// The name in tables and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Conv => "conv",
            Self::DepthwiseConv => "depthwise_conv",
            Self::ConvTranspose => "conv_transpose",
            Self::Upsample => "upsample",
        }
    }
}

/// One layer of a model at one input size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Layer {
    /// Name, as in the weight file.
    pub name: String,
    /// What it does.
    pub kind: LayerKind,
    /// `[channels, height, width]` of its output.
    pub shape_out: [usize; 3],
    /// Weights and biases.
    pub parameters: usize,
    /// Multiplications and additions for one image, 2 for every weight that meets an output cell (or an
    /// input cell, in a transposed convolution); border cells count in full, biases do not.
    pub flops: u64,
    /// Down and across; empty for a layer without a kernel.
    #[serde(skip)]
    pub stride: Vec<usize>,
}

/// Collects the layers of a model while a shape is passed through it, as a tensor would be.
pub(crate) struct Describer {
    pub(crate) layers: Vec<Layer>,
}

impl Describer {
    pub(crate) fn new() -> Self {
        Self { layers: Vec::new() }
    }

    /// Adds a convolution, and returns the shape of its output.
    pub(crate) fn conv(
        &mut self,
        name: &str,
        conv: &Conv2d,
        [c, h, w]: [usize; 3],
    ) -> Result<[usize; 3]> {
        let [out, in_group, kh, kw] = conv.weight.dims();
        let size = conv.output_size(&[h, w])?;
        let kind = if in_group == 1 && c == out && c > 1 {
            LayerKind::DepthwiseConv
        } else {
            LayerKind::Conv
        };
        let macs = out * in_group * kh * kw * size[0] * size[1];
        let bias = conv.bias.as_ref().map_or(0, |bias| bias.dims()[0]);
        let stride = conv.setting.stride.clone();
        let parameters = out * in_group * kh * kw + bias;
        self.push(name, (kind, stride), [out, size[0], size[1]], parameters, macs)
    }

    /// Adds a transposed convolution, and returns the shape of its output.
    pub(crate) fn conv_transpose(
        &mut self,
        name: &str,
        conv: &ConvTranspose2d,
        [c, h, w]: [usize; 3],
    ) -> Result<[usize; 3]> {
        let [_, out_group, kh, kw] = conv.weight.dims();
        let size = conv.output_size(&[h, w])?;
        let macs = c * out_group * kh * kw * h * w;
        let bias = conv.bias.as_ref().map_or(0, |bias| bias.dims()[0]);
        let shape = [out_group * conv.setting.groups, size[0], size[1]];
        let kind = (LayerKind::ConvTranspose, conv.setting.stride.clone());
        self.push(name, kind, shape, c * out_group * kh * kw + bias, macs)
    }

    /// Adds a resize by `factor`, and returns the shape of its output.
    pub(crate) fn upsample(
        &mut self,
        name: &str,
        factor: usize,
        [c, h, w]: [usize; 3],
    ) -> Result<[usize; 3]> {
        self.push(name, (LayerKind::Upsample, Vec::new()), [c, h * factor, w * factor], 0, 0)
    }

    fn push(
        &mut self,
        name: &str,
        (kind, stride): (LayerKind, Vec<usize>),
        shape_out: [usize; 3],
        parameters: usize,
        macs: usize,
    ) -> Result<[usize; 3]> {
        let flops = 2 * macs as u64;
        self.layers.push(Layer { name: name.into(), kind, shape_out, parameters, flops, stride });
        Ok(shape_out)
    }
}
