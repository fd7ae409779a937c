//! Transposed convolution layers.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};
use upconv_geometry::dialect::definition;
use upconv_geometry::{Axis, Channels, Padding};

use super::setting::{Setting, parameters, signed};
use crate::error::{Result, or_panic};
use crate::{init, ops};

/// Settings of a [`ConvTranspose`] over `N` spatial axes, by name.
#[derive(Clone, Debug)]
pub struct ConvTransposeConfig<const N: usize> {
    /// Channels of input and output.
    pub channels: [usize; 2],
    /// Taps per axis.
    pub kernel_size: [usize; N],
    /// Cells between the landing places of two neighbouring inputs; 1.
    pub stride: [usize; N],
    /// Cells from one tap to the next; 1.
    pub dilation: [usize; N],
    /// Groups, which divide both channels; 1.
    pub groups: usize,
    /// Cells cropped from the uncropped result; none. `Same` and `SameUpper` are TensorFlow's rule
    /// (`input * stride` outputs, an odd cell cropped behind), `SameLower` crops it in front.
    pub padding: Padding,
    /// Cells less cropped behind, from 0 to `stride - 1`; 0. Chooses among the sizes that share an
    /// input.
    pub output_padding: [usize; N],
    /// Whether there is a bias; yes.
    pub bias: bool,
    /// How the weight begins; [`init::usual`].
    pub initializer: Initializer,
    /// How the bias begins; [`init::usual`].
    pub bias_initializer: Initializer,
}

/// A transposed convolution layer whose tensors have `D` axes: batch, channels, and the spatial ones.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_geometry::Padding;
/// use upconv_nn::layers::ConvTranspose2dConfig;
/// let device = Device::flex();
/// let up = ConvTranspose2dConfig::new([1, 1], [3, 3])
///     .with_stride([2, 2])
///     .with_padding(Padding::Same)
///     .init(&device)?;
/// assert_eq!(up.output_size(&[3, 3])?, [6, 6]);
/// // 5 is the other size that a convolution with stride 2 brings back to 3; 7 is not.
/// let x = Tensor::<4>::zeros([1, 1, 3, 3], &device);
/// assert_eq!(up.try_forward_to(x.clone(), &[5, 6])?.dims(), [1, 1, 5, 6]);
/// assert!(up.try_forward_to(x, &[7, 6]).is_err());
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
#[derive(Module, Debug)]
pub struct ConvTranspose<const D: usize> {
    /// `[in, out / groups, kernel...]`
    pub weight: Param<Tensor<D>>,
    /// `[out]`
    pub bias: Option<Param<Tensor<1>>>,
    /// Stride, dilation, padding, groups.
    #[module(skip)]
    pub setting: Setting,
    /// Cells less cropped behind, per axis.
    pub output_padding: Vec<usize>,
}

impl<const D: usize> ConvTranspose<D> {
    /// The axes for an input of these spatial sizes: what every output is made of. `output` chooses
    /// among the sizes that share the input.
    ///
    /// # Errors
    /// Sizes that leave no output, another number of them, or an `output` that does not come back to
    /// the input.
    pub fn axes(&self, input: &[usize], output: Option<&[usize]>) -> Result<Vec<Axis>> {
        let (stride, dilation, padding) = self.setting.geometry()?;
        // Does not draw a weight that nobody has used yet.
        let kernel = &self.weight.lazy_shape()[2..];
        let output = output.map(|sizes| signed("output", sizes)).transpose()?;
        // A wanted size replaces the setting that chooses a size.
        let output_padding = match output {
            None => signed("output_padding", &self.output_padding)?,
            Some(_) => Vec::new(),
        };
        let op = definition::ConvTranspose {
            stride,
            padding,
            output_padding,
            dilation,
            output,
            ..Default::default()
        };
        Ok(op.axes(input, kernel)?)
    }

    /// Spatial sizes of the output for spatial sizes of the input.
    ///
    /// # Errors
    /// As [`ConvTranspose::axes`].
    pub fn output_size(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(self.axes(input, None)?.iter().map(Axis::output).collect())
    }

    /// `x: [n, in, input...] -> [n, out, output...]`
    ///
    /// # Errors
    /// As [`ops::conv_transpose`].
    pub fn try_forward(&self, x: Tensor<D>) -> Result<Tensor<D>> {
        self.run(x, None)
    }

    /// The same with wanted spatial sizes of the output, as TensorFlow's `output_shape`.
    ///
    /// # Errors
    /// Also for sizes that do not share the input.
    pub fn try_forward_to(&self, x: Tensor<D>, output: &[usize]) -> Result<Tensor<D>> {
        self.run(x, Some(output))
    }

    /// [`ConvTranspose::try_forward`] for inputs that are known to fit.
    ///
    /// # Panics
    /// Where that returns an error.
    pub fn forward(&self, x: Tensor<D>) -> Tensor<D> {
        or_panic(self.try_forward(x))
    }

    fn run(&self, x: Tensor<D>, output: Option<&[usize]>) -> Result<Tensor<D>> {
        let axes = self.axes(&x.dims()[2..], output)?;
        let bias = self.bias.as_ref().map(Param::val);
        ops::conv_transpose(x, self.weight.val(), bias, &axes, self.setting.groups)
    }
}

impl<const N: usize> ConvTransposeConfig<N> {
    /// `channels` of input and output, and the kernel; everything else at its default.
    pub fn new(channels: [usize; 2], kernel_size: [usize; N]) -> Self {
        Self {
            channels,
            kernel_size,
            stride: [1; N],
            dilation: [1; N],
            groups: 1,
            padding: Padding::Valid,
            output_padding: [0; N],
            bias: true,
            initializer: init::usual(),
            bias_initializer: init::usual(),
        }
    }

    super::setting::builders!();

    /// Sets the output padding.
    #[must_use]
    pub fn with_output_padding(self, output_padding: [usize; N]) -> Self {
        Self { output_padding, ..self }
    }

    fn build<const D: usize>(&self, device: &Device) -> Result<ConvTranspose<D>> {
        let [in_channels, out_channels] = self.channels;
        let mut shape = [0; D];
        shape[0] = in_channels;
        shape[1] = out_channels / self.groups.max(1);
        shape[2..].copy_from_slice(&self.kernel_size);
        let channels = Channels { batch: 0, in_channels, out_channels, groups: self.groups };
        let bias = self.bias.then_some(&self.bias_initializer);
        let (weight, bias) = parameters(channels, shape, &self.initializer, bias, device)?;
        let output_padding = self.output_padding.to_vec();
        Ok(ConvTranspose { weight, bias, setting: self.setting(), output_padding })
    }
}

macro_rules! rank {
    ($n:literal, $d:literal, $layer:ident, $config:ident) => {
        #[doc = concat!("[`ConvTranspose`] over ", $n, " spatial axes.")]
        pub type $layer = ConvTranspose<$d>;
        #[doc = concat!("Settings of a [`", stringify!($layer), "`].")]
        pub type $config = ConvTransposeConfig<$n>;

        impl ConvTransposeConfig<$n> {
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

rank!(1, 3, ConvTranspose1d, ConvTranspose1dConfig);
rank!(2, 4, ConvTranspose2d, ConvTranspose2dConfig);
rank!(3, 5, ConvTranspose3d, ConvTranspose3dConfig);
