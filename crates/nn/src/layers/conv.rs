//! Convolution layers.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};
use upconv_geometry::{Channels, ConvAxis, Dialect, Padding};

use super::setting::{Setting, parameters};
use crate::error::{Result, or_panic};
use crate::{init, ops};

/// Settings of a [`Conv`] over `N` spatial axes, by name.
#[derive(Clone, Debug)]
pub struct ConvConfig<const N: usize> {
    /// Channels of input and output.
    pub channels: [usize; 2],
    /// Taps per axis.
    pub kernel_size: [usize; N],
    /// Cells from one window to the next; 1.
    pub stride: [usize; N],
    /// Cells from one tap to the next; 1.
    pub dilation: [usize; N],
    /// Groups, which divide both channels; 1. As many as input channels make it depthwise.
    pub groups: usize,
    /// Zeros around the input; none. `Same` and `SameUpper` are TensorFlow's rule, worked out from each
    /// input's size: `ceil(input / stride)` outputs, an odd zero behind.
    pub padding: Padding,
    /// Whether there is a bias; yes.
    pub bias: bool,
    /// How the weight begins; [`init::usual`].
    pub initializer: Initializer,
    /// How the bias begins; [`init::usual`].
    pub bias_initializer: Initializer,
}

/// A convolution layer whose tensors have `D` axes: batch, channels, and the spatial ones.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_geometry::Padding;
/// use upconv_nn::layers::Conv2dConfig;
/// let device = Device::flex();
/// // TensorFlow's SAME: the size decides where the zeros go.
/// let conv = Conv2dConfig::new([1, 4], [3, 3])
///     .with_stride([2, 2])
///     .with_padding(Padding::Same)
///     .init(&device)?;
/// assert_eq!(conv.output_size(&[5, 6])?, [3, 3]);
/// assert_eq!(conv.forward(Tensor::zeros([2, 1, 5, 6], &device)).dims(), [2, 4, 3, 3]);
/// // Too small for the window without padding:
/// let valid = Conv2dConfig::new([1, 4], [3, 3]).init(&device)?;
/// assert!(valid.output_size(&[2, 6]).is_err());
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
#[derive(Module, Debug)]
pub struct Conv<const D: usize> {
    /// `[out, in / groups, kernel...]`
    pub weight: Param<Tensor<D>>,
    /// `[out]`
    pub bias: Option<Param<Tensor<1>>>,
    /// Stride, dilation, padding, groups.
    #[module(skip)]
    pub setting: Setting,
}

impl<const D: usize> Conv<D> {
    /// The axes for an input of these spatial sizes: what every output is made of.
    ///
    /// # Errors
    /// Sizes that leave no output, or another number of them.
    pub fn axes(&self, input: &[usize]) -> Result<Vec<ConvAxis>> {
        let (stride, dilation, padding) = self.setting.geometry()?;
        // Does not draw a weight that nobody has used yet.
        let kernel = &self.weight.lazy_shape()[2..];
        Ok(Dialect::Definition.conv_axes(input, kernel, &stride, &dilation, &padding)?)
    }

    /// Spatial sizes of the output for spatial sizes of the input.
    ///
    /// # Errors
    /// As [`Conv::axes`].
    pub fn output_size(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(self.axes(input)?.iter().map(ConvAxis::output).collect())
    }

    /// `x: [n, in, input...] -> [n, out, output...]`
    ///
    /// # Errors
    /// As [`ops::conv`].
    pub fn try_forward(&self, x: Tensor<D>) -> Result<Tensor<D>> {
        let axes = self.axes(&x.dims()[2..])?;
        let bias = self.bias.as_ref().map(Param::val);
        ops::conv(x, self.weight.val(), bias, &axes, self.setting.groups)
    }

    /// [`Conv::try_forward`] for inputs that are known to fit.
    ///
    /// # Panics
    /// Where that returns an error.
    pub fn forward(&self, x: Tensor<D>) -> Tensor<D> {
        or_panic(self.try_forward(x))
    }
}

impl<const N: usize> ConvConfig<N> {
    /// `channels` of input and output, and the kernel; everything else at its default.
    pub fn new(channels: [usize; 2], kernel_size: [usize; N]) -> Self {
        Self {
            channels,
            kernel_size,
            stride: [1; N],
            dilation: [1; N],
            groups: 1,
            padding: Padding::Valid,
            bias: true,
            initializer: init::usual(),
            bias_initializer: init::usual(),
        }
    }

    /// One kernel per channel: `channels` groups of one channel each.
    pub fn depthwise(channels: usize, kernel_size: [usize; N]) -> Self {
        Self { groups: channels, ..Self::new([channels; 2], kernel_size) }
    }

    super::setting::builders!();

    fn build<const D: usize>(&self, device: &Device) -> Result<Conv<D>> {
        let [in_channels, out_channels] = self.channels;
        let mut shape = [0; D];
        shape[0] = out_channels;
        shape[1] = in_channels / self.groups.max(1);
        shape[2..].copy_from_slice(&self.kernel_size);
        let channels = Channels { batch: 0, in_channels, out_channels, groups: self.groups };
        let bias = self.bias.then_some(&self.bias_initializer);
        let (weight, bias) = parameters(channels, shape, &self.initializer, bias, device)?;
        Ok(Conv { weight, bias, setting: self.setting() })
    }
}

macro_rules! rank {
    ($n:literal, $d:literal, $layer:ident, $config:ident) => {
        #[doc = concat!("[`Conv`] over ", $n, " spatial axes.")]
        pub type $layer = Conv<$d>;
        #[doc = concat!("Settings of a [`", stringify!($layer), "`].")]
        pub type $config = ConvConfig<$n>;

        impl ConvConfig<$n> {
            /// The layer; its parameters are drawn when they are first used.
            ///
            /// # Errors
            /// Groups that do not divide the channels; a weight above the limits.
            pub fn init(&self, device: &Device) -> Result<$layer> {
                self.build(device)
            }
        }
    };
}

rank!(1, 3, Conv1d, Conv1dConfig);
rank!(2, 4, Conv2d, Conv2dConfig);
rank!(3, 5, Conv3d, Conv3dConfig);
