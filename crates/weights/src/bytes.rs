//! The cells of a tensor as bytes: its own, or part of a file that is read or mapped as a whole.

use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::sync::{Arc, OnceLock};

use memmap2::Mmap;

use crate::error::TensorFault;
use crate::strided::Strided;

/// Bytes that are read only.
#[derive(Clone, Debug)]
pub(crate) enum Bytes {
    Own(Vec<u8>),
    /// What lies in `range` of `whole`, within it.
    Part {
        whole: Whole,
        range: Range<usize>,
    },
    /// Cells of a file in another order.
    Strided(Arc<Elsewhere>),
}

/// Cells that stay where they lie, a mapped file, and are put in order when they are asked for: a piece at a time, or all at
/// once, which then stay in memory.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    row: Bytes,
    order: Strided,
    ordered: OnceLock<Vec<u8>>,
}

/// All bytes of a file; a clone is the same bytes.
#[derive(Clone, Debug)]
pub(crate) enum Whole {
    Read(Arc<Vec<u8>>),
    Mapped(Arc<Mmap>),
}

impl Bytes {
    /// Bytes of which parts are not copied.
    pub(crate) fn shared(whole: Whole) -> Self {
        let range = 0..whole.len();
        Self::Part { whole, range }
    }

    /// The same, of which parts are not copied.
    pub(crate) fn into_shared(self) -> Self {
        match self {
            Self::Own(bytes) => Self::shared(Whole::Read(Arc::new(bytes))),
            shared => shared,
        }
    }

    /// What lies in a range of these, within them. Only bytes that belong to one tensor are copied.
    pub(crate) fn part(&self, part: Range<usize>) -> Self {
        match self {
            Self::Own(bytes) => Self::Own(bytes[part].to_vec()),
            Self::Part { whole, range } => {
                let range = range.start + part.start..range.start + part.end;
                Self::Part { whole: whole.clone(), range }
            }
            Self::Strided(_) => Self::Own(self[part].to_vec()),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Own(bytes) => bytes.len(),
            Self::Part { range, .. } => range.len(),
            Self::Strided(elsewhere) => elsewhere.order.bytes(),
        }
    }

    /// Cells of these in another order. They are put in order later if they lie in a mapped file and no cell repeats, so
    /// that a large tensor is not in memory twice.
    pub(crate) fn strided(&self, order: Strided) -> Result<Self, TensorFault> {
        let mapped = matches!(self, Self::Part { whole: Whole::Mapped(_), .. });
        if mapped && order.bytes() <= self.len() {
            let ordered = OnceLock::new();
            return Ok(Self::Strided(Arc::new(Elsewhere { row: self.clone(), order, ordered })));
        }
        order.collected(self).map(Self::Own)
    }

    /// All of them in order, in as many pieces as it takes without a copy of the whole; each piece holds whole cells.
    pub(crate) fn pieces<E>(&self, each: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        match self {
            Self::Strided(elsewhere) if elsewhere.ordered.get().is_none() => {
                elsewhere.order.pieces(&elsewhere.row, each)
            }
            _ => each(self),
        }
    }

    /// These and those that lie right behind them in the same file, as one; nothing where they lie elsewhere.
    pub(crate) fn followed_by(self, next: &Self) -> Option<Self> {
        match (self, next) {
            (Self::Part { whole, range }, Self::Part { whole: other, range: behind })
                if whole.is(other) && range.end == behind.start =>
            {
                Some(Self::Part { whole, range: range.start..behind.end })
            }
            _ => None,
        }
    }

    /// Cells of this many bytes, with the bytes of each the other way about.
    pub(crate) fn turned(self, cell: usize) -> Result<Self, TensorFault> {
        if cell == 1 {
            return Ok(self);
        }
        let mut turned = match self {
            Self::Own(bytes) => bytes,
            part => {
                let mut copy = Vec::new();
                let no_memory = |_| TensorFault::NoMemory { bytes: part.len() as u64 };
                copy.try_reserve_exact(part.len()).map_err(no_memory)?;
                copy.extend_from_slice(&part);
                copy
            }
        };
        turned.chunks_exact_mut(cell).for_each(<[u8]>::reverse);
        Ok(turned.into())
    }
}

impl Whole {
    /// Whether both are the same bytes in memory.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Read(a), Self::Read(b)) => Arc::ptr_eq(a, b),
            (Self::Mapped(a), Self::Mapped(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Part { whole, range } => &whole[range.clone()],
            Self::Strided(elsewhere) => elsewhere.ordered.get_or_init(|| {
                let mut all = Vec::with_capacity(elsewhere.order.bytes());
                let Ok(()) = elsewhere.order.pieces(&elsewhere.row, &mut |piece| {
                    all.extend_from_slice(piece);
                    Ok::<(), Infallible>(())
                });
                all
            }),
        }
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Deref for Whole {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Read(bytes) => bytes,
            Self::Mapped(map) => map,
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
pub(crate) fn map(file: &File) -> io::Result<Whole> {
    // SAFETY: the bytes are only read, as plain numbers of which every pattern is valid. Whoever changes the file
    // meanwhile changes numbers; whoever cuts it ends the program with a signal, which those say who map.
    let map = unsafe { Mmap::map(file)? };
    Ok(Whole::Mapped(Arc::new(map)))
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
            assert_eq!(matches!(large.bytes, super::Bytes::Part { .. }), cells > 3);
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
