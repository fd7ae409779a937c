//! Max pooling with the places of the maxima, and the way back.

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use upconv_geometry::{GeometryError, Padding, PoolRounding, UnpoolAxisParams, unpool_output};

use super::setting::{pool_padding, signed};
use crate::error::{Result, or_panic};
use crate::ops::{self, PoolWindow};

/// Settings of a [`MaxPool`] over `N` spatial axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaxPoolConfig<const N: usize> {
    /// Window cells per axis.
    pub kernel_size: [usize; N],
    /// Cells from one window to the next; the kernel size.
    pub stride: [usize; N],
    /// Cells from one window cell to the next; 1.
    pub dilation: [usize; N],
    /// Cells around the input, which never win; none. `Same` and `SameUpper` are TensorFlow's rule.
    pub padding: Padding,
    /// Whether a last, incomplete window counts; it does not.
    pub rounding: PoolRounding,
}

/// A max pooling layer for tensors with `D` axes.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_nn::layers::{MaxPool2dConfig, MaxUnpool2dConfig};
/// let device = Device::flex();
/// let x = Tensor::<4>::from_floats([[[[1.0, 2.0, 5.0], [4.0, 3.0, 6.0]]]], &device);
/// let pool = MaxPool2dConfig::new([2, 2]).init();
/// let (y, places) = pool.forward_with_indices(x);
/// assert_eq!(y.clone().into_data().try_to_vec::<f32>().unwrap(), [4.0]);
/// // Back to where it was: row 1, column 0. The third column is asked for.
/// let back = MaxUnpool2dConfig::new([2, 2]).init().try_forward(y, places, Some(&[2, 3]))?;
/// assert_eq!(back.into_data().try_to_vec::<f32>().unwrap(), [0.0, 0.0, 0.0, 4.0, 0.0, 0.0]);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
#[derive(Module, Debug)]
pub struct MaxPool<const D: usize> {
    /// Window cells per axis.
    pub kernel_size: Vec<usize>,
    /// Cells from one window to the next.
    pub stride: Vec<usize>,
    /// Cells from one window cell to the next.
    pub dilation: Vec<usize>,
    /// Cells around the input.
    #[module(skip)]
    pub padding: Padding,
    /// What becomes of the last window.
    #[module(skip)]
    pub rounding: PoolRounding,
}

impl<const D: usize> MaxPool<D> {
    /// The windows of an input.
    pub fn window(&self) -> PoolWindow {
        let axes = self.kernel_size.len();
        PoolWindow {
            kernel: self.kernel_size.clone(),
            stride: self.stride.clone(),
            dilation: self.dilation.clone(),
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

    /// `x: [n, c, input...] -> values, positions: [n, c, output...]`; see [`ops::max_pool`].
    ///
    /// # Errors
    /// As [`ops::max_pool`].
    pub fn try_forward_with_indices(&self, x: Tensor<D>) -> Result<(Tensor<D>, Tensor<D, Int>)> {
        ops::max_pool(x, &self.window())
    }

    /// The values alone.
    ///
    /// # Errors
    /// As [`ops::max_pool`].
    pub fn try_forward(&self, x: Tensor<D>) -> Result<Tensor<D>> {
        ops::max_pool_values(x, &self.window())
    }

    /// [`MaxPool::try_forward_with_indices`] for inputs that are known to fit.
    ///
    /// # Panics
    /// Where that returns an error.
    pub fn forward_with_indices(&self, x: Tensor<D>) -> (Tensor<D>, Tensor<D, Int>) {
        or_panic(self.try_forward_with_indices(x))
    }

    /// [`MaxPool::try_forward`] for inputs that are known to fit.
    ///
    /// # Panics
    /// Where that returns an error.
    pub fn forward(&self, x: Tensor<D>) -> Tensor<D> {
        or_panic(self.try_forward(x))
    }
}

impl<const N: usize> MaxPoolConfig<N> {
    /// Windows side by side, without padding.
    pub fn new(kernel_size: [usize; N]) -> Self {
        Self {
            kernel_size,
            stride: kernel_size,
            dilation: [1; N],
            padding: Padding::Valid,
            rounding: PoolRounding::Floor,
        }
    }

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

    fn build<const D: usize>(&self) -> MaxPool<D> {
        MaxPool {
            kernel_size: self.kernel_size.to_vec(),
            stride: self.stride.to_vec(),
            dilation: self.dilation.to_vec(),
            padding: self.padding.clone(),
            rounding: self.rounding,
        }
    }
}

/// Settings of a [`MaxUnpool`]: those of the pooling that it undoes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaxUnpoolConfig<const N: usize> {
    /// Window cells per axis.
    pub kernel_size: [usize; N],
    /// Cells from one window to the next; the kernel size.
    pub stride: [usize; N],
    /// Padding at both ends; 0.
    pub padding: [usize; N],
}

/// Puts maxima back to where a [`MaxPool`] found them, for tensors with `D` axes.
#[derive(Module, Debug)]
pub struct MaxUnpool<const D: usize> {
    /// Window cells per axis.
    pub kernel_size: Vec<usize>,
    /// Cells from one window to the next.
    pub stride: Vec<usize>,
    /// Padding at both ends.
    pub padding: Vec<usize>,
}

impl<const D: usize> MaxUnpool<D> {
    /// Spatial sizes of the output; `wanted` chooses among the sizes that pool to the input, of which
    /// `(input - 1) * stride - 2 * padding + kernel` is the usual one.
    ///
    /// # Errors
    /// A wanted size that is out of reach; another number of sizes.
    pub fn output_size(&self, input: &[usize], wanted: Option<&[usize]>) -> Result<Vec<usize>> {
        let axes = self.kernel_size.len();
        for (attribute, got) in
            [("input", input.len()), ("output", wanted.map_or(axes, <[_]>::len))]
        {
            if got != axes {
                return Err(
                    GeometryError::AttributeLength { attribute, expected: axes, got }.into()
                );
            }
        }
        let (padding, wanted) =
            (signed("padding", &self.padding)?, wanted.map(|w| signed("output", w)).transpose()?);
        let size = |axis: usize| {
            let output = wanted.as_ref().map(|sizes| sizes[axis]);
            let params = UnpoolAxisParams {
                input: input[axis],
                kernel: self.kernel_size[axis],
                stride: self.stride[axis],
                padding: padding[axis],
                output,
            };
            Ok(unpool_output(axis, params)?)
        };
        (0..axes).map(size).collect()
    }

