//! The sizes of a tensor as operations along its channels see it.

use crate::error::{Result, check_len};
use crate::options::Layout;

/// A tensor of `batch` images with `channels` channels of `cells` cells (the product of the spatial axes), in
/// the order that the layout says: `[batch, channels, cells]` or `[batch, cells, channels]`.
///
/// ```
/// use upconv_kernels::{Extent, Layout};
/// let extent = Extent::of(&[2, 3, 4, 5], Layout::Nchw)?;
/// assert_eq!((extent.batch, extent.channels, extent.cells), (2, 3, 20));
/// let extent = Extent::of(&[2, 4, 5, 3], Layout::Nhwc)?;
/// assert_eq!((extent.batch, extent.channels, extent.cells), (2, 3, 20));
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extent {
    /// Images.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Cells of one channel of one image; 1 where there are no spatial axes.
    pub cells: usize,
    /// Order of the axes.
    pub layout: Layout,
}

impl Extent {
    /// Of a shape as it lies in memory, batch first; any number of spatial axes, also none.
    ///
    /// # Errors
    /// Fewer than 2 axes; more cells than the limits allow.
    pub fn of(shape: &[usize], layout: Layout) -> Result<Self> {
        let (&[batch, first, ref rest @ ..], Some(&last)) = (shape, shape.last()) else {
            let (tensor, expected, got) = ("x", 2, shape.len());
            let error = upconv_geometry::GeometryError::RankMismatch { tensor, expected, got };
            return Err(error.into());
        };
        let (channels, spatial) = match layout {
            Layout::Nchw => (first, rest),
            Layout::Nhwc => (last, &shape[1..shape.len() - 1]),
        };
        let cells = upconv_geometry::limits::cells("x", spatial)?;
        let extent = Self { batch, channels, cells, layout };
        extent.len()?;
        Ok(extent)
    }

    /// The shape as it lies in memory.
    pub(crate) fn shape(&self) -> [usize; 3] {
        match self.layout {
            Layout::Nchw => [self.batch, self.channels, self.cells],
            Layout::Nhwc => [self.batch, self.cells, self.channels],
        }
    }

    fn len(&self) -> Result<usize> {
        Ok(upconv_geometry::limits::cells("x", &self.shape())?)
    }

    /// Checks the length of a tensor.
    pub(crate) fn check<T>(&self, tensor: &'static str, values: &[T]) -> Result<()> {
        check_len(tensor, values, &self.shape())
    }

    /// Whether the values of one channel lie side by side, rather than those of one cell. Where both do, cells
    /// are the longer rows.
    pub(crate) fn has_planes(&self) -> bool {
        self.layout == Layout::Nchw && self.cells > 1
    }
}
