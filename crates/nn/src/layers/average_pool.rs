//! Average pooling.

use burn::module::Module;
use burn::tensor::Tensor;
use upconv_geometry::{Padding, PoolRounding};

use super::setting::pool_padding;
use crate::error::{Result, or_panic};
use crate::ops::{self, PoolWindow};

/// Settings of an [`AvgPool`] over `N` spatial axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvgPoolConfig<const N: usize> {
    /// Window cells per axis.
    pub kernel_size: [usize; N],
    /// Cells from one window to the next; the kernel size.
    pub stride: [usize; N],
    /// Cells around the input; none. `Same` and `SameUpper` are TensorFlow's rule.
    pub padding: Padding,
    /// Whether a last, incomplete window counts; it does not.
    pub rounding: PoolRounding,
    /// Whether a sum is divided by the window's cells in the padding, too: PyTorch and Caffe do so, TensorFlow
    /// does not. Yes.
    pub count_padding: bool,
}

/// An average pooling layer for tensors with `D` axes.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_nn::layers::AvgPool2dConfig;
/// let x = Tensor::<4>::from_floats([[[[1.0, 2.0], [3.0, 6.0]]]], &Device::flex());
/// let y = AvgPool2dConfig::new([2, 2]).init().forward(x);
/// assert_eq!(y.into_scalar::<f32>(), 3.0);
/// ```
#[derive(Module, Debug)]
pub struct AvgPool<const D: usize> {
    /// Window cells per axis.
    pub kernel_size: Vec<usize>,
    /// Cells from one window to the next.
    pub stride: Vec<usize>,
    /// Cells around the input.
    #[module(skip)]
    pub padding: Padding,
    /// What becomes of the last window.
    #[module(skip)]
    pub rounding: PoolRounding,
    /// Whether the padding counts.
    pub count_padding: bool,
}

impl<const D: usize> AvgPool<D> {
    /// The windows of an input.
    pub fn window(&self) -> PoolWindow {
        let axes = self.kernel_size.len();
        PoolWindow {
            kernel: self.kernel_size.clone(),
            stride: self.stride.clone(),
            dilation: vec![1; axes],
            padding: pool_padding(&self.padding, axes),
            rounding: self.rounding,
        }
    }

    /// Spatial sizes of the output for spatial sizes of the input.
    ///
    /// # Errors
    /// Sizes that leave no output, or another number of them.
    pub fn output_size(&self, input: &[usize]) -> Result<Vec<usize>> {
        let shape: Vec<usize> = [1, 1].into_iter().chain(input.iter().copied()).collect();
        Ok(self.window().output(&shape)?.split_off(2))
    }

    /// `x: [n, c, input...] -> [n, c, output...]`
    ///
    /// # Errors
    /// As [`ops::average_pool`].
    pub fn try_forward(&self, x: Tensor<D>) -> Result<Tensor<D>> {
        ops::average_pool(x, &self.window(), self.count_padding)
    }

    /// [`AvgPool::try_forward`] for inputs that are known to fit.
    ///
    /// # Panics
    /// Where that returns an error.
    pub fn forward(&self, x: Tensor<D>) -> Tensor<D> {
        or_panic(self.try_forward(x))
    }
}

impl<const N: usize> AvgPoolConfig<N> {
    /// Windows side by side, without padding.
    pub fn new(kernel_size: [usize; N]) -> Self {
        let (padding, rounding) = (Padding::Valid, PoolRounding::Floor);
        Self { kernel_size, stride: kernel_size, padding, rounding, count_padding: true }
    }

    /// Sets the stride.
    #[must_use]
    pub fn with_stride(self, stride: [usize; N]) -> Self {
        Self { stride, ..self }
    }

    /// Sets the padding.
    #[must_use]
    pub fn with_padding(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }

    /// Sets what becomes of the last window.
    #[must_use]
    pub fn with_rounding(self, rounding: PoolRounding) -> Self {
        Self { rounding, ..self }
    }

    /// Sets whether the padding counts.
    #[must_use]
    pub fn with_count_padding(self, count_padding: bool) -> Self {
        Self { count_padding, ..self }
    }

    fn build<const D: usize>(&self) -> AvgPool<D> {
        AvgPool {
            kernel_size: self.kernel_size.to_vec(),
            stride: self.stride.to_vec(),
            padding: self.padding.clone(),
            rounding: self.rounding,
            count_padding: self.count_padding,
        }
    }
}

macro_rules! rank {
    ($n:literal, $d:literal, $pool:ident, $config:ident) => {
        #[doc = concat!("[`AvgPool`] over ", $n, " spatial axes.")]
        pub type $pool = AvgPool<$d>;
        #[doc = concat!("Settings of an [`", stringify!($pool), "`].")]
        pub type $config = AvgPoolConfig<$n>;

        impl AvgPoolConfig<$n> {
            /// The layer.
            pub fn init(&self) -> $pool {
                self.build()
            }
        }
    };
}

rank!(1, 3, AvgPool1d, AvgPool1dConfig);
rank!(2, 4, AvgPool2d, AvgPool2dConfig);
rank!(3, 5, AvgPool3d, AvgPool3dConfig);
