//! Blocks with norm and activation before their convolutions, as the ResNets of CVGJ have them.
//!
//! He, Zhang, Ren and Sun, "Identity Mappings in Deep Residual Networks" (2016), in the wiring of Simon, Rodner and
//! Denzler, "ImageNet pre-trained models with batch normalization" (2016).

use burn::module::Module;
use burn::tensor::Device;
use upconv_nn::layers::{BatchNorm, Conv2d};
use upconv_nn::pass::{Activation, Pass};

use super::{EXPANSION, Style};
use crate::error::Result;

/// The numbers of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PreactivatedSpec {
    /// Channels before the block, and in the middle of it.
    pub(crate) channels: [usize; 2],
    pub(crate) stride: usize,
    /// Three convolutions, 1x1, 3x3 and 1x1 to four times the channels; else two of 3x3.
    pub(crate) bottleneck: bool,
    /// The very first block has no norm before its first convolution: what comes in has been through one.
    pub(crate) first: bool,
}

/// Norm, ReLU and convolution, two or three times, added to the input.
///
/// Where a block changes channels or size, what is added is a 1x1 convolution of the normalised and activated input. The
/// first block of a network of bottlenecks has no norm there, and takes what `bn2` makes of its first convolution: Caffe
/// works in place, and the published weights fit no other wiring.
#[derive(Module, Debug)]
pub(crate) struct Preactivated {
    bn1: Option<BatchNorm>,
    conv1: Conv2d,
    bn2: BatchNorm,
    conv2: Conv2d,
    bn3: Option<BatchNorm>,
    conv3: Option<Conv2d>,
    expand: Option<Conv2d>,
}

impl Preactivated {
    pub(crate) fn new(spec: PreactivatedSpec, style: Style, device: &Device) -> Result<Self> {
        let PreactivatedSpec { channels: [from, middle], stride, bottleneck, first } = spec;
        let to = if bottleneck { EXPANSION.saturating_mul(middle) } else { middle };
        let strides = if bottleneck { [1, stride] } else { [stride, 1] };
        let kernel = if bottleneck { 1 } else { 3 };
        let expands = from != to || stride != 1;
        let expanded = if first && bottleneck { middle } else { from };
        Ok(Self {
            bn1: (!first).then(|| style.norm(from, device)).transpose()?,
            conv1: style.conv([from, middle], kernel, strides[0], device)?,
            bn2: style.norm(middle, device)?,
            conv2: style.conv([middle, middle], 3, strides[1], device)?,
            bn3: bottleneck.then(|| style.norm(middle, device)).transpose()?,
            conv3: bottleneck.then(|| style.conv([middle, to], 1, 1, device)).transpose()?,
            expand: expands.then(|| style.conv([expanded, to], 1, stride, device)).transpose()?,
        })
    }

    pub(crate) fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let before = match &self.bn1 {
            Some(norm) => activated(pass, norm, x)?,
            None => x.clone(),
        };
        let h = pass.conv(&self.conv1, &before)?;
        let inner = activated(pass, &self.bn2, &h)?;
        let mut h = pass.conv(&self.conv2, &inner)?;
        if let (Some(norm), Some(conv)) = (&self.bn3, &self.conv3) {
            h = activated(pass, norm, &h)?;
            h = pass.conv(conv, &h)?;
        }
        let skip = match &self.expand {
            None => x.clone(),
            Some(conv) if self.bn1.is_none() && self.conv3.is_some() => pass.conv(conv, &inner)?,
            Some(conv) => pass.conv(conv, &before)?,
        };
        Ok(pass.add(&h, &skip)?)
    }
}

fn activated<P: Pass>(pass: &mut P, norm: &BatchNorm, x: &P::Value) -> Result<P::Value> {
    let x = pass.batch_norm(norm, x)?;
    Ok(pass.activation(Activation::Relu, x)?)
}
