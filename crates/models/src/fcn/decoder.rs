//! How scores become larger.

use burn::module::Module;
use burn::tensor::Device;
use upconv_geometry::Padding;
use upconv_nn::layers::{
    Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig, PixelShuffle, PixelShuffleConfig,
    Upsample, UpsampleConfig,
};
use upconv_nn::ops::Resample;
use upconv_nn::pass::Pass;

use super::config::{Crop, FcnConfig, Form};
use crate::error::Result;
use crate::upsampling::Upsampling;

/// Scores of so many times the size.
#[derive(Module, Debug)]
pub(super) enum Up {
    Transposed(ConvTranspose2d),
    Bilinear(Upsample),
    Shuffle(Shuffle),
}

/// A convolution whose channels become space.
#[derive(Module, Debug)]
pub(super) struct Shuffle {
    conv: Conv2d,
    shuffle: PixelShuffle,
}

impl Up {
    pub(super) fn new(config: &FcnConfig, factor: usize, device: &Device) -> Result<Self> {
        let classes = config.classes;
        Ok(match config.upsample {
            Upsampling::Bilinear => {
                Self::Bilinear(UpsampleConfig::factor(factor, Resample::LinearHalfPixel).init())
            }
            Upsampling::Shuffle => {
                // Three cells each way are as many as a transposed convolution of kernel `2 * factor` can need.
                let conv =
                    Conv2dConfig::new([classes, classes.saturating_mul(factor * factor)], [3, 3])
                        .with_padding(Padding::Same)
                        .with_bias(false);
                let shuffle = PixelShuffleConfig::new(factor).init();
                Self::Shuffle(Shuffle { conv: conv.init(device)?, shuffle })
            }
            // Unpooling was refused with the config.
            Upsampling::Transposed | Upsampling::Unpool => {
                let padding = match config.form {
                    Form::Same { .. } => Padding::Same,
                    Form::Caffe => Padding::Valid,
                };
                let conv = ConvTranspose2dConfig::new([classes; 2], [2 * factor; 2])
                    .with_stride([factor; 2])
                    .with_padding(padding)
                    .with_bias(false);
                Self::Transposed(conv.init(device)?)
            }
        })
    }

    /// To `output` cells, as `crop` says; the map that it comes from has `ceil(output / factor)`.
    pub(super) fn to<P: Pass>(
        &self,
        pass: &mut P,
        x: &P::Value,
        output: [usize; 2],
        crop: Crop,
    ) -> Result<P::Value> {
        if let (Self::Transposed(conv), Crop::Centred) = (self, crop) {
            // TensorFlow's rule for a given size.
            return Ok(pass.conv_transpose_to(conv, x, output)?);
        }
        let y = self.whole(pass, x)?;
        let [_, _, h, w] = pass.shape(&y);
        let slack = |axis: usize| [h, w][axis].saturating_sub(output[axis]);
        let begin = match crop {
            Crop::Centred => [slack(0) / 2, slack(1) / 2],
            Crop::RightBottom => [0, 0],
        };
        part(pass, &y, begin, output)
    }

    /// To the size that comes of it.
    pub(super) fn whole<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        match self {
            Self::Transposed(conv) => Ok(pass.conv_transpose(conv, x)?),
            Self::Bilinear(upsample) => Ok(pass.upsample(upsample, x)?),
            Self::Shuffle(Shuffle { conv, shuffle }) => {
                let y = pass.conv(conv, x)?;
                Ok(pass.pixel_shuffle(shuffle, &y)?)
            }
        }
    }
}

/// A crop, unless it is the whole.
pub(super) fn part<P: Pass>(
    pass: &mut P,
    x: &P::Value,
    begin: [usize; 2],
    size: [usize; 2],
) -> Result<P::Value> {
    let [_, _, h, w] = pass.shape(x);
    if begin == [0, 0] && size == [h, w] {
        return Ok(x.clone());
    }
    Ok(pass.crop(x, begin, size)?)
}
