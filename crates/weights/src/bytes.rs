//! The cells of a tensor as bytes: its own, or part of a mapped file.

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::sync::Arc;

use memmap2::Mmap;

/// Bytes that are read only.
#[derive(Clone, Debug)]
pub(crate) enum Bytes {
    Own(Vec<u8>),
    /// What lies in `range` of `map`, within it.
    Mapped {
        map: Arc<Mmap>,
        range: Range<usize>,
    },
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Mapped { map, range } => &map[range.clone()],
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Own(bytes)
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Bytes {}

/// A whole file in memory, of which the system reads what is looked at.
#[allow(unsafe_code, reason = "there is no other way to map a file")]
pub(crate) fn map(file: &File) -> io::Result<Arc<Mmap>> {
    // SAFETY: the bytes are only read, as plain numbers of which every pattern is valid. Whoever changes the file
    // meanwhile changes numbers; whoever cuts it ends the program with a signal, which `Weights::map` states.
    let map = unsafe { Mmap::map(file)? };
    Ok(Arc::new(map))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::fs::OpenOptions;

    use crate::{Tensor, Weights, WeightsError, limits};

    #[test]
    fn a_large_file_is_mapped_and_a_small_one_read() {
        let folder = tempfile::tempdir().unwrap();
        for cells in [3, limits::MAPPED_BYTES as usize / 4] {
            let path = folder.path().join(format!("{cells}.safetensors"));
            let values: Vec<f32> = (0..cells).map(|n| n as f32).collect();
            let tensors = vec![
                Tensor::from_f32("a", &[cells], &values).unwrap(),
                Tensor::from_f32("b", &[2], &[0.5, -0.5]).unwrap().to_f16().unwrap(),
            ];
            Weights::new(None, tensors).unwrap().write(&path).unwrap();
            let mapped = Weights::map(&path).unwrap();
            assert_eq!(mapped, Weights::read(&path).unwrap());
            let large = mapped.get("a").unwrap();
            assert!(matches!(large.as_f32().unwrap(), Cow::Borrowed(own) if own == values));
            let short = mapped.get("b").unwrap();
            assert!(matches!(short.as_f32().unwrap(), Cow::Owned(own) if own == [0.5, -0.5]));
            assert_eq!(matches!(large.bytes, super::Bytes::Mapped { .. }), cells > 3);
        }
    }

    #[test]
    fn a_file_that_was_cut_before_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.safetensors");
        let values = vec![1.0; limits::MAPPED_BYTES as usize / 4 + 100];
        let tensor = Tensor::from_f32("a", &[values.len()], &values).unwrap();
        Weights::new(None, vec![tensor]).unwrap().write(&path).unwrap();
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(file.metadata().unwrap().len() - 1).unwrap();
        let error = Weights::map(&path).unwrap_err();
        assert!(matches!(error, WeightsError::Truncated { .. }), "{error}");
    }
}
