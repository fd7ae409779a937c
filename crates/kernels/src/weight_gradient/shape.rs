//! The sizes of both sides of a coupling, where their values lie, and where taps meet cells.

use std::ops::Range;

use crate::conv_transpose::coupling::{AxisMap, Coupling};
use crate::options::Layout;
use crate::simd::Detected;
use crate::simd::transpose::{Places, Spread};

/// A coupling, with the layout of its tensors.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) isa: Detected,
    pub(super) layout: Layout,
    pub(super) batch: usize,
    pub(super) groups: usize,
    /// Coarse channels of a group.
    pub(super) coarse_channels: usize,
    /// Fine channels of a group.
    pub(super) fine_channels: usize,
    pub(super) taps: usize,
    /// Values that all buffers find room for, see [`Coupling::room`].
    pub(super) room: usize,
    pub(super) axes: [AxisMap; 3],
    pub(super) coarse: Strides,
    pub(super) fine: Strides,
}

/// Steps in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strides {
    pub(super) image: usize,
    pub(super) channel: usize,
    pub(super) cell: usize,
}

impl Strides {
    fn new(layout: Layout, channels: usize, cells: usize) -> Self {
        let image = channels * cells;
        match layout {
            Layout::Nchw => Self { image, channel: cells, cell: 1 },
            Layout::Nhwc => Self { image, channel: 1, cell: channels },
        }
    }
}

/// Planes of one tensor at equal steps.
#[derive(Clone, Copy)]
pub(super) struct Planes<'a> {
    values: &'a [f32],
    strides: Strides,
    /// Where the first of them begins in an image.
    first: usize,
    step: usize,
    pub(super) number: usize,
}

impl<'a> Planes<'a> {
    /// Some of the planes.
    pub(super) fn part(&self, range: Range<usize>) -> Self {
        let number = range.len().min(self.number - range.start);
        Self { first: self.first + range.start * self.step, number, ..*self }
    }

    /// Lines of all planes, one for each cell from `cell` on.
    pub(super) fn lines<'b>(&self, image: usize, cell: usize, places: &'b Places) -> Spread<'b>
    where
        'a: 'b,
    {
        Spread {
            from: &self.values
                [image * self.strides.image + self.first + cell * self.strides.cell..],
            channel_step: self.step,
            cell_step: self.strides.cell,
            channels: self.number,
            places,
        }
    }

    /// Whether lines lie in memory side by side.
    pub(super) fn are_side_by_side(&self) -> bool {
        self.strides.cell == self.number && (self.number == 1 || self.step == 1)
    }

    /// So many lines that lie side by side.
    pub(super) fn side_by_side(&self, image: usize, cell: usize, cells: usize) -> &'a [f32] {
        let first = image * self.strides.image + self.first + cell * self.strides.cell;
        &self.values[first..first + cells * self.number]
    }
}

/// Both tensors.
#[derive(Clone, Copy)]
pub(super) struct Data<'a> {
    pub(super) coarse: &'a [f32],
    pub(super) fine: &'a [f32],
}

impl Shape {
    pub(super) fn new(c: &Coupling, isa: Detected, layout: Layout) -> Self {
        Self {
            isa,
            layout,
            batch: c.batch,
            groups: c.groups,
            coarse_channels: c.coarse_channels,
            fine_channels: c.fine_channels,
            taps: c.taps,
            room: c.room(),
            axes: c.axes.clone(),
            coarse: Strides::new(layout, c.groups * c.coarse_channels, c.coarse_cells),
            fine: Strides::new(layout, c.groups * c.fine_channels, c.fine_cells),
        }
    }

