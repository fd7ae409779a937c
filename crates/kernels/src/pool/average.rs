//! Average pooling.

use super::{PoolWindow, STRETCH, Windows, add_beside, beside};
use crate::error::Result;
use crate::options::PlanOptions;
use crate::parts::each_part;
use crate::simd::loops::Loops;

/// Average pooling of one shape, ready to run.
///
/// Sums are taken in f64. A window that meets no input cell gives 0.
///
/// # Shapes
/// `x, dx: [n, c, input...]`, `y, dy: [n, c, output...]`, or channels last, as the options say.
///
/// ```
/// use upconv_geometry::{ConvPadding, PoolRounding};
/// use upconv_kernels::PlanOptions;
/// use upconv_kernels::pool::{AveragePoolPlan, PoolWindow};
/// let window = PoolWindow {
///     kernel: vec![2], stride: vec![2], dilation: vec![1],
///     padding: vec![ConvPadding::Pads { before: 1, after: 1 }], rounding: PoolRounding::Floor,
/// };
/// let mean = |count_padding| {
///     let plan = AveragePoolPlan::new(&window, count_padding, &[1, 1, 2], &PlanOptions::default())?;
///     let mut y = [0.0; 2];
///     plan.forward(&[4.0, 6.0], &mut y).map(|()| y)
/// };
/// assert_eq!(mean(true)?, [2.0, 3.0]); // each window sees a zero
/// assert_eq!(mean(false)?, [4.0, 6.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
#[derive(Clone, Debug)]
pub struct AveragePoolPlan {
    windows: Windows,
    /// For each axis and each of its windows one over the number of cells counted, or 0 for none.
    shares: [Vec<f64>; 3],
}

impl AveragePoolPlan {
    /// For an input of the shape `x`, in the order `[n, c, spatial...]` whatever the layout is. Of the options
    /// instruction set and layout count.
    ///
    /// With `count_padding` a sum is divided by the window's cells in the input and its padding (Caffe, PyTorch's
    /// default; what reaches beyond the padding, as rounding up allows, does not count); without it by those in
    /// the input (TensorFlow, ONNX's default, PyTorch's `count_include_pad=False`).
    ///
    /// # Errors
    /// As [`PoolWindow::output`]; an instruction set that this CPU lacks.
    pub fn new(
        window: &PoolWindow,
        count_padding: bool,
        x: &[usize],
        options: &PlanOptions,
    ) -> Result<Self> {
        let windows = Windows::new(window, x, options)?;
        let shares = windows.axes.map(|axis| {
            let share = |o| match axis.cells(o).next() {
                Some(_) => 1.0 / axis.count(o, count_padding) as f64,
                None => 0.0,
            };
            (0..axis.output).map(share).collect()
        });
        Ok(Self { windows, shares })
    }

    /// Shape of the output as it lies in memory.
    pub fn output(&self) -> &[usize] {
        &self.windows.y
    }

    /// Writes every element of `y`.
    ///
    /// # Errors
    /// A buffer of the wrong length.
    pub fn forward(&self, x: &[f32], y: &mut [f32]) -> Result<()> {
        self.windows.check(x, y)?;
        let (row, cost) = self.windows.row();
        let run = |first, y: &mut [f32]| self.windows.isa.run(Means { plan: self, first, x, y });
        each_part(y, row, cost, run);
        Ok(())
    }

    /// Writes every element of `dx`: each cell gets its share of the gradients of the windows that see it.
    ///
    /// # Errors
    /// A buffer of the wrong length.
    pub fn backward(&self, dy: &[f32], dx: &mut [f32]) -> Result<()> {
        self.windows.check(dx, dy)?;
        let plane = self.windows.planes().0 * self.windows.inner;
        let run =
            |first, dx: &mut [f32]| self.windows.isa.run(Shares { plan: self, first, dy, dx });
        each_part(dx, plane, plane, run);
        Ok(())
    }
}

/// Output rows from `first` on.
struct Means<'a> {
    plan: &'a AveragePoolPlan,
    first: usize,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Loops for Means<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { plan: AveragePoolPlan { windows, shares }, first, x, y } = self;
        let (inner, stride) = (windows.inner, windows.axes[2].stride);
        let plane = windows.planes().0 * inner;
        let length = windows.stretch() * inner;
        let mut sums = vec![0.0f64; length.max(STRETCH)];
        for (row, y) in y.chunks_exact_mut(windows.row().0.max(1)).enumerate() {
            let [outer, depth, height] = windows.place(first + row);
            let share = shares[0][depth] * shares[1][height];
            let x = &x[outer * plane..][..plane];
            for (part, y) in y.chunks_mut(length).enumerate() {
                let sums = &mut sums[..y.len()];
                sums.fill(0.0);
                let begin = part * windows.stretch();
                let stretch = begin..begin + y.len() / inner;
                for row in windows.rows(depth, height) {
                    for (cells, cell) in windows.taps(&stretch) {
                        let sums = &mut sums[cells.start * inner..cells.end * inner];
                        beside(sums, &x[(row + cell) * inner..], (stride, inner), |_, sum, x| {
                            *sum += f64::from(x);
                        });
                    }
                }
                let shares = &shares[2][stretch];
                if inner == 1 {
                    for ((y, sum), of_axis) in y.iter_mut().zip(sums).zip(shares) {
                        *y = (*sum * (of_axis * share)) as f32;
                    }
                } else {
                    let cells = y.chunks_exact_mut(inner).zip(sums.chunks_exact(inner));
                    for ((y, sums), of_axis) in cells.zip(shares) {
                        let share = of_axis * share;
                        y.iter_mut().zip(sums).for_each(|(y, sum)| *y = (sum * share) as f32);
                    }
                }
            }
        }
    }
}

/// Input planes from `first` on.
struct Shares<'a> {
    plan: &'a AveragePoolPlan,
    first: usize,
    dy: &'a [f32],
    dx: &'a mut [f32],
}

impl Loops for Shares<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { plan: AveragePoolPlan { windows, shares }, first, dy, dx } = self;
        let (inner, wide) = (windows.inner, windows.axes[2]);
        let (cells, outputs) = windows.planes();
        let (plane, row) = ((cells * inner).max(1), (wide.output * inner).max(1));
        let mut own = vec![0.0f32; row];
        for (number, dx) in dx.chunks_exact_mut(plane).enumerate() {
            dx.fill(0.0);
            let dy = &dy[(first + number) * outputs * inner..][..outputs * inner];
            for (number, dy) in dy.chunks_exact(row).enumerate() {
                let [_, depth, height] = windows.place(number);
                let share = shares[0][depth] * shares[1][height];
                if inner == 1 {
                    for ((own, dy), of_axis) in own.iter_mut().zip(dy).zip(&shares[2]) {
                        *own = dy * (of_axis * share) as f32;
                    }
                } else {
                    let cells = own.chunks_exact_mut(inner).zip(dy.chunks_exact(inner));
                    for ((own, dy), of_axis) in cells.zip(&shares[2]) {
                        let share = (of_axis * share) as f32;
                        own.iter_mut().zip(dy).for_each(|(own, dy)| *own = dy * share);
                    }
                }
                for row in windows.rows(depth, height) {
                    for (cells, cell) in windows.taps(&(0..wide.output)) {
                        let own = &own[cells.start * inner..cells.end * inner];
                        add_beside(&mut dx[(row + cell) * inner..], own, (wide.stride, inner));
                    }
                }
            }
        }
    }
}
