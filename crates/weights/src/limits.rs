//! How much a file may ask for. Every size is checked against these before memory is reserved.
//!
//! A reader holds its tensors, at most [`MAX_BYTES`], and while it reads them a document, which takes up to
//! about ten times its [`MAX_JSON_BYTES`], or the nodes of a graph, up to [`MAX_GRAPH_BYTES`]. Tensors take as many bytes
//! as in the file, except 8-bit and 16-bit quantised ones, which become F32; whole numbers in messages, of which one byte
//! may stand for eight; and those of which a message states a few cells for all, up to [`MAX_FILLED_BYTES`].
//!
//! Tensors whose bytes lie in a file as they are needed, which is mapped or read as a whole, refer to that file. Only
//! those of another order of bytes or axes, compressed ones, and those whose parts lie apart take memory of their own.

use crate::error::TensorFault;

/// Most bytes of the files of one set of weights together: 4 GiB.
pub const MAX_BYTES: u64 = 1 << 32;

/// Bytes from which on a file is mapped where that is asked for: 16 MiB.
pub const MAPPED_BYTES: u64 = 1 << 24;

/// Most bytes of a safetensors header, or of a JSON document: 16 MiB.
pub const MAX_JSON_BYTES: u64 = 1 << 24;

/// Most bytes of the header of a NumPy array: 64 KiB.
pub const MAX_NPY_HEADER: u64 = 1 << 16;

/// Most bytes of a name that is put together of the keys of dictionaries.
pub const MAX_NAME_BYTES: usize = 1 << 12;

/// Most dictionaries and lists in one another of which names are put together.
pub const MAX_DEPTH: usize = 32;

/// Most bytes of a prototxt: 16 MiB.
pub const MAX_PROTOTXT_BYTES: u64 = 1 << 24;

/// Most settings of a net, those of all layers together.
pub const MAX_SETTINGS: usize = 1 << 20;

/// Most messages of protocol buffers in one another, as in Google's own readers.
pub const MAX_MESSAGE_DEPTH: usize = 100;

/// Most values that a pickle makes, and that are looked at to find its tensors.
pub const MAX_PICKLE_VALUES: usize = 1 << 20;

/// Most instructions of a pickle.
pub const MAX_PICKLE_STEPS: usize = 1 << 22;

/// Most times that the tensors of a pickle may take the bytes of its file. More than once is only possible where two
/// names stand for one array.
pub const MAX_SHARING: u64 = 4;

/// Most bytes that a byte of a compressed entry of an archive can stand for: the bound of deflate.
pub const MAX_INFLATION: u64 = 1032;

/// Most bytes that a byte of a block of snappy can stand for: three bytes copy 64 at most.
pub const MAX_SNAPPY_INFLATION: usize = 22;

/// Most entries of a table of a checkpoint: tensors, and the parts of those that are cut.
pub const MAX_TABLE_ENTRIES: usize = 1 << 18;

/// Most bytes of all keys of such a table together: 16 MiB.
pub const MAX_KEY_BYTES: usize = 1 << 24;

/// Most parts of a tensor of a checkpoint.
pub const MAX_PARTS: usize = 1 << 12;

/// Most files that the tensors of a checkpoint are spread over.
pub const MAX_SHARDS: u64 = 1 << 12;

/// Most bytes of all tensors together of which a message states fewer cells than they have: 64 MiB.
pub const MAX_FILLED_BYTES: u64 = 1 << 26;

/// Most bytes, about, that the nodes of a graph take in memory: 256 MiB.
pub const MAX_GRAPH_BYTES: usize = 1 << 28;

/// Most tensors of a file, and most nodes or layers of a graph.
pub const MAX_TENSORS: usize = 1 << 16;

/// Most axes of a tensor.
pub const MAX_AXES: usize = 8;

/// Most cells along an axis.
pub const MAX_AXIS: u64 = (1 << 31) - 1;

/// Most cells of a tensor. Axes of 0 count as 1 here, as loops may run over the others.
pub const MAX_CELLS: u64 = 1 << 40;

/// Cells of a shape.
///
/// # Errors
/// If the shape is beyond a limit.
///
/// ```
/// use upconv_weights::limits::cells;
/// assert_eq!(cells(&[2, 3]), Ok(6));
/// assert_eq!(cells(&[]), Ok(1));
/// assert!(cells(&[0, 1 << 21, 1 << 21]).is_err());
/// ```
pub fn cells(shape: &[usize]) -> Result<usize, TensorFault> {
    if shape.len() > MAX_AXES {
        return Err(TensorFault::TooManyAxes { got: shape.len() });
    }
    for (axis, &size) in shape.iter().enumerate() {
        if size as u64 > MAX_AXIS {
            return Err(TensorFault::AxisTooLarge { axis, got: size as u64 });
        }
    }
    let of_full_axes = shape
        .iter()
        .try_fold(1u64, |product, &size| product.checked_mul((size as u64).max(1)))
        .filter(|&product| product <= MAX_CELLS);
    match of_full_axes.and_then(|product| usize::try_from(product).ok()) {
        Some(_) if shape.contains(&0) => Ok(0),
        Some(product) => Ok(product),
        None => Err(TensorFault::TooManyCells { shape: shape.to_vec() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_and_beyond_each_limit() {
        assert_eq!(cells(&[MAX_AXIS as usize]), Ok(MAX_AXIS as usize));
        assert_eq!(cells(&[1, 1 << 31]), Err(TensorFault::AxisTooLarge { axis: 1, got: 1 << 31 }));
        assert_eq!(cells(&[1 << 20, 1 << 20]), Ok(1 << 40));
        assert!(matches!(cells(&[1 << 20, 1 << 20, 2]), Err(TensorFault::TooManyCells { .. })));
        assert!(matches!(cells(&[1 << 30; 8]), Err(TensorFault::TooManyCells { .. })));
        assert_eq!(cells(&[1; 9]), Err(TensorFault::TooManyAxes { got: 9 }));
        assert_eq!(cells(&[0, 5]), Ok(0));
    }
}
