//! Pixel shuffle and its relatives: channels become space, or space becomes channels.
//!
//! Each output block of `r x r` cells takes its values from `r * r` channels of one input cell. The
//! frameworks differ in the order of these channels, and in where the channels stand.

use upconv_geometry::{GeometryError, limits};

use crate::error::{KernelError, Result, check_len};

/// Which of `c * r * r` channels goes to cell `(i, j)` of the block of channel `c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DepthOrder {
    /// Channel outermost, `c * r * r + i * r + j`: PyTorch `pixel_shuffle`, ONNX `CRD`.
    Crd,
    /// Channel innermost, `(i * r + j) * channels + c`: TensorFlow, ONNX `DCR` (its default).
    Dcr,
}

impl DepthOrder {
    pub(crate) fn channel(self, c: usize, channels: usize, cell: usize, cells: usize) -> usize {
        match self {
            Self::Crd => c * cells + cell,
            Self::Dcr => cell * channels + c,
        }
    }
}

/// Where the channels stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelAxis {
    /// `[n, c, h, w]`.
    First,
    /// `[n, h, w, c]`.
    Last,
}

impl ChannelAxis {
    /// `[n, c, h, w]` in this order of axes.
    fn order(self, [n, c, h, w]: [usize; 4]) -> [usize; 4] {
        match self {
            Self::First => [n, c, h, w],
            Self::Last => [n, h, w, c],
        }
    }

    /// `[n, c, h, w]` of a shape in this order of axes.
    fn read(self, shape: &[usize]) -> Result<[usize; 4]> {
        match (self, shape) {
            (Self::First, &[n, c, h, w]) | (Self::Last, &[n, h, w, c]) => Ok([n, c, h, w]),
            _ => {
                let (tensor, expected, got) = ("x", 4, shape.len());
                Err(GeometryError::RankMismatch { tensor, expected, got }.into())
            }
        }
    }
}

/// A rearrangement between channels and space in blocks of `factor x factor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlockShuffle {
    /// Edge of a block in cells, at least 1.
    pub factor: usize,
    /// Order of the channels that make up a block.
    pub order: DepthOrder,
    /// Where the channels stand, in the input and in the output.
    pub channel_axis: ChannelAxis,
}

impl BlockShuffle {
    fn block(&self) -> Result<usize> {
        let reason = "must be at least 1, and its square must be a size";
        let refused = KernelError::Unsupported { option: "factor", reason };
        match self.factor.checked_mul(self.factor) {
            Some(cells) if cells > 0 => Ok(cells),
            _ => Err(refused),
        }
    }

    /// Shape after [`BlockShuffle::depth_to_space`].
    ///
    /// # Shapes
    /// `[n, c * factor * factor, h, w] -> [n, c, h * factor, w * factor]`
    ///
    /// # Errors
    /// A factor of 0; channels that its square does not divide; another rank than 4; the limits.
    pub fn to_space(&self, shape: &[usize]) -> Result<Vec<usize>> {
        let cells = self.block()?;
        let [n, c, h, w] = self.channel_axis.read(shape)?;
        limits::cells("x", shape)?;
        whole_blocks("channels", c, cells)?;
        let grown = |size| limits::cells("output axis", &[size, self.factor]);
        let output = self.channel_axis.order([n, c / cells, grown(h)?, grown(w)?]);
        limits::cells("output", &output)?;
        Ok(output.to_vec())
    }

    /// Shape after [`BlockShuffle::space_to_depth`].
    ///
    /// # Shapes
    /// `[n, c, h * factor, w * factor] -> [n, c * factor * factor, h, w]`
    ///
    /// # Errors
    /// A factor of 0, or one that does not divide height and width; another rank than 4; the limits.
    pub fn to_depth(&self, shape: &[usize]) -> Result<Vec<usize>> {
        let cells = self.block()?;
        let [n, c, h, w] = self.channel_axis.read(shape)?;
        limits::cells("x", shape)?;
        whole_blocks("height", h, self.factor)?;
        whole_blocks("width", w, self.factor)?;
        let channels = limits::cells("output channels", &[c, cells])?;
        let output = self.channel_axis.order([n, channels, h / self.factor, w / self.factor]);
        limits::cells("output", &output)?;
        Ok(output.to_vec())
    }

