//! Operations that move values and compute none: crops, pixel shuffle, and the way back from a max pooling.

use upconv_geometry::{GeometryError, limits};

use super::graph::{Graph, Operation, Value, check_shape};
use super::network::NetworkOptions;
use super::step::{Step, plan_options};
use crate::error::{KernelError, Result};
use crate::idle::Idle;
use crate::options::Layout;
use crate::parts::each_part;
use crate::pool::{MaxPoolPlan, PoolWindow};
use crate::reference::pixel_shuffle::{BlockShuffle, ChannelAxis, DepthOrder};

/// Cells of a plane whose numbers an `f32` holds exactly: 2^24.
const EXACT: usize = 1 << f32::MANTISSA_DIGITS;

#[derive(Debug)]
pub(super) enum Rearrange {
    /// From this cell on along each spatial axis.
    Crop(Vec<usize>),
    PixelShuffle {
        factor: usize,
        order: DepthOrder,
    },
    /// Where the maxima of a pooling are.
    MaxPositions(PoolWindow),
    /// The first value where the second says, in the planes that the pooling had.
    MaxUnpool(PoolWindow),
}

impl Graph<'_> {
    /// The cells from `begin` on, `size` of them along each spatial axis.
    ///
    /// # Errors
    /// Another number of axes; a size of 0; cells outside of `x`.
    pub fn crop(&mut self, x: Value, begin: &[usize], size: &[usize]) -> Result<Value> {
        let input = self.shape(x).to_vec();
        for (attribute, got) in [("begin", begin.len()), ("size", size.len())] {
            if got != input.len() - 2 {
                let expected = input.len() - 2;
                return Err(GeometryError::AttributeLength { attribute, expected, got }.into());
            }
        }
        for (axis, ((&begin, &size), &input)) in begin.iter().zip(size).zip(&input[2..]).enumerate()
        {
            if size == 0 {
                return Err(GeometryError::OutputSizeNotPositive { axis, got: 0 }.into());
            }
            if begin.checked_add(size).is_none_or(|end| end > input) {
                return Err(KernelError::CropOutside { axis, begin, size, input });
            }
        }
        let shape = [&input[..2], size].concat();
        let operation = Operation::Rearrange(Rearrange::Crop(begin.to_vec()));
        Ok(self.push(operation, &[x], shape))
    }

    /// Pixel shuffle, `[n, c * factor * factor, h, w] -> [n, c, h * factor, w * factor]`.
    ///
    /// # Errors
    /// A factor of 0; channels that its square does not divide; other than 2 spatial axes.
    pub fn pixel_shuffle(&mut self, x: Value, factor: usize, order: DepthOrder) -> Result<Value> {
        let shuffle = BlockShuffle { factor, order, channel_axis: ChannelAxis::First };
        let shape = shuffle.to_space(self.shape(x))?;
        let operation = Operation::Rearrange(Rearrange::PixelShuffle { factor, order });
        Ok(self.push(operation, &[x], shape))
    }

    /// Where [`Graph::max_pool`] finds each maximum: the number of its cell in its plane of `x`, as a float.
    ///
    /// # Errors
    /// A window that does not fit; planes of more than 2^24 cells, beyond which floats skip numbers.
    pub fn max_positions(&mut self, x: Value, window: &PoolWindow) -> Result<Value> {
        let shape = window.output(self.shape(x))?;
        if limits::cells("plane", &self.shape(x)[2..])? > EXACT {
            let reason = "positions count to 2^24, and a plane of x has more cells";
            return Err(KernelError::Unsupported { option: "max positions", reason });
        }
        let operation = Operation::Rearrange(Rearrange::MaxPositions(window.clone()));
        Ok(self.push(operation, &[x], shape))
    }

    /// Puts the values of `x` where `positions` say, into planes of `output` cells and zeros. `window` is that of the
    /// pooling that found the positions in planes of that size; of two values for one cell the last in row-major order
    /// stays.
    ///
    /// # Errors
    /// Positions of another shape than `x`; planes that the pooling does not bring to the size of `x`.
    pub fn max_unpool(
        &mut self,
        x: Value,
        positions: Value,
        window: &PoolWindow,
        output: &[usize],
    ) -> Result<Value> {
        let input = self.shape(x);
        check_shape("positions", self.shape(positions), input)?;
        let shape = [&input[..2], output].concat();
        check_shape("x", input, &window.output(&shape)?)?;
        let operation = Operation::Rearrange(Rearrange::MaxUnpool(window.clone()));
        Ok(self.push(operation, &[x, positions], shape))
    }
}

