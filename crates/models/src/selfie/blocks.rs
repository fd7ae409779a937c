//! The blocks that the network is made of. Batch norm is folded into the convolutions, which all have a
//! bias; SAME padding is TensorFlow's.

use burn::module::Module;
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::{Device, Tensor};
use upconv_geometry::Padding;
use upconv_nn::layers::{Conv2d, Conv2dConfig, Upsample, UpsampleConfig};
use upconv_nn::ops::Resample;

use crate::description::Describer;
use crate::error::Result;
use crate::parameters::{Parameters, Visit};

/// An activation of the network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `x * min(max(x + 3, 0), 6) * scale`, where `scale` is about a sixth.
    HardSwish {
        /// See [`super::SelfieConfig::hard_swish_scale`].
        scale: f64,
    },
}

impl Activation {
    pub(super) fn apply(self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Relu => relu(x),
            Self::HardSwish { scale } => {
                let gate = (x.clone() + 3.0).clamp(0.0, 6.0);
                x * gate * scale
            }
        }
    }
}

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

/// Mean over height and width, `[n, c, h, w] -> [n, c, 1, 1]`.
pub(super) fn global_mean(x: Tensor<4>) -> Tensor<4> {
    x.mean_dim(3).mean_dim(2)
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
    fn forward(&self, v: Tensor<4>) -> Tensor<4> {
        sigmoid(self.excite.forward(relu(self.squeeze.forward(global_mean(v)))))
    }

    fn describe(&self, name: &str, d: &mut Describer, [c, ..]: [usize; 3]) -> Result<()> {
        let hidden = d.conv(&format!("{name}.squeeze"), &self.squeeze, [c, 1, 1])?;
        d.conv(&format!("{name}.excite"), &self.excite, hidden)?;
        Ok(())
    }
}

impl Parameters for Gate {
    fn each_parameter(&mut self, name: &str, visit: &mut Visit<'_>) -> Result<()> {
        self.squeeze.each_parameter(&format!("{name}.squeeze"), visit)?;
        self.excite.each_parameter(&format!("{name}.excite"), visit)
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

    pub(super) fn forward(&self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        let h = activation.apply(self.expand.forward(x.clone()));
        let h = activation.apply(self.depthwise.forward(h));
        let h = match &self.gate {
            Some(gate) => h.clone() * gate.forward(h),
            None => h,
        };
        let y = self.project.forward(h);
        if self.residual { y + x } else { y }
    }

    pub(super) fn describe(
        &self,
        name: &str,
        d: &mut Describer,
        x: [usize; 3],
    ) -> Result<[usize; 3]> {
        let h = d.conv(&format!("{name}.expand"), &self.expand, x)?;
        let h = d.conv(&format!("{name}.depthwise"), &self.depthwise, h)?;
        if let Some(gate) = &self.gate {
            gate.describe(&format!("{name}.gate"), d, h)?;
        }
        d.conv(&format!("{name}.project"), &self.project, h)
    }
}

impl Parameters for MbBlock {
    fn each_parameter(&mut self, name: &str, visit: &mut Visit<'_>) -> Result<()> {
        self.expand.each_parameter(&format!("{name}.expand"), visit)?;
        self.depthwise.each_parameter(&format!("{name}.depthwise"), visit)?;
        if let Some(gate) = &mut self.gate {
            gate.each_parameter(&format!("{name}.gate"), visit)?;
        }
        self.project.each_parameter(&format!("{name}.project"), visit)
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

    pub(super) fn forward(&self, x: Tensor<4>, skip: Tensor<4>) -> Tensor<4> {
        let u = self.narrow.forward(self.up.forward(x));
        let f = skip.clone() * self.gate.forward(skip + u.clone()) + u;
        let h = relu(self.mix.forward(f));
        h.clone() + relu(self.depthwise.forward(h))
    }

    pub(super) fn describe(
        &self,
        name: &str,
        d: &mut Describer,
        x: [usize; 3],
    ) -> Result<[usize; 3]> {
        let up = d.upsample(&format!("{name}.up"), 2, x)?;
        let u = d.conv(&format!("{name}.narrow"), &self.narrow, up)?;
        self.gate.describe(&format!("{name}.gate"), d, u)?;
        let h = d.conv(&format!("{name}.mix"), &self.mix, u)?;
        d.conv(&format!("{name}.depthwise"), &self.depthwise, h)
    }
}

impl Parameters for DecoderBlock {
    fn each_parameter(&mut self, name: &str, visit: &mut Visit<'_>) -> Result<()> {
        self.narrow.each_parameter(&format!("{name}.narrow"), visit)?;
        self.gate.each_parameter(&format!("{name}.gate"), visit)?;
        self.mix.each_parameter(&format!("{name}.mix"), visit)?;
        self.depthwise.each_parameter(&format!("{name}.depthwise"), visit)
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
