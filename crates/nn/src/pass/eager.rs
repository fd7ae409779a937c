//! The forward pass on Burn's tensors.

use burn::tensor::Tensor;
use upconv_geometry::{GeometryError, limits};
use upconv_kernels::{Activation, KernelError, LocalResponse};

use super::Pass;
use crate::error::{NnError, Result};
use crate::layers::{
    BatchNorm, Conv2d, ConvTranspose2d, Linear, MaxPool2d, PixelShuffle, Upsample,
};
use crate::ops;
use crate::ops::check_rate;
use crate::ops::seam::check;

/// Computes with Burn's tensors as it goes.
///
/// [`Eager::default`] evaluates: dropout does nothing. [`Eager::training`] drops elements; make one for every step of a
/// training, with a seed of its own. Whether batch norm uses the statistics of the batch is for the tensors' device to
/// say, see [`BatchNorm`].
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_nn::pass::{Eager, Pass};
/// let x = Tensor::<4>::ones([1, 1, 8, 8], &Device::flex());
/// let dropped = |mut pass: Eager| {
///     let twice = [pass.dropout(0.5, &x)?, pass.dropout(0.5, &x)?];
///     Ok::<_, upconv_nn::NnError>(twice.map(|y| y.into_data().try_into_vec::<f32>().unwrap()))
/// };
/// assert_eq!(dropped(Eager::default())?, [[1.0; 64], [1.0; 64]]);
/// // The first dropout of a pass has another mask than the second, and the same as in any pass of that seed.
/// let [first, second] = dropped(Eager::training(7))?;
/// assert_ne!(first, second);
/// assert_eq!([first, second], dropped(Eager::training(7))?);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Eager {
    dropouts: Option<Dropouts>,
}

/// Cells of a plane whose numbers an `f32` holds exactly: 2^24.
const EXACT: usize = 1 << f32::MANTISSA_DIGITS;

/// The seeds of the dropouts of one pass.
#[derive(Clone, Debug)]
struct Dropouts {
    seed: u64,
    /// How many there were.
    number: u64,
}

impl Dropouts {
    /// Another seed for every dropout, which says nothing about those of other passes.
    fn next(&mut self) -> u64 {
        self.number += 1;
        mix(mix(self.seed).wrapping_add(self.number))
    }
}

/// A permutation of the numbers of 64 bits in which neighbours have nothing in common.
///
/// # Source
/// G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators", 2014: SplitMix64.
fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Eager {
    /// Drops elements; `seed` alone says which.
    pub fn training(seed: u64) -> Self {
        Self { dropouts: Some(Dropouts { seed, number: 0 }) }
    }
}

impl Pass for Eager {
    type Value = Tensor<4>;

    fn shape(&self, x: &Tensor<4>) -> [usize; 4] {
        x.dims()
    }

    fn conv(&mut self, layer: &Conv2d, x: &Tensor<4>) -> Result<Tensor<4>> {
        layer.try_forward(x.clone())
    }

    fn conv_transpose(&mut self, layer: &ConvTranspose2d, x: &Tensor<4>) -> Result<Tensor<4>> {
        layer.try_forward(x.clone())
    }

    fn conv_transpose_to(
        &mut self,
        layer: &ConvTranspose2d,
        x: &Tensor<4>,
        output: [usize; 2],
    ) -> Result<Tensor<4>> {
        layer.try_forward_to(x.clone(), &output)
    }

    fn batch_norm(&mut self, layer: &BatchNorm, x: &Tensor<4>) -> Result<Tensor<4>> {
        layer.try_forward(x.clone())
    }

    fn linear(&mut self, layer: &Linear, x: &Tensor<4>) -> Result<Tensor<4>> {
        let y = layer.try_forward(x.clone().flatten::<2>(1, 3))?;
        Ok(y.unsqueeze_dims(&[2, 3]))
    }

    fn activation(&mut self, activation: Activation, x: Tensor<4>) -> Result<Tensor<4>> {
        ops::activation(x, activation)
    }

    fn add(&mut self, a: &Tensor<4>, b: &Tensor<4>) -> Result<Tensor<4>> {
        check("the second summand", b, &a.dims(), &a.device())?;
        Ok(a.clone() + b.clone())
    }

