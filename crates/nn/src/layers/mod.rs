//! Layers: modules that hold parameters and settings, with a `forward`.
//!
//! A layer is built by its config, whose fields have names and defaults: `Conv2dConfig::new(channels,
//! kernel).with_stride(..).init(&device)`. Every layer has
//!
//! * `forward`, which panics on sizes that do not fit, as Burn's layers do;
//! * `try_forward`, which returns the error instead;
//! * `output_size`, which gives the spatial size of the output, or the same error, without computing.
//!
//! | layer | parameters |
//! | --- | --- |
//! | [`Conv`] | `weight [out, in / groups, kernel...]`, `bias [out]` |
//! | [`ConvTranspose`] | `weight [in, out / groups, kernel...]`, `bias [out]` |
//! | [`Linear`] | `weight [out, in]`, `bias [out]` |
//! | [`BatchNorm`] | `gamma`, `beta`, `running_mean`, `running_var`, all `[c]` |
//! | [`MaxPool`], [`MaxUnpool`], [`AvgPool`], [`Upsample`], [`PixelShuffle`] | none |

mod average_pool;
mod batch_norm;
mod conv;
mod conv_transpose;
mod linear;
mod max_pool;
mod pixel_shuffle;
mod setting;
mod upsample;

pub use average_pool::{
    AvgPool, AvgPool1d, AvgPool1dConfig, AvgPool2d, AvgPool2dConfig, AvgPool3d, AvgPool3dConfig,
    AvgPoolConfig,
};
pub use batch_norm::{BatchNorm, BatchNormConfig};
pub use conv::{
    Conv, Conv1d, Conv1dConfig, Conv2d, Conv2dConfig, Conv3d, Conv3dConfig, ConvConfig,
};
pub use conv_transpose::{
    ConvTranspose, ConvTranspose1d, ConvTranspose1dConfig, ConvTranspose2d, ConvTranspose2dConfig,
    ConvTranspose3d, ConvTranspose3dConfig, ConvTransposeConfig,
};
pub use linear::{Linear, LinearConfig};
pub use max_pool::{
    MaxPool, MaxPool1d, MaxPool1dConfig, MaxPool2d, MaxPool2dConfig, MaxPool3d, MaxPool3dConfig,
    MaxPoolConfig, MaxUnpool, MaxUnpool1d, MaxUnpool1dConfig, MaxUnpool2d, MaxUnpool2dConfig,
    MaxUnpool3d, MaxUnpool3dConfig, MaxUnpoolConfig,
};
pub use pixel_shuffle::{DepthOrder, PixelShuffle, PixelShuffleConfig};
pub use setting::Setting;
pub use upsample::{Upsample, UpsampleConfig, UpsampleSize};
