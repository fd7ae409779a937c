//! Dropout with a mask that its seed alone decides.

use burn::tensor::{Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::seam::check;
use crate::error::{NnError, Result};

/// Sets each element to 0 with probability `rate`, and divides the others by `1 - rate`, so that the mean stays.
///
/// Which elements go depends on `seed`, the shape and nothing else: not on Burn's generator, which all of a process
/// shares, nor on threads. A training gives another seed for every step and layer. Without training there is no dropout:
/// do not call it.
///
/// # Errors
/// A rate that is not at least 0 and below 1; another element type than F32.
///
/// # Source
/// N. Srivastava and others, "Dropout: a simple way to prevent neural networks from overfitting", 2014, scaled in
/// training as in PyTorch 2.8.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_nn::ops::dropout;
/// let x = Tensor::<1>::ones([1000], &Device::flex());
/// let values = |seed| dropout(x.clone(), 0.5, seed).map(|y| y.into_data().try_to_vec::<f32>().unwrap());
/// assert!(values(1)?.iter().all(|&y| y == 0.0 || y == 2.0));
/// assert_eq!(values(1)?, values(1)?);
/// assert_ne!(values(1)?, values(2)?);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn dropout<const D: usize>(x: Tensor<D>, rate: f64, seed: u64) -> Result<Tensor<D>> {
    let (dims, device) = (x.dims(), x.device());
    check("x", &x, &dims, &device)?;
    check_rate(rate)?;
    if rate == 0.0 {
        return Ok(x);
    }
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut random = ChaCha8Rng::from_seed(key);
    // A rate is met to within 2^-32.
    let below = (rate * 2f64.powi(32)) as u32;
    let kept = (1.0 / (1.0 - rate)) as f32;
    let mask: Vec<f32> = (0..dims.iter().product::<usize>())
        .map(|_| if random.next_u32() < below { 0.0 } else { kept })
        .collect();
    Ok(x * Tensor::from_data(TensorData::new(mask, dims), &device))
}

/// At least 0 and below 1.
pub(crate) fn check_rate(rate: f64) -> Result<()> {
    if (0.0..1.0).contains(&rate) {
        return Ok(());
    }
    let reason = format!("{rate} must be at least 0 and below 1");
    Err(NnError::Setting { setting: "dropout rate", reason })
}

#[cfg(all(test, feature = "train"))]
mod tests {
    use burn::tensor::{Device, Tensor};

    use super::dropout;

    #[test]
    fn the_share_and_the_gradient() {
        let x = Tensor::<2>::ones([100, 1000], &Device::flex().autodiff()).require_grad();
        let y = dropout(x.clone(), 0.2, 7).unwrap();
        let values = y.clone().into_data().try_to_vec::<f32>().unwrap();
        let gone = values.iter().filter(|&&value| value == 0.0).count() as f64;
        // Five standard deviations of a binomial distribution of 100,000 draws.
        let spread = 5.0 * (100_000.0f64 * 0.2 * 0.8).sqrt();
        assert!((gone - 20_000.0).abs() < spread, "{gone}");
        assert!(values.iter().all(|&value| value == 0.0 || value == 1.25));
        // The gradient of the sum is the mask.
        let gradient = x.grad(&y.sum().backward()).unwrap();
        assert_eq!(gradient.into_data().try_to_vec::<f32>().unwrap(), values);
    }

    #[test]
    fn what_is_refused() {
        for rate in [-0.1, 1.0, f64::NAN] {
            assert!(dropout(Tensor::<1>::ones([1], &Device::flex()), rate, 0).is_err(), "{rate}");
        }
        let x = Tensor::<1>::from_floats([3.0], &Device::flex());
        let y = dropout(x, 0.0, 0).unwrap();
        assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [3.0]);
    }
}
