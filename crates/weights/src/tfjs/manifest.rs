//! The manifest of weights, checked: types, sizes, and how many bytes each tensor takes.

use super::document::{RawEntry, RawGroup, RawQuantization};
use crate::error::{Result, TensorFault, WeightsError};
use crate::limits;
use crate::tensor::{self, Dtype};

/// Tensors that lie one after the other in the shards of the group.
pub(super) struct Group {
    /// The shards, as the document names them.
    pub(super) paths: Vec<String>,
    pub(super) tensors: Vec<Stored>,
    /// Bytes of all tensors.
    pub(super) bytes: u64,
}

/// A tensor, and how it is stored.
pub(super) struct Stored {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) encoding: Encoding,
    /// Bytes that it takes in the shards.
    pub(super) bytes: u64,
}

/// How values are stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Encoding {
    /// As they are.
    Plain(Dtype),
    /// As unsigned integers `q` of type `stored`; the value is `q * scale + min`.
    Affine { stored: Dtype, value: Dtype, scale: f64, min: f64 },
}

impl Encoding {
    fn stored(self) -> Dtype {
        match self {
            Self::Plain(dtype) => dtype,
            Self::Affine { stored, .. } => stored,
        }
    }

    /// The type in memory.
    fn value(self) -> Dtype {
        match self {
            Self::Plain(dtype) => dtype,
            Self::Affine { value, .. } => value,
        }
    }
}

/// Checks everything that can be checked without the shards.
pub(super) fn check(file: &str, groups: Vec<RawGroup>) -> Result<Vec<Group>> {
    let got = groups.iter().map(|group| group.weights.len()).sum();
    if got > limits::MAX_TENSORS {
        let limit = limits::MAX_TENSORS;
        return Err(WeightsError::TooMany { file: file.into(), what: "tensors", got, limit });
    }
    let mut in_memory = 0u64;
    let mut checked = Vec::with_capacity(groups.len());
    for RawGroup { paths, weights } in groups {
        let (mut tensors, mut bytes) = (Vec::with_capacity(weights.len()), 0u64);
        for entry in weights {
            let name = entry.name.clone();
            let (tensor, widened) =
                stored(entry).map_err(|fault| WeightsError::tensor(file, &name, fault))?;
            bytes = bytes.saturating_add(tensor.bytes);
            in_memory = in_memory.saturating_add(widened);
            tensors.push(tensor);
        }
        checked.push(Group { paths, tensors, bytes });
    }
    if in_memory > limits::MAX_BYTES {
        let (bytes, limit) = (in_memory, limits::MAX_BYTES);
        return Err(WeightsError::TooLarge { file: format!("{file}: its tensors"), bytes, limit });
    }
    Ok(checked)
}

/// The tensor, and its bytes in memory.
fn stored(entry: RawEntry) -> std::result::Result<(Stored, u64), TensorFault> {
    let RawEntry { name, shape, dtype, quantization, .. } = entry;
    let value = plain(&dtype)?;
    let encoding = match quantization {
        None => Encoding::Plain(value),
        Some(quantization) => quantized(value, &dtype, quantization)?,
    };
    let bytes = tensor::byte_count(encoding.stored(), &shape)? as u64;
    let widened = tensor::byte_count(encoding.value(), &shape)? as u64;
    Ok((Stored { name, shape, encoding, bytes }, widened))
}

fn plain(dtype: &str) -> std::result::Result<Dtype, TensorFault> {
    match dtype {
        "float32" => Ok(Dtype::F32),
        "float16" => Ok(Dtype::F16),
        "int32" => Ok(Dtype::I32),
        "uint8" => Ok(Dtype::U8),
        "bool" => Ok(Dtype::Bool),
        other => Err(TensorFault::Dtype {
            got: format!("{other:?}"),
            legal: "float32, float16, int32, uint8, bool".into(),
        }),
    }
}

fn quantized(
    value: Dtype,
    dtype: &str,
    quantization: RawQuantization,
) -> std::result::Result<Encoding, TensorFault> {
    let RawQuantization { dtype: stored, scale, min, original_dtype } = quantization;
    let fault = |reason: String| TensorFault::Quantization { reason };
    if let Some(original) = original_dtype.filter(|original| original != dtype) {
        return Err(fault(format!("original_dtype is {original:?}, but dtype is {dtype:?}")));
    }
    let stored = match stored.as_str() {
        "float16" if value == Dtype::F32 => return Ok(Encoding::Plain(Dtype::F16)),
        "uint8" => Dtype::U8,
        "uint16" => Dtype::U16,
        other => {
            let legal =
                if value == Dtype::F32 { "float16, uint8, uint16" } else { "uint8, uint16" };
            return Err(fault(format!("dtype {other:?} for {dtype}; legal: {legal}")));
        }
    };
    if !matches!(value, Dtype::F32 | Dtype::I32) {
        return Err(fault(format!("of {dtype}; legal: of float32, int32")));
    }
    let (Some(scale), Some(min)) = (scale, min) else {
        return Err(fault(format!("{} needs both scale and min", stored.name().to_lowercase())));
    };
    // JSON has no NaN, but 1e999 is read as infinite by some.
    if !(scale.is_finite() && min.is_finite()) {
        return Err(fault(format!("scale {scale} and min {min} must be finite")));
    }
    Ok(Encoding::Affine { stored, value, scale, min })
}
