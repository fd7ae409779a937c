//! What convolution and transposed convolution layers share beside their parameters.

use burn::module::Param;
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};
use upconv_geometry::{Channels, ConvPadding, GeometryError, Padding};

use crate::error::{NnError, Result};
use crate::init;

/// Stride, dilation, padding and groups of a layer; one entry per spatial axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Cells from one window to the next.
    pub stride: Vec<usize>,
    /// Cells from one tap to the next; 1 is a dense kernel.
    pub dilation: Vec<usize>,
    /// Padding; words are worked out from the size of each input.
    pub padding: Padding,
    /// Groups.
    pub groups: usize,
}

impl Setting {
    /// The numbers as `upconv-geometry` takes them, with one pair of pads spread over all axes.
    pub(super) fn geometry(&self) -> Result<(Vec<i64>, Vec<i64>, Padding)> {
        let padding = match &self.padding {
            Padding::Pads(pads) if pads.len() == 1 => {
                Padding::Pads(vec![pads[0]; self.stride.len()])
            }
            other => other.clone(),
        };
        Ok((signed("stride", &self.stride)?, signed("dilation", &self.dilation)?, padding))
    }
}

/// The padding of so many axes of a pooling, with one pair of pads spread over all of them. Pads of another number
/// stay as they are, to be refused with the input.
pub(super) fn pool_padding(padding: &Padding, axes: usize) -> Vec<ConvPadding> {
    let pair = |&(before, after): &(i64, i64)| ConvPadding::Pads { before, after };
    match padding {
        Padding::Valid => vec![ConvPadding::Valid; axes],
        Padding::Same | Padding::SameUpper => vec![ConvPadding::SameUpper; axes],
        Padding::SameLower => vec![ConvPadding::SameLower; axes],
        Padding::Pads(pads) if pads.len() == 1 => vec![pair(&pads[0]); axes],
        Padding::Pads(pads) => pads.iter().map(pair).collect(),
    }
}

/// Sizes as `upconv-geometry` takes them.
pub(super) fn signed(what: &'static str, sizes: &[usize]) -> Result<Vec<i64>> {
    let one = |(axis, &size): (usize, &usize)| {
        let (got, limit) = (size as i128, upconv_geometry::limits::MAX_AXIS);
        i64::try_from(size)
            .map_err(|_| GeometryError::SizeLimit { what, axis: Some(axis), got, limit }.into())
    };
    sizes.iter().enumerate().map(one).collect()
}

/// Checks what can be known without an input, and makes the parameters: drawn when first used, so
/// that loading a model draws nothing.
pub(super) fn parameters<const D: usize>(
    channels: Channels,
    weight: [usize; D],
    initializer: &Initializer,
    bias: Option<&Initializer>,
    device: &Device,
) -> Result<(Param<Tensor<D>>, Option<Param<Tensor<1>>>)> {
    let Channels { in_channels, out_channels, groups, .. } = channels;
    if groups == 0 {
        return Err(GeometryError::ZeroGroups { got: 0 }.into());
    }
    for channels in [in_channels, out_channels] {
        if !channels.is_multiple_of(groups) {
            return Err(GeometryError::GroupsNotDividingChannels { channels, groups }.into());
        }
    }
    upconv_geometry::limits::cells("weight", &weight).map_err(NnError::from)?;
    let (fan_in, fan_out) = init::fans(&weight);
    let bias = bias.map(|init| init.init_with([out_channels], Some(fan_in), Some(fan_out), device));
    Ok((initializer.init_with(weight, Some(fan_in), Some(fan_out), device), bias))
}

/// The builder methods of both configs, which have the same fields.
macro_rules! builders {
    () => {
        /// Sets the stride.
        #[must_use]
        pub fn with_stride(self, stride: [usize; N]) -> Self {
            Self { stride, ..self }
        }

        /// Sets the dilation.
        #[must_use]
        pub fn with_dilation(self, dilation: [usize; N]) -> Self {
            Self { dilation, ..self }
        }

        /// Sets the groups.
        #[must_use]
        pub fn with_groups(self, groups: usize) -> Self {
            Self { groups, ..self }
        }

        /// Sets the padding.
        #[must_use]
        pub fn with_padding(self, padding: upconv_geometry::Padding) -> Self {
            Self { padding, ..self }
        }

        /// Sets whether there is a bias.
        #[must_use]
        pub fn with_bias(self, bias: bool) -> Self {
            Self { bias, ..self }
        }

        /// Sets how the weight begins.
        #[must_use]
        pub fn with_initializer(self, initializer: burn::nn::Initializer) -> Self {
            Self { initializer, ..self }
        }

        /// Sets how the bias begins.
        #[must_use]
        pub fn with_bias_initializer(self, bias_initializer: burn::nn::Initializer) -> Self {
            Self { bias_initializer, ..self }
        }

        fn setting(&self) -> Setting {
            Setting {
                stride: self.stride.to_vec(),
                dilation: self.dilation.to_vec(),
                padding: self.padding.clone(),
                groups: self.groups,
            }
        }
    };
}
pub(super) use builders;