    /// The same product with images as cells of one axis, for planes of one coarse cell whose taps are the
    /// fine cells one by one: the fine channels and taps of an image are the taps of a kernel, as long as
    /// they can be cut into whole registers.
    pub(super) fn images_as_cells(&self) -> Option<Self> {
        let whole = |map: &AxisMap| {
            map.coarse == 1 && map.fine == map.kernel && map.dilation == 1 && map.window_begin == 0
        };
        if self.layout != Layout::Nchw || self.batch < 2 || !self.axes.iter().all(whole) {
            return None;
        }
        let (values, lanes) = (self.fine_channels * self.taps, self.isa.lanes());
        let kernel = [4 * lanes, lanes].into_iter().find(|kernel| values.is_multiple_of(*kernel));
        let kernel = kernel.unwrap_or(values);
        if kernel > super::MOST {
            return None;
        }
        let unit =
            || AxisMap { coarse: 1, fine: 1, stride: 1, kernel: 1, dilation: 1, window_begin: 0 };
        let images = AxisMap {
            coarse: self.batch,
            fine: (self.batch - 1) * self.fine.image + kernel,
            stride: self.fine.image,
            kernel,
            ..unit()
        };
        Some(Self {
            batch: 1,
            fine_channels: values / kernel,
            taps: kernel,
            axes: [unit(), unit(), images],
            coarse: Strides { image: 0, channel: 1, cell: self.coarse.image },
            fine: Strides { image: 0, channel: kernel, cell: 1 },
            ..self.clone()
        })
    }

    /// Coarse cells of all images.
    pub(super) fn cells(&self) -> usize {
        self.axes.iter().map(|map| map.coarse).product::<usize>() * self.batch
    }

    /// Fine cells for each coarse one that some tap reaches.
    pub(super) fn reached(&self) -> f64 {
        let of = |map: &AxisMap| {
            let extent = (map.kernel - 1).saturating_mul(map.dilation) + 1;
            (map.fine as f64 / map.coarse as f64).min(extent as f64)
        };
        self.axes.iter().map(of).product()
    }

    /// Elements of the weight of one group.
    pub(super) fn elements(&self) -> usize {
        self.coarse_channels * self.fine_channels * self.taps
    }

    /// Coarse channels of one group.
    pub(super) fn coarse_channels<'a>(
        &self,
        data: Data<'a>,
        group: usize,
        channels: &Range<usize>,
    ) -> Planes<'a> {
        let first = (group * self.coarse_channels + channels.start) * self.coarse.channel;
        let (strides, step) = (self.coarse, self.coarse.channel);
        Planes { values: data.coarse, strides, first, step, number: channels.len() }
    }

    /// Fine channels of one group.
    pub(super) fn fine_channels<'a>(
        &self,
        data: Data<'a>,
        group: usize,
        channels: &Range<usize>,
    ) -> Planes<'a> {
        let first = (group * self.fine_channels + channels.start) * self.fine.channel;
        let (strides, step) = (self.fine, self.fine.channel);
        Planes { values: data.fine, strides, first, step, number: channels.len() }
    }

    /// The same coarse channel of several groups.
    pub(super) fn coarse_groups<'a>(
        &self,
        data: Data<'a>,
        groups: &Range<usize>,
        channel: usize,
    ) -> Planes<'a> {
        let planes = self.coarse_channels(data, groups.start, &(channel..channel + 1));
        Planes { step: self.coarse_channels * planes.step, number: groups.len(), ..planes }
    }

    /// The same fine channel of several groups.
    pub(super) fn fine_groups<'a>(
        &self,
        data: Data<'a>,
        groups: &Range<usize>,
        channel: usize,
    ) -> Planes<'a> {
        let planes = self.fine_channels(data, groups.start, &(channel..channel + 1));
        Planes { step: self.fine_channels * planes.step, number: groups.len(), ..planes }
    }

    /// A flat tap.
    pub(super) fn tap(&self, [a, b, c]: [usize; 3]) -> usize {
        (a * self.axes[1].kernel + b) * self.axes[2].kernel + c
    }
}

/// The fine cell of coarse cell 0 through a tap; it may lie outside.
pub(super) fn offset(map: &AxisMap, tap: usize) -> i64 {
    (tap * map.dilation) as i64 - map.window_begin
}

/// The cells of `range` whose fine cell exists: `0 <= q * stride + offset < fine`.
pub(super) fn valid(map: &AxisMap, tap: usize, range: &Range<usize>) -> Range<usize> {
    let (offset, stride) = (offset(map, tap), map.stride as i64);
    let first = (-offset.div_euclid(stride)).clamp(range.start as i64, range.end as i64);
    let end =
        ((map.fine as i64 - 1 - offset).div_euclid(stride) + 1).clamp(first, range.end as i64);
    first as usize..end.max(first) as usize
}

