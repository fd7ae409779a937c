//! Where our kernels meet Burn's CPU backend: slices in, tensors out, and gradients behind them.
//!
//! One kind of operation is enough for everything in [`crate::ops`]: an [`Operation`] of one or more inputs of
//! fixed shapes and one output, which brings its own gradients and says which tensors they are worked out from.

use std::fmt::Debug;
use std::sync::Arc;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, ExtensionType, Flex, backend_extension};
use burn::tensor::{DType, Device, Tensor, TensorData};
use upconv_kernels::KernelError;

use crate::error::{NnError, Result};
use crate::memory::zeros;

/// What a kernel returns.
pub(crate) type Done = std::result::Result<(), KernelError>;

/// Which tensors [`Operation::backward`] reads beside the gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// None: the operation is linear, or has kept what it needs itself.
    Nothing,
    /// So many of the inputs, from the first on.
    Inputs(usize),
    /// The output.
    Output,
}

/// An operation on tensors of fixed shapes. It runs once, and may keep what its gradients need.
pub(crate) trait Operation: Debug + Send + Sync + 'static {
    /// Shapes of the inputs.
    fn inputs(&self) -> Vec<Vec<usize>>;
    /// Shape of the output.
    fn output(&self) -> Vec<usize>;
    /// What `backward` reads.
    fn keeps(&self) -> Keeps;
    /// Writes every element of `y`. Unless `recorded`, `backward` is not called afterwards.
    fn forward(&self, inputs: &[&[f32]], y: &mut [f32], recorded: bool) -> Done;
    /// Turns the only input into the output, or says that it cannot.
    fn forward_in_place(&self, _x: &mut [f32]) -> Option<Done> {
        None
    }
    /// Whether [`Self::backward_in_place`] may be called.
    fn works_backward_in_place(&self) -> bool {
        false
    }
    /// Turns the gradient of the output into that of the first input, which has the same shape, and writes every element
    /// of the others that are asked for.
    fn backward_in_place(&self, _kept: &[&[f32]], _dy: &mut [f32], _rest: Gradients<'_>) -> Done {
        Ok(())
    }
    /// Writes every element of the gradients asked for, one place for each input.
    fn backward(&self, kept: &[&[f32]], dy: &[f32], into: Gradients<'_>) -> Done;
}

/// Where the gradient of each input is written, if anybody asks for it.
pub(crate) type Gradients<'a> = Vec<Option<&'a mut [f32]>>;

/// The tensors that an operation takes.
#[derive(ExtensionType)]
pub(crate) enum Inputs<B: Backend> {
    /// An input.
    One(FloatTensor<B>),
    /// An input and a weight.
    Two(FloatTensor<B>, FloatTensor<B>),
    /// An input and two others: weight and bias, or two numbers for each channel.
    Three(FloatTensor<B>, FloatTensor<B>, FloatTensor<B>),
}

/// Operations as a method of a backend. Burn's macro finds the backend of the tensors at run time; callers must
/// have asked [`is_ours`].
#[backend_extension(Flex, Autodiff: cfg(feature = "train"))]
pub(crate) trait KernelBackend: Backend {
    /// `op(inputs)`; `recorded` as for [`Operation::forward`].
    fn operate(
        #[extension_type] inputs: Inputs<Self>,
        op: Arc<dyn Operation>,
        recorded: bool,
    ) -> FloatTensor<Self>;
}

impl KernelBackend for Flex {
    fn operate(inputs: Inputs<Self>, op: Arc<dyn Operation>, recorded: bool) -> FloatTensor<Self> {
        let inputs = match inputs {
            Inputs::One(mut x) => {
                match whole_storage(&mut x).and_then(|x| op.forward_in_place(x)) {
                    Some(done) => {
                        accept(done);
                        return x;
                    }
                    None => vec![x],
                }
            }
            Inputs::Two(x, w) => vec![x, w],
            Inputs::Three(x, a, b) => vec![x, a, b],
        };
        with_slices(&inputs, |inputs| {
            new_tensor(op.output(), |y| accept(op.forward(inputs, y, recorded)))
        })
    }
}

/// The values of a tensor that nobody else holds and that is all of its memory.
pub(super) fn whole_storage(x: &mut FloatTensor<Flex>) -> Option<&mut [f32]> {
    let values = x.as_slice::<f32>()?.len();
    x.try_storage_mut::<f32>().filter(|storage| storage.len() == values)
}

/// Runs an operation on tensors whose shapes, types and devices were checked.
pub(super) fn operate<const D: usize>(
    inputs: Inputs<Dispatch>,
    op: Arc<dyn Operation>,
) -> Tensor<D> {
    Tensor::from_dispatch(Dispatch::operate(inputs, op, false))
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

/// Calls `f` with the elements of each tensor in row-major order; they are copied only if they do not lie so.
pub(super) fn with_slices<T>(tensors: &[FloatTensor<Flex>], f: impl FnOnce(&[&[f32]]) -> T) -> T {
    // `check` has seen the element type, so that only the order can be wrong.
    let lies = |tensor: &FloatTensor<Flex>| tensor.as_slice::<f32>().is_some();
    let copied: Vec<Option<FloatTensor<Flex>>> =
        tensors.iter().map(|t| (!lies(t)).then(|| t.to_contiguous())).collect();
    let slices: Vec<&[f32]> = tensors
        .iter()
        .zip(&copied)
        .map(|(own, copy)| copy.as_ref().unwrap_or(own).as_slice::<f32>().unwrap_or_default())
        .collect();
    f(&slices)
}

/// A tensor that `fill` writes, given zeros.
pub(super) fn new_tensor(shape: Vec<usize>, fill: impl FnOnce(&mut [f32])) -> FloatTensor<Flex> {
    let mut values = zeros(shape.iter().product());
    fill(&mut values);
    FloatTensor::<Flex>::from_data(TensorData::new(values, shape))
}

/// Kernels refuse only what [`check`] has refused before, and Burn's operations cannot fail.
pub(super) fn accept(result: Done) {
    if let Err(error) = result {
        panic!("the sizes were checked, and yet: {error}");
    }
}
