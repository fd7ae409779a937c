//! Tensors that were cut into parts, as TensorFlow does with what is spread over machines.

use std::fmt;

use crate::bytes::Bytes;
use crate::error::{Result, TensorFault};
use crate::limits;
use crate::protobuf::Field;
use crate::tensor::{self, Dtype};

/// Where a part begins along an axis and how many cells it has, as it is written; nothing where it has all of them.
pub(super) type Extent = Option<(i64, i64)>;

/// A part of a tensor, within its shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Part {
    /// As it is written.
    pub(super) extents: Vec<Extent>,
    begin: Vec<usize>,
    size: Vec<usize>,
}

/// The part of a tensor of this shape that a field of type `TensorSliceProto` describes.
pub(super) fn part(field: &Field<'_>, shape: &[usize], what: &str) -> Result<Part> {
    let mut extents: Vec<Extent> = Vec::new();
    for extent in field.message(what)? {
        let extent = extent?;
        if extent.number != 1 {
            continue;
        }
        let (mut begin, mut length) = (0, None);
        for number in extent.message(what)? {
            let number = number?;
            match number.number {
                1 => begin = number.int(what)?,
                2 => length = Some(number.int(what)?),
                _ => {}
            }
        }
        if extents.len() == shape.len() {
            let axes = shape.len();
            return Err(extent.error(what, format!("more axes than the {axes} of the tensor")));
        }
        extents.push(length.map(|length| (begin, length)));
    }
    let wrong = |reason: String| Err(field.error(what, reason));
    if extents.len() != shape.len() {
        return wrong(format!("{} axes, but the tensor has {}", extents.len(), shape.len()));
    }
    let (mut begin, mut size) = (Vec::new(), Vec::new());
    for (axis, (extent, &cells)) in extents.iter().zip(shape).enumerate() {
        let (first, length) = match extent {
            None => (Some(0), Some(cells)),
            Some((first, length)) => (usize::try_from(*first).ok(), usize::try_from(*length).ok()),
        };
        match (first, length) {
            (Some(first), Some(length))
                if first.checked_add(length).is_some_and(|end| end <= cells) =>
            {
                begin.push(first);
                size.push(length);
            }
            _ => {
                let (first, length) = extent.unwrap_or_default();
                return wrong(format!(
                    "{length} cells from {first} on along axis {axis}, which has {cells}"
                ));
            }
        }
    }
    Ok(Part { extents, begin, size })
}

impl Part {
    /// Bytes of its cells.
    pub(super) fn bytes(&self, dtype: Dtype) -> std::result::Result<usize, TensorFault> {
        tensor::byte_count(dtype, &self.size)
    }

    fn overlaps(&self, other: &Self) -> bool {
        (0..self.size.len()).all(|axis| {
            let end =
                (self.begin[axis] + self.size[axis]).min(other.begin[axis] + other.size[axis]);
            self.begin[axis].max(other.begin[axis]) < end
        })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let axes = self.begin.iter().zip(&self.size);
        let axes = axes.map(|(&begin, &size)| format!("{begin}..{}", begin + size));
        write!(f, "[{}]", axes.collect::<Vec<_>>().join(", "))
    }
}

/// Parts must be apart from each other, and leave nothing of the tensor out.
pub(super) fn check<'a>(
    dtype: Dtype,
    shape: &[usize],
    parts: impl IntoIterator<Item = &'a Part>,
) -> std::result::Result<(), TensorFault> {
    let fault = |reason| Err(TensorFault::Parts { reason });
    let needed = tensor::byte_count(dtype, shape)?;
    let (mut seen, mut got) = (Vec::new(), 0usize);
    for part in parts {
        if seen.len() == limits::MAX_PARTS {
            return fault(format!("more than {} of them", limits::MAX_PARTS));
        }
        if let Some(other) = seen.iter().find(|&&other: &&&Part| part.overlaps(other)) {
            return fault(format!("{other} and {part} overlap"));
        }
        seen.push(part);
        got = got.saturating_add(part.bytes(dtype)?);
    }
    // As they are apart and within the shape, nothing is left out where all cells are there.
    match got == needed {
        true => Ok(()),
        false => {
            fault(format!("they hold {got} bytes, but {dtype} of shape {shape:?} takes {needed}"))
        }
    }
}

/// The cells of a tensor by its parts and their cells; an error if the parts are not as [`check`] wants them.
///
/// Parts that lie one behind the other, as they do where a tensor was cut along its first axis, are not copied.
pub(super) fn joined(
    dtype: Dtype,
    shape: &[usize],
    mut parts: Vec<(Part, Bytes)>,
) -> std::result::Result<Bytes, TensorFault> {
    let needed = tensor::byte_count(dtype, shape)?;
    check(dtype, shape, parts.iter().map(|(part, _)| part))?;
    for (part, bytes) in &parts {
        let own = part.bytes(dtype)?;
        if bytes.len() != own {
            let (needed, got) = (own as u64, bytes.len() as u64);
            let (dtype, shape) = (dtype.name(), part.size.clone());
            return Err(TensorFault::ByteCount { dtype, shape, needed, got });
        }
    }
    parts.sort_by(|(a, _), (b, _)| a.begin.cmp(&b.begin));
    if let Some(bytes) = in_one_place(shape, &parts) {
        return Ok(bytes);
    }
    let mut cells = Vec::new();
    cells.try_reserve_exact(needed).map_err(|_| TensorFault::NoMemory { bytes: needed as u64 })?;
    cells.resize(needed, 0);
    for (part, bytes) in &parts {
        copy(part, bytes, dtype.bytes(), shape, &mut cells);
    }
    Ok(cells.into())
}

