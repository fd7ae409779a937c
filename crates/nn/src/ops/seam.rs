//! Where our kernels meet Burn's CPU backend: slices in, tensors out, and gradients behind them.
//!
//! Two kinds of operation are enough for everything in [`crate::ops`]: [`Weighted`], which is linear
//! in an input and in a weight and may add a bias, and [`Map`] of one input. Each brings its own
//! adjoint, so that one backward step serves all operations of a kind.

use std::fmt::Debug;
use std::sync::Arc;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Flex, backend_extension};
use burn::tensor::{DType, Device, Tensor, TensorData};
use upconv_kernels::{Gradients, KernelError};

use crate::error::{NnError, Result};

/// An operation on an input, a weight and perhaps a bias, of fixed shapes.
pub(crate) trait Weighted: Debug + Send + Sync + 'static {
    /// Shape of the output.
    fn output(&self) -> Vec<usize>;
    /// Shape of the input.
    fn input(&self) -> Vec<usize>;
    /// Shape of the weight.
    fn weight(&self) -> Vec<usize>;
    /// Writes every element of `y`.
    fn forward(
        &self,
        x: &[f32],
        w: &[f32],
        bias: Option<&[f32]>,
        y: &mut [f32],
    ) -> std::result::Result<(), KernelError>;
    /// Writes every element of the gradients asked for.
    fn backward(
        &self,
        x: &[f32],
        w: &[f32],
        dy: &[f32],
        into: Gradients<'_>,
    ) -> std::result::Result<(), KernelError>;
}

/// A map of one tensor, of fixed shapes, whose derivative depends on nothing but what [`Map::apply`]
/// may have left in it: linear maps, and pooling, which keeps the places of its maxima.
pub(crate) trait Map: Debug + Send + Sync + 'static {
    /// Shape of the output.
    fn output(&self) -> Vec<usize>;
    /// Shape of the input.
    fn input(&self) -> Vec<usize>;
    /// Writes the output to `y`, which holds zeros. Called once.
    fn apply(&self, x: &[f32], y: &mut [f32]);
    /// Adds the gradient of the input to `dx`, which holds zeros. Called after `apply`.
    fn adjoint(&self, dy: &[f32], dx: &mut [f32]);
}

/// The two kinds of operation as methods of a backend. Burn's macro finds the backend of the tensors
/// at run time; callers must have asked [`is_ours`].
#[backend_extension(Flex, Autodiff: cfg(feature = "train"))]
pub(crate) trait KernelBackend: Backend {
    /// `op(x, w)`.
    fn weighted(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        op: Arc<dyn Weighted>,
    ) -> FloatTensor<Self>;
    /// `op(x, w) + bias`.
    fn weighted_with_bias(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        op: Arc<dyn Weighted>,
    ) -> FloatTensor<Self>;
    /// `map(x)`.
    fn mapped(x: FloatTensor<Self>, map: Arc<dyn Map>) -> FloatTensor<Self>;
}

impl KernelBackend for Flex {
    fn weighted(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        op: Arc<dyn Weighted>,
    ) -> FloatTensor<Self> {
        forward(&x, &w, None, &*op)
    }

    fn weighted_with_bias(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        op: Arc<dyn Weighted>,
    ) -> FloatTensor<Self> {
        forward(&x, &w, Some(&bias), &*op)
    }

    fn mapped(x: FloatTensor<Self>, map: Arc<dyn Map>) -> FloatTensor<Self> {
        with_slice(&x, |x| new_tensor(map.output(), |y| map.apply(x, y)))
    }
}

/// Whether the tensors on these devices are where our kernels run.
///
/// Gradients that this crate was built without are left to Burn's own operations, so that they are
/// slower to compute and not lost.
pub(super) fn is_ours(devices: impl IntoIterator<Item = Device>) -> bool {
    // Devices compare by hardware, whatever is recorded on them.
    let ours = |device: Device| device == Device::flex() && (RECORDS || !device.is_autodiff());
    devices.into_iter().all(ours)
}

/// Whether gradients can be recorded for our kernels.
const RECORDS: bool = cfg!(feature = "train");

/// Checks shape, element type and device of an argument beside `x`.
pub(crate) fn check<const D: usize>(
    tensor: &'static str,
    value: &Tensor<D>,
    expected: &[usize],
    device: &Device,
) -> Result<()> {
    if value.dims() != *expected {
        let (expected, got) = (expected.to_vec(), value.dims().to_vec());
        return Err(NnError::Shape { tensor, expected, got });
    }
    if value.dtype() != DType::F32 {
        return Err(NnError::Dtype { tensor, got: value.dtype() });
    }
    if value.device() != *device {
        let (expected, got) = (format!("{device:?}"), format!("{:?}", value.device()));
        return Err(NnError::Device { tensor, expected, got });
    }
    Ok(())
}

/// Calls `f` with the elements in row-major order; they are copied only if they do not lie so.
pub(super) fn with_slice<T>(tensor: &FloatTensor<Flex>, f: impl FnOnce(&[f32]) -> T) -> T {
    match tensor.as_slice::<f32>() {
        Some(slice) => f(slice),
        // `check` has seen the element type, so that only the order can be wrong.
        None => f(tensor.to_contiguous().as_slice::<f32>().unwrap_or_default()),
    }
}

/// A tensor that `fill` writes, given zeros.
pub(super) fn new_tensor(shape: Vec<usize>, fill: impl FnOnce(&mut [f32])) -> FloatTensor<Flex> {
    let mut values = vec![0.0f32; shape.iter().product()];
    fill(&mut values);
    FloatTensor::<Flex>::from_data(TensorData::new(values, shape))
}

/// Kernels refuse only what [`check`] has refused before, and Burn's operations cannot fail.
pub(super) fn accept(result: std::result::Result<(), KernelError>) {
    if let Err(error) = result {
        panic!("the sizes were checked, and yet: {error}");
    }
}

fn forward(
    x: &FloatTensor<Flex>,
    w: &FloatTensor<Flex>,
    bias: Option<&FloatTensor<Flex>>,
    op: &dyn Weighted,
) -> FloatTensor<Flex> {
    with_slice(x, |x| {
        with_slice(w, |w| {
            new_tensor(op.output(), |y| match bias {
                None => accept(op.forward(x, w, None, y)),
                Some(bias) => with_slice(bias, |bias| accept(op.forward(x, w, Some(bias), y))),
            })
        })
    })
}
