//! A named tensor as it lies in a file: type of cells, shape, little-endian bytes, row-major.

use std::borrow::Cow;

use half::{bf16, f16};

use crate::bytes::Bytes;
pub use crate::dtype::Dtype;
use crate::dtype::{chunk, chunks};
use crate::error::{Result, TensorFault, WeightsError};
use crate::strided::Strided;
use crate::{axes, limits};

/// A named tensor: row-major cells as little-endian bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    pub(crate) bytes: Bytes,
}

impl Tensor {
    /// A tensor of these bytes.
    ///
    /// # Errors
    /// If the shape is beyond a limit, or the bytes are more or fewer than it takes.
    ///
    /// ```
    /// use upconv_weights::{Dtype, Tensor};
    /// let tensor = Tensor::new("n", Dtype::U8, vec![3], vec![1, 2, 3])?;
    /// assert_eq!(tensor.cells(), 3);
    /// let error = Tensor::new("n", Dtype::I32, vec![3], vec![1, 2, 3]).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "tensor \"n\": I32 of shape [3] takes 12 bytes, but 3 are given"
    /// );
    /// # Ok::<(), upconv_weights::WeightsError>(())
    /// ```
    pub fn new(
        name: impl Into<String>,
        dtype: Dtype,
        shape: Vec<usize>,
        bytes: Vec<u8>,
    ) -> Result<Self> {
        Self::of(name.into(), dtype, shape, bytes.into())
    }

    /// The same of bytes that may lie in a mapped file.
    pub(crate) fn of(name: String, dtype: Dtype, shape: Vec<usize>, bytes: Bytes) -> Result<Self> {
        match byte_count(dtype, &shape) {
            Ok(needed) if needed == bytes.len() => Ok(Self { name, dtype, shape, bytes }),
            Ok(needed) => {
                let (needed, got) = (needed as u64, bytes.len() as u64);
                let fault = TensorFault::ByteCount { dtype: dtype.name(), shape, needed, got };
                Err(WeightsError::tensor("", &name, fault))
            }
            Err(fault) => Err(WeightsError::tensor("", &name, fault)),
        }
    }