    fn concat(&mut self, values: &[Tensor<4>]) -> Result<Tensor<4>> {
        let Some(first) = values.first() else {
            let reason = "needs at least one value".into();
            return Err(NnError::Setting { setting: "concat", reason });
        };
        for value in values {
            let mut expected = first.dims();
            expected[1] = value.dims()[1];
            check("a value of concat", value, &expected, &first.device())?;
        }
        Ok(Tensor::cat(values.to_vec(), 1))
    }

    fn max_pool(&mut self, layer: &MaxPool2d, x: &Tensor<4>) -> Result<Tensor<4>> {
        layer.try_forward(x.clone())
    }

    fn global_mean(&mut self, x: &Tensor<4>) -> Result<Tensor<4>> {
        Ok(ops::global_mean(x.clone())?.unsqueeze_dims(&[2, 3]))
    }

    fn upsample(&mut self, layer: &Upsample, x: &Tensor<4>) -> Result<Tensor<4>> {
        layer.try_forward(x.clone())
    }

    fn gate(&mut self, x: &Tensor<4>, gate: &Tensor<4>) -> Result<Tensor<4>> {
        let [n, c, ..] = x.dims();
        check("gate", gate, &[n, c, 1, 1], &x.device())?;
        Ok(x.clone() * gate.clone())
    }

    fn crop(&mut self, x: &Tensor<4>, begin: [usize; 2], size: [usize; 2]) -> Result<Tensor<4>> {
        let [n, c, h, w] = x.dims();
        for (axis, (&begin, &size)) in begin.iter().zip(&size).enumerate() {
            check_crop(axis, begin, size, [h, w][axis])?;
        }
        let ([top, left], [high, wide]) = (begin, size);
        Ok(x.clone().slice([0..n, 0..c, top..top + high, left..left + wide]))
    }

    fn pixel_shuffle(&mut self, layer: &PixelShuffle, x: &Tensor<4>) -> Result<Tensor<4>> {
        layer.try_forward(x.clone())
    }

    fn max_pool_with_positions(
        &mut self,
        layer: &MaxPool2d,
        x: &Tensor<4>,
    ) -> Result<(Tensor<4>, Tensor<4>)> {
        let [_, _, h, w] = x.dims();
        if limits::cells("plane", &[h, w])? > EXACT {
            let reason = "positions count to 2^24, and a plane of x has more cells";
            return Err(KernelError::Unsupported { option: "max positions", reason }.into());
        }
        let (y, positions) = layer.try_forward_with_indices(x.clone())?;
        Ok((y, positions.float()))
    }

    fn max_unpool(
        &mut self,
        layer: &MaxPool2d,
        x: &Tensor<4>,
        positions: &Tensor<4>,
        output: [usize; 2],
    ) -> Result<Tensor<4>> {
        let [n, c, ..] = x.dims();
        let pooled = layer.output_size(&output)?;
        check("x", x, &[n, c, pooled[0], pooled[1]], &x.device())?;
        ops::max_unpool(x.clone(), positions.clone().int(), &output)
    }

    fn local_response(&mut self, norm: LocalResponse, x: &Tensor<4>) -> Result<Tensor<4>> {
        ops::local_response(x.clone(), norm)
    }

    fn pad_channels(&mut self, x: &Tensor<4>, zeros: usize) -> Result<Tensor<4>> {
        let mut dims = x.dims();
        let whole = dims[1].saturating_add(zeros);
        limits::cells("output", &[dims[0], whole, dims[2], dims[3]])?;
        if zeros == 0 {
            return Ok(x.clone());
        }
        dims[1] = zeros;
        Ok(Tensor::cat(vec![x.clone(), Tensor::zeros(dims, &x.device())], 1))
    }

    fn dropout(&mut self, rate: f64, x: &Tensor<4>) -> Result<Tensor<4>> {
        check_rate(rate)?;
        match &mut self.dropouts {
            None => Ok(x.clone()),
            Some(dropouts) => ops::dropout(x.clone(), rate, dropouts.next()),
        }
    }
}

/// Whether so many cells from `begin` on lie in an axis of the input.
fn check_crop(axis: usize, begin: usize, size: usize, input: usize) -> Result<()> {
    if size == 0 {
        return Err(GeometryError::OutputSizeNotPositive { axis, got: 0 }.into());
    }
    if begin.checked_add(size).is_none_or(|end| end > input) {
        return Err(KernelError::CropOutside { axis, begin, size, input }.into());
    }
    Ok(())
}
