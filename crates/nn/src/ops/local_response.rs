//! Local response normalisation, of Burn's own operations, whose gradients it has.

use burn::tensor::Tensor;
pub use upconv_kernels::LocalResponse;

use super::seam::check;
use crate::error::Result;

/// Every value by the squares of its neighbours among the channels; see [`LocalResponse`].
///
/// # Errors
/// Settings that divide by nothing; another element type than F32.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_nn::ops::{LocalResponse, local_response};
/// let norm = LocalResponse { size: 3, alpha: 3.0, beta: 1.0, k: 1.0 };
/// let x = Tensor::<3>::from_floats([[[1.0], [2.0], [3.0]]], &Device::flex());
/// let y = local_response(x, norm)?.into_data().try_to_vec::<f32>().unwrap();
/// // 2 / (1 + 1 + 4 + 9)
/// assert!((y[1] - 2.0 / 15.0).abs() < 1e-6);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn local_response<const D: usize>(x: Tensor<D>, norm: LocalResponse) -> Result<Tensor<D>> {
    norm.check()?;
    let dims = x.dims();
    check("x", &x, &dims, &x.device())?;
    let LocalResponse { size, alpha, beta, k } = norm;
    let (channels, before) = (dims[1], (size - 1) / 2);
    let squares = x.clone() * x.clone();
    // The channels that are `by` before or behind, as far as there are any, with zeros for the rest.
    let moved = |by: isize| {
        let by_cells = by.unsigned_abs();
        let mut zeros = dims;
        zeros[1] = by_cells;
        let zeros = Tensor::zeros(zeros, &x.device());
        let part = |from: usize, to: usize| squares.clone().narrow(1, from, to - from);
        match by {
            0 => squares.clone(),
            1.. => Tensor::cat(vec![part(by_cells, channels), zeros], 1),
            _ => Tensor::cat(vec![zeros, part(0, channels - by_cells)], 1),
        }
    };
    let offsets = (0..size).map(|at| at as isize - before as isize);
    let sum = offsets
        .filter(|by| by.unsigned_abs() < channels)
        .map(moved)
        .reduce(|sum, next| sum + next)
        .unwrap_or_else(|| squares.clone());
    Ok(x / (sum * (alpha / size as f64) + k).powf_scalar(beta))
}
