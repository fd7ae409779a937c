//! The blocks that the network is made of. Batch norm is folded into the convolutions, which all have a
//! bias; SAME padding is TensorFlow's.

use burn::module::Module;
use burn::tensor::Device;
use upconv_geometry::Padding;
use upconv_nn::layers::{Conv2d, Conv2dConfig, Upsample, UpsampleConfig};
use upconv_nn::ops::Resample;
use upconv_nn::pass::{Activation, Pass};

use crate::error::Result;

/// A 1x1 convolution.
pub(super) fn pointwise(from: usize, to: usize, device: &Device) -> Result<Conv2d> {
    Ok(Conv2dConfig::new([from, to], [1, 1]).init(device)?)
}

/// A convolution of every channel by itself, with SAME padding.
fn depthwise(channels: usize, kernel: usize, stride: usize, device: &Device) -> Result<Conv2d> {
    Ok(Conv2dConfig::depthwise(channels, [kernel, kernel])
        .with_stride([stride, stride])
        .with_padding(Padding::Same)
        .init(device)?)
}

/// Squeeze and excitation: `sigmoid(excite(relu(squeeze(mean(v)))))`, a factor per channel.
#[derive(Module, Debug)]
pub(super) struct Gate {
    squeeze: Conv2d,
    excite: Conv2d,
}

impl Gate {
    fn new(channels: usize, hidden: usize, device: &Device) -> Result<Self> {
        Ok(Self {
            squeeze: pointwise(channels, hidden, device)?,
            excite: pointwise(hidden, channels, device)?,
        })
    }

    /// `[n, c, h, w] -> [n, c, 1, 1]`
    fn forward<P: Pass>(&self, pass: &mut P, v: &P::Value) -> Result<P::Value> {
        let mean = pass.global_mean(v)?;
        let h = pass.conv(&self.squeeze, &mean)?;
        let h = pass.activation(Activation::Relu, h)?;
        let h = pass.conv(&self.excite, &h)?;
        Ok(pass.activation(Activation::Sigmoid, h)?)
    }
}

/// The numbers of an inverted residual block.
#[derive(Clone, Copy, Debug)]
pub(super) struct MbSpec {
    pub(super) from: usize,
    pub(super) expand: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    /// Hidden channels of the gate, if there is one.
    pub(super) gate: Option<usize>,
    pub(super) to: usize,
}

/// Inverted residual block (Howard et al., "Searching for MobileNetV3", 2019): widen, filter every channel
/// by itself, weigh the channels, narrow; added to the input where size and channels stay.
#[derive(Module, Debug)]
pub(super) struct MbBlock {
    expand: Conv2d,
    depthwise: Conv2d,
    gate: Option<Gate>,
    project: Conv2d,
    residual: bool,
}

impl MbBlock {
    pub(super) fn new(spec: MbSpec, device: &Device) -> Result<Self> {
        let MbSpec { from, expand, kernel, stride, gate, to } = spec;
        Ok(Self {
            expand: pointwise(from, expand, device)?,
            depthwise: depthwise(expand, kernel, stride, device)?,
            gate: gate.map(|hidden| Gate::new(expand, hidden, device)).transpose()?,
            project: pointwise(expand, to, device)?,
            residual: stride == 1 && from == to,
        })
    }

    pub(super) fn forward<P: Pass>(
        &self,
        pass: &mut P,
        x: &P::Value,
        activation: Activation,
    ) -> Result<P::Value> {
        let h = pass.conv(&self.expand, x)?;
        let h = pass.activation(activation, h)?;
        let h = pass.conv(&self.depthwise, &h)?;
        let mut h = pass.activation(activation, h)?;
        if let Some(gate) = &self.gate {
            let factors = gate.forward(pass, &h)?;
            h = pass.gate(&h, &factors)?;
        }
        let y = pass.conv(&self.project, &h)?;
        if self.residual { Ok(pass.add(&y, x)?) } else { Ok(y) }
    }
}

/// One step up: twice the size, joined with what the encoder saw at that size.
///
/// `u = narrow(up2(x))`, `f = skip * gate(skip + u) + u` (the gate looks at the sum but weighs only the
/// skip), `h = relu(mix(f))`, and the result is `h + relu(depthwise(h))`.
#[derive(Module, Debug)]
pub(super) struct DecoderBlock {
    up: Upsample,
    narrow: Conv2d,
    gate: Gate,
    mix: Conv2d,
    depthwise: Conv2d,
}

impl DecoderBlock {
    pub(super) fn new(from: usize, to: usize, hidden: usize, device: &Device) -> Result<Self> {
        Ok(Self {
            up: UpsampleConfig::factor(2, Resample::LinearHalfPixel).init(),
            narrow: pointwise(from, to, device)?,
            gate: Gate::new(to, hidden, device)?,
            mix: pointwise(to, to, device)?,
            depthwise: depthwise(to, 3, 1, device)?,
        })
    }

    pub(super) fn forward<P: Pass>(
        &self,
        pass: &mut P,
        x: &P::Value,
        skip: &P::Value,
    ) -> Result<P::Value> {
        let u = pass.upsample(&self.up, x)?;
        let u = pass.conv(&self.narrow, &u)?;
        let sum = pass.add(skip, &u)?;
        let factors = self.gate.forward(pass, &sum)?;
        let f = pass.gate(skip, &factors)?;
        let f = pass.add(&f, &u)?;
        let h = pass.conv(&self.mix, &f)?;
        let h = pass.activation(Activation::Relu, h)?;
        let d = pass.conv(&self.depthwise, &h)?;
        let d = pass.activation(Activation::Relu, d)?;
        Ok(pass.add(&h, &d)?)
    }
}

#[cfg(test)]
impl MbBlock {
    pub(super) fn set_depthwise_padding(&mut self, padding: Padding) {
        self.depthwise.setting.padding = padding;
    }
}

#[cfg(test)]
impl DecoderBlock {
    pub(super) fn set_resample(&mut self, how: Resample) {
        self.up.config.how = how;
    }
}