impl Rearrange {
    /// The operation from `x` to `y`, whose shapes are in the order NCHW.
    pub(super) fn prepare(
        self,
        x: &[usize],
        y: &[usize],
        options: &NetworkOptions,
    ) -> Result<Box<dyn Step>> {
        let layout = options.inside;
        Ok(match self {
            Self::Crop(begin) => Box::new(Crop::new(&begin, x, y, layout)),
            Self::PixelShuffle { factor, order } => {
                Box::new(Shuffle { factor, order, y: y.to_vec(), layout })
            }
            Self::MaxPositions(window) => {
                let plan = MaxPoolPlan::new(&window, x, &plan_options(options))?;
                Box::new(MaxPositions { plan, idle: Idle::new() })
            }
            Self::MaxUnpool(window) => Box::new(Unpool::new(&window, x, y, layout)?),
        })
    }
}

/// A shape as it lies in memory, where the last two axes of channels last count as one.
fn rows(nchw: &[usize], layout: Layout) -> Vec<usize> {
    let mut shape = nchw.to_vec();
    if layout == Layout::Nhwc {
        shape[1..].rotate_left(1);
        let channels = shape.pop().unwrap_or(1);
        if let Some(last) = shape.last_mut() {
            *last *= channels;
        }
    }
    shape
}

/// Copies row by row.
#[derive(Debug)]
struct Crop {
    x: Vec<usize>,
    y: Vec<usize>,
    /// Of the first row, and in it.
    begin: Vec<usize>,
}

impl Crop {
    fn new(begin: &[usize], x: &[usize], y: &[usize], layout: Layout) -> Self {
        let mut from = [&[0, 0], begin].concat();
        if layout == Layout::Nhwc {
            // In values of a row, as `rows` counts.
            from.remove(1);
            if let Some(last) = from.last_mut() {
                *last *= x[1];
            }
        }
        Self { x: rows(x, layout), y: rows(y, layout), begin: from }
    }
}

impl Step for Crop {
    fn kind(&self) -> &'static str {
        "crop"
    }

    fn run(&self, x: &[&[f32]], y: &mut [f32]) -> Result<()> {
        let last = self.y.len() - 1;
        let row = self.y[last];
        each_part(y, row, row, |first, y| {
            for (at, y) in y.chunks_exact_mut(row).enumerate() {
                // The place of the row in x: `begin + size <= input` on each axis keeps it inside.
                let (mut rest, mut from, mut step) = (first + at, self.begin[last], self.x[last]);
                for axis in (0..last).rev() {
                    from += (self.begin[axis] + rest % self.y[axis]) * step;
                    (rest, step) = (rest / self.y[axis], step * self.x[axis]);
                }
                y.copy_from_slice(&x[0][from..][..row]);
            }
        });
        Ok(())
    }
}

#[derive(Debug)]
struct Shuffle {
    factor: usize,
    order: DepthOrder,
    /// In the order NCHW.
    y: Vec<usize>,
    layout: Layout,
}

impl Step for Shuffle {
    fn kind(&self) -> &'static str {
        "pixel_shuffle"
    }

    fn run(&self, x: &[&[f32]], y: &mut [f32]) -> Result<()> {
        let (x, r, block) = (x[0], self.factor, self.factor * self.factor);
        let &[_, channels, high, wide] = &self.y[..] else { return Ok(()) };
        let (deep, h, w) = (channels * block, high / r, wide / r);
        let from =
            |c, row, column| self.order.channel(c, channels, row % r * r + column % r, block);
        match self.layout {
            // A row of one channel.
            Layout::Nchw => each_part(y, wide, wide, |first, y| {
                for (at, y) in y.chunks_exact_mut(wide).enumerate() {
                    let (plane, row) = ((first + at) / high, (first + at) % high);
                    let (n, c) = (plane / channels, plane % channels);
                    for column in 0..r {
                        let source = n * deep + from(c, row, column);
                        let x = &x[(source * h + row / r) * w..][..w];
                        y[column..].iter_mut().step_by(r).zip(x).for_each(|(y, &x)| *y = x);
                    }
                }
            }),
            // The channels of a cell.
            Layout::Nhwc => each_part(y, channels, channels, |first, y| {
                for (at, y) in y.chunks_exact_mut(channels).enumerate() {
                    let (line, column) = ((first + at) / wide, (first + at) % wide);
                    let (n, row) = (line / high, line % high);
                    let x = &x[((n * h + row / r) * w + column / r) * deep..][..deep];
                    y.iter_mut().enumerate().for_each(|(c, y)| *y = x[from(c, row, column)]);
                }
            }),
        }
        Ok(())
    }
}

