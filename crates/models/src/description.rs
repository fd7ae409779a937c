//! What a model is made of, layer by layer, worked out from the layers themselves.

use burn::module::Param;
use burn::tensor::Tensor;
use serde::Serialize;
use upconv_nn::Result as NnResult;
use upconv_nn::layers::{
    BatchNorm, Conv2d, ConvTranspose2d, Linear, MaxPool2d, PixelShuffle, Upsample,
};
use upconv_nn::parameters::Names;
use upconv_nn::pass::{Activation, LocalResponse, Pass};

use crate::error::Result;
use crate::inference::Model;

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
    /// A matrix times every image.
    Linear,
    /// Batch normalisation.
    BatchNorm,
    /// Values by those of their neighbours among the channels; has no parameters.
    LocalResponse,
    /// The maximum of every window; has no parameters.
    MaxPool,
    /// Values go back to where a max pooling found them; has no parameters.
    MaxUnpool,
    /// Bilinear resize; has no parameters.
    Upsample,
    /// Channels become space; has no parameters.
    PixelShuffle,
}

impl LayerKind {
    /// The name in tables and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Conv => "conv",
            Self::DepthwiseConv => "depthwise_conv",
            Self::ConvTranspose => "conv_transpose",
            Self::Linear => "linear",
            Self::BatchNorm => "batch_norm",
            Self::LocalResponse => "local_response",
            Self::MaxPool => "max_pool",
            Self::MaxUnpool => "max_unpool",
            Self::Upsample => "upsample",
            Self::PixelShuffle => "pixel_shuffle",
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

/// The layers of a network for an input `[n, c, h, w]`, in the order in which they run.
///
/// # Errors
/// An input that does not fit.
pub fn describe(net: &impl Model, input: [usize; 4]) -> Result<Vec<Layer>> {
    let mut describer = Describer { names: Names::of(net), layers: Vec::new() };
    net.forward(&mut describer, &input)?;
    Ok(describer.layers)
}

/// The shape of what a network makes of an input `[n, c, h, w]`.
///
/// # Errors
/// An input that does not fit.
pub fn output_shape(net: &impl Model, input: [usize; 4]) -> Result<[usize; 4]> {
    net.forward(&mut Describer { names: Names::of(net), layers: Vec::new() }, &input)
}

/// Collects the layers while a shape is passed through the network, as a tensor would be.
struct Describer {
    names: Names,
    layers: Vec<Layer>,
}

/// Numbers of a layer.
struct Numbers {
    kind: LayerKind,
    stride: Vec<usize>,
    parameters: usize,
    /// Multiply-adds of one image.
    macs: usize,
}

impl Numbers {
    /// Of a layer that multiplies nothing.
    fn light(kind: LayerKind, parameters: usize) -> Self {
        Self { kind, stride: Vec::new(), parameters, macs: 0 }
    }
}

impl Describer {
    /// Adds a layer of so many values for `[c, h, w]`.
    fn push(&mut self, name: &str, numbers: Numbers, [_, c, h, w]: [usize; 4]) {
        let Numbers { kind, stride, parameters, macs } = numbers;
        let (shape_out, flops) = ([c, h, w], 2 * macs as u64);
        let name = name.trim_end_matches('.').to_owned();
        self.layers.push(Layer { name, kind, shape_out, parameters, flops, stride });
    }

    fn name<const D: usize>(&self, weight: &Param<Tensor<D>>, field: &str) -> NnResult<String> {
        Ok(self.names.layer(weight, field)?.to_owned())
    }

    /// A layer without parameters is called by its kind, and the number of layers before it.
    fn push_nameless(&mut self, kind: LayerKind, shape: [usize; 4]) {
        let before = self.layers.iter().filter(|layer| layer.kind == kind).count();
        self.push(&format!("{}{}", kind.name(), before + 1), Numbers::light(kind, 0), shape);
    }
}

impl Pass for Describer {
    type Value = [usize; 4];

    fn shape(&self, x: &[usize; 4]) -> [usize; 4] {
        *x
    }

    fn conv(&mut self, layer: &Conv2d, &[n, c, h, w]: &[usize; 4]) -> NnResult<[usize; 4]> {
        let [out, in_group, kh, kw] = layer.weight.lazy_shape().dims();
        let size = layer.output_size(&[h, w])?;
        let kind = match in_group == 1 && c == out && c > 1 {
            true => LayerKind::DepthwiseConv,
            false => LayerKind::Conv,
        };
        let macs = out * in_group * kh * kw * size[0] * size[1];
        let parameters = out * in_group * kh * kw + length(layer.bias.as_ref());
        let stride = layer.setting.stride.clone();
        let y = [n, out, size[0], size[1]];
        self.push(
            &self.name(&layer.weight, "weight")?,
            Numbers { kind, stride, parameters, macs },
            y,
        );
        Ok(y)
    }

    fn conv_transpose(&mut self, layer: &ConvTranspose2d, x: &[usize; 4]) -> NnResult<[usize; 4]> {
        let size = layer.output_size(&x[2..])?;
        self.conv_transpose_to(layer, x, [size[0], size[1]])
    }