    /// Moves channels into blocks of space.
    ///
    /// # Shapes
    /// `x: [n, c * factor * factor, h, w] -> [n, c, h * factor, w * factor]`, or with channels last.
    ///
    /// # Errors
    /// As [`BlockShuffle::to_space`]; a buffer whose length does not fit its shape.
    ///
    /// # Source
    /// ONNX operator `DepthToSpace` (opset 13), TensorFlow 2.21 `tf.nn.depth_to_space`.
    ///
    /// ```
    /// use upconv_kernels::reference::pixel_shuffle::{BlockShuffle, ChannelAxis, DepthOrder};
    /// let with = |order| {
    ///     let shuffle = BlockShuffle { factor: 2, order, channel_axis: ChannelAxis::First };
    ///     shuffle.depth_to_space(&[1, 8, 1, 1], &[0, 1, 2, 3, 4, 5, 6, 7])
    /// };
    /// assert_eq!(with(DepthOrder::Crd)?, [0, 1, 2, 3, 4, 5, 6, 7]); // channel 0 is 0 to 3
    /// assert_eq!(with(DepthOrder::Dcr)?, [0, 2, 4, 6, 1, 3, 5, 7]); // channel 0 is the even ones
    /// # Ok::<(), upconv_kernels::KernelError>(())
    /// ```
    pub fn depth_to_space<T: Copy + Default>(&self, shape: &[usize], x: &[T]) -> Result<Vec<T>> {
        let space = self.to_space(shape)?;
        check_len("x", x, shape)?;
        let mut y = vec![T::default(); x.len()];
        self.pairs(shape, &space, |deep, wide| y[wide] = x[deep])?;
        Ok(y)
    }

    /// Moves blocks of space into channels: undoes [`BlockShuffle::depth_to_space`].
    ///
    /// # Shapes
    /// `x: [n, c, h * factor, w * factor] -> [n, c * factor * factor, h, w]`, or with channels last.
    ///
    /// # Errors
    /// As [`BlockShuffle::to_depth`]; a buffer whose length does not fit its shape.
    ///
    /// # Source
    /// ONNX operator `SpaceToDepth` (which has DCR only), TensorFlow 2.21 `tf.nn.space_to_depth`.
    ///
    /// ```
    /// use upconv_kernels::reference::pixel_shuffle::{BlockShuffle, ChannelAxis, DepthOrder};
    /// let shuffle = BlockShuffle {
    ///     factor: 2, order: DepthOrder::Dcr, channel_axis: ChannelAxis::First,
    /// };
    /// let y = shuffle.space_to_depth(&[1, 1, 2, 4], &[0, 1, 2, 3, 4, 5, 6, 7])?;
    /// assert_eq!(y, [0, 2, 1, 3, 4, 6, 5, 7]);
    /// # Ok::<(), upconv_kernels::KernelError>(())
    /// ```
    pub fn space_to_depth<T: Copy + Default>(&self, shape: &[usize], x: &[T]) -> Result<Vec<T>> {
        let depth = self.to_depth(shape)?;
        check_len("x", x, shape)?;
        let mut y = vec![T::default(); x.len()];
        self.pairs(&depth, shape, |deep, wide| y[deep] = x[wide])?;
        Ok(y)
    }

