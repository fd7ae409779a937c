//! Pixel shuffle: channels become space.

use burn::module::Module;
use burn::tensor::Tensor;
use upconv_kernels::reference::pixel_shuffle::{BlockShuffle, ChannelAxis};

pub use upconv_kernels::reference::pixel_shuffle::DepthOrder;

use crate::error::{Result, or_panic};

/// Settings of a [`PixelShuffle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelShuffleConfig {
    /// Edge of a block.
    pub factor: usize,
    /// Which channels make a block; PyTorch's order.
    pub order: DepthOrder,
}

/// Makes each block of `factor x factor` cells from `factor * factor` channels of one cell.
///
/// # Shapes
/// `x: [n, c * factor * factor, h, w] -> [n, c, h * factor, w * factor]`
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_nn::layers::PixelShuffleConfig;
/// let x = Tensor::<4>::from_floats([[[[1.0]], [[2.0]], [[3.0]], [[4.0]]]], &Device::flex());
/// let y = PixelShuffleConfig::new(2).init().forward(x);
/// assert_eq!(y.dims(), [1, 1, 2, 2]);
/// assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
/// ```
#[derive(Module, Debug)]
pub struct PixelShuffle {
    /// Factor and order.
    #[module(skip)]
    pub config: PixelShuffleConfig,
}

impl PixelShuffleConfig {
    /// In PyTorch's order.
    pub fn new(factor: usize) -> Self {
        Self { factor, order: DepthOrder::Crd }
    }

    /// Sets the order; [`DepthOrder::Dcr`] is TensorFlow's.
    #[must_use]
    pub fn with_order(self, order: DepthOrder) -> Self {
        Self { order, ..self }
    }

    /// The layer.
    pub fn init(&self) -> PixelShuffle {
        PixelShuffle { config: *self }
    }
}

impl PixelShuffle {
    /// Shape of the output, channels included, for the shape of the input.
    ///
    /// # Errors
    /// A factor of 0; channels that its square does not divide; the limits.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let PixelShuffleConfig { factor, order } = self.config;
        Ok(BlockShuffle { factor, order, channel_axis: ChannelAxis::First }.to_space(input)?)
    }

    /// Rearranges `x`.
    ///
    /// # Errors
    /// As [`PixelShuffle::output_shape`].
    pub fn try_forward(&self, x: Tensor<4>) -> Result<Tensor<4>> {
        let [n, _, h, w] = x.dims();
        let output = self.output_shape(&x.dims())?;
        let (c, r) = (output[1], self.config.factor);
        // To [n, c, h, row in the block, w, column in the block].
        let blocks = match self.config.order {
            DepthOrder::Crd => x.reshape([n, c, r, r, h, w]).permute([0, 1, 4, 2, 5, 3]),
            DepthOrder::Dcr => x.reshape([n, r, r, c, h, w]).permute([0, 3, 4, 1, 5, 2]),
        };
        Ok(blocks.reshape([n, c, h * r, w * r]))
    }

    /// [`PixelShuffle::try_forward`] for inputs that are known to fit.
    ///
    /// # Panics
    /// Where that returns an error.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        or_panic(self.try_forward(x))
    }
}
