//! Max unpooling: every maximum goes back to the cell it came from, all other cells are zero.

use upconv_geometry::{GeometryError, Legal, UnpoolAxisParams, limits, unpool_output};

use super::index::{ravel, unravel};
use crate::error::{KernelError, Result, check_len};

/// The pooling that is undone, in PyTorch's words; one entry per spatial axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaxUnpool {
    /// Window cells of the pooling. Its length is the number of spatial axes, 1 to 3.
    pub kernel: Vec<usize>,
    /// Stride of the pooling.
    pub stride: Vec<usize>,
    /// Padding of the pooling at both ends.
    pub padding: Vec<i64>,
    /// Wanted size, spatial or with batch and channels in front (which are not looked at); `None` is
    /// `(input - 1) * stride - 2 * padding + kernel`.
    pub output_size: Option<Vec<i64>>,
}

/// The pooling that is undone, in ONNX's words; one entry per spatial axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnnxMaxUnpool {
    /// Window cells of the pooling. Its length is the number of spatial axes, 1 to 3.
    pub kernel_shape: Vec<usize>,
    /// Stride of the pooling; empty is 1.
    pub strides: Vec<usize>,
    /// All begins, then all ends; empty is 0.
    pub pads: Vec<i64>,
    /// Wanted size of all axes, batch and channels included, at least the natural one.
    pub output_shape: Option<Vec<i64>>,
}

