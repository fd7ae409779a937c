//! Max unpooling: every maximum goes back to where it came from, all other cells are zero.

use std::sync::Arc;

use burn::tensor::{Int, Tensor};
use upconv_geometry::{GeometryError, limits};

use super::plain;
use super::seam::{Done, Gradients, Inputs, Keeps, Operation, check, is_ours, operate};
use crate::error::Result;

/// Puts every value of `x` at its position in its plane of `output` cells, as [`super::max_pool`]
/// counts them.
///
/// Overlapping pooling windows can name one cell twice; the last in row-major order stays there, as in
/// the reference, and each of them gets the cell's gradient, as in PyTorch. On devices other than
/// Burn's CPU backend their mean stays, which is the same after a real pooling.
///
/// # Shapes
/// `x, positions: [n, c, input...] -> [n, c, output...]`
///
/// # Errors
/// Positions of another shape than `x`, or outside the output; another number of axes; another
/// element type than F32.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// let device = Device::flex();
/// let x = Tensor::<3>::from_floats([[[7.0, 8.0]]], &device);
/// let positions = Tensor::<3, Int>::from_ints([[[1, 2]]], &device);
/// let y = upconv_nn::ops::max_unpool(x, positions, &[4])?;
/// assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [0.0, 7.0, 8.0, 0.0]);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn max_unpool<const D: usize>(
    x: Tensor<D>,
    positions: Tensor<D, Int>,
    output: &[usize],
) -> Result<Tensor<D>> {
    let dims = x.dims();
    check("x", &x, &dims, &x.device())?;
    if positions.dims() != dims {
        let (expected, got) = (dims.to_vec(), positions.dims().to_vec());
        return Err(GeometryError::IndexShapeMismatch { expected, got }.into());
    }
    if D != output.len() + 2 {
        let (attribute, expected, got) = ("output", D.saturating_sub(2), output.len());
        return Err(GeometryError::AttributeLength { attribute, expected, got }.into());
    }
    let mut shape = dims;
    shape[2..].copy_from_slice(output);
    limits::cells("output", &shape)?;
    let cells = limits::cells("output plane", output)?;
    let places: Vec<i64> = positions.clone().into_data().iter::<i64>().collect();
    for (position, &got) in places.iter().enumerate() {
        if !usize::try_from(got).is_ok_and(|place| place < cells) {
            return Err(GeometryError::IndexOutOfRange { position, got, cells }.into());
        }
    }
    if !is_ours([x.device()]) {
        return Ok(plain::max_unpool(x, positions, shape));
    }
    let map = Unpooling { input: dims.to_vec(), output: shape.to_vec(), places };
    Ok(operate(Inputs::One(x.into_dispatch()), Arc::new(map)))
}

/// The places were checked against the planes of `output`.
#[derive(Debug)]
struct Unpooling {
    input: Vec<usize>,
    output: Vec<usize>,
    places: Vec<i64>,
}

impl Unpooling {
    /// `(place in the output tensor)` of every input value, in order.
    fn targets(&self) -> impl Iterator<Item = usize> + '_ {
        let pooled: usize = self.input[2..].iter().product();
        let cells: usize = self.output[2..].iter().product();
        // There are places only where there are cells.
        let plane = move |flat: usize| flat / pooled * cells;
        self.places.iter().enumerate().map(move |(flat, &place)| plane(flat) + place as usize)
    }
}

impl Operation for Unpooling {
    fn inputs(&self) -> Vec<Vec<usize>> {
        vec![self.input.clone()]
    }

    fn output(&self) -> Vec<usize> {
        self.output.clone()
    }

    fn keeps(&self) -> Keeps {
        Keeps::Nothing
    }

    fn forward(&self, inputs: &[&[f32]], y: &mut [f32], _: bool) -> Done {
        y.fill(0.0);
        self.targets().zip(inputs[0]).for_each(|(target, &value)| y[target] = value);
        Ok(())
    }

    fn backward(&self, _: &[&[f32]], dy: &[f32], into: Gradients<'_>) -> Done {
        for dx in into.into_iter().flatten() {
            self.targets().zip(dx).for_each(|(target, dx)| *dx = dy[target]);
        }
        Ok(())
    }
}
