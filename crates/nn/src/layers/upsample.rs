//! Upsampling to a factor or a size.

use burn::module::Module;
use burn::tensor::Tensor;
use upconv_geometry::GeometryError;

use crate::error::{Result, or_panic};
use crate::ops::{self, Resample};

/// How large the output is; one entry per spatial axis, or one for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpsampleSize {
    /// So many times the input.
    Factor(Vec<usize>),
    /// Exactly so many cells.
    Size(Vec<usize>),
}

/// Settings of an [`Upsample`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpsampleConfig {
    /// How large the output is.
    pub size: UpsampleSize,
    /// Which input cells make an output cell.
    pub how: Resample,
}

impl UpsampleConfig {
    /// A whole factor for every axis.
    pub fn factor(factor: usize, how: Resample) -> Self {
        Self { size: UpsampleSize::Factor(vec![factor]), how }
    }

    /// A fixed size.
    pub fn size(size: &[usize], how: Resample) -> Self {
        Self { size: UpsampleSize::Size(size.to_vec()), how }
    }

    /// The layer.
    pub fn init(&self) -> Upsample {
        Upsample { config: self.clone() }
    }
}

/// Resamples the spatial axes, of any number, without parameters.
///
/// # Shapes
/// `x: [n, c, input...] -> [n, c, output...]`
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_nn::layers::UpsampleConfig;
/// use upconv_nn::ops::Resample;
/// let up = UpsampleConfig::factor(2, Resample::LinearHalfPixel).init();
/// let y = up.forward(Tensor::<4>::from_floats([[[[0.0, 4.0]]]], &Device::flex()));
/// let row = [0.0, 1.0, 3.0, 4.0];
/// assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [row, row].concat());
/// ```
#[derive(Module, Debug)]
pub struct Upsample {
    /// Size and convention.
    #[module(skip)]
    pub config: UpsampleConfig,
}

impl Upsample {
    /// Spatial sizes of the output for spatial sizes of the input.
    ///
    /// # Errors
    /// Another number of axes; a size of 0 or above the limits.
    pub fn output_size(&self, input: &[usize]) -> Result<Vec<usize>> {
        let (UpsampleSize::Factor(list) | UpsampleSize::Size(list)) = &self.config.size;
        if list.len() != 1 && list.len() != input.len() {
            let (attribute, expected, got) = ("size", input.len(), list.len());
            return Err(GeometryError::AttributeLength { attribute, expected, got }.into());
        }
        let of = |axis: usize| list.get(axis).or(list.first()).copied().unwrap_or(1);
        let output = |(axis, &input): (usize, &usize)| match self.config.size {
            // Saturated sizes are above every limit.
            UpsampleSize::Factor(_) => input.saturating_mul(of(axis)),
            UpsampleSize::Size(_) => of(axis),
        };
        let output: Vec<usize> = input.iter().enumerate().map(output).collect();
        if let Some(axis) = output.iter().position(|&size| size == 0) {
            return Err(GeometryError::OutputSizeNotPositive { axis, got: 0 }.into());
        }
        upconv_geometry::limits::cells("output", &output)?;
        Ok(output)
    }

    /// Resamples `x`.
    ///
    /// # Errors
    /// As [`ops::resample`].
    pub fn try_forward<const D: usize>(&self, x: Tensor<D>) -> Result<Tensor<D>> {
        let output = self.output_size(&x.dims()[2..])?;
        ops::resample(x, &output, self.config.how)
    }

    /// [`Upsample::try_forward`] for inputs that are known to fit.
    ///
    /// # Panics
    /// Where that returns an error.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        or_panic(self.try_forward(x))
    }
}
