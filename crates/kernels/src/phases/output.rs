//! The output side of a task: the planes, or the parts of them, that it alone writes.

use std::ops::Range;

use crate::options::Layout;
use crate::simd::writes::Writes;

/// Values that lie in an L2 cache beside what a task works in: 256 KiB.
pub(super) const NEAR: usize = 64 * 1024;
/// Values of a whole output that is streamed: from 8 MiB on little of it would still be in a cache when it is
/// read again. Only in NCHW, where rows are long enough for it to be worth while.
pub(super) const FAR: usize = 2 * 1024 * 1024;

/// What one task writes.
pub(crate) struct Output<'a> {
    /// NCHW: a slice for each image and channel; NHWC: a slice for each image, or for each cell of it if the task has
    /// not all channels.
    pub(crate) slices: Vec<&'a mut [f32]>,
    pub(crate) layout: Layout,
    pub(crate) images: Range<usize>,
    /// Channels of the whole tensor.
    pub(crate) channels: Range<usize>,
    /// The cell that each slice begins with.
    pub(crate) first_cell: usize,
    /// Cells of each image.
    pub(crate) cells: usize,
    /// Channels of the whole tensor: the step from cell to cell in NHWC.
    pub(crate) all_channels: usize,
    pub(crate) writes: Writes,
}

impl Output<'_> {
    /// Whether a channel is the task's to write.
    pub(crate) fn holds(&self, channel: usize) -> bool {
        self.channels.contains(&channel)
    }

    /// Values from cell to cell.
    pub(crate) fn cell_step(&self) -> i64 {
        match self.layout {
            Layout::Nchw => 1,
            Layout::Nhwc => self.all_channels as i64,
        }
    }

    /// Whether every cell is a slice of its own.
    pub(crate) fn cells_apart(&self) -> bool {
        self.layout == Layout::Nhwc && self.channels.len() < self.all_channels
    }

    /// The first slice of an image.
    pub(crate) fn image(&self, image: usize) -> usize {
        let image = image - self.images.start;
        match self.layout {
            Layout::Nchw => image * self.channels.len(),
            Layout::Nhwc if self.cells_apart() => image * self.cells,
            Layout::Nhwc => image,
        }
    }

    /// Which slice of an image holds a channel, and where in a cell of it the channel lies; before the task's first one that is
    /// negative.
    pub(crate) fn channel(&self, channel: usize) -> (usize, i64) {
        match self.layout {
            Layout::Nchw => (channel - self.channels.start, 0),
            Layout::Nhwc => (0, channel as i64 - self.channels.start as i64),
        }
    }
}