    fn conv_transpose_to(
        &mut self,
        layer: &ConvTranspose2d,
        &[n, c, h, w]: &[usize; 4],
        size: [usize; 2],
    ) -> NnResult<[usize; 4]> {
        layer.axes(&[h, w], Some(&size))?;
        let [_, out_group, kh, kw] = layer.weight.lazy_shape().dims();
        let numbers = Numbers {
            kind: LayerKind::ConvTranspose,
            stride: layer.setting.stride.clone(),
            parameters: c * out_group * kh * kw + length(layer.bias.as_ref()),
            macs: c * out_group * kh * kw * h * w,
        };
        let y = [n, out_group * layer.setting.groups, size[0], size[1]];
        self.push(&self.name(&layer.weight, "weight")?, numbers, y);
        Ok(y)
    }

    fn batch_norm(&mut self, layer: &BatchNorm, x: &[usize; 4]) -> NnResult<[usize; 4]> {
        let numbers = Numbers::light(
            LayerKind::BatchNorm,
            length(layer.gamma.as_ref()) + length(layer.beta.as_ref()),
        );
        let name = self.names.layer_of(&layer.running_mean, "running_mean")?.to_owned();
        self.push(&name, numbers, *x);
        Ok(*x)
    }

    fn linear(&mut self, layer: &Linear, &[n, ..]: &[usize; 4]) -> NnResult<[usize; 4]> {
        let [out, inputs] = layer.weight.lazy_shape().dims();
        let parameters = out * inputs + length(layer.bias.as_ref());
        let kind = LayerKind::Linear;
        let numbers = Numbers { kind, stride: Vec::new(), parameters, macs: out * inputs };
        let y = [n, out, 1, 1];
        self.push(&self.name(&layer.weight, "weight")?, numbers, y);
        Ok(y)
    }

    fn activation(&mut self, _: Activation, x: [usize; 4]) -> NnResult<[usize; 4]> {
        Ok(x)
    }

    fn add(&mut self, a: &[usize; 4], _: &[usize; 4]) -> NnResult<[usize; 4]> {
        Ok(*a)
    }

    fn concat(&mut self, values: &[[usize; 4]]) -> NnResult<[usize; 4]> {
        let [n, _, h, w] = values.first().copied().unwrap_or_default();
        Ok([n, values.iter().map(|value| value[1]).sum(), h, w])
    }

    fn max_pool(&mut self, layer: &MaxPool2d, &[n, c, h, w]: &[usize; 4]) -> NnResult<[usize; 4]> {
        let size = layer.output_size(&[h, w])?;
        let y = [n, c, size[0], size[1]];
        self.push_nameless(LayerKind::MaxPool, y);
        Ok(y)
    }

    fn global_mean(&mut self, &[n, c, ..]: &[usize; 4]) -> NnResult<[usize; 4]> {
        Ok([n, c, 1, 1])
    }

    fn upsample(&mut self, layer: &Upsample, &[n, c, h, w]: &[usize; 4]) -> NnResult<[usize; 4]> {
        let size = layer.output_size(&[h, w])?;
        let y = [n, c, size[0], size[1]];
        self.push_nameless(LayerKind::Upsample, y);
        Ok(y)
    }

    fn gate(&mut self, x: &[usize; 4], _: &[usize; 4]) -> NnResult<[usize; 4]> {
        Ok(*x)
    }

    fn crop(
        &mut self,
        &[n, c, ..]: &[usize; 4],
        _: [usize; 2],
        [h, w]: [usize; 2],
    ) -> NnResult<[usize; 4]> {
        Ok([n, c, h, w])
    }

    fn pixel_shuffle(&mut self, layer: &PixelShuffle, x: &[usize; 4]) -> NnResult<[usize; 4]> {
        let shape = layer.output_shape(x)?;
        let y = std::array::from_fn(|axis| shape[axis]);
        self.push_nameless(LayerKind::PixelShuffle, y);
        Ok(y)
    }

    fn max_pool_with_positions(
        &mut self,
        layer: &MaxPool2d,
        x: &[usize; 4],
    ) -> NnResult<([usize; 4], [usize; 4])> {
        let y = self.max_pool(layer, x)?;
        Ok((y, y))
    }

    fn max_unpool(
        &mut self,
        _: &MaxPool2d,
        &[n, c, ..]: &[usize; 4],
        _: &[usize; 4],
        [h, w]: [usize; 2],
    ) -> NnResult<[usize; 4]> {
        let y = [n, c, h, w];
        self.push_nameless(LayerKind::MaxUnpool, y);
        Ok(y)
    }

    fn local_response(&mut self, _: LocalResponse, x: &[usize; 4]) -> NnResult<[usize; 4]> {
        self.push_nameless(LayerKind::LocalResponse, *x);
        Ok(*x)
    }

    fn pad_channels(&mut self, &[n, c, h, w]: &[usize; 4], zeros: usize) -> NnResult<[usize; 4]> {
        Ok([n, c.saturating_add(zeros), h, w])
    }

    fn dropout(&mut self, _: f64, x: &[usize; 4]) -> NnResult<[usize; 4]> {
        Ok(*x)
    }
}

fn length(parameter: Option<&Param<Tensor<1>>>) -> usize {
    parameter.map_or(0, |parameter| parameter.lazy_shape()[0])
}