    /// Calls `visit` with the flat positions of every value in the deep and in the wide tensor.
    fn pairs(
        &self,
        deep: &[usize],
        wide: &[usize],
        mut visit: impl FnMut(usize, usize),
    ) -> Result<()> {
        let (cells, r) = (self.block()?, self.factor);
        let [batch, depth, height, width] = self.channel_axis.read(deep)?;
        if deep.contains(&0) {
            return Ok(());
        }
        let channels = depth / cells;
        let flat = |shape: &[usize], position: [usize; 4]| {
            super::index::ravel(&self.channel_axis.order(position), shape)
        };
        for n in 0..batch {
            for c in 0..channels {
                for h in 0..height {
                    for w in 0..width {
                        for cell in 0..cells {
                            let (i, j) = (cell / r, cell % r);
                            let from = self.order.channel(c, channels, cell, cells);
                            visit(
                                flat(deep, [n, from, h, w]),
                                flat(wide, [n, c, h * r + i, w * r + j]),
                            );
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// PyTorch's `pixel_shuffle`: ONNX `DepthToSpace` in order `CRD`.
///
/// # Shapes
/// `x: [n, c * factor * factor, h, w] -> [n, c, h * factor, w * factor]`
///
/// # Errors
/// As [`BlockShuffle::depth_to_space`].
///
/// # Source
/// PyTorch 2.8 `torch.nn.functional.pixel_shuffle`.
///
/// ```
/// use upconv_kernels::reference::pixel_shuffle::pixel_shuffle;
/// let y = pixel_shuffle(&[1, 4, 1, 2], &[1, 5, 2, 6, 3, 7, 4, 8], 2)?;
/// assert_eq!(y, [1, 2, 5, 6, 3, 4, 7, 8]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn pixel_shuffle<T: Copy + Default>(shape: &[usize], x: &[T], factor: usize) -> Result<Vec<T>> {
    torch(factor).depth_to_space(shape, x)
}

/// PyTorch's `pixel_unshuffle`: undoes [`pixel_shuffle`].
///
/// # Shapes
/// `x: [n, c, h * factor, w * factor] -> [n, c * factor * factor, h, w]`
///
/// # Errors
/// As [`BlockShuffle::space_to_depth`].
///
/// # Source
/// PyTorch 2.8 `torch.nn.functional.pixel_unshuffle`.
///
/// ```
/// use upconv_kernels::reference::pixel_shuffle::pixel_unshuffle;
/// let y = pixel_unshuffle(&[1, 1, 2, 4], &[1, 2, 5, 6, 3, 4, 7, 8], 2)?;
/// assert_eq!(y, [1, 5, 2, 6, 3, 7, 4, 8]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn pixel_unshuffle<T: Copy + Default>(
    shape: &[usize],
    x: &[T],
    factor: usize,
) -> Result<Vec<T>> {
    torch(factor).space_to_depth(shape, x)
}

fn whole_blocks(what: &'static str, got: usize, block: usize) -> Result<()> {
    if got.is_multiple_of(block) {
        return Ok(());
    }
    Err(KernelError::NotInBlocks { what, got, block })
}

fn torch(factor: usize) -> BlockShuffle {
    BlockShuffle { factor, order: DepthOrder::Crd, channel_axis: ChannelAxis::First }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_last_is_the_same_data_moved() {
        let (n, depth, h, w) = (2, 12, 2, 3);
        let first: Vec<usize> = (0..n * depth * h * w).collect();
        let mut last = vec![0; first.len()];
        for (flat, &value) in first.iter().enumerate() {
            let p = super::super::index::unravel(flat, &[n, depth, h, w]);
            last[((p[0] * h + p[2]) * w + p[3]) * depth + p[1]] = value;
        }
        for order in [DepthOrder::Crd, DepthOrder::Dcr] {
            let with = |channel_axis| BlockShuffle { factor: 2, order, channel_axis };
            let a = with(ChannelAxis::First).depth_to_space(&[n, depth, h, w], &first).unwrap();
            let b = with(ChannelAxis::Last).depth_to_space(&[n, h, w, depth], &last).unwrap();
            let (c, oh, ow) = (depth / 4, 2 * h, 2 * w);
            for (flat, &value) in a.iter().enumerate() {
                let p = super::super::index::unravel(flat, &[n, c, oh, ow]);
                assert_eq!(b[((p[0] * oh + p[2]) * ow + p[3]) * c + p[1]], value);
            }
        }
    }

    #[test]
    fn there_and_back_changes_nothing() {
        let x: Vec<u32> = (0..2 * 18 * 2 * 5).collect();
        for order in [DepthOrder::Crd, DepthOrder::Dcr] {
            let shuffle = BlockShuffle { factor: 3, order, channel_axis: ChannelAxis::First };
            let y = shuffle.depth_to_space(&[2, 18, 2, 5], &x).unwrap();
            assert_eq!(shuffle.space_to_depth(&[2, 2, 6, 15], &y).unwrap(), x);
        }
    }

    #[test]
    fn bad_sizes_are_errors() {
        assert!(pixel_shuffle(&[1, 4, 1, 1], &[0u8; 4], 0).is_err());
        assert!(pixel_shuffle(&[1, 6, 1, 1], &[0u8; 6], 2).is_err());
        assert!(pixel_shuffle(&[1, 4, 1], &[0u8; 4], 2).is_err());
        assert!(pixel_shuffle(&[1, 4, 1, 1], &[0u8; 3], 2).is_err());
        assert!(pixel_shuffle(&[1, 4, 1, 1], &[0u8; 4], usize::MAX).is_err());
        assert!(pixel_shuffle(&[1, 0, 1 << 40, 1], &[0u8; 0], 1 << 20).is_err());
        assert!(pixel_unshuffle(&[1, 1, 3, 2], &[0u8; 6], 2).is_err());
        assert!(pixel_shuffle(&[1 << 60, 0, 1, 1], &[0u8; 0], 2).unwrap().is_empty());
        assert_eq!(pixel_shuffle(&[0, 4, 1, 1], &[0u8; 0], 2).unwrap(), []);
    }
}