    /// A tensor of F32.
    ///
    /// # Errors
    /// As [`Tensor::new`].
    pub fn from_f32(name: impl Into<String>, shape: &[usize], values: &[f32]) -> Result<Self> {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self::new(name, Dtype::F32, shape.to_vec(), bytes)
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of its cells.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Cells along each axis; none for a scalar.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The cells, row-major, little-endian.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes the cells take.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes of [`Tensor::bytes`] in order, in pieces of whole cells. A large tensor whose axes were moved lies nowhere
    /// as a whole until its bytes are asked for; its pieces are put in order one by one.
    ///
    /// # Errors
    /// Those of `each`, which ends it.
    ///
    /// ```
    /// let tensor = upconv_weights::Tensor::from_f32("t", &[2], &[1.0, 2.0])?;
    /// let mut count = 0;
    /// tensor.pieces(&mut |piece| {
    ///     count += piece.len();
    ///     Ok::<(), std::convert::Infallible>(())
    /// });
    /// assert_eq!(count, tensor.byte_len());
    /// # Ok::<(), upconv_weights::WeightsError>(())
    /// ```
    pub fn pieces<E>(
        &self,
        each: &mut impl FnMut(&[u8]) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        self.bytes.pieces(each)
    }

    /// The number of cells.
    pub fn cells(&self) -> usize {
        self.bytes.len() / self.dtype.bytes()
    }

    /// The same under another name.
    pub fn renamed(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// The cells as F32: F16 and BF16 are widened, which is exact; F64 is rounded.
    ///
    /// # Errors
    /// If the cells are no floating-point numbers.
    ///
    /// ```
    /// use upconv_weights::{Dtype, Tensor};
    /// // 0x3555 in F16 is 1365 / 4096.
    /// let third = Tensor::new("third", Dtype::F16, vec![], vec![0x55, 0x35])?;
    /// assert_eq!(third.to_f32()?, [1365.0 / 4096.0]);
    /// # Ok::<(), upconv_weights::WeightsError>(())
    /// ```
    pub fn to_f32(&self) -> Result<Vec<f32>> {
        let mut values = Vec::new();
        let bytes = (self.cells() as u64).saturating_mul(4);
        values
            .try_reserve_exact(self.cells())
            .map_err(|_| self.fault(TensorFault::NoMemory { bytes }))?;
        self.floats(|value| {
            values.push(value);
            Ok(())
        })?;
        Ok(values)
    }

    /// The cells as F32, in order, without the whole of them in memory.
    fn floats(&self, mut each: impl FnMut(f32) -> Result<()>) -> Result<()> {
        self.pieces(&mut |piece| match self.dtype {
            Dtype::F32 => chunks(piece).try_for_each(|raw| each(f32::from_le_bytes(raw))),
            Dtype::F16 => chunks(piece).try_for_each(|raw| each(f16::from_le_bytes(raw).to_f32())),
            Dtype::Bf16 => {
                chunks(piece).try_for_each(|raw| each(bf16::from_le_bytes(raw).to_f32()))
            }
            Dtype::F64 => chunks(piece).try_for_each(|raw| each(f64::from_le_bytes(raw) as f32)),
            other => {
                let legal = "F64, F32, F16, BF16".into();
                Err(self.fault(TensorFault::Dtype { got: other.name().into(), legal }))
            }
        })
    }

    /// The cells as numbers, without a copy where they lie in memory as F32.
    ///
    /// # Errors
    /// As [`Tensor::to_f32`].
    ///
    /// ```
    /// use upconv_weights::Tensor;
    /// let tensor = Tensor::from_f32("t", &[2], &[0.5, -2.0])?;
    /// assert_eq!(*tensor.as_f32()?, [0.5, -2.0]);
    /// # Ok::<(), upconv_weights::WeightsError>(())
    /// ```
    pub fn as_f32(&self) -> Result<Cow<'_, [f32]>> {
        // The numbers of a file are little-endian, and may begin anywhere.
        let in_place = self.dtype == Dtype::F32 && cfg!(target_endian = "little");
        match bytemuck::try_cast_slice(&self.bytes) {
            Ok(values) if in_place => Ok(Cow::Borrowed(values)),
            _ => Ok(Cow::Owned(self.to_f32()?)),
        }
    }

    /// The same as F16, rounded to the nearest, ties to even; NaN and infinities stay what they are.
    ///
    /// # Errors
    /// If a finite value is beyond the range of F16, or the cells are no floating-point numbers.
    pub fn to_f16(&self) -> Result<Self> {
        if self.dtype == Dtype::F16 {
            return Ok(self.clone());
        }
        let mut bytes = Vec::with_capacity(self.cells() * 2);
        self.floats(|value| {
            let short = f16::from_f32(value);
            if value.is_finite() && !short.is_finite() {
                let (index, value) = (bytes.len() / 2, f64::from(value));
                return Err(self.fault(TensorFault::BeyondF16 { index, value }));
            }
            bytes.extend(short.to_le_bytes());
            Ok(())
        })?;
        Self::new(self.name.clone(), Dtype::F16, self.shape.clone(), bytes)
    }

    /// The same as F32.
    ///
    /// # Errors
    /// As [`Tensor::to_f32`].
    pub fn widened(&self) -> Result<Self> {
        Self::from_f32(self.name.clone(), &self.shape, &self.to_f32()?)
    }

    /// The same with axis `axes[i]` of this tensor as its axis `i`.
    ///
    /// # Errors
    /// If `axes` is no order of the axes.
    ///
    /// ```
    /// use upconv_weights::Tensor;
    /// let rows = Tensor::from_f32("t", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
    /// let columns = rows.permuted(&[1, 0])?;
    /// assert_eq!(columns.shape(), [3, 2]);
    /// assert_eq!(columns.to_f32()?, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    /// # Ok::<(), upconv_weights::WeightsError>(())
    /// ```
    pub fn permuted(self, axes: &[usize]) -> Result<Self> {
        let shape = axes::permuted_shape(&self.shape, axes).map_err(|fault| self.fault(fault))?;
        if axes.is_sorted() {
            return Ok(self);
        }
        let Self { name, dtype, shape: source, bytes } = self;
        let bytes = bytes
            .strided(Strided::permuted(dtype.bytes(), &source, axes))
            .map_err(|fault| WeightsError::tensor("", &name, fault))?;
        Ok(Self { name, dtype, shape, bytes })
    }

    /// The same cells under another shape.
    ///
    /// # Errors
    /// If that shape has another number of cells.
    pub fn reshaped(self, shape: &[usize]) -> Result<Self> {
        Self::of(self.name, self.dtype, shape.to_vec(), self.bytes)
    }

    /// A cell as F64. Integers beyond 2^53 are rounded.
    pub(crate) fn value(&self, cell: usize) -> f64 {
        self.dtype.value(&self.bytes, cell)
    }

    /// A cell of those types that F64 cannot hold.
    pub(crate) fn wide_integer(&self, cell: usize) -> Option<i128> {
        match self.dtype {
            Dtype::I64 => Some(i64::from_le_bytes(chunk(&self.bytes, cell)).into()),
            Dtype::U64 => Some(u64::from_le_bytes(chunk(&self.bytes, cell)).into()),
            _ => None,
        }
    }

    /// All cells as F64, in order.
    pub(crate) fn values(&self) -> impl Iterator<Item = f64> + '_ {
        (0..self.cells()).map(|cell| self.value(cell))
    }