/// The share of all pairs of tap and cell of an axis that meet a fine cell.
pub(super) fn met(map: &AxisMap) -> f64 {
    // A sum over a great many taps would take longer than it is worth.
    let step = map.kernel.div_ceil(256);
    let taps = (0..map.kernel).step_by(step);
    let number = taps.clone().count();
    let met: usize = taps.map(|tap| valid(map, tap, &(0..map.coarse)).len()).sum();
    met as f64 / (number * map.coarse) as f64
}

/// Coarse cells that are packed together: a box of them, of some images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) images: Range<usize>,
    pub(super) axes: [Range<usize>; 3],
}

impl Block {
    /// Cells of one image.
    pub(super) fn plane(&self) -> usize {
        self.axes.iter().map(Range::len).product()
    }

    pub(super) fn cells(&self) -> usize {
        self.images.len() * self.plane()
    }

    /// Rows of cells that lie side by side in one image of the coarse side: where each begins, and how many
    /// cells all of them have.
    pub(super) fn rows(&self, shape: &Shape) -> (Vec<usize>, usize) {
        let [a, b, c] = &self.axes;
        let whole = |axis: usize| self.axes[axis].len() == shape.axes[axis].coarse;
        let mut length = c.len();
        let (mut number, mut inner) = ([a.len(), b.len()], 2);
        while inner > 0 && whole(inner) {
            inner -= 1;
            length *= std::mem::replace(&mut number[inner], 1);
        }
        let first = |i: usize, j: usize| {
            ((a.start + i) * shape.axes[1].coarse + b.start + j) * shape.axes[2].coarse + c.start
        };
        let [rows, columns] = number;
        let all = (0..rows).flat_map(|i| (0..columns).map(move |j| first(i, j))).collect();
        (all, length)
    }
}

/// All blocks. They follow from the sizes alone, as they set the order of the sum and so its last bits.
#[derive(Clone, Debug)]
pub(super) struct Blocks {
    /// Images and cells, and how many of them a block has.
    all: [usize; 4],
    step: [usize; 4],
}

/// Most steps that are summed in registers in one go.
pub(super) const STEPS: usize = 256;
/// Most cells of a block.
const CELLS: usize = 1024;
/// Cells of a block where a cache is small for them.
const FEW: usize = 64;
/// The same where the layer is small.
const LEAST: usize = 16;

impl Blocks {
    /// The largest blocks whose values of both panels, that `panels` counts for extents (images and axes), stay
    /// in a cache of `cache` values each and find room in half of the layer's, or those of a few cells.
    pub(super) fn new(
        shape: &Shape,
        cache: [usize; 2],
        panels: impl Fn([usize; 4]) -> [usize; 2],
    ) -> Self {
        let mut cells = CELLS;
        loop {
            let blocks = Self::of(shape, cells);
            let [a, b] = panels(blocks.step);
            let near = cells <= FEW || (a <= cache[0] && b <= cache[1]);
            if cells <= LEAST || (near && a.saturating_add(b) <= shape.room / 2) {
                return blocks;
            }
            cells /= 2;
        }
    }

    fn of(shape: &Shape, cells: usize) -> Self {
        let [a, b, c] = shape.axes.each_ref().map(|map| map.coarse);
        // Equal parts, so that none is a small rest.
        let part = |all: usize, most: usize| {
            let number = all.div_ceil(most.clamp(1, all.max(1)));
            all.div_ceil(number.max(1)).max(1)
        };
        let x = part(c, cells.min(STEPS));
        let y = if x == c { part(b, cells / x) } else { 1 };
        let z = if y == b { part(a, cells / (x * y)) } else { 1 };
        let images = if z == a { (cells / (x * y * z)).min(STEPS / x).max(1) } else { 1 };
        Self { all: [shape.batch, a, b, c], step: [part(shape.batch, images), z, y, x] }
    }

    pub(super) fn number(&self) -> usize {
        (0..4).map(|n| self.all[n].div_ceil(self.step[n])).product()
    }

    /// Images and axes of the largest block.
    pub(super) fn extents(&self) -> [usize; 4] {
        self.step
    }

    pub(super) fn get(&self, mut index: usize) -> Block {
        let mut range = |n: usize| {
            let number = self.all[n].div_ceil(self.step[n]);
            let first = index % number * self.step[n];
            index /= number;
            first..(first + self.step[n]).min(self.all[n])
        };
        let axes = [range(3), range(2), range(1)];
        let [c, b, a] = axes;
        Block { images: range(0), axes: [a, b, c] }
    }
}
