//! A named tensor as it lies in a file: type of cells, shape, little-endian bytes, row-major.

use std::borrow::Cow;

use half::{bf16, f16};

use crate::bytes::Bytes;
use crate::error::{Result, TensorFault, WeightsError};
use crate::{axes, limits};

/// The type of a tensor's cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The names say it: kind and bits.
pub enum Dtype {
    F64,
    F32,
    F16,
    Bf16,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
}

impl Dtype {
    /// Every type, widest first.
    pub const ALL: [Self; 13] = [
        Self::F64,
        Self::I64,
        Self::U64,
        Self::F32,
        Self::I32,
        Self::U32,
        Self::F16,
        Self::Bf16,
        Self::I16,
        Self::U16,
        Self::I8,
        Self::U8,
        Self::Bool,
    ];

    /// Its name in safetensors files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F64 => "F64",
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::I64 => "I64",
            Self::I32 => "I32",
            Self::I16 => "I16",
            Self::I8 => "I8",
            Self::U64 => "U64",
            Self::U32 => "U32",
            Self::U16 => "U16",
            Self::U8 => "U8",
            Self::Bool => "BOOL",
        }
    }

    /// Bytes of one cell.
    pub const fn bytes(self) -> usize {
        match self {
            Self::F64 | Self::I64 | Self::U64 => 8,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    /// Whether its cells are floating-point numbers.
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::Bf16)
    }

    /// Names of all types, separated by commas.
    pub(crate) fn legal() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl std::fmt::Display for Dtype {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

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
        match self.dtype {
            Dtype::F32 => values.extend(self.chunks().map(f32::from_le_bytes)),
            Dtype::F16 => values.extend(self.chunks().map(|raw| f16::from_le_bytes(raw).to_f32())),
            Dtype::Bf16 => {
                values.extend(self.chunks().map(|raw| bf16::from_le_bytes(raw).to_f32()));
            }
            Dtype::F64 => values.extend(self.chunks().map(|raw| f64::from_le_bytes(raw) as f32)),
            other => {
                let legal = "F64, F32, F16, BF16".into();
                return Err(self.fault(TensorFault::Dtype { got: other.name().into(), legal }));
            }
        }
        Ok(values)
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
        for (index, value) in self.to_f32()?.into_iter().enumerate() {
            let short = f16::from_f32(value);
            if value.is_finite() && !short.is_finite() {
                let value = f64::from(value);
                return Err(self.fault(TensorFault::BeyondF16 { index, value }));
            }
            bytes.extend(short.to_le_bytes());
        }
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
        let bytes = axes::permute(&self.bytes, self.dtype.bytes(), &self.shape, axes)
            .map_err(|fault| self.fault(fault))?;
        Ok(Self { shape, bytes: bytes.into(), ..self })
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
        match self.dtype {
            Dtype::F64 => f64::from_le_bytes(self.chunk(cell)),
            Dtype::F32 => f32::from_le_bytes(self.chunk(cell)).into(),
            Dtype::F16 => f16::from_le_bytes(self.chunk(cell)).into(),
            Dtype::Bf16 => bf16::from_le_bytes(self.chunk(cell)).into(),
            Dtype::I64 => i64::from_le_bytes(self.chunk(cell)) as f64,
            Dtype::U64 => u64::from_le_bytes(self.chunk(cell)) as f64,
            Dtype::I32 => i32::from_le_bytes(self.chunk(cell)).into(),
            Dtype::U32 => u32::from_le_bytes(self.chunk(cell)).into(),
            Dtype::I16 => i16::from_le_bytes(self.chunk(cell)).into(),
            Dtype::U16 => u16::from_le_bytes(self.chunk(cell)).into(),
            Dtype::I8 => i8::from_le_bytes(self.chunk(cell)).into(),
            Dtype::U8 | Dtype::Bool => self.bytes[cell].into(),
        }
    }

    /// A cell of those types that F64 cannot hold.
    pub(crate) fn wide_integer(&self, cell: usize) -> Option<i128> {
        match self.dtype {
            Dtype::I64 => Some(i64::from_le_bytes(self.chunk(cell)).into()),
            Dtype::U64 => Some(u64::from_le_bytes(self.chunk(cell)).into()),
            _ => None,
        }
    }

    /// All cells as F64, in order.
    pub(crate) fn values(&self) -> impl Iterator<Item = f64> + '_ {
        (0..self.cells()).map(|cell| self.value(cell))
    }

    fn chunk<const N: usize>(&self, cell: usize) -> [u8; N] {
        self.bytes.as_chunks().0[cell]
    }

    fn chunks<const N: usize>(&self) -> impl Iterator<Item = [u8; N]> + '_ {
        self.bytes.as_chunks::<N>().0.iter().copied()
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
