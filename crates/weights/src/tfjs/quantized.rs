//! The bytes of a shard become the values of a tensor.

use super::manifest::{Encoding, Stored};
use super::shards::Reader;
use crate::error::{Result, TensorFault, WeightsError};
use crate::tensor::{Dtype, Tensor};

/// Reads the next tensor.
pub(super) fn read(file: &str, reader: &mut Reader, stored: Stored) -> Result<Tensor> {
    let Stored { name, shape, encoding, bytes } = stored;
    let raw = reader.take(bytes, &name)?;
    let (dtype, bytes) = match encoding {
        Encoding::Plain(dtype) => (dtype, raw),
        Encoding::Affine { stored, value, scale, min } => {
            let number = |q: f64| match value {
                // As `Math.round`: halves go up. The cast saturates.
                Dtype::I32 => ((q * scale + min + 0.5).floor() as i32).to_le_bytes(),
                _ => ((q * scale + min) as f32).to_le_bytes(),
            };
            let mut wide = Vec::new();
            let size = raw.len() / stored.bytes() * value.bytes();
            wide.try_reserve_exact(size).map_err(|_| {
                WeightsError::tensor(file, &name, TensorFault::NoMemory { bytes: size as u64 })
            })?;
            match stored {
                Dtype::U8 => raw.iter().for_each(|&q| wide.extend(number(q.into()))),
                _ => {
                    for &q in raw.as_chunks().0 {
                        wide.extend(number(u16::from_le_bytes(q).into()));
                    }
                }
            }
            (value, wide)
        }
    };
    Tensor::new(name, dtype, shape, bytes).map_err(|error| error.in_file(file))
}
