//! The safetensors files of a folder, each read once.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors, TensorInfo};

use crate::error::ConformanceError;
use crate::fault::{Failure, Result};
use crate::record::read_limited;

/// Most bytes of one file of tensors.
const MAX_BYTES: u64 = 1 << 30;

/// Largest product of the other axes of a tensor that has an axis without cells. The bytes of a file
/// say nothing about these, and loops run over them.
const MAX_AROUND_NOTHING: usize = 1 << 20;

/// A tensor, row-major.
#[derive(Clone, Debug)]
pub(crate) struct Tensor<T> {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<T>,
}

/// The files opened so far.
pub(crate) struct Files<'a> {
    dir: &'a Path,
    open: HashMap<String, TensorFile>,
}

impl<'a> Files<'a> {
    pub(crate) fn new(dir: &'a Path) -> Self {
        Self { dir, open: HashMap::new() }
    }

    /// The file that case `case` names.
    pub(crate) fn open(
        &mut self,
        name: &str,
        case: &str,
    ) -> std::result::Result<&TensorFile, ConformanceError> {
        if !self.open.contains_key(name) {
            let inside = Path::new(name).components().all(|c| matches!(c, Component::Normal(_)));
            if !inside || name.is_empty() {
                return Err(ConformanceError::FileOutside { case: case.into(), file: name.into() });
            }
            let file = TensorFile::read(self.dir.join(name), name, case)?;
            self.open.insert(name.into(), file);
        }
        // It was put there above if it was not there before.
        self.open
            .get(name)
            .ok_or_else(|| ConformanceError::FileOutside { case: case.into(), file: name.into() })
    }
}

/// One file of tensors, checked as a whole; single tensors are decoded when they are asked for.
pub(crate) struct TensorFile {
    /// The name in `cases.json`.
    pub(crate) name: String,
    bytes: Vec<u8>,
    /// Where the data begin.
    data: usize,
    tensors: HashMap<String, TensorInfo>,
}

impl TensorFile {
    fn read(path: PathBuf, name: &str, case: &str) -> std::result::Result<Self, ConformanceError> {
        let bytes = read_limited(&path, MAX_BYTES)?;
        let (header, metadata) = SafeTensors::read_metadata(&bytes).map_err(|error| {
            let reason = format!("no valid safetensors file: {error}");
            ConformanceError::Tensors { path, case: case.into(), reason }
        })?;
        let tensors =
            metadata.tensors().into_iter().map(|(key, info)| (key, info.clone())).collect();
        Ok(Self { name: name.into(), bytes, data: size_of::<u64>() + header, tensors })
    }

    /// Tensor `key`, which the record names in `field`.
    fn bytes_of(&self, key: &str, field: &str, dtypes: &[Dtype]) -> Result<(&TensorInfo, &[u8])> {
        let fault = |reason: String| Failure::fault(format!("{}: {field}", self.name), reason);
        let info = self.tensors.get(key).ok_or_else(|| fault(format!("no tensor {key:?}")))?;
        if !dtypes.contains(&info.dtype) {
            return Err(fault(format!("tensor {key:?} is {:?}, not {dtypes:?}", info.dtype)));
        }
        if info.shape.contains(&0) {
            let mut others = info.shape.iter().filter(|&&size| size > 0);
            let product = others.try_fold(1usize, |product, &size| product.checked_mul(size));
            if product.is_none_or(|product| product > MAX_AROUND_NOTHING) {
                return Err(fault(format!("tensor {key:?} of shape {:?} is absurd", info.shape)));
            }
        }
        let (begin, end) = info.data_offsets;
        let range = self.data.saturating_add(begin)..self.data.saturating_add(end);
        let bytes = self.bytes.get(range);
        let bytes = bytes.ok_or_else(|| fault(format!("tensor {key:?} leaves the file")))?;
        Ok((info, bytes))
    }

    /// A tensor of F32.
    pub(crate) fn f32(&self, key: &str, field: &str) -> Result<Tensor<f32>> {
        let (info, bytes) = self.bytes_of(key, field, &[Dtype::F32])?;
        Ok(Tensor { shape: info.shape.clone(), data: decode(bytes, f32::from_le_bytes) })
    }

    /// A tensor of F64 or F32, widened, and whether it was F32.
    pub(crate) fn float(&self, key: &str, field: &str) -> Result<(Tensor<f64>, bool)> {
        let (info, bytes) = self.bytes_of(key, field, &[Dtype::F64, Dtype::F32])?;
        let single = info.dtype == Dtype::F32;
        let data = if single {
            decode(bytes, |raw| f64::from(f32::from_le_bytes(raw)))
        } else {
            decode(bytes, f64::from_le_bytes)
        };
        Ok((Tensor { shape: info.shape.clone(), data }, single))
    }

    /// A tensor of I64.
    pub(crate) fn i64(&self, key: &str, field: &str) -> Result<Tensor<i64>> {
        let (info, bytes) = self.bytes_of(key, field, &[Dtype::I64])?;
        Ok(Tensor { shape: info.shape.clone(), data: decode(bytes, i64::from_le_bytes) })
    }
}

/// Little-endian values of `N` bytes each; the reader of the file has checked the length.
fn decode<const N: usize, T>(bytes: &[u8], value: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|&raw| value(raw)).collect()
}
