//! Max pooling that also says where each maximum was.

use std::sync::{Arc, OnceLock};

use burn::tensor::{Int, Tensor, TensorData};
use upconv_kernels::PlanOptions;
use upconv_kernels::pool::MaxPoolPlan;
pub use upconv_kernels::pool::PoolWindow;

use super::plain;
use super::seam::{Done, Gradients, Inputs, Keeps, Operation, check, is_ours, operate};
use crate::error::Result;

/// The maximum of every window, and its flat position in its plane of the input (`y * width + x` in
/// 2-D), as PyTorch counts.
///
/// Among equal values the first in row-major order wins, a NaN beats every number, and padding never
/// wins. A window without any input cell, which Caffe's rounding can make, gives minus infinity and
/// position -1. On devices other than Burn's CPU backend ties and NaN follow Burn's own operation, and
/// there is none for 3 spatial axes.
///
/// # Shapes
/// `x: [n, c, input...] -> values, positions: [n, c, output...]`
///
/// # Errors
/// Sizes that leave no output; lists of the wrong length; another element type than F32.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_geometry::{ConvPadding, PoolRounding};
/// use upconv_nn::ops::{PoolWindow, max_pool};
/// let window = PoolWindow {
///     kernel: vec![2], stride: vec![2], dilation: vec![1],
///     padding: vec![ConvPadding::Valid], rounding: PoolRounding::Floor,
/// };
/// let x = Tensor::<3>::from_floats([[[1.0, 2.0, 4.0, 3.0]]], &Device::flex());
/// let (y, positions) = max_pool(x, &window)?;
/// assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [2.0, 4.0]);
/// assert_eq!(positions.into_data().iter::<i64>().collect::<Vec<_>>(), [1, 2]);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn max_pool<const D: usize>(
    x: Tensor<D>,
    window: &PoolWindow,
) -> Result<(Tensor<D>, Tensor<D, Int>)> {
    let (dims, device) = (x.dims(), x.device());
    let output = window.output(&dims)?;
    check("x", &x, &dims, &device)?;
    if !is_ours([device.clone()]) {
        return plain::max_pool(x, &window.axes(&dims)?);
    }
    let op = Arc::new(Pooling::new(window, &dims, true)?);
    let y = operate(Inputs::One(x.into_dispatch()), op.clone());
    let positions = op.positions.get().map_or(&[][..], Vec::as_slice);
    let positions: Vec<i64> = positions.iter().map(|&position| position.into()).collect();
    Ok((y, Tensor::from_data(TensorData::new(positions, output), &device)))
}

/// The values of [`max_pool`] alone. Where no gradient is recorded, nobody looks for the positions then.
///
/// # Shapes
/// `x: [n, c, input...] -> [n, c, output...]`
///
/// # Errors
/// As [`max_pool`].
pub fn max_pool_values<const D: usize>(x: Tensor<D>, window: &PoolWindow) -> Result<Tensor<D>> {
    let dims = x.dims();
    window.output(&dims)?;
    check("x", &x, &dims, &x.device())?;
    if !is_ours([x.device()]) {
        return Ok(plain::max_pool(x, &window.axes(&dims)?)?.0);
    }
    let op = Pooling::new(window, &dims, false)?;
    Ok(operate(Inputs::One(x.into_dispatch()), Arc::new(op)))
}

/// A pooling, and after it has run the positions of its maxima, if somebody needs them.
#[derive(Debug)]
struct Pooling {
    plan: MaxPoolPlan,
    input: Vec<usize>,
    wanted: bool,
    positions: OnceLock<Vec<i32>>,
}

impl Pooling {
    fn new(window: &PoolWindow, input: &[usize], wanted: bool) -> Result<Self> {
        let plan = MaxPoolPlan::new(window, input, &PlanOptions::default())?;
        Ok(Self { plan, input: input.to_vec(), wanted, positions: OnceLock::new() })
    }
}

impl Operation for Pooling {
    fn inputs(&self) -> Vec<Vec<usize>> {
        vec![self.input.clone()]
    }

    fn output(&self) -> Vec<usize> {
        self.plan.output().to_vec()
    }

    fn keeps(&self) -> Keeps {
        Keeps::Nothing
    }

    fn forward(&self, inputs: &[&[f32]], y: &mut [f32], recorded: bool) -> Done {
        if !self.wanted && !recorded {
            return self.plan.forward(inputs[0], y);
        }
        let mut positions = vec![0; y.len()];
        self.plan.forward_with_positions(inputs[0], y, &mut positions)?;
        // Nobody else writes here: an operation runs once.
        let _ = self.positions.set(positions);
        Ok(())
    }

    fn backward(&self, _: &[&[f32]], dy: &[f32], into: Gradients<'_>) -> Done {
        let positions = self.positions.get().map_or(&[][..], Vec::as_slice);
        into.into_iter().flatten().try_for_each(|dx| self.plan.backward(positions, dy, dx))
    }
}