/// The bytes of parts of whole rows that lie one behind the other in the same file.
fn in_one_place(shape: &[usize], parts: &[(Part, Bytes)]) -> Option<Bytes> {
    let ((_, first), rest) = parts.split_first()?;
    let is_rows =
        |part: &Part| part.size.get(1..).unwrap_or_default() == shape.get(1..).unwrap_or_default();
    if !parts.iter().all(|(part, _)| is_rows(part)) {
        return None;
    }
    rest.iter().try_fold(first.clone(), |bytes, (_, next)| bytes.followed_by(next))
}

/// Copies the cells of a part, of `cell` bytes each, to where they belong in the whole. All sizes were checked.
fn copy(part: &Part, bytes: &[u8], cell: usize, shape: &[usize], whole: &mut [u8]) {
    if bytes.is_empty() {
        return;
    }
    // Beyond the last axis along which it was cut, cells lie in the whole as in the part.
    let cut = (0..shape.len()).rev().find(|&axis| part.size[axis] != shape[axis]).unwrap_or(0);
    let inner: usize = shape.iter().skip(cut + 1).product::<usize>() * cell;
    let run = part.size.get(cut).map_or(cell, |size| size * inner);
    let mut place = vec![0; cut];
    for row in bytes.chunks_exact(run) {
        // The row's first cell, counted in cells of the axes up to the cut one.
        let outer = (0..cut).fold(0, |at, axis| at * shape[axis] + part.begin[axis] + place[axis]);
        let first = match shape.get(cut) {
            Some(size) => (outer * size + part.begin[cut]) * inner,
            None => 0,
        };
        whole[first..first + run].copy_from_slice(row);
        for axis in (0..cut).rev() {
            place[axis] += 1;
            if place[axis] < part.size[axis] {
                break;
            }
            place[axis] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(begin: &[usize], size: &[usize], bytes: &[u8]) -> (Part, Bytes) {
        let part = Part { extents: vec![], begin: begin.to_vec(), size: size.to_vec() };
        (part, bytes.to_vec().into())
    }

    fn join(shape: &[usize], parts: Vec<(Part, Bytes)>) -> std::result::Result<Vec<u8>, String> {
        joined(Dtype::U8, shape, parts).map(|cells| cells.to_vec()).map_err(|e| e.to_string())
    }

    #[test]
    fn parts_find_their_places() {
        // 2 x 3 x 2, cut along the middle axis, and the rest along the last.
        let parts = vec![
            part(&[0, 2, 1], &[2, 1, 1], &[5, 11]),
            part(&[0, 0, 0], &[2, 2, 2], &[0, 1, 2, 3, 6, 7, 8, 9]),
            part(&[0, 2, 0], &[2, 1, 1], &[4, 10]),
        ];
        assert_eq!(join(&[2, 3, 2], parts), Ok((0..12).collect()));
        assert_eq!(join(&[], vec![part(&[], &[], &[7])]), Ok(vec![7]));
        let empty = vec![part(&[0, 0], &[0, 3], &[]), part(&[0, 0], &[0, 3], &[])];
        assert_eq!(join(&[0, 3], empty), Ok(vec![]));
    }

    #[test]
    fn parts_that_do_not_fit() {
        let overlap = vec![part(&[0], &[2], &[0, 1]), part(&[1], &[2], &[1, 2])];
        assert_eq!(join(&[3], overlap).unwrap_err(), "parts: [0..2] and [1..3] overlap");
        let gap = vec![part(&[0], &[1], &[0]), part(&[2], &[1], &[2])];
        let error = join(&[3], gap).unwrap_err();
        assert_eq!(error, "parts: they hold 2 bytes, but U8 of shape [3] takes 3");
        let short = vec![part(&[0], &[3], &[0, 1])];
        let error = join(&[3], short).unwrap_err();
        assert_eq!(error, "U8 of shape [3] takes 3 bytes, but 2 are given");
        assert!(join(&[3], vec![]).is_err());
    }

    #[test]
    fn rows_that_lie_together_are_not_copied() {
        let file: Bytes =
            Bytes::shared(crate::bytes::Whole::Read(std::sync::Arc::new((0..6).collect())));
        let rows = |places: [std::ops::Range<usize>; 2]| {
            let [(a, _), (b, _)] = [part(&[0, 0], &[1, 2], &[]), part(&[1, 0], &[2, 2], &[])];
            let [first, second] = places.map(|place| file.part(place));
            joined(Dtype::U8, &[3, 2], vec![(b, second), (a, first)]).unwrap()
        };
        let together = rows([0..2, 2..6]);
        assert!(matches!(together, Bytes::Part { .. }));
        assert_eq!(*together, [0, 1, 2, 3, 4, 5]);
        let apart = rows([4..6, 0..4]);
        assert!(matches!(apart, Bytes::Own(_)));
        assert_eq!(*apart, [4, 5, 0, 1, 2, 3]);
    }
}