    /// `x, positions: [n, c, input...] -> [n, c, output...]`; see [`ops::max_unpool`].
    ///
    /// # Errors
    /// As [`MaxUnpool::output_size`] and [`ops::max_unpool`].
    pub fn try_forward(
        &self,
        x: Tensor<D>,
        positions: Tensor<D, Int>,
        wanted: Option<&[usize]>,
    ) -> Result<Tensor<D>> {
        let output = self.output_size(&x.dims()[2..], wanted)?;
        ops::max_unpool(x, positions, &output)
    }

    /// [`MaxUnpool::try_forward`] to the usual size, for inputs that are known to fit.
    ///
    /// # Panics
    /// Where that returns an error.
    pub fn forward(&self, x: Tensor<D>, positions: Tensor<D, Int>) -> Tensor<D> {
        or_panic(self.try_forward(x, positions, None))
    }
}

impl<const N: usize> MaxUnpoolConfig<N> {
    /// Undoes windows side by side, without padding.
    pub fn new(kernel_size: [usize; N]) -> Self {
        Self { kernel_size, stride: kernel_size, padding: [0; N] }
    }

    /// Sets the stride.
    #[must_use]
    pub fn with_stride(self, stride: [usize; N]) -> Self {
        Self { stride, ..self }
    }

    /// Sets the padding.
    #[must_use]
    pub fn with_padding(self, padding: [usize; N]) -> Self {
        Self { padding, ..self }
    }

    fn build<const D: usize>(&self) -> MaxUnpool<D> {
        MaxUnpool {
            kernel_size: self.kernel_size.to_vec(),
            stride: self.stride.to_vec(),
            padding: self.padding.to_vec(),
        }
    }
}

macro_rules! rank {
    ($n:literal, $d:literal, $pool:ident, $pool_config:ident, $unpool:ident, $unpool_config:ident) => {
        #[doc = concat!("[`MaxPool`] over ", $n, " spatial axes.")]
        pub type $pool = MaxPool<$d>;
        #[doc = concat!("Settings of a [`", stringify!($pool), "`].")]
        pub type $pool_config = MaxPoolConfig<$n>;
        #[doc = concat!("[`MaxUnpool`] over ", $n, " spatial axes.")]
        pub type $unpool = MaxUnpool<$d>;
        #[doc = concat!("Settings of a [`", stringify!($unpool), "`].")]
        pub type $unpool_config = MaxUnpoolConfig<$n>;

        impl MaxPoolConfig<$n> {
            /// The layer.
            pub fn init(&self) -> $pool {
                self.build()
            }
        }

        impl MaxUnpoolConfig<$n> {
            /// The layer.
            pub fn init(&self) -> $unpool {
                self.build()
            }
        }
    };
}

rank!(1, 3, MaxPool1d, MaxPool1dConfig, MaxUnpool1d, MaxUnpool1dConfig);
rank!(2, 4, MaxPool2d, MaxPool2dConfig, MaxUnpool2d, MaxUnpool2dConfig);
rank!(3, 5, MaxPool3d, MaxPool3dConfig, MaxUnpool3d, MaxUnpool3dConfig);
