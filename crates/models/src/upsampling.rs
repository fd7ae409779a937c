//! Four ways to larger maps, for the networks that let one choose.

use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use upconv_geometry::Padding;
use upconv_nn::NnError;
use upconv_nn::layers::{
    Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig, MaxPool2d, PixelShuffle,
    PixelShuffleConfig, Upsample, UpsampleConfig,
};
use upconv_nn::ops::Resample;
use upconv_nn::pass::Pass;

use crate::error::Result;

/// How maps become larger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Upsampling {
    /// A transposed convolution, which is trained.
    #[default]
    Transposed,
    /// Bilinear resize with half-pixel centres, which has no parameters.
    Bilinear,
    /// Every value goes back to where a max pooling on the way down found it.
    ///
    /// # Source
    /// M. Zeiler, G. Taylor, R. Fergus, "Adaptive deconvolutional networks for mid and high level feature learning",
    /// 2011; Badrinarayanan, Kendall and Cipolla, "SegNet", 2015.
    Unpool,
    /// A convolution to many channels, which then become space.
    ///
    /// # Source
    /// W. Shi and others, "Real-time single image and video super-resolution using an efficient sub-pixel convolutional
    /// neural network", 2016.
    Shuffle,
}

impl Upsampling {
    /// All, in the order of lists.
    pub const ALL: [Self; 4] = [Self::Transposed, Self::Bilinear, Self::Unpool, Self::Shuffle];

    /// The name in settings and files.
    ///
    /// ```
    /// use upconv_models::upsampling::Upsampling;
    /// for how in Upsampling::ALL {
    ///     assert_eq!(serde_json::to_value(how)?, how.name());
    /// }
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transposed => "transposed",
            Self::Bilinear => "bilinear",
            Self::Unpool => "unpool",
            Self::Shuffle => "shuffle",
        }
    }
}

/// Maps of twice the size, and of other channels if wanted.
#[derive(Module, Debug)]
pub(crate) enum Doubling {
    Transposed(ConvTranspose2d),
    Bilinear(Bilinear),
    Unpool(Unpool),
    Shuffle(Shuffle),
}

/// A resize and a convolution of single cells.
#[derive(Module, Debug)]
pub(crate) struct Bilinear {
    upsample: Upsample,
    conv: Option<Conv2d>,
}

/// A convolution of single cells, whose values then go back to where they were.
#[derive(Module, Debug)]
pub(crate) struct Unpool {
    conv: Option<Conv2d>,
}

/// A convolution whose channels become space.
#[derive(Module, Debug)]
pub(crate) struct Shuffle {
    conv: Conv2d,
    shuffle: PixelShuffle,
}

/// What a doubling must know of the pooling that it undoes.
#[derive(Clone, Debug)]
pub(crate) struct Pooled<V> {
    /// Where the maxima were, if the network unpools.
    positions: Option<V>,
    /// Height and width before the pooling.
    size: [usize; 2],
}

impl Doubling {
    /// `channels` before and after. Only unpooling needs as many after it as the pooling had.
    pub(crate) fn new(how: Upsampling, channels: [usize; 2], device: &Device) -> Result<Self> {
        let [from, to] = channels;
        let single = || {
            let conv = Conv2dConfig::new(channels, [1, 1]);
            (from != to).then(|| conv.init(device)).transpose()
        };
        Ok(match how {
            Upsampling::Transposed => {
                let conv = ConvTranspose2dConfig::new(channels, [2, 2]).with_stride([2, 2]);
                Self::Transposed(conv.init(device)?)
            }
            Upsampling::Bilinear => {
                let upsample = UpsampleConfig::factor(2, Resample::LinearHalfPixel).init();
                Self::Bilinear(Bilinear { upsample, conv: single()? })
            }
            Upsampling::Unpool => Self::Unpool(Unpool { conv: single()? }),
            Upsampling::Shuffle => {
                let conv = Conv2dConfig::new([from, to.saturating_mul(4)], [3, 3])
                    .with_padding(Padding::Same);
                let shuffle = PixelShuffleConfig::new(2).init();
                Self::Shuffle(Shuffle { conv: conv.init(device)?, shuffle })
            }
        })
    }

    /// Whether the pooling must say where its maxima were.
    pub(crate) fn unpools(&self) -> bool {
        matches!(self, Self::Unpool(_))
    }

    /// `[n, from, h, w] -> [n, to, 2 h, 2 w]`, where `pool` made `h` and `w` of twice as many.
    pub(crate) fn forward<P: Pass>(
        &self,
        pass: &mut P,
        x: &P::Value,
        pool: &MaxPool2d,
        pooled: &Pooled<P::Value>,
    ) -> Result<P::Value> {
        match self {
            Self::Transposed(conv) => Ok(pass.conv_transpose(conv, x)?),
            Self::Bilinear(Bilinear { upsample, conv }) => {
                // Both are linear, each in its own axes: their order does not matter, and small maps are cheaper.
                let x = single(pass, conv.as_ref(), x)?;
                Ok(pass.upsample(upsample, &x)?)
            }
            Self::Unpool(Unpool { conv }) => {
                let x = single(pass, conv.as_ref(), x)?;
                match &pooled.positions {
                    Some(positions) => Ok(pass.max_unpool(pool, &x, positions, pooled.size)?),
                    None => {
                        let reason = "the pooling has not kept its positions".into();
                        Err(NnError::Setting { setting: "unpool", reason }.into())
                    }
                }
            }
            Self::Shuffle(Shuffle { conv, shuffle }) => {
                let x = pass.conv(conv, x)?;
                Ok(pass.pixel_shuffle(shuffle, &x)?)
            }
        }
    }
}

fn single<P: Pass>(pass: &mut P, conv: Option<&Conv2d>, x: &P::Value) -> Result<P::Value> {
    Ok(conv.map(|conv| pass.conv(conv, x)).transpose()?.unwrap_or_else(|| x.clone()))
}

/// The maxima, and what the way back needs.
pub(crate) fn halve<P: Pass>(
    pass: &mut P,
    pool: &MaxPool2d,
    x: &P::Value,
    keep_positions: bool,
) -> Result<(P::Value, Pooled<P::Value>)> {
    let [_, _, h, w] = pass.shape(x);
    let (y, positions) = match keep_positions {
        true => {
            let (y, positions) = pass.max_pool_with_positions(pool, x)?;
            (y, Some(positions))
        }
        false => (pass.max_pool(pool, x)?, None),
    };
    Ok((y, Pooled { positions, size: [h, w] }))
}