    pub(crate) fn fault(&self, fault: TensorFault) -> WeightsError {
        WeightsError::tensor("", &self.name, fault)
    }
}

/// A shape as people read it.
///
/// ```
/// assert_eq!(upconv_weights::shape_text(&[3, 3, 16]), "3x3x16");
/// assert_eq!(upconv_weights::shape_text(&[]), "scalar");
/// ```
pub fn shape_text(shape: &[usize]) -> String {
    match shape {
        [] => "scalar".into(),
        sizes => sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("x"),
    }
}

/// Bytes of a tensor.
pub(crate) fn byte_count(dtype: Dtype, shape: &[usize]) -> std::result::Result<usize, TensorFault> {
    // At most 2^40 cells of 8 bytes; only a machine of 32 bits can fail here.
    limits::cells(shape)?
        .checked_mul(dtype.bytes())
        .ok_or_else(|| TensorFault::TooManyCells { shape: shape.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_f16_widens_and_returns() {
        for bits in 0..=u16::MAX {
            let tensor = Tensor::new("t", Dtype::F16, vec![], bits.to_le_bytes().to_vec()).unwrap();
            let wide = tensor.widened().unwrap();
            let back = wide.to_f16().unwrap();
            let value = wide.to_f32().unwrap()[0];
            if value.is_nan() {
                assert!(back.to_f32().unwrap()[0].is_nan(), "{bits:#x}");
            } else {
                assert_eq!(back, tensor, "{bits:#x}");
            }
        }
    }

    #[test]
    fn f16_rounds_to_even_and_refuses_what_is_beyond_it() {
        // Between 2048 and 4096 F16 has even numbers only.
        let tensor = Tensor::from_f32("t", &[4], &[2049.0, 2051.0, 65504.0, 65519.0]).unwrap();
        assert_eq!(tensor.to_f16().unwrap().to_f32().unwrap(), [2048.0, 2052.0, 65504.0, 65504.0]);
        let error = Tensor::from_f32("t", &[2], &[0.0, 65520.0]).unwrap().to_f16().unwrap_err();
        assert!(error.to_string().contains("value 65520 at cell 1 is beyond F16"), "{error}");
        let kept = Tensor::from_f32("t", &[1], &[f32::NEG_INFINITY]).unwrap().to_f16().unwrap();
        assert_eq!(kept.to_f32().unwrap(), [f32::NEG_INFINITY]);
    }

    #[test]
    fn integers_are_not_taken_for_weights() {
        let error = Tensor::new("t", Dtype::U8, vec![1], vec![1]).unwrap().to_f32().unwrap_err();
        assert_eq!(error.to_string(), "tensor \"t\": type U8; legal: F64, F32, F16, BF16");
    }

    #[test]
    fn reshape_keeps_the_cells() {
        let tensor = Tensor::from_f32("t", &[1, 1, 2], &[1.0, 2.0]).unwrap();
        assert_eq!(tensor.clone().reshaped(&[2]).unwrap().bytes(), tensor.bytes());
        assert!(tensor.reshaped(&[3]).is_err());
    }
}