/// The values of the pooling, which nobody asks for here, and the positions as the pooling counts them.
type Found = (Vec<f32>, Vec<i32>);

#[derive(Debug)]
struct MaxPositions {
    plan: MaxPoolPlan,
    idle: Idle<Found>,
}

impl MaxPositions {
    fn values(&self) -> usize {
        self.plan.output().iter().product()
    }
}

impl Step for MaxPositions {
    fn kind(&self) -> &'static str {
        "max_positions"
    }

    fn run(&self, x: &[&[f32]], y: &mut [f32]) -> Result<()> {
        let values = self.values();
        let new = || (vec![0.0; values], vec![0; values]);
        let (mut maxima, mut positions) = self.idle.take().unwrap_or_else(new);
        self.plan.forward_with_positions(x[0], &mut maxima, &mut positions)?;
        each_part(y, 1, 1, |first, y| {
            // Exact: planes have at most 2^24 cells.
            y.iter_mut().zip(&positions[first..]).for_each(|(y, &at)| *y = at as f32);
        });
        self.idle.put((maxima, positions));
        Ok(())
    }

    fn workspace_bytes(&self) -> usize {
        self.values() * (size_of::<f32>() + size_of::<i32>())
    }
}

/// Every cell looks for the windows that it lies in, so that cells are written once, in any order.
#[derive(Debug)]
struct Unpool {
    /// For each cell of each of three axes the windows in which it lies, in order.
    windows: [Vec<Vec<usize>>; 3],
    /// Windows along each axis.
    pooled: [usize; 3],
    /// Values that lie side by side: the channels, or one.
    inner: usize,
}

impl Unpool {
    fn new(window: &PoolWindow, x: &[usize], y: &[usize], layout: Layout) -> Result<Self> {
        let axes = window.axes(y)?;
        // Axes that are not there have one cell in one window.
        let mut windows = [const { Vec::new() }; 3];
        windows.fill(vec![vec![0]]);
        let mut pooled = [1; 3];
        for (at, axis) in axes.iter().enumerate() {
            let mut of_cell = vec![Vec::new(); axis.input];
            for o in 0..axis.output {
                axis.cells(o).for_each(|cell| of_cell[cell].push(o));
            }
            (windows[at + 3 - axes.len()], pooled[at + 3 - axes.len()]) = (of_cell, axis.output);
        }
        Ok(Self { windows, pooled, inner: if layout == Layout::Nchw { 1 } else { x[1] } })
    }
}

impl Step for Unpool {
    fn kind(&self) -> &'static str {
        "max_unpool"
    }

    fn run(&self, x: &[&[f32]], y: &mut [f32]) -> Result<()> {
        let &[x, positions] = x else { return Ok(()) };
        let (inner, pooled) = (self.inner, self.pooled);
        let [deep, high, wide] = self.windows.each_ref().map(Vec::len);
        let row = wide * inner;
        each_part(y, row, row, |first, y| {
            y.fill(0.0);
            for (at, y) in y.chunks_exact_mut(row).enumerate() {
                let line = first + at;
                let (outer, d, h) = (line / high / deep, line / high % deep, line % high);
                for &from_d in &self.windows[0][d] {
                    for &from_h in &self.windows[1][h] {
                        let from = ((outer * pooled[0] + from_d) * pooled[1] + from_h) * pooled[2];
                        for (w, y) in y.chunks_exact_mut(inner).enumerate() {
                            // Below 2^24, as the positions are.
                            let own = ((d * high + h) * wide + w) as f32;
                            for &from_w in &self.windows[2][w] {
                                let from = (from + from_w) * inner;
                                let found = x[from..][..inner].iter().zip(&positions[from..]);
                                for (y, (&x, &position)) in y.iter_mut().zip(found) {
                                    *y = if position == own { x } else { *y };
                                }
                            }
                        }
                    }
                }
            }
        });
        Ok(())
    }
}
