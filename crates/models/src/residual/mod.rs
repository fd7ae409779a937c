//! Residual blocks: what the ResNets and the networks on top of them are made of.
//!
//! He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition" (2015). Fields are called as in torchvision.

mod preactivated;

use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use upconv_geometry::Padding;
use upconv_nn::layers::{
    BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, MaxPool2d, MaxPool2dConfig,
};
use upconv_nn::pass::{Activation, Pass};

use crate::error::Result;
pub(crate) use preactivated::{Preactivated, PreactivatedSpec};

/// Channels at the end of a bottleneck for each in the middle of it.
pub(crate) const EXPANSION: usize = 4;

/// What is added to a block's result where channels or size change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortcut {
    /// A 1x1 convolution with batch norm: the paper's option B.
    #[default]
    Projection,
    /// The input where windows begin, with channels of zeros behind its own: the paper's option A, without parameters.
    Zeros,
}

/// In what the blocks of different frameworks differ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// Whether zeros are TensorFlow's SAME; else every window is centred.
    same: bool,
    /// Whether a bottleneck strides in its first 1x1, as in the paper; else in its 3x3.
    stride_first: bool,
    /// Whether convolutions have a bias, although the norm behind them takes it away again.
    bias: bool,
    epsilon: f64,
    /// Share of the batch in the running statistics.
    momentum: f64,
}

impl Style {
    /// As torchvision has them.
    pub(crate) const TORCH: Self =
        Self { same: false, stride_first: false, bias: false, epsilon: 1e-5, momentum: 0.1 };

    /// As KittiSeg has them; the decay of its statistics is 0.998.
    pub(crate) const KITTISEG: Self =
        Self { same: true, stride_first: true, bias: false, epsilon: 1e-3, momentum: 0.002 };

    /// As the paper's authors have them in Caffe, whose statistics keep a share of 0.999.
    pub(crate) const CAFFE: Self =
        Self { same: false, stride_first: true, bias: false, epsilon: 1e-5, momentum: 0.001 };

    /// As tensorflow-resnet has them; the decay of its statistics is 0.9997.
    pub(crate) const TF: Self =
        Self { same: true, stride_first: true, bias: false, epsilon: 1e-3, momentum: 0.0003 };

    /// As Keras has them in `keras.applications`; its momentum of 0.99 is the share of what was.
    pub(crate) const KERAS: Self =
        Self { same: false, stride_first: true, bias: false, epsilon: 1.001e-5, momentum: 0.01 };

    /// As the pre-activated ResNets of CVGJ have them in Caffe.
    pub(crate) const CVGJ: Self =
        Self { same: false, stride_first: false, bias: false, epsilon: 1e-5, momentum: 0.001 };

    /// With a bias in every convolution, or in none.
    pub(crate) const fn with_bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// A convolution whose output is `ceil(input / stride)`.
    pub(crate) fn conv(
        self,
        channels: [usize; 2],
        kernel: usize,
        stride: usize,
        device: &Device,
    ) -> Result<Conv2d> {
        let pad = kernel as i64 / 2;
        let padding = if self.same { Padding::Same } else { Padding::Pads(vec![(pad, pad)]) };
        Ok(Conv2dConfig::new(channels, [kernel; 2])
            .with_stride([stride; 2])
            .with_padding(padding)
            .with_bias(self.bias)
            .init(device)?)
    }

    pub(crate) fn norm(self, channels: usize, device: &Device) -> Result<BatchNorm> {
        let Self { epsilon, momentum, .. } = self;
        let config = BatchNormConfig::new(channels).with_epsilon(epsilon);
        Ok(config.with_momentum(momentum).init(device)?)
    }
}

/// 1x1 down to few channels, 3x3, and 1x1 up again, added to the input.
#[derive(Module, Debug)]
pub(crate) struct Bottleneck {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    conv3: Conv2d,
    bn3: BatchNorm,
    downsample: Option<Downsample>,
}

impl Bottleneck {
    /// `channels` before the block and in the middle of it.
    pub(crate) fn new(
        [from, middle]: [usize; 2],
        stride: usize,
        style: Style,
        device: &Device,
    ) -> Result<Self> {
        let to = EXPANSION.saturating_mul(middle);
        let (first, second) = if style.stride_first { (stride, 1) } else { (1, stride) };
        Ok(Self {
            conv1: style.conv([from, middle], 1, first, device)?,
            bn1: style.norm(middle, device)?,
            conv2: style.conv([middle, middle], 3, second, device)?,
            bn2: style.norm(middle, device)?,
            conv3: style.conv([middle, to], 1, 1, device)?,
            bn3: style.norm(to, device)?,
            downsample: Downsample::new([from, to], stride, style, device)?,
        })
    }

    pub(crate) fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let h = pass.conv(&self.conv1, x)?;
        let h = pass.batch_norm(&self.bn1, &h)?;
        let h = pass.activation(Activation::Relu, h)?;
        let h = pass.conv(&self.conv2, &h)?;
        let h = pass.batch_norm(&self.bn2, &h)?;
        let h = pass.activation(Activation::Relu, h)?;
        let h = pass.conv(&self.conv3, &h)?;
        let h = pass.batch_norm(&self.bn3, &h)?;
        let skip = Downsample::skip(self.downsample.as_ref(), pass, x)?;
        let y = pass.add(&h, &skip)?;
        Ok(pass.activation(Activation::Relu, y)?)
    }
}