/// Checks ranks and attribute lengths, and returns the number of spatial axes.
fn dims_of(shape: &[usize], kernel: &[usize], lengths: &[(&'static str, usize)]) -> Result<usize> {
    let dims = kernel.len();
    if !(1..=3).contains(&dims) {
        return Err(KernelError::UnsupportedRank { got: dims });
    }
    if shape.len() != dims + 2 {
        let (tensor, expected, got) = ("x", dims + 2, shape.len());
        return Err(GeometryError::RankMismatch { tensor, expected, got }.into());
    }
    for &(attribute, got) in lengths {
        if got != dims {
            return Err(GeometryError::AttributeLength { attribute, expected: dims, got }.into());
        }
    }
    limits::cells("x", shape)?;
    Ok(dims)
}

/// Checks that the indices belong to the values, and that all point into `cells` cells.
fn check_indices<T>(
    shape: &[usize],
    x: &[T],
    indices_shape: &[usize],
    indices: &[i64],
    cells: usize,
) -> Result<()> {
    if indices_shape != shape {
        let (expected, got) = (shape.to_vec(), indices_shape.to_vec());
        return Err(GeometryError::IndexShapeMismatch { expected, got }.into());
    }
    check_len("x", x, shape)?;
    check_len("indices", indices, indices_shape)?;
    for (position, &got) in indices.iter().enumerate() {
        if usize::try_from(got).is_ok_and(|index| index < cells) {
            continue;
        }
        return Err(GeometryError::IndexOutOfRange { position, got, cells }.into());
    }
    Ok(())
}

impl MaxUnpool {
    /// Shape of the output for values of `shape`.
    ///
    /// # Shapes
    /// `[n, c, spatial...] -> [n, c, output...]`
    ///
    /// # Errors
    /// Ranks and attribute lengths that do not fit; those of [`unpool_output`]
    /// (`OUTPUT_SIZE_OUT_OF_RANGE` among them); the limit on cells.
    pub fn output(&self, shape: &[usize]) -> Result<Vec<usize>> {
        let lengths = [("stride", self.stride.len()), ("padding", self.padding.len())];
        let dims = dims_of(shape, &self.kernel, &lengths)?;
        let wanted = match &self.output_size {
            None => None,
            Some(size) if size.len() == dims => Some(size.as_slice()),
            Some(size) if size.len() == dims + 2 => Some(&size[2..]),
            Some(size) => {
                let (attribute, expected, got) = ("output_size", dims, size.len());
                return Err(GeometryError::AttributeLength { attribute, expected, got }.into());
            }
        };
        let mut output = shape[..2].to_vec();
        for axis in 0..dims {
            let params = UnpoolAxisParams {
                input: shape[axis + 2],
                kernel: self.kernel[axis],
                stride: self.stride[axis],
                padding: self.padding[axis],
                output: wanted.map(|sizes| sizes[axis]),
            };
            output.push(unpool_output(axis, params)?);
        }
        limits::cells("output", &output)?;
        Ok(output)
    }
}

/// Puts every value at its index *within its own plane*, as PyTorch does.
///
/// Overlapping pooling windows can name one cell twice. PyTorch leaves open which value stays; here
/// it is the last in row-major order.
///
/// # Shapes
/// `x, indices: [n, c, spatial...] -> y: [n, c, output...]`; an index is `y * width + x` of the output
/// in 2-D, and accordingly with 1 or 3 axes.
///
/// # Errors
/// As [`MaxUnpool::output`]; `INDEX_SHAPE_MISMATCH`; `INDEX_OUT_OF_RANGE`; a buffer whose length does
/// not fit its shape.
///
/// # Source
/// PyTorch 2.8 `torch.nn.functional.max_unpool{1,2,3}d`.
///
/// ```
/// use upconv_kernels::reference::max_unpool::{MaxUnpool, max_unpool};
/// let unpool = MaxUnpool { kernel: vec![2], stride: vec![2], padding: vec![0], output_size: None };
/// let shape = [1, 1, 2];
/// let y = max_unpool(&unpool, &shape, &[7.0f32, 8.0], &shape, &[1, 2])?;
/// assert_eq!(y, [0.0, 7.0, 8.0, 0.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn max_unpool<T: Copy + Default>(
    unpool: &MaxUnpool,
    shape: &[usize],
    x: &[T],
    indices_shape: &[usize],
    indices: &[i64],
) -> Result<Vec<T>> {
    let output = unpool.output(shape)?;
    let plane = limits::cells("output plane", &output[2..])?;
    let pooled = limits::cells("plane", &shape[2..])?;
    check_indices(shape, x, indices_shape, indices, plane)?;
    let mut y = vec![T::default(); limits::cells("output", &output)?];
    for (flat, (&value, &index)) in x.iter().zip(indices).enumerate() {
        y[flat / pooled * plane + index as usize] = value;
    }
    Ok(y)
}

impl OnnxMaxUnpool {
    /// The natural shape, which the indices count in, and the shape of the output.
    ///
    /// # Shapes
    /// `[n, c, spatial...] -> [n, c, natural...], [n, c, output...]`, where natural is `(input - 1) *
    /// stride + kernel - begin - end`.
    ///
    /// # Errors
    /// Ranks and attribute lengths that do not fit; a natural size below 1; an `output_shape` with
    /// another batch or channel count, or smaller than the natural one (`OUTPUT_SIZE_OUT_OF_RANGE`);
    /// the limit on cells.
    pub fn output(&self, shape: &[usize]) -> Result<(Vec<usize>, Vec<usize>)> {
        let dims = self.kernel_shape.len();
        let strides = if self.strides.is_empty() { vec![1; dims] } else { self.strides.clone() };
        let pads = if self.pads.is_empty() { vec![0; 2 * dims] } else { self.pads.clone() };
        dims_of(shape, &self.kernel_shape, &[("strides", strides.len())])?;
        if pads.len() != 2 * dims {
            let (attribute, expected, got) = ("pads", 2 * dims, pads.len());
            return Err(GeometryError::AttributeLength { attribute, expected, got }.into());
        }
        let mut natural = shape[..2].to_vec();
        for axis in 0..dims {
            natural.push(self.natural(axis, shape[axis + 2], strides[axis], &pads)?);
        }
        limits::cells("output", &natural)?;
        let output = match &self.output_shape {
            None => natural.clone(),
            Some(wanted) => wanted_shape(&natural, wanted)?,
        };
        Ok((natural, output))
    }

    fn natural(&self, axis: usize, input: usize, stride: usize, pads: &[i64]) -> Result<usize> {
        let kernel = self.kernel_shape[axis];
        let params = UnpoolAxisParams { input, kernel, stride, padding: 0, output: None };
        let full = unpool_output(axis, params)? as i128;
        let (begin, end) = (pads[axis], pads[axis + self.kernel_shape.len()]);
        if let Some(got) = [begin, end].into_iter().find(|&pad| pad < 0) {
            return Err(GeometryError::NegativePadding { axis, got }.into());
        }
        let size = full - i128::from(begin) - i128::from(end);
        match usize::try_from(size) {
            Ok(size) if size > 0 => Ok(size),
            _ => {
                let got = i64::try_from(size).unwrap_or(i64::MIN);
                Err(GeometryError::OutputSizeNotPositive { axis, got }.into())
            }
        }
    }
}

/// ONNX's `output_shape` against the natural shape.
fn wanted_shape(natural: &[usize], wanted: &[i64]) -> Result<Vec<usize>> {
    if wanted.len() != natural.len() {
        let (expected, got) = (natural.len(), wanted.len());
        return Err(GeometryError::OutputShapeRank { expected, got }.into());
    }
    if usize::try_from(wanted[0]) != Ok(natural[0]) {
        let (expected, got) = (natural[0], wanted[0]);
        return Err(GeometryError::OutputShapeBatch { expected, got }.into());
    }
    if usize::try_from(wanted[1]) != Ok(natural[1]) {
        let (multiple_of, got) = (natural[1], wanted[1]);
        return Err(GeometryError::OutputShapeChannels { multiple_of, got }.into());
    }
    let mut output = natural[..2].to_vec();
    for (axis, (&size, &got)) in natural[2..].iter().zip(&wanted[2..]).enumerate() {
        let legal = Legal { first: size as i64, last: limits::MAX_AXIS };
        match usize::try_from(got) {
            Ok(value) if legal.contains(got) => output.push(value),
            _ => return Err(GeometryError::OutputSizeOutOfRange { axis, got, legal }.into()),
        }
    }
    limits::cells("output", &output)?;
    Ok(output)
}

/// Puts every value at its index in the *whole natural tensor*, as ONNX does.
///
/// A larger `output_shape` does not change what the indices count: positions are found in the natural
/// tensor, which then lies in the corner of the larger one, as ONNX's own node test demands
/// (onnxruntime counts in the larger tensor instead). `pads` always count. Of two values with one
/// index, the last in row-major order stays.
///
/// # Shapes
/// `x, indices: [n, c, spatial...] -> y: [n, c, output...]`; an index is `((n * channels + c) * height
/// + y) * width + x` of the natural tensor in 2-D, and accordingly with 1 or 3 axes.
///
/// # Errors
/// As [`OnnxMaxUnpool::output`]; `INDEX_SHAPE_MISMATCH`; `INDEX_OUT_OF_RANGE`; a buffer whose length
/// does not fit its shape.
///
/// # Source
/// ONNX operator `MaxUnpool` (opset 22) and its node tests in onnx 1.19.
///
/// ```
/// use upconv_kernels::reference::max_unpool::{OnnxMaxUnpool, onnx_max_unpool};
/// let unpool = OnnxMaxUnpool {
///     kernel_shape: vec![2], strides: vec![2], pads: vec![], output_shape: Some(vec![1, 2, 3]),
/// };
/// // Natural planes have 2 cells: index 1 is the end of the first one, 2 the begin of the second.
/// let shape = [1, 2, 1];
/// let y = onnx_max_unpool(&unpool, &shape, &[7.0f32, 8.0], &shape, &[1, 2])?;
/// assert_eq!(y, [0.0, 7.0, 0.0, 8.0, 0.0, 0.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn onnx_max_unpool<T: Copy + Default>(
    unpool: &OnnxMaxUnpool,
    shape: &[usize],
    x: &[T],
    indices_shape: &[usize],
    indices: &[i64],
) -> Result<Vec<T>> {
    let (natural, output) = unpool.output(shape)?;
    let cells = limits::cells("output", &natural)?;
    check_indices(shape, x, indices_shape, indices, cells)?;
    let mut y = vec![T::default(); limits::cells("output", &output)?];
    for (&value, &index) in x.iter().zip(indices) {
        y[ravel(&unravel(index as usize, &natural), &output)] = value;
    }
    Ok(y)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpool(output_size: Option<Vec<i64>>) -> MaxUnpool {
        MaxUnpool { kernel: vec![2, 2], stride: vec![2, 2], padding: vec![0, 0], output_size }
    }

    fn rule<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
        match result.unwrap_err() {
            KernelError::Geometry(error) => error.rule(),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn the_last_value_with_one_index_stays() {
        let shape = [1, 1, 1, 2];
        let y = max_unpool(&unpool(None), &shape, &[1.0f32, 2.0], &shape, &[3, 3]).unwrap();
        assert_eq!(y, [0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn indices_count_within_each_plane() {
        let shape = [2, 1, 1, 1];
        let y = max_unpool(&unpool(None), &shape, &[1.0f32, 2.0], &shape, &[0, 3]).unwrap();
        assert_eq!(y, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0]);
    }

    #[test]
    fn output_size_may_name_all_axes() {
        let full = unpool(Some(vec![1, 1, 3, 2]));
        assert_eq!(full.output(&[1, 1, 1, 1]).unwrap(), [1, 1, 3, 2]);
    }

    #[test]
    fn broken_rules_have_their_names() {
        let (shape, x) = ([1, 1, 1, 1], [1.0f32]);
        let with = |size, index| max_unpool(&unpool(size), &shape, &x, &shape, &[index]);
        assert_eq!(rule(with(None, 4)), "INDEX_OUT_OF_RANGE");
        assert_eq!(rule(with(None, -1)), "INDEX_OUT_OF_RANGE");
        assert_eq!(rule(with(Some(vec![7, 7]), 0)), "OUTPUT_SIZE_OUT_OF_RANGE");
        let other = max_unpool(&unpool(None), &shape, &x, &[1, 1, 1, 2], &[0, 0]);
        assert_eq!(rule(other), "INDEX_SHAPE_MISMATCH");
    }

    #[test]
    fn onnx_node_test_with_output_shape() {
        // test_maxunpool_export_with_output_shape: natural 4x4, wanted 5x5.
        let unpool = OnnxMaxUnpool {
            kernel_shape: vec![2, 2],
            strides: vec![2, 2],
            pads: vec![],
            output_shape: Some(vec![1, 1, 5, 5]),
        };
        let shape = [1, 1, 2, 2];
        let x = [5.0f32, 6.0, 7.0, 8.0];
        let y = onnx_max_unpool(&unpool, &shape, &x, &shape, &[5, 7, 13, 15]).unwrap();
        let at = |value: f32| y.iter().position(|&v| v == value);
        assert_eq!([5.0, 6.0, 7.0, 8.0].map(at), [Some(6), Some(8), Some(16), Some(18)]);
    }

    #[test]
    fn onnx_rules_have_their_names() {
        let unpool = |pads: Vec<i64>, output_shape| OnnxMaxUnpool {
            kernel_shape: vec![2],
            strides: vec![],
            pads,
            output_shape,
        };
        let size = |pads, wanted| unpool(pads, wanted).output(&[1, 1, 3]);
        assert_eq!(size(vec![], None).unwrap().1, [1, 1, 4]);
        assert_eq!(rule(size(vec![1], None)), "ATTRIBUTE_LENGTH");
        assert_eq!(rule(size(vec![i64::MAX, i64::MAX], None)), "OUTPUT_SIZE_NOT_POSITIVE");
        assert_eq!(rule(size(vec![0, -1], None)), "NEGATIVE_PADDING");
        assert_eq!(rule(size(vec![], Some(vec![4]))), "OUTPUT_SHAPE_RANK");
        assert_eq!(rule(size(vec![], Some(vec![2, 1, 4]))), "OUTPUT_SHAPE_BATCH");
        assert_eq!(rule(size(vec![], Some(vec![1, 2, 4]))), "OUTPUT_SHAPE_CHANNELS");
        assert_eq!(rule(size(vec![], Some(vec![1, 1, 3]))), "OUTPUT_SIZE_OUT_OF_RANGE");
        assert_eq!(rule(size(vec![], Some(vec![1, 1, 1 << 40]))), "OUTPUT_SIZE_OUT_OF_RANGE");
    }
}