/// Two 3x3 convolutions, added to the input.
#[derive(Module, Debug)]
pub(crate) struct BasicBlock {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    downsample: Option<Downsample>,
    zeros: Option<Subsample>,
}

impl BasicBlock {
    /// `channels` before the block and after it.
    pub(crate) fn new(
        channels: [usize; 2],
        stride: usize,
        style: Style,
        device: &Device,
    ) -> Result<Self> {
        Self::with_shortcut(channels, stride, Shortcut::Projection, style, device)
    }

    /// `channels` before the block, and after it, which are no fewer.
    pub(crate) fn with_shortcut(
        [from, to]: [usize; 2],
        stride: usize,
        shortcut: Shortcut,
        style: Style,
        device: &Device,
    ) -> Result<Self> {
        let (downsample, zeros) = match shortcut {
            Shortcut::Projection => (Downsample::new([from, to], stride, style, device)?, None),
            Shortcut::Zeros => (None, Subsample::new([from, to], stride)),
        };
        Ok(Self {
            conv1: style.conv([from, to], 3, stride, device)?,
            bn1: style.norm(to, device)?,
            conv2: style.conv([to, to], 3, 1, device)?,
            bn2: style.norm(to, device)?,
            downsample,
            zeros,
        })
    }

    pub(crate) fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let h = pass.conv(&self.conv1, x)?;
        let h = pass.batch_norm(&self.bn1, &h)?;
        let h = pass.activation(Activation::Relu, h)?;
        let h = pass.conv(&self.conv2, &h)?;
        let h = pass.batch_norm(&self.bn2, &h)?;
        let skip = match &self.zeros {
            None => Downsample::skip(self.downsample.as_ref(), pass, x)?,
            Some(zeros) => zeros.forward(pass, x)?,
        };
        let y = pass.add(&h, &skip)?;
        Ok(pass.activation(Activation::Relu, y)?)
    }
}

/// Every so many cells of the input, with channels of zeros behind its own.
#[derive(Module, Debug)]
struct Subsample {
    pool: MaxPool2d,
    channels: usize,
}

impl Subsample {
    /// `None` where a block changes neither channels nor size.
    fn new([from, to]: [usize; 2], stride: usize) -> Option<Self> {
        // The maximum of a window of one cell is that cell.
        let pool = MaxPool2dConfig::new([1, 1]).with_stride([stride; 2]).init();
        (from != to || stride != 1).then(|| Self { pool, channels: to.saturating_sub(from) })
    }

    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let x = pass.max_pool(&self.pool, x)?;
        Ok(pass.pad_channels(&x, self.channels)?)
    }
}

/// What brings the input to the size of a block's result.
#[derive(Module, Debug)]
struct Downsample {
    conv: Conv2d,
    bn: BatchNorm,
}

impl Downsample {
    /// `None` where a block changes neither channels nor size.
    fn new(
        channels: [usize; 2],
        stride: usize,
        style: Style,
        device: &Device,
    ) -> Result<Option<Self>> {
        if channels[0] == channels[1] && stride == 1 {
            return Ok(None);
        }
        let conv = style.conv(channels, 1, stride, device)?;
        Ok(Some(Self { conv, bn: style.norm(channels[1], device)? }))
    }

    /// What is added to a block's result: the input, or what `skip` makes of it.
    fn skip<P: Pass>(skip: Option<&Self>, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let Some(Self { conv, bn }) = skip else { return Ok(x.clone()) };
        let x = pass.conv(conv, x)?;
        Ok(pass.batch_norm(bn, &x)?)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Tensor, TensorData};
    use upconv_nn::parameters;
    use upconv_nn::pass::Eager;

    use super::*;

    /// With a last factor of 0 the block adds nothing: what is left is the ReLU of its input.
    #[test]
    fn a_block_whose_last_gamma_is_zero_is_the_identity_and_relu() {
        let device = Device::flex();
        let values: Vec<f32> = (0..2 * 4 * 5 * 5).map(|at| (at as f32 * 0.7).sin()).collect();
        let x = Tensor::<4>::from_data(TensorData::new(values.clone(), [2, 4, 5, 5]), &device);
        let relu: Vec<f32> = values.iter().map(|value| value.max(0.0)).collect();
        let zeros = |last: &'static str| {
            move |name: &str, shape: &[usize]| {
                let cells: usize = shape.iter().product();
                Ok((name == last).then(|| vec![0.0; cells]))
            }
        };
        let block = BasicBlock::new([4, 4], 1, Style::TORCH, &device).unwrap();
        let y = block.forward(&mut Eager::default(), &x).unwrap();
        assert_ne!(y.into_data().try_into_vec::<f32>().unwrap(), relu);
        let block = parameters::replace(block, zeros("bn2.gamma")).unwrap();
        let y = block.forward(&mut Eager::default(), &x).unwrap();
        assert_eq!(y.into_data().try_into_vec::<f32>().unwrap(), relu);
        let block = Bottleneck::new([4, 1], 1, Style::TORCH, &device).unwrap();
        let block = parameters::replace(block, zeros("bn3.gamma")).unwrap();
        let y = block.forward(&mut Eager::default(), &x).unwrap();
        assert_eq!(y.into_data().try_into_vec::<f32>().unwrap(), relu);
    }
}
